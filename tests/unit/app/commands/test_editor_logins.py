"""A page of ComfyUI fetches the key of its login for two minutes, on whichever process."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from app.auth.caller import Caller, KeyExpired
from app.auth.keys import key_id_in
from app.auth.scopes import ADMIN, DEPLOY, RUNS_READ
from app.commands.editor_logins import EDIT_LASTS, KEY_LASTS, EditorLogins, LoginOver
from app.commands.recorder import Recorder
from events import ids
from events.access.api_key import RevokeKey
from events.aggregates import KEY
from events.errors import AlreadyExists
from tests.builders.facts import NOW, later
from tests.fakes.callers import SECRET, World, token

REQUEST = "3f0c2b9e-6a1d-4c7f-9d53-8f2b6a1e0c44"


@pytest.fixture
def world() -> World:
    return World()


def process(world: World, secret: str = SECRET) -> EditorLogins:
    """Start a process that answers logins."""
    recorder = Recorder(store=world.log, now=lambda: world.now, new_id=uuid4)
    return EditorLogins(recorder, world.credentials, secret)


async def granted_key(world: World, caller: Caller) -> str:
    await process(world).grant(caller, REQUEST)
    return await fetched(world)


async def fetched(world: World) -> str:
    found = await process(world).fetch(REQUEST)
    assert found is not None
    return found.key


async def test_the_key_acts_for_the_person_who_granted_it(world: World) -> None:
    ada = await world.caller(token())
    assert not await process(world).is_granted(ada, REQUEST)
    key = await granted_key(world, ada)
    assert await process(world).is_granted(ada, REQUEST)

    caller = await world.caller(key)
    assert (caller.tenant, caller.role) == (ada.tenant, "key")
    assert caller.scopes == {DEPLOY, RUNS_READ, "runs:write"}
    world.now = NOW + KEY_LASTS
    with pytest.raises(KeyExpired):
        await world.caller(key)


async def test_a_key_may_do_no_more_than_its_maker_and_ends_with_it(world: World) -> None:
    _, weak = await world.key(scopes=(DEPLOY,), expires_at=later(60))
    caller = await world.caller(weak)
    key_id = key_id_in(await granted_key(world, caller))
    assert key_id is not None
    key = await world.credentials.states.of(KEY, key_id)
    assert key is not None
    assert (key.issued.scopes, key.issued.expires_at) == ((DEPLOY,), later(60))

    _, strong = await world.key(scopes=(ADMIN,))
    link = await process(world).issue_for_address(await world.caller(strong))
    assert link.expires_at == NOW + EDIT_LASTS
    assert DEPLOY in (await world.caller(link.key)).scopes


async def test_every_process_gives_the_same_key_for_two_minutes(world: World) -> None:
    ada = await world.caller(token())
    first = await granted_key(world, ada)
    world.now = NOW + timedelta(seconds=119)
    assert await fetched(world) == first
    world.now = NOW + timedelta(minutes=2)
    with pytest.raises(LoginOver):
        await process(world).fetch(REQUEST)
    with pytest.raises(AlreadyExists):
        await process(world).grant(ada, REQUEST)


async def test_under_another_secret_there_is_no_key(world: World) -> None:
    await granted_key(world, await world.caller(token()))
    with pytest.raises(LoginOver):
        await process(world, "t" * 64).fetch(REQUEST)


async def test_a_revoked_key_is_not_given_out(world: World) -> None:
    key_id = key_id_in(await granted_key(world, await world.caller(token())))
    assert key_id is not None
    await world.happens(KEY, key_id, RevokeKey(by="user:ada", now=NOW))
    with pytest.raises(LoginOver):
        await process(world).fetch(REQUEST)


async def test_of_many_grants_at_once_one_person_wins(world: World) -> None:
    people = [await world.caller(token(user_id=name)) for name in ("ada", "ada", "eve")]
    done = await asyncio.gather(
        *(process(world).grant(person, REQUEST) for person in people), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in done) in (
        ["AlreadyExists", "NoneType", "NoneType"],
        ["AlreadyExists", "AlreadyExists", "NoneType"],
    )
    assert len(await world.log.read(KEY.name(ids.editor_key_id(REQUEST)))) == 1
