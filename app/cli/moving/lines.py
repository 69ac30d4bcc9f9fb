"""The lines of a report, and what is sent for a thing, from the rows of the source (pure)."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from app.auth.caller import Unauthorized
from app.auth.tokens import Tokens
from app.cli.client.api_client import Json
from app.cli.moving.plan import Owner, PlannedDeployment, PlannedMachine, PlannedWorkflow
from app.cli.moving.report import Line, Note, Outcome
from infra.comfyui_deploy.source import SourceGraphs, SourceKey, SourceVersion

MOST_PACKS = 1000
LONGEST_NAME = 200


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
        Note("machine_token") if row.has_token and not machine.obstacle else None,
        Note("machine_disabled") if row.disabled and not machine.obstacle else None,
    ]
    return Line(
        kind="machine",
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
        id=version.id,
        name=f"{workflow.row.name} {version.number}",
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
        Note("share_link") if row.is_shared and not planned.obstacle else None,
    ]
    return Line(
        kind="deployment",
        id=row.id,
        name=f"{workflow.row.name}/{row.environment}",
        outcome=Outcome.LEFT_OUT if planned.obstacle else outcome,
        target_id=target_id,
        notes=(*filter(None, known), *notes),
    )


def key_line(key: SourceKey, outcome: Outcome = Outcome.PLANNED, *notes: Note) -> Line:
    """Report a key, by its name; never by itself."""
    return Line(kind="key", id=key.id, name=key.name, outcome=outcome, notes=notes)


def key_owner(key: SourceKey, tokens: Tokens) -> Owner | None:
    """Return whose key it is; None: it is signed with another secret, or was never valid."""
    try:
        claims = tokens.verify(key.key)
    except Unauthorized:
        return None
    return Owner(claims.user_id or "", claims.org_id)


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
        "comment": f"comfyui-deploy: {version.number}",
        "custom_nodes": custom_nodes(graphs.snapshot),
    }


def custom_nodes(snapshot: Any) -> dict[str, Any]:
    """Return the packs that a snapshot of ComfyUI-Manager names, by their addresses."""
    named = snapshot.get("git_custom_nodes") if isinstance(snapshot, Mapping) else None
    if not isinstance(named, Mapping):
        return {}
    used = {
        str(url): str(pack.get("hash") or "")
        for url, pack in named.items()
        if isinstance(pack, Mapping) and not pack.get("disabled")
    }
    fitting = [(url, commit) for url, commit in used.items() if 0 < len(url) <= LONGEST_NAME]
    return dict(fitting[:MOST_PACKS])


def _renamed(before: str, after: str) -> Note | None:
    return Note("renamed", {"name": after}) if before != after else None
