"""Accepts a run: checks its inputs, stores its images, records that it exists. Nothing else."""

import asyncio
import hashlib
from collections.abc import Mapping
from uuid import UUID

import msgspec
from msgspec import Struct

from app.auth import Caller
from app.house import House
from events.decider import DEPLOYMENT, RUN
from events.deployment import DeploymentPromoted
from events.errors import AlreadyExists, InvalidInputs, NotFound, Problem
from events.identity import derived, keyed_run_id
from events.input_values import ImageBytes, ImageRef, ImageUrl, StoredValue, Value
from events.inputs import check_inputs
from events.nodes import pointer
from events.run import Run
from events.run_commands import CreateRun, RunCommand
from events.run_events import ImageUploaded, RunCreated, RunEvent
from infra.event_store import Session
from infra.images import ImageFacts, ImageRefused
from infra.input_images import InputImages
from infra.url_fetch import UrlRefused, check_url

RunSession = Session[Run, RunCommand, RunEvent]

_canonical = msgspec.json.Encoder(order="deterministic").encode


class Accepted(Struct, frozen=True, kw_only=True):
    """A run that will not be lost."""

    run: Run
    position: int
    replayed: bool
    """Whether an earlier request with the same key had made it."""


async def create_run(
    house: House,
    caller: Caller,
    *,
    deployment_id: UUID,
    inputs: Mapping[str, object],
    origin: str,
    idempotency_key: str | None,
) -> Accepted:
    """Accept a run of a deployment's current version.

    Raises:
        NotFound: the caller has no such deployment.
        InvalidInputs: with every problem there is.
        AlreadyExists: the key belongs to a different request.
        StorageUnavailable, LogUnavailable: nothing was accepted; send it again.

    """
    request_hash = _request_hash(deployment_id, inputs)
    run_id = keyed_run_id(caller.tenant, idempotency_key) if idempotency_key else house.new_id()
    session = Session(house.store, RUN, run_id, tenant=caller.tenant)
    if idempotency_key:
        # Before anything else: the deployment may have changed since the first request.
        await session.load()
        if session.state is not None:
            return _replayed(house, session, request_hash)
    deployment = await current_deployment(house, caller, deployment_id)
    checked = check_inputs(deployment.inputs, inputs)
    stored, images = await _store_images(house, caller, checked)
    if stored:
        # First the inputs: a run without them could not be kept.
        await house.inputs.put(run_id, request_hash, stored)
    created = _created(house, caller, deployment, run_id, request_hash, origin, bool(stored))
    await session.execute(
        CreateRun(created=created, images=images),
        house.meta(caller, command_id=derived("create", run_id, request_hash)),
    )
    assert session.state is not None  # it was created, now or before
    house.recent.note(run_id, session.position)
    # A repeat makes the same event ids and is answered with the event of the first.
    replayed = session.state.created_at != created.at
    return Accepted(run=session.state, position=session.position, replayed=replayed)


def _replayed(house: House, session: RunSession, request_hash: str) -> Accepted:
    run = session.state
    assert run is not None  # the caller has looked
    if run.request_hash != request_hash:
        raise AlreadyExists("this Idempotency-Key belongs to a different request")
    house.recent.note(run.id, session.position)
    return Accepted(run=run, position=session.position, replayed=True)


async def current_deployment(
    house: House, caller: Caller, deployment_id: UUID
) -> DeploymentPromoted:
    """Give what a deployment runs now; a single read of the log, so never an old version.

    Raises:
        NotFound: the caller has no such deployment.

    """
    last = await house.store.last(DEPLOYMENT.name(deployment_id))
    if last is None or last.meta.tenant != caller.tenant:
        raise NotFound("there is no deployment with this id")
    promoted: DeploymentPromoted = last.event
    return promoted


async def _store_images(
    house: House, caller: Caller, checked: Mapping[str, Value]
) -> tuple[dict[str, StoredValue], tuple[ImageUploaded, ...]]:
    """Put images that came with the request into storage, side by side; all or none."""
    intake = InputImages(storage=house.storage, settings=house.settings)
    images = {n: v.data for n, v in checked.items() if isinstance(v, ImageBytes)}
    facts = await _look_at_all(house, intake, checked, images)
    uploads = await asyncio.gather(
        *(
            intake.store(data, facts[name], tenant=caller.tenant, name=name, now=house.now())
            for name, data in images.items()
        )
    )
    stored = {n: v for n, v in checked.items() if not isinstance(v, ImageBytes)}
    stored |= {upload.name: _reference(upload) for upload in uploads}
    return stored, tuple(uploads)


async def _look_at_all(
    house: House,
    intake: InputImages,
    checked: Mapping[str, Value],
    images: Mapping[str, bytes],
) -> dict[str, ImageFacts]:
    """Look at every image and URL before anything is stored; a refused request leaves nothing.

    Raises:
        InvalidInputs: with every problem there is.

    """
    problems = [p for n, v in checked.items() if (p := _url_problem(house, n, v))]
    facts: dict[str, ImageFacts] = {}
    for name, data in images.items():
        try:
            facts[name] = await intake.look_at(data)
        except ImageRefused as error:
            problems.append(_problem(name, error))
    if problems:
        raise InvalidInputs(problems=problems)
    return facts


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


def _request_hash(deployment_id: UUID, inputs: Mapping[str, object]) -> str:
    body = _canonical({"deployment_id": deployment_id, "inputs": inputs})
    return hashlib.sha256(body).hexdigest()


def _created(
    house: House,
    caller: Caller,
    deployment: DeploymentPromoted,
    run_id: UUID,
    request_hash: str,
    origin: str,
    has_inputs: bool,  # noqa: FBT001 -- a fact, not a switch
) -> RunCreated:
    return RunCreated(
        run_id=run_id,
        user_id=caller.user_id,
        org_id=caller.org_id,
        workflow_id=deployment.workflow_id,
        version_id=deployment.version_id,
        version=deployment.version,
        deployment_id=deployment.deployment_id,
        environment=deployment.environment,
        machine_id=deployment.machine_id,
        graph_key=deployment.graph_key,
        ui_graph_key=deployment.ui_graph_key,
        has_inputs=has_inputs,
        request_hash=request_hash,
        origin=origin,
        at=house.now(),
    )
