"""Settings: read once from the environment, checked before anything starts."""

from collections.abc import Mapping
from typing import Literal

import msgspec

PREFIX = "COMFYD_"


class SettingsInvalid(Exception):
    """A setting is missing or wrong."""


class Spaces(msgspec.Struct, frozen=True, kw_only=True):
    """Object storage: Cloudflare R2, DigitalOcean Spaces or any S3."""

    endpoint: str
    """Where the API of the storage answers."""

    endpoint_cdn: str
    """Where people fetch files: the base of every public URL."""

    bucket: str
    key: str
    secret: str
    region: str = "auto"
    cdn_dont_include_bucket: bool = False
    """Public URLs have no bucket in them (R2)."""

    cdn_force_path_style: bool = True
    """Public URLs carry the bucket as a path (S3, local); if not, as a subdomain (DigitalOcean)."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a process of comfyd needs to know."""

    nats_url: str
    postgres_url: str
    jwt_secret: str
    spaces: Spaces

    host: str = "127.0.0.1"
    port: int = 3000
    data: str = ".comfyd"

    run_timeout: float = 3600.0
    """Longest time one attempt may take on a machine, in seconds."""

    machine_wait: float = 600.0
    """How long a run waits for a machine that does not answer, in seconds."""

    silence: float = 5.0
    """Seconds without a word from a machine before we ask it."""

    body_limit: int = 64 * 1024 * 1024
    """Largest request body, in bytes."""

    image_bytes: int = 20 * 1024 * 1024
    """Largest input image, in bytes."""

    image_pixels: int = 50_000_000
    """Largest input image, in pixels over all frames."""

    fetch_timeout: float = 20.0
    """Longest time for fetching an input image by URL, in seconds."""

    allow_private_urls: bool = False
    """Whether input URLs may point into private networks. Only for closed test setups."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"


_SPACES = {f"SPACES_{name.upper()}": name for name in Spaces.__struct_fields__}
_PLAIN = {"NATS_URL": "nats_url", "POSTGRES_URL": "postgres_url", "JWT_SECRET": "jwt_secret"}
_OWN = {
    PREFIX + name.upper(): name
    for name in Settings.__struct_fields__
    if name not in {"spaces", *_PLAIN.values()}
}
SETTING_NAMES = frozenset(_SPACES) | frozenset(_PLAIN) | frozenset(_OWN)


def settings_from(env: Mapping[str, str]) -> Settings:
    """Read the settings from *env*.

    Raises:
        SettingsInvalid: a variable is missing, misspelt or has a wrong value; the message names it.

    """
    unknown = sorted(n for n in env if n.startswith(PREFIX) and n not in _OWN)
    if unknown:
        raise SettingsInvalid(
            f"{', '.join(unknown)}: no such setting. Known: {', '.join(sorted(SETTING_NAMES))}"
        )
    values: dict[str, object] = {f: env[n] for n, f in (_PLAIN | _OWN).items() if env.get(n)}
    spaces = {field: env[name] for name, field in _SPACES.items() if env.get(name)}
    spaces.setdefault("endpoint_cdn", spaces.get("endpoint", ""))
    _require(env)
    return _convert(values, spaces)


def _require(env: Mapping[str, str]) -> None:
    required = [*_PLAIN, *(f"SPACES_{n}" for n in ("ENDPOINT", "BUCKET", "KEY", "SECRET"))]
    missing = [name for name in required if not env.get(name)]
    if missing:
        raise SettingsInvalid(f"{', '.join(missing)}: must be set (`comfyd up` sets them itself)")
    if len(env["JWT_SECRET"]) < 32:  # noqa: PLR2004 -- RFC 7518 §3.2: HS256 wants 256 bits
        raise SettingsInvalid("JWT_SECRET: must have at least 32 characters")


def _convert(values: dict[str, object], spaces: Mapping[str, object]) -> Settings:
    try:
        section = msgspec.convert(spaces, Spaces, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsInvalid(_named(str(error), _SPACES)) from error
    try:
        return msgspec.convert(values | {"spaces": section}, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsInvalid(_named(str(error), _PLAIN | _OWN)) from error


def _named(problem: str, variables: Mapping[str, str]) -> str:
    """Name the variable instead of the field: `$.port` becomes COMFYD_PORT."""
    for name, field in variables.items():
        if f"$.{field}`" in problem:
            return f"{name}: {problem.split(' - at ', maxsplit=1)[0]}"
    return problem
