"""The monitoring port of the NATS servers that tests set up oddly; ours have none."""

import httpx

from infra.embedded.ports import LOOPBACK


def is_healthy(monitor: int) -> bool:
    """Whether the server with this monitoring port serves clients and JetStream."""
    try:
        with httpx.Client(trust_env=False, timeout=1) as client:
            return client.get(f"http://{LOOPBACK}:{monitor}/healthz").is_success
    except httpx.TransportError:
        return False
