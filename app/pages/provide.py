"""What handlers of pages are given."""

from typing import Any

from litestar import Request
from litestar.datastructures import State
from litestar.di import Provide

from app.pages.caller import provide_page_caller
from app.pages.shell.headers import images_from
from app.pages.shell.shell import Shell, shell_of


def provide_shell(request: Request[Any, Any, Any], state: State) -> Shell:
    """Return the shell of this request's page."""
    return shell_of(request, images_from(state.run_reads.spaces))


DEPENDENCIES = {
    "page_caller": Provide(provide_page_caller, sync_to_thread=False),
    "shell": Provide(provide_shell, sync_to_thread=False),
}
