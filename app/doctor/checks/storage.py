"""Checks of object storage: the server can write, the public can read, and pages can do both."""

from collections.abc import Iterator

from app.doctor.checks.check import Check, Faults, passed
from events.messages.texts import Texts
from infra.s3.cors import OPAQUE, RULE_TEXT
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
    "storage_cors": (
        "web pages cannot read files: the answer to GET {url} with Origin: {origin} lacks "
        "{missing} (CORS)"
    ),
    "storage_cors.fix": (
        "give the bucket this CORS rule, in its settings (R2: CORS policy; S3: Permissions); a CDN "
        "in front has to pass Origin on: {rule}"
    ),
    "files_cors": (
        "web pages cannot read files: the answer to GET {url} with Origin: {origin} lacks "
        "{missing} (CORS)"
    ),
    "files_cors.fix": (
        "comfyd answers with it: let the proxy in front of it pass on the header Origin, and the "
        "headers Access-Control-* of answers"
    ),
    "storage_upload": "clients cannot store images at {url}: {reason}",
    "storage_upload.fix": (
        "check SPACES_ENDPOINT, and whether the key may write: clients store images by addresses "
        "that are signed with it"
    ),
    "storage_cors_upload": (
        "web pages, such as plugins of Figma, cannot store images: the answer to a preflight "
        "(OPTIONS {url}, Origin: {origin}, PUT with content-type) or to the PUT lacks {missing} "
        "(CORS)"
    ),
    "storage_cors_upload.fix": (
        "give the bucket this CORS rule, in its settings (R2: CORS policy; S3: Permissions); a "
        "proxy in front has to pass OPTIONS and Origin on: {rule}"
    ),
}


def storage_checks(probe: StorageProbe, language: str) -> Iterator[Check]:
    """Check the results of writing, reading and storing a file."""
    faults = [*_faults(probe, Faults(TEXTS, language))]
    yield from faults or [passed("storage")]


def _faults(probe: StorageProbe, faults: Faults) -> Iterator[Check]:
    if probe.write_error:
        yield faults.of("storage", "storage_write", reason=probe.write_error)
        return
    if probe.read_error:
        code = "files_read" if probe.is_ours else "storage_read"
        yield faults.of("storage", code, url=probe.url, reason=probe.read_error)
    if probe.reading_lacks:
        yield faults.of(
            "storage",
            "files_cors" if probe.is_ours else "storage_cors",
            url=probe.url,
            origin=probe.origin,
            missing=probe.reading_lacks,
            rule=RULE_TEXT,
        )
    if probe.upload_error:
        yield faults.of(
            "storage", "storage_upload", url=probe.upload_url, reason=probe.upload_error
        )
    if probe.storing_lacks:
        yield faults.of(
            "storage",
            "storage_cors_upload",
            url=probe.upload_url,
            origin=OPAQUE,
            missing=probe.storing_lacks,
            rule=RULE_TEXT,
        )
