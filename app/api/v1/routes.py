"""All routes of the native API, by what their bodies may hold."""

from app.api.v1 import aliases, doctor, reruns
from app.api.v1.access import keys, me, organisations, sessions, tickets, tokens
from app.api.v1.batches import follow as follow_batch
from app.api.v1.batches import routes as batches
from app.api.v1.deployments import routes as deployments
from app.api.v1.events import routes as events
from app.api.v1.machines import routes as machines
from app.api.v1.machines import states as machine_states
from app.api.v1.runs import erasure, machine_log, statistics, thumbnails, timeline
from app.api.v1.runs import follow as follow_run
from app.api.v1.runs import routes as runs
from app.api.v1.workflows import compatibility, edit_link
from app.api.v1.workflows import routes as workflows

WITH_IMAGES = [
    *runs.ROUTES,
    *follow_run.ROUTES,
    *batches.ROUTES,
    *follow_batch.ROUTES,
    reruns.one,
]
"""Whose bodies may hold images; they may be as long as the settings say."""

WITH_GRAPHS = [*workflows.ROUTES]
OTHERS = [
    reruns.many,
    *tickets.ROUTES,
    *timeline.ROUTES,
    *statistics.ROUTES,
    *erasure.ROUTES,
    *thumbnails.ROUTES,
    *machine_log.ROUTES,
    *machines.ROUTES,
    *machine_states.ROUTES,
    *compatibility.ROUTES,
    *edit_link.ROUTES,
    *deployments.ROUTES,
    *aliases.ROUTES,
    *keys.ROUTES,
    *tokens.ROUTES,
    *sessions.ROUTES,
    *organisations.ROUTES,
    *events.ROUTES,
    *doctor.ROUTES,
    *me.ROUTES,
]
