"""Cookies of a browser: names that hold the port, `HttpOnly`, `SameSite=Strict`, `Secure` by https.

Cookies ignore ports, so without the port in the name two servers on one host would overwrite each
other's. By https the prefix `__Host-` keeps other hosts of the domain from setting them.
"""

from typing import Any, Literal
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from msgspec import Struct

_DEFAULT_PORTS = {"http": 80, "https": 443}


class BrowserCookies(Struct, frozen=True, kw_only=True):
    """The cookies for one address of ours, as a browser reaches it."""

    port: int
    secure: bool

    @property
    def session(self) -> str:
        """Name of the cookie with the secret of the session."""
        return self._name("session")

    @property
    def visitor(self) -> str:
        """Name of the cookie that form tokens are bound to before there is a session."""
        return self._name("visitor")

    @property
    def provider(self) -> str:
        """Name of the cookie that remembers a sign-in while the browser is at the provider."""
        return self._name("provider")

    @property
    def asking(self) -> str:
        """Name of the cookie that remembers which page of ComfyUI asks to log in."""
        return self._name("asking")

    def made(
        self,
        name: str,
        value: str,
        *,
        seconds: int | None = None,
        samesite: Literal["strict", "lax"] = "strict",
    ) -> Cookie:
        """Make a cookie; without *seconds* it is gone with the browser."""
        return Cookie(
            key=name,
            value=value,
            path="/",
            max_age=seconds,
            httponly=True,
            secure=self.secure,
            samesite=samesite,
        )

    def gone(self, name: str) -> Cookie:
        """Make the cookie that removes another one."""
        return self.made(name, "", seconds=0)

    def _name(self, what: str) -> str:
        return f"{'__Host-' if self.secure else ''}comfyd-{what}-{self.port}"


def cookies_of(connection: ASGIConnection[Any, Any, Any, Any], public_url: str) -> BrowserCookies:
    """Return the cookies for the address of a request; *public_url* is that of a proxy, or ""."""
    host = connection.headers.get("host", "")
    public = urlsplit(public_url)
    behind_tls = public.scheme == "https" and public.netloc.lower() == host.lower()
    scheme = "https" if behind_tls else str(connection.scope["scheme"])
    return BrowserCookies(port=_port(host) or _DEFAULT_PORTS[scheme], secure=scheme == "https")


def _port(host: str) -> int | None:
    try:
        return urlsplit(f"//{host}").port
    except ValueError:
        return None
