"""Structured logs: one JSON object a line, constant messages, secrets masked."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

SECRET_WORDS = ("authorization", "token", "secret", "password", "key")
MASK = "***"

Event = MutableMapping[str, Any]


def mask_secrets(_: object, __: str, event: Event) -> Event:
    """Hide the values of fields whose name says that they are secret."""
    for name in event:
        if any(word in name.lower() for word in SECRET_WORDS):
            event[name] = MASK
    return event


def configure_logs(level: str, *, process: str) -> None:
    """Send every log line of this process to stderr."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_secrets,
    ]

    def name_process(_: object, __: str, event: Event) -> Event:
        event["process"] = process
        return event

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                name_process,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Their lines name every request; ours say what came of it.
    for noisy in ("uvicorn.access", "httpx", "botocore", "aiobotocore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
