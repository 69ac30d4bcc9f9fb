"""Read why ComfyUI refuses a prompt from its answer to POST /prompt (pure)."""

import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from infra.machine_driver import GraphProblem


class Reason(Struct, frozen=True):
    """One reason, about the whole prompt or about one node."""

    type: str = ""
    message: str = ""
    details: str = ""
    extra_info: dict[str, Any] = {}


class NodeErrors(Struct, frozen=True):
    """What is wrong with one node."""

    errors: list[Reason] = []
    class_type: str = ""


class PromptAnswer(Struct, frozen=True):
    """What POST /prompt answers, be it accepted, refused, or accepted in part."""

    prompt_id: str = ""
    error: Reason | str | None = None
    node_errors: dict[str, NodeErrors] | list[Any] = {}
    """A list, always empty, in some versions that refuse a prompt as a whole."""


CODES = {
    "missing_node_type": "unknown_node",
    "invalid_prompt": "unknown_node",
    "prompt_no_outputs": "no_outputs",
    "required_input_missing": "missing_input",
    "bad_linked_input": "bad_value",
    "custom_validation_failed": "bad_value",
    "invalid_input_type": "bad_value",
    "return_type_mismatch": "bad_value",
    "value_bigger_than_max": "bad_value",
    "value_not_in_list": "bad_value",
    "value_smaller_than_min": "bad_value",
}
"""ComfyUI's types of error to the codes of a GraphProblem; every other one is `rejected`."""

_NODE_ID = re.compile(r"Node ID '#(.+)'")
_CLASS = re.compile(r"because node (.+) does not exist")
"""How older versions (0.3.64) name the node of an unknown class: in their text alone."""


def problems_in(answer: PromptAnswer) -> tuple[GraphProblem, ...]:
    """List every problem *answer* names: those of its nodes, or else that of the whole prompt."""
    found = tuple(_node_problems(answer))
    if found or answer.error is None:
        return found
    reason = Reason(message=answer.error) if isinstance(answer.error, str) else answer.error
    return (_prompt_problem(reason),)


def _node_problems(answer: PromptAnswer) -> Iterator[GraphProblem]:
    if isinstance(answer.node_errors, list):
        return
    for node_id, node in answer.node_errors.items():
        for reason in node.errors:
            yield _node_problem(node_id, node.class_type, reason)


def _node_problem(node_id: str, node_class: str, reason: Reason) -> GraphProblem:
    name = str(reason.extra_info.get("input_name") or "")
    place = f"node {node_id} ({node_class})" + (f", input {name}" if name else "")
    return GraphProblem(
        code=CODES.get(reason.type, "rejected"),
        message=f"{place}: {_words(reason, known=name)}",
        node_id=node_id,
        node_class=node_class,
        input_name=name,
    )


def _prompt_problem(reason: Reason) -> GraphProblem:
    return GraphProblem(
        code=CODES.get(reason.type, "rejected"),
        message=_words(reason),
        node_id=str(reason.extra_info.get("node_id") or _named(_NODE_ID, reason.details)),
        node_class=str(reason.extra_info.get("class_type") or _named(_CLASS, reason.message)),
    )


def _named(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""


def _words(reason: Reason, *, known: str = "") -> str:
    """Join message and details, unless the details only repeat what is *known*."""
    details = "" if reason.details in {known, reason.message} else reason.details
    return ": ".join(part for part in (reason.message, details) if part) or reason.type
