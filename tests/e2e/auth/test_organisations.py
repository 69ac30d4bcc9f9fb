"""Organisations: made by anybody, joined by their owners' will, left at once."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.e2e.graphs import card
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant, client_of

HEADER = "Comfyd-Organisation"


class Members:
    """Ada's organisation, and the members she adds."""

    def __init__(self, system: System, organisation: str) -> None:
        self.id = organisation
        self._system = system

    def of(self, user: str) -> httpx.AsyncClient:
        """Return a client of a member who acts for it."""
        http = client_of(self._system, user)
        http.headers[HEADER] = self.id
        return http

    async def put(self, user: str, role: str, *, by: str = "ada") -> httpx.Response:
        async with self.of(by) as http:
            path = f"/v1/organisations/{self.id}/members/{user}"
            return await http.put(path, json={"role": role})

    async def remove(self, user: str, *, by: str = "ada") -> httpx.Response:
        async with self.of(by) as http:
            return await http.delete(f"/v1/organisations/{self.id}/members/{user}")


@pytest.fixture
async def acme(system: System, ada: Tenant) -> Members:
    created = await ada.http.post("/v1/organisations", json={"name": f"Acme {uuid4()}"})
    assert created.status_code == 201
    assert created.json()["members"] == [{"user_id": "ada", "role": "owner"}]
    return Members(system, created.json()["id"])


async def test_what_a_member_makes_belongs_to_all(system: System, acme: Members) -> None:
    await acme.put("bob", "member")
    async with acme.of("ada") as ada, acme.of("bob") as bob:
        deployment = await Tenant(ada, system.machine_url).deploy(card())
        run = await Tenant(bob, system.machine_url).start(deployment)
        seen = await ada.get(f"/v1/runs/{run}")
        alone = await ada.get(f"/v1/runs/{run}", headers={HEADER: ""})

    assert (seen.status_code, alone.status_code) == (200, 404)


@pytest.mark.parametrize(
    ("role", "reads", "deploys", "administers"),
    [("owner", 200, 422, 200), ("member", 200, 422, 403), ("viewer", 200, 403, 403)],
)
async def test_a_role_says_what_one_may_do(
    acme: Members, role: str, reads: int, deploys: int, administers: int
) -> None:
    await acme.put("bob", role)
    async with acme.of("bob") as bob:
        statuses = (
            (await bob.get("/v1/runs")).status_code,
            (await bob.post("/v1/workflows", json={"name": "x", "graph": {}})).status_code,
            (await bob.get("/v1/keys")).status_code,
        )
        members = await bob.get(f"/v1/organisations/{acme.id}")

    assert statuses == (reads, deploys, administers)
    assert {"user_id": "bob", "role": role} in members.json()["members"]


async def test_a_missing_scope_is_named(acme: Members) -> None:
    await acme.put("bob", "viewer")
    async with acme.of("bob") as bob:
        answer = await bob.post("/v1/runs", json={})
        classic = await bob.post("/api/run", json={})

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert "runs:write" in answer.json()["detail"]
    assert "insufficient_scope" in answer.headers["WWW-Authenticate"]
    assert (classic.status_code, classic.json()) == (
        403,
        {"error": "the scope runs:write is required"},
    )


async def test_whoever_is_removed_is_outside_at_once(system: System, acme: Members) -> None:
    await acme.put("bob", "owner")
    claimed = {"Authorization": f"Bearer {system.token('bob', acme.id)}"}
    async with acme.of("bob") as bob, client_of(system, "bob") as alone:
        assert (await bob.get("/v1/runs")).status_code == 200
        assert (await alone.get("/v1/runs", headers=claimed)).status_code == 200
        assert (await acme.remove("bob")).status_code == 204
        outside = [
            await bob.get("/v1/runs"),
            await alone.get("/v1/runs", headers=claimed),
            await bob.get(f"/v1/organisations/{acme.id}"),
        ]
        assert (await alone.get("/v1/runs")).status_code == 200

    assert {answer.status_code for answer in outside} == {404}


async def test_strangers_find_nothing(acme: Members) -> None:
    assert (await acme.put("eve", "owner", by="eve")).status_code == 404
    assert (await acme.remove("ada", by="eve")).status_code == 404


async def test_an_organisation_is_managed_by_acting_for_it(ada: Tenant, acme: Members) -> None:
    path = f"/v1/organisations/{acme.id}"
    assert (await ada.http.get(path)).status_code == 404
    assert (await ada.http.put(f"{path}/members/bob", json={"role": "owner"})).status_code == 404


async def test_the_last_owner_has_to_stay(acme: Members) -> None:
    removed, demoted = await acme.remove("ada"), await acme.put("ada", "viewer")
    await acme.put("bob", "owner")
    gone = await acme.remove("ada", by="bob")

    assert {removed.status_code, demoted.status_code} == {409}
    assert {removed.json()["code"], demoted.json()["code"]} == {"last_owner"}
    assert gone.status_code == 204


async def test_people_find_the_organisations_they_belong_to(
    system: System, ada: Tenant, acme: Members
) -> None:
    await acme.put("carol", "viewer")

    async def listed(http: httpx.AsyncClient) -> dict[str, Any] | None:
        found = (await http.get("/v1/organisations?limit=100")).json()["data"]
        return next((one for one in found if one["id"] == acme.id), None)

    async with client_of(system, "carol") as carol, client_of(system, "eve") as eve:
        seen = await eventually(lambda: listed(carol))
        assert await listed(ada.http) == seen
        assert await listed(eve) is None


async def test_a_key_of_an_organisation_stays_with_it(acme: Members) -> None:
    async with acme.of("ada") as ada:
        body = {"name": "ci", "scopes": ["runs:read", "admin"]}
        key = (await ada.post("/v1/keys", json=body)).json()["key"]
        headers = {"Authorization": f"Bearer {key}"}
        assert (await ada.get("/v1/keys", headers=headers)).status_code == 200
        strange = await ada.get("/v1/keys", headers=headers | {HEADER: str(uuid4())})

    assert strange.status_code == 404


@pytest.mark.parametrize("role", ["admin", "", None])
async def test_a_role_that_is_none_is_refused(acme: Members, role: str) -> None:
    assert (await acme.put("bob", role)).status_code == 400
