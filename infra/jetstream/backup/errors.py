"""Why a backup cannot be made or restored, in English and Chinese."""

from events.texts import Texts
from infra.translation import translate

MESSAGES: Texts = {
    "folder_taken": "{folder} holds a backup already; name a folder that is new or empty",
    "unwritable": "cannot write to {folder}: {reason}",
    "stream_missing": (
        "there is no stream {stream} to back up; NATS_URL leads to a NATS without comfyd's streams"
    ),
    "interrupted": "NATS stopped sending {stream} ({reason}); nothing was kept, try again",
    "no_backup": "{folder} holds no whole backup of {stream}: {missing} is missing",
    "unreadable": "{file} cannot be read: {reason}",
    "other_stream": "{file} describes the stream {found}, not {stream}",
    "damaged": "{file} is not as it was written: its SHA-256 differs. Take another backup",
    "running": "a worker is running: stop API, workers and projector first",
    "not_empty": (
        "the stream {stream} is there, up to position {last}: restore into a NATS without "
        "comfyd's data, or let --replace delete what is there for ever"
    ),
    "no_place": (
        "NATS has no place for {replicas} replicas ({reason}); nothing was deleted. Start the "
        "missing servers, or name another number with --replicas"
    ),
    "refused": "NATS did not restore {stream}: {reason}. What had come of it was taken away again",
    "not_whole": (
        "{stream} came back with {messages} messages up to {last}, but the backup has "
        "{expected} up to {expected_last}. It was taken away again"
    ),
    "replicas_behind": (
        "{stream} is restored, but these servers do not have all of it yet: {servers}. "
        "Start nothing before they have: what one server has alone is lost with it"
    ),
    "away": "NATS does not answer ({reason}): is NATS_URL right, and does it run?",
}


class BackupError(Exception):
    """A backup cannot be made or restored; the message says why and what to do."""

    def __init__(self, key: str, **params: object) -> None:
        self.key = key
        self._params = params
        super().__init__(self.text("en"))

    def text(self, language: str) -> str:
        """Return the message in that language."""
        return translate(MESSAGES[self.key], language, self._params)
