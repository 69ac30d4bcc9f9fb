"""Dates, durations and numbers are those of the reader's language and time zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.pages.i18n.formats import Formats

NOW = datetime(2026, 11, 30, 11, 4, 5, tzinfo=UTC)
EN = Formats(language="en", zone=ZoneInfo("UTC"), now=NOW)
ZH = Formats(language="zh", zone=ZoneInfo("Asia/Shanghai"), now=NOW)


def plain(text: str) -> str:
    """Return a text with ordinary spaces; CLDR likes thin ones."""
    return " ".join(text.split())


def test_a_moment_has_the_zone_of_the_browser() -> None:
    assert plain(EN.moment(NOW)) == "Nov 30, 2026, 11:04:05 AM (UTC)"
    assert plain(ZH.moment(NOW)) == "2026年11月30日 19:04:05 (Asia/Shanghai)"
    assert (EN.hour(NOW), ZH.hour(NOW)) == ("11:04", "19:04")


@pytest.mark.parametrize(
    ("seconds", "en", "zh"),
    [
        (0, "0 sec", "0秒"),
        (0.034, "0.03 sec", "0.03秒"),
        (3.21, "3.2 sec", "3.2秒"),
        (59.9, "1 min", "1分钟"),
        (61, "1 min 1 sec", "1分钟 1秒"),
        (7325, "2 hr 2 min", "2小时 2分钟"),
        (90_000, "1 day 1 hr", "1天 1小时"),
    ],
)
def test_a_duration_is_as_precise_as_it_can_be_felt(seconds: float, en: str, zh: str) -> None:
    assert (EN.seconds(seconds), ZH.seconds(seconds)) == (en, zh)


@pytest.mark.parametrize(
    ("passed", "en", "zh"),
    [
        (-5, "1 sec. ago", "1秒前"),
        (45, "45 sec. ago", "45秒前"),
        (7300, "2 hr. ago", "2小时前"),
    ],
)
def test_what_has_passed_is_never_in_the_future(passed: float, en: str, zh: str) -> None:
    at = NOW - timedelta(seconds=passed)
    assert (EN.ago(at), ZH.ago(at)) == (en, zh)


def test_numbers_have_their_separators() -> None:
    assert (EN.number(12345.5), EN.percent(0.25)) == ("12,345.5", "25%")


@pytest.mark.parametrize(
    ("seconds", "en", "zh"),
    [
        (0.05, "0.05 sec", "0.05秒"),
        (100, "100 sec", "100秒"),
        (1000, "16.7 min", "16.7分钟"),
        (20_000, "5.6 hr", "5.6小时"),
    ],
)
def test_an_axis_has_one_unit(seconds: float, en: str, zh: str) -> None:
    assert (EN.one_unit(seconds), ZH.one_unit(seconds)) == (en, zh)
