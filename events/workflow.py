"""One workflow: its name and its versions, counted 1, 2, 3 without gaps."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from events.errors import NotFound
from events.identity import version_id
from events.inputs import InputField


class WorkflowCreated(Struct, frozen=True, kw_only=True):
    """A workflow got its name."""

    workflow_id: UUID
    name: str
    user_id: str | None
    org_id: str | None
    at: datetime


class WorkflowVersionCreated(Struct, frozen=True, kw_only=True):
    """A graph was saved as the workflow's next version. It never changes."""

    version_id: UUID
    version: int
    graph_key: str
    graph_sha256: str
    ui_graph_key: str | None
    inputs: tuple[InputField, ...]
    comment: str
    author: str
    at: datetime


WorkflowEvent = WorkflowCreated | WorkflowVersionCreated


class Workflow(Struct, frozen=True, kw_only=True):
    """The state of a workflow."""

    id: UUID
    name: str
    user_id: str | None
    org_id: str | None
    created_at: datetime
    updated_at: datetime
    versions: tuple[WorkflowVersionCreated, ...] = ()

    def version(self, number: int) -> WorkflowVersionCreated:
        """Give version *number*.

        Raises:
            NotFound: there is none.

        """
        if not 1 <= number <= len(self.versions):
            raise NotFound(f"this workflow has no version {number}")
        return self.versions[number - 1]


class PushVersion(Struct, frozen=True, kw_only=True):
    """Save a graph as a version; creates the workflow with its first."""

    workflow_id: UUID
    name: str
    user_id: str | None
    org_id: str | None
    graph_key: str
    graph_sha256: str
    ui_graph_key: str | None
    inputs: tuple[InputField, ...]
    comment: str
    author: str
    now: datetime


def evolve(workflow: Workflow | None, event: WorkflowEvent) -> Workflow:
    """Fold one fact into the state."""
    match event:
        case WorkflowCreated():
            return workflow or Workflow(
                id=event.workflow_id,
                name=event.name,
                user_id=event.user_id,
                org_id=event.org_id,
                created_at=event.at,
                updated_at=event.at,
            )
        case WorkflowVersionCreated():
            if workflow is None:
                raise ValueError("a workflow begins with WorkflowCreated")
            return replace(workflow, versions=(*workflow.versions, event), updated_at=event.at)


def decide(workflow: Workflow | None, command: PushVersion) -> list[WorkflowEvent]:
    """Give the facts that follow; the graph of the latest version again adds nothing."""
    events: list[WorkflowEvent] = []
    if workflow is None:
        events.append(
            WorkflowCreated(
                workflow_id=command.workflow_id,
                name=command.name,
                user_id=command.user_id,
                org_id=command.org_id,
                at=command.now,
            )
        )
    versions = workflow.versions if workflow else ()
    if versions and _same(versions[-1], command):
        return []
    number = len(versions) + 1
    return [
        *events,
        WorkflowVersionCreated(
            version_id=version_id(command.workflow_id, number),
            version=number,
            graph_key=command.graph_key,
            graph_sha256=command.graph_sha256,
            ui_graph_key=command.ui_graph_key,
            inputs=command.inputs,
            comment=command.comment,
            author=command.author,
            at=command.now,
        ),
    ]


def _same(latest: WorkflowVersionCreated, command: PushVersion) -> bool:
    return (latest.graph_sha256, latest.ui_graph_key) == (
        command.graph_sha256,
        command.ui_graph_key,
    )
