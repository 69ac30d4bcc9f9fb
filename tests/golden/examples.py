"""What each golden file means: an event of every stored name, with every field filled.

A golden file is never changed: the log holds its like. A new shape gets a new name, an example
here and a file beside it. A field that is added to an old name gets an example in EXTENDED and a
file in extended/.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from events.access.api_key import KeyFetched, KeyIssued, KeyRevoked
from events.access.organisation import MemberAdded, MemberRemoved, OrganisationCreated
from events.access.session import SessionRevoked, SessionStarted, SignInMethod
from events.access.token import TokenRevoked
from events.alias import AliasAssigned, AliasKind
from events.batch import (
    BatchCancelRequested,
    BatchCreated,
    BatchItem,
    BatchStarted,
    RunFilter,
)
from events.deployment import DeploymentPromoted
from events.envelope import AnyRecorded, Meta, Recorded
from events.graph.externals.classes import InputKind
from events.graph.inputs import InputField
from events.machine.events import (
    MachineComfyKeySealed,
    MachineDisabled,
    MachineDrained,
    MachineDriverChanged,
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
    ImageUploaded,
    RunTarget,
)
from events.run.status import Status
from events.workflow import WorkflowCreated, WorkflowVersionCreated
from tests.builders.facts import NOW, later
from tests.golden.run_examples import RUN_EXAMPLES, RUN_EXTENDED, identifier

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

_WITH_OPTIONS = (
    InputField(
        name="style",
        kind=InputKind.ENUM,
        class_type="ComfyUIDeployExternalEnum",
        required=False,
        default="ink",
        options=("ink", "墨"),
    ),
)

EXAMPLES: dict[str, Struct] = {
    **RUN_EXAMPLES,
    "batch.created.v1": BatchCreated(
        batch_id=identifier(14),
        user_id="ada",
        org_id="acme",
        targets=(
            RunTarget(
                workflow_id=identifier(2),
                version_id=identifier(3),
                version=4,
                deployment_id=identifier(5),
                environment="production",
                machine_id=identifier(6),
                graph_key="workflows/t/graph.json",
                ui_graph_key="workflows/t/ui.json",
            ),
            RunTarget(
                workflow_id=identifier(2),
                version_id=identifier(15),
                version=5,
                deployment_id=identifier(16),
                environment="staging",
                machine_id=identifier(6),
                graph_key="workflows/t/graph5.json",
                ui_graph_key=None,
            ),
        ),
        items=(
            BatchItem(
                run_id=identifier(1),
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
                rerun_of=identifier(17),
            ),
            BatchItem(run_id=identifier(18), request_hash="cd34", has_inputs=False),
        ),
        request_hash="ef56",
        origin="api",
        at=NOW,
        rerun=RunFilter(
            status=Status.FAILED,
            deployment_id=identifier(5),
            batch_id=identifier(19),
            since=NOW,
            until=later(60),
        ),
    ),
    "batch.started.v1": BatchStarted(at=NOW),
    "batch.cancel_requested.v1": BatchCancelRequested(by="user:ada", at=NOW),
    "workflow.created.v1": WorkflowCreated(
        workflow_id=identifier(2), name="猫", user_id="ada", org_id="acme", at=NOW
    ),
    "workflow.version_created.v1": WorkflowVersionCreated(
        version_id=identifier(3),
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
        deployment_id=identifier(5),
        workflow_id=identifier(2),
        workflow_name="猫",
        environment="staging",
        user_id="ada",
        org_id="acme",
        version_id=identifier(3),
        version=4,
        graph_key="workflows/t/graph.json",
        ui_graph_key="workflows/t/ui.json",
        inputs=_INPUTS,
        machine_id=identifier(6),
        by="user:ada",
        at=NOW,
    ),
    "machine.registered.v1": MachineRegistered(
        machine_id=identifier(6),
        name="gpu",
        url="http://127.0.0.1:8188",
        driver="comfyui",
        user_id="ada",
        org_id="acme",
        at=NOW,
    ),
    "machine.renamed.v1": MachineRenamed(name="大 gpu", at=NOW),
    "machine.moved.v1": MachineMoved(url="https://gpu.example.com/comfy", at=NOW),
    "machine.driver_changed.v1": MachineDriverChanged(driver="comfyui-deploy", at=NOW),
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
        key_id=identifier(10),
        name="插件",
        sha256="0f" * 32,
        prefix="cfd_AZ_x12-9",
        scopes=("runs:read", "runs:write"),
        deployments=(identifier(5),),
        expires_at=later(3600),
        user_id="ada",
        org_id="acme",
        by="user:ada",
        at=NOW,
    ),
    "key.revoked.v1": KeyRevoked(by="user:ada", at=NOW),
    "key.fetched.v1": KeyFetched(at=NOW),
    "token.revoked.v1": TokenRevoked(token_id=identifier(11), jti="a-1", by="user:ada", at=NOW),
    "session.started.v1": SessionStarted(
        session_id=identifier(20),
        sha256="0f" * 32,
        method=SignInMethod.KEY,
        user_id="ada",
        org_id="acme",
        role="owner",
        key_id=identifier(10),
        expires_at=later(60),
        by="user:ada",
        at=NOW,
    ),
    "session.revoked.v1": SessionRevoked(by="user:ada", at=NOW),
    "organisation.created.v1": OrganisationCreated(
        organisation_id=identifier(12), name="爱达工作室", owner="ada", at=NOW
    ),
    "organisation.member_added.v1": MemberAdded(
        user_id="bob", role="viewer", by="user:ada", at=NOW
    ),
    "organisation.member_removed.v1": MemberRemoved(user_id="bob", by="user:ada", at=NOW),
    "alias.assigned.v1": AliasAssigned(
        kind=AliasKind.DEPLOYMENT,
        foreign_id="3fa85f64-5717-4562-b3fc-2c963f66afa6",
        target_id=identifier(5),
        by="user:ada",
        at=NOW,
    ),
}


EXTENDED: dict[str, Struct] = {
    **RUN_EXTENDED,
    "batch.created.v1": BatchCreated(
        batch_id=identifier(14),
        user_id="ada",
        org_id=None,
        targets=(
            RunTarget(
                workflow_id=identifier(2),
                version_id=identifier(3),
                version=4,
                deployment_id=identifier(5),
                environment="production",
                machine_id=identifier(6),
                graph_key="workflows/t/graph.json",
                ui_graph_key=None,
                workflow_name="猫",
            ),
        ),
        items=(BatchItem(run_id=identifier(18), request_hash="cd34", has_inputs=False),),
        request_hash="ef56",
        origin="api",
        at=NOW,
    ),
    "deployment.promoted.v1": replace(EXAMPLES["deployment.promoted.v1"], inputs=_WITH_OPTIONS),
    "machine.observed.v1": replace(EXAMPLES["machine.observed.v1"], stated_at=NOW),
    "workflow.version_created.v1": replace(
        EXAMPLES["workflow.version_created.v1"], inputs=_WITH_OPTIONS
    ),
}
"""The same with every field that was added to them later."""


def recorded_example(name: str, examples: Mapping[str, Struct] = EXAMPLES) -> AnyRecorded:
    """Return an example as a reader of the log meets it."""
    event: Any = examples[name]
    kind = name.partition(".")[0]
    return Recorded(
        aggregate=f"{kind}-{identifier(1)}",
        position=7,
        version=5,
        id=identifier(8),
        type=name,
        status="running" if kind == "run" else "",
        event=event,
        meta=Meta(
            tenant="org:acme",
            actor="user:ada 爱达",
            command_id=identifier(9),
            correlation_id="run-1",
            causation_id="event/2",
            traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
        recorded_at=NOW,
    )
