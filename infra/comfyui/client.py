"""Speak HTTP with one ComfyUI, and name what can go wrong on the way."""

import asyncio
from collections.abc import Coroutine, Mapping
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientHandlerType,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    FormData,
    TCPConnector,
)
from aiohttp.abc import AbstractResolver
from yarl import URL

from infra.comfyui.answers import Answer, decoded
from infra.comfyui.secrets import NO_SECRETS, MachineSecrets
from infra.machine_driver import MachineRefused, MachineUnreachable, OutcomeUnknown
from infra.masking import MASK

CONNECT_WITHIN = 10.0
"""Longest time for a connection, in seconds; a ComfyUI that loads its nodes refuses at once."""

READ_WITHIN = 60.0
"""Longest wait for the next piece of a file, in seconds."""

LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes of an answer that is read as a whole; hundreds of custom nodes are described in 10 MB."""

NO_ANSWER = (ClientError, TimeoutError, OSError)
"""What aiohttp raises when a server does not answer, or not to the end."""

Reply = TypeVar("Reply")


class Redirected(ClientError):
    """The machine sends us elsewhere; we go nowhere but where it was registered."""


class Client:
    """One ComfyUI, asked over HTTP."""

    def __init__(
        self,
        base: URL,
        *,
        answer_within: float,
        secrets: MachineSecrets = NO_SECRETS,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self.base = base
        self.secrets = secrets
        timeout = ClientTimeout(total=answer_within, sock_connect=CONNECT_WITHIN)
        self.session = ClientSession(
            connector=TCPConnector(resolver=resolver),
            headers=secrets.headers(),
            timeout=timeout,
            # The library follows redirects of WebSockets too, and has no other way to forbid it.
            middlewares=[_stay_here],
            trust_env=False,
        )
        self._answer_within = answer_within
        self._farewells: set[asyncio.Task[None]] = set()

    def at(self, *path: str) -> URL:
        """Return the URL of *path*; each part may hold any character."""
        return self.base.joinpath(*(quote(part, safe="") for part in path), encoded=True)

    async def get(
        self, *path: str, at_most: int | None = None, query: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask something whose answer has *at_most* so many bytes.

        Raises:
            MachineUnreachable: no answer.
            MachineRefused: an answer without end; so it is with every question here.

        """
        return await self._answer("GET", self.at(*path).with_query(query), at_most=at_most)

    async def read(self, reply: type[Reply], *path: str) -> Reply:
        """Ask something whose answer must be a *reply*.

        Raises:
            MachineUnreachable: no answer, or none that a ComfyUI gives.

        """
        return decoded(await self.get(*path), reply)

    async def order(self, body: Mapping[str, Any], *path: str) -> Answer:
        """Send a request that may be repeated.

        Raises:
            MachineUnreachable: no answer.

        """
        data = msgspec.json.encode(body)
        return await self._answer("POST", self.at(*path), data=data, headers=_JSON)

    async def send(self, form: FormData, *path: str) -> Answer:
        """Send a form, such as a file.

        Raises:
            MachineUnreachable: no answer.

        """
        return await self._answer("POST", self.at(*path), data=form)

    async def order_once(self, body: Mapping[str, Any], *path: str) -> Answer:
        """Send a request that must not be repeated.

        Raises:
            MachineUnreachable: it was never sent.
            OutcomeUnknown: it may have been received.

        """
        data = msgspec.json.encode(body)
        try:
            async with self.session.post(self.at(*path), data=data, headers=_JSON) as response:
                return await self._whole(response)
        except (ClientConnectorError, ConnectionTimeoutError) as error:
            raise MachineUnreachable(self.describe(error)) from error
        except NO_ANSWER as error:
            raise OutcomeUnknown(self.describe(error)) from error

    async def open(self, url: URL) -> ClientResponse:
        """Open *url* for reading as slowly as the reader likes; the caller closes it.

        Raises:
            MachineUnreachable: no answer.

        """
        # A total limit would cut off big files; a compressed body would belie its length.
        timeout = ClientTimeout(total=None, sock_connect=CONNECT_WITHIN, sock_read=READ_WITHIN)
        headers = {"Accept-Encoding": "identity"}
        try:
            async with asyncio.timeout(self._answer_within):
                return await self.session.get(url, timeout=timeout, headers=headers)
        except NO_ANSWER as error:
            raise MachineUnreachable(self.describe(error)) from error

    def later(self, farewell: Coroutine[None, None, None]) -> None:
        """Run *farewell* in the background; `close` waits for it."""
        task = asyncio.create_task(farewell)
        self._farewells.add(task)
        task.add_done_callback(self._farewells.discard)

    async def close(self) -> None:
        """Close every connection."""
        if self._farewells:
            await asyncio.wait(self._farewells)
        await self.session.close()

    def refused(self, why: str) -> MachineRefused:
        """Make the error of an answer that cannot be used."""
        return MachineRefused("machine_answer_invalid", f"{self.base.origin()} {why}")

    def describe(self, error: Exception) -> str:
        """Add to *error* which machine it is about."""
        return f"{self.base.origin()}: {str(error) or type(error).__name__}"

    async def _answer(
        self,
        method: str,
        url: URL,
        *,
        data: bytes | FormData | None = None,
        headers: Mapping[str, str] | None = None,
        at_most: int | None = None,
    ) -> Answer:
        try:
            async with self.session.request(method, url, data=data, headers=headers) as response:
                return await self._whole(response, at_most)
        except NO_ANSWER as error:
            raise MachineUnreachable(self.describe(error)) from error

    async def _whole(self, response: ClientResponse, at_most: int | None = None) -> Answer:
        most = at_most or LARGEST_ANSWER
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > most:
                raise self.refused(f"answers with more than {most} bytes")
        return Answer(
            status=response.status,
            media_type=response.content_type,
            body=self._masked(bytes(body), response.status),
        )

    def _masked(self, body: bytes, status: int) -> bytes:
        """Hide our secrets: a proxy may quote what it does not take, a node what it was given.

        What is said is recorded, and shown.
        """
        key = self.secrets.comfy_api_key
        quoted = self.secrets.shown() if status >= HTTPStatus.BAD_REQUEST else ()
        for secret in (*quoted, *([key] if key else [])):
            body = body.replace(secret.encode(), MASK.encode())
        return body


_JSON = {"Content-Type": "application/json"}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


async def _stay_here(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    response = await handler(request)
    if response.status in _REDIRECTS:
        response.close()
        raise Redirected(f"answers {response.status}: it wants us to go elsewhere")
    return response
