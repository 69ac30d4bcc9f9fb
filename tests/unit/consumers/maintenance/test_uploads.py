"""Uploads of clients are deleted by their days, and nothing else is."""

from datetime import timedelta
from uuid import uuid4

from consumers.maintenance.uploads import sweep_uploads
from infra.s3.keys import is_upload, upload_key
from tests.builders.facts import NOW
from tests.fakes.object_storage import FakeObjectStorage


async def test_uploads_go_with_their_day_and_all_else_stays() -> None:
    storage = FakeObjectStorage()
    keys = {
        age: upload_key(uuid4(), "png", day=(NOW - timedelta(days=age)).date())
        for age in (0, 1, 2, 9)
    }
    others = {"inputs/t/a.png", "outputs/runs/r/a.png", "uploads/other/a.png"}
    for key in (*keys.values(), *others):
        await storage.put_bytes(key, b"", "image/png")

    for _ in range(2):
        await sweep_uploads(storage, NOW)

    assert set(storage.objects) == {keys[0], keys[1], *others}
    assert all(map(is_upload, keys.values()))
