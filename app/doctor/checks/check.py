"""The doctor's answer: one check for each thing that was looked at."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from events.messages.texts import Texts
from infra.translation import translate


class Check(Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    name: str
    ok: bool
    code: Annotated[str, Meta(description="Which fault; empty if there is none.")] = ""

    detail: str = ""
    fix: str = ""


class Diagnosis(Struct, frozen=True, kw_only=True):
    """All that was looked at."""

    ok: bool
    time: Annotated[
        datetime,
        Meta(description="The server's clock, for comparison with one's own."),
    ]

    storage_probe: Annotated[
        str,
        Meta(description="A public file: a client that cannot read it cannot read outputs either."),
    ]

    checks: list[Check]


def passed(name: str) -> Check:
    """Return the check of a part without a fault."""
    return Check(name=name, ok=True)


class Faults:
    """Failed checks in one language; each code has a text, and one for its fix."""

    def __init__(self, texts: Texts, language: str) -> None:
        self._texts = texts
        self._language = language

    def of(self, name: str, code: str, /, **params: object) -> Check:
        """Return the check of a part that has a fault."""
        return Check(
            name=name,
            ok=False,
            code=code,
            detail=self._text(code, params),
            fix=self._text(f"{code}.fix", params),
        )

    def _text(self, key: str, params: Mapping[str, object]) -> str:
        return translate(self._texts[key], self._language, params)
