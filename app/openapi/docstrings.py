"""Carries the words of our structs into the description: what a type is, what each field means."""

import ast
import inspect
from functools import cache
from textwrap import dedent
from typing import Any

from litestar._openapi.schema_generation import SchemaCreator
from litestar._openapi.schema_generation.plugins.struct import StructSchemaPlugin
from litestar.openapi.spec import Schema
from litestar.typing import FieldDefinition
from typing_extensions import override


class DescribedStructs(StructSchemaPlugin):
    """Adds docstrings, and says where unknown fields are refused."""

    @override
    def to_openapi_schema(
        self, field_definition: FieldDefinition, schema_creator: SchemaCreator
    ) -> Schema:
        """Describe a struct."""
        schema = super().to_openapi_schema(field_definition, schema_creator)
        kind = field_definition.origin or field_definition.annotation
        schema.description = schema.description or first_paragraph(kind.__doc__)
        words = field_docstrings(kind)
        for name, property_ in (schema.properties or {}).items():
            property_.description = property_.description or words.get(name)
        if kind.__struct_config__.forbid_unknown_fields:
            schema.additional_properties = False
        return schema


def first_paragraph(text: str | None) -> str:
    """Give the first paragraph of a docstring, in one line."""
    return " ".join(inspect.cleandoc(text or "").partition("\n\n")[0].split())


@cache
def field_docstrings(kind: type[Any]) -> dict[str, str]:
    """Give the strings that stand under the fields of a class and those it inherits."""
    words: dict[str, str] = {}
    for part in reversed(kind.__mro__):
        if part.__module__.partition(".")[0] in {"app", "events"}:
            words |= _words_of(part)
    return words


def _words_of(kind: type[Any]) -> dict[str, str]:
    [definition] = ast.parse(dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)  # that is what was asked for
    words = {}
    for field, under in zip(definition.body, definition.body[1:], strict=False):
        is_field = isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if is_field and isinstance(under, ast.Expr) and isinstance(under.value, ast.Constant):
            words[field.target.id] = first_paragraph(str(under.value.value))  # type: ignore[attr-defined]  # is_field has looked
    return words
