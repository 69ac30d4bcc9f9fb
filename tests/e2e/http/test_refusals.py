"""Bad input of every kind: a clear error each, and nothing left behind."""

from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import pytest
from PIL import Image

from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from infra.jetstream.log.reader import head
from tests.builders.pictures import saved
from tests.e2e.graphs import MISSING, card, external, load, node, show
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Json, Tenant, client_of


async def _traces(nats: Client) -> tuple[int, int]:
    inputs = await api(nats, "STREAM.INFO.INPUTS", {}, within=5)
    return await head(nats), int(inputs["state"]["last_seq"])


@pytest.fixture
async def nothing_recorded(ada: Tenant, nats: Client) -> AsyncIterator[None]:
    """Check that a test leaves nothing in the log or beside it."""
    for graph in (card(), load(), show("NumberInt"), show("Boolean", default_value=True)):
        await ada.deploy(graph)
    before = await _traces(nats)
    yield
    assert await _traces(nats) == before


def _uri(data: bytes) -> str:
    return f"data:image/png;base64,{b64encode(data).decode()}"


def _bomb() -> bytes:
    """Build a small file that unpacks to 20,000 by 20,000 pixels."""
    return saved("PNG", Image.new("1", (20_000, 20_000)))


BAD_INPUTS: list[tuple[Json, Json, str]] = [
    (card(), {"colour": 1, "size": 3}, "input_unknown"),
    (card(), {"colour": "red"}, "input_not_integer"),
    (card(), {"colour": [1]}, "input_not_integer"),
    (show("NumberInt"), {}, "input_required"),
    (show("Boolean", default_value=True), {"value": "perhaps"}, "input_not_boolean"),
    (load(), {"picture": _uri(b"<html>this is no image</html>")}, "not_an_image"),
    (load(), {"picture": _uri(saved("BMP"))}, "image_type_not_supported"),
    (load(), {"picture": _uri(saved("PNG")[:200])}, "image_truncated"),
    (load(), {"picture": _uri(_bomb())}, "image_too_many_pixels"),
    (load(), {"picture": "data:image/png;base64,@@@"}, "input_bad_base64"),
    (load(), {"picture": "/etc/passwd"}, "input_not_image"),
    (load(), {"picture": "file:///etc/passwd"}, "input_not_image"),
    (load(), {"picture": "http://127.0.0.1:8188/view"}, "url_private_address"),
    (load(), {"picture": "http://localhost/x.png"}, "url_private_address"),
    (load(), {"picture": "http://[::1]/x.png"}, "url_private_address"),
    (load(), {"picture": "http://169.254.169.254/latest"}, "url_private_address"),
    (load(), {"picture": "http://2130706433/x.png"}, "url_private_address"),
]


@pytest.mark.usefixtures("nothing_recorded")
@pytest.mark.parametrize(("graph", "inputs", "code"), BAD_INPUTS, ids=lambda v: str(v)[:40])
async def test_inputs_that_do_not_fit_are_refused(
    ada: Tenant, graph: Json, inputs: Json, code: str
) -> None:
    deployment = await ada.deploy(graph)
    name = [*inputs, "value"][-1 if code == "input_required" else len(inputs) - 1]

    native = await ada.create(deployment, inputs)
    classic = await ada.http.post("/api/run", json={"deployment_id": deployment, "inputs": inputs})

    [problem] = native.json()["errors"]
    assert (native.status_code, native.json()["code"]) == (422, "invalid_inputs")
    assert (problem["code"], problem["pointer"]) == (code, f"/inputs/{name}")
    assert classic.status_code == 400
    assert classic.json()["error"]["issues"][0]["code"] == code


BAD_GRAPHS: list[tuple[Json, str]] = [
    ({}, "graph_empty"),
    ({"nodes": [], "links": []}, "graph_ui_format"),
    (
        {
            "1": node("ImageInvert", image=["2", 0]),
            "2": node("ImageInvert", image=["1", 0]),
            "3": node("SaveImage", images=["2", 0], filename_prefix="x"),
        },
        "graph_cycle",
    ),
    ({"1": node("SaveImage", images=["9", 0], filename_prefix="x")}, "link_broken"),
    ({"1": {"inputs": {}}}, "node_without_class"),
    ({"1": external("Text", "")}, "input_id_missing"),
]


@pytest.mark.usefixtures("nothing_recorded")
@pytest.mark.parametrize(("graph", "code"), BAD_GRAPHS, ids=lambda v: str(v)[:30])
async def test_a_graph_that_nobody_could_run_is_refused(
    ada: Tenant, graph: Json, code: str
) -> None:
    answer = await ada.http.post("/v1/workflows", json={"name": "bad", "graph": graph})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_graph")
    assert code in {problem["code"] for problem in answer.json()["errors"]}
    assert all(p["pointer"].startswith("/graph") for p in answer.json()["errors"])


@pytest.mark.usefixtures("nothing_recorded")
@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/runs", b"{broken", 400, "malformed_json"),
        ("/v1/runs", b"\xff\xfe", 400, "malformed_json"),
        ("/v1/runs", b"", 400, "invalid_request"),
        ("/v1/runs", b"[]", 400, "invalid_request"),
        ("/v1/runs", b"{}", 400, "invalid_request"),
        ("/v1/runs", b'{"deployment_id": 7}', 400, "invalid_request"),
        ("/v1/runs", b'{"deployment_id": "seven"}', 400, "invalid_request"),
        ("/v1/runs", f'{{"deployment_id": "{MISSING}", "x": 1}}'.encode(), 400, "invalid_request"),
        ("/v1/runs", f'{{"deployment_id": "{MISSING}"}}'.encode(), 404, "not_found"),
        ("/v1/machines", b'{"name": "m", "url": "ftp://m"}', 400, "invalid_request"),
        ("/v1/machines", b'{"name": "", "url": "http://m"}', 400, "invalid_request"),
    ],
)
async def test_a_body_that_is_not_as_it_should_be_is_refused(
    ada: Tenant, path: str, body: bytes, status: int, code: str
) -> None:
    headers = {"Content-Type": "application/json"}

    answer = await ada.http.post(path, content=body, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.usefixtures("nothing_recorded")
async def test_the_classic_dialect_refuses_broken_json_in_its_own_words(ada: Tenant) -> None:
    headers = {"Content-Type": "application/json"}

    answer = await ada.http.post("/api/run", content=b"{broken", headers=headers)

    told = {"success": False, "message": "Malformed JSON in request body"}
    assert (answer.status_code, answer.json()) == (400, told)


@pytest.mark.usefixtures("nothing_recorded")
@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"limit": "0"}, "field_too_small"),
        ({"limit": "many"}, "field_type"),
        ({"cursor": "x"}, "bad_cursor"),
        ({"status": "nearly"}, "field_option"),
    ],
)
async def test_a_list_is_not_given_for_questions_without_sense(
    ada: Tenant, params: dict[str, str], code: str
) -> None:
    answer = await ada.http.get("/v1/runs", params=params)

    assert answer.status_code == 400
    assert [problem["code"] for problem in answer.json()["errors"]] == [code]


@pytest.mark.usefixtures("nothing_recorded")
async def test_a_body_that_is_too_large_is_refused_before_it_is_read(system: System) -> None:
    url = system.start_another_api("api-small", COMFYD_BODY_LIMIT="10000")
    await system.until_ready(url)
    async with client_of(system, "ada", url=url) as http:
        answer = await http.post("/v1/runs", json={"deployment_id": MISSING, "x": "y" * 20_000})
    system.end("api-small")

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_storage_that_refuses_us_refuses_the_run(
    system: System, ada: Tenant, nats: Client
) -> None:
    deployment = await ada.deploy(load())
    before = await _traces(nats)
    url = system.start_another_api("api-locked-out", SPACES_SECRET="not the secret")
    await system.until_ready(url)
    async with client_of(system, "ada", url=url) as http:
        body = {"deployment_id": deployment, "inputs": {"picture": _uri(saved("PNG"))}}
        answer = await http.post("/v1/runs", json=body)
    system.end("api-locked-out")

    assert (answer.status_code, answer.json()["code"]) == (503, "storage_refused")
    assert answer.headers["Retry-After"]
    assert await _traces(nats) == before


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        (
            {
                "1": node("EmptyImage", width=8, height=8, batch_size=1, color=1),
                "2": node("NoSuchNode", image=["1", 0]),
                "3": node("SaveImage", images=["2", 0], filename_prefix="x"),
            },
            {"code": "unknown_node", "node_id": "2", "node_class": "NoSuchNode"},
        ),
        (
            {"1": node("EmptyImage", width=8, height=8, batch_size=1, color=1)},
            {"code": "no_outputs"},
        ),
        (
            {
                "1": node("EmptyImage", width=0, height=8, batch_size=1, color=1),
                "2": node("SaveImage", images=["1", 0], filename_prefix="x"),
            },
            {"code": "bad_value", "node_id": "1", "input_name": "width"},
        ),
    ],
)
async def test_a_graph_that_the_machine_cannot_run_fails_before_it_is_queued(
    system: System, ada: Tenant, graph: Json, expected: dict[str, Any]
) -> None:
    before = system.rendered()

    run = await ada.run(await ada.deploy(graph))

    assert (run["status"], run["started_at"]) == ("failed", None)
    assert expected.items() <= run["error"].items()
    assert system.rendered() == before


async def test_a_machine_that_is_away_is_waited_for(system: System, ada: Tenant) -> None:
    away = system.another_machine_url()
    deployment = await ada.deploy(card(), machine_url=away)
    run_id = await ada.start(deployment)

    async def waits() -> bool:
        timeline = await ada.http.get(f"/v1/runs/{run_id}/timeline")
        return (timeline.json()["waiting"] or {}).get("reason") == "machine_unreachable"

    await eventually(waits)
    waiting = await ada.read(run_id)
    folder = system.folder / "late"
    folder.mkdir()
    system.start_machine("late", away, folder)

    ended = await ada.ended(run_id)
    system.end("late")

    assert waiting["ended_at"] is None
    assert ended["status"] == "success"
