"""comfyd migrate: shows what would change in the streams and tables, then changes it."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from rich import box
from rich.console import Console
from rich.table import Table

from consumers.cli.command_line import REACH_WITHIN
from events.messages.texts import Texts
from infra.jetstream.connection import connected
from infra.jetstream.streams import declared as streams
from infra.jetstream.streams.migration import check_lowering
from infra.jetstream.streams.plan import StreamPlan, shown
from infra.postgres import Connection, connect
from infra.settings.settings import Settings
from infra.translation import translate
from projections.schema import TablesOutdated, check_tables, create_tables

WORDS: Texts = {
    "stream": "stream",
    "setting": "setting",
    "now": "now",
    "after": "after",
    "created": "created",
    "tables": "tables in Postgres",
    "tables_made": "created, or rebuilt from the log",
    "unchanged": "Streams and tables are as declared.",
    "dry": "Nothing was changed (--dry-run).",
    "done": "Done.",
    "compressed": (
        "A NATS server goes on compressing until it is restarted: stop and start each server"
        " in turn (docs/operations.md, Compressed streams)."
    ),
    "copying": "NATS copies the streams now; `comfyd doctor` says when all replicas are in step.",
}

Row = tuple[str, str, str, str]


class Asked(Struct, frozen=True, kw_only=True):
    """What the operator typed."""

    replicas: int | None = None
    """Copies of each stream; without it the setting counts, without both what there is."""

    lower: Sequence[str] = ()
    """Settings of streams that may be lowered."""

    dry_run: bool = False


async def migrate(settings: Settings, asked: Asked, console: Console, language: str) -> bool:
    """Show what is not as declared, and change it unless *asked* for a dry run.

    Return whether anything was, or would be, changed. Tables of an earlier version stay: they are
    rebuilt, not migrated.

    Raises:
        CannotMigrate: it would keep less than now, or NATS cannot do it.

    """

    def say(code: str) -> None:
        console.print(translate(WORDS[code], language))

    replicas = asked.replicas or settings.replicas or None
    async with (
        connected(settings.nats_url, name="migrate", within=REACH_WITHIN) as client,
        connect(settings.postgres_url) as connection,
    ):
        plans = await streams.plan(client, replicas=replicas)
        rows = [*_rows(plans, language), *await _table_rows(connection, language)]
        if rows:
            console.print(_table(rows, language))
        else:
            say("unchanged")
        check_lowering(plans, asked.lower)
        if rows and asked.dry_run:
            say("dry")
        elif not asked.dry_run:
            await create_tables(connection)
            await streams.migrate(client, replicas=replicas, lower=asked.lower)
            for code in _afterwards(plans):
                say(code)
    return bool(rows)


def _rows(plans: Iterable[StreamPlan], language: str) -> Iterator[Row]:
    for plan in plans:
        if plan.present is None:
            replicas = str(plan.wanted["num_replicas"])
            yield plan.name, "", "", translate(WORDS["created"], language)
            yield plan.name, "num_replicas", "", replicas
        for change in plan.changes:
            now, then = shown(change.field, change.now), shown(change.field, change.then)
            yield plan.name, change.field, now, then


async def _table_rows(connection: Connection, language: str) -> list[Row]:
    try:
        await check_tables(connection)
    except TablesOutdated:
        name, made = (translate(WORDS[code], language) for code in ("tables", "tables_made"))
        return [(name, "", "", made)]
    return []


def _table(rows: Iterable[Row], language: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for column in ("stream", "setting", "now", "after"):
        table.add_column(translate(WORDS[column], language), overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _afterwards(plans: Sequence[StreamPlan]) -> Iterator[str]:
    """Return what is left to do when the change itself is done."""
    changes = [change for plan in plans for change in plan.changes]
    if any(change.field == "compression" for change in changes):
        yield "compressed"
    if any(change.field == "num_replicas" and not change.lowers for change in changes):
        yield "copying"
