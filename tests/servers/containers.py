"""The same servers as containers, for where Docker is at hand: `make test-containers`.

They start as infra/deploy/compose.yaml says, with other passwords and on free ports of loopback.
Other images by COMFYD_TEST_NATS_IMAGE, COMFYD_TEST_POSTGRES_IMAGE and COMFYD_TEST_S3_IMAGE.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from secrets import token_hex
from string import Template
from typing import Any

import psycopg
import yaml  # type: ignore[import-untyped]  # its types are another package
from msgspec import Struct
from testcontainers.core.container import DockerContainer

from infra.embedded.nats_server import is_healthy
from infra.embedded.ports import LOOPBACK
from infra.embedded.s3_server import Keys, s3_settings, write_probe

DEPLOY = Path(__file__).parents[2] / "infra" / "deploy"
WITHIN = 60.0
"""Seconds a started container may take until it does its work."""

S3_PORT = 8333


class Contained(Struct, frozen=True, kw_only=True):
    """A server in a container that has been started."""

    container: DockerContainer
    ready: Callable[[], bool]
    """Whether it does its work now; one quick try."""

    env: Mapping[str, str]
    """The settings that lead to it."""


def compose(name: str = "compose.yaml") -> dict[str, Any]:
    """Read a Compose file of infra/deploy."""
    parsed: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text("utf-8"))
    return parsed


@contextmanager
def running_servers() -> Iterator[Mapping[str, str]]:
    """Start NATS, Postgres and S3 as containers; give the settings that lead to them."""
    services = compose()["services"]
    with ExitStack() as running:
        servers = [
            _nats(running, services["nats"]),
            _s3(running, services["seaweedfs"]),
            _postgres(running, services["postgres"]),
        ]
        for server in servers:
            _wait_ready(server)
        yield {name: value for server in servers for name, value in server.env.items()}


def _nats(running: ExitStack, service: Mapping[str, Any]) -> Contained:
    password = token_hex()
    container = _container("NATS", service, 4222).with_envs(
        NATS_PASSWORD=f'"{password}"', NATS_ANALYST_PASSWORD=f'"{token_hex()}"'
    )
    config = DEPLOY / "nats.conf"
    container.with_copy_into_container(config, service["command"][1])
    running.enter_context(container)
    port = _published(container, 4222)
    return Contained(
        container=container,
        ready=lambda: is_healthy(port, password),
        env={"NATS_URL": f"nats://comfyd:{password}@{LOOPBACK}:{port}"},
    )


def _s3(running: ExitStack, service: Mapping[str, Any]) -> Contained:
    keys = Keys(key=token_hex(), secret=token_hex())
    container = _container("S3", service, S3_PORT)
    identities = Template(compose()["configs"]["s3"]["content"]).substitute(
        SPACES_KEY=keys.key, SPACES_SECRET=keys.secret
    )
    target = service["configs"][0]["target"]
    container.with_copy_into_container(identities.encode(), target)
    running.enter_context(container)
    endpoint = f"http://{LOOPBACK}:{_published(container, S3_PORT)}"
    return Contained(
        container=container,
        ready=write_probe(endpoint, keys),
        env=s3_settings(endpoint, keys),
    )


def _postgres(running: ExitStack, service: Mapping[str, Any]) -> Contained:
    user, password = "comfyd", token_hex()
    container = _container("POSTGRES", service, 5432)
    container.with_envs(POSTGRES_USER=user, POSTGRES_PASSWORD=password)
    running.enter_context(container)
    port = _published(container, 5432)
    url = f"postgresql://{user}:{password}@{LOOPBACK}:{port}/{user}"
    return Contained(container=container, ready=lambda: _answers(url), env={"POSTGRES_URL": url})


def _container(name: str, service: Mapping[str, Any], *ports: int) -> DockerContainer:
    """Prepare a container as the service says, with *ports* published on loopback only."""
    image = os.environ.get(f"COMFYD_TEST_{name}_IMAGE") or service["image"]
    # To testcontainers a port is a number; it goes to docker-py, where an address alone means
    # any free port there.
    published: dict[str, Any] = {f"{port}/tcp": (LOOPBACK,) for port in ports}
    container = DockerContainer(image, command=service.get("command"))
    container.ports.update(published)
    return container.with_kwargs(entrypoint=service.get("entrypoint"))


def _published(container: DockerContainer, port: int) -> int:
    """Return the port of this machine behind which the container's *port* is."""
    return int(container.get_docker_client().port(container.get_container_id(), port))


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            connection.execute("select")
    except psycopg.OperationalError:
        return False
    return True


def _wait_ready(server: Contained) -> None:
    deadline = time.monotonic() + WITHIN
    while not server.ready():
        if time.monotonic() > deadline:
            out, err = server.container.get_logs()
            image = server.container.image
            raise TimeoutError(f"{image} is not ready:\n{(out + err).decode(errors='replace')}")
        time.sleep(0.1)
