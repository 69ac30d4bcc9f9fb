"""Chooses the language of messages by Accept-Language (RFC 9110 §12.5.4)."""

import re
from collections.abc import Iterable
from typing import Annotated

from litestar.params import HeaderParameter

from events.messages.texts import LANGUAGES

_WEIGHT = re.compile(r"q\s*=\s*([01](?:\.\d{0,3})?)")


def provide_language(
    accept_language: Annotated[str | None, HeaderParameter(name="Accept-Language")] = None,
) -> str:
    """Return the language of the answer, for a handler."""
    return language_of(accept_language or "")


def language_of(accept_language: str) -> str:
    """Choose the language of messages: Chinese if it is preferred to English, else English."""
    chosen, most = "en", 0.0
    for part in accept_language.lower().split(","):
        tag, *parameters = (piece.strip() for piece in part.split(";"))
        language = tag.partition("-")[0]
        if language in LANGUAGES and (quality := _quality(parameters)) > most:
            chosen, most = language, quality
    return chosen


def _quality(parameters: Iterable[str]) -> float:
    """Read how much something is wanted, 1 unless it says less (RFC 9110 §12.4.2)."""
    for parameter in parameters:
        if weight := _WEIGHT.fullmatch(parameter):
            return float(weight[1])
    return 1.0
