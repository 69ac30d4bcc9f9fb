"""The driver on the wire: it shows its token, stays where it was sent, and calls nobody inside."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from aiohttp import web
from multidict import CIMultiDictProxy

from events.run.output import Output
from infra.comfyui.driver import ComfyUIMachine, open_comfyui
from infra.comfyui.secrets import MachineSecrets
from infra.machine_driver import (
    Finished,
    MachineRefused,
    MachineUnreachable,
    Outcome,
    OutcomeUnknown,
)
from infra.net.machine_address import AddressRefused
from tests.fakes.comfyui_answers import GRAPH, Recorder
from tests.fakes.resolver import FakeResolver
from tests.standin.server import Server, serve

pytestmark = pytest.mark.anyio

TOKEN = "only-the-machine-may-see-this"
SECRETS = MachineSecrets(token=TOKEN)
HOST = "127.0.0.1"
SLOW = {
    "1": {
        "class_type": "EmptyImage",
        "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0},
    },
    "2": {
        "class_type": "StandinSlow",
        "inputs": {"image": ["1", 0], "seconds": 0.5, "steps": 5, "preview": False, "seed": 1},
    },
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "a"}},
}
FILE = Output(index=0, node_id="9", kind="images", filename="a.png", name="a.png")


class Redirecting:
    """A site that sends everybody elsewhere, and remembers who came."""

    def __init__(self) -> None:
        self.url = ""
        self.heard: list[tuple[str, CIMultiDictProxy[str]]] = []
        self.target = ""

    async def answer(self, request: web.Request) -> web.Response:
        """Send a caller on."""
        self.heard.append((request.path, request.headers))
        return web.Response(status=307, headers={"Location": f"{self.target}{request.path_qs}"})


@asynccontextmanager
async def site_of(answer: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[str]:
    """Yield the URL of a site that answers everything like that."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, 0).start()
        yield f"http://{HOST}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def redirecting() -> AsyncIterator[Redirecting]:
    site = Redirecting()
    async with site_of(site.answer) as site.url:
        yield site


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Server]:
    async with serve(tmp_path, token=TOKEN) as server:
        yield server


async def rendered(machine: ComfyUIMachine) -> tuple[Outcome, Recorder]:
    prompt_id, report = uuid4(), Recorder()
    await machine.submit(prompt_id, SLOW)
    async with asyncio.timeout(10):
        return await machine.watch(prompt_id, SLOW, report), report


async def check_used(url: str, secrets: MachineSecrets) -> None:
    """Check that a machine behind *secrets* is heard over HTTP and WebSocket."""
    machine = await open_comfyui(url, secrets=secrets, allow_private=True)
    try:
        outcome, report = await rendered(machine)
        assert isinstance(outcome, Finished)
        assert report.told, "progress comes over the WebSocket only"
        assert (await machine.observe()).node_classes
    finally:
        await machine.close()


async def test_a_machine_behind_a_token_is_used_with_it_over_http_and_websocket(
    guarded: Server,
) -> None:
    await check_used(guarded.url, SECRETS)


@pytest.mark.parametrize(
    ("header", "secrets"),
    [
        ("X-API-Key: k 1", MachineSecrets(header=("x-api-key", "k 1"))),
        ("Authorization: Basic YTpi", MachineSecrets(header=("Authorization", "Basic YTpi"))),
        # A header of one's own replaces the token, rather than to follow it.
        ("Authorization: Key k", MachineSecrets(token=TOKEN, header=("authorization", "Key k"))),
        ("X-API-Key: k", MachineSecrets(token=TOKEN, header=("X-API-Key", "k"))),
    ],
)
async def test_a_machine_may_want_another_header_over_http_and_websocket(
    tmp_path: Path, header: str, secrets: MachineSecrets
) -> None:
    async with serve(tmp_path, header=header) as server:
        await check_used(server.url, secrets)


async def test_the_account_of_partner_nodes_goes_with_each_prompt_and_is_quoted_nowhere(
    tmp_path: Path,
) -> None:
    key = "comfyui-0123456789abcdef"
    graph = {"1": {"class_type": "StandinAccount", "inputs": {}}}
    async with serve(tmp_path) as server:
        machine = await open_comfyui(
            server.url, secrets=MachineSecrets(comfy_api_key=key), allow_private=True
        )
        try:
            prompt_id = uuid4()
            await machine.submit(prompt_id, graph, ui_graph={"nodes": []})
            outcome = await machine.watch(prompt_id, graph, Recorder())
        finally:
            await machine.close()
    assert isinstance(outcome, Finished)
    assert [output.text for output in outcome.outputs] == ["the account is ***"]


@pytest.mark.parametrize("token", ["", "another"])
async def test_without_the_right_token_a_machine_is_out_of_reach(
    guarded: Server, token: str
) -> None:
    machine = await open_comfyui(
        guarded.url, secrets=MachineSecrets(token=token), allow_private=True
    )
    try:
        with pytest.raises(MachineUnreachable, match="401") as refused:
            await machine.observe()
        assert not token or token not in str(refused.value)
    finally:
        await machine.close()


@pytest.mark.parametrize("status", [400, 403, 502])
async def test_a_machine_that_quotes_its_token_does_not_get_it_into_our_words(status: int) -> None:
    async def quote(request: web.Request) -> web.Response:
        credential = request.headers["Authorization"]
        words = {"error": {"type": "denied", "message": f"not taken: {credential}"}}
        return web.json_response(words, status=status)

    async with site_of(quote) as url:
        machine = await open_comfyui(url, secrets=SECRETS, allow_private=True)
        try:
            for ask in (machine.observe, partial(machine.submit, uuid4(), GRAPH)):
                with pytest.raises(Exception, match="not taken") as refused:
                    await ask()
                assert TOKEN not in str(refused.value)
        finally:
            await machine.close()


async def test_no_redirect_is_followed_by_any_question(tmp_path: Path) -> None:
    async with serve(tmp_path) as elsewhere, redirecting() as site:
        site.target = elsewhere.url
        machine = await open_comfyui(
            site.url, secrets=SECRETS, silence=0.1, patience=0.5, allow_private=True
        )
        try:
            for ask in questions(machine):
                with pytest.raises((MachineUnreachable, OutcomeUnknown), match="307"):
                    await ask()
            with pytest.raises(MachineUnreachable):
                async with asyncio.timeout(30):
                    await machine.watch(uuid4(), GRAPH, Recorder())
        finally:
            await machine.close()
        assert elsewhere.rendered() == {}
        assert "/ws" in {path for path, _ in site.heard}


def questions(machine: ComfyUIMachine) -> Iterator[Callable[[], Awaitable[object]]]:
    """Yield everything but `watch` that goes over the wire."""
    yield machine.observe
    yield lambda: machine.look_up(uuid4())
    yield lambda: machine.submit(uuid4(), GRAPH)
    yield lambda: machine.upload_image("a.png", b"x")
    yield lambda: machine.cancel(uuid4())
    yield lambda: machine.check(GRAPH)
    yield lambda: opened(machine)


async def opened(machine: ComfyUIMachine) -> None:
    async with machine.open_output(FILE):
        pass


async def test_a_redirected_websocket_leads_nowhere(tmp_path: Path) -> None:
    """The library would follow it; the token must not."""
    async with redirecting() as elsewhere, serve(tmp_path) as _, redirecting() as site:
        site.target = elsewhere.url
        machine = await open_comfyui(
            site.url, secrets=SECRETS, silence=0.1, patience=0.5, allow_private=True
        )
        try:
            with pytest.raises(MachineUnreachable):
                await machine.watch(uuid4(), GRAPH, Recorder())
        finally:
            await machine.close()
        assert "/ws" in {path for path, _ in site.heard}
        assert elsewhere.heard == []


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254"])
async def test_a_name_that_turns_out_to_lead_inside_is_not_connected_to(
    guarded: Server, address: str
) -> None:
    port = guarded.url.rsplit(":", 1)[1]
    machine = await open_comfyui(
        f"http://gpu.example.com:{port}", secrets=SECRETS, resolver=FakeResolver(address)
    )
    try:
        with pytest.raises(MachineUnreachable, match="no machine may be"):
            await machine.observe()
    finally:
        await machine.close()


async def test_where_private_machines_are_allowed_the_same_name_is_connected_to(
    guarded: Server,
) -> None:
    port = guarded.url.rsplit(":", 1)[1]
    machine = await open_comfyui(
        f"http://gpu.example.com:{port}",
        secrets=SECRETS,
        resolver=FakeResolver(HOST),
        allow_private=True,
    )
    try:
        assert (await machine.observe()).os
    finally:
        await machine.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "2130706433", "169.254.169.254"])
async def test_a_literal_address_inside_is_refused_before_anything_is_sent(host: str) -> None:
    with pytest.raises(AddressRefused):
        await open_comfyui(f"http://{host}:8188")


async def test_an_answer_without_end_is_cut_off_and_refused_for_good(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("infra.comfyui.client.LARGEST_ANSWER", 1000)

    async def chatter(_request: web.Request) -> web.Response:
        return web.Response(body=b" " * 2000, content_type="application/json")

    app = web.Application()
    app.router.add_get("/{path:.*}", chatter)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    machine = await open_comfyui(f"http://{HOST}:{runner.addresses[0][1]}", allow_private=True)
    try:
        with pytest.raises(MachineRefused, match="1000 bytes"):
            await machine.observe()
    finally:
        await machine.close()
        await runner.cleanup()
