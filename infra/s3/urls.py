"""Object URLs: the one place that knows where people fetch a stored object."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from urllib.parse import quote, urlsplit

from msgspec.structs import replace

from infra.net.listening import reachable
from infra.s3.keys import is_output
from infra.settings.settings import Settings, Spaces

FILES = "/files"
"""The path below which comfyd serves outputs itself."""

_SIGNED = b"file-address\x1f"
_SIGNATURE_BYTES = 16
"""128 bits: they cannot be guessed."""


def where_files_are(settings: Settings) -> Spaces:
    """Return the object storage, with the address of our own door where outputs are served by it.

    That is COMFYD_PUBLIC_URL, or what browsers on this machine find.
    """
    if not settings.serve_files:
        return settings.spaces
    own = settings.public_url or f"http://{reachable(settings.host)}:{settings.port}"
    return replace(
        settings.spaces,
        files_url=f"{own.rstrip('/')}{FILES}",
        files_secret=settings.jwt_secret,
    )


def public_url(spaces: Spaces, key: str) -> str:
    """Return the URL under which everyone can fetch the object *key*.

    The bucket is left out (`cdn_dont_include_bucket`, R2), the first part of the path
    (`cdn_force_path_style`, S3 and local) or the first label of the host (DigitalOcean); a host
    that already begins with the bucket is then kept as it is. The key is percent-encoded.

    Where comfyd serves outputs itself, theirs is an address of its own; inputs are none of these.
    """
    if spaces.files_url and is_output(key):
        return f"{spaces.files_url}/{file_address(spaces, key)}"
    cdn = urlsplit(spaces.endpoint_cdn)
    host, path = cdn.netloc, cdn.path.rstrip("/")
    if spaces.cdn_dont_include_bucket:
        pass
    elif spaces.cdn_force_path_style:
        path += f"/{quote(spaces.bucket, safe='')}"
    elif not host.startswith(f"{spaces.bucket}."):
        host = f"{spaces.bucket}.{host}"
    return f"{cdn.scheme}://{host}{path}/{quote(key, safe='/')}"


def page_url(spaces: Spaces, key: str) -> str:
    """Return the URL of an object for our own pages; relative to their root where we serve it.

    A browser may know us by another host than public URLs have: through a forwarded port.
    """
    if spaces.files_url and is_output(key):
        return f"{FILES.removeprefix('/')}/{file_address(spaces, key)}"
    return public_url(spaces, key)


def file_address(spaces: Spaces, key: str) -> str:
    """Return the path of an output below our own door: its signature, then its key.

    Who knows the address may read the file. The key alone is no secret: a run's id follows from
    its Idempotency-Key, which may be an order's number, and machines number their files.
    """
    return f"{_signature(spaces, key)}/{quote(key, safe='/')}"


def key_at(spaces: Spaces, address: str) -> str | None:
    """Return the key of the output with this (decoded) path; None if it is not one of ours."""
    signature, _, key = address.partition("/")
    ours = _signature(spaces, key).encode()
    return key if hmac.compare_digest(signature.encode(errors="replace"), ours) else None


def _signature(spaces: Spaces, key: str) -> str:
    signed = _SIGNED + key.encode(errors="replace")
    digest = hmac.digest(spaces.files_secret.encode(), signed, hashlib.sha256)
    return urlsafe_b64encode(digest[:_SIGNATURE_BYTES]).decode().rstrip("=")
