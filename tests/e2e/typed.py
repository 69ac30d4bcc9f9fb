"""What pages of the documentation tell their readers to type."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def script(page: str) -> str:
    """Return what a page tells its reader to type."""
    blocks = BLOCK.findall((DOCS / page).read_text("utf-8"))
    assert blocks, f"{page} has nothing to type"
    # Readers have a machine of their own at this address.
    return "\n".join(blocks).replace("http://192.168.1.20:8188", "$MACHINE_URL")
