"""The doctor's look at a storage, against a real S3 server whose bucket has all kinds of rules."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aioboto3
import pytest
from types_aiobotocore_s3 import S3Client
from typing_extensions import override

from infra.s3.cors import OPAQUE, RULE
from infra.s3.probe import StorageProbe, probe_storage
from infra.s3.storage import S3ObjectStorage, open_object_storage
from infra.settings.settings import Spaces, settings_from
from tests.builders.facts import SEAL_KEY

PAGE = Path(__file__).parents[3] / "docs" / "operations.md"
ORIGIN = "Access-Control-Allow-Origin: *"
NO_PUT = "Access-Control-Allow-Methods: PUT, Access-Control-Allow-Headers: content-type"
READ = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET", "HEAD"]}
STORE = {"AllowedOrigins": ["*"], "AllowedMethods": ["PUT"], "AllowedHeaders": ["content-type"]}
SECURE = {
    "AllowedOrigins": ["https://*"],
    "AllowedMethods": ["GET", "PUT"],
    "AllowedHeaders": ["*"],
}


@pytest.fixture(scope="module")
def spaces(server_env: Mapping[str, str]) -> Spaces:
    ours = {"JWT_SECRET": "x" * 32, "COMFYD_SEAL_KEYS": SEAL_KEY}
    return settings_from({**server_env, **ours}).spaces


@pytest.fixture
async def bucket(spaces: Spaces) -> AsyncIterator[S3Client]:
    """Yield a client of the bucket, which has no rules of its own before and after."""
    async with aioboto3.Session().client(
        "s3",
        endpoint_url=spaces.endpoint,
        region_name=spaces.region,
        aws_access_key_id=spaces.key,
        aws_secret_access_key=spaces.secret,
    ) as client:
        yield client
        await client.delete_bucket_cors(Bucket=spaces.bucket)


async def look(spaces: Spaces) -> StorageProbe:
    """Look at the storage; it can be written and read all the time."""
    async with open_object_storage(spaces) as storage:
        found = await probe_storage(storage, spaces)
    assert (found.write_error, found.read_error, found.upload_error) == ("", "", "")
    return found


@pytest.mark.parametrize(
    ("rules", "reading", "storing"),
    [
        (RULE, "", ""),
        ([READ], "", NO_PUT),
        ([STORE], ORIGIN, ""),
        ([{**STORE, "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["range"]}], "", NO_PUT),
        ([SECURE], ORIGIN, ORIGIN),
        ([READ, {**STORE, "AllowedOrigins": ["https://app.example"]}], "", NO_PUT),
    ],
    ids=lambda value: re.sub(r"\W+", " ", json.dumps(value)) if isinstance(value, list) else value,
)
async def test_what_a_rule_keeps_from_pages_without_an_origin_is_found(
    spaces: Spaces, bucket: S3Client, rules: Any, reading: str, storing: str
) -> None:
    await bucket.put_bucket_cors(Bucket=spaces.bucket, CORSConfiguration={"CORSRules": rules})
    found = await look(spaces)
    assert (found.reading_lacks, found.storing_lacks, found.origin) == (reading, storing, OPAQUE)


async def test_a_rule_for_pages_without_an_origin_alone_keeps_all_others_away(
    spaces: Spaces, bucket: S3Client
) -> None:
    rules: Any = [{**RULE[0], "AllowedOrigins": [OPAQUE]}]
    await bucket.put_bucket_cors(Bucket=spaces.bucket, CORSConfiguration={"CORSRules": rules})
    found = await look(spaces)
    assert (found.origin, found.reading_lacks) == ("https://example.com", ORIGIN)
    assert found.storing_lacks == ""


async def test_our_own_storage_lets_pages_read_and_store(spaces: Spaces) -> None:
    found = await look(spaces)
    assert (found.reading_lacks, found.storing_lacks) == ("", "")


class BadSigner(S3ObjectStorage):
    """A bucket whose addresses for storing are signed with something else."""

    @override
    async def upload_url(self, key: str, media_type: str, *, seconds: int) -> str:
        return f"{await super().upload_url(key, media_type, seconds=seconds)}0"


async def test_an_address_where_clients_cannot_store_is_named_without_its_signature(
    spaces: Spaces, bucket: S3Client
) -> None:
    found = await probe_storage(BadSigner(bucket, spaces.bucket), spaces)
    assert found.upload_error == "it answers 403"
    assert found.upload_url.startswith(f"{spaces.endpoint}/")
    assert "?" not in found.upload_url


def test_the_page_has_the_rule_that_the_doctor_prints() -> None:
    section = PAGE.read_text("utf-8").partition("### CORS of the bucket")[2]
    [shown] = re.findall(r"```json\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    assert json.loads(shown) == RULE
