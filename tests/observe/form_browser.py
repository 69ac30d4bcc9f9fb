"""A browser without scripts: it keeps cookies, sends our own Origin, and fills in forms."""

import re
from html import unescape

import httpx

ACCEPT = {"Accept": "text/html,*/*;q=0.8"}

_FIELD = re.compile(r'<input[^>]*name="(\w+)" value="([^"]*)"')


class Browser:
    """One browser at one address of the pages."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    @property
    def origin(self) -> str:
        """The Origin of our own pages, as this browser sees them."""
        return str(self.http.base_url).rstrip("/")

    @property
    def cookies(self) -> dict[str, str]:
        """What the browser keeps."""
        return dict(self.http.cookies)

    async def open(self, address: str, **headers: str) -> httpx.Response:
        """Open a page; a redirect is not followed."""
        return await self.http.get(address, headers=headers)

    async def submit(
        self, address: str, form: dict[str, str], origin: str | None = None
    ) -> httpx.Response:
        """Send a form to *address*."""
        headers = {"Origin": self.origin if origin is None else origin}
        return await self.http.post(address, data=form, headers=headers)

    async def reason(self, answer: httpx.Response) -> str:
        """Follow a refused sign-in back to the ways in; return what stands there."""
        assert answer.status_code == 303, answer.text
        shown = await self.http.get(answer.url.join(answer.headers["Location"]))
        assert shown.status_code == 401
        return unescape(shown.text)

    async def sign_in(self, link: str) -> httpx.Response:
        """Open a link and press its button."""
        page = await self.open(link)
        assert page.status_code == 200, page.text
        return await self.submit("/sign-in/link", fields(page))


def fields(page: httpx.Response) -> dict[str, str]:
    """Return what the form of a page holds; of several, the last of each name."""
    return {name: unescape(value) for name, value in _FIELD.findall(page.text)}
