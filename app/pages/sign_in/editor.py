"""Grant the login of a page of ComfyUI, which the plugins of comfyui-deploy open here."""

from contextlib import suppress
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.auth.caller import Caller
from app.auth.scopes import DEPLOY, needs
from app.commands.editor_logins import KEY_LASTS, EditorLogins
from app.pages.shell.shell import Shell
from events.errors import AlreadyExists

PATHS = ["/auth-request/{request_id:str}", "/auth/request/{request_id:str}"]
"""Of the plugin's Chinese fork, and of the plugin itself."""


@get(PATHS, opt=needs(DEPLOY))
async def show_request(
    shell: NamedDependency[Shell],
    page_caller: NamedDependency[Caller],
    editor_logins: NamedDependency[EditorLogins],
    request_id: FromPath[str],
) -> Response[Any]:
    """Show what a page of ComfyUI asks for, or that it has it."""
    granted, over = False, False
    try:
        granted = await editor_logins.is_granted(page_caller, request_id)
    except AlreadyExists:
        over = True
    return shell.page(
        "sign_in/editor.html",
        status=409 if over else 200,
        current="",
        caller=page_caller,
        granted=granted,
        over=over,
        days=KEY_LASTS.days,
    )


@post(PATHS, opt=needs(DEPLOY))
async def grant_request(
    shell: NamedDependency[Shell],
    page_caller: NamedDependency[Caller],
    editor_logins: NamedDependency[EditorLogins],
    request_id: FromPath[str],
) -> Response[Any]:
    """Grant it; the page that the browser is led back to shows whether it worked."""
    with suppress(AlreadyExists):
        await editor_logins.grant(page_caller, request_id)
    return Response(None, status_code=303, headers={"Location": shell.address.here()})


ROUTES = [show_request, grant_request]
