"""What a run is a run of: a version of a workflow, and where it is brought."""

from uuid import UUID

from msgspec import Struct


class RunTarget(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All of a run that its deployment decides. Kept with the run, so it outlives promotions."""

    workflow_id: UUID
    version_id: UUID
    version: int
    deployment_id: UUID
    environment: str
    machine_id: UUID
    graph_key: str
    ui_graph_key: str | None
    workflow_name: str = ""
