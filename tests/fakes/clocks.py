"""A clock for tests of what happens after a while."""


class StoppedClock:
    """Counts seconds as the monotonic clock does, and moves only when it is told to."""

    def __init__(self) -> None:
        self._now = 1000.0

    def __call__(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self._now += seconds
