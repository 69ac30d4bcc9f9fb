"""The driver of a stock ComfyUI: the port of a machine, over its own HTTP and WebSocket API."""

from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any
from uuid import UUID

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver
from yarl import URL

from events.graph.object_info import Infos
from events.run.output import Output
from infra.comfyui import files, prompts
from infra.comfyui.capabilities import Capabilities
from infra.comfyui.client import Client
from infra.comfyui.folders import make_folders
from infra.comfyui.secrets import NO_SECRETS, MachineSecrets
from infra.comfyui.watch import observing
from infra.comfyui.watch.listening import Listener, listening
from infra.comfyui.watch.watching import Patience, Watch
from infra.machine_driver import Graph, Observed, Outcome, OutputStream, PromptState, Report
from infra.net.machine_address import check_host, machine_resolver


class ComfyUIMachine:
    """One ComfyUI; every method raises what the port says."""

    def __init__(self, client: Client, patience: Patience) -> None:
        self._client = client
        self._patience = patience
        self._capabilities = Capabilities(client)
        self._submitted: set[UUID] = set()
        """Prompts of which nothing was missed when they are watched now."""

    async def describe(self, classes: Collection[str]) -> Infos:
        """Return what the machine knows of classes of nodes."""
        return await self._capabilities.describe(classes)

    async def check(self, graph: Graph) -> None:
        """Compare *graph* with what the machine can do."""
        await self._capabilities.check(graph)

    async def upload_image(self, name: str, data: bytes) -> str:
        """Put an input image on the machine; return the name a LoadImage node must use."""
        return await files.upload_image(self._client, name, data)

    async def look_up(self, prompt_id: UUID) -> PromptState:
        """Ask the machine what it knows of a prompt."""
        return await prompts.look_up(self._client, prompt_id)

    async def submit(
        self,
        prompt_id: UUID,
        graph: Graph,
        *,
        ui_graph: Mapping[str, Any] | None = None,
        callback_token: str = "",  # noqa: ARG002 -- a stock ComfyUI does not call back
    ) -> None:
        """Queue a prompt."""
        await make_folders(self._client, graph, is_stock=self._capabilities.is_stock)
        async with self._capabilities.explaining(graph):
            await prompts.submit(self._client, prompt_id, graph, ui_graph)
        self._submitted.add(prompt_id)

    async def watch(self, prompt_id: UUID, graph: Graph, report: Report) -> Outcome:
        """Follow a prompt to its end, through silence and lost connections."""
        async with self._listening(prompt_id, graph) as listener:
            return await Watch(
                listener,
                report,
                look_up=partial(prompts.look_up, self._client, prompt_id),
                is_idle=partial(prompts.is_idle, self._client),
                patience=self._patience,
            ).to_the_end()

    def _listening(self, prompt_id: UUID, graph: Graph) -> AbstractAsyncContextManager[Listener]:
        from_the_start = prompt_id in self._submitted
        self._submitted.discard(prompt_id)
        return listening(self._client, prompt_id, graph, from_the_start=from_the_start)

    async def finish_uploads(self, prompt_id: UUID) -> bool:  # noqa: ARG002 -- it has none
        """Return that a stock ComfyUI stores nothing itself."""
        return False

    async def cancel(self, prompt_id: UUID) -> None:
        """Stop exactly this prompt, queued or running."""
        await prompts.stop(self._client, prompt_id)

    def open_output(self, output: Output) -> AbstractAsyncContextManager[OutputStream]:
        """Open a file for streaming."""
        return files.open_output(self._client, output)

    async def observe(self) -> Observed:
        """Ask the machine what it is and what it can do."""
        return await observing.observe(self._client)

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()


async def open_comfyui(
    url: str,
    *,
    secrets: MachineSecrets = NO_SECRETS,
    silence: float = 5.0,
    patience: float = 600.0,
    answer_within: float = 30.0,
    allow_private: bool = False,
    resolver: AbstractResolver | None = None,
) -> ComfyUIMachine:
    """Open the driver for the ComfyUI at *url*; nothing is sent yet.

    Args:
        url: where it answers.
        secrets: what it is shown with every request, and the account of its partner nodes.
        silence: seconds without an event before the machine is asked.
        patience: seconds without a sign of life before it is given up.
        answer_within: seconds for one answer.
        allow_private: connect to private networks as well.
        resolver: asks for the addresses of names; the system's when None.

    Raises:
        AddressRefused: no machine may have this address.
        ValueError: *url* is no http or https URL.

    """
    client = open_client(
        url,
        secrets=secrets,
        answer_within=answer_within,
        allow_private=allow_private,
        resolver=resolver,
    )
    return ComfyUIMachine(client, Patience(silence=silence, unreachable=patience))


def open_client(
    url: str,
    *,
    secrets: MachineSecrets = NO_SECRETS,
    answer_within: float = 30.0,
    allow_private: bool = False,
    resolver: AbstractResolver | None = None,
) -> Client:
    """Open a client for the ComfyUI at *url*; see `open_comfyui`."""
    base = base_url(url)
    check_host(base.raw_host or "", allow_private=allow_private)
    guarded = machine_resolver(resolver or ThreadedResolver(), allow_private=allow_private)
    return Client(base, answer_within=answer_within, secrets=secrets, resolver=guarded)


def base_url(url: str) -> URL:
    """Read the URL of a ComfyUI, which may lie below a path.

    Raises:
        ValueError: *url* is no http or https URL.

    """
    base = URL(url)
    if base.scheme not in {"http", "https"} or not base.host:
        raise ValueError(f"{url!r} is not the http or https URL of a machine")
    return base.with_query(None).with_fragment(None)
