"""Names as people type them, to the ids that the API takes."""

from typing import Any
from uuid import UUID

from app.cli.api_client import ApiClient
from app.cli.remote.door import NOT_FOUND, Refused

Json = dict[str, Any]
DEFAULT_ENVIRONMENT = "production"


def is_id(text: str) -> bool:
    """Whether *text* is an id already."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


async def workflow_named(api: ApiClient, name: str) -> Json:
    """Give a workflow by its name or id.

    Raises:
        Refused: there is none.

    """
    if is_id(name):
        return dict(await api.get(f"/v1/workflows/{name}"))
    for found in await api.items("/v1/workflows", name=name):
        if found["name"] == name:
            return found
    raise Refused("cli.no_workflow", code=NOT_FOUND, name=name)


async def machine_named(api: ApiClient, name: str) -> Json:
    """Give a machine by its name or id.

    Raises:
        Refused: there is none.

    """
    if is_id(name):
        return dict(await api.get(f"/v1/machines/{name}"))
    for found in await api.items("/v1/machines"):
        if found["name"] == name:
            return found
    raise Refused("cli.no_machine", code=NOT_FOUND, name=name)


async def deployment_named(api: ApiClient, name: str) -> Json:
    """Give a deployment by its id, or by `workflow` or `workflow/environment`.

    Raises:
        Refused: there is none.

    """
    if is_id(name):
        return dict(await api.get(f"/v1/deployments/{name}"))
    workflow, _, environment = name.rpartition("/")
    # A workflow's name may hold a slash itself.
    readings = [(name, DEFAULT_ENVIRONMENT), (workflow, environment)]
    for found in await api.items("/v1/deployments"):
        if (found["workflow_name"], found["environment"]) in readings:
            return found
    raise Refused("cli.no_deployment", code=NOT_FOUND, name=name)
