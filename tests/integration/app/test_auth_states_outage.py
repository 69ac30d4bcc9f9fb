"""Who may enter, on a real log that goes away and comes back."""

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest

from app.auth.states import PATIENCE, AuthStates
from events.access.token import RevokeToken
from events.aggregates import TOKEN
from infra.event_store import LogUnavailable, Session
from infra.jetstream.connection import connected
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.streams import declared as streams
from tests.builders.facts import NOW, meta
from tests.servers.own_nats import own_nats


async def test_those_who_are_known_come_and_go_while_the_log_is_away(tmp_path: Path) -> None:
    known, revoked, strange = uuid4(), uuid4(), uuid4()
    with own_nats(tmp_path / "nats") as server:
        async with connected(server.url, name="test") as client:
            await streams.migrate(client)
            store = JetStreamEventStore(client)
            command = RevokeToken(token_id=revoked, jti=None, by="test", now=NOW)
            await Session(store, TOKEN, revoked, tenant="any").execute(command, meta())
            states = AuthStates(store, lease=0.0)
            assert await states.of(TOKEN, known) is None
            assert await states.of(TOKEN, revoked) is not None

            server.stop()
            await asyncio.sleep(0.1)
            # Nobody waits for the log each time: that would take two patiences for every turn.
            async with asyncio.timeout(100 * PATIENCE):
                for _ in range(100):
                    assert await states.of(TOKEN, known) is None
                    assert await states.of(TOKEN, revoked) is not None
            with pytest.raises(LogUnavailable):
                await states.of(TOKEN, strange)

            server.start()
            async with asyncio.timeout(20):
                while True:
                    try:
                        assert await states.of(TOKEN, strange) is None
                    except LogUnavailable:
                        await asyncio.sleep(0.1)
                    else:
                        break
