"""What becomes of the rows of a comfyui-deploy, decided before anything is done (pure).

The same rows give the same names, so an import that is repeated finds what it has made.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from typing import TypeVar

from msgspec import Struct

from app.auth.caller import tenant_of
from events.deployment import ENVIRONMENTS
from infra.comfyui_deploy.source import (
    SourceDeployment,
    SourceKey,
    SourceMachine,
    SourceRows,
    SourceVersion,
    SourceWorkflow,
)

LONGEST_NAME = 200
DRIVEN = "classic"
"""The type of machines that comfyd can use: a ComfyUI that answers at its endpoint."""


class Owner(Struct, frozen=True):
    """Whose something is."""

    user_id: str
    org_id: str | None

    @property
    def tenant(self) -> str:
        """The tenant that it belongs to here."""
        return tenant_of(self.user_id, self.org_id)


class PlannedMachine(Struct, frozen=True, kw_only=True):
    """A machine, and its name here; one that several tenants use is one for each of them."""

    row: SourceMachine
    owner: Owner
    name: str
    obstacle: str = ""
    """The code of what speaks against it; empty: nothing."""


class PlannedDeployment(Struct, frozen=True, kw_only=True):
    """A deployment of a workflow."""

    row: SourceDeployment
    obstacle: str = ""
    same_as: str = ""
    """The one that counts, where a workflow has several for one environment."""


class PlannedWorkflow(Struct, frozen=True, kw_only=True):
    """A workflow, its name here, its versions in order, and its deployments."""

    row: SourceWorkflow
    owner: Owner
    name: str
    versions: tuple[SourceVersion, ...]
    deployments: tuple[PlannedDeployment, ...]


class Plan(Struct, frozen=True, kw_only=True):
    """All that is to be done, in this order."""

    machines: tuple[PlannedMachine, ...]
    workflows: tuple[PlannedWorkflow, ...]
    keys: tuple[SourceKey, ...]


def plan_of(rows: SourceRows) -> Plan:
    """Decide what becomes of the rows."""
    owners = {w.id: Owner(w.user_id, w.org_id) for w in rows.workflows}
    return Plan(
        machines=tuple(_machines(rows, owners)),
        workflows=tuple(_workflows(rows, owners)),
        keys=rows.keys,
    )


def _machines(rows: SourceRows, owners: Mapping[str, Owner]) -> Iterator[PlannedMachine]:
    users: dict[str, dict[str, Owner]] = {}
    for machine in rows.machines:
        owner = Owner(machine.user_id, machine.org_id)
        users[machine.id] = {owner.tenant: owner}
    for deployment in reversed(rows.deployments):
        owner = owners[deployment.workflow_id]
        users.get(deployment.machine_id, {}).setdefault(owner.tenant, owner)
    wanted = [(row, owner) for row in rows.machines for owner in users[row.id].values()]
    names = _names(wanted, lambda one: (one[1].tenant, one[0].name), otherwise="machine")
    for (row, owner), name in zip(wanted, names, strict=True):
        obstacle = "" if row.type == DRIVEN else "machine_type"
        yield PlannedMachine(row=row, owner=owner, name=name, obstacle=obstacle)


def _workflows(rows: SourceRows, owners: Mapping[str, Owner]) -> Iterator[PlannedWorkflow]:
    names = _names(rows.workflows, lambda w: (owners[w.id].tenant, w.name), otherwise="workflow")
    types = {machine.id: machine.type for machine in rows.machines}
    versions: dict[str, list[SourceVersion]] = defaultdict(list)
    for version in rows.versions:
        versions[version.workflow_id].append(version)
    deployments: dict[str, list[SourceDeployment]] = defaultdict(list)
    for deployment in rows.deployments:
        deployments[deployment.workflow_id].append(deployment)
    for row, name in zip(rows.workflows, names, strict=True):
        yield PlannedWorkflow(
            row=row,
            owner=owners[row.id],
            name=name,
            versions=tuple(versions[row.id]),
            deployments=tuple(_deployments(deployments[row.id], types)),
        )


def _deployments(
    found: Iterable[SourceDeployment], types: Mapping[str, str]
) -> Iterator[PlannedDeployment]:
    first: dict[str, str] = {}
    for row in found:
        if row.environment not in ENVIRONMENTS:
            yield PlannedDeployment(row=row, obstacle="environment")
        elif types.get(row.machine_id) != DRIVEN:
            yield PlannedDeployment(row=row, obstacle="machine_missing")
        else:
            counts = first.setdefault(row.environment, row.id)
            yield PlannedDeployment(row=row, same_as="" if counts == row.id else counts)


R = TypeVar("R")


def _names(
    rows: Iterable[R], called: Callable[[R], tuple[str, str]], *, otherwise: str
) -> list[str]:
    """Return a name for each row that no other of its tenant has; the first keeps its own."""
    named = [(tenant, _clean(name) or otherwise) for tenant, name in map(called, rows)]
    taken: set[tuple[str, str]] = set()
    chosen: list[str] = []
    for tenant, name in named:
        free = name
        numbers = count(2)
        while (tenant, free) in taken or (free != name and (tenant, free) in named):
            ending = f" ({next(numbers)})"
            free = name[: LONGEST_NAME - len(ending)] + ending
        taken.add((tenant, free))
        chosen.append(free)
    return chosen


def _clean(name: str) -> str:
    return "".join(c for c in name if c.isprintable())[:LONGEST_NAME].strip()
