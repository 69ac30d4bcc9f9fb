"""Object keys: the names of everything comfyd stores.

Inputs and graphs are named after their content, so storing one twice stores it once. The bucket
can be read by anyone who knows a key; so the key also holds a keyed hash of the tenant, and an
object is not found by guessing what is in it.
"""

import hashlib
import hmac
import re
from datetime import date
from uuid import UUID

from events.files import stored_name

_UPLOAD = re.compile(r"uploads/\d{4}-\d\d-\d\d/temp_[0-9a-f-]{36}\.[a-z]{3,4}", re.ASCII)
_OUTPUT = re.compile(r"outputs/runs/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/.")


def output_key(run_id: UUID, name: str) -> str:
    """Name an output of a run.

    Raises:
        ValueError: *name* would leave the run's folder.

    """
    if any(part in {"", ".", ".."} for part in name.split("/")):
        raise ValueError(f"{name!r} cannot name an output")
    return f"{output_folder(run_id)}{name}"


def output_folder(run_id: UUID) -> str:
    """Return what the keys of all outputs of a run begin with."""
    return f"outputs/runs/{run_id}/"


def is_output(key: str) -> bool:
    """Return whether a key is that of an output of a run; all others are private."""
    return run_of(key) is not None


def run_of(key: str) -> UUID | None:
    """Return the run that *key* names an output of; None if it names something else."""
    found = _OUTPUT.match(key)
    return UUID(found[1]) if found else None


def thumbnail_key(run_id: UUID, sha256: str, *, side: int) -> str:
    """Name the thumbnail of an output of a run, by the content of the output and the size asked.

    It lies in the run's folder, so it is erased with the run, by the run's id alone.
    """
    return f"{thumbnail_folder(run_id)}{sha256}-{side}.webp"


def thumbnail_folder(run_id: UUID) -> str:
    """Return what the keys of all thumbnails of a run begin with; no output has a folder."""
    return f"{output_folder(run_id)}thumbnails/"


def staged_key(run_id: UUID, attempt: int, filename: str) -> str:
    """Name a file that a machine stores itself, until a worker has verified it.

    It lies in the run's folder, so it is erased with the run. Machines send names without folders:
    two files of one name are one here, so neither is used.
    """
    name = stored_name(filename, distinction="", taken=())
    return f"{staged_folder(run_id)}{attempt}/{name}"


def staged_folder(run_id: UUID) -> str:
    """Return what the keys of all files begin with that machines have stored for a run."""
    return f"{output_folder(run_id)}staged/"


def reach_key(check_id: UUID) -> str:
    """Name the file by which a machine shows that it reaches the storage."""
    return f"comfyd-checks/{check_id}"


UPLOADS = "uploads/"
"""What the keys of all files begin with that clients store themselves, to name in a run."""


def upload_key(upload_id: UUID, extension: str, *, day: date) -> str:
    """Name a file that a client stores itself; only those who got the name can find it."""
    return f"{uploads_of(day)}temp_{upload_id}.{extension}"


def uploads_of(day: date) -> str:
    """Return what the keys of all uploads of a day begin with, so that they can go together."""
    return f"{UPLOADS}{day.isoformat()}/"


def is_upload(key: str) -> bool:
    """Return whether a key is one that upload_key makes."""
    return _UPLOAD.fullmatch(key) is not None


def input_key(
    tenant: str, sha256: str, extension: str, *, secret: bytes, generation: int = 0
) -> str:
    """Name an input image; *extension* comes without its dot.

    *generation* counts how often the name was given up (infra/jetstream/tombstones.py).
    """
    again = f"-{generation}" if generation else ""
    return f"inputs/{_tenant_hash(tenant, secret)}/{sha256}{again}.{extension}"


def graph_key(tenant: str, sha256: str, *, secret: bytes) -> str:
    """Name a workflow's graph."""
    return f"workflows/{_tenant_hash(tenant, secret)}/{sha256}.json"


def object_info_key(tenant: str, sha256: str, *, secret: bytes) -> str:
    """Name what a machine's node classes were found to be."""
    return f"machines/{_tenant_hash(tenant, secret)}/{sha256}.json"


def _tenant_hash(tenant: str, secret: bytes) -> str:
    """Return 128 bits that only the holder of *secret* can compute."""
    return hmac.digest(secret, b"object-key\x1f" + tenant.encode(), hashlib.sha256).hex()[:32]
