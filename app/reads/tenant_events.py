"""Which events of a tenant a caller may see, and which of these they ask for."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from cachetools import LRUCache
from msgspec import Struct

from app.auth.caller import Caller
from app.auth.scopes import ADMIN, DEPLOY, RUNS_READ
from events.aggregates import BATCH, DECIDERS, DEPLOYMENT, MACHINE, RUN, WORKFLOW
from events.batch import BatchCreated
from events.codec import TYPES
from events.deployment import DeploymentPromoted
from events.run.events import RunCreated
from events.subjects import identifier_of, kind_of
from infra.event_store import EventStore

REMEMBERED = 50_000
"""Runs and batches whose deployments are remembered."""

SCOPES_OF_KIND: Mapping[str, frozenset[str]] = {
    RUN.kind: frozenset({RUNS_READ}),
    BATCH.kind: frozenset({RUNS_READ}),
    WORKFLOW.kind: frozenset({RUNS_READ, DEPLOY}),
    DEPLOYMENT.kind: frozenset({RUNS_READ, DEPLOY}),
    MACHINE.kind: frozenset({RUNS_READ, DEPLOY}),
}
"""The scopes that show events of a kind, any of them; admin shows all. What is not named here takes
admin: credentials, and who belongs together."""

EVENT_TYPES = frozenset(name.rpartition(".v")[0] for name in TYPES) | frozenset(DECIDERS)
"""What may be asked for: types without their versions, and kinds, which are all types of one."""


class Selection(Struct, frozen=True, kw_only=True):
    """Events that one client is sent: what its caller may see, of what they ask for."""

    kinds: frozenset[str]
    """Those that the caller's scopes show."""

    allowed: frozenset[UUID] = frozenset()
    """The only deployments that the caller may know of; empty for all."""

    types: frozenset[str] = frozenset()
    deployments: frozenset[UUID] = frozenset()
    runs: frozenset[str] = frozenset()
    """Names in the log. Of these three, an empty set is no filter."""

    def takes(self, kind: str, event_type: str, aggregate: str) -> bool:
        """Whether an event is wanted, as far as its heading tells."""
        return (
            kind in self.kinds
            and (not self.types or not self.types.isdisjoint((event_type, kind)))
            and (not self.runs or aggregate in self.runs)
        )

    @property
    def by_deployment(self) -> bool:
        """Whether it matters what deployments an event concerns."""
        return bool(self.allowed or self.deployments)

    def fits(self, deployments: frozenset[UUID]) -> bool:
        """Whether an event is wanted that concerns these deployments."""
        visible = not self.allowed or (bool(deployments) and deployments <= self.allowed)
        wanted = not self.deployments or not self.deployments.isdisjoint(deployments)
        return visible and wanted


def selection(
    caller: Caller,
    *,
    types: Iterable[str] = (),
    deployments: Iterable[UUID] = (),
    runs: Iterable[UUID] = (),
) -> Selection:
    """Select what a caller asks for, of what they may see."""
    kinds = {kind for kind in DECIDERS if _shows(caller.scopes, kind)}
    return Selection(
        kinds=frozenset(kinds),
        allowed=caller.deployments,
        types=frozenset(types),
        deployments=frozenset(deployments),
        runs=frozenset(map(RUN.name, runs)),
    )


def _shows(scopes: frozenset[str], kind: str) -> bool:
    return ADMIN in scopes or not scopes.isdisjoint(SCOPES_OF_KIND.get(kind, frozenset()))


def deployments_in(event: object) -> frozenset[UUID] | None:
    """Return the deployments that an event names as what it concerns; None if it names none."""
    match event:
        case RunCreated() | DeploymentPromoted():
            return frozenset({event.deployment_id})
        case BatchCreated():
            return frozenset(target.deployment_id for target in event.targets)
        case _:
            return None


class DeploymentsOf:
    """The deployments that aggregates concern, which never change."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._known: LRUCache[str, frozenset[UUID]] = LRUCache(REMEMBERED)

    async def find(self, aggregate: str, named: frozenset[UUID] | None) -> frozenset[UUID]:
        """Return the deployments of an aggregate; *named* are those that its event names.

        Raises:
            LogUnavailable: its first event has to be read, and the log does not answer.

        """
        kind = kind_of(aggregate)
        if kind == DEPLOYMENT.kind:
            return frozenset({identifier_of(aggregate)})
        if kind not in {RUN.kind, BATCH.kind}:
            return frozenset()
        known = self._known.get(aggregate) if named is None else named
        if known is None:
            [first, *_] = await self._store.read(aggregate)
            known = deployments_in(first.event) or frozenset()
        self._known[aggregate] = known
        return known
