"""What the pages tell readers to type works: their shell blocks run, one after the other."""

import os
import sys
from pathlib import Path

import pytest

from tests.e2e.node import command
from tests.e2e.system import System
from tests.e2e.typed import DOCS, script

SAMPLE = DOCS.parent / "app" / "cli" / "samples" / "text_to_image.json"

# What `make up` has done before the page begins.
MADE_UP = f"""
comfyd machine add local "$MACHINE_URL"
comfyd deploy {SAMPLE} --name "text to image" --machine local
"""


@pytest.mark.parametrize(
    ("user", "pages"),
    [
        ("reader", ["get-started.md"]),
        ("duzhe", ["zh/get-started.md"]),
        ("deployer", ["deploy-a-workflow.md", "follow-a-run.md"]),
    ],
)
async def test_a_page_can_be_typed_from_top_to_bottom(
    system: System, tmp_path: Path, user: str, pages: list[str]
) -> None:
    typed = MADE_UP + "\n".join(script(page) for page in pages)
    env = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COMFYD_URL": system.url,
        "COMFYD_KEY": system.token(user),
        "MACHINE_URL": system.machine_url,
        "HOME": str(tmp_path),
    }

    await command("bash", "-euo", "pipefail", "-c", typed, folder=tmp_path, env=env)
