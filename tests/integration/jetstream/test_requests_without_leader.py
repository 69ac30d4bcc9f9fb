"""A request that reaches no receiver is repeated until it does: a stream without a leader."""

import asyncio
from collections.abc import Mapping

import pytest
from nats.aio.msg import Msg

from infra.jetstream.calls import request
from infra.jetstream.connection import Client, connected
from infra.jetstream.errors import Unanswered


async def test_a_request_waits_for_who_will_answer_it(
    nats_client: Client, server_env: Mapping[str, str]
) -> None:
    async def answer(message: Msg) -> None:
        await message.respond(b"I lead now")

    async with connected(server_env["NATS_URL"], name="leader") as leader:
        asking = asyncio.create_task(request(nats_client, "asked", within=30))
        await asyncio.sleep(0.2)  # long enough for several tries
        assert not asking.done()
        await leader.subscribe("asked", cb=answer)
        assert (await asking).data == b"I lead now"


async def test_a_request_that_nobody_ever_receives_ends_in_time(nats_client: Client) -> None:
    async with asyncio.timeout(30):
        with pytest.raises(Unanswered):
            await request(nats_client, "asked", within=0.2)
