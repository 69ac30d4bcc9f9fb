"""Filters of the list of runs: they stand in the address, so a list can be kept and sent."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Request
from msgspec import Struct

from app.http.bad_request import bad
from events.run.status import Status
from projections.queries import RunListFilter

WITHIN: Mapping[str, timedelta] = {
    "1h": timedelta(hours=1),
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
"""Periods up to now, by how an address names them."""

_IDS = ("workflow", "deployment", "machine", "batch")
_MOST = 2**63 - 1


class Filters(Struct, frozen=True, kw_only=True):
    """What a list is filtered by, and where its page begins."""

    status: Status | None = None
    workflow: UUID | None = None
    deployment: UUID | None = None
    machine: UUID | None = None
    batch: UUID | None = None
    within: str = ""
    before: int | None = None
    """Runs accepted before this position of the log; None: the newest."""

    def chosen(self) -> list[tuple[str, str]]:
        """Return the parameters of an address, without the page."""
        names = ("status", *_IDS, "within")
        return [(name, str(value)) for name in names if (value := getattr(self, name))]

    def as_of(self, now: datetime) -> RunListFilter:
        """Return the filter for the read models."""
        return RunListFilter(
            status=self.status,
            workflow_id=self.workflow,
            deployment_id=self.deployment,
            machine_id=self.machine,
            batch_id=self.batch,
            since=now - WITHIN[self.within] if self.within else None,
        )


def filters_of(request: Request[Any, Any, Any]) -> Filters:
    """Read the filters of an address; what is empty, as a form sends it, is not given.

    Raises:
        BadRequest: a value is none of those that there are.

    """
    given = {name: value for name, value in request.query_params.items() if value}
    return Filters(
        status=_option("status", given, {str(status): status for status in Status}),
        within=_option("within", given, {name: name for name in WITHIN}) or "",
        before=_position(given),
        **{name: _identifier(name, given) for name in _IDS},
    )


def _option(name: str, given: Mapping[str, str], options: Mapping[str, Any]) -> Any:
    value = given.get(name)
    if value is not None and value not in options:
        raise bad("field_option", f"/{name}", value=value)
    return options[value] if value is not None else None


def _identifier(name: str, given: Mapping[str, str]) -> UUID | None:
    try:
        return UUID(given[name]) if name in given else None
    except ValueError:
        raise bad("field_format", f"/{name}", format="UUID") from None


def _position(given: Mapping[str, str]) -> int | None:
    text = given.get("before", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) <= _MOST):
        raise bad("bad_cursor", "/before")
    return int(text)
