"""Which server the command line talks to, and with which key."""

from pathlib import Path

import pytest

from app.cli.client import login
from app.cli.client.login import Login, NotLoggedIn, find_login, forget_login, save_login


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "login_file", lambda: tmp_path / "config" / "login.json")
    monkeypatch.setenv("COMFYD_DATA", str(tmp_path / "data"))
    for name in ("COMFYD_URL", "COMFYD_KEY"):
        monkeypatch.delenv(name, raising=False)


SAVED = Login(url="https://saved", key="saved-key")


def test_nothing_known_is_said_so() -> None:
    with pytest.raises(NotLoggedIn):
        find_login(None, None)


def test_options_win_over_variables_and_both_over_the_login(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    save_login(SAVED)
    assert find_login(None, None) == SAVED
    monkeypatch.setenv("COMFYD_URL", "https://variable/")
    monkeypatch.setenv("COMFYD_KEY", "variable-key")
    assert find_login(None, None) == Login(url="https://variable", key="variable-key")
    assert find_login("https://option", "k") == Login(url="https://option", key="k")


def test_a_key_is_never_sent_to_another_server_than_its_own() -> None:
    save_login(SAVED)
    with pytest.raises(NotLoggedIn):
        find_login("https://elsewhere", None)
    assert find_login("https://saved/", None) == SAVED
    assert find_login(None, "other-key") == Login(url="https://saved", key="other-key")


def test_a_broken_file_is_no_login() -> None:
    file = save_login(SAVED)
    file.write_text("{")
    with pytest.raises(NotLoggedIn):
        find_login(None, None)


def test_logging_out_forgets() -> None:
    save_login(SAVED)
    assert forget_login()
    assert not forget_login()


def test_a_stack_on_this_machine_needs_no_login(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "settings.env").write_text("COMFYD_PORT=3210\nNATS_URL=nats://x\n")
    (data / "jwt-secret").write_text("s" * 40)
    found = find_login(None, None)
    assert found.url == "http://127.0.0.1:3210"
    assert found.key.count(".") == 2


def test_a_server_that_is_named_without_a_key_is_not_unknown() -> None:
    with pytest.raises(NotLoggedIn) as unknown:
        find_login("https://named", None)
    assert unknown.value.url == "https://named"
    save_login(SAVED)
    with pytest.raises(NotLoggedIn) as other:
        find_login("https://named", None)
    assert other.value.url == "https://named"
