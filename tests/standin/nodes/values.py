"""What flows along the links of a graph."""

from msgspec import Struct
from PIL import Image


class Pictures(Struct, frozen=True):
    """IMAGE: a batch of pictures of one size."""

    frames: tuple[Image.Image, ...]


class Mask(Struct, frozen=True):
    """MASK: grey pictures, white where something is masked."""

    frames: tuple[Image.Image, ...]


class Latent(Struct, frozen=True, kw_only=True):
    """LATENT: what the decoder will draw."""

    width: int
    """Pixels of the decoded picture."""

    height: int
    batch: int
    text: str = ""
    seed: int = 0


class Weights(Struct, frozen=True):
    """MODEL, CLIP or VAE: nothing but the name of the file."""

    name: str


class Conditioning(Struct, frozen=True):
    """CONDITIONING: the words themselves."""

    text: str


class Audio(Struct, frozen=True, kw_only=True):
    """AUDIO: silence."""

    seconds: float
    rate: int
    """Samples per second."""

    channels: int


class Video(Struct, frozen=True, kw_only=True):
    """VIDEO: pictures one after the other."""

    pictures: Pictures
    fps: float


class Mesh(Struct, frozen=True):
    """MESH: a triangle, as the bytes of a GLB file."""

    glb: bytes
