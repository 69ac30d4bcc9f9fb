"""The analyst's NATS user reads the log, and nothing else whatever it tries."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from nats.aio.msg import Msg
from nats.errors import NoRespondersError

from events import subjects
from infra.jetstream.analyst import READ
from infra.jetstream.connection import Client, connected
from infra.jetstream.streams.declared import migrate
from tests.servers.analyst_nats import Urls, analyst_nats
from tests.servers.own_nats import own_nats

RUN = UUID(int=1, version=4)
EVENT = subjects.subject(subjects.aggregate("run", RUN))
INPUTS = subjects.inputs(RUN, "ab12")
WORK = subjects.render_work(RUN)


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Urls]:
    """Yield the addresses of comfyd and of the analyst on a NATS as `comfyd up` starts it."""
    with analyst_nats(tmp_path_factory.mktemp("nats")) as urls:
        yield urls


@pytest.fixture
async def comfyd(urls: Urls) -> AsyncIterator[Client]:
    """Yield comfyd's own connection to a log with an event, an input and work in it."""
    async with connected(urls.comfyd, name="comfyd") as client:
        if {report.did for report in await migrate(client)} == {"created"}:
            for subject in (EVENT, INPUTS, WORK):
                await client.request(subject, b"kept", timeout=5)
            await client.jetstream().pull_subscribe("ev.>", durable="reactor", stream=subjects.LOG)
        yield client


@pytest.fixture
async def analyst(urls: Urls) -> AsyncIterator[Client]:
    """Yield the analyst's connection."""
    async with connected(urls.analyst, name="analyst") as client:
        yield client


async def state(comfyd: Client) -> dict[str, object]:
    """Return all that could be changed: the streams, what is in them, and their consumers."""
    found: dict[str, object] = {}
    js = comfyd.jetstream()
    for name in (subjects.LOG, subjects.INPUTS, subjects.WORK, subjects.DEAD_LETTERS):
        info = await js.stream_info(name)
        consumers = await js.consumers_info(name)
        kept = (info.state.messages, info.state.last_seq, info.config)
        found[name] = (kept, [(c.name, c.delivered, c.ack_floor, c.num_pending) for c in consumers])
    return found


async def answer(client: Client, subject: str, request: object) -> Msg | None:
    """Ask; None when nobody answers."""
    try:
        return await client.request(subject, json.dumps(request).encode(), timeout=1)
    except (NoRespondersError, TimeoutError):
        return None


@pytest.mark.usefixtures("comfyd")
async def test_the_analyst_reads_the_log_from_a_position_on(analyst: Client) -> None:
    answers = await analyst.subscribe("answers")
    await analyst.publish(READ, b'{"seq": 1, "batch": 10}', reply="answers")
    first = await answers.next_msg(timeout=5)
    end = await answers.next_msg(timeout=5)
    headers = first.headers or {}
    assert (first.data, headers["Nats-Sequence"], headers["Nats-Subject"]) == (b"kept", "1", EVENT)
    assert "Nats-Sequence" not in (end.headers or {})


CONSUMER = {"durable_name": "reactor", "ack_policy": "explicit", "deliver_policy": "all"}
CALLS: dict[str, object] = {
    "INFO": {},
    "STREAM.NAMES": {},
    "STREAM.LIST": {},
    "STREAM.CREATE.MINE": {"name": "MINE", "subjects": ["x"]},
    "STREAM.INFO.RUNS": {},
    "STREAM.UPDATE.RUNS": {"name": "RUNS", "subjects": ["ev.*.*.*"], "max_msgs": 1},
    "STREAM.DELETE.RUNS": {},
    "STREAM.PURGE.RUNS": {},
    "STREAM.SNAPSHOT.RUNS": {"deliver_subject": "copy"},
    "STREAM.MSG.GET.RUNS": {"seq": 1},
    "STREAM.MSG.DELETE.RUNS": {"seq": 1},
    "CONSUMER.NAMES.RUNS": {},
    "CONSUMER.CREATE.RUNS": {"stream_name": "RUNS", "config": {"ack_policy": "none"}},
    "CONSUMER.CREATE.RUNS.mine": {
        "stream_name": "RUNS",
        "config": {"name": "mine", "ack_policy": "none", "deliver_subject": WORK},
    },
    "CONSUMER.DURABLE.CREATE.RUNS.reactor": {"stream_name": "RUNS", "config": CONSUMER},
    "CONSUMER.INFO.RUNS.reactor": {},
    "CONSUMER.PAUSE.RUNS.reactor": {"pause_until": "2099-01-01T00:00:00Z"},
    "CONSUMER.RESET.RUNS.reactor": {"seq": 1},
    "CONSUMER.DELETE.RUNS.reactor": {},
    "CONSUMER.MSG.NEXT.RUNS.reactor": {"batch": 1},
    "STREAM.INFO.INPUTS": {},
    "STREAM.MSG.GET.INPUTS": {"seq": 1},
    "STREAM.PURGE.INPUTS": {},
    "DIRECT.GET.INPUTS": {"seq": 1},
    f"DIRECT.GET.INPUTS.{INPUTS}": {},
    "CONSUMER.CREATE.INPUTS": {"stream_name": "INPUTS", "config": {"ack_policy": "none"}},
    "DIRECT.GET.DLQ": {"seq": 1},
    "STREAM.MSG.GET.WORK": {"seq": 1},
    "CONSUMER.CREATE.WORK": {"stream_name": "WORK", "config": {"ack_policy": "explicit"}},
}
"""What a user of comfyd's account may ask of JetStream."""


@pytest.mark.parametrize("call", CALLS)
async def test_no_other_call_of_jetstream_reaches_comfyd(
    comfyd: Client, analyst: Client, call: str
) -> None:
    before = await state(comfyd)

    said = await answer(analyst, f"$JS.API.{call}", CALLS[call])

    # JetStream says that this account has none; the silent calls are a stream's own.
    code = said and json.loads(said.data)["error"]["err_code"]
    assert code == (None if call.startswith(SILENT) else NOT_ENABLED)
    assert await state(comfyd) == before


SILENT = ("DIRECT.GET.", "CONSUMER.MSG.NEXT.", "CONSUMER.RESET.")
NOT_ENABLED = 10039
"""JetStream not enabled for account."""


@pytest.mark.parametrize(
    "subject", [EVENT, INPUTS, WORK, "dlq.x", "probe.write", "live.run-1", "$JS.ACK.RUNS.reactor.1"]
)
async def test_what_the_analyst_publishes_stays_in_its_account(
    comfyd: Client, analyst: Client, subject: str
) -> None:
    before = await state(comfyd)
    heard = await comfyd.subscribe(subject)
    await comfyd.flush()

    await analyst.publish(subject, b"forged")
    # An answer goes where the request says: a user with permissions alone writes like this.
    await analyst.publish(READ, b'{"seq": 1, "batch": 1}', reply=subject)
    await analyst.publish("$JS.API.STREAM.INFO.RUNS", b"", reply=subject)
    await analyst.flush()
    assert await answer(analyst, READ, {"seq": 1})  # Whatever was sent before has been handled.

    await comfyd.flush()
    assert heard.pending_msgs == 0
    assert await state(comfyd) == before


PERMISSIONS_ALONE = f"""
authorization {{ users: [
  {{ user: comfyd, password: c }}
  {{ user: analyst, password: a, permissions: {{
    publish: {{ allow: ["{READ}"] }}, subscribe: {{ allow: ["_INBOX.>"] }} }} }}
] }}
"""


async def test_permissions_without_an_account_would_not_keep_a_reader_from_writing(
    tmp_path: Path,
) -> None:
    """Why there is an account: the day this fails, permissions will do."""
    with own_nats(tmp_path / "nats", more=PERMISSIONS_ALONE) as server:
        comfyd, reader = (
            server.url.replace("//", f"//{who}@") for who in ("comfyd:c", "analyst:a")
        )
        async with connected(comfyd, name="comfyd") as ours, connected(reader, name="reader") as a:
            await migrate(ours)
            await ours.request(EVENT, b"kept", timeout=5)
            await a.publish(READ, b'{"seq": 1}', reply=WORK)
            assert await answer(a, READ, {"seq": 1})
            info = await ours.jetstream().stream_info(subjects.WORK)
            assert info.state.messages == 1


async def test_the_analyst_cannot_acknowledge_what_was_given_to_another(
    comfyd: Client, analyst: Client
) -> None:
    reactor = await comfyd.jetstream().pull_subscribe_bind("reactor", subjects.LOG)
    [message] = await reactor.fetch(1, timeout=5)
    before = await state(comfyd)
    await analyst.publish(message.reply, b"+ACK")
    await analyst.flush()
    await answer(analyst, READ, {"seq": 1})
    assert await state(comfyd) == before
    await message.nak()
    [again] = await reactor.fetch(1, timeout=5)
    assert again.metadata.sequence.stream == message.metadata.sequence.stream
    await again.nak()


async def test_the_analyst_hears_nothing_of_comfyd(comfyd: Client, analyst: Client) -> None:
    everything = await analyst.subscribe(">")
    await analyst.flush()
    for subject in (INPUTS, WORK, "live.run-1", "live.pg.1"):
        await comfyd.publish(subject, b"private")
    inbox = comfyd.new_inbox()
    asked = await comfyd.subscribe(inbox)
    await comfyd.publish("$JS.API.INFO", b"", reply=inbox)
    await asked.next_msg(timeout=5)
    await comfyd.publish("analyst.flushed", b"")
    await comfyd.flush()
    await analyst.flush()
    assert everything.pending_msgs == 0


async def test_nobody_gets_in_without_the_password(urls: Urls) -> None:
    wrong = urls.analyst.replace("@", "x@")
    client = Client()
    with pytest.raises(Exception, match=r"(?i)authorization"):
        await client.connect(wrong, allow_reconnect=False, max_reconnect_attempts=0)
    await client.close()
