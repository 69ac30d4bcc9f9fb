"""The API as the owner of each thing: one server, and a token for each tenant."""

import asyncio
from http import HTTPStatus
from typing import Any

import httpx
from msgspec import Struct

from app.auth.tokens import Tokens
from app.cli.client.api_client import ApiClient, Json
from app.cli.errors import refusal_text
from app.cli.moving.plan import Owner

TOKEN_SECONDS = 24 * 3600
PATIENCE = 5
"""How often a busy server is asked again."""

PAUSE = 2.0
"""Seconds until it is, if it does not say."""

LATER = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}


class Refused(Exception):
    """The server refuses one thing for good; the others may still be taken."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        super().__init__(reason)


class OtherSecret(Exception):
    """The server does not take tokens that this secret signs."""


class Answer(Struct, frozen=True):
    """What the server answered."""

    body: Json
    is_new: bool
    """Whether something was made."""


class TenantApi:
    """Calls the API for the owners of things, with tokens that the same secret signs."""

    def __init__(self, api: ApiClient, tokens: Tokens) -> None:
        self._http = api.http
        self._tokens = tokens
        self._headers: dict[Owner, dict[str, str]] = {}

    async def call(self, owner: Owner, method: str, path: str, body: Json | None = None) -> Answer:
        """Send a request of an owner's.

        Raises:
            Refused: the server refuses it, or cannot do it; the message says why.
            OtherSecret: it refuses the token.
            httpx.HTTPStatusError: it is out of order.
            httpx.TransportError: it cannot be reached.

        """
        answer = await self._sent(method, path, body, self._headers_of(owner))
        if answer.is_success:
            found: Any = answer.json() if answer.content else {}
            return Answer(found, answer.status_code == HTTPStatus.CREATED)
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            raise OtherSecret
        # What breaks one request of many does not hold up the others.
        if answer.is_server_error and answer.status_code != HTTPStatus.INTERNAL_SERVER_ERROR:
            answer.raise_for_status()
        raise Refused(answer.status_code, " ".join(refusal_text(answer).split()))

    async def opens(self, token: str) -> bool:
        """Whether the server still takes a token.

        Raises:
            httpx.HTTPStatusError, httpx.TransportError: it is away, or out of order.

        """
        headers = {"Authorization": f"Bearer {token}"}
        answer = await self._sent("GET", "/v1/runs?limit=1", None, headers)
        if answer.is_server_error:
            answer.raise_for_status()
        return answer.status_code != HTTPStatus.UNAUTHORIZED

    async def _sent(
        self, method: str, path: str, body: Json | None, headers: dict[str, str]
    ) -> httpx.Response:
        answer = await self._http.request(method, path, json=body, headers=headers)
        for _ in range(PATIENCE):
            if answer.status_code not in LATER:
                break
            wait = answer.headers.get("Retry-After", "")
            await asyncio.sleep(float(wait) if wait.isdecimal() else PAUSE)
            answer = await self._http.request(method, path, json=body, headers=headers)
        return answer

    def _headers_of(self, owner: Owner) -> dict[str, str]:
        if owner not in self._headers:
            token = self._tokens.issue(
                user_id=owner.user_id, org_id=owner.org_id, seconds=TOKEN_SECONDS
            )
            self._headers[owner] = {"Authorization": f"Bearer {token}"}
        return self._headers[owner]
