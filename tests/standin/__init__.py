"""A stand-in for ComfyUI 0.33: same HTTP and WebSocket behaviour, faults on demand, no models.

Its answers are compared with recordings of real ones. `comfyd up` has a smaller machine of its own
(infra/embedded/demo).
`python -m tests.standin --help`, or `async with serve(directory) as server`.
"""

from tests.standin.server import Server, serve
from tests.standin.switches import Switches

__all__ = ["Server", "Switches", "serve"]
