"""comfyd up: everything on one machine, a sample run, and a hint how to go on."""

import asyncio
import logging
import os
import shlex
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import click
import httpx
import msgspec
from rich.console import Console

from app.auth_tokens import Tokens
from app.cli.api_client import ApiClient
from app.cli.demo import Sample, run_sample, sample_for
from app.cli.remote.login import LOCAL_USER
from app.cli.stack import DEFAULT_DATA, CannotStart, Stack, prepare, running_stack
from app.cli.supervisor import ProcessRefused
from app.cli.words import language, word
from infra.embedded import errors as embedded
from infra.listening import CannotListen
from infra.settings_invalid import SettingsInvalid

MANY = 100
"""Earlier runs that are counted; the list has no total."""

READY_WITHIN = 60.0
"""Seconds the API may take to become ready."""


@click.command(short_help=word("help.up"), help=word("help.up_long"))
def up() -> None:
    """Start everything on this machine, deploy a sample, run it once, and stay up."""
    # People read what we print; the log lines of libraries would only disturb.
    logging.getLogger().addHandler(logging.NullHandler())
    console = Console(highlight=False, soft_wrap=True)
    try:
        sys.exit(_up(console))
    except (embedded.CannotStart, CannotListen, SettingsInvalid) as error:
        refuse(error.text(language()))
    except (CannotStart, ProcessRefused) as error:
        refuse(str(error))


def refuse(message: str) -> None:
    """End the command: it cannot do what it should; *message* says why and what to do."""
    click.echo(f"comfyd: {message}", err=True)
    sys.exit(2)


def how_to_run(sample: Sample, folder: Path, program: str) -> str:
    """Give the line that runs *sample* again, as it can be typed where *program* was started."""
    if shutil.which("comfyd") == os.path.abspath(program):  # noqa: PTH100 -- links stay links
        program = "comfyd"
    elsewhere = folder != Path(DEFAULT_DATA).absolute()
    data = [f"COMFYD_DATA={shlex.quote(str(folder))}"] if elsewhere else []
    return " ".join([*data, program, "run", f'"{sample.name}"', *sample.inputs, "--watch"])


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
    await prepare(stack, console.print)
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
        if earlier := await client.items("/v1/runs", most=MANY):
            console.print(word("found", count=f"{MANY}+" if len(earlier) == MANY else len(earlier)))
        sample = await sample_for(stack.machine)
        try:
            await run_sample(client, stack.machine, sample, console)
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            console.print(word("sample_failed", reason=error), style="red")
    console.print(word("try"))
    console.print(f"  {how_to_run(sample, stack.folder, sys.argv[0])}", style="bold", markup=False)
    console.print(word("try_docs", url=stack.url))
    console.print(word("stop_hint", folder=stack.folder))
    return 0


async def _wait_until_ready(client: ApiClient) -> bool:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if await client.is_ready():
            return True
        await asyncio.sleep(0.1)
    return False
