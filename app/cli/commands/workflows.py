"""comfyd workflow: graphs, saved as versions."""

from pathlib import Path

import click
from msgspec.structs import replace

from app.cli.client.api_client import Json
from app.cli.client.command_context import CommandContext, api_command
from app.cli.client.graph_files import read_graphs
from app.cli.client.lookup import find_machine, find_workflow
from app.cli.errors import REFUSED, CommandError
from app.cli.output.tables import format_day, format_time, print_table
from app.cli.texts import tr


@click.group(help=tr("Workflows: graphs, saved as versions."))
def workflow() -> None:
    """Hold the commands."""


@workflow.command(help=tr("Save FILE (either format of ComfyUI) as the next version."))
@click.argument("file", type=click.Path())
@click.option("--name", help=tr("Name of the workflow; else the file's."))
@click.option("--ui", type=click.Path(), help=tr("The same graph in the editor's format."))
@click.option("--machine", help=tr("Machine whose nodes are used to convert the editor's format."))
@click.option("--comment", default="", help=tr("A comment for the history."))
@api_command
async def push(
    context: CommandContext,
    file: str,
    name: str | None,
    ui: str | None,
    machine: str | None,
    comment: str,
) -> None:
    """Save a graph as a version."""
    pushed = await push_file(context, file, name=name, ui=ui, machine=machine, comment=comment)
    context.show(pushed, lambda: print_pushed(context, pushed))


async def push_file(
    context: CommandContext,
    file: str,
    *,
    name: str | None,
    ui: str | None,
    machine: str | None,
    comment: str,
) -> Json:
    """Push a file, whichever of ComfyUI's two formats it is in; or both.

    Raises:
        CommandError: it cannot be read.

    """
    found = read_graphs(file)
    if ui:
        found = replace(found, ui=read_graphs(ui).ui)
    body: Json = {"name": name or Path(file).stem, "comment": comment}
    body |= {"graph": found.api.graph} if found.api else {}
    body |= {"ui_graph": found.ui.graph} if found.ui else {}
    if machine:
        body["machine_id"] = (await find_machine(context.api, machine))["id"]
    return await context.api.post("/v1/workflows", body)


@workflow.command("list", help=tr("List workflows, or the versions of one."))
@click.argument("name", required=False)
@api_command
async def list_(context: CommandContext, name: str | None) -> None:
    """List workflows, or the versions of one."""
    if name:
        await _list_versions(context, name)
        return
    found = await context.api.items("/v1/workflows")
    context.show(
        found,
        lambda: print_table(
            context.console,
            ("id", "name", "created"),
            ((w["id"], w["name"], format_day(w["created_at"])) for w in found),
            empty=tr("no workflows yet"),
        ),
    )


async def _list_versions(context: CommandContext, name: str) -> None:
    workflow_id = (await find_workflow(context.api, name))["id"]
    versions = await context.api.items(f"/v1/workflows/{workflow_id}/versions")
    context.show(
        versions,
        lambda: print_table(
            context.console,
            ("version", "created", "author", "inputs", "comment"),
            (
                (
                    v["version"],
                    format_time(v["created_at"]),
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
@api_command
async def diff(context: CommandContext, name: str, before: int, after: int) -> None:
    """Compare two versions."""
    workflow_id = (await find_workflow(context.api, name))["id"]
    path = f"/v1/workflows/{workflow_id}/diff"
    found = await context.api.get(path, **{"from": before, "to": after})
    context.show(found, lambda: _show_diff(context, found))


@workflow.command(help=tr("Show which machines can run a version, and why others cannot."))
@click.argument("name")
@click.argument("version", type=click.IntRange(1))
@api_command
async def machines(context: CommandContext, name: str, version: int) -> None:
    """Show which machines can run a version, and why others cannot."""
    workflow_id = (await find_workflow(context.api, name))["id"]
    found = (await context.api.get(f"/v1/workflows/{workflow_id}/versions/{version}/machines"))[
        "data"
    ]
    context.show(
        found,
        lambda: print_table(
            context.console,
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


@workflow.command(
    help=tr(
        "Print a link that opens a version of NAME in ComfyUI: the newest, or VERSION. "
        "A plugin of comfyui-deploy must be installed there. It works for ten minutes."
    )
)
@click.argument("name")
@click.argument("version", type=click.IntRange(1), required=False)
@click.option("--machine", help=tr("The machine whose ComfyUI opens it; else the only one."))
@click.option("--open", "opens", is_flag=True, help=tr("Open the link in the browser as well."))
@api_command
async def edit(
    context: CommandContext,
    name: str,
    version: int | None,
    machine: str | None,
    opens: bool,  # noqa: FBT001 -- a switch of the command line
) -> None:
    """Print a link that opens a version in ComfyUI."""
    workflow_id = (await find_workflow(context.api, name))["id"]
    if version is None:
        newest = await context.api.get(f"/v1/workflows/{workflow_id}/versions", limit=1)
        version = newest["data"][0]["version"]
    body = {"machine_id": (await _machine_or_the_only_one(context, machine))["id"]}
    path = f"/v1/workflows/{workflow_id}/versions/{version}/edit-link"
    link = await context.api.post(path, body)
    context.show(link, lambda: click.echo(link["url"]))
    if opens:
        click.launch(link["url"])


async def _machine_or_the_only_one(context: CommandContext, name: str | None) -> Json:
    if name:
        return await find_machine(context.api, name)
    found = await context.api.items("/v1/machines")
    if len(found) != 1:
        raise CommandError("cli.machine_unnamed", code=REFUSED, count=len(found))
    return found[0]


def print_pushed(context: CommandContext, pushed: Json) -> None:
    """Print the version and the inputs that callers may set."""
    context.say("{name} version {version}", name=pushed["name"], version=pushed["version"])
    for field in pushed["inputs"]:
        needed = tr("(required)") if field["required"] else ""
        context.console.print(f"  {field['name']}: {field['kind']} {needed}".rstrip())
    for warning in pushed["warnings"]:
        context.say("warning: {detail}", detail=warning["detail"])


def _show_diff(context: CommandContext, found: Json) -> None:
    if found["identical"]:
        context.say("the versions are identical")
        return
    for part in ("inputs", "nodes"):
        for sign, way, style in (("+", "added", "green"), ("-", "removed", "red")):
            for item in found[part][way]:
                context.console.print(f"{sign} {_label(item)}", style=style)
        for item in found[part]["changed"]:
            before, after = item.get("before"), item.get("after")
            place = f"{_label(item)} {item.get('field') or item.get('input') or ''}".rstrip()
            context.console.print(f"~ {place}: {before!r} → {after!r}", style="yellow")


def _label(item: Json) -> str:
    if "node_id" in item:
        return f"#{item['node_id']} {item.get('class_type', '')}".rstrip()
    return str(item.get("name", ""))
