"""Which settings are secret: logs hide them, and those that are publicly known are refused."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote, urlsplit

_WHOLE = ("JWT_SECRET", "SPACES_SECRET", "AUTH_CLIENT_SECRET")
_LISTS = ("COMFYD_SEAL_KEYS",)
_HEADERS = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
_IN_URLS = ("NATS_URL", "POSTGRES_URL")

_PLACEHOLDER = re.compile(
    r"change[-_ ]?(me|this)|replace[-_ ]?(me|this)|placeholder|your[-_ ]|^<.*>$|^\.\.\.$"
    r"|^(password|passw0rd|admin|minioadmin|postgres|comfyd|test|default)$",
    re.IGNORECASE,
)


def secrets_in(env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Return every secret in *env* with the name of its variable; what is not set is left out."""
    for name in _WHOLE:
        yield name, env.get(name, "")
    for name in _LISTS:
        yield from ((name, part.strip()) for part in env.get(name, "").split(","))
    for name in _IN_URLS:
        for url in env.get(name, "").split(","):
            yield name, _password(url)


def secret_values(env: Mapping[str, str]) -> frozenset[str]:
    """Return the secrets themselves, as they are and as URLs hold them."""
    found = {secret for _, secret in secrets_in(env) if secret} | {*_in_headers(env)}
    return frozenset(found | {unquote(secret) for secret in found})


def _in_headers(env: Mapping[str, str]) -> Iterator[str]:
    """Return the values of the headers that a collector of traces is sent: NAME=VALUE,…"""
    for name in _HEADERS:
        for pair in env.get(name, "").split(","):
            if value := pair.partition("=")[2].strip():
                yield value


def placeholders_in(env: Mapping[str, str]) -> list[str]:
    """Name the variables whose secret is publicly known, from an example or a default."""
    known = {name for name, secret in secrets_in(env) if _PLACEHOLDER.search(unquote(secret))}
    return sorted(known)


def _password(url: str) -> str:
    """Return a URL's password, or the token that NATS takes in the place of the user."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return parts.password or (parts.username or "" if parts.scheme in {"nats", "tls"} else "")
