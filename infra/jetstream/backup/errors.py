"""Why a backup cannot be made or restored, in English and Chinese."""

from events.messages.texts import Texts
from infra.translation import translate

MESSAGES: Texts = {
    "folder_taken": "{folder} already holds a backup; name a new or empty folder",
    "unwritable": "cannot write to {folder}: {reason}",
    "stream_missing": (
        "there is no stream {stream} to back up; NATS_URL leads to a NATS without comfyd's streams"
    ),
    "interrupted": "NATS stopped sending {stream} ({reason}); nothing was kept, try again",
    "no_backup": "{folder} does not hold a complete backup of {stream}: {missing} is missing",
    "unreadable": "{file} cannot be read: {reason}",
    "other_stream": "{file} describes the stream {found}, not {stream}",
    "damaged": "{file} has changed since it was written: its SHA-256 differs. Use another backup",
    "running": "a worker is running: stop API, workers and projector first",
    "not_empty": (
        "the stream {stream} is there, up to position {last}: restore into a NATS without "
        "comfyd's data, or let --replace delete what is there for ever"
    ),
    "no_place": (
        "NATS cannot place {replicas} replicas ({reason}); nothing was deleted. Start the missing "
        "servers, or choose another number with --replicas"
    ),
    "refused": "NATS did not restore {stream}: {reason}. What was restored has been deleted again",
    "not_whole": (
        "{stream} was restored with {messages} messages up to {last}, but the backup has "
        "{expected} up to {expected_last}. It has been deleted again"
    ),
    "replicas_behind": (
        "{stream} is restored, but these servers do not have all of it yet: {servers}. "
        "Start nothing before they have: what one server has alone is lost with it"
    ),
    "away": "NATS does not answer ({reason}): check NATS_URL, and whether NATS is running",
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
