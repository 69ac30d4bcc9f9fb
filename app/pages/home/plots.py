"""Plots of the last hours: only where each line and bar lies; the template draws them as SVG."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from projections.activity import HourOfRuns

WIDTH, HEIGHT = 480, 160
"""About as many pixels as a plot has on a wide screen, so that its labels can be read."""

LEFT, BOTTOM = 56, 24
"""Room for the labels of the axes."""

OUTCOMES = ("success", "failed", "timeout", "cancelled")
_TOP = 8
_GAP = 0.2
_STEPS = (1, 2, 5)


class Frame(Struct, frozen=True, kw_only=True):
    """The size of every plot."""

    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT


class Block(Struct, frozen=True, kw_only=True):
    """A part of a bar."""

    outcome: str
    y: float
    height: float


class Bar(Struct, frozen=True, kw_only=True):
    """An hour of runs."""

    hour: HourOfRuns
    x: float
    width: float
    blocks: Sequence[Block]


class Tick(Struct, frozen=True, kw_only=True):
    """A label of the vertical axis."""

    value: float
    y: float


class HourMark(Struct, frozen=True, kw_only=True):
    """A label of the horizontal axis."""

    at: datetime
    x: float


class RunsPlot(Struct, frozen=True, kw_only=True):
    """Runs an hour, by how they ended."""

    bars: Sequence[Bar]
    ticks: Sequence[Tick]
    marks: Sequence[HourMark]


class TimesPlot(Struct, frozen=True, kw_only=True):
    """How long half of the runs of each hour waited and rendered, as lines with breaks."""

    wait: Sequence[str]
    render: Sequence[str]
    dots: Sequence[tuple[str, float, float]]
    """Hours whose neighbours have no runs: a line alone would not be seen."""

    ticks: Sequence[Tick]
    marks: Sequence[HourMark]


def runs_plot(hours: Sequence[HourOfRuns]) -> RunsPlot:
    """Lay out the bars of runs an hour."""
    most = _ceiling(max((_total(hour) for hour in hours), default=0), whole=True)
    step = (WIDTH - LEFT) / len(hours)
    bars = [
        Bar(
            hour=hour,
            x=round(LEFT + n * step + step * _GAP / 2, 1),
            width=round(step * (1 - _GAP), 1),
            blocks=_blocks(hour, most),
        )
        for n, hour in enumerate(hours)
        if _total(hour)
    ]
    return RunsPlot(bars=bars, ticks=_ticks(most), marks=_marks(hours))


def times_plot(hours: Sequence[HourOfRuns]) -> TimesPlot:
    """Lay out the lines of waiting and rendering."""
    series = {
        "wait": [hour.wait.p50 if hour.wait else None for hour in hours],
        "render": [hour.render.p50 if hour.render else None for hour in hours],
    }
    known = [value for values in series.values() for value in values if value is not None]
    most = _ceiling(max(known, default=0), whole=False)
    pieces = {name: _pieces(values, most) for name, values in series.items()}
    return TimesPlot(
        wait=[_line(piece) for piece in pieces["wait"] if len(piece) > 1],
        render=[_line(piece) for piece in pieces["render"] if len(piece) > 1],
        dots=[
            (name, *piece[0])
            for name, found in pieces.items()
            for piece in found
            if len(piece) == 1
        ],
        ticks=_ticks(most),
        marks=_marks(hours),
    )


def _total(hour: HourOfRuns) -> int:
    return sum(getattr(hour, outcome) for outcome in OUTCOMES)


def _blocks(hour: HourOfRuns, most: float) -> list[Block]:
    blocks, upper = [], float(HEIGHT - BOTTOM)
    for outcome in OUTCOMES:
        if count := getattr(hour, outcome):
            height = count / most * (HEIGHT - BOTTOM - _TOP)
            upper -= height
            blocks.append(Block(outcome=outcome, y=round(upper, 1), height=round(height, 1)))
    return blocks


def _pieces(values: Sequence[float | None], most: float) -> list[list[tuple[float, float]]]:
    """Return the points of a line, in pieces that have no hour without runs in them."""
    step = (WIDTH - LEFT) / len(values)
    pieces: list[list[tuple[float, float]]] = [[]]
    for n, value in enumerate(values):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append((round(LEFT + (n + 0.5) * step, 1), round(_y(value, most), 1)))
    return [piece for piece in pieces if piece]


def _line(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in points)


def _ticks(most: float) -> list[Tick]:
    values = (0, most / 2, most)
    return [Tick(value=value, y=round(_y(value, most), 1)) for value in values]


def _marks(hours: Sequence[HourOfRuns]) -> list[HourMark]:
    """Name every sixth hour, the last one among them."""
    step = (WIDTH - LEFT) / len(hours)
    last = len(hours) - 1
    return [
        HourMark(at=hour.at, x=round(LEFT + (n + 0.5) * step, 1))
        for n, hour in enumerate(hours)
        if (last - n) % 6 == 0
    ]


def _y(value: float, most: float) -> float:
    return HEIGHT - BOTTOM - value / most * (HEIGHT - BOTTOM - _TOP)


def _ceiling(value: float, *, whole: bool) -> float:
    """Return a round number that is not below *value*, and whose half is whole if wanted."""
    size = 1.0 if whole else 0.01
    while True:
        for step in _STEPS:
            if step * size * 2 >= value:
                return step * size * 2
        size *= 10
