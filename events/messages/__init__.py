"""The English text of every stable error code."""

from events.messages.graphs import GRAPHS
from events.messages.inputs import INPUTS
from events.messages.machines import MACHINES
from events.messages.requests import REQUESTS
from events.messages.texts import Texts

CATALOGUE: Texts = {**INPUTS, **GRAPHS, **MACHINES, **REQUESTS}
