"""Settings: read once from the environment, checked before anything starts."""

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from infra.sealing import BadSealKey, Sealer
from infra.settings.invalid import SettingsInvalid, must_be
from infra.settings.secret import placeholders_in
from infra.settings.sign_in import check_client, check_public_url
from infra.settings.spaces import check_bucket, check_endpoint, check_public_address

PREFIX = "COMFYD_"
OWN_PREFIXES = (PREFIX, "SPACES_", "AUTH_")
"""What names of settings begin with; any other name under them is a mistake."""

ANY_AUDIENCE = "*"
"""As the audience: tokens of the identity provider count whatever their audience is."""

SEAL_KEYS = "COMFYD_SEAL_KEYS"
CALLBACK_URL = "COMFYD_CALLBACK_URL"
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})


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

    files_url: str = ""
    """Where comfyd itself serves outputs, which is then their public URL; empty: it does not."""

    files_secret: str = ""
    """Signs the addresses of outputs there."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a process of comfyd needs to know."""

    nats_url: str
    postgres_url: str
    jwt_secret: str
    spaces: Spaces

    seal_keys: str
    """Keys that seal machines' tokens, with commas: the first seals, all of them open."""

    auth_jwks_url: str = ""
    """Where the identity provider publishes its public keys; empty: only our own tokens count."""

    auth_issuer: str = ""
    """The identity provider, as its tokens name it in `iss`."""

    auth_audience: str = ""
    """The audience that its tokens must have (`aud`); `*`: any."""

    auth_client_id: str = ""
    """As what the identity provider knows us, for people who sign in with a browser."""

    auth_client_secret: str = ""
    """The secret of that client; empty: it is a public one, which PKCE protects alone."""

    public_url: str = ""
    """Where browsers find the pages, if not where this process listens."""

    callback_url: str = ""
    """Where machines with the driver comfyui-deploy find this API, if not at public_url."""

    host: str = "127.0.0.1"
    port: int = 3000
    data: str = ".comfyd"

    plugin_port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 0
    """A second port of this computer for the API, where comfyui-deploy's plugin in its local mode
    finds it; 0: none."""

    internal_host: str = "127.0.0.1"
    """Where the process answers probes of its health and scrapes of its metrics."""

    internal_port: Annotated[int, msgspec.Meta(ge=0, le=65_533)] = 0
    """The port for them; 0: none. `comfyd up` takes the next two for its other processes."""

    replicas: Literal[0, 1, 3, 5] = 0
    """Copies of each stream, for `comfyd migrate`; 0: as many as there are, 1 where none are."""

    run_timeout: float = 3600.0
    """Longest time one attempt may take once the machine has begun with it, in seconds."""

    queue_timeout: float = 86_400.0
    """Longest wait behind other people's prompts in a machine's own queue, in seconds."""

    machine_wait: float = 600.0
    """How long a run waits for a machine that does not answer, in seconds."""

    silence: float = 5.0
    """Seconds without a word from a machine before we ask it."""

    output_bytes: Annotated[int, msgspec.Meta(ge=1)] = 5 * 1024**3
    """Largest output of a run, in bytes."""

    output_timeout: Annotated[float, msgspec.Meta(gt=0)] = 1800.0
    """Longest time for fetching one output from its machine, in seconds."""

    output_speed: Annotated[float, msgspec.Meta(ge=0)] = 16 * 1024
    """Least speed of an output on its way from its machine, in bytes a second; 0: no limit."""

    observe_every: float = 300.0
    """Seconds between looks at what a machine can do."""

    allow_private_machines: bool = False
    """Whether machines may be in private networks."""

    serve_files: bool = False
    """Whether outputs are served under /files, and their public URLs lead there."""

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

    rate_limit: Annotated[int, msgspec.Meta(ge=0)] = 6000
    """Requests a minute of one key or token, over all API processes; 0: no limit."""

    address_limit: Annotated[int, msgspec.Meta(ge=0)] = 12_000
    """Requests a minute from one address, over all API processes; 0: no limit."""

    runs_in_flight: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Runs of one tenant that may be open at the same time; 0: no limit."""

    runs_per_day: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Runs one tenant may make on one day (UTC); 0: no limit."""

    keep_data_days: Annotated[float, msgspec.Meta(ge=0, le=36_500)] = 0.0
    """Days after its end for which a run keeps its inputs and outputs; 0: for ever."""

    trusted_proxies: str = ""
    """Addresses and networks, with commas, whose X-Forwarded-For and X-Forwarded-Proto count."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"


def callback_url(settings: Settings) -> str:
    """Return where machines find this API; empty: no setting names it."""
    return (settings.callback_url or settings.public_url).rstrip("/")


_SPACES = {
    f"SPACES_{name.upper()}": name
    for name in Spaces.__struct_fields__
    if name not in {"files_url", "files_secret"}
}
_PLAIN = {"NATS_URL": "nats_url", "POSTGRES_URL": "postgres_url", "JWT_SECRET": "jwt_secret"}
_AUTH = {name.upper(): name for name in ("auth_jwks_url", "auth_issuer", "auth_audience")}
_CLIENT = {name.upper(): name for name in ("auth_client_id", "auth_client_secret")}
_OWN = {
    PREFIX + name.upper(): name
    for name in Settings.__struct_fields__
    if name not in {"spaces", *_PLAIN.values(), *_AUTH.values(), *_CLIENT.values()}
}
CLIENTS = frozenset({"COMFYD_URL", "COMFYD_KEY"})
"""What the command line's clients read; no business of a server's, and no mistake either."""

SETTING_NAMES = frozenset(_SPACES | _PLAIN | _AUTH | _CLIENT | _OWN)


def settings_from(env: Mapping[str, str]) -> Settings:
    """Read the settings from *env*.

    Raises:
        SettingsInvalid: a variable is missing, misspelt or has a wrong value; the message names it.

    """
    known = SETTING_NAMES | CLIENTS
    unknown = sorted(n for n in env if n.startswith(OWN_PREFIXES) and n not in known)
    if unknown:
        known_names = ", ".join(sorted(SETTING_NAMES))
        raise SettingsInvalid(", ".join(unknown), "unknown", known=known_names)
    plain = _PLAIN | _AUTH | _CLIENT | _OWN
    values: dict[str, object] = {field: env[name] for name, field in plain.items() if env.get(name)}
    spaces = {field: env[name] for name, field in _SPACES.items() if env.get(name)}
    spaces.setdefault("endpoint_cdn", spaces.get("endpoint", ""))
    _require(env)
    settings = _convert(values, spaces)
    _check_spaces(settings.spaces)
    return settings


def _require(env: Mapping[str, str]) -> None:
    required = [*_PLAIN, *(f"SPACES_{n}" for n in ("ENDPOINT", "BUCKET", "KEY", "SECRET"))]
    required.append(SEAL_KEYS)
    missing = [name for name in required if not env.get(name)]
    if missing:
        raise SettingsInvalid(", ".join(missing), "missing")
    if len(env["JWT_SECRET"]) < 32:  # noqa: PLR2004 -- RFC 7518 §3.2: HS256 wants 256 bits
        raise SettingsInvalid("JWT_SECRET", "short_secret")
    if known := placeholders_in(env):
        raise SettingsInvalid(", ".join(known), "placeholder")
    _check_proxies(env.get(f"{PREFIX}TRUSTED_PROXIES", ""))
    _check_provider(env)
    check_client(env)
    check_public_url(env)
    check_public_url(env, CALLBACK_URL)
    try:
        Sealer(env[SEAL_KEYS])
    except BadSealKey as error:
        params = {"place": str(error.place)} if error.place else {}
        code = "bad_seal_key" if error.place else "no_seal_key"
        raise SettingsInvalid(SEAL_KEYS, code, **params) from error


def _check_proxies(proxies: str) -> None:
    for proxy in filter(None, proxies.split(",")):
        try:
            ip_network(proxy.strip())
        except ValueError as error:
            name = f"{PREFIX}TRUSTED_PROXIES"
            raise SettingsInvalid(name, "no_network", value=proxy.strip()) from error


def _check_provider(env: Mapping[str, str]) -> None:
    """Keys that came over an open network, or from no known provider, prove nothing."""
    missing = [name for name in _AUTH if not env.get(name)]
    if len(missing) == len(_AUTH):
        return
    if missing:
        raise SettingsInvalid(", ".join(missing), "provider_incomplete", all=", ".join(_AUTH))
    try:
        address = urlsplit(env["AUTH_JWKS_URL"])
        host = address.hostname
    except ValueError as error:
        raise SettingsInvalid("AUTH_JWKS_URL", "unsafe_keys") from error
    safe = address.scheme == "https" or (address.scheme == "http" and host in LOOPBACK_HOSTS)
    if not host or not safe:
        raise SettingsInvalid("AUTH_JWKS_URL", "unsafe_keys")


def _check_spaces(spaces: Spaces) -> None:
    check_bucket(spaces.bucket)
    check_endpoint(spaces.endpoint, spaces.bucket)
    check_public_address(
        spaces.endpoint_cdn,
        spaces.bucket,
        without_bucket=spaces.cdn_dont_include_bucket,
        in_path=spaces.cdn_force_path_style,
    )


def _convert(values: Mapping[str, object], spaces: Mapping[str, object]) -> Settings:
    section = {n: _converted(n, value, Spaces, _SPACES) for n, value in spaces.items()}
    own = {
        n: _converted(n, value, Settings, _PLAIN | _AUTH | _CLIENT | _OWN)
        for n, value in values.items()
    }
    return msgspec.convert(own | {"spaces": section}, Settings)


def _converted(field: str, value: object, of: type, variables: Mapping[str, str]) -> object:
    """Read one value as its field wants it; if it is none, say what the variable must be."""
    wanted = {f.name: f.type for f in msgspec.structs.fields(of)}[field]
    try:
        return msgspec.convert(value, wanted, strict=False)
    except msgspec.ValidationError as error:
        (name,) = (name for name, its in variables.items() if its == field)
        code, params = must_be(wanted)
        raise SettingsInvalid(name, code, **params) from error
