"""What becomes of the rows of a comfyui-deploy, decided before anything is done (pure).

The same rows give the same names, and what an earlier import has made keeps the name that it has
here: so an import that is repeated finds it, whatever was renamed or removed meanwhile.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import count

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


class Made(Struct, frozen=True):
    """A thing that an earlier import has made."""

    id: str
    name: str
    url: str = ""
    """Where it answers, if it is a machine."""


class Earlier(Struct, frozen=True, kw_only=True):
    """What earlier imports have made, by the ids that it has in comfyui-deploy."""

    machines: Mapping[tuple[str, str], Made] = {}
    """By tenant and id: one machine may be there for several tenants."""

    workflows: Mapping[str, Made] = {}


class PlannedMachine(Struct, frozen=True, kw_only=True):
    """A machine, and its name here; one that several tenants use is one for each of them."""

    row: SourceMachine
    owner: Owner
    name: str
    obstacle: str = ""
    """The code of what speaks against it; empty: nothing."""

    @property
    def is_guest(self) -> bool:
        """Whether another tenant than its own uses it."""
        return self.owner.tenant != Owner(self.row.user_id, self.row.org_id).tenant

    @property
    def token(self) -> str:
        """What it wants to be shown; a secret of one tenant is not handed to another."""
        return "" if self.is_guest else self.row.token


class PlannedDeployment(Struct, frozen=True, kw_only=True):
    """A deployment of a workflow."""

    row: SourceDeployment
    obstacle: str = ""
    same_as: str = ""
    """The one that counts, where a workflow has several for one environment."""

    waits: bool = False
    """Whether its id may lead to what is deployed by hand for its environment, later on."""


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

    @property
    def size(self) -> int:
        """The number of its things."""
        parts = sum(1 + len(w.versions) + len(w.deployments) for w in self.workflows)
        return len(self.machines) + parts + len(self.keys)

    def owners(self) -> dict[str, Owner]:
        """Return an owner of things for each tenant."""
        found = [machine.owner for machine in self.machines]
        found += [workflow.owner for workflow in self.workflows]
        return {owner.tenant: owner for owner in found}


def plan_of(rows: SourceRows, earlier: Earlier | None = None) -> Plan:
    """Decide what becomes of the rows."""
    known = earlier or Earlier()
    return Plan(
        machines=tuple(_machines(rows, known)),
        workflows=tuple(_workflows(rows, known)),
        keys=rows.keys,
    )


def machines_of_tenants(rows: SourceRows) -> list[tuple[SourceMachine, Owner]]:
    """Return every machine with each of the tenants that use it, its own first."""
    users: dict[str, dict[str, Owner]] = {}
    for machine in rows.machines:
        owner = Owner(machine.user_id, machine.org_id)
        users[machine.id] = {owner.tenant: owner}
    owners = {workflow.id: owner_of(workflow) for workflow in rows.workflows}
    for deployment in reversed(rows.deployments):
        owner = owners[deployment.workflow_id]
        users.get(deployment.machine_id, {}).setdefault(owner.tenant, owner)
    return [(row, owner) for row in rows.machines for owner in users[row.id].values()]


def owner_of(workflow: SourceWorkflow) -> Owner:
    """Return whose a workflow is, and all that belongs to it."""
    return Owner(workflow.user_id, workflow.org_id)


def _machines(rows: SourceRows, earlier: Earlier) -> Iterator[PlannedMachine]:
    wanted = machines_of_tenants(rows)
    made = [earlier.machines.get((owner.tenant, row.id)) for row, owner in wanted]
    wishes = [(owner.tenant, row.name) for row, owner in wanted]
    for (row, owner), name in zip(wanted, _names(wishes, made, "machine"), strict=True):
        obstacle = "" if row.type == DRIVEN else "machine_type"
        yield PlannedMachine(row=row, owner=owner, name=name, obstacle=obstacle)


def _workflows(rows: SourceRows, earlier: Earlier) -> Iterator[PlannedWorkflow]:
    made = [earlier.workflows.get(row.id) for row in rows.workflows]
    wishes = [(owner_of(row).tenant, row.name) for row in rows.workflows]
    types = {machine.id: machine.type for machine in rows.machines}
    versions: dict[str, list[SourceVersion]] = defaultdict(list)
    for version in rows.versions:
        versions[version.workflow_id].append(version)
    deployments: dict[str, list[SourceDeployment]] = defaultdict(list)
    for deployment in rows.deployments:
        deployments[deployment.workflow_id].append(deployment)
    for row, name in zip(rows.workflows, _names(wishes, made, "workflow"), strict=True):
        yield PlannedWorkflow(
            row=row,
            owner=owner_of(row),
            name=name,
            versions=tuple(versions[row.id]),
            deployments=tuple(_deployments(deployments[row.id], types)),
        )


def _deployments(
    found: Sequence[SourceDeployment], types: Mapping[str, str]
) -> Iterator[PlannedDeployment]:
    counts: dict[str, str] = {}
    for row in found:
        if types.get(row.machine_id) == DRIVEN:
            counts.setdefault(row.environment, row.id)
    for row in found:
        if row.environment not in ENVIRONMENTS:
            yield PlannedDeployment(row=row, obstacle="environment")
        elif types.get(row.machine_id) != DRIVEN:
            waits = row.environment not in counts
            yield PlannedDeployment(row=row, obstacle="machine_missing", waits=waits)
        else:
            first = counts[row.environment]
            yield PlannedDeployment(row=row, same_as="" if first == row.id else first)


def _names(
    wishes: Sequence[tuple[str, str]], made: Sequence[Made | None], otherwise: str
) -> list[str]:
    """Return a name for each (tenant, name) that no other of its tenant has; the first keeps it.

    What is made already has its name.
    """
    named = [
        (tenant, known.name if known else _clean(name) or otherwise)
        for (tenant, name), known in zip(wishes, made, strict=True)
    ]
    wanted = frozenset(named)
    taken = {name for name, known in zip(named, made, strict=True) if known}
    chosen: list[str] = []
    for (tenant, name), known in zip(named, made, strict=True):
        free = name if known else _free(tenant, name, taken, wanted)
        taken.add((tenant, free))
        chosen.append(free)
    return chosen


def _free(
    tenant: str,
    name: str,
    taken: AbstractSet[tuple[str, str]],
    wanted: AbstractSet[tuple[str, str]],
) -> str:
    """Return *name*, or with a number what nothing has and nothing else wants."""
    free = name
    numbers = count(2)
    while (tenant, free) in taken or (free != name and (tenant, free) in wanted):
        ending = f" ({next(numbers)})"
        free = name[: LONGEST_NAME - len(ending)] + ending
    return free


def _clean(name: str) -> str:
    return "".join(c for c in name if c.isprintable())[:LONGEST_NAME].strip()
