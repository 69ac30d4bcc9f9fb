"""How far a run is: a hint for people, never a fact, so it is not in the log."""

from msgspec import Struct


class Progress(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The latest word from the machine about a run."""

    run_id: str = ""
    """Filled in when it is passed on; a machine does not know it."""

    percent: int
    """0 to 100 over the whole graph."""

    message: str
    node_id: str = ""
    node_class: str = ""
    node_title: str = ""
    step: int = 0
    """Step within the node, as a sampler counts them."""

    steps: int = 0
    nodes_done: int = 0
    nodes_total: int = 0
