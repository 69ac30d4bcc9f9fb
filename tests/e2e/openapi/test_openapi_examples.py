"""Every example of the description works: each is sent, in an order in which it can.

What is answered looks like the examples of answers.
"""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import UUID

import pytest
from httpx import Response

from app.openapi.examples import DEPLOYMENT, MACHINE
from tests.e2e.signing_in import signed_in
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Json, Tenant, client_of
from tests.observe.described import operations
from tests.observe.recorded_answers import Recorded

FIRST = ("registerMachine", "pushVersion", "promoteVersion", "createRun")
"""What all the rest needs, in this order; then whatever else makes something."""

LAST = {"cleanUpClassicRun": 6, "eraseRun": 6}
"""What leaves nothing for others to work with."""

SHORT = {"limit": 2, "after": 0, "hours": 2, "follow": "false"}
"""What is asked of lists, and of streams: to tell all from the beginning, and then to end."""

RANKS = {"POST": 0, "PUT": 1, "GET": 2, "PATCH": 3, "DELETE": 5}


class Story:
    """What was made so far, to be named in what is asked next."""

    def __init__(self, system: System) -> None:
        self.ids: dict[str, str] = {}
        self._fixed: dict[str, Any] = {
            "url": system.machine_url,
            "environment_name": "production",
            "user_id": "dora",
            "from": 1,
            "to": 2,
            "file_size": 70,
            "type": "image/png",
        }

    def learn(self, path: str, answer: Json) -> None:
        """Remember the ids of an answer."""
        [*_, nouns] = re.findall(r"/([a-z-]+)(?=/\{|$)", path)
        noun = re.sub(r"(?<=ch)es$|s$", "", nouns)
        own = {f"{noun}_id": answer["id"]} if "id" in answer else {}
        named = {name: id_ for name, id_ in answer.items() if name.endswith("_id") and id_}
        self.ids |= {name: str(id_) for name, id_ in (named | own).items()}

    def value(self, name: str, sample: Any) -> Any:
        """Return the real thing that has this name, or the sample."""
        name = {"target_id": "deployment_id"}.get(name, name)
        if name in self.ids:
            return self.ids[name]
        if name.endswith("s") and f"{name[:-1]}_id" in self.ids and _is_id(sample):
            return [self.ids[f"{name[:-1]}_id"]]
        return self._fixed.get(name, sample)

    def headers(self, path: str) -> Mapping[str, str]:
        """Act for the organisation when it is about one."""
        about = "{organisation_id}" in path
        return {"Comfyd-Organisation": self.ids["organisation_id"]} if about else {}

    def body(self, sample: Any) -> Any:
        """Return an example with real ids."""
        if not isinstance(sample, dict):
            return sample
        return {name: self.value(name, self.body(value)) for name, value in sample.items()}

    def path(self, template: str) -> str:
        """Return an address with real ids."""
        return re.sub(r"\{(\w+)\}", lambda name: str(self.value(name[1], 1)), template)

    def query(self, operation: Json) -> Mapping[str, Any]:
        """Return the parameters that must be there, and those that keep answers short."""
        known = [p for p in operation.get("parameters", ()) if p["in"] == "query"]
        required = {p["name"]: self.value(p["name"], 1) for p in known if p["required"]}
        # What has changed since the beginning depends on how much happened to all tenants.
        short = SHORT.keys() - ({"after"} if operation["operationId"] == "followChanges" else set())
        return required | {p["name"]: SHORT[p["name"]] for p in known if p["name"] in short}

    def samples(self) -> Mapping[str, str]:
        """Return what stands in examples for the real thing."""
        return {
            self.ids["deployment_id"]: DEPLOYMENT,
            self.ids["machine_id"]: MACHINE,
            self._fixed["url"]: "http://192.168.1.20:8188",
        }


def _is_id(sample: Any) -> bool:
    try:
        return bool([UUID(item) for item in sample])
    except (TypeError, ValueError, AttributeError):
        return False


def told() -> Iterator[tuple[str, str, Json, Any]]:
    """Yield every operation with each of its examples, in order."""
    for (method, path), operation in sorted(operations().items(), key=_rank):
        content = operation.get("requestBody", {}).get("content", {})
        examples = [e["value"] for of in content.values() for e in of["examples"].values()]
        for example in examples or [None]:
            yield method, path, operation, example


def _rank(item: tuple[tuple[str, str], Json]) -> tuple[int, int, str]:
    (method, path), operation = item
    name = operation["operationId"]
    first = FIRST.index(name) if name in FIRST else len(FIRST)
    acts = method == "POST" and re.search(r"\}/[a-z]+$", path) is not None
    rank = LAST.get(name) or (4 if acts else RANKS[method])
    return first, rank, path


@pytest.fixture
async def cleo(system: System) -> Any:
    """Yield a tenant without any history."""
    async with client_of(system, "cleo") as http:
        yield Tenant(http, system.machine_url)


async def unless_busy(ask: Callable[[], Awaitable[Response]]) -> Response | None:
    """Send a request; None while it is refused for runs that will end by themselves."""
    answer = await ask()
    busy = answer.status_code == HTTPStatus.CONFLICT and answer.json()["code"] == "machine_busy"
    return None if busy else answer


async def test_every_example_is_answered_well(system: System, cleo: Tenant) -> None:
    story, recorded, failed = Story(system), Recorded(), []
    async with signed_in(system, "cleo"):
        sessions = (await cleo.http.get("/v1/sessions")).json()["data"]
        story.ids["session_id"] = sessions[0]["id"]
    for method, path, operation, example in told():
        ask = partial(
            cleo.http.request,
            method,
            story.path(path),
            json=story.body(example),
            params=story.query(operation),
            headers=story.headers(path),
        )
        # A machine in use cannot be taken away yet. Lists do not tell when: those of a batch just
        # accepted are not in them, nor what happened a moment ago.
        answer = await eventually(partial(unless_busy, ask))
        if not (answer.is_success or answer.is_redirect):
            failed.append(f"{method} {answer.url.path}: {answer.status_code} {answer.text}")
        elif answer.content and not answer.headers["Content-Type"].startswith("image/"):
            recorded.note(method, path, answer)
            story.learn(path, answer.json() if method in {"POST", "PUT"} else {})
        if operation["operationId"] == FIRST[-1]:
            # A run that has ended can be followed to its end, run again, and erased.
            run = await cleo.ended(story.ids["run_id"])
            story.ids["key"] = run["outputs"][0]["url"].partition("/files/")[2]
            # The key alone, without its signature.
            story.ids["file"] = story.ids["key"].partition("/")[2]
    assert failed + recorded.check(story.samples()) == []
