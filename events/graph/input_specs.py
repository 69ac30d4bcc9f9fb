"""What /object_info says of one input of a node class, and whether a constant fits it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

_OPTIONS_SHOWN = 20
_VALUE_SHOWN = 100
_DYNAMIC = "COMFY_"
"""Types that begin so take their inputs under other names, decided by the node itself."""

_MODEL = re.compile(r"\.(bin|ckpt|gguf|onnx|pkl|pth?|pt2|safetensors|sft)\Z", re.IGNORECASE)


class InputSpec(Struct, frozen=True, kw_only=True):
    """One input as a node class declares it."""

    name: str
    required: bool
    type: object
    """A type's name, or in the old style of a combo the list of its options."""

    extra: Mapping[str, Any]

    @staticmethod
    def all_of(info: Mapping[str, Any]) -> "Iterator[InputSpec]":
        """Yield the inputs in an entry of /object_info, skipping what has an unknown shape."""
        inputs = info.get("input")
        if not isinstance(inputs, Mapping):
            return
        for category in ("required", "optional"):
            declared = inputs.get(category)
            for name, spec in declared.items() if isinstance(declared, Mapping) else ():
                if isinstance(spec, list) and spec:
                    extra = spec[1] if len(spec) > 1 and isinstance(spec[1], Mapping) else {}
                    yield InputSpec(
                        name=name, required=category == "required", type=spec[0], extra=extra
                    )

    @property
    def dynamic(self) -> bool:
        """Whether the node decides itself which inputs stand for this one."""
        return isinstance(self.type, str) and self.type.startswith(_DYNAMIC)

    @property
    def options(self) -> list[Any]:
        """The options of a combo; empty where there are none, or they are not fixed."""
        return self._declared_options or []

    @property
    def fixed_combo(self) -> bool:
        """Whether it is a combo that lists all of its options, if only none."""
        return self._declared_options is not None

    @property
    def _declared_options(self) -> list[Any] | None:
        changing = "remote" in self.extra or any(key.endswith("upload") for key in self.extra)
        if changing or self.extra.get("multiselect"):
            return None
        options = self.extra.get("options") if self.type == "COMBO" else self.type
        return options if isinstance(options, list) else None


def value_problem(spec: InputSpec, value: object) -> tuple[str, dict[str, str]] | None:
    """Return the code and params of what is wrong with a constant; None if it fits."""
    if isinstance(value, Mapping):  # ComfyUI wraps literal lists in {"__value__": …}.
        return None
    if spec.type in ("INT", "FLOAT"):
        return _number_problem(spec, value)
    options = spec.options
    if not options and spec.fixed_combo and _names_model(value):
        return "node_value_no_options", {"value": str(value)[:_VALUE_SHOWN]}
    if options and not isinstance(value, list) and value not in options:
        shown = ", ".join(str(option) for option in options[:_OPTIONS_SHOWN])
        more = ", …" if len(options) > _OPTIONS_SHOWN else ""
        return "node_value_not_an_option", {
            "value": str(value)[:_VALUE_SHOWN],
            "options": shown + more,
        }
    return None


def _names_model(value: object) -> bool:
    """Whether a constant is the name of a model's file.

    An empty list of models means an empty folder; other empty lists are filled by the node's page.
    """
    return isinstance(value, str) and _MODEL.search(value) is not None


def _number_problem(spec: InputSpec, value: object) -> tuple[str, dict[str, str]] | None:
    number = _cast(spec, value)
    if number is None:
        return "node_value_not_number", {}
    low, high = spec.extra.get("min"), spec.extra.get("max")
    below = isinstance(low, int | float) and number < low
    above = isinstance(high, int | float) and number > high
    if below or above:
        return "node_value_out_of_range", {"minimum": _bound(low), "maximum": _bound(high)}
    return None


def _cast(spec: InputSpec, value: object) -> float | None:
    """Make the cast that ComfyUI itself makes before it compares."""
    if not isinstance(value, str | int | float):
        return None
    try:
        return int(value) if spec.type == "INT" else float(value)
    except (ValueError, OverflowError):
        return None


def _bound(bound: object) -> str:
    return "∞" if bound is None else str(bound)
