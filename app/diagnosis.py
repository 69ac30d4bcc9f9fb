"""Judges what was found of everything a server depends on: each fault with its fix."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from events.words import Phrases, in_words
from infra.log_health import LogHealth
from infra.storage_probe import StorageProbe

OLDEST_NATS = (2, 12)
"""Atomic batches came with it."""

SMALLEST_MESSAGE = 1024 * 1024
OLDEST_POSTGRES = 15
FAR_BEHIND = 5_000
"""Events the read models may be behind; a projector folds more than that in a second."""

CLOCK_SLACK = timedelta(seconds=2)
WORDS: Phrases = {
    "log_away": ("nobody answers", "没有响应"),
    "log_away.fix": ("start NATS; check NATS_URL", "启动 NATS；检查 NATS_URL"),
    "log_old": ("NATS {version} is too old", "NATS {version} 版本过旧"),
    "log_old.fix": ("use NATS 2.12 or newer", "使用 NATS 2.12 或更新版本"),
    "log_small": ("messages end at {bytes} bytes", "消息上限为 {bytes} 字节"),
    "log_small.fix": ("set max_payload to 1MB or more", "将 max_payload 设为 1MB 或更大"),
    "log_unwritable": (
        "NATS answers, but cannot write: no run is accepted",
        "NATS 有响应但无法写入：不接受任何运行",
    ),
    "log_unwritable.fix": (
        "make room on its disk, then restart NATS (`comfyd up` restarts its own)",
        "在其磁盘上腾出空间，然后重启 NATS（`comfyd up` 会自动重启自带的 NATS）",
    ),
    "streams_differ": ("not as declared: {names}", "与声明不符：{names}"),
    "streams_differ.fix": ("run `comfyd migrate`", "运行 `comfyd migrate`"),
    "clock_off": ("{seconds} s apart from the log's", "与日志服务器相差 {seconds} 秒"),
    "clock_off.fix": ("let NTP set both clocks", "让 NTP 同步两台机器的时钟"),
    "postgres_away": ("nobody answers", "没有响应"),
    "postgres_away.fix": (
        "start Postgres; check POSTGRES_URL; run `comfyd migrate`",
        "启动 Postgres；检查 POSTGRES_URL；运行 `comfyd migrate`",
    ),
    "postgres_old": ("Postgres {version} is too old", "Postgres {version} 版本过旧"),
    "postgres_old.fix": ("use Postgres 15 or newer", "使用 Postgres 15 或更新版本"),
    "postgres_full": ("cannot be written: {reason}", "无法写入：{reason}"),
    "postgres_full.fix": ("make room on its disk", "在其磁盘上腾出空间"),
    "behind": ("{count} events behind the log", "落后日志 {count} 个事件"),
    "behind.fix": ("start `comfyd projector`", "启动 `comfyd projector`"),
    "storage_write": ("cannot be written: {reason}", "无法写入：{reason}"),
    "storage_write.fix": (
        "check SPACES_ENDPOINT, SPACES_BUCKET, SPACES_KEY and SPACES_SECRET",
        "检查 SPACES_ENDPOINT、SPACES_BUCKET、SPACES_KEY 和 SPACES_SECRET",
    ),
    "storage_read": ("{url} cannot be read by anybody: {reason}", "{url} 无法公开读取：{reason}"),
    "storage_read.fix": (
        "make the bucket public; check SPACES_ENDPOINT_CDN and the SPACES_CDN_ settings",
        "将存储桶设为公开；检查 SPACES_ENDPOINT_CDN 和 SPACES_CDN_ 各项设置",
    ),
    "storage_cors": ("web pages cannot read files", "网页无法读取文件"),
    "storage_cors.fix": (
        "give the bucket a CORS rule: GET and HEAD from any origin",
        "为存储桶设置 CORS 规则：允许任何来源的 GET 和 HEAD",
    ),
    "machine_none": ("no machine is registered", "还没有登记机器"),
    "machine_none.fix": ("run `comfyd machine add NAME URL`", "运行 `comfyd machine add 名称 URL`"),
    "machine_unseen": ("no worker has seen it yet", "还没有工作进程检查过它"),
    "machine_unseen.fix": (
        "start it and `comfyd worker`, then run `comfyd machine refresh {name}`",
        "启动它和 `comfyd worker`，然后运行 `comfyd machine refresh {name}`",
    ),
    "machine_silent": ("it does not answer: {reason}", "没有响应：{reason}"),
    "machine_silent.fix": (
        "start its ComfyUI; check its address, and its token or header if it wants one",
        "启动它的 ComfyUI；检查地址，以及（如需要）令牌或请求头",
    ),
    "machine_resting": ("it is {state}: runs wait for it", "状态为 {state}：运行在等待它"),
    "machine_resting.fix": (
        "run `comfyd machine resume {name}`",
        "运行 `comfyd machine resume {name}`",
    ),
}


class Check(Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    name: str
    ok: bool
    code: str = ""
    """Which fault; empty if there is none."""

    detail: str = ""
    fix: str = ""


class Diagnosis(Struct, frozen=True, kw_only=True):
    """All that was looked at."""

    ok: bool
    time: datetime
    """The server's clock, for comparison with one's own."""

    storage_probe: str
    """A public file: whoever cannot read it cannot read outputs either."""

    checks: list[Check]


class FoundMachine(Struct, frozen=True, kw_only=True):
    """A machine of the caller's."""

    name: str
    state: str
    observed: bool
    """Whether a worker has ever reached it."""

    silence: str | None = None
    """Why it does not answer the API now; None if it does, or was not asked."""


class ReadModels(Struct, frozen=True, kw_only=True):
    """What Postgres says."""

    version: int
    """Of the server, the first number of it."""

    position: int
    machines: list[FoundMachine]
    write_error: str = ""
    """Why it stores nothing; empty if it does."""


class Findings(Struct, frozen=True, kw_only=True):
    """What the parts answered; None for one that did not."""

    time: datetime
    log: LogHealth | None
    storage: StorageProbe
    read_models: ReadModels | None


def judge(findings: Findings, language: str) -> list[Check]:
    """Say of each part whether it is well, in *language*: en or zh."""
    say = _Say(language)
    return [
        *_log_checks(say, findings.log),
        *_read_model_checks(say, findings.read_models, findings.log),
        *_storage_checks(say, findings.storage),
        *_machine_checks(say, findings.read_models),
    ]


class _Say:
    def __init__(self, language: str) -> None:
        self._language = language

    def bad(self, name: str, code: str, /, **params: object) -> Check:
        detail = in_words(WORDS[code], self._language, params)
        fix = in_words(WORDS[f"{code}.fix"], self._language, params)
        return Check(name=name, ok=False, code=code, detail=detail, fix=fix)


def _log_checks(say: _Say, log: LogHealth | None) -> Iterator[Check]:
    if log is None:
        yield say.bad("log", "log_away")
        return
    if log.version < OLDEST_NATS:
        yield say.bad("log", "log_old", version=".".join(map(str, log.version)))
    elif log.largest_message < SMALLEST_MESSAGE:
        yield say.bad("log", "log_small", bytes=log.largest_message)
    elif not log.writable:
        yield say.bad("log", "log_unwritable")
    else:
        yield Check(name="log", ok=True)
    if log.differing:
        yield say.bad("streams", "streams_differ", names=", ".join(log.differing))
    else:
        yield Check(name="streams", ok=True)
    apart = abs(log.clock_ahead or timedelta())
    if apart > CLOCK_SLACK:
        yield say.bad("clock", "clock_off", seconds=f"{apart.total_seconds():.1f}")
    else:
        yield Check(name="clock", ok=True)


def _read_model_checks(
    say: _Say, found: ReadModels | None, log: LogHealth | None
) -> Iterator[Check]:
    if found is None:
        yield say.bad("postgres", "postgres_away")
    elif found.version < OLDEST_POSTGRES:
        yield say.bad("postgres", "postgres_old", version=found.version)
    elif found.write_error:
        yield say.bad("postgres", "postgres_full", reason=found.write_error)
    elif log and log.position - found.position > FAR_BEHIND:
        yield say.bad("postgres", "behind", count=log.position - found.position)
    else:
        yield Check(name="postgres", ok=True)


def _storage_checks(say: _Say, probe: StorageProbe) -> Iterator[Check]:
    if probe.write_error:
        yield say.bad("storage", "storage_write", reason=probe.write_error)
    elif probe.read_error:
        yield say.bad("storage", "storage_read", url=probe.url, reason=probe.read_error)
    elif not probe.open_to_pages:
        yield say.bad("storage", "storage_cors")
    else:
        yield Check(name="storage", ok=True)


def _machine_checks(say: _Say, found: ReadModels | None) -> Iterator[Check]:
    if found is not None and not found.machines:
        yield say.bad("machines", "machine_none")
    for machine in found.machines if found else ():
        name = f"machine {machine.name}"
        if machine.silence is not None:
            yield say.bad(name, "machine_silent", reason=machine.silence)
        elif machine.state != "active":
            yield say.bad(name, "machine_resting", name=machine.name, state=machine.state)
        elif not machine.observed:
            yield say.bad(name, "machine_unseen", name=machine.name)
        else:
            yield Check(name=name, ok=True)
