"""All routes of the classic dialect that need a credential, by what their bodies may hold."""

from app.api.classic import control, runs, unsupported, uploads, workflows

WITH_IMAGES = [runs.create, runs.read, runs.create_of_workflow]
"""Whose bodies may hold images; they may be as long as the settings say. Reading is at the same
address as making."""

WITH_GRAPHS = [*workflows.ROUTES]
OTHERS = [*runs.OTHERS, *control.ROUTES, *uploads.ROUTES, *unsupported.ROUTES]
ROUTES = [*WITH_IMAGES, *WITH_GRAPHS, *OTHERS]
