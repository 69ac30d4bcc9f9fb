"""How workflows, their versions and the differences between them are shown."""

from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

from msgspec import Meta, Raw, Struct, field
from msgspec.structs import asdict

from app.http.problem_views import FaultView, fault_views
from events.errors import shortened
from events.graph.diff import GraphDiff, InputsDiff, NodesDiff
from events.graph.externals.classes import unknown_externals
from events.graph.inputs import InputField
from events.graph.nodes import Graph
from events.workflow import Workflow, WorkflowVersionCreated

SHOWN_VERSIONS = 20
"""Versions that are shown with their workflow; all of them are a list of their own."""


class VersionView(Struct, frozen=True, kw_only=True):
    """A version of a workflow."""

    workflow_id: UUID
    name: str
    version_id: UUID
    version: int
    source: Annotated[
        str,
        Meta(description="What was pushed: api, or ui where the graph was made from the editor's."),
    ]

    inputs: tuple[InputField, ...]
    comment: str
    author: str
    created_at: datetime


class PushedVersionView(VersionView, frozen=True, kw_only=True):
    """A version that was just pushed, and what its author should know."""

    warnings: Annotated[
        list[FaultView],
        Meta(
            description="Nodes that look like inputs and are none; pointers lead into its graph in "
            "API format."
        ),
    ]


class VersionDetailView(VersionView, frozen=True, kw_only=True):
    """A version with all that it holds."""

    graph: Annotated[dict[str, Any], Meta(description="In API format: what runs.")]

    ui_graph: Annotated[
        dict[str, Any] | None,
        Meta(description="As the editor saved it, where it was pushed."),
    ]

    custom_nodes: Annotated[
        dict[str, Any],
        Meta(description="Packs of custom nodes by name, as they were when it was pushed."),
    ]


class WorkflowItemView(Struct, frozen=True, kw_only=True):
    """A workflow in a list."""

    id: UUID
    name: str
    created_at: datetime
    updated_at: Annotated[datetime, Meta(description="When its latest version was pushed.")]

    version_count: int
    latest: VersionView


class WorkflowView(WorkflowItemView, frozen=True, kw_only=True):
    """A workflow with its latest versions, newest first."""

    versions: list[VersionView]


class DiffView(Struct, frozen=True, kw_only=True):
    """What is different between two versions."""

    from_: int = field(name="from")
    to: int
    identical: Annotated[
        bool,
        Meta(description="Whether both run the same; comments and layouts do not count."),
    ]

    inputs: InputsDiff
    nodes: NodesDiff


def version_view(workflow: Workflow, version: WorkflowVersionCreated) -> VersionView:
    """Show a version."""
    return VersionView(
        workflow_id=workflow.id,
        name=workflow.name,
        version_id=version.version_id,
        version=version.version,
        source=version.source,
        inputs=version.inputs,
        comment=version.comment,
        author=version.author,
        created_at=version.at,
    )


def pushed_version_view(
    workflow: Workflow, version: WorkflowVersionCreated, graph: Graph, language: str
) -> PushedVersionView:
    """Show a version that was just pushed."""
    found = shortened(unknown_externals(graph))
    return PushedVersionView(
        **asdict(version_view(workflow, version)), warnings=fault_views(found, language)
    )


def version_detail_view(
    workflow: Workflow,
    version: WorkflowVersionCreated,
    *,
    graph: bytes,
    ui_graph: bytes | None,
) -> VersionDetailView:
    """Show a version with its graphs, in JSON: they go out as they are stored."""
    return VersionDetailView(
        **asdict(version_view(workflow, version)),
        graph=_undecoded(graph),
        ui_graph=_undecoded(ui_graph) if ui_graph is not None else None,
        custom_nodes=dict(version.custom_nodes),
    )


def _undecoded(graph: bytes) -> dict[str, Any]:
    """Put JSON into an answer as it is; the description knows what is in it."""
    return cast("dict[str, Any]", Raw(graph))


def workflow_item_view(workflow: Workflow) -> WorkflowItemView:
    """Show a workflow in a list."""
    return WorkflowItemView(
        id=workflow.id,
        name=workflow.name,
        created_at=workflow.created_at,
        updated_at=workflow.updated_at,
        version_count=len(workflow.versions),
        latest=version_view(workflow, workflow.versions[-1]),
    )


def workflow_view(workflow: Workflow) -> WorkflowView:
    """Show a workflow."""
    latest = workflow.versions[: -SHOWN_VERSIONS - 1 : -1]
    return WorkflowView(
        **asdict(workflow_item_view(workflow)),
        versions=[version_view(workflow, version) for version in latest],
    )


def diff_view(before: int, after: int, diff: GraphDiff) -> DiffView:
    """Show what is different."""
    return DiffView(
        from_=before, to=after, identical=diff.is_empty, inputs=diff.inputs, nodes=diff.nodes
    )
