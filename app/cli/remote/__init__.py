"""Commands for owners and clients: the public API, from wherever it can be reached."""

import click

from app.cli.remote import (
    batches,
    deployments,
    doctor,
    keys,
    machines,
    reruns,
    runs,
    session,
    timeline,
    workflows,
)

COMMANDS: tuple[click.Command, ...] = (
    session.login,
    session.logout,
    session.whoami,
    machines.machine,
    workflows.workflow,
    deployments.deploy,
    deployments.promote,
    deployments.rollback,
    deployments.deployments,
    runs.run,
    runs.runs,
    runs.status,
    timeline.timeline,
    runs.events,
    runs.cancel,
    reruns.rerun,
    runs.erase,
    batches.batch,
    keys.keys,
    doctor.doctor,
)
