"""What the files of a cluster say is started as they say it, and works while NATS is updated."""

import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest

from app.auth.tokens import Tokens
from app.cli.local.supervisor import python_process
from infra.embedded.child import start
from infra.embedded.ports import LOOPBACK
from infra.jetstream.analyst import READ, USER
from infra.jetstream.calls import api
from infra.jetstream.connection import connected
from infra.jetstream.streams import declared as streams
from tests.deploy.files import typed
from tests.deploy.plans import JWT_SECRET, Plan, compose_plan, kubernetes_plan
from tests.deploy.started import ENDED_WELL, DeployedNats, Processes, deployed_nats, run_once
from tests.e2e.graphs import card
from tests.e2e.tenant import Tenant, download
from tests.network.ports import free_port

ReadPlan = Callable[[Mapping[str, str]], Plan]

NATS_URL = re.compile(r"(tls://[^@]+@)([\w-]+):4222")


@pytest.mark.parametrize("read", [compose_plan, kubernetes_plan], ids=["compose", "kubernetes"])
async def test_a_deployment_ends_its_runs_also_while_a_server_of_nats_leaves(
    read: ReadPlan,
    server_env: Mapping[str, str],
    postgres_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outside = {name: value for name, value in server_env.items() if name.startswith("SPACES_")}
    plan = read(outside | {"POSTGRES_URL": postgres_url})
    with deployed_nats(tmp_path, plan.nats) as nats:
        here = environment_here(plan, nats)
        monkeypatch.setenv("SSL_CERT_FILE", here["SSL_CERT_FILE"])
        migrated = run_once(plan.migrate, **here)
        assert (migrated.returncode, migrated.stderr) == (0, "")
        leader = await leader_of_three(here["NATS_URL"])
        the_page_shows_every_replica(plan, here)
        async with started(plan, here, tmp_path) as tenant:
            deployment = await tenant.deploy(card())
            await renders(tenant, deployment)
            await can_be_read_by_the_analyst(plan, nats)
            nats.leave(leader)
            # None is refused, though the leader of every stream may have to be elected anew.
            while nats.children[leader].exit_code is None:
                await renders(tenant, deployment)
            assert nats.children[leader].exit_code == 0
            nats.start(leader)
            nats.wait_ready(leader)
            await renders(tenant, deployment)


def environment_here(plan: Plan, nats: DeployedNats) -> dict[str, str]:
    """Return what must be otherwise than written: addresses, and the folder of the certificate."""

    def nats_here(found: re.Match[str]) -> str:
        # The name of a Service stands for whatever server is there.
        names = [found[2]] if found[2] in plan.nats else list(plan.nats)
        return ",".join(f"{found[1]}{LOOPBACK}:{nats.port(name, 'client')}" for name in names)

    return {
        "NATS_URL": NATS_URL.sub(nats_here, plan.migrate.env["NATS_URL"]),
        "SSL_CERT_FILE": str(nats.certificate),
        "COMFYD_HOST": LOOPBACK,
    }


async def leader_of_three(url: str) -> str:
    """Return the server that leads the log, once every stream is seen to be on three of them."""
    async with connected(url, name="test") as client:
        for declared in streams.declarations(3):
            info = await api(client, f"STREAM.INFO.{declared['name']}", {}, within=5)
            assert info["config"]["num_replicas"] == 3, declared["name"]
        info = await api(client, "STREAM.INFO.RUNS", {}, within=5)
        return str(info["cluster"]["leader"])


async def can_be_read_by_the_analyst(plan: Plan, nats: DeployedNats) -> None:
    """Read the log through each server: whichever answers, the answer leads to the analyst."""
    for name, server in plan.nats.items():
        password = server.env["NATS_ANALYST_PASSWORD"].strip('"')
        url = f"tls://{USER}:{password}@{LOOPBACK}:{nats.port(name, 'client')}"
        async with connected(url, name="analyst") as client:
            for _ in range(10):  # other replicas
                inbox = client.new_inbox()
                answers = await client.subscribe(inbox)
                await client.publish(READ, b'{"seq": 1, "batch": 5}', reply=inbox)
                messages = [await answers.next_msg(timeout=5) for _ in range(6)]
                read = [(message.headers or {}).get("Nats-Sequence") for message in messages]
                assert read == ["1", "2", "3", "4", "5", None]


def the_page_shows_every_replica(plan: Plan, here: Mapping[str, str]) -> None:
    """Run what docs/cluster.md says, and find all servers, streams and replicas in its answer."""
    program, _remove = typed("python")
    ran = subprocess.run(
        [sys.executable, "-c", program], env=dict(here), capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    servers = re.findall(r"^(\S+) \d+\.\d+\.\d+$", ran.stdout, re.MULTILINE)
    assert sorted(servers) == sorted(plan.nats)
    assert set(re.findall(r"leads (\w+) to", ran.stdout)) == {
        declared["name"] for declared in streams.declarations(3)
    }
    for line in re.findall(r"leads .*", ran.stdout):
        assert line.count("'in step'") == 2, line


@asynccontextmanager
async def started(plan: Plan, here: Mapping[str, str], folder: Path) -> AsyncIterator[Tenant]:
    """Start one of each process, and a machine; yield a tenant."""
    url, machine = (f"http://{LOOPBACK}:{free_port()}" for _ in range(2))
    processes = Processes(folder)
    ready = []
    for name, written in plan.processes.items():
        ready.append(processes.start(name, written, **here, COMFYD_PORT=url.rsplit(":", 1)[1]))
    with standin(machine, folder):
        try:
            processes.wait_ready(ready)
            token = Tokens(JWT_SECRET).issue(user_id="ada", org_id=None, seconds=3600)
            headers = {"Authorization": f"Bearer {token}"}
            async with httpx.AsyncClient(
                base_url=url, headers=headers, timeout=40, trust_env=False
            ) as http:
                yield Tenant(http, machine)
        finally:
            ended = processes.stop()
    assert set(ended) <= ENDED_WELL


async def renders(tenant: Tenant, deployment: str) -> None:
    """Make a run, and find its image where its URL says."""
    run = await tenant.run(deployment)
    assert run["status"] == "success"
    [output] = run["outputs"]
    assert (await download(output["url"])).startswith(b"\x89PNG")


@contextmanager
def standin(url: str, folder: Path) -> Iterator[None]:
    """Start a machine."""
    (folder / "comfyui").mkdir()
    port = url.rsplit(":", 1)[1]
    arguments = ("tests.standin", "--port", port, "--dir", str(folder / "comfyui"))
    child = start(python_process("comfyui", *arguments, logs=folder, env={}))
    try:
        yield
    finally:
        child.stop()
