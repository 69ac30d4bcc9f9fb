"""Nothing is only in Postgres: without a single table, the log gives every row back.

A tenant does everything that can be done, then all tables are dropped, hints as well, and folded
anew from position 0 up to the very event at which they stood. Who may do what, and how much, is as
it was.
"""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import httpx
import jwt
import pytest
from psycopg import sql

from events.codec import TYPES
from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from infra.jetstream.log.reader import head, read_log
from infra.postgres import Connection, connect
from projections.fold import Fold
from projections.queries import position
from projections.schema import COMPARED, create_tables, drop_tables
from projections.statements import LIVE
from tests.e2e.graphs import card, slow
from tests.e2e.signing_in import signed_in
from tests.e2e.system import SECRET, System, eventually
from tests.e2e.tenant import Json, Tenant, client_of
from tests.observe.form_browser import fields

NEEDS_A_BROKEN_MACHINE = {
    "run.attempt_failed.v1",
    "run.attempt_lost.v1",
    "run.retry_scheduled.v1",
    "run.file_uploaded.v1",
}
"""What a healthy stand-in does not bring about; projections/test_rebuild folds these."""


OWNER = "historian"


@pytest.fixture
async def owner(system: System) -> AsyncIterator[Tenant]:
    """Yield a tenant that no other test uses."""
    async with client_of(system, OWNER) as http:
        yield Tenant(http, system.machine_url)


async def test_every_table_comes_back_from_the_log_alone(
    system: System, owner: Tenant, nats: Client
) -> None:
    access = await live(owner, system)
    async with connect(system.env["POSTGRES_URL"]) as connection:

        async def caught_up() -> bool:
            return await position(connection) >= await head(nats)

        await eventually(caught_up)
        async with system.without("projector"):
            stood = await position(connection)
            before = await dump(connection)
            await drop_tables(connection, LIVE)
            await drop_tables(connection, "hints")
            await create_tables(connection)
            await replay(nats, connection, stood)
            assert await dump(connection) == before
        assert all(before[table] for table in COMPARED if table != "quarantine")
    seen = await types_in_log(nats)
    assert TYPES.keys() - seen <= NEEDS_A_BROKEN_MACHINE
    # And the doors go on as if nothing had happened.
    for headers, status in access:
        answer = await owner.http.get("/v1/me", headers=headers)
        assert (answer.status_code, headers) == (status, headers)
    await quota_counts(system, sum(f"user:{OWNER}" in row for row in before["run"]))


Access = list[tuple[dict[str, str], int]]
"""What somebody sends, and the status it is answered with."""


async def live(owner: Tenant, system: System) -> Access:
    """Do everything an owner can do; tell who may enter then."""
    await workflows_and_runs(owner)
    await machines(owner)
    await browsers(system)
    return await access(owner, system)


async def quota_counts(system: System, most: int) -> None:
    """The runs that were made before are counted: as many as there may be on a day."""
    url = system.start_another_api("api-counts", COMFYD_RUNS_PER_DAY=str(most))
    await system.until_ready(url)
    async with client_of(system, OWNER, url=url) as http:
        tenant = Tenant(http, system.machine_url)
        refused = await tenant.create(await tenant.deploy(card(), name="history"))
    system.end("api-counts")
    assert [e["code"] for e in refused.json()["errors"]] == ["quota_runs_per_day"]


async def workflows_and_runs(owner: Tenant) -> None:
    deployment = await owner.deploy(card(), name="history")
    changed = card() | {"9": card()["3"]}
    await owner.deploy(changed, name="history")
    await ok(owner, "POST", f"/v1/deployments/{deployment}/rollback", {})
    run = await owner.run(deployment, {"colour": 5})
    await ok(owner, "POST", f"/v1/runs/{run['id']}/rerun", {})
    await ok(owner, "POST", f"/v1/runs/{run['id']}/erase")
    await erased(owner, run["id"])
    batch = {"deployment_id": deployment, "inputs": [{"colour": n} for n in range(3)]}
    created = await ok(owner, "POST", "/v1/batches", batch)
    await ok(owner, "POST", f"/v1/batches/{created['id']}/cancel")
    sleeper = await owner.deploy(slow())
    run_id = await owner.start(sleeper)
    await owner.reaches(run_id, "running")
    await owner.cancel(run_id)
    await owner.ended(run_id)


async def machines(owner: Tenant) -> None:
    body = {"name": "spare", "url": owner.machine_url, "token": "token-of-the-spare-machine"}
    spare = await ok(owner, "POST", "/v1/machines", body)
    path = f"/v1/machines/{spare['id']}"
    await ok(owner, "PATCH", path, {"name": "renamed", "token": "another-token"})
    await ok(owner, "PATCH", path, {"url": f"{owner.machine_url}/below"})
    await ok(owner, "PATCH", path, {"url": owner.machine_url})
    await ok(owner, "POST", f"{path}/refresh")
    await ok(owner, "POST", f"{path}/drain")
    deployment = await owner.deploy(card(), name="waits")
    waits = f"/v1/machines/{await owner.machine()}"
    await ok(owner, "POST", f"{waits}/drain")
    run_id = await owner.start(deployment)
    await timeline_says_it_waits(owner, run_id)
    await ok(owner, "POST", f"{waits}/resume")
    await owner.ended(run_id)
    await ok(owner, "POST", f"{path}/disable")
    await ok(owner, "DELETE", path)
    partner = await ok(owner, "POST", "/v1/machines", {"name": "partner", "url": owner.machine_url})
    secrets = {
        "header": {"name": "X-API-Key", "value": "of-the-partner"},
        "comfy_api_key": "comfyui-partner",
    }
    await ok(owner, "PATCH", f"/v1/machines/{partner['id']}", secrets)


async def browsers(system: System) -> None:
    """Sign two browsers in, and one of them out."""
    async with signed_in(system, OWNER), signed_in(system, OWNER) as leaving:
        answer = await leaving.submit("/sign-out", fields(await leaving.open("/sessions")))
        assert answer.status_code == 303, answer.text


async def access(owner: Tenant, system: System) -> Access:
    reader = await ok(owner, "POST", "/v1/keys", {"name": "reader", "scopes": ["runs:read"]})
    await ok(owner, "DELETE", f"/v1/keys/{reader['id']}")
    writer = await ok(owner, "POST", "/v1/keys", {"name": "writer", "scopes": ["runs:write"]})
    stolen = {"sub": OWNER, "user_id": OWNER, "jti": "a token that was stolen"}
    await ok(owner, "POST", "/v1/tokens/revoke", {"jti": stolen["jti"]})
    organisation = await ok(owner, "POST", "/v1/organisations", {"name": "acme"})
    acme = {"Comfyd-Organisation": organisation["id"]}
    members = f"/v1/organisations/{organisation['id']}/members"
    for user in ("grace", "heidi"):
        await ok(owner, "PUT", f"{members}/{user}", {"role": "member"}, acme)
    await ok(owner, "DELETE", f"{members}/grace", None, acme)
    return [
        (bearer(writer["key"]), 200),
        (bearer(reader["key"]), 401),
        (bearer(jwt.encode(stolen, SECRET, algorithm="HS256")), 401),
        (bearer(system.token("heidi")) | acme, 200),
        (bearer(system.token("grace")) | acme, 404),
    ]


def bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


async def ok(
    owner: Tenant,
    method: str,
    path: str,
    body: Json | None = None,
    headers: dict[str, str] | None = None,
) -> Any:
    """Ask, and give the answer's body."""
    answer = await owner.http.request(method, path, json=body, headers=headers)
    assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json() if is_json(answer) else None


def is_json(answer: httpx.Response) -> bool:
    return "application/json" in answer.headers.get("content-type", "")


async def erased(owner: Tenant, run_id: str) -> None:
    """Wait until the data of a run is gone."""

    async def gone() -> bool:
        return bool((await owner.read(run_id))["erasure"] == "done")

    await eventually(gone)


async def timeline_says_it_waits(owner: Tenant, run_id: str) -> None:
    """Wait until the reason is known."""

    async def waits() -> bool:
        found = await ok(owner, "GET", f"/v1/runs/{run_id}/timeline")
        return bool((found["waiting"] or {}).get("reason") == "machine_draining")

    await eventually(waits)


async def replay(nats: Client, connection: Connection, goal: int) -> None:
    """Fold the log from its beginning up to *goal*, as a new projector would."""
    fold = Fold(connection)
    await fold.start()
    assert fold.position == 0
    async with aclosing(read_log(nats, after=0, limit=500)) as batches:
        async for batch in batches:
            await fold.apply([entry for entry in batch if entry.position <= goal])
            if fold.position >= goal:
                return


async def dump(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, and where they stand."""
    rows = {}
    for table in (*COMPARED, "checkpoint"):
        query = sql.SQL("SELECT * FROM {} ORDER BY 1").format(sql.Identifier(LIVE, table))
        rows[table] = await (await connection.execute(query)).fetchall()
    return rows


async def types_in_log(nats: Client) -> set[str]:
    """Return the types of all events there are."""
    info = await api(nats, "STREAM.INFO.RUNS", {}, within=5)
    goal, found = info["state"]["last_seq"], set()
    async with aclosing(read_log(nats, after=0, limit=500)) as batches:
        async for batch in batches:
            found |= {entry.type for entry in batch}
            if batch[-1].position >= goal:
                return found
    raise AssertionError("the log ended before its end")
