"""Signing in to a running system: links, keys, and browsers that have a session."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import httpx

from app.cli.local.sign_in import sign_in_address
from tests.e2e.system import SECRET, System
from tests.observe.form_browser import ACCEPT, Browser, fields


def link_for(system: System, user: str, *, org: str | None = None, url: str = "") -> str:
    """Make a link, as `comfyd sign-in` prints it."""
    return sign_in_address(SECRET, url or system.url, user=user, org=org)


def token_in(link: str) -> str:
    """Return the token in a link."""
    return parse_qs(urlsplit(link).query)["token"][0]


@asynccontextmanager
async def browser(url: str, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Browser]:
    """Open a browser that was never here, and trusts as *tls* says."""
    async with httpx.AsyncClient(
        base_url=url, headers=ACCEPT, verify=tls or True, trust_env=False, timeout=40
    ) as http:
        yield Browser(http)


async def cookies_by_key(url: str, key: str) -> dict[str, str]:
    """Sign in with a key; return the cookies."""
    async with browser(url) as somebody:
        form = {**fields(await somebody.open("/sign-in")), "key": key}
        answer = await somebody.submit("/sign-in/key", form)
        assert "problem" not in answer.headers["Location"], answer.headers
        return somebody.cookies


async def cookies_by_link(system: System, user: str, org: str) -> dict[str, str]:
    """Sign in by a link; return the cookies."""
    async with signed_in(system, user, org=org) as somebody:
        return somebody.cookies


@asynccontextmanager
async def signed_in(
    system: System, user: str, *, org: str | None = None, url: str = ""
) -> AsyncIterator[Browser]:
    """Open a browser in which a person is signed in."""
    async with browser(url or system.url) as somebody:
        answer = await somebody.sign_in(link_for(system, user, org=org, url=url))
        assert answer.status_code == 303, answer.text
        yield somebody
