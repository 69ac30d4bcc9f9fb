"""Films made on the spot, for tests."""

import struct
from io import BytesIO
from typing import cast

import av
from PIL import Image

from tests.standin.nodes.mp4 import motion_jpeg

_UPRIGHT = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_QUARTER = struct.pack(">9I", 0, 0x10000, 0, 0xFFFF0000, 0, 0, 0, 0, 0x40000000)


def film(container: str, codec: str, *frames: Image.Image) -> bytes:
    """Make a film of *frames*, which have one size."""
    buffer = BytesIO()
    with av.open(buffer, "w", format=container) as output:
        stream = cast("av.VideoStream", output.add_stream(codec, rate=8))
        stream.width, stream.height = frames[0].size
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            shown = av.VideoFrame.from_image(frame)  # type: ignore[no-untyped-call]  # PyAV leaves it so
            output.mux(stream.encode(shown))
        output.mux(stream.encode())
    return buffer.getvalue()


def turned_film(frame: Image.Image) -> bytes:
    """Make a film that says that it was taken with a telephone held upright."""
    before, _, after = motion_jpeg([frame], 8).rpartition(_UPRIGHT)
    return before + _QUARTER + after


def sound() -> bytes:
    """Make a film without a picture."""
    buffer = BytesIO()
    with av.open(buffer, "w", format="mp4") as output:
        stream = output.add_stream("aac", rate=44100)
        frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        frame.sample_rate = 44100
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return buffer.getvalue()
