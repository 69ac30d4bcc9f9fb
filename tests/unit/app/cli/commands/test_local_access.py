"""comfyd analyst and sign-in print an address, or what is missing for one."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli.main import main
from infra.jetstream.analyst import ACCOUNTS


def run(folder: Path, *arguments: str) -> Result:
    env = {"COMFYD_DATA": str(folder), "NATS_URL": None, "LANG": "en_US.UTF-8"}
    return CliRunner().invoke(main, ["analyst", *arguments], env=env)


def write(folder: Path, *, password: str) -> None:
    (folder / "nats").mkdir()
    (folder / "nats" / "password").write_text("p-_1", "ascii")
    settings = f"NATS_URL=nats://comfyd:{password}@127.0.0.1:4999\nJWT_SECRET=x\n"
    (folder / "settings.env").write_text(settings, "utf-8")


def test_the_address_is_that_of_the_running_stack(tmp_path: Path) -> None:
    write(tmp_path, password="p-_1")
    result = run(tmp_path)
    password = (tmp_path / "nats" / "analyst-password").read_text("ascii")
    assert result.output == f"nats://analyst:{password}@127.0.0.1:4999\n"
    assert run(tmp_path).output == result.output
    assert password not in {"", "p-_1"}


@pytest.mark.parametrize("stack", ["none", "on a NATS of its own"])
def test_a_nats_of_ones_own_is_told_where_to_look(tmp_path: Path, stack: str) -> None:
    if stack != "none":
        write(tmp_path, password="another")
    result = run(tmp_path)
    assert (result.exit_code, "comfyd analyst --config" in result.output) == (2, True)


def test_the_configuration_can_be_pasted(tmp_path: Path) -> None:
    result = run(tmp_path, "--config")
    assert (result.exit_code, result.output) == (0, f"accounts {{\n{ACCOUNTS}}}\n")


@pytest.mark.parametrize(
    ("settings", "begins"),
    [
        ({}, "http://127.0.0.1:3000/sign-in/link?token="),
        ({"COMFYD_HOST": "0.0.0.0", "COMFYD_PORT": "3001"}, "http://127.0.0.1:3001/sign-in/"),
        ({"COMFYD_HOST": "::1"}, "http://[::1]:3000/sign-in/"),
        ({"COMFYD_PUBLIC_URL": "https://a.example/b/"}, "https://a.example/b/sign-in/link?token="),
    ],
)
def test_a_sign_in_link_begins_with_where_browsers_find_the_pages(
    tmp_path: Path, settings: dict[str, str], begins: str
) -> None:
    env = {"COMFYD_DATA": str(tmp_path), "JWT_SECRET": "s" * 32, **settings}
    result = CliRunner().invoke(main, ["sign-in"], env=env)
    assert (result.exit_code, result.output[: len(begins)]) == (0, begins)
    assert result.output.count("\n") == 1


def test_a_sign_in_link_of_a_stack_begins_with_its_address(tmp_path: Path) -> None:
    (tmp_path / "settings.env").write_text("COMFYD_PORT=4000\n", "utf-8")
    env = {"COMFYD_DATA": str(tmp_path), "JWT_SECRET": "s" * 32}
    result = CliRunner().invoke(main, ["sign-in"], env=env)
    assert result.output.startswith("http://127.0.0.1:4000/sign-in/link?token=")


def test_without_a_secret_there_is_no_sign_in_link(tmp_path: Path) -> None:
    env = {"COMFYD_DATA": str(tmp_path), "JWT_SECRET": None, "LANG": "en_US.UTF-8"}
    result = CliRunner().invoke(main, ["sign-in"], env=env)
    assert (result.exit_code, "JWT_SECRET" in result.output) == (2, True)
