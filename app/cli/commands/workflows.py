"""comfyd workflow: graphs, saved as versions."""

from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from app.cli.client.command_context import Door, remote
from app.cli.client.graph_files import read_graphs
from app.cli.client.lookup import machine_named, workflow_named
from app.cli.output.tables import day, moment, print_table
from app.cli.texts import tr

Json = dict[str, Any]


@click.group(help=tr("Workflows: graphs, saved as versions."))
def workflow() -> None:
    """Hold the commands."""


@workflow.command(help=tr("Save FILE (either format of ComfyUI) as the next version."))
@click.argument("file", type=click.Path())
@click.option("--name", help=tr("Name of the workflow; else the file's."))
@click.option("--ui", type=click.Path(), help=tr("The same graph in the editor's format."))
@click.option("--machine", help=tr("Machine whose nodes are used to convert the editor's format."))
@click.option("--comment", default="", help=tr("A comment for the history."))
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


@workflow.command("list", help=tr("List workflows, or the versions of one."))
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
            empty=tr("no workflows yet"),
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
            empty=tr("nothing yet"),
        ),
    )


@workflow.command(help=tr("Compare two versions."))
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


@workflow.command(help=tr("Show which machines can run a version, and why others cannot."))
@click.argument("name")
@click.argument("version", type=click.IntRange(1))
@remote
async def machines(door: Door, name: str, version: int) -> None:
    """Show which machines can run a version, and why others cannot."""
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
                    tr("can run it") if m["can_run"] else tr("cannot"),
                    "\n".join(reason["detail"] for reason in m["reasons"]),
                )
                for m in found
            ),
            empty=tr("no machines yet"),
        ),
    )


def say_pushed(door: Door, pushed: Json) -> None:
    """Print the version and the inputs that callers may set."""
    door.say("{name} version {version}", name=pushed["name"], version=pushed["version"])
    for field in pushed["inputs"]:
        needed = tr("(required)") if field["required"] else ""
        door.console.print(f"  {field['name']}: {field['kind']} {needed}".rstrip())
    for warning in pushed["warnings"]:
        door.say("warning: {detail}", detail=warning["detail"])


def _show_diff(door: Door, found: Json) -> None:
    if found["identical"]:
        door.say("the versions are identical")
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
