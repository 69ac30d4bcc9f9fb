"""/api/get-presigned-upload-url and /api/upload-url: store an image before a run names it."""

from typing import Annotated, Any, TypedDict

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta, Struct

from app.auth.caller import Caller
from app.auth.scopes import RUNS_WRITE, needs
from app.commands.runs.client_uploads import EXTENSIONS, ClientUploads
from app.http.bad_request import bad

PUT_WITHIN = 600
"""Seconds for which a client may store its image."""

MOST_BYTES = 50 * 1024 * 1024
"""What a client may announce, as comfyui-deploy has it; a run may take less."""

_OPT: dict[str, Any] = {"opt": needs(RUNS_WRITE, per_deployment=True)}


class PresignRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """An image that a client will store."""

    file_type: Annotated[str, Meta(max_length=100)] = "image/png"
    extension: Annotated[str, Meta(max_length=20, description="Not used: the type says it.")] = ""


class Presigned(TypedDict):
    """Where to PUT the image, and the address to name in a run."""

    presignedUrl: str
    cdnUrl: str
    key: str
    fileType: str
    extension: str


class UploadUrl(TypedDict):
    """Where to PUT the image, and the address to name in a run, as the older clients read it."""

    upload_url: str
    file_id: str
    download_url: str


@post(
    "/api/get-presigned-upload-url",
    operation_id="presignClassicUpload",
    status_code=200,
    **_OPT,
)
async def presign(
    client_uploads: NamedDependency[ClientUploads],
    caller: NamedDependency[Caller],  # noqa: ARG001 -- it is for callers only
    data: JSONBody[PresignRequest],
) -> Presigned:
    """Return where to store an image; the address holds for ten minutes, for just this type."""
    found = await client_uploads.address(_taken(data.file_type, "/fileType"), seconds=PUT_WITHIN)
    return Presigned(
        presignedUrl=found.url,
        cdnUrl=found.public_url,
        key=found.key,
        fileType=data.file_type,
        extension=found.extension,
    )


@get("/api/upload-url", operation_id="getClassicUploadUrl", **_OPT)
async def upload_url(
    client_uploads: NamedDependency[ClientUploads],
    caller: NamedDependency[Caller],  # noqa: ARG001 -- it is for callers only
    media_type: Annotated[str, QueryParameter(name="type", max_length=100)],
    file_size: Annotated[int, QueryParameter(ge=1, le=MOST_BYTES)],  # noqa: ARG001 -- checked
) -> UploadUrl:
    """Return where to store an image; the address holds for ten minutes, for just this type."""
    found = await client_uploads.address(_taken(media_type, "/type"), seconds=PUT_WITHIN)
    return UploadUrl(
        upload_url=found.url,
        file_id=f"img_{found.upload_id.hex}",
        download_url=found.public_url,
    )


def _taken(media_type: str, where: str) -> str:
    """Return a media type that runs take.

    Raises:
        BadRequest: they do not.

    """
    if media_type not in EXTENSIONS:
        raise bad("upload_type_not_supported", where, known=", ".join(EXTENSIONS))
    return media_type


ROUTES = [presign, upload_url]
