"""comfyd doctor: the server's checks, and those of this computer."""

from datetime import UTC, datetime, timedelta

import click
import httpx

from app.cli.client.api_client import Json
from app.cli.client.command_context import CommandContext, api_command
from app.cli.errors import NOT_SUCCESSFUL, reason_of
from app.cli.texts import TEXTS, message, tr

CLOCK_SLACK = timedelta(seconds=5)
"""More than an answer takes: with a wrong clock tokens seem expired, or not yet valid."""

ORIGIN = "https://example.com"


@click.command(
    help=tr("Check the server's parts, its clock and its machines; each fault with its fix.")
)
@api_command
async def doctor(context: CommandContext) -> int | None:
    """Ask the server for its checks, then add those of this computer."""
    found = await context.api.get("/v1/doctor")
    checks: list[Json] = [*found["checks"], _clock(found["time"]), await _files(found)]
    bad = [check for check in checks if not check["ok"]]

    def human() -> None:
        for check in checks:
            _print(context, check)
        if bad:
            context.say(
                "{count} of {total} checks failed", style="red", count=len(bad), total=len(checks)
            )
        else:
            context.say("everything is well", style="green")

    context.show({"ok": not bad, "checks": checks}, human)
    return NOT_SUCCESSFUL if bad else None


def _label(name: str) -> str:
    """Return the label of a check; a check of a newer server is shown by its own name."""
    if name.startswith("machine "):
        return tr("machine {name}", name=name.removeprefix("machine "))
    key = f"cli.check.{name.replace(' ', '_')}"
    return message(key) if key in TEXTS else name


def _clock(server: str) -> Json:
    apart = abs(datetime.now(UTC) - datetime.fromisoformat(server))
    if apart <= CLOCK_SLACK:
        return _good("clock here")
    return _bad("clock here", "client_clock", seconds=f"{apart.total_seconds():.0f}")


async def _files(found: Json) -> Json:
    """Fetch the public file from this computer."""
    url = found["storage_probe"]
    try:
        async with httpx.AsyncClient(timeout=10, follow_redirects=True) as http:
            answer = await http.get(url, headers={"Origin": ORIGIN})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return _bad("files from here", "client_files", url=url, reason=reason_of(error))
    if not answer.is_success:
        return _bad("files from here", "client_files", url=url, reason=answer.status_code)
    return _good("files from here")


def _good(name: str) -> Json:
    return {"name": name, "ok": True, "code": "", "detail": "", "fix": ""}


def _bad(name: str, code: str, **params: object) -> Json:
    detail, fix = message(f"cli.{code}", **params), message(f"cli.{code}.fix")
    return {"name": name, "ok": False, "code": code, "detail": detail, "fix": fix}


def _print(context: CommandContext, check: Json) -> None:
    label = _label(check["name"])
    if check["ok"]:
        context.console.print(f"✓ {label}", style="green")
        return
    text = tr("{name}: {detail}", name=label, detail=check["detail"])
    context.console.print(f"✗ {text}", style="red", soft_wrap=True)
    context.console.print("  " + tr("fix: {fix}", fix=check["fix"]), soft_wrap=True)
