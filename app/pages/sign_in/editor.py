"""Grant the login of a page of ComfyUI, which the plugins of comfyui-deploy open here.

Two steps: the address that plugins know remembers who asks, and leads to the page on which a person
grants it, by way of the sign-in where there is no session.
"""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.auth.caller import Caller
from app.auth.scopes import DEPLOY, needs
from app.auth.session.access import PageAccess
from app.auth.session.cookies import BrowserCookies, cookies_of
from app.commands.editor_logins import KEY_LASTS, EditorLogins, LoginStatus, is_request_id
from app.pages.shell.shell import Shell
from app.pages.sign_in.asking import LASTS, Asking, decode_asking, machine_at, origin_of
from app.reads.machines import MachineReads
from events.errors import NotFound
from infra import clock

PATHS = ["/auth-request/{request_id:str}", "/auth/request/{request_id:str}"]
"""Of the plugin's Chinese fork, and of the plugin itself."""

PAGE = "/comfyui-logins/{request_id:str}"

MOST_MACHINES = 500
"""Machines among which the page that asks is looked for: the newest."""


@get(PATHS)
async def open_login(
    request: Request[Any, Any, Any], shell: NamedDependency[Shell], request_id: FromPath[str]
) -> Response[Any]:
    """Remember which page asks, and lead to where a person grants it.

    Raises:
        NotFound: no plugin names a request like this.

    """
    if not is_request_id(request_id):
        raise NotFound("a plugin names its requests with 16 to 64 letters and digits")
    asking = Asking(
        request_id=request_id,
        origin=origin_of(request.headers.get("referer", "")),
        at=clock.now(),
    )
    cookies = _cookies(request)
    seconds = int(LASTS.total_seconds())
    return Response(
        None,
        status_code=303,
        headers={"Location": shell.address.to(f"comfyui-logins/{request_id}")},
        cookies=[cookies.made(cookies.asking, asking.encode(), seconds=seconds)],
    )


@get(PAGE, opt=needs(DEPLOY))
async def show_login(
    request: Request[Any, Any, Any],
    shell: NamedDependency[Shell],
    page_caller: NamedDependency[Caller],
    editor_logins: NamedDependency[EditorLogins],
    machine_reads: NamedDependency[MachineReads],
    request_id: FromPath[str],
) -> Response[Any]:
    """Show which page of ComfyUI asks for what, or that it has it."""
    status = await editor_logins.status(page_caller, request_id)
    asking = _asking(request, request_id)
    if asking is None:
        return _led_to(shell, f"auth-request/{request_id}")
    machine = await _machine(machine_reads, page_caller, asking)
    return _page(shell, page_caller, asking, status, machine)


@post(PAGE, opt=needs(DEPLOY))
async def grant_login(
    request: Request[Any, Any, Any],
    shell: NamedDependency[Shell],
    page_caller: NamedDependency[Caller],
    editor_logins: NamedDependency[EditorLogins],
    machine_reads: NamedDependency[MachineReads],
    request_id: FromPath[str],
) -> Response[Any]:
    """Grant it; a page that is of no known machine's only to a person who says that they asked."""
    asking = _asking(request, request_id)
    if asking is None:
        return _led_to(shell, f"auth-request/{request_id}")
    machine = await _machine(machine_reads, page_caller, asking)
    if not machine and "sure" not in await request.form():
        status = await editor_logins.status(page_caller, request_id)
        return _page(shell, page_caller, asking, status, machine, unsure=True)
    await editor_logins.grant(page_caller, request_id, name=_key_name(asking, machine))
    # The page that the browser is led back to shows whether it worked.
    return Response(None, status_code=303, headers={"Location": shell.address.here()})


@post(f"{PAGE}/revoke", opt=needs(DEPLOY))
async def take_back(
    shell: NamedDependency[Shell],
    page_caller: NamedDependency[Caller],
    editor_logins: NamedDependency[EditorLogins],
    request_id: FromPath[str],
) -> Response[Any]:
    """Revoke the key of a login; people who may not see the list of keys undo their own so."""
    await editor_logins.take_back(page_caller, request_id)
    return _led_to(shell, f"comfyui-logins/{request_id}")


def _led_to(shell: Shell, path: str) -> Response[Any]:
    return Response(None, status_code=303, headers={"Location": shell.address.to(path)})


def _page(
    shell: Shell,
    caller: Caller,
    asking: Asking,
    status: LoginStatus,
    machine: str,
    *,
    unsure: bool = False,
) -> Response[Any]:
    code = {LoginStatus.OVER: 409}.get(status, 422 if unsure else 200)
    return shell.page(
        "sign_in/editor.html",
        status=code,
        current="",
        caller=caller,
        asking=asking,
        machine=machine,
        login=status,
        unsure=unsure,
        days=KEY_LASTS.days,
    )


def _asking(request: Request[Any, Any, Any], request_id: str) -> Asking | None:
    """Return who asks; None where this browser was not asked, or too long ago."""
    found = decode_asking(request.cookies.get(_cookies(request).asking, ""))
    if found is None or found.request_id != request_id or found.is_over(clock.now()):
        return None
    return found


async def _machine(reads: MachineReads, caller: Caller, asking: Asking) -> str:
    page = await reads.page(caller, limit=MOST_MACHINES)
    return machine_at(asking.origin, [(row.state.name, row.state.url) for row in page.rows])


def _key_name(asking: Asking, machine: str) -> str:
    place = machine or asking.origin.partition("://")[2]
    return f"ComfyUI ({place})" if place else "ComfyUI"


def _cookies(request: Request[Any, Any, Any]) -> BrowserCookies:
    access: PageAccess = request.app.state.page_access
    return cookies_of(request, access.public_url)


ROUTES = [show_login, grant_login, take_back]
