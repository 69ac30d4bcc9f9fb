"""Says things in English or Chinese: all that people read, in whatever room it is said."""

from collections.abc import Mapping

LANGUAGES = ("en", "zh")

Phrase = tuple[str, str]
"""The same in English and in Chinese; both take the same placeholders."""

Phrases = Mapping[str, Phrase]


def in_words(phrase: Phrase, language: str, params: Mapping[str, object]) -> str:
    """Say a phrase in *language*; in English where we have no such language."""
    english, chinese = phrase
    return (chinese if language == "zh" else english).format_map(params)


def language_of_locale(env: Mapping[str, str]) -> str:
    """Tell which of our languages a person with these environment variables reads: en or zh."""
    locale = env.get("LC_ALL") or env.get("LC_MESSAGES") or env.get("LANG") or ""
    return "zh" if locale.lower().startswith("zh") else "en"
