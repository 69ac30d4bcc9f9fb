"""Our own tokens: only ours, only HS256, and only while they are valid."""

import json
import time
from typing import Any

import jwt
import pytest

from app.auth.caller import Unauthorized, tenant_of
from app.auth.tokens import Claims, Tokens

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
        signed({"user_id": "ada", "iat": now()}, secret="t" * 64, algorithm="HS512"),
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


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_one_secret_signs_with_three_lengths_of_hash_as_in_comfyui_deploy(algorithm: str) -> None:
    found = Tokens(SECRET).verify(signed({"user_id": "ada", "iat": now()}, algorithm=algorithm))
    assert found.user_id == "ada"


def test_what_the_secret_has_signed_is_known_also_where_it_is_not_valid() -> None:
    expired = signed({"user_id": "ada", "iat": 1, "exp": 2})
    assert Tokens(SECRET).has_signed(expired)
    assert not Tokens("t" * 64).has_signed(expired)
    assert not Tokens(SECRET).has_signed("nonsense")


ABSURD_TIMES = [
    *(10**400, 10**18, -1, -(10**400), 1e300, -0.5),
    *(float("nan"), float("inf"), float("-inf"), None, True, "", "soon", "99999999999"),
    *([], [99_999_999_999], {}, {"seconds": 1}),
]


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", ABSURD_TIMES, ids=lambda value: f"{value!r:.20}")
def test_a_time_that_is_none_makes_a_token_none(claim: str, value: object) -> None:
    token = signed_as_is({"user_id": "ada", "iat": now()} | {claim: value})
    with pytest.raises(Unauthorized):
        Tokens(SECRET).verify(token)


def signed_as_is(claims: dict[str, Any]) -> str:
    """Sign what the library would refuse to write."""
    signer = jwt.PyJWS()
    return signer.encode(json.dumps(claims).encode(), SECRET, algorithm="HS256")


def test_a_time_may_have_a_fraction() -> None:
    until = now() + 60.5
    assert read({"user_id": "ada", "exp": until, "nbf": now() - 0.5}).until == until


@pytest.mark.parametrize(
    "payload",
    [
        *(b"[]", b"1", b'"a"', b"null", b"{", b"\xff", b"[" * 3000 + b"]" * 3000),
        *(b'{"iat":' + b"1" * 5000 + b"}", b'{"iat":1,"user_id":"\\ud800"}'),
        b'{"iat":1,"user_id":' + b'{"a":' * 1000 + b"1" + b"}" * 1001,
    ],
    ids=lambda payload: f"{payload!r:.20}",
)
def test_a_signed_payload_of_any_shape_is_refused_and_breaks_nothing(payload: bytes) -> None:
    token = jwt.PyJWS().encode(payload, SECRET, algorithm="HS256")
    with pytest.raises(Unauthorized):
        Tokens(SECRET).verify(token)


@pytest.mark.parametrize("claim", ["sub", "jti", "iss", "aud", "org_id", "user_id", "role", "o"])
@pytest.mark.parametrize("value", [1, 1e300, True, [], [[]], {}, {"id": []}], ids=repr)
def test_any_other_absurd_claim_is_refused_or_passed_over(claim: str, value: object) -> None:
    token = signed_as_is({"user_id": "ada", "iat": now()} | {claim: value})
    try:
        claims = Tokens(SECRET).verify(token)
    except Unauthorized:
        return
    assert claims.user_id == "ada"


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
