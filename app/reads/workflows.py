"""Reads of workflows: from the log one by one, from Postgres in lists."""

from uuid import UUID

from app.auth.caller import Caller
from app.reads.graphs import Graphs
from app.reads.owned import is_visible, load_owned, not_found
from app.reads.wait_for_projection import wait_for_projection
from events.aggregates import WORKFLOW
from events.graph.diff import GraphDiff, diff_inputs, diff_nodes
from events.workflow import Workflow, WorkflowVersionCreated
from infra.event_store import EventStore
from infra.jetstream.log.aggregates import LogReader
from infra.offload import in_thread
from infra.postgres import Pool
from projections.queries import Page, list_workflows, search_workflows, workflow_of_version


class WorkflowReads:
    """Queries for workflows and their versions."""

    def __init__(
        self, store: EventStore, pool: Pool, graphs: Graphs, log_reader: LogReader
    ) -> None:
        self._store = store
        self._pool = pool
        self._graphs = graphs
        self._log_reader = log_reader

    async def find(self, caller: Caller, workflow_id: UUID) -> Workflow:
        """Return a workflow of the caller's; its versions lack their custom nodes.

        Raises:
            NotFound: the caller has no such workflow.
            LogUnavailable: the log does not answer.

        """
        return (await load_owned(self._store, caller, WORKFLOW, workflow_id)).existing

    async def version(
        self, caller: Caller, workflow_id: UUID, number: int
    ) -> tuple[Workflow, WorkflowVersionCreated]:
        """Return a version of a workflow of the caller's as it was recorded, with all it holds.

        Raises:
            NotFound: the caller has no such workflow, or it has no such version.
            LogUnavailable: the log does not answer.

        """
        recorded = await self._store.read(WORKFLOW.name(workflow_id))
        workflow = WORKFLOW.fold(entry.event for entry in recorded)
        if workflow is None or not is_visible(caller, recorded[0].meta.tenant):
            raise not_found(WORKFLOW.kind)
        wanted = workflow.version(number).version_id
        versions = (e.event for e in recorded if isinstance(e.event, WorkflowVersionCreated))
        return workflow, next(version for version in versions if version.version_id == wanted)

    async def with_version(
        self, caller: Caller, version_id: UUID
    ) -> tuple[Workflow, WorkflowVersionCreated]:
        """Return a version of the caller's by its id alone, and the workflow that it is one of.

        Raises:
            NotFound: the caller has no such version.
            ReadModelsBehind: the read models, which say where to look, do not know all yet.
            LogUnavailable: the log does not answer.

        """
        async with self._pool.connection() as connection:
            workflow_id = await workflow_of_version(connection, caller.tenant, version_id)
            if workflow_id is None:
                await wait_for_projection(self._log_reader, connection)
                workflow_id = await workflow_of_version(connection, caller.tenant, version_id)
        if workflow_id is None:
            raise not_found("version")
        workflow = await self.find(caller, workflow_id)
        return workflow, next(v for v in workflow.versions if v.version_id == version_id)

    async def page(
        self, caller: Caller, *, limit: int, before: int | None, name: str | None
    ) -> Page:
        """Return a part of the caller's workflows, newest first; with *name*, that one alone."""
        async with self._pool.connection() as connection:
            return await list_workflows(
                connection, tenant=caller.tenant, limit=limit, before=before, name=name
            )

    async def search(self, caller: Caller, text: str, *, limit: int, offset: int) -> list[Workflow]:
        """Return the caller's workflows whose names have *text*, those changed last first."""
        async with self._pool.connection() as connection:
            rows = await search_workflows(
                connection, tenant=caller.tenant, text=text, limit=limit, offset=offset
            )
        return [row.state for row in rows]

    async def difference(self, workflow: Workflow, before: int, after: int) -> GraphDiff:
        """Compare two versions of a workflow.

        Raises:
            NotFound: there is no such version, or its graph is gone.
            StorageUnavailable, StorageRefused: a graph cannot be read.

        """
        old, new = workflow.version(before), workflow.version(after)
        if old.graph_sha256 == new.graph_sha256:
            return GraphDiff()
        graphs = [await self._graphs.read(version.graph_key) for version in (old, new)]
        inputs = diff_inputs(old.inputs, new.inputs)
        return GraphDiff(inputs=inputs, nodes=await in_thread(diff_nodes, *graphs))
