"""The command line as a whole: its version, the pages it names, and refusals before a start."""

import re
import socket
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli.main import main
from app.cli.texts import TEXTS
from infra.settings.settings import SETTING_NAMES

ROOT = Path(__file__).parents[4]


def test_it_has_a_version() -> None:
    assert CliRunner().invoke(main, ["--version"]).output == f"comfyd {version('comfyd')}\n"


def test_the_pages_that_it_names_hold_what_it_promises() -> None:
    help_text = TEXTS["help.main"]
    commands, settings = re.findall(r"docs/[\w-]+\.md", help_text)
    assert "`comfyd doctor`" in (ROOT / commands).read_text("utf-8")
    page = (ROOT / settings).read_text("utf-8")
    assert [name for name in sorted(SETTING_NAMES) if name not in page] == []


def test_nothing_is_called_started_before_a_port_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMFYD_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.delenv("COMFYUI_URL", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as other:
        for port in (str(other.getsockname()[1]), "nonsense"):
            monkeypatch.setenv("COMFYD_PORT", port)
            refused = CliRunner().invoke(main, ["up"])
            assert refused.exit_code == 2
            assert "COMFYD_PORT" in refused.stderr
            assert refused.stdout == ""
    assert not (tmp_path / "data").exists()
