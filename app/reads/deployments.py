"""Reads of deployments: from the log one by one, from Postgres in lists."""

from uuid import UUID

from app.auth.caller import Caller
from app.reads.owned import is_visible, load_owned, not_found
from events.aggregates import DEPLOYMENT
from events.deployment import Deployment, DeploymentCommand, DeploymentPromoted
from infra.event_store import EventStore, Session
from infra.postgres import Pool
from projections.queries import Page, list_deployments

DeploymentSession = Session[Deployment, DeploymentCommand, DeploymentPromoted]


class DeploymentReads:
    """Queries for deployments."""

    def __init__(self, store: EventStore, pool: Pool) -> None:
        self._store = store
        self._pool = pool

    async def session(self, caller: Caller, deployment_id: UUID) -> DeploymentSession:
        """Load a deployment of the caller's from the log; its state is there.

        Raises:
            NotFound: the caller may know of no such deployment.
            LogUnavailable: the log does not answer.

        """
        return await load_owned(
            self._store,
            caller,
            DEPLOYMENT,
            deployment_id,
            deployments_of=lambda _: (deployment_id,),
        )

    async def find(self, caller: Caller, deployment_id: UUID) -> Deployment:
        """Return a deployment of the caller's; raises as `session`."""
        return (await self.session(caller, deployment_id)).existing

    async def current(self, caller: Caller, deployment_id: UUID) -> DeploymentPromoted:
        """Return what a deployment runs now; a single read of the log, so never an old version.

        Raises:
            NotFound: the caller has no such deployment.
            LogUnavailable: the log does not answer.

        """
        last = await self._store.last(DEPLOYMENT.name(deployment_id))
        if last is None or not is_visible(caller, last.meta.tenant, (deployment_id,)):
            raise not_found(DEPLOYMENT.kind)
        promoted: DeploymentPromoted = last.event
        return promoted

    async def knows(self, caller: Caller, deployment_id: UUID) -> bool:
        """Return whether the caller has such a deployment.

        Raises:
            LogUnavailable: the log does not answer.

        """
        last = await self._store.last(DEPLOYMENT.name(deployment_id))
        return last is not None and is_visible(caller, last.meta.tenant, (deployment_id,))

    async def page(
        self,
        caller: Caller,
        *,
        limit: int,
        before: int | None,
        workflow_id: UUID | None,
        environment: str | None,
    ) -> Page:
        """Return a part of the caller's deployments, newest first."""
        async with self._pool.connection() as connection:
            return await list_deployments(
                connection,
                tenant=caller.tenant,
                limit=limit,
                before=before,
                workflow_id=workflow_id,
                environment=environment,
                only=caller.deployments,
            )
