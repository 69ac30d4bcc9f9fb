"""The job view of queue and history: /api/jobs."""

from collections.abc import Iterable, Mapping
from typing import Any

from tests.standin.prompt_queue import Entry, Prompt, PromptQueue

Job = dict[str, Any]
_PREVIEWABLE = ("images", "video", "audio", "3d")


def all_jobs(queue: PromptQueue) -> list[Job]:
    """List every job the machine knows of."""
    running = [] if queue.running is None else [_unfinished(queue.running, "in_progress")]
    pending = [_unfinished(prompt, "pending") for prompt in queue.pending]
    return [*running, *pending, *(_finished(e) for e in queue.history.values())]


def one_job(queue: PromptQueue, prompt_id: str) -> Job | None:
    """Return one job with all its details, if the machine knows it."""
    if queue.running is not None and queue.running.prompt_id == prompt_id:
        return _unfinished(queue.running, "in_progress")
    for prompt in queue.pending:
        if prompt.prompt_id == prompt_id:
            return _unfinished(prompt, "pending")
    entry = queue.history.get(prompt_id)
    if entry is None:
        return None
    _, _, graph, extra, _ = entry["prompt"]
    return {
        **_finished(entry),
        "outputs": entry["outputs"],
        "execution_status": entry["status"],
        "workflow": {"prompt": graph, "extra_data": extra},
    }


def _unfinished(prompt: Prompt, status: str) -> Job:
    return {
        "id": prompt.prompt_id,
        "status": status,
        "priority": prompt.number,
        "create_time": prompt.extra["create_time"],
        "outputs_count": 0,
        "previewable_outputs_count": 0,
        **_workflow_id(prompt.extra),
    }


def _finished(entry: Entry) -> Job:
    number, prompt_id, _, extra, _ = entry["prompt"]
    messages = dict(entry["status"]["messages"])
    end, last = entry["status"]["messages"][-1]
    job: Job = {
        "id": prompt_id,
        "status": _STATUS[end],
        "priority": number,
        "create_time": extra["create_time"],
        "execution_start_time": messages["execution_start"]["timestamp"],
        "execution_end_time": last["timestamp"],
    }
    if end == "execution_error":
        job["execution_error"] = last
    return {**job, **_counted(entry["outputs"]), **_workflow_id(extra)}


_STATUS = {
    "execution_success": "completed",
    "execution_error": "failed",
    "execution_interrupted": "cancelled",
}


def _counted(outputs: Mapping[str, Any]) -> Job:
    files = [
        {**item, "nodeId": node_id, "mediaType": kind}
        for node_id, kind, item in _items(outputs)
        if isinstance(item, dict)
    ]
    previewable = [file for file in files if file["mediaType"] in _PREVIEWABLE]
    texts = [
        {"content": item, "nodeId": node_id, "mediaType": kind}
        for node_id, kind, item in _items(outputs)
        if kind == "text"
    ]
    counted: Job = {
        "outputs_count": len(files),
        "previewable_outputs_count": len(previewable),
    }
    shown = [f for f in previewable if f["type"] == "output"] or previewable or texts
    return {**counted, "preview_output": shown[0]} if shown else counted


def _items(outputs: Mapping[str, Any]) -> Iterable[tuple[str, str, Any]]:
    for node_id, output in outputs.items():
        for kind, items in output.items():
            for item in items:
                yield node_id, kind, item


def _workflow_id(extra: Mapping[str, Any]) -> Job:
    # A workflow that is null breaks this for every caller until the entry is gone. So it does in
    # ComfyUI, and whoever talks to one must not send it.
    workflow_id = extra.get("extra_pnginfo", {}).get("workflow", {}).get("id")
    return {} if workflow_id is None else {"workflow_id": workflow_id}
