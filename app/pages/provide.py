"""What handlers of pages are given."""

from typing import Any

from litestar import Request
from litestar.datastructures import State
from litestar.di import Provide

from app.auth.scopes import OPT
from app.auth.session.page_guard import form_token
from app.pages.caller import provide_page_caller
from app.pages.shell.headers import images_from
from app.pages.shell.rendered import RenderedParts
from app.pages.shell.shell import Shell, shell_of


def provide_shell(request: Request[Any, Any, Any], state: State) -> Shell:
    """Return the shell of this request's page."""
    token = form_token(request) if OPT in request.route_handler.opt else ""
    return shell_of(request, images_from(state.run_reads.spaces), token)


def dependencies() -> dict[str, Provide]:
    """Return what the pages of an application may name, for Litestar to inject."""
    parts = RenderedParts()
    return {
        "page_caller": Provide(provide_page_caller, sync_to_thread=False),
        "shell": Provide(provide_shell, sync_to_thread=False),
        "rendered_parts": Provide(lambda: parts, sync_to_thread=False),
    }
