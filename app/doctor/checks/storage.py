"""Checks of object storage: whether the server can write, and the public can read."""

from collections.abc import Iterator

from app.doctor.checks.check import Check, Faults, passed
from events.messages.texts import Texts
from infra.s3.probe import StorageProbe

TEXTS: Texts = {
    "storage_write": "cannot be written: {reason}",
    "storage_write.fix": "check SPACES_ENDPOINT, SPACES_BUCKET, SPACES_KEY and SPACES_SECRET",
    "storage_read": "{url} is not publicly readable: {reason}",
    "storage_read.fix": (
        "make the bucket public; check SPACES_ENDPOINT_CDN and the SPACES_CDN_ settings"
    ),
    "files_read": "{url} cannot be fetched: {reason}",
    "files_read.fix": (
        "check COMFYD_PUBLIC_URL (or COMFYD_HOST and COMFYD_PORT): addresses of outputs begin with "
        "it, and the API must reach itself there"
    ),
    "storage_cors": "web pages cannot read files",
    "storage_cors.fix": "give the bucket a CORS rule: GET and HEAD from any origin",
}


def storage_checks(probe: StorageProbe, language: str) -> Iterator[Check]:
    """Check the results of writing and reading a file."""
    faults = Faults(TEXTS, language)
    if probe.write_error:
        yield faults.of("storage", "storage_write", reason=probe.write_error)
    elif probe.read_error:
        code = "files_read" if probe.is_ours else "storage_read"
        yield faults.of("storage", code, url=probe.url, reason=probe.read_error)
    elif not probe.open_to_pages:
        yield faults.of("storage", "storage_cors")
    else:
        yield passed("storage")
