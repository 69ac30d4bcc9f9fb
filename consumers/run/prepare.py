"""Gets a run ready for its machine: the graph compiled, the input images in place."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from consumers.run.commands import RunCommands, RunSession
from events.errors import InvalidInputs
from events.graph.compile import compile_graph
from events.graph.externals import EXTERNALS
from events.graph.inputs import effective_values, input_schema
from events.graph.seeds import choose_seeds
from events.graph.values import ImageRef, ImageUrl, StoredValue
from events.ids import prompt_id
from events.run.commands import RecordInputImage
from events.run.events import RunError
from events.run.state import Run
from infra.images.accepted import ImageRefused
from infra.images.store import InputImages
from infra.jetstream.private_data import PrivateData
from infra.machine_driver import MachineDriver
from infra.net.url_fetch import UrlRefused, fetch_image_url
from infra.s3.graphs import Graphs
from infra.s3.port import ObjectMissing, ObjectStorage
from infra.settings.settings import Settings

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class RunCannotStart(Exception):
    """The run can never be brought to a machine."""

    def __init__(self, error: RunError) -> None:
        self.error = error
        super().__init__(error.message)


class Prepared(Struct, frozen=True, kw_only=True):
    """What the machine is given."""

    graph: Mapping[str, Any]
    ui_graph: Mapping[str, Any] | None


class Preparer(Struct, frozen=True, kw_only=True):
    """Gets runs ready for their machines."""

    private: PrivateData
    storage: ObjectStorage
    graphs: Graphs
    intake: InputImages
    settings: Settings
    runs: RunCommands

    async def prepare(self, session: RunSession, machine: MachineDriver) -> Prepared:
        """Compile the run's graph and put its images on the machine.

        Raises:
            RunCannotStart: an input or the stored graph is of no use.
            MachineUnreachable, StorageUnavailable: later might work.

        """
        run = session.existing
        graph = await self._stored_graph(run.graph_key)
        ui_graph = await self._stored_graph(run.ui_graph_key) if run.ui_graph_key else None
        values = effective_values(input_schema(graph), await self._stored_inputs(run))
        names = await self._place_images(session, values, machine)
        infos = await machine.describe({n["class_type"] for n in graph.values()} - EXTERNALS.keys())
        # A claim gives the next attempt this very id; an open attempt keeps its own.
        attempt = run.attempt if run.claimed else run.attempt + 1
        # Large graphs take long enough for others to notice.
        seeds = await asyncio.to_thread(choose_seeds, graph, run.id, infos=infos, ui_graph=ui_graph)
        try:
            compiled = compile_graph(
                graph,
                values,
                prompt_id=prompt_id(run.id, attempt),
                image_names=names,
                seeds=seeds,
            )
        except InvalidInputs as error:
            raise RunCannotStart(RunError(code=error.code, message=str(error))) from error
        return Prepared(graph=compiled, ui_graph=ui_graph)

    async def _stored_graph(self, key: str) -> dict[str, Any]:
        try:
            return _decode(await self.graphs.get(key))
        except ObjectMissing as error:
            raise RunCannotStart(
                RunError(code="graph_missing", message="the workflow's graph is gone from storage")
            ) from error

    async def _stored_inputs(self, run: Run) -> dict[str, StoredValue]:
        if not run.has_inputs:
            return {}
        stored = await self.private.get_inputs(run.id, run.request_hash)
        if stored is None:
            raise RunCannotStart(
                RunError(code="inputs_missing", message="the run's inputs are no longer kept")
            )
        return stored

    async def _place_images(
        self, session: RunSession, values: Mapping[str, StoredValue], machine: MachineDriver
    ) -> dict[str, str]:
        """Put every input image on the machine; give the names it has there, by input."""
        images = {
            name: value for name, value in values.items() if isinstance(value, ImageRef | ImageUrl)
        }
        placed = await asyncio.gather(
            *(self._place(session, name, value, machine) for name, value in images.items())
        )
        return dict(zip(images, placed, strict=True))

    async def _place(
        self, session: RunSession, name: str, value: ImageRef | ImageUrl, machine: MachineDriver
    ) -> str:
        known = session.existing.inputs.get(name)
        key = value.key if isinstance(value, ImageRef) else known.key if known else None
        if key is None:
            assert isinstance(value, ImageUrl)  # a reference has a key
            data, key = await self._fetch(session, name, value.url)
        else:
            try:
                data = await self.storage.get_bytes(key)
            except ObjectMissing as error:
                raise _unusable(name, "input_image_missing", "it is gone from storage") from error
        return await machine.upload_image(key.rsplit("/", 1)[1], data)

    async def _fetch(self, session: RunSession, name: str, url: str) -> tuple[bytes, str]:
        """Fetch an image once; a later attempt finds it in storage."""
        settings = self.settings
        try:
            data = await fetch_image_url(
                url,
                max_bytes=settings.image_bytes,
                timeout=settings.fetch_timeout,
                allow_private=settings.allow_private_urls,
            )
            facts = await self.intake.look_at(data)
        except (UrlRefused, ImageRefused) as error:
            raise _unusable(name, error.code, str(error)) from error
        uploaded = await self.intake.store(
            data, facts, tenant=session.tenant, name=name, now=self.runs.now()
        )
        await self.intake.confirm([uploaded])
        await session.execute(
            RecordInputImage(image=uploaded), self.runs.meta(session, "input", name)
        )
        return data, uploaded.key


def _unusable(name: str, code: str, reason: str) -> RunCannotStart:
    message = f"input '{name}': {reason}"
    return RunCannotStart(RunError(code=code, message=message, input_name=name))
