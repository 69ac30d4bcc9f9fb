"""What users have their programs do with PyPI's comfydeploy: each flow is run against comfyd.

What came of it is written as JSON. Some cannot work: the answers lack what only the hosted service
has.
"""

import json
import os
import sys
import time
from collections.abc import Callable

import httpx
from comfydeploy import ComfyDeploy

API, TOKEN = os.environ["API"], os.environ["TOKEN"]
DEPLOYMENT, PICTURES = os.environ["DEPLOYMENT"], os.environ["PICTURES"]
PICTURE, VERSION = bytes.fromhex(os.environ["PICTURE"]), os.environ["VERSION"]
PACKAGE = "PyPI comfydeploy 0.3.4"

sdk = ComfyDeploy(bearer_auth=TOKEN, server_url=f"{API}/api")
http = httpx.Client(base_url=f"{API}/api", headers={"Authorization": f"Bearer {TOKEN}"})


def create(deployment: str, **inputs: str) -> str:
    made = sdk.run.create(request={"deployment_id": deployment, "inputs": inputs})
    return str(made.object.run_id)


def successful(run_id: str) -> None:
    for _ in range(300):
        status = http.get(f"/status/{run_id}").json()
        if status["status"] in {"success", "failed"}:
            assert status["status"] == "success", status
            return
        time.sleep(0.1)
    raise TimeoutError(run_id)


def run_and_poll() -> None:
    successful(create(DEPLOYMENT, colour="17"))


def upload() -> None:
    found = sdk.files.get_upload_url(type_="image/png", file_size=str(len(PICTURE))).object
    put = httpx.put(found.upload_url, content=PICTURE, headers={"Content-Type": "image/png"})
    put.raise_for_status()
    successful(create(PICTURES, picture=found.download_url))


def get() -> None:
    run_id = create(DEPLOYMENT, colour="18")
    successful(run_id)
    assert sdk.run.get(run_id=run_id).object.status == "success"


def version() -> None:
    sdk.comfyui.get_workflow_version_version_id_(version_id=VERSION)


def definition() -> None:
    sdk.deployment.get_input_definition(id=DEPLOYMENT)


def workflows() -> None:
    sdk.workflows.get_all(page="1", page_size="5")


FLOWS: dict[str, Callable[[], None]] = {
    "`run.create`, then poll `GET /api/status/{run_id}`": run_and_poll,
    "`files.get_upload_url`, `PUT`, `run.create` with its address": upload,
    "`run.get`": get,
    "`comfyui.get_workflow_version_version_id_`": version,
    "`deployment.get_input_definition`": definition,
    "`workflows.get_all`": workflows,
}


def failure(flow: Callable[[], None]) -> str:
    try:
        flow()
    except Exception as error:  # noqa: BLE001 -- whatever the package raises is what came of it
        return repr(error)
    return ""


results = [{"client": PACKAGE, "what": what, "failure": failure(f)} for what, f in FLOWS.items()]
sys.stdout.write(json.dumps(results))
