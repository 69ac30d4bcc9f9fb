"""Descriptions and schemas of parameters."""

from typing import Any

from app.openapi.words import PARAMETERS
from events.deployment import ENVIRONMENTS

Json = dict[str, Any]
NAMED_BY_OTHERS = frozenset({"user_id"})
"""Ids of other systems, which need not be UUIDs."""


def tidy_parameter(parameter: Json) -> None:
    """Describe a parameter: its meaning, and what it takes. In an address nothing is null."""
    name = parameter["name"]
    for flag in ("deprecated", "allowEmptyValue", "allowReserved"):
        parameter.pop(flag, None)
    schema = _without_null(parameter["schema"])
    if name.endswith("_id") and name not in NAMED_BY_OTHERS and schema == {"type": "string"}:
        schema = {"type": "string", "format": "uuid"}
    if name == "environment_name":
        schema = {"type": "string", "enum": list(ENVIRONMENTS)}
    parameter["schema"] = schema
    of_ids = f"The id of the {name.removesuffix('_id')}." if name.endswith("_id") else ""
    parameter["description"] = PARAMETERS.get(name) or parameter.get("description") or of_ids


def _without_null(schema: Json) -> Json:
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    if not choices:
        return schema
    if rest.get("default", "") is None:
        del rest["default"]
    return {**choices[0], **rest} if len(choices) == 1 else {"anyOf": choices, **rest}
