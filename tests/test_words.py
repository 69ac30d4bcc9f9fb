"""Whatever people read is said in both languages, and says the same in both."""

from string import Formatter

import pytest

from app.api.v1 import machine_history
from app.cli.help_words import HELP
from app.cli.remote_words import SAID
from app.cli.words import WORDS
from app.doctor import judge as diagnosis
from consumers import migrate
from events.messages import CATALOGUE
from events.messages_graphs import GRAPHS
from events.messages_inputs import INPUTS
from events.messages_machines import MACHINES
from events.messages_requests import REQUESTS
from events.run.timeline_words import PHRASES
from events.words import Phrases, in_words, language_of_locale
from infra.embedded import messages as embedded
from infra.jetstream.streams import cannot_migrate
from infra.net import listening
from infra.settings import invalid

TABLES: dict[str, Phrases] = {
    "messages": CATALOGUE,
    "timeline": PHRASES,
    "machine history": machine_history.WORDS,
    "what a look found": machine_history.FOUND,
    "diagnosis": diagnosis.WORDS,
    "command line": WORDS,
    "one machine": embedded.CATALOGUE,
    "settings": invalid.MESSAGES,
    "listening": listening.MESSAGES,
    "migration": migrate.WORDS,
    "cannot migrate": cannot_migrate.MESSAGES,
}


def placeholders(text: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(text) if field}


@pytest.mark.parametrize("table", TABLES)
def test_both_languages_take_the_same_placeholders(table: str) -> None:
    phrases = TABLES[table].items()
    assert [code for code, (en, zh) in phrases if placeholders(en) != placeholders(zh)] == []


@pytest.mark.parametrize("table", TABLES)
def test_both_languages_say_something(table: str) -> None:
    assert [code for code, texts in TABLES[table].items() if not all(texts)] == []


def test_what_is_put_together_from_parts_loses_nothing() -> None:
    assert len(CATALOGUE) == sum(map(len, (INPUTS, GRAPHS, MACHINES, REQUESTS)))
    assert {*SAID, *HELP} <= WORDS.keys()
    assert not SAID.keys() & HELP.keys()


def test_a_phrase_is_said_in_the_language_that_is_wanted() -> None:
    phrase = ("{count} left", "还剩 {count} 个")
    assert in_words(phrase, "en", {"count": 2}) == "2 left"
    assert in_words(phrase, "zh", {"count": 2}) == "还剩 2 个"


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
