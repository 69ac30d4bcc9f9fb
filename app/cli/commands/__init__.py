"""The commands, a file for each thing they are about."""

import click

from app.cli.commands import (
    batches,
    completion,
    deployments,
    doctor,
    importing,
    keys,
    local_access,
    machines,
    processes,
    reruns,
    runs,
    session,
    workflows,
)
from app.cli.local.up import up

API_COMMANDS: tuple[click.Command, ...] = (
    runs.run,
    batches.batch,
    runs.runs,
    runs.status,
    runs.timeline,
    runs.events,
    runs.cancel,
    reruns.rerun,
    runs.erase,
    deployments.deploy,
    workflows.workflow,
    deployments.promote,
    deployments.rollback,
    deployments.deployments,
    machines.machine,
    session.login,
    session.logout,
    session.whoami,
    keys.keys,
    doctor.doctor,
)
"""Clients of the public API, wherever it can be reached."""

LOCAL_COMMANDS: tuple[click.Command, ...] = (
    up,
    processes.api,
    processes.worker,
    processes.projector,
    processes.migrate,
    processes.projections,
    processes.thumbnails,
    processes.backup,
    processes.restore,
    importing.import_,
    local_access.token,
    local_access.sign_in,
    local_access.analyst,
    completion.completion,
)
"""Commands of the machine that they run on."""
