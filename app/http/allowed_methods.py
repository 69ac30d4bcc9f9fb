"""Answers OPTIONS with every method of an address, also when several routes share it."""

from collections import defaultdict

from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.types import Message, Scope

_METHODS = "methods_by_path"


def collect_methods(app: Litestar) -> None:
    """Remember the methods of every address."""
    methods: defaultdict[str, set[str]] = defaultdict(set)
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            methods[route.path_format] |= route.methods
    app.state[_METHODS] = {path: ", ".join(sorted(known)) for path, known in methods.items()}


async def correct_allow(message: Message, scope: Scope) -> None:
    """Correct `Allow`: of the routes at an address the framework asks only the first for it."""
    if message["type"] != "http.response.start" or scope.get("method") != "OPTIONS":
        return
    allowed = scope["litestar_app"].state[_METHODS].get(scope.get("path_template"))
    message["headers"] = [
        (name, allowed.encode() if allowed and name.lower() == b"allow" else value)
        for name, value in message["headers"]
    ]
