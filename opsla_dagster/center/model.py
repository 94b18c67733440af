"""What a page is made of, before it is HTML, JSON or CSV: figures with their links, tables, charts.

Belongs here: plain data, and how one value is written. Does not belong here: queries and layout.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal

from markupsafe import Markup

from opsla_dagster.reporting import wording

Row = dict[str, Any]
#: How a value is written; all but words and times are numbers or stand for them, and are set to the right.
#: `minutes` and `seconds` are of open time, `calendar_minutes` and `calendar_seconds` by the clock on the wall.
Kind = Literal[
    "text", "value", "name", "instant", "due", "day", "flag", "count", "decimal", "rate", "error", "pct", "minutes", "seconds", "calendar_minutes", "calendar_seconds"
]  # fmt: skip
_WORDS = ("text", "value", "name", "instant", "due", "day", "flag")
#: What a value is measured in, for programs.
UNITS: Mapping[str, str] = {
    "pct": "percent", "minutes": "minutes", "seconds": "seconds", "calendar_minutes": "minutes", "calendar_seconds": "seconds",
    "instant": "UTC instant", "due": "UTC instant", "day": "local date",
}  # fmt: skip
#: Which hours a time counts, for people: said beside every label of one.
HOURS_COUNTED: Mapping[str, str] = {"minutes": "open time", "seconds": "open time", "calendar_minutes": "calendar time", "calendar_seconds": "calendar time"}


@dataclass(frozen=True)
class Column:
    """One column of a table: `name` in the rows, `label` for people; `href` gives the address that a cell leads to, None for none."""

    name: str
    label: str
    kind: Kind = "text"
    href: Callable[[Row], str | None] | None = None
    #: The class of a cell, for colour beside words.
    css: Callable[[Row], str] | None = None
    #: Whether a page shows it; CSV and JSON have every column.
    is_shown: bool = True

    @property
    def is_number(self) -> bool:
        return self.kind not in _WORDS

    @property
    def hours_counted(self) -> str:
        """`open time` or `calendar time` where the values are times; else nothing."""
        return HOURS_COUNTED.get(self.kind, "")

    def written(self, row: Row, zone: str) -> str:
        """The row's value for people."""
        return written(row.get(self.name), self.kind, zone)

    def link(self, row: Row) -> str | None:
        return self.href(row) if self.href is not None else None

    def class_of(self, row: Row) -> str:
        """The classes of a cell: how wide it may be, and its tone."""
        width = "n" if self.is_number else "short" if self.kind not in ("text", "value") else ""
        return " ".join(filter(None, (width, self.css(row) if self.css is not None else "")))


@dataclass(frozen=True)
class Grid:
    """A table: `key` in addresses, `total` rows of which these are some (None: these are all), `empty` what to know where there are none.

    `note` stands above it, `reading` folded below it: what one wants to know once.
    """

    key: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    empty: str = ""
    note: str = ""
    reading: str = ""
    total: int | None = None
    #: On a phone each row is a card with the name of each column, for what is read row by row.
    is_read_by_row: bool = False

    @property
    def shown_columns(self) -> list[Column]:
        """Those that a page shows."""
        return [column for column in self.columns if column.is_shown]

    def as_json(self) -> dict[str, Any]:
        """Columns and rows for programs: values as they are."""
        return {
            "title": self.title,
            "columns": [{"name": column.name, "label": column.label, "unit": UNITS.get(column.kind)} for column in self.columns],
            "rows": [{column.name: plain(row.get(column.name)) for column in self.columns} for row in self.rows],
            "total_rows": len(self.rows) if self.total is None else self.total,
        }


@dataclass(frozen=True)
class Figure:
    """One number that a person asks for: `label`, its value, where its cases are (None: nowhere), words below, `tone` good, warn or bad."""

    key: str
    label: str
    value: Any
    kind: Kind = "count"
    href: str | None = None
    notes: Sequence[str] = ()
    tone: str = ""

    @property
    def hours_counted(self) -> str:
        """`open time` or `calendar time` where the value is a time; else nothing."""
        return HOURS_COUNTED.get(self.kind, "")


@dataclass(frozen=True)
class Drawing:
    """A chart in two sizes with its legend, and the table that says the same; `note` is how to read it."""

    key: str
    title: str
    wide: Markup
    narrow: Markup
    legend: Sequence[tuple[str, str]] = ()
    note: str = ""
    grid: Grid | None = None


@dataclass(frozen=True)
class Page:
    """A page: its `template`, its title, and its parts by name; `context` is what the template needs besides."""

    template: str
    title: str
    figures: Sequence[Figure] = ()
    grids: Sequence[Grid] = ()
    drawings: Sequence[Drawing] = ()
    context: Mapping[str, Any] = field(default_factory=dict)

    def all_grids(self) -> dict[str, Grid]:
        """Every table of the page by its key, those behind charts too."""
        behind = [drawing.grid for drawing in self.drawings if drawing.grid is not None]
        return {grid.key: grid for grid in (*self.grids, *behind)}

    def drawing(self, key: str) -> Drawing | None:
        return next((drawing for drawing in self.drawings if drawing.key == key), None)

    def grid(self, key: str) -> Grid | None:
        return self.all_grids().get(key)


def written(value: Any, kind: Kind, zone: str) -> str:
    """A value for people, in the desk's zone."""
    if value is None:
        return wording.MISSING
    match kind:
        case "count":
            return wording.count(value)
        case "decimal":
            return wording.decimal(value)
        case "rate":
            return wording.rate(value)
        case "error":
            return wording.decimal(value, 4)
        case "pct":
            return wording.percent(value, 1)
        case "minutes":
            return wording.time_taken(value)
        case "seconds":
            return wording.time_taken(value / 60)
        case "calendar_minutes":
            return wording.calendar_time(value)
        case "calendar_seconds":
            return wording.calendar_time(value / 60)
        case "instant":
            return wording.local_instant(value, zone)
        case "due":
            return wording.due(value, zone)
        case "day":
            return wording.day(value)
        case "flag":
            return "yes" if value else "no"
        case "value":
            return wording.told(str(value))
        case "name":
            return wording.name(str(value).lower())
    return str(value)


def plain(value: Any) -> Any:
    """A value for programs: instants in UTC with a Z, dates as ISO."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return value
