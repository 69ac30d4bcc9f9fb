"""All objects of a process that serves, and how routes are given those that they name."""

from collections.abc import Mapping
from typing import Any

from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from msgspec import Struct

from app.auth.caller import Caller
from app.auth.credentials import Credentials
from app.auth.session.access import PageAccess
from app.auth.session.provider import ProviderSignIn
from app.auth.withdrawals import Withdrawals
from app.commands.aliases import Aliases
from app.commands.editor_logins import EditorLogins
from app.commands.keys import Keys
from app.commands.machines.registry import MachineRegistry
from app.commands.machines.states import MachineStates
from app.commands.organisations import Organisations
from app.commands.runs.callbacks import Callbacks
from app.commands.runs.client_uploads import ClientUploads
from app.commands.runs.create_batch import BatchCreator
from app.commands.runs.create_run import RunCreator
from app.commands.runs.lost_thumbnails import LostThumbnails
from app.commands.runs.rerun import Reruns
from app.commands.runs.run_changes import RunChanges
from app.commands.sessions import Sessions
from app.commands.workflows.promote import Promotions
from app.commands.workflows.push import PushWorkflow
from app.doctor.doctor import Doctor
from app.doctor.readiness import ReadinessCheck
from app.limits.rate_limit_guard import RateLimits
from app.live.batch_stream import BatchStreams
from app.live.broadcaster import Broadcaster
from app.live.tenant_stream import TenantStreams
from app.live.wait_for_run import RunWaiter
from app.reads.aliases import AliasReads
from app.reads.compatibility import Compatibility
from app.reads.deployments import DeploymentReads
from app.reads.graphs import Graphs
from app.reads.keys import KeyReads
from app.reads.machine_classes import MachineClasses
from app.reads.machines import MachineReads
from app.reads.organisations import OrganisationReads
from app.reads.overview import OverviewReads
from app.reads.runs.batches import BatchReads
from app.reads.runs.files import OutputFiles
from app.reads.runs.machine_logs import MachineLogReads
from app.reads.runs.runs import RunReads
from app.reads.sessions import SessionReads
from app.reads.statistics import StatisticsReads
from app.reads.workflows import WorkflowReads
from infra.s3.reading import Readers


class Services(Struct, frozen=True, kw_only=True):
    """All objects of a process that serves; a route names those that it uses, and is given them."""

    credentials: Credentials
    withdrawals: Withdrawals
    page_access: PageAccess
    provider_sign_in: ProviderSignIn | None
    rate_limits: RateLimits
    broadcaster: Broadcaster
    readiness_check: ReadinessCheck
    doctor_checks: Doctor
    graphs: Graphs
    run_reads: RunReads
    machine_log_reads: MachineLogReads
    output_files: OutputFiles
    file_readers: Readers
    batch_reads: BatchReads
    alias_reads: AliasReads
    workflow_reads: WorkflowReads
    deployment_reads: DeploymentReads
    machine_reads: MachineReads
    key_reads: KeyReads
    session_reads: SessionReads
    organisation_reads: OrganisationReads
    statistics_reads: StatisticsReads
    overview_reads: OverviewReads
    compatibility: Compatibility
    machine_classes: MachineClasses
    run_changes: RunChanges
    callbacks: Callbacks
    client_uploads: ClientUploads
    run_creator: RunCreator
    batch_creator: BatchCreator
    reruns: Reruns
    lost_thumbnails: LostThumbnails
    run_waiter: RunWaiter
    batch_streams: BatchStreams
    tenant_streams: TenantStreams
    alias_commands: Aliases
    push_workflow: PushWorkflow
    promotions: Promotions
    machine_registry: MachineRegistry
    machine_states: MachineStates
    key_commands: Keys
    session_commands: Sessions
    editor_logins: EditorLogins
    organisation_commands: Organisations


def dependencies() -> Mapping[str, Provide]:
    """Return what routes may name, for Litestar to inject; the lifespan puts it into the state.

    Each is resolved after another one, though it needs nothing of it: what could be resolved side
    by side, Litestar resolves in a task group, which costs more than all of them.
    """
    after_creator = ("run_waiter",)
    after_runs = ("run_changes", "run_creator", "batch_creator", "reruns", "batch_reads")
    found: dict[str, Provide] = {}
    for name in Services.__struct_fields__:
        if name in after_creator:
            found[name] = _after_creator(name)
        else:
            found[name] = _after_runs(name) if name in after_runs else _after_caller(name)
    return found


def _after_caller(name: str) -> Provide:
    def find(state: State, caller: NamedDependency[Caller]) -> Any:  # noqa: ARG001 -- see above
        return getattr(state, name)

    return Provide(find, sync_to_thread=False)


def _after_runs(name: str) -> Provide:
    def find(state: State, run_reads: NamedDependency[RunReads]) -> Any:  # noqa: ARG001 -- see above
        return getattr(state, name)

    return Provide(find, sync_to_thread=False)


def _after_creator(name: str) -> Provide:
    def find(state: State, run_creator: NamedDependency[RunCreator]) -> Any:  # noqa: ARG001 -- see above
        return getattr(state, name)

    return Provide(find, sync_to_thread=False)
