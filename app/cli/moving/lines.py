"""The lines of a report, and what is sent for a thing, from the rows of the source (pure)."""

from collections.abc import Set as AbstractSet

from msgspec import Struct

from app.auth.caller import Unauthorized
from app.auth.tokens import Tokens
from app.cli.client.api_client import Json
from app.cli.moving.plan import Owner, PlannedDeployment, PlannedMachine, PlannedWorkflow
from app.cli.moving.report import Line, Note, Outcome
from events.packs import custom_nodes_in
from infra.comfyui_deploy.source import SourceGraphs, SourceKey, SourceVersion

COMMENT = "comfyui-deploy: "
"""How the comments of imported versions begin; their number there follows."""

LONGEST_TOKEN = 4000


def machine_line(
    machine: PlannedMachine,
    outcome: Outcome = Outcome.PLANNED,
    *notes: Note,
    target_id: str = "",
) -> Line:
    """Report a machine."""
    row = machine.row
    known = [
        Note(machine.obstacle, {"type": row.type}) if machine.obstacle else None,
        _renamed(row.name, machine.name),
        Note("machine_guest") if machine.is_guest and not machine.obstacle else None,
    ]
    return Line(
        kind="machine",
        tenant=machine.owner.tenant,
        id=row.id,
        name=row.name,
        outcome=Outcome.LEFT_OUT if machine.obstacle else outcome,
        target_id=target_id,
        notes=(*filter(None, known), *notes),
    )


def workflow_line(
    workflow: PlannedWorkflow,
    outcome: Outcome = Outcome.PLANNED,
    *notes: Note,
    target_id: str = "",
) -> Line:
    """Report a workflow."""
    renamed = _renamed(workflow.row.name, workflow.name)
    return Line(
        kind="workflow",
        tenant=workflow.owner.tenant,
        id=workflow.row.id,
        name=workflow.row.name,
        outcome=outcome,
        target_id=target_id,
        notes=(*([renamed] if renamed else []), *notes),
    )


def version_line(
    workflow: PlannedWorkflow,
    version: SourceVersion,
    outcome: Outcome = Outcome.PLANNED,
    *notes: Note,
    target_id: str = "",
) -> Line:
    """Report a version of a workflow."""
    return Line(
        kind="version",
        tenant=workflow.owner.tenant,
        id=version.id,
        name=f"{workflow.name} {version.number}",
        outcome=outcome,
        target_id=target_id,
        notes=notes,
    )


def deployment_line(
    workflow: PlannedWorkflow,
    planned: PlannedDeployment,
    outcome: Outcome = Outcome.PLANNED,
    *notes: Note,
    target_id: str = "",
) -> Line:
    """Report a deployment."""
    row = planned.row
    known = [
        Note(planned.obstacle, {"environment": row.environment}) if planned.obstacle else None,
        Note("deployment_double", {"id": planned.same_as}) if planned.same_as else None,
        Note("share_link", {"slug": row.share_slug}) if row.share_slug else None,
    ]
    return Line(
        kind="deployment",
        tenant=workflow.owner.tenant,
        id=row.id,
        name=f"{workflow.name}/{row.environment}",
        outcome=Outcome.LEFT_OUT if planned.obstacle else outcome,
        target_id=target_id,
        notes=(*filter(None, known), *notes),
    )


def gone_line(owner: Owner, found: Json) -> Line:
    """Report a workflow that an import has made and that comfyui-deploy does not have any more."""
    return Line(
        kind="workflow",
        tenant=owner.tenant,
        id="",
        name=found["name"],
        outcome=Outcome.SAME,
        target_id=found["id"],
        notes=(Note("gone"),),
    )


def registered_notes(machine: PlannedMachine) -> list[Note]:
    """Return what is to know of a machine when it is registered."""
    if machine.obstacle:
        return []
    known = [
        Note("machine_token" if token_of(machine) else "machine_token_unfit")
        if machine.token
        else None,
        Note("machine_disabled") if machine.row.disabled else None,
    ]
    return [*filter(None, known)]


def token_of(machine: PlannedMachine) -> str:
    """Return the token that a machine is registered with; empty where none fits into a header."""
    token = machine.token
    fits = token.isascii() and token.isprintable() and " " not in token
    return token if fits and len(token) <= LONGEST_TOKEN else ""


class KeyState(Struct, frozen=True):
    """Whose a key is, and the code of what becomes of it."""

    owner: Owner | None
    code: str


def key_state(key: SourceKey, tokens: Tokens) -> KeyState:
    """Decide what becomes of a key here."""
    try:
        claims = tokens.verify(key.key)
    except Unauthorized:
        ours = tokens.has_signed(key.key)
        return KeyState(None, "key_invalid" if ours else "key_other_secret")
    owner = Owner(claims.user_id or "", claims.org_id)
    return KeyState(owner, "key_revoked" if key.revoked else "key_valid")


def key_line(key: SourceKey, state: KeyState, outcome: Outcome = Outcome.PLANNED) -> Line:
    """Report a key, by its name; never by itself."""
    return Line(
        kind="key",
        tenant=state.owner.tenant if state.owner else "",
        id=key.id,
        name=key.name,
        outcome=outcome if state.owner else Outcome.LEFT_OUT,
        notes=(Note(state.code),),
    )


def renumbered(version: SourceVersion, number: int, before: AbstractSet[int]) -> list[Note]:
    """Return what is to know of a version's number here; *before* are those of earlier ones."""
    if number in before:
        return [Note("version_same", {"version": str(number)})]
    return [] if number == version.number else [Note("version_number", {"version": str(number)})]


def push_body(
    workflow: PlannedWorkflow, version: SourceVersion, graphs: SourceGraphs
) -> Json | None:
    """Return what to push for a version; None if it has no graph."""
    graph = graphs.api if isinstance(graphs.api, dict) and graphs.api else None
    ui_graph = graphs.editors if isinstance(graphs.editors, dict) and graphs.editors else None
    if graph is None and ui_graph is None:
        return None
    return {
        "name": workflow.name,
        "graph": graph,
        "ui_graph": ui_graph,
        "comment": f"{COMMENT}{version.number}",
        "custom_nodes": custom_nodes_in(
            graphs.snapshot if isinstance(graphs.snapshot, dict) else None
        ),
    }


def _renamed(before: str, after: str) -> Note | None:
    return Note("renamed", {"name": after}) if before != after else None
