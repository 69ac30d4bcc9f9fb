"""Callbacks of machines: what is taken, what is counted and forgotten, and that none is refused."""

import asyncio
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import AsyncTestClient
from msgspec.structs import replace
from typing_extensions import override

from app.api.classic import callbacks as door
from app.api.classic.errors import classic_error
from app.commands.runs import callbacks as limits
from app.commands.runs.callbacks import Callbacks
from events.aggregates import RUN
from events.ids import prompt_id
from events.run.callback import CHECK, CallbackClaims
from events.run.commands import ClaimRun, CreateRun, EraseRun, FailRun
from events.run.events import RunError
from infra.comfyui.plugin.tokens import CallbackTokens
from infra.event_store import LogUnavailable, Session
from infra.images.store import inspect_image
from infra.jetstream.errors import Unanswered
from infra.s3.keys import reach_key, staged_key
from infra.settings.settings import Spaces
from infra.telemetry.api_metrics import CallbackOutcome
from tests.builders.facts import MACHINE_ID, NOW, RUN_ID, created, later, meta
from tests.builders.pictures import saved
from tests.fakes.event_store import MemoryEventStore
from tests.fakes.object_storage import FakeObjectStorage
from tests.interop.plugin_traces import PROMPT, disturbed, traces

Client = AsyncTestClient[Litestar]
TOKENS = CallbackTokens("a secret of 32 characters or more")
CLAIMS = CallbackClaims(run_id=RUN_ID, attempt=1, expires_at=later(60))
OWN = prompt_id(RUN_ID, 1)
LARGEST = 100_000
SPACES = Spaces(
    endpoint="https://s3.test", endpoint_cdn="https://cdn.test", bucket="b", key="k", secret="s"
)
FAIL = FailRun(error=RunError(code="x", message="x"), now=NOW)
TAKEN, LATE = CallbackOutcome.TAKEN, CallbackOutcome.LATE


class Away(MemoryEventStore):
    """A log that may be away."""

    away = False

    def __init__(self) -> None:
        super().__init__()
        self.answers = asyncio.Event()
        self.answers.set()

    @override
    async def read(self, aggregate: str, *, after: int = 0) -> list[Any]:
        """Read, unless it is away."""
        if self.away:
            raise LogUnavailable("away")
        await self.answers.wait()
        return await super().read(aggregate, after=after)


async def _nothing() -> None:
    """Do nothing."""


class House:
    """A run on its machine, and what becomes of callbacks about it."""

    def __init__(self) -> None:
        self.store = Away()
        self.storage = FakeObjectStorage()
        self.counted: Counter[CallbackOutcome] = Counter()
        self.said: list[tuple[UUID, dict[str, Any]]] = []
        self.deaf = False
        self.logs: dict[tuple[UUID, int], str] = {}
        self.after_put: Callable[[], Awaitable[None]] = _nothing
        self.callbacks = Callbacks(
            TOKENS,
            self.store,
            self.storage,
            SPACES,
            logs=self,
            largest=LARGEST,
            inspect=self._inspect,
            say=self._say,
            now=lambda: NOW,
            count=self._count,
        )

    async def begin(self) -> Session[Any, Any, Any]:
        """Create a run, and have it claimed."""
        run = Session(self.store, RUN, RUN_ID)
        await run.execute(CreateRun(created=created()), meta())
        await run.execute(ClaimRun(machine_id=MACHINE_ID, worker="w", now=NOW), meta())
        return run

    async def call(self, http: Client, body: object, token: str | None = None) -> None:
        """Send a callback, and wait until it is counted."""
        before = self.counted.total()
        answer = await http.post(
            "/api/update-run",
            content=body if isinstance(body, bytes) else msgspec.json.encode(body),
            headers={"Authorization": f"Bearer {TOKENS.make(CLAIMS) if token is None else token}"},
        )
        assert answer.status_code == 200
        assert answer.json() == {"message": "success", "status": "success"}
        await self.looked_at(before + 1)

    async def looked_at(self, count: int) -> None:
        """Wait until so many callbacks were counted."""
        async with asyncio.timeout(10):
            while self.counted.total() < count:  # noqa: ASYNC110 -- a poll with a deadline
                await asyncio.sleep(0.001)

    async def put_log(self, run_id: UUID, attempt: int, text: str) -> None:
        """Keep a log, as the real thing does: the first stays."""
        self.logs.setdefault((run_id, attempt), text)
        await self.after_put()

    async def erase_log(self, run_id: UUID, attempt: int) -> None:
        """Delete a log."""
        self.logs.pop((run_id, attempt), None)

    async def _say(self, prompt: UUID, words: bytes) -> None:
        if self.deaf:
            raise Unanswered("away")
        self.said.append((prompt, msgspec.json.decode(words)))

    @staticmethod
    async def _inspect(data: bytes) -> Any:
        return await inspect_image(data, max_bytes=10_000, max_pixels=10_000)

    def _count(self, outcome: CallbackOutcome) -> None:
        self.counted[outcome] += 1


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def http(house: House) -> AsyncIterator[Client]:
    app = Litestar(
        [*door.REPORTS, door.file_upload],
        exception_handlers={Exception: classic_error},
        logging_config=None,
        openapi_config=None,
    )
    app.state.callbacks = house.callbacks
    async with house.callbacks.working(), AsyncTestClient(app) as client:
        yield client


def named(**body: Any) -> dict[str, Any]:
    return {"run_id": str(OWN)} | body


async def test_what_is_said_of_a_prompt_is_passed_on_to_who_follows_it(
    house: House, http: Client
) -> None:
    await house.begin()
    events = len(house.store.log)

    await house.call(http, named(status="running"))

    assert house.said == [(OWN, {"type": "execution_start", "data": {"prompt_id": str(OWN)}})]
    assert house.counted == {TAKEN: 1}
    assert len(house.store.log) == events


@pytest.mark.parametrize(
    ("token", "body", "outcome"),
    [
        ("", named(status="running"), "forged"),
        (TOKENS.make(CLAIMS)[:-1], named(status="running"), "forged"),
        (TOKENS.make(replace(CLAIMS, expires_at=NOW)), named(status="running"), "late"),
        (TOKENS.make(replace(CLAIMS, attempt=2)), named(status="running"), "foreign"),
        (
            TOKENS.make(replace(CLAIMS, attempt=2)),
            {"run_id": str(prompt_id(RUN_ID, 2)), "status": "running"},
            "late",
        ),
        (None, {"run_id": str(RUN_ID), "status": "success"}, "foreign"),
        (None, {"run_id": None, "status": "success"}, "foreign"),
        (None, b"{", "unreadable"),
        (None, b"[]", "unreadable"),
        (None, b"", "unreadable"),
        ("", b"\xff", "forged"),
    ],
)
async def test_what_is_not_welcome_changes_nothing_and_is_counted(
    house: House, http: Client, token: str | None, body: object, outcome: str
) -> None:
    await house.begin()
    events = list(house.store.log)

    await house.call(http, body, token)

    assert house.counted == {CallbackOutcome(outcome): 1}
    assert (house.said, house.storage.objects, house.store.log) == ([], {}, events)


async def test_a_callback_of_a_run_that_has_ended_is_late(house: House, http: Client) -> None:
    run = await house.begin()
    await house.call(http, named(status="running"))
    await run.execute(FAIL, meta())
    image = {"filename": "a.png", "data": b64encode(saved("PNG")).decode()}

    await house.call(http, named(output_data={"images": [image]}))

    assert house.counted == {TAKEN: 1, LATE: 1}
    assert house.storage.objects == {}


async def test_the_next_attempt_is_known_at_once(house: House, http: Client) -> None:
    run = Session(house.store, RUN, RUN_ID)
    await run.execute(CreateRun(created=created()), meta())
    await house.call(http, named(status="running"))
    await run.execute(ClaimRun(machine_id=MACHINE_ID, worker="w", now=NOW), meta())

    await house.call(http, named(status="running"))

    assert house.counted == {LATE: 1, TAKEN: 1}


async def test_an_image_that_is_sent_along_is_stored_as_what_its_bytes_are(
    house: House, http: Client
) -> None:
    await house.begin()
    jpeg = saved("JPEG")
    uri = f"data:text/html;base64,{b64encode(jpeg).decode()}"

    for _ in range(2):
        await house.call(http, named(output_data={"images": [{"filename": "a", "data": uri}]}))

    [(key, stored)] = house.storage.objects.items()
    assert key == staged_key(RUN_ID, 1, "a")
    assert (stored.content, stored.media_type) == (jpeg, "image/jpeg")
    assert house.counted == {TAKEN: 2}


@pytest.mark.parametrize(
    "data",
    [
        "no base64 at all",
        b64encode(b"<html>").decode(),
        b64encode(saved("PNG")[:40]).decode(),
        b64encode(saved("PNG") + bytes(20_000)).decode(),
    ],
    ids=["no base64", "a page", "cut off", "too large"],
)
async def test_what_is_no_image_by_its_bytes_is_not_stored(
    house: House, http: Client, data: str
) -> None:
    await house.begin()

    await house.call(http, named(output_data={"images": [{"filename": "a.png", "data": data}]}))

    assert house.counted == {CallbackOutcome.UNREADABLE: 1}
    assert house.storage.objects == {}


@pytest.mark.parametrize("name", ["../../inputs/a.png", "a/../../b.png", "C:\\x.png", ".."])
async def test_a_name_cannot_leave_the_folder_of_its_attempt(
    house: House, http: Client, name: str
) -> None:
    await house.begin()
    image = {"filename": name, "data": b64encode(saved("PNG")).decode()}

    await house.call(http, named(output_data={"images": [image]}))

    [key] = house.storage.objects
    folder = f"outputs/runs/{RUN_ID}/staged/1/"
    assert key.startswith(folder)
    assert "/" not in key.removeprefix(folder)
    assert ".." not in key


async def test_a_log_is_kept_beside_the_run_without_what_is_secret_in_it(
    house: House, http: Client
) -> None:
    run = await house.begin()
    token = TOKENS.make(CLAIMS)
    url = "https://s3.test/b/a.png?X-Amz-Credential=k%2F1&X-Amz-Signature=0123456789abcdef"
    text = f"Got prompt\nPUT {url}\nAuthorization: Bearer abc.def\ncd_token {token}\ndone"
    # The plugin sends it when the prompt is over, and the run may be over by then.
    await run.execute(FAIL, meta())
    events = len(house.store.log)

    for logged in (text, "another"):
        await house.call(http, named(log_data=[{"logs": logged}], status="success"))

    kept = house.logs[RUN_ID, 1]
    assert kept.splitlines()[0] == "Got prompt"
    assert kept.splitlines()[-1] == "done"
    for secret in (token, "k%2F1", "0123456789abcdef", "abc.def"):
        assert secret not in kept
    assert house.counted == {TAKEN: 2}
    assert (house.said, len(house.store.log)) == ([], events)


async def test_the_log_of_an_erased_run_is_not_kept(house: House, http: Client) -> None:
    run = await house.begin()
    await run.execute(FAIL, meta())

    async def erase_meanwhile() -> None:
        await run.execute(EraseRun(reason="request", by="user:ada", now=NOW), meta())

    house.after_put = erase_meanwhile
    await house.call(http, named(logs=[{"logs": "Got prompt"}]))
    assert house.logs == {}
    house.after_put = _nothing
    await house.call(http, named(logs=[{"logs": "Got prompt"}]))

    assert house.logs == {}
    assert house.counted == {TAKEN: 1, LATE: 1}


async def test_it_is_answered_while_nothing_else_answers(house: House, http: Client) -> None:
    await house.begin()
    house.store.away = True
    await house.call(http, named(status="running"))
    house.store.away = False
    house.storage.down = True
    image = {"filename": "a.png", "data": b64encode(saved("PNG")).decode()}
    await house.call(http, named(output_data={"images": [image]}))
    house.deaf = True
    await house.call(http, named(status="running"))

    assert house.counted == {CallbackOutcome.UNCHECKED: 2, TAKEN: 1}


async def test_it_is_answered_while_the_log_is_silent(house: House, http: Client) -> None:
    await house.begin()
    house.store.answers.clear()
    headers = {"Authorization": f"Bearer {TOKENS.make(CLAIMS)}"}

    async with asyncio.timeout(20):
        statuses = {
            (await http.post("/api/update-run", json=named(status=s), headers=headers)).status_code
            for s in ("running", "uploading", "success", "failed", "cancelled", "running")
        }

    assert statuses == {200}
    assert house.counted == {}
    house.store.answers.set()
    await house.looked_at(6)
    assert house.counted == {TAKEN: 6}


async def test_more_than_can_be_looked_at_is_dropped_and_not_kept(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WAITING_BYTES", 100)
    house.callbacks.take(CLAIMS, bytes(60))
    house.callbacks.take(CLAIMS, bytes(60))
    assert house.counted == {CallbackOutcome.DROPPED: 1}

    async with house.callbacks.working():
        await house.looked_at(2)
    house.callbacks.take(CLAIMS, bytes(60))
    assert house.counted == {CallbackOutcome.DROPPED: 1, CallbackOutcome.UNREADABLE: 1}


async def test_a_body_without_end_is_answered_too(house: House, http: Client) -> None:
    await house.call(http, bytes(LARGEST + 1))

    assert house.counted == {CallbackOutcome.UNREADABLE: 1}


async def test_a_machine_that_was_built_is_acknowledged(http: Client) -> None:
    answer = await http.post("/api/machine-built", content=b"anything")

    assert (answer.status_code, answer.json()) == (
        200,
        {"message": "success", "status": "success"},
    )


async def ask(http: Client, token: str, **query: str) -> Any:
    return await http.get(
        "/api/file-upload", params=query, headers={"Authorization": f"Bearer {token}"}
    )


async def test_a_url_to_store_a_file_is_for_one_key_and_one_type(
    house: House, http: Client
) -> None:
    await house.begin()
    query = {"file_name": "a b.png", "run_id": str(OWN), "type": "image/png", "version": "v2"}

    answer = await ask(http, TOKENS.make(CLAIMS), **query)

    key = staged_key(RUN_ID, 1, "a b.png")
    url = await house.storage.upload_url(key, "image/png", seconds=limits.URL_VALID)
    assert answer.status_code == 200
    assert answer.json() == {
        "url": url,
        "upload_url": url,
        "download_url": f"https://cdn.test/b/{key.replace(' ', '%20')}",
        "include_acl": False,
        "is_public": True,
    }


@pytest.mark.parametrize(
    ("token", "query", "status"),
    [
        ("", {"file_name": "a.png"}, 401),
        ("forged", {"file_name": "a.png"}, 401),
        (TOKENS.make(replace(CLAIMS, expires_at=NOW)), {"file_name": "a.png"}, 401),
        (TOKENS.make(replace(CLAIMS, run_id=uuid4())), {"file_name": "a.png"}, 404),
        (TOKENS.make(replace(CLAIMS, attempt=2)), {"file_name": "a.png"}, 409),
        (TOKENS.make(CLAIMS), {}, 400),
        *(
            (TOKENS.make(CLAIMS), {"file_name": "a", "type": kind}, 400)
            for kind in ("text/html", "image/svg+xml", "application/pdf", "text/xml", "image/png;a")
        ),
    ],
)
async def test_no_url_is_handed_out_without_a_good_reason(
    house: House, http: Client, token: str, query: dict[str, str], status: int
) -> None:
    await house.begin()

    answer = await ask(http, token, **query)

    assert answer.status_code == status
    assert "url" not in answer.text


async def test_a_check_of_a_machine_may_store_one_file_and_nothing_else(http: Client) -> None:
    check = uuid4()
    token = TOKENS.make(CallbackClaims(run_id=check, attempt=CHECK, expires_at=later(60)))

    answer = await ask(http, token, file_size="68", type="image/png")

    assert reach_key(check) in answer.json()["upload_url"]


@settings(max_examples=25, deadline=None)
@given(data=st.data(), name=st.sampled_from(sorted(traces())))
def test_callbacks_in_any_order_twice_with_losses_and_late_never_write_to_the_log(
    data: st.DataObject, name: str
) -> None:
    some = data.draw(disturbed(traces()[name].callbacks))
    ends_at = data.draw(st.integers(0, len(some)))

    async def replay() -> None:
        house = House()
        run = await house.begin()
        own = [_renamed(body) for body in some]
        async with house.callbacks.working():
            for count, body in enumerate(own):
                if count == ends_at:
                    await run.execute(
                        FailRun(error=RunError(code="x", message="x"), now=NOW), meta()
                    )
                house.callbacks.take(CLAIMS, body)
            events = list(house.store.log)
            await house.looked_at(len(own))
        assert house.store.log == events
        assert set(house.counted) <= {TAKEN, LATE}

    asyncio.run(replay())


def _renamed(body: dict[str, Any]) -> bytes:
    return msgspec.json.encode(body).replace(str(PROMPT).encode(), str(OWN).encode())
