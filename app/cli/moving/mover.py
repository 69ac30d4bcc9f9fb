"""Carries an import out: through the public API alone, so everything is checked as ever.

It may be repeated, and goes on where it broke off: names and ids are derived, content that is there
adds no version, and what a deployment has run before is not promoted again.
"""

from collections.abc import AsyncIterator, Awaitable
from http import HTTPStatus
from urllib.parse import quote
from uuid import UUID

from msgspec.structs import replace

from app.auth.tokens import Tokens
from app.cli.client.api_client import Json
from app.cli.moving.earlier import gone
from app.cli.moving.lines import (
    KeyState,
    deployment_line,
    gone_line,
    key_line,
    key_state,
    machine_line,
    push_body,
    registered_notes,
    renumbered,
    token_of,
    version_line,
    workflow_line,
)
from app.cli.moving.plan import (
    Earlier,
    Made,
    Owner,
    Plan,
    PlannedDeployment,
    PlannedMachine,
    PlannedWorkflow,
)
from app.cli.moving.report import Line, Note, Outcome
from app.cli.moving.tenants import Refused, TenantApi
from events import ids
from infra.comfyui_deploy.source import Source, SourceKey, SourceVersion


class Mover:
    """Imports what a plan says."""

    def __init__(self, source: Source, api: TenantApi, tokens: Tokens, earlier: Earlier) -> None:
        self._source = source
        self._api = api
        self._tokens = tokens
        self._earlier = earlier
        self._machines: dict[tuple[str, str], str] = {}
        """By tenant and foreign id: the id here."""

        self._versions: dict[str, Json] = {}
        """By foreign id: what its push was answered with."""

    async def lines(self, plan: Plan) -> AsyncIterator[Line]:
        """Import everything, and yield what became of each thing.

        Raises:
            httpx.HTTPError, OtherSecret: the server is away, or knows another secret.
            PostgresError: the source is away.

        """
        for machine in plan.machines:
            yield await _or_refused(self._machine(machine), machine_line(machine))
        for workflow in plan.workflows:
            pushed = [
                await _or_refused(self._version(workflow, version), version_line(workflow, version))
                for version in workflow.versions
            ]
            yield await self._workflow(workflow)
            for line in pushed:
                yield line
            for deployment in workflow.deployments:
                yield await _or_refused(
                    self._deployment(workflow, deployment), deployment_line(workflow, deployment)
                )
        for key in plan.keys:
            state = key_state(key, self._tokens)
            yield await _or_refused(self._key(key, state), key_line(key, state))
        async for owner, found in gone(plan, self._api):
            yield gone_line(owner, found)

    async def _machine(self, machine: PlannedMachine) -> Line:
        if machine.obstacle:
            return machine_line(machine, Outcome.LEFT_OUT)
        url = machine.row.endpoint.rstrip("/")
        made = self._earlier.machines.get((machine.owner.tenant, machine.row.id))
        known = made or await self._of_the_name(machine)
        here = known or await self._registered(machine, url)
        if machine.row.disabled and not made and here.url == url:
            # Also where an import was killed before it had come to this.
            await self._api.call(machine.owner, "POST", f"/v1/machines/{here.id}/disable")
        notes = [Note("machine_kept", {"url": here.url})] if here.url != url else []
        notes += [] if known else registered_notes(machine)
        await self._alias(machine.owner, "machine", machine.row.id, here.id)
        self._machines[machine.owner.tenant, machine.row.id] = here.id
        outcome = Outcome.SAME if known else Outcome.NEW
        return machine_line(machine, outcome, *notes, target_id=here.id)

    async def _of_the_name(self, machine: PlannedMachine) -> Made | None:
        """Return the machine that has the name already."""
        path = f"/v1/machines?name={quote(machine.name, safe='')}"
        found = (await self._api.call(machine.owner, "GET", path)).body["data"]
        named = (Made(m["id"], m["name"], m["url"]) for m in found if m["name"] == machine.name)
        return next(named, None)

    async def _registered(self, machine: PlannedMachine, url: str) -> Made:
        token = token_of(machine)
        body = {"name": machine.name, "url": url, **({"token": token} if token else {})}
        made = (await self._api.call(machine.owner, "POST", "/v1/machines", body)).body
        return Made(made["id"], made["name"], made["url"])

    async def _version(self, workflow: PlannedWorkflow, version: SourceVersion) -> Line:
        body = push_body(workflow, version, await self._source.graphs(version.id))
        if body is None:
            return version_line(workflow, version, Outcome.LEFT_OUT, Note("version_empty"))
        answer = await self._api.call(workflow.owner, "POST", "/v1/workflows", body)
        pushed = answer.body
        await self._alias(workflow.owner, "version", version.id, pushed["version_id"])
        note = renumbered(version, pushed["version"], self._numbers(workflow))
        self._versions[version.id] = {**pushed, "is_new": answer.is_new}
        return version_line(
            workflow,
            version,
            Outcome.NEW if answer.is_new else Outcome.SAME,
            *note,
            target_id=pushed["version_id"],
        )

    def _numbers(self, workflow: PlannedWorkflow) -> set[int]:
        known = (self._versions.get(version.id) for version in workflow.versions)
        return {pushed["version"] for pushed in known if pushed}

    async def _workflow(self, workflow: PlannedWorkflow) -> Line:
        pushed = [self._versions[v.id] for v in workflow.versions if v.id in self._versions]
        if not pushed:
            return workflow_line(workflow, Outcome.LEFT_OUT, Note("workflow_empty"))
        target = pushed[0]["workflow_id"]
        await self._alias(workflow.owner, "workflow", workflow.row.id, target)
        outcome = Outcome.NEW if any(one["is_new"] for one in pushed) else Outcome.SAME
        return workflow_line(workflow, outcome, target_id=target)

    async def _deployment(self, workflow: PlannedWorkflow, planned: PlannedDeployment) -> Line:
        row, owner = planned.row, workflow.owner
        version = self._versions.get(row.version_id)
        if planned.obstacle and not planned.waits:
            return deployment_line(workflow, planned, Outcome.LEFT_OUT)
        if version is None:
            return deployment_line(workflow, planned, Outcome.LEFT_OUT, Note("version_missing"))
        target = str(ids.deployment_id(UUID(version["workflow_id"]), row.environment))
        ran = await self._ran(owner, target)
        machine = self._machines.get((owner.tenant, row.machine_id))
        if planned.waits or machine is None:
            return await self._by_hand(workflow, planned, target, is_there=bool(ran))
        outcome, notes = Outcome.SAME, []
        if not planned.same_as and version["version"] not in ran:
            path = f"/v1/workflows/{version['workflow_id']}/deployments/{row.environment}"
            body = {"version": version["version"], "machine_id": machine, "force": True}
            await self._api.call(owner, "PUT", path, body)
            outcome = Outcome.NEW
        elif ran and ran[0] != version["version"] and not planned.same_as:
            notes = [Note("deployment_kept")]
        await self._alias(owner, "deployment", row.id, target)
        return deployment_line(workflow, planned, outcome, *notes, target_id=target)

    async def _by_hand(
        self, workflow: PlannedWorkflow, planned: PlannedDeployment, target: str, *, is_there: bool
    ) -> Line:
        """Have an id whose machine is not here lead to what was deployed by hand, if it was."""
        if not is_there:
            notes = [] if planned.obstacle else [Note("machine_missing")]
            return deployment_line(workflow, planned, Outcome.LEFT_OUT, *notes)
        await self._alias(workflow.owner, "deployment", planned.row.id, target)
        found = PlannedDeployment(row=planned.row)
        note = Note("deployment_by_hand")
        return deployment_line(workflow, found, Outcome.SAME, note, target_id=target)

    async def _ran(self, owner: Owner, deployment_id: str) -> list[int]:
        """Return the versions that a deployment has run, the latest first."""
        path = f"/v1/deployments/{deployment_id}/history?limit=100"
        try:
            history = (await self._api.call(owner, "GET", path)).body["data"]
        except Refused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
            return []
        return [line["version"] for line in history]

    async def _key(self, key: SourceKey, state: KeyState) -> Line:
        if state.owner is None or not key.revoked:
            return key_line(key, state, Outcome.SAME)
        if not await self._api.opens(key.key):
            return key_line(key, state, Outcome.SAME)
        await self._api.call(state.owner, "POST", "/v1/tokens/revoke", {"token": key.key})
        return key_line(key, state, Outcome.NEW)

    async def _alias(self, owner: Owner, kind: str, foreign_id: str, target_id: str) -> None:
        body = {"kind": kind, "foreign_id": foreign_id, "target_id": target_id}
        await self._api.call(owner, "POST", "/v1/aliases", body)


async def _or_refused(line: Awaitable[Line], otherwise: Line) -> Line:
    """Return what became of a thing; if the server refuses it, *otherwise* with the reason."""
    try:
        return await line
    except Refused as refused:
        reason = Note("refused", {"reason": str(refused)})
        return replace(otherwise, outcome=Outcome.LEFT_OUT, notes=(*otherwise.notes, reason))
