"""An identity provider that signs people in: authorisation code with PKCE, for one client."""

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from aiohttp import web

from tests.servers.identity_provider import SigningKey

CLIENT_ID = "comfyd-pages"
CLIENT_SECRET = "a secret of the client: %"


class SignInProvider:
    """Ada is signed in here already, and agrees to everything."""

    def __init__(self) -> None:
        self.key = SigningKey("pages")
        self.url = ""
        self.claims: dict[str, Any] = {}
        """Claims of ID tokens that are otherwise than they should be."""

        self.described: dict[str, Any] = {}
        """What the discovery document says otherwise than it should."""

        self.auth_methods = ["client_secret_basic"]
        self.asked_with: list[str] = []
        """How the client named itself at each exchange."""

        self._pending: dict[str, dict[str, str]] = {}

    async def describe(self, _: web.Request) -> web.Response:
        """Return the discovery document."""
        return web.json_response(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "token_endpoint_auth_methods_supported": self.auth_methods,
            }
            | self.described
        )

    async def keys(self, _: web.Request) -> web.Response:
        """Return the public keys."""
        return web.json_response({"keys": [self.key.jwk]})

    async def authorize(self, request: web.Request) -> web.Response:
        """Send the browser back with a code."""
        query = dict(request.query)
        assert (query["response_type"], query["client_id"]) == ("code", CLIENT_ID)
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = str(uuid4())
        self._pending[code] = query
        back = urlencode({"code": code, "state": query["state"], "iss": self.url})
        raise web.HTTPSeeOther(f"{query['redirect_uri']}?{back}")

    async def token(self, request: web.Request) -> web.Response:
        """Exchange a code, once, for an ID token."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        asked = self._pending.pop(form["code"], None)
        verified = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(verified).decode().rstrip("=")
        if (
            asked is None
            or not self._knows(request, form)
            or form["grant_type"] != "authorization_code"
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != form["redirect_uri"]
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        said = {"iss": self.url, "aud": CLIENT_ID, "nonce": asked["nonce"]}
        return web.json_response(
            {"id_token": self.key.sign(**(said | self.claims)), "token_type": "Bearer"}
        )

    def _knows(self, request: web.Request, form: dict[str, str]) -> bool:
        header = request.headers.get("Authorization", "")
        if header:
            self.asked_with.append("basic")
            # Both are form-encoded in it (RFC 6749 §2.3.1).
            encoded = urlencode({"": CLIENT_SECRET})[1:]
            sent = base64.b64decode(header.removeprefix("Basic ")).decode()
            return sent == f"{CLIENT_ID}:{encoded}"
        self.asked_with.append("post" if "client_secret" in form else "public")
        secret = form.get("client_secret", CLIENT_SECRET)
        return (form.get("client_id"), secret) == (CLIENT_ID, CLIENT_SECRET)


@asynccontextmanager
async def running_sign_in_provider() -> AsyncIterator[SignInProvider]:
    """Serve it on a port of this machine."""
    provider = SignInProvider()
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", provider.describe)
    app.router.add_get("/keys", provider.keys)
    app.router.add_get("/authorize", provider.authorize)
    app.router.add_post("/token", provider.token)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        provider.url = f"http://{host}:{port}"
        yield provider
    finally:
        await runner.cleanup()
