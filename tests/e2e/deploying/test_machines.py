"""Machines from outside: registered, named, changed, moved and removed."""

import asyncio
from uuid import uuid4

import pytest

from infra.postgres import connect
from tests.e2e.machines import TOKEN, listed, register
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Json, Tenant

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("header", "where", "code"),
    [
        ({"name": "Host", "value": "x"}, "/header/name", "machine_header_reserved"),
        ({"name": "Sec-WebSocket-Key", "value": "x"}, "/header/name", "machine_header_reserved"),
        ({"name": "X Y", "value": "x"}, "/header/name", "field_characters"),
        ({"name": "X", "value": "a\r\nHost: b"}, "/header/value", "field_characters"),
        ({"name": "X", "value": "x", "more": 1}, "/header/more", "field_unknown"),
    ],
)
async def test_a_header_that_cannot_be_one_is_refused(
    ada: Tenant, name: str, header: Json, where: str, code: str
) -> None:
    body = {"name": name, "url": "http://127.0.0.1:1", "header": header}
    refused = await ada.http.post("/v1/machines", json=body)
    [problem] = refused.json()["errors"]
    assert (refused.status_code, problem["pointer"], problem["code"]) == (400, where, code)


async def test_the_same_name_again_moves_a_machine_but_takes_no_token_along(
    ada: Tenant, name: str
) -> None:
    first = await register(ada, name, "http://127.0.0.1:1", token=TOKEN)
    assert (await register(ada, name, "http://127.0.0.1:1"))["has_token"] is True
    body = {"name": name, "url": "http://127.0.0.1:2"}
    refused = await ada.http.post("/v1/machines", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "machine_token_needed")
    moved = await register(ada, name, "http://127.0.0.1:2", token="other")
    assert (moved["id"], moved["url"]) == (first["id"], "http://127.0.0.1:2")


async def test_a_machine_is_changed_in_parts(ada: Tenant, name: str) -> None:
    machine = await register(ada, name, "http://127.0.0.1:1", token=TOKEN)
    path = f"/v1/machines/{machine['id']}"
    for body, expected in (
        ({"name": f"{name} b"}, {"name": f"{name} b", "has_token": True}),
        ({"token": None}, {"has_token": False}),
        ({"url": "http://127.0.0.1:3/"}, {"url": "http://127.0.0.1:3"}),
        ({}, {"name": f"{name} b", "url": "http://127.0.0.1:3"}),
    ):
        answer = await ada.http.patch(path, json=body)
        assert answer.status_code == 200, answer.text
        assert expected.items() <= answer.json().items()


async def test_a_row_of_a_machine_that_the_log_does_not_know_takes_no_name(
    ada: Tenant, system: System, name: str
) -> None:
    other = await register(ada, f"{name} b", "http://127.0.0.1:1")

    async def known() -> bool:
        return await listed(ada, other["id"], name=f"{name} b")

    await eventually(known)
    stale, body = uuid4(), {"name": name, "url": "http://127.0.0.1:1"}
    async with connect(system.env["POSTGRES_URL"]) as connection:
        # As the tables are when the log was restored from an older backup.
        row = (
            "INSERT INTO read.machine SELECT %s, tenant, %s, machine_state,"
            " created_position, position, version, state FROM read.machine WHERE id = %s"
        )
        await connection.execute(row, (stale, name, other["id"]))
        answer = await ada.http.post("/v1/machines", json=body)
        await connection.execute("DELETE FROM read.machine WHERE id = %s", (stale,))

    assert (answer.status_code, answer.json()["name"]) == (201, name)


async def test_a_name_that_another_machine_has_is_refused(ada: Tenant, name: str) -> None:
    first = await register(ada, name, "http://127.0.0.1:1")
    second = await register(ada, f"{name} b", "http://127.0.0.1:1")

    async def known() -> bool:
        return await listed(ada, first["id"], name=name)

    await eventually(known)
    assert (await ada.http.get("/v1/machines?name=%00")).status_code == 400
    refused = await ada.http.patch(f"/v1/machines/{second['id']}", json={"name": name})
    assert (refused.status_code, refused.json()["code"]) == (409, "name_taken")


async def test_a_name_that_was_given_up_makes_another_machine(ada: Tenant, name: str) -> None:
    first = await register(ada, name, "http://127.0.0.1:1")
    assert (await ada.http.delete(f"/v1/machines/{first['id']}")).json()["state"] == "removed"
    second = await register(ada, name, "http://127.0.0.1:1")
    renamed = await ada.http.patch(f"/v1/machines/{second['id']}", json={"name": f"{name} b"})
    assert renamed.is_success, renamed.text
    third = await register(ada, name, "http://127.0.0.1:1")
    assert len({first["id"], second["id"], third["id"]}) == 3

    async def knows_the_new_name() -> bool:
        return await listed(ada, second["id"], name=f"{name} b")

    await eventually(knows_the_new_name)
    again = await register(ada, f"{name} b", "http://127.0.0.1:5")
    assert again["id"] == second["id"]


async def test_a_removed_machine_is_listed_only_when_asked_for(ada: Tenant, name: str) -> None:
    machine = (await register(ada, name, "http://127.0.0.1:1"))["id"]
    removed = await ada.http.delete(f"/v1/machines/{machine}")
    assert (removed.status_code, removed.json()["state"]) == (200, "removed")

    async def gone() -> bool:
        return await listed(ada, machine, state="removed")

    await eventually(gone)
    assert not await listed(ada, machine)
    assert (await ada.http.get(f"/v1/machines/{machine}")).json()["state"] == "removed"
    for what in ("drain", "resume", "disable", "refresh"):
        refused = await ada.http.post(f"/v1/machines/{machine}/{what}")
        assert (refused.status_code, refused.json()["code"]) == (409, "machine_removed")
    assert (await ada.http.delete(f"/v1/machines/{machine}")).status_code == 200
    unknown_state = await ada.http.get("/v1/machines", params={"state": "broken"})
    assert unknown_state.status_code == 400


@pytest.mark.parametrize("host", ["169.254.169.254", "[fd00:ec2::254]", "metadata.google.internal"])
async def test_addresses_of_cloud_metadata_are_refused_even_where_private_ones_are_allowed(
    ada: Tenant, name: str, host: str
) -> None:
    refused = await ada.http.post("/v1/machines", json={"name": name, "url": f"http://{host}/"})
    assert refused.status_code == 400
    assert [e["code"] for e in refused.json()["errors"]] == ["machine_address_private"]


async def test_where_private_machines_are_not_allowed_they_are_refused(
    ada: Tenant, system: System, name: str
) -> None:
    url = system.start_another_api("strict", COMFYD_ALLOW_PRIVATE_MACHINES="false")
    try:
        await system.until_ready(url)
        body = {"name": name, "url": "http://127.0.0.1:8188"}
        refused = await ada.http.post(f"{url}/v1/machines", json=body)
        assert [e["code"] for e in refused.json()["errors"]] == ["machine_address_private"]
    finally:
        system.end("strict")


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX-Evil: 1", "密", "x" * 5000])
async def test_a_token_that_is_no_header_value_is_refused(
    ada: Tenant, name: str, token: str
) -> None:
    body = {"name": name, "url": "http://127.0.0.1:1", "token": token}
    refused = await ada.http.post("/v1/machines", json=body)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
    assert len(token) < 3 or token not in refused.text


async def test_a_name_that_many_register_at_once_is_new_to_one_of_them(
    ada: Tenant, name: str
) -> None:
    body = {"name": name, "url": "http://127.0.0.1:1"}
    answers = await asyncio.gather(*(ada.http.post("/v1/machines", json=body) for _ in range(10)))

    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_what_is_anothers_is_not_found(ada: Tenant, bob: Tenant, name: str) -> None:
    machine = (await register(ada, name, "http://127.0.0.1:1"))["id"]
    path = f"/v1/machines/{machine}"
    for method, where in (
        ("GET", path),
        ("GET", f"{path}/history"),
        ("PATCH", path),
        ("DELETE", path),
        ("POST", f"{path}/drain"),
        ("POST", f"{path}/resume"),
        ("POST", f"{path}/disable"),
        ("POST", f"{path}/refresh"),
    ):
        answer = await bob.http.request(method, where, json={} if method == "PATCH" else None)
        assert answer.status_code == 404, f"{method} {where}"
    # The same name is another machine for another tenant.
    assert (await register(bob, name, "http://127.0.0.1:1"))["id"] != machine
