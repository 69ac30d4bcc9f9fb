"""The tables: for each kind of aggregate, its fold, its statements and its extra columns."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from events.access.api_key import ApiKey
from events.access.organisation import Organisation
from events.access.session import BrowserSession
from events.access.token import Token
from events.aggregates import (
    ALIAS,
    BATCH,
    DEPLOYMENT,
    KEY,
    MACHINE,
    ORGANISATION,
    RUN,
    SESSION,
    TOKEN,
    WORKFLOW,
)
from events.alias import Alias
from events.batch import Batch
from events.decider import Decider
from events.deployment import Deployment
from events.machine.state import Machine
from events.run.state import Run
from events.workflow import Workflow

Columns = Mapping[str, object]


class Row(Struct, kw_only=True):
    """One aggregate as a read model keeps it."""

    id: UUID
    tenant: str
    created_position: int
    """Position of its first event: the order of lists."""

    position: int
    """Position of its last event."""

    version: int
    """How many events it has."""

    state: Any


class Table(Struct, frozen=True, kw_only=True):
    """How one kind of aggregate is kept."""

    decider: Decider[Any, Any, Any]
    decode: Callable[[bytes], Any]
    columns: Callable[[Any], Columns]
    """What queries filter by, besides the state itself."""

    @property
    def save(self) -> str:
        """Name of the statement that saves a row."""
        return f"save_{self.decider.kind}"


def _run_columns(run: Run) -> Columns:
    return {
        "status": str(run.status),
        "waits_for": run.waits_for,
        "workflow_id": run.workflow_id,
        "deployment_id": run.deployment_id,
        "machine_id": run.machine_id,
        "batch_id": run.batch_id,
        "created_at": run.created_at,
        "ended_at": run.ended_at,
        "erased_at": run.erased_at,
        "wait_seconds": run.ending.wait_seconds if run.ending else None,
        "render_seconds": run.ending.render_seconds if run.ending else None,
        "input_keys": sorted({upload.key for upload in run.inputs.values() if upload.key}),
    }


def _batch_columns(batch: Batch) -> Columns:
    return {"deployments": list(batch.deployments), "started": batch.started}


def _workflow_columns(workflow: Workflow) -> Columns:
    return {"name": workflow.name, "version_ids": [v.version_id for v in workflow.versions]}


def _deployment_columns(deployment: Deployment) -> Columns:
    current = deployment.current
    return {"workflow_id": current.workflow_id, "environment": current.environment}


def _machine_columns(machine: Machine) -> Columns:
    return {"name": machine.name, "machine_state": str(machine.state)}


def _session_columns(session: BrowserSession) -> Columns:
    started = session.started
    return {
        "user_id": started.user_id,
        "key_id": started.key_id,
        "expires_at": started.expires_at,
    }


def _organisation_columns(organisation: Organisation) -> Columns:
    return {"members": sorted(organisation.members)}


def _alias_columns(alias: Alias) -> Columns:
    return {"kind": str(alias.kind), "target_id": alias.target_id}


def _no_columns(_: object) -> Columns:
    return {}


TABLES: dict[str, Table] = {
    table.decider.kind: table
    for table in (
        Table(decider=RUN, decode=msgspec.json.Decoder(Run).decode, columns=_run_columns),
        Table(decider=BATCH, decode=msgspec.json.Decoder(Batch).decode, columns=_batch_columns),
        Table(
            decider=WORKFLOW,
            decode=msgspec.json.Decoder(Workflow).decode,
            columns=_workflow_columns,
        ),
        Table(
            decider=DEPLOYMENT,
            decode=msgspec.json.Decoder(Deployment).decode,
            columns=_deployment_columns,
        ),
        Table(
            decider=MACHINE, decode=msgspec.json.Decoder(Machine).decode, columns=_machine_columns
        ),
        Table(decider=KEY, decode=msgspec.json.Decoder(ApiKey).decode, columns=_no_columns),
        Table(decider=TOKEN, decode=msgspec.json.Decoder(Token).decode, columns=_no_columns),
        Table(
            decider=SESSION,
            decode=msgspec.json.Decoder(BrowserSession).decode,
            columns=_session_columns,
        ),
        Table(
            decider=ORGANISATION,
            decode=msgspec.json.Decoder(Organisation).decode,
            columns=_organisation_columns,
        ),
        Table(decider=ALIAS, decode=msgspec.json.Decoder(Alias).decode, columns=_alias_columns),
    )
}

_encode = msgspec.json.Encoder().encode


def read_row(kind: str, found: Sequence[Any]) -> Row:
    """Read a row of the table of a kind, by its first columns."""
    identifier, tenant, created_position, position, version, state = found[:6]
    return Row(
        id=identifier,
        tenant=tenant,
        created_position=created_position,
        position=position,
        version=version,
        state=TABLES[kind].decode(state),
    )


def parameters(table: Table, row: Row) -> dict[str, object]:
    """Return the parameters of the statement that saves *row*."""
    return {
        "id": row.id,
        "tenant": row.tenant,
        "created_position": row.created_position,
        "position": row.position,
        "version": row.version,
        "state": _encode(row.state),
        **table.columns(row.state),
    }
