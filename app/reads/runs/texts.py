"""The texts of outputs, put into their runs: they are private, so the log has none."""

from contextlib import suppress
from uuid import UUID

from cachetools import LRUCache
from msgspec import UNSET
from msgspec.structs import replace

from events.run.output import Output
from events.run.state import Run
from infra.jetstream.private_data import PrivateData

REMEMBERED = 20_000_000
"""Characters kept in memory."""


class Texts:
    """The texts of runs, those that were read last from memory."""

    def __init__(self, private: PrivateData, *, remembered: int = REMEMBERED) -> None:
        self._private = private
        self._known: LRUCache[tuple[UUID, int], dict[int, str]] = LRUCache(
            remembered, getsizeof=_size
        )

    async def put_into(self, run: Run) -> Run:
        """Return *run* with its texts; one without any, or erased, as it is.

        Raises:
            LogUnavailable: they cannot be read.

        """
        if run.erased_at is not None or not any(map(_is_elsewhere, run.outputs)):
            return run
        texts = await self._of(run.id, run.attempt)
        outputs = (
            replace(output, text=texts.get(output.index)) if _is_elsewhere(output) else output
            for output in run.outputs
        )
        return replace(run, outputs=tuple(outputs))

    async def _of(self, run_id: UUID, attempt: int) -> dict[int, str]:
        known = self._known.get((run_id, attempt))
        if known is None:
            known = await self._private.get_texts(run_id, attempt)
            if known:
                # What alone is larger than the cache is not kept.
                with suppress(ValueError):
                    self._known[run_id, attempt] = known
        return known


def _is_elsewhere(output: Output) -> bool:
    return output.length is not UNSET and output.text is None


def _size(texts: dict[int, str]) -> int:
    return sum(map(len, texts.values()))
