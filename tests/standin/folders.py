"""The directory of a stand-in: input, output and temp files, and the log of what was rendered."""

import os
import re
from collections import Counter
from pathlib import Path

from msgspec import Struct

KINDS = ("input", "output", "temp")
_ANNOTATED = re.compile(r"^(?P<name>.*?) ?\[(?P<kind>input|output|temp)\]$")


class PathEscapes(Exception):
    """The path leads out of the folder it must stay in."""


class SavePath(Struct, frozen=True, kw_only=True):
    """Where the next file of a prefix goes."""

    folder: Path
    subfolder: str
    stem: str
    counter: int

    def name(self, offset: int, extension: str) -> str:
        """Name the file *offset* places after the first of this save."""
        return f"{self.stem}_{self.counter + offset:05}_.{extension}"


class Folders(Struct, frozen=True):
    """The folders below one root directory."""

    root: Path

    def make(self) -> None:
        """Create what is missing."""
        for kind in KINDS:
            self.of(kind).mkdir(parents=True, exist_ok=True)

    def of(self, kind: str) -> Path:
        """Return the folder of input, output or temp files."""
        return self.root / kind

    def inside(self, kind: str, *parts: str) -> Path:
        """Return a path below the folder of *kind*.

        Raises:
            PathEscapes: it would not be below.

        """
        base = self.of(kind).absolute()
        path = Path(os.path.normpath(base.joinpath(*parts)))
        if not path.is_relative_to(base):
            raise PathEscapes(f"{path} is outside of {base}")
        return path

    def annotated(self, name: str) -> Path:
        """Return the path of a name as LoadImage takes it: `name`, `sub/name` or `name [output]`.

        Raises:
            PathEscapes: the name leads out of its folder.

        """
        match = _ANNOTATED.match(name)
        return self.inside(match["kind"], match["name"]) if match else self.inside("input", name)

    def inputs(self) -> list[str]:
        """List the files a LoadImage node offers: those directly in the input folder."""
        return sorted(entry.name for entry in os.scandir(self.of("input")) if entry.is_file())

    def save_path(self, prefix: str, kind: str = "output") -> SavePath:
        """Find the folder and the first free number for *prefix*.

        Raises:
            PathEscapes: the prefix leads out of the folder of *kind*.

        """
        wanted = Path(os.path.normpath(prefix))
        subfolder = "" if wanted.parent == Path() else wanted.parent.as_posix()
        folder = self.inside(kind, subfolder)
        folder.mkdir(parents=True, exist_ok=True)
        numbers = (_number(entry.name, wanted.name) for entry in os.scandir(folder))
        counter = max(numbers, default=0) + 1
        return SavePath(folder=folder, subfolder=subfolder, stem=wanted.name, counter=counter)

    def log_rendered(self, prompt_id: str) -> None:
        """Note that an execution starts; the note survives the death of the process."""
        with (self.root / "rendered.log").open("a", encoding="utf-8") as log:
            log.write(f"{prompt_id}\n")

    def rendered(self) -> Counter[str]:
        """Count the executions of every prompt id, over all restarts."""
        log = self.root / "rendered.log"
        return Counter(log.read_text("utf-8").split() if log.exists() else ())


def _number(name: str, stem: str) -> int:
    """Read the counter out of a file name; 0 where it is another prefix's file."""
    if not name.startswith(f"{stem}_"):
        return 0
    digits = name[len(stem) + 1 :].split("_", 1)[0]
    return int(digits) if digits.isdecimal() else 0
