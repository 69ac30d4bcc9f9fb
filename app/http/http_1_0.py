"""Answers to HTTP/1.0, which old proxies speak, and nginx by default.

That version knows neither chunks (RFC 9112 §6.1) nor 100 Continue (RFC 9110 §10.1.1); uvicorn
sends it both. A body whose length is not known ends with the connection, which uvicorn closes.
"""

from typing import Any

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


def without_chunks(app: ASGI3Application, cycle: RequestResponseCycle) -> ASGI3Application:
    """Wrap an application so that *cycle* sends its answer as it is, without chunks."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        is_sized = True

        async def send_as_it_is(message: Any) -> None:
            nonlocal is_sized
            if message["type"] == "http.response.start":
                is_sized = b"content-length" in {name.lower() for name, _ in message["headers"]}
                cycle.chunked_encoding = None if is_sized else False
            elif not is_sized:
                # Uvicorn counts down what is left of a body: here that is each piece itself.
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        cycle.waiting_for_100_continue = False
        await app(scope, receive, send_as_it_is)

    return wrapped
