"""The document of one deployment: its own inputs, whole, and valid OpenAPI 3.1."""

from typing import Any

import jsonschema_rs
import schemathesis.openapi
from msgspec.structs import replace

from app.api.v1.deployments.openapi import deployment_document
from events.deployment import DeploymentPromoted
from events.graph.externals.classes import InputKind
from events.graph.inputs import InputField
from events.machine.snapshot import MachineSnapshot
from tests.builders.facts import MACHINE_ID, NOW, OTHER_ID
from tests.golden.examples import EXAMPLES
from tests.observe.described import described

Json = dict[str, Any]
PROMPT = InputField(
    name="prompt", kind=InputKind.TEXT, class_type="ComfyUIDeployExternalText", required=True
)
MODEL = InputField(
    name="model",
    kind=InputKind.CHECKPOINT,
    class_type="ComfyUIDeployExternalCheckpoint",
    required=False,
    default="a.safetensors",
)
SNAPSHOT: MachineSnapshot = replace(
    EXAMPLES["machine.observed.v1"].snapshot,  # type: ignore[attr-defined]  # examples are of any class
    models_omitted=0,
)


def document(
    *fields: InputField,
    snapshot: MachineSnapshot | None = None,
    classes: frozenset[str] = frozenset(),
) -> Json:
    promoted = DeploymentPromoted(
        deployment_id=OTHER_ID,
        workflow_id=OTHER_ID,
        workflow_name="cats",
        environment="staging",
        user_id="ada",
        org_id=None,
        version_id=OTHER_ID,
        version=4,
        graph_key="workflows/a.json",
        ui_graph_key=None,
        inputs=fields,
        machine_id=MACHINE_ID,
        by="user:ada",
        at=NOW,
    )
    return deployment_document(described(), promoted, snapshot=snapshot, classes=classes)


def test_the_document_is_valid_and_says_what_runs() -> None:
    found = document(PROMPT, MODEL)

    schemathesis.openapi.from_dict(found).validate()
    assert found["openapi"].startswith("3.1.")
    assert (found["info"]["title"], found["info"]["version"]) == ("cats (staging)", "4")
    assert {(path, method) for path, item in found["paths"].items() for method in item} == {
        ("/v1/runs", "post"),
        ("/v1/runs/{run_id}", "get"),
        ("/v1/runs/{run_id}/events", "get"),
    }


def test_the_request_is_of_this_deployment_and_its_example_fits() -> None:
    found = document(PROMPT, MODEL)
    schemas = found["components"]["schemas"]
    [content] = found["paths"]["/v1/runs"]["post"]["requestBody"]["content"].values()

    validator = jsonschema_rs.Draft202012Validator(
        content["schema"] | {"components": found["components"]}
    )
    example = content["example"]
    assert example["deployment_id"] == str(OTHER_ID)
    assert example["inputs"].keys() == {"prompt", "model"}
    assert validator.is_valid(example)
    assert not validator.is_valid(example | {"deployment_id": str(MACHINE_ID)})
    assert not validator.is_valid({"deployment_id": str(OTHER_ID)})
    assert schemas["Inputs"]["required"] == ["prompt"]


def test_a_deployment_that_needs_no_input_needs_no_inputs() -> None:
    schema = document(MODEL)["components"]["schemas"]["RunRequest"]
    assert schema["required"] == ["deployment_id"]


def test_a_machine_with_the_plugin_takes_models_by_url() -> None:
    known = frozenset({MODEL.class_type})
    schemas = document(MODEL, snapshot=SNAPSHOT, classes=known)["components"]["schemas"]
    names, url = schemas["Inputs"]["properties"]["model"]["anyOf"]

    assert (names["enum"], url["title"]) == (["a.safetensors", "猫.ckpt"], "URL")


def test_models_are_options_only_where_all_of_them_are_known() -> None:
    def options(snapshot: MachineSnapshot | None) -> list[str] | None:
        schemas = document(MODEL, snapshot=snapshot)["components"]["schemas"]
        names: list[str] | None = schemas["Inputs"]["properties"]["model"].get("enum")
        return names

    assert options(SNAPSHOT) == ["a.safetensors", "猫.ckpt"]
    assert options(replace(SNAPSHOT, models_omitted=1)) is None
    assert options(None) is None


def test_schemas_are_those_that_the_paths_lead_to() -> None:
    schemas = document(PROMPT)["components"]["schemas"]
    assert {"RunRequest", "Inputs", "Run", "Output", "Problem", "Fault"} <= schemas.keys()
    assert not {"Machine", "Workflow", "CreateRunRequest"} & schemas.keys()


def test_an_input_may_be_called_like_a_keyword_of_the_format() -> None:
    strange = [replace(PROMPT, name=name) for name in ("$ref", "type", "required")]

    found = document(*strange)

    schemathesis.openapi.from_dict(found).validate()
    assert found["components"]["schemas"]["Inputs"]["properties"].keys() == {
        "$ref",
        "type",
        "required",
    }
