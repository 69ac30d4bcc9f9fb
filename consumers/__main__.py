"""python -m consumers: the worker, the projector, and the care of the read models."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from consumers.cli.backup_commands import backup_command, restore_command
from consumers.cli.command_line import (
    REACH_WITHIN,
    language,
    refusals,
    refuse,
    run,
    settings_or_exit,
)
from consumers.cli.migrate import WORDS as MIGRATE_WORDS
from consumers.cli.migrate import Asked, migrate
from consumers.cli.thumbnails import thumbnails_command
from consumers.read_models.figures import Figures
from consumers.read_models.progress_notes import note_all_progress
from consumers.read_models.projector import LogIsShorter, Projector
from consumers.read_models.rebuild import rebuild
from consumers.worker import work
from events.messages.texts import Texts
from infra.jetstream.connection import connected
from infra.jetstream.log.reader import head
from infra.jetstream.streams.cannot_migrate import CannotMigrate
from infra.jetstream.streams.declared import StreamDiffers, check
from infra.jetstream.streams.plan import LOWERABLE
from infra.logs import configure_logs
from infra.net.listening import CannotListen
from infra.postgres import connect, open_pool
from infra.settings.secret import secret_values
from infra.settings.settings import Settings
from infra.telemetry.connection_check import connection_check, starting
from infra.telemetry.connections import NatsConnections
from infra.telemetry.exposition import Exposition
from infra.telemetry.internal_server import internal_server, listen_internally
from infra.telemetry.projector_metrics import ProjectorMetrics
from infra.telemetry.shared_figures import SharedFigures
from infra.telemetry.tracing.setup import tracing
from infra.telemetry.watchdog import EXIT_CODE, GaveUp, Watchdog
from infra.translation import translate
from projections.health import quarantine, status_counts
from projections.queries import position
from projections.schema import TablesOutdated, check_tables, create_tables

WORDS: Texts = {
    "progress": "log {end}, tables {at}, behind by {behind}",
    "quarantined": "quarantined: {aggregate} at {at}: {error}",
    "rebuilding": "rebuilding",
    "rebuilt_earlier": "rebuilt: the old tables were those of an earlier version",
    "difference": "{table}: {old} rows only in the old tables, {new} only in the new",
    "rebuilt_identical": "rebuilt: identical",
    "rebuilt_differed": "rebuilt: the old tables differed",
}


@click.group()
def main() -> None:
    """Run the parts of comfyd that work behind the API."""


@main.command()
def worker() -> None:
    """Bring runs to their machines and outputs to object storage. Run as many as you like."""
    _run_until_signal("worker", work)


@main.command()
def projector() -> None:
    """Keep the read models up with the log. A second one stands by without harm."""
    _run_until_signal("projector", _project)


@main.command(name="migrate")
@click.option("--replicas", type=click.Choice(["1", "3", "5"]), default=None)
@click.option("--lower", type=click.Choice(LOWERABLE), multiple=True)
@click.option("--dry-run", is_flag=True)
def migrate_command(*, replicas: str | None, lower: tuple[str, ...], dry_run: bool) -> None:
    """Create the streams and tables, or bring them up to date."""
    settings = settings_or_exit()
    asked = Asked(replicas=int(replicas) if replicas else None, lower=lower, dry_run=dry_run)
    # Nothing is folded for a program that reads lines.
    console = Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else 200)
    try:
        with refusals():
            differed = run(migrate(settings, asked, console, language()))
    except CannotMigrate as error:
        refuse(error.text(language()))
    if dry_run:
        sys.exit(1 if differed else 0)
    with refusals():
        run(_rebuild_if_outdated(settings))
    if differed:
        console.print(translate(MIGRATE_WORDS["done"], language()))


main.add_command(backup_command)
main.add_command(restore_command)
main.add_command(thumbnails_command)


@main.group()
def projections() -> None:
    """Look after the read models in Postgres."""


@projections.command(name="rebuild")
def rebuild_command() -> None:
    """Replay the log into new tables, compare them with the live ones, and swap them in."""
    settings = settings_or_exit()
    with refusals():
        outdated = run(_are_outdated(settings))
        differences = run(_rebuild(settings))
    if outdated:
        # Rows of another shape differ without meaning anything.
        _say("rebuilt_earlier")
        return
    for difference in differences:
        _say(
            "difference",
            table=difference.table,
            old=difference.only_live,
            new=difference.only_rebuilt,
        )
    _say("rebuilt_differed" if differences else "rebuilt_identical")


@projections.command()
def status() -> None:
    """Show how far the read models are, and which aggregates are in quarantine."""
    settings = settings_or_exit()
    with refusals():
        run(_status(settings))


def _say(key: str, **params: object) -> None:
    click.echo(translate(WORDS[key], language(), params))


async def _project(
    settings: Settings, stop: asyncio.Event, watchdog: Watchdog, exposition: Exposition
) -> None:
    async with (
        connected(settings.nats_url, name="projector") as client,
        open_pool(settings.postgres_url, size=2) as pool,
    ):
        watchdog.watch("nats", connection_check(client, settings.nats_url))
        NatsConnections(exposition.registry).add("projector", lambda: client)
        shared = SharedFigures(exposition.registry)
        metrics = ProjectorMetrics(exposition.registry)
        projector = Projector(client, settings.postgres_url, metrics)
        watchdog.watch("projection", projector.check)

        def works() -> bool:
            return projector.works

        exposition.look = Figures(client, pool, shared, works=works).look
        tasks = {
            asyncio.create_task(projector.run()),
            asyncio.create_task(note_all_progress(client, pool, works)),
            asyncio.create_task(stop.wait()),
        }
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            task.result()


async def _rebuild_if_outdated(settings: Settings) -> None:
    if await _are_outdated(settings):
        await _rebuild(settings)


async def _are_outdated(settings: Settings) -> bool:
    async with connect(settings.postgres_url) as connection:
        try:
            await check_tables(connection)
        except TablesOutdated:
            return True
        return False


async def _rebuild(settings: Settings) -> list[Any]:
    columns = (
        TextColumn(translate(WORDS["rebuilding"], language())),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    async with (
        connected(settings.nats_url, name="rebuild", within=REACH_WITHIN) as client,
        connect(settings.postgres_url) as connection,
    ):
        with Progress(*columns) as bar:
            task = bar.add_task("rebuild", total=await head(client))
            return await rebuild(
                client,
                connection,
                lambda done, goal: bar.update(task, completed=done, total=goal),
            )


async def _status(settings: Settings) -> None:
    async with (
        connected(settings.nats_url, name="status", within=REACH_WITHIN) as client,
        connect(settings.postgres_url) as connection,
    ):
        await create_tables(connection)
        end, at = await head(client), await position(connection)
        _say("progress", end=end, at=at, behind=end - at)
        for name, count in await status_counts(connection):
            click.echo(f"  {name:12} {count}")
        for found in await quarantine(connection):
            _say("quarantined", aggregate=found.aggregate, at=found.position, error=found.error)


def _run_until_signal(
    process: str,
    body: Callable[[Settings, asyncio.Event, Watchdog, Exposition], Coroutine[Any, Any, None]],
) -> None:
    settings = settings_or_exit()
    configure_logs(settings.log_level, process=process, secrets=secret_values(os.environ))
    try:
        sockets = listen_internally(settings.internal_host, settings.internal_port)
    except CannotListen as error:
        refuse(error.text(language()))

    async def until_signal() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        watchdog, exposition = Watchdog(stop), Exposition(process)

        async def work_if_possible() -> None:
            with starting():
                await check(settings.nats_url)
            await body(settings, stop, watchdog, exposition)

        async with internal_server(
            sockets, live=watchdog.live, ready=watchdog.ready, scrape=exposition.scrape
        ):
            await watchdog.guard(work_if_possible())

    try:
        with tracing(f"comfyd-{process}"):
            run(until_signal())
    except (StreamDiffers, LogIsShorter, TablesOutdated) as error:
        refuse(str(error))
    except GaveUp:
        sys.exit(EXIT_CODE)


if __name__ == "__main__":
    # The command line goes on as this module, and its users know it by that name.
    main(prog_name=os.environ.get("_COMFYD_PROGRAM", "python -m consumers"))
