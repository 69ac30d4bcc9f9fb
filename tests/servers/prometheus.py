"""A real Prometheus for tests, with comfyd's alert rules; a minute of theirs is a second or two.

Debian's `prometheus`, where it is installed; without it, what needs it is skipped, and says so.
"""

import asyncio
import json
import re
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.embedded.child import Command, start
from infra.embedded.ports import LOOPBACK
from tests.e2e.system import PATIENCE, eventually
from tests.network.ports import free_port

DEPLOY = Path(__file__).parents[2] / "infra" / "deploy"
RULES = DEPLOY / "prometheus" / "comfyd.rules.yml"
DASHBOARD = DEPLOY / "grafana" / "comfyd.json"
PROMETHEUS, PROMTOOL = shutil.which("prometheus") or "", shutil.which("promtool") or ""
needs_prometheus = pytest.mark.skipif(
    not (PROMETHEUS and PROMTOOL), reason="no Prometheus: apt-get install prometheus"
)
MINUTE = 2
"""Seconds of a minute in the rules: a window holds as many scrapes as it needs."""

INTERVAL = "1s"

Alert = tuple[str, dict[str, str]]
"""Its name and its labels."""


class Prometheus:
    """A running server, asked over its API."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def firing(self) -> list[Alert]:
        """Return the alerts that fire now."""
        found = await self._get("alerts")
        return [
            (alert["labels"]["alertname"], alert["labels"])
            for alert in found["alerts"]
            if alert["state"] == "firing"
        ]

    async def until_firing(self, name: str, *, within: float = PATIENCE, **labels: str) -> None:
        """Wait until an alert of that name fires that has these labels."""

        def fires(found: Sequence[Alert]) -> bool:
            return any(n == name and labels.items() <= has.items() for n, has in found)

        await self._until(fires, f"{name} {labels} does not fire", within)

    async def until_over(self, *names: str, within: float = PATIENCE) -> None:
        """Wait until no alert of these names fires any more."""

        def over(found: Sequence[Alert]) -> bool:
            return not {name for name, _ in found} & {*names}

        await self._until(over, f"{names} are not over", within)

    async def until_scraped(self, processes: int, *, within: float = PATIENCE) -> None:
        """Wait until so many processes of comfyd's were scraped, and nothing fires for the past."""

        await self.until_true(f"count(comfyd_build_info) == {processes}", within=within)
        await self._until(lambda found: not found, "not everything is well", within)

    async def until_true(self, comparison: str, *, within: float = PATIENCE) -> None:
        """Wait until a comparison holds for anything."""
        await eventually(lambda: self.query(comparison), within=within)

    async def _until(
        self, condition: Callable[[Sequence[Alert]], bool], otherwise: str, within: float
    ) -> None:
        deadline = time.monotonic() + within
        while not condition(found := await self.firing()):
            assert time.monotonic() < deadline, f"{otherwise}; firing: {found}"
            await asyncio.sleep(0.1)

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """Return what an expression yields now."""
        result: list[dict[str, Any]] = (await self._get("query", query=expression))["result"]
        return result

    async def _get(self, path: str, **params: str) -> dict[str, Any]:
        answer = await self._http.get(f"/api/v1/{path}", params=params)
        assert answer.is_success, answer.text
        return dict(answer.json()["data"])


def panel_expressions(window: str) -> list[str]:
    """Return what the dashboard asks for, with a window in the place of Grafana's own."""
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    asked = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    return [expression.replace("$__rate_interval", window) for expression in asked]


def hurried(rules: str) -> str:
    """Return rules whose minutes pass quickly, and which hardly wait before they fire."""
    fast = re.sub(r"\[(\d+)m\]", lambda found: f"[{int(found[1]) * MINUTE}s]", rules)
    return re.sub(r"\bfor: \w+", "for: 1s", fast)


@asynccontextmanager
async def running_prometheus(
    folder: Path, targets: Iterable[str], *, rules: str = ""
) -> AsyncIterator[Prometheus]:
    """Run a server that scrapes *targets* (host and port of each) as the job comfyd."""
    port = free_port()
    config: dict[str, Any] = {
        "global": {
            "scrape_interval": INTERVAL,
            "scrape_timeout": INTERVAL,
            "evaluation_interval": INTERVAL,
        },
        "rule_files": ["comfyd.rules.yml"],
        "scrape_configs": [
            {"job_name": "comfyd", "static_configs": [{"targets": sorted(targets)}]}
        ],
    }
    (folder / "comfyd.rules.yml").write_text(rules, "utf-8")
    # JSON is YAML.
    (folder / "prometheus.yml").write_text(json.dumps(config), "utf-8")
    child = start(_command(folder, port))
    url = f"http://{LOOPBACK}:{port}"
    try:
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=10) as http:
            await eventually(lambda: _is_ready(http), within=PATIENCE)
            yield Prometheus(http)
    finally:
        child.stop()


def _command(folder: Path, port: int) -> Command:
    argv: Sequence[str] = (
        PROMETHEUS,
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address={LOOPBACK}:{port}",
        "--log.level=warn",
    )
    return Command(name="prometheus", argv=tuple(argv), folder=folder, log=folder / "log")


async def _is_ready(http: httpx.AsyncClient) -> bool:
    with suppress(httpx.TransportError):
        return (await http.get("/-/ready")).is_success
    return False
