"""Who opens a page: the one place that knows how pages are guarded."""

from typing import Any

from litestar import Request

from app.auth.caller import Caller
from app.auth.guard import authorise
from app.limits.rate_limit_guard import limit_address, limit_credential

PAGE_GUARDS = [limit_address, authorise, limit_credential]


def provide_page_caller(request: Request[Any, Any, Any]) -> Caller:
    """Return the caller that the guard has found."""
    caller: Caller = request.state.caller
    return caller
