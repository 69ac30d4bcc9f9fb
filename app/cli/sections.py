"""The list of commands in `comfyd --help`, by what people come for."""

from collections.abc import Mapping, Sequence

import click
from typing_extensions import override

from app.cli.words import word

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
    "help.section_access": ("login", "logout", "whoami", "keys", "token"),
    "help.section_server": (
        "up",
        "api",
        "worker",
        "projector",
        "migrate",
        "projections",
        "doctor",
        "completion",
    ),
}


class SectionedGroup(click.Group):
    """A group that lists its commands in sections; what is in none comes last."""

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        listed = {name for names in SECTIONS.values() for name in names}
        others = [name for name in self.commands if name not in listed]
        sections = {word(title): names for title, names in SECTIONS.items()}
        if others:
            sections[word("help.section_others")] = others
        for title, names in sections.items():
            with formatter.section(title):
                formatter.write_dl([(n, self.commands[n].get_short_help_str(80)) for n in names])
