"""A machine in memory that can break at any step, and the tools of a worker around it."""
# ruff: noqa: ARG001, ARG002 -- a fake takes what the real one takes

from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID, uuid4

from consumers.bootstrap import LOOKS_AT_ONCE, UPLOADS_AT_ONCE
from consumers.bulkhead import Bulkhead
from consumers.machines.driver_pool import DriverPool
from events.aggregates import MACHINE, RUN
from events.graph.object_info import Infos
from events.machine.decide import RegisterMachine
from events.machine.events import MachineRegistered
from events.machine.state import Machine
from events.run.commands import CreateRun
from events.run.output import Output
from infra.comfyui.secrets import MachineSecrets
from infra.event_store import EventStore, Session
from infra.jetstream.private_data import PrivateData
from infra.jetstream.tombstones import Tombstones
from infra.machine_driver import (
    Finished,
    Graph,
    Lost,
    Observed,
    Outcome,
    OutputStream,
    PromptState,
    Report,
)
from infra.postgres import Pool
from infra.s3.graphs import Graphs
from infra.sealing import Sealer
from infra.settings.settings import Settings, Spaces
from tests.builders.facts import MACHINE_ID, NOW, RUN_ID, SEAL_KEY, created, image_output, meta
from tests.fakes.object_storage import FakeObjectStorage
from tests.fakes.private_data import FakePrivateData, FakeTombstones
from tests.fakes.worker_parts import WorkerParts

GRAPH = b'{"1": {"class_type": "SaveImage", "inputs": {}}}'

OBSERVED = Observed(
    node_classes={"SaveImage": {"input": {"required": {}}, "output_node": True}},
    models={"checkpoints": ["a.safetensors"]},
    comfyui_version="0.33.0",
    python_version="3.12.1",
    pytorch_version="2.9",
    os="linux",
    devices=(),
)


class _OpenFile:
    media_type = "image/png"
    length: int | None = None

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the content at once."""
        yield self._content


class FakeMachine:
    """Renders at once. What is in *breaks* is raised at that step, one error for each call."""

    def __init__(self) -> None:
        self.submitted: Counter[UUID] = Counter()
        self.cancelled: list[UUID] = []
        self.breaks: dict[str, list[Exception]] = {}
        self.outcome: Outcome = Finished(outputs=(image_output(),))
        self.files = {"a.png": b"not really a picture"}
        self.observed = OBSERVED
        self.closed = 0
        self.stores_itself = False
        self.images: dict[str, bytes] = {}

    def _step(self, name: str) -> None:
        if errors := self.breaks.get(name):
            raise errors.pop(0)

    async def describe(self, classes: Collection[str]) -> Infos:
        """Know no class."""
        self._step("describe")
        return dict.fromkeys(classes)

    async def check(self, graph: Graph) -> None:
        """Find every graph good."""
        self._step("check")

    async def upload_image(self, name: str, data: bytes) -> str:
        """Take an image."""
        self._step("upload_image")
        self.images[name] = data
        self._step("image_uploaded")
        return name

    async def look_up(self, prompt_id: UUID) -> PromptState:
        """Return the outcome of a prompt."""
        self._step("look_up")
        return self.outcome if self.submitted[prompt_id] else Lost()

    async def submit(
        self,
        prompt_id: UUID,
        graph: Graph,
        *,
        ui_graph: Mapping[str, Any] | None = None,
        callback_token: str = "",
    ) -> None:
        """Queue a prompt; break before it is taken, or after."""
        self._step("submit")
        self.submitted[prompt_id] += 1
        self._step("submitted")

    async def watch(self, prompt_id: UUID, graph: Graph, report: Report) -> Outcome:
        """Follow a prompt."""
        self._step("watch")
        await report.running()
        self._step("running")
        return self.outcome

    async def finish_uploads(self, prompt_id: UUID) -> bool:
        """Return whether it stores files itself."""
        self._step("finish_uploads")
        return self.stores_itself

    async def cancel(self, prompt_id: UUID) -> None:
        """Stop a prompt."""
        self.cancelled.append(prompt_id)

    @asynccontextmanager
    async def open_output(self, output: Output) -> AsyncIterator[OutputStream]:
        """Open a file."""
        self._step("open_output")
        yield _OpenFile(self.files[output.filename])

    async def observe(self) -> Observed:
        """Return what the machine can do."""
        self._step("observe")
        return self.observed

    async def close(self) -> None:
        """Hold nothing that could be given up, but tell that one was asked to."""
        self.closed += 1


class _NoProgress:
    async def send(self, progress: object) -> None:
        """Pass nothing on."""


async def _empty_log() -> int:
    return 0


async def _no_pause(_: float) -> None:
    """Waste no time."""


async def worker_tools(
    store: EventStore, machine: FakeMachine, storage: FakeObjectStorage, **changes: Any
) -> WorkerParts:
    """Return a worker's parts, with a machine registered, a graph stored and a run accepted."""
    registered = MachineRegistered(
        machine_id=MACHINE_ID,
        name="m",
        url="http://127.0.0.1:1",
        driver="comfyui",
        user_id="ada",
        org_id=None,
        at=NOW,
    )
    await Session(store, MACHINE, MACHINE_ID).execute(
        RegisterMachine(registered=registered), meta(command_id=UUID(int=1))
    )
    await Session(store, RUN, RUN_ID).execute(
        CreateRun(created=created()), meta(command_id=UUID(int=2))
    )
    await storage.put_bytes("workflows/graph.json", GRAPH, "application/json")

    async def open_driver(known: Machine, secrets: MachineSecrets) -> FakeMachine:
        return machine

    tools: dict[str, Any] = {
        "store": store,
        "private": cast("PrivateData", FakePrivateData()),
        "given_up": cast("Tombstones", FakeTombstones()),
        "storage": storage,
        "graphs": Graphs(storage),
        "machines": DriverPool(store, open_driver, Sealer(SEAL_KEY)),
        "upload_bulkhead": Bulkhead(UPLOADS_AT_ONCE),
        "look_bulkhead": Bulkhead(LOOKS_AT_ONCE),
        "settings": _settings(),
        "worker": "test",
        "now": lambda: NOW,
        "new_id": uuid4,
        "pause": _no_pause,
        "pool": cast("Pool", None),
        "log_end": _empty_log,
        "progress_of": lambda _: _NoProgress(),
        "heard": changes.pop("heard"),
    }
    return WorkerParts(**(tools | changes))


def _settings() -> Settings:
    return Settings(
        nats_url="",
        postgres_url="",
        jwt_secret="s" * 32,
        seal_keys=SEAL_KEY,
        spaces=Spaces(endpoint="", endpoint_cdn="", bucket="b", key="k", secret="s"),
        machine_wait=12,
    )
