"""What a caller may be allowed to do, and how a route says which of it it needs."""

from collections.abc import Mapping
from typing import Any

RUNS_READ = "runs:read"
RUNS_WRITE = "runs:write"
DEPLOY = "deploy"
ADMIN = "admin"

SCOPES = frozenset({RUNS_READ, RUNS_WRITE, DEPLOY, ADMIN})
OF_RUNS = frozenset({RUNS_READ, RUNS_WRITE})
"""All that a key may hold which is restricted to some deployments."""

OPT = "scopes"
"""Where a route keeps its needs."""

PER_DEPLOYMENT = "per_deployment"
"""Where a route says that it keeps restricted keys to their deployments."""


TICKET = "ticket"
"""Where a route that a ticket opens keeps what the ticket must be for: run or batch."""


def needs(*scopes: str, per_deployment: bool = False, ticket: str = "") -> Mapping[str, Any]:
    """Give the `opt` of a route whose caller must hold one of *scopes*; admin always suffices.

    A route that says *per_deployment* hides by itself what lies outside the deployments that a key
    is restricted to (app/reads/runs.py helps). To such a key every other route is not found.

    Where *ticket* names a kind of thing, a ticket for just the thing in the path opens the route.
    """
    unknown = set(scopes) - SCOPES
    if unknown or not scopes:
        raise ValueError(f"no such scopes: {sorted(unknown)}")
    return {OPT: frozenset(scopes) | {ADMIN}, PER_DEPLOYMENT: per_deployment, TICKET: ticket}
