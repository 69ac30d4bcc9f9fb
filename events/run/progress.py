"""How far a run is: a hint for people, never a fact, so it is not in the log."""

from typing import Annotated

from msgspec import Meta, Struct


class Progress(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The latest word from the machine about a run."""

    run_id: Annotated[
        str,
        Meta(description="Filled in when it is passed on; a machine does not know it."),
    ] = ""

    percent: Annotated[int, Meta(description="0 to 100 over the whole graph.")]

    message: str
    node_id: str = ""
    node_class: str = ""
    node_title: str = ""
    step: Annotated[int, Meta(description="Step within the node, as a sampler counts them.")] = 0

    steps: int = 0
    nodes_done: int = 0
    nodes_total: int = 0
