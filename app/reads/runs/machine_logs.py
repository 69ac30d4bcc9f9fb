"""Reads what machines have sent of their logs, which is kept beside the runs."""

from uuid import UUID

from msgspec import Struct

from app.auth.caller import Caller
from app.reads.runs.runs import RunReads
from infra.jetstream.private_data import PrivateData


class MachineLog(Struct, frozen=True, kw_only=True):
    """What the machine of an attempt logged."""

    attempt: int
    text: str


class MachineLogReads(Struct, frozen=True, kw_only=True):
    """Queries for logs of machines."""

    runs: RunReads
    private: PrivateData

    async def of_run(self, caller: Caller, run_id: UUID) -> list[MachineLog]:
        """Return what machines logged of a run of the caller's, by attempt; erased, nothing.

        Raises:
            NotFound: there is no such run that the caller may know of.
            LogUnavailable: NATS does not answer.

        """
        run = (await self.runs.find(caller, run_id)).run
        if run.erased_at is not None or run.inputs_erased_at is not None:
            return []
        attempts = range(1, run.attempt + 1)
        texts = [await self.private.get_log(run.id, attempt) for attempt in attempts]
        return [
            MachineLog(attempt=attempt, text=text)
            for attempt, text in zip(attempts, texts, strict=True)
            if text is not None
        ]
