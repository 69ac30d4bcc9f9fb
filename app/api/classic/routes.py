"""All routes of the classic dialect that need a credential."""

from app.api.classic import control, runs, uploads, workflows

ROUTES = [*runs.ROUTES, *control.ROUTES, *uploads.ROUTES]
"""Whose bodies may hold images; they may be as long as the settings say."""

WITH_GRAPHS = [*workflows.ROUTES]
