"""How deployments and their histories are shown."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from app.http.problem_views import FaultView, fault_views
from events.deployment import Action, Deployment, Promotion
from events.graph.inputs import InputField


class DeploymentView(Struct, frozen=True, kw_only=True):
    """A deployment."""

    id: UUID
    workflow_id: UUID
    workflow_name: str
    environment: str
    version_id: UUID
    version: int
    machine_id: UUID
    inputs: tuple[InputField, ...]
    promoted_at: datetime
    created_at: datetime
    warnings: Annotated[
        list[FaultView],
        Meta(
            description="What callers of the version before notice; the pointers name inputs as "
            "callers send them."
        ),
    ]


class PromotionView(Struct, frozen=True, kw_only=True):
    """A version that came to run, by a promotion or a rollback."""

    action: Action
    version: int
    version_id: UUID
    machine_id: UUID
    by: str
    at: datetime
    forced: Annotated[bool, Meta(description="Whether it was promoted in spite of its warnings.")]

    comment: str
    warnings: list[FaultView]


def deployment_view(deployment: Deployment, language: str) -> DeploymentView:
    """Show a deployment."""
    current = deployment.current
    return DeploymentView(
        id=deployment.id,
        workflow_id=current.workflow_id,
        workflow_name=current.workflow_name,
        environment=current.environment,
        version_id=current.version_id,
        version=current.version,
        machine_id=current.machine_id,
        inputs=current.inputs,
        promoted_at=current.at,
        created_at=deployment.created_at,
        warnings=fault_views(current.warnings, language),
    )


def promotion_view(promotion: Promotion, language: str) -> PromotionView:
    """Show a line of a history."""
    return PromotionView(
        action=promotion.action,
        version=promotion.version,
        version_id=promotion.version_id,
        machine_id=promotion.machine_id,
        by=promotion.by,
        at=promotion.at,
        forced=promotion.forced,
        comment=promotion.comment,
        warnings=fault_views(promotion.warnings, language),
    )
