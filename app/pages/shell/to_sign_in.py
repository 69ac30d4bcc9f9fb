"""The way from a page to the sign-in and back, for a browser without a session."""

from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response

from app.http.accepts import prefers_html
from app.http.query import ordered_query
from app.pages.shell.shell import Shell

NEXT = "next"
LONGEST = 2000


def next_page(value: object) -> str:
    """Return where a person wanted to go, as a path below the start page; that itself if unsure.

    It is only ever put behind ./ or ../, so it cannot lead to another host.
    """
    fits = isinstance(value, str) and value.isascii() and value.isprintable()
    return str(value) if fits and len(str(value)) <= LONGEST else ""


def to_sign_in(request: Request[Any, Any, Any], shell: Shell) -> Response[Any]:
    """Lead a browser to the sign-in, and from there back to where it is."""
    reading = request.method in {"GET", "HEAD"}
    if reading and request.headers.get("sec-fetch-site") == "cross-site":
        # A link of another site: the browser kept the cookie back (`SameSite=Strict`). It sends it
        # when the page itself asks again; only if there is none then, there is no session.
        return shell.page("sign_in/continue.html", onward=shell.address.here())
    if "hx-request" in request.headers or not prefers_html(request):
        # A part of a page, or its stream: neither may become another page. The page loads itself
        # again, and is led from its own address, to come back to that.
        return Response(b"", status_code=401)
    here = request.url.path.lstrip("/")
    query = urlencode(ordered_query(request))
    back = next_page(f"{here}?{query}" if query else here) if reading else ""
    address = shell.address.to("sign-in", [(NEXT, back)] if back else [])
    return Response(None, status_code=303, headers={"Location": address})
