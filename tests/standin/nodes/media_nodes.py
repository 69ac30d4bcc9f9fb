"""The classes for what is no still picture: animations, audio, video and meshes."""

import asyncio
import wave

from tests.standin.nodes.glb import triangle
from tests.standin.nodes.mp4 import motion_jpeg
from tests.standin.nodes.node import (
    SAVED_WITH,
    Call,
    NodeClass,
    Result,
    choice,
    decimal,
    integer,
    link,
    saved_entry,
    string,
)
from tests.standin.nodes.values import Audio, Mesh, Pictures, Video


async def _save_webp(call: Call) -> Result:
    first, *others = call.get("images", Pictures).frames
    place = call.folders.save_path(call.get("filename_prefix", str))
    name = place.name(0, "webp")
    await asyncio.to_thread(
        first.save,
        place.folder / name,
        save_all=True,
        append_images=others,
        duration=int(1000 / call.get("fps", float)),
        lossless=call.get("lossless", bool),
        quality=call.get("quality", int),
    )
    entry = saved_entry(name, place.subfolder)
    return Result(shown={"images": [entry], "animated": [bool(others)]})


async def _empty_audio(call: Call) -> Result:
    seconds, rate = call.get("duration", float), call.get("sample_rate", int)
    return Result(values=(Audio(seconds=seconds, rate=rate, channels=call.get("channels", int)),))


async def _save_audio(call: Call) -> Result:
    audio = call.get("audio", Audio)
    place = call.folders.save_path(call.get("filename_prefix", str))
    name = place.name(0, "wav")
    with wave.open(str(place.folder / name), "wb") as file:
        file.setnchannels(audio.channels)
        file.setsampwidth(2)
        file.setframerate(audio.rate)
        file.writeframes(bytes(int(audio.seconds * audio.rate) * audio.channels * 2))
    return Result(shown={"audio": [saved_entry(name, place.subfolder)]})


async def _create_video(call: Call) -> Result:
    video = Video(pictures=call.get("images", Pictures), fps=call.get("fps", float))
    return Result(values=(video,))


async def _save_video(call: Call) -> Result:
    video = call.get("video", Video)
    place = call.folders.save_path(call.get("filename_prefix", str))
    name = place.name(0, "mp4")
    content = await asyncio.to_thread(motion_jpeg, video.pictures.frames, video.fps)
    (place.folder / name).write_bytes(content)
    return Result(shown={"images": [saved_entry(name, place.subfolder)], "animated": [True]})


async def _mesh(_call: Call) -> Result:
    return Result(values=(Mesh(triangle()),))


async def _save_glb(call: Call) -> Result:
    place = call.folders.save_path(call.get("filename_prefix", str))
    name = place.name(0, "glb")
    (place.folder / name).write_bytes(call.get("mesh", Mesh).glb)
    return Result(shown={"3d": [saved_entry(name, place.subfolder)]})


CLASSES = (
    NodeClass(
        name="SaveAnimatedWEBP",
        run=_save_webp,
        title="Save Animated WEBP",
        category="image",
        inputs={
            "images": link("IMAGE"),
            "filename_prefix": string("ComfyUI", multiline=False),
            "fps": decimal(6.0, 0.01, 1000.0),
            "lossless": ["BOOLEAN", {"default": True}],
            "quality": integer(80, 0, 100),
            "method": choice("default", "fastest", "slowest"),
        },
        saves=True,
        hidden=SAVED_WITH,
    ),
    NodeClass(
        name="EmptyAudio",
        run=_empty_audio,
        title="Empty Audio",
        category="audio",
        inputs={
            "duration": decimal(60.0, 0.0, 3600.0),
            "sample_rate": integer(44100, 1, 192000),
            "channels": integer(2, 1, 2),
        },
        outputs=("AUDIO",),
    ),
    NodeClass(
        name="SaveAudio",
        run=_save_audio,
        title="Save Audio",
        category="audio",
        inputs={
            "audio": link("AUDIO"),
            "filename_prefix": string("audio/ComfyUI", multiline=False),
        },
        saves=True,
        hidden=SAVED_WITH,
    ),
    NodeClass(
        name="CreateVideo",
        run=_create_video,
        title="Create Video",
        category="video",
        inputs={"images": link("IMAGE"), "fps": decimal(30.0, 1.0, 120.0, 1.0)},
        outputs=("VIDEO",),
    ),
    NodeClass(
        name="SaveVideo",
        run=_save_video,
        title="Save Video",
        category="video",
        inputs={
            "video": link("VIDEO"),
            "filename_prefix": string("video/ComfyUI", multiline=False),
            "format": choice("auto", "mp4"),
            "codec": choice("auto", "h264"),
        },
        saves=True,
        hidden=SAVED_WITH,
    ),
    NodeClass(
        name="StandinMesh",
        run=_mesh,
        title="Triangle",
        category="standin",
        inputs={"seed": integer(0, 0, 2**63 - 1)},
        outputs=("MESH",),
    ),
    NodeClass(
        name="SaveGLB",
        run=_save_glb,
        title="Save 3D Model",
        category="3d",
        inputs={
            "mesh": link("MESH"),
            "filename_prefix": string("3d/ComfyUI", multiline=False),
        },
        saves=True,
        hidden=SAVED_WITH,
    ),
)
