"""What is done with selected runs is shown first, done when confirmed, and refused by name."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from events.aggregates import RUN
from events.run.commands import CreateRun, RequestCancel
from infra.event_store import Session
from tests.builders.facts import created, meta
from tests.fakes.callers import World
from tests.observe.form_browser import Browser, fields


def what_happened(world: World, run_id: UUID) -> list[str]:
    return [e.type.removesuffix(".v1") for e in world.log.log if e.aggregate == RUN.name(run_id)]


async def a_run(world: World, *, ended: bool = False) -> UUID:
    run_id = uuid4()
    await world.happens(RUN, run_id, CreateRun(created=created(run_id=run_id)))
    if ended:
        await world.happens(RUN, run_id, RequestCancel(by="ada", now=world.now))
    return run_id


async def form_token(browser: Browser) -> str:
    return fields(await browser.open("/sessions"))["form_token"]


async def test_a_selection_is_shown_and_what_is_confirmed_is_done(
    world: World, ada: Browser
) -> None:
    still_open, ended = await a_run(world), await a_run(world, ended=True)
    form: dict[str, Any] = {"form_token": await form_token(ada), "action": "cancel"}
    shown = await ada.submit("/runs/selected", form | {"run": [str(still_open), str(ended)]})

    assert shown.status_code == 200
    assert "nothing: it has ended already" in shown.text
    assert "Cancel runs: 1" in shown.text
    assert what_happened(world, still_open) == ["run.created"]
    kept = fields(shown)
    assert kept["run"] == str(still_open)

    before = what_happened(world, ended)
    done = await ada.submit("/runs/selected", {**kept, "action": "cancel"})
    assert "Runs that are cancelled: 1" in done.text
    assert "run.cancel_requested" in what_happened(world, still_open)
    assert what_happened(world, ended) == before


async def test_an_open_run_is_not_erased(world: World, ada: Browser) -> None:
    still_open, ended = await a_run(world), await a_run(world, ended=True)
    for run_id, text in ((still_open, "it has not ended; cancel it first"), (ended, "is erased")):
        form = {"form_token": await form_token(ada), "action": "erase", "run": str(run_id)}
        shown = await ada.submit("/runs/selected", form)
        assert text in shown.text
        # Also a confirmation that was not asked for erases no open run.
        await ada.submit("/runs/selected", form | {"request": "1"})
    assert "run.data_erased" not in what_happened(world, still_open)
    assert "run.data_erased" in what_happened(world, ended)


async def test_a_run_of_others_is_not_there(world: World, ada: Browser) -> None:
    run_id = uuid4()
    session = Session(world.log, RUN, run_id, tenant="any")
    await session.load()
    await session.execute(CreateRun(created=created(run_id=run_id)), meta(tenant="user:bob"))
    form = {"form_token": await form_token(ada), "action": "cancel", "request": "1"}
    refused = await ada.submit("/runs/selected", form | {"run": str(run_id)})
    assert refused.status_code == 404
    assert what_happened(world, run_id) == ["run.created"]


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({"action": "cancel"}, "run: must be at least 1"),
        (
            {"action": "cancel", "run": [str(UUID(int=n)) for n in range(101)]},
            "run: must be at most",
        ),
        ({"action": "melt", "run": str(UUID(int=1))}, "action: there is no option"),
        ({"run": str(UUID(int=1))}, "action: there is no option"),
    ],
)
async def test_a_form_that_is_none_is_refused(
    ada: Browser, form: dict[str, Any], reason: str
) -> None:
    refused = await ada.submit("/runs/selected", form | {"form_token": await form_token(ada)})
    assert refused.status_code == 400
    assert reason in refused.text


async def test_a_form_without_its_token_changes_nothing(world: World, ada: Browser) -> None:
    run_id = await a_run(world)
    form = {"action": "cancel", "run": str(run_id), "request": "1"}
    assert (await ada.submit("/runs/selected", form)).status_code == 403
    assert what_happened(world, run_id) == ["run.created"]


async def test_the_address_of_a_form_leads_back_to_the_list(ada: Browser) -> None:
    answer = await ada.open("/runs/selected")
    assert (answer.status_code, answer.headers["Location"]) == (303, "../runs")
