"""The start page, and the part of it that changes."""

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency

from app.auth.caller import Caller
from app.auth.scopes import RUNS_READ, needs
from app.pages.home.overview import home_view
from app.pages.shell.rendered import RenderedParts
from app.pages.shell.shell import Shell
from app.reads.overview import OverviewReads


@get("/", opt=needs(RUNS_READ, per_deployment=True))
async def home(
    shell: NamedDependency[Shell],
    page_caller: NamedDependency[Caller],
    overview_reads: NamedDependency[OverviewReads],
) -> Response[Any]:
    """Show what goes on."""
    found = await overview_reads.find(page_caller)
    view = home_view(found, shell.preferences.language)
    return shell.page("home.html", current="home", caller=page_caller, view=view)


@get("/overview", opt=needs(RUNS_READ, per_deployment=True))
async def overview(
    shell: NamedDependency[Shell],
    page_caller: NamedDependency[Caller],
    overview_reads: NamedDependency[OverviewReads],
    rendered_parts: NamedDependency[RenderedParts],
) -> Response[Any]:
    """Show the part of the start page that changes."""

    async def render() -> str:
        found = await overview_reads.find(page_caller)
        view = home_view(found, shell.preferences.language)
        return shell.shown_on("/").render("home/overview.html", view=view)

    key = (page_caller.tenant, page_caller.deployments, shell.preferences)
    return shell.answer(await rendered_parts.of(key, render))
