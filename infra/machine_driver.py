"""Port to a machine that renders graphs.

Errors come in two families: *later might work* (MachineUnreachable, OutcomeUnknown) and
*never will* (WorkflowRejected, OutputMissing, MachineRefused).
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct

from events.graph.object_info import Infos
from events.machine.snapshot import Device
from events.run.events import NodeTime
from events.run.output import Output
from events.run.progress import Progress

Graph = Mapping[str, Any]
"""An API-format graph: node id to {class_type, inputs}."""


class MachineUnreachable(Exception):
    """The machine does not answer; nothing was accepted."""


class OutcomeUnknown(Exception):
    """The machine did not answer in time; it may or may not have accepted the prompt."""


class GraphProblem(Struct, frozen=True, kw_only=True):
    """One reason why a machine cannot run a graph."""

    code: str
    """unknown_node, missing_input, bad_value, no_outputs or rejected."""

    message: str
    node_id: str = ""
    node_class: str = ""
    input_name: str = ""


class WorkflowRejected(Exception):
    """The machine cannot run this graph."""

    def __init__(self, problems: Sequence[GraphProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(p.message for p in self.problems))


class OutputMissing(Exception):
    """The machine no longer has the file."""


class MachineRefused(Exception):
    """The machine says no for good, or what cannot be used: another attempt would end the same."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        """Stable, documented in docs/errors.md."""

        super().__init__(message)


class Finished(Struct, frozen=True, kw_only=True):
    """The prompt ran to its end."""

    outputs: tuple[Output, ...]
    cached: frozenset[str] = frozenset()
    """Nodes whose earlier results were used again."""

    nodes: tuple[NodeTime, ...] = ()
    """A hint: only who watched it knows, and may have missed some."""

    seconds: float | None = None
    """From its begin to its end by the machine's own clock; None: it does not say."""


class Failed(Struct, frozen=True, kw_only=True):
    """A node raised."""

    message: str
    node_id: str = ""
    node_class: str = ""
    exception: str = ""
    nodes: tuple[NodeTime, ...] = ()
    seconds: float | None = None
    """As with Finished."""


class Interrupted(Struct, frozen=True, kw_only=True):
    """Someone stopped the prompt on the machine."""

    seconds: float | None = None
    """As with Finished."""


class Lost(Struct, frozen=True, kw_only=True):
    """The machine is up and knows nothing of the prompt."""


class Waiting(Struct, frozen=True, kw_only=True):
    """The prompt is in the machine's queue."""


class Running(Struct, frozen=True, kw_only=True):
    """The prompt is being executed."""


Outcome = Finished | Failed | Interrupted | Lost
"""How a prompt ended."""

PromptState = Outcome | Waiting | Running
"""What the machine itself says of a prompt, now."""


class Observed(Struct, frozen=True, kw_only=True):
    """What a machine says of itself."""

    node_classes: dict[str, Any]
    """Name of each node class to its description, in ComfyUI's own words."""

    models: dict[str, list[str]]
    """By folder: the files its loaders offer."""

    comfyui_version: str
    python_version: str
    pytorch_version: str
    os: str
    devices: tuple[Device, ...]


class Report(Protocol):
    """What a watcher reports while a prompt runs: twice, late or not at all, if need be."""

    async def running(self) -> None:
        """Report that the machine began to execute the prompt."""

    async def progress(self, progress: Progress) -> None:
        """Report how far it is."""

    async def unreachable(self, error: str) -> None:
        """Report that the machine has not answered for a while; the watch goes on."""

    async def reachable(self) -> None:
        """Report that it answers again."""


class OutputStream(Protocol):
    """An open file of a machine."""

    media_type: str
    length: int | None

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the file, piece by piece."""
        ...


class MachineDriver(Protocol):
    """One machine."""

    async def describe(self, classes: Collection[str]) -> Infos:
        """Return what the machine knows of classes of nodes; None for a class that it has not.

        Raises:
            MachineUnreachable: it does not answer.

        """
        ...

    async def check(self, graph: Graph) -> None:
        """Compare *graph* with what the machine can do.

        Raises:
            WorkflowRejected: with every problem found, each naming its node and input.
            MachineUnreachable: it does not answer.

        """

    async def upload_image(self, name: str, data: bytes) -> str:
        """Put an input image on the machine; return the name a LoadImage node must use.

        Raises:
            MachineUnreachable: it does not answer, or refuses for a reason of its own.

        """
        ...

    async def look_up(self, prompt_id: UUID) -> PromptState:
        """Ask the machine what it knows of a prompt.

        Raises:
            MachineUnreachable: it does not answer.

        """
        ...

    async def submit(
        self,
        prompt_id: UUID,
        graph: Graph,
        *,
        ui_graph: Mapping[str, Any] | None = None,
        callback_token: str = "",
    ) -> None:
        """Queue a prompt. Never called twice for one id without a look_up in between.

        *callback_token* is what the machine shows when it calls back; most never do.

        Raises:
            MachineUnreachable: nothing was accepted.
            OutcomeUnknown: it may have been accepted; look it up.
            WorkflowRejected: the machine refuses the graph.

        """

    async def watch(self, prompt_id: UUID, graph: Graph, report: Report) -> Outcome:
        """Follow a prompt to its end, through silence and lost connections.

        Raises:
            MachineUnreachable: it did not answer for longer than the machine's patience.

        """
        ...

    async def cancel(self, prompt_id: UUID) -> None:
        """Stop exactly this prompt, queued or running; no effect on any other, or when it is over.

        Raises:
            MachineUnreachable: it does not answer.

        """

    async def observe(self) -> Observed:
        """Ask the machine what it is and what it can do.

        Raises:
            MachineUnreachable: it does not answer.

        """
        ...

    async def finish_uploads(self, prompt_id: UUID) -> bool:
        """Wait until the machine has stored the files of a prompt that it stores itself, but not
        for ever; return whether it is one that does so. What is missing can be opened as ever.
        """
        ...

    def open_output(self, output: Output) -> AbstractAsyncContextManager[OutputStream]:
        """Open a file for streaming.

        Raises (on entering):
            OutputMissing: the machine no longer has it.
            MachineRefused: it will never hand it out.
            MachineUnreachable: it does not answer.

        """
        ...
