"""Live copies without a server: tests say what is heard."""

from events.envelope import AnyRecorded
from infra.jetstream.live import OnEvent, OnProgress, Stop


class FakeLive:
    """Live copies that a test tells; set *away* and nobody can listen."""

    def __init__(self) -> None:
        self.listening: dict[str, tuple[OnEvent, OnProgress]] = {}
        self.opened = 0
        self.reconnects = 0
        self.away = False

    async def listen(self, aggregate: str, on_event: OnEvent, on_progress: OnProgress) -> Stop:
        """Hear what the test tells about a run."""
        if self.away:
            raise ConnectionError("the fake is away")
        self.opened += 1
        self.listening[aggregate] = (on_event, on_progress)

        async def stop() -> None:
            del self.listening[aggregate]

        return stop

    def tell(self, recorded: AnyRecorded, previous: int) -> None:
        """Tell an event to those who follow its run."""
        self.listening[recorded.aggregate][0](recorded, previous)

    def tell_progress(self, aggregate: str, data: bytes) -> None:
        """Tell progress to those who follow the run."""
        self.listening[aggregate][1](data)
