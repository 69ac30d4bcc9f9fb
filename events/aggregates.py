"""The registry of aggregates: each kind with its decider."""

from typing import Any

from events import alias, batch, deployment, workflow
from events.access import api_key, organisation, session, token
from events.decider import Decider
from events.machine import decide as machine_decide
from events.machine import state as machine_state
from events.machine.decide import MachineCommand
from events.machine.events import MachineEvent
from events.machine.state import Machine
from events.run import decide as run_decide
from events.run import evolve as run_evolve
from events.run.commands import RunCommand
from events.run.events import RunEvent
from events.run.state import Run

RUN: Decider[Run, RunCommand, RunEvent] = Decider(
    kind="run",
    evolve=run_evolve.evolve,
    decide=run_decide.decide,
    status=lambda state: state.status,
)
BATCH: Decider[batch.Batch, batch.BatchCommand, batch.BatchEvent] = Decider(
    kind="batch", evolve=batch.evolve, decide=batch.decide
)
WORKFLOW: Decider[workflow.Workflow, workflow.PushVersion, workflow.WorkflowEvent] = Decider(
    kind="workflow", evolve=workflow.evolve, decide=workflow.decide
)
DEPLOYMENT: Decider[
    deployment.Deployment, deployment.DeploymentCommand, deployment.DeploymentPromoted
] = Decider(kind="deployment", evolve=deployment.evolve, decide=deployment.decide)
MACHINE: Decider[Machine, MachineCommand, MachineEvent] = Decider(
    kind="machine", evolve=machine_state.evolve, decide=machine_decide.decide
)
KEY: Decider[api_key.ApiKey, api_key.KeyCommand, api_key.KeyEvent] = Decider(
    kind="key", evolve=api_key.evolve, decide=api_key.decide
)
TOKEN: Decider[token.Token, token.RevokeToken, token.TokenRevoked] = Decider(
    kind="token", evolve=token.evolve, decide=token.decide
)
SESSION: Decider[session.BrowserSession, session.SessionCommand, session.SessionEvent] = Decider(
    kind="session", evolve=session.evolve, decide=session.decide
)
ORGANISATION: Decider[
    organisation.Organisation, organisation.OrganisationCommand, organisation.OrganisationEvent
] = Decider(kind="organisation", evolve=organisation.evolve, decide=organisation.decide)
ALIAS: Decider[alias.Alias, alias.AssignAlias, alias.AliasAssigned] = Decider(
    kind="alias", evolve=alias.evolve, decide=alias.decide
)

DECIDERS: dict[str, Decider[Any, Any, Any]] = {
    decider.kind: decider
    for decider in (
        RUN,
        BATCH,
        WORKFLOW,
        DEPLOYMENT,
        MACHINE,
        KEY,
        TOKEN,
        SESSION,
        ORGANISATION,
        ALIAS,
    )
}
