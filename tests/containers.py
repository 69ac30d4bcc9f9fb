"""The same servers as containers, for where Docker is at hand: `make test-containers`.

Images by COMFYD_TEST_NATS_IMAGE, COMFYD_TEST_POSTGRES_IMAGE and COMFYD_TEST_S3_IMAGE.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def running_servers() -> Iterator[Mapping[str, str]]:
    """Start NATS, Postgres and S3 as containers; give the settings that lead to them."""
    raise RuntimeError("written below")
