"""Connects, then builds all objects of a process that serves."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from msgspec.structs import replace

from app.api.v1.events.views import event_frame
from app.auth.credentials import Credentials
from app.auth.session.access import PageAccess
from app.auth.session.form_tokens import FormTokens
from app.auth.session.links import SignInLinks
from app.auth.session.provider import ProviderSignIn
from app.auth.session.setup import open_provider_sign_in
from app.auth.setup import open_credentials
from app.auth.withdrawals import Withdrawals
from app.bootstrap import parts
from app.bootstrap.outside import Outside
from app.bootstrap.services import Services
from app.commands.aliases import Aliases
from app.commands.editor_logins import EditorLogins
from app.commands.keys import Keys
from app.commands.machines.registry import MachineRegistry
from app.commands.machines.states import MachineStates
from app.commands.organisations import Organisations
from app.commands.recorder import Recorder
from app.commands.runs.create_batch import BatchCreator
from app.commands.runs.create_run import RunCreator
from app.commands.runs.lost_thumbnails import LostThumbnails
from app.commands.runs.rerun import Reruns
from app.commands.runs.resolve_rerun import KeptInputs, RerunResolver
from app.commands.runs.run_changes import RunChanges
from app.commands.sessions import Sessions
from app.commands.workflows.promote import Promotions
from app.commands.workflows.push import PushWorkflow
from app.doctor.readiness import ReadinessCheck
from app.live.batch_stream import BatchStreams
from app.live.broadcaster import Broadcaster
from app.live.progress import ProgressChannels
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
from app.reads.runs.recent_writes import RecentWrites
from app.reads.runs.rows import BatchRows, PromptReads, RunRows
from app.reads.runs.runs import RunReads
from app.reads.runs.texts import Texts
from app.reads.sessions import SessionReads
from app.reads.statistics import StatisticsReads
from app.reads.tenant_events import DeploymentsOf
from app.reads.wait_for_projection import ProjectionWatch
from app.reads.workflows import WorkflowReads
from events.aggregates import BATCH, RUN
from infra import clock
from infra.jetstream.connection import connected
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.health.cluster import ClusterHealth
from infra.jetstream.health.log import LogCheck
from infra.jetstream.live import LiveProgress
from infra.jetstream.log.aggregates import LogReader
from infra.jetstream.private_data import PrivateData
from infra.jetstream.prompt_words import PromptWords
from infra.jetstream.tombstones import Tombstones
from infra.jetstream.work.queue import WorkQueue
from infra.postgres import open_pool
from infra.s3.reading import Readers
from infra.s3.storage import open_object_storage
from infra.s3.urls import where_files_are
from infra.sealing import Sealer
from infra.settings.settings import Settings
from infra.telemetry.api_metrics import ApiMetrics
from infra.telemetry.connection_check import connection_check
from infra.telemetry.connections import NatsConnections
from infra.telemetry.watchdog import Watchdog
from projections.queries import position

POOL_SIZE = 8
"""Connections to Postgres."""


@asynccontextmanager
async def open_services(
    settings: Settings, metrics: ApiMetrics, watchdog: Watchdog | None
) -> AsyncIterator[Services]:
    """Connect to NATS, which is waited for, to Postgres, which is not, and to object storage."""
    async with AsyncExitStack() as exits:
        client = await exits.enter_async_context(connected(settings.nats_url, name="api"))
        settings = replace(settings, spaces=where_files_are(settings))
        storage = await exits.enter_async_context(open_object_storage(settings.spaces))
        pool = await exits.enter_async_context(open_pool(settings.postgres_url, size=POOL_SIZE))
        NatsConnections(metrics.registry).add("api", lambda: client)
        if watchdog:
            watchdog.watch("nats", connection_check(client, settings.nats_url))
        store = JetStreamEventStore(client)
        log_reader = LogReader(client)
        credentials = await exits.enter_async_context(open_credentials(settings, store, pool))
        withdrawals = Withdrawals(credentials)
        broadcaster = Broadcaster(
            log_reader,
            ProgressChannels(LiveProgress(client)),
            frame_of=partial(event_frame, spaces=settings.spaces),
            too_slow=metrics.too_slow,
            notice=withdrawals.notice,
        )
        await exits.enter_async_context(broadcaster.running())
        metrics.show_run_streams(lambda: broadcaster.run_streams)
        metrics.show_limits(parts.limits(settings))
        provider_sign_in = await exits.enter_async_context(open_provider_sign_in(settings))
        outside = Outside(
            settings=settings,
            metrics=metrics,
            store=store,
            log_reader=log_reader,
            private=PrivateData(client),
            tombstones=Tombstones(client),
            prompt_words=PromptWords(client),
            work=WorkQueue(client),
            log_check=LogCheck(client),
            system=ClusterHealth(client, settings.nats_url),
            pool=pool,
            storage=storage,
        )
        services = _services(outside, credentials, withdrawals, broadcaster, provider_sign_in)
        async with services.callbacks.working():
            yield services


def _services(
    outside: Outside,
    credentials: Credentials,
    withdrawals: Withdrawals,
    broadcaster: Broadcaster,
    provider_sign_in: ProviderSignIn | None,
) -> Services:
    settings, metrics = outside.settings, outside.metrics
    store, pool, log_reader = outside.store, outside.pool, outside.log_reader
    sealer = Sealer(settings.seal_keys)
    recorder = Recorder(store=store, now=clock.now, new_id=clock.new_id)
    recent_runs, recent_batches = RecentWrites(), RecentWrites()
    rows = PromptReads(pool)
    run_rows = RunRows(rows)
    graphs = Graphs(outside.storage, secret=settings.jwt_secret.encode())
    classes = MachineClasses(store, graphs)
    texts = Texts(outside.private)
    runs = RunReads(store, pool, run_rows, texts, recent_runs, settings.spaces)
    batches = BatchReads(store, pool, BatchRows(rows), log_reader, recent_batches)
    workflows = WorkflowReads(store, pool, graphs, log_reader)
    deployments = DeploymentReads(store, pool)
    machines = MachineReads(store, pool)
    organisations = OrganisationReads(store, pool)
    statistics = StatisticsReads(pool, clock.now)
    lost_thumbnails = LostThumbnails(runs, outside.work)
    outputs = OutputFiles(
        store,
        run_rows,
        recent_runs,
        outside.storage,
        request_thumbnails=lost_thumbnails.queue,
        spaces=settings.spaces,
    )
    uploads = parts.client_uploads(outside, outputs)
    inputs, quotas = parts.run_inputs(outside, uploads, classes), parts.quotas(outside)
    run_creator = RunCreator(recorder, deployments, inputs, quotas, recent_runs, metrics)
    batch_creator = BatchCreator(
        recorder, deployments, inputs, quotas, recent_batches, log_reader, metrics
    )
    kept = KeptInputs(outside.private, outside.tombstones, outside.storage)
    resolver = RerunResolver(recorder, deployments, kept, inputs)
    return Services(
        credentials=credentials,
        withdrawals=withdrawals,
        page_access=PageAccess(
            credentials,
            FormTokens(settings.jwt_secret),
            public_url=settings.public_url,
            now=clock.now,
        ),
        provider_sign_in=provider_sign_in,
        rate_limits=parts.rate_limits(outside),
        broadcaster=broadcaster,
        readiness_check=ReadinessCheck(
            store,
            outside.log_check,
            outside.storage,
            pool,
            outside.system,
            is_closing=lambda: broadcaster.closed,
        ),
        doctor_checks=parts.doctor(outside, sealer),
        graphs=graphs,
        run_reads=runs,
        machine_log_reads=MachineLogReads(runs=runs, private=outside.private),
        output_files=outputs,
        file_readers=Readers(outside.storage),
        batch_reads=batches,
        alias_reads=AliasReads(store),
        workflow_reads=workflows,
        deployment_reads=deployments,
        machine_reads=machines,
        key_reads=KeyReads(pool),
        session_reads=SessionReads(pool, log_reader, clock.now),
        organisation_reads=organisations,
        statistics_reads=statistics,
        overview_reads=OverviewReads(statistics, runs, machines, deployments),
        compatibility=Compatibility(workflows, machines, graphs),
        machine_classes=classes,
        run_changes=RunChanges(recorder, runs, batches),
        callbacks=parts.callbacks(outside),
        client_uploads=uploads,
        run_creator=run_creator,
        batch_creator=batch_creator,
        reruns=Reruns(runs, run_creator, batch_creator, resolver, log_reader),
        lost_thumbnails=lost_thumbnails,
        run_waiter=RunWaiter(broadcaster, store, recent_runs),
        batch_streams=BatchStreams(broadcaster, log_reader, store, recent_batches, metrics),
        tenant_streams=TenantStreams(
            broadcaster,
            log_reader,
            DeploymentsOf(store),
            {RUN.kind: recent_runs, BATCH.kind: recent_batches},
            ProjectionWatch(partial(rows.ask, position)).reached,
            metrics,
        ),
        alias_commands=Aliases(recorder, workflows, deployments, machines),
        push_workflow=PushWorkflow(recorder, machines, graphs, classes),
        promotions=Promotions(recorder, deployments, workflows, machines, graphs, classes),
        machine_registry=MachineRegistry(
            recorder,
            machines,
            sealer,
            parts.plugin_check(outside, sealer),
            allow_private=settings.allow_private_machines,
        ),
        machine_states=MachineStates(recorder, machines, log_reader, pool, outside.work),
        key_commands=Keys(recorder, deployments, credentials),
        session_commands=Sessions(recorder, credentials, SignInLinks(settings.jwt_secret)),
        editor_logins=EditorLogins(recorder, credentials, settings.jwt_secret),
        organisation_commands=Organisations(recorder, organisations, credentials),
    )
