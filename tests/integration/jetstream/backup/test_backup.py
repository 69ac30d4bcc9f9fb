"""What was backed up comes back whole, and what was erased does not."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from consumers.__main__ import main
from consumers.cli.backup import KEPT, back_up, restore
from consumers.cli.erase_again import erase_data_again, erase_files_again, find_erased
from events import subjects
from events.aggregates import RUN
from infra.event_store import load
from infra.jetstream.backup.errors import BackupError
from infra.jetstream.backup.folder import DATA, MANIFEST, META, Manifest
from infra.jetstream.calls import api
from infra.jetstream.connection import Client, connected
from infra.jetstream.errors import ApiError, Unanswered
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.private_data import PrivateData
from infra.jetstream.streams import declared as streams
from infra.jetstream.work.reactor_durable import REACTOR
from tests.builders.backups import (
    DELETED,
    ENDED,
    ERASED,
    WITHOUT_INPUTS,
    content,
    names_in,
    new_run,
    silence,
    state,
)
from tests.builders.facts import SEAL_KEY
from tests.e2e.system import eventually
from tests.fakes.object_storage import FakeObjectStorage
from tests.servers.nats_cluster import leader_of, running_cluster
from tests.servers.shared import drop_streams

SECRET = "a secret that only the tests know, long enough for HS256"


async def test_what_was_backed_up_comes_back_as_it_was(log_client: Client, tmp_path: Path) -> None:
    for _ in range(20):
        await new_run(log_client)
    before = {stream: await content(log_client, stream) for stream in KEPT}
    heard = dict.fromkeys(KEPT, 0)
    restored: list[str] = []

    def told(stream: str, count: int) -> None:
        heard[stream] += count

    def told_back(stream: str, _: int) -> None:
        restored.append(stream)

    manifests = await back_up(log_client, tmp_path, told)
    late = await new_run(log_client)
    assert [m.messages for m in manifests] == [20, 20]
    assert heard == {m.stream: m.bytes for m in manifests}
    states = await restore(log_client, tmp_path, told_back, replicas=0, replace=True)

    # No run of the backup may lack its inputs, and none may be seen before they are back.
    assert [m.stream for m in manifests] == ["RUNS", "INPUTS"]
    assert [*dict.fromkeys(restored)] == ["INPUTS", "RUNS"]
    assert {stream: found.last_seq for stream, found in states.items()} == dict.fromkeys(KEPT, 20)
    assert {stream: await content(log_client, stream) for stream in KEPT} == before
    assert (await load(JetStreamEventStore(log_client), RUN, late)).state is None
    assert await streams.differences(log_client) == {}
    after = await new_run(log_client)
    assert (await load(JetStreamEventStore(log_client), RUN, after)).position == 21


async def test_a_backup_has_the_shape_that_the_vendors_tool_knows(
    log_client: Client, tmp_path: Path
) -> None:
    """It takes every entry of the folder for one of a stream, and two files in each."""
    await new_run(log_client)
    await back_up(log_client, tmp_path, silence)

    folder = tmp_path / "RUNS"
    assert names_in(tmp_path) == {"INPUTS", "RUNS"}
    assert names_in(folder) == {DATA, META, MANIFEST}
    kept = msgspec.json.decode((folder / META).read_bytes())
    config = (await state(log_client, "RUNS"))["config"]
    # The server says to itself what it is; that is no part of a configuration that is sent.
    assert kept["config"] | {"metadata": None} == config | {"metadata": None}
    assert kept["state"]["last_seq"] == 1
    assert (folder / DATA).read_bytes().startswith(b"\xff\x06\x00\x00S2sTwO")
    manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    assert (manifest.stream, manifest.messages, manifest.last_seq) == ("RUNS", 1, 1)
    assert folder.stat().st_mode & 0o777 == 0o700


async def test_a_backup_of_the_vendors_tool_is_restored_with_the_place_of_its_durable(
    log_client: Client, tmp_path: Path
) -> None:
    """Theirs has no manifest, the consumers too, and what an older comfyd had declared."""
    await new_run(log_client)
    durable = {"durable_name": REACTOR, "ack_policy": "explicit", "deliver_policy": "all"}
    request = {"stream_name": "RUNS", "config": durable}
    await api(log_client, f"CONSUMER.CREATE.RUNS.{REACTOR}", request, within=5)
    for stream in KEPT:
        await as_the_vendor_does(log_client, stream, tmp_path)

    await restore(log_client, tmp_path, silence, replicas=0, replace=True)

    info = await api(log_client, f"CONSUMER.INFO.RUNS.{REACTOR}", {}, within=5)
    assert info["num_pending"] == 1
    assert (await state(log_client, "RUNS"))["config"]["compression"] == "none"


async def as_the_vendor_does(client: Client, stream: str, root: Path) -> None:
    """Write two files, with whatever the server says."""
    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox)
    request = {"deliver_subject": inbox, "chunk_size": 128 * 1024}
    answer = await api(client, f"STREAM.SNAPSHOT.{stream}", request, within=5)
    data = b""
    while (message := await subscription.next_msg(timeout=5)).data:
        data += message.data
        if message.reply:
            await client.publish(message.reply, b"")
    (root / stream).mkdir()
    (root / stream / DATA).write_bytes(data)
    config = answer["config"] | {"compression": "s2"}
    kept = {"config": config, "state": answer["state"]}
    (root / stream / META).write_bytes(msgspec.json.encode(kept))


async def test_nothing_is_written_over_a_backup(log_client: Client, tmp_path: Path) -> None:
    await back_up(log_client, tmp_path, silence)
    files = [tmp_path / stream / name for stream in KEPT for name in (DATA, META, MANIFEST)]
    before = {file: file.read_bytes() for file in files}

    with pytest.raises(BackupError) as refused:
        await back_up(log_client, tmp_path, silence)

    assert refused.value.key == "folder_taken"
    assert {file: file.read_bytes() for file in before} == before


async def test_a_backup_of_nothing_leaves_nothing(nats_client: Client, tmp_path: Path) -> None:
    with pytest.raises(BackupError) as refused:
        await back_up(nats_client, tmp_path, silence)

    assert refused.value.key == "stream_missing"
    assert names_in(tmp_path) == set()


async def test_a_folder_that_cannot_be_made_is_named(log_client: Client, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")

    with pytest.raises(BackupError) as refused:
        await back_up(log_client, tmp_path / "file", silence)

    assert refused.value.key == "unwritable"
    assert (tmp_path / "file").read_text() == "mine"


async def test_what_is_erased_does_not_come_back_with_older_data(log_client: Client) -> None:
    """The data were backed up before the erasures, the log after them."""
    private, storage = PrivateData(log_client), FakeObjectStorage()
    kept = [await new_run(log_client), await new_run(log_client, *ENDED)]
    erased = [await new_run(log_client, *commands) for commands in (ERASED, DELETED)]
    for run_id in (*kept, *erased):
        await private.put_texts(run_id, 1, {0: "moonlit-otter"})
        await storage.put_bytes(f"outputs/runs/{run_id}/a.png", b"", "image/png")
    await log_client.jetstream().publish(subjects.given_up("hash"), b"")

    found = await find_erased(log_client)
    assert found == set(erased)
    for count in (2, 0):
        assert await erase_data_again(log_client, found) == count
    await erase_files_again(storage, found, lambda: None)

    for run_id in kept:
        assert await private.get_inputs(run_id, "hash") == {"prompt": "moonlit-otter"}
    for run_id in erased:
        assert await private.get_inputs(run_id, "hash") is None
        assert await private.get_texts(run_id, 1) == {}
    assert set(storage.objects) == {f"outputs/runs/{run_id}/a.png" for run_id in kept}
    assert (await state(log_client, subjects.INPUTS))["state"]["messages"] == 5


async def test_inputs_that_a_backup_brings_back_are_erased_again_and_texts_stay(
    log_client: Client,
) -> None:
    private = PrivateData(log_client)
    run_id, other = await new_run(log_client, *WITHOUT_INPUTS), await new_run(log_client, *ENDED)
    await private.put_texts(run_id, 1, {0: "moonlit-otter"})

    for _ in range(2):
        assert await erase_data_again(log_client, await find_erased(log_client)) == 0

    assert await private.get_inputs(run_id, "hash") is None
    assert await private.get_texts(run_id, 1) == {0: "moonlit-otter"}
    assert await private.get_inputs(other, "hash") == {"prompt": "moonlit-otter"}


async def test_a_cluster_gets_three_replicas_that_all_have_everything(
    log_client: Client, tmp_path: Path
) -> None:
    for _ in range(30):
        await new_run(log_client)
    before = {stream: await content(log_client, stream) for stream in KEPT}
    await back_up(log_client, tmp_path / "backup", silence)

    with running_cluster(tmp_path / "cluster") as cluster:
        async with connected(cluster.url, name="test") as client:
            await restore(client, tmp_path / "backup", silence, replicas=0, replace=False)
            info = await state(client, subjects.LOG)
            assert info["config"]["num_replicas"] == 3
            leader = await leader_of(client, subjects.LOG)
        # The other replicas have it, too: they go on without the one that took it.
        cluster.kill(leader)
        async with connected(cluster.url, name="test") as client:
            await until_led(client)
            assert {stream: await content(client, stream) for stream in KEPT} == before


async def until_led(client: Client) -> None:
    """Wait until both streams have a leader again."""

    async def led() -> bool:
        with suppress(ApiError, Unanswered):
            for stream in KEPT:
                await api(client, f"STREAM.MSG.GET.{stream}", {"seq": 30}, within=1)
            return True
        return False

    await eventually(led, within=30)


@pytest.mark.parametrize(("language", "words"), [("en_GB", "is there"), ("zh_CN", "已存在")])
def test_the_commands_say_what_they_did_and_what_is_wrong_in_the_readers_language(
    server_env: Mapping[str, str], postgres_url: str, tmp_path: Path, language: str, words: str
) -> None:
    asyncio.run(one_run(server_env["NATS_URL"]))
    env = {
        **server_env,
        "POSTGRES_URL": postgres_url,
        "JWT_SECRET": SECRET,
        "COMFYD_SEAL_KEYS": SEAL_KEY,
        "LC_ALL": f"{language}.UTF-8",
    }

    def comfyd(*arguments: str) -> Result:
        return CliRunner().invoke(main, [*arguments, str(tmp_path)], env=env)

    made, again = comfyd("backup"), comfyd("backup")
    refused, done = comfyd("restore"), comfyd("restore", "--replace")

    codes = (made.exit_code, again.exit_code, refused.exit_code, done.exit_code)
    assert codes == (0, 2, 2, 0), (made.output, again.output, refused.output, done.output)
    assert str(tmp_path / "RUNS") in made.stdout
    assert words in refused.stderr
    assert "--replace" in refused.stderr
    assert "comfyd projections rebuild" in done.stdout


async def one_run(nats_url: str) -> None:
    """Leave the streams with one run in them."""
    async with connected(nats_url, name="test") as client:
        await drop_streams(client)
        await streams.migrate(client)
        await new_run(client)
