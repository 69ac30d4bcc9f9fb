"""Compiles what click says in Chinese, for gettext: `make messages`."""

import ast
import re
import struct
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "app" / "locale" / "zh" / "LC_MESSAGES" / "click.po"
COMPILED = SOURCE.with_suffix(".mo")

_MAGIC = 0x950412DE
_ENTRY = re.compile(
    r'^msgid (?P<one>"".*?|".*?")\n(?:msgid_plural (?P<many>".*?")\n)?'
    r'msgstr(?:\[0\])? (?P<said>".*?"(?:\n".*?")*)\n$',
    re.MULTILINE,
)


def translations(source: str) -> dict[str, str]:
    """Read the entries of a .po file, a plural after its singular as gettext looks them up."""
    return {
        "\0".join(filter(None, (_text(found["one"]), _text(found["many"] or '""')))): _text(
            found["said"]
        )
        for found in _ENTRY.finditer(source)
    }


def compiled(source: str) -> bytes:
    """Give the .mo file of a .po file (GNU gettext manual, "The Format of GNU MO Files")."""
    entries = sorted(translations(source).items())
    texts = [text.encode() for column in zip(*entries, strict=True) for text in column]
    at = 28 + 8 * len(texts)
    table, body = b"", b""
    for text in texts:
        table += struct.pack("<II", len(text), at + len(body))
        body += text + b"\0"
    count = len(entries)
    head = struct.pack("<7I", _MAGIC, 0, count, 28, 28 + 8 * count, 0, at)
    return head + table + body


def _text(quoted: str) -> str:
    return "".join(str(ast.literal_eval(line)) for line in quoted.splitlines())


if __name__ == "__main__":
    COMPILED.write_bytes(compiled(SOURCE.read_text("utf-8")))
