"""The text-to-image classes: they pass words and seed along, and draw them at the end."""

import asyncio

from tests.standin.nodes.node import (
    Call,
    NodeClass,
    Result,
    choice,
    decimal,
    integer,
    link,
)
from tests.standin.nodes.picture import drawn
from tests.standin.nodes.values import Conditioning, Latent, Pictures, Weights

CHECKPOINT = "standin.safetensors"
LORA = "standin-lora.safetensors"
_PREVIEW_PIXELS = 128
_SAMPLERS = (
    "euler",
    "euler_ancestral",
    "heun",
    "dpm_2",
    "dpmpp_2m",
    "dpmpp_sde",
    "lcm",
    "ddim",
    "uni_pc",
)
_SCHEDULERS = ("simple", "sgm_uniform", "karras", "exponential", "ddim_uniform", "beta", "normal")


async def _load_checkpoint(call: Call) -> Result:
    weights = Weights(call.get("ckpt_name", str))
    return Result(values=(weights, weights, weights))


async def _load_lora(call: Call) -> Result:
    return Result(values=(call.get("model", Weights), call.get("clip", Weights)))


async def _encode(call: Call) -> Result:
    return Result(values=(Conditioning(call.get("text", str)),))


async def _empty_latent(call: Call) -> Result:
    width, height = call.get("width", int), call.get("height", int)
    latent = Latent(width=width, height=height, batch=call.get("batch_size", int))
    return Result(values=(latent,))


async def _sample(call: Call) -> Result:
    latent = call.get("latent_image", Latent)
    text, seed = call.get("positive", Conditioning).text, call.get("seed", int)
    steps = call.get("steps", int)
    preview = drawn(text, seed, _PREVIEW_PIXELS, _PREVIEW_PIXELS) if call.previews else None
    for step in range(1, steps + 1):
        await call.step(step, steps, preview=preview)
    sampled = Latent(
        width=latent.width, height=latent.height, batch=latent.batch, text=text, seed=seed
    )
    return Result(values=(sampled,))


async def _decode(call: Call) -> Result:
    latent = call.get("samples", Latent)
    frames = [
        await asyncio.to_thread(
            drawn, latent.text, latent.seed + index, latent.width, latent.height
        )
        for index in range(latent.batch)
    ]
    return Result(values=(Pictures(tuple(frames)),))


_PIXELS = integer(512, 16, 16384, step=8)

CLASSES = (
    NodeClass(
        name="CheckpointLoaderSimple",
        run=_load_checkpoint,
        title="Load Checkpoint",
        category="model/loaders",
        inputs={"ckpt_name": choice(CHECKPOINT)},
        outputs=("MODEL", "CLIP", "VAE"),
    ),
    NodeClass(
        name="LoraLoader",
        run=_load_lora,
        title="Load LoRA (Model and CLIP)",
        category="model/loaders",
        inputs={
            "model": link("MODEL"),
            "clip": link("CLIP"),
            "lora_name": choice(LORA),
            "strength_model": decimal(1.0, -100.0, 100.0),
            "strength_clip": decimal(1.0, -100.0, 100.0),
        },
        outputs=("MODEL", "CLIP"),
    ),
    NodeClass(
        name="CLIPTextEncode",
        run=_encode,
        title="CLIP Text Encode (Prompt)",
        category="model/conditioning",
        inputs={
            "text": ["STRING", {"multiline": True, "dynamicPrompts": True}],
            "clip": link("CLIP"),
        },
        outputs=("CONDITIONING",),
    ),
    NodeClass(
        name="EmptyLatentImage",
        run=_empty_latent,
        title="Empty Latent Image",
        category="model/latent",
        inputs={"width": _PIXELS, "height": _PIXELS, "batch_size": integer(1, 1, 4096)},
        outputs=("LATENT",),
    ),
    NodeClass(
        name="KSampler",
        run=_sample,
        title="KSampler",
        category="model/sampling",
        inputs={
            "model": link("MODEL"),
            "seed": integer(0, 0, 2**64 - 1, control_after_generate=True),
            "steps": integer(20, 1, 10000),
            "cfg": decimal(8.0, 0.0, 100.0, 0.1),
            "sampler_name": choice(*_SAMPLERS),
            "scheduler": choice(*_SCHEDULERS),
            "positive": link("CONDITIONING"),
            "negative": link("CONDITIONING"),
            "latent_image": link("LATENT"),
            "denoise": decimal(1.0, 0.0, 1.0),
        },
        outputs=("LATENT",),
    ),
    NodeClass(
        name="VAEDecode",
        run=_decode,
        title="VAE Decode",
        category="model/latent",
        inputs={"samples": link("LATENT"), "vae": link("VAE")},
        outputs=("IMAGE",),
    ),
)
