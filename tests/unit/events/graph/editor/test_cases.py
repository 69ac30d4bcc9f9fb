"""Small graphs become what the official editor posts for them (frontend 1.49.6)."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders.editor_graphs import Json, api

CASES = Path(__file__).parents[4] / "golden" / "editor_cases"
OBJECT_INFO = "object_info"


def read(name: str) -> Any:
    return json.loads((CASES / f"{name}.json").read_text())


NAMES = sorted(path.stem for path in CASES.glob("*.json") if path.stem != OBJECT_INFO)


@pytest.fixture(scope="module")
def infos() -> Json:
    found: Json = read(OBJECT_INFO)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_case_is_converted_as_the_editor_does(name: str, infos: Json) -> None:
    case = read(name)
    sends = {
        key: {"class_type": node["class_type"], "inputs": node["inputs"]}
        for key, node in case["sends"].items()
    }

    assert api(case["editor"], infos) == sends
