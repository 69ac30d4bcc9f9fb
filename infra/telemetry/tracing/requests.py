"""The span of each HTTP request: by its route, not its address.

An address names members of organisations, and may hold a ticket or a mistyped secret.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infra.telemetry.tracing.sdk import OtelSpan, OtelTracer

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

_UNTRACED = "/health/"
_SERVER_ERROR = 500


def traced_requests(app: Asgi, tracer: "OtelTracer") -> Asgi:
    """Time every request that *app* answers, but for those of probes."""

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_UNTRACED):
            await app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        about = {
            "http.request.method": scope["method"],
            "url.scheme": scope["scheme"],
            "network.protocol.version": scope["http_version"],
        }
        with tracer.request(scope["method"], headers, about) as span:

            async def send_on(message: MutableMapping[str, Any]) -> None:
                if message["type"] == "http.response.start":
                    _name(span, scope, message["status"])
                await send(message)

            await app(scope, receive, send_on)

    return handle


def _name(span: "OtelSpan", scope: Scope, status: int) -> None:
    span.set(http__response__status_code=status)
    # Litestar's router leaves it in the scope, once it has found one.
    if route := scope.get("path_template"):
        span.set(http__route=route)
        span.rename(f"{scope['method']} {route}")
    if status >= _SERVER_ERROR:
        span.fail(str(status))
