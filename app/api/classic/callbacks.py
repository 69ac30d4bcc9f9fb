"""/api: what ComfyUI with the plugin of comfyui-deploy sends by itself.

These routes want no credential of a caller's: the token of the attempt says which run it is about.
What reports is answered with 200 before it is looked at, without exception, also by the limits of
requests: five refusals can end the ComfyUI process. What asks for a URL may be refused: then the
file is fetched from the machine.
"""

from typing import Annotated, Any, TypedDict

from litestar import Request, get, post
from litestar.datastructures import State
from litestar.exceptions import ClientException, InternalServerException
from litestar.params import HeaderParameter, QueryParameter

from app.commands.runs.callbacks import Callbacks
from infra.comfyui.plugin.tokens import bearer_in

Authorization = Annotated[str, HeaderParameter(name="Authorization")]


class Acknowledged(TypedDict):
    """What both kinds of comfyui-deploy answer."""

    message: str
    status: str


class UploadAddress(TypedDict):
    """Where to store a file; by both names that the plugin looks for."""

    url: str
    upload_url: str
    download_url: str
    include_acl: bool
    is_public: bool


ACKNOWLEDGED = Acknowledged(message="success", status="success")


@post("/api/update-run", status_code=200, include_in_schema=False)
async def update_run(request: Request[Any, Any, Any], state: State) -> Acknowledged:
    """Take what a machine reports about a prompt."""
    callbacks: Callbacks = state.callbacks
    claims = callbacks.admit(bearer_in(request.headers.get("authorization", "")))
    body = await _body(request, callbacks.largest, keep=claims is not None)
    if claims is not None:
        callbacks.take(claims, body)
    return ACKNOWLEDGED


@post("/api/machine-built", status_code=200, include_in_schema=False)
async def machine_built(request: Request[Any, Any, Any], state: State) -> Acknowledged:
    """Acknowledge that a machine was built; machines are registered, and nothing follows."""
    callbacks: Callbacks = state.callbacks
    await _body(request, callbacks.largest, keep=False)
    return ACKNOWLEDGED


@get("/api/file-upload", include_in_schema=False)
async def file_upload(
    state: State,
    authorization: Authorization = "",
    file_name: Annotated[str, QueryParameter(max_length=1000)] = "",
    media_type: Annotated[str, QueryParameter(name="type")] = "application/octet-stream",
) -> UploadAddress:
    """Return where the machine stores one of its files."""
    callbacks: Callbacks = state.callbacks
    upload = await callbacks.upload_url(bearer_in(authorization), file_name, media_type)
    return UploadAddress(
        url=upload.url,
        upload_url=upload.url,
        download_url=upload.download_url,
        include_acl=False,
        is_public=True,
    )


async def _body(request: Request[Any, Any, Any], largest: int, *, keep: bool) -> bytes | None:
    """Read a body; None if it is too large, or its client has left. Strangers' are not kept."""
    body, size = bytearray(), 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > largest:
                return None
            if keep:
                body += chunk
    except (ClientException, InternalServerException):
        return None
    return bytes(body)


REPORTS = [update_run, machine_built]
