"""Checks of the settings for people who sign in with a browser."""

from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from infra.settings.invalid import SettingsInvalid

PUBLIC_URL = "COMFYD_PUBLIC_URL"
CLIENT_ID, CLIENT_SECRET = "AUTH_CLIENT_ID", "AUTH_CLIENT_SECRET"


def check_public_url(env: Mapping[str, str], name: str = PUBLIC_URL) -> None:
    """Check the address under which browsers find the pages, or machines the API.

    Raises:
        SettingsInvalid: it is none.

    """
    if not (text := env.get(name, "")):
        return
    address = _split(text)
    good = address is not None and address.scheme in {"http", "https"} and address.hostname
    extra = address is not None and (address.username or address.query or address.fragment)
    if not good or extra or text.split() != [text]:
        raise SettingsInvalid(name, "no_public_url")


def check_client(env: Mapping[str, str]) -> None:
    """Check that a client of the identity provider has its provider, and a secret its client.

    Raises:
        SettingsInvalid: one is missing.

    """
    if env.get(CLIENT_SECRET) and not env.get(CLIENT_ID):
        raise SettingsInvalid(CLIENT_ID, "client_missing")
    if env.get(CLIENT_ID) and not env.get("AUTH_ISSUER"):
        raise SettingsInvalid("AUTH_ISSUER", "issuer_missing")


def _split(text: str) -> SplitResult | None:
    try:
        address = urlsplit(text)
        _ = address.port  # raises for what is no port
    except ValueError:
        return None
    return address
