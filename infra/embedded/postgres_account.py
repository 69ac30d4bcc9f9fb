"""Who Postgres runs as: it refuses root, and we change no rights but those of our own folder."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from infra.embedded.child import Account
from infra.embedded.errors import ServerFailed

_MAY_ENTER = 0o001


def postgres_account(root: Path, binaries: Path) -> Account:
    """Choose an account that Postgres accepts and that reaches the data folder and the binaries.

    Raises:
        ServerFailed: we are root, may not make a user namespace, and `nobody` has no way in.

    """
    if os.geteuid() != 0:
        return Account()
    return _disguise() or switched_account(root, binaries)


def _disguise() -> Account | None:
    """Root that looks like an ordinary user to itself: nothing has to change hands."""
    nobody = pwd.getpwnam("nobody")
    unshare = shutil.which("unshare")
    if unshare is None:
        return None
    mapping = (f"--map-user={nobody.pw_uid}", f"--map-group={nobody.pw_gid}")
    wrapper = (unshare, "--user", *mapping, "--")
    attempt = subprocess.run((*wrapper, "true"), capture_output=True, check=False)  # noqa: S603 -- our own argv, no shell
    return Account(wrapper=wrapper) if attempt.returncode == 0 else None


def switched_account(root: Path, binaries: Path) -> Account:
    """Open the data folder to the account `nobody` alone; for root only.

    Raises:
        ServerFailed: a folder above it, or the installation, is closed to others.

    """
    nobody = pwd.getpwnam("nobody")
    for folder in (*root.parents, binaries, *binaries.parents):
        if not folder.stat().st_mode & _MAY_ENTER:
            raise ServerFailed("postgres_as_root", folder=str(folder))
    os.chown(root, -1, nobody.pw_gid)
    root.chmod(0o710)
    return Account(uid=nobody.pw_uid, gid=nobody.pw_gid)


def hand_over(folder: Path, account: Account) -> None:
    """Make the account the owner of *folder* and all within, if it is not so already."""
    if os.geteuid() != 0:
        return
    uid, gid = account.uid or 0, account.gid or 0
    for path in (folder, *folder.rglob("*")):
        if path.lstat().st_uid != uid:
            os.chown(path, uid, gid, follow_symlinks=False)
