"""/api: what comfyui-deploy's clients may ask for and comfyd does not do: each is told why.

A route that is missing would look like a wrong address. These answer 501 with what to do instead,
to those who may ask; no body is read.
"""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import HTTPRouteHandler
from litestar.handlers.base import BaseRouteHandler
from litestar.types import Method

from app.auth.scopes import DEPLOY, RUNS_WRITE, needs
from app.http.not_supported import NotSupported

UNSUPPORTED = "unsupported"
"""Key in a route's `opt`: the code of why it does nothing."""


async def refuse_unsupported(
    connection: ASGIConnection[Any, Any, Any, Any], route: BaseRouteHandler
) -> None:
    """Refuse what is not done here, once it is known who asks.

    Raises:
        NotSupported: always.

    """
    if connection.scope.get("method") != "OPTIONS":
        raise NotSupported(route.opt[UNSUPPORTED])


def _route(
    method: Method, path: str, name: str, reason: str, *, scope: str = DEPLOY
) -> HTTPRouteHandler:
    @HTTPRouteHandler(
        path,
        http_method=method,
        operation_id=name,
        opt={**needs(scope, per_deployment=scope == RUNS_WRITE), UNSUPPORTED: reason},
        guards=[refuse_unsupported],
        include_in_schema=False,
    )
    async def unsupported() -> None:
        """Answer nothing: the guard has refused."""

    return unsupported


_BUILD = "machine_build_unsupported"
_MODELS = "model_sync_unsupported"

ROUTES = [
    _route(
        "GET",
        "/api/websocket/{deployment_id:str}",
        "getClassicWebsocket",
        "websocket_unsupported",
        scope=RUNS_WRITE,
    ),
    _route("GET", "/api/latest-hashes", "getClassicHashes", _BUILD),
    _route("POST", "/api/snapshot-to-docker", "convertClassicSnapshot", _BUILD),
    _route("POST", "/api/machine/serverless", "buildClassicMachine", _BUILD),
    _route("PATCH", "/api/machine/serverless/{machine_id:str}", "rebuildClassicMachine", _BUILD),
    _route("POST", "/api/volume/file/{step:str}", "uploadClassicModel", _MODELS),
    _route("POST", "/api/volume/model", "addClassicModel", _MODELS),
]
