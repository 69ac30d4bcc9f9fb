"""From a credential to a caller: who they are, for whom they act, and what they may do."""

import asyncio
import time
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import jwt
import pytest

from app.auth.caller import Caller, KeyExpired, KeyRevoked, TokenRevoked, Unauthorized
from app.auth.credentials import LONGEST
from app.auth.keys import new_key
from app.auth.scopes import ADMIN, DEPLOY, RUNS_READ, RUNS_WRITE, SCOPES
from events.access.api_key import RevokeKey
from events.access.token import RevokeToken
from events.aggregates import KEY, TOKEN
from events.errors import NotFound
from tests.builders.facts import NOW, OTHER_ID, later
from tests.fakes.callers import ACME, SECRET, World, token


@pytest.fixture
def world() -> World:
    return World()


async def test_a_person_owns_what_is_theirs(world: World) -> None:
    caller = await world.caller(token())
    assert (caller.tenant, caller.role, caller.scopes) == ("user:ada", "owner", SCOPES)
    assert caller.actor == "user:ada"
    assert caller.credential.startswith("token:")


async def test_a_key_may_do_what_it_says_and_is_named_itself(world: World) -> None:
    key_id, key = await world.key(org_id="acme", deployments=(OTHER_ID,))
    caller = await world.caller(key)
    assert caller == Caller(
        user_id="ada",
        org_id="acme",
        scopes=frozenset({RUNS_READ}),
        role="key",
        deployments=frozenset({OTHER_ID}),
        credential=f"key:{key_id}",
    )
    assert (caller.tenant, caller.actor) == ("org:acme", f"key:{key_id}")
    assert caller.may_know(OTHER_ID)
    assert not caller.may_know(ACME)


async def test_a_key_counts_until_it_is_revoked_or_expires(world: World) -> None:
    key_id, key = await world.key(expires_at=later(10))
    caller = await world.caller(key)
    assert not await world.credentials.withdrawn(caller)
    world.now = later(10)
    with pytest.raises(KeyExpired):
        await world.caller(key)
    assert not await world.credentials.withdrawn(caller), "a stream goes on"
    await world.happens(KEY, key_id, RevokeKey(by="user:ada", now=NOW))
    with pytest.raises(KeyRevoked):
        await world.caller(key)
    assert await world.credentials.withdrawn(caller)


async def test_only_the_right_key_is_told_what_became_of_it(world: World) -> None:
    key_id, _ = await world.key()
    await world.happens(KEY, key_id, RevokeKey(by="user:ada", now=NOW))
    for wrong in (new_key(key_id), new_key(uuid4())):
        with pytest.raises(Unauthorized) as refused:
            await world.caller(wrong)
        assert type(refused.value) is Unauthorized


@pytest.mark.parametrize("credential", ["", "nonsense", "cfd_", "a.b.c", "x" * (LONGEST + 1)])
async def test_what_is_no_credential_opens_nothing(world: World, credential: str) -> None:
    with pytest.raises(Unauthorized):
        await world.caller(credential)
    assert world.log.log == []


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
async def test_the_secret_signs_with_longer_hashes_as_well(world: World, algorithm: str) -> None:
    claims = {"user_id": "ada", "iat": 1}
    ours = jwt.encode(claims, SECRET, algorithm=algorithm)
    foreign = jwt.encode(claims, SECRET * 2, algorithm=algorithm)

    assert (await world.caller(ours)).tenant == "user:ada"
    with pytest.raises(Unauthorized):
        await world.caller(foreign)


@pytest.mark.parametrize("claims", [{}, {"jti": "7"}, {"exp": 4_000_000_000}])
async def test_a_token_can_be_revoked_with_or_without_an_end(
    world: World, claims: dict[str, Any]
) -> None:
    caller = await world.caller(token(**claims))
    token_id = (await world.credentials.claims(token(**claims))).token_id
    await world.happens(
        TOKEN, token_id, RevokeToken(token_id=token_id, jti=None, by="test", now=NOW)
    )
    with pytest.raises(TokenRevoked):
        await world.caller(token(**claims))
    assert await world.credentials.withdrawn(caller)
    # The same jti of another tenant is another token.
    assert (await world.caller(token(user_id="bob", **claims))).tenant == "user:bob"


async def test_a_remembered_token_does_not_outlive_its_end(world: World) -> None:
    world.now = datetime.now(UTC)
    end = int(time.time()) + 1
    short = token(exp=end)
    assert (await world.caller(short)).user_id == "ada"
    await asyncio.sleep(end - time.time() + 0.01)
    world.now = datetime.now(UTC)
    with pytest.raises(Unauthorized):
        await world.caller(short)


async def test_an_organisation_that_is_not_kept_here_is_as_the_token_says(world: World) -> None:
    caller = await world.caller(token(org_id="acme", role="viewer"))
    assert (caller.tenant, caller.scopes) == ("org:acme", frozenset({RUNS_READ}))
    assert (await world.caller(token(org_id=str(ACME)))).role == "owner"


@pytest.mark.parametrize(
    ("role", "scopes"),
    [
        ("owner", frozenset({ADMIN, DEPLOY, RUNS_READ, RUNS_WRITE})),
        ("member", frozenset({DEPLOY, RUNS_READ, RUNS_WRITE})),
        ("viewer", frozenset({RUNS_READ})),
    ],
)
async def test_the_members_of_one_that_is_kept_here_decide(
    world: World, role: str, scopes: frozenset[str]
) -> None:
    await world.acme(bob=role)
    named = await world.caller(token(user_id="bob"), ACME)
    claimed = await world.caller(token(user_id="bob", org_id=str(ACME), role="owner"))
    assert (named.tenant, named.role, named.scopes) == (f"org:{ACME}", role, scopes)
    assert (claimed.tenant, claimed.role, claimed.scopes) == (f"org:{ACME}", role, scopes)


async def test_a_change_of_role_counts_for_tokens_that_are_there(world: World) -> None:
    await world.acme(bob="owner")
    bob = token(user_id="bob")
    caller = await world.caller(bob, ACME)
    await world.put("bob", "viewer")
    assert (await world.caller(bob, ACME)).scopes == {RUNS_READ}
    await world.remove("bob")
    with pytest.raises(NotFound):
        await world.caller(bob, ACME)
    assert await world.credentials.withdrawn(caller)
    assert (await world.caller(bob)).tenant == "user:bob"


@pytest.mark.parametrize(
    ("claims", "organisation"),
    [
        ({"user_id": "eve"}, ACME),
        ({"user_id": "eve", "org_id": str(ACME)}, ""),
        ({"user_id": None, "org_id": str(ACME)}, ""),
        ({"user_id": "ada"}, OTHER_ID),
        ({"user_id": "ada"}, "acme"),
        ({"user_id": "ada", "org_id": "other"}, ACME),
    ],
    ids=["stranger", "claim of a stranger", "nobody", "unknown", "not kept here", "another one"],
)
async def test_nobody_acts_for_an_organisation_they_do_not_belong_to(
    world: World, claims: dict[str, Any], organisation: object
) -> None:
    await world.acme()
    with pytest.raises(NotFound):
        await world.caller(token(**claims), organisation)


async def test_a_key_acts_for_its_own_tenant_only(world: World) -> None:
    await world.acme()
    _, personal = await world.key()
    _, shared = await world.key(org_id=str(ACME))
    assert (await world.caller(shared, ACME)).tenant == f"org:{ACME}"
    with pytest.raises(NotFound):
        await world.caller(personal, ACME)


async def test_however_it_is_spelt_it_is_the_same_organisation(world: World) -> None:
    await world.acme()
    assert (await world.caller(token(), str(ACME).upper())).tenant == f"org:{ACME}"


@pytest.mark.parametrize(
    "head",
    [
        *(b"[]", b"1", b"null", b"{", b"\xff", b"{}", b"[" * 3000 + b"]" * 3000),
        *(b'{"alg":[]}', b'{"alg":{}}', b'{"alg":"HS256","kid":1}', b'{"alg":null}'),
        *(b'{"alg":"HS256","crit":["x"]}', b'{"alg":"HS256","b64":false}', b'{"alg":"none"}'),
        b'{"alg":"HS256","kid":' + b"[" * 2000 + b"]" * 2000 + b"}",
    ],
    ids=lambda head: f"{head!r:.30}",
)
async def test_a_head_of_any_shape_opens_nothing_and_breaks_nothing(head: bytes) -> None:
    payload = b'{"user_id":"ada","iat":1}'
    token = b".".join(urlsafe_b64encode(part).rstrip(b"=") for part in (head, payload, b"x" * 32))
    with pytest.raises(Unauthorized):
        await World().credentials.caller(token.decode())
