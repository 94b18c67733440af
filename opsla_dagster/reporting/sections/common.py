"""What several sections share: their shape, scales, orders, rates.

Belongs here: plain data and arithmetic. Does not belong here: anything that reads a particular mart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.charts import nice_ticks, short_number
from opsla_dagster.reporting.marts import Row
from opsla_dagster.reporting.wording import is_named
from opsla_dagster.window import ONE_DAY

#: Colour of each SLA variant, the same in every chart (classes of report.css.j2).
TONES = {"sla_b": "tone-b", "sla_a_incl_wait": "tone-a", "sla_a_paused": "tone-p"}
PERCENTILES = ("p50", "p90", "p95")
#: A rate of fewer cases is mostly chance: the group is shown pale and named in no finding, a line is not drawn.
FEW_CASES = 30
#: Rows of a picture, of a table of days and of any other; the marts hold the rest, and the page stays small.
MOST_ROWS, MOST_DAYS, MOST_TABLE_ROWS = 12, 400, 200
#: Fewer days than this make no line.
FEWEST_DAYS = 3
#: Differences of rates below this many percentage points are called the same.
SAME_POINTS = 0.25
WEEK = 7
HEAT_STEPS = 6


@dataclass(frozen=True)
class Table:
    """Figures as text, row by row; the first `names` columns are names, the others numbers."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    names: int = 1
    note: str = ""


@dataclass(frozen=True)
class Section:
    """One section: `data` is what the template named like `key` draws (empty: nothing to draw), `table` the figures."""

    key: str
    title: str
    finding: str
    tables: Sequence[str]
    how_to_read: str = ""
    definition: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    table: Table | None = None


@dataclass(frozen=True)
class Axis:
    """A scale from 0 to 100 % of a track's width, with its ticks (percentage, label)."""

    highest: float
    ticks: Sequence[tuple[float, str]]

    @classmethod
    def up_to(cls, highest: float, unit: str = "", size: float = 1) -> Axis:
        """An axis that reaches `highest`, with round ticks in units of `size`."""
        levels = nice_ticks(highest / size, 4)
        return cls(levels[-1] * size, [(100 * level / levels[-1], short_number(level) + unit) for level in levels])

    def place(self, value: float) -> float:
        """Where a value lies, in % of the track."""
        return round(100 * value / self.highest, 2)


def legend(names: Mapping[str, str]) -> list[tuple[str, str]]:
    """The colour and the name of each SLA variant."""
    return [(TONES[sla], name) for sla, name in names.items()]


def order(name: str | None) -> tuple[bool, list[tuple[int, str]]]:
    """Key of the reading order: `2` before `10`, names without case, nothing last."""
    parts = re.findall(r"\d+|\D+", (name or "").lower())
    return not is_named(name), [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def group_order(row: Row) -> tuple[object, object]:
    """Key of the reading order of rows that have a tier and a case type."""
    return order(row["tier"]), order(row["case_type"])


def heat(figure: float, highest: float) -> str:
    """The class that colours a cell: the stronger, the nearer to the highest figure."""
    return f"heat-{min(int(figure / highest * HEAT_STEPS), HEAT_STEPS - 1) if highest else 0}"


def rate(part: Iterable[Row], sla: str) -> float | None:
    """Breach percentage of all the SLA cases of some days or groups together; None without any."""
    cases = breached = 0
    for row in part:
        cases += row["sla_cases"]
        breached += row[f"{sla}_breached_cases"]
    return 100.0 * breached / cases if cases else None


def move(before: float | None, after: float | None) -> str:
    """How a percentage changed, as the rest of a sentence."""
    if before is None or after is None:
        return "cannot be compared"
    if abs(after - before) < SAME_POINTS:
        return f"stayed at {wording.percent(after, 1)}"
    return f"{'rose' if after > before else 'fell'} from {wording.percent(before, 1)} to {wording.percent(after, 1)}"


def smoothing_days(first: date, last: date) -> int:
    """The days that a smoothed line takes together: a week, four where a week would be a hair's breadth of the chart."""
    return WEEK if (last - first).days <= MOST_DAYS else 4 * WEEK


def trailing(
    daily: Sequence[Row], day_column: str, figure: Callable[[Sequence[Row]], float | None]
) -> list[float | None]:
    """`figure` of the rows of the trailing `smoothing_days`, at each row; None before the first whole span of them.

    A log shorter than two such spans takes what there is from the first day on.
    """
    first, last = daily[0][day_column], daily[-1][day_column]
    span = timedelta(days=smoothing_days(first, last))
    whole_from = first + span - ONE_DAY if last - first >= 2 * span else first
    figures: list[float | None] = []
    start = 0
    for number, row in enumerate(daily):
        while daily[start][day_column] <= row[day_column] - span:
            start += 1
        figures.append(figure(daily[start : number + 1]) if row[day_column] >= whole_from else None)
    return figures


def of_column(column: str, pick: Callable[[list[float]], float]) -> Callable[[Sequence[Row]], float | None]:
    """A figure of one column's values in some rows; None where there is no value."""

    def figure(part: Sequence[Row]) -> float | None:
        values = [row[column] for row in part if row[column] is not None]
        return pick(values) if values else None

    return figure


def largest(found: Sequence[Row], size: Callable[[Row], float], table: str) -> tuple[Sequence[Row], str]:
    """The largest rows in the order they come in, as many as a table shows, and a note where some are left out."""
    if len(found) <= MOST_TABLE_ROWS:
        return found, ""
    ranked = sorted(range(len(found)), key=lambda number: (-size(found[number]), number))
    shown = [found[number] for number in sorted(ranked[:MOST_TABLE_ROWS])]
    return shown, f"The {MOST_TABLE_ROWS} largest of {len(found):,} rows; all are in {table}."


def newest(daily: Sequence[Row], table: str) -> tuple[Sequence[Row], str]:
    """The rows that a table of days shows, and a note where some are left out."""
    note = f"The last {MOST_DAYS} of {len(daily):,} days; all are in {table}." if len(daily) > MOST_DAYS else ""
    return daily[-MOST_DAYS:], note
