"""Charts as places on paper: numbers become points here, templates draw them as SVG.

A chart is drawn by the server: it is there at first paint, in print and without scripts, and it
cannot say anything else than the table made from the same message.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Label = Callable[[float], str]
MonthLabel = Callable[[str, bool], str]
"""A month in words, and whether its year is told."""


@dataclass(frozen=True, slots=True)
class Box:
    """The sheet: its size, and where the plot lies on it."""

    width: int
    height: int
    left: int
    right: int
    top: int = 14
    bottom: int = 26

    @property
    def base(self) -> int:
        """Where the ground of the plot is."""
        return self.height - self.bottom

    @property
    def end(self) -> int:
        """Where the plot ends."""
        return self.width - self.right


WIDE = Box(width=920, height=270, left=66, right=14)
NARROW = Box(width=360, height=240, left=62, right=10)


@dataclass(frozen=True, slots=True)
class Mark:
    """A word beside an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Month:
    """One month on the paper: `words` say what is there."""

    x: float
    left: float
    width: float
    y: float
    words: str
    expected: bool


@dataclass(frozen=True, slots=True)
class Value:
    """One month's number; `lower` and `upper` for one that is expected."""

    month: str
    value: float
    words: str
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True, slots=True)
class TimeChart:
    """A line over months: what was, what is expected with its band, and a second line."""

    box: Box
    ticks: list[Mark]
    marks: list[Mark]
    months: list[Month]
    past: str
    coming: str
    band: str
    line: str
    turn: float | None  # where the past ends


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a group."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class BarChart:
    """Groups of bars over months."""

    box: Box
    ticks: list[Mark]
    marks: list[Mark]
    months: list[Month]
    series: list[list[Bar]] = field(default_factory=list)


def ticks(most: float, count: int = 4) -> list[float]:
    """Round numbers from nought to at least `most`, about `count` steps."""
    if most <= 0:
        return [0.0, 1.0]
    rough = most / count
    power = 10 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 2.5, 5, 10) if s * power >= rough - 1e-9)
    return [step * n for n in range(math.ceil(most / step - 1e-9) + 1)]


def time_chart(
    box: Box,
    past: Sequence[Value],
    coming: Sequence[Value],
    *,
    line: Sequence[Value] = (),
    label: Label,
    month_label: MonthLabel,
) -> TimeChart:
    """Past and coming months on one axis; values below nought stand on the ground."""
    shown = [*past, *coming]
    tops = [v.upper if v.upper is not None else v.value for v in shown]
    levels = ticks(max([*tops, *(v.value for v in line), 0.0]))
    place = _Places(box, len(shown), levels[-1])
    points = [(place.x(i), place.y(v.value)) for i, v in enumerate(shown)]
    turn = len(past) - 1
    joined = points[max(turn, 0) :] if coming else []
    by_month = {v.month: place.x(i) for i, v in enumerate(shown)}
    drawn = [(by_month[v.month], place.y(v.value)) for v in line if v.month in by_month]
    return TimeChart(
        box=box,
        ticks=[Mark(place.y(level), label(level)) for level in levels],
        marks=_marks(box, shown, place, month_label),
        months=[_month(place, i, v, place.y(v.value)) for i, v in enumerate(shown)],
        past=_path(points[: len(past)]),
        coming=_path(joined),
        band=_band(place, past, coming),
        line=_path(([points[turn]] if past and drawn else []) + drawn),
        turn=place.x(turn) if past and coming else None,
    )


def bar_chart(
    box: Box,
    months: Sequence[str],
    series: Sequence[Sequence[float]],
    words: Sequence[str],
    *,
    label: Label,
    month_label: MonthLabel,
) -> BarChart:
    """One group of bars a month, a bar a series."""
    most = max((value for row in series for value in row), default=0.0)
    levels = ticks(most)
    place = _Places(box, len(months), levels[-1])
    values = [Value(month, 0.0, said) for month, said in zip(months, words, strict=True)]
    width = place.step * 0.72 / max(len(series), 1)
    groups = [
        [
            Bar(
                round(place.x(i) - place.step * 0.36 + width * n + 0.5, 1),
                place.y(value),
                round(max(width - 1, 1), 1),
                round(box.base - place.y(value), 1),
            )
            for i, value in enumerate(row)
        ]
        for n, row in enumerate(series)
    ]
    return BarChart(
        box=box,
        ticks=[Mark(place.y(level), label(level)) for level in levels],
        marks=_marks(box, values, place, month_label),
        months=[
            _month(place, i, v, min(group[i].y for group in groups)) for i, v in enumerate(values)
        ],
        series=groups,
    )


class _Places:
    """Where things lie: months side by side, nought on the ground."""

    def __init__(self, box: Box, count: int, most: float) -> None:
        self._box = box
        self._most = most or 1.0
        self.step = (box.end - box.left) / max(count, 1)

    def x(self, index: int) -> float:
        return round(self._box.left + self.step * (index + 0.5), 1)

    def y(self, value: float) -> float:
        share = min(max(value / self._most, 0.0), 1.0)
        return round(self._box.base - share * (self._box.base - self._box.top), 1)


def _month(place: _Places, index: int, value: Value, y: float) -> Month:
    x = place.x(index)
    return Month(
        x=x,
        left=round(x - place.step / 2, 1),
        width=round(place.step, 1),
        y=y,
        words=value.words,
        expected=value.upper is not None,
    )


def _marks(
    box: Box, values: Sequence[Value], place: _Places, month_label: MonthLabel
) -> list[Mark]:
    """As many months by name as fit side by side; the first of each year tells it."""
    every = max(1, math.ceil(len(values) * 62 / (box.end - box.left)))
    start = (len(values) - 1) % every
    named = range(start, len(values), every)
    years = ["", *(values[i].month[:4] for i in named)]
    return [
        Mark(place.x(i), month_label(values[i].month, values[i].month[:4] != before))
        for i, before in zip(named, years, strict=False)
    ]


def _path(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in points)


def _band(place: _Places, past: Sequence[Value], coming: Sequence[Value]) -> str:
    if not coming:
        return ""
    start = len(past)
    anchor = [(place.x(start - 1), place.y(past[-1].value))] if past else []
    places = [(place.x(start + i), v) for i, v in enumerate(coming)]
    upper = [(x, place.y(v.upper if v.upper is not None else v.value)) for x, v in places]
    lower = [(x, place.y(v.lower if v.lower is not None else v.value)) for x, v in places]
    return _path([*anchor, *upper, *reversed(lower)])
