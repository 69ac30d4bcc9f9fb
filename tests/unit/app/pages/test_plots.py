"""Plots lie inside their frame, begin at zero and show gaps as gaps."""

import pytest

from app.pages.home.plots import LEFT, WIDTH, _ceiling, runs_plot, times_plot
from tests.builders.pages import hour


def test_a_bar_is_as_high_as_its_share_of_the_axis() -> None:
    plot = runs_plot([hour(1, success=15, failed=5), hour(0)])

    [bar] = plot.bars
    assert [(b.outcome, b.y, b.height) for b in bar.blocks] == [
        ("success", 40.0, 96.0),
        ("failed", 8.0, 32.0),
    ]
    assert LEFT < bar.x < bar.x + bar.width < WIDTH
    assert [(tick.value, tick.y) for tick in plot.ticks] == [(0, 136.0), (10, 72.0), (20, 8.0)]


def test_an_hour_without_runs_breaks_the_line_and_a_lonely_one_is_a_dot() -> None:
    values = [1.0, 2.0, None, 4.0, None]
    plot = times_plot([hour(len(values) - n, render=v) for n, v in enumerate(values)])

    assert plot.render == ["98.4,104.0 183.2,72.0"]
    assert [(name, x) for name, x, _ in plot.dots] == [("wait", 352.8), ("render", 352.8)]
    assert max(tick.value for tick in plot.ticks) == 4


def test_hours_are_named_backwards_from_this_one() -> None:
    plot = runs_plot([hour(n, success=1) for n in range(23, -1, -1)])
    assert [mark.at.hour for mark in plot.marks] == [17, 23, 5, 11]


@pytest.mark.parametrize(
    ("value", "whole", "most"),
    [
        (0, True, 2),
        (2, True, 2),
        (3, True, 4),
        (11, True, 20),
        (240, True, 400),
        (0.03, False, 0.04),
    ],
)
def test_the_axis_ends_at_a_round_number(value: float, most: float, *, whole: bool) -> None:
    assert _ceiling(value, whole=whole) == pytest.approx(most)
