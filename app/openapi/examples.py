"""Examples of requests: by operation, a title and a body that works.

Workflow, deployment and machine are those of `comfyd up` (app/cli/local/samples.py): its owner may
send each as it is. tests/e2e/openapi/test_openapi_examples.py puts its own in their place, and
sends each.
A field that ends with `_id` (or is called like a list of ids) is an id.
"""

from collections.abc import Mapping
from typing import Any

WORKFLOW = "e5fff3b4-79f0-5509-a000-d79216d71f84"
RUN = "01a20abc-e6ba-7e2c-8b53-72575845edbb"
DEPLOYMENT = "0ce0db50-ae22-56f3-b91a-b072720a9226"
MACHINE = "130b32a3-c679-50f1-be11-490ac4bf1fd2"

GRAPH = {
    "1": {
        "class_type": "ComfyUIDeployExternalNumberInt",
        "inputs": {"input_id": "colour", "default_value": 255, "description": "0xRRGGBB"},
    },
    "2": {
        "class_type": "EmptyImage",
        "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": ["1", 0]},
    },
    "3": {
        "class_type": "SaveImage",
        "inputs": {"images": ["2", 0], "filename_prefix": "card"},
    },
}

WIDER = {
    "class_type": "EmptyImage",
    "inputs": {"width": 128, "height": 64, "batch_size": 1, "color": ["1", 0]},
}

BODIES: Mapping[str, Mapping[str, Any]] = {
    "registerMachine": {
        "A ComfyUI in your network": {"name": "gpu-1", "url": "http://192.168.1.20:8188"},
    },
    "updateMachine": {
        "Behind a proxy that wants a token": {
            "name": "gpu-1 (rack 2)",
            "token": "s3cret-of-the-proxy",
        },
    },
    "pushVersion": {
        "A card of one colour": {
            "name": "card",
            "graph": GRAPH,
            "comment": "The colour is an input",
        },
        "A wider card, as the next version": {
            "name": "card",
            "graph": GRAPH | {"2": WIDER},
            "comment": "128 wide",
        },
    },
    "promoteVersion": {
        "Version 1 on a machine": {"version": 1, "machine_id": MACHINE},
        "Version 2 on the same machine": {"version": 2, "comment": "The wider card"},
    },
    "createEditLink": {
        "In the page of a machine": {"machine_id": MACHINE},
    },
    "rollBackDeployment": {
        "To the version before": {"comment": "Too wide after all"},
        "To a version by its number": {"version": 2},
    },
    "createRun": {
        "With an input": {"deployment_id": DEPLOYMENT, "inputs": {"colour": 16711680}},
        "All defaults": {"deployment_id": DEPLOYMENT},
    },
    "createClassicRun": {
        "As comfyui-deploy": {"deployment_id": DEPLOYMENT, "inputs": {"colour": 65280}},
    },
    "cleanUpClassicRun": {
        "At once": {"run_id": RUN, "delay_seconds": 0},
    },
    "presignClassicUpload": {
        "A JPEG": {"fileType": "image/jpeg"},
    },
    "createClassicRunOfWorkflow": {
        "By the workflow, as the Figma plugin": {
            "workflow_id": WORKFLOW,
            "inputs": {"colour": 65280},
        },
    },
    "uploadClassicWorkflow": {
        "As the plugin in ComfyUI": {
            "workflow_name": "card",
            "workflow_api": GRAPH,
            "snapshot": {"comfyui": None, "git_custom_nodes": {}, "file_custom_nodes": []},
        },
    },
    "uploadClassicWorkflowAsBefore": {
        "As old plugins": {"workflow_name": "card", "workflow_api": GRAPH},
    },
    "createClassicVersion": {
        "The next version": {"workflow_api": GRAPH, "comment": "The colour is an input"},
    },
    "createBatch": {
        "Three colours": {
            "deployment_id": DEPLOYMENT,
            "inputs": [{"colour": 16711680}, {"colour": 65280}, {"colour": 255}],
        },
    },
    "createRunTicket": {
        "For ten minutes": {},
        "For a minute": {"seconds": 60},
    },
    "createBatchTicket": {
        "For an hour": {"seconds": 3600},
    },
    "createEventsTicket": {
        "For all that you see": {},
        "For one deployment, for an hour": {"seconds": 3600, "deployment_ids": [DEPLOYMENT]},
    },
    "rerunRun": {
        "With another colour": {"inputs": {"colour": 255}},
    },
    "rerunRuns": {
        "All of one deployment, with its present version": {
            "filter": {"deployment_id": DEPLOYMENT},
            "limit": 10,
            "version": "current",
        },
    },
    "assignAlias": {
        "A deployment by its id at comfyui-deploy": {
            "kind": "deployment",
            "foreign_id": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
            "target_id": DEPLOYMENT,
        },
    },
    "createKey": {
        "For a shop that runs one deployment": {
            "name": "shop",
            "scopes": ["runs:write", "runs:read"],
            "deployments": [DEPLOYMENT],
            "expires_at": "2036-01-01T00:00:00Z",
        },
        "For a pipeline that deploys": {"name": "pipeline", "scopes": ["deploy"]},
    },
    "revokeToken": {
        "By its jti": {"jti": "9b2f8c0e5d7a4e1b"},
    },
    "createOrganisation": {
        "A studio": {"name": "Lighthouse Studio"},
    },
    "setOrganisationMember": {
        "Somebody who may look": {"role": "viewer"},
    },
}
