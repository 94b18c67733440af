"""Half-open ranges of intake dates.

Belongs here: the arithmetic of dates and ranges that every room shares. Does not belong here: zones and clocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from opsla_dagster.errors import OpslaError

ONE_DAY = timedelta(days=1)


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
