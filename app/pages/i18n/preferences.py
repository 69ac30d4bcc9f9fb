"""What a browser prefers: language, appearance and time zone.

The first two are chosen by a link (`?language=zh`, `?theme=dark`), which keeps the choice in a
cookie and leads back to the same page. They work without a script, and need no form token: the
worst that another site can do with such a link is to change the language.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from litestar import Request, Response
from litestar.datastructures import Cookie
from msgspec import Struct

from app.http.language import language_of
from app.http.query import ordered_query
from events.messages.texts import LANGUAGES

LANGUAGE = "language"
THEME = "theme"
ZONE = "zone"
"""Names of parameters; the cookies are called the same after `comfyd_`."""

THEMES = ("auto", "light", "dark")
YEAR = 31_536_000

_CHOICES: Mapping[str, tuple[str, ...]] = {LANGUAGE: tuple(LANGUAGES), THEME: THEMES}


class Preferences(Struct, frozen=True, kw_only=True):
    """What a browser prefers."""

    language: str = "en"
    theme: str = "auto"
    zone: ZoneInfo = ZoneInfo("UTC")


def preferences_of(request: Request[Any, Any, Any]) -> Preferences:
    """Read the cookies; the language is else that of `Accept-Language`."""
    accepted = language_of(request.headers.get("accept-language", ""))
    return Preferences(
        language=_chosen(request, LANGUAGE, accepted),
        theme=_chosen(request, THEME, THEMES[0]),
        zone=_zone(request.cookies.get(_cookie(ZONE), "")),
    )


async def keep_choice(request: Request[Any, Any, Any]) -> Response[bytes] | None:
    """Keep a choice that stands in the address, and lead back to the page; None: there is none."""
    given = ordered_query(request)
    chosen = {name: value for name, value in given if value in _CHOICES.get(name, ())}
    if not chosen:
        return None
    rest = urlencode([(name, value) for name, value in given if name not in chosen])
    # Relative, as all addresses of pages: a proxy may have cut off the beginning of the path.
    here = request.url.path.rpartition("/")[2] or "."
    cookies = [_kept(name, value) for name, value in chosen.items()]
    headers = {"Location": f"{here}?{rest}".rstrip("?")}
    return Response(b"", status_code=303, headers=headers, cookies=cookies)


def _kept(name: str, value: str) -> Cookie:
    return Cookie(key=_cookie(name), value=value, max_age=YEAR, samesite="lax", httponly=True)


def _chosen(request: Request[Any, Any, Any], name: str, otherwise: str) -> str:
    value = request.cookies.get(_cookie(name), "")
    return value if value in _CHOICES[name] else otherwise


def _cookie(name: str) -> str:
    return f"comfyd_{name}"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
