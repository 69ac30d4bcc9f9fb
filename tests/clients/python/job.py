"""A job by the generated client: push, promote, run, poll to the end, list."""

import json
import os
import sys
import time
from typing import TypeVar

from comfyd_client import AuthenticatedClient
from comfyd_client.api.deployments import promote_version
from comfyd_client.api.machines import register_machine
from comfyd_client.api.runs import create_run, get_run, list_runs
from comfyd_client.api.workflows import push_version
from comfyd_client.models import (
    CreateRunRequest,
    CreateRunRequestInputs,
    Deployment,
    Machine,
    Problem,
    PromoteRequest,
    PromoteVersionEnvironmentName,
    PushedVersion,
    PushVersionRequest,
    RegisterMachineRequest,
    Run,
    RunList,
)

T = TypeVar("T")

GRAPH = {
    "1": {
        "class_type": "ComfyUIDeployExternalNumberInt",
        "inputs": {"input_id": "colour", "default_value": 255},
    },
    "2": {
        "class_type": "EmptyImage",
        "inputs": {"width": 16, "height": 8, "batch_size": 1, "color": ["1", 0]},
    },
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "python"}},
}

client = AuthenticatedClient(base_url=os.environ["COMFYD_URL"], token=os.environ["COMFYD_KEY"])


def ok(answer: object, kind: type[T]) -> T:
    """Return the answer if it is what was asked for; a problem is an error."""
    if not isinstance(answer, kind):
        raise TypeError(answer)
    return answer


def ended(run: Run) -> Run:
    """Poll until the run has ended."""
    while not run.ended_at:
        time.sleep(0.05)
        run = ok(get_run.sync(run.id, client=client), Run)
    return run


def order(deployment: Deployment, **inputs: int) -> CreateRunRequest:
    """Ask for a run."""
    sent = CreateRunRequestInputs.from_dict(inputs)
    return CreateRunRequest(deployment_id=deployment.id, inputs=sent)


machine = ok(
    register_machine.sync(
        client=client, body=RegisterMachineRequest(name="python", url=os.environ["MACHINE_URL"])
    ),
    Machine,
)
version = ok(
    push_version.sync(
        client=client, body=PushVersionRequest.from_dict({"name": "python", "graph": GRAPH})
    ),
    PushedVersion,
)
deployment = ok(
    promote_version.sync(
        version.workflow_id,
        PromoteVersionEnvironmentName.PRODUCTION,
        client=client,
        body=PromoteRequest(version=version.version, machine_id=machine.id),
    ),
    Deployment,
)
created = ok(create_run.sync(client=client, body=order(deployment, colour=1)), Run)
run = ended(created)
refused = ok(create_run.sync(client=client, body=order(deployment, size=1)), Problem)

sys.stdout.write(
    json.dumps(
        {
            "status": run.status,
            "files": [output.filename for output in run.outputs],
            "listed": [str(r.id) for r in ok(list_runs.sync(client=client, limit=1), RunList).data],
            "run": str(run.id),
            "refused": refused.code,
        }
    )
)
