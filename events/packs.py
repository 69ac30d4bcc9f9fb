"""Packs of custom nodes: as a version keeps them, and as a snapshot of ComfyUI-Manager has them."""

from collections.abc import Mapping
from typing import Any

from events.workflow import CustomNodes

MOST_PACKS = 1000
LONGEST_PACK = 200
"""Characters of the name of a pack, which may be an address."""

_COMFYUI = "comfyui"
_FILE = "file"

Json = dict[str, Any]


def custom_nodes_in(snapshot: Mapping[str, Any] | None) -> Json:
    """Return the packs that a snapshot of ComfyUI-Manager names, as versions keep them.

    It is what another program wrote: what is no pack in it is left out.
    """
    packs: Json = {}
    for part in ("git_custom_nodes", "cnr_custom_nodes"):
        packs |= _packs((snapshot or {}).get(part))
    files = (snapshot or {}).get("file_custom_nodes")
    for file in files if isinstance(files, list) else ():
        if isinstance(file, dict) and isinstance(name := file.get("filename"), str):
            packs |= _packs({name: {_FILE: True, **file}})
    if isinstance(commit := (snapshot or {}).get(_COMFYUI), str):
        packs |= _packs({_COMFYUI: commit})
    return dict(list(packs.items())[:MOST_PACKS])


def _packs(found: object) -> Json:
    return {
        name: what
        for name, what in (found.items() if isinstance(found, dict) else ())
        if 0 < len(name) <= LONGEST_PACK and name.isprintable() and isinstance(what, str | dict)
    }


def snapshot_of(packs: CustomNodes) -> Json | None:
    """Return the snapshot that packs came from; None where nothing was said of any."""
    if not packs:
        return None
    facts = {name: what for name, what in packs.items() if isinstance(what, dict)}
    return {
        "comfyui": packs.get(_COMFYUI),
        "git_custom_nodes": {n: what for n, what in facts.items() if _FILE not in what},
        "file_custom_nodes": [
            {name: value for name, value in what.items() if name != _FILE}
            for what in facts.values()
            if _FILE in what
        ],
        "cnr_custom_nodes": {
            name: what for name, what in packs.items() if isinstance(what, str) and name != _COMFYUI
        },
    }
