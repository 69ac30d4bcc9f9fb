"""Whatever people read is said in both languages, and says the same in both."""

import re
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Message

from events.messages import CATALOGUE
from events.messages.graphs import GRAPHS
from events.messages.inputs import INPUTS
from events.messages.machines import MACHINES
from events.messages.requests import REQUESTS
from events.messages.texts import language_of_locale
from infra.translation import message, translate, translate_term
from tests.tools import messages

CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
CODE = re.compile(r"^ *```.*?^ *```$|`[^`\n]+`|\]\([^)]+\)", re.DOTALL | re.MULTILINE)
"""What is not said to people: blocks, words in code, and where links lead."""

LITERARY = re.compile(
    r"\b(whoever|whomever|whosoever|nobody|somebody|anybody|everybody"  # the subject is a noun
    r"|tells|told|hears|heard"  # things return, report, show, receive
    r"|wonders?|(?<!on )demand(s|ed)?|mend(s|ed)?|dwells?|befall?s"
    r"|anew|afresh|henceforth|hitherto|whence|hence|thus|thereof|therein|whereupon|albeit"
    r"|seldom|shall|upon|lest|unto|amidst|yonder|as it should be)\b",
    re.IGNORECASE,
)
"""Words that a manual for engineers does not need (CONTRIBUTING.md, Style)."""

ENGLISH_PAGES = [
    *(messages.ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted((messages.ROOT / "docs").glob("*.md")),
    *sorted((messages.ROOT / "docs" / "adr").glob("*.md")),
]
ALLOWED = {
    # A sentence loses the colon at its end, also a Chinese one.
    "app/reads/runs/timeline_texts.py",
}


def placeholders(text: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(text) if field}


def test_the_catalogue_has_exactly_the_texts_of_the_source() -> None:
    assert messages.OWN.read_bytes() == messages.written(messages.updated()), "run `make messages`"
    assert len({*messages.texts()}) > 500


@pytest.mark.parametrize("source", [messages.OWN, messages.CLICK], ids=lambda path: path.stem)
def test_the_catalogue_is_compiled(source: Path) -> None:
    built = messages.compiled(messages.catalogue(source))
    assert source.with_suffix(".mo").read_bytes() == built, "run `make messages`"


def test_every_text_is_translated() -> None:
    entries = [entry for entry in messages.catalogue() if entry.id]
    assert [entry.id for entry in entries if not entry.string or entry.fuzzy] == []


def test_both_languages_take_the_same_placeholders() -> None:
    pairs = [(str(entry.id), str(entry.string)) for entry in messages.catalogue() if entry.id]
    assert [en for en, zh in pairs if placeholders(en) != placeholders(zh)] == []


def test_no_chinese_stands_in_the_source() -> None:
    sources = [path for room in messages.ROOMS for path in (messages.ROOT / room).rglob("*.py")]
    found = {path for path in sources if CHINESE.search(path.read_text("utf-8"))}
    assert {str(path.relative_to(messages.ROOT)) for path in found} == ALLOWED


def test_texts_of_the_catalogue_are_plain_english() -> None:
    texts = [text for entry in messages.catalogue() for text in texts_of(entry)]
    assert len(texts) > 500
    assert {text: words for text in texts if (words := literary(text))} == {}


@pytest.mark.parametrize("page", ENGLISH_PAGES, ids=lambda path: path.name)
def test_pages_are_plain_english(page: Path) -> None:
    text = page.read_text("utf-8")
    assert "Status: superseded" in text or literary(text) == []


def test_literary_words_are_found_outside_of_code() -> None:
    assert literary("Whoever asks is told anew.") == ["Whoever", "told", "anew"]
    assert literary("On demand, `nobody` reads [it](told.md).\n```\nshall\n```\n") == []


def texts_of(entry: Message) -> list[str]:
    """Return the English texts of an entry: one, or two where numbers are counted."""
    return [entry.id] if isinstance(entry.id, str) else list(entry.id)


def literary(text: str) -> list[str]:
    """Return the words of a text that are not plain."""
    return [found[0] for found in LITERARY.finditer(CODE.sub("", text))]


def test_what_is_put_together_from_parts_loses_nothing() -> None:
    assert len(CATALOGUE) == sum(map(len, (INPUTS, GRAPHS, MACHINES, REQUESTS)))


def test_a_text_is_said_in_the_language_that_is_wanted() -> None:
    assert message("more_problems", "en", {"count": 2}) == "and 2 more"
    assert message("more_problems", "zh", {"count": 2}) == "另有 2 个问题"
    assert message("more_problems", "de", {"count": 2}) == "and 2 more"


def test_a_text_that_the_catalogue_does_not_have_stays_english() -> None:
    unknown = "{count} unicorns"
    assert translate(unknown, "zh", {"count": 2}) == "2 unicorns"


def test_a_word_alone_may_mean_something_else_than_in_a_table() -> None:
    assert translate_term("created", "zh") == "创建时间"
    assert translate("created", "zh") == "新建"


@pytest.mark.parametrize(
    ("env", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_US.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "zh_TW"}, "zh"),
    ],
)
def test_the_language_is_that_of_the_environment(env: dict[str, str], language: str) -> None:
    assert language_of_locale(env) == language
