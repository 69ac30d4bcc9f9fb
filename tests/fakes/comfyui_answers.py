"""What a scripted ComfyUI answers about one prompt, and a report that keeps what it is told."""

import asyncio
import json
from typing import Any
from uuid import UUID

from events.run.output import Output
from events.run.progress import Progress
from infra.comfyui.driver import ComfyUIMachine
from infra.machine_driver import (
    Finished,
    Outcome,
)
from tests.fakes.scripted_comfyui import Reply

PROMPT = UUID("0d8f7a52-6f0e-4f0e-9a44-0a4f3ad7f5c1")
GRAPH: dict[str, Any] = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 8}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
}
CUT = Reply(status=0)
NO_JOB = Reply({"error": "Job not found"}, 404)
PENDING, IN_PROGRESS = Reply({"status": "pending"}), Reply({"status": "in_progress"})
UNFINISHED = Reply({})
SUCCESS = Reply(
    {
        str(PROMPT): {
            "outputs": {"2": {"text": ["done"]}},
            "status": {"status_str": "success", "completed": True, "messages": []},
        }
    }
)
FINISHED = Finished(outputs=(Output(index=0, node_id="2", kind="text", text="done"),))
HISTORY, JOB = f"GET /history/{PROMPT}", f"GET /api/jobs/{PROMPT}"
CANCEL = f"POST /api/jobs/{PROMPT}/cancel"
NESTED = Reply(b"[" * 100_000 + b"]" * 100_000)


class Recorder:
    """A report that keeps what it is told."""

    def __init__(self) -> None:
        self.runs = 0
        self.told: list[Progress] = []
        self.outages: list[str] = []

    async def running(self) -> None:
        self.runs += 1

    async def progress(self, progress: Progress) -> None:
        self.told.append(progress)

    async def unreachable(self, error: str) -> None:
        self.outages.append(error)

    async def reachable(self) -> None:
        self.outages.append("")


def event(kind: str, **data: object) -> str:
    """Return an event as ComfyUI writes it."""
    return json.dumps({"type": kind, "data": data})


def queued(prompt_id: UUID) -> list[Any]:
    """Return a prompt as a queue holds it."""
    return [4, str(prompt_id), GRAPH, {}, ["2"]]


def queue(*, running: UUID | None = None, pending: UUID | None = None) -> Reply:
    """Answer what the queue holds."""
    return Reply(
        {
            "queue_running": [queued(running)] if running else [],
            "queue_pending": [queued(pending)] if pending else [],
        }
    )


async def watch(machine: ComfyUIMachine) -> tuple[Outcome, Recorder]:
    """Follow the prompt to its end."""
    report = Recorder()
    async with asyncio.timeout(30):
        return await machine.watch(PROMPT, GRAPH, report), report
