"""Fifty who promote at once: every one of them is recorded once, and one of them is the last."""

import asyncio
from uuid import uuid4

from events.aggregates import DEPLOYMENT
from events.deployment import Action, PromoteVersion, RollBack
from events.ids import deployment_id, version_id
from events.workflow import Workflow, WorkflowVersionCreated
from infra.event_store import load
from infra.jetstream.connection import Client
from infra.jetstream.event_store import JetStreamEventStore
from tests.builders.facts import MACHINE_ID, NOW, meta

MANY = 50


def workflow(versions: int) -> Workflow:
    identifier = uuid4()
    return Workflow(
        id=identifier,
        name="cats",
        user_id="ada",
        org_id=None,
        created_at=NOW,
        updated_at=NOW,
        versions=tuple(
            WorkflowVersionCreated(
                version_id=version_id(identifier, number),
                version=number,
                graph_key=f"workflows/{number}.json",
                graph_sha256=str(number),
                ui_graph_key=None,
                inputs=(),
                comment="",
                author="ada",
                at=NOW,
            )
            for number in range(1, versions + 1)
        ),
    )


async def execute(
    store: JetStreamEventStore, pushed: Workflow, command: PromoteVersion | RollBack
) -> int:
    """Do as a door does, with a session of its own; give the version that runs then."""
    session = await load(store, DEPLOYMENT, deployment_id(pushed.id, "production"))
    await session.execute(command, meta())
    assert session.state is not None
    return session.state.current.version


def promote(pushed: Workflow, number: int) -> PromoteVersion:
    return PromoteVersion(
        workflow=pushed,
        version=number,
        environment="production",
        machine_id=MACHINE_ID,
        user_id="ada",
        org_id=None,
        by="user:ada",
        now=NOW,
    )


async def test_fifty_promotions_at_once_are_each_in_the_history_once(log_client: Client) -> None:
    store, pushed = JetStreamEventStore(log_client), workflow(MANY)

    answered = await asyncio.gather(
        *(execute(store, pushed, promote(pushed, n)) for n in range(1, MANY + 1))
    )

    deployment = (await load(store, DEPLOYMENT, deployment_id(pushed.id, "production"))).state
    last = await store.last(DEPLOYMENT.name(deployment_id(pushed.id, "production")))
    assert deployment is not None
    assert last is not None
    assert answered == list(range(1, MANY + 1))
    assert sorted(line.version for line in deployment.history) == answered
    assert last.event == deployment.current
    assert deployment.history[-1].version == deployment.current.version
    assert last.version == MANY


async def test_rollbacks_among_promotions_go_where_the_log_says(log_client: Client) -> None:
    store, pushed = JetStreamEventStore(log_client), workflow(20)
    await execute(store, pushed, promote(pushed, 1))
    await execute(store, pushed, promote(pushed, 2))
    back = RollBack(
        workflow=pushed,
        version=1,
        machines=frozenset({MACHINE_ID}),
        user_id="ada",
        org_id=None,
        by="user:ada",
        now=NOW,
    )

    await asyncio.gather(
        *(execute(store, pushed, promote(pushed, n)) for n in range(3, 21)),
        *(execute(store, pushed, back) for _ in range(10)),
    )

    deployment = (await load(store, DEPLOYMENT, deployment_id(pushed.id, "production"))).state
    assert deployment is not None
    promoted = [e.version for e in deployment.history if e.action is Action.PROMOTE]
    assert sorted(promoted) == list(range(1, 21))
    followed = zip(deployment.history, deployment.history[1:], strict=False)
    assert all(line.version != following.version for line, following in followed)
    assert {e.version for e in deployment.history if e.action is Action.ROLLBACK} <= {1}
