"""The converter sends what the official editor sends, for all official templates in each form."""

from collections import Counter
from collections.abc import Sequence

import msgspec
import pytest

from tests.editor_oracle.answers import FORMS, Form, object_info, read_answers
from tests.editor_oracle.compare import Comparison, Verdict, compare_all

LEAST_EQUAL = 0.975
"""The rest is refused: what only a browser can make, or a class that no stock ComfyUI has."""

SHOWN = 10


@pytest.fixture(scope="module")
def compared() -> list[Comparison]:
    return list(compare_all(read_answers(), msgspec.json.decode(object_info())))


def shown(comparisons: Sequence[Comparison]) -> str:
    more = f"\nand {len(comparisons) - SHOWN} more" if len(comparisons) > SHOWN else ""
    return "\n" + "\n".join(map(str, comparisons[:SHOWN])) + more


@pytest.mark.parametrize("form", FORMS)
def test_no_graph_comes_out_otherwise_without_a_word(
    compared: list[Comparison], form: Form
) -> None:
    different = [c for c in compared if c.form == form and c.verdict is Verdict.DIFFERENT]

    assert not different, shown(different)


@pytest.mark.parametrize("form", FORMS)
def test_nearly_all_graphs_come_out_the_same(compared: list[Comparison], form: Form) -> None:
    of_form = [c for c in compared if c.form == form]
    counts = Counter(c.verdict for c in of_form)
    refused = [c for c in of_form if c.verdict is Verdict.REFUSED]

    assert counts[Verdict.EQUAL] >= LEAST_EQUAL * len(of_form), shown(refused)


def test_a_refusal_names_the_node_and_the_reason(compared: list[Comparison]) -> None:
    refused = [f for c in compared if c.verdict is Verdict.REFUSED for f in c.findings]

    assert all(finding.node and finding.ours for finding in refused)
