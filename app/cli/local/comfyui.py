"""Inspection of the ComfyUI at COMFYUI_URL: whether it is one, and its checkpoints."""

import os
import re
import ssl
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx
from msgspec import Struct

from app.cli.errors import reason_of
from app.cli.local.stack import CannotStart, LocalMachine
from app.cli.texts import tr
from events.graph.input_specs import InputSpec

VARIABLE = "COMFYUI_URL"
LOADER = "CheckpointLoaderSimple"
ASK_WITHIN = 10.0
"""Seconds in which a ComfyUI that is there answers."""

_NOT_FOR_IMAGES = re.compile(
    r"3d|ace.?step|audio|cosmos|edit|flux|hidream|hunyuan|inpaint|kontext|ltx|lumina|mochi|pix2pix"
    r"|qwen|refiner|svd|unclip|upscale|video|wan|zero123",
    re.IGNORECASE,
)
"""Parts of names of checkpoints that need another graph than the sample's."""


class Comfyui(Struct, frozen=True, kw_only=True):
    """A ComfyUI that has answered."""

    version: str
    checkpoints: tuple[str, ...]
    """Those that the sample most likely runs with come first."""

    cpu_only: bool = False
    """It has no GPU: a step takes many seconds."""


class ComfyuiUnreachable(Exception):
    """No server answers there now; the message says what happened."""


def url_from_environment() -> str | None:
    """Return the address in COMFYUI_URL, None if there is none.

    Raises:
        CannotStart: it is no address.

    """
    text = (os.environ.get(VARIABLE) or "").strip()
    if not text:
        return None
    if "://" not in text:
        raise CannotStart(
            tr(
                "COMFYUI_URL: '{url}' must begin with http:// or https://: write {right}",
                url=text,
                right=f"http://{text.strip('/')}",
            )
        )
    try:
        address = urlsplit(text)
        _ = address.port  # raises for what is no port
    except ValueError:
        raise CannotStart(
            tr("COMFYUI_URL: '{url}' is not an address such as http://192.168.1.20:8188", url=text)
        ) from None
    if address.scheme not in {"http", "https"} or not address.hostname or " " in text:
        raise CannotStart(
            tr("COMFYUI_URL: '{url}' is not an address such as http://192.168.1.20:8188", url=text)
        )
    return address._replace(query="", fragment="").geturl().rstrip("/")


async def inspect_comfyui(machine: LocalMachine) -> Comfyui:
    """Ask a ComfyUI for its version and its checkpoints.

    Raises:
        CannotStart: another server answers there, one that wants a login first, or one that is
            not trusted.
        ComfyuiUnreachable: no server answers now.

    """
    url = machine.url
    headers = {"Authorization": f"Bearer {machine.token}"} if machine.token else {}
    try:
        async with httpx.AsyncClient(
            base_url=url,
            headers=headers,
            timeout=ASK_WITHIN,
            trust_env=False,
            verify=ssl.create_default_context(),  # whom the workers trust, too
        ) as http:
            stats = _json(await http.get("/system_stats"))
            described = _json(await http.get(f"/object_info/{LOADER}"))
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        raise CannotStart(
            tr("COMFYUI_URL: '{url}' is not an address such as http://192.168.1.20:8188", url=url)
        ) from None
    except httpx.RemoteProtocolError:
        raise CannotStart(
            tr(
                (
                    "COMFYUI_URL: what answers at {url} is not ComfyUI ({found}); its port is "
                    "usually 8188"
                ),
                url=url,
                found=tr("no HTTP"),
            )
        ) from None
    except httpx.HTTPError as error:
        if refused := next((e for e in _causes(error) if isinstance(e, ssl.SSLError)), None):
            reason = getattr(refused, "verify_message", "") or refused.reason or str(refused)
            raise CannotStart(
                tr(
                    (
                        "COMFYUI_URL: TLS with {url} failed ({reason}): begin with http:// if "
                        "it does not use TLS; if its certificate is self-signed, name the file "
                        "of its authority in SSL_CERT_FILE"
                    ),
                    url=url,
                    reason=reason,
                )
            ) from None
        raise ComfyuiUnreachable(_reason(error)) from error
    system = stats.get("system")
    if not isinstance(system, dict):
        raise CannotStart(
            tr(
                (
                    "COMFYUI_URL: what answers at {url} is not ComfyUI ({found}); its port is "
                    "usually 8188"
                ),
                url=url,
                found="200 JSON",
            )
        )
    return Comfyui(
        version=str(system.get("comfyui_version") or ""),
        checkpoints=_checkpoints(described),
        cpu_only=_is_cpu_only(stats),
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__


def _reason(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return tr("no answer within {seconds:g} s", seconds=ASK_WITHIN)
    return reason_of(error)


def _json(answer: httpx.Response) -> dict[str, Any]:
    status, url = answer.status_code, str(answer.url)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ComfyuiUnreachable(f"{status} {answer.reason_phrase}")
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    found = f"{status} {kind}".strip()
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN} or answer.is_redirect:
        raise CannotStart(
            tr(
                (
                    "COMFYUI_URL: {url} requires a login ({found}): leave COMFYUI_URL out, and "
                    "register it with `comfyd machine add NAME {url} --token TOKEN`"
                ),
                url=_base(url),
                found=found,
            )
        )
    try:
        body = answer.json() if answer.is_success else None
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise CannotStart(
            tr(
                (
                    "COMFYUI_URL: what answers at {url} is not ComfyUI ({found}); its port is "
                    "usually 8188"
                ),
                url=_base(url),
                found=found,
            )
        )
    return body


def _base(url: str) -> str:
    return url.partition("/system_stats")[0].partition("/object_info")[0]


def _is_cpu_only(stats: dict[str, Any]) -> bool:
    devices = stats.get("devices")
    if not isinstance(devices, list):
        return False
    kinds = [device.get("type") for device in devices if isinstance(device, dict)]
    return bool(kinds) and set(kinds) == {"cpu"}


def _checkpoints(described: dict[str, Any]) -> tuple[str, ...]:
    specs = InputSpec.all_of(described.get(LOADER) or {})
    names = [str(option) for spec in specs if spec.name == "ckpt_name" for option in spec.options]
    return tuple(sorted(names, key=lambda name: bool(_NOT_FOR_IMAGES.search(name))))
