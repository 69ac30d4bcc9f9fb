"""`make up` sets itself up, whatever it finds: interrupted at any moment, moved, Python replaced.

The Makefile is the real one, and so are make, the shell and venv. In the place of pip and uv stand
scripts that need no network, can be interrupted at a known moment, and like uv take for installed
what they find half installed.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[3] / "Makefile"

PYTHON = f"""\
#!/bin/sh
set -e
[ "$1 $2" = "-m venv" ] || exec {sys.executable} "$@"
{sys.executable} -m venv --without-pip .venv
[ "$STOP_AT" != venv ] || kill -INT 0
cp -r pip .venv/lib/python*/site-packages/
"""

PIP = """\
import os, pathlib, signal, sys
if sys.argv[1] == "config":
    print(os.environ.get("PIP_CONFIGURED", ""))
    sys.exit()
pathlib.Path("trusted").write_text(f"pip {os.environ.get('PIP_CERT')}\\n")
uv = pathlib.Path(".venv/bin/uv")
if os.environ.get("STOP_AT") == "pip":
    os.killpg(0, signal.SIGINT)
uv.write_bytes(b"#!/bin/sh\\nnonsense")
uv.chmod(0o755)
if os.environ.get("STOP_AT") == "half-uv":
    os.killpg(0, signal.SIGINT)
uv.write_bytes(pathlib.Path("uv").read_bytes())
"""

UV = """\
#!/bin/sh
echo "uv $SSL_CERT_FILE $UV_SYSTEM_CERTS" >> trusted
stop() { [ "$STOP_AT" != "$1" ] || kill -INT 0; }
install() {
  cd .venv/lib/python*/site-packages
  [ ! -e "$1.py" ] || exit 0  # half of it looks like all of it
  touch "$1.py"; stop "$1"; touch "other_$1.py"
  cd - > /dev/null
}
case "$*" in
  *"-r requirements.txt") install run ;;
  *"-r requirements-dev.txt") [ "$STOP_AT" != away ] || exit 2; install dev ;;
  *"-e .")
    # As uv writes it where the path holds a blank.
    cat > .venv/bin/comfyd <<END
#!/bin/sh
'''exec' '$PWD/.venv/bin/python' "\\$0" "\\$@"
' '''
import run, other_run
print("up")
END
    stop editable
    chmod +x .venv/bin/comfyd ;;
esac
"""


def _can_be_interrupted() -> None:
    """Undo what a shell does to what it starts in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Clone:
    """A clone of the repository, as far as its set-up is concerned."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "pip").mkdir(parents=True)
        shutil.copy(MAKEFILE, folder)
        for name, text in {
            "uv": UV,
            "pip/__init__.py": "",
            "pip/__main__.py": PIP,
            "pyproject.toml": "",
            "requirements.txt": "",
            "requirements-dev.txt": "",
        }.items():
            (folder / name).write_text(text)
        self.python = folder.parent / "python"
        self.python.write_text(PYTHON)
        self.python.chmod(0o755)

    def make(self, goal: str = "up", *variables: str, **env: str) -> tuple[int, str]:
        """Make something as in a terminal of its own; give the exit code and what was printed."""
        done = subprocess.run(
            ["make", "--no-print-directory", f"PYTHON={self.python}", *variables, goal],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
            start_new_session=True,
            preexec_fn=_can_be_interrupted,
        )
        return done.returncode, done.stdout

    def starts_anew(self) -> None:
        """Check that `make up` sets up anew, and comes to run comfyd."""
        assert self.make() == (0, "setting up .venv (once)\nup\n")


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """Return a clone in which nothing has happened yet; its path holds a blank."""
    return Clone(tmp_path / "a clone")


@pytest.fixture
def ready(clone: Clone) -> Clone:
    """Return a clone that is set up."""
    assert clone.make(".venv/ready-dev") == (0, "setting up .venv (once)\n")
    assert clone.make() == (0, "up\n")
    return clone


@pytest.mark.parametrize("moment", ["venv", "pip", "half-uv", "run", "editable", "dev"])
def test_a_set_up_that_was_interrupted_is_made_anew(clone: Clone, moment: str) -> None:
    code, printed = clone.make(".venv/ready-dev", STOP_AT=moment)
    assert code in {2, -signal.SIGINT}, printed

    clone.starts_anew()
    assert clone.make(".venv/ready-dev")[0] == 0
    assert clone.make() == (0, "up\n")


def test_an_update_that_was_interrupted_is_made_anew(ready: Clone) -> None:
    (ready.folder / "requirements.txt").touch()
    site = next((ready.folder / ".venv" / "lib").glob("python*/site-packages"))
    (site / "run.py").unlink()
    (site / "other_run.py").unlink()
    assert ready.make(STOP_AT="run")[0] != 0
    ready.starts_anew()


def test_a_python_that_is_gone_is_replaced(ready: Clone) -> None:
    python = ready.folder / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/opt/python-of-last-year/bin/python3")
    ready.starts_anew()


def test_a_python_that_became_another_version_is_noticed(ready: Clone) -> None:
    (lib,) = (ready.folder / ".venv" / "lib").glob("python*")
    lib.rename(lib.with_name("python3.1"))
    ready.starts_anew()


def test_a_folder_may_be_moved(ready: Clone, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    ready.folder.rename(moved)
    ready.folder = moved
    ready.starts_anew()


def test_a_registry_that_is_away_breaks_nothing(ready: Clone) -> None:
    (ready.folder / "requirements-dev.txt").touch()
    assert ready.make(".venv/ready-dev", STOP_AT="away")[0] == 2
    assert ready.make() == (0, "up\n")


@pytest.mark.parametrize(
    "env",
    [
        {"SSL_CERT_FILE": "CA"},
        {"PIP_CERT": "CA"},
        {"REQUESTS_CA_BUNDLE": "CA"},
        {"CURL_CA_BUNDLE": "CA"},
        {"PIP_CONFIGURED": "global.cert='CA'"},
        {"PIP_CONFIGURED": "global.index='https://x'\ninstall.cert='CA'"},
        {"STORE": "CA"},
    ],
)
def test_whom_tls_trusts_is_told_to_pip_and_uv_alike(clone: Clone, env: dict[str, str]) -> None:
    authority = clone.folder / "ca.pem"
    authority.touch()
    # The list of stores cannot hold a path with a blank; those of systems have none.
    at = str(shutil.copy(authority, clone.folder.parent) if "STORE" in env else authority)
    given = {name: value.replace("CA", at) for name, value in env.items()}
    assert clone.make("up", f"STORES={given.pop('STORE', '')}", **given)[0] == 0
    asked = (clone.folder / "trusted").read_text().splitlines()
    assert asked == [f"pip {at}", *[f"uv {at} true"] * 2]


def test_without_any_store_each_trusts_whom_it_brings(clone: Clone) -> None:
    assert clone.make("up", "STORES=", UV_SYSTEM_CERTS="false")[0] == 0
    asked = (clone.folder / "trusted").read_text().splitlines()
    assert asked == ["pip None", *["uv  false"] * 2]
