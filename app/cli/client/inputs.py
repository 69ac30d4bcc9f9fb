"""Inputs of a run as they are typed: name=text, name=@picture.png, name:=3."""

import base64
import json
import mimetypes
from pathlib import Path
from typing import Any

import click
import msgspec

from app.cli.errors import CommandError, reason_of


def read_inputs(pairs: tuple[str, ...], file: str | None) -> dict[str, Any]:
    """Read inputs from a JSON *file* (- for stdin) and from *pairs*, which win.

    Raises:
        CommandError: one cannot be read; the words name it.

    """
    inputs = read_object(file) if file else {}
    for pair in pairs:
        name, value = _pair(pair)
        inputs[name] = value
    return inputs


def read_object(file: str) -> dict[str, Any]:
    """Read a JSON object from a file, - for stdin.

    Raises:
        CommandError: there is no such file, or it holds something else.

    """
    try:
        return msgspec.json.decode(as_text(read_bytes(file)), type=dict[str, Any])
    except ValueError as error:
        raise CommandError("cli.no_json", file=file, reason=reason_of(error)) from error


def read_objects(file: str) -> list[dict[str, Any]]:
    """Read a JSON object from each line of a file, - for stdin.

    Raises:
        CommandError: there is no such file, or a line holds something else.

    """
    try:
        return msgspec.json.Decoder(dict[str, Any]).decode_lines(as_text(read_bytes(file)))
    except ValueError as error:
        raise CommandError("cli.no_json", file=file, reason=reason_of(error)) from error


def as_text(data: bytes) -> str:
    """Read JSON's bytes in the encoding that they are in, with a byte order mark or without.

    Raises:
        ValueError: they are in none.

    """
    return data.decode(json.detect_encoding(data))


def read_bytes(file: str) -> bytes:
    """Read a file, - for stdin.

    Raises:
        CommandError: there is no such file.

    """
    try:
        with click.open_file(file, "rb") as stream:
            data: bytes = stream.read()
    except OSError as error:
        raise CommandError("cli.no_file", file=file, reason=reason_of(error)) from error
    return data


def _pair(pair: str) -> tuple[str, Any]:
    name, equals, value = pair.partition("=")
    if not equals or not name.strip(":"):
        raise CommandError("cli.bad_input", text=pair)
    if name.endswith(":"):
        return name[:-1], _json(name[:-1], value)
    if value.startswith("@"):
        return name, _data_url(value[1:])
    return name, value


def _json(name: str, text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise CommandError("cli.no_json", file=name, reason=reason_of(error)) from error


def _data_url(file: str) -> str:
    try:
        data = Path(file).read_bytes()
    except OSError as error:
        raise CommandError("cli.no_file", file=file, reason=reason_of(error)) from error
    media_type = mimetypes.guess_type(file)[0] or "application/octet-stream"
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"
