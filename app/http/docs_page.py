"""/docs: the description of the API in a browser, also without the internet.

Swagger UI comes from a package; nothing is fetched from elsewhere, and no script is inline, so the
page works under `Content-Security-Policy: default-src 'self'` with inline styles and data: images.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from litestar import MediaType, Request, Response, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.static_files import create_static_files_router

PATH = "/docs"

# Relative, as all addresses here: the API may lie below a path of a proxy's.
_WELCOME = {"name": "comfyd", "docs": "docs", "openapi": "openapi.json", "health": "health/ready"}

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>comfyd: the API</title>
<link rel="icon" type="image/png" href="docs/assets/favicon-32x32.png">
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<noscript>The same for programs: <a href="openapi.json">openapi.json</a></noscript>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""

# Without a validator: the default one would send the document to a site of others.
_START = """\
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayOperationId: true,
  validatorUrl: null,
});
"""


def swagger_files() -> Path:
    """Find Swagger UI's files; the package is found, not imported: it wants Flask."""
    spec = find_spec("flask_swagger_ui")
    assert spec is not None  # the project depends on it
    assert spec.origin is not None
    return Path(spec.origin).parent / "dist"


@get("/", include_in_schema=False, sync_to_thread=False)
def welcome(request: Request[Any, Any, Any]) -> Response[dict[str, str] | None]:
    """Redirect browsers to the description; answer programs with where everything is."""
    headers = {"Vary": "Accept"}
    if request.accept.best_match(["application/json", "text/html"]) == "text/html":
        return Response(None, status_code=303, headers=headers | {"Location": "docs"})
    return Response(_WELCOME, headers=headers)


@get(PATH, include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=False)
def page() -> str:
    """Show the description of the API."""
    return _PAGE


@get(
    f"{PATH}/start.js", include_in_schema=False, media_type="text/javascript", sync_to_thread=False
)
def start() -> str:
    """Start Swagger UI."""
    return _START


def assets() -> Router:
    """Return the routes of Swagger UI's own files."""
    return create_static_files_router(
        path=f"{PATH}/assets", directories=[swagger_files()], include_in_schema=False
    )


ROUTES: list[HTTPRouteHandler | Router] = [welcome, page, start, assets()]
