"""Tenancy: the one place that decides which aggregates a caller may know of."""

from collections.abc import Callable, Iterable
from typing import TypeVar
from uuid import UUID

from app.auth.caller import Caller
from events.decider import Decider
from events.errors import NotFound
from events.messages.texts import Texts
from infra.event_store import EventStore, Session, load

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E")

_NOT_FOUND: Texts = {
    "run": "there is no run with this id",
    "batch": "there is no batch with this id",
    "workflow": "there is no workflow with this id",
    "version": "there is no version with this id",
    "deployment": "there is no deployment with this id",
    "machine": "there is no machine with this id",
    "key": "there is no key with this id",
    "token": "there is no token with this id",
    "organisation": "there is no organisation with this id",
    "session": "there is no session with this id",
    "alias": "there is no alias with this id",
}
"""By the kind of the aggregate, or of a part of one."""


def _none(_: object) -> Iterable[UUID]:
    return ()


async def load_owned(
    store: EventStore,
    caller: Caller,
    decider: Decider[S, C, E],
    identifier: UUID,
    *,
    deployments_of: Callable[[S], Iterable[UUID]] = _none,
    check: Callable[[int], None] | None = None,
) -> Session[S, C, E]:
    """Load an aggregate of the caller's tenant from the log; its state is there.

    *deployments_of* names the deployments that a restricted key must be allowed for. *check* is
    asked first, with the position that was found: see RecentWrites.promise.

    Raises:
        NotFound: there is none that the caller may know of.
        LogUnavailable: the log does not answer.

    """
    session = await load(store, decider, identifier)
    if check is not None:
        check(session.position)
    state = session.state
    if state is None or not is_visible(caller, session.tenant, deployments_of(state)):
        raise not_found(decider.kind)
    return session


def is_visible(caller: Caller, tenant: str, deployments: Iterable[UUID] = ()) -> bool:
    """Whether a caller may know of what belongs to *tenant* and to all these *deployments*."""
    return tenant == caller.tenant and all(map(caller.may_know, deployments))


def not_found(kind: str) -> NotFound:
    """Build the refusal for an aggregate of a kind that the caller does not have."""
    return NotFound(_NOT_FOUND[kind])
