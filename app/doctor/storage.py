"""Judges object storage: whether we write, and everybody reads."""

from collections.abc import Iterator

from app.doctor.check import Check, Faults, well
from events.words import Phrases
from infra.s3.probe import StorageProbe

WORDS: Phrases = {
    "storage_write": ("cannot be written: {reason}", "无法写入：{reason}"),
    "storage_write.fix": (
        "check SPACES_ENDPOINT, SPACES_BUCKET, SPACES_KEY and SPACES_SECRET",
        "检查 SPACES_ENDPOINT、SPACES_BUCKET、SPACES_KEY 和 SPACES_SECRET",
    ),
    "storage_read": ("{url} cannot be read by anybody: {reason}", "{url} 无法公开读取：{reason}"),
    "storage_read.fix": (
        "make the bucket public; check SPACES_ENDPOINT_CDN and the SPACES_CDN_ settings",
        "将存储桶设为公开；检查 SPACES_ENDPOINT_CDN 和 SPACES_CDN_ 各项设置",
    ),
    "storage_cors": ("web pages cannot read files", "网页无法读取文件"),
    "storage_cors.fix": (
        "give the bucket a CORS rule: GET and HEAD from any origin",
        "为存储桶设置 CORS 规则：允许任何来源的 GET 和 HEAD",
    ),
}


def storage_checks(probe: StorageProbe, language: str) -> Iterator[Check]:
    """Judge what came of writing and reading a file."""
    faults = Faults(WORDS, language)
    if probe.write_error:
        yield faults.of("storage", "storage_write", reason=probe.write_error)
    elif probe.read_error:
        yield faults.of("storage", "storage_read", url=probe.url, reason=probe.read_error)
    elif not probe.open_to_pages:
        yield faults.of("storage", "storage_cors")
    else:
        yield well("storage")
