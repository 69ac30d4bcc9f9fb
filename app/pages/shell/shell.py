"""The shell: what each page is given, whatever it shows."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response
from msgspec import Struct
from msgspec.structs import replace

from app.http.query import ordered_query
from app.pages.i18n.formats import Formats
from app.pages.i18n.preferences import LANGUAGE, THEME, THEMES, Preferences, preferences_of
from app.pages.i18n.words import status_word
from app.pages.shell.headers import COMMON, content_policy
from app.pages.shell.templates import html, render
from app.pages.static import asset_path
from events.messages.texts import LANGUAGES
from infra import clock
from infra.translation import translate, translate_term

Query = Sequence[tuple[str, str]]


class Address(Struct, frozen=True, kw_only=True):
    """Where a page is; its links are relative, because a proxy may put all of it below a path."""

    path: str
    query: Query = ()

    def to(self, path: str, query: Query = ()) -> str:
        """Return the relative address of another page, by its path without the first slash."""
        up = "../" * (self.path.count("/") - 1) or "./"
        return _with_query(f"{up}{path}", query)

    def of_file(self, url: str) -> str:
        """Return the address of a stored file, which may be on another host."""
        return url if "://" in url else self.to(url)

    def here(self, **changed: str | None) -> str:
        """Return the relative address of this page with some parameters changed; None: without."""
        kept = [(name, value) for name, value in self.query if name not in changed]
        added = [(name, value) for name, value in changed.items() if value is not None]
        return _with_query(self.path.rpartition("/")[2] or "./", [*kept, *added])


class Shell(Struct, frozen=True, kw_only=True):
    """Renders the pages of one request."""

    address: Address
    preferences: Preferences
    formats: Formats
    images_from: str = ""
    """The origin from which outputs are fetched."""

    form_token: str = ""
    """The token for forms of a person who is signed in; empty at a page that needs no session."""

    def t(self, text: str, **params: object) -> str:
        """Return a text in the language of the page."""
        return translate(text, self.preferences.language, params)

    def term(self, word: str) -> str:
        """Return a word that stands alone, such as a heading, in the language of the page."""
        return translate_term(word, self.preferences.language)

    def status_word(self, status: str) -> str:
        """Return the word for the status of a run, in the language of the page."""
        return status_word(status, self.preferences.language)

    def page(self, template: str, *, status: int = 200, **values: Any) -> Response[str]:
        """Answer with a page."""
        return self.answer(self.render(template, **values), status=status)

    def render(self, template: str, **values: Any) -> str:
        """Return the text of a page, or of a part of one."""
        return render(template, {**self._common, **values})

    def shown_on(self, path: str) -> "Shell":
        """Return the shell for a part of the page at *path*: links are relative to that page."""
        return replace(self, address=Address(path=path))

    def answer(self, text: str, *, status: int = 200) -> Response[str]:
        """Answer with a text that was rendered."""
        headers = COMMON | {
            "Content-Security-Policy": content_policy(self.images_from),
            "Content-Language": self.preferences.language,
        }
        return html(text, status, headers)

    @property
    def _common(self) -> Mapping[str, Any]:
        return {
            "t": self.t,
            "term": self.term,
            "status_word": self.status_word,
            "language": self.preferences.language,
            "languages": LANGUAGES,
            "theme": self.preferences.theme,
            "themes": THEMES,
            "formats": self.formats,
            "address": self.address,
            "form_token": self.form_token,
            "asset": lambda name: self.address.to(asset_path(name)),
            "chosen_language": partial(self._choice, LANGUAGE),
            "chosen_theme": partial(self._choice, THEME),
        }

    def _choice(self, name: str, value: str) -> str:
        return self.address.here(**{name: value})


def shell_of(request: Request[Any, Any, Any], images_from: str = "", form_token: str = "") -> Shell:
    """Return the shell for a request."""
    preferences = preferences_of(request)
    path = request.url.path
    return Shell(
        address=Address(path=path, query=ordered_query(request)),
        preferences=preferences,
        formats=Formats(language=preferences.language, zone=preferences.zone, now=clock.now()),
        images_from=images_from,
        form_token=form_token,
    )


def _with_query(address: str, query: Query) -> str:
    return f"{address}?{urlencode(query)}" if query else address
