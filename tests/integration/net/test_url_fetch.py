"""Fetching from a URL that a stranger chose: what is taken and what is not."""

from collections.abc import AsyncIterator, Awaitable

import pytest

from infra.net.url_fetch import IMAGES, UrlProblem, UrlRefused, fetch_url
from tests.network.strange_site import PICTURE, Site, running_site


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with running_site() as running:
        yield running


async def fetched(url: str, max_bytes: int = 1_000_000, timeout: float = 5) -> bytes:  # noqa: ASYNC109 -- passed on
    return await fetch_url(url, max_bytes=max_bytes, timeout=timeout, allow_private=True)


async def refusal(fetch: Awaitable[bytes]) -> UrlProblem:
    with pytest.raises(UrlRefused) as refused:
        await fetch
    return refused.value.code


async def test_an_image_is_fetched(site: Site) -> None:
    assert await fetched(site.url("/picture")) == PICTURE


async def test_the_request_gives_nothing_away_and_asks_for_plain_bytes(site: Site) -> None:
    await fetch_url(
        site.url("/picture"), accept=IMAGES, max_bytes=10**6, timeout=5, allow_private=True
    )

    [request] = site.asked
    assert dict(request.headers) == {
        "Host": f"127.0.0.1:{site.port}",
        "Accept": "image/*",
        "Accept-Encoding": "identity",
        "User-Agent": "comfyd",
    }


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_three_redirects_are_followed(site: Site, status: int) -> None:
    assert await fetched(site.url(f"/redirect/3?status={status}")) == PICTURE


async def test_four_redirects_are_not(site: Site) -> None:
    code = await refusal(fetched(site.url("/redirect/4")))

    assert code is UrlProblem.REDIRECTS
    assert len(site.asked) == 4


async def test_a_redirect_without_a_target_is_refused(site: Site) -> None:
    assert await refusal(fetched(site.url("/nowhere"))) is UrlProblem.REDIRECTS


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("file:///etc/passwd", UrlProblem.SCHEME),
        ("ftp://example.com/a.png", UrlProblem.SCHEME),
        ("http://user:secret@example.com/a.png", UrlProblem.INVALID),
    ],
)
async def test_the_target_of_a_redirect_is_checked_as_well(
    site: Site, target: str, code: UrlProblem
) -> None:
    assert await refusal(fetched(site.url(f"/away?to={target}"))) is code


async def test_an_answer_other_than_200_is_refused_with_its_status(site: Site) -> None:
    with pytest.raises(UrlRefused) as refused:
        await fetched(site.url("/not-there"))

    assert (refused.value.code, refused.value.params) == (UrlProblem.STATUS, {"status": "404"})


async def test_as_many_bytes_as_allowed_are_taken(site: Site) -> None:
    assert await fetched(site.url("/picture"), max_bytes=len(PICTURE)) == PICTURE

    code = await refusal(fetched(site.url("/picture"), max_bytes=len(PICTURE) - 1))
    assert code is UrlProblem.TOO_LARGE


async def test_a_body_that_does_not_end_is_too_large(site: Site) -> None:
    assert await refusal(fetched(site.url("/endless"))) is UrlProblem.TOO_LARGE


async def test_a_site_that_says_nothing_is_left(site: Site) -> None:
    assert await refusal(fetched(site.url("/silent"), timeout=0.05)) is UrlProblem.TIMEOUT


async def test_a_compressed_body_is_refused(site: Site) -> None:
    assert await refusal(fetched(site.url("/zipped"))) is UrlProblem.ENCODED


async def test_a_body_that_breaks_off_is_no_image(site: Site) -> None:
    assert await refusal(fetched(site.url("/broken"))) is UrlProblem.UNREACHABLE


async def test_a_closed_port_is_unreachable() -> None:
    assert await refusal(fetched("http://127.0.0.1:9/a.png")) is UrlProblem.UNREACHABLE
