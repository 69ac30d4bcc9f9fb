"""python -m app: serve the API. Run as many as you like behind a load balancer."""

import asyncio
import gc
import os
import socket
import sys
from contextlib import ExitStack
from functools import partial
from types import FrameType
from typing import NoReturn

import click
import uvicorn
from litestar import Litestar
from typing_extensions import override

from app.doctor.readiness import Parts, ReadinessCheck
from app.http.http_limits import PLAIN_CODES, LimitedHttp
from app.http.problems import STATUS_OF
from app.http.security_headers import ON_EVERYTHING
from app.main import build_app
from events.messages.texts import language_of_locale
from infra.jetstream.streams.declared import StreamDiffers, check
from infra.logs import configure_logs
from infra.net.listening import CannotListen, listen, listen_for_plugin
from infra.settings.invalid import SettingsInvalid
from infra.settings.secret import secret_values
from infra.settings.settings import Settings, settings_from
from infra.telemetry.api_metrics import ApiMetrics
from infra.telemetry.connection_check import starting
from infra.telemetry.exposition import Exposition
from infra.telemetry.internal_server import Health, internal_server, listen_internally
from infra.telemetry.tracing.requests import traced_requests
from infra.telemetry.tracing.setup import tracing
from infra.telemetry.watchdog import EXIT_CODE, GaveUp, Watchdog

BACKLOG = 4096
"""Connections that may wait to be taken up."""

GRACE = 3
"""Seconds that open requests get when the process is asked to stop."""


class _Server(uvicorn.Server):
    """Ends the streams as soon as it is asked to stop; they would hold it up."""

    def __init__(
        self,
        config: uvicorn.Config,
        app: Litestar,
        internal: list[socket.socket],
        exposition: Exposition,
        metrics: ApiMetrics,
        watchdog: Watchdog,
        ending: ExitStack,
        nats_url: str,
    ) -> None:
        """Serve *app*; *ending* closes when all is done."""
        super().__init__(config)
        self._nats_url = nats_url
        self._watchdog = watchdog
        self._ending = ending
        self._app = app
        self._exposition = exposition
        self._metrics = metrics
        self._internal = internal

    @override
    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        # Around the public server: probes are answered while it still waits for NATS.
        self._exposition.look = self._look
        leaving = asyncio.create_task(self._leave())
        async with internal_server(
            self._internal,
            live=self._watchdog.live,
            ready=self._ready,
            scrape=self._exposition.scrape,
        ):
            await self._watchdog.guard(self._check_and_serve(sockets))
        leaving.cancel()

    async def _check_and_serve(self, sockets: list[socket.socket] | None) -> None:
        with starting():
            await check(self._nats_url)
        await super().serve(sockets)

    async def _leave(self) -> None:
        await self._watchdog.stop.wait()
        self._end_streams()
        self.should_exit = True

    async def _ready(self) -> Health:
        check: ReadinessCheck | None = self._app.state.get("readiness_check")
        if check is None:
            return Health(ok=False, parts={"startup": "waiting for NATS"})
        return await check.health()

    async def _look(self) -> None:
        if check := self._app.state.get("readiness_check"):
            parts: Parts = await check.parts()
            self._metrics.show_parts({part: says == "ok" for part, says in parts.items()})

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        # After this uvicorn ends the process by the very signal that it was sent.
        await asyncio.to_thread(self._ending.close)

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._end_streams()
        super().handle_exit(sig, frame)

    def _end_streams(self) -> None:
        if broadcaster := self._app.state.get("broadcaster"):
            broadcaster.close()


@click.command()
def main() -> None:
    """Serve the API."""
    try:
        settings = settings_from(os.environ)
        configure_logs(settings.log_level, process="api", secrets=secret_values(os.environ))
        internal = listen_internally(settings.internal_host, settings.internal_port)
        sockets = [
            *listen(settings.host, settings.port, backlog=BACKLOG),
            *listen_for_plugin(settings.plugin_port, backlog=BACKLOG),
        ]
    except (SettingsInvalid, CannotListen) as error:
        refuse(error.text(language_of_locale(os.environ)))
    serve(settings, sockets, internal)


def refuse(message: str) -> NoReturn:
    """End the process: it will never start like this."""
    click.echo(f"comfyd: {message}", err=True)
    sys.exit(2)


def serve(settings: Settings, sockets: list[socket.socket], internal: list[socket.socket]) -> None:
    """Serve until a signal comes."""
    ending = ExitStack()
    tracer = ending.enter_context(tracing("comfyd-api"))
    exposition = Exposition("api")
    metrics = ApiMetrics(exposition.registry, (*STATUS_OF, *PLAIN_CODES))
    watchdog = Watchdog(asyncio.Event())
    app = build_app(settings, metrics, watchdog)
    # What is there now stays until the end: no need to visit it whenever garbage is looked for.
    gc.collect()
    gc.freeze()
    config = uvicorn.Config(
        traced_requests(app, tracer) if tracer else app,  # type: ignore[arg-type]  # ASGI is ASGI
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        http=partial(LimitedHttp, refused=metrics.refused),  # type: ignore[arg-type]  # it calls it
        ws="none",
        headers=ON_EVERYTHING,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=GRACE,
        backlog=BACKLOG,
    )
    server = _Server(
        config, app, internal, exposition, metrics, watchdog, ending, settings.nats_url
    )
    try:
        server.run(sockets)
    except StreamDiffers as error:
        refuse(str(error))
    except GaveUp:
        sys.exit(EXIT_CODE)


if __name__ == "__main__":
    main(prog_name="python -m app")
