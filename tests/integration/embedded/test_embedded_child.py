"""A child that fails says so early and clearly; one that runs is stopped, gently or not."""

import signal
import threading
import time
from pathlib import Path

import pytest

from infra.embedded.child import Child, Command, start
from infra.embedded.errors import ServerFailed


def shell(folder: Path, script: str) -> Command:
    argv = ("/bin/sh", "-c", script)
    return Command(name="Toy", argv=argv, folder=folder, log=folder / "logs" / "toy.log")


def wait_for_line(child: Child, line: str) -> None:
    log = child.command.log
    child.wait_ready(lambda: line in log.read_text("utf-8").splitlines(), within=5)


def test_a_child_that_dies_is_reported_at_once_with_the_end_of_its_log(tmp_path: Path) -> None:
    start(shell(tmp_path, "echo of an earlier start")).wait_done(within=5)
    child = start(shell(tmp_path, "echo checking; echo no port left >&2; exit 3"))
    began = time.monotonic()
    with pytest.raises(ServerFailed) as failed:
        child.wait_ready(lambda: False, within=30)
    assert time.monotonic() - began < 5
    assert str(failed.value) == (
        "Toy stopped by itself (exit code 3). Start again; should it stay so, "
        f"the end of its log {tmp_path}/logs/toy.log says why:\nchecking\nno port left"
    )


def test_a_child_that_never_gets_ready_is_reported_when_the_time_is_over(tmp_path: Path) -> None:
    child = start(shell(tmp_path, "echo thinking; exec sleep 60"))
    wait_for_line(child, "thinking")
    with pytest.raises(ServerFailed, match=r"(?s)Toy was not ready within 0.1 s.*thinking"):
        child.wait_ready(lambda: False, within=0.1)
    child.stop()
    assert child.exit_code == -signal.SIGTERM


def test_a_child_that_ignores_its_stop_signal_is_killed(tmp_path: Path) -> None:
    script = "trap '' TERM; echo deaf; while :; do sleep 0.05; done"
    child = start(shell(tmp_path, script))
    wait_for_line(child, "deaf")
    child.stop(within=0.2)
    assert child.exit_code == -signal.SIGKILL
    child.stop()


def test_a_task_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    child = start(shell(tmp_path, "exec sleep 60"))
    with pytest.raises(ServerFailed, match=r"within 0.1 s"):
        child.wait_done(within=0.1)
    assert child.exit_code == -signal.SIGKILL


def test_a_child_sees_nothing_of_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ours")
    start(shell(tmp_path, "env")).wait_done(within=5)
    seen = {line.partition("=")[0] for line in (tmp_path / "logs/toy.log").read_text().split("\n")}
    assert seen - {"PWD", "SHLVL", "OLDPWD", "_", ""} == {"HOME", "LC_ALL", "PATH"}


def test_a_long_log_is_put_aside(tmp_path: Path) -> None:
    command = shell(tmp_path, "echo new")
    command.log.parent.mkdir()
    command.log.write_bytes(b"x" * (9 * 1024 * 1024))
    start(command).wait_done(within=5)
    assert command.log.read_text("ascii") == "new\n"
    assert command.log.with_name("toy.log.1").stat().st_size == 9 * 1024 * 1024


def test_only_the_main_thread_may_start_children(tmp_path: Path) -> None:
    refusals: list[str] = []

    def attempt() -> None:
        try:
            start(shell(tmp_path, "exec sleep 60"))
        except RuntimeError as error:
            refusals.append(str(error))

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    assert refusals == ["start children from the main thread"]
