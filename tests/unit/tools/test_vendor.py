"""Vendored scripts are what npm has published: each is compared with its manifest."""

import io
import tarfile
from pathlib import Path

import pytest

from tests.tools.vendor import (
    FOLDERS,
    MANIFEST,
    Differs,
    File,
    Package,
    integrity,
    manifest,
    unpack,
)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.parts[-4]))
def test_every_vendored_file_is_the_one_of_its_manifest(folder: Path) -> None:
    named = {
        name: file.integrity for package in manifest(folder) for name, file in package.files.items()
    }
    there = {path.name: integrity(path.read_bytes()) for path in folder.iterdir()}
    del there[MANIFEST]
    assert there == named


def packed(content: bytes) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        entry = tarfile.TarInfo("package/dist/a.js")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


def package(archive: bytes, content: bytes) -> Package:
    return Package(
        name="@scope/a",
        version="1.2.3",
        license="MIT",
        integrity=integrity(archive),
        files={"a.js": File(source="dist/a.js", integrity=integrity(content))},
    )


def test_files_are_taken_from_an_archive_by_their_names() -> None:
    archive = packed(b"let a;")
    wanted = package(archive, b"let a;")

    assert wanted.url == "https://registry.npmjs.org/@scope/a/-/a-1.2.3.tgz"
    assert dict(unpack(wanted, archive)) == {"a.js": b"let a;"}


def test_another_archive_or_another_file_is_refused() -> None:
    archive = packed(b"let a;")
    with pytest.raises(Differs, match=r"a-1\.2\.3\.tgz: sha512-"):
        dict(unpack(package(packed(b"let b;"), b"let b;"), archive))
    with pytest.raises(Differs, match=r"@scope/a/dist/a\.js: sha512-"):
        dict(unpack(package(archive, b"let b;"), archive))
