"""A comfyui-deploy with a bit of everything, and what an import of it reports."""

from typing import Any
from uuid import uuid4

import httpx
import jwt

from app.auth.tokens import Tokens
from tests.e2e.command_line import Comfyd, Ended
from tests.e2e.graphs import card, external, node
from tests.e2e.system import SECRET, System, eventually
from tests.servers.comfyui_deploy import ComfyUIDeploy

Json = dict[str, Any]
TOKEN = f"of-a-machine-{uuid4()}"
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
        self.of_org = Tokens(SECRET).issue(user_id="lin", org_id=self.org, seconds=3600)
        self.revoked = Tokens(SECRET).issue(user_id=self.mia, org_id=self.org, seconds=None)
        self.other = Tokens("x" * 40).issue(user_id=self.mia, org_id=None, seconds=None)
        claims = {"user_id": self.mia, "iat": 1}
        self.longer = jwt.encode(claims, SECRET, algorithm="HS384")
        self.machine_url = system.machine_url
        self.ids: dict[str, str] = {}

    async def fill(self) -> None:
        add, ids = self.database.add, self.ids
        await self.database.user(self.mia)
        mine: Json = {"user_id": self.mia}
        ids["gpu"] = await add(
            "machines", name="gpu", endpoint=f"{self.machine_url}/", auth_token=TOKEN, **mine
        )
        ids["second"] = await add(
            "machines", name="gpu", endpoint="http://127.0.0.1:9", disabled=True, **mine
        )
        ids["modal"] = await add(
            "machines",
            name="modal",
            endpoint="not-ready",
            type="modal-serverless",
            auth_token=TOKEN,
            **mine,
        )
        ids["poster"] = await add("workflows", name="poster", **mine)
        ids["nameless"] = await add("workflows", name=None, **mine)
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
        ids["page"] = await self.deployment("shared", "s1", "public-share", share_slug="mia-poster")
        ids["valid"] = await add("api_keys", name="shop", key=self.valid, **mine)
        ids["revoked"] = await add(
            "api_keys", name="lost", key=self.revoked, org_id=self.org, revoked=True, **mine
        )
        ids["other"] = await add("api_keys", name="elsewhere", key=self.other, **mine)
        ids["longer"] = await add("api_keys", name="longer", key=self.longer, **mine)
        run = await add("workflow_runs", workflow_id=ids["poster"], workflow_version_id=ids["v1"])
        await add("workflow_run_outputs", run_id=run, data={"images": []})

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
        self, workflow: str, version: str, environment: str, machine: str = "gpu", **more: str
    ) -> str:
        return await self.database.add(
            "deployments",
            user_id=self.mia,
            workflow_id=self.ids[workflow],
            workflow_version_id=self.ids[version],
            machine_id=self.ids[machine],
            environment=environment,
            **more,
        )


def coloured(colour: int) -> Json:
    return {**card(), "1": external("NumberInt", "colour", default_value=colour)}


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
        # A machine is there once for each tenant that uses it: its own comes first.
        for line in reversed(report["lines"])
        if line["id"] in names
    }


def left_out(report: Json) -> set[str]:
    return {line["id"] for line in report["lines"] if line["outcome"] == "left_out"}


def client(system: System, token: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=system.url, headers={"Authorization": f"Bearer {token}"}, timeout=30
    )


async def runs(http: httpx.AsyncClient, deployment_id: str) -> None:
    """Run a deployment by its old id, as clients of comfyui-deploy do."""
    made = await http.post("/api/run", json={"deployment_id": deployment_id})
    assert made.status_code == 200, made.text
    run_id = made.json()["run_id"]

    async def ended() -> bool:
        status = (await http.get(f"/api/status/{run_id}")).json()
        assert status["status"] != "failed", status
        return bool(status["status"] == "success")

    await eventually(ended)
