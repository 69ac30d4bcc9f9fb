"""Clock and ids of the process; tests replace both."""

import os
import time
from datetime import UTC, datetime
from uuid import UUID

from events.ids import time_ordered_id


def now() -> datetime:
    """Return the time, to the millisecond, as the classic dialect writes it."""
    instant = datetime.now(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def new_id() -> UUID:
    """Make an id that sorts by time (UUIDv7)."""
    return time_ordered_id(time.time_ns() // 1_000_000, os.urandom(10))
