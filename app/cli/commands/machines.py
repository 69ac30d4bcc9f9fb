"""comfyd machine: the ComfyUIs that render."""

import click

from app.cli.client.api_client import Json
from app.cli.client.command_context import CommandContext, api_command
from app.cli.client.lookup import find_machine
from app.cli.output.tables import format_time, print_fields, print_table
from app.cli.texts import tr
from events.machine.events import Driver


@click.group(help=tr("Machines: the ComfyUIs that render."))
def machine() -> None:
    """Hold the commands."""


@machine.command(help=tr("Register the ComfyUI at URL; the same NAME again moves it."))
@click.argument("name")
@click.argument("url")
@click.option("--token", help=tr("Token that the machine wants from us; kept sealed."))
@click.option(
    "--header",
    metavar="NAME:VALUE",
    help=tr("Another header that the machine wants from us, such as X-API-Key:abc; kept sealed."),
)
@click.option(
    "--comfy-key", help=tr("Key of an account at comfy.org for its partner nodes; kept sealed.")
)
@click.option(
    "--driver",
    type=click.Choice([str(driver) for driver in Driver]),
    help=tr("How it is given its prompts: by ComfyUI itself, or by the plugin of comfyui-deploy."),
)
@api_command
async def add(
    context: CommandContext,
    name: str,
    url: str,
    driver: str | None,
    token: str | None,
    header: str | None,
    comfy_key: str | None,
) -> None:
    """Register a machine."""
    called, _, value = (header or "").partition(":")
    secrets: Json = {
        "token": token,
        "header": {"name": called.strip(), "value": value.strip()} if header else None,
        "comfy_api_key": comfy_key,
    }
    chosen = secrets | {"driver": driver}
    body = {"name": name, "url": url} | {key: value for key, value in chosen.items() if value}
    _show(context, await context.api.post("/v1/machines", body))


@machine.command("list", help=tr("List machines."))
@api_command
async def list_(context: CommandContext) -> None:
    """List machines."""
    found = await context.api.items("/v1/machines")
    context.show(
        found,
        lambda: print_table(
            context.console,
            ("id", "name", "state", "ComfyUI", "url"),
            ((m["id"], m["name"], m["state"], _version(m), m["url"]) for m in found),
            empty=tr("no machines yet"),
        ),
    )


@machine.command(help=tr("Show a machine and what it can do."))
@click.argument("name")
@api_command
async def show(context: CommandContext, name: str) -> None:
    """Show one machine."""
    found = await find_machine(context.api, name)
    # Only the machine itself lists its models.
    _show(context, await context.api.get(f"/v1/machines/{found['id']}"))


@machine.command(help=tr("Rename a machine."))
@click.argument("name")
@click.argument("new_name")
@api_command
async def rename(context: CommandContext, name: str, new_name: str) -> None:
    """Rename a machine."""
    found = await find_machine(context.api, name)
    _show(context, await context.api.patch(f"/v1/machines/{found['id']}", {"name": new_name}))


@machine.command(help=tr("Change the token of a machine; an empty one removes it."))
@click.argument("name")
@click.option(
    "--token",
    prompt=True,
    hide_input=True,
    help=tr("Token that the machine wants from us; kept sealed."),
)
@api_command
async def token(context: CommandContext, name: str, token: str) -> None:
    """Change a machine's token; an empty one removes it."""
    found = await find_machine(context.api, name)
    _show(context, await context.api.patch(f"/v1/machines/{found['id']}", {"token": token or None}))


@machine.command(
    help=tr("Change the header of a machine, such as X-API-Key; an empty value removes it.")
)
@click.argument("name")
@click.argument("header")
@click.option("--value", prompt=True, hide_input=True, help=tr("Value of the header; kept sealed."))
@api_command
async def header(context: CommandContext, name: str, header: str, value: str) -> None:
    """Set a header of a machine; an empty value removes it."""
    found = await find_machine(context.api, name)
    body = {"header": {"name": header, "value": value} if value else None}
    _show(context, await context.api.patch(f"/v1/machines/{found['id']}", body))


@machine.command(
    "comfy-key",
    help=tr("Change the account for the partner nodes of a machine; an empty key removes it."),
)
@click.argument("name")
@click.option(
    "--comfy-key",
    prompt=True,
    hide_input=True,
    help=tr("Key of an account at comfy.org for its partner nodes; kept sealed."),
)
@api_command
async def set_account(context: CommandContext, name: str, comfy_key: str) -> None:
    """Change the account of a machine's partner nodes; an empty key removes it."""
    found = await find_machine(context.api, name)
    body = {"comfy_api_key": comfy_key or None}
    _show(context, await context.api.patch(f"/v1/machines/{found['id']}", body))


@machine.command(help=tr("Drain a machine: it finishes its runs; new runs wait."))
@click.argument("name")
@api_command
async def drain(context: CommandContext, name: str) -> None:
    """Drain a machine: it finishes its runs and takes no new ones."""
    await _change_state(context, name, "drain")


@machine.command(help=tr("Resume a machine."))
@click.argument("name")
@api_command
async def resume(context: CommandContext, name: str) -> None:
    """Resume a machine."""
    await _change_state(context, name, "resume")


@machine.command(help=tr("Disable a machine."))
@click.argument("name")
@api_command
async def disable(context: CommandContext, name: str) -> None:
    """Take a machine out of service."""
    await _change_state(context, name, "disable")


@machine.command(help=tr("Ask a worker to inspect a machine again."))
@click.argument("name")
@api_command
async def refresh(context: CommandContext, name: str) -> None:
    """Have a worker look again at what a machine can do."""
    found = await find_machine(context.api, name)
    await context.api.post(f"/v1/machines/{found['id']}/refresh")
    context.say("a worker will look at {name} again", name=found["name"])


@machine.command(help=tr("Remove a machine."))
@click.argument("name")
@click.option("--force", is_flag=True, help=tr("Even if runs are open on it."))
@api_command
async def remove(context: CommandContext, name: str, *, force: bool) -> None:
    """Remove a machine."""
    found = await find_machine(context.api, name)
    await context.api.delete(f"/v1/machines/{found['id']}", force="true" if force else None)
    context.say("removed {name}", name=found["name"])


@machine.command(help=tr("Show the history of a machine."))
@click.argument("name")
@api_command
async def history(context: CommandContext, name: str) -> None:
    """Show what happened to a machine."""
    found = await find_machine(context.api, name)
    entries = (await context.api.get(f"/v1/machines/{found['id']}/history"))["data"]
    context.show(
        entries,
        lambda: print_table(
            context.console,
            ("at", "what", "changes"),
            ((format_time(e["at"]), e["what"], e.get("changes")) for e in entries),
            empty=tr("nothing yet"),
        ),
    )


async def _change_state(context: CommandContext, name: str, way: str) -> None:
    found = await find_machine(context.api, name)
    _show(context, await context.api.post(f"/v1/machines/{found['id']}/{way}"))


def _show(context: CommandContext, found: Json) -> None:
    snapshot = found.get("snapshot") or {}
    fields = {
        "id": found["id"],
        "name": found["name"],
        "url": found["url"],
        "driver": found["driver"],
        "state": found["state"],
        "token": tr("set") if found.get("has_token") else "",
        "header": found["header"],
        "account": tr("set") if found["has_comfy_api_key"] else "",
        "ComfyUI": snapshot.get("comfyui_version"),
        "Python": snapshot.get("python_version"),
        "PyTorch": snapshot.get("pytorch_version"),
        "devices": [device["name"] for device in snapshot.get("devices", [])],
        "models": {kind: len(names) for kind, names in snapshot.get("models", {}).items()},
        "observed": format_time(snapshot.get("at")) or tr("not yet"),
    }
    context.show(found, lambda: print_fields(context.console, fields))


def _version(found: Json) -> str:
    return str((found.get("snapshot") or {}).get("comfyui_version") or "")
