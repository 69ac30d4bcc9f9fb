"""`comfyd import comfyui-deploy`: what one has goes on here, and its database stays as it is."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.auth.tokens import Tokens
from tests.e2e.command_line import Comfyd, Ended
from tests.e2e.graphs import card, external, node
from tests.e2e.system import SECRET, System, eventually
from tests.servers.comfyui_deploy import ComfyUIDeploy, comfyui_deploy

Json = dict[str, Any]
SNAPSHOT = {
    "comfyui": "abc",
    "git_custom_nodes": {
        "https://git.example/a": {"hash": "1f", "disabled": False},
        "https://git.example/b": {"hash": "2f", "disabled": True},
    },
    "file_custom_nodes": [],
}


class Old:
    """A comfyui-deploy with a bit of everything, and the ids of what it has."""

    def __init__(self, database: ComfyUIDeploy, system: System) -> None:
        self.database = database
        self.mia, self.org = f"mia-{uuid4()}", f"org-{uuid4()}"
        self.valid = Tokens(SECRET).issue(user_id=self.mia, org_id=None, seconds=None)
        self.revoked = Tokens(SECRET).issue(user_id=self.mia, org_id=self.org, seconds=None)
        self.other = Tokens("x" * 40).issue(user_id=self.mia, org_id=None, seconds=None)
        self.machine_url = system.machine_url
        self.ids: dict[str, str] = {}

    async def fill(self) -> None:
        add, ids = self.database.add, self.ids
        await self.database.user(self.mia)
        mine: Json = {"user_id": self.mia}
        ids["gpu"] = await add("machines", name="gpu", endpoint=f"{self.machine_url}/", **mine)
        ids["second"] = await add(
            "machines", name="gpu", endpoint="http://127.0.0.1:9", disabled=True, **mine
        )
        ids["modal"] = await add(
            "machines", name="modal", endpoint="not-ready", type="modal-serverless", **mine
        )
        ids["poster"] = await add("workflows", name="poster", **mine)
        ids["twin"] = await add("workflows", name="poster", **mine)
        ids["shared"] = await add("workflows", name="poster", org_id=self.org, **mine)
        ids["v1"] = await self.version("poster", 1, card())
        ids["v3"] = await self.version("poster", 3, coloured(3))
        ids["v3 again"] = await self.version("poster", 3, coloured(4))
        ids["v4"] = await self.version("poster", 4, coloured(3))
        ids["broken"] = await self.version("twin", 1, {"1": node("SaveImage", images=["7", 0])})
        ids["t2"] = await self.version("twin", 2, coloured(5))
        ids["s1"] = await self.version("shared", 1, card())
        ids["double"] = await self.deployment("poster", "v1", "production")
        ids["production"] = await self.deployment("poster", "v3", "production")
        ids["preview"] = await self.deployment("poster", "v3", "preview")
        ids["on modal"] = await self.deployment("twin", "t2", "staging", machine="modal")
        ids["of nothing"] = await self.deployment("twin", "broken", "production")
        ids["of org"] = await self.deployment("shared", "s1", "production")
        ids["valid"] = await add("api_keys", name="shop", key=self.valid, **mine)
        ids["revoked"] = await add(
            "api_keys", name="lost", key=self.revoked, org_id=self.org, revoked=True, **mine
        )
        ids["other"] = await add("api_keys", name="elsewhere", key=self.other, **mine)

    async def version(self, workflow: str, number: int, graph: Json) -> str:
        return await self.database.add(
            "workflow_versions",
            workflow_id=self.ids[workflow],
            version=number,
            workflow_api=graph,
            workflow={"nodes": [], "links": []},
            snapshot=SNAPSHOT,
        )

    async def deployment(
        self, workflow: str, version: str, environment: str, machine: str = "gpu"
    ) -> str:
        return await self.database.add(
            "deployments",
            user_id=self.mia,
            workflow_id=self.ids[workflow],
            workflow_version_id=self.ids[version],
            machine_id=self.ids[machine],
            environment=environment,
        )


def coloured(colour: int) -> Json:
    return {**card(), "1": external("NumberInt", "colour", default_value=colour)}


@pytest.fixture
async def old(system: System, server_env: Mapping[str, str]) -> AsyncIterator[Old]:
    async with comfyui_deploy(server_env["POSTGRES_URL"]) as database:
        old = Old(database, system)
        await old.fill()
        yield old


def imported(comfyd: Comfyd, old: Old, *switches: str) -> Json:
    done: Ended = comfyd(
        "import", "comfyui-deploy", "--from", old.database.url, "--json", *switches,
        JWT_SECRET=SECRET,
    )  # fmt: skip
    report: Json = done.json
    return report


def outcomes(report: Json, old: Old) -> dict[str, tuple[str, list[str]]]:
    names = {identifier: name for name, identifier in old.ids.items()}
    return {
        names[line["id"]]: (line["outcome"], [note["code"] for note in line["notes"]])
        for line in report["lines"]
    }


EXPECTED = {
    "gpu": ("new", []),
    "second": ("new", ["renamed", "machine_disabled"]),
    "modal": ("left_out", ["machine_type"]),
    "poster": ("new", []),
    "twin": ("new", ["renamed"]),
    "shared": ("new", []),
    "v1": ("new", []),
    "v3": ("new", ["version_number"]),
    "v3 again": ("new", []),
    "v4": ("same", ["version_same"]),
    "broken": ("left_out", ["refused"]),
    "t2": ("new", ["version_number"]),
    "s1": ("new", []),
    "production": ("new", []),
    "double": ("same", ["deployment_double"]),
    "preview": ("left_out", ["environment"]),
    "on modal": ("left_out", ["machine_missing"]),
    "of nothing": ("left_out", ["version_missing"]),
    "of org": ("new", []),
    "valid": ("same", ["key_valid"]),
    "revoked": ("new", ["key_revoked"]),
    "other": ("left_out", ["key_other_secret"]),
}


async def test_what_an_old_system_has_goes_on_here(
    comfyd: Comfyd, system: System, old: Old
) -> None:
    before = await old.database.everything()

    dry = imported(comfyd, old, "--dry-run")
    first = imported(comfyd, old)

    assert await old.database.everything() == before
    assert {line["outcome"] for line in dry["lines"]} == {"planned", "left_out"}
    assert left_out(dry) == left_out(first)
    assert outcomes(first, old) == EXPECTED
    assert old.valid not in str(first)
    async with client(system, old.valid) as http:
        made = await http.post("/api/run", json={"deployment_id": old.ids["production"]})
        run_id = made.json()["run_id"]

        async def ended() -> bool:
            run = (await http.get("/api/run", params={"run_id": run_id})).json()
            return bool(run["status"] == "success")

        await eventually(ended)
    async with client(system, old.revoked) as http:
        assert (await http.get("/v1/runs")).status_code == 401


async def test_an_import_is_repeated_without_doubling_and_takes_nothing_back(
    comfyd: Comfyd, system: System, old: Old
) -> None:
    first = imported(comfyd, old)
    targets = {
        line["id"]: line["target_id"] for line in first["lines"] if line["kind"] != "machine"
    }
    deployment = targets[old.ids["production"]]
    async with client(system, old.valid) as http:
        [graph] = [(await http.get(f"/v1/deployments/{deployment}")).json()]
        path = f"/v1/workflows/{graph['workflow_id']}"
        promoted = await http.put(f"{path}/deployments/production", json={"version": 3})
        assert promoted.status_code == 200, promoted.text
        machines = (await http.get("/v1/machines")).json()["data"]

        again = imported(comfyd, old)

        assert (await http.get("/v1/machines")).json()["data"] == machines
        assert len((await http.get(path)).json()["versions"]) == 3
        assert (await http.get(f"/v1/deployments/{deployment}")).json()["version"] == 3
    assert {line["outcome"] for line in again["lines"]} <= {"same", "left_out", "new"}
    assert {line["id"]: line["target_id"] for line in again["lines"]}.items() >= targets.items()
    kept = {n: (o, c) for n, (o, c) in outcomes(again, old).items() if n in {"production", "v1"}}
    assert kept == {"production": ("same", ["deployment_kept"]), "v1": ("same", [])}


async def test_a_database_of_something_else_is_named(
    comfyd: Comfyd, server_env: Mapping[str, str]
) -> None:
    wrong = comfyd(
        "import", "comfyui-deploy", "--from", server_env["POSTGRES_URL"], "--dry-run",
        JWT_SECRET=SECRET,
    )  # fmt: skip
    away = comfyd(
        "import", "comfyui-deploy", "--from", "postgresql://127.0.0.1:9/x", "--dry-run",
        JWT_SECRET=SECRET,
    )  # fmt: skip
    assert (wrong.code, away.code) == (2, 6)
    assert "comfyui-deploy" in wrong.err
    assert "Traceback" not in wrong.err + away.err


def left_out(report: Json) -> set[str]:
    return {line["id"] for line in report["lines"] if line["outcome"] == "left_out"}


def client(system: System, token: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=system.url, headers={"Authorization": f"Bearer {token}"}, timeout=30
    )
