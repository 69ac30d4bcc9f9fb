"""A request that nobody receives is repeated until somebody does: a stream without a leader."""

import asyncio
from collections.abc import Mapping

import nats.errors
import pytest
from nats.aio.msg import Msg

from infra.jetstream.connection import Client, connected


async def test_a_request_waits_for_who_will_answer_it(
    nats_client: Client, server_env: Mapping[str, str]
) -> None:
    async def answer(request: Msg) -> None:
        await request.respond(b"I lead now")

    async with connected(server_env["NATS_URL"], name="leader") as leader:
        asking = asyncio.create_task(nats_client.request("asked", b"", timeout=5))
        await asyncio.sleep(0.2)  # long enough for several tries
        assert not asking.done()
        await leader.subscribe("asked", cb=answer)
        assert (await asking).data == b"I lead now"


async def test_a_request_that_nobody_ever_receives_ends_in_time(nats_client: Client) -> None:
    async with asyncio.timeout(3):
        with pytest.raises(nats.errors.TimeoutError):
            await nats_client.request("asked", b"", timeout=0.2)
