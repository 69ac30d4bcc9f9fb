"""Bring input images to a ComfyUI, and fetch the files it made."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from http import HTTPStatus
from mimetypes import guess_type
from pathlib import PurePosixPath
from string import ascii_lowercase, digits

from aiohttp import ClientResponse, FormData
from msgspec import Struct

from events.run.output import Output
from infra.comfyui.answers import decoded
from infra.comfyui.client import NO_ANSWER, Client
from infra.machine_driver import MachineRefused, MachineUnreachable, OutputMissing
from infra.s3.served_types import UNKNOWN_TYPE, media_type_in

SUBFOLDER = "comfyd"
"""Our own folder among the input images of the machine."""

CHUNK = 128 * 1024
"""Size of the pieces a file is handed over in, in bytes."""


class Uploaded(Struct, frozen=True):
    """Where the machine put an image."""

    name: str
    subfolder: str = ""


async def upload_image(client: Client, name: str, data: bytes) -> str:
    """Upload an image; return the name a LoadImage node must use.

    Raises:
        MachineUnreachable: it does not answer, or refuses for a reason of its own.

    """
    form = FormData()
    form.add_field("image", data, filename=stored_name(name, data), content_type=UNKNOWN_TYPE)
    form.add_field("type", "input")
    form.add_field("subfolder", SUBFOLDER)
    # One name is one content, so there is never anything else to overwrite.
    form.add_field("overwrite", "true")
    stored = decoded(await client.send(form, "upload", "image"), Uploaded)
    return f"{stored.subfolder}/{stored.name}" if stored.subfolder else stored.name


def stored_name(name: str, data: bytes) -> str:
    """Name a file by its content; ComfyUI stores names that are not ASCII percent-encoded."""
    suffix = PurePosixPath(name).suffix.lower()
    plain = len(suffix) > 1 and set(suffix[1:]) <= set(ascii_lowercase + digits)
    return sha256(data).hexdigest()[:32] + (suffix if plain else ".png")


class OpenOutput:
    """A file of the machine that is being read."""

    def __init__(self, client: Client, response: ClientResponse, filename: str) -> None:
        self.length = response.content_length
        # A machine may answer with anything, of any length; it is kept and shown to people.
        self.media_type = media_type_in(response.headers.get("Content-Type", ""))
        if self.media_type == UNKNOWN_TYPE:
            self.media_type = guess_type(filename)[0] or UNKNOWN_TYPE
        self._client = client
        self._content = response.content

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the file, piece by piece.

        Raises:
            MachineUnreachable: the machine broke off.

        """
        while chunk := await self._next():
            yield chunk

    async def _next(self) -> bytes:
        try:
            return await self._content.read(CHUNK)
        except NO_ANSWER as error:
            raise MachineUnreachable(self._client.describe(error)) from error


@asynccontextmanager
async def open_output(client: Client, output: Output) -> AsyncIterator[OpenOutput]:
    """Open a file for streaming.

    Raises:
        OutputMissing: the machine no longer has it.
        MachineRefused: it will never hand it out.
        MachineUnreachable: it does not answer, or not now.

    """
    query = {"filename": output.filename, "subfolder": output.subfolder, "type": output.folder}
    response = await client.open(client.at("view").with_query(query))
    try:
        _check_file(response, output)
        yield OpenOutput(client, response, output.filename)
    finally:
        response.close()


GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
LATER = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
"""Refusals that end by themselves, or when a token is corrected; every other 4xx is for good."""

_TWO_DOTS = " (ComfyUI hands out no file whose name has two dots in a row)"


def _check_file(response: ClientResponse, output: Output) -> None:
    status = response.status
    answer = f"{output.filename}: the machine answers {status}"
    if status in GONE:
        raise OutputMissing(answer)
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in LATER:
        why = _TWO_DOTS if ".." in output.filename else ""
        raise MachineRefused("output_refused", answer + why)
    if status != HTTPStatus.OK:
        raise MachineUnreachable(answer)
