"""What `comfyd up` prints: the line to go on with can be typed as it is; sentences are whole."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from app.auth.session.links import SignInLinks
from app.cli.client.login import LOCAL_USER
from app.cli.local.samples import Sample, outcome_text
from app.cli.local.stack import LocalMachine, Stack, own_processes
from app.cli.local.supervisor import Supervisor
from app.cli.local.up import sample_command, show_sign_in
from app.cli.terminal import PlainConsole
from infra import clock
from infra.embedded.servers import Servers

SAMPLE = Sample(name="text to image", graph={}, inputs=("-i", 'prompt="a red fox"'))
RUN = 'run "text to image" -i prompt="a red fox" --watch'


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shutil, "which", lambda _: None)


def a_stack(folder: Path, **changes: Any) -> Stack:
    """Return a stack of which nothing runs."""
    stack = Stack(
        supervisor=Supervisor(Servers({}, -1), lambda _name, _code: None),
        url="http://127.0.0.1:3000",
        machine=LocalMachine(url="http://127.0.0.1:8188"),
        jwt_secret="x" * 40,
        folder=folder,
        env={"COMFYD_PORT": "3000"},
        internal_ports={},
        plugin_port=0,
    )
    return replace(stack, **changes)


def test_it_names_the_command_as_it_was_started() -> None:
    told = sample_command(SAMPLE, Path(".comfyd").absolute(), ".venv/bin/comfyd")
    assert told == f".venv/bin/comfyd {RUN}"


def test_it_is_short_where_the_path_leads_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = str(tmp_path / "bin" / "comfyd")
    monkeypatch.setattr(shutil, "which", lambda _: program)
    assert sample_command(SAMPLE, Path(".comfyd").absolute(), program) == f"comfyd {RUN}"


def test_each_process_answers_for_its_health_on_a_port_of_its_own(tmp_path: Path) -> None:
    ports = {"api": 9464, "projector": 9465, "worker": 9466}
    for internal_ports in (ports, {}):
        stack = a_stack(tmp_path, internal_ports=internal_ports)
        told = {c.name: c.env.get("COMFYD_INTERNAL_PORT") for c in own_processes(stack)}
        assert told == {n: str(internal_ports[n]) if internal_ports else None for n in ports}


def test_it_names_a_data_folder_that_would_not_be_found() -> None:
    told = sample_command(SAMPLE, Path("/data of mine"), "comfyd")
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
    assert outcome_text({"status": status, "error": error}) == said


@pytest.mark.parametrize(
    ("settings", "base"),
    [
        ({"COMFYD_PORT": "3001"}, "http://127.0.0.1:3001"),
        ({"COMFYD_PUBLIC_URL": "https://a.example/b"}, "https://a.example/b"),
    ],
)
def test_it_prints_a_link_that_signs_a_browser_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: dict[str, str], base: str
) -> None:
    secret = "s" * 32
    stack = a_stack(tmp_path, jwt_secret=secret, env=settings)
    show_sign_in(stack, PlainConsole(highlight=False, markup=False, soft_wrap=True))
    [line] = [line.strip() for line in capsys.readouterr().out.splitlines() if "token=" in line]
    assert line.startswith(f"{base}/sign-in/link?token=")
    link = SignInLinks(secret).open(line.partition("token=")[2], clock.now())
    assert (link.user_id, link.org_id) == (LOCAL_USER, None)
