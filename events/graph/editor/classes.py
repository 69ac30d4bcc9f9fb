"""What the editor makes of a class of nodes: its widgets and inputs, in the editor's order."""

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from msgspec import UNSET, Struct

from events.graph.editor.shape import Slot
from events.graph.input_specs import InputSpec

Info = Mapping[str, Any]
"""What a machine says of one class of nodes."""

AUTOGROW = "COMFY_AUTOGROW_V3"
DYNAMIC_COMBO = "COMFY_DYNAMICCOMBO_V3"

_LIVE_TYPES = frozenset({"AUDIO_RECORD", "LOAD_3D", "LOAD_3D_ANIMATION", "WEBCAM"})
_PAINTER = "PAINTER"

IMAGE_COMPARE = "IMAGECOMPARE"
UNSAVED_TYPES = frozenset({IMAGE_COMPARE})
"""Widgets that a saved graph has no value for; the editor sends what they begin with."""

PREVIEW_3D = "PREVIEW_3D"
_PREVIEWS = {
    name: InputSpec(name="image", required=True, type=PREVIEW_3D, extra={})
    for name in ("Preview3D", "SaveGLB")
}
"""Classes that the editor shows a view of the model in, which it sends like any widget."""

_DEFAULTS: Mapping[str, object] = {
    "BOOLEAN": False,
    "BOUNDING_BOX": {"x": 0, "y": 0, "width": 512, "height": 512},
    "BOUNDING_BOXES": [],
    "COLOR": "#000000",
    "COLORS": [],
    "COMPOSITOR": {},
    "CURVE": {"points": [[0, 0], [1, 1]], "interpolation": "monotone_cubic"},
    "FLOAT": 0,
    "INT": 0,
    "MARKDOWN": "",
    "RANGE": {"min": 0.0, "max": 1.0},
    "STRING": "",
    "TEXTAREA": "",
    IMAGE_COMPARE: ["", ""],
    PREVIEW_3D: "",
    _PAINTER: "",
}
"""What a widget begins with where its class names nothing."""

WIDGET_TYPES = frozenset(
    {*_LIVE_TYPES, *_DEFAULTS, "CHART", "COMBO", "GALLERIA", "RESOLUTION_PREVIEW", "VIDEO_EDIT"}
    | {DYNAMIC_COMBO}
)
"""Types that the editor shows as a widget; of all others, inputs are sockets."""

_SEEDS = frozenset({"seed", "noise_seed"})
_FLAGS = (True, False, 0, 1, "true", "false")


class Widget(Struct, frozen=True, kw_only=True):
    """A widget of a class of nodes."""

    name: str
    type: str
    default: object = UNSET
    options: Sequence[Any] = ()
    controlled: bool = False
    """Whether a widget follows that says how the value changes after a run."""

    least: int | None = None
    most: int | None = None
    """What a whole number may be."""

    def is_live(self, value: object) -> bool:
        """Whether the editor makes a new value in the browser at every run."""
        return self.type in _LIVE_TYPES or (self.type == _PAINTER and not value)

    def takes(self, value: object) -> bool:
        """Whether *value* may have come from this widget; if not, values have been shifted."""
        if self.type in {"INT", "FLOAT"}:
            return _is_number(value)
        if self.type == "BOOLEAN":
            return value in _FLAGS
        if self.type == "STRING":
            return not isinstance(value, list | dict)
        if self.type == "COMBO":
            switched = isinstance(value, bool) and self.options and value not in self.options
            return not isinstance(value, dict) and not switched
        return True


class NodeClass:
    """A class of nodes, read once for all its nodes."""

    def __init__(self, class_type: str, info: Info) -> None:
        self.type = class_type
        self.title = str(info.get("display_name") or class_type)
        self.outputs: Sequence[Any] = info.get("output") or ()
        required, optional = [*_categories(info, "required")], [*_categories(info, "optional")]
        required += [_PREVIEWS[class_type]] if class_type in _PREVIEWS else []
        self.required = required
        self.optional = optional
        self.optional_names = frozenset(spec.name for spec in optional)
        self.forces = any(spec.extra.get("forceInput") for spec in [*required, *optional])
        self.uploads = any("image_upload" in s.extra or "video_upload" in s.extra for s in required)
        found = [(spec.name, widget_of(spec, spec.name)) for spec in [*required, *optional]]
        self.widgets = {name: widget for name, widget in found if widget is not None}
        """Those that every node of the class has."""

        self.slots = [*_slots([*required, *optional])]


class Classes:
    """The classes of nodes that a machine knows."""

    def __init__(self, infos: Mapping[str, Info | None]) -> None:
        self._infos = infos
        self._read: dict[str, NodeClass | None] = {}

    def get(self, class_type: str) -> NodeClass | None:
        """Return the class of that name; None if the machine has none."""
        if class_type not in self._read:
            info = self._infos.get(class_type)
            self._read[class_type] = NodeClass(class_type, info) if info is not None else None
        return self._read[class_type]


def widget_of(spec: InputSpec, name: str, slots: Sequence[Slot] = ()) -> Widget | None:
    """Return the widget that stands for an input; None if the input is a socket.

    A type that only a pack knows is a widget where the graph shows it as one.
    """
    shown = _shown(spec)
    known = shown in WIDGET_TYPES or any(s.name == name and s.widget is not None for s in slots)
    if not known or spec.extra.get("forceInput"):
        return None
    return Widget(
        name=name,
        type=shown,
        default=_default(spec, shown),
        options=_options(spec),
        controlled=_is_controlled(spec, shown),
        least=_bound(spec, "min"),
        most=_bound(spec, "max"),
    )


def first_option(widget: Widget) -> object:
    """Return what the editor takes where a combo holds nothing; None for other widgets."""
    return widget.options[0] if widget.type == "COMBO" and widget.options else None


def chosen(spec: InputSpec, value: object) -> list[InputSpec]:
    """Return the inputs that appear because *value* is chosen in a dynamic combo."""
    for option in _options(spec):
        if isinstance(option, Mapping) and option.get("key") == value:
            inner = {"input": option.get("inputs")}
            return [*_categories(inner, "required"), *_categories(inner, "optional")]
    return []


def brought(spec: InputSpec, value: object) -> Iterator[InputSpec]:
    """Yield the inputs that a choice brings, as the video formats of VHS_VideoCombine do."""
    formats = spec.extra.get("formats")
    fields = formats.get(value) if isinstance(formats, Mapping) and isinstance(value, str) else None
    for field in fields if isinstance(fields, list) else ():
        match field:
            case [str(name), kind, *rest] if isinstance(kind, str | list):
                extra = rest[0] if rest and isinstance(rest[0], Mapping) else {}
                yield InputSpec(name=name, required=False, type=kind, extra=extra)


def _categories(info: Info, category: str) -> Iterator[InputSpec]:
    """Yield the inputs of one category in the order in which the editor shows them."""
    required = category == "required"
    specs = {s.name: s for s in InputSpec.all_of(info) if s.required is required}
    orders = info.get("input_order")
    order = orders.get(category) if isinstance(orders, Mapping) else None
    ordered = [name for name in specs if name in order] if isinstance(order, list) else []
    if isinstance(order, list):
        ordered.sort(key=order.index)
    yield from (specs[name] for name in [*ordered, *(n for n in specs if n not in ordered)])


def _slots(specs: Sequence[InputSpec]) -> Iterator[Slot]:
    """Yield the inputs of a new node: sockets first, then one for each widget."""
    widgets = [(spec, widget_of(spec, spec.name)) for spec in specs]
    for spec, widget in widgets:
        if widget is None and spec.type != AUTOGROW:
            template = spec.extra.get("template")
            allowed = template.get("allowed_types") if isinstance(template, Mapping) else None
            yield Slot(name=spec.name, type=allowed or spec.type)
    for spec, widget in widgets:
        if widget is not None:
            kind = "COMBO" if isinstance(spec.type, list) else spec.type
            yield Slot(name=spec.name, type=kind, widget={"name": spec.name})


def _shown(spec: InputSpec) -> str:
    return "COMBO" if isinstance(spec.type, list) else str(spec.extra.get("widgetType", spec.type))


def _options(spec: InputSpec) -> Sequence[Any]:
    declared = spec.type if isinstance(spec.type, list) else spec.extra.get("options")
    return declared if isinstance(declared, list) else ()


def _bound(spec: InputSpec, side: str) -> int | None:
    bound = spec.extra.get(side)
    return int(bound) if isinstance(bound, int | float) and isfinite(bound) else None


def _is_controlled(spec: InputSpec, shown: str) -> bool:
    declared = spec.extra.get("control_after_generate")
    if shown == "INT" and declared is None:
        return spec.name in _SEEDS
    return shown in {"INT", "FLOAT", "COMBO"} and bool(declared)


def _default(spec: InputSpec, shown: str) -> object:
    if spec.extra.get("default") is not None:
        return spec.extra["default"]
    if shown in {"COMBO", DYNAMIC_COMBO}:
        first = next(iter(_options(spec)), UNSET)
        return first.get("key", UNSET) if isinstance(first, Mapping) else first
    if shown == "VIDEO_EDIT":
        return _video_edit(spec)
    return _DEFAULTS.get(shown, UNSET)


def _video_edit(spec: InputSpec) -> dict[str, Any]:
    begins = {
        "trim": {"start_time": 0, "duration": 0},
        "crop": {"x": 0, "y": 0, "width": 0, "height": 0},
    }
    features = spec.extra.get("features")
    wanted = features if isinstance(features, list) else [*begins]
    return {name: value for name, value in begins.items() if name in wanted}


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    try:
        float(value)
    except ValueError:
        return False
    return True
