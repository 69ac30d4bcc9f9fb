"""Output nodes whose pictures come over a WebSocket only, and the node that saves them instead.

Such a picture is in no history: if nobody listens in that moment it is gone, and must be rendered
again. A saved one is fetched whenever a worker gets to it.
"""

from collections.abc import Mapping
from typing import Any

WEBSOCKET_ONLY = {
    "SaveImageWebsocket": "images",
    "ETN_SendImageWebSocket": "images",
    "ComfyDeployWebscoketImageOutput": "images",
}
"""Class, as its pack spells it, to the input that takes the pictures."""


def saved_instead(class_type: str, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return class and inputs of the stock node that saves what the node would only send."""
    source = WEBSOCKET_ONLY.get(class_type)
    if source is None:
        return class_type, dict(inputs)
    images = {"images": inputs[source]} if source in inputs else {}
    return "SaveImage", {**images, "filename_prefix": "ComfyUI"}
