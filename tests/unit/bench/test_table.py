"""The page of the benchmarks is written as people will read it."""

from tests.bench.numbers import Measured, middle, percentile
from tests.bench.table import Chapter, Row, page, table, times

MET = Row(
    what="accept, 16 clients",
    goal="≥ 1,000/s",
    measured="1,200/s",
    ceiling="publish 2,400/s",
    ratio=times(1200, 2400),
    met=True,
    cause="never shown",
)
MISSED = Row(what="lag", goal="< 2 s", measured="3 s", met=False, cause="it\nwaits")
ALSO_MISSED = Row(what="lag | idle", goal="< 2 s", measured="4 s", met=False, cause="it waits")
PLAIN = Row(what="disk sync", measured="0.3 ms")


def test_a_row_shows_its_goal_its_ceiling_and_whether_it_was_met() -> None:
    assert table([MET, MISSED, PLAIN]).splitlines() == [
        "| what | goal | measured | ceiling in the same run | ratio |  |",
        "| --- | --- | --- | --- | --- | --- |",
        "| accept, 16 clients | ≥ 1,000/s | 1,200/s | publish 2,400/s | 0.50 | met |",
        "| lag | < 2 s | 3 s |  |  | **missed** |",
        "| disk sync |  | 0.3 ms |  |  |  |",
    ]


def test_misses_are_named_and_those_with_one_cause_share_it() -> None:
    chapter = Chapter(title="All", how="By\nlooking.", rows=(MET, MISSED, ALSO_MISSED))
    text = page([chapter], ["2 cores"], date="2026-11-23", scope="full")
    assert "## Misses\n\n- lag; lag | idle: it waits\n\n## How" in text
    assert "never shown" not in text
    assert text.endswith("**All.** By looking.\n")


def test_without_a_miss_there_is_no_word_of_misses() -> None:
    chapter = Chapter(title="All", how="By looking.", rows=(MET, PLAIN))
    assert "## Misses" not in page([chapter], [], date="2026-11-23", scope="full")


def test_the_median_of_rounds_is_taken_number_by_number() -> None:
    rounds = [Measured(rate=r, p50=p, p99=9.0) for r, p in ((1.0, 3.0), (5.0, 1.0), (2.0, 2.0))]
    assert middle(rounds) == Measured(rate=2.0, p50=2.0, p99=9.0)


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert [percentile([4.0, 1.0, 3.0, 2.0], p) for p in (0, 50, 99, 100)] == [1.0, 3.0, 4.0, 4.0]
