"""Scopes of callers, and how a route declares which it needs."""

from collections.abc import Mapping
from typing import Any

RUNS_READ = "runs:read"
RUNS_WRITE = "runs:write"
DEPLOY = "deploy"
ADMIN = "admin"

SCOPES = frozenset({RUNS_READ, RUNS_WRITE, DEPLOY, ADMIN})
OF_RUNS = frozenset({RUNS_READ, RUNS_WRITE})
"""The scopes that a key restricted to some deployments may hold."""

OPT = "scopes"
"""Key in a route's `opt`: the scopes, any of which is enough."""

PER_DEPLOYMENT = "per_deployment"
"""Key in a route's `opt`: whether it keeps restricted keys to their deployments."""

TICKET = "ticket"
"""Key in a route's `opt`: what a ticket that opens it must be for: run, batch, version, tenant."""

VERSION = "version"
"""What a ticket is for that opens a version in a page of ComfyUI, which shows it as a bearer."""

TENANT = "tenant"
"""What a ticket is for that opens the streams of a tenant: nothing in the path names it."""


def needs(*scopes: str, per_deployment: bool = False, ticket: str = "") -> Mapping[str, Any]:
    """Return the `opt` of a route whose caller must hold one of *scopes*; admin always suffices.

    A route that says *per_deployment* hides by itself what lies outside the deployments that a key
    is restricted to (app/reads/runs/runs.py helps). To such a key every other route is not found.

    Where *ticket* names a kind of thing, a ticket for just the thing in the path opens the route;
    where it is TENANT, a ticket for the tenant.
    """
    unknown = set(scopes) - SCOPES
    if unknown or not scopes:
        raise ValueError(f"no such scopes: {sorted(unknown)}")
    return {OPT: frozenset(scopes) | {ADMIN}, PER_DEPLOYMENT: per_deployment, TICKET: ticket}
