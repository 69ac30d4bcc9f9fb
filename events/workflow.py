"""One workflow: its name and its versions, counted 1, 2, 3 without gaps."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from events.errors import NotFound
from events.graph.inputs import InputField
from events.ids import version_id

CustomNodes = Mapping[str, str | dict[str, Any]]
"""Packs of custom nodes by name: a version, a commit or a URL, or several such facts."""


class WorkflowCreated(Struct, frozen=True, kw_only=True):
    """A workflow got its name."""

    workflow_id: UUID
    name: str
    user_id: str | None
    org_id: str | None
    at: datetime


class WorkflowVersionCreated(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A graph was saved as the workflow's next version. It never changes."""

    version_id: UUID
    version: int
    graph_key: str
    graph_sha256: str
    ui_graph_key: str | None
    inputs: tuple[InputField, ...]
    comment: str
    author: str
    at: datetime
    source: str = "api"
    """The format that was pushed: api, or ui where the graph was made from the editor's."""

    custom_nodes: CustomNodes = {}
    """The packs it was made with, as its push named them."""

    custom_nodes_sha256: str = ""
    """Of the packs; empty: nothing was said of any. Other packs are other content."""


WorkflowEvent = WorkflowCreated | WorkflowVersionCreated


class Workflow(Struct, frozen=True, kw_only=True):
    """The state of a workflow."""

    id: UUID
    name: str
    user_id: str | None
    org_id: str | None
    created_at: datetime
    updated_at: datetime
    versions: tuple[WorkflowVersionCreated, ...] = ()
    """Without their custom nodes, which the log has: all of them together may be large."""

    def version(self, number: int) -> WorkflowVersionCreated:
        """Return version *number*.

        Raises:
            NotFound: there is none.

        """
        if not 1 <= number <= len(self.versions):
            raise NotFound("this workflow has no version {number}", number=number)
        return self.versions[number - 1]

    def same_as(self, push: "PushVersion") -> WorkflowVersionCreated | None:
        """Return the latest version with what is pushed; a push that names no packs fits any."""
        packs = custom_nodes_sha256(push.custom_nodes)
        for version in reversed(self.versions):
            if (
                version.graph_sha256 == push.graph_sha256
                and _content_of(version.ui_graph_key) == _content_of(push.ui_graph_key)
                and packs in {"", version.custom_nodes_sha256}
            ):
                return version
        return None


def _content_of(key: str | None) -> str | None:
    """Return the part of a key that names the content; the rest changes with a secret setting."""
    return key and key.rpartition("/")[2]


def custom_nodes_sha256(custom_nodes: CustomNodes) -> str:
    """Return the hash of a set of packs; an empty text for none."""
    if not custom_nodes:
        return ""
    return hashlib.sha256(msgspec.json.encode(custom_nodes, order="deterministic")).hexdigest()


class PushVersion(Struct, frozen=True, kw_only=True):
    """Save a graph as a version; creates the workflow with its first."""

    workflow_id: UUID
    name: str
    user_id: str | None
    org_id: str | None
    graph_key: str
    graph_sha256: str
    ui_graph_key: str | None
    inputs: tuple[InputField, ...]
    comment: str
    author: str
    now: datetime
    source: str = "api"
    custom_nodes: CustomNodes = {}


def evolve(workflow: Workflow | None, event: WorkflowEvent) -> Workflow:
    """Fold one fact into the state."""
    match event:
        case WorkflowCreated():
            return workflow or Workflow(
                id=event.workflow_id,
                name=event.name,
                user_id=event.user_id,
                org_id=event.org_id,
                created_at=event.at,
                updated_at=event.at,
            )
        case WorkflowVersionCreated():
            if workflow is None:
                raise ValueError("a workflow begins with WorkflowCreated")
            kept = replace(event, custom_nodes={})
            return replace(workflow, versions=(*workflow.versions, kept), updated_at=event.at)


def decide(workflow: Workflow | None, command: PushVersion) -> list[WorkflowEvent]:
    """Decide the events that follow; what a version already holds adds nothing."""
    events: list[WorkflowEvent] = []
    if workflow is None:
        events.append(
            WorkflowCreated(
                workflow_id=command.workflow_id,
                name=command.name,
                user_id=command.user_id,
                org_id=command.org_id,
                at=command.now,
            )
        )
    elif workflow.same_as(command):
        return []
    number = len(workflow.versions) + 1 if workflow else 1
    return [
        *events,
        WorkflowVersionCreated(
            version_id=version_id(command.workflow_id, number),
            version=number,
            graph_key=command.graph_key,
            graph_sha256=command.graph_sha256,
            ui_graph_key=command.ui_graph_key,
            inputs=command.inputs,
            comment=command.comment,
            author=command.author,
            at=command.now,
            source=command.source,
            custom_nodes=command.custom_nodes,
            custom_nodes_sha256=custom_nodes_sha256(command.custom_nodes),
        ),
    ]
