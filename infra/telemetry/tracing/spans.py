"""Spans around what takes time; without a collector they cost nothing.

The tracer is one for the process, as OpenTelemetry's own is: handing it through every function that
something is measured in would make all of them speak of it.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from typing import Protocol
from uuid import UUID

from events.ids import derived

_TRACEPARENT = re.compile("00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})")

Attribute = str | int | float | bool
Attributes = Mapping[str, Attribute]


class Span(Protocol):
    """Something that is being timed."""

    def set(self, **attributes: Attribute) -> None:
        """Add *attributes*; `__` in a name stands for a dot."""
        ...


class Tracer(Protocol):
    """Makes spans and sends them (sdk.py)."""

    def span(self, name: str, parent: str, attributes: Attributes) -> AbstractContextManager[Span]:
        """Time a block; with no *parent* it belongs to the block around it."""
        ...

    def record(
        self,
        name: str,
        *,
        parent: str,
        start: datetime,
        end: datetime,
        attributes: Attributes,
        identity: str = "",
        error: str = "",
    ) -> None:
        """Add a span that is over; with *identity*, a traceparent, it is just that one."""
        ...

    def current(self) -> str:
        """Return the traceparent of the block around; empty outside of all."""
        ...


class _Nothing:
    def set(self, **attributes: Attribute) -> None:
        pass


_NOTHING = nullcontext(_Nothing())
_tracer: Tracer | None = None


@contextmanager
def using(tracer: Tracer) -> Iterator[None]:
    """Send the spans of this process to *tracer* while the context lasts."""
    global _tracer  # noqa: PLW0603 -- see above
    _tracer = tracer
    try:
        yield
    finally:
        _tracer = None


def enabled() -> bool:
    """Return whether spans are collected."""
    return _tracer is not None


def span(name: str, **attributes: Attribute) -> AbstractContextManager[Span]:
    """Time a block within the block around it; `__` in a name stands for a dot."""
    if _tracer is None:
        return _NOTHING
    return _tracer.span(name, "", dotted(attributes))


def current() -> str:
    """Return the traceparent that facts of this block carry; empty while none are collected."""
    return _tracer.current() if _tracer else ""


def of_run(run_id: UUID, begun_by: str) -> str:
    """Return the traceparent of a run as a whole, which the traceparent *begun_by* led to.

    The span of a run is sent when the run has ended, by any process: so what it is called follows
    from the run, and the spans of a worker that was killed have a parent all the same.
    """
    if _tracer is None:
        return begun_by
    # A run that was made while none were collected begins a trace of its own.
    known = _TRACEPARENT.fullmatch(begun_by)
    trace, flags = known.groups() if known else (run_id.hex, "01")
    return f"00-{trace}-{derived('span', run_id).hex[:16]}-{flags}"


def run_span(
    name: str, run_id: UUID, begun_by: str, **attributes: Attribute
) -> AbstractContextManager[Span]:
    """Time a part of a run."""
    if _tracer is None:
        return _NOTHING
    about = {"comfyd.run.id": str(run_id), **dotted(attributes)}
    return _tracer.span(name, of_run(run_id, begun_by), about)


def run_part(
    name: str,
    run_id: UUID,
    begun_by: str,
    *,
    start: datetime,
    end: datetime,
    **attributes: Attribute,
) -> None:
    """Add a part of a run that is over."""
    if _tracer is not None:
        about = {"comfyd.run.id": str(run_id), **dotted(attributes)}
        parent = of_run(run_id, begun_by)
        _tracer.record(name, parent=parent, start=start, end=end, attributes=about)


def whole_run(
    run_id: UUID,
    begun_by: str,
    *,
    start: datetime,
    end: datetime,
    error: str = "",
    **attributes: Attribute,
) -> None:
    """Add the span of a run that has ended; added twice it is the same one."""
    if _tracer is not None:
        about = {"comfyd.run.id": str(run_id), **dotted(attributes)}
        _tracer.record(
            "run",
            parent=begun_by,
            start=start,
            end=end,
            attributes=about,
            identity=of_run(run_id, begun_by),
            error=error,
        )


def dotted(attributes: Attributes) -> dict[str, Attribute]:
    """Name attributes as OpenTelemetry does."""
    return {name.replace("__", "."): value for name, value in attributes.items()}
