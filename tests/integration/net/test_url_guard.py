"""Fetching from a URL that a stranger chose: no way leads into our network."""

from collections.abc import AsyncIterator, Awaitable

import pytest
from yarl import URL

from infra.net.url_fetch import (
    UrlProblem,
    UrlRefused,
    _follow,
    _session,
    _target,
    check_url,
    fetch_url,
)
from tests.network.strange_site import Site, StaticResolver, running_site


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with running_site() as running:
        yield running


async def refusal(fetch: Awaitable[bytes]) -> UrlProblem:
    with pytest.raises(UrlRefused) as refused:
        await fetch
    return refused.value.code


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["8.8.8.8", "127.0.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["169.254.169.254"],
        ["10.0.0.1"],
    ],
    ids=" ".join,
)
async def test_a_name_that_leads_into_our_network_is_refused(
    site: Site, addresses: list[str]
) -> None:
    resolver = StaticResolver(evil_example=[addresses])

    code = await refusal(
        fetch_url(site.url("/picture", "evil.example"), max_bytes=10, timeout=5, resolver=resolver)
    )

    assert code is UrlProblem.PRIVATE_ADDRESS
    assert site.asked == []


async def test_a_name_is_judged_by_the_answer_that_is_connected_to(site: Site) -> None:
    """A name that was public when it was checked may be private when it is used."""
    resolver = StaticResolver(evil_example=[["127.0.0.1"], ["8.8.8.8"]])
    url = site.url("/picture", "evil.example")
    assert check_url(url)

    code = await refusal(fetch_url(url, max_bytes=10, timeout=5, resolver=resolver))

    assert code is UrlProblem.PRIVATE_ADDRESS


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433", "127.1", "[::1]"])
async def test_our_own_machine_is_refused_under_any_name(site: Site, host: str) -> None:
    url = site.url("/picture", host)

    assert await refusal(fetch_url(url, max_bytes=10, timeout=5)) is (UrlProblem.PRIVATE_ADDRESS)
    assert site.asked == []


async def test_a_name_that_cannot_exist_is_unreachable() -> None:
    url = f"http://{'a' * 64}.example/a.png"

    assert await refusal(fetch_url(url, max_bytes=10, timeout=5)) is UrlProblem.UNREACHABLE


@pytest.mark.parametrize("target", ["http://169.254.169.254/latest", "//127.1/a", "http://[::1]/"])
async def test_a_redirect_into_our_network_is_refused(site: Site, target: str) -> None:
    start = URL(site.url("/away", "good.example")).with_query(to=target)

    async with _session(StaticResolver(good_example=[["127.0.0.1"]]), "*/*") as session:
        code = await refusal(_follow(session, start, 10, allow_private=False))

    assert code is UrlProblem.PRIVATE_ADDRESS
    assert len(site.asked) == 1


@pytest.mark.parametrize("location", [None, "http://[::1", "http://e.com/a.png"])
def test_a_redirect_to_nowhere_or_into_the_open_is_refused(location: str | None) -> None:
    with pytest.raises(UrlRefused) as refused:
        _target(URL("https://e.com/a"), location)

    assert refused.value.code is UrlProblem.REDIRECTS


def test_a_redirect_is_read_relative_to_where_it_was_given() -> None:
    assert _target(URL("http://e.com/x/a?b"), "../c.png") == "http://e.com/c.png"
    assert _target(URL("http://e.com/a"), "https://f.com/c.png") == "https://f.com/c.png"
