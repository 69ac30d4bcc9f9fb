"""What the pages tell readers to type works: their shell blocks run, one after the other."""

import os
import re
import sys
from pathlib import Path

import pytest

from tests.e2e.node import command
from tests.e2e.system import System

DOCS = Path(__file__).parents[3] / "docs"
SAMPLE = DOCS.parent / "app" / "cli" / "samples" / "text_to_image.json"
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.DOTALL | re.MULTILINE)

# What `make up` has done before the page begins.
MADE_UP = f"""
comfyd machine add local "$MACHINE_URL"
comfyd deploy {SAMPLE} --name "text to image" --machine local
"""


def script(page: str) -> str:
    """Return what a page tells its reader to type."""
    blocks = BLOCK.findall((DOCS / page).read_text("utf-8"))
    assert blocks, f"{page} has nothing to type"
    # Readers have a machine of their own at this address.
    return "\n".join(blocks).replace("http://192.168.1.20:8188", "$MACHINE_URL")


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
