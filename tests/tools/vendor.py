"""Fetch vendored scripts again from the npm registry, as manifests name them: `make vendor`.

A manifest names the package, its version and the sha512 of its archive, as npm's lock files do, and
of each file that is taken from it. An archive with another sum is refused.
"""

import base64
import hashlib
import io
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import click
import httpx
import msgspec
from msgspec import Struct

ROOT = Path(__file__).parents[2]
FOLDERS = (ROOT / "app/pages/assets/vendor", ROOT / "tests/e2e/pages/vendor")
"""What pages load, and what only tests load."""

MANIFEST = "manifest.json"
REGISTRY = "https://registry.npmjs.org"


class File(Struct, frozen=True, kw_only=True):
    """A file of a package."""

    source: str
    """Where it is inside the package."""

    integrity: str


class Package(Struct, frozen=True, kw_only=True):
    """A package of npm, and which files are taken from it."""

    name: str
    version: str
    license: str
    integrity: str
    files: dict[str, File]
    """By the name here."""

    @property
    def url(self) -> str:
        """Where its archive is."""
        return f"{REGISTRY}/{self.name}/-/{self.name.rpartition('/')[2]}-{self.version}.tgz"


class Differs(Exception):
    """What was fetched is not what the manifest names."""


def manifest(folder: Path) -> list[Package]:
    """Return the packages of a folder."""
    return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=list[Package])


def integrity(content: bytes) -> str:
    """Return the sha512 of *content*, as npm writes it."""
    return f"sha512-{base64.b64encode(hashlib.sha512(content).digest()).decode()}"


def unpack(package: Package, archive: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file that is taken from *archive*.

    Raises:
        Differs: the archive or a file is not the one that the manifest names.

    """
    if integrity(archive) != package.integrity:
        raise Differs(f"{package.url}: {integrity(archive)}")
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        for name, file in package.files.items():
            found = packed.extractfile(f"package/{file.source}")
            content = found.read() if found else b""
            if integrity(content) != file.integrity:
                raise Differs(f"{package.name}/{file.source}: {integrity(content)}")
            yield name, content


def main() -> None:
    """Fetch, compare, and write."""
    for folder in FOLDERS:
        for package in manifest(folder):
            answer = httpx.get(package.url, timeout=60).raise_for_status()
            try:
                files = dict(unpack(package, answer.content))
            except Differs as error:
                click.echo(f"vendor: {error}", err=True)
                sys.exit(1)
            for name, content in files.items():
                (folder / name).write_bytes(content)
            click.echo(f"{package.name} {package.version}: {', '.join(files)}")


if __name__ == "__main__":
    main()
