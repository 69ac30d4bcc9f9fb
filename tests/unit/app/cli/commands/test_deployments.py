"""`comfyd deploy` and `promote` refuse what they can before anything is pushed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from click.testing import CliRunner, Result

from app.cli.main import main

GRAPH = {"1": {"class_type": "SaveImage", "inputs": {}}}
WORKFLOW = {"id": "00000000-0000-4000-8000-000000000001", "name": "card"}


@asynccontextmanager
async def server(
    machines: list[str], deployed: list[str], *, behind: int = 0
) -> AsyncIterator[tuple[str, list[str]]]:
    """Run a comfyd with these machines and deployments; yield its address and what it is sent.

    So many answers are older than the deployments: read models may be *behind*.
    """
    old_answers = ["/v1/deployments"] * behind
    lists = {
        "/v1/workflows": [WORKFLOW],
        "/v1/machines": [{"id": name, "name": name} for name in machines],
        "/v1/deployments": [{"workflow_name": name} for name in deployed],
    }
    sent: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        if request.method != "GET":
            sent.append(f"{request.method} {request.path}")
            return web.json_response({"title": "seen", "code": "seen"}, status=422)
        if request.path in old_answers:
            old_answers.remove(request.path)
            return web.json_response({"data": [], "has_more": False, "next_cursor": None})
        page = {"data": lists[request.path], "has_more": False, "next_cursor": None}
        return web.json_response(page)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", sent
    finally:
        await runner.cleanup()


async def entered(url: str, *arguments: str) -> Result:
    env = {"COMFYD_URL": url, "COMFYD_KEY": "k", "LC_ALL": "C.UTF-8"}
    return await asyncio.to_thread(CliRunner().invoke, main, arguments, env=env)


@pytest.fixture
def graph(tmp_path: Path) -> str:
    file = tmp_path / "card.json"
    file.write_text(json.dumps(GRAPH))
    return str(file)


@pytest.mark.parametrize(
    ("machines", "said"),
    [
        ([], "comfyd machine add NAME URL"),
        (["local"], "card has no machine in staging yet: choose one with --machine local"),
        (["a b", "c"], "choose one with --machine 'a b', --machine c"),
    ],
)
@pytest.mark.parametrize("command", ["deploy", "promote"])
async def test_the_first_time_a_machine_is_asked_for_before_anything_is_pushed(
    graph: str, command: str, machines: list[str], said: str
) -> None:
    arguments = (graph, "--name", "card") if command == "deploy" else ("card", "1")
    async with server(machines, ["another"]) as (url, sent):
        ended = await entered(url, command, *arguments, "--to", "staging")
    assert ended.exit_code == 5
    assert said in ended.stderr
    assert sent == []


async def test_a_deployment_keeps_its_machine(graph: str) -> None:
    async with server(["a", "b"], ["card"]) as (url, sent):
        await entered(url, "deploy", graph)
        await entered(url, "promote", "card", "2")
    assert sent == [
        "POST /v1/workflows",
        f"PUT /v1/workflows/{WORKFLOW['id']}/deployments/production",
    ]


async def test_a_deployment_that_the_lists_do_not_have_yet_keeps_its_machine(graph: str) -> None:
    async with server(["a"], ["card"], behind=1) as (url, sent):
        await entered(url, "deploy", graph)
    assert sent == ["POST /v1/workflows"]


@pytest.mark.parametrize("command", ["deploy", "promote"])
async def test_an_unknown_environment_names_the_option_and_its_values(
    graph: str, command: str
) -> None:
    arguments = (graph,) if command == "deploy" else ("card", "1")
    async with server(["local"], []) as (url, sent):
        ended = await entered(url, command, *arguments, "--machine", "local", "--to", "prod")
    assert ended.exit_code == 2
    for word in ("--to", "production", "staging", "public-share"):
        assert word in ended.stderr
    assert sent == []
