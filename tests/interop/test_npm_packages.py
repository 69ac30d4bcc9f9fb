"""The packages that users of comfyui-deploy have run against comfyd as they are."""

import base64
import json
from pathlib import Path
from uuid import uuid4

import pytest
from msgspec import convert

from tests.builders.pictures import picture, saved
from tests.e2e.graphs import card, load
from tests.e2e.node import command, install, node_and_npm
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant
from tests.interop.what_ran import Flow, check_page

HOSTED = "npm comfydeploy 2.0.0-beta.69"
"""A client of the hosted service's, some of whose routes are not here."""


@pytest.fixture
async def flows(system: System, ada: Tenant, tmp_path: Path) -> list[Flow]:
    """Run all flows of the packages."""
    deployment = await ada.deploy(card(), name=f"interop {uuid4()}")
    pictures = await ada.deploy(load(), name=f"interop pictures {uuid4()}")
    workflow = (await ada.http.get(f"/v1/deployments/{deployment}")).json()["workflow_id"]

    async def listed() -> bool:
        rows = (await ada.http.get("/api/deployments")).json()
        return {deployment, pictures} <= {row["id"] for row in rows}

    await eventually(listed)
    await install("comfydeploy", tmp_path)
    env = {
        "API": system.url,
        "TOKEN": system.token("ada"),
        "DEPLOYMENT": deployment,
        "WORKFLOW": workflow,
        "PICTURES": pictures,
        "PICTURE": base64.b64encode(saved("PNG", picture(9, 7, seed=82))).decode(),
        "GRAPH": json.dumps(card()),
        "NAME": f"plugin {uuid4()}",
    }
    node, _ = node_and_npm()
    said = await command(node, "flows.mjs", folder=tmp_path, env=env)
    return convert(json.loads(said), list[Flow])


async def test_what_the_packages_do_works_and_the_page_says_just_that(flows: list[Flow]) -> None:
    failures = {(flow.client, flow.what): flow.failure for flow in flows if flow.failure}
    assert {client for client, _ in failures} <= {HOSTED}, failures
    assert len(flows) - len(failures) > 10
    check_page(flows, of=("npm ", "axios "))
