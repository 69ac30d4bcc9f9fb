"""Resolve a rerun: the version, the machine and the inputs that a run is repeated with.

The inputs are copied, so the new run keeps what it needs when the old one is erased. Images are
not fetched or uploaded again: the new run names the stored ones.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from app.auth.caller import Caller
from app.commands.idempotency import is_large
from app.commands.recorder import Recorder
from app.commands.runs.create_run import target_of
from app.commands.runs.run_inputs import RunInputs
from app.reads.deployments import DeploymentReads
from app.reads.owned import not_found
from events.aggregates import WORKFLOW
from events.deployment import DeploymentPromoted
from events.errors import InputsErased
from events.graph.externals.classes import IMAGE_KINDS, InputKind
from events.graph.externals.values import MOST_IMAGES, AnyUrl, ImageBytes, ImageRef, ImageUrl, Value
from events.graph.inputs import InputField, check_inputs, item_name, items_of
from events.run.events import ImageUploaded, RunTarget, input_uploaded
from events.run.state import Run, Upload
from events.workflow import Workflow
from infra.event_store import load
from infra.jetstream.private_data import PrivateData
from infra.jetstream.tombstones import Tombstones
from infra.offload import in_thread_if
from infra.s3.port import ObjectMissing, ObjectStorage


class Version(StrEnum):
    """Which version a run is repeated with."""

    SAME = "same"
    """The one that it ran, on the machine that the deployment has now."""

    CURRENT = "current"
    """The one that the deployment runs now."""


class ResolvedRerun(Struct, frozen=True, kw_only=True):
    """All that a new run takes over from an old one."""

    run: Run
    target: RunTarget
    values: Mapping[str, Value]
    images: tuple[ImageUploaded, ...]
    """Those among the values that are stored already."""


class KeptInputs:
    """The stored inputs of earlier runs, as a new run can take them over."""

    def __init__(
        self, private: PrivateData, tombstones: Tombstones, storage: ObjectStorage
    ) -> None:
        self._private = private
        self._tombstones = tombstones
        self._storage = storage

    async def of(self, run: Run, *, without: Mapping[str, object]) -> dict[str, Value]:
        """Return the inputs that a run had, except some; images as they are stored.

        Raises:
            InputsErased: they are no longer kept.

        """
        if not run.has_inputs:
            return {}
        kept = await self._private.get_inputs(run.id, run.request_hash)
        if kept is None or run.inputs_gone:
            raise InputsErased
        values: dict[str, Value] = {n: v for n, v in kept.items() if n not in without}
        for name, value in values.items():
            upload = run.inputs.get(name)
            if upload is not None and isinstance(value, ImageRef | ImageUrl):
                values[name] = await self._stored_image(upload)
        return values

    async def _stored_image(self, upload: Upload) -> Value:
        """Return an image by its name, or by its bytes if the name may not be used any more."""
        if not await self._tombstones.contains(upload.key):
            return ImageRef.of(upload)
        try:
            return ImageBytes(await self._storage.get_bytes(upload.key))
        except ObjectMissing as error:
            raise InputsErased from error


class RerunResolver:
    """Finds out what runs are repeated with."""

    def __init__(
        self,
        recorder: Recorder,
        deployments: DeploymentReads,
        kept: KeptInputs,
        inputs: RunInputs,
    ) -> None:
        self.recorder = recorder
        self.deployments = deployments
        self.kept = kept
        self.inputs = inputs

    def of(self, caller: Caller, version: Version) -> "CallersReruns":
        """Resolve runs of one caller; what many of them have in common is read once."""
        return CallersReruns(self, caller, version)


class CallersReruns:
    """Resolves runs of one caller, for one request."""

    def __init__(self, resolver: RerunResolver, caller: Caller, version: Version) -> None:
        self._resolver = resolver
        self._caller = caller
        self._version = version
        self._deployments: dict[UUID, DeploymentPromoted] = {}
        self._workflows: dict[UUID, Workflow] = {}
        self._one_at_a_time = asyncio.Lock()
        """Many runs of one workflow shall not all read it because none has done so yet."""

    async def resolve(self, run: Run, overrides: Mapping[str, object]) -> ResolvedRerun:
        """Return what *run* is repeated with: its inputs, except those in *overrides*.

        Raises:
            InputsErased: they are no longer kept.
            InvalidInputs: they do not fit, with every problem there is.
            NotFound: the deployment or the version is gone.
            StorageUnavailable, LogUnavailable: later might work.

        """
        target, fields = await self._target(run)
        kept = await self._resolver.kept.of(run, without=overrides)
        values = await in_thread_if(is_large(overrides), _fitting, fields, kept, overrides)
        self._resolver.inputs.check_urls(values)
        now = self._resolver.recorder.now()
        return ResolvedRerun(
            run=run,
            target=target,
            values=values,
            images=tuple(
                input_uploaded(run.inputs[name], name=name, upload_duration=0.0, at=now)
                for name, value in values.items()
                if isinstance(value, ImageRef)
            ),
        )

    async def _target(self, run: Run) -> tuple[RunTarget, Sequence[InputField]]:
        async with self._one_at_a_time:
            return await self._found_target(run)

    async def _found_target(self, run: Run) -> tuple[RunTarget, Sequence[InputField]]:
        deployment = await self._deployment(run.deployment_id)
        if self._version is Version.CURRENT:
            return target_of(deployment), deployment.inputs
        workflow = await self._workflow(run.workflow_id)
        target = RunTarget(
            workflow_id=run.workflow_id,
            version_id=run.version_id,
            version=run.version,
            deployment_id=run.deployment_id,
            environment=run.environment,
            machine_id=deployment.machine_id,
            graph_key=run.graph_key,
            ui_graph_key=run.ui_graph_key,
            workflow_name=workflow.name,
        )
        return target, workflow.version(run.version).inputs

    async def _deployment(self, deployment_id: UUID) -> DeploymentPromoted:
        if deployment_id not in self._deployments:
            found = await self._resolver.deployments.current(self._caller, deployment_id)
            self._deployments[deployment_id] = found
        return self._deployments[deployment_id]

    async def _workflow(self, workflow_id: UUID) -> Workflow:
        if workflow_id not in self._workflows:
            # Not by the caller's eyes: the run is theirs, so its workflow is.
            found = (await load(self._resolver.recorder.store, WORKFLOW, workflow_id)).state
            if found is None:
                raise not_found(WORKFLOW.kind)
            self._workflows[workflow_id] = found
        return self._workflows[workflow_id]


def _fitting(
    fields: Sequence[InputField], kept: Mapping[str, Value], overrides: Mapping[str, object]
) -> dict[str, Value]:
    """Check old and new values together against the inputs that there are."""
    images = dict(_kept_images(fields, kept, overrides))
    others = {
        name: _as_sent(value)
        for name, value in kept.items()
        if name not in images and not _is_item(name, overrides)
    }
    open_fields = [field for field in fields if field.name not in images]
    return {**check_inputs(open_fields, {**others, **overrides}), **images}


def _kept_images(
    fields: Sequence[InputField], kept: Mapping[str, Value], overrides: Mapping[str, object]
) -> Iterator[tuple[str, Value]]:
    """Yield what stays as it is stored: images, and those of inputs that take several."""
    for field in fields:
        value = kept.get(field.name)
        if field.name in overrides or value is None:
            continue
        if field.kind in IMAGE_KINDS and isinstance(value, ImageRef | ImageBytes):
            yield field.name, value
        if field.kind is InputKind.IMAGES and (items := items_of(field.name, kept)):
            yield field.name, value
            yield from ((item, kept[item]) for item in items)


def _is_item(name: str, overrides: Mapping[str, object]) -> bool:
    """Whether a value is one of the images of an input that has other ones now."""
    return any(name == item_name(one, n) for one in overrides for n in range(MOST_IMAGES))


def _as_sent(value: Value) -> object:
    """Return a value as a caller would send it; a stored image fits nothing but an image input."""
    if isinstance(value, AnyUrl):
        return value.url
    return {} if isinstance(value, ImageRef | ImageBytes) else value
