"""comfyd import: move over from another system."""

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from app.auth.tokens import Tokens
from app.cli.client.command_context import CommandContext, run_command
from app.cli.client.login import URL_VARIABLE, Login, NotLoggedIn, local_login, saved_login
from app.cli.commands.local_access import local_secret_or_exit
from app.cli.errors import AWAY, NO_ACCESS, NOT_SUCCESSFUL, CommandError
from app.cli.moving.earlier import earlier_imports
from app.cli.moving.foresee import foreseen
from app.cli.moving.mover import Mover
from app.cli.moving.plan import plan_of
from app.cli.moving.printed import print_report
from app.cli.moving.report import Line, Outcome, Report, as_json
from app.cli.moving.tenants import OtherSecret, TenantApi
from app.cli.terminal import plain
from app.cli.texts import language, tr
from infra.comfyui_deploy.source import NotThatDatabase, Source, open_source
from infra.postgres import PostgresError, PostgresSignInRefused

IMPORTER = "comfyd-import"


@click.group("import", help=tr("Move over from another system."))
def import_() -> None:
    """Hold the commands."""


@import_.command(
    "comfyui-deploy",
    help=tr(
        "Import machines, workflows, versions, deployments and keys from the database of a "
        "comfyui-deploy, which is only read. It may be repeated. JWT_SECRET is the one that "
        "comfyui-deploy has, here and at the server."
    ),
)
@click.option(
    "--from",
    "source_url",
    required=True,
    metavar="URL",
    help=tr("Its Postgres; PGPASSWORD may hold the password."),
)
@click.option("--dry-run", is_flag=True, help=tr("Only report what would be imported."))
@click.option(
    "--server",
    metavar="URL",
    envvar=URL_VARIABLE,
    help=tr("Which server, instead of the one logged in to."),
)
@click.option("--json", "as_json_", is_flag=True, help=tr("Print the report as JSON."))
def comfyui_deploy(*, source_url: str, dry_run: bool, server: str | None, as_json_: bool) -> None:
    """Import what a comfyui-deploy has."""
    tokens = Tokens(local_secret_or_exit())

    async def body(context: CommandContext) -> int:
        try:
            async with open_source(source_url) as source:
                report = await _report(context, source, tokens, dry_run=dry_run)
        except OtherSecret as error:
            raise CommandError("cli.other_secret", code=NO_ACCESS) from error
        except NotThatDatabase as error:
            raise CommandError("cli.not_comfyui_deploy", reason=error) from error
        except PostgresSignInRefused as error:
            raise CommandError("cli.source_refused", code=NO_ACCESS, reason=error) from error
        except PostgresError as error:
            raise CommandError("cli.source_away", code=AWAY, reason=error) from error
        context.show(
            as_json(report, language()), lambda: print_report(context.console, report, language())
        )
        left_out = any(line.outcome is Outcome.LEFT_OUT for line in report.lines)
        return NOT_SUCCESSFUL if left_out else 0

    def login() -> Login:
        known = server or getattr(saved_login() or local_login(), "url", None)
        if known is None and not dry_run:
            raise NotLoggedIn
        key = tokens.issue(user_id=IMPORTER, org_id=None, seconds=3600)
        return Login(url=(known or "http://127.0.0.1").rstrip("/"), key=key)

    raise SystemExit(run_command(login, body, as_json=as_json_))


async def _report(
    context: CommandContext, source: Source, tokens: Tokens, *, dry_run: bool
) -> Report:
    rows = await source.rows()
    if dry_run:
        plan = plan_of(rows)
        lines = foreseen(plan, source, tokens)
    else:
        api = TenantApi(context.api, tokens)
        earlier = await earlier_imports(rows, api)
        plan = plan_of(rows, earlier)
        lines = Mover(source, api, tokens, earlier).lines(plan)
    columns = (
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    shown = context.console.is_terminal and not context.json
    with Progress(*columns, console=context.console, disable=not shown, transient=True) as bar:
        task = bar.add_task("", total=plan.size)
        done: list[Line] = []
        async for line in lines:
            done.append(line)
            bar.update(task, completed=len(done), description=plain(line.name))
    return Report(lines=done, left_behind=rows.left_behind)
