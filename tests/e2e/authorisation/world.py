"""An organisation with members, keys and objects, and another one, as clients and browsers ask."""

import httpx
from msgspec import Struct

from app.auth.session.form_tokens import FormTokens
from tests.e2e.authorisation.callers import Holder
from tests.e2e.authorisation.samples import Objects, Request
from tests.e2e.system import SECRET


class World(Struct, frozen=True, kw_only=True):
    """An organisation with members, keys and objects, and another one that is not theirs."""

    http: httpx.AsyncClient
    mine: Objects
    beside: Objects
    """Mine too, but of another deployment than restricted keys are for."""

    foreign: Objects
    holders: list[Holder]

    async def status(self, request: Request, holder: Holder) -> int:
        """Send a request; give its status, without waiting for the end of a stream."""
        if request.is_page:
            return await self._status_of_page(request, holder)
        async with self.http.stream(
            request.method,
            request.url,
            json=request.body,
            params=request.query,
            headers=dict(holder.headers),
        ) as answer:
            return answer.status_code

    async def _status_of_page(self, request: Request, holder: Holder) -> int:
        """Send a request as a browser does; give 401 where that is led to the sign-in."""
        # The token of a form is bound to the cookie. A bearer token must not matter.
        kept = holder.cookies
        if request.url == "/sign-out" and holder.sign_in and not holder.refused:
            kept = await holder.sign_in()
        secret = next((value for value in kept.values() if value.startswith("cfs_")), "")
        cookies = "; ".join(f"{name}={value}" for name, value in kept.items())
        origin = str(self.http.base_url).rstrip("/")
        headers = {"Accept": "text/html", "Cookie": cookies, "Origin": origin, **holder.headers}
        form = {"form_token": FormTokens(SECRET).token(secret), **request.form}
        async with self.http.stream(
            request.method,
            request.url,
            params=request.query,
            headers=headers,
            data=form if request.method == "POST" else None,
        ) as answer:
            led = answer.headers.get("Location", "").split("?")[0].endswith("sign-in")
            return 401 if led and "Set-Cookie" not in answer.headers else answer.status_code
