"""Reads the values of a node's widgets, which the editor saves by position and without names.

The order is that of the inputs in /object_info; between them lie widgets that only the editor has,
such as the one that says what becomes of a seed after each run.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import UNSET, Struct

from events.input_specs import InputSpec
from events.ui_graph_shape import Slot

Info = Mapping[str, Any]
"""What a machine says of one class of nodes."""

AUTOGROW = "COMFY_AUTOGROW_V3"
DYNAMIC_COMBO = "COMFY_DYNAMICCOMBO_V3"

LIVE_TYPES = frozenset(
    {"AUDIO_RECORD", "COMPOSITOR", "LOAD_3D", "LOAD_3D_ANIMATION", "PAINTER", "WEBCAM"}
)
"""Widgets whose value the editor makes anew in the browser at every run."""

WIDGET_TYPES = LIVE_TYPES | {
    "BOOLEAN",
    "BOUNDING_BOX",
    "BOUNDING_BOXES",
    "CHART",
    "COLOR",
    "COLORS",
    "COMBO",
    "CURVE",
    "FLOAT",
    "GALLERIA",
    "IMAGECOMPARE",
    "INT",
    "MARKDOWN",
    "RANGE",
    "RESOLUTION_PREVIEW",
    "STRING",
    "TEXTAREA",
    "VIDEO_EDIT",
    DYNAMIC_COMBO,
}
"""Types that the editor shows as a widget; of all others, inputs are sockets."""

_CONTROLS = ("fixed", "increment", "decrement", "randomize", "increment-wrap")
_SEEDS = frozenset({"seed", "noise_seed"})
_UPLOAD_BUTTON = "image"
_FLAGS = (True, False, 0, 1, "true", "false")


class Widget(Struct, frozen=True, kw_only=True):
    """A widget of a class of nodes."""

    name: str
    type: str
    default: object
    controlled: bool = False
    """Whether a widget follows that says how the value changes after a run."""

    def takes(self, value: object) -> bool:
        """Whether *value* may have come from this widget; if not, values have been shifted."""
        if self.type in {"INT", "FLOAT"}:
            return _is_number(value)
        if self.type == "BOOLEAN":
            return value in _FLAGS
        if self.type == "STRING":
            return not isinstance(value, list | dict)
        if self.type == "COMBO":
            return not isinstance(value, dict)
        return True


class Saved:
    """Values as they were saved: one after the other, or by name."""

    def __init__(self, values: object) -> None:
        self._names: Mapping[str, object] = values if isinstance(values, dict) else {}
        self._list: Sequence[object] = values if isinstance(values, list) else ()
        self._next = 0

    @property
    def rest(self) -> Sequence[object]:
        """What nobody has taken."""
        return self._list[self._next :]

    def take(self, name: str) -> object:
        """Give the value of the widget *name*, whose turn it is; UNSET if none was saved."""
        if self._next < len(self._list):
            self._next += 1
            return self._list[self._next - 1]
        return self._names.get(name, UNSET)

    def skip_control(self, widget: Widget) -> None:
        """Pass over what says how the value changes after a run."""
        # Some packs remove that widget; then what comes next is no such word.
        if widget.controlled and self.rest[:1] and self.rest[0] in _CONTROLS:
            self._next += 2 if widget.type == "COMBO" and len(self.rest) > 1 else 1

    def skip_upload(self) -> None:
        """Pass over the button for uploads, if it was saved: as a word, or all of it."""
        for value in self.rest[:1]:
            if value == _UPLOAD_BUTTON or (isinstance(value, dict) and "button" in value.values()):
                self._next += 1


def read_widgets(
    info: Info, slots: Sequence[Slot], saved: Saved
) -> Iterator[tuple[Widget, object]]:
    """Yield the widgets of a node with the value each has; UNSET where there is none."""
    uploads = [*_categories(info, "required")]
    yield from _read(uploads, slots, saved, prefix="")
    if any("image_upload" in s.extra or "video_upload" in s.extra for s in uploads):
        saved.skip_upload()
    yield from _read([*_categories(info, "optional")], slots, saved, prefix="")


def widgets_of(info: Info, slots: Sequence[Slot] = ()) -> dict[str, Widget]:
    """Give the widgets of a class, as they are before anything is chosen in them."""
    return {widget.name: widget for widget, _ in read_widgets(info, slots, Saved(None))}


def _read(
    specs: Sequence[InputSpec], slots: Sequence[Slot], saved: Saved, *, prefix: str
) -> Iterator[tuple[Widget, object]]:
    for spec in specs:
        name = prefix + spec.name
        if spec.type == AUTOGROW:
            yield from _grown(name, slots, saved)
            continue
        widget = _widget(spec, name, slots)
        if widget is None:
            continue
        value = saved.take(name)
        value = widget.default if value is UNSET else value
        yield widget, value
        saved.skip_control(widget)
        if widget.type == DYNAMIC_COMBO:
            yield from _read(_chosen(spec, value), slots, saved, prefix=f"{name}.")


def _grown(name: str, slots: Sequence[Slot], saved: Saved) -> Iterator[tuple[Widget, object]]:
    """Yield the widgets of an input that grows: the graph says how many there are."""
    for slot in slots:
        if slot.widget is not None and slot.name.startswith(f"{name}."):
            yield (
                Widget(name=slot.name, type=str(slot.type), default=UNSET),
                saved.take(slot.name),
            )


def _chosen(spec: InputSpec, value: object) -> list[InputSpec]:
    """Give the inputs that appear because *value* is chosen."""
    options = spec.extra.get("options")
    for option in options if isinstance(options, list) else ():
        if isinstance(option, Mapping) and option.get("key") == value:
            inner = {"input": option.get("inputs")}
            return [*_categories(inner, "required"), *_categories(inner, "optional")]
    return []


def _categories(info: Info, category: str) -> Iterator[InputSpec]:
    """Yield the inputs of one category in the order in which the editor shows them."""
    required = category == "required"
    specs = {s.name: s for s in InputSpec.all_of(info) if s.required is required}
    orders = info.get("input_order")
    order = orders.get(category) if isinstance(orders, Mapping) else None
    told = [name for name in specs if name in order] if isinstance(order, list) else []
    if isinstance(order, list):
        told.sort(key=order.index)
    yield from (specs[name] for name in [*told, *(n for n in specs if n not in told)])


def _widget(spec: InputSpec, name: str, slots: Sequence[Slot]) -> Widget | None:
    shown = "COMBO" if isinstance(spec.type, list) else str(spec.extra.get("widgetType", spec.type))
    known = shown in WIDGET_TYPES or any(s.name == name and s.widget is not None for s in slots)
    if not known or spec.extra.get("forceInput"):
        return None
    return Widget(
        name=name,
        type=shown,
        default=_default(spec, shown),
        controlled=_is_controlled(spec, shown),
    )


def _is_controlled(spec: InputSpec, shown: str) -> bool:
    declared = spec.extra.get("control_after_generate")
    if shown == "INT" and declared is None:
        return spec.name in _SEEDS
    return shown in {"INT", "COMBO"} and bool(declared)


def _default(spec: InputSpec, shown: str) -> object:
    if spec.extra.get("default") is not None:
        return spec.extra["default"]
    if shown in {"COMBO", DYNAMIC_COMBO}:
        declared = spec.type if isinstance(spec.type, list) else spec.extra.get("options")
        first = declared[0] if isinstance(declared, list) and declared else UNSET
        return first.get("key", UNSET) if isinstance(first, Mapping) else first
    return {"INT": 0, "FLOAT": 0, "STRING": "", "BOOLEAN": False}.get(shown, UNSET)


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    try:
        float(value)
    except ValueError:
        return False
    return True
