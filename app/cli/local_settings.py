"""Settings and secrets that `comfyd up` keeps in its data folder; other commands find them here."""

import os
from collections.abc import Mapping
from pathlib import Path

from infra.embedded.data_folder import remembered_secret, write_private
from infra.settings.settings import SEAL_KEYS

DEFAULT_DATA = ".comfyd"
SETTINGS_FILE = "settings.env"
"""What `comfyd up` set for its processes, for the commands that look after a running stack."""


def chosen_data() -> Path:
    """Return the data folder that the environment names."""
    return Path(os.environ.get("COMFYD_DATA") or DEFAULT_DATA).absolute()


def keep_settings(folder: Path, settings: Mapping[str, str]) -> None:
    """Write the settings of the stack in *folder*, readable by its owner only."""
    lines = [f"{name}={value}\n" for name, value in settings.items()]
    write_private(folder / SETTINGS_FILE, "".join(lines))


def kept_settings(folder: Path) -> dict[str, str]:
    """Return the settings of the stack in *folder*; none if there is no stack."""
    file = folder / SETTINGS_FILE
    if not file.exists():
        return {}
    return dict(line.split("=", 1) for line in file.read_text("utf-8").splitlines())


def remembered_settings() -> dict[str, str]:
    """Return the settings of the stack in the chosen data folder, unless others are given."""
    return {} if os.environ.get("NATS_URL") else kept_settings(chosen_data())


def local_secret(folder: Path) -> str:
    """Return the secret that signs local tokens, made when it is first wanted."""
    return os.environ.get("JWT_SECRET") or remembered_secret(folder / "jwt-secret")


def local_seal_keys(folder: Path) -> str:
    """Return the key that seals machines' tokens, made when it is first wanted."""
    # A Fernet key is 32 random bytes in base64; ours are remembered without the padding.
    return os.environ.get(SEAL_KEYS) or remembered_secret(folder / "seal-key") + "="
