"""A run as it is followed in a terminal: bars for people, lines for what is no terminal."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Sequence
from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from typing_extensions import override

from app.cli.client.api_client import ApiClient, Json, StreamEvent
from app.cli.client.command_context import CommandContext
from app.cli.output.show_run import watch_to_end
from events.run.progress import Progress
from events.run.status import Status
from tests.builders.facts import NOW

RUN = "00000000-0000-4000-8000-000000000001"
WITHIN = 10.0


class Terminal(StringIO):
    """Remembers everything that was ever drawn, and what was drawn since the last look."""

    def __init__(self) -> None:
        super().__init__()
        self._seen = 0

    async def shows(self, pattern: str) -> None:
        """Wait until something is drawn anew that fits *pattern*."""
        deadline = time.monotonic() + WITHIN
        while not re.search(pattern, drawn := self.getvalue()[self._seen :]):
            assert time.monotonic() < deadline, f"{pattern!r} is not in {drawn!r}"
            await asyncio.sleep(0.02)
        self._seen = len(self.getvalue())


class FakeApi(ApiClient):
    """Replays the messages of one run, and checks what the terminal shows after some."""

    def __init__(self, story: Sequence[tuple[StreamEvent, str]], terminal: Terminal) -> None:
        self._story = story
        self._terminal = terminal

    @override
    async def follow(self, path: str, *, after: str | None = None) -> AsyncGenerator[StreamEvent]:
        assert path == f"/v1/runs/{RUN}/events"
        for heard, expected in self._story:
            yield heard
            if expected:
                await self._terminal.shows(expected)

    @override
    async def get(self, path: str, **query: object) -> Any:
        if path.endswith("/timeline"):
            return {"waiting": None}
        last = self._story[-1][0].data["status"]
        return dict.fromkeys(
            ("deployment_id", "version", "duration", "error", "rerun_of", "batch_id", "erased_at")
        ) | {"id": RUN, "status": last, "created_at": NOW.isoformat(), "attempt": 1, "outputs": []}


def told(event: str, status: str) -> StreamEvent:
    return StreamEvent(event=event, data={"run_id": RUN, "status": status}, id="1")


def progress(percent: int, **about: Any) -> StreamEvent:
    """Return progress as the API does: what is nothing is left out."""
    hint = Progress(run_id=RUN, percent=percent, message="", **about)
    left = {name: getattr(hint, name) for name in hint.__struct_fields__}
    data: Json = {name: value for name, value in left.items() if value or name == "percent"}
    return StreamEvent(event="progress", data=data, id="")


async def watched(story: Sequence[tuple[StreamEvent, str]], *, terminal: bool) -> tuple[int, str]:
    """Watch the run of *story* to its end; give the exit code and all that was drawn."""
    screen = Terminal()
    console = Console(
        force_terminal=terminal,
        width=100,
        file=screen,
        color_system=None,
        _environ={"TERM": "xterm"},
    )
    context = CommandContext(api=FakeApi(story, screen), console=console, json=False)
    return await watch_to_end(context, RUN, preview=False), screen.getvalue()


def story_of(end: Status, last: str) -> list[tuple[StreamEvent, str]]:
    """Return the messages of a run, each with what the terminal shows after it."""
    sampler = {"node_id": "3", "node_title": "My sampler"}
    decode = {"node_id": "8", "node_class": "VAEDecodeTiled"}
    return [
        (told("snapshot", Status.QUEUED), r"queued .* 0/100"),
        (told("run.status_changed", Status.RUNNING), r"running .* 0/100"),
        (progress(10, **sampler, steps=20), r"running +━.* 10/100[^/]*\n  My sampler .* 0/20"),
        (progress(40, **sampler, step=10, steps=20), r" 40/100[^/]*\n  My sampler +━.* 10/20"),
        (progress(60, **decode, step=1, steps=4), r" 60/100[^/]*\n  VAEDecodeTiled +━.* 1/4"),
        (progress(80, node_id="9", node_title="Save Image"), r" 80/100 [\d:]+ *(\x1b\[\?25.)?$"),
        (told("run.status_changed", end), last),
        (told("done", end), ""),
    ]


@pytest.mark.parametrize(
    ("end", "last", "code"),
    [
        (Status.SUCCESS, r"success +━+ +100/100", 0),
        (Status.FAILED, r"failed +━.* 80/100", 1),
        (Status.CANCELLED, r"cancelled +━.* 80/100", 1),
    ],
)
async def test_a_terminal_shows_a_bar_for_the_run_and_one_for_its_node(
    end: Status, last: str, code: int
) -> None:
    ended, drawn = await watched(story_of(end, last), terminal=True)
    assert ended == code
    after = drawn[[found.start() for found in re.finditer(last, drawn)][-1] :]
    assert re.search(rf"status +{end}", after)
    assert "sampler" not in after


@pytest.mark.parametrize(("end", "code"), [(Status.SUCCESS, 0), (Status.TIMEOUT, 1)])
async def test_without_a_terminal_each_status_is_a_line(end: Status, code: int) -> None:
    silent = [(heard, "") for heard, _ in story_of(end, "")]
    ended, printed = await watched(silent, terminal=False)
    assert ended == code
    assert printed.splitlines()[:3] == ["queued", "running", end]
    assert "\x1b" not in printed
    assert "%" not in printed
