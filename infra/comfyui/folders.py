"""Make the folders that a graph's files go to, for the nodes that do not make them themselves.

Every file of a prompt goes to a folder of the prompt's own, which does not exist yet. ComfyUI's
nodes make it; nodes of a pack may rely on a folder that was there before.
"""

from collections.abc import Callable, Iterator

from aiohttp import FormData

from infra.comfyui.client import Client
from infra.machine_driver import Graph
from infra.s3.served_types import UNKNOWN_TYPE

_MARK = ".comfyd"
"""An empty file: uploading one is the only way in which ComfyUI makes a folder."""


async def make_folders(client: Client, graph: Graph, *, is_stock: Callable[[str], bool]) -> None:
    """Make the folders that nodes which are not ComfyUI's own save to.

    A machine that refuses is left alone: the node may do without.

    Raises:
        MachineUnreachable: it does not answer.

    """
    for folder in sorted(set(_folders(graph, is_stock))):
        form = FormData()
        form.add_field("image", b"", filename=_MARK, content_type=UNKNOWN_TYPE)
        form.add_field("type", "output")
        form.add_field("subfolder", folder)
        form.add_field("overwrite", "true")
        await client.send(form, "upload", "image")


def _folders(graph: Graph, is_stock: Callable[[str], bool]) -> Iterator[str]:
    for node in graph.values():
        prefix = node["inputs"].get("filename_prefix")
        if isinstance(prefix, str) and not is_stock(str(node["class_type"])):
            # What stands between percent signs, such as a date, only the node itself can say.
            folder, _, _ = prefix.partition("%")[0].rpartition("/")
            if folder:
                yield folder
