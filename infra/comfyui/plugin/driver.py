"""The driver of a ComfyUI that is given its prompts by comfyui-deploy's plugin.

The plugin reports, and stores files itself. All else is as with the stock driver: what became of a
prompt is asked of ComfyUI, so nothing is lost where the plugin loses something.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from typing import Any
from uuid import UUID

from msgspec import Struct
from typing_extensions import override

from infra.comfyui import prompts
from infra.comfyui.answers import decoded
from infra.comfyui.client import Client
from infra.comfyui.driver import ComfyUIMachine
from infra.comfyui.folders import make_folders
from infra.comfyui.plugin.pinned import pinned
from infra.comfyui.watch.listening import Listener
from infra.comfyui.watch.watching import Patience
from infra.machine_driver import Graph, MachineRefused, MachineUnreachable

NAME = "comfyui-deploy"
"""What a machine's setting `driver` is called."""

UPDATE_PATH, UPLOAD_PATH = "/api/update-run", "/api/file-upload"

UPLOADS_WITHIN = 300.0
"""Seconds the plugin has for its uploads; then a worker fetches what is missing."""

LOOK_EVERY = 0.2
NO_GRAPH: Mapping[str, Any] = {"nodes": []}
"""Stands for the editor's graph where there is none: without it the plugin breaks."""

OnWords = Callable[[str], None]
HearCallbacks = Callable[[UUID, OnWords], AbstractAsyncContextManager[None]]
"""Calls with all that callbacks say of a prompt, during a block."""


class CallbackEnd(Struct, frozen=True, kw_only=True):
    """Where the plugin calls back, and how its words get here."""

    url: str
    """Of comfyd, as the machine reaches it."""

    hear: HearCallbacks


class UploadQueue(Struct, frozen=True):
    """What the plugin says of its uploads."""

    prompt_pending: int = 0
    """Files of the prompt that was asked for; not there when it has none."""


class PluginMachine(ComfyUIMachine):
    """A ComfyUI with the plugin; every method raises what the port says."""

    def __init__(self, client: Client, patience: Patience, callbacks: CallbackEnd) -> None:
        super().__init__(client, patience)
        self._callbacks = callbacks

    @override
    async def check(self, graph: Graph) -> None:
        """Compare *graph*, as it is sent, with what the machine can do."""
        await super().check(pinned(graph))

    @override
    async def submit(
        self,
        prompt_id: UUID,
        graph: Graph,
        *,
        ui_graph: Mapping[str, Any] | None = None,
        callback_token: str = "",
    ) -> None:
        """Hand a prompt to the plugin."""
        body = self._body(prompt_id, pinned(graph), ui_graph, callback_token)
        await make_folders(self._client, graph, is_stock=self._capabilities.is_stock)
        answer = await self._client.order_once(body, "comfyui-deploy", "run")
        if answer.status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}:
            raise MachineRefused("plugin_missing", "this ComfyUI has no plugin of comfyui-deploy")
        async with self._capabilities.explaining(graph):
            await prompts.check_accepted(self._client, prompt_id, answer)
        self._submitted.add(prompt_id)

    def _body(
        self,
        prompt_id: UUID,
        graph: Graph,
        ui_graph: Mapping[str, Any] | None,
        callback_token: str,
    ) -> dict[str, Any]:
        return {
            "workflow_api_raw": graph,
            "workflow": {**NO_GRAPH, **(ui_graph or {})},
            "prompt_id": str(prompt_id),
            # The prompt is its own client, so that its watcher hears it as well.
            "client_id": str(prompt_id),
            "status_endpoint": self._callbacks.url + UPDATE_PATH,
            "file_upload_endpoint": self._callbacks.url + UPLOAD_PATH,
            "cd_token": callback_token,
        }

    @override
    @asynccontextmanager
    async def _listening(self, prompt_id: UUID, graph: Graph) -> AsyncIterator[Listener]:
        async with (
            super()._listening(prompt_id, graph) as listener,
            self._callbacks.hear(prompt_id, listener.take_hint),
        ):
            yield listener

    @override
    async def finish_uploads(self, prompt_id: UUID) -> bool:
        """Wait until the plugin has stored what it stores, or has had its time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + UPLOADS_WITHIN
        while await self._uploads(prompt_id) and loop.time() < deadline:  # noqa: ASYNC110 -- a poll
            await asyncio.sleep(LOOK_EVERY)
        return True

    async def _uploads(self, prompt_id: UUID) -> int:
        """Return how many files wait; none where that cannot be known.

        The fork's plugin has stored all when the prompt ends, and has no such route.
        """
        path = ("comfyui-deploy", "upload-queue-status")
        try:
            answer = await self._client.get(*path, query={"prompt_id": str(prompt_id)})
            return decoded(answer, UploadQueue).prompt_pending
        except (MachineUnreachable, MachineRefused):
            return 0
