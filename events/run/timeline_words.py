"""What happened to a run, and why, in a sentence each: English and Chinese."""

from collections.abc import Mapping
from typing import NamedTuple

from events.run.events import (
    AttemptFailed,
    AttemptLost,
    CancelRequested,
    FileUploaded,
    ImageUploaded,
    OutputsProduced,
    RetryScheduled,
    RunClaimed,
    RunCreated,
    RunDataDeleted,
    RunDataErased,
    RunError,
    RunEvent,
    RunWaiting,
    StatusChanged,
)
from events.run.waiting import Waiting, WaitingReason
from events.words import Phrases, in_words

PHRASES: Phrases = {
    "created": ("accepted", "已接受"),
    "created_why": ("version {version}, {environment}", "版本 {version}，{environment}"),
    "claimed": (
        "attempt {attempt} went to machine {machine}",
        "第 {attempt} 次尝试分配给机器 {machine}",
    ),
    "claimed_deployment": ("the deployment names this machine", "部署指定了这台机器"),
    "claimed_retry": ("the attempt before was lost", "上一次尝试已丢失"),
    "claimed_takeover": (
        "the worker that had it stopped, or the machine did not answer",
        "原来的工作进程已停止，或机器当时无响应",
    ),
    "input": ("input image '{name}' was stored", "输入图片“{name}”已保存"),
    "output": ("output '{name}' was stored", "输出“{name}”已保存"),
    "input_erased": ("an input image was stored", "一张输入图片已保存"),
    "output_erased": ("an output was stored", "一个输出已保存"),
    "stored_why": ("{bytes} bytes in {seconds} s", "{bytes} 字节，用时 {seconds} 秒"),
    "queued": ("a worker took the run", "工作进程已接手"),
    "started": ("it is in the machine's own queue", "已进入机器自身的队列"),
    "running": ("the machine began to render", "机器开始渲染"),
    "uploading": ("its outputs are on their way to object storage", "正在上传输出"),
    "success": ("succeeded", "成功"),
    "failed": ("failed", "失败"),
    "cancelled": ("cancelled", "已取消"),
    "timeout": ("timed out", "超时"),
    "produced": ("rendered; outputs: {count}", "渲染完成；输出数：{count}"),
    "attempt_failed": ("node {node} ({node_class}) failed", "节点 {node}（{node_class}）出错"),
    "attempt_failed_as_a_whole": ("attempt {attempt} failed", "第 {attempt} 次尝试失败"),
    "attempt_lost": ("attempt {attempt} was lost", "第 {attempt} 次尝试丢失"),
    "retry": ("attempt {attempt} may begin at {due}", "第 {attempt} 次尝试可于 {due} 开始"),
    "cancel": ("someone asked to stop it", "已请求停止"),
    "waiting": ("it has to wait", "需要等待"),
    "waiting_over": ("it goes on", "继续进行"),
    "erased": ("its private data was erased", "私有数据已抹除"),
    "erased_request": ("{by} asked for it", "由 {by} 请求"),
    "erased_retention": ("it was kept as long as it should be", "已超过保留期限"),
    "deleted": ("its private data is deleted everywhere", "私有数据已从各处删除"),
    # what a run waits for
    "machine_queue": (
        "its turn: machine {machine} has as many runs as it may hold, or no worker is running",
        "排队中：机器 {machine} 的运行数已达上限，或没有工作进程在运行",
    ),
    "comfyui_queue": (
        "its turn in the queue of machine {machine}",
        "在机器 {machine} 自身的队列中排队",
    ),
    "machine_unreachable": (
        "machine {machine} does not answer: {detail}",
        "机器 {machine} 无响应：{detail}",
    ),
    "storage_unavailable": ("object storage does not answer: {detail}", "对象存储无响应：{detail}"),
    "machine_draining": (
        "machine {machine} is drained; it gets nothing new until it is resumed",
        "机器 {machine} 正在排空；恢复之前不接收新的运行",
    ),
    "machine_disabled": (
        "machine {machine} is disabled; it gets nothing until it is resumed",
        "机器 {machine} 已停用；恢复之前不接收任何运行",
    ),
    "retry_due": ("the next attempt, at {detail}", "等待下一次尝试（{detail}）"),
}


class Told(NamedTuple):
    """A fact in words."""

    what: str
    why: str


def phrase(code: str, language: str, **params: object) -> str:
    """Say a phrase in *language*: en or zh."""
    return in_words(PHRASES[code], language, params).rstrip(" :：")


def waiting_in_words(waiting: Waiting, language: str) -> str:
    """Say what a run waits for; a reason of a newer version is told as it is."""
    if waiting.reason not in frozenset(WaitingReason):
        return waiting.detail or waiting.reason
    machine = waiting.machine_id or ""
    return phrase(waiting.reason, language, machine=machine, detail=waiting.detail)


def told(event: RunEvent, language: str) -> Told:  # noqa: PLR0911, C901 -- one line for each fact
    """Say what happened, and why."""
    match event:
        case RunCreated():
            facts = {"version": event.version, "environment": event.environment}
            return _told("created", "created_why", language, facts)
        case RunClaimed():
            claim = {"attempt": event.attempt, "machine": event.machine_id}
            return _told("claimed", f"claimed_{event.reason}", language, claim)
        case ImageUploaded() | FileUploaded():
            return _stored(event, language)
        case StatusChanged():
            what = phrase(event.status, language)
            return Told(what, _error(event.error) if event.error else "")
        case RunWaiting():
            return _waiting(event, language)
        case OutputsProduced():
            return Told(phrase("produced", language, count=len(event.outputs)), "")
        case AttemptFailed() | AttemptLost() | RetryScheduled():
            return _attempt(event, language)
        case CancelRequested():
            return Told(phrase("cancel", language), event.by)
        case RunDataErased():
            return _told("erased", f"erased_{event.reason}", language, {"by": event.by})
        case RunDataDeleted():
            return Told(phrase("deleted", language), "")


def _told(what: str, why: str, language: str, params: Mapping[str, object]) -> Told:
    reason = phrase(why, language, **params) if why in PHRASES else ""
    return Told(phrase(what, language, **params), reason)


def _stored(event: ImageUploaded | FileUploaded, language: str) -> Told:
    role = event.role if isinstance(event, ImageUploaded) else "output"
    facts = {"name": event.name, "bytes": event.bytes, "seconds": round(event.upload_duration, 3)}
    return _told(role if event.name else f"{role}_erased", "stored_why", language, facts)


def _waiting(event: RunWaiting, language: str) -> Told:
    if not event.reason:
        return Told(phrase("waiting_over", language), "")
    waiting = Waiting(
        reason=event.reason, detail=event.detail, machine_id=event.machine_id, since=event.at
    )
    return Told(phrase("waiting", language), waiting_in_words(waiting, language))


def _attempt(event: AttemptFailed | AttemptLost | RetryScheduled, language: str) -> Told:
    match event:
        case AttemptFailed():
            node, node_class = event.error.node_id, event.error.node_class
            code = "attempt_failed" if node else "attempt_failed_as_a_whole"
            facts = {"attempt": event.attempt, "node": node, "node_class": node_class}
            return Told(phrase(code, language, **facts), _error(event.error))
        case AttemptLost():
            return Told(phrase("attempt_lost", language, attempt=event.attempt), event.reason)
        case RetryScheduled():
            due = event.due.isoformat(timespec="seconds")
            return Told(phrase("retry", language, attempt=event.attempt, due=due), "")


def _error(error: RunError) -> str:
    return f"{error.code}: {error.message}" if error.message else error.code
