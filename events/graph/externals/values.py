"""What a client may send for each kind of input, and the value that becomes of it."""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterator
from math import isfinite
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from events.files import FileRef

TEXT_LIMIT = 200_000
"""Longest text, in characters."""

LONGEST_URL = 8192
"""Longest URL, in characters."""

_LONGEST_NUMBER = 500
"""Characters of a number or a boolean in a text; longer texts are not even looked through."""

_BASE64_PIECE = 256 * 1024
"""Characters decoded in one call, in whole groups of four: a call is never interrupted."""

INTEGER_RANGE = (-(2**63), 2**64 - 1)
"""The whole numbers that ComfyUI's nodes and JSON encoders can both carry."""


class ImageBytes(Struct, frozen=True, tag_field="kind", tag="image_bytes"):
    """An image that came with the request; never stored in this form."""

    data: bytes


class ImageUrl(Struct, frozen=True, tag_field="kind", tag="image_url"):
    """An image that is still to be fetched."""

    url: str


class ImageRef(Struct, frozen=True, kw_only=True, tag_field="kind", tag="image_ref"):
    """An image in object storage."""

    key: str
    sha256: str
    media_type: str
    width: int
    height: int

    @classmethod
    def of(cls, file: FileRef) -> "ImageRef":
        """Return the value that a stored image is; its size is known, since it was inspected."""
        assert file.width is not None
        assert file.height is not None
        return cls(
            key=file.key,
            sha256=file.sha256,
            media_type=file.media_type,
            width=file.width,
            height=file.height,
        )


class FileUrl(Struct, frozen=True, tag_field="kind", tag="file_url"):
    """A file that is still to be fetched, of any type."""

    url: str


class ModelUrl(Struct, frozen=True, kw_only=True, tag_field="kind", tag="model_url"):
    """A model that a node of the machine downloads itself."""

    url: str
    class_type: str
    """The class of that node, which only the comfyui-deploy plugin brings."""


Constant = str | int | float | bool
AnyUrl = ImageUrl | FileUrl | ModelUrl
StoredValue = Constant | AnyUrl | ImageRef
"""A value in the form in which it waits for its run."""

Value = StoredValue | ImageBytes
Images = tuple[ImageBytes | ImageUrl, ...]
"""The value of one input that takes several images."""

MOST_IMAGES = 100
"""Images of one input."""


class Unfit(Exception):
    """A value does not fit: the code of the problem, and what its message needs beside the name."""

    def __init__(self, code: str, **params: str) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_INTEGER = re.compile(r"[+-]?\d{1,100}", re.ASCII)
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_URL = re.compile(r"https?://", re.IGNORECASE)


def to_text(value: object) -> str:
    """Read a text; numbers and booleans are written out as JSON writes them.

    Raises:
        Unfit: it is something else, or too long.

    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        raise Unfit("input_not_text")
    if len(value) > TEXT_LIMIT:
        raise Unfit("input_too_long", limit=str(TEXT_LIMIT))
    return value


def to_number(value: object) -> float:
    """Read a finite number, also from a text.

    Raises:
        Unfit: it is no such number.

    """
    if isinstance(value, str) and _NUMBER.fullmatch(_short(value)):
        value = float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            raise Unfit("input_not_number") from None
        if isfinite(number):
            return number
    raise Unfit("input_not_number")


def to_integer(value: object) -> int:
    """Read a whole number, also from a text of digits or a float without a fraction.

    Raises:
        Unfit: it is no whole number, or larger than a machine can carry.

    """
    number = _whole(value)
    if number is None:
        raise Unfit("input_not_integer")
    low, high = INTEGER_RANGE
    if not low <= number <= high:
        raise Unfit("input_out_of_range", minimum=str(low), maximum=str(high))
    return number


def _whole(value: object) -> int | None:
    if isinstance(value, str) and _INTEGER.fullmatch(_short(value)):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def to_boolean(value: object) -> bool:
    """Read yes or no in any of the usual spellings.

    Raises:
        Unfit: it is none of them.

    """
    if isinstance(value, bool):
        return value
    word = _short(str(value)).lower() if isinstance(value, str | int) else ""
    if word not in _BOOLEANS:
        raise Unfit("input_not_boolean")
    return _BOOLEANS[word]


def _short(text: str) -> str:
    """Return what is between the spaces of a short text; nothing of a long one."""
    return text.strip() if len(text) <= _LONGEST_NUMBER else ""


def to_model(class_type: str) -> Callable[[object], str | ModelUrl]:
    """Return a reader of models: the name of an installed file, or a URL that the node downloads.

    *class_type* is the class of that node.
    """

    def read(value: object) -> str | ModelUrl:
        found = _name_or_url(value, otherwise="input_not_file_name")
        if isinstance(found, str):
            return found
        return ModelUrl(url=found.url, class_type=class_type)

    return read


def to_file(value: object) -> str | FileUrl:
    """Read a file: an http(s) URL, or the name of a file on the machine.

    Raises:
        Unfit: it is neither.

    """
    return _name_or_url(value, otherwise="input_not_file")


def _name_or_url(value: object, *, otherwise: str) -> str | FileUrl:
    if not isinstance(value, str) or not value.strip():
        raise Unfit(otherwise)
    if not _URL.match(value.strip()):
        return to_text(value)
    if len(value) > LONGEST_URL:
        raise Unfit("input_too_long", limit=str(LONGEST_URL))
    if not _is_web_url(value.strip()):
        raise Unfit(otherwise)
    return FileUrl(value.strip())


def to_images(value: object) -> Images:
    """Read several images: a list, or the JSON text of one.

    Raises:
        Unfit: it is neither, is empty or too long, or one of them is no image.

    """
    if isinstance(value, str):
        value = _listed(value)
    if not isinstance(value, list) or not value:
        raise Unfit("input_not_images")
    if len(value) > MOST_IMAGES:
        raise Unfit("input_too_many_images", limit=str(MOST_IMAGES))
    return tuple(to_image(one) for one in value)


def _listed(text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise Unfit("input_not_images") from None


def to_image(value: object) -> ImageBytes | ImageUrl:
    """Read an image: a data URI or an http(s) URL. The declared media type is not believed.

    Raises:
        Unfit: it is neither.

    """
    if not isinstance(value, str):
        raise Unfit("input_not_image")
    if value[:5].lower() == "data:":
        return ImageBytes(_decode_data_uri(value))
    if len(value) > LONGEST_URL:
        raise Unfit("input_too_long", limit=str(LONGEST_URL))
    if _is_web_url(value.strip()):
        return ImageUrl(value.strip())
    raise Unfit("input_not_image")


def _decode_data_uri(uri: str) -> bytes:
    comma = uri.find(",", 0, _LONGEST_NUMBER)
    declared = uri[: max(comma, 0)].lower()
    if not (declared.startswith("data:image/") and declared.endswith(";base64")):
        raise Unfit("input_not_image")
    try:
        data = b"".join(_decoded(uri, comma + 1))
    except (NotBase64, ValueError):  # ValueError: characters beyond ASCII
        raise Unfit("input_bad_base64") from None
    if not data:
        raise Unfit("input_bad_base64")
    return data


def _decoded(text: str, start: int) -> Iterator[bytes]:
    """Decode base64 from *start* on, piece by piece.

    Raises:
        NotBase64, ValueError: it is none, as if it were decoded in one.

    """
    for at in range(start, len(text), _BASE64_PIECE):
        piece = text[at : at + _BASE64_PIECE]
        if piece.endswith("=") and at + _BASE64_PIECE < len(text):
            raise NotBase64("padding before the end")
        yield b64decode(piece, validate=True)


def _is_web_url(text: str) -> bool:
    if not _URL.match(text) or re.search(r"\s", text):
        return False
    try:
        return bool(urlsplit(text).hostname)
    except ValueError:  # such as a broken IPv6 address
        return False
