"""/v1/…/ticket: tickets with which a web page follows something, without a key of its own."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from app.api.requests import identifier
from app.auth.caller import Caller
from app.auth.credentials import Credentials
from app.auth.scopes import RUNS_READ, needs
from app.reads.owned import not_found
from app.reads.runs.batches import BatchReads
from app.reads.runs.runs import RunReads
from events.aggregates import BATCH, DEPLOYMENT, RUN

DEFAULT_SECONDS = 600
LONGEST_SECONDS = 3600

MOST_DEPLOYMENTS = 50
"""That a ticket names; with more it would be too long for an address."""


class TicketRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a ticket is valid."""

    seconds: Annotated[int, Meta(ge=1, le=LONGEST_SECONDS)] = DEFAULT_SECONDS


class TenantTicketRequest(TicketRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a ticket is valid, and what it shows."""

    deployment_ids: Annotated[
        list[UUID],
        Meta(
            max_length=MOST_DEPLOYMENTS,
            description="The only deployments that it shows; empty for all that you see.",
        ),
    ] = []


class TicketLinks(Struct, frozen=True, kw_only=True):
    """What the ticket opens, with the ticket in it."""

    self: str
    events: str


class TicketView(Struct, frozen=True, kw_only=True):
    """A ticket, for a page."""

    ticket: Annotated[str, Meta(description="Goes into the query parameter `ticket`.")]

    expires_at: datetime
    links: TicketLinks


class TenantTicketLinks(Struct, frozen=True, kw_only=True):
    """What the ticket opens, with the ticket in it."""

    events: str
    changes: str


class TenantTicketView(Struct, frozen=True, kw_only=True):
    """A ticket, for a page."""

    ticket: Annotated[str, Meta(description="Goes into the query parameter `ticket`.")]

    expires_at: datetime
    links: TenantTicketLinks


@post(
    "/v1/runs/{run_id:str}/ticket",
    operation_id="createRunTicket",
    status_code=201,
    opt=needs(RUNS_READ, per_deployment=True),
)
async def for_run(
    credentials: NamedDependency[Credentials],
    run_reads: NamedDependency[RunReads],
    caller: NamedDependency[Caller],
    run_id: FromPath[str],
    data: JSONBody[TicketRequest],
) -> TicketView:
    """Create a ticket with which a web page may read and follow this run, and nothing else."""
    found = await run_reads.find(caller, identifier(run_id))
    path = f"/v1/runs/{found.run.id}"
    return await _ticket(credentials, caller, RUN.name(found.run.id), path, data.seconds)


@post(
    "/v1/batches/{batch_id:str}/ticket",
    operation_id="createBatchTicket",
    status_code=201,
    opt=needs(RUNS_READ, per_deployment=True),
)
async def for_batch(
    batch_reads: NamedDependency[BatchReads],
    credentials: NamedDependency[Credentials],
    caller: NamedDependency[Caller],
    batch_id: FromPath[str],
    data: JSONBody[TicketRequest],
) -> TicketView:
    """Create a ticket with which a web page may read and follow this batch, and nothing else."""
    found = await batch_reads.find(caller, identifier(batch_id))
    path = f"/v1/batches/{found.batch.id}"
    return await _ticket(credentials, caller, BATCH.name(found.batch.id), path, data.seconds)


@post(
    "/v1/events/ticket",
    operation_id="createEventsTicket",
    status_code=201,
    opt=needs(RUNS_READ, per_deployment=True),
)
async def for_tenant(
    credentials: NamedDependency[Credentials],
    caller: NamedDependency[Caller],
    data: JSONBody[TenantTicketRequest],
) -> TenantTicketView:
    """Create a ticket with which a web page may follow all that happens, or some deployments."""
    if not all(map(caller.may_know, data.deployment_ids)):
        raise not_found(DEPLOYMENT.kind)
    ticket, end = await credentials.issue_ticket(
        caller, caller.tenant, seconds=data.seconds, deployments=data.deployment_ids
    )
    links = TenantTicketLinks(
        events=f"/v1/events?ticket={ticket}", changes=f"/v1/changes?ticket={ticket}"
    )
    return TenantTicketView(ticket=ticket, expires_at=end, links=links)


async def _ticket(
    credentials: Credentials, caller: Caller, aggregate: str, path: str, seconds: int
) -> TicketView:
    ticket, end = await credentials.issue_ticket(caller, aggregate, seconds=seconds)
    links = TicketLinks(self=f"{path}?ticket={ticket}", events=f"{path}/events?ticket={ticket}")
    return TicketView(ticket=ticket, expires_at=end, links=links)


ROUTES = [for_run, for_batch, for_tenant]
