"""The classes of plain values and texts, and those that exist only to be tested with."""

import json

from PIL import Image

from tests.standin.nodes.node import (
    Call,
    NodeClass,
    Result,
    decimal,
    integer,
    link,
    saved_entry,
    string,
)
from tests.standin.nodes.values import Pictures

_WIDEST = 2**63 - 1


async def _constant(call: Call) -> Result:
    return Result(values=(call.inputs["value"],))


async def _preview_any(call: Call) -> Result:
    text = str(call.inputs["source"])
    return Result(values=(text,), shown={"text": [text]})


async def _text(call: Call) -> Result:
    return Result(shown={"text": [call.get("text", str)]})


async def _unknown_kind(call: Call) -> Result:
    return Result(shown={"standin_oddities": [{"value": call.get("value", str)}]})


async def _shown(call: Call) -> Result:
    return Result(shown=json.loads(call.get("json", str)))


async def _save_text(call: Call) -> Result:
    """Save as a careless pack does: into a folder it takes for granted, under a name with it."""
    name = f"{call.get('filename_prefix', str)}.txt"
    call.folders.inside("output", name).write_text(call.get("text", str), "utf-8")
    return Result(shown={"files": [saved_entry(name, "")]})


async def _account(call: Call) -> Result:
    """Quote what no node should."""
    return Result(shown={"text": [f"the account is {call.account}"]})


async def _fail(call: Call) -> Result:
    raise ValueError(call.get("message", str))


async def _slow(call: Call) -> Result:
    pictures = call.get("image", Pictures)
    steps = call.get("steps", int)
    pause = call.get("seconds", float) / steps
    preview = Image.new("RGB", (64, 64), "navy") if call.get("preview", bool) else None
    for step in range(1, steps + 1):
        await call.step(step, steps, seconds=pause, preview=preview)
    return Result(values=(pictures,))


_BOOLEAN = ["BOOLEAN", {}]
_SEED = integer(0, 0, _WIDEST)


def _primitive(name: str, title: str, kind: str, options: dict[str, object]) -> NodeClass:
    return NodeClass(
        name=name,
        run=_constant,
        title=title,
        category="utilities/primitive",
        inputs={"value": [kind, options]},
        outputs=(kind,),
    )


_WHOLE: dict[str, object] = {"min": -_WIDEST, "max": _WIDEST, "control_after_generate": "fixed"}

CLASSES = (
    _primitive("PrimitiveString", "Text", "STRING", {"multiline": False}),
    _primitive("PrimitiveInt", "Int", "INT", _WHOLE),
    _primitive("PrimitiveFloat", "Float", "FLOAT", {"min": -_WIDEST, "max": _WIDEST, "step": 0.1}),
    _primitive("PrimitiveBoolean", "Boolean", "BOOLEAN", {}),
    NodeClass(
        name="PreviewAny",
        run=_preview_any,
        title="Preview as Text",
        category="utilities",
        inputs={"source": link("*")},
        outputs=("STRING",),
        saves=True,
    ),
    NodeClass(
        name="StandinText",
        run=_text,
        title="Text Output",
        category="standin",
        inputs={"text": string("hello")},
        saves=True,
    ),
    NodeClass(
        name="StandinUnknownKind",
        run=_unknown_kind,
        title="Output of an Unknown Kind",
        category="standin",
        inputs={"value": string("odd")},
        saves=True,
    ),
    NodeClass(
        name="StandinShown",
        run=_shown,
        title="Show Whatever It Is Given",
        category="standin",
        inputs={"json": string('{"text": [5]}')},
        saves=True,
    ),
    NodeClass(
        name="StandinSaveText",
        run=_save_text,
        title="Save Text Where a Folder Must Be",
        category="standin",
        inputs={"text": string("hello"), "filename_prefix": string("text")},
        saves=True,
        module="custom_nodes.standin",
    ),
    NodeClass(
        name="StandinAccount",
        run=_account,
        title="Quote the Account",
        category="standin",
        inputs={},
        saves=True,
        hidden={"key": "API_KEY_COMFY_ORG"},
    ),
    NodeClass(
        name="StandinFail",
        run=_fail,
        title="Raise",
        category="standin",
        inputs={"image": link("IMAGE"), "message": string("boom"), "seed": _SEED},
        outputs=("IMAGE",),
    ),
    NodeClass(
        name="StandinSlow",
        run=_slow,
        title="Take Time",
        category="standin",
        inputs={
            "image": link("IMAGE"),
            "seconds": decimal(1.0, 0.0, 3600.0),
            "steps": integer(4, 1, 10000),
            "preview": _BOOLEAN,
            "seed": _SEED,
        },
        outputs=("IMAGE",),
    ),
)
