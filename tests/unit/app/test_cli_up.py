"""What `comfyd up` prints: the line to go on with can be typed as it is; sentences are whole."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from app.cli.demo import Sample, how_it_ended
from app.cli.up import how_to_run

SAMPLE = Sample(name="text to image", graph={}, inputs=("-i", 'prompt="a red fox"'))
RUN = 'run "text to image" -i prompt="a red fox" --watch'


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shutil, "which", lambda _: None)


def test_it_names_the_command_as_it_was_started() -> None:
    told = how_to_run(SAMPLE, Path(".comfyd").absolute(), ".venv/bin/comfyd")
    assert told == f".venv/bin/comfyd {RUN}"


def test_it_is_short_where_the_path_leads_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = str(tmp_path / "bin" / "comfyd")
    monkeypatch.setattr(shutil, "which", lambda _: program)
    assert how_to_run(SAMPLE, Path(".comfyd").absolute(), program) == f"comfyd {RUN}"


def test_it_names_a_data_folder_that_would_not_be_found() -> None:
    told = how_to_run(SAMPLE, Path("/data of mine"), "comfyd")
    assert told == f"COMFYD_DATA='/data of mine' comfyd {RUN}"


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        ("failed", {"message": "no such file\n"}, "the run ended as failed: no such file"),
        ("cancelled", None, "the run ended as cancelled"),
        ("timeout", {"code": "run_timeout", "message": ""}, "the run ended as timeout"),
    ],
)
def test_a_sample_without_success_says_why_if_there_is_a_reason(
    monkeypatch: pytest.MonkeyPatch, status: str, error: dict[str, Any] | None, said: str
) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert how_it_ended({"status": status, "error": error}) == said
