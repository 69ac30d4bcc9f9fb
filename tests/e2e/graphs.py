"""Small graphs for whole runs; what may vary between runs is an input."""

from typing import Any

Graph = dict[str, Any]

MISSING = "00000000-0000-4000-8000-00000000dead"
"""An id that nothing has."""


def node(class_type: str, **inputs: object) -> dict[str, Any]:
    """Build a node."""
    return {"class_type": class_type, "inputs": inputs}


def external(kind: str, input_id: str, **inputs: object) -> dict[str, Any]:
    """Build an external-input node."""
    return node(f"ComfyUIDeployExternal{kind}", input_id=input_id, **inputs)


def card() -> Graph:
    """Save a small card of one colour."""
    return {
        "1": external("NumberInt", "colour", default_value=255),
        "2": node("EmptyImage", width=16, height=8, batch_size=1, color=["1", 0]),
        "3": node("SaveImage", images=["2", 0], filename_prefix="card"),
    }


def slow(seconds: float = 30.0, steps: int = 300) -> Graph:
    """Take time between two quick nodes; another seed is another render."""
    return {
        "1": external("NumberInt", "seed", default_value=0),
        "2": external("Number", "seconds", default_value=seconds),
        "3": node("EmptyImage", width=16, height=8, batch_size=1, color=1),
        "4": node(
            "StandinSlow",
            image=["3", 0],
            seconds=["2", 0],
            steps=steps,
            preview=False,
            seed=["1", 0],
        ),
        "5": node("SaveImage", images=["4", 0], filename_prefix="slow"),
    }


def show(kind: str, **inputs: object) -> Graph:
    """Show the value of an external input as text."""
    return {
        "1": external(kind, "value", **inputs),
        "2": node("PreviewAny", source=["1", 0]),
    }


def load(kind: str = "Image", **inputs: object) -> Graph:
    """Save the image that an external input brought."""
    return {
        "1": external(kind, "picture", **inputs),
        "2": node("SaveImage", images=["1", 0], filename_prefix="loaded"),
    }
