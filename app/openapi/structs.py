"""Schemas of structs: the docstring is the description, and unknown fields may be refused.

Fields are described by `msgspec.Meta(description=…)`, which Litestar reads by itself.
"""

import inspect
from typing import Any

from litestar.openapi.spec import Schema
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition
from msgspec import Struct
from typing_extensions import override


class StructSchemas(OpenAPISchemaPlugin):
    """Completes the schemas that Litestar makes of structs."""

    @override
    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        return not field_definition.is_union and field_definition.is_subclass_of(Struct)

    @override
    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> Schema:
        """Return the schema of Litestar's own plugin for structs, with what it leaves out."""
        own = next(
            plugin
            for plugin in schema_creator.plugins
            if plugin is not self and schema_creator.plugin_supports_field(plugin, field_definition)
        )
        schema: Schema = own.to_openapi_schema(field_definition, schema_creator)
        kind = field_definition.origin or field_definition.annotation
        schema.description = schema.description or first_paragraph(kind.__doc__)
        if kind.__struct_config__.forbid_unknown_fields:
            schema.additional_properties = False
        return schema


def first_paragraph(text: str | None) -> str:
    """Return the first paragraph of a docstring, in one line."""
    return " ".join(inspect.cleandoc(text or "").partition("\n\n")[0].split())
