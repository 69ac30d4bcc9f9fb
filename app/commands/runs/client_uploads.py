"""Images that are stored here already, and that a run names by their address.

A client has stored them, by an address that we signed; or an earlier run has made them. They are
taken like images that come with a request: read when the run is made, verified by their bytes,
stored under their content. So a run keeps its image when the upload is gone, or the earlier run.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from urllib.parse import unquote, urlsplit
from uuid import UUID

from msgspec import Struct

from app.reads.runs.files import OutputFile
from events.errors import InvalidInputs, NotFound, Problem
from events.graph.externals.values import ImageBytes, ImageUrl, Value
from infra.s3.keys import UPLOADS, is_upload, upload_key
from infra.s3.port import ObjectMissing, ObjectStorage
from infra.s3.urls import public_url
from infra.settings.settings import Spaces

EXTENSIONS: Mapping[str, str] = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/jpg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
}
"""Of the types of images that runs take."""


class UploadAddress(Struct, frozen=True, kw_only=True):
    """Where a client stores an image, and where it will be."""

    upload_id: UUID
    url: str
    """For one PUT, as this type and no other."""

    key: str
    public_url: str
    extension: str


class ClientUploads:
    """Use-case: let a client store an image, and take it for a run."""

    def __init__(
        self,
        storage: ObjectStorage,
        spaces: Spaces,
        *,
        most_bytes: int,
        most_together: int,
        new_id: Callable[[], UUID],
        now: Callable[[], datetime],
        output: Callable[[str], Awaitable[OutputFile]],
    ) -> None:
        """Take images of up to *most_bytes*, and those of one request up to *most_together*.

        *new_id* returns ids that cannot be guessed; *output* finds an output that we serve, by its
        address below our own door.
        """
        self._storage = storage
        self._spaces = spaces
        self.most_bytes = most_bytes
        self._most_together = most_together
        self._new_id = new_id
        self._now = now
        self._output = output

    async def address(self, media_type: str, *, seconds: int) -> UploadAddress:
        """Return where an image of this type, one of EXTENSIONS, may be stored for a while.

        Raises:
            StorageUnavailable, StorageRefused: there is none just now.

        """
        upload_id, extension = self._new_id(), EXTENSIONS[media_type]
        key = upload_key(upload_id, extension, day=self._now().date())
        return UploadAddress(
            upload_id=upload_id,
            url=await self._storage.upload_url(key, media_type, seconds=seconds),
            key=key,
            public_url=public_url(self._spaces, key),
            extension=extension,
        )

    async def taken(self, runs: Sequence[Mapping[str, Value]]) -> list[dict[str, Value]]:
        """Return the inputs of runs with what is stored here in the place of its address.

        It is read from storage, whose address a worker might not reach, once for all runs. What is
        not there or too large stays an address; RunInputs refuses it.

        Raises:
            InvalidInputs: the images of this request are more than a body may hold.
            StorageUnavailable, StorageRefused, LogUnavailable: later might work.

        """
        # As often as it is named: it is verified and stored for each run, as if each had sent it.
        used = Counter(v.url for run in runs for v in run.values() if isinstance(v, ImageUrl))
        images: dict[str, ImageBytes] = {}
        room = self._most_together
        for url, times in used.items():
            key = self._key(url) or await self._output_key(url)
            image = await self._read(key, room // times) if key else None
            if image is not None:
                images[url] = image
                room -= len(image.data) * times
        return [{name: _replaced(value, images) for name, value in run.items()} for run in runs]

    def hold(self, value: Value) -> bool:
        """Return whether a value is the address of an upload, be there one or not."""
        return isinstance(value, ImageUrl) and self._key(value.url) is not None

    def serve(self, value: Value) -> bool:
        """Return whether a value is the address of an output that we serve, be there one or not."""
        return isinstance(value, ImageUrl) and self._address(value.url) is not None

    async def _read(self, key: str, room: int) -> ImageBytes | None:
        size = await self._storage.size(key)
        if size is None or size > self.most_bytes:
            return None
        if size > room:
            params = {"limit": str(self._most_together)}
            problem = Problem(code="uploads_too_large", pointer="/inputs", params=params)
            raise InvalidInputs(problems=[problem])
        try:
            return ImageBytes(await self._storage.get_bytes(key))
        except ObjectMissing:
            return None

    def _key(self, url: str) -> str | None:
        """Return the key of an upload that an address leads to; None: it leads elsewhere."""
        begin = public_url(self._spaces, UPLOADS)
        plain = urlsplit(url)._replace(query="", fragment="").geturl()
        key = UPLOADS + unquote(plain.removeprefix(begin))
        return key if plain.startswith(begin) and is_upload(key) else None

    async def _output_key(self, url: str) -> str | None:
        """Return the key of the output that an address of ours leads to, unless it is erased."""
        if (address := self._address(url)) is None:
            return None
        try:
            return (await self._output(address)).key
        except NotFound:
            return None

    def _address(self, url: str) -> str | None:
        begin = f"{self._spaces.files_url}/"
        plain = urlsplit(url)._replace(query="", fragment="").geturl()
        is_ours = self._spaces.files_url and plain.startswith(begin)
        return unquote(plain.removeprefix(begin)) if is_ours else None


def _replaced(value: Value, images: Mapping[str, ImageBytes]) -> Value:
    return images.get(value.url, value) if isinstance(value, ImageUrl) else value
