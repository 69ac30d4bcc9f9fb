"""Object keys: the names of everything comfyd stores.

Inputs and graphs are named after their content, so storing one twice stores it once. The bucket
can be read by anyone who knows a key; so the key also holds a keyed hash of the tenant, and nobody
finds an object by guessing what is in it.
"""

import hashlib
import hmac
from uuid import UUID


def output_key(run_id: UUID, name: str) -> str:
    """Name an output of a run.

    Raises:
        ValueError: *name* would leave the run's folder.

    """
    if any(part in {"", ".", ".."} for part in name.split("/")):
        raise ValueError(f"{name!r} cannot name an output")
    return f"outputs/runs/{run_id}/{name}"


def input_key(tenant: str, sha256: str, extension: str, *, secret: bytes) -> str:
    """Name an input image; *extension* comes without its dot."""
    return f"inputs/{_tenant_hash(tenant, secret)}/{sha256}.{extension}"


def graph_key(tenant: str, sha256: str, *, secret: bytes) -> str:
    """Name a workflow's graph."""
    return f"workflows/{_tenant_hash(tenant, secret)}/{sha256}.json"


def _tenant_hash(tenant: str, secret: bytes) -> str:
    """Give 128 bits that only the holder of *secret* can compute."""
    return hmac.digest(secret, b"object-key\x1f" + tenant.encode(), hashlib.sha256).hex()[:32]
