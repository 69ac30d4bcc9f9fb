"""Cancel stops exactly one run, queued or running."""

from uuid import UUID

from events.ids import prompt_id
from infra.jetstream.event_store import JetStreamEventStore
from tests.e2e.graphs import card, slow
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant


async def test_a_queued_run_is_cancelled_and_never_rendered(system: System, ada: Tenant) -> None:
    deployment = await ada.deploy(slow())
    before = [
        await ada.start(
            deployment,
            {
                "seed": seed,
                "seconds": 1.5,
            },
        )
        for seed in (301, 302)
    ]
    behind = [await ada.start(deployment, {"seed": seed, "seconds": 0.1}) for seed in (303, 304)]

    answer = await ada.cancel(behind[0])
    again = await ada.cancel(behind[0])
    others = [await ada.ended(run_id) for run_id in (*before, behind[1])]

    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["started_at"]) == ("cancelled", None)
    assert again.json() == answer.json()
    assert [run["status"] for run in others] == ["success"] * 3
    prompts = [str(prompt_id(UUID(run_id), 1)) for run_id in (*before, *behind)]
    assert [system.rendered()[prompt] for prompt in prompts] == [1, 1, 0, 1]


async def test_a_run_in_the_queue_of_the_machine_is_cancelled_and_never_rendered(
    system: System, ada: Tenant
) -> None:
    deployment = await ada.deploy(slow())
    first = await ada.start(deployment, {"seed": 305, "seconds": 2})
    await ada.reaches(first, "running")
    second = await ada.start(deployment, {"seed": 306})
    await ada.reaches(second, "started")

    answer = await ada.cancel(second)
    cancelled = await ada.ended(second)

    assert (answer.status_code, answer.json()["cancel_requested"]) == (202, True)
    assert cancelled["status"] == "cancelled"
    assert (await ada.ended(first))["status"] == "success"
    assert system.rendered()[str(prompt_id(UUID(second), 1))] == 0


async def test_a_running_run_is_stopped_and_the_next_goes_on(
    system: System, ada: Tenant, log: JetStreamEventStore
) -> None:
    deployment = await ada.deploy(slow())
    running = await ada.start(deployment, {"seed": 307})
    await ada.reaches(running, "running")
    waiting = await ada.start(await ada.deploy(card()))

    await ada.cancel(running)
    ended = await ada.ended(running, within=10)

    assert (ended["status"], ended["outputs"]) == ("cancelled", [])
    assert (await ada.ended(waiting))["status"] == "success"
    assert system.rendered()[str(prompt_id(UUID(running), 1))] == 1

    async def quiet() -> bool:
        return (await log.read(f"run-{running}"))[-1].status == "cancelled"

    await eventually(quiet)


async def test_an_ended_run_stays_as_it_is(ada: Tenant) -> None:
    run = await ada.run(await ada.deploy(card()))

    answer = await ada.cancel(run["id"])

    assert (answer.status_code, answer.json()) == (200, run)
