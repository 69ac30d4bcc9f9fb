"""Fetch an input from a URL that an outsider chose, without opening our network to them."""

import asyncio
import re
from enum import StrEnum

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from infra.net.guarded_resolver import GuardedResolver
from infra.net.public_address import is_host_allowed, is_no_host

_HOST = re.compile(r"[a-z0-9._:%-]+", re.IGNORECASE)
_REDIRECTS = 3
_REDIRECT_STATUS = frozenset({301, 302, 303, 307, 308})
_OK = 200
_CHUNK = 64 * 1024
IMAGES = "image/*"
ANYTHING = "*/*"
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "comfyd"}


class UrlProblem(StrEnum):
    """Why a URL is refused. Stable; documented in docs/errors.md."""

    INVALID = "url_invalid"
    SCHEME = "url_scheme"
    PRIVATE_ADDRESS = "url_private_address"
    TOO_LARGE = "url_too_large"
    TIMEOUT = "url_timeout"
    STATUS = "url_status"
    ENCODED = "url_encoded"
    UNREACHABLE = "url_unreachable"
    REDIRECTS = "url_redirects"


class UrlRefused(Exception):
    """We do not, or cannot, fetch this URL. The message never holds more of it than its host."""

    def __init__(self, code: UrlProblem, message: str, **params: str) -> None:
        self.code = code
        self.params = params
        """What the placeholders of the code's message in the catalogue stand for."""

        super().__init__(message)


def check_url(url: str, *, allow_private: bool = False) -> URL:
    """Refuse without asking anyone what is plainly wrong with *url*; give it parsed.

    Raises:
        UrlRefused: url_invalid, url_scheme or url_private_address.

    """
    try:
        parsed = URL(url)
    except ValueError as error:
        raise UrlRefused(UrlProblem.INVALID, "this is not a URL") from error
    if parsed.scheme not in {"http", "https"}:
        raise UrlRefused(UrlProblem.SCHEME, "the URL must begin with https:// or http://")
    host = parsed.raw_host or ""
    if not _HOST.fullmatch(host) or parsed.raw_user is not None or parsed.raw_password is not None:
        raise UrlRefused(UrlProblem.INVALID, "the URL needs a host, and no user or password")
    if is_no_host(host):
        raise UrlRefused(UrlProblem.INVALID, f"{host} is no address")
    if not is_host_allowed(host, allow_private=allow_private):
        raise _private(host)
    return parsed


def _private(host: str) -> UrlRefused:
    return UrlRefused(
        UrlProblem.PRIVATE_ADDRESS, f"{host} is not an address of the open internet", host=host
    )


async def fetch_url(
    url: str,
    *,
    accept: str = ANYTHING,
    max_bytes: int,
    timeout: float,  # noqa: ASYNC109 -- how long a stranger's server may take is the caller's say
    allow_private: bool = False,
    resolver: AbstractResolver | None = None,
) -> bytes:
    """Fetch what is at *url*, over at most 3 redirects, in *timeout* seconds for everything.

    A redirect from https to http is refused: what was asked for in private is not had in the open.

    Args:
        url: where it is.
        accept: the media types that are asked for.
        max_bytes: the most that is read.
        timeout: in seconds.
        allow_private: talk to private networks as well, but never to cloud metadata. Only for
            closed test setups.
        resolver: asks for the addresses of names; the system's when None.

    Raises:
        UrlRefused: with the reason; only url_timeout, url_unreachable and some of url_status
            might go better another time.

    """
    first = check_url(url, allow_private=allow_private)
    chosen = url_resolver(resolver or aiohttp.ThreadedResolver(), allow_private=allow_private)
    try:
        async with asyncio.timeout(timeout), _session(chosen, accept) as session:
            return await _follow(session, first, max_bytes, allow_private=allow_private)
    except TimeoutError as error:
        raise UrlRefused(
            UrlProblem.TIMEOUT, f"{first.host} took longer than {timeout:g} s", host=f"{first.host}"
        ) from error
    except (aiohttp.ClientError, UnicodeError) as error:  # UnicodeError: no such name can exist
        raise UrlRefused(
            UrlProblem.UNREACHABLE, f"{first.host} cannot be reached", host=f"{first.host}"
        ) from error


def url_resolver(resolver: AbstractResolver, *, allow_private: bool) -> AbstractResolver:
    """Return a resolver of names whose every address a URL may lead to."""
    return GuardedResolver(
        resolver, allow_private=allow_private, refuse=lambda host, _: _private(host)
    )


def _session(resolver: AbstractResolver, accept: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=resolver),
        headers={**_HEADERS, "Accept": accept},
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),  # one clock runs over all of it
        auto_decompress=False,
        trust_env=False,  # a proxy would resolve names for us, unguarded
    )


async def _follow(
    session: aiohttp.ClientSession, url: URL, max_bytes: int, *, allow_private: bool
) -> bytes:
    for _ in range(1 + _REDIRECTS):
        async with session.get(url, allow_redirects=False) as response:
            if response.status not in _REDIRECT_STATUS:
                return await _body(response, max_bytes)
            target = _target(response.url, response.headers.get("Location"))
            url = check_url(target, allow_private=allow_private)
    raise UrlRefused(UrlProblem.REDIRECTS, f"more than {_REDIRECTS} redirects")


def _target(here: URL, location: str | None) -> str:
    if location is None:
        raise UrlRefused(UrlProblem.REDIRECTS, "it redirects to nowhere")
    try:
        target = here.join(URL(location))
    except ValueError as error:
        raise UrlRefused(UrlProblem.REDIRECTS, "it redirects to nowhere") from error
    if (here.scheme, target.scheme) == ("https", "http"):
        raise UrlRefused(UrlProblem.REDIRECTS, "it redirects from https to http")
    return str(target)


async def _body(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    if response.status != _OK:
        status = str(response.status)
        raise UrlRefused(UrlProblem.STATUS, f"it answers {status}, not 200", status=status)
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise UrlRefused(UrlProblem.ENCODED, "it sends compressed data, which was not asked for")
    if (response.content_length or 0) > max_bytes:
        raise _too_large(max_bytes)
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
    return bytes(body)


def _too_large(limit: int) -> UrlRefused:
    return UrlRefused(UrlProblem.TOO_LARGE, f"it has more than {limit} bytes", limit=str(limit))
