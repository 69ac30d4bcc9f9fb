"""What the pages say of following a run from a web page, in a real browser."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import web

from tests.e2e.graphs import card
from tests.e2e.node import install
from tests.e2e.sse import following
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Json, Tenant, client_of
from tests.network.cutting_proxy import CuttingProxy, Fault, cutting_proxy
from tests.observe.browser import Site, needs_browser, opened, site

DOCS = Path(__file__).parents[3] / "docs"
MODULE = re.compile(r"^```js\n// ([\w-]+\.js)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PAGE = """<!doctype html><meta charset="utf-8">
<script type="importmap">{"imports": {"@microsoft/fetch-event-source": "/npm/index"}}</script>
<script type="module" src="/%s"></script>
"""
STREAMS = [Fault.CUT, Fault.BAD_GATEWAY, Fault.NONE, Fault.END, Fault.CUT_BEFORE_DONE]
POLLS = [Fault.NONE, Fault.BAD_GATEWAY, Fault.NONE, Fault.NONE]
WAYS = {
    # Which requests suffer, in which way, and which of the tickets is none, so that 401 comes.
    "followByEventSource": ("/events", STREAMS, 2),
    "followByFetchEventSource": ("/events", STREAMS, 3),
    "followByPolling": ("", POLLS, 2),
}

pytestmark = needs_browser


@pytest.fixture
async def own_site(tmp_path: Path) -> AsyncIterator[Site]:
    """Serve what pages need: the package, and what reads it."""
    await install("browser", tmp_path)
    package = tmp_path / "node_modules/@microsoft/fetch-event-source/lib/esm"

    async def npm(request: web.Request) -> web.StreamResponse:
        name = request.path.removeprefix("/npm/").removesuffix(".js")
        text = (package / f"{name}.js").read_text("utf-8")
        return web.Response(text=text, content_type="text/javascript")

    async with site() as served:
        served.routes["npm"] = npm
        for name in ("examples.js", "changed.js", "habits.js"):
            served.files[f"/{name}"] = (tmp_path / name).read_text("utf-8")
            served.files[f"/{name.replace('js', 'html')}"] = PAGE % name
        yield served


class Backend:
    """The part of the site that has a key: it plans what is followed, and makes tickets."""

    def __init__(self, tenant: Tenant) -> None:
        self.plan: list[Json] = []
        self.spoiled: dict[str, int] = {}
        """Which ticket of a run is none."""

        self._tenant = tenant
        self._made: Counter[str] = Counter()

    async def show_plan(self, _: web.Request) -> web.StreamResponse:
        """Send the page the plan of what to follow."""
        return web.json_response(self.plan)

    async def make_ticket(self, request: web.Request) -> web.StreamResponse:
        """Make a ticket for a run."""
        run = request.path.rpartition("/")[2]
        self._made[run] += 1
        if self._made[run] == self.spoiled.get(run):
            return web.json_response("spoiled")
        made = await self._tenant.http.post(f"/v1/runs/{run}/ticket", json={})
        return web.json_response(made.json()["ticket"])


@pytest.fixture
async def browsing(system: System, impatient: str) -> AsyncIterator[Tenant]:
    """Yield a tenant, at an API whose heartbeats come between the events."""
    async with client_of(system, "browsing", url=impatient) as http:
        yield Tenant(http, system.machine_url)


async def test_every_example_follows_a_run_to_its_end_through_all_that_may_happen(
    browsing: Tenant, own_site: Site, tmp_path: Path
) -> None:
    own_site.files |= {f"/{name}": code for name, code in examples().items()}
    backend = Backend(browsing)
    own_site.routes |= {"plan": backend.show_plan, "ticket": backend.make_ticket}
    deployment = await browsing.deploy(card())
    machine = await browsing.machine()
    (await browsing.http.post(f"/v1/machines/{machine}/disable")).raise_for_status()
    proxies: dict[str, CuttingProxy] = {}
    async with AsyncExitStack() as exits:
        for way, (suffix, faults, spoiled) in WAYS.items():
            for name, suffered in ((way, faults), (f"{way}, undisturbed", [Fault.NONE])):
                run = await browsing.start(deployment)
                proxy = await exits.enter_async_context(
                    cutting_proxy(
                        str(browsing.http.base_url).rstrip("/"),
                        suffix=suffix or f"/{run}",
                        faults=suffered,
                    )
                )
                proxies[name] = proxy
                backend.plan.append({"name": name, "way": way, "api": proxy.url, "run": run})
                if suffered is faults:
                    backend.spoiled[run] = spoiled
        await exits.enter_async_context(opened(f"{own_site.url}/examples.html", tmp_path))
        async with asyncio.timeout(60):
            for proxy in proxies.values():
                await proxy.at_last_fault.wait()
        (await browsing.http.post(f"/v1/machines/{machine}/resume")).raise_for_status()
        reports = [await own_site.report() for _ in backend.plan]
        asked = {name: len(proxy.statuses) for name, proxy in proxies.items()}
        await asyncio.sleep(2.5)  # a browser that comes back after the end does it after 2 s
        later = {name: len(proxy.statuses) for name, proxy in proxies.items()}

    assert [report.get("error") for report in reports] == [None] * len(reports)
    assert later == asked
    for report in reports:
        await check(browsing, report, proxies[report["name"]])


async def test_the_example_follows_what_changes_though_it_is_cut_off(
    browsing: Tenant, own_site: Site, tmp_path: Path
) -> None:
    own_site.files |= {f"/{name}": code for name, code in examples().items()}
    deployment = await browsing.deploy(card())
    runs: list[str] = []

    async def ticket(_: web.Request) -> web.StreamResponse:
        body = {"deployment_ids": [deployment]}
        made = await browsing.http.post("/v1/events/ticket", json=body)
        return web.json_response(made.json()["ticket"])

    async with cutting_proxy(
        str(browsing.http.base_url).rstrip("/"),
        suffix="/changes",
        faults=[Fault.END, Fault.BAD_GATEWAY, Fault.NONE],
    ) as proxy:

        async def show_plan(_: web.Request) -> web.StreamResponse:
            return web.json_response({"api": proxy.url})

        own_site.routes |= {"plan": show_plan, "ticket": ticket}
        async with opened(f"{own_site.url}/changed.html", tmp_path):
            shown: set[str] = set()

            async def connected() -> bool:
                return bool(proxy.statuses)

            await eventually(connected, within=60)
            for _ in range(3):
                # While the line is cut, too: the page comes back behind what it has seen.
                runs.append(await browsing.start(deployment))
                async with asyncio.timeout(60):
                    while runs[-1] not in shown:
                        changes = await own_site.report()
                        assert not changes["everything"]
                        shown |= set(changes["ids"]["run"])

    assert shown == set(runs)
    assert proxy.statuses[:3] == [200, 502, 200]


async def check(tenant: Tenant, report: Json, proxy: CuttingProxy) -> None:
    """Check what an example has shown, and how it has come to its end."""
    final, shown = report["final"], report["shown"]
    disturbed = "undisturbed" not in report["name"]
    assert (final["status"], len(final["outputs"])) == ("success", 1)
    if "Polling" in report["name"]:
        assert shown[-1] == {"event": "run", "id": final["id"], "status": "success"}
        # A cached answer is asked for with its ETag, and answered with 304.
        assert proxy.statuses[:3] == ([200, 502, 401] if disturbed else proxy.statuses[:3])
        assert set(proxy.statuses[3:]) <= {200, 304}
        return
    async with following(tenant.http, final["id"], after="0") as stream:
        story = await stream.rest()
    facts = [message for message in story if message.event.startswith("run.")]
    if "Fetch" not in report["name"]:
        facts = [message for message in facts if message.event == "run.status_changed"]
    ends = [] if disturbed else ["done"]
    told = [one for one in shown if one["event"] != "progress"]
    assert [one["event"] for one in told[:1]] == ["snapshot"]
    assert [one["event"] for one in told if one["event"] in {"snapshot", "done"}][1:] == ends
    # Nothing is missed and nothing comes twice, however often the stream was cut.
    ids = [one["id"] for one in told if one["event"].startswith("run.")]
    assert ids == [message.data["id"] for message in facts][-len(ids) :]
    assert "success" in [one["status"] for one in told]
    assert proxy.statuses == ([200, 502, 401, 200, 200, 204] if disturbed else [200])


async def test_what_browsers_do_by_themselves_is_as_the_page_says(
    own_site: Site, tmp_path: Path
) -> None:
    asked: dict[tuple[str, str], list[str]] = {}

    async def scripted(request: web.Request) -> web.StreamResponse:
        kind, client = request.path.split("/")[2:4]
        asked.setdefault((kind, client), []).append(request.headers.get("Last-Event-ID", ""))
        if kind.isdigit():
            return web.Response(status=int(kind), headers={"Cache-Control": "no-store"})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"retry: 300\nid: 7\nevent: x\ndata: {}\n\n")
        if kind == "cut":
            assert request.transport is not None
            await asyncio.sleep(0.1)
            request.transport.abort()
        return response

    own_site.routes["scripted"] = scripted
    async with opened(f"{own_site.url}/habits.html", tmp_path):
        outcomes = await own_site.report()

    assert outcomes == {
        "cut": ["goes on", "goes on"],
        "end": ["goes on", "resolved"],
        "502": ["gave up", "goes on"],
        "401": ["gave up", "goes on"],
        "204": ["gave up", "goes on"],
    }
    comes_back = {key: len(times) > 1 for key, times in asked.items()}
    assert comes_back == {
        (kind, client): outcomes[kind][place] == "goes on"
        for kind in outcomes
        for place, client in enumerate(("event-source", "fetch-event-source"))
    }
    resumed = {key: times[1] for key, times in asked.items() if len(times) > 1}
    assert {key: last for key, last in resumed.items() if last} == {
        ("cut", "event-source"): "7",
        ("cut", "fetch-event-source"): "7",
        ("end", "event-source"): "7",
    }


def examples() -> Mapping[str, str]:
    """Return the modules of the page."""
    found = dict(MODULE.findall((DOCS / "follow-a-run.md").read_text("utf-8")))
    runs = {"run.js", "polling.js", "event-source.js", "fetch-event-source.js"}
    assert set(found) == {*runs, "changes.js"}
    return found
