"""From many measurements to the one that is shown."""

from collections.abc import Sequence
from statistics import median

from msgspec import Struct
from typing_extensions import override

__all__ = ["Measured", "median", "middle", "percentile", "summary"]


class Measured(Struct, frozen=True, kw_only=True):
    """How a load went."""

    rate: float
    """Answers per second."""

    p50: float
    """Milliseconds, as p99."""

    p99: float
    errors: int = 0

    @override
    def __str__(self) -> str:
        return f"{self.rate:,.0f}/s, p50 {self.p50:.1f}, p99 {self.p99:.1f} ms"


def summary(spent: Sequence[float], seconds: float, *, errors: int = 0) -> Measured:
    """Sum up what single answers took, in seconds, within *seconds*."""
    return Measured(
        rate=len(spent) / seconds,
        p50=percentile(spent, 50) * 1000,
        p99=percentile(spent, 99) * 1000,
        errors=errors,
    )


def middle(rounds: Sequence[Measured]) -> Measured:
    """Return the median of each number over several rounds."""
    return Measured(
        rate=median(one.rate for one in rounds),
        p50=median(one.p50 for one in rounds),
        p99=median(one.p99 for one in rounds),
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that *percent* of all *values* do not exceed; nearest rank."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * percent / 100))]
