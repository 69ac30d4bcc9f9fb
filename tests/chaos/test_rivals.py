"""Two of everything, and one that comes back from the dead: the same result as with one."""

import pytest

from events.run.events import RunClaimed
from infra.jetstream.connection import connected
from tests.chaos.load import Load, graph
from tests.chaos.proof import (
    Story,
    check_everything,
    check_story,
    log_end,
    read_stories,
    renders,
)
from tests.e2e.graphs import slow
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant

pytestmark = pytest.mark.chaos


async def test_two_workers_and_two_projectors_do_what_one_does(system: System, ada: Tenant) -> None:
    system.start_own("worker-2", "consumers", "worker")
    system.start_own("projector-2", "consumers", "projector")
    load = Load(system, ada, await ada.deploy(graph()))
    start, before = await log_end(system), system.rendered()

    await load.make(60)
    runs = await load.until_ended()
    stories = await check_everything(system, runs, after=start)

    system.end("worker-2")
    system.end("projector-2")
    rendered = system.rendered() - before
    workers = {claim.worker for story in stories.values() for claim in _claims(story)}
    assert {renders(rendered, run_id) for run_id in runs} == {1}
    assert len(workers) == 2


async def test_a_worker_that_wakes_up_late_renders_nothing_and_changes_nothing(
    system: System, ada: Tenant
) -> None:
    deployment, start = await ada.deploy(slow()), await log_end(system)
    first = await ada.start(deployment, {"seed": 11, "seconds": 6})
    await ada.reaches(first, "running")
    # Long enough for the silence to make the one who was asleep ask, and tell what it heard.
    second = await ada.start(deployment, {"seed": 12, "seconds": 7})
    await ada.reaches(second, "started")
    system.freeze("worker")
    system.start_own("worker-2", "consumers", "worker")

    async with connected(system.env["NATS_URL"], name="test") as client:

        async def taken_over() -> bool:
            found = await read_stories(client, after=start)
            return all(len(_claims(story)) > 1 for story in found.values())

        await eventually(taken_over)
        system.thaw("worker")
        ended = [await ada.ended(run_id, within=30) for run_id in (first, second)]
        stories = await read_stories(client, after=start)
    system.end("worker-2")

    assert [(run["status"], run["attempt"]) for run in ended] == [("success", 1)] * 2
    assert [renders(system.rendered(), run_id) for run_id in (first, second)] == [1, 1]
    for story in stories.values():
        check_story(story, status="success")
        fences = [claim.fence for claim in _claims(story)]
        assert fences == list(range(1, len(fences) + 1))


def _claims(story: Story) -> list[RunClaimed]:
    return [e.event for e in story if isinstance(e.event, RunClaimed)]
