"""Tokens: only ours, only HS256, and only while they are valid."""

import time
from typing import Any

import jwt
import pytest

from app.auth import Caller, Tokens, Unauthorized

SECRET = "s" * 64


def signed(claims: dict[str, Any], *, secret: str = SECRET, algorithm: str = "HS256") -> str:
    return "Bearer " + jwt.encode(claims, secret, algorithm=algorithm)


def now() -> int:
    return int(time.time())


def test_a_token_that_was_issued_names_its_caller() -> None:
    tokens = Tokens(SECRET)
    token = tokens.issue(user_id="ada", org_id="acme", seconds=None)
    for _ in range(2):
        assert tokens.caller(f"bearer {token}") == Caller(user_id="ada", org_id="acme")


@pytest.mark.parametrize(
    ("claims", "tenant"),
    [
        ({"user_id": "ada"}, "user:ada"),
        ({"org_id": "acme"}, "org:acme"),
        ({"user_id": "ada", "org_id": "acme"}, "org:acme"),
    ],
)
def test_things_belong_to_the_organisation_or_else_to_the_person(
    claims: dict[str, str], tenant: str
) -> None:
    assert Tokens(SECRET).caller(signed(claims | {"iat": now()})).tenant == tenant


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        "Bearer ü",
        "Basic " + signed({"user_id": "ada", "iat": now()}).split()[1],
        signed({"user_id": "ada", "iat": now()}, secret="", algorithm="none"),
        signed({"user_id": "ada", "iat": now()}, algorithm="HS512"),
        signed({"user_id": "ada", "iat": now()}, secret="t" * 64),
        signed({"user_id": "ada", "iat": now(), "exp": now() - 1}),
        signed({"user_id": "ada"}),
        signed({"iat": now()}),
        signed({"user_id": "", "iat": now()}),
        signed({"user_id": 1, "iat": now()}),
        signed({"user_id": "a" * 201, "iat": now()}),
        signed({"user_id": "a\x00b", "iat": now()}),
        signed({"user_id": "a\x1fb", "iat": now()}),
        signed({"user_id": "ada", "iat": now() + 3600}),
    ],
)
def test_anything_else_is_refused(authorization: str) -> None:
    with pytest.raises(Unauthorized):
        Tokens(SECRET).caller(authorization)


def test_a_remembered_token_does_not_outlive_its_end() -> None:
    tokens = Tokens(SECRET)
    token = signed({"user_id": "ada", "iat": now(), "exp": now() + 1})
    assert tokens.caller(token).user_id == "ada"
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            tokens.caller(token)
        except Unauthorized:
            return
        time.sleep(0.05)
    pytest.fail("the token is still taken")
