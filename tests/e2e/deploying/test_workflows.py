"""Workflows from outside: pushed in either format, counted without gaps, read and compared."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.builders.editor_graphs import Drawing, subgraph
from tests.e2e.graphs import MISSING, card, external, node
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Json, Tenant, client_of

SUB = "0b5a1e4e-0000-4000-8000-000000000001"
PACKS = {"pack": {"url": "https://example.com/pack", "commit": "0f"}, "other": "1.2"}


@pytest.fixture
def name() -> str:
    """Return a name that no other test uses."""
    return f"w {uuid4()}"


async def push(tenant: Tenant, name: str, **body: Any) -> Json:
    answer = await tenant.http.post("/v1/workflows", json={"name": name, **body})
    assert answer.status_code in (200, 201), answer.text
    return dict(answer.json()) | {"status": answer.status_code}


async def get(tenant: Tenant, path: str, **params: object) -> Json:
    answer = await tenant.http.get(path, params={k: str(v) for k, v in params.items()})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def coloured(colour: int) -> Json:
    return {**card(), "1": external("NumberInt", "colour", default_value=colour)}


async def observed_machine(tenant: Tenant) -> str:
    """Wait until the tenant's machine has told what it knows."""
    machine = await tenant.machine()

    async def look() -> bool:
        return bool((await get(tenant, f"/v1/machines/{machine}"))["snapshot"])

    await eventually(look)
    return machine


async def test_versions_are_pushed_found_again_and_read(ada: Tenant, name: str) -> None:
    first = await push(ada, name, graph=coloured(1), comment="one", custom_nodes=PACKS)
    second = await push(ada, name, graph=coloured(2), ui_graph={"nodes": []})
    again = await push(ada, name, graph=coloured(1), comment="another comment")

    assert [(v["status"], v["version"]) for v in (first, second, again)] == [
        (201, 1),
        (201, 2),
        (200, 1),
    ]
    assert again == first | {"status": 200}
    assert (first["author"], first["source"]) == ("ada", "api")
    path = f"/v1/workflows/{first['workflow_id']}"
    detail = await get(ada, f"{path}/versions/1")
    assert detail == {k: v for k, v in first.items() if k not in {"status", "warnings"}} | {
        "graph": coloured(1),
        "ui_graph": None,
        "custom_nodes": PACKS,
    }
    assert (await get(ada, f"{path}/versions/2"))["ui_graph"] == {"nodes": []}


async def test_a_wrapper_is_taken_off_and_problems_point_into_it(ada: Tenant, name: str) -> None:
    graph = coloured(3)
    drawn: Json = {"nodes": [], "links": []}
    wrapped = {"prompt": graph, "extra_data": {"extra_pnginfo": {"workflow": drawn}}}

    pushed = await push(ada, name, graph=wrapped)
    path = f"/v1/workflows/{pushed['workflow_id']}/versions/1"
    read = await get(ada, path)
    broken = {"name": name, "graph": {"input": {"workflow": {"1": {"class_type": "Any"}}}}}
    refused = await ada.http.post("/v1/workflows", json=broken)
    as_text = {"name": name, "graph": {"input": {"workflow": '{"1": {"class_type": NaN'}}}
    no_json = await ada.http.post("/v1/workflows", json=as_text)

    assert (read["graph"], read["ui_graph"], read["source"]) == (graph, drawn, "api")
    assert [(e["code"], e["pointer"]) for e in refused.json()["errors"]] == [
        ("node_without_inputs", "/graph/input/workflow/1/inputs")
    ]
    assert [(e["code"], e["pointer"]) for e in no_json.json()["errors"]] == [
        ("json_malformed", "/graph/input/workflow")
    ]


async def test_a_workflow_shows_its_latest_versions_and_lists_all(ada: Tenant, name: str) -> None:
    pushed = [await push(ada, name, graph=coloured(n)) for n in range(1, 24)]
    path = f"/v1/workflows/{pushed[0]['workflow_id']}"

    workflow = await get(ada, path)
    page = await get(ada, f"{path}/versions", limit=20)
    rest = await get(ada, f"{path}/versions", limit=20, cursor=page["next_cursor"])

    assert [v["version"] for v in workflow["versions"]] == [*range(23, 3, -1)]
    assert (workflow["version_count"], workflow["latest"]["version"]) == (23, 23)
    assert [v["version"] for v in (page["data"] + rest["data"])] == [*range(23, 0, -1)]
    assert (page["has_more"], rest["has_more"], rest["next_cursor"]) == (True, False, None)


async def test_a_workflow_is_found_by_its_name(ada: Tenant, bob: Tenant, name: str) -> None:
    pushed = await push(ada, name, graph=card())

    async def look() -> list[Json]:
        return list((await get(ada, "/v1/workflows", name=name))["data"])

    (found,) = await eventually(look)

    assert (found["id"], found["version_count"]) == (pushed["workflow_id"], 1)
    assert found["latest"]["version_id"] == pushed["version_id"]
    assert "versions" not in found
    assert (await get(bob, "/v1/workflows", name=name))["data"] == []
    assert (await ada.http.get("/v1/workflows?name=%00")).status_code == 400


async def test_inputs_that_comfyd_does_not_know_are_named_at_the_push(ada: Tenant) -> None:
    graph = card() | {
        "8": node("ComfyUIDeployExternalSlider", input_id="style", default_value="a"),
        "9": node("SomeForksInput", input_id="more"),
    }
    body = {"name": f"w {uuid4()}", "graph": graph}

    for status in (201, 200):
        answer = await ada.http.post("/v1/workflows", json=body)
        pushed = answer.json()
        assert answer.status_code == status
        assert [(w["code"], w["pointer"]) for w in pushed["warnings"]] == [
            ("external_unknown", "/8"),
            ("external_unknown", "/9"),
        ]
        assert "ComfyUIDeployExternalSlider" in pushed["warnings"][0]["detail"]
        assert "style" not in [field["name"] for field in pushed["inputs"]]
    plain = {"name": f"w {uuid4()}", "graph": card()}
    assert (await ada.http.post("/v1/workflows", json=plain)).json()["warnings"] == []


async def test_versions_are_compared_inputs_first(ada: Tenant, name: str) -> None:
    before = await push(ada, name, graph=coloured(1))
    larger = {
        **coloured(2),
        "2": node("EmptyImage", width=32, height=8, batch_size=1, color=["1", 0]),
    }
    await push(ada, name, graph=larger)
    await push(ada, name, graph=larger, ui_graph={"nodes": []})
    path = f"/v1/workflows/{before['workflow_id']}/diff"

    found = await get(ada, path, **{"from": 1, "to": 2})

    assert (found["from"], found["to"], found["identical"]) == (1, 2, False)
    assert found["inputs"]["changed"] == [
        {"name": "colour", "field": "default", "before": 1, "after": 2}
    ]
    assert [
        (c["node_id"], c["input"], c["before"], c["after"]) for c in found["nodes"]["changed"]
    ] == [
        ("1", "default_value", 1, 2),
        ("2", "width", 16, 32),
    ]
    assert (await get(ada, path, **{"from": 2, "to": 3}))["identical"] is True


async def test_what_is_not_there_or_belongs_to_others_is_not_found(
    ada: Tenant, bob: Tenant, name: str
) -> None:
    workflow = f"/v1/workflows/{(await push(ada, name, graph=card()))['workflow_id']}"

    for tenant, path in (
        (ada, f"{workflow}/versions/2"),
        (ada, f"{workflow}/versions/0"),
        (ada, f"{workflow}/diff?from=1&to=2"),
        (ada, f"/v1/workflows/{MISSING}/versions"),
        (bob, workflow),
        (bob, f"{workflow}/versions"),
        (bob, f"{workflow}/versions/1"),
        (bob, f"{workflow}/diff?from=1&to=1"),
    ):
        answer = await tenant.http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path


async def test_fifty_different_graphs_at_once_are_fifty_versions(ada: Tenant, name: str) -> None:
    pushed = await asyncio.gather(*(push(ada, name, graph=coloured(n)) for n in range(50)))

    assert sorted(v["version"] for v in pushed) == [*range(1, 51)]
    assert {v["status"] for v in pushed} == {201}


async def test_the_same_graph_fifty_times_at_once_is_one_version(ada: Tenant, name: str) -> None:
    pushed = await asyncio.gather(*(push(ada, name, graph=card()) for _ in range(50)))

    assert {v["version"] for v in pushed} == {1}
    assert sorted(v["status"] for v in pushed) == [200] * 49 + [201]


def drawn_card() -> Drawing:
    """Draw the card as the editor saves it, its colour behind a reroute."""
    infos: dict[str, Json] = {}
    return (
        Drawing(infos)
        .node(
            1,
            "ComfyUIDeployExternalNumberInt",
            values=["colour", 255, "Colour", ""],
            sockets=[],
            outputs=["INT"],
        )
        .node(8, "Reroute", sockets=[("", "*")], wires={"": (1, 0)}, outputs=["INT"])
        .node(
            2,
            "EmptyImage",
            values=[16, 8, 1, 0],
            sockets=[("color", "INT")],
            wires={"color": (8, 0)},
            outputs=["IMAGE"],
        )
        .node(
            3, "SaveImage", values=["card"], sockets=[("images", "IMAGE")], wires={"images": (2, 0)}
        )
        .node(9, "Note", values=["read me"])
    )


async def test_a_graph_of_the_editor_is_converted_and_runs(ada: Tenant, name: str) -> None:
    machine = await observed_machine(ada)
    saved = drawn_card().saved()

    pushed = await push(ada, name, ui_graph=saved, machine_id=machine)
    again = await push(ada, name, ui_graph=saved, machine_id=machine)

    assert (pushed["status"], pushed["source"], again["status"]) == (201, "ui", 200)
    (field,) = pushed["inputs"]
    assert (field["name"], field["default"], field["display_name"]) == ("colour", 255, "Colour")
    path = f"/v1/workflows/{pushed['workflow_id']}"
    detail = await get(ada, f"{path}/versions/1")
    assert detail["ui_graph"] == saved
    assert detail["graph"]["2"]["inputs"] == {
        "width": 16,
        "height": 8,
        "batch_size": 1,
        "color": ["1", 0],
    }
    body = {"version": 1, "machine_id": machine}
    promoted = await ada.http.put(f"{path}/deployments/production", json=body)
    run = await ada.run(promoted.json()["id"], {"colour": 7})
    assert (run["status"], len(run["outputs"])) == ("success", 1)


async def test_a_subgraph_runs_under_the_ids_that_the_editor_would_give(
    ada: Tenant, name: str
) -> None:
    machine = await observed_machine(ada)
    inside = Drawing({}).node(
        5, "EmptyImage", values=[8, 8, 1, 0], sockets=[("width", "INT")], wires={"width": (-10, 0)}
    )
    inside.links.append([9, 5, 0, -20, 0, "IMAGE"])
    definition = subgraph(inside, SUB, inputs=[("width", "INT")])
    saved = (
        Drawing({})
        .node(12, SUB, sockets=[("width", "INT")], values=[64], outputs=["IMAGE"])
        .node(
            3, "SaveImage", values=["s"], sockets=[("images", "IMAGE")], wires={"images": (12, 0)}
        )
        .saved(definitions={"subgraphs": [definition]})
    )

    pushed = await push(ada, name, ui_graph=saved, machine_id=machine)

    graph = (await get(ada, f"/v1/workflows/{pushed['workflow_id']}/versions/1"))["graph"]
    assert graph["12:5"]["inputs"]["width"] == 64
    body = {"version": 1, "machine_id": machine}
    path = f"/v1/workflows/{pushed['workflow_id']}/deployments/production"
    run = await ada.run((await ada.http.put(path, json=body)).json()["id"])
    assert (run["status"], run["outputs"][0]["width"]) == ("success", 64)


async def refusal(tenant: Tenant, **body: Any) -> tuple[int, str, list[tuple[str, str]]]:
    answer = await tenant.http.post("/v1/workflows", json={"name": "refused", **body})
    told = answer.json()
    errors = [(error["code"], error["pointer"]) for error in told.get("errors", [])]
    return answer.status_code, told["code"], errors


async def test_what_cannot_be_converted_is_told_node_by_node(ada: Tenant) -> None:
    machine = await observed_machine(ada)
    saved = (
        Drawing({})
        .node(1, "NoSuchNode")
        .node(2, "EmptyImage", values=["wide", 8, 1, 0], outputs=["IMAGE"])
        .node(3, "ComfyUIDeployExternalText", values=[""])
        .saved()
    )

    assert await refusal(ada, ui_graph=saved, machine_id=machine) == (
        422,
        "invalid_graph",
        [("node_unknown", "/ui_graph/nodes/0"), ("ui_widget_misfit", "/ui_graph/nodes/1")],
    )
    saved["nodes"] = saved["nodes"][2:]
    assert await refusal(ada, ui_graph=saved, machine_id=machine) == (
        422,
        "invalid_graph",
        [("input_id_missing", "/ui_graph/nodes/0")],
    )
    assert await refusal(ada, ui_graph=card(), machine_id=machine) == (
        422,
        "invalid_graph",
        [("ui_graph_malformed", "/ui_graph")],
    )
    assert await refusal(ada, ui_graph=saved, machine_id=MISSING) == (404, "not_found", [])
    assert await refusal(ada) == (400, "invalid_request", [("graph_needed", "/graph")])


async def test_nobody_converts_with_what_a_strangers_machine_knows(
    ada: Tenant, bob: Tenant
) -> None:
    theirs = await observed_machine(bob)

    told = await refusal(ada, ui_graph=drawn_card().saved(), machine_id=theirs)

    assert told == (404, "not_found", [])


async def test_without_a_machine_that_was_seen_nothing_is_guessed(system: System) -> None:
    saved = drawn_card().saved()

    async with client_of(system, "who-has-one-unseen-machine") as http:
        tenant = Tenant(http, system.machine_url)
        unseen = await tenant.machine("http://127.0.0.1:9")
        answers = [
            await refusal(tenant, ui_graph=saved, **body) for body in ({}, {"machine_id": unseen})
        ]

    assert answers == [(409, "machine_unobserved", [])] * 2
