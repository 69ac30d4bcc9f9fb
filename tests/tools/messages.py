"""Takes every text for people into the catalogue, and compiles it: `make messages`."""

import ast
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment
from jinja2.nodes import Call, Const, Name

from events import errors

ROOT = Path(__file__).parents[2]
ROOMS = ("events", "infra", "projections", "consumers", "app")
TEMPLATES = ROOT / "app" / "pages" / "templates"
FOLDER = ROOT / "app" / "locale" / "zh" / "LC_MESSAGES"
OWN = FOLDER / "comfyd.po"
"""What comfyd says."""

CLICK = FOLDER / "click.po"
"""What click says; kept by hand."""

REFUSALS = frozenset(
    refusal.__name__
    for refusal in vars(errors).values()
    if isinstance(refusal, type) and issubclass(refusal, errors.CommandRefused)
)
"""Names of the errors whose text is shown to people."""


def texts() -> Iterator[tuple[str, str, str | None]]:
    """Yield the module, the English text and its context: every text for people."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                context, found = _texts_of(node)
                for text in found:
                    yield str(path.relative_to(ROOT)), ast.literal_eval(text), context
    yield from _texts_of_templates()


def _texts_of_templates() -> Iterator[tuple[str, str, str | None]]:
    """Yield the texts of templates: `t("…")`, and `term("…")` for a word that stands alone."""
    for path in sorted(TEMPLATES.rglob("*.html")):
        for call in Environment(autoescape=True).parse(path.read_text("utf-8")).find_all(Call):
            match call:
                case Call(node=Name(name="t" | "term" as name), args=[Const(value=str(text))]):
                    context = "term" if name == "term" else None
                    yield str(path.relative_to(ROOT)), text, context
                case _:
                    pass


def _texts_of(node: ast.AST) -> tuple[str | None, list[ast.expr]]:
    match node:
        case ast.AnnAssign(annotation=ast.Name(id="Texts"), value=ast.Dict(keys, values)):
            # Without a key it is a table of its own, which was put in.
            return None, [value for key, value in zip(keys, values, strict=True) if key]
        case ast.AnnAssign(annotation=ast.Name(id="Terms"), value=ast.Tuple(terms)):
            return "term", terms
        case (
            ast.Call(func=ast.Name(id="translate" | "tr"), args=[ast.Constant() as text, *_])
            | ast.Call(func=ast.Attribute(attr="say"), args=[ast.Constant() as text, *_])
        ):
            return None, [text]
        case ast.Call(func=ast.Name(id=name), args=[ast.Constant() as text, *_]) if (
            name in REFUSALS
        ):
            return None, [text]
        case ast.ClassDef(name=name, body=[ast.Expr(value=ast.Constant() as said), *_]) if (
            name in REFUSALS
        ):
            # What it says where a raise says no more.
            return None, [said]
        case _:
            return None, []


def catalogue(path: Path = OWN) -> Catalog:
    """Read a catalogue."""
    with path.open("rb") as file:
        return read_po(file, locale="zh", domain=path.stem)


def updated() -> Catalog:
    """Return our catalogue with exactly the texts of the source; a new one has no Chinese yet."""
    known = catalogue()
    template = Catalog(creation_date=known.creation_date, charset="utf-8")
    for path, text, context in texts():
        template.add(text, locations=[(path, 0)], context=context)
    known.update(template, no_fuzzy_matching=True)
    known.obsolete.clear()
    return known


def written(messages: Catalog) -> bytes:
    """Return the .po file of our catalogue, with the head that it has."""
    head, _, _ = OWN.read_bytes().partition(b"\n\n")
    body = BytesIO()
    write_po(body, messages, width=100, include_lineno=False, omit_header=True)
    return head + b"\n\n" + body.getvalue()


def compiled(messages: Catalog) -> bytes:
    """Return the .mo file of a catalogue."""
    file = BytesIO()
    write_mo(file, messages)
    return file.getvalue()


if __name__ == "__main__":
    OWN.write_bytes(written(updated()))
    for source in (OWN, CLICK):
        source.with_suffix(".mo").write_bytes(compiled(catalogue(source)))
    for message in catalogue():
        if message.id and not message.string:
            print("not translated:", message.id)  # noqa: T201 -- a tool at the command line
