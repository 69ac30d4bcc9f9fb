"""Decodes an image in a process of its own: `python -m infra.images.process BYTES PIXELS`.

Some decoders keep the interpreter for themselves until a picture is done, half a second for a large
WebP. In a process they hold up nothing else, can be ended, and take nothing along when they crash.
"""

import asyncio
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from infra.images.accepted import ImageFacts, ImageProblem, ImageRefused, damaged, inspect_image_now

WITHIN = 30.0
"""Seconds; 50 million pixels take one or two."""

_INHERITED = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "SYSTEMROOT")
"""No secret of ours is within reach of a decoder that a picture has taken over."""

_THREADS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="image")
"""Two at a time: one image may take 4 bytes of memory for each of its pixels."""


class _Refusal(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    code: ImageProblem
    message: str
    params: dict[str, str]


class _Facts(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    facts: ImageFacts


_decode = msgspec.json.Decoder(_Refusal | _Facts).decode


def inherited_environment() -> dict[str, str]:
    """Return what a process that decodes may know of this one's environment."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}


async def inspect_in_process(data: bytes, *, max_bytes: int, max_pixels: int) -> ImageFacts:
    """Return what an image is, as `inspect_image_now` does; refuse what takes too long."""
    argv = [sys.executable, "-m", __name__, str(max_bytes), str(max_pixels)]
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _run, argv, data)


def _run(argv: list[str], data: bytes) -> ImageFacts:
    env = inherited_environment()
    try:
        ended = subprocess.run(  # noqa: S603 -- ourselves
            argv, input=data, capture_output=True, env=env, timeout=WITHIN, check=False
        )
    except subprocess.TimeoutExpired as error:
        message = f"the image takes longer than {WITHIN:g} s to decode"
        raise ImageRefused(ImageProblem.TOO_SLOW, message, limit=f"{WITHIN:g}") from error
    return _answer(ended.stdout)


def _answer(said: bytes) -> ImageFacts:
    if not said:  # the decoder crashed
        raise damaged()
    answer: _Refusal | _Facts = _decode(said)
    if isinstance(answer, _Refusal):
        raise ImageRefused(answer.code, answer.message, **answer.params)
    return answer.facts


def _inspect(data: bytes, limits: list[str]) -> Any:
    max_bytes, max_pixels = map(int, limits)
    try:
        return _Facts(facts=inspect_image_now(data, max_bytes=max_bytes, max_pixels=max_pixels))
    except ImageRefused as refused:
        return _Refusal(code=refused.code, message=str(refused), params=refused.params)


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(_inspect(sys.stdin.buffer.read(), sys.argv[1:])))
