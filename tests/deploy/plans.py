"""What a cluster's files start, with the secrets and the addresses filled in."""

from collections.abc import Mapping

from msgspec import Struct

from tests.builders.facts import SEAL_KEY
from tests.deploy.files import (
    NATS_SECRETS,
    PROCESSES,
    SECRETS,
    SETTINGS,
    cluster_services,
    container_environment,
    env_file,
    manifest,
    pods,
    service_environment,
)
from tests.deploy.started import Written

JWT_SECRET = "a secret that only the tests know, long enough for HS256"

MADE = {
    "JWT_SECRET": JWT_SECRET,
    "COMFYD_SEAL_KEYS": SEAL_KEY,
    # NATS would take one of these for a number, were it not in quotes.
    "NATS_PASSWORD": "12ab-of-comfyd",
    "NATS_ROUTE_PASSWORD": "34cd-of-routes",
    "NATS_ANALYST_PASSWORD": "56ef",
}
"""The secrets that people make."""


class Plan(Struct, frozen=True, kw_only=True):
    """Everything a deployment starts."""

    nats: Mapping[str, Written]
    migrate: Written
    processes: Mapping[str, Written]


def compose_plan(outside: Mapping[str, str]) -> Plan:
    """Read compose.cluster.yaml with *outside* (Postgres, object storage) in .env."""
    services = cluster_services()

    def written(name: str) -> Written:
        env = service_environment(services[name], MADE | dict(outside))
        return Written(args=services[name].get("command", ["api"]), env=env)

    return Plan(
        nats={name: written(name) for name in services if name.startswith("nats-")},
        migrate=written("migrate"),
        processes={name: written(name) for name in PROCESSES},
    )


def kubernetes_plan(outside: Mapping[str, str]) -> Plan:
    """Read the manifests with *outside* in the ConfigMap and the Secrets."""
    given = MADE | dict(outside)
    settings, comfyd, nats = (
        {name: given.get(name) or value for name, value in env_file(f.read_text("utf-8")).items()}
        for f in (SETTINGS, SECRETS, NATS_SECRETS)
    )

    def written(name: str, *, pod: str = "") -> Written:
        [container] = pods()[name]["containers"]
        secrets = comfyd | nats if name == "nats" else comfyd
        env = container_environment(container, settings, secrets, pod=pod)
        return Written(args=container["args"], env=env)

    servers = manifest("StatefulSet", "nats")["spec"]["replicas"]
    return Plan(
        nats={f"nats-{n}": written("nats", pod=f"nats-{n}") for n in range(servers)},
        migrate=written("migrate"),
        processes={name: written(name) for name in PROCESSES},
    )
