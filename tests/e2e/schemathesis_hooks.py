"""Leads requests that Schemathesis makes up to things that exist, and passes over what is no fault.

Schemathesis loads this file itself; the ids come from the environment.
"""

import json
import os
from typing import Any

import schemathesis
from schemathesis import Case, HookContext

GOES_ON = {"true", "1", "null", "none", ""}
"""What a parameter says that a stream goes on with."""

IDS: dict[str, str] = json.loads(os.environ["COMFYD_TEST_IDS"])


ENDLESS = {"/v1/events", "/v1/changes"}
"""Streams without an end, unless that is asked for."""


@schemathesis.hook
def before_call(_: HookContext, case: Case[Any], **__: Any) -> None:
    """Name real things in requests that are well made; otherwise most of them end with a 404."""
    if case.path in ENDLESS and str(case.query.get("follow", True)).lower() in GOES_ON:
        case.query["follow"] = "false"
    meta = case.meta
    if meta is None or not meta.generation.mode.is_positive or meta.phase.name == "stateful":
        return
    for place in (case.path_parameters, case.query, case.body):
        if isinstance(place, dict):
            place.update({name: id_ for name, id_ in IDS.items() if name in place})


@schemathesis.hook
def filter_failure(_: HookContext, failure: Any, case: Case[Any], __: Any) -> bool:
    """Pass over what is meant to be so, and no schema can say."""
    meant = {
        # In an address, null counts as not given.
        "AcceptedNegativeData": "null" in str(case.query),
        # What has happened stays to be read when the thing is gone.
        "UseAfterFree": case.path.endswith("/history"),
        # An organisation is there for those who act for it, which takes a header.
        "EnsureResourceAvailability": case.path.startswith("/v1/organisations"),
    }
    return not meant.get(type(failure).__name__, False)
