"""An API key signs a browser in, as long as it counts itself."""

from datetime import timedelta

import pytest

from events.access.api_key import RevokeKey
from events.aggregates import KEY
from tests.fakes.callers import World, token
from tests.fakes.pages import is_in
from tests.observe.form_browser import Browser, fields


async def test_a_key_signs_in_and_takes_the_session_with_it(world: World, fresh: Browser) -> None:
    key_id, key = await world.key()
    form = {**fields(await fresh.open("/sign-in")), "key": f" {key}\n"}
    assert (await fresh.submit("/sign-in/key", form)).status_code == 303
    assert await is_in(fresh)

    await world.happens(KEY, key_id, RevokeKey(by="user:ada", now=world.now))
    assert not await is_in(fresh)
    form = {**fields(await fresh.open("/sign-in")), "key": key}
    assert "was revoked" in await fresh.reason(await fresh.submit("/sign-in/key", form))


async def test_a_session_ends_with_its_key_which_then_signs_nobody_in(
    world: World, fresh: Browser
) -> None:
    _, key = await world.key(expires_at=world.now + timedelta(minutes=1))
    form = {**fields(await fresh.open("/sign-in")), "key": key}
    assert (await fresh.submit("/sign-in/key", form)).status_code == 303
    assert await is_in(fresh)

    world.now += timedelta(minutes=1)
    assert not await is_in(fresh)
    form = {**fields(await fresh.open("/sign-in")), "key": key}
    assert "has expired" in await fresh.reason(await fresh.submit("/sign-in/key", form))


@pytest.mark.parametrize("key", ["", "nonsense", "cfd_" + "A" * 64, token()])
async def test_what_is_no_key_signs_nobody_in(fresh: Browser, key: str) -> None:
    form = {**fields(await fresh.open("/sign-in")), "key": key}
    assert "not a valid key" in await fresh.reason(await fresh.submit("/sign-in/key", form))
