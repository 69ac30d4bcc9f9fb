"""A run that a page of ComfyUI starts on its own machine, in the plugin's native mode.

The plugin asks where to report, then queues the prompt itself. What runs there is the graph of an
editor, which is in no version: so it is no run of comfyd's, nothing of it is recorded, and the
plugin is told to report nothing. The page shows its images, as ComfyUI does.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from app.auth.caller import Caller
from app.http.bad_request import bad
from events.errors import NotFound


class NativeRun(Struct, frozen=True, kw_only=True):
    """What the plugin queues; without an address it reports nothing."""

    prompt_id: str
    workflow_api_raw: Mapping[str, Any]
    workflow: Mapping[str, Any]
    inputs: Mapping[str, Any] = {}
    status_endpoint: str = ""
    file_upload_endpoint: str = ""
    cd_token: str | None = None
    gpu_event_id: str | None = None


def native_run(
    caller: Caller,
    *,
    prompt_id: str,
    graph: Mapping[str, Any] | None,
    ui_graph: Mapping[str, Any] | None,
    gpu_event_id: str | None,
) -> NativeRun:
    """Return what the plugin is to queue: the graph that it has sent.

    Raises:
        NotFound: the caller is kept to some deployments, and this is a run of none.
        BadRequest: there is no graph.

    """
    if caller.deployments:
        raise NotFound("there is nothing here for a key that is restricted to deployments")
    if graph is None:
        raise bad("field_missing", "/workflow_api_json", field="workflow_api_json")
    # Without a list of nodes here, the plugin ends with an error for graphs that have a seed.
    return NativeRun(
        prompt_id=prompt_id,
        workflow_api_raw=graph,
        workflow=ui_graph or {"nodes": []},
        gpu_event_id=gpu_event_id,
    )
