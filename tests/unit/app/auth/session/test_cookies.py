"""Cookies hold the port in their names, and are for https alone where that is used."""

from typing import Any

import pytest
from litestar.connection import ASGIConnection

from app.auth.session.cookies import cookies_of


def seen(host: str, scheme: str = "http") -> ASGIConnection[Any, Any, Any, Any]:
    """Return a connection as a server hands it over."""
    scope: Any = {"type": "http", "headers": [(b"host", host.encode())], "scheme": scheme}
    return ASGIConnection(scope)


@pytest.mark.parametrize(
    ("host", "scheme", "public_url", "name"),
    [
        ("127.0.0.1:3000", "http", "", "comfyd-session-3000"),
        ("127.0.0.1:8080", "http", "", "comfyd-session-8080"),
        ("[::1]:3000", "http", "", "comfyd-session-3000"),
        ("comfyd.example", "http", "", "comfyd-session-80"),
        ("comfyd.example", "https", "", "__Host-comfyd-session-443"),
        ("comfyd.example", "http", "https://comfyd.example/below", "__Host-comfyd-session-443"),
        ("127.0.0.1:3000", "http", "https://comfyd.example", "comfyd-session-3000"),
        ("host:no-port", "http", "", "comfyd-session-80"),
        ("", "http", "", "comfyd-session-80"),
    ],
)
def test_the_name_of_a_cookie_follows_from_where_the_browser_is(
    host: str, scheme: str, public_url: str, name: str
) -> None:
    cookies = cookies_of(seen(host, scheme), public_url)
    assert cookies.session == name
    assert cookies.visitor == name.replace("session", "visitor")
    assert cookies.secure is name.startswith("__Host-")


def test_a_cookie_is_for_the_server_alone() -> None:
    cookie = cookies_of(seen("a.example", "https"), "").made("x", "value", seconds=60)
    assert (
        cookie.to_header(header="")
        == "x=value; HttpOnly; Max-Age=60; Path=/; SameSite=strict; Secure"
    )


def test_a_cookie_is_removed_by_its_name() -> None:
    gone = cookies_of(seen("a.example:8080"), "").gone("x")
    assert gone.to_header(header="") == 'x=""; HttpOnly; Max-Age=0; Path=/; SameSite=strict'
