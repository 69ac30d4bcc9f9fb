"""kustomization.yaml builds, and others can build upon it as docs/cluster.md says."""

import re
import subprocess
from pathlib import Path
from shutil import which

import kubernetes_validate
import pytest
import yaml  # type: ignore[import-untyped]  # its types are another package

from tests.deploy.files import OLDEST_KUBERNETES, Manifest, typed
from tests.servers.containers import DEPLOY

NAME = "app.kubernetes.io/name"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    """Build what the page says is in a folder of one's own."""
    if which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    folder = tmp_path_factory.mktemp("my-comfyd")
    [overlay] = typed("yaml")
    assert "../comfyd/infra/deploy" in overlay
    deploy = Path(*[".."] * (len(folder.parts) - 1), *DEPLOY.parts[1:])
    written = overlay.replace("../comfyd/infra/deploy", str(deploy))
    (folder / "kustomization.yaml").write_text(written, "utf-8")
    kustomize = ["kubectl", "kustomize", str(folder)]
    done = subprocess.run(kustomize, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def test_what_is_built_is_as_kubernetes_says(built: list[Manifest]) -> None:
    for found in built:
        kubernetes_validate.validate(found, OLDEST_KUBERNETES, strict=True)


def test_processes_have_the_image_and_the_settings_of_the_page(built: list[Manifest]) -> None:
    [settings] = (m for m in built if m["metadata"]["name"].startswith("comfyd-settings-"))
    assert settings["data"]["SPACES_BUCKET"] == "renders"
    assert settings["data"]["COMFYD_REPLICAS"] == "3"
    for name in ("api", "worker", "projector", "migrate"):
        [pod] = (
            m["spec"]["template"]["spec"]
            for m in built
            if m["metadata"]["name"] == name and "template" in m["spec"]
        )
        assert pod["containers"][0]["image"] == "registry.example.com/comfyd:26.1.0"
        used = pod["containers"][0]["envFrom"][0]["configMapRef"]["name"]
        assert used == settings["metadata"]["name"]


def test_an_update_by_parts_finds_every_part(built: list[Manifest]) -> None:
    commands = "\n".join(typed())
    chosen = set(re.findall(rf"-l {NAME}=(\w+)", commands))
    [looped] = re.findall(r"for name in (.+); do\n  kubectl", commands)
    labels = {m["metadata"].get("labels", {}).get(NAME) for m in built}
    assert chosen | set(looped.split()) == {"settings", "migrate", "projector", "worker", "api"}
    assert chosen | set(looped.split()) <= labels
