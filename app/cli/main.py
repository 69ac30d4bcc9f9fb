"""comfyd: the command line."""

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress

import click
import httpx
import msgspec
from rich.console import Console

from app.auth_tokens import Tokens
from app.cli.api_client import ApiClient
from app.cli.completion import completion
from app.cli.demo import run_sample
from app.cli.remote import COMMANDS
from app.cli.sections import SectionedGroup
from app.cli.stack import (
    CannotStart,
    Stack,
    chosen_data,
    local_secret,
    prepare,
    remembered_settings,
    running_stack,
)
from app.cli.words import language, word
from infra.embedded import errors as embedded
from infra.settings import SettingsInvalid

LOCAL_USER = "local"
READY_WITHIN = 60.0
"""Seconds the API may take to become ready."""


@click.group(cls=SectionedGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Serve ComfyUI workflows as a durable API.

    \b
    comfyd up                             start everything here and run a sample
    comfyd login URL                      or use a server elsewhere
    comfyd deploy graph.json --machine M  make a workflow an API
    comfyd run graph -i prompt=… --watch  run it
    comfyd api|worker|projector           start one part, for many machines
    comfyd doctor                         find what is wrong, with its fix

    docs/cli.md explains every command; docs/operations.md every setting.
    """


@main.command(short_help=word("help.up"))
def up() -> None:
    """Start everything on this machine, deploy a sample, run it once, and stay up.

    \b
    COMFYD_PORT=3000           where the API answers
    COMFYD_DATA=.comfyd        where all data is kept
    COMFYUI_URL=http://…:8188  a real ComfyUI instead of the stand-in
    NATS_URL, POSTGRES_URL, SPACES_…  servers of your own instead of the embedded ones
    """
    # People read what we print; the log lines of libraries would only disturb.
    logging.getLogger().addHandler(logging.NullHandler())
    console = Console()
    try:
        sys.exit(_up(console))
    except embedded.CannotStart as error:
        _refuse(error.text(language()))
    except (CannotStart, SettingsInvalid) as error:
        _refuse(str(error))


@main.command(help=word("help.token"))
@click.option("--user", default=LOCAL_USER, show_default=True, help="Claim user_id.")
@click.option("--org", default=None, help="Claim org_id: act for an organisation.")
@click.option("--days", type=click.IntRange(1), default=None, help="Valid for so many days.")
def token(user: str, org: str | None, days: int | None) -> None:
    """Print an API token for the local owner. Without --days it does not expire."""
    folder = chosen_data()
    if not (os.environ.get("JWT_SECRET") or (folder / "jwt-secret").exists()):
        _refuse(word("no_secret", folder=folder))
    seconds = days * 86_400 if days else None
    click.echo(Tokens(local_secret(folder)).issue(user_id=user, org_id=org, seconds=seconds))


@main.command(help=word("help.api"))
def api() -> None:
    """Serve the API. Start as many as you like behind a load balancer."""
    _become("app")


@main.command(help=word("help.worker"))
def worker() -> None:
    """Bring runs to their machines and outputs to object storage. Start as many as you like."""
    _become("consumers", "worker")


@main.command(help=word("help.projector"))
def projector() -> None:
    """Keep the read models up with the log. A second one stands by without harm."""
    _become("consumers", "projector")


@main.command(
    help=word("help.projections"),
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def projections(arguments: tuple[str, ...]) -> None:
    """Look after the read models: rebuild, status. Finds a running `comfyd up` by itself."""
    _become("consumers", "projections", *arguments, env=remembered_settings())


@main.command(help=word("help.migrate"))
@click.option("--replicas", type=click.Choice(["1", "3", "5"]), default="1", show_default=True)
def migrate(replicas: str) -> None:
    """Create the streams and tables, or bring them up to date."""
    _become("consumers", "migrate", "--replicas", replicas, env=remembered_settings())


for command in (*COMMANDS, completion):
    main.add_command(command)


def _up(console: Console) -> int:
    def told(name: str, code: int) -> None:
        console.print(word("restarted", name=name, code=code), style="yellow")

    console.print(word("starting", name="NATS, Postgres, S3"))
    with running_stack(told) as stack:
        code = asyncio.run(_serve(stack, console))
        # A second Ctrl-C would leave the servers to themselves.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        console.print(word("stopping"))
    console.print(word("stopped", folder=stack.folder))
    return code


async def _serve(stack: Stack, console: Console) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await prepare(stack)
    supervising = asyncio.create_task(stack.supervisor.watch())
    showing = asyncio.create_task(_show(stack, console))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({supervising, showing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if showing.done() and not stopping.done() and showing.result() == 0:
            await asyncio.wait({supervising, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if supervising.done():
            supervising.result()  # It only ends by failing.
        return showing.result() if showing.done() else 0
    finally:
        for task in (supervising, showing, stopping):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task


async def _show(stack: Stack, console: Console) -> int:
    token = Tokens(stack.jwt_secret).issue(user_id=LOCAL_USER, org_id=None, seconds=3600)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        base_url=stack.url, headers=headers, timeout=30, trust_env=False
    ) as http:
        client = ApiClient(http)
        with console.status(word("starting", name="comfyd")):
            if not await _wait_until_ready(client):
                log = stack.logs / "api.log"
                console.print(word("api_silent", seconds=READY_WITHIN, log=log), style="red")
                return 1
        console.print(word("ready", url=stack.url), style="green")
        earlier = await client.get("/v1/runs?limit=100")
        if earlier["data"]:
            console.print(word("found", count=len(earlier["data"])))
        try:
            await run_sample(client, stack.machine_url, console)
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            console.print(word("sample_failed", reason=error), style="red")
    console.print(word("try"))
    console.print(word("stop_hint", folder=stack.folder), soft_wrap=True)
    return 0


async def _wait_until_ready(client: ApiClient) -> bool:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if await client.is_ready():
            return True
        await asyncio.sleep(0.1)
    return False


def _become(module: str, *arguments: str, env: Mapping[str, str] | None = None) -> None:
    """Go on as another part of comfyd, in this very process; *env* fills what is not set."""
    command = [sys.executable, "-P", "-m", module, *arguments]
    os.execve(sys.executable, command, {**(env or {}), **os.environ})  # noqa: S606 -- ourselves


def _refuse(message: str) -> None:
    click.echo(f"comfyd: {message}", err=True)
    sys.exit(2)
