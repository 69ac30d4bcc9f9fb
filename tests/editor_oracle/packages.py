"""Puts the official editor and the official templates into a folder of this repository's own."""

import subprocess
import sys
from pathlib import Path

EDITOR = "comfyui-frontend-package==1.49.6"
TEMPLATES = "comfyui-workflow-templates-json==0.1.50"
"""Both as ComfyUI 0.33.0 asks for them."""

FOLDER = Path(".cache/editor-oracle")


def editor_files() -> Path:
    """Return the folder with the editor's static files."""
    return _installed(EDITOR) / "comfyui_frontend_package" / "static"


def template_files() -> list[Path]:
    """Return the official workflow templates."""
    folder = _installed(TEMPLATES) / "comfyui_workflow_templates_json" / "templates"
    return sorted(f for f in folder.glob("*.json") if not f.name.startswith("index"))


def _installed(requirement: str) -> Path:
    """Install a wheel into a folder named after it, once; nothing of it is imported."""
    folder = FOLDER / requirement.replace("==", "-")
    if not folder.exists():
        uv = Path(sys.executable).with_name("uv")
        options = ["--quiet", "--no-deps", "--only-binary", ":all:"]
        part = folder.with_suffix(".part")
        command = ["pip", "install", *options, "--target", str(part), requirement]
        subprocess.run([uv, *command], check=True)
        part.rename(folder)
    return folder
