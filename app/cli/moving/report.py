"""What an import reports: a line for each thing, with what differs from what it was."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from app.cli.client.api_client import Json
from app.cli.client.command_context import CommandContext
from app.cli.output.tables import print_table
from events.messages.texts import Texts
from infra.translation import translate


class Outcome(StrEnum):
    """What became of a thing."""

    NEW = "new"
    SAME = "same"
    """It was here already."""

    PLANNED = "planned"
    """It would be imported: this was a dry run."""

    LEFT_OUT = "left_out"


OUTCOMES: Texts = {
    Outcome.NEW: "imported",
    Outcome.SAME: "was here",
    Outcome.PLANNED: "would be imported",
    Outcome.LEFT_OUT: "left out",
}
KINDS: Texts = {
    "machine": "machine",
    "workflow": "workflow",
    "version": "version",
    "deployment": "deployment",
    "key": "key",
}
NOTES: Texts = {
    "renamed": "is called '{name}' here: another one has the name",
    "version_number": "is version {version} here",
    "version_same": "is version {version} here, as an earlier one with the same content",
    "version_empty": "has no graph",
    "machine_type": (
        "is of type {type}; comfyd runs machines that answer as a ComfyUI does. Register one with "
        "`comfyd machine add`, and deploy to it"
    ),
    "machine_token": (
        "has a token, which comfyui-deploy does not send to such a machine; it is not imported"
    ),
    "machine_kept": "is registered here with another address, {url}, which stays",
    "machine_disabled": "is disabled, as it was",
    "workflow_empty": "none of its versions is imported",
    "machine_missing": "its machine is not imported",
    "version_missing": "its version is not imported",
    "environment": "comfyd has no environment '{environment}'",
    "deployment_double": "is the same deployment as {id} here, which changed later",
    "deployment_kept": "has run this version here before; what it runs now stays",
    "share_link": "its share link has another address here",
    "key_valid": "stays valid",
    "key_revoked": "stays revoked",
    "key_other_secret": "is not signed with this JWT_SECRET, so it is not valid here",
    "refused": "{reason}",
}


class Note(Struct, frozen=True):
    """Something to know of a thing, by its code."""

    code: str
    params: dict[str, str] = {}

    def text(self, language: str) -> str:
        """Return it as a sentence."""
        return translate(NOTES[self.code], language, self.params)


class Line(Struct, frozen=True, kw_only=True):
    """What became of one thing."""

    kind: str
    id: str
    """As comfyui-deploy knows it, and every classic route from now on."""

    name: str
    outcome: Outcome
    target_id: str = ""
    """The id here; empty: it has none."""

    notes: tuple[Note, ...] = ()


def as_json(lines: Sequence[Line], language: str) -> Json:
    """Return a report for programs."""
    return {
        "counts": counts(lines),
        "lines": [
            {
                "kind": line.kind,
                "id": line.id,
                "name": line.name,
                "outcome": str(line.outcome),
                "target_id": line.target_id or None,
                "notes": [
                    {"code": note.code, "detail": note.text(language)} for note in line.notes
                ],
            }
            for line in lines
        ],
    }


def counts(lines: Sequence[Line]) -> dict[str, dict[str, int]]:
    """Count the outcomes of each kind of thing."""
    found: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
    for (kind, outcome), number in sorted(Counter((x.kind, x.outcome) for x in lines).items()):
        found[kind][str(outcome)] = number
    return found


def print_report(context: CommandContext, lines: Sequence[Line], language: str) -> None:
    """Print a report for people: what is worth a word, and the counts of all."""
    worth = [line for line in lines if line.notes or line.outcome is Outcome.LEFT_OUT]
    rows = [
        (
            translate(KINDS[line.kind], language),
            line.name,
            translate(OUTCOMES[line.outcome], language),
            "; ".join(note.text(language) for note in line.notes),
        )
        for line in worth
    ]
    if rows:
        print_table(context.console, ("kind", "name", "outcome", "notes"), rows, empty="")
    for kind, numbers in counts(lines).items():
        for outcome, number in numbers.items():
            context.say(
                "{kind}: {number} {outcome}",
                kind=translate(KINDS[kind], language),
                number=number,
                outcome=translate(OUTCOMES[Outcome(outcome)], language),
            )
