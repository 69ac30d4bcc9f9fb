"""Findings: what the parts answered, before it is checked; None for a part that did not."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from events.errors import Problem
from infra.embedded.disk import Disk
from infra.jetstream.health.log import LogHealth
from infra.jetstream.health.nodes import Node
from infra.jetstream.health.replicas import StreamHealth
from infra.jetstream.health.workers import Workers
from infra.s3.probe import StorageProbe


class MachineFinding(Struct, frozen=True, kw_only=True):
    """A machine of the caller's."""

    name: str
    state: str
    observed: bool
    """Whether a worker has ever reached it."""

    silence: str | None = None
    """Why it does not answer the API now; None if it does, or was not asked."""

    plugin_fault: Problem | None = None
    """Why its driver, which is comfyui-deploy, cannot work; None if it can, or is another."""

    unserved: int = 0
    """Runs that wait for it while no worker asks for them."""


class ReadModels(Struct, frozen=True, kw_only=True):
    """What Postgres says."""

    version: int
    """Of the server, the first number of it."""

    position: int
    machines: list[MachineFinding]
    write_error: str = ""
    """Why it stores nothing; empty if it does."""

    projectors: int = 1
    """Processes that are connected in order to fold the log."""

    stalled: bool = False
    """Whether they are behind, and no nearer to the head after a moment."""

    quarantined: int = 0
    """Aggregates that are not folded any more."""

    stuck_runs: list[UUID] | None = None
    """Open runs of the caller's whose work is in no queue; None where it is unknown."""


class Cluster(Struct, frozen=True, kw_only=True):
    """How the streams are kept."""

    streams: list[StreamHealth]
    nodes: list[Node]
    copies_wanted: int = 1
    """As COMFYD_REPLICAS says; 0 where it says nothing."""

    storage_in_use: float = 0.0
    """Share of what the account may store."""

    connected: bool = True
    """Whether a server answers at all, whatever its streams do."""


class Work(Struct, frozen=True, kw_only=True):
    """Workers, and work that was given up."""

    workers: Workers
    dead_letters: int = 0
    """Work that was given up during the last day."""


class Findings(Struct, frozen=True, kw_only=True):
    """What the parts answered."""

    time: datetime
    log: LogHealth | None
    storage: StorageProbe
    read_models: ReadModels | None
    cluster: Cluster | None = None
    work: Work | None = None
    disk: Disk | None = None
    """Of the servers that `comfyd up` started; None where it did not."""
