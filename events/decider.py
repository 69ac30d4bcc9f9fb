"""The shape all aggregates share: a fold, and rules from a command to facts."""

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Any, Generic, TypeVar
from uuid import UUID

from msgspec import Struct

from events import (
    api_key,
    batch,
    deployment,
    deployment_decider,
    machine,
    machine_decider,
    machine_events,
    organisation,
    run,
    run_commands,
    run_decider,
    run_events,
    run_fold,
    token,
    workflow,
)
from events.subjects import aggregate

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E")


def _no_status(_: object) -> str:
    return ""


class Decider(Struct, Generic[S, C, E], frozen=True, kw_only=True):
    """One kind of aggregate: how facts change it, and which facts a command leads to."""

    kind: str
    evolve: Callable[[S | None, E], S]
    decide: Callable[[S | None, C], Sequence[E]]
    status: Callable[[S], str] = _no_status
    """The word for the state that rides on each event, for those who follow."""

    def name(self, identifier: UUID) -> str:
        """Name the aggregate with this id."""
        return aggregate(self.kind, identifier)

    def fold(self, events: Iterable[E], start: S | None = None) -> S | None:
        """Fold *events* into the state they lead to."""
        return reduce(self.evolve, events, start)


RUN: Decider[run.Run, run_commands.RunCommand, run_events.RunEvent] = Decider(
    kind="run", evolve=run_fold.evolve, decide=run_decider.decide, status=lambda state: state.status
)
BATCH: Decider[batch.Batch, batch.BatchCommand, batch.BatchEvent] = Decider(
    kind="batch", evolve=batch.evolve, decide=batch.decide
)
WORKFLOW: Decider[workflow.Workflow, workflow.PushVersion, workflow.WorkflowEvent] = Decider(
    kind="workflow", evolve=workflow.evolve, decide=workflow.decide
)
DEPLOYMENT: Decider[
    deployment.Deployment, deployment_decider.DeploymentCommand, deployment.DeploymentPromoted
] = Decider(kind="deployment", evolve=deployment.evolve, decide=deployment_decider.decide)
MACHINE: Decider[machine.Machine, machine_decider.MachineCommand, machine_events.MachineEvent] = (
    Decider(kind="machine", evolve=machine.evolve, decide=machine_decider.decide)
)
KEY: Decider[api_key.ApiKey, api_key.KeyCommand, api_key.KeyEvent] = Decider(
    kind="key", evolve=api_key.evolve, decide=api_key.decide
)
TOKEN: Decider[token.Token, token.RevokeToken, token.TokenRevoked] = Decider(
    kind="token", evolve=token.evolve, decide=token.decide
)
ORGANISATION: Decider[
    organisation.Organisation, organisation.OrganisationCommand, organisation.OrganisationEvent
] = Decider(kind="organisation", evolve=organisation.evolve, decide=organisation.decide)

DECIDERS: dict[str, Decider[Any, Any, Any]] = {
    decider.kind: decider
    for decider in (RUN, BATCH, WORKFLOW, DEPLOYMENT, MACHINE, KEY, TOKEN, ORGANISATION)
}
