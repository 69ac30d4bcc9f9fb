"""The document of a deployment: valid, nobody else's, and its example really runs."""

import pytest
import schemathesis.openapi

from tests.e2e.graphs import card, external, load, node, show
from tests.e2e.tenant import Json, Tenant

EVERY_KIND = {
    "1": external("Text", "prompt", description="What to paint"),
    "2": external("Number", "scale"),
    "3": external("NumberInt", "width"),
    "4": external("NumberSlider", "strength", min_value=0.25, max_value=0.75),
    "5": external("Boolean", "upscale"),
    "6": external("Checkpoint", "model"),
    "7": external("Lora", "style"),
    "8": external("Image", "picture"),
    "9": external("ImageAlpha", "mask"),
    "10": external("NumberInt", "colour", default_value=255),
    **{str(10 + n): node("PreviewAny", source=[str(n), 0]) for n in (1, 2, 4, 5, 6, 7)},
    "20": node("EmptyImage", width=["3", 0], height=8, batch_size=1, color=["10", 0]),
    "21": node("SaveImage", images=["20", 0], filename_prefix="card"),
    "22": node("SaveImage", images=["8", 0], filename_prefix="picture"),
    "23": node("SaveImage", images=["9", 0], filename_prefix="mask"),
}


async def test_the_document_of_a_deployment_has_an_example_that_runs(
    ada: Tenant, bob: Tenant
) -> None:
    deployment = await ada.deploy(EVERY_KIND, name="every kind")
    address = f"/v1/deployments/{deployment}/openapi.json"

    document = (await ada.http.get(address)).json()
    [path] = [path for path, item in document["paths"].items() if "post" in item]
    [content] = document["paths"][path]["post"]["requestBody"]["content"].values()
    url = document["servers"][0]["url"].rstrip("/") + path
    answer = await ada.http.post(url, json=content["example"], headers={"Prefer": "wait=30"})

    schemathesis.openapi.from_dict(document).validate()
    inputs = document["components"]["schemas"]["Inputs"]
    assert len(inputs["required"]) == len(content["example"]["inputs"]) - 1
    assert inputs["properties"]["prompt"]["description"] == "What to paint"
    assert inputs["properties"]["strength"]["maximum"] == 0.75
    assert inputs["properties"]["colour"]["default"] == 255
    assert (answer.status_code, answer.json()["status"]) == (200, "success"), answer.text
    assert len(answer.json()["outputs"]) == 9
    assert (await bob.http.get(address)).status_code == 404


@pytest.mark.parametrize(
    "graph", [card(), load(), show("Text"), show("Boolean", default_value=False)]
)
async def test_the_example_of_any_workflow_runs(ada: Tenant, graph: Json) -> None:
    deployment = await ada.deploy(graph)

    document = (await ada.http.get(f"/v1/deployments/{deployment}/openapi.json")).json()
    [content] = document["paths"]["/v1/runs"]["post"]["requestBody"]["content"].values()
    run = await ada.run(deployment, content["example"]["inputs"])

    assert content["example"]["deployment_id"] == deployment
    assert run["status"] == "success"
