"""What a node class is: its inputs, its outputs and what it does."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

from msgspec import Struct
from PIL import Image

from tests.standin.folders import Folders

T = TypeVar("T")
InputSpec = list[Any]
"""An input as object_info writes it: [type or list of choices, options]."""


class Step(Protocol):
    """A node's progress by one step."""

    async def __call__(
        self, value: int, of: int, *, seconds: float = 0.0, preview: Image.Image | None = None
    ) -> None:
        """Wait *seconds* and what the switches say, then tell that *value* of *of* are done.

        Raises:
            Interrupted: someone stopped the prompt.

        """


class Result(Struct, frozen=True, kw_only=True):
    """What a node gives: the values of its slots, and what it shows."""

    values: tuple[object, ...] = ()
    shown: dict[str, Any] | None = None
    """The output as the history has it: kind to list of entries."""


class Call(Struct, frozen=True, kw_only=True):
    """One execution of one node."""

    inputs: Mapping[str, object]
    folders: Folders
    step: Step
    metadata: Mapping[str, Any]
    """What goes into saved pictures: prompt, workflow and the like, each to be written as JSON."""

    account: str
    """The key that came with the prompt for partner nodes; empty: none."""

    previews: bool
    """Whether the prompt asked for sampler previews."""

    def get(self, name: str, kind: type[T]) -> T:
        """Return an input.

        Raises:
            TypeError: it is not of that kind.

        """
        value = self.inputs[name]
        if not isinstance(value, kind):
            raise TypeError(f"{name} must be {kind.__name__}, not {type(value).__name__}")
        return value


class NodeClass(Struct, frozen=True, kw_only=True):
    """A class of nodes."""

    name: str
    run: Callable[[Call], Awaitable[Result]]
    title: str
    category: str
    inputs: dict[str, InputSpec]
    outputs: tuple[str, ...] = ()
    output_names: tuple[str, ...] = ()
    saves: bool = False
    """Whether it is an output node: the roots of what is executed."""

    hidden: dict[str, str] = {}
    module: str = "nodes"
    """Where it comes from: ComfyUI itself, or a pack below custom_nodes."""

    def described(self) -> dict[str, Any]:
        """Describe the class as object_info does."""
        sections: dict[str, dict[str, Any]] = {"required": self.inputs}
        if self.hidden:
            sections["hidden"] = self.hidden
        return {
            "input": sections,
            "input_order": {section: list(names) for section, names in sections.items()},
            "is_input_list": False,
            "output": list(self.outputs),
            "output_is_list": [False] * len(self.outputs),
            "output_name": list(self.output_names or self.outputs),
            "name": self.name,
            "display_name": self.title,
            "description": "",
            "python_module": self.module,
            "category": self.category,
            "output_node": self.saves,
            "has_intermediate_output": False,
        }


def integer(default: int, low: int, high: int, **options: object) -> InputSpec:
    """Describe a whole number."""
    return ["INT", {"default": default, "min": low, "max": high, **options}]


def decimal(default: float, low: float, high: float, step: float = 0.01) -> InputSpec:
    """Describe a number with decimals."""
    return ["FLOAT", {"default": default, "min": low, "max": high, "step": step}]


def string(default: str = "", **options: object) -> InputSpec:
    """Describe a text."""
    return ["STRING", {"default": default, **options}]


def choice(*values: str, **options: object) -> InputSpec:
    """Describe a choice between words."""
    return [list(values), dict(options)]


def link(kind: str) -> InputSpec:
    """Describe an input that only another node can give."""
    return [kind, {}]


SAVED_WITH = {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"}
"""The hidden inputs of every class that saves: what it writes into the file."""


def saved_entry(name: str, subfolder: str, kind: str = "output") -> dict[str, str]:
    """Name a saved file as outputs do."""
    return {"filename": name, "subfolder": subfolder, "type": kind}
