"""The package of the hosted service's first generation, from PyPI, run against comfyd as it is.

It reads answers strictly: what works with comfyui-deploy itself has to work here.
"""

import json
import shutil
import sys
from pathlib import Path
from uuid import uuid4

from msgspec import convert

from tests.builders.pictures import picture, saved
from tests.e2e.graphs import card, load
from tests.e2e.node import CLIENTS, command
from tests.e2e.system import System
from tests.e2e.tenant import Tenant
from tests.interop.what_ran import Flow, check_page

UV = Path(sys.executable).with_name("uv")


async def test_what_the_package_does_is_what_the_page_says(
    system: System, ada: Tenant, tmp_path: Path
) -> None:
    deployment = await ada.deploy(card(), name=f"interop {uuid4()}")
    pictures = await ada.deploy(load(), name=f"interop pictures {uuid4()}")
    found = (await ada.http.get(f"/v1/deployments/{deployment}")).json()
    workflow = (await ada.http.get(f"/v1/workflows/{found['workflow_id']}")).json()
    shutil.copytree(CLIENTS / "comfydeploy_python", tmp_path, dirs_exist_ok=True)
    packages = tmp_path / "packages"
    await command(
        *(UV, "pip", "install", "--quiet", "--python", sys.executable, "--target", packages),
        *("--require-hashes", "-r", "requirements.txt"),
        folder=tmp_path,
        # As in the Makefile: a company's proxy that opens TLS is known to the system alone.
        env={"UV_SYSTEM_CERTS": "true"},
        needs="the packages of requirements.txt, from PyPI or uv's cache",
    )
    env = {
        "PYTHONPATH": str(packages),
        "API": system.url,
        "TOKEN": system.token("ada"),
        "DEPLOYMENT": deployment,
        "PICTURES": pictures,
        "PICTURE": saved("PNG", picture(9, 7, seed=83)).hex(),
        "VERSION": workflow["latest"]["version_id"],
    }
    said = await command(sys.executable, "flows.py", folder=tmp_path, env=env)

    flows = convert(json.loads(said), list[Flow])
    assert [flow.failure for flow in flows[:2]] == ["", ""]
    check_page(flows, of=("PyPI ",))
