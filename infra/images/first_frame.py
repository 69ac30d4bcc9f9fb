"""The first frame of a film, decoded by FFmpeg (PyAV); used in a process that may crash."""

from io import BytesIO

import av
from PIL import Image

_CONTAINERS = {4: (b"ftyp", "mov"), 0: (b"\x1aE\xdf\xa3", "matroska")}
"""FFmpeg's names of containers by what stands at a place of the file: MP4 and MOV, WebM and MKV."""


class NoFrame(Exception):
    """There is no picture in the film, or it is of no kind that is decoded."""


def first_frame(data: bytes, *, max_pixels: int) -> Image.Image:
    """Return the first picture of a film.

    The container is named, never guessed: FFmpeg would take a playlist for a film, and open what
    it names, on this computer and elsewhere.

    Raises:
        NoFrame: there is none, or it has more than *max_pixels*.
        av.FFmpegError: it cannot be decoded.

    """
    with av.open(BytesIO(data), "r", format=_container_of(data)) as film:
        if not film.streams.video:
            raise NoFrame("the file has no video")
        codec = film.streams.video[0].codec_context
        if codec.width * codec.height > max_pixels:
            raise NoFrame(f"{codec.width}x{codec.height}, {max_pixels} pixels at most")
        codec.thread_count = 1  # Each thread keeps pictures of its own.
        for frame in film.decode(video=0):
            image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]  # PyAV leaves it so
            return image.rotate(frame.rotation, expand=True)
    raise NoFrame("the film has no picture")


def _container_of(data: bytes) -> str:
    for place, (magic, container) in _CONTAINERS.items():
        if data.startswith(magic, place):
            return container
    raise NoFrame("neither an image nor a film that is decoded")
