"""The tables of docs/compatibility.md, in both languages, that say what clients ran.

Their rows are what tests have run. COMFYD_RECORD_COMPATIBILITY=1 writes the rows again; otherwise
the pages must have just these.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

RECORD = os.environ.get("COMFYD_RECORD_COMPATIBILITY") == "1"
DOCS = Path(__file__).parents[2] / "docs"
BEGIN, END = "<!-- what ran: begin -->\n", "<!-- what ran: end -->\n"

CHINESE: Mapping[str, str] = {
    "`run`, then `getRun` until it has ended": "`run`，然后 `getRun` 直到结束",
    "`getRun` while the run is open": "运行未结束时 `getRun`",
    "`getUploadUrl`, `PUT`, `run` with its address": "`getUploadUrl`、`PUT`、用其地址 `run`",
    "`run` of a deployment that is not there: null, as ever": (
        "`run` 一个不存在的部署：仍然得到 null"
    ),
    "an image as base64": "base64 图片",
    "the Figma plugin: presigned upload, create-run, poll, image with thumbnail, clean-up": (
        "Figma 插件：预签名上传、create-run、轮询、带缩略图的图片、清理"
    ),
    "the older browser plugin: upload, read the version again": (
        "旧版浏览器插件：上传，再读取该版本"
    ),
    "the newer plugin's proxies: workflows, versions, a version with a comment": (
        "新版插件的代理：工作流、版本、带说明的版本"
    ),
    "deployments and their machine as rows": "部署及其机器，按行列出",
    "errors in their shapes": "各种形式的错误",
    "[a plugin of Figma](figma.md): upload to the storage, create-run, poll, image on a canvas, "
    "clean-up": "[Figma 插件](figma.md)：上传到存储、create-run、轮询、画布上的图片、清理",
    "`run.create`, then poll `GET /api/status/{run_id}`": (
        "`run.create`，然后轮询 `GET /api/status/{run_id}`"
    ),
    "`files.get_upload_url`, `PUT`, `run.create` with its address": (
        "`files.get_upload_url`、`PUT`、用其地址 `run.create`"
    ),
}
"""What clients do, where it is more than the name of a function."""


class Flow(Struct, frozen=True):
    """Something that a client did, and why it failed, if it did."""

    client: str
    what: str
    failure: str = ""


class _Page(Struct, frozen=True):
    path: Path
    head: str
    yes: str
    no: str
    texts: Mapping[str, str] = {}

    def row(self, flow: Flow) -> str:
        """Return the row of a flow; what it does has to be in the page's language."""
        what = self.texts.get(flow.what, flow.what)
        assert not self.texts or what != flow.what or flow.what.count("`") == 2, flow.what
        return f"| {flow.client} | {what} | {self.no if flow.failure else self.yes} |\n"


PAGES = (
    _Page(
        DOCS / "compatibility.md",
        "| client | what it does | runs |\n| --- | --- | --- |\n",
        "yes",
        "no",
    ),
    _Page(
        DOCS / "zh" / "compatibility.md",
        "| 客户端 | 做什么 | 可运行 |\n| --- | --- | --- |\n",
        "是",
        "否",
        CHINESE,
    ),
)


def check_page(flows: Sequence[Flow], *, of: tuple[str, ...]) -> None:
    """Check that the pages have just these rows of clients whose names begin so, or write them.

    Those of other clients are of other tests.
    """
    ours = tuple(f"| {name}" for name in of)
    for page in PAGES:
        text = page.path.read_text("utf-8")
        before, _, rest = text.partition(BEGIN)
        table, _, after = rest.partition(END)
        rows = table.removeprefix(page.head).splitlines(keepends=True)
        ran = [page.row(flow) for flow in flows]
        if RECORD:
            others = [row for row in rows if not row.startswith(ours)]
            written = before + BEGIN + page.head + "".join([*others, *ran]) + END + after
            page.path.write_text(written, "utf-8")
        else:
            assert [row for row in rows if row.startswith(ours)] == ran
