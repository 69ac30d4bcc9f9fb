"""The report of a dry run: the source is read and checked, and nothing is asked of the server."""

from collections.abc import AsyncIterator

from app.auth.tokens import Tokens
from app.cli.moving.lines import (
    deployment_line,
    key_line,
    key_state,
    machine_line,
    push_body,
    registered_notes,
    version_line,
    workflow_line,
)
from app.cli.moving.plan import Plan, PlannedWorkflow
from app.cli.moving.report import Line, Note, Outcome
from events.errors import InvalidGraph
from events.graph.check import check_graph
from events.graph.inputs import input_schema
from infra.comfyui_deploy.source import Source, SourceVersion


async def foreseen(plan: Plan, source: Source, tokens: Tokens) -> AsyncIterator[Line]:
    """Yield what would become of each thing, as far as it can be known without the server.

    Raises:
        PostgresError: the source is away.

    """
    for machine in plan.machines:
        yield machine_line(machine, Outcome.PLANNED, *registered_notes(machine))
    for workflow in plan.workflows:
        versions = [await _version(workflow, version, source) for version in workflow.versions]
        missing = {line.id for line in versions if line.outcome is Outcome.LEFT_OUT}
        if len(missing) == len(versions):
            yield workflow_line(workflow, Outcome.LEFT_OUT, Note("workflow_empty"))
        else:
            yield workflow_line(workflow)
        for line in versions:
            yield line
        for deployment in workflow.deployments:
            if deployment.row.version_id in missing and not deployment.obstacle:
                note = Note("version_missing")
                yield deployment_line(workflow, deployment, Outcome.LEFT_OUT, note)
            else:
                yield deployment_line(workflow, deployment)
    for key in plan.keys:
        yield key_line(key, key_state(key, tokens))


async def _version(workflow: PlannedWorkflow, version: SourceVersion, source: Source) -> Line:
    body = push_body(workflow, version, await source.graphs(version.id))
    if body is None:
        return version_line(workflow, version, Outcome.LEFT_OUT, Note("version_empty"))
    try:
        # A graph of the editor's is converted by the server, with what a machine knows.
        if body["graph"] is not None:
            input_schema(check_graph(body["graph"]))
    except InvalidGraph as error:
        reason = "; ".join(problem.text() for problem in error.problems)
        note = Note("refused", {"reason": reason})
        return version_line(workflow, version, Outcome.LEFT_OUT, note)
    return version_line(workflow, version)
