"""What a render leaves behind: files and texts, named so that no two collide."""

from msgspec import UNSET, Struct, UnsetType


class Output(Struct, frozen=True, kw_only=True):
    """One thing a node made: a file on the machine, or a text."""

    index: int
    """Position among all outputs of the attempt, from 0."""

    node_id: str
    kind: str
    """The key ComfyUI used: images, gifs, video, audio, text, 3d, or one we do not know."""

    filename: str = ""
    """The file's name on the machine; empty for a text."""

    subfolder: str = ""
    folder: str = "output"
    """ComfyUI's folder type: output or temp."""

    name: str = ""
    """Name in object storage, below outputs/runs/{run_id}/; unique within the run."""

    text: str | None = None
    """The text itself. Private, so the log holds none: see `length`; old logs do."""

    length: int | UnsetType = UNSET
    """Characters of the text, where it is kept beside the log."""

    omitted: int | UnsetType = UNSET
    """Characters that were cut off the end of the text; unset: none."""

    @property
    def is_file(self) -> bool:
        """Whether there is a file to fetch."""
        return self.text is None and self.length is UNSET

    @property
    def characters(self) -> int:
        """How long its text is; 0 for a file."""
        return len(self.text or "") if self.length is UNSET else self.length
