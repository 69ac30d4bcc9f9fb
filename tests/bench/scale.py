"""How much is measured: all of it, or just enough to see that it works."""

from collections.abc import Callable

from msgspec import Struct

Told = Callable[[str], None]
"""Told what is being measured now."""


class Scale(Struct, frozen=True, kw_only=True):
    """Sizes of the measurements."""

    rounds: int
    """How often each pair is measured, one after the other; medians count."""

    seconds: float
    """How long one load lasts."""

    runs: int
    """Sequential runs for each length of job."""

    history: int
    """Events in the log for rebuilding."""

    lag_seconds: float
    followers: tuple[int, ...]
    idle_followers: int
    """0: not measured."""


FULL = Scale(
    rounds=3,
    seconds=1.2,
    runs=40,
    history=56_000,
    lag_seconds=6.0,
    followers=(1, 100, 1000),
    idle_followers=10_000,
)
QUICK = Scale(
    rounds=1,
    seconds=0.5,
    runs=4,
    history=3_500,
    lag_seconds=1.0,
    followers=(1, 100),
    idle_followers=0,
)
