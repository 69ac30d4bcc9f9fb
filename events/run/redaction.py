"""What is private in a run: the state and the facts of an erased run, without it.

What stays are numbers (sizes, durations, counts), kinds and codes, and which nodes did it.
"""

from collections.abc import Sequence
from typing import TypeVar

from msgspec.structs import replace

from events.envelope import AnyRecorded
from events.errors import RunNotEnded
from events.run.commands import (
    EraseInputs,
    EraseRun,
    Erasure,
    RecordDataDeleted,
    RecordInputsDeleted,
)
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
    RunInputsDeleted,
    RunInputsErased,
    RunWaiting,
    StatusChanged,
)
from events.run.output import Output
from events.run.state import Run

S = TypeVar("S", ImageUploaded, FileUploaded)


ERASURES = (RunDataErased, RunDataDeleted, RunInputsErased, RunInputsDeleted)
"""All that may follow the end of a run; the last of them says what may still be shown."""


def decide_erasure(run: Run, command: Erasure) -> list[RunEvent]:
    """Decide the events that follow from a command about a run's private data.

    Raises:
        RunNotEnded: a worker may still need the data.

    """
    match command:
        case RecordDataDeleted():
            done = run.erased_at is None or run.deleted_at is not None
            return [] if done else [RunDataDeleted(at=command.now)]
        case RecordInputsDeleted():
            return [RunInputsDeleted(at=command.now)] if inputs_are_due(run) else []
        case EraseRun() | EraseInputs():
            if not run.ended:
                raise RunNotEnded("only a run that has ended can be erased; cancel it first")
    if isinstance(command, EraseInputs):
        return _erase_inputs(run, command)
    if run.erased_at is not None:
        return []
    return [RunDataErased(reason=command.reason, by=command.by, at=command.now)]


def _erase_inputs(run: Run, command: EraseInputs) -> list[RunEvent]:
    if run.inputs_gone or not (run.has_inputs or run.inputs):
        return []
    return [RunInputsErased(due=command.due, by=command.by, at=command.now)]


def inputs_are_due(run: Run) -> bool:
    """Whether the inputs of a run, and no more of it, are to be deleted."""
    erased = run.erased_at is None and run.inputs_erased_at is not None
    return erased and run.inputs_deleted_at is None


def redact_inputs_of(run: Run) -> Run:
    """Redact what went into an ended run."""
    return replace(
        run, inputs={name: replace(u, key="", sha256="") for name, u in run.inputs.items()}
    )


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


def redact_inputs(event: RunEvent) -> RunEvent:
    """Redact what an event shows of what went into its run."""
    if isinstance(event, ImageUploaded) and event.role == "input":
        return replace(event, key="", sha256="")
    return event


def redact_after(last: object, recorded: AnyRecorded) -> AnyRecorded:
    """Redact an event as the *last* one of its run asks; any other returns it as it is."""
    match last:
        case RunDataErased() | RunDataDeleted():
            return replace(recorded, event=redact_event(recorded.event))
        case RunInputsErased() | RunInputsDeleted():
            return replace(recorded, event=redact_inputs(recorded.event))
        case _:
            return recorded


def redact(recorded: Sequence[AnyRecorded]) -> Sequence[AnyRecorded]:
    """Redact all events of a run that is erased; return those of any other as they are."""
    last = recorded[-1].event if recorded else None
    return [redact_after(last, entry) for entry in recorded]


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
