"""The routes of prompts: submit, look at the queue and the history, interrupt."""

import asyncio
import re
from typing import Any

from aiohttp import web

from tests.standin.executor import milliseconds
from tests.standin.machine import Machine
from tests.standin.prompt_queue import Prompt
from tests.standin.validation import PromptRefused, check, problem

_CANONICAL = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SECRETS = ("auth_token_comfy_org", "api_key_comfy_org")


def is_canonical_uuid(value: object) -> bool:
    """Return whether *value* is a UUID in lower case with hyphens."""
    return isinstance(value, str) and _CANONICAL.fullmatch(value) is not None


class PromptRoutes:
    """Answers for one machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.post("/prompt", self.submit),
            web.get("/prompt", self.remaining),
            web.get("/queue", self.queue),
            web.post("/queue", self.change_queue),
            web.get("/history", self.history),
            web.get("/history/{prompt_id}", self.history_of),
            web.post("/history", self.change_history),
            web.post("/interrupt", self.interrupt),
        ]

    async def submit(self, request: web.Request) -> web.Response:
        """Check and queue a prompt."""
        sent = await request.json()
        return await self.queue_prompt(
            sent if isinstance(sent, dict) else {}, request.headers.get("Comfy-Usage-Source")
        )

    async def queue_prompt(self, body: dict[str, Any], source: str | None = None) -> web.Response:
        """Check and queue the prompt that *body* describes."""
        number = self._number(body)
        if "prompt" not in body:
            message = "No prompt provided"
            return _refused(problem("no_prompt", message, message))
        try:
            prompt = self._prompt(body, number, source)
        except PromptRefused as refusal:
            return _refused(refusal.problem, refusal.node_errors)
        self._machine.queue.put(prompt[0])
        await asyncio.sleep(self._machine.switches.hang_posts)
        accepted = {"prompt_id": prompt[0].prompt_id, "number": number, "node_errors": prompt[1]}
        return web.json_response(accepted)

    def _number(self, body: dict[str, Any]) -> float:
        if "number" in body:
            return float(body["number"])
        drawn = self._machine.next_number()
        return -drawn if body.get("front") else drawn

    def _prompt(
        self, body: dict[str, Any], number: float, source: str | None
    ) -> tuple[Prompt, dict[str, Any]]:
        prompt_id = body.get("prompt_id")
        if prompt_id is None:
            prompt_id = self._machine.new_id()
        elif not is_canonical_uuid(prompt_id):
            raise PromptRefused(_BAD_ID)
        graph = dict(body["prompt"].items())
        checked = check(graph, self._machine.folders, body.get("partial_execution_targets"))
        extra = {k: v for k, v in body.get("extra_data", {}).items() if k not in _SECRETS}
        if "client_id" in body:
            extra["client_id"] = body["client_id"]
        if source is not None:
            extra["comfy_usage_source"] = source
        extra["create_time"] = milliseconds()
        prompt = Prompt(
            number=number,
            prompt_id=prompt_id,
            graph=graph,
            extra=extra,
            outputs=checked.outputs,
            account=body.get("extra_data", {}).get("api_key_comfy_org", ""),
        )
        return prompt, checked.node_errors

    async def remaining(self, _request: web.Request) -> web.Response:
        """Count what is not finished."""
        return web.json_response(
            {"exec_info": {"queue_remaining": self._machine.queue.remaining()}}
        )

    async def queue(self, _request: web.Request) -> web.Response:
        """List the running and the pending prompts."""
        queue = self._machine.queue
        running = [] if queue.running is None else [queue.running.listed()]
        pending = [prompt.listed() for prompt in queue.pending]
        return web.json_response({"queue_running": running, "queue_pending": pending})

    async def change_queue(self, request: web.Request) -> web.Response:
        """Take pending prompts out. Others are not touched, and no id is an error."""
        body = await request.json()
        if body.get("clear"):
            self._machine.queue.clear()
        for prompt_id in body.get("delete", ()):
            self._machine.queue.delete(prompt_id)
        return web.Response()

    async def history(self, request: web.Request) -> web.Response:
        """List the finished prompts; max_items gives the latest."""
        entries = list(self._machine.queue.history.items())
        limit = request.query.get("max_items")
        start = 0 if limit is None else max(0, len(entries) - int(limit))
        return web.json_response(dict(entries[start:]))

    async def history_of(self, request: web.Request) -> web.Response:
        """Return one finished prompt: {} if it is none."""
        prompt_id = request.match_info["prompt_id"]
        entry = self._machine.queue.history.get(prompt_id)
        return web.json_response({} if entry is None else {prompt_id: entry})

    async def change_history(self, request: web.Request) -> web.Response:
        """Forget finished prompts."""
        body = await request.json()
        if body.get("clear"):
            self._machine.queue.history.clear()
        self._machine.queue.forget(body.get("delete", ()))
        return web.Response()

    async def interrupt(self, request: web.Request) -> web.Response:
        """Stop the running prompt, or only the named one if it is running."""
        try:
            body = await request.json()
        except ValueError:
            body = {}
        self._machine.interrupt(body.get("prompt_id"))
        return web.Response()


_BAD_ID = problem(
    "invalid_prompt_id",
    "prompt_id must be a valid UUID",
    "prompt_id must be written in lower case with hyphens; leave it out to get one",
)


def _refused(error: dict[str, Any], node_errors: dict[str, Any] | None = None) -> web.Response:
    return web.json_response({"error": error, "node_errors": node_errors or {}}, status=400)
