"""The page of a run: what happened to it and why, and what can be done with it now."""

from uuid import UUID, uuid4

import pytest

from events.aggregates import RUN
from events.run.commands import CreateRun, RequestCancel
from tests.builders.facts import created
from tests.builders.pages import EVIL
from tests.fakes.callers import World
from tests.observe.form_browser import Browser


async def a_run(world: World, *, ended: bool = False) -> UUID:
    run_id = uuid4()
    await world.happens(RUN, run_id, CreateRun(created=created(run_id=run_id, workflow_name=EVIL)))
    if ended:
        await world.happens(RUN, run_id, RequestCancel(by="ada", now=world.now))
    return run_id


@pytest.mark.parametrize("ended", [False, True])
async def test_a_run_offers_what_can_be_done_with_it_now(
    world: World, ada: Browser, *, ended: bool
) -> None:
    run_id = await a_run(world, ended=ended)
    page = await ada.open(f"/runs/{run_id}")

    assert page.status_code == 200
    assert f'name="run" value="{run_id}"' in page.text
    offered = [one for one in ("cancel", "rerun", "erase") if f'value="{one}"' in page.text]
    assert offered == (["rerun", "erase"] if ended else ["cancel", "rerun"])


async def test_a_run_says_what_happened_in_the_language_of_the_page(
    world: World, ada: Browser
) -> None:
    run_id = await a_run(world, ended=True)
    text = (await ada.open(f"/runs/{run_id}")).text
    assert "cancellation was requested" in text
    assert "cancelled" in text
    assert EVIL not in text
    chinese = await ada.http.get(f"/runs/{run_id}", headers={"Accept-Language": "zh"})
    assert "经过及原因" in chinese.text
    assert "cancelled" not in chinese.text.replace('data-status="cancelled"', "")


@pytest.mark.parametrize("address", ["nonsense", str(UUID(int=1))])
async def test_a_run_that_is_not_there_is_a_page_that_says_so(ada: Browser, address: str) -> None:
    missing = await ada.open(f"/runs/{address}")
    assert missing.status_code == 404
    assert "It may have been removed" in missing.text
