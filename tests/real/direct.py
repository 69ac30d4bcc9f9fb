"""A ComfyUI, used as its own page uses it: the truth that comfyd is compared with."""

import time
from typing import Any
from uuid import uuid4

import httpx

Json = dict[str, Any]
WITHIN = 120.0


class Direct:
    """One ComfyUI."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, trust_env=False, timeout=30)
        self.classes: Json = self._http.get("/object_info").json()

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def has(self, graph: Json) -> bool:
        """Check that every class of *graph* is installed, with the outputs that it is wired to."""
        if not {node["class_type"] for node in graph.values()} <= self.classes.keys():
            return False
        # An older version of a class may have fewer outputs.
        outputs = {
            key: len(self.classes[node["class_type"]]["output"]) for key, node in graph.items()
        }
        values = (value for node in graph.values() for value in node["inputs"].values())
        links = (value for value in values if isinstance(value, list))
        return all(slot < outputs[source] for source, slot in links)

    def choices(self, node_class: str, input_name: str) -> list[Any]:
        """Return what a menu offers."""
        spec = self.classes[node_class]["input"]["required"][input_name]
        offered = spec[1]["options"] if spec[0] == "COMBO" else spec[0]
        return list(offered)

    def render(self, graph: Json) -> Json:
        """Render *graph* and return its outputs by node."""
        prompt_id = str(uuid4())
        body = {"prompt": graph, "prompt_id": prompt_id}
        answer = self._http.post("/prompt", json=body)
        assert answer.is_success, answer.text
        deadline = time.monotonic() + WITHIN
        while not (ended := self._http.get(f"/history/{prompt_id}").json()):
            assert time.monotonic() < deadline, "it was never rendered"
            time.sleep(0.05)
        assert ended[prompt_id]["status"]["status_str"] == "success", ended[prompt_id]["status"]
        return dict(ended[prompt_id]["outputs"])

    def file(self, output: Json) -> bytes:
        """Fetch an output file."""
        names = {key: output[key] for key in ("filename", "subfolder", "type")}
        return self._http.get("/view", params=names).raise_for_status().content
