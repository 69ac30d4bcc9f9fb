"""Pair the values that the editor saved with a node's widgets.

Values are saved by position and without names. Their order is that of the inputs in /object_info;
between them lie widgets that only the editor has, such as the one that says what becomes of a seed
after each run. No other place knows that order.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain

from msgspec import UNSET, Struct

from events.graph.editor.classes import (
    AUTOGROW,
    DYNAMIC_COMBO,
    UNSAVED_TYPES,
    NodeClass,
    Widget,
    brought,
    chosen,
    first_option,
    widget_of,
)
from events.graph.editor.shape import Node, Slot
from events.graph.input_specs import InputSpec

CUSTOM_COMBO = "CustomCombo"
"""A combo whose options the graph holds itself, as further widgets."""

_INDEX = Widget(name="index", type="INT")

CONTROLS = ("fixed", "increment", "decrement", "randomize", "increment-wrap", True, False)
"""What the widget behind a seed holds; in files of 2023 it was a switch."""

_SAMPLERS = frozenset({"KSampler", "KSamplerAdvanced"})
_UPLOAD_BUTTON = "image"
_BOX_NUMBERS = 4


class Saved:
    """Values as they were saved: one after the other, or by name."""

    def __init__(self, values: object, names: object = None) -> None:
        by_name = values if isinstance(values, dict) else names
        self._names: Mapping[str, object] = by_name if isinstance(by_name, dict) else {}
        self._list: Sequence[object] = values if isinstance(values, list) else ()
        self._next = 0
        self.words: dict[str, object] = {}
        """What becomes of a widget's value after a run, as far as it was passed over."""

    @property
    def rest(self) -> Sequence[object]:
        """What was not taken."""
        return self._list[self._next :]

    def take(self, name: str) -> object:
        """Return the value of the widget *name*, whose turn it is; UNSET if none was saved."""
        if self._next < len(self._list):
            self._next += 1
            return self._list[self._next - 1]
        return UNSET if self._list else self._names.get(name, UNSET)

    def skip_control(self, widget: Widget) -> None:
        """Pass over what says how the value changes after a run, and note it."""
        # Some packs remove that widget; then what comes next is no such word.
        if widget.controlled and self.rest[:1] and is_control(self.rest[0]):
            self.words[widget.name] = self.rest[0]
            self._next += 2 if widget.type == "COMBO" and len(self.rest) > 1 else 1

    def skip_numbers(self) -> None:
        """Pass over the four numbers that stand below a bounding box and repeat it."""
        for value in self.rest[:_BOX_NUMBERS]:
            self._next += isinstance(value, int | float)

    def skip_rest(self) -> None:
        """Pass over all that is left."""
        self._next = len(self._list)

    def skip_upload(self) -> None:
        """Pass over the button for uploads, if it was saved: as a word, or all of it."""
        for value in self.rest[:1]:
            if value == _UPLOAD_BUTTON or (isinstance(value, dict) and "button" in value.values()):
                self._next += 1


class Reading(Struct, frozen=True, kw_only=True):
    """A node's widgets in the editor's order, what each holds, and what is left over."""

    widgets: Mapping[str, Widget]
    values: Mapping[str, object]
    """Without those that nothing was saved for and that begin with nothing."""

    words: Mapping[str, object]
    """What becomes of a widget's value after a run, where a word for it was saved."""

    sockets: frozenset[str]
    """Names of the inputs that a choice brought and that are no widgets."""

    rest: Sequence[object]


def read_node(node_class: NodeClass, node: Node) -> Reading:
    """Read the values of a node's widgets."""
    saved = Saved(_migrated(node_class, node), node.widgets_values_named)
    sockets: set[str] = set()
    found = _widgets(node_class, node.slots, saved, sockets)
    pairs = {w.name: (w, _renamed(node_class, w, value)) for w, value in found}
    return Reading(
        widgets={name: widget for name, (widget, _) in pairs.items()},
        values={name: value for name, (_, value) in pairs.items() if value is not UNSET},
        words=saved.words,
        sockets=frozenset(sockets),
        rest=saved.rest,
    )


def widgets_of(node_class: NodeClass, slots: Sequence[Slot] = ()) -> dict[str, Widget]:
    """Return the widgets of a class, as they are before anything is chosen in them."""
    return {w.name: w for w, _ in _widgets(node_class, slots, Saved(None), set())}


def _widgets(
    node_class: NodeClass, slots: Sequence[Slot], saved: Saved, sockets: set[str]
) -> Iterator[tuple[Widget, object]]:
    reading = _Widgets(node_class, slots, saved, sockets)
    if node_class.type == CUSTOM_COMBO:
        yield from _custom_combo(reading.of(node_class.required), saved)
        return
    yield from reading.of(node_class.required)
    if node_class.uploads:
        saved.skip_upload()
    yield from reading.of(node_class.optional)
    if node_class.uploads:
        saved.skip_upload()


def _custom_combo(
    own: Iterator[tuple[Widget, object]], saved: Saved
) -> Iterator[tuple[Widget, object]]:
    choice: object = UNSET
    for widget, choice in own:
        yield widget, choice
    yield from _read_options(choice, saved.take)
    saved.skip_rest()  # The editor does the same with options behind a gap.


class _Widgets:
    """The widgets of one node, each with its value; UNSET where there is none."""

    def __init__(
        self, node_class: NodeClass, slots: Sequence[Slot], saved: Saved, sockets: set[str]
    ) -> None:
        self._known = node_class.widgets
        self._slots = slots
        self._saved = saved
        self._sockets = sockets

    def of(self, specs: Sequence[InputSpec], prefix: str = "") -> Iterator[tuple[Widget, object]]:
        for spec in specs:
            name = prefix + spec.name
            if spec.type == AUTOGROW:
                yield from self._grown(name)
                continue
            widget = self._known.get(name) or widget_of(spec, name, self._slots)
            if widget is None:
                self._sockets.add(name)
                continue
            value = self._value(widget)
            yield widget, value
            if widget.type == DYNAMIC_COMBO:
                yield from self.of(chosen(spec, value), prefix=f"{name}.")
            if "formats" in spec.extra:
                yield from self.of([*brought(spec, value)])

    def _value(self, widget: Widget) -> object:
        if widget.type in UNSAVED_TYPES:
            return widget.default
        value = self._saved.take(widget.name)
        self._saved.skip_control(widget)
        if widget.type == "BOUNDING_BOX":
            self._saved.skip_numbers()
        if value is UNSET:
            return widget.default
        return first_option(widget) if value is None else value

    def _grown(self, name: str) -> Iterator[tuple[Widget, object]]:
        """Yield the widgets of an input that grows: the graph says how many there are."""
        for slot in self._slots:
            if slot.name.startswith(f"{name}."):
                if slot.widget is None:
                    self._sockets.add(slot.name)
                    continue
                widget = Widget(name=slot.name, type=str(slot.type))
                yield widget, self._saved.take(slot.name)


def _renamed(node_class: NodeClass, widget: Widget, value: object) -> object:
    """Take a sampler by the name that it has now: in files of early 2023 it began with sample_."""
    if node_class.type in _SAMPLERS and widget.name == "sampler_name" and isinstance(value, str):
        return value.removeprefix("sample_")
    return value


def is_control(value: object) -> bool:
    """Whether a value is a word that says how another one changes after a run."""
    return isinstance(value, str | bool) and value in CONTROLS


def _migrated(node_class: NodeClass, node: Node) -> object:
    """Drop the values of inputs that once were widgets and no longer are.

    Before version 1.16 the editor saved a value for an input with *forceInput*, too. It tells such
    a file by the count alone.
    """
    values = node.widgets_values
    if not isinstance(values, list) or not node_class.forces:
        return values
    forced: list[bool] = []
    for spec in chain(node_class.required, node_class.optional):
        force = bool(spec.extra.get("forceInput"))
        if force or widget_of(spec, spec.name, node.slots):
            forced += [force, False] if spec.extra.get("control_after_generate") else [force]
    if len(forced) != len(values):
        return values
    return [value for value, force in zip(values, forced, strict=True) if not force]


def _read_options(choice: object, take: Callable[[str], object]) -> Iterator[tuple[Widget, object]]:
    """Yield what a CustomCombo holds: the place of the choice, the options, and an empty one."""
    take(_INDEX.name)  # The editor counts anew.
    options = [""]
    for number, _ in enumerate(options):  # It grows with each that is filled in.
        saved = take(f"option{number + 1}")
        options[number] = "" if saved is UNSET else str(saved)
        if options[number]:
            options.append("")
    yield _INDEX, _index_of(options, choice)
    for number, option in enumerate(options, 1):
        yield Widget(name=f"option{number}", type="STRING"), option


def with_choice(values: Mapping[str, object], choice: object) -> dict[str, object]:
    """Return the values of a CustomCombo after a primitive has chosen."""
    options = [value for name, value in values.items() if name.startswith("option")]
    return {**values, _INDEX.name: _index_of(options, choice)}


def _index_of(options: Sequence[object], choice: object) -> int:
    return options.index(choice) if choice in options else -1
