"""A run is accepted by one use-case, whatever the dialect: checked, stored, and then recorded."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import msgspec
import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from app.auth.caller import Caller
from app.commands.recorder import Recorder
from app.commands.runs.client_uploads import ClientUploads
from app.commands.runs.create_run import AcceptedRun, RunCreator
from app.commands.runs.run_inputs import RunInputs
from app.limits.quotas import Quotas
from app.reads.deployments import DeploymentReads
from app.reads.graphs import Graphs
from app.reads.machine_classes import MachineClasses
from app.reads.runs.recent_writes import RecentWrites
from events.aggregates import DEPLOYMENT, MACHINE, RUN, WORKFLOW
from events.deployment import PromoteVersion
from events.errors import AlreadyExists, InvalidInputs, NotFound
from events.graph.externals.classes import InputKind
from events.graph.inputs import InputField
from events.ids import deployment_id, keyed_run_id
from events.machine.decide import RecordSnapshot, RegisterMachine
from events.run.events import RunCreated
from infra.event_store import Session
from infra.images.store import InputImages
from infra.jetstream.tombstones import Tombstones
from infra.settings.settings import Spaces
from infra.telemetry.api_metrics import ApiMetrics
from tests.builders.facts import MACHINE_ID, NOW, meta, pushed
from tests.builders.machines import registered, snapshot
from tests.fakes.event_store import MemoryEventStore
from tests.fakes.object_storage import FakeObjectStorage
from tests.fakes.private_data import FakePrivateData, FakeTombstones

ADA = Caller(user_id="ada", org_id=None)
PROMPT = InputField(
    name="prompt", kind=InputKind.TEXT, class_type="ComfyUIDeployExternalText", required=True
)
DEPLOYMENT_ID = deployment_id(pushed("a").workflow_id, "production")


async def promote(store: MemoryEventStore, version: int, *inputs: InputField) -> None:
    """Push a version with these inputs, and promote it."""
    push = replace(pushed(str(version)), inputs=inputs)
    workflow = Session(store, WORKFLOW, push.workflow_id, tenant=ADA.tenant)
    await workflow.load()
    await workflow.execute(push, meta())
    command = PromoteVersion(
        workflow=workflow.existing,
        version=version,
        environment="production",
        machine_id=MACHINE_ID,
        force=True,
        user_id="ada",
        org_id=None,
        by="user:ada",
        now=NOW,
    )
    deployment = Session(store, DEPLOYMENT, DEPLOYMENT_ID, tenant=ADA.tenant)
    await deployment.load()
    await deployment.execute(command, meta())


@pytest.fixture
async def store() -> MemoryEventStore:
    """Return a log in which a version with one input is promoted."""
    store = MemoryEventStore()
    await promote(store, 1, PROMPT)
    return store


@pytest.fixture
def private() -> FakePrivateData:
    return FakePrivateData()


SPACES = Spaces(endpoint="", endpoint_cdn="http://s3", bucket="b", key="k", secret="s")


class Creator:
    """The use-case over a log in memory; there are no images, and no limits."""

    def __init__(self, store: MemoryEventStore, private: FakePrivateData) -> None:
        none = cast("Any", None)
        self.storage = FakeObjectStorage()
        inputs = RunInputs(
            InputImages(
                storage=FakeObjectStorage(),
                given_up=cast("Tombstones", FakeTombstones()),
                settings=none,
            ),
            ClientUploads(
                FakeObjectStorage(),
                SPACES,
                most_bytes=100,
                most_together=100,
                new_id=uuid4,
                now=lambda: NOW,
                output=none,
            ),
            cast("Any", private),
            cast("Any", SimpleNamespace(max_body=1_000_000)),
            MachineClasses(store, Graphs(self.storage, secret=b"s")),
            allow_private_urls=False,
            now=lambda: NOW,
        )
        self._creator = RunCreator(
            Recorder(store=store, now=lambda: NOW, new_id=uuid4),
            DeploymentReads(store, none),
            inputs,
            Quotas(none, store, in_flight=0, per_day=0, now=lambda: NOW),
            RecentWrites(),
            ApiMetrics(CollectorRegistry()),
        )

    async def create(
        self,
        inputs: Mapping[str, object],
        *,
        caller: Caller = ADA,
        deployment: UUID = DEPLOYMENT_ID,
        key: str | None = "key",
    ) -> AcceptedRun:
        """Ask for a run."""
        return await self._creator.create(
            caller, deployment_id=deployment, inputs=inputs, origin="api", idempotency_key=key
        )


@pytest.fixture
def creator(store: MemoryEventStore, private: FakePrivateData) -> Creator:
    return Creator(store, private)


def created_runs(store: MemoryEventStore) -> list[RunCreated]:
    return [e.event for e in store.log if isinstance(e.event, RunCreated)]


async def test_an_accepted_run_is_in_the_log_and_its_inputs_are_beside_it(
    creator: Creator, store: MemoryEventStore, private: FakePrivateData
) -> None:
    accepted = await creator.create({"prompt": "a fox"})

    [created] = created_runs(store)
    run_id = keyed_run_id(ADA.tenant, "key")
    assert (created.run_id, created.deployment_id, created.version) == (run_id, DEPLOYMENT_ID, 1)
    assert (created.machine_id, created.has_inputs, created.origin) == (MACHINE_ID, True, "api")
    assert private.inputs == {(run_id, created.request_hash): {"prompt": "a fox"}}
    assert accepted == AcceptedRun(
        run=cast("Any", RUN.fold([created])), position=store.log[-1].position, replayed=False
    )


async def test_the_same_request_again_is_answered_with_its_run(
    creator: Creator, store: MemoryEventStore
) -> None:
    first = await creator.create({"prompt": "a fox"})
    assert await creator.create({"prompt": "a fox"}) == replace(first, replayed=True)
    assert len(created_runs(store)) == 1


async def test_a_repeat_is_answered_although_its_inputs_do_not_fit_any_more(
    creator: Creator, store: MemoryEventStore
) -> None:
    first = await creator.create({"prompt": "a fox"})
    await promote(store, 2)
    assert await creator.create({"prompt": "a fox"}) == replace(first, replayed=True)
    with pytest.raises(InvalidInputs):
        await creator.create({"prompt": "a fox"}, key="another")


async def test_another_request_with_the_same_key_is_refused(creator: Creator) -> None:
    await creator.create({"prompt": "a fox"})
    with pytest.raises(AlreadyExists):
        await creator.create({"prompt": "a hen"})


async def test_without_a_key_every_request_is_a_run(
    creator: Creator, store: MemoryEventStore
) -> None:
    runs = [await creator.create({"prompt": "a fox"}, key=None) for _ in range(2)]
    assert [c.run_id for c in created_runs(store)] == [accepted.run.id for accepted in runs]


@pytest.mark.parametrize(
    ("caller", "deployment"),
    [
        (ADA, uuid4()),
        (Caller(user_id="eve", org_id=None), DEPLOYMENT_ID),
        (Caller(user_id="ada", org_id=None, deployments=frozenset({uuid4()})), DEPLOYMENT_ID),
    ],
    ids=["unknown", "of another tenant", "not for this key"],
)
async def test_a_deployment_that_the_caller_may_not_know_is_not_found(
    creator: Creator, store: MemoryEventStore, caller: Caller, deployment: UUID
) -> None:
    with pytest.raises(NotFound, match="there is no deployment with this id"):
        await creator.create({"prompt": "a fox"}, caller=caller, deployment=deployment)
    assert created_runs(store) == []


async def test_refused_inputs_leave_nothing_behind(
    creator: Creator, store: MemoryEventStore, private: FakePrivateData
) -> None:
    with pytest.raises(InvalidInputs) as refused:
        await creator.create({"seed": 1})
    assert [p.pointer for p in refused.value.problems] == ["/inputs/seed", "/inputs/prompt"]
    assert (created_runs(store), private.inputs) == ([], {})


STYLE = InputField(
    name="style", kind=InputKind.LORA, class_type="ComfyUIDeployExternalLora", required=True
)


async def observe(store: MemoryEventStore, creator: Creator, *classes: str) -> None:
    """Have the machine be observed, with these classes of nodes."""
    found = snapshot()
    described = msgspec.json.encode({name: {} for name in classes})
    await creator.storage.put_bytes(found.object_info_key, described, "application/json")
    machine = Session(store, MACHINE, MACHINE_ID, tenant=ADA.tenant)
    await machine.load()
    await machine.execute(RegisterMachine(registered=registered()), meta())
    await machine.execute(RecordSnapshot(snapshot=found), meta())


@pytest.mark.parametrize("has_plugin", [True, False])
async def test_a_model_behind_a_url_is_for_machines_that_can_download_it(
    store: MemoryEventStore, creator: Creator, *, has_plugin: bool
) -> None:
    await promote(store, 2, STYLE)
    await observe(store, creator, *(["ComfyUIDeployExternalLora"] if has_plugin else ["Other"]))
    inputs = {"style": "https://models.example/a.safetensors"}

    if has_plugin:
        assert (await creator.create(inputs)).run.version == 2
        return
    with pytest.raises(InvalidInputs) as refused:
        await creator.create(inputs)
    [problem] = refused.value.problems
    assert (problem.code, problem.pointer) == ("input_model_url", "/inputs/style")
    assert problem.params == {"name": "style", "machine": "gpu", "plugin": "comfyui-deploy"}


async def test_a_model_behind_a_private_url_is_refused(
    store: MemoryEventStore, creator: Creator
) -> None:
    await promote(store, 2, STYLE)
    await observe(store, creator, "ComfyUIDeployExternalLora")
    with pytest.raises(InvalidInputs) as refused:
        await creator.create({"style": "http://169.254.169.254/latest"})
    assert [p.code for p in refused.value.problems] == ["url_private_address"]
