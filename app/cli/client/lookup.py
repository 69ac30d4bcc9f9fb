"""Lookup by name: workflows, machines and deployments, whose ids the API takes."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from uuid import UUID

import click
import httpx
from typing_extensions import override

from app.cli.client.api_client import ApiClient, Json
from app.cli.errors import NOT_FOUND, CommandError
from app.cli.texts import tr

DEFAULT_ENVIRONMENT = "production"


def is_id(text: str) -> bool:
    """Whether *text* is an id already."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


class Id(click.ParamType[str]):
    """An id, as the lists show it; anything else would lead to another address."""

    name = "id"

    @override
    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not is_id(value):
            self.fail(
                tr(
                    "'{text}' is not an id: `comfyd runs` and `comfyd keys list` show them",
                    text=value,
                ),
                param,
                ctx,
            )
        return value


async def request_run_or_batch(
    ask: Callable[[str], Awaitable[Json]], some_id: str, suffix: str = ""
) -> Json:
    """Send a request about a run, or about the batch with this id where no run has it.

    Raises:
        httpx.HTTPStatusError: the server refuses; if there is neither, that there is no run.

    """
    try:
        return await ask(f"/v1/runs/{some_id}{suffix}")
    except httpx.HTTPStatusError as error:
        if error.response.status_code != HTTPStatus.NOT_FOUND:
            raise
        try:
            return await ask(f"/v1/batches/{some_id}{suffix}")
        except httpx.HTTPStatusError:
            raise error from None


async def find_workflow(api: ApiClient, name: str) -> Json:
    """Return a workflow by its name or id.

    Raises:
        CommandError: there is none.

    """
    if is_id(name):
        return await api.get(f"/v1/workflows/{name}")
    for found in await api.items("/v1/workflows", name=name):
        if found["name"] == name:
            return found
    raise CommandError("cli.no_workflow", code=NOT_FOUND, name=name)


async def find_machine(api: ApiClient, name: str) -> Json:
    """Return a machine by its name or id.

    Raises:
        CommandError: there is none.

    """
    if is_id(name):
        return await api.get(f"/v1/machines/{name}")
    for found in await api.items("/v1/machines"):
        if found["name"] == name:
            return found
    raise CommandError("cli.no_machine", code=NOT_FOUND, name=name)


async def find_deployment(api: ApiClient, name: str) -> Json:
    """Return a deployment by its id, or by `workflow` or `workflow/environment`.

    Raises:
        CommandError: there is none.

    """
    if is_id(name):
        return await api.get(f"/v1/deployments/{name}")
    workflow, _, environment = name.rpartition("/")
    # A workflow's name may hold a slash itself.
    readings = [(name, DEFAULT_ENVIRONMENT), (workflow, environment)]
    for found in await api.items("/v1/deployments"):
        if (found["workflow_name"], found["environment"]) in readings:
            return found
    raise CommandError("cli.no_deployment", code=NOT_FOUND, name=name)
