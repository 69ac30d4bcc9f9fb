"""A web site of a test's own that has one answer for everything, and an answer that breaks off."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web


@asynccontextmanager
async def answering(body: bytes, *, status: int = 200, **headers: str) -> AsyncIterator[str]:
    """Run the site; yield its address."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, status=status, headers=sent)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def broken_off(request: web.BaseRequest) -> web.StreamResponse:
    """Answer with half of what was promised, and hang up."""
    answer = web.StreamResponse(headers={"Content-Length": "1000"})
    await answer.prepare(request)
    await answer.write(b"x" * 500)
    assert request.transport is not None
    request.transport.close()
    return answer
