"""Prepares a run: reads what it is made of, then puts images and graph in place on a machine."""

import asyncio
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from msgspec import Struct

from consumers.run.commands import RunCommands, RunSession
from events.errors import InvalidInputs
from events.graph.compile import compile_graph
from events.graph.editor.seeds import Place
from events.graph.externals.classes import EXTERNALS
from events.graph.externals.plugin import deciding_classes, plugin_nodes
from events.graph.externals.values import FileUrl, ImageRef, ImageUrl, StoredValue
from events.graph.inputs import effective_values, input_schema
from events.graph.seeds import choose_seeds
from events.run.commands import RecordInputImage
from events.run.events import RunError
from events.run.state import Run
from infra.images.accepted import ImageRefused
from infra.images.store import InputImages
from infra.jetstream.private_data import PrivateData
from infra.machine_driver import MachineDriver
from infra.net.url_fetch import IMAGES, UrlRefused, fetch_url
from infra.offload import in_thread
from infra.s3.graphs import Graphs
from infra.s3.port import ObjectMissing, ObjectStorage
from infra.settings.settings import Settings

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class RunCannotStart(Exception):
    """The run can never be brought to a machine."""

    def __init__(self, error: RunError) -> None:
        self.error = error
        super().__init__(error.message)


FILE_BYTES = 100 * 1024 * 1024
"""Largest file that is fetched for a run: a ComfyUI takes no larger one, as it comes."""


class Image(Struct, frozen=True, kw_only=True):
    """An input image, or another file, on its way to a machine."""

    filename: str
    """Made from the content, so that the same image again is one file."""

    data: bytes


class Material(Struct, frozen=True, kw_only=True):
    """What a run is made of, read before the run is claimed."""

    graph: Mapping[str, Any]
    ui_graph: Mapping[str, Any] | None
    values: Mapping[str, StoredValue]
    images: Mapping[str, Image]
    """The input images, by input."""

    seeds: Mapping[Place, object]
    lacking: AbstractSet[str]
    """Classes that decide what becomes of the graph, and that the machine lacks."""

    def compiled(self, prompt_id: UUID, image_names: Mapping[str, str]) -> dict[str, Any]:
        """Compile the graph for a prompt; *image_names* are those that the machine chose.

        Raises:
            RunCannotStart: an input has neither a value nor a default.

        """
        try:
            return compile_graph(
                self.graph,
                self.values,
                prompt_id=prompt_id,
                image_names=image_names,
                seeds=self.seeds,
                lacking=self.lacking,
            )
        except InvalidInputs as error:
            raise RunCannotStart(RunError(code=error.code, message=str(error))) from error


class Prepared(Struct, frozen=True, kw_only=True):
    """What is submitted to the machine."""

    graph: Mapping[str, Any]
    ui_graph: Mapping[str, Any] | None


class Preparer(Struct, frozen=True, kw_only=True):
    """Reads what runs are made of."""

    private: PrivateData
    storage: ObjectStorage
    graphs: Graphs
    intake: InputImages
    settings: Settings
    runs: RunCommands

    async def load(self, session: RunSession, machine: MachineDriver) -> Material:
        """Read all that the run is made of; the machine is asked, and nothing is put on it.

        Raises:
            RunCannotStart: an input or the stored graph is of no use.
            MachineUnreachable, StorageUnavailable: later might work.

        """
        run = session.existing
        graph = await self._stored_graph(run.graph_key)
        ui_graph = await self._stored_graph(run.ui_graph_key) if run.ui_graph_key else None
        values = effective_values(input_schema(graph), await self._stored_inputs(run))
        deciding = deciding_classes(graph)
        own = {node["class_type"] for node in graph.values()} - EXTERNALS.keys()
        infos = await machine.describe(own | deciding)
        lacking = frozenset(name for name in deciding if infos.get(name, {}) is None)
        images = await self._images(session, values) | await self._files(graph, values, lacking)
        # Large graphs take long enough for others to notice. Not among asyncio's own threads: each
        # name of a machine that DNS does not answer for holds one of those.
        seeds = await in_thread(choose_seeds, graph, run.id, infos=infos, ui_graph=ui_graph)
        return Material(
            graph=graph,
            ui_graph=ui_graph,
            values=values,
            images=images,
            seeds=seeds,
            lacking=lacking,
        )

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

    async def _images(
        self, session: RunSession, values: Mapping[str, StoredValue]
    ) -> dict[str, Image]:
        wanted = {n: v for n, v in values.items() if isinstance(v, ImageRef | ImageUrl)}
        found = await asyncio.gather(*(self._image(session, n, v) for n, v in wanted.items()))
        return dict(zip(wanted, found, strict=True))

    async def _image(self, session: RunSession, name: str, value: ImageRef | ImageUrl) -> Image:
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
        return Image(filename=key.rsplit("/", 1)[1], data=data)

    async def _files(
        self,
        graph: Mapping[str, Any],
        values: Mapping[str, StoredValue],
        lacking: AbstractSet[str],
    ) -> dict[str, Image]:
        """Fetch the files that stock nodes will load; nodes of the plugin fetch theirs."""
        stay = plugin_nodes(graph, values, lacking)
        loaded = {
            node["inputs"]["input_id"]
            for node_id, node in graph.items()
            if node["class_type"] in EXTERNALS and node_id not in stay
        }
        wanted = {n: v for n, v in values.items() if isinstance(v, FileUrl) and n in loaded}
        found = await asyncio.gather(*(self._file(n, v.url) for n, v in wanted.items()))
        return dict(zip(wanted, found, strict=True))

    async def _file(self, name: str, url: str) -> Image:
        """Fetch a file, anew for each attempt: it is not kept, unlike images."""
        settings = self.settings
        try:
            data = await fetch_url(
                url,
                max_bytes=FILE_BYTES,
                timeout=settings.fetch_timeout,
                allow_private=settings.allow_private_urls,
            )
        except UrlRefused as error:
            raise _unusable(name, error.code, str(error)) from error
        suffix = PurePosixPath(urlsplit(url).path).suffix
        return Image(filename=f"file{suffix or '.bin'}", data=data)

    async def _fetch(self, session: RunSession, name: str, url: str) -> tuple[bytes, str]:
        """Fetch an image once; a later attempt finds it in storage."""
        settings = self.settings
        try:
            data = await fetch_url(
                url,
                accept=IMAGES,
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


async def check(run_id: UUID, material: Material, machine: MachineDriver) -> None:
    """Compare what the run needs with what the machine can do; nothing is put on it.

    Raises:
        WorkflowRejected, RunCannotStart: the machine cannot render this.
        MachineUnreachable: later might work.

    """
    # A draft: the names of the images and the folder of the files are decided later.
    names = {name: image.filename for name, image in material.images.items()}
    await machine.check(material.compiled(run_id, names))


async def prepare(prompt_id: UUID, material: Material, machine: MachineDriver) -> Prepared:
    """Put the images on the machine, and compile the graph of a prompt that was claimed.

    Raises:
        RunCannotStart: an input has neither a value nor a default.
        MachineUnreachable: later might work.

    """
    images = material.images
    names = await asyncio.gather(
        *(machine.upload_image(image.filename, image.data) for image in images.values())
    )
    graph = material.compiled(prompt_id, dict(zip(images, names, strict=True)))
    return Prepared(graph=graph, ui_graph=material.ui_graph)


def _unusable(name: str, code: str, reason: str) -> RunCannotStart:
    message = f"input '{name}': {reason}"
    return RunCannotStart(RunError(code=code, message=message, input_name=name))
