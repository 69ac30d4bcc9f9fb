"""What each golden file means: an event of every stored name, with every field filled.

A golden file is never changed: the log holds its like. A new shape gets a new name, an example
here and a file beside it. A field that is added to an old name gets an example in EXTENDED and a
file in extended/.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from events.access.api_key import KeyIssued, KeyRevoked
from events.access.organisation import MemberAdded, MemberRemoved, OrganisationCreated
from events.access.token import TokenRevoked
from events.batch import (
    BatchCancelRequested,
    BatchCreated,
    BatchItem,
    BatchStarted,
    RunFilter,
)
from events.deployment import DeploymentPromoted
from events.envelope import AnyRecorded, Meta, Recorded
from events.graph.externals import InputKind
from events.graph.inputs import InputField
from events.machine.events import (
    MachineComfyKeySealed,
    MachineDisabled,
    MachineDrained,
    MachineHeaderSealed,
    MachineMoved,
    MachineObserved,
    MachineRegistered,
    MachineRemoved,
    MachineRenamed,
    MachineResumed,
    MachineTokenSealed,
)
from events.machine.snapshot import Device, MachineSnapshot
from events.run.events import (
    AttemptFailed,
    AttemptLost,
    CancelRequested,
    Ending,
    FileUploaded,
    ImageUploaded,
    NodeTime,
    OutputsProduced,
    RetryScheduled,
    RunClaimed,
    RunCreated,
    RunDataDeleted,
    RunDataErased,
    RunError,
    RunTarget,
    RunWaiting,
    StatusChanged,
)
from events.run.output import Output
from events.run.status import Status
from events.workflow import WorkflowCreated, WorkflowVersionCreated
from tests.builders.facts import NOW, later


def _id(number: int) -> UUID:
    return UUID(int=number, version=4)


_ERROR = RunError(
    code="node_failed",
    message='内存不足 "CUDA"',
    node_id="12:1",
    node_class="KSampler",
    input_name="steps",
    exception="torch.OutOfMemoryError",
)
_INPUTS = (
    InputField(
        name="width",
        kind=InputKind.SLIDER,
        class_type="ComfyUIDeployExternalNumberSlider",
        required=False,
        default=0.5,
        minimum=-1.0,
        maximum=1.5,
        display_name="Width",
        description="How wide",
    ),
    InputField(
        name="prompt", kind=InputKind.TEXT, class_type="ComfyUIDeployExternalText", required=True
    ),
)
_OUTPUTS = (
    Output(
        index=0,
        node_id="9",
        kind="images",
        filename="a_00001_.png",
        subfolder="comfyd/x",
        folder="temp",
        name="a_00001_.png",
    ),
    Output(index=1, node_id="10", kind="text", text="a cat"),
)

EXAMPLES: dict[str, Struct] = {
    "run.created.v1": RunCreated(
        run_id=_id(1),
        user_id="ada",
        org_id="acme",
        workflow_id=_id(2),
        version_id=_id(3),
        version=4,
        deployment_id=_id(5),
        environment="production",
        machine_id=_id(6),
        graph_key="workflows/t/graph.json",
        ui_graph_key="workflows/t/ui.json",
        has_inputs=True,
        request_hash="ab12",
        origin="api",
        at=NOW,
    ),
    "run.image_uploaded.v1": ImageUploaded(
        role="output",
        name="a_00001_.png",
        key="outputs/runs/1/a_00001_.png",
        media_type="image/png",
        bytes=1234,
        sha256="0f" * 32,
        width=640,
        height=480,
        upload_duration=0.25,
        attempt=1,
        index=0,
        at=later(0.125),
    ),
    "run.file_uploaded.v1": FileUploaded(
        name="a.mp4",
        key="outputs/runs/1/a.mp4",
        media_type="video/mp4",
        bytes=5_000_000_000,
        sha256="0f" * 32,
        upload_duration=12.5,
        attempt=2,
        index=3,
        at=NOW,
    ),
    "run.status_changed.v1": StatusChanged(
        status=Status.FAILED,
        reason="node_failed",
        attempt=1,
        machine_id=_id(6),
        at=NOW,
        error=_ERROR,
    ),
    "run.claimed.v1": RunClaimed(
        attempt=2, machine_id=_id(6), prompt_id=_id(7), fence=3, worker="worker:a:1", at=NOW
    ),
    "run.outputs_produced.v1": OutputsProduced(attempt=1, outputs=_OUTPUTS, at=NOW),
    "run.attempt_failed.v1": AttemptFailed(attempt=1, error=_ERROR, at=NOW),
    "run.attempt_lost.v1": AttemptLost(attempt=1, reason="gone", at=NOW),
    "run.retry_scheduled.v1": RetryScheduled(attempt=2, due=later(2), at=NOW),
    "run.cancel_requested.v1": CancelRequested(by="user:ada", at=NOW),
    "run.waiting.v1": RunWaiting(
        reason="machine_unreachable",
        detail="connection refused",
        machine_id=_id(6),
        at=NOW,
    ),
    "run.data_erased.v1": RunDataErased(reason="request", by="user:ada", at=NOW),
    "run.data_deleted.v1": RunDataDeleted(at=NOW),
    "batch.created.v1": BatchCreated(
        batch_id=_id(14),
        user_id="ada",
        org_id="acme",
        targets=(
            RunTarget(
                workflow_id=_id(2),
                version_id=_id(3),
                version=4,
                deployment_id=_id(5),
                environment="production",
                machine_id=_id(6),
                graph_key="workflows/t/graph.json",
                ui_graph_key="workflows/t/ui.json",
            ),
            RunTarget(
                workflow_id=_id(2),
                version_id=_id(15),
                version=5,
                deployment_id=_id(16),
                environment="staging",
                machine_id=_id(6),
                graph_key="workflows/t/graph5.json",
                ui_graph_key=None,
            ),
        ),
        items=(
            BatchItem(
                run_id=_id(1),
                request_hash="ab12",
                has_inputs=True,
                target=1,
                images=(
                    ImageUploaded(
                        role="input",
                        name="picture",
                        key="inputs/t/0f.png",
                        media_type="image/png",
                        bytes=1234,
                        sha256="0f" * 32,
                        width=640,
                        height=480,
                        upload_duration=0.25,
                        attempt=0,
                        index=-1,
                        at=NOW,
                    ),
                ),
                rerun_of=_id(17),
            ),
            BatchItem(run_id=_id(18), request_hash="cd34", has_inputs=False),
        ),
        request_hash="ef56",
        origin="api",
        at=NOW,
        rerun=RunFilter(
            status=Status.FAILED,
            deployment_id=_id(5),
            batch_id=_id(19),
            since=NOW,
            until=later(60),
        ),
    ),
    "batch.started.v1": BatchStarted(at=NOW),
    "batch.cancel_requested.v1": BatchCancelRequested(by="user:ada", at=NOW),
    "workflow.created.v1": WorkflowCreated(
        workflow_id=_id(2), name="猫", user_id="ada", org_id="acme", at=NOW
    ),
    "workflow.version_created.v1": WorkflowVersionCreated(
        version_id=_id(3),
        version=4,
        graph_key="workflows/t/graph.json",
        graph_sha256="0f" * 32,
        ui_graph_key="workflows/t/ui.json",
        inputs=_INPUTS,
        comment="why",
        author="user:ada",
        at=NOW,
    ),
    "deployment.promoted.v1": DeploymentPromoted(
        deployment_id=_id(5),
        workflow_id=_id(2),
        workflow_name="猫",
        environment="staging",
        user_id="ada",
        org_id="acme",
        version_id=_id(3),
        version=4,
        graph_key="workflows/t/graph.json",
        ui_graph_key="workflows/t/ui.json",
        inputs=_INPUTS,
        machine_id=_id(6),
        by="user:ada",
        at=NOW,
    ),
    "machine.registered.v1": MachineRegistered(
        machine_id=_id(6),
        name="gpu",
        url="http://127.0.0.1:8188",
        driver="comfyui",
        user_id="ada",
        org_id="acme",
        at=NOW,
    ),
    "machine.renamed.v1": MachineRenamed(name="大 gpu", at=NOW),
    "machine.moved.v1": MachineMoved(url="https://gpu.example.com/comfy", at=NOW),
    "machine.token_sealed.v1": MachineTokenSealed(sealed_token="gAAAAABsealed", at=NOW),
    "machine.header_sealed.v1": MachineHeaderSealed(
        header_name="X-API-Key", sealed_header="gAAAAABheader", at=NOW
    ),
    "machine.comfy_key_sealed.v1": MachineComfyKeySealed(sealed_comfy_key="gAAAAABkey", at=NOW),
    "machine.drained.v1": MachineDrained(at=NOW),
    "machine.resumed.v1": MachineResumed(at=NOW),
    "machine.disabled.v1": MachineDisabled(at=NOW),
    "machine.removed.v1": MachineRemoved(open_runs=2, at=NOW),
    "machine.observed.v1": MachineObserved(
        snapshot=MachineSnapshot(
            object_info_key="machines/t/info.json",
            object_info_sha256="0f" * 32,
            comfyui_version="0.33.0",
            python_version="3.12.1",
            pytorch_version="2.9.0+cu130",
            os="linux",
            devices=(Device(name="cuda:0 RTX 4090", type="cuda", vram_total=25_757_220_864),),
            models={"checkpoints": ("a.safetensors", "猫.ckpt"), "loras": ()},
            models_omitted=3,
            node_classes=812,
            at=NOW,
        )
    ),
    "key.issued.v1": KeyIssued(
        key_id=_id(10),
        name="插件",
        sha256="0f" * 32,
        prefix="cfd_AZ_x12-9",
        scopes=("runs:read", "runs:write"),
        deployments=(_id(5),),
        expires_at=later(3600),
        user_id="ada",
        org_id="acme",
        by="user:ada",
        at=NOW,
    ),
    "key.revoked.v1": KeyRevoked(by="user:ada", at=NOW),
    "token.revoked.v1": TokenRevoked(token_id=_id(11), jti="a-1", by="user:ada", at=NOW),
    "organisation.created.v1": OrganisationCreated(
        organisation_id=_id(12), name="爱达工作室", owner="ada", at=NOW
    ),
    "organisation.member_added.v1": MemberAdded(
        user_id="bob", role="viewer", by="user:ada", at=NOW
    ),
    "organisation.member_removed.v1": MemberRemoved(user_id="bob", by="user:ada", at=NOW),
}


EXTENDED: dict[str, Struct] = {
    "run.created.v1": replace(
        EXAMPLES["run.created.v1"],
        batch_id=_id(14),
        batch_index=2,
        rerun_of=_id(17),
        workflow_name="猫",
    ),
    "run.status_changed.v1": replace(
        EXAMPLES["run.status_changed.v1"],
        ending=Ending(
            wait_seconds=1.5,
            render_seconds=20.25,
            gpu_seconds=31.125,
            total_seconds=40.0,
            environment="production",
            workflow_name="猫",
            machine_name="大 gpu",
            began_at=NOW,
        ),
    ),
    "run.claimed.v1": replace(EXAMPLES["run.claimed.v1"], reason="retry", machine_name="大 gpu"),
    "run.outputs_produced.v1": replace(
        EXAMPLES["run.outputs_produced.v1"],
        nodes=(
            NodeTime(node_id="9", class_type="SaveImage", title="猫", seconds=0.5),
            NodeTime(node_id="4", class_type="CheckpointLoaderSimple", cached=True),
        ),
        render_seconds=20.25,
    ),
    "run.attempt_failed.v1": replace(EXAMPLES["run.attempt_failed.v1"], render_seconds=20.25),
    "batch.created.v1": BatchCreated(
        batch_id=_id(14),
        user_id="ada",
        org_id=None,
        targets=(
            RunTarget(
                workflow_id=_id(2),
                version_id=_id(3),
                version=4,
                deployment_id=_id(5),
                environment="production",
                machine_id=_id(6),
                graph_key="workflows/t/graph.json",
                ui_graph_key=None,
                workflow_name="猫",
            ),
        ),
        items=(BatchItem(run_id=_id(18), request_hash="cd34", has_inputs=False),),
        request_hash="ef56",
        origin="api",
        at=NOW,
    ),
    "machine.observed.v1": replace(EXAMPLES["machine.observed.v1"], stated_at=NOW),
}
"""The same with every field that was added to them later."""


def recorded_example(name: str, examples: Mapping[str, Struct] = EXAMPLES) -> AnyRecorded:
    """Return an example as a reader of the log meets it."""
    event: Any = examples[name]
    kind = name.partition(".")[0]
    return Recorded(
        aggregate=f"{kind}-{_id(1)}",
        position=7,
        version=5,
        id=_id(8),
        type=name,
        status="running" if kind == "run" else "",
        event=event,
        meta=Meta(
            tenant="org:acme",
            actor="user:ada 爱达",
            command_id=_id(9),
            correlation_id="run-1",
            causation_id="event/2",
            traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
        recorded_at=NOW,
    )
