"""An identity provider for tests: it signs tokens, publishes its keys, and can change them."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER = "https://id.example.com"
AUDIENCE = "comfyd"
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class SigningKey:
    """A key pair with a name."""

    def __init__(self, kid: str, algorithm: str = "RS256", *, bits: int = 2048) -> None:
        self.kid = kid
        self.algorithm = algorithm
        self.private = _new_private_key(algorithm, bits)

    @property
    def jwk(self) -> dict[str, Any]:
        """The public half, as it is published."""
        return {**_jwk(self.private.public_key()), "kid": self.kid, "use": "sig"}

    def sign(self, **changes: Any) -> str:
        """Sign a token of Ada's; a claim that is None is left out."""
        now = int(time.time())
        claims = {"sub": "ada", "iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + 60}
        told = {name: value for name, value in (claims | changes).items() if value is not None}
        return jwt.encode(told, self.private, algorithm=self.algorithm, headers={"kid": self.kid})


def _new_private_key(algorithm: str, bits: int) -> PrivateKey:
    if algorithm.startswith("RS"):
        return rsa.generate_private_key(public_exponent=65537, key_size=bits)
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return ed25519.Ed25519PrivateKey.generate()


def _jwk(public: Any) -> dict[str, Any]:
    if isinstance(public, rsa.RSAPublicKey):
        return dict(RSAAlgorithm.to_jwk(public, as_dict=True))
    if isinstance(public, ec.EllipticCurvePublicKey):
        return dict(ECAlgorithm.to_jwk(public, as_dict=True))
    return dict(OKPAlgorithm.to_jwk(public, as_dict=True))


class IdentityProvider:
    """What is behind the URL of the keys."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = []
        self.asked = 0
        self.status = 200
        self.url = ""

    def publish(self, *keys: SigningKey) -> None:
        """Replace the published keys."""
        self.keys = [key.jwk for key in keys]

    async def answer(self, _: web.Request) -> web.Response:
        """Return the keys, or what is wrong today."""
        self.asked += 1
        return web.json_response({"keys": self.keys}, status=self.status)


@asynccontextmanager
async def running_identity_provider() -> AsyncIterator[IdentityProvider]:
    """Serve keys on a port of this machine."""
    provider = IdentityProvider()
    app = web.Application()
    app.router.add_get("/keys", provider.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        provider.url = f"http://{host}:{port}/keys"
        yield provider
    finally:
        await runner.cleanup()
