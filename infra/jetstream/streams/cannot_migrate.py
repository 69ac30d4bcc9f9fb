"""Why the streams cannot be made as they are declared, in English and Chinese."""

from events.messages.texts import Texts
from infra.translation import translate

MESSAGES: Texts = {
    "would_lower": (
        "nothing was changed: {changes} would keep less than now. If you want that, add {flags}"
    ),
    "would_lower_replicas": (
        "nothing was changed: {changes} would keep fewer copies than now. Ask for the copies"
        " that there are (--replicas or COMFYD_REPLICAS); if you want fewer, add {flags}"
    ),
    "single_server": (
        "{stream}: {replicas} replicas need as many NATS servers in one cluster, and NATS_URL"
        " leads to a single one. Start a cluster (docs/cluster.md), or ask for 1"
        " (--replicas or COMFYD_REPLICAS)"
    ),
    "too_few_servers": (
        "{stream}: {replicas} replicas need as many NATS servers of the cluster, with room on"
        " their disks, and fewer answer. Start the others, then run `comfyd migrate` again"
    ),
    "no_majority": (
        "NATS can be reached, but JetStream does not answer. It must be switched on, and in a"
        " cluster more than half of the servers must run: start the others, then run"
        " `comfyd migrate` again"
    ),
    "refused": "stream {stream} ({fields}) cannot be changed: NATS says: {reason}",
}


class CannotMigrate(Exception):
    """A stream cannot be made as it is declared; `text` says why and what to do."""

    def __init__(self, code: str, /, **params: str) -> None:
        self.code = code
        self.params = params
        super().__init__(self.text())

    def text(self, language: str = "en") -> str:
        """Return the message in *language*: en or zh."""
        return translate(MESSAGES[self.code], language, self.params)
