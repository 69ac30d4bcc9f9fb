"""The worst bodies that every route takes: as long as they may be, and as costly as they can be."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO

from PIL import Image

MiB = 1024 * 1024
SMALL = 64 * 1024
GRAPHS = 16 * MiB
IMAGES = 64 * MiB

Body = Callable[[], bytes]
Json = dict[str, object]


def largest(path: str) -> int:
    """Return how long a body may be."""
    if path == "/v1/workflows":
        return GRAPHS
    with_images = path in {"/v1/runs", "/v1/batches", "/api/run"} or path.endswith("}/rerun")
    return IMAGES if with_images else SMALL


def filled(start: bytes, piece: bytes, end: bytes, size: int) -> bytes:
    """Repeat a piece until the body has its size."""
    count = (size - len(start) - len(end)) // len(piece)
    return start + piece * count + end


def of_any_route(path: str) -> Iterator[tuple[str, Body]]:
    """Yield bodies that no route wants, each of the largest size."""
    size = largest(path)
    yield "arrays", lambda: filled(b'{"name":[', b"[],", b"[]]}", size)
    if size > SMALL and path != "/v1/runs":
        return  # one decoder reads them all, and each of these takes its time
    yield "one-text", lambda: filled(b'{"name":"', b"a", b'"}', size)
    yield "escapes", lambda: filled(b'{"name":"', b"\\u00e9", b'"}', size)
    yield "field-name", lambda: filled(b'{"', b"n", b'":1}', size)
    yield "no-json", lambda: filled(b"", b'"', b"", size)


def of_runs(deployment: str, inputs: Mapping[str, str]) -> Iterator[tuple[str, Body]]:
    """Yield bodies with inputs, whose names are *inputs* by what they take."""

    def body(values: Json) -> Body:
        return lambda: json.dumps({"deployment_id": deployment, "inputs": values}).encode()

    long = "1" * (60 * MiB)
    yield "most-arrays", body({f"x{n}": [[]] * 100 for n in range(1000)})
    yield "unknown", body({f"x{n:0400}": n for n in range(1000)})
    yield "too-many", body({f"x{n}": n for n in range(100_000)})
    yield "long-text", body({inputs["text"]: long})
    half = long[: len(long) // 2]
    yield "long-others", body({inputs["integer"]: half, inputs["image"]: f"https://e.com/{half}"})
    yield "no-base64", body({inputs["image"]: f"data:image/png;base64,{long}!"})
    yield "webp", body({inputs["image"]: f"data:image/webp;base64,{webp_of_most_pixels()}"})


def webp_of_most_pixels() -> str:
    """Return a picture of a few kilobytes that takes a second to decode."""
    file = BytesIO()
    Image.new("RGB", (7000, 7000)).save(file, "WEBP", lossless=True, method=0)
    return b64encode(file.getvalue()).decode()


def of_batches(deployment: str, inputs: Mapping[str, str]) -> Iterator[tuple[str, Body]]:
    """Yield batches of as many runs as there may be."""

    def body(values: Json) -> Body:
        return lambda: json.dumps({"deployment_id": deployment, "inputs": [values] * 500}).encode()

    yield "all-unknown", body({f"x{n}": n for n in range(240)})
    yield "all-long", body({inputs["text"]: "é" * 10_000, inputs["integer"]: "x" * 50_000})


def of_workflows() -> Iterator[tuple[str, Body]]:
    """Yield graphs of as many nodes as there may be."""

    def graph(links: int) -> Json:
        return {
            str(n): {
                "class_type": "Many",
                "inputs": {f"i{k}": [str((n * 7 + k) % (n or 1)), 0] for k in range(links)},
            }
            for n in range(10_000)
        }

    def broken() -> Json:
        node = {"class_type": "A", "inputs": {f"i{k}": ["none", 0] for k in range(9)}}
        return {str(n): node for n in range(10_000)}

    def externals() -> Json:
        return {
            str(n): {
                "class_type": "ComfyUIDeployExternalText",
                "inputs": {"input_id": f"i{n}", "description": "d" * 1000},
            }
            for n in range(10_000)
        }

    def body(make: Callable[[], Json]) -> Body:
        return lambda: json.dumps({"name": "worst", "graph": make()}).encode()

    packed = b'{"name":"worst","graph":{"prompt":"', b"[],", b'"}}'
    yield "graph-in-text", lambda: filled(*packed, GRAPHS)
    yield "good", body(lambda: graph(50))
    yield "broken", body(broken)
    yield (
        "cycle",
        body(lambda: {**graph(5), "0": {"class_type": "A", "inputs": {"i": ["9999", 0]}}}),
    )
    yield "externals", body(externals)
    yield "editor", lambda: json.dumps({"name": "worst", "ui_graph": editors_graph()}).encode()


def editors_graph() -> Json:
    """Return a graph in the editor's format, of classes that nobody has."""
    nodes = [
        {
            "id": n,
            "type": "Many",
            "inputs": [{"name": "a", "type": "*", "link": n}],
            "outputs": [{"name": "b", "type": "*", "links": [n + 1]}],
            "widgets_values": [n, "fixed", "x" * 100],
        }
        for n in range(10_000)
    ]
    return {"nodes": nodes, "links": [[n, n - 1, 0, n, 0, "*"] for n in range(1, 10_000)]}
