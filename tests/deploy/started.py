"""Starts NATS and comfyd as a deployment says, but on loopback: other addresses and folders."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from msgspec import Struct

from infra.embedded.child import Child, Command, start
from infra.embedded.nats_server import nats_binary
from infra.embedded.ports import LOOPBACK
from tests.network.ports import free_port
from tests.servers.containers import DEPLOY
from tests.servers.nats_monitor import is_healthy

COMFYD = str(Path(sys.executable).with_name("comfyd"))
"""The entry point of the image."""

NATS_FILES = ("nats.conf", "nats-cluster.conf")


class Written(Struct, frozen=True, kw_only=True):
    """What a deployment says of one container."""

    args: Sequence[str]
    env: Mapping[str, str]


class DeployedNats:
    """The servers of a deployment; one of them can be told to leave, and started again."""

    def __init__(self, folder: Path, servers: Mapping[str, Written]) -> None:
        self._folder = folder
        self._servers = servers
        self._ports: dict[str, int] = {}
        for name in servers:
            for use in ("client", "monitor", "route"):
                self._ports[f"{name} {use}"] = free_port()
        self.children: dict[str, Child] = {}
        self.certificate = folder / "tls" / "ca.crt"

    def port(self, name: str, use: str) -> int:
        """Return a port of a server."""
        return self._ports[f"{name} {use}"]

    def start(self, name: str) -> None:
        """Start a server with the deployed files and its own environment."""
        home = self._folder / name
        home.mkdir(exist_ok=True)
        for file in NATS_FILES:
            (home / file).write_text(self._translated(name, file), "utf-8")
        env = {
            variable: re.sub(r"@([\w.-]+):6222", self._route_here, value)
            for variable, value in self._servers[name].env.items()
        }
        args = [arg.replace("/etc/nats/", f"{home}/") for arg in self._servers[name].args]
        argv = (str(nats_binary()), *args)
        self.children[name] = start(
            Command(name=name, argv=argv, folder=home, log=home / "nats.log", env=env)
        )

    def wait_ready(self, name: str) -> None:
        """Wait until a server serves JetStream, and each of its replicas is in step."""
        self.children[name].wait_ready(lambda: is_healthy(self.port(name, "monitor")), within=30)

    def leave(self, name: str) -> None:
        """Stop a server as a cluster does: SIGTERM first, then SIGKILL."""
        child = self.children[name]
        argv = (str(nats_binary()), "--signal", f"ldm={child.pid}")
        subprocess.run(argv, check=True)
        child.ask_to_stop()

    def _route_here(self, found: re.Match[str]) -> str:
        name = found[1].removesuffix(".nats-nodes")
        return f"@{LOOPBACK}:{self.port(name, 'route')}"

    def _translated(self, name: str, file: str) -> str:
        text = (DEPLOY / file).read_text("utf-8")
        translations = {
            "nats.conf": {
                "port: 4222": f"listen: {LOOPBACK}:{self.port(name, 'client')}",
                "127.0.0.1:8222": f"{LOOPBACK}:{self.port(name, 'monitor')}",
                '"/data"': f'"{self._folder / name / "data"}"',
            },
            "nats-cluster.conf": {
                "0.0.0.0:6222": f"{LOOPBACK}:{self.port(name, 'route')}",
                "/etc/nats/tls": str(self._folder / "tls"),
                # Nobody shall wait for it here.
                'lame_duck_grace_period: "10s"': 'lame_duck_grace_period: "1s"',
            },
        }
        for deployed, here in translations[file].items():
            assert deployed in text
            text = text.replace(deployed, here)
        return text


@contextmanager
def deployed_nats(folder: Path, servers: Mapping[str, Written]) -> Iterator[DeployedNats]:
    """Make the certificates, start every server, and wait until they are one cluster."""
    nats = DeployedNats(folder, servers)
    made = subprocess.run(
        ["/bin/sh", DEPLOY / "certificates.sh", folder / "tls", LOOPBACK, "nats-1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    try:
        for name in servers:
            nats.start(name)
        for name in servers:
            nats.wait_ready(name)
        yield nats
    finally:
        for child in nats.children.values():
            child.stop(2)


class Processes:
    """comfyd's processes, each with a port of its own for its health."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._children: list[Child] = []
        self._ports: dict[str, int] = {}

    def start(self, name: str, written: Written, **here: str) -> str:
        """Start one, with some of its environment as it must be here; return its internal URL."""
        port = free_port()
        self._ports[name] = port
        log = self._folder / f"{name}.log"
        env = {**written.env, "COMFYD_INTERNAL_PORT": str(port), "LANG": "C.UTF-8", **here}
        argv = (COMFYD, *written.args)
        self._children.append(
            start(Command(name=name, argv=argv, folder=self._folder, log=log, env=env))
        )
        return f"http://{LOOPBACK}:{port}"

    def wait_ready(self, urls: Sequence[str], *, within: float = 90) -> None:
        """Wait until each says at /health/ready that it is."""
        deadline = time.monotonic() + within
        with httpx.Client(trust_env=False, timeout=5) as http:
            while missing := [url for url in urls if not _is_ready(http, url)]:
                ended = [c.command.name for c in self._children if c.exit_code is not None]
                assert not ended, f"ended: {ended}: {self._folder}"
                assert time.monotonic() < deadline, f"not ready: {missing}"
                time.sleep(0.1)

    def stop(self) -> list[int | None]:
        """Stop all of them, as their deployment does; return how they ended."""
        for child in self._children:
            child.ask_to_stop()
        for child in self._children:
            child.wait_or_kill(within=10)
        return [child.exit_code for child in self._children]


def _is_ready(http: httpx.Client, url: str) -> bool:
    try:
        return http.get(f"{url}/health/ready").is_success
    except httpx.TransportError:
        return False


def run_once(written: Written, **here: str) -> subprocess.CompletedProcess[str]:
    """Run a container that comes to an end."""
    env = {**written.env, "LANG": "C.UTF-8", **here}
    argv = (COMFYD, *written.args)
    return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)


ENDED_WELL = {0, -signal.SIGTERM}
"""uvicorn raises the signal anew once it has done its work."""
