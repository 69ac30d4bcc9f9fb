"""Repeat runs: one with other inputs if wanted, or all that a filter finds as a batch."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from msgspec import Struct

from app.auth.caller import Caller
from app.commands.idempotency import is_large, request_hash_of
from app.commands.runs.create_batch import AcceptedBatch, BatchCreator, RunPlan
from app.commands.runs.create_run import AcceptedRun, RunCreator
from app.commands.runs.resolve_rerun import RerunResolver, ResolvedRerun, Version
from app.commands.runs.run_inputs import RunDraft
from app.reads.runs.runs import RunReads
from events.aggregates import RUN
from events.batch import RunFilter
from events.errors import CommandRefused, InputsErased, InvalidInputs, NotFound, NothingToRerun
from events.run.redaction import ERASURES
from events.run.state import Run
from events.subjects import identifier_of
from infra.gather_bounded import gather_bounded
from infra.jetstream.log.aggregates import LogReader
from infra.offload import in_thread_if

READ_AT_ONCE = 16

_REFUSALS = (InputsErased, InvalidInputs, NotFound)
"""What keeps one run from being repeated, but not the others."""


class Skipped(Struct, frozen=True, kw_only=True):
    """A run that fits the filter and cannot be repeated."""

    run_id: UUID
    reason: CommandRefused


class Selection(Struct, frozen=True, kw_only=True):
    """What a filter has found, oldest first."""

    reruns: list[ResolvedRerun]
    skipped: list[Skipped]
    has_more: bool
    """Whether more runs fit than were asked for."""


class Reruns:
    """Use-cases: repeat one run, or all that a filter finds."""

    def __init__(
        self,
        runs: RunReads,
        run_creator: RunCreator,
        batch_creator: BatchCreator,
        resolver: RerunResolver,
        log_reader: LogReader,
    ) -> None:
        self._runs = runs
        self._run_creator = run_creator
        self._batch_creator = batch_creator
        self._resolver = resolver
        self._log_reader = log_reader

    async def one(
        self,
        caller: Caller,
        run_id: UUID,
        *,
        inputs: Mapping[str, object],
        version: Version,
        idempotency_key: str | None,
    ) -> AcceptedRun:
        """Accept a run that repeats another, with *inputs* in the place of those that it had.

        Raises:
            NotFound: the caller has no such run, or its deployment is gone.
            InputsErased: what it was made of is no longer kept.
            InvalidInputs, QuotaExceeded, AlreadyExists, TooLarge, StorageUnavailable,
            LogUnavailable: as for any run, see RunCreator.create.

        """
        # From the log: what was erased a moment ago is not copied.
        run = (await self._runs.session(caller, run_id)).existing
        request = {"rerun_of": run_id, "inputs": inputs, "version": version}
        request_hash = await in_thread_if(is_large(inputs), request_hash_of, request)
        session = await self._run_creator.open(caller, idempotency_key, request_hash)
        if session.state is not None:
            return self._run_creator.replayed(session)
        found = await self._resolver.of(caller, version).resolve(run, inputs)
        draft = RunDraft(
            run_id=identifier_of(session.name),
            machine_id=found.target.machine_id,
            request_hash=request_hash,
            values=found.values,
            known_images=found.images,
        )
        return await self._run_creator.accept(
            caller, session, draft, found.target, origin="api", rerun_of=run_id
        )

    async def many(
        self,
        caller: Caller,
        fits: RunFilter,
        *,
        limit: int,
        version: Version,
        idempotency_key: str | None,
    ) -> tuple[AcceptedBatch, Sequence[Skipped]]:
        """Accept a batch that repeats what a filter finds; return also what is left out.

        Raises:
            NothingToRerun: no run fits, or none of those can be repeated.
            QuotaExceeded, AlreadyExists, TooLarge, StorageUnavailable, LogUnavailable:
            as for any batch, see BatchCreator.create.

        """
        filters = msgspec.to_builtins(fits)
        request_hash = request_hash_of({"rerun": filters, "limit": limit, "version": version})
        session = await self._batch_creator.open(caller, idempotency_key, request_hash)
        if session.state is not None:
            return self._batch_creator.replayed(caller, session), ()
        selection = await self.select(caller, fits, limit=limit, version=version)
        if not selection.reruns:
            raise NothingToRerun
        plans = [_plan(found, version) for found in selection.reruns]
        accepted = await self._batch_creator.accept(
            caller, session, plans, request_hash=request_hash, rerun=fits
        )
        return accepted, selection.skipped

    async def select(
        self, caller: Caller, fits: RunFilter, *, limit: int, version: Version
    ) -> Selection:
        """Find the newest runs of the caller's that fit, and what each would be repeated with."""
        page = await self._runs.page(caller, fits, limit=limit, before=None)
        runs = [row.state for row in reversed(page.rows)]
        erased = await self._erased(runs)
        resolver = self._resolver.of(caller, version)

        async def resolve(run: Run) -> ResolvedRerun | Skipped:
            try:
                if run.has_inputs and RUN.name(run.id) in erased:
                    raise InputsErased
                return await resolver.resolve(run, {})
            except _REFUSALS as refusal:
                return Skipped(run_id=run.id, reason=refusal)

        found = await gather_bounded(resolve, runs, at_once=READ_AT_ONCE)
        return Selection(
            reruns=[one for one in found if isinstance(one, ResolvedRerun)],
            skipped=[one for one in found if isinstance(one, Skipped)],
            has_more=page.has_more,
        )

    async def _erased(self, runs: Sequence[Run]) -> set[str]:
        """Return which runs are erased; the lists may not know it yet."""
        names = [RUN.name(run.id) for run in runs]
        last = await self._log_reader.last_events(names, until=await self._log_reader.head())
        return {e.aggregate for e in last if isinstance(e.event, ERASURES)}


def _plan(found: ResolvedRerun, version: Version) -> RunPlan:
    request = {"rerun_of": found.run.id, "inputs": {}, "version": version}
    return RunPlan(
        target=found.target,
        request_hash=request_hash_of(request),
        values=found.values,
        known_images=found.images,
        rerun_of=found.run.id,
    )
