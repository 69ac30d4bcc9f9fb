"""What a process last saw of itself: the answer to its probes."""

from collections.abc import Mapping

from infra.telemetry.internal_server import Health

OK = "ok"


class Vitals:
    """The state of each part that the process needs; it is not ready before all are ok."""

    def __init__(self) -> None:
        self._parts: Mapping[str, str] = {"startup": "waiting for NATS"}

    def note(self, parts: Mapping[str, str]) -> None:
        """Replace what is known: by name, `ok` or what is wrong."""
        self._parts = parts

    async def ready(self) -> Health:
        """Return whether the process can do its work."""
        return Health(ok=all(state == OK for state in self._parts.values()), parts=self._parts)
