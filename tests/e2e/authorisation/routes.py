"""The routes of the application, as it has them itself: a new one cannot be forgotten."""

import re
from functools import cache

from litestar.handlers.http_handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from msgspec import Struct

from app.api.classic.dialect import CLASSIC
from app.api.classic.unsupported import UNSUPPORTED
from app.auth.scopes import OPT
from app.http.dialect import DIALECT
from app.main import build_app
from app.pages.shell.errors import PAGES
from infra.settings.settings import settings_from
from tests.builders.settings import REQUIRED


class Route(Struct, frozen=True, kw_only=True):
    """One route of the API."""

    method: str
    path: str
    handler: HTTPRouteHandler

    @property
    def name(self) -> str:
        """The route as the pages call it."""
        return f"{self.method} {re.sub(r':[a-z]+}', '}', self.path)}"

    @property
    def parameters(self) -> list[str]:
        """Names of what varies in its path."""
        return re.findall(r"{(\w+):", self.path)

    @property
    def is_page(self) -> bool:
        """Whether a browser opens it, with a cookie."""
        # Litestar copies what a router passes on.
        return self.handler.opt.get(DIALECT) == PAGES

    @property
    def is_classic(self) -> bool:
        """Whether clients of comfyui-deploy ask for it."""
        return self.handler.opt.get(DIALECT) == CLASSIC

    @property
    def is_unsupported(self) -> bool:
        """Whether it refuses everybody who may ask."""
        return UNSUPPORTED in self.handler.opt

    @property
    def needs_caller(self) -> bool:
        """Whether it wants a credential."""
        return OPT in self.handler.opt

    @property
    def takes_body(self) -> bool:
        """Whether it reads a body."""
        return "data" in self.handler.parsed_fn_signature.parameters


@cache
def all_routes() -> tuple[Route, ...]:
    """Return all routes with each of their methods."""
    return tuple(
        Route(method=str(method), path=route.path, handler=handler)
        for route in build_app(settings_from(REQUIRED)).routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"})
    )
