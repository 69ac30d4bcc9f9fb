"""What an import reports: a line for each thing, with what differs from what it was."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import asdict

from app.cli.client.api_client import Json
from events.messages.texts import Texts
from infra.comfyui_deploy.source import LeftBehind
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
    "renamed": "is called '{name}' here",
    "version_number": "is version {version} here",
    "version_same": "is version {version} here, as an earlier one with the same content",
    "version_empty": "has no graph",
    "machine_type": (
        "is of type {type}, which comfyd cannot use: register a ComfyUI with `comfyd machine add`"
    ),
    "machine_token": (
        "its token is imported and kept sealed; it is sent with every request as a bearer token, "
        "which comfyui-deploy does not do"
    ),
    "machine_token_unfit": "its token fits into no header, and is not imported",
    "machine_guest": (
        "is registered for another tenant as well, who uses it there; without its token"
    ),
    "machine_kept": "is registered here with another address, {url}, which stays",
    "machine_disabled": "is disabled, as it was",
    "workflow_empty": "none of its versions is imported",
    "machine_missing": (
        "its machine is not imported: promote it here to another one, and import again; then its "
        "id leads there"
    ),
    "version_missing": "its version is not imported",
    "environment": "comfyd has no environment '{environment}'",
    "deployment_double": "is the same deployment as {id} here, which changed later",
    "deployment_kept": "has run this version here before; what it runs now stays",
    "deployment_by_hand": (
        "its machine is not imported; its id leads to what was deployed here by hand"
    ),
    "share_link": (
        "its page /share/{slug} is not imported: people can be given a key for it alone "
        "(`comfyd keys create --deployment`)"
    ),
    "gone": "is not in comfyui-deploy any more, or has another name there; it stays here",
    "key_valid": "stays valid",
    "key_revoked": "stays revoked",
    "key_invalid": "is not valid: it has expired, or does not name its owner",
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
    tenant: str
    """Whose it is here; empty: a key of which that is not known."""

    id: str
    """As comfyui-deploy knows it, and every classic route from now on; empty: it has gone there."""

    name: str
    outcome: Outcome
    target_id: str = ""
    """The id here; empty: it has none."""

    notes: tuple[Note, ...] = ()


class Report(Struct, frozen=True, kw_only=True):
    """All that an import has to say."""

    lines: Sequence[Line]
    left_behind: LeftBehind = LeftBehind()

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """The outcomes of each kind of thing."""
        found: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
        counted = Counter((line.kind, line.outcome) for line in self.lines)
        for (kind, outcome), number in sorted(counted.items()):
            found[kind][str(outcome)] = number
        return found

    def remark(self, language: str) -> str:
        """Return what was not imported on purpose."""
        return translate(
            "Never imported: what was rendered, here {runs} runs with {outputs} outputs. Their "
            "rows stay in the database of comfyui-deploy, their files in its bucket at their "
            "addresses.",
            language,
            asdict(self.left_behind),
        )

    def warnings(self, language: str) -> list[str]:
        """Return what must not be overlooked."""
        codes = [note.code for line in self.lines for note in line.notes if line.kind == "key"]
        if not (number := codes.count("key_other_secret")):
            return []
        warning = translate(
            "{number} of {total} keys are signed with another JWT_SECRET than the one that is set "
            "here: clients with these keys will be refused (401). Give comfyd and this command "
            "the JWT_SECRET of comfyui-deploy, or hand out new keys.",
            language,
            {"number": number, "total": len(codes)},
        )
        return [warning]


def as_json(report: Report, language: str) -> Json:
    """Return a report for programs."""
    return {
        "counts": report.counts,
        "warnings": report.warnings(language),
        "not_imported": asdict(report.left_behind),
        "lines": [
            {
                "kind": line.kind,
                "tenant": line.tenant or None,
                "id": line.id or None,
                "name": line.name,
                "outcome": str(line.outcome),
                "target_id": line.target_id or None,
                "notes": [
                    {"code": note.code, "detail": note.text(language)} for note in line.notes
                ],
            }
            for line in report.lines
        ],
    }
