"""Every node class of the stand-in, and object_info."""

from typing import Any

from tests.standin.folders import Folders
from tests.standin.nodes import image_nodes, media_nodes, model_nodes, text_nodes
from tests.standin.nodes.node import NodeClass

CLASSES: dict[str, NodeClass] = {
    node_class.name: node_class
    for module in (image_nodes, model_nodes, media_nodes, text_nodes)
    for node_class in module.CLASSES
}


def described(name: str, folders: Folders) -> dict[str, Any]:
    """Describe one class: {} for a class that is not there."""
    node_class = CLASSES.get(name)
    return {} if node_class is None else {name: _with_files(node_class.described(), folders)}


def described_all(folders: Folders) -> dict[str, Any]:
    """Describe every class."""
    return {name: _with_files(c.described(), folders) for name, c in CLASSES.items()}


def _with_files(description: dict[str, Any], folders: Folders) -> dict[str, Any]:
    """Offer the files of the input folder where an upload is taken."""
    required = description["input"]["required"]
    image = required.get("image")
    if image is not None and image[1].get("image_upload"):
        filled = {**required, "image": [folders.inputs(), image[1]]}
        description["input"] = {**description["input"], "required": filled}
    return description
