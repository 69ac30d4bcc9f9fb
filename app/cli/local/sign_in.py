"""Makes one-time links for people who sign in to the pages with a browser."""

import os
from collections.abc import Mapping

from app.auth.session.links import VALID, SignInLink, SignInLinks
from app.cli.client.login import LOCAL_USER
from infra import clock
from infra.net.listening import reachable

DEFAULT_PORT = "3000"


def sign_in_address(
    secret: str, base: str, *, user: str = LOCAL_USER, org: str | None = None
) -> str:
    """Return a link that signs a person in once; *secret* is that of the server (JWT_SECRET)."""
    link = SignInLink(
        link_id=clock.new_id(), user_id=user, org_id=org, expires_at=clock.now() + VALID
    )
    return SignInLinks(secret).address(base, link)


def pages_address(kept: Mapping[str, str]) -> str:
    """Return where browsers find the pages, by the environment or by the settings of a stack."""
    settings = {**kept, **os.environ}
    if public := settings.get("COMFYD_PUBLIC_URL"):
        return public
    port = settings.get("COMFYD_PORT") or DEFAULT_PORT
    return f"http://{reachable(settings.get('COMFYD_HOST', ''))}:{port}"
