"""Small graphs as ComfyUI's editor saves them, and the classes that a machine would know."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from events.errors import InvalidGraph
from events.graph.editor.convert import convert
from infra.translation import problem_text

Json = dict[str, Any]

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For properties: how fast a machine is that does other things as well says nothing."""


def info(
    *outputs: str,
    optional: Json | None = None,
    saves: bool = False,
    title: str = "",
    **required: Any,
) -> Json:
    """Describe a class as /object_info does."""
    return {
        "input": {"required": required, "optional": optional or {}},
        "input_order": {"required": [*required], "optional": [*(optional or {})]},
        "output": [*outputs],
        "output_node": saves,
        "display_name": title,
    }


SEED = ["INT", {"default": 0, "min": 0, "max": 2**64 - 1, "control_after_generate": True}]
INFOS: dict[str, Json] = {
    "Loader": info("MODEL", "CLIP", ckpt=[["a.safetensors", "b.safetensors"], {}]),
    "Encode": info("COND", text=["STRING", {"multiline": True}], clip=["CLIP", {}]),
    "Latent": info("LATENT", width=["INT", {"default": 512}], height=["INT", {"default": 512}]),
    "Sampler": info(
        "LATENT",
        title="K Sampler",
        model=["MODEL", {}],
        seed=SEED,
        steps=["INT", {"default": 20}],
        cfg=["FLOAT", {"default": 8.0}],
        name=[["euler", "ddim"], {}],
        cond=["COND", {}],
        latent=["LATENT", {}],
        denoise=["FLOAT", {"default": 1.0}],
    ),
    "Both": info("COND", "COND", first=["COND", {}], second=["COND", {}]),
    "Tune": info("MODEL", "CLIP", model=["MODEL", {}], clip=["CLIP", {}], by=["FLOAT", {}]),
    "Any": info("*", source=["*", {}]),
    "Load": info("IMAGE", "MASK", image=[["x.png"], {"image_upload": True}]),
    "Save": info(saves=True, images=["LATENT", {}], prefix=["STRING", {"default": "out"}]),
}


class Drawing:
    """A graph that is drawn by hand, node by node."""

    def __init__(self, infos: Mapping[str, Json] = INFOS) -> None:
        self.nodes: list[Json] = []
        self.links: list[list[Any]] = []
        self._infos = infos

    def node(
        self,
        identifier: int,
        class_type: str,
        *,
        wires: Mapping[str, tuple[int, int]] | None = None,
        values: object = None,
        sockets: Sequence[tuple[str, str]] | None = None,
        outputs: Sequence[str] | None = None,
        **rest: object,
    ) -> "Drawing":
        """Add a node; *wires* name for an input the node and output that feed it."""
        slots: list[Json] = [
            {"name": name, "type": kind, "link": None}
            | ({"widget": {"name": name}} if kind in {"INT", "FLOAT", "STRING", "COMBO"} else {})
            for name, kind in (self._sockets(class_type) if sockets is None else sockets)
        ]
        for index, slot in enumerate(slots):
            if slot["name"] in (wires or {}):
                origin, output = (wires or {})[slot["name"]]
                slot["link"] = len(self.links) + 1
                self.links.append([slot["link"], origin, output, identifier, index, slot["type"]])
        known = self._infos.get(class_type, {}).get("output", [])
        node = {
            "id": identifier,
            "type": class_type,
            "mode": 0,
            "inputs": slots,
            "outputs": [{"name": o, "type": o} for o in (known if outputs is None else outputs)],
            "widgets_values": values,
            **rest,
        }
        self.nodes.append(node)
        return self

    def saved(self, **rest: object) -> Json:
        """Return the graph as the editor saves it."""
        return {
            "last_node_id": len(self.nodes),
            "nodes": self.nodes,
            "links": self.links,
            "groups": [],
            "extra": {},
            "version": 0.4,
            **rest,
        }

    def _sockets(self, class_type: str) -> list[tuple[str, str]]:
        declared = self._infos.get(class_type, {}).get("input", {})
        specs = {**declared.get("required", {}), **declared.get("optional", {})}
        return [
            (name, "COMBO" if isinstance(spec[0], list) else spec[0])
            for name, spec in specs.items()
        ]


def subgraph(drawing: Drawing, identifier: str, *, inputs: Sequence[tuple[str, str]] = ()) -> Json:
    """Return a drawing as the definition of a subgraph, whose links are objects."""
    fields = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    return {
        "id": identifier,
        "name": "sub",
        "nodes": drawing.nodes,
        "links": [dict(zip(fields, link, strict=True)) for link in drawing.links],
        "inputs": [{"name": name, "type": kind} for name, kind in inputs],
        "outputs": [],
        "inputNode": {"id": -10},
        "outputNode": {"id": -20},
    }


def api(saved: Json, infos: Mapping[str, Json] = INFOS) -> Json:
    """Convert, without the titles."""
    graph = convert(saved, infos).graph
    return {
        key: {"class_type": node["class_type"], "inputs": node["inputs"]}
        for key, node in graph.items()
    }


def problems(saved: Json, infos: Mapping[str, Json] = INFOS) -> list[tuple[str, str]]:
    """Return the code and the place of everything that stops the conversion."""
    with pytest.raises(InvalidGraph) as refusal:
        convert(saved, infos)
    for problem in refusal.value.problems:
        assert problem.text()
        assert problem_text(problem, "zh")
    return [(problem.code, problem.pointer) for problem in refusal.value.problems]
