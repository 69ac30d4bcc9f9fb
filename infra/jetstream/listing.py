"""Lists what a stream has; JetStream answers in pages, which are put together here."""

from collections.abc import AsyncGenerator
from typing import Any

from infra.jetstream.calls import api
from infra.jetstream.connection import Client


async def list_consumers(
    client: Client, stream: str, *, within: float
) -> AsyncGenerator[dict[str, Any], None]:
    """Yield what CONSUMER.INFO answers, for every consumer of a stream.

    Raises:
        Unanswered: NATS does not answer.
        ApiError: JetStream refused.

    """
    offset = 0
    while True:
        page = await api(client, f"CONSUMER.LIST.{stream}", {"offset": offset}, within=within)
        found = page.get("consumers") or []
        for consumer in found:
            yield consumer
        offset += len(found)
        if not found or offset >= page["total"]:
            return


async def list_consumer_names(client: Client, stream: str, *, within: float) -> list[str]:
    """Return the names of all consumers of a stream; cheaper, since no leader of one is asked.

    Raises:
        Unanswered: NATS does not answer.
        ApiError: JetStream refused.

    """
    names: list[str] = []
    while True:
        page = await api(client, f"CONSUMER.NAMES.{stream}", {"offset": len(names)}, within=within)
        found = page.get("consumers") or []
        names += found
        if not found or len(names) >= page["total"]:
            return names


async def list_subjects(client: Client, stream: str, pattern: str, *, within: float) -> set[str]:
    """Return the subjects under a pattern that hold messages.

    Raises:
        Unanswered: NATS does not answer.
        ApiError: JetStream refused.

    """
    subjects: set[str] = set()
    while True:
        request = {"subjects_filter": pattern, "offset": len(subjects)}
        page = await api(client, f"STREAM.INFO.{stream}", request, within=within)
        found = page["state"].get("subjects") or {}
        subjects |= found.keys()
        if not found or len(subjects) >= page.get("total", 0):
            return subjects
