"""/api: where a page of ComfyUI fetches the key that a person has granted it.

The plugin's fork asks from the page itself, the plugin by way of its ComfyUI. Neither sends a
credential: it knows the name of its request, which cannot be guessed.
"""

from typing import Any

from litestar import Response, get
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery

from app.commands.editor_logins import EditorKey, EditorLogins, LoginOver

NO_STORE = {"Cache-Control": "no-store"}


@get("/api/auth-response/{request_id:str}", include_in_schema=False)
async def answer_fork(state: State, request_id: FromPath[str]) -> Response[Any]:
    """Answer the fork: 201 until there is a key, and when there is none any more."""
    logins: EditorLogins = state.editor_logins
    try:
        found = await logins.fetch(request_id)
    except LoginOver:
        return Response({"message": "Already used."}, status_code=201, headers=NO_STORE)
    if found is None:
        return Response({"message": "Not ready yet."}, status_code=201, headers=NO_STORE)
    return _granted(found)


@get("/api/platform/comfyui/auth-response", include_in_schema=False)
async def answer_plugin(state: State, request_id: FromQuery[str] = "") -> Response[Any]:
    """Answer the plugin: 404 until there is a key, 410 when there is none any more."""
    logins: EditorLogins = state.editor_logins
    try:
        found = await logins.fetch(request_id)
    except LoginOver:
        over = {"detail": "Auth request has expired. "}
        return Response(over, status_code=410, headers=NO_STORE)
    if found is None:
        missing = {"detail": "Auth request not found"}
        return Response(missing, status_code=404, headers=NO_STORE)
    return _granted(found)


def _granted(found: EditorKey) -> Response[Any]:
    return Response({"api_key": found.key, "name": found.name}, headers=NO_STORE)


ROUTES = [answer_fork, answer_plugin]
