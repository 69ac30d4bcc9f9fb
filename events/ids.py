"""Deterministic ids: the same cause gives the same id, so a repeat is recognised as one."""

from uuid import UUID, uuid5

NAMESPACE = UUID("5b1f7a0e-6f0c-5d0a-9b57-c0f4d0000001")
"""Root of every id comfyd derives. Fixed for ever."""


def derived(*parts: object) -> UUID:
    """Derive an id from *parts*; the separator cannot occur in a part by accident."""
    return uuid5(NAMESPACE, "\x1f".join(str(part) for part in parts))


def keyed_run_id(tenant: str, idempotency_key: str) -> UUID:
    """Return the one run that an Idempotency-Key of a tenant stands for."""
    return derived("run", tenant, idempotency_key)


def keyed_batch_id(tenant: str, idempotency_key: str) -> UUID:
    """Return the one batch that an Idempotency-Key of a tenant stands for."""
    return derived("batch", tenant, idempotency_key)


def batch_run_id(batch_id: UUID, index: int) -> UUID:
    """Return the id of a batch's run number *index*, from 0."""
    return derived("batch-run", batch_id, index)


def prompt_id(run_id: UUID, attempt: int) -> UUID:
    """Return the id under which an attempt is queued on its machine."""
    return derived("prompt", run_id, attempt)


def create_command_id(run_id: UUID, request_hash: str) -> UUID:
    """Return the id of the command that creates a run, the same at every attempt."""
    return derived("create", run_id, request_hash)


def event_id(command_id: UUID, index: int) -> UUID:
    """Return the id of a command's *index*-th event; a retried command makes the same ids."""
    return derived("event", command_id, index)


def workflow_id(tenant: str, name: str) -> UUID:
    """Return the id of a tenant's workflow of that name."""
    return derived("workflow", tenant, name)


def version_id(workflow: UUID, version: int) -> UUID:
    """Return the id of a workflow's version."""
    return derived("version", workflow, version)


def deployment_id(workflow: UUID, environment: str) -> UUID:
    """Return the id of a workflow's deployment; it outlives every promotion."""
    return derived("deployment", workflow, environment)


def machine_id(tenant: str, name: str, generation: int = 0) -> UUID:
    """Return the id of a tenant's machine registered under that name.

    Each that was removed or renamed leaves the name to the next *generation*.
    """
    return derived("machine", tenant, name, *([generation] if generation else []))


def alias_id(tenant: str, kind: str, foreign_id: str) -> UUID:
    """Return the id of what a tenant knows by the id of another system."""
    return derived("alias", tenant, kind, foreign_id)


def token_id(tenant: str, *, jti: str = "", sha256: str = "") -> UUID:
    """Return the id of a tenant's token: by its jti, or else by the hash of what was signed.

    The tenant is part of it, so that no tenant can name another's token.
    """
    return derived("token", tenant, "jti", jti) if jti else derived("token", tenant, sha256)


def editor_key_id(request_id: str) -> UUID:
    """Return the id of the key that answers a login from a page of ComfyUI."""
    return derived("editor-login", request_id)


def linked_session_id(link_id: UUID) -> UUID:
    """Return the one session that a sign-in link can start."""
    return derived("session", link_id)


def time_ordered_id(unix_ms: int, entropy: bytes) -> UUID:
    """Build a UUIDv7 (RFC 9562 §5.7) from a clock reading and 10 random bytes."""
    value = unix_ms << 80 | int.from_bytes(entropy[:10], "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)
