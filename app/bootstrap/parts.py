"""Builds the objects that take more than a few words to build."""

from functools import partial
from uuid import uuid4

from app.bootstrap.outside import Outside
from app.commands.machines.plugin_check import PluginCheck
from app.commands.runs.callbacks import Callbacks
from app.commands.runs.client_uploads import ClientUploads
from app.commands.runs.run_inputs import RunInputs
from app.doctor.doctor import Doctor
from app.doctor.machine_probe import MachineProbe
from app.doctor.read_model_probe import ReadModelProbe
from app.doctor.stuck_runs import StuckRuns
from app.limits.quotas import Quotas
from app.limits.rate_counter import FailoverCounter, OwnCounter, PostgresCounter
from app.limits.rate_limit import RateLimit
from app.limits.rate_limit_guard import RateLimits
from app.reads.machine_classes import MachineClasses
from app.reads.runs.files import OutputFiles
from infra import clock
from infra.comfyui.plugin.tokens import CallbackTokens
from infra.images.store import InputImages
from infra.sealing import Sealer
from infra.settings.settings import Settings, callback_url


def client_uploads(outside: Outside, outputs: OutputFiles) -> ClientUploads:
    """Build what lets clients store images, and takes what is stored."""
    settings = outside.settings
    return ClientUploads(
        outside.storage,
        settings.spaces,
        most_bytes=settings.image_bytes,
        most_together=settings.body_limit,
        new_id=uuid4,
        now=clock.now,
        output=outputs.find,
    )


def run_inputs(outside: Outside, uploads: ClientUploads, classes: MachineClasses) -> RunInputs:
    """Build what validates and stores the inputs of runs."""
    return RunInputs(
        input_images(outside),
        uploads,
        outside.private,
        outside.log_reader,
        classes,
        allow_private_urls=outside.settings.allow_private_urls,
        now=clock.now,
    )


def input_images(outside: Outside) -> InputImages:
    """Build the store of input images."""
    return InputImages(
        storage=outside.storage, given_up=outside.tombstones, settings=outside.settings
    )


def callbacks(outside: Outside) -> Callbacks:
    """Build what takes what machines report."""
    settings = outside.settings
    return Callbacks(
        CallbackTokens(settings.jwt_secret),
        outside.store,
        outside.storage,
        settings.spaces,
        logs=outside.private,
        largest=settings.body_limit,
        inspect=input_images(outside).look_at,
        say=outside.prompt_words.say,
        now=clock.now,
        count=outside.metrics.called_back,
    )


def plugin_check(outside: Outside, sealer: Sealer) -> PluginCheck:
    """Build the check of a machine that is to have the driver of the plugin."""
    settings = outside.settings
    return PluginCheck(
        CallbackTokens(settings.jwt_secret),
        outside.storage,
        sealer,
        callback_url=callback_url(settings),
        allow_private=settings.allow_private_machines,
        now=clock.now,
        new_id=clock.new_id,
    )


def quotas(outside: Outside) -> Quotas:
    """Build the quotas of tenants."""
    return Quotas(
        outside.pool,
        outside.store,
        in_flight=outside.settings.runs_in_flight,
        per_day=outside.settings.runs_per_day,
        now=clock.now,
        checked=partial(outside.metrics.checked, "quota"),
    )


def rate_limits(outside: Outside) -> RateLimits:
    """Build the limits that every request is counted against."""
    settings = outside.settings
    counter = FailoverCounter(PostgresCounter(outside.pool), OwnCounter())
    return RateLimits(
        address=RateLimit("address", settings.address_limit, counter),
        credential=RateLimit("default", settings.rate_limit, counter),
        checked=outside.metrics.checked,
    )


def doctor(outside: Outside, sealer: Sealer) -> Doctor:
    """Build the doctor."""
    settings, pool, log_reader = outside.settings, outside.pool, outside.log_reader
    machines = MachineProbe(
        pool,
        sealer,
        clock.new_id,
        plugin_check(outside, sealer).check,
        allow_private=settings.allow_private_machines,
    )
    stuck_runs = StuckRuns(pool, log_reader, outside.work, clock.now)
    return Doctor(
        settings,
        outside.log_check,
        outside.storage,
        outside.system,
        ReadModelProbe(pool, log_reader, machines, stuck_runs),
        clock.now,
    )


def limits(settings: Settings) -> dict[str, int]:
    """Return the limits by the names of their settings."""
    return {
        "COMFYD_RATE_LIMIT": settings.rate_limit,
        "COMFYD_ADDRESS_LIMIT": settings.address_limit,
        "COMFYD_RUNS_IN_FLIGHT": settings.runs_in_flight,
        "COMFYD_RUNS_PER_DAY": settings.runs_per_day,
    }
