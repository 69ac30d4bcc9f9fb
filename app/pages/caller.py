"""Who opens a page: the one place that knows how pages are guarded."""

from typing import Any

from litestar import Request

from app.auth.caller import Caller
from app.auth.scopes import ADMIN, RUNS_WRITE
from app.auth.session.page_guard import authorise_page
from app.limits.rate_limit_guard import limit_address, limit_credential

PAGE_GUARDS = [limit_address, authorise_page, limit_credential]
OPEN_GUARDS = [limit_address]
"""Of the pages that a browser opens to get a session."""


def provide_page_caller(request: Request[Any, Any, Any]) -> Caller:
    """Return the caller that the guard has found."""
    caller: Caller = request.state.caller
    return caller


def may_change_runs(caller: Caller) -> bool:
    """Whether a caller may cancel, repeat and erase runs."""
    return not caller.scopes.isdisjoint({RUNS_WRITE, ADMIN})
