"""The OpenAPI 3.1 document of one deployment: run it, read the run, follow it."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from app.api.v1.deployments.input_schemas import Models, inputs_schema, needed, sample_inputs
from events.deployment import DeploymentPromoted
from events.graph.externals.classes import InputKind
from events.machine.snapshot import MachineSnapshot

Json = dict[str, Any]

_SCHEMA = "#/components/schemas/"
_RUNS = "/v1/runs"
_READING = ("/v1/runs/{run_id}", "/v1/runs/{run_id}/events")
_FOLDERS: Mapping[InputKind, str] = {
    InputKind.CHECKPOINT: "checkpoints",
    InputKind.LORA: "loras",
}
"""Where a machine keeps what an input of a kind may name."""


def deployment_document(
    api: Json,
    promoted: DeploymentPromoted,
    *,
    snapshot: MachineSnapshot | None,
    classes: Collection[str],
) -> Json:
    """Cut out of the whole *api* what it takes to run a deployment, with its own inputs.

    *snapshot* is of the machine that the deployment runs on; it lists the models there. *classes*
    are those of the nodes it has, of which some download models.
    """
    models = _models(promoted, snapshot, classes)
    paths = {path: {"get": api["paths"][path]["get"]} for path in _READING}
    create = {
        **api["paths"][_RUNS]["post"],
        "summary": f"Run {promoted.workflow_name}",
        "requestBody": _request_body(promoted, models),
    }
    paths = {_RUNS: {"post": create}, **paths}
    own = {
        "RunRequest": _run_request(promoted, models),
        "Inputs": inputs_schema(promoted.inputs, models),
    }
    components = api["components"]
    return {
        "openapi": api["openapi"],
        "info": {
            "title": f"{promoted.workflow_name} ({promoted.environment})",
            "version": str(promoted.version),
            "description": f"Version {promoted.version} of {promoted.workflow_name}, "
            f"as {promoted.environment} runs it.",
        },
        "servers": api["servers"],
        "paths": paths,
        "components": {**components, "schemas": _needed(paths, components["schemas"] | own)},
    }


def _models(
    promoted: DeploymentPromoted, snapshot: MachineSnapshot | None, classes: Collection[str]
) -> Models:
    if snapshot is None or snapshot.models_omitted:
        # A list with gaps would forbid what the machine has.
        return Models()
    found = snapshot.models
    return Models(
        names={kind: found[folder] for kind, folder in _FOLDERS.items() if folder in found},
        downloaded=frozenset(f.kind for f in promoted.inputs if f.class_type in classes),
    )


def _request_body(promoted: DeploymentPromoted, models: Models) -> Json:
    example = {
        "deployment_id": str(promoted.deployment_id),
        "inputs": sample_inputs(promoted.inputs, models),
    }
    schema = {"$ref": f"{_SCHEMA}RunRequest"}
    return {
        "required": True,
        "content": {"application/json": {"schema": schema, "example": example}},
    }


def _run_request(promoted: DeploymentPromoted, models: Models) -> Json:
    needs_inputs = bool(needed(promoted.inputs, models))
    return {
        "title": "RunRequest",
        "type": "object",
        "properties": {
            "deployment_id": {"type": "string", "const": str(promoted.deployment_id)},
            "inputs": {"$ref": f"{_SCHEMA}Inputs"},
        },
        "required": ["deployment_id", "inputs"] if needs_inputs else ["deployment_id"],
        "additionalProperties": False,
    }


def _needed(paths: Json, schemas: Json) -> Json:
    """Keep the schemas that the paths lead to."""
    found: set[str] = set()
    waiting = list(_references(paths))
    while waiting:
        # What looks like a reference may also stand in an example.
        if (name := waiting.pop()) in schemas.keys() - found:
            found.add(name)
            waiting += _references(schemas[name])
    return {name: schema for name, schema in schemas.items() if name in found}


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(target := value.get("$ref"), str):
            yield target.removeprefix(_SCHEMA)
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)
