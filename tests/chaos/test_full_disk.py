"""A full disk under `comfyd up`: it says so, and goes on by itself once there is room."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from app.cli.local.supervisor import python_process
from infra.embedded.child import start
from infra.embedded.ports import LOOPBACK
from tests.network.ports import free_port
from tests.servers.small_disk import filled, small_disk
from tests.servers.up import Up, running_up

pytestmark = pytest.mark.chaos


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[str]:
    """Yield the address of a ComfyUI whose own disk is not full."""
    port = free_port()
    home = tmp_path / "comfyui"
    home.mkdir()
    arguments = ("--port", str(port), "--dir", str(home), "--slow", "0.1")
    child = start(python_process("comfyui", "tests.standin", *arguments, logs=tmp_path, env={}))
    yield f"http://{LOOPBACK}:{port}"
    child.stop()


class Owner:
    """Who uses it."""

    def __init__(self, up: Up) -> None:
        headers = {"Authorization": f"Bearer {up.token()}"}
        self._http = httpx.Client(base_url=up.url, headers=headers, trust_env=False, timeout=20)
        samples = self._http.get("/v1/deployments").json()["data"]
        self._deployment = next(s["id"] for s in samples if "prompt" in str(s["inputs"]))

    def start(self, prompt: str) -> httpx.Response:
        """Ask for a run."""
        wanted = {"deployment_id": self._deployment, "inputs": {"prompt": prompt}}
        return self._http.post("/v1/runs", json=wanted)

    def faults(self) -> list[str]:
        """Return what the doctor finds."""
        checks = self._http.get("/v1/doctor").json()["checks"]
        return [check["code"] for check in checks if not check["ok"]]

    def statuses(self) -> dict[str, str]:
        """Return the status of every run there is."""
        answer = self._http.get("/v1/runs")
        runs = answer.json()["data"] if answer.is_success else []
        return {run["id"]: run["status"] for run in runs}

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


def test_a_full_disk_is_said_and_heals(machine: str, tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "disk", megabytes=600) as disk,  # `comfyd up` wants 500 of it
        running_up(disk / "data", tmp_path / "out", COMFYUI_URL=machine) as up,
        closing(Owner(up)) as owner,
    ):
        samples = owner.statuses().keys()
        before = owner.start("before")
        with filled(disk):
            # What was written last has left some room, for one or two.
            during = [owner.start("during")]
            while during[-1].is_success:
                assert len(during) < 20
                during.append(owner.start("during"))
            ready = up.readiness()
            up.wait_for(lambda: "nats cannot do its work" in up.said)
            faults = owner.faults()
            assert "nats ended" not in up.said
        up.wait_for(lambda: up.readiness().get("status") == "ok")
        after = owner.start("after")
        up.wait_for(lambda: {*owner.statuses().values()} == {"success"}, within=150)
        accepted = {a.json()["id"] for a in (before, *during, after) if a.is_success}
        assert [a.is_success for a in (before, during[-1], after)] == [True, False, True]
        assert (during[-1].status_code, during[-1].json()["code"]) == (503, "log_unavailable")
        assert (ready["status"], ready["log"]) == ("not ready", "unwritable")
        assert "log_unwritable" in faults
        assert "clock_off" not in faults
        assert up.said.count("nats ended") == 1
        # What was refused is not there.
        assert owner.statuses().keys() == samples | accepted
        logged = (disk / "data" / "logs" / "api.log").read_text("utf-8").splitlines()
        changes = [line for line in map(json.loads, logged) if line["event"] == "part.changed"]
        log = [(line["before"], line["now"]) for line in changes if line["part"] == "log"]
        assert log[0] == ("ok", "unwritable")
        assert log[-1][1] == "ok"
