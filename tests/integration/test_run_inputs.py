"""The inputs of runs: kept once, for each request apart, and never cut short."""

from uuid import uuid4

import pytest
from nats.aio.client import Client

from events import subjects
from events.input_values import StoredValue
from infra.event_store import LogUnavailable, TooLarge
from infra.nats_connection import api
from infra.run_inputs import RunInputs
from tests.builders import RUN_ID

VALUES: dict[str, StoredValue] = {
    "prompt": "a lighthouse\n灯塔",
    "width": 512,
    "strength": -0.5,
    "tiled": False,
}


async def messages(client: Client) -> int:
    info = await api(client, f"STREAM.INFO.{subjects.INPUTS}", {}, within=5)
    return int(info["state"]["messages"])


async def test_inputs_are_given_back_as_they_were_put(log_client: Client) -> None:
    inputs = RunInputs(log_client)

    await inputs.put(RUN_ID, "hash", VALUES)

    assert await inputs.get(RUN_ID, "hash") == VALUES


async def test_putting_inputs_again_changes_nothing(log_client: Client) -> None:
    inputs = RunInputs(log_client)
    for _ in range(3):
        await inputs.put(RUN_ID, "hash", VALUES)

    assert await inputs.get(RUN_ID, "hash") == VALUES
    assert await messages(log_client) == 1


async def test_two_requests_that_fight_for_a_run_keep_their_inputs_apart(
    log_client: Client,
) -> None:
    inputs, other = RunInputs(log_client), uuid4()
    await inputs.put(RUN_ID, "hash", VALUES)
    await inputs.put(RUN_ID, "another", {"prompt": "a ship"})
    await inputs.put(other, "hash", {})

    assert await inputs.get(RUN_ID, "hash") == VALUES
    assert await inputs.get(RUN_ID, "another") == {"prompt": "a ship"}
    assert await inputs.get(other, "hash") == {}


async def test_what_was_never_put_is_not_there(log_client: Client) -> None:
    assert await RunInputs(log_client).get(RUN_ID, "hash") is None


async def test_inputs_that_are_larger_than_a_message_are_refused(log_client: Client) -> None:
    inputs = RunInputs(log_client)
    limit = log_client.max_payload

    with pytest.raises(TooLarge):
        await inputs.put(RUN_ID, "hash", {"prompt": "x" * limit})
    assert await inputs.get(RUN_ID, "hash") is None

    await inputs.put(RUN_ID, "hash", {"prompt": "x" * (limit - 100)})
    assert await inputs.get(RUN_ID, "hash") == {"prompt": "x" * (limit - 100)}


async def test_without_streams_inputs_are_unavailable(nats_client: Client) -> None:
    inputs = RunInputs(nats_client, within=1)

    with pytest.raises(LogUnavailable):
        await inputs.put(RUN_ID, "hash", VALUES)
    with pytest.raises(LogUnavailable):
        await inputs.get(RUN_ID, "hash")
