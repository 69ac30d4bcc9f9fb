"""The inputs of runs that are to be made, of one as of many: validated, then stored.

All of them are validated before anything of any is stored: a refused request leaves nothing behind.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from app.commands.runs.client_uploads import ClientUploads
from app.reads.machine_classes import MachineClasses
from events.errors import InvalidInputs, Problem
from events.graph.externals.plugin import PLUGIN
from events.graph.externals.values import AnyUrl, ImageBytes, ImageRef, ModelUrl, StoredValue, Value
from events.graph.inputs import InputField, check_inputs
from events.graph.nodes import pointer
from events.run.events import ImageUploaded
from infra.event_store import TooLarge
from infra.gather_bounded import gather_bounded
from infra.images.accepted import ImageFacts, ImageRefused
from infra.images.store import InputImages
from infra.jetstream.log.aggregates import LogReader
from infra.jetstream.private_data import PrivateData
from infra.net.url_fetch import UrlRefused, check_url

STORED_AT_ONCE = 16
REFERENCE = 500
"""Bytes that the name and facts of a stored image take among the inputs, at most."""

_encode = msgspec.json.Encoder().encode


class RunDraft(Struct, frozen=True, kw_only=True):
    """The inputs of a run that is to be made, converted."""

    run_id: UUID
    machine_id: UUID
    """The machine that it will be on."""

    request_hash: str
    values: Mapping[str, Value]
    pointer: str = "/inputs"
    """Where in the request they are."""

    known_images: tuple[ImageUploaded, ...] = ()
    """Images among them that are stored already."""


class ValidInputs(Struct, frozen=True, kw_only=True):
    """Inputs that may be stored."""

    draft: RunDraft
    facts: Mapping[str, ImageFacts]
    """Of the images that are still to be stored, by input."""


class StoredInputs(Struct, frozen=True, kw_only=True):
    """Inputs that are stored."""

    has_inputs: bool
    images: tuple[ImageUploaded, ...]


class _Image(Struct, frozen=True, kw_only=True):
    name: str
    data: bytes
    facts: ImageFacts


def check_all(
    fields: Sequence[InputField], requests: Mapping[str, Mapping[str, object]]
) -> list[dict[str, Value]]:
    """Convert the values of many runs of one version, given by their places in the request.

    Raises:
        InvalidInputs: with every problem of every run.

    """
    problems: list[Problem] = []
    checked: list[dict[str, Value]] = []
    for place, values in requests.items():
        try:
            checked.append(check_inputs(fields, values))
        except InvalidInputs as error:
            problems += moved(error.problems, place)
    if problems:
        raise InvalidInputs(problems=problems)
    return checked


def moved(problems: Iterable[Problem], place: str) -> list[Problem]:
    """Point into *place* instead of /inputs."""
    return [replace(p, pointer=place + p.pointer.removeprefix("/inputs")) for p in problems]


class RunInputs:
    """Validates and stores the inputs of runs."""

    def __init__(
        self,
        images: InputImages,
        uploads: ClientUploads,
        private: PrivateData,
        log_reader: LogReader,
        classes: MachineClasses,
        *,
        allow_private_urls: bool,
        now: Callable[[], datetime],
    ) -> None:
        """Take images from URLs in private networks only with *allow_private_urls*."""
        self._image_store = images
        self._uploads = uploads
        self._private = private
        self._log_reader = log_reader
        self._classes = classes
        self._allow_private_urls = allow_private_urls
        self._now = now

    async def validate(self, drafts: Sequence[RunDraft]) -> list[ValidInputs]:
        """Look at every image and URL, with what clients have stored here in its place.

        Raises:
            InvalidInputs: with every problem there is.
            TooLarge: the inputs of a run are larger than one message may be.
            StorageUnavailable, LogUnavailable: what a machine can do is not known now.

        """
        problems: list[Problem] = []
        valid = []
        taken = await self._uploads.taken([draft.values for draft in drafts])
        for bare, values in zip(drafts, taken, strict=True):
            draft = replace(bare, values=values)
            facts, wrong = await self._look_at(draft)
            problems += moved(wrong, draft.pointer)
            valid.append(ValidInputs(draft=draft, facts=facts))
        if problems:
            raise InvalidInputs(problems=problems)
        for one in valid:
            self._check_room(one)
        return valid

    def check_urls(self, values: Mapping[str, Value]) -> None:
        """Look at the URLs among the inputs of a run that lead elsewhere: see `validate`.

        Raises:
            InvalidInputs: with every problem there is.

        """
        stored = (self._uploads.hold, self._uploads.serve)
        others = {n: v for n, v in values.items() if not any(here(v) for here in stored)}
        if problems := self._url_problems(others):
            raise InvalidInputs(problems=problems)

    async def store(self, tenant: str, valid: ValidInputs) -> StoredInputs:
        """Store the inputs of a run, which may then be recorded.

        Raises:
            StorageUnavailable, StorageRefused, LogUnavailable: not everything is stored.

        """
        stored = await self._store(tenant, valid)
        await self._confirm([stored])
        return stored

    async def store_all(self, tenant: str, valid: Sequence[ValidInputs]) -> list[StoredInputs]:
        """Store the inputs of many runs; raises as `store`."""
        stored = await gather_bounded(partial(self._store, tenant), valid, at_once=STORED_AT_ONCE)
        await self._confirm(stored)
        return stored

    async def _store(self, tenant: str, valid: ValidInputs) -> StoredInputs:
        """Store images, then inputs: a run without its inputs could not be kept."""
        draft = valid.draft

        async def store_image(image: _Image) -> ImageUploaded:
            return await self._image_store.store(
                image.data, image.facts, tenant=tenant, name=image.name, now=self._now()
            )

        uploads = await gather_bounded(store_image, _images(valid), at_once=STORED_AT_ONCE)
        stored: dict[str, StoredValue] = {
            n: v for n, v in draft.values.items() if not isinstance(v, ImageBytes)
        }
        stored |= {upload.name: ImageRef.of(upload.file) for upload in uploads}
        if stored:
            await self._private.put_inputs(draft.run_id, draft.request_hash, stored)
        return StoredInputs(has_inputs=bool(stored), images=(*draft.known_images, *uploads))

    async def _confirm(self, stored: Iterable[StoredInputs]) -> None:
        """Return if no image is being erased, which another run had; asked last."""
        await self._image_store.confirm(image for one in stored for image in one.images)

    async def erase(self, run_id: UUID) -> None:
        """Erase the stored inputs of a run."""
        await self._private.erase_inputs(run_id)

    def _check_room(self, valid: ValidInputs) -> None:
        """Check that the inputs of a run can be kept together."""
        room = self._log_reader.max_body - REFERENCE * len(valid.facts)
        texts = {n: v for n, v in valid.draft.values.items() if not isinstance(v, ImageBytes)}
        # A look at the lengths first: texts of any size are not encoded to learn their size.
        least = sum(len(value) for value in texts.values() if isinstance(value, str))
        if least > room or len(_encode(texts)) > room:
            raise TooLarge(f"inputs of run {valid.draft.run_id}")

    async def _look_at(self, draft: RunDraft) -> tuple[dict[str, ImageFacts], list[Problem]]:
        problems = [*self._url_problems(draft.values), *await self._model_problems(draft)]
        facts: dict[str, ImageFacts] = {}
        for name, value in draft.values.items():
            if isinstance(value, ImageBytes):
                try:
                    facts[name] = await self._image_store.look_at(value.data)
                except ImageRefused as error:
                    problems.append(_problem(name, error))
        return facts, problems

    async def _model_problems(self, draft: RunDraft) -> list[Problem]:
        """List the models that a node of the machine has to download, and which it lacks.

        A machine that was never observed may have it; a worker finds out.
        """
        models = {n: v for n, v in draft.values.items() if isinstance(v, ModelUrl)}
        if not models:
            return []
        machine = await self._classes.machine(draft.machine_id)
        known = await self._classes.of(machine)
        lacking = [n for n, v in models.items() if known is not None and v.class_type not in known]
        return [
            Problem(
                code="input_model_url",
                pointer=pointer("inputs", name),
                params={"name": name, "machine": machine.name, "plugin": PLUGIN},
            )
            for name in lacking
        ]

    def _url_problems(self, values: Mapping[str, Value]) -> list[Problem]:
        return [p for n, v in values.items() if (p := self._url_problem(n, v))]

    def _url_problem(self, name: str, value: Value) -> Problem | None:
        if self._uploads.hold(value):
            # What is stored there has taken its place by now.
            params = {"name": name, "limit": str(self._uploads.most_bytes)}
            return Problem(code="upload_missing", pointer=pointer("inputs", name), params=params)
        if self._uploads.serve(value):
            params = {"name": name, "limit": str(self._uploads.most_bytes)}
            return Problem(code="output_missing", pointer=pointer("inputs", name), params=params)
        if isinstance(value, AnyUrl):
            try:
                check_url(value.url, allow_private=self._allow_private_urls)
            except UrlRefused as error:
                return _problem(name, error)
        return None


def _images(valid: ValidInputs) -> list[_Image]:
    return [
        _Image(name=name, data=value.data, facts=valid.facts[name])
        for name, value in valid.draft.values.items()
        if isinstance(value, ImageBytes)
    ]


def _problem(name: str, error: ImageRefused | UrlRefused) -> Problem:
    params = {"name": name, **error.params}
    return Problem(code=error.code, pointer=pointer("inputs", name), params=params)
