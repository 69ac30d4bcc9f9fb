"""A small stand-in for ComfyUI 0.33: same HTTP and WebSocket behaviour, drawn pictures, no models.

`comfyd up` starts one where there is no real ComfyUI, and the tests talk to it:
`python -m infra.embedded.standin --help`, or `async with serve(directory) as server`.
"""

from infra.embedded.standin.server import Server, serve
from infra.embedded.standin.switches import Switches

__all__ = ["Server", "Switches", "serve"]
