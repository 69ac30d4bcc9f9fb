"""Structured logs: one JSON object a line, constant messages, secrets masked."""

import logging
import sys
from collections.abc import Collection, MutableMapping
from types import TracebackType
from typing import Any

import structlog

from infra.masking import MASK, masker

SECRET_WORDS = ("authorization", "token", "ticket", "secret", "password", "key")

Event = MutableMapping[str, Any]

log = logging.getLogger(__name__)


def mask_secrets(_: object, __: str, event: Event) -> Event:
    """Hide the values of fields whose name says that they are secret."""
    for name in event:
        if any(word in name.lower() for word in SECRET_WORDS):
            event[name] = MASK
    return event


def configure_logs(level: str, *, process: str, secrets: Collection[str] = ()) -> None:
    """Send every log line of this process to stderr, without *secrets* and what looks like one."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_secrets,
    ]
    mask = masker(secrets)

    def name_process(_: object, __: str, event: Event) -> Event:
        event["process"] = process
        return event

    def mask_values(_: object, __: str, line: Any) -> str:
        return mask(line)

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                name_process,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
                mask_values,
            ],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # What would be printed past the handler may hold a secret as well.
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_the_end
    # Their lines name every request; ours say what came of it.
    for noisy in ("uvicorn.access", "httpx", "botocore", "aiobotocore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _log_the_end(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        log.critical("process.died", exc_info=(kind, error, trace))
