"""Dates, durations and numbers by locale, in the time zone of the browser."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime, format_skeleton, format_timedelta
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit
from msgspec import Struct

LOCALES = {"en": Locale("en"), "zh": Locale("zh", script="Hans", territory="CN")}

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_STEPS = (
    (_DAY, "day", _HOUR, "hour"),
    (_HOUR, "hour", _MINUTE, "minute"),
    (_MINUTE, "minute", 1, "second"),
)
_MANY = 5
"""Number of minutes or hours from which a duration in one unit is written in them."""

_PRECISE = 10
"""Seconds below which parts of a second are written."""


class Formats(Struct, frozen=True, kw_only=True):
    """How a page writes what is not text."""

    language: str
    zone: ZoneInfo
    now: datetime

    def number(self, value: float) -> str:
        """Write a number."""
        return format_decimal(value, locale=self._locale)

    def percent(self, share: float) -> str:
        """Write a share of one as a percentage."""
        return format_percent(share, locale=self._locale)

    def moment(self, at: datetime) -> str:
        """Write date and time, with the zone."""
        return f"{format_datetime(at, tzinfo=self.zone, locale=self._locale)} ({self.zone.key})"

    def hour(self, at: datetime) -> str:
        """Write hour and minute."""
        return format_skeleton("Hm", at, self.zone, locale=self._locale)

    def clock(self, at: datetime) -> str:
        """Write hour, minute and second."""
        return format_skeleton("Hms", at, self.zone, locale=self._locale)

    def ago(self, at: datetime) -> str:
        """Write how long ago a moment was; a clock that is a bit ahead makes it no future."""
        passed = max(self.now - at, timedelta(seconds=1))
        return format_timedelta(
            -passed, add_direction=True, threshold=1.5, format="short", locale=self._locale
        )

    def seconds(self, seconds: float) -> str:
        """Write a duration, as precisely as it can be felt."""
        if seconds < _PRECISE:
            return self._unit(round(seconds, 2 if seconds < 1 else 1), "second")
        whole = round(seconds)
        for size, unit, smaller, part in _STEPS:
            if whole >= size:
                many, rest = divmod(whole, size)
                more = [self._unit(rest // smaller, part)] if rest // smaller else []
                return " ".join([self._unit(many, unit), *more])
        return self._unit(whole, "second")

    def one_unit(self, seconds: float) -> str:
        """Write a duration in one unit, where there is no room for two."""
        for size, unit in ((_HOUR, "hour"), (_MINUTE, "minute")):
            if seconds >= _MANY * size:
                return self._unit(round(seconds / size, 1), unit)
        return self.seconds(seconds) if seconds < _MINUTE else self._unit(round(seconds), "second")

    def _unit(self, value: float, unit: str) -> str:
        return format_unit(value, f"duration-{unit}", "short", locale=self._locale)

    @property
    def _locale(self) -> Locale:
        return LOCALES[self.language]
