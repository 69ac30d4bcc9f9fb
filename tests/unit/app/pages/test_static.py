"""Styles and scripts: an address for each content, kept for ever, compressed."""

import gzip
from pathlib import Path

from litestar import Litestar
from litestar.testing import TestClient

from app.pages import static


def test_the_digest_changes_with_a_name_and_with_a_content(tmp_path: Path) -> None:
    def digest(**files: str) -> str:
        folder = tmp_path / "-".join(files.values())
        folder.mkdir()
        for name, content in files.items():
            (folder / f"{name}.js").write_text(content)
        return static.digest_of(static.read_assets(folder))

    assert len({digest(a="1"), digest(b="1 "), digest(a="2"), digest(a="1", b="2")}) == 4


def test_a_script_is_kept_for_ever_and_compressed_for_whom_it_helps() -> None:
    path = f"/{static.asset_path('scripts/shell.js')}"
    content = static.ASSETS["scripts/shell.js"].content
    with TestClient(Litestar([static.asset], openapi_config=None)) as client:
        plain = client.get(path, headers={"Accept-Encoding": "identity"})
        packed = client.get(path, headers={"Accept-Encoding": "gzip, br"})

    assert plain.content == packed.content == content
    assert (plain.headers.get("Content-Encoding"), packed.headers["Content-Encoding"]) == (
        None,
        "gzip",
    )
    assert int(packed.headers["Content-Length"]) == len(gzip.compress(content, mtime=0))
    for answer in (plain, packed):
        assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["Vary"] == "Accept-Encoding"


def test_the_address_of_another_version_is_answered_but_not_kept() -> None:
    with TestClient(Litestar([static.asset], openapi_config=None)) as client:
        answer = client.get("/assets/0123456789abcdef/styles/shell.css")
        missing = client.get(f"/assets/{static.DIGEST}/manifest.json")
        outside = client.get(f"/assets/{static.DIGEST}/..%2f..%2fstatic.py")

    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert missing.status_code == outside.status_code == 404


def test_all_scripts_of_a_page_are_small() -> None:
    scripts = {name: asset for name, asset in static.ASSETS.items() if name.endswith(".js")}
    assert sum(len(asset.compressed) for asset in scripts.values()) < 25_000
    assert {"vendor/htmx.min.js", "vendor/hx-sse.min.js"} < scripts.keys()
