"""The plugin of comfyui-deploy on a stand-in: takes runs, calls back, and stores files itself.

It behaves as upstream's 2.3.10 was seen to: seeds are drawn again, callbacks come at the same time
and so in any order, `success` is sent only once all files are stored after the end.
"""

import asyncio
import json
import mimetypes
import random
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import ClientError, ClientSession, web

from tests.standin.machine import Machine
from tests.standin.routes.prompt_routes import PromptRoutes


@dataclass
class PluginFaults:
    """What goes wrong with the plugin; may be set at any time."""

    loses: float = 0.0
    """Share of the callbacks that are never sent."""

    doubles: float = 0.0
    """Share of those that are sent twice."""

    late: float = 0.0
    """Seconds up to which a callback is held back."""

    no_uploads: bool = False
    """Whether files are asked for and never stored."""


@dataclass
class Known:
    """What the plugin keeps of a prompt."""

    status_endpoint: str
    file_upload_endpoint: str
    token: str
    nodes: dict[str, Any]


class Plugin:
    """Answers for one machine."""

    def __init__(self, machine: Machine, faults: PluginFaults) -> None:
        self._machine = machine
        self._faults = faults
        self._prompts: dict[str, Known] = {}
        self._pending: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._http: ClientSession | None = None
        machine.hub.overheard = self._overhear

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.post("/comfyui-deploy/run", self.run),
            web.get("/comfyui-deploy/upload-queue-status", self.uploads),
            web.post("/comfyui-deploy/upload-file", self.upload_file),
        ]

    async def close(self) -> None:
        """Wait a moment for what is under way, and end the rest."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._http:
            await self._http.close()
            await asyncio.sleep(0)  # its sockets close in the loop's next turn

    async def run(self, request: web.Request) -> web.Response:
        """Queue a run."""
        body = await request.json()
        graph = body["workflow_api_raw"]
        for node in graph.values():
            if "seed" in node["inputs"] and not isinstance(node["inputs"]["seed"], list):
                # Without the editor's graph the plugin breaks here, as with this one.
                assert isinstance(body["workflow"]["nodes"], list)
                node["inputs"]["seed"] = random.randint(10**14, 10**15 - 1)
        prompt_id = body["prompt_id"]
        self._prompts[prompt_id] = Known(
            status_endpoint=body["status_endpoint"],
            file_upload_endpoint=body["file_upload_endpoint"],
            token=body["cd_token"],
            nodes=graph,
        )
        prompt = {
            "prompt": graph,
            "prompt_id": prompt_id,
            "client_id": body.get("client_id") or "comfy_deploy_instance",
            "extra_data": {"extra_pnginfo": {"workflow": body.get("workflow")}},
        }
        answer = await PromptRoutes(self._machine).queue_prompt(prompt)
        found = json.loads(answer.text or "{}")
        if not found.get("node_errors"):
            return web.json_response(found)  # also of what is refused as a whole
        self._report(prompt_id, output_data={"error": found})
        if "error" in found:
            self._report(prompt_id, status="failed")
        return web.json_response(found, status=400)

    async def uploads(self, request: web.Request) -> web.Response:
        """Count the uploads under way."""
        answer: dict[str, Any] = {"queue_size": 0, "max_concurrent": 3}
        prompt_id = request.query.get("prompt_id", "")
        if self._pending.get(prompt_id):
            answer |= {"prompt_pending": self._pending[prompt_id], "prompt_id": prompt_id}
        return web.json_response(answer)

    async def upload_file(self, request: web.Request) -> web.Response:
        """Store a file of the machine somewhere else."""
        body = await request.json()
        kind, *parts = body["file_path"].split("\\")
        path = self._machine.folders.inside(kind, "/".join(parts[:-1]), parts[-1])
        content = path.read_bytes()
        query = {"file_size": str(len(content)), "type": "image/png"}
        headers = {"Authorization": f"Bearer {body['token']}"}
        try:
            async with self._client().get(body["url"], params=query, headers=headers) as answer:
                if answer.status != 200:
                    error = f"Failed to fetch data. Status code: {answer.status}"
                    return web.json_response({"error": error}, status=answer.status)
                where = await answer.json()
            sent = {"Content-Type": "image/png"}
            async with self._client().put(where["upload_url"], data=content, headers=sent) as put:
                return web.json_response({"message": "done"}, status=put.status)
        except ClientError as error:
            return web.json_response({"error": str(error)}, status=500)

    def _overhear(self, event: str, data: dict[str, Any]) -> None:
        prompt_id = data["prompt_id"]
        known = self._prompts.get(prompt_id)
        if known is None:
            return
        self._report(prompt_id, ws_event={"event": event, "data": data, "gpu_event_id": None})
        if event == "execution_start":
            self._report(prompt_id, status="running")
        elif event == "executing" and data.get("node") in known.nodes:
            name = known.nodes[data["node"]]["class_type"]
            self._report(prompt_id, live_status=f"Executing {name}", progress=0.5)
        elif event == "executed":
            files = [f for f in data["output"].get("images", ()) if f["type"] == "output"]
            self._pending[prompt_id] = self._pending.get(prompt_id, 0) + len(files)
            for file in files:
                self._start(self._upload(prompt_id, known, data["node"], file))
        elif event == "execution_error":
            self._report(prompt_id, status="failed")

    async def _upload(self, prompt_id: str, known: Known, node: str, file: dict[str, Any]) -> None:
        await asyncio.sleep(0.05)  # its uploads are staggered
        media_type = mimetypes.guess_type(file["filename"])[0] or "application/octet-stream"
        path = self._machine.folders.inside("output", file["subfolder"], file["filename"])
        query = (
            f"file_name={quote(file['filename'])}&run_id={prompt_id}"
            f"&type={quote(media_type)}&version=v2"
        )
        headers = {"Authorization": f"Bearer {known.token}"}
        try:
            url = f"{known.file_upload_endpoint}?{query}"
            async with self._client().get(url, headers=headers) as answer:
                where = await answer.json() if answer.status == 200 else {}
            if not self._faults.no_uploads and "url" in where:
                sent = {"Content-Type": media_type}
                await self._put(where["url"], path, sent)
        except ClientError:
            return
        finally:
            self._pending[prompt_id] -= 1
        item = {**file, "url": where.get("download_url"), "upload_duration": 0.1}
        self._report(prompt_id, output_data={"images": [item]}, node_meta={"node_id": node})
        if not self._pending[prompt_id]:
            self._report(prompt_id, status="success")

    async def _put(self, url: str, path: Path, headers: dict[str, str]) -> None:
        content = await asyncio.to_thread(path.read_bytes)
        async with self._client().put(url, data=content, headers=headers) as answer:
            await answer.read()

    def _report(self, prompt_id: str, **said: Any) -> None:
        faults, body = self._faults, {"run_id": prompt_id, "gpu_event_id": None} | said
        if random.random() < faults.loses:
            return
        for _ in range(2 if random.random() < faults.doubles else 1):
            self._start(self._post(self._prompts[prompt_id], body))

    async def _post(self, known: Known, body: dict[str, Any]) -> None:
        await asyncio.sleep(random.uniform(0, self._faults.late))
        headers = {"Authorization": f"Bearer {known.token}"}
        try:
            async with self._client().post(
                known.status_endpoint, json=body, headers=headers
            ) as answer:
                await answer.read()
        except ClientError:
            return

    def _start(self, doing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _client(self) -> ClientSession:
        self._http = self._http or ClientSession()
        return self._http
