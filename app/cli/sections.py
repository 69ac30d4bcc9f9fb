"""Sections of `comfyd --help`, and usage errors as JSON after --json."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click
from typing_extensions import override

from app.cli.terminal import json_text
from app.cli.texts import message, tr

SECTIONS: Mapping[str, Sequence[str]] = {
    "help.section_runs": (
        "run",
        "batch",
        "runs",
        "status",
        "timeline",
        "events",
        "cancel",
        "rerun",
        "erase",
    ),
    "help.section_workflows": (
        "deploy",
        "workflow",
        "promote",
        "rollback",
        "deployments",
        "machine",
    ),
    "help.section_access": ("login", "logout", "whoami", "keys", "token", "sign-in"),
    "help.section_server": (
        "up",
        "api",
        "worker",
        "projector",
        "migrate",
        "projections",
        "thumbnails",
        "backup",
        "restore",
        "import",
        "analyst",
        "doctor",
        "completion",
    ),
}


AS_JSON = "comfyd.as_json"
USAGE = "usage"
"""What programs compare when the line itself was wrong (docs/cli.md)."""


@contextmanager
def _usage_errors(*, as_json: bool) -> Iterator[None]:
    """Print click's usage errors as a problem document after --json."""
    try:
        yield
    except click.ClickException as error:
        if not as_json:
            raise
        click.echo(json_text({"title": error.format_message(), "code": USAGE}), err=True)
        sys.exit(error.exit_code)


class SectionedGroup(click.Group):
    """Group that lists its commands in sections, and reports usage errors as JSON after --json."""

    @override
    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        as_json = "--json" in args
        with _usage_errors(as_json=as_json):
            context = super().make_context(info_name, args, parent, **extra)
        context.meta[AS_JSON] = as_json
        return context

    @override
    def invoke(self, ctx: click.Context) -> Any:
        with _usage_errors(as_json=ctx.meta[AS_JSON]):
            return super().invoke(ctx)

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        listed = {name for names in SECTIONS.values() for name in names}
        others = [name for name in self.commands if name not in listed]
        sections = {message(title): names for title, names in SECTIONS.items()}
        if others:
            sections[tr("Others")] = others
        for title, names in sections.items():
            with formatter.section(title):
                formatter.write_dl([(n, self.commands[n].get_short_help_str(80)) for n in names])
