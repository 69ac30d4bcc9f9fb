"""kustomization.yaml builds, and others can build upon it."""

import subprocess
from pathlib import Path
from shutil import which

import kubernetes_validate
import pytest
import yaml  # type: ignore[import-untyped]  # its types are another package

from tests.containers import DEPLOY
from tests.deploy.files import OLDEST_KUBERNETES


@pytest.mark.skipif(which("kubectl") is None, reason="kubectl is not installed")
def test_kustomize_builds_what_kubernetes_takes(tmp_path: Path) -> None:
    overlay = tmp_path / "kustomization.yaml"
    deploy = Path(*[".."] * (len(tmp_path.parts) - 1), *DEPLOY.parts[1:])
    overlay.write_text(_OVERLAY.format(deploy=deploy), "utf-8")
    built = subprocess.run(
        ["kubectl", "kustomize", tmp_path], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    made = list(yaml.safe_load_all(built.stdout))
    for found in made:
        kubernetes_validate.validate(found, OLDEST_KUBERNETES, strict=True)
    by_name = {(m["kind"], m["metadata"]["name"]): m for m in made}
    [settings] = (m for m in made if m["metadata"]["name"].startswith("comfyd-settings-"))
    assert settings["data"]["SPACES_BUCKET"] == "renders"
    api = by_name["Deployment", "api"]["spec"]["template"]["spec"]["containers"][0]
    assert api["image"] == "registry.example.com/comfyd:26.1.0"
    assert api["envFrom"][0]["configMapRef"]["name"] == settings["metadata"]["name"]


_OVERLAY = """\
resources: [{deploy}]
configMapGenerator:
  - name: comfyd-settings
    namespace: comfyd
    behavior: merge
    literals: [SPACES_BUCKET=renders]
images: [{{ name: comfyd, newName: registry.example.com/comfyd, newTag: 26.1.0 }}]
"""
