"""The commands, a file for each thing they are about."""

import click

from app.cli.commands import (
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
