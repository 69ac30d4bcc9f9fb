"""A page of ComfyUI fetches the key of its login once, on whichever process."""

import asyncio
from uuid import uuid4

import pytest

from app.auth.caller import Caller, KeyExpired
from app.auth.scopes import ADMIN, DEPLOY, RUNS_READ, RUNS_WRITE
from app.commands.editor_logins import KEY_LASTS, EditorLogins, LoginOver, LoginStatus
from app.commands.recorder import Recorder
from events import ids
from events.access.api_key import ApiKey, RevokeKey
from events.aggregates import KEY
from events.errors import NotFound
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
    await process(world).grant(caller, REQUEST, name="ComfyUI (local)")
    return await fetched(world)


async def fetched(world: World) -> str:
    found = await process(world).fetch(REQUEST)
    assert found is not None
    return found.key


async def test_the_key_acts_for_the_person_who_granted_it(world: World) -> None:
    ada = await world.caller(token())
    assert await process(world).fetch(REQUEST) is None
    assert await process(world).status(ada, REQUEST) is LoginStatus.WAITING
    assert await process(world).grant(ada, REQUEST, name="ComfyUI") is LoginStatus.GRANTED
    caller = await world.caller(await fetched(world))
    assert await process(world).status(ada, REQUEST) is LoginStatus.FETCHED

    assert (caller.tenant, caller.role) == (ada.tenant, "key")
    assert caller.scopes == {DEPLOY}, "not what the plugins never ask for"
    world.now = NOW + KEY_LASTS
    with pytest.raises(KeyExpired):
        await world.credentials.caller_of_key(ids.editor_key_id(REQUEST))


async def test_a_key_may_do_no_more_than_its_maker_and_ends_with_it(world: World) -> None:
    _, weak = await world.key(scopes=(DEPLOY, RUNS_WRITE), expires_at=later(60))
    key = await issued(world, await world.caller(weak))
    assert (key.issued.scopes, key.issued.expires_at) == ((DEPLOY,), later(60))


async def test_a_key_of_an_admin_is_no_admin(world: World) -> None:
    _, strong = await world.key(scopes=(ADMIN,))
    assert (await issued(world, await world.caller(strong))).issued.scopes == (DEPLOY,)


async def test_a_key_has_no_scope_that_its_maker_lacks(world: World) -> None:
    _, reader = await world.key(scopes=(RUNS_READ,))
    assert (await issued(world, await world.caller(reader))).issued.scopes == ()


async def issued(world: World, caller: Caller) -> ApiKey:
    await granted_key(world, caller)
    key = await world.credentials.states.of(KEY, ids.editor_key_id(REQUEST))
    assert key is not None
    return key


async def test_the_log_holds_the_name_of_a_key_and_nothing_of_its_secret(world: World) -> None:
    secret = await granted_key(world, await world.caller(token()))
    stored = await world.log.read(KEY.name(ids.editor_key_id(REQUEST)))
    assert [event.type for event in stored] == ["key.issued.v1", "key.fetched.v1"]
    assert stored[0].event.name == "ComfyUI (local)"
    assert stored[1].meta.actor == f"key:{ids.editor_key_id(REQUEST)}"
    assert secret.removeprefix("cfd_")[8:] not in str(stored)


async def test_a_key_is_handed_out_once_whichever_processes_are_asked(world: World) -> None:
    ada = await world.caller(token())
    await process(world).grant(ada, REQUEST, name="ComfyUI")
    asked = (process(world).fetch(REQUEST) for _ in range(8))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    kinds = sorted(type(answer).__name__ for answer in answers)
    assert kinds == ["EditorKey"] + ["LoginOver"] * 7
    with pytest.raises(LoginOver):
        await process(world).fetch(REQUEST)
    # A form that is sent again issues no second key.
    assert await process(world).grant(ada, REQUEST, name="ComfyUI") is LoginStatus.FETCHED
    with pytest.raises(LoginOver):
        await process(world).fetch(REQUEST)


@pytest.mark.parametrize(("seconds", "is_over"), [(119, False), (120, True)])
async def test_a_key_is_fetched_within_two_minutes(
    world: World, seconds: int, *, is_over: bool
) -> None:
    ada = await world.caller(token())
    await process(world).grant(ada, REQUEST, name="ComfyUI")
    world.now = later(seconds)
    if not is_over:
        assert await fetched(world)
        return
    with pytest.raises(LoginOver):
        await process(world).fetch(REQUEST)
    assert await process(world).status(ada, REQUEST) is LoginStatus.OVER
    assert await process(world).grant(ada, REQUEST, name="ComfyUI") is LoginStatus.OVER


async def test_under_another_secret_there_is_no_key(world: World) -> None:
    await process(world).grant(await world.caller(token()), REQUEST, name="ComfyUI")
    with pytest.raises(LoginOver):
        await process(world, "t" * 64).fetch(REQUEST)


async def test_a_revoked_key_is_not_given_out(world: World) -> None:
    ada = await world.caller(token())
    await process(world).grant(ada, REQUEST, name="ComfyUI")
    await world.happens(KEY, ids.editor_key_id(REQUEST), RevokeKey(by="user:ada", now=NOW))
    assert await process(world).status(ada, REQUEST) is LoginStatus.OVER
    with pytest.raises(LoginOver):
        await process(world).fetch(REQUEST)


async def test_of_many_grants_at_once_one_person_wins(world: World) -> None:
    people = [await world.caller(token(user_id=name)) for name in ("ada", "ada", "eve")]
    done = await asyncio.gather(
        *(process(world).grant(person, REQUEST, name="ComfyUI") for person in people)
    )
    assert sorted(done) in (
        [LoginStatus.GRANTED, LoginStatus.GRANTED, LoginStatus.OVER],
        [LoginStatus.GRANTED, LoginStatus.OVER, LoginStatus.OVER],
    )
    assert len(await world.log.read(KEY.name(ids.editor_key_id(REQUEST)))) == 1


@pytest.mark.parametrize(
    "request_id", ["", "short", "x" * 65, "a b" * 8, "路" * 20, "x" * 20 + "\n"]
)
async def test_a_name_that_could_be_guessed_is_none(world: World, request_id: str) -> None:
    ada = await world.caller(token())
    assert await process(world).fetch(request_id) is None
    with pytest.raises(NotFound):
        await process(world).grant(ada, request_id, name="ComfyUI")
