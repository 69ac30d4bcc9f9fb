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
from rich.console import Console

from app.auth.tokens import Tokens
from app.cli.client.api_client import ApiClient, NotComfyd
from app.cli.client.login import LOCAL_USER
from app.cli.errors import exit_with_error, refusal_text
from app.cli.local.comfyui import Comfyui, ComfyuiUnreachable, inspect_comfyui, url_from_environment
from app.cli.local.samples import STEPS_ON_CPU, Sample, run_samples
from app.cli.local.sign_in import pages_address, sign_in_address
from app.cli.local.stack import (
    CannotStart,
    LocalMachine,
    Stack,
    prepare,
    running_stack,
)
from app.cli.local.supervisor import ProcessRefused
from app.cli.local_settings import DEFAULT_DATA, chosen_data
from app.cli.terminal import PlainConsole
from app.cli.texts import language, message, tr
from infra.embedded import errors as embedded
from infra.jetstream.streams.cannot_migrate import CannotMigrate
from infra.net.listening import CannotListen
from infra.settings.invalid import SettingsInvalid

MANY = 100
"""Earlier runs that are counted; the list has no total."""

READY_WITHIN = 60.0
"""Seconds the API may take to become ready."""


@click.command(
    short_help=tr("Start everything on this machine, run a sample once, and stay up."),
    help=message("help.up_long"),
)
def up() -> None:
    """Start everything on this machine, deploy a sample, run it once, and stay up."""
    # People read what we print; the log lines of libraries would only disturb.
    logging.getLogger().addHandler(logging.NullHandler())
    # What a machine says is text: neither markup nor an order to the terminal.
    console = PlainConsole(highlight=False, markup=False, soft_wrap=True)
    try:
        url = url_from_environment()
        sys.exit(_up(console, url, asyncio.run(_inspect(url)) if url else None))
    except (embedded.CannotStart, CannotListen, CannotMigrate, SettingsInvalid) as error:
        exit_with_error(error.text(language()))
    except (CannotStart, ProcessRefused) as error:
        exit_with_error(str(error))


def sample_command(sample: Sample, folder: Path, program: str) -> str:
    """Return the line that runs *sample* again, as it can be typed where *program* was started."""
    return command_line(folder, program, "run", f'"{sample.name}"', *sample.inputs, "--watch")


def command_line(folder: Path, program: str, *arguments: str) -> str:
    """Return a line for a stack in *folder*, as it can be typed where *program* was started."""
    if shutil.which("comfyd") == os.path.abspath(program):  # noqa: PTH100 -- links stay links
        program = "comfyd"
    elsewhere = folder != Path(DEFAULT_DATA).absolute()
    data = [f"COMFYD_DATA={shlex.quote(str(folder))}"] if elsewhere else []
    return " ".join([*data, program, *arguments])


async def _inspect(url: str) -> Comfyui | ComfyuiUnreachable:
    """Look at the ComfyUI before anything is started; one that is away may come later.

    Raises:
        CannotStart: it is none.

    """
    try:
        return await inspect_comfyui(LocalMachine(url=url))
    except ComfyuiUnreachable as unreachable:
        return unreachable


def _up(console: Console, url: str | None, comfyui: Comfyui | ComfyuiUnreachable | None) -> int:
    def on_restart(name: str, code: int) -> None:
        console.print(
            tr("{name} ended ({code}) and was started again", name=name, code=code), style="yellow"
        )

    def on_fault(name: str, reason: str) -> None:
        console.print(
            tr(
                (
                    "{name} cannot do its work: {reason}\nMake room on the disk of {folder}: "
                    "then it is started again, and goes on. Until then new runs are refused; "
                    "those that were accepted wait."
                ),
                name=name,
                reason=reason,
                folder=chosen_data(),
            ),
            style="red",
        )

    def on_start() -> None:
        console.print(tr("starting {name}", name="NATS, Postgres, S3"))

    with running_stack(on_restart, on_fault, comfyui_url=url, on_start=on_start) as stack:
        code = asyncio.run(_serve(stack, console, comfyui))
        # A second Ctrl-C would leave the servers to themselves.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        console.print(tr("stopping"))
    console.print(tr("stopped; the data is in {folder}", folder=stack.folder))
    return code


async def _serve(
    stack: Stack, console: Console, comfyui: Comfyui | ComfyuiUnreachable | None
) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await prepare(stack, console.print)
    supervising = asyncio.create_task(stack.supervisor.watch())
    showing = asyncio.create_task(_show(stack, console, comfyui))
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


async def _show(
    stack: Stack, console: Console, comfyui: Comfyui | ComfyuiUnreachable | None
) -> int:
    token = Tokens(stack.jwt_secret).issue(user_id=LOCAL_USER, org_id=None, seconds=3600)
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": language()}
    async with httpx.AsyncClient(
        base_url=stack.url, headers=headers, timeout=30, trust_env=False
    ) as http:
        client = ApiClient(http)
        with console.status(tr("starting {name}", name="comfyd")):
            if not await _wait_for_api(client):
                log = stack.logs / "api.log"
                console.print(
                    tr(
                        "the API was not ready within {seconds} s; its log is {log}",
                        seconds=READY_WITHIN,
                        log=log,
                    ),
                    style="red",
                )
                return 1
        console.print(tr("comfyd is ready at {url}", url=stack.url), style="green")
        if earlier := await client.items("/v1/runs", most=MANY):
            console.print(
                tr(
                    "found the data of earlier runs: {count}",
                    count=f"{MANY}+" if len(earlier) == MANY else len(earlier),
                )
            )
        await _show_sample(client, stack, console, comfyui)
    if stack.plugin_port:
        console.print(
            tr(
                "comfyui-deploy's plugin, in its local mode, finds comfyd at {url}",
                url=f"http://localhost:{stack.plugin_port}",
            )
        )
    show_sign_in(stack, console)
    console.print(tr("every route, to try in a browser: {url}/docs", url=stack.url))
    token_line = command_line(stack.folder, sys.argv[0], "token", "--days", "1")
    console.print(
        f"  {tr('Authorize there with the token that this prints: {line}', line=token_line)}"
    )
    console.print(tr("Ctrl-C stops everything; the data stays in {folder}", folder=stack.folder))
    return 0


def show_sign_in(stack: Stack, console: Console) -> None:
    """Print a link that signs a browser in, and how to get another one."""
    console.print(tr("the pages: open this link within 10 minutes, it signs one browser in:"))
    link = sign_in_address(stack.jwt_secret, pages_address(stack.env))
    console.print(f"  {link}", style="bold")
    line = command_line(stack.folder, sys.argv[0], "sign-in")
    console.print(f"  {tr('This prints another one: {line}', line=line)}")


async def _show_sample(
    client: ApiClient, stack: Stack, console: Console, comfyui: Comfyui | ComfyuiUnreachable | None
) -> None:
    if isinstance(comfyui, ComfyuiUnreachable):
        console.print(
            tr(
                (
                    "COMFYUI_URL: no answer from {url} ({reason}): start ComfyUI there (for "
                    "other computers with --listen), then start comfyd again; or leave "
                    "COMFYUI_URL out"
                ),
                url=stack.machine.url,
                reason=comfyui,
            ),
            style="red",
        )
        return
    if comfyui:
        count = len(comfyui.checkpoints)
        line = tr(
            "ComfyUI {version} at {url}; checkpoints: {count}",
            version=comfyui.version,
            url=stack.machine.url,
            count=count,
        )
        console.print(line)
    # The demo machine is a CPU, too, and fast.
    steps = STEPS_ON_CPU if comfyui and comfyui.cpu_only else None
    try:
        # The demo machine is started with us, and may need a moment.
        found = comfyui or await _wait_for_machine(stack.machine)
        sample = await run_samples(client, stack.machine, found.checkpoints, console, steps=steps)
    except httpx.HTTPStatusError as error:
        reason = refusal_text(error.response)
        console.print(tr("the sample could not be run: {reason}", reason=reason), style="red")
    except (httpx.HTTPError, NotComfyd, ComfyuiUnreachable) as error:
        console.print(tr("the sample could not be run: {reason}", reason=error), style="red")
    else:
        console.print(tr("try it yourself, in a second terminal:"))
        line = sample_command(sample, stack.folder, sys.argv[0])
        console.print(f"  {line}", style="bold")


async def _wait_for_machine(machine: LocalMachine) -> Comfyui:
    deadline = time.monotonic() + READY_WITHIN
    while True:
        try:
            return await inspect_comfyui(machine)
        except ComfyuiUnreachable:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)


async def _wait_for_api(client: ApiClient) -> bool:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if await client.is_ready():
            return True
        await asyncio.sleep(0.1)
    return False
