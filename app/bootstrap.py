"""Composition root: builds the objects that the routes are given, each with what it needs."""

from collections.abc import Mapping
from typing import Any

from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from msgspec import Struct

from app.auth.caller import Caller
from app.commands.keys import Keys
from app.commands.machine_states import MachineStates
from app.commands.machines import MachineRegistry
from app.commands.organisations import Organisations
from app.commands.promote import Promotions
from app.commands.push_workflow import PushWorkflow
from app.commands.recorder import Recorder
from app.house import House
from app.reads.compatibility import Compatibility
from app.reads.deployments import DeploymentReads
from app.reads.graphs import Graphs
from app.reads.keys import KeyReads
from app.reads.machines import MachineReads
from app.reads.organisations import OrganisationReads
from app.reads.workflows import WorkflowReads


class Services(Struct, frozen=True, kw_only=True):
    """What is built at the start; a route is given the fields that it names."""

    graphs: Graphs
    workflow_reads: WorkflowReads
    deployment_reads: DeploymentReads
    machine_reads: MachineReads
    key_reads: KeyReads
    organisation_reads: OrganisationReads
    compatibility: Compatibility
    push_workflow: PushWorkflow
    promotions: Promotions
    machine_registry: MachineRegistry
    machine_states: MachineStates
    key_commands: Keys
    organisation_commands: Organisations


def build_services(house: House) -> Services:
    """Build everything that routes are given."""
    store, pool = house.store, house.pool
    recorder = Recorder(store=store, now=house.now, new_id=house.new_id)
    graphs = Graphs(house.storage, secret=house.settings.jwt_secret.encode())
    workflows = WorkflowReads(store, pool, graphs)
    deployments = DeploymentReads(store, pool)
    machines = MachineReads(store, pool)
    organisations = OrganisationReads(store, pool)
    return Services(
        graphs=graphs,
        workflow_reads=workflows,
        deployment_reads=deployments,
        machine_reads=machines,
        key_reads=KeyReads(pool),
        organisation_reads=organisations,
        compatibility=Compatibility(workflows, machines, graphs),
        push_workflow=PushWorkflow(recorder, machines, graphs),
        promotions=Promotions(recorder, deployments, workflows, machines),
        machine_registry=MachineRegistry(
            recorder,
            machines,
            house.sealer,
            allow_private=house.settings.allow_private_machines,
        ),
        machine_states=MachineStates(recorder, machines, house.log_groups, pool, house.work),
        key_commands=Keys(recorder, deployments, house.credentials),
        organisation_commands=Organisations(recorder, organisations, house.credentials),
    )


def dependencies() -> Mapping[str, Provide]:
    """Return what routes may name, for Litestar to inject."""
    return {name: _provide(name) for name in Services.__struct_fields__}


def _provide(name: str) -> Provide:
    def find(state: State, caller: NamedDependency[Caller]) -> Any:  # noqa: ARG001 -- see below
        # Asked for after the caller, though it needs nothing of it: what could be resolved side
        # by side, Litestar resolves in a task group, which costs more than both.
        return getattr(state.services, name)

    return Provide(find, sync_to_thread=False)
