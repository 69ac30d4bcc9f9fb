"""python -m tests.bench: measure everything and write docs/benchmarks.md."""

import asyncio
import logging
import os
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.bench import (
    accept,
    dashboards,
    fan_out,
    files,
    overhead,
    pages,
    polls,
    projection,
    rate_counters,
    replicas,
    resting,
    thumbnails,
)
from tests.bench.facts import facts
from tests.bench.scale import FULL, QUICK, Scale, Told
from tests.bench.stack import ROOT, Stack, running_stack
from tests.bench.table import Chapter, page

Measure = Callable[[Stack, Scale, Told], Awaitable[Chapter]]
TOPICS: dict[str, Measure] = {
    "accept": accept.chapter,
    "polls": polls.chapter,
    "rates": rate_counters.chapter,
    "overhead": overhead.chapter,
    "fan-out": fan_out.chapter,
    "dashboards": dashboards.chapter,
    "pages": pages.chapter,
    "files": files.chapter,
    "projection": projection.chapter,
    "resting": resting.chapter,
    "replicas": replicas.chapter,
    "thumbnails": thumbnails.chapter,
}
PAGE = ROOT / "docs" / "benchmarks.md"


@click.command()
@click.option("--quick", is_flag=True, help="Just see that it works; writes nothing.")
@click.option("--only", multiple=True, type=click.Choice(list(TOPICS)), help="Writes nothing.")
@click.option("--out", type=click.Path(path_type=Path), default=None, help="Write there instead.")
def main(*, quick: bool, only: Sequence[str], out: Path | None) -> None:
    """Measure comfyd beside its ceilings, and write the table into docs/benchmarks.md."""
    # Processes are killed on purpose here; what the libraries say of it would only disturb.
    logging.getLogger().addHandler(logging.NullHandler())
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder) / "data") as stack:
        chapters = _measure(stack, QUICK if quick else FULL, only or list(TOPICS))
        described = facts(stack.env["POSTGRES_URL"], load_before)
    date = f"{datetime.now(UTC):%Y-%m-%d}"
    text = page(chapters, described, date=date, scope="quick" if quick else "full")
    print(text)
    target = out or (None if quick or only else PAGE)
    if target:
        target.write_text(text, "utf-8")
        click.echo(f"written: {target.name}", err=True)


def _measure(stack: Stack, scale: Scale, topics: Sequence[str]) -> list[Chapter]:
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    chapters = []
    with (
        Progress(*columns, console=Console(stderr=True)) as bar,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        task = bar.add_task("", total=len(topics))
        for topic in topics:
            measuring = TOPICS[topic](
                stack, scale, lambda words: bar.update(task, description=words)
            )
            chapters.append(runner.run(_awaited(measuring)))
            bar.advance(task)
    return chapters


async def _awaited(measuring: Awaitable[Chapter]) -> Chapter:
    return await measuring


if __name__ == "__main__":
    main(prog_name="python -m tests.bench")
