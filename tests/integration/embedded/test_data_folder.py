"""The data folder is private, ours alone, never on a full disk; ports and secrets last."""

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from infra.embedded.certificate import remembered_certificate
from infra.embedded.data_folder import data_folder, remembered_secret
from infra.embedded.errors import CannotStart, DataFolderInUse, DataFolderUnusable, DiskFull
from infra.embedded.messages import CATALOGUE
from infra.embedded.ports import LOOPBACK, remembered_ports


def test_the_folder_is_made_for_its_owner_only(tmp_path: Path) -> None:
    root = tmp_path / "new" / "data"
    with data_folder(root) as folder:
        assert folder.root == root
        assert stat.S_IMODE(root.stat().st_mode) == 0o700


def test_a_second_start_is_refused_and_told_who_has_the_folder(tmp_path: Path) -> None:
    with data_folder(tmp_path), pytest.raises(DataFolderInUse) as refused, data_folder(tmp_path):
        pass
    assert str(refused.value) == (
        f"The data folder {tmp_path} is in use by the comfyd with process id {os.getpid()}. "
        "Stop that one first, or name another folder in COMFYD_DATA."
    )
    assert refused.value.text("zh") == (
        f"数据文件夹 {tmp_path} 正被进程号为 {os.getpid()} 的 comfyd 使用。"
        "请先停止它，或在 COMFYD_DATA 中指定另一个文件夹。"
    )


def test_the_folder_is_free_again_afterwards(tmp_path: Path) -> None:
    with data_folder(tmp_path):
        pass
    with data_folder(tmp_path) as folder:
        assert (tmp_path / "lock").read_text("ascii") == f"{os.getpid()}\n"
        assert folder.root == tmp_path


def test_the_lock_of_a_killed_process_is_no_obstacle(tmp_path: Path) -> None:
    holder = (
        "import sys, time; from pathlib import Path\n"
        "from infra.embedded.data_folder import data_folder\n"
        "with data_folder(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    argv = (sys.executable, "-c", holder, str(tmp_path))
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(DataFolderInUse), data_folder(tmp_path):
            pass
        process.kill()
    assert (tmp_path / "lock").read_text("ascii") == f"{process.pid}\n"
    with data_folder(tmp_path):
        assert (tmp_path / "lock").read_text("ascii") == f"{os.getpid()}\n"


def test_a_disk_with_too_little_space_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DiskFull) as refused, data_folder(tmp_path, least_free=10**18):
        pass
    assert refused.value.params["least"] == "1000000000000"
    assert "comfyd needs at least 1000000000000 MB to start" in str(refused.value)
    with data_folder(tmp_path):
        pass  # and the lock was given back


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataFolderUnusable) as refused, data_folder(tmp_path / "file" / "data"):
        pass
    assert refused.value.params == {
        "folder": str(tmp_path / "file" / "data"),
        "reason": "Not a directory",
    }


def test_something_in_the_folder_that_is_not_what_it_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "logs").touch()
    with pytest.raises(DataFolderUnusable) as refused, data_folder(tmp_path, least_free=0):
        (tmp_path / "logs").mkdir()
    assert refused.value.params == {"folder": str(tmp_path / "logs"), "reason": "File exists"}
    with pytest.raises(FileNotFoundError), data_folder(tmp_path / "data", least_free=0):
        (tmp_path / "elsewhere").read_bytes()


def test_half_a_certificate_is_made_anew_and_a_whole_one_stays(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    remembered_certificate(folder)
    first = (folder / "cert.pem").read_bytes()
    remembered_certificate(folder)
    assert (folder / "cert.pem").read_bytes() == first
    (folder / "key.pem").unlink()
    remembered_certificate(folder)
    assert (folder / "cert.pem").read_bytes() != first
    assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600


def test_a_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "nats" / "password"
    secret = remembered_secret(file)
    assert len(secret) >= 32
    assert remembered_secret(file) == secret
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_ports_stay_the_same_except_those_that_are_taken(tmp_path: Path) -> None:
    names = ["a", "b", "c"]
    first = remembered_ports(tmp_path / "ports.json", names)
    assert len(set(first.values())) == 3
    assert remembered_ports(tmp_path / "ports.json", names) == first
    with socket.create_server((LOOPBACK, first["b"])):
        second = remembered_ports(tmp_path / "ports.json", names)
    assert second == first | {"b": second["b"]}
    assert second["b"] != first["b"]
    assert remembered_ports(tmp_path / "ports.json", names) == second


@pytest.mark.parametrize("text", ["", "{", '{"a": "x"}'])
def test_a_damaged_list_of_ports_is_made_anew(tmp_path: Path, text: str) -> None:
    file = tmp_path / "ports.json"
    file.write_text(text, "utf-8")
    ports = remembered_ports(file, ["a"])
    assert remembered_ports(file, ["a"]) == ports


class Names(dict[str, str]):
    """Stands for any placeholder by its name, and remembers which were asked for."""

    def __missing__(self, name: str) -> str:
        return self.setdefault(name, name)


@pytest.mark.parametrize("code", CATALOGUE)
def test_why_it_cannot_start_is_told_in_both_languages(code: str) -> None:
    params = Names()
    CATALOGUE[code].format_map(params)
    assert CannotStart(code, **params).text("zh") != CannotStart(code, **params).text("en")
