"""comfyd workflow: graphs, saved as versions."""

from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from app.cli.remote.door import Door, remote
from app.cli.remote.graph_files import read_graphs
from app.cli.remote.names import machine_named, workflow_named
from app.cli.remote.tables import day, moment, print_table
from app.cli.words import word

Json = dict[str, Any]


@click.group(help=word("help.workflow"))
def workflow() -> None:
    """Hold the commands."""


@workflow.command(help=word("help.workflow_push"))
@click.argument("file", type=click.Path())
@click.option("--name", help=word("help.workflow_name"))
@click.option("--ui", type=click.Path(), help=word("help.workflow_ui"))
@click.option("--machine", help=word("help.workflow_machine"))
@click.option("--comment", default="", help=word("help.comment"))
@remote
async def push(
    door: Door, file: str, name: str | None, ui: str | None, machine: str | None, comment: str
) -> None:
    """Save a graph as a version."""
    pushed = await push_file(door, file, name=name, ui=ui, machine=machine, comment=comment)
    door.show(pushed, lambda: say_pushed(door, pushed))


async def push_file(
    door: Door, file: str, *, name: str | None, ui: str | None, machine: str | None, comment: str
) -> Json:
    """Push a file, whichever of ComfyUI's two formats it is in; or both.

    Raises:
        Refused: it cannot be read.

    """
    found = read_graphs(file)
    if ui:
        found = replace(found, ui=read_graphs(ui).ui)
    body: Json = {"name": name or Path(file).stem, "comment": comment}
    body |= {"graph": found.api.graph} if found.api else {}
    body |= {"ui_graph": found.ui.graph} if found.ui else {}
    if machine:
        body["machine_id"] = (await machine_named(door.api, machine))["id"]
    return await door.api.post("/v1/workflows", body)


@workflow.command("list", help=word("help.workflow_list"))
@click.argument("name", required=False)
@remote
async def list_(door: Door, name: str | None) -> None:
    """List workflows, or the versions of one."""
    if name:
        await _list_versions(door, name)
        return
    found = await door.api.items("/v1/workflows")
    door.show(
        found,
        lambda: print_table(
            door.console,
            ("id", "name", "created"),
            ((w["id"], w["name"], day(w["created_at"])) for w in found),
            empty=word("cli.no_workflows"),
        ),
    )


async def _list_versions(door: Door, name: str) -> None:
    workflow_id = (await workflow_named(door.api, name))["id"]
    versions = await door.api.items(f"/v1/workflows/{workflow_id}/versions")
    door.show(
        versions,
        lambda: print_table(
            door.console,
            ("version", "created", "author", "inputs", "comment"),
            (
                (
                    v["version"],
                    moment(v["created_at"]),
                    v["author"],
                    [field["name"] for field in v["inputs"]],
                    v["comment"],
                )
                for v in versions
            ),
            empty=word("cli.nothing"),
        ),
    )


@workflow.command(help=word("help.workflow_diff"))
@click.argument("name")
@click.argument("before", type=click.IntRange(1))
@click.argument("after", type=click.IntRange(1))
@remote
async def diff(door: Door, name: str, before: int, after: int) -> None:
    """Compare two versions."""
    workflow_id = (await workflow_named(door.api, name))["id"]
    path = f"/v1/workflows/{workflow_id}/diff"
    found = await door.api.get(path, **{"from": before, "to": after})
    door.show(found, lambda: _show_diff(door, found))


@workflow.command(help=word("help.workflow_machines"))
@click.argument("name")
@click.argument("version", type=click.IntRange(1))
@remote
async def machines(door: Door, name: str, version: int) -> None:
    """Tell which machines can run a version, and why not."""
    workflow_id = (await workflow_named(door.api, name))["id"]
    found = (await door.api.get(f"/v1/workflows/{workflow_id}/versions/{version}/machines"))["data"]
    door.show(
        found,
        lambda: print_table(
            door.console,
            ("machine", "", "reasons"),
            (
                (
                    m["name"],
                    word("cli.yes") if m["can_run"] else word("cli.no"),
                    "\n".join(reason["detail"] for reason in m["reasons"]),
                )
                for m in found
            ),
            empty=word("cli.no_machines"),
        ),
    )


def say_pushed(door: Door, pushed: Json) -> None:
    """Tell people which version it is, and what its callers may set."""
    door.say("cli.pushed", name=pushed["name"], version=pushed["version"])
    for field in pushed["inputs"]:
        needed = word("cli.required") if field["required"] else ""
        door.console.print(f"  {field['name']}: {field['kind']} {needed}".rstrip())
    for warning in pushed["warnings"]:
        door.say("cli.warning", detail=warning["detail"])


def _show_diff(door: Door, found: Json) -> None:
    if found["identical"]:
        door.say("cli.identical")
        return
    for part in ("inputs", "nodes"):
        for sign, way, style in (("+", "added", "green"), ("-", "removed", "red")):
            for item in found[part][way]:
                door.console.print(f"{sign} {_label(item)}", style=style)
        for item in found[part]["changed"]:
            before, after = item.get("before"), item.get("after")
            place = f"{_label(item)} {item.get('field') or item.get('input') or ''}".rstrip()
            door.console.print(f"~ {place}: {before!r} → {after!r}", style="yellow")


def _label(item: Json) -> str:
    if "node_id" in item:
        return f"#{item['node_id']} {item.get('class_type', '')}".rstrip()
    return str(item.get("name", ""))
