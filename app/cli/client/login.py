"""Login: the server to use and the API key for it.

The first of these counts: the options, COMFYD_URL and COMFYD_KEY, what `comfyd login` saved, a
`comfyd up` on this machine.
"""

import os
from pathlib import Path

import msgspec
from msgspec import Struct
from platformdirs import user_config_path

from app.auth.tokens import Tokens
from app.cli.local_settings import chosen_data, kept_settings, local_secret
from infra.embedded.data_folder import write_private
from infra.net.listening import reachable

URL_VARIABLE = "COMFYD_URL"
KEY_VARIABLE = "COMFYD_KEY"
LOCAL_USER = "local"
LOCAL_TOKEN_SECONDS = 3600


class NotLoggedIn(Exception):
    """No server is known, or no key for the one that was named."""

    def __init__(self, url: str = "") -> None:
        self.url = url
        """The server that was named; empty: none."""
        super().__init__(url)


class Login(Struct, frozen=True, kw_only=True):
    """A server and the key to it."""

    url: str
    key: str


def login_file() -> Path:
    """Return the path of the login file."""
    return user_config_path("comfyd") / "login.json"


def save_login(login: Login) -> Path:
    """Keep *login* for the commands to come, readable by its owner only."""
    file = login_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    write_private(file, msgspec.json.encode(login).decode())
    return file


def forget_login() -> bool:
    """Delete the saved login; return whether there was one."""
    file = login_file()
    known = file.exists()
    file.unlink(missing_ok=True)
    return known


def find_login(url: str | None, key: str | None) -> Login:
    """Choose the server and the key.

    Raises:
        NotLoggedIn: neither an option, a variable, a login nor a stack has the server, or its key.

    """
    url = url or os.environ.get(URL_VARIABLE)
    key = key or os.environ.get(KEY_VARIABLE)
    if url and key:
        return Login(url=url.rstrip("/"), key=key)
    known = saved_login() or local_login()
    if known is None:
        raise NotLoggedIn(url or "")
    if url and url.rstrip("/") != known.url and not key:
        # A key is sent to the server it was given for, and to no other.
        raise NotLoggedIn(url)
    return Login(url=(url or known.url).rstrip("/"), key=key or known.key)


def saved_login() -> Login | None:
    """Return the login that was saved, if it can be read."""
    try:
        return msgspec.json.decode(login_file().read_bytes(), type=Login)
    except (OSError, msgspec.DecodeError):
        return None


def local_login() -> Login | None:
    """Return the owner's access to a `comfyd up` whose data folder is here."""
    folder = chosen_data()
    settings = kept_settings(folder)
    if not settings:
        return None
    token = Tokens(local_secret(folder)).issue(
        user_id=LOCAL_USER, org_id=None, seconds=LOCAL_TOKEN_SECONDS
    )
    host = reachable(settings.get("COMFYD_HOST", ""))
    return Login(url=f"http://{host}:{settings['COMFYD_PORT']}", key=token)
