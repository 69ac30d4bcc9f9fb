"""Translation of texts by a gettext catalogue: app/locale/LANGUAGE/LC_MESSAGES/comfyd.po."""

import gettext
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from events.errors import Problem
from events.messages import CATALOGUE

DOMAIN = "comfyd"
_NOTHING: Mapping[str, object] = MappingProxyType({})


def translate(text: str, language: str, params: Mapping[str, object] = _NOTHING) -> str:
    """Return an English text in *language*, with its placeholders filled in.

    A text or a language that the catalogue does not have stays English.
    """
    return _catalogue(language).gettext(text).format_map(params)


def translate_term(term: str, language: str) -> str:
    """Return a word of a table of Terms in *language*: alone it may mean something else."""
    return _catalogue(language).pgettext("term", term)


def message(code: str, language: str, params: Mapping[str, object] = _NOTHING) -> str:
    """Return the message of an error code in *language*."""
    return translate(CATALOGUE[code], language, params)


def problem_text(problem: Problem, language: str) -> str:
    """Return what is wrong, in *language*."""
    return message(problem.code, language, problem.params)


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    folder = str(files("app") / "locale")
    return gettext.translation(DOMAIN, folder, languages=[language], fallback=True)
