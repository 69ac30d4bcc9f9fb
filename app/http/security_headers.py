"""Security headers: browsers do no more with an answer than it is meant for."""

from litestar.types import HTTPResponseStartEvent, Message, Scope

ON_EVERYTHING = [
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
]
"""The server puts these even on what never gets to the application."""

DOCS = "/docs"
"""The description of the API: its scripts and styles come from here."""

_DATA = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_PAGE = (
    b"content-security-policy",
    (
        b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        b"img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        b"frame-ancestors 'none'"
    ),
)
_NO_STORE = (b"cache-control", b"no-store")
_HTTPS_ONLY = (b"strict-transport-security", b"max-age=31536000")
_NOT_MODIFIED = 304


async def add_security_headers(message: Message, scope: Scope) -> None:
    """Put on an answer what depends on which answer it is; on errors as on all others."""
    if message["type"] != "http.response.start":
        return
    if _has(message, b"content-security-policy"):
        added = []  # a page, or a file of others, says itself what it may do
    else:
        added = [_PAGE] if _is_docs(scope["path"]) else _of_data(message)
    if scope["scheme"] == "https":
        added.append(_HTTPS_ONLY)
    message["headers"] = [*message["headers"], *added]


def _of_data(message: HTTPResponseStartEvent) -> list[tuple[bytes, bytes]]:
    # What may be kept says so itself; on a 304 it would change what its 200 said.
    if message["status"] == _NOT_MODIFIED or _has(message, b"cache-control"):
        return [_DATA]
    return [_DATA, _NO_STORE]


def _is_docs(path: str) -> bool:
    return path == DOCS or path.startswith(f"{DOCS}/")


def _has(message: HTTPResponseStartEvent, name: bytes) -> bool:
    return any(found.lower() == name for found, _ in message["headers"])
