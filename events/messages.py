"""The words for every stable error code, in English and Chinese."""

from collections.abc import Mapping

from events.messages_graphs import GRAPHS
from events.messages_inputs import INPUTS
from events.messages_machines import MACHINES
from events.messages_requests import REQUESTS
from events.words import Phrases, in_words

CATALOGUE: Phrases = {**INPUTS, **GRAPHS, **MACHINES, **REQUESTS}


def say(code: str, params: Mapping[str, str], language: str = "en") -> str:
    """Give the message of *code* in *language*: en or zh."""
    return in_words(CATALOGUE[code], language, params)
