"""/api/machine and /api/deployments: what there is to run on and to run, as rows."""

from typing import Annotated

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from app.api.classic.rows import (
    ClassicDeployment,
    ClassicMachine,
    deployment_row,
    machine_row,
    version_detail,
    workflow_row,
)
from app.api.classic.workflows import graphs_of
from app.auth.caller import Caller
from app.auth.scopes import DEPLOY, RUNS_READ, needs
from app.http.bad_request import bad
from app.openapi import errors
from app.reads.aliases import AliasReads
from app.reads.deployments import DeploymentReads
from app.reads.graphs import Graphs
from app.reads.machines import MachineReads
from app.reads.workflows import WorkflowReads
from events.alias import AliasKind
from events.deployment import ENVIRONMENTS, Deployment
from events.errors import NotFound
from infra.gather_bounded import gather_bounded

MOST_DEPLOYMENTS = 100
"""Deployments in one answer, which holds their graphs: the dialect knows no pages."""

AT_ONCE = 8
"""Graphs that one request reads at the same time."""

Environment = Annotated[str | None, QueryParameter()]


@get(
    "/api/machine/{machine_id:str}",
    operation_id="getClassicMachine",
    opt=needs(DEPLOY, RUNS_READ),
    responses=errors("not_found"),
)
async def read_machine(
    machine_reads: NamedDependency[MachineReads],
    alias_reads: NamedDependency[AliasReads],
    caller: NamedDependency[Caller],
    machine_id: FromPath[str],
) -> ClassicMachine:
    """Read a machine."""
    try:
        own = await alias_reads.resolve(caller, AliasKind.MACHINE, machine_id)
        return machine_row(await machine_reads.present(caller, own))
    except NotFound as error:
        raise NotFound("Machine not found") from error


@get(
    "/api/deployments",
    operation_id="listClassicDeployments",
    opt=needs(DEPLOY, RUNS_READ, per_deployment=True),
)
async def deployments(
    deployment_reads: NamedDependency[DeploymentReads],
    workflow_reads: NamedDependency[WorkflowReads],
    machine_reads: NamedDependency[MachineReads],
    graphs: NamedDependency[Graphs],
    caller: NamedDependency[Caller],
    environment: Environment = None,
) -> Response[list[ClassicDeployment]]:
    """List deployments with what they are made of, newest first; the first hundred.

    A key that is for some deployments finds these, with the names of workflow and machine and
    without graphs.
    """
    if environment is not None and environment not in ENVIRONMENTS:
        raise bad("bad_environment", "/environment", known=", ".join(ENVIRONMENTS))
    page = await deployment_reads.page(
        caller,
        limit=MOST_DEPLOYMENTS,
        before=None,
        workflow_id=None,
        environment=environment,
    )

    async def row(deployment: Deployment) -> ClassicDeployment:
        now = deployment.current
        workflow, version = await workflow_reads.version(caller, now.workflow_id, now.version)
        machine = machine_row(await machine_reads.find(caller, now.machine_id))
        if caller.deployments:
            return deployment_row(
                deployment,
                workflow={"id": str(workflow.id), "name": workflow.name},
                machine={"id": machine["id"], "name": machine["name"]},
                version=version_detail(workflow, version),
            )
        return deployment_row(
            deployment,
            workflow=workflow_row(workflow),
            machine=machine,
            version=version_detail(workflow, version, **await graphs_of(graphs, version)),
        )

    return Response(await gather_bounded(row, [r.state for r in page.rows], at_once=AT_ONCE))


ROUTES = [read_machine, deployments]
