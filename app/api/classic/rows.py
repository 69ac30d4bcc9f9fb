"""How workflows, versions, machines and deployments are shown in the classic dialect: as rows.

Each has the columns of comfyui-deploy's table and the keys that later clients read, so that both
find what they know. Secrets are in none.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, cast

from msgspec import Raw

from app.api.classic.shapes import timestamp
from events.deployment import Deployment
from events.graph.externals.classes import InputKind
from events.graph.inputs import InputField
from events.machine.state import Machine, MachineState
from events.packs import snapshot_of
from events.workflow import Workflow, WorkflowVersionCreated

Json = dict[str, Any]


class ClassicWorkflow(TypedDict):
    """A workflow as a row."""

    id: str
    name: str
    user_id: str | None
    org_id: str | None
    created_at: str | None
    updated_at: str | None
    user_name: str | None
    user_icon: str | None
    cover_image: str | None
    description: str | None
    pinned: bool
    latest_version: int


class ClassicVersion(TypedDict):
    """A version of a workflow as a row."""

    id: str
    workflow_id: str
    version: int
    comment: str
    user_id: str
    created_at: str | None
    updated_at: str | None


class ClassicVersionDetail(ClassicVersion):
    """A version with its graphs; those are null where they are not shown."""

    workflow: dict[str, Any] | None
    workflow_api: dict[str, Any] | None
    snapshot: dict[str, Any] | None


class ClassicDependencies(TypedDict):
    """What a workflow needs on a machine; nothing of it is kept."""

    models: dict[str, list[Any]]


class ClassicWorkflowDetail(ClassicWorkflow):
    """A workflow with its versions, the newest first and alone with its graphs."""

    versions: list[ClassicVersionDetail]
    dependencies: ClassicDependencies


class ClassicSteps(TypedDict):
    """What a machine is built with: nothing, since comfyd builds none."""

    steps: list[Any]


class ClassicMachine(TypedDict):
    """A machine as a row."""

    id: str
    name: str
    user_id: str | None
    org_id: str | None
    endpoint: str | None
    type: str
    status: str
    disabled: bool
    gpu: str | None
    comfyui_version: str | None
    docker_command_steps: ClassicSteps
    created_at: str | None
    updated_at: str | None


class ClassicNamed(TypedDict):
    """A thing by its id and its name."""

    id: str
    name: str


class ClassicInput(TypedDict):
    """An input of a deployment."""

    type: str
    class_type: str
    input_id: str
    default_value: Any
    min_value: float | None
    max_value: float | None
    display_name: str
    description: str


class ClassicDeployment(TypedDict):
    """A deployment as a row, with what it is made of."""

    id: str
    user_id: str | None
    org_id: str | None
    workflow_version_id: str
    workflow_id: str
    machine_id: str
    share_slug: str | None
    description: str | None
    showcase_media: list[Any] | None
    share_options: dict[str, Any] | None
    environment: str
    created_at: str | None
    updated_at: str | None
    workflow: ClassicNamed | ClassicWorkflow
    machine: ClassicNamed | ClassicMachine
    version: ClassicVersionDetail
    input_types: list[ClassicInput]


STATUS_OF_MACHINE: Mapping[MachineState, str] = {
    MachineState.ACTIVE: "ready",
    MachineState.DRAINING: "paused",
    MachineState.DISABLED: "paused",
    MachineState.REMOVED: "error",
}

TYPE_OF_INPUT: Mapping[InputKind, str] = {
    InputKind.INTEGER: "integer",
    InputKind.NUMBER: "float",
    InputKind.SLIDER: "float",
    InputKind.BOOLEAN: "boolean",
}
"""Of all others: string."""


def workflow_row(workflow: Workflow) -> ClassicWorkflow:
    """Show a workflow."""
    return {
        "id": str(workflow.id),
        "name": workflow.name,
        "user_id": workflow.user_id,
        "org_id": workflow.org_id,
        "created_at": timestamp(workflow.created_at),
        "updated_at": timestamp(workflow.updated_at),
        "user_name": workflow.user_id,
        "user_icon": None,
        "cover_image": None,
        "description": None,
        "pinned": False,
        "latest_version": len(workflow.versions),
    }


def version_row(workflow: Workflow, version: WorkflowVersionCreated) -> ClassicVersion:
    """Show a version without its graphs."""
    return {
        "id": str(version.version_id),
        "workflow_id": str(workflow.id),
        "version": version.version,
        "comment": version.comment,
        "user_id": version.author,
        "created_at": timestamp(version.at),
        "updated_at": timestamp(version.at),
    }


def version_detail(
    workflow: Workflow,
    version: WorkflowVersionCreated,
    *,
    graph: bytes | None = None,
    ui_graph: bytes | None = None,
) -> ClassicVersionDetail:
    """Show a version; its graphs are JSON that is put in as it is."""
    return {
        **version_row(workflow, version),
        "workflow": _as_it_is(ui_graph),
        "workflow_api": _as_it_is(graph),
        "snapshot": snapshot_of(version.custom_nodes),
    }


def workflow_detail(
    workflow: Workflow, versions: Sequence[ClassicVersionDetail]
) -> ClassicWorkflowDetail:
    """Show a workflow with its versions."""
    return {**workflow_row(workflow), "versions": [*versions], "dependencies": {"models": {}}}


def machine_row(machine: Machine) -> ClassicMachine:
    """Show a machine; none of its secrets."""
    now = machine.current
    return {
        "id": str(machine.id),
        "name": machine.name,
        "user_id": now.user_id,
        "org_id": now.org_id,
        "endpoint": machine.url,
        "type": "classic",
        "status": STATUS_OF_MACHINE[machine.state],
        "disabled": machine.state is MachineState.DISABLED,
        "gpu": None,
        "comfyui_version": machine.snapshot.comfyui_version if machine.snapshot else None,
        "docker_command_steps": {"steps": []},
        "created_at": timestamp(machine.created_at),
        "updated_at": timestamp(machine.snapshot.at if machine.snapshot else machine.created_at),
    }


def deployment_row(
    deployment: Deployment,
    *,
    workflow: ClassicNamed | ClassicWorkflow,
    machine: ClassicNamed | ClassicMachine,
    version: ClassicVersionDetail,
) -> ClassicDeployment:
    """Show a deployment with what it is made of."""
    now = deployment.current
    return {
        "id": str(deployment.id),
        "user_id": now.user_id,
        "org_id": now.org_id,
        "workflow_version_id": str(now.version_id),
        "workflow_id": str(now.workflow_id),
        "machine_id": str(now.machine_id),
        "share_slug": None,
        "description": None,
        "showcase_media": None,
        "share_options": None,
        "environment": now.environment,
        "created_at": timestamp(deployment.created_at),
        "updated_at": timestamp(now.at),
        "workflow": workflow,
        "machine": machine,
        "version": version,
        "input_types": [input_row(field) for field in now.inputs],
    }


def input_row(field: InputField) -> ClassicInput:
    """Show an input of a deployment."""
    return {
        "type": TYPE_OF_INPUT.get(field.kind, "string"),
        "class_type": field.class_type,
        "input_id": field.name,
        "default_value": field.default,
        "min_value": field.minimum,
        "max_value": field.maximum,
        "display_name": field.display_name,
        "description": field.description,
    }


def _as_it_is(graph: bytes | None) -> Json | None:
    """Put JSON into an answer without decoding it."""
    return None if graph is None else cast("Json", Raw(graph))
