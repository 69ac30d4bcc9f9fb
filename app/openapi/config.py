"""Serves the description at /openapi.json."""

from importlib.metadata import version
from typing import Any

import msgspec
from litestar import Request
from litestar.enums import MediaType
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.openapi.spec import Components, Contact, License, SecurityScheme, Server
from typing_extensions import override

from app.openapi.document import whole_document
from app.openapi.words import DESCRIPTION, PARAMETERS

PATH = "/openapi.json"


class _Document(OpenAPIRenderPlugin):
    """The one rendering: JSON, made once."""

    def __init__(self) -> None:
        super().__init__(path="/", media_type=MediaType.JSON)
        self._rendered = b""

    @override
    def has_path(self, path: str) -> bool:
        """Return True for the JSON, so that Litestar serves no second one below us."""
        return path == "/openapi.json" or super().has_path(path)

    @override
    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the document."""
        self._rendered = self._rendered or msgspec.json.encode(whole_document(request.app))
        return self._rendered


def openapi_config() -> OpenAPIConfig:
    """Return what the document holds beside the routes."""
    return OpenAPIConfig(
        title="comfyd",
        version=version("comfyd"),
        summary="ComfyUI workflows as a durable, event-sourced API.",
        description=DESCRIPTION,
        contact=Contact(name="The people who run this server"),
        license=License(name="MIT", identifier="MIT"),
        servers=[Server(url="/", description="This server.")],
        components=Components(
            # In this order: the page puts the cursor into the last field, and a token that is
            # pasted at once must not become a part of addresses.
            security_schemes={
                "ticket": SecurityScheme(
                    type="apiKey",
                    security_scheme_in="query",
                    name="ticket",
                    description=PARAMETERS["ticket"],
                ),
                "bearer": SecurityScheme(
                    type="http",
                    scheme="bearer",
                    description="An API key (`cfd_…`) or a JWT; the roles of a route are scopes.",
                ),
            }
        ),
        use_handler_docstrings=True,
        path=PATH,
        render_plugins=[_Document()],
    )
