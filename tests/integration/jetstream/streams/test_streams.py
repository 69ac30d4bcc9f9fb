"""The streams on a real server: made, compared, repaired, and closed to those who would delete."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from events import subjects
from infra.jetstream.calls import api
from infra.jetstream.connection import Client, connected
from infra.jetstream.errors import ApiError
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.streams.cannot_migrate import CannotMigrate
from infra.jetstream.streams.declared import (
    DAY,
    MAX_EVENTS_PER_AGGREGATE,
    StreamDiffers,
    check,
    declarations,
    differences,
    migrate,
)
from tests.builders.facts import created, draft
from tests.servers.own_nats import own_nats

NAMES = [wanted["name"] for wanted in declarations(1)]


async def config(client: Client, name: str) -> dict[str, Any]:
    found: dict[str, Any] = (await api(client, f"STREAM.INFO.{name}", {}, within=5))["config"]
    return found


async def test_streams_are_made_once_and_are_as_declared(nats_client: Client) -> None:
    assert await differences(nats_client) == dict.fromkeys(NAMES, ("missing",))
    assert [(r.name, r.did) for r in await migrate(nats_client)] == [(n, "created") for n in NAMES]
    again = await migrate(nats_client)
    assert [(r.name, r.did) for r in again] == [(n, "unchanged") for n in NAMES]
    assert await differences(nats_client) == {}
    for wanted in declarations(1):
        present = await config(nats_client, wanted["name"])
        assert {field: present.get(field) for field in wanted} == dict(wanted)


async def test_a_field_that_was_changed_is_reported_and_repaired(log_client: Client) -> None:
    changed = await config(log_client, subjects.INPUTS) | {"description": "mine", "discard": "old"}
    changed["discard_new_per_subject"] = False
    await api(log_client, f"STREAM.UPDATE.{subjects.INPUTS}", changed, within=5)
    fields = ("description", "discard", "discard_new_per_subject")
    found = await differences(log_client)
    assert {name: set(f) for name, f in found.items()} == {subjects.INPUTS: set(fields)}

    reports = {report.name: report for report in await migrate(log_client)}

    assert reports[subjects.INPUTS].did == "updated"
    assert set(reports[subjects.INPUTS].changed) == set(fields)
    assert await differences(log_client) == {}


async def test_a_stream_that_was_compressed_is_so_no_longer(log_client: Client) -> None:
    for name in (subjects.LOG, subjects.INPUTS):
        compressed = await config(log_client, name) | {"compression": "s2"}
        await api(log_client, f"STREAM.UPDATE.{name}", compressed, within=5)
    assert await differences(log_client) == {
        subjects.LOG: ("compression",),
        subjects.INPUTS: ("compression",),
    }

    reports = await migrate(log_client)

    assert {r.name: r.changed for r in reports if r.changed} == {
        subjects.LOG: ("compression",),
        subjects.INPUTS: ("compression",),
    }
    present = {name: (await config(log_client, name))["compression"] for name in NAMES}
    assert present == dict.fromkeys(NAMES, "none")


async def test_a_stream_that_cannot_be_changed_is_named(nats_client: Client) -> None:
    wrong = {
        "name": subjects.LOG,
        "subjects": ["ev.*.*.*"],
        "storage": "memory",
        "max_msgs_per_subject": MAX_EVENTS_PER_AGGREGATE,
    }
    await api(nats_client, f"STREAM.CREATE.{subjects.LOG}", wrong, within=5)
    with pytest.raises(CannotMigrate, match=f"stream {subjects.LOG} .*storage"):
        await migrate(nats_client)


async def test_a_stream_that_keeps_more_is_lowered_only_when_its_field_is_named(
    log_client: Client,
) -> None:
    letters = await config(log_client, subjects.DEAD_LETTERS) | {"max_age": 90 * DAY}
    await api(log_client, f"STREAM.UPDATE.{subjects.DEAD_LETTERS}", letters, within=5)
    inputs = await config(log_client, subjects.INPUTS) | {"compression": "s2"}
    await api(log_client, f"STREAM.UPDATE.{subjects.INPUTS}", inputs, within=5)

    for lower in ((), ("num_replicas", "max_msgs")):
        with pytest.raises(CannotMigrate) as refused:
            await migrate(log_client, lower=lower)
        assert str(refused.value) == (
            "nothing was changed: DLQ max_age 7776000 s → 2592000 s would keep less than now."
            " If you want that, add --lower max_age"
        )
    assert await differences(log_client) == {
        subjects.INPUTS: ("compression",),
        subjects.DEAD_LETTERS: ("max_age",),
    }

    await migrate(log_client, lower=["max_age"])

    assert await differences(log_client) == {}


async def test_a_log_that_would_forget_events_is_repaired(
    log_client: Client, server_env: Mapping[str, str]
) -> None:
    forgetful = await config(log_client, subjects.LOG) | {"max_age": DAY, "max_msgs": 10}
    await api(log_client, f"STREAM.UPDATE.{subjects.LOG}", forgetful, within=5)
    with pytest.raises(StreamDiffers, match=r"RUNS \(max_age, max_msgs\); run `comfyd migrate`"):
        await check(server_env["NATS_URL"])

    await migrate(log_client)

    assert await differences(log_client) == {}


async def test_three_replicas_on_a_single_server_are_refused_with_the_fix(
    nats_client: Client,
) -> None:
    with pytest.raises(CannotMigrate, match=r"RUNS: 3 replicas need .* COMFYD_REPLICAS") as refused:
        await migrate(nats_client, replicas=3)
    assert refused.value.code == "single_server"
    await migrate(nats_client)
    with pytest.raises(CannotMigrate) as refused:
        await migrate(nats_client, replicas=3)
    assert refused.value.code == "single_server"
    assert await differences(nats_client) == {}


async def test_a_server_that_cannot_make_a_folder_yet_is_asked_again(tmp_path: Path) -> None:
    in_the_way = tmp_path / "nats/data/jetstream/$G/streams"
    with own_nats(tmp_path / "nats") as server:
        async with connected(server.url, name="test") as client:
            block(in_the_way)
            with pytest.raises(ApiError, match="10049"):
                await api(client, "STREAM.CREATE.any", {"name": "any"}, within=5)
            block(in_the_way)  # NATS has cleared away what it stumbled over.

            assert {report.did for report in await migrate(client)} == {"created"}


def block(folder: Path) -> None:
    """Put a file where NATS wants a folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.touch(exist_ok=False)


async def test_nobody_can_delete_an_event_or_purge_the_log(log_client: Client) -> None:
    store = JetStreamEventStore(log_client)
    [stored] = await store.append([draft(created(), version=1)], expected=0)

    for operation, request in (
        (f"STREAM.MSG.DELETE.{subjects.LOG}", {"seq": stored.position}),
        (f"STREAM.PURGE.{subjects.LOG}", {}),
    ):
        with pytest.raises(ApiError, match="not permitted"):
            await api(log_client, operation, request, within=5)
    for lifted in ("deny_delete", "deny_purge"):
        update = await config(log_client, subjects.LOG) | {lifted: False}
        with pytest.raises(ApiError):
            await api(log_client, f"STREAM.UPDATE.{subjects.LOG}", update, within=5)
    assert await store.last(stored.aggregate) is not None
