"""Another site may answer anything, JSON included: each command says so, and none breaks."""

import asyncio
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from app.cli.client.api_client import ApiClient
from app.cli.commands import API_COMMANDS
from app.cli.main import main
from tests.network.one_answer import answering

ID = "00000000-0000-4000-8000-000000000001"
NOT_COMFYD = 2
SAID = "does not look like a comfyd server"

ARGUMENTS = [
    "whoami",
    "runs",
    "runs --deployment poster",
    f"status {ID}",
    f"status {ID} --watch",
    f"timeline {ID}",
    f"events {ID}",
    f"cancel {ID}",
    f"rerun {ID}",
    "rerun --status failed",
    "rerun --status failed --dry-run",
    f"erase {ID} --yes",
    f"batch {ID} FILE",
    "batch poster FILE",
    "run poster",
    f"run {ID} --watch",
    "deploy FILE",
    f"promote {ID} 1",
    "rollback poster",
    f"rollback {ID}",
    "deployments",
    f"deployments {ID}",
    "machine list",
    "machine add box http://127.0.0.1:9",
    "machine show box",
    f"machine drain {ID}",
    f"machine history {ID}",
    "workflow push FILE",
    "workflow list",
    f"workflow list {ID}",
    f"workflow diff {ID} 1 2",
    f"workflow machines {ID} 1",
    "keys list",
    "keys create shop --scope runs:read",
    "doctor",
    "login --key k",
]

OBJECTS = ["{}", '{"data": [1]}']
NO_OBJECTS = ["[]", "null", "5", '"ok"', '{"data": {}}', "[" * 100_000]
REFUSALS = ['{"errors": ["no"]}', '{"title": 5}', '{"title": "No", "errors": {"a": 1}}', "[]"]


def test_no_command_is_left_out() -> None:
    tried = {arguments.split()[0] for arguments in ARGUMENTS}
    assert {command.name for command in API_COMMANDS} - tried == {"logout"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file with a graph."""
    file = tmp_path / "graph.json"
    file.write_text('{"1": {"class_type": "LoadImage", "inputs": {}}}')
    return file


async def told(url: str, arguments: str, file: Path) -> tuple[int, str]:
    typed = [str(file) if word == "FILE" else word for word in arguments.split()]
    home = {"XDG_CONFIG_HOME": str(file.parent)}
    env = {"COMFYD_URL": url, "COMFYD_KEY": "k", "LC_ALL": "C.UTF-8", **home}
    runner = CliRunner()
    ended = await asyncio.to_thread(runner.invoke, main, typed, env=env)
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
    return ended.exit_code, ended.stderr


async def taken_for_comfyd(body: str, arguments: list[str], file: Path) -> set[str]:
    """Return the commands that do not say that this is another site."""
    async with answering(body.encode(), Content_Type="application/json") as url:
        ended = {typed: await told(url, typed, file) for typed in arguments}
    return {
        typed for typed, (code, words) in ended.items() if code != NOT_COMFYD or SAID not in words
    }


@pytest.mark.parametrize("body", OBJECTS)
async def test_no_command_takes_another_sites_json_for_an_answer(body: str, file: Path) -> None:
    assert await taken_for_comfyd(body, ARGUMENTS, file) == set()
    assert list(file.parent.iterdir()) == [file], "a login was kept"


@pytest.mark.parametrize("body", NO_OBJECTS)
async def test_an_answer_is_an_object_and_a_list_holds_objects(body: str, file: Path) -> None:
    assert await taken_for_comfyd(body, ["runs", "machine list"], file) == set()


@pytest.mark.parametrize("body", REFUSALS)
async def test_a_refusal_of_another_shape_is_told_by_its_status(body: str, file: Path) -> None:
    async with answering(body.encode(), status=418, Content_Type="application/json") as url:
        code, words = await told(url, "whoami", file)
    assert (code, words) == (5, "comfyd: I'm a Teapot (418)\n")


async def test_a_query_in_the_address_is_kept() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.query.decode())
        return httpx.Response(200, json={"data": []})

    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(base_url="http://x", transport=transport) as http:
        api = ApiClient(http)
        await api.get("/v1/runs?limit=100")
        await api.get("/v1/runs?limit=100", status=None)
        await api.get("/v1/runs", limit=100, status=None)
        await api.delete("/v1/machines/1", force=None)
    assert asked == ["limit=100", "limit=100", "limit=100", ""]
