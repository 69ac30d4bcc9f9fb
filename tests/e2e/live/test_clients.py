"""Clients that others generate from the description: they compile, and they run a job.

The TypeScript one needs packages from npm: locked, fetched once a run, never kept in the tree.
"""

import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.e2e.node import CLIENTS, command, install, node_and_npm, with_node
from tests.e2e.system import System
from tests.observe.described import described

TOOLS = Path(sys.executable).parent


def settings(system: System, user: str) -> dict[str, str]:
    """Return the settings of a job."""
    return {
        "COMFYD_URL": system.url,
        "COMFYD_KEY": system.token(user),
        "MACHINE_URL": system.machine_url,
    }


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """Return the description as a file."""
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(described()), "utf-8")
    return path


GENERATOR = """
package_name_override: comfyd_client
post_hooks: []
content_type_overrides:
  "*/*": application/octet-stream
"""
"""Files of runs come as what they are; to this generator they are bytes."""


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
    (folder / "generator.yml").write_text(GENERATOR)
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
    await install("typescript", folder)
    node, _ = node_and_npm()
    path = with_node()
    modules = folder / "node_modules"

    await command(
        *(node, modules / "openapi-typescript" / "bin" / "cli.js", document, "-o", "api.d.ts"),
        "--default-non-nullable=false",  # what has a default need not be sent
        folder=folder,
        env=path,
    )
    await command(node, modules / "typescript" / "bin" / "tsc", folder=folder, env=path)
    told = await command(node, "job.ts", folder=folder, env=path | settings(system, "scripter"))

    check_job(told, "typescript")
