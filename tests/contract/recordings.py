"""Plays a recording of a real ComfyUI against a stand-in, and notes what comes back."""

import asyncio
import json
import re
import struct
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

from tests.standin.nodes.catalogue import CLASSES

DEADLINE = 30.0
FASTER = 5
EXACT = frozenset(
    {
        "type",
        "status_str",
        "completed",
        "state",
        "value",
        "max",
        "node",
        "display_node",
        "node_id",
        "parent_node",
        "real_node_id",
        "class_type",
        "node_type",
        "exception_type",
        "status",
        "cancelled",
        "total",
        "has_more",
        "limit",
        "offset",
        "mediaType",
        "subfolder",
        "filename",
        "outputs_count",
        "previewable_outputs_count",
        "prompt_id",
        "id",
        "nodes",
        "executed",
        "error",
        "dependent_outputs",
        "invalid_ids",
        "cycle_nodes",
        "input_name",
        "queue_remaining",
        "sid",
    }
)
OPAQUE = frozenset({"input_config", "traceback", "current_outputs"})
HEADERS = ("Content-Type", "Accept-Ranges", "X-Content-Type-Options", "Content-Range", "Allow")
NOT_OURS = re.compile(
    r"^(/api)?/(object_info|system_stats|models|extensions|users|settings|internal|i18n|experiment"
    r"|node_replacements|workflow_templates|global_subgraphs|no-such-path)"
)
PREVIEW, PREVIEW_WITH_METADATA, PNG = 1, 4, 2
NAMED = re.compile(r'"filename": "([^"]+)"')
Line = dict[str, Any]


def normalised(value: Any, key: str = "") -> Any:
    """Keep what must agree: keys, types, and the values under EXACT."""
    if key in OPAQUE:
        return type(value).__name__
    if isinstance(value, dict):
        return {k: normalised(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [normalised(item, key) for item in value]
    return value if key in EXACT else type(value).__name__


class Replay:
    """One recording on its way through the stand-in."""

    def __init__(self, url: str, http: aiohttp.ClientSession, outputs: Path) -> None:
        self.url, self.http, self.outputs = url, http, outputs
        self.sockets: dict[str, aiohttp.ClientWebSocketResponse] = {}
        self.ears: list[asyncio.Task[None]] = []
        self.sids: dict[str, str] = {}
        self.statuses: dict[str, int] = defaultdict(int)
        self.heard: dict[tuple[str, str], list[Line]] = defaultdict(list)
        self.expected: dict[tuple[str, str], list[Line]] = defaultdict(list)
        self.left_out: set[str] = set()
        self.names: dict[str, str] = {}
        """Ids and file names: those of the recording to ours."""

    def ours(self, value: Any) -> Any:
        """Translate a piece of the recording."""
        text = json.dumps(value)
        for theirs, mine in self.names.items():
            text = text.replace(theirs, mine)
        return json.loads(text)

    async def play(self, line: Line) -> None:
        match line["kind"]:
            case "http" if not self.is_out_of_scope(line):
                await self.exchange(line)
            case "ws_open":
                await self.open(line["ws"], line["url"].partition("/ws")[2])
            case "ws_send":
                await self.sockets[line["ws"]].send_json(line["msg"])
            case "ws_text" | "ws_binary":
                await self.frame(line)
            case "note" if line["text"].startswith("deleting "):
                (self.outputs / self.ours(line["text"].split()[1])).unlink()

    def is_out_of_scope(self, line: Line) -> bool:
        if any(prompt_id in line["path"] for prompt_id in self.left_out):
            return True
        strange = line["request_note"] is not None or "channel=" in line["path"]
        as_text = (line["request_headers"] or {}).get("Content-Type") == "text/plain"
        body = line["request_json"]
        graph = body.get("prompt") if isinstance(body, dict) else None
        if line["status"] != 200 or not isinstance(graph, dict):
            return strange or as_text or NOT_OURS.match(line["path"]) is not None
        if all(node["class_type"] in CLASSES for node in graph.values()):
            return False
        self.left_out.add(body["prompt_id"])
        return True

    async def open(self, name: str, query: str) -> None:
        socket = await self.http.ws_connect(f"{self.url}/ws{query}")
        first = await socket.receive_json(timeout=DEADLINE)
        assert normalised(first) == normalised({**first, "type": "status"})
        assert list(first["data"]) == ["status", "sid"]
        self.sids[name] = first["data"]["sid"]
        self.sockets[name] = socket
        self.ears.append(asyncio.create_task(self.listen(name, socket)))

    async def listen(self, name: str, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            is_binary = message.type is aiohttp.WSMsgType.BINARY
            event = preview(message.data) if is_binary else json.loads(message.data)
            self.statuses[name] += event["type"] == "status"
            self.heard[name, prompt_of(event)].append(event)

    async def frame(self, line: Line) -> None:
        """Wait for the frame that is next in the recording."""
        event: Line = line.get("msg") or {
            "type": line["event_type"],
            "data": line.get("metadata") or {},
        }
        if "sid" in event["data"]:
            self.names[event["data"]["sid"]] = self.sids[line["ws"]]
        prompt_id = prompt_of(event)
        is_saved_picture = line.get("image_type") == PNG
        if prompt_id in self.left_out or is_saved_picture or event["type"] == "status":
            return
        key = (line["ws"], self.ours(prompt_id))
        self.expected[key].append(event)
        count = len(self.expected[key])
        await until(lambda: len(self.heard[key]) >= count, f"{key}: {event}")
        self.learn(event, self.heard[key][count - 1])

    def learn(self, theirs: Any, mine: Any) -> None:
        """Remember how we call a file that is new in the recording."""
        both = (NAMED.findall(json.dumps(each)) for each in (theirs, mine))
        for old, new in zip(*both, strict=False):
            self.names.setdefault(old, new)

    async def exchange(self, line: Line) -> None:
        deadline = asyncio.get_running_loop().time() + DEADLINE
        answer = await self.ask(line)
        while line["method"] == "GET" and answer != self.recorded(line):
            assert asyncio.get_running_loop().time() < deadline, line["path"]
            await asyncio.sleep(0.005)
            answer = await self.ask(line)
        assert answer == self.recorded(line), (line["path"], line["request_json"])

    def recorded(self, line: Line) -> Any:
        headers = {name: line["response_headers"].get(name) for name in HEADERS}
        return line["status"], headers, normalised(self.ours(line.get("response_json")))

    async def ask(self, line: Line) -> Any:
        body = self.ours(line["request_json"])
        sent: dict[str, Any] = {} if body is None else {"json": faster(body)}
        headers = self.ours(line["request_headers"])
        url = self.url + self.ours(line["path"])
        async with self.http.request(line["method"], url, headers=headers, **sent) as response:
            content = await response.read()
        theirs = line.get("response_json")
        answer = json.loads(content) if theirs is not None else None
        if isinstance(theirs, dict) and isinstance(answer, dict):
            self.names[theirs.get("prompt_id", "none")] = answer.get("prompt_id", "none")
            self.learn(theirs, answer)
        given = {name: response.headers.get(name) for name in HEADERS}
        return response.status, given, normalised(answer)

    async def settle(self) -> None:
        """Wait until everything that was sent has arrived: one more status is behind all of it."""
        before = {name: self.statuses[name] for name in self.sockets}
        async with self.http.post(f"{self.url}/queue", json={"clear": True}):
            pass
        await until(lambda: all(self.statuses[n] > c for n, c in before.items()), "last status")


def prompt_of(event: Line) -> str:
    return str(event["data"].get("prompt_id") or f"no prompt: {event['type']}")


def preview(data: bytes) -> Line:
    kind, size = struct.unpack_from(">II", data)
    return {"type": kind, "data": json.loads(data[8 : 8 + size]) if kind == 4 else {}}


def faster(body: Any) -> Any:
    graph = body.get("prompt") if isinstance(body, dict) else None
    for node in graph.values() if isinstance(graph, dict) else ():
        if "seconds" in node.get("inputs", {}):
            node["inputs"]["seconds"] /= FASTER
    return body


async def until(condition: Callable[[], bool], what: str) -> None:
    deadline = asyncio.get_running_loop().time() + DEADLINE
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"never came: {what}"
        await asyncio.sleep(0.002)
