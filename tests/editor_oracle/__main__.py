"""python -m tests.editor_oracle: ask the official editor, and hold the converter against it."""

import asyncio
from collections import Counter, defaultdict

import aiohttp
import click
import msgspec
from rich.console import Console
from rich.table import Table

from tests.editor_oracle.answers import object_info, read_answers
from tests.editor_oracle.compare import Comparison, Finding, Verdict, compare_all
from tests.editor_oracle.record import record as record_answers


@click.group()
def main() -> None:
    """Hold the commands."""


@main.command()
@click.argument("comfyui_url", required=False)
def record(comfyui_url: str | None) -> None:
    """Ask the editor for all graphs anew, with the classes of a running ComfyUI if one is named."""
    asyncio.run(_record(comfyui_url))


async def _record(comfyui_url: str | None) -> None:
    if not comfyui_url:
        return await record_answers(object_info())
    async with aiohttp.ClientSession(comfyui_url, raise_for_status=True) as session:
        return await record_answers(await (await session.get("/object_info")).read())


@main.command()
@click.argument("name", required=False)
def compare(name: str | None) -> None:
    """Show in what comfyd differs, by kind; of the graph NAME alone, all of it."""
    infos = msgspec.json.decode(object_info())
    answers = (answer for answer in read_answers() if name in (None, answer.name))
    compared = list(compare_all(answers, infos))
    console = Console(width=160)
    if name:
        console.print("\n".join(map(str, compared)), markup=False, highlight=False)
        return
    console.print(_verdicts(compared))
    for verdict in (Verdict.DIFFERENT, Verdict.REFUSED):
        console.print(_kinds([c for c in compared if c.verdict is verdict], verdict))


def _verdicts(compared: list[Comparison]) -> Table:
    table = Table("form", *Verdict, "share equal")
    counts = Counter((c.form, c.verdict) for c in compared)
    for form in dict.fromkeys(c.form for c in compared):
        of = [counts[form, verdict] for verdict in Verdict]
        table.add_row(form, *map(str, of), f"{of[0] / sum(of):.1%}")
    return table


def _kinds(compared: list[Comparison], title: str) -> Table:
    table = Table("kind", "graphs", "for example", "node", "ours", "theirs", title=title)
    graphs: defaultdict[str, dict[str, Finding]] = defaultdict(dict)
    for comparison in compared:
        for finding in comparison.findings:
            where = f"{comparison.name} ({comparison.form})"
            graphs[finding.kind].setdefault(where, finding)
    for kind, found in sorted(graphs.items(), key=lambda item: -len(item[1])):
        where, finding = next(iter(found.items()))
        table.add_row(kind, str(len(found)), where, finding.node, finding.ours, finding.theirs)
    return table


main()
