"""Takes in the inputs of runs that are to be made, of one as of many.

All of them are checked and looked at before anything of any is stored: a refused request leaves
nothing behind.
"""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from app.house import House
from events.errors import InvalidInputs, Problem
from events.graph.inputs import InputField, check_inputs
from events.graph.nodes import pointer
from events.graph.values import ImageBytes, ImageRef, ImageUrl, StoredValue, Value
from events.run.events import ImageUploaded
from infra.event_store import TooLarge
from infra.images.accepted import ImageFacts, ImageRefused
from infra.images.store import InputImages
from infra.net.url_fetch import UrlRefused, check_url
from infra.side_by_side import side_by_side

STORED_AT_ONCE = 16
REFERENCE = 500
"""Bytes that the name and facts of a stored image take among the inputs, at most."""

_encode = msgspec.json.Encoder().encode


class Draft(Struct, frozen=True, kw_only=True):
    """The inputs of a run that is to be made, converted."""

    run_id: UUID
    request_hash: str
    values: Mapping[str, Value]
    pointer: str = "/inputs"
    """Where in the request they are."""

    known_images: tuple[ImageUploaded, ...] = ()
    """Images among them that are stored already."""


class Seen(Struct, frozen=True, kw_only=True):
    """Inputs that may be stored."""

    draft: Draft
    facts: Mapping[str, ImageFacts]
    """Of the images that are still to be stored, by input."""


class Taken(Struct, frozen=True, kw_only=True):
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


async def look_at_all(house: House, drafts: Sequence[Draft]) -> list[Seen]:
    """Look at every image and URL.

    Raises:
        InvalidInputs: with every problem there is.
        TooLarge: the inputs of a run are larger than one message may be.

    """
    problems: list[Problem] = []
    seen = []
    for draft in drafts:
        facts, wrong = await _look_at(house, draft)
        problems += moved(wrong, draft.pointer)
        seen.append(Seen(draft=draft, facts=facts))
    if problems:
        raise InvalidInputs(problems=problems)
    for one in seen:
        _check_room(house, one)
    return seen


def _check_room(house: House, seen: Seen) -> None:
    """Look whether the inputs of a run can be kept together."""
    room = house.log_groups.room - REFERENCE * len(seen.facts)
    texts = {n: v for n, v in seen.draft.values.items() if not isinstance(v, ImageBytes)}
    # A look at the lengths first: texts of any size are not encoded to learn that they are large.
    least = sum(len(value) for value in texts.values() if isinstance(value, str))
    if least > room or len(_encode(texts)) > room:
        raise TooLarge(f"inputs of run {seen.draft.run_id}")


def check_urls(house: House, values: Mapping[str, Value]) -> None:
    """Look at the URLs among the inputs of a run.

    Raises:
        InvalidInputs: with every problem there is.

    """
    if problems := _url_problems(house, values):
        raise InvalidInputs(problems=problems)


def _url_problems(house: House, values: Mapping[str, Value]) -> list[Problem]:
    return [p for n, v in values.items() if (p := _url_problem(house, n, v))]


async def _look_at(house: House, draft: Draft) -> tuple[dict[str, ImageFacts], list[Problem]]:
    problems = _url_problems(house, draft.values)
    facts: dict[str, ImageFacts] = {}
    for name, value in draft.values.items():
        if isinstance(value, ImageBytes):
            try:
                facts[name] = await intake(house).look_at(value.data)
            except ImageRefused as error:
                problems.append(_problem(name, error))
    return facts, problems


async def store_all(house: House, tenant: str, seen: Sequence[Seen]) -> list[Taken]:
    """Store the inputs of many runs; see store."""

    async def store_one(one: Seen) -> Taken:
        return await store(house, tenant, one)

    return await side_by_side(store_one, seen, at_once=STORED_AT_ONCE)


async def store(house: House, tenant: str, seen: Seen) -> Taken:
    """Store images, then inputs: a run without its inputs could not be kept.

    Raises:
        StorageUnavailable, StorageRefused, LogUnavailable: not everything is stored.

    """
    draft = seen.draft
    keeper = intake(house)

    async def store_image(image: _Image) -> ImageUploaded:
        now = house.now()
        return await keeper.store(image.data, image.facts, tenant=tenant, name=image.name, now=now)

    uploads = await side_by_side(store_image, _images(seen), at_once=STORED_AT_ONCE)
    stored: dict[str, StoredValue] = {
        n: v for n, v in draft.values.items() if not isinstance(v, ImageBytes)
    }
    stored |= {upload.name: _reference(upload) for upload in uploads}
    if stored:
        await house.private.put_inputs(draft.run_id, draft.request_hash, stored)
    return Taken(has_inputs=bool(stored), images=(*draft.known_images, *uploads))


def _images(seen: Seen) -> list[_Image]:
    return [
        _Image(name=name, data=value.data, facts=seen.facts[name])
        for name, value in seen.draft.values.items()
        if isinstance(value, ImageBytes)
    ]


def intake(house: House) -> InputImages:
    """Give the one that takes in images."""
    return InputImages(storage=house.storage, given_up=house.given_up, settings=house.settings)


def _url_problem(house: House, name: str, value: Value) -> Problem | None:
    if isinstance(value, ImageUrl):
        try:
            check_url(value.url, allow_private=house.settings.allow_private_urls)
        except UrlRefused as error:
            return _problem(name, error)
    return None


def _reference(image: ImageUploaded) -> ImageRef:
    assert image.width is not None  # it was inspected
    assert image.height is not None
    return ImageRef(
        key=image.key,
        sha256=image.sha256,
        media_type=image.media_type,
        width=image.width,
        height=image.height,
    )


def _problem(name: str, error: ImageRefused | UrlRefused) -> Problem:
    params = {"name": name, **error.params}
    return Problem(code=error.code, pointer=pointer("inputs", name), params=params)
