"""Holds comfyd's converter against the editor: equal, refused, or silently different."""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct
from typing_extensions import override

from events.errors import InvalidGraph
from events.graph.editor.convert import convert
from tests.editor_oracle.answers import Answer, Form

Json = Mapping[str, Any]
_ABSENT = "(absent)"
_SHOWN = 60


class Verdict(StrEnum):
    """How the converter's answer stands to the editor's."""

    EQUAL = "equal"
    REFUSED = "refused"
    DIFFERENT = "different"


class Finding(Struct, frozen=True, kw_only=True):
    """One thing in which the two are not the same, or for which a graph is refused."""

    kind: str
    """What findings of one cause have in common."""

    node: str
    ours: str
    theirs: str = ""

    @override
    def __str__(self) -> str:
        told = f"node {self.node}, {self.kind}: ours {self.ours}"
        return f"{told}, theirs {self.theirs}" if self.theirs else told


class Comparison(Struct, frozen=True, kw_only=True):
    """The verdict on one graph."""

    name: str
    form: Form
    verdict: Verdict
    findings: list[Finding] = []

    @override
    def __str__(self) -> str:
        lines = [f"{self.name} ({self.form}): {self.verdict}", *map(str, self.findings)]
        return "\n    ".join(lines)


def compare_all(answers: Iterable[Answer], infos: Mapping[str, Any]) -> Iterator[Comparison]:
    """Compare every graph for which the editor sends something."""
    for answer in answers:
        if answer.sends is not None:
            yield compare(answer, answer.sends, infos)


def compare(answer: Answer, theirs: Json, infos: Mapping[str, Any]) -> Comparison:
    """Compare what the converter makes of a graph with what the editor sends."""
    try:
        ours = convert(answer.graph, infos).graph
    except InvalidGraph as error:
        findings = [
            Finding(kind=p.code, node=p.params.get("node", p.pointer), ours=p.text())
            for p in error.problems
        ]
        verdict = Verdict.REFUSED
    else:
        findings = list(_differences(ours, theirs))
        verdict = Verdict.DIFFERENT if findings else Verdict.EQUAL
    return Comparison(name=answer.name, form=answer.form, verdict=verdict, findings=findings)


def _differences(ours: Json, theirs: Json) -> Iterator[Finding]:
    for node in {**ours, **theirs}:
        if node not in ours or node not in theirs:
            kinds = [
                graph[node]["class_type"] if node in graph else _ABSENT for graph in (ours, theirs)
            ]
            yield Finding(kind="a node", node=node, ours=kinds[0], theirs=kinds[1])
        else:
            yield from _node_differences(node, ours[node], theirs[node])


def _node_differences(node: str, ours: Json, theirs: Json) -> Iterator[Finding]:
    kind = str(theirs.get("class_type", _ABSENT))  # of a class that it lacks, the editor says none
    if ours["class_type"] != kind:
        yield Finding(kind="a class", node=node, ours=ours["class_type"], theirs=kind)
    for name in {**ours["inputs"], **theirs["inputs"]}:
        values = [side["inputs"].get(name, _ABSENT) for side in (ours, theirs)]
        if not _same(*values):
            shown = [repr(value)[:_SHOWN] for value in values]
            yield Finding(kind=f"{kind}.{name}", node=node, ours=shown[0], theirs=shown[1])


def _same(ours: object, theirs: object) -> bool:
    """Whether two values are the same JSON; true is not 1, but 1.0 is 1."""
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(_same, ours, theirs))
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(_same(ours[k], theirs[k]) for k in ours)
    return ours == theirs
