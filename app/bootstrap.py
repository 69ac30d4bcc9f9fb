"""Composition root: builds the objects that the routes are given, each with what it needs."""

from collections.abc import Mapping
from typing import Any

from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from msgspec import Struct

from app.auth.caller import Caller
from app.commands.create_batch import BatchCreator
from app.commands.create_run import RunCreator
from app.commands.keys import Keys
from app.commands.machine_states import MachineStates
from app.commands.machines import MachineRegistry
from app.commands.organisations import Organisations
from app.commands.promote import Promotions
from app.commands.push_workflow import PushWorkflow
from app.commands.recorder import Recorder
from app.commands.rerun import Reruns
from app.commands.resolve_rerun import KeptInputs, RerunResolver
from app.commands.run_inputs import RunInputs
from app.house import House
from app.reads.compatibility import Compatibility
from app.reads.deployments import DeploymentReads
from app.reads.graphs import Graphs
from app.reads.keys import KeyReads
from app.reads.machines import MachineReads
from app.reads.organisations import OrganisationReads
from app.reads.runs import RunReads
from app.reads.workflows import WorkflowReads
from infra.images.store import InputImages


class Services(Struct, frozen=True, kw_only=True):
    """What is built at the start; a route is given the fields that it names."""

    graphs: Graphs
    workflow_reads: WorkflowReads
    deployment_reads: DeploymentReads
    machine_reads: MachineReads
    key_reads: KeyReads
    organisation_reads: OrganisationReads
    compatibility: Compatibility
    run_reads: RunReads
    recorder: Recorder
    run_creator: RunCreator
    batch_creator: BatchCreator
    reruns: Reruns
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
    runs = RunReads(
        store, pool, house.run_rows, house.texts, house.recent_runs, house.settings.spaces
    )
    images = InputImages(storage=house.storage, given_up=house.given_up, settings=house.settings)
    inputs = RunInputs(
        images,
        house.private,
        house.log_groups,
        allow_private_urls=house.settings.allow_private_urls,
        now=house.now,
    )
    run_creator = RunCreator(
        recorder, deployments, inputs, house.quotas, house.recent_runs, house.metrics
    )
    batch_creator = BatchCreator(
        recorder,
        deployments,
        inputs,
        house.quotas,
        house.recent_batches,
        house.log_groups,
        house.metrics,
    )
    kept = KeptInputs(house.private, house.given_up, house.storage)
    resolver = RerunResolver(recorder, deployments, kept, inputs)
    return Services(
        graphs=graphs,
        run_reads=runs,
        recorder=recorder,
        run_creator=run_creator,
        batch_creator=batch_creator,
        reruns=Reruns(runs, run_creator, batch_creator, resolver, house.log_groups),
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
    """Return what routes may name, for Litestar to inject.

    Each is resolved after another one, though it needs nothing of it: what could be resolved side
    by side, Litestar resolves in a task group, which costs more than all of them.
    """
    after_runs = ("recorder", "run_creator", "batch_creator", "reruns")
    return {
        name: _after_runs(name) if name in after_runs else _after_caller(name)
        for name in Services.__struct_fields__
    }


def _after_caller(name: str) -> Provide:
    def find(state: State, caller: NamedDependency[Caller]) -> Any:  # noqa: ARG001 -- see above
        return getattr(state.services, name)

    return Provide(find, sync_to_thread=False)


def _after_runs(name: str) -> Provide:
    def find(state: State, run_reads: NamedDependency[RunReads]) -> Any:  # noqa: ARG001 -- see above
        return getattr(state.services, name)

    return Provide(find, sync_to_thread=False)
