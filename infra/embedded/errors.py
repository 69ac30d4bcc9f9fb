"""What keeps the one-machine stack from starting, each with words for the person in front of it.

CannotStart
 ├── ServerFailed     a server is missing, died or never became ready
 ├── DataFolderInUse  another comfyd has the folder
 ├── DataFolderUnusable
 └── DiskFull
"""

from infra.embedded.messages import CATALOGUE
from infra.translation import translate


class CannotStart(Exception):
    """The one-machine stack cannot start; `text` says why and what to do."""

    def __init__(self, code: str, **params: str) -> None:
        self.code = code
        self.params = params
        super().__init__(self.text())

    def text(self, language: str = "en") -> str:
        """Return the message in *language*: en or zh."""
        return translate(CATALOGUE[self.code], language, self.params)


class ServerFailed(CannotStart):
    """A server is missing, died or never became ready."""


class DataFolderInUse(CannotStart):
    """Another comfyd, or what it left behind, has the folder."""


class DataFolderUnusable(CannotStart):
    """We may not create the folder or write into it."""


class DiskFull(CannotStart):
    """Too little space is left on the disk of the folder."""
