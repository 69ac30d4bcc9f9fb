"""Repeats runs: one with other inputs if wanted, or all that a filter finds as a batch."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from msgspec import Struct

from app.auth.caller import Caller
from app.create_batch import AcceptedBatch, Plan, accept_batch, earlier_batch, open_batch
from app.create_run import Accepted, accept_run, earlier_run, open_run
from app.find_run import run_session
from app.house import House
from app.repeat_run import Repeater, Repetition, Version
from app.request_hash import is_large, request_hash_of
from app.take_inputs import Draft
from events.aggregates import RUN
from events.batch import RunFilter
from events.errors import CommandRefused, InputsErased, InvalidInputs, NotFound, NothingToRerun
from events.run.events import RunDataDeleted, RunDataErased
from events.run.state import Run
from events.subjects import identifier_of
from infra.offload import in_thread_if
from infra.side_by_side import side_by_side
from projections.queries import list_runs

READ_AT_ONCE = 16

_REFUSALS = (InputsErased, InvalidInputs, NotFound)
"""What keeps one run from being repeated, but not the others."""


class Skipped(Struct, frozen=True, kw_only=True):
    """A run that fits the filter and cannot be repeated."""

    run_id: UUID
    reason: CommandRefused


class Selection(Struct, frozen=True, kw_only=True):
    """What a filter has found, oldest first."""

    repetitions: list[Repetition]
    skipped: list[Skipped]
    has_more: bool
    """Whether more runs fit than were asked for."""


async def rerun(
    house: House,
    caller: Caller,
    run_id: UUID,
    *,
    inputs: Mapping[str, object],
    version: Version,
    idempotency_key: str | None,
) -> Accepted:
    """Accept a run that repeats another, with *inputs* in the place of those that it had.

    Raises:
        NotFound: the caller has no such run, or its deployment is gone.
        InputsErased: what it was made of is no longer kept.
        InvalidInputs, QuotaExceeded, AlreadyExists, TooLarge, StorageUnavailable,
        LogUnavailable: as for any run, see create_run.

    """
    # From the log: what was erased a moment ago is not copied.
    run = (await run_session(house, caller, run_id)).existing
    request = {"rerun_of": run_id, "inputs": inputs, "version": version}
    request_hash = await in_thread_if(is_large(inputs), request_hash_of, request)
    session = open_run(house, caller, idempotency_key)
    if idempotency_key and (earlier := await earlier_run(house, session, request_hash)):
        return earlier
    found = await Repeater(house, caller, version).repeat(run, inputs)
    draft = Draft(
        run_id=identifier_of(session.name),
        request_hash=request_hash,
        values=found.values,
        known_images=found.images,
    )
    return await accept_run(
        house, caller, session, draft, found.target, origin="api", rerun_of=run_id
    )


async def select(
    house: House, caller: Caller, fits: RunFilter, *, limit: int, version: Version
) -> Selection:
    """Find the newest runs of the caller's that fit, and what each would be repeated with."""
    async with house.pool.connection() as connection:
        page = await list_runs(
            connection,
            tenant=caller.tenant,
            limit=limit,
            before=None,
            fits=fits,
            only=caller.deployments,
        )
    runs = [row.state for row in reversed(page.rows)]
    erased = await _erased(house, runs)
    repeater = Repeater(house, caller, version)

    async def repeat(run: Run) -> Repetition | Skipped:
        try:
            if run.has_inputs and RUN.name(run.id) in erased:
                raise InputsErased
            return await repeater.repeat(run, {})
        except _REFUSALS as refusal:
            return Skipped(run_id=run.id, reason=refusal)

    found = await side_by_side(repeat, runs, at_once=READ_AT_ONCE)
    return Selection(
        repetitions=[one for one in found if isinstance(one, Repetition)],
        skipped=[one for one in found if isinstance(one, Skipped)],
        has_more=page.has_more,
    )


async def _erased(house: House, runs: Sequence[Run]) -> set[str]:
    """Tell which runs are erased; the lists may not know it yet."""
    names = [RUN.name(run.id) for run in runs]
    last = await house.log_groups.last_events(names, until=await house.log_groups.head())
    return {e.aggregate for e in last if isinstance(e.event, RunDataErased | RunDataDeleted)}


async def rerun_many(
    house: House,
    caller: Caller,
    fits: RunFilter,
    *,
    limit: int,
    version: Version,
    idempotency_key: str | None,
) -> tuple[AcceptedBatch, Sequence[Skipped]]:
    """Accept a batch that repeats what a filter finds; tell what is left out.

    Raises:
        NothingToRerun: no run fits, or none of those can be repeated.
        QuotaExceeded, AlreadyExists, TooLarge, StorageUnavailable, LogUnavailable:
        as for any batch, see create_batch.

    """
    filters = msgspec.to_builtins(fits)
    request_hash = request_hash_of({"rerun": filters, "limit": limit, "version": version})
    session = open_batch(house, caller, idempotency_key)
    if idempotency_key and (earlier := await earlier_batch(house, caller, session, request_hash)):
        return earlier, ()
    selection = await select(house, caller, fits, limit=limit, version=version)
    if not selection.repetitions:
        raise NothingToRerun
    plans = [_plan(found, version) for found in selection.repetitions]
    accepted = await accept_batch(
        house, caller, session, plans, request_hash=request_hash, rerun=fits
    )
    return accepted, selection.skipped


def _plan(found: Repetition, version: Version) -> Plan:
    request = {"rerun_of": found.run.id, "inputs": {}, "version": version}
    return Plan(
        target=found.target,
        request_hash=request_hash_of(request),
        values=found.values,
        known_images=found.images,
        rerun_of=found.run.id,
    )
