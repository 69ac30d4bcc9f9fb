"""Texts for people: English stands in the code; other languages come from a catalogue (gettext)."""

from collections.abc import Mapping

LANGUAGES = ("en", "zh")

Texts = Mapping[str, str]
"""English texts by their codes, with placeholders. `make messages` takes the values of every table
with this annotation into the catalogue."""

Terms = tuple[str, ...]
"""English words that stand alone, such as headings: the catalogue keeps them in a context of
their own, since the same word may be another one in a sentence."""


def language_of_locale(env: Mapping[str, str]) -> str:
    """Return the language of a person with these environment variables: en or zh."""
    locale = env.get("LC_ALL") or env.get("LC_MESSAGES") or env.get("LANG") or ""
    return "zh" if locale.lower().startswith("zh") else "en"
