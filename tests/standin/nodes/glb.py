"""Writes the smallest 3D model: one triangle as a binary glTF file."""

import json
import struct

_MAGIC, _VERSION, _JSON, _BINARY = 0x46546C67, 2, 0x4E4F534A, 0x004E4942
_FLOAT, _TRIANGLE_CORNERS = 5126, (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def triangle() -> bytes:
    """Return the bytes of a .glb file."""
    corners = struct.pack("<9f", *_TRIANGLE_CORNERS)
    scene = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "buffers": [{"byteLength": len(corners)}],
        "bufferViews": [{"buffer": 0, "byteLength": len(corners)}],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": _FLOAT,
                "count": 3,
                "type": "VEC3",
                "min": [0.0, 0.0, 0.0],
                "max": [1.0, 1.0, 0.0],
            }
        ],
    }
    text = json.dumps(scene).encode()
    text += b" " * (-len(text) % 4)
    body = _chunk(_JSON, text) + _chunk(_BINARY, corners)
    return struct.pack("<III", _MAGIC, _VERSION, 12 + len(body)) + body


def _chunk(kind: int, content: bytes) -> bytes:
    return struct.pack("<II", len(content), kind) + content
