"""Check that a machine with comfyui-deploy's plugin reaches comfyd and its storage, by doing it."""

from http import HTTPStatus

from infra.comfyui.answers import Answer
from infra.comfyui.client import Client
from infra.comfyui.files import upload_image
from infra.comfyui.plugin.driver import UPLOAD_PATH
from infra.machine_driver import MachineRefused, MachineUnreachable

ANSWER_WITHIN = 45.0
"""Seconds the plugin has: it tries five times, for a quarter of a minute."""

_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c4944415408d763f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
"""A PNG of one pixel: what is stored."""


async def store_one_file(client: Client, *, callback_url: str, token: str) -> None:
    """Have the plugin store a file: it asks comfyd where to, and sends it to the storage.

    Raises:
        MachineRefused: it has no plugin, or did not store it, in its own words.
        MachineUnreachable: the machine does not answer.

    """
    name = await upload_image(client, "comfyd-check.png", _PIXEL)
    # Upstream's plugin finds the folder of inputs by this word; the fork's takes a path.
    answer = await _ask(client, rf"input\{name}".replace("/", "\\"), callback_url, token)
    if answer.status == HTTPStatus.NOT_FOUND and b"File not found" in answer.body:
        answer = await _ask(client, f"input/{name}", callback_url, token)
    no_route = answer.status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
    if no_route and answer.media_type != "application/json":
        raise MachineRefused("plugin_missing", "this ComfyUI has no plugin of comfyui-deploy")
    if answer.status != HTTPStatus.OK:
        raise MachineRefused("plugin_cannot_store", answer.words().replace(token, "…"))


async def _ask(client: Client, path: str, callback_url: str, token: str) -> Answer:
    body = {"file_path": path, "token": token, "url": callback_url + UPLOAD_PATH}
    try:
        return await client.order(body, "comfyui-deploy", "upload-file")
    except MachineUnreachable as error:
        raise MachineUnreachable(f"the machine did not answer for the check: {error}") from error
