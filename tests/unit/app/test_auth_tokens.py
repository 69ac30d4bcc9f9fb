"""Our own tokens: only ours, only HS256, and only while they are valid."""

import time
from typing import Any

import jwt
import pytest

from app.auth import Unauthorized, tenant_of
from app.auth_tokens import Claims, Tokens

SECRET = "s" * 64


def signed(claims: dict[str, Any], *, secret: str = SECRET, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, secret, algorithm=algorithm)


def now() -> int:
    return int(time.time())


def read(claims: dict[str, Any]) -> Claims:
    return Tokens(SECRET).verify(signed(claims | {"iat": now()}))


def test_a_token_that_was_issued_names_its_caller() -> None:
    tokens = Tokens(SECRET)
    claims = tokens.verify(tokens.issue(user_id="ada", org_id="acme", seconds=None))
    assert (claims.user_id, claims.org_id, claims.until) == ("ada", "acme", float("inf"))


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
    found = read(claims)
    assert tenant_of(found.user_id, found.org_id) == tenant


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        "ü",
        signed({"user_id": "ada", "iat": now()}, secret="", algorithm="none"),
        signed({"user_id": "ada", "iat": now()}, algorithm="HS512"),
        signed({"user_id": "ada", "iat": now()}, secret="t" * 64),
        signed({"user_id": "ada", "iat": now(), "exp": now() - 1}),
        signed({"user_id": "ada", "iat": now(), "nbf": now() + 86_400}),
        signed({"user_id": "ada"}),
        signed({"iat": now()}),
        signed({"user_id": "", "iat": now()}),
        signed({"user_id": 1, "iat": now()}),
        signed({"user_id": "a" * 201, "iat": now()}),
        signed({"user_id": "a\x00b", "iat": now()}),
        signed({"user_id": "a\x1fb", "iat": now()}),
        signed({"user_id": "ada", "iat": now(), "jti": "j" * 201}),
        signed({"user_id": "ada", "iat": now() + 3600}),
    ],
)
def test_anything_else_is_refused(token: str) -> None:
    with pytest.raises(Unauthorized):
        Tokens(SECRET).verify(token)


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({}, "owner"),
        ({"role": "viewer"}, "viewer"),
        ({"role": "member"}, "member"),
        ({"role": "wizard"}, "viewer"),
        ({"role": ["owner"]}, "viewer"),
        ({"org_role": "org:admin"}, "owner"),
        ({"org_role": "org:member"}, "member"),
        ({"o": {"rol": "admin"}}, "owner"),
        ({"o": {"rol": "basic_member"}}, "member"),
        ({"o": {"rol": "billing"}}, "viewer"),
        ({"o": {"rol": "viewer"}, "role": "owner"}, "viewer"),
    ],
)
def test_a_role_we_do_not_know_may_do_the_least(claims: dict[str, Any], role: str) -> None:
    assert read({"user_id": "ada", "org_id": "acme"} | claims).role == role


def test_the_id_of_a_token_follows_from_its_jti_and_its_tenant() -> None:
    first = read({"user_id": "ada", "jti": "1"})
    assert first.token_id == read({"user_id": "ada", "jti": "1", "note": "another"}).token_id
    assert first.token_id != read({"user_id": "bob", "jti": "1"}).token_id
    assert first.token_id != read({"user_id": "ada", "jti": "2"}).token_id


def test_without_a_jti_it_follows_from_the_token_itself() -> None:
    first = read({"user_id": "ada", "note": "one"})
    assert first.token_id == read({"user_id": "ada", "note": "one"}).token_id
    assert first.token_id != read({"user_id": "ada", "note": "two"}).token_id


def test_another_spelling_of_the_signature_is_no_other_token() -> None:
    """Padding is passed over when a token is checked; a revoked one must not come back with it."""
    token, tokens = signed({"user_id": "ada", "iat": now()}), Tokens(SECRET)
    assert tokens.verify(f"{token}=").token_id == tokens.verify(token).token_id
