"""Private data of runs: kept once, never cut short, and gone when it is erased."""

from uuid import uuid4

import pytest

from events import subjects
from events.graph.externals.values import StoredValue
from infra.event_store import LogUnavailable, TooLarge
from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from infra.jetstream.private_data import PrivateData
from infra.jetstream.tombstones import Tombstones
from tests.builders.facts import RUN_ID
from tests.network.stale_replica import stale

VALUES: dict[str, StoredValue] = {
    "prompt": "a lighthouse\n灯塔",
    "width": 512,
    "strength": -0.5,
    "tiled": False,
}
TEXTS = {0: "a cat", 7: "灯塔"}


@pytest.fixture(params=["leader", "stale-replica"])
def log_client(request: pytest.FixtureRequest, log_client: Client) -> Client:
    """Return a connection to the leader, or to a replica that has nothing."""
    return log_client if request.param == "leader" else stale(log_client)


async def messages(client: Client) -> int:
    info = await api(client, f"STREAM.INFO.{subjects.INPUTS}", {}, within=5)
    return int(info["state"]["messages"])


async def test_inputs_are_given_back_as_they_were_put(log_client: Client) -> None:
    private = PrivateData(log_client)

    await private.put_inputs(RUN_ID, "hash", VALUES)

    assert await private.get_inputs(RUN_ID, "hash") == VALUES


async def test_putting_again_changes_nothing(log_client: Client) -> None:
    private = PrivateData(log_client)
    for _ in range(3):
        await private.put_inputs(RUN_ID, "hash", VALUES)
        await private.put_texts(RUN_ID, 1, TEXTS)

    assert await private.get_inputs(RUN_ID, "hash") == VALUES
    assert await private.get_texts(RUN_ID, 1) == TEXTS
    assert await messages(log_client) == 2


async def test_what_a_machine_logged_is_kept_once_and_erased_with_the_inputs(
    log_client: Client,
) -> None:
    private = PrivateData(log_client)
    await private.put_texts(RUN_ID, 1, TEXTS)
    for attempt, text in ((1, "Got prompt 灯塔"), (1, "later"), (2, "again")):
        await private.put_log(RUN_ID, attempt, text)
    kept = [await private.get_log(RUN_ID, attempt) for attempt in (1, 2, 3)]
    await private.erase_log(RUN_ID, 2)
    one_erased = [await private.get_log(RUN_ID, attempt) for attempt in (1, 2)]
    await private.erase_inputs(RUN_ID)

    assert kept == ["Got prompt 灯塔", "again", None]
    assert one_erased == ["Got prompt 灯塔", None]
    assert await private.get_log(RUN_ID, 1) is None
    assert await private.get_texts(RUN_ID, 1) == TEXTS


async def test_two_requests_that_fight_for_a_run_keep_their_inputs_apart(
    log_client: Client,
) -> None:
    private, other = PrivateData(log_client), uuid4()
    await private.put_inputs(RUN_ID, "hash", VALUES)
    await private.put_inputs(RUN_ID, "another", {"prompt": "a ship"})
    await private.put_inputs(other, "hash", {})

    assert await private.get_inputs(RUN_ID, "hash") == VALUES
    assert await private.get_inputs(RUN_ID, "another") == {"prompt": "a ship"}
    assert await private.get_inputs(other, "hash") == {}


async def test_texts_of_attempts_are_kept_apart(log_client: Client) -> None:
    private = PrivateData(log_client)
    await private.put_texts(RUN_ID, 1, TEXTS)
    await private.put_texts(RUN_ID, 2, {0: "a dog"})

    assert await private.get_texts(RUN_ID, 1) == TEXTS
    assert await private.get_texts(RUN_ID, 2) == {0: "a dog"}


async def test_what_was_never_put_is_not_there(log_client: Client) -> None:
    assert await PrivateData(log_client).get_inputs(RUN_ID, "hash") is None
    assert await PrivateData(log_client).get_texts(RUN_ID, 1) == {}


async def test_erasing_takes_all_of_one_run_and_nothing_of_another(log_client: Client) -> None:
    private, other = PrivateData(log_client), uuid4()
    for run_id in (RUN_ID, other):
        await private.put_inputs(run_id, "hash", VALUES)
        await private.put_inputs(run_id, "another", VALUES)
        await private.put_texts(run_id, 1, TEXTS)

    for _ in range(2):
        await private.erase(RUN_ID)

    assert await private.get_inputs(RUN_ID, "hash") is None
    assert await private.get_inputs(RUN_ID, "another") is None
    assert await private.get_texts(RUN_ID, 1) == {}
    assert await private.get_inputs(other, "hash") == VALUES
    assert await messages(log_client) == 3


async def test_the_inputs_of_a_run_are_erased_alone_as_often_as_one_likes(
    log_client: Client,
) -> None:
    private, other = PrivateData(log_client), uuid4()
    for run_id in (RUN_ID, other):
        await private.put_inputs(run_id, "hash", VALUES)
        await private.put_texts(run_id, 1, TEXTS)

    for _ in range(2):
        await private.erase_inputs(RUN_ID)

    assert await private.get_inputs(RUN_ID, "hash") is None
    assert await private.get_texts(RUN_ID, 1) == TEXTS
    assert await private.get_inputs(other, "hash") == VALUES


async def test_what_is_larger_than_a_message_is_refused(log_client: Client) -> None:
    private = PrivateData(log_client)
    limit = log_client.max_payload

    with pytest.raises(TooLarge):
        await private.put_inputs(RUN_ID, "hash", {"prompt": "x" * limit})
    assert await private.get_inputs(RUN_ID, "hash") is None

    await private.put_inputs(RUN_ID, "hash", {"prompt": "x" * (limit - 100)})
    assert await private.get_inputs(RUN_ID, "hash") == {"prompt": "x" * (limit - 100)}


async def test_without_streams_private_data_is_unavailable(nats_client: Client) -> None:
    private, given_up = PrivateData(nats_client, within=1), Tombstones(nats_client, within=1)

    with pytest.raises(LogUnavailable):
        await private.put_inputs(RUN_ID, "hash", VALUES)
    with pytest.raises(LogUnavailable):
        await private.get_inputs(RUN_ID, "hash")
    with pytest.raises(LogUnavailable):
        await private.erase(RUN_ID)
    with pytest.raises(LogUnavailable):
        await given_up.give_up("inputs/a.png")
    with pytest.raises(LogUnavailable):
        await given_up.contains("inputs/a.png")


async def test_a_key_is_given_up_once_and_for_ever(log_client: Client) -> None:
    given_up = Tombstones(log_client)
    assert not await given_up.contains("inputs/t/a.png")

    first = await given_up.give_up("inputs/t/a.png")

    assert await given_up.give_up("inputs/t/a.png") == first
    assert await given_up.contains("inputs/t/a.png")
    assert not await given_up.contains("inputs/t/b.png")
    await PrivateData(log_client).erase(RUN_ID)
    assert await given_up.contains("inputs/t/a.png")
