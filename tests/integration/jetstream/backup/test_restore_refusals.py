"""What is there is deleted by no restore that is refused, or that may fail."""

from pathlib import Path

import msgspec
import pytest

from consumers.cli.backup import KEPT, back_up, restore
from events import subjects
from events.aggregates import RUN
from infra.event_store import load
from infra.jetstream.backup.errors import BackupError
from infra.jetstream.backup.folder import DATA, MANIFEST, META
from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.streams import declared as streams
from infra.jetstream.work.reactor_durable import REACTOR
from tests.builders.backups import new_run, silence


async def test_nothing_that_is_there_is_deleted_unless_it_is_told(
    log_client: Client, tmp_path: Path
) -> None:
    await back_up(log_client, tmp_path, silence)
    run_id = await new_run(log_client)

    with pytest.raises(BackupError) as refused:
        await restore(log_client, tmp_path, silence, replicas=0, replace=False)

    assert refused.value.key == "not_empty"
    assert (await load(JetStreamEventStore(log_client), RUN, run_id)).state is not None


async def test_nothing_is_deleted_for_replicas_that_have_no_place(
    log_client: Client, tmp_path: Path
) -> None:
    run_id = await new_run(log_client)
    await back_up(log_client, tmp_path, silence)

    with pytest.raises(BackupError, match="nothing was deleted") as refused:
        await restore(log_client, tmp_path, silence, replicas=3, replace=True)

    assert refused.value.key == "no_place"
    assert (await load(JetStreamEventStore(log_client), RUN, run_id)).state is not None
    names = await api(log_client, "STREAM.NAMES", {}, within=5)
    assert set(names["streams"]) == {wanted["name"] for wanted in streams.declarations(1)}


async def test_streams_that_never_held_anything_make_room_by_themselves(
    log_client: Client, tmp_path: Path
) -> None:
    await new_run(log_client)
    await back_up(log_client, tmp_path, silence)
    for stream in KEPT:
        await api(log_client, f"STREAM.DELETE.{stream}", {}, within=5)
    await streams.migrate(log_client)

    states = await restore(log_client, tmp_path, silence, replicas=0, replace=False)

    assert states["RUNS"].last_seq == 1


async def test_nothing_is_restored_under_a_worker(log_client: Client, tmp_path: Path) -> None:
    await back_up(log_client, tmp_path, silence)
    durable = {"durable_name": REACTOR, "deliver_subject": "deliver.it", "deliver_group": REACTOR}
    request = {"stream_name": "RUNS", "config": durable | {"ack_policy": "explicit"}}
    await api(log_client, f"CONSUMER.CREATE.RUNS.{REACTOR}", request, within=5)
    await log_client.subscribe("deliver.it", queue=REACTOR)
    await log_client.flush()

    with pytest.raises(BackupError) as refused:
        await restore(log_client, tmp_path, silence, replicas=0, replace=True)

    assert refused.value.key == "running"


@pytest.mark.parametrize("stream", KEPT)
@pytest.mark.parametrize("key", ["no_backup", "unreadable", "other_stream", "damaged"])
async def test_a_backup_that_is_no_good_is_refused_before_anything_is_deleted(
    log_client: Client, tmp_path: Path, key: str, stream: str
) -> None:
    run_id = await new_run(log_client)
    await back_up(log_client, tmp_path, silence)
    folder = tmp_path / stream
    if key == "no_backup":
        (folder / META).unlink()
    elif key == "unreadable":
        (folder / META).write_text("{")
    elif key == "other_stream":
        kept = msgspec.json.decode((folder / META).read_bytes())
        kept["config"]["name"] = "WORK"
        (folder / META).write_bytes(msgspec.json.encode(kept))
    else:
        data = bytearray((folder / DATA).read_bytes())
        data[-1] ^= 1
        (folder / DATA).write_bytes(data)

    with pytest.raises(BackupError) as refused:
        await restore(log_client, tmp_path, silence, replicas=0, replace=True)

    assert refused.value.key == key
    assert (await load(JetStreamEventStore(log_client), RUN, run_id)).state is not None


@pytest.mark.parametrize("fault", ["cut", "too_few"])
async def test_what_does_not_come_back_whole_is_taken_away_again(
    log_client: Client, tmp_path: Path, fault: str
) -> None:
    """A server leaves what it had got by then, and would go on from there."""
    for _ in range(50):
        await new_run(log_client)
    await back_up(log_client, tmp_path, silence)
    folder = tmp_path / subjects.LOG
    (folder / MANIFEST).unlink()
    if fault == "cut":
        data = (folder / DATA).read_bytes()
        (folder / DATA).write_bytes(data[: len(data) * 2 // 3])
    else:
        kept = msgspec.json.decode((folder / META).read_bytes())
        kept["state"] |= {"messages": 60, "last_seq": 60}
        (folder / META).write_bytes(msgspec.json.encode(kept))

    with pytest.raises(BackupError) as refused:
        await restore(log_client, tmp_path, silence, replicas=0, replace=True)

    assert refused.value.key == {"cut": "refused", "too_few": "not_whole"}[fault]
    names = await api(log_client, "STREAM.NAMES", {}, within=5)
    assert not {*KEPT} & {*names["streams"]}
