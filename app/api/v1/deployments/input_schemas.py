"""A workflow's inputs as JSON Schema (2020-12), and values that fit it.

The schema is the strict form of what events/graph/inputs.py takes. Beyond it, numbers and
booleans are also read from texts, a text also from a number, and null keeps a default.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from events.graph.externals.classes import RANDOM_SEED, InputKind
from events.graph.externals.values import INTEGER_RANGE, MOST_IMAGES, TEXT_LIMIT
from events.graph.inputs import InputField

Json = dict[str, Any]


class Models(Struct, frozen=True):
    """What a machine has to offer for inputs that are models."""

    names: Mapping[InputKind, Sequence[str]] = {}
    """By kind, the names of all its files; a kind that is not here is unknown."""

    downloaded: frozenset[InputKind] = frozenset()
    """The kinds that its nodes also download from a URL."""

    def lack(self, field: InputField) -> bool:
        """Return whether a field's default is a file that the machine does not have."""
        names = self.names.get(field.kind)
        if field.default is None or names is None or field.default in names:
            return False
        return not (field.kind in self.downloaded and _is_url(field.default))


PICTURE = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAIAAAAlC+aJAAAAUUlEQVR42u3PMQ0AMAgAMJgSpCEVaVPBQdI6aFZPXPbi"
    "OAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAYF9H5FYAcAXfE4yAAAAAElFTkSuQmCC"
)
"""A small picture, for examples."""

_BASE64 = "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)"
_URL: Json = {
    "title": "URL",
    "type": "string",
    "format": "uri",
    "pattern": r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s/?#:@\[\]]+\S*$",
}
_IMAGE: Json = {
    "anyOf": [
        _URL,
        {
            "title": "Data",
            "type": "string",
            "pattern": f"^data:image/[a-z0-9.+-]+;base64,{_BASE64}$",
        },
    ]
}
_FILE: Json = {
    "anyOf": [
        _URL,
        {
            "title": "Name",
            "description": "Of a file on the machine.",
            "type": "string",
            "maxLength": TEXT_LIMIT,
            # Not blank, and no URL.
            "pattern": r"^(?!\s*[Hh][Tt][Tt][Pp][Ss]?://)[\s\S]*\S",
        },
    ]
}
_TEXT: Json = {"type": "string", "maxLength": TEXT_LIMIT}
_NUMBER: Json = {"type": "number"}
_INTEGER: Json = {"type": "integer", "minimum": INTEGER_RANGE[0], "maximum": INTEGER_RANGE[1]}
_BY_KIND: Mapping[InputKind, Json] = {
    InputKind.TEXT: _TEXT,
    InputKind.ENUM: _TEXT,
    InputKind.IMAGE: _IMAGE,
    InputKind.IMAGE_ALPHA: _IMAGE,
    InputKind.IMAGES: {"type": "array", "items": _IMAGE, "minItems": 1, "maxItems": MOST_IMAGES},
    InputKind.NUMBER: _NUMBER,
    InputKind.SLIDER: _NUMBER,
    InputKind.INTEGER: _INTEGER,
    InputKind.INTEGER_SLIDER: _INTEGER,
    InputKind.SEED: _INTEGER,
    InputKind.LORA: _FILE,
    InputKind.CHECKPOINT: _FILE,
    InputKind.FACE_MODEL: _FILE,
    InputKind.AUDIO: _FILE,
    InputKind.VIDEO: _FILE,
    InputKind.EXR: _FILE,
    InputKind.FILE: _FILE,
    InputKind.BOOLEAN: {"type": "boolean"},
}
_SAMPLES: Mapping[InputKind, Any] = {
    InputKind.TEXT: "a red fox in the snow",
    InputKind.IMAGE: PICTURE,
    InputKind.IMAGE_ALPHA: PICTURE,
    InputKind.NUMBER: 1.0,
    # As a width or a number of steps it is taken by every node; 1 is too small for a width.
    InputKind.INTEGER: 64,
    InputKind.SEED: 64,
    InputKind.ENUM: "a",
    InputKind.IMAGES: [PICTURE, PICTURE],
    InputKind.LORA: "lora.safetensors",
    InputKind.FACE_MODEL: "face.safetensors",
    InputKind.AUDIO: "sound.mp3",
    InputKind.VIDEO: "video.mp4",
    InputKind.EXR: "image.exr",
    InputKind.FILE: "file.bin",
    InputKind.CHECKPOINT: "model.safetensors",
    InputKind.BOOLEAN: True,
}
"""For inputs without a default; a slider's lies between its bounds."""

_FETCHED = frozenset({InputKind.IMAGE, InputKind.IMAGE_ALPHA, InputKind.IMAGES})
_SLIDERS = frozenset({InputKind.SLIDER, InputKind.INTEGER_SLIDER})
_RANDOM: Json = {"title": "Random", "const": RANDOM_SEED}


def _is_url(default: object) -> bool:
    return re.match(_URL["pattern"], str(default)) is not None


def inputs_schema(fields: Sequence[InputField], models: Models) -> Json:
    """Return the schema of all inputs."""
    return {
        "type": "object",
        "description": "Of an input that is left out, the default counts.",
        "properties": {field.name: _schema(field, models) for field in fields},
        "required": needed(fields, models),
        "additionalProperties": False,
    }


def needed(fields: Sequence[InputField], models: Models) -> list[str]:
    """Name the inputs without which a run cannot succeed on this machine."""
    return [f.name for f in fields if f.required or models.lack(f)]


def sample_inputs(fields: Sequence[InputField], models: Models) -> dict[str, Any]:
    """Return inputs with which a run succeeds, if the workflow is sound.

    Images that have a default are left out: a sample needs nothing from elsewhere.
    """
    return {
        field.name: _sample(field, models)
        for field in fields
        if field.required or (field.default is not None and field.kind not in _FETCHED)
    }


def _schema(field: InputField, models: Models) -> Json:
    schema = {**_BY_KIND[field.kind], **_bounds(field)}
    if field.kind is InputKind.SEED:
        schema = {"anyOf": [schema, _RANDOM]}
    if names := models.names.get(field.kind) or field.options:
        schema["enum"] = list(names)
    if names and field.kind in models.downloaded:
        schema = {"anyOf": [{"title": "Name", "type": "string", "enum": list(names)}, _URL]}
    words = {"title": field.display_name, "description": field.description}
    schema |= {key: value for key, value in words.items() if value}
    if field.default is not None and not models.lack(field):
        schema["default"] = _default(field)
    return schema


def _default(field: InputField) -> Any:
    if field.kind is InputKind.IMAGES:
        return msgspec.json.decode(str(field.default))
    return field.default


def _bounds(field: InputField) -> Json:
    bounds = {"minimum": field.minimum, "maximum": field.maximum}
    return {key: value for key, value in bounds.items() if value is not None}


def _sample(field: InputField, models: Models) -> Any:
    names = models.names.get(field.kind)
    if names and (field.default is None or models.lack(field)):
        return names[0]
    if field.default is not None:
        return field.default
    if field.kind in _SLIDERS:
        middle = _between(field.minimum, field.maximum)
        return middle if field.kind is InputKind.SLIDER else int(middle)
    return field.options[0] if field.options else _SAMPLES[field.kind]


def _between(low: float | None, high: float | None) -> float:
    if low is not None and high is not None:
        return low + (high - low) / 2
    return next((bound for bound in (low, high) if bound is not None), 1.0)
