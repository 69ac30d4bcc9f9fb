"""What the golden files of runs mean: see tests/golden/examples.py."""

from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

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
    RunInputsDeleted,
    RunInputsErased,
    RunWaiting,
    StatusChanged,
)
from events.run.output import Output
from events.run.status import Status
from tests.builders.facts import NOW, later


def identifier(number: int) -> UUID:
    """Return an id that shows its number."""
    return UUID(int=number, version=4)


_ERROR = RunError(
    code="node_failed",
    message='内存不足 "CUDA"',
    node_id="12:1",
    node_class="KSampler",
    input_name="steps",
    exception="torch.OutOfMemoryError",
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

RUN_EXAMPLES: dict[str, Struct] = {
    "run.created.v1": RunCreated(
        run_id=identifier(1),
        user_id="ada",
        org_id="acme",
        workflow_id=identifier(2),
        version_id=identifier(3),
        version=4,
        deployment_id=identifier(5),
        environment="production",
        machine_id=identifier(6),
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
        machine_id=identifier(6),
        at=NOW,
        error=_ERROR,
    ),
    "run.claimed.v1": RunClaimed(
        attempt=2,
        machine_id=identifier(6),
        prompt_id=identifier(7),
        fence=3,
        worker="worker:a:1",
        at=NOW,
    ),
    "run.outputs_produced.v1": OutputsProduced(attempt=1, outputs=_OUTPUTS, at=NOW),
    "run.attempt_failed.v1": AttemptFailed(attempt=1, error=_ERROR, at=NOW),
    "run.attempt_lost.v1": AttemptLost(attempt=1, reason="gone", at=NOW),
    "run.retry_scheduled.v1": RetryScheduled(attempt=2, due=later(2), at=NOW),
    "run.cancel_requested.v1": CancelRequested(by="user:ada", at=NOW),
    "run.waiting.v1": RunWaiting(
        reason="machine_unreachable",
        detail="connection refused",
        machine_id=identifier(6),
        at=NOW,
    ),
    "run.data_erased.v1": RunDataErased(reason="request", by="user:ada", at=NOW),
    "run.data_deleted.v1": RunDataDeleted(at=NOW),
    "run.inputs_erased.v1": RunInputsErased(due=later(60), by="user:ada", at=NOW),
    "run.inputs_deleted.v1": RunInputsDeleted(at=NOW),
}

RUN_EXTENDED: dict[str, Struct] = {
    "run.created.v1": replace(
        RUN_EXAMPLES["run.created.v1"],
        batch_id=identifier(14),
        batch_index=2,
        rerun_of=identifier(17),
        workflow_name="猫",
    ),
    "run.status_changed.v1": replace(
        RUN_EXAMPLES["run.status_changed.v1"],
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
    "run.claimed.v1": replace(
        RUN_EXAMPLES["run.claimed.v1"], reason="retry", machine_name="大 gpu"
    ),
    "run.outputs_produced.v1": replace(
        RUN_EXAMPLES["run.outputs_produced.v1"],
        nodes=(
            NodeTime(node_id="9", class_type="SaveImage", title="猫", seconds=0.5),
            NodeTime(node_id="4", class_type="CheckpointLoaderSimple", cached=True),
        ),
        render_seconds=20.25,
    ),
    "run.attempt_failed.v1": replace(RUN_EXAMPLES["run.attempt_failed.v1"], render_seconds=20.25),
}
"""The same with every field that was added to them later."""
