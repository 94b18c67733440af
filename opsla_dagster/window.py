"""Half-open ranges of intake dates, and sets of dates made of them.

Belongs here: the arithmetic of dates and ranges that every room shares, which instants are of the present, reading both from text, and what is said of dates that
are not loaded. Does not belong here: zones and clocks, and which dates are loaded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TypeAlias

from opsla_dagster.errors import OpslaError
from opsla_dagster.figures import counted

ONE_DAY = timedelta(days=1)


def is_of_the_present(now_at: datetime, as_of_at: datetime, looked_at: datetime) -> bool:
    """Whether a desk's now lies within a day of its latest look and of the wall clock (all naive UTC): elsewhere it is a replay, or a log that has ended."""
    return as_of_at - now_at <= ONE_DAY and abs(looked_at - now_at) <= ONE_DAY


@dataclass(frozen=True, order=True)
class Window:
    """The intake dates from `start` up to, not including, `end`."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise OpslaError(f"an empty window: start {self.start} must lie before end {self.end} (the end is exclusive)")

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    def __str__(self) -> str:
        return f"{self.start}..{self.last}"

    @property
    def last(self) -> date:
        return self.end - ONE_DAY

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    @property
    def windows(self) -> tuple[Window, ...]:
        """Itself: a window is a set of dates without gaps."""
        return (self,)

    def dates(self) -> Iterator[date]:
        return (self.start + timedelta(days=offset) for offset in range(self.days))

    def split(self, days: int) -> Iterator[Window]:
        """The window cut into consecutive windows of at most `days` days."""
        start = self.start
        while start < self.end:
            end = min(start + timedelta(days=days), self.end)
            yield Window(start, end)
            start = end


def ranges_of(days: Iterable[date]) -> list[Window]:
    """The fewest windows that hold exactly these dates, in order."""
    windows: list[Window] = []
    for day in sorted(set(days)):
        if windows and windows[-1].end == day:
            windows[-1] = Window(windows[-1].start, day + ONE_DAY)
        else:
            windows.append(Window(day, day + ONE_DAY))
    return windows


def dates_in_words(days: Iterable[date], most: int = 5) -> str:
    """`the intake date 2025-07-04`; `the intake dates 2025-07-01 to 2025-07-03, 2025-07-09 and 2 more ranges`, the first `most` by name."""
    windows = ranges_of(days)
    named = ", ".join(str(window.start) if window.days == 1 else f"{window.start} to {window.last}" for window in windows[:most])
    more = f" and {counted(len(windows) - most, 'more range')}" if len(windows) > most else ""
    return f"the intake date{'' if sum(window.days for window in windows) == 1 else 's'} {named}{more}"


def not_loaded(missing: Collection[date]) -> str:
    """`55 intake dates from 2026-10-05 to 2026-11-28 are not loaded`, of the dates that are missing."""
    first, last = min(missing), max(missing)
    return f"{counted(len(missing), 'intake date')} from {first} to {last} are not loaded" if len(missing) > 1 else f"the intake date {first} is not loaded"


def load_command(missing: Collection[date]) -> str:
    """The command that loads them, and what lies between them once more."""
    return f"`opsla run --start {min(missing)} --end {max(missing) + ONE_DAY}`"


@dataclass(frozen=True)
class DateSet:
    """Intake dates with gaps between them: `windows` are the fewest that hold exactly these dates, oldest first."""

    windows: tuple[Window, ...]

    def __post_init__(self) -> None:
        gaps = [later.start > earlier.end for earlier, later in pairwise(self.windows)]
        if not self.windows or not all(gaps):
            raise OpslaError(f"a set of dates needs windows in order, with gaps between them: {self or 'none'}")

    def __contains__(self, day: date) -> bool:
        return any(day in window for window in self.windows)

    def __str__(self) -> str:
        return " ".join(map(str, self.windows))

    @property
    def start(self) -> date:
        return self.windows[0].start

    @property
    def end(self) -> date:
        """Exclusive, as that of a window."""
        return self.windows[-1].end

    @property
    def last(self) -> date:
        return self.windows[-1].last

    @property
    def days(self) -> int:
        """How many dates, those in the gaps not counted."""
        return sum(window.days for window in self.windows)

    def dates(self) -> Iterator[date]:
        return (day for window in self.windows for day in window.dates())


#: Run tag: the intake dates of a run where they have gaps, as `str(dates)`; Dagster's own tags, which it has as well, know a range.
DATES_TAG = "opsla/dates"
#: What a run makes: a window where there are no gaps.
Dates: TypeAlias = Window | DateSet


def dates_of(windows: Iterable[Window]) -> Dates:
    """The dates of all `windows`, which may touch or overlap, as one set. Raises OpslaError when there are none."""
    fewest = ranges_of(day for window in windows for day in window.dates())
    return fewest[0] if len(fewest) == 1 else DateSet(tuple(fewest))


def parse_dates(text: str) -> Dates:
    """The inverse of str(): `2025-07-01..2025-07-03 2025-07-08..2025-07-08`, both ends of each window included."""
    try:
        ends = [window.split("..") for window in text.split()]
        return dates_of(Window(date.fromisoformat(first), date.fromisoformat(last) + ONE_DAY) for first, last in ends)
    except ValueError as error:
        raise OpslaError(f"{text!r} is no set of dates; write 2025-07-01..2025-07-03 2025-07-08..2025-07-08") from error


def parse_instant(text: str) -> datetime:
    """An ISO instant as naive UTC; without an offset it is UTC already."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise OpslaError(f"{text!r} is not an instant; write it like 2025-07-10T16:00, which is UTC, or with an offset like 2025-07-10T16:00-04:00") from error
    return instant if instant.tzinfo is None else instant.astimezone(UTC).replace(tzinfo=None)
