"""What is private in a run: the state and the facts of an erased run, without it.

What stays are numbers (sizes, durations, counts), kinds and codes, and which nodes did it.
"""

from collections.abc import Sequence
from typing import TypeVar

from msgspec.structs import replace

from events.envelope import AnyRecorded
from events.errors import RunNotEnded
from events.run.commands import EraseRun, RecordDataDeleted
from events.run.events import (
    AttemptFailed,
    AttemptLost,
    FileUploaded,
    ImageUploaded,
    OutputsProduced,
    RunDataDeleted,
    RunDataErased,
    RunError,
    RunEvent,
    RunWaiting,
    StatusChanged,
)
from events.run.output import Output
from events.run.state import Run

S = TypeVar("S", ImageUploaded, FileUploaded)


def decide_erasure(run: Run, command: EraseRun | RecordDataDeleted) -> list[RunEvent]:
    """Decide the events that follow from a command about a run's private data.

    Raises:
        RunNotEnded: a worker may still need the data.

    """
    if isinstance(command, RecordDataDeleted):
        done = run.erased_at is None or run.deleted_at is not None
        return [] if done else [RunDataDeleted(at=command.now)]
    if not run.ended:
        raise RunNotEnded("only a run that has ended can be erased; cancel it first")
    if run.erased_at is not None:
        return []
    return [RunDataErased(reason=command.reason, by=command.by, at=command.now)]


def redact_run(run: Run) -> Run:
    """Redact the state of an ended run."""
    return replace(
        run,
        inputs={name: replace(u, key="", sha256="") for name, u in run.inputs.items()},
        outputs=_outputs(run.outputs),
        uploads={index: replace(u, key="", sha256="") for index, u in run.uploads.items()},
        error=_error(run.error) if run.error else None,
        waiting=None,
    )


def redact_event(event: RunEvent) -> RunEvent:
    """Redact an event of an erased run."""
    match event:
        case ImageUploaded():
            return _stored(event) if event.role == "output" else replace(event, key="", sha256="")
        case FileUploaded():
            return _stored(event)
        case StatusChanged():
            return replace(event, error=_error(event.error) if event.error else None)
        case AttemptFailed():
            return replace(event, error=_error(event.error))
        case AttemptLost():
            return replace(event, reason="")
        case RunWaiting():
            return replace(event, detail="")
        case OutputsProduced():
            return replace(event, outputs=_outputs(event.outputs))
        case _:
            return event


def redact(recorded: Sequence[AnyRecorded]) -> Sequence[AnyRecorded]:
    """Redact the events of an erased run; return those of any other as they are."""
    if not any(isinstance(entry.event, RunDataErased) for entry in recorded):
        return recorded
    return [replace(entry, event=redact_event(entry.event)) for entry in recorded]


def _stored(event: S) -> S:
    return replace(event, name="", key="", sha256="")


def _outputs(outputs: tuple[Output, ...]) -> tuple[Output, ...]:
    return tuple(_output(output) for output in outputs)


def _output(output: Output) -> Output:
    bare = replace(output, filename="", subfolder="", name="")
    return bare if output.is_file else replace(bare, text=None, length=output.characters)


def _error(error: RunError) -> RunError:
    # A node that raises may quote what it was given.
    return replace(error, message="")
