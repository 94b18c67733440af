"""A page as HTML, as JSON, and one of its tables as CSV.

Belongs here: the three forms. Does not belong here: what is in them.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
from jinja2 import ChoiceLoader, Environment, PackageLoader

from opsla_dagster import __version__
from opsla_dagster.center.address import RefusedAddress, State
from opsla_dagster.center.model import Column, Grid, Page, plain, written
from opsla_dagster.center.view import View
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.report import environment
from opsla_dagster.reporting.spreadsheet import write_csv

_HOUR = timedelta(hours=1)
#: Rows of a table that a page shows before it links to all of them, and how many it shows then; the CSV has every row.
ROWS_SHOWN, MOST_ROWS_SHOWN = 12, 500
#: Of rows that are cards on a phone, so many are shown there before all are asked for.
CARDS_SHOWN = 5
#: Values of an attribute that stand for none.
_NONE = "none"


def pages_environment() -> Environment:
    """The templates of the centre, and the report's, whose sections they include."""
    own = environment().overlay(loader=ChoiceLoader([PackageLoader("opsla_dagster.center"), PackageLoader("opsla_dagster.reporting")]))
    own.globals["named"] = lambda values: [(value, wording.told(value) if value == _NONE else wording.name(value)) for value in values]
    own.globals["queue_name"] = wording.queue
    return own


def stylesheet(templates: Environment) -> str:
    """The report's style sheet, with what an explained case needs."""
    return templates.get_template("report.css.j2").render() + templates.get_template("explained.css.j2").render()


def html(
    templates: Environment, page: Page, view: View | None, state: State, path: str, parameters: Mapping[str, str], navigation: Sequence[tuple[str, str]],
    *, is_of_instant: bool = False,
) -> str:
    """The page; `view` is None where there is nothing to look at yet. `is_of_instant`: another instant can be chosen on it."""
    given = {name: value for name, value in parameters.items() if value}
    whole = given.get("whole")
    if whole is not None and page.grid(whole) is None:
        raise RefusedAddress(f"whole={whole}: this page has no such table; it has: {', '.join(page.all_grids()) or 'none'}", 404)

    def again(**changes: Any) -> str:
        return State(root=state.root).url(path, **{**given, **changes})

    def write(value: Any, kind: Any) -> str:
        return written(value, kind, view.zone if view else "UTC")

    return templates.get_template(f"pages/{page.template}").render(
        {
            "page": page, "state": state, "path": path, "here": "/promises" if path == "/what-if" else "/cases" if path == "/case" else path,
            "navigation": navigation, "whole": whole, "rows_shown": ROWS_SHOWN, "most_rows_shown": MOST_ROWS_SHOWN, "cards_shown": CARDS_SHOWN, "missing": wording.MISSING, "carried": [(name, value) for name, value in given.items() if name not in ("at", "page")],
            "instant": _instant(view) if view and is_of_instant else None, "unloaded": view.unloaded if view else "", "again": again, "now_url": again(at=None, page=None),
            "generation": view.publication.generation if view else "", "published": f"{wording.local_instant(view.publication.published_at, view.zone)} ({view.zone})" if view else "",
            "json_url": State(root=state.root).url(f"/api{'/now' if path == '/' else path}", **given),
            "csv_url": lambda key: "" if view is None else State(root=state.root).url(f"/csv{'/now' if path == '/' else path}/{key}", **given),
            "zone": view.zone if view else "UTC", "queues": view.queues if view else [], "version": __version__, "write": write,
            "at_text": f"{state.at:%Y-%m-%dT%H:%M:%S}Z" if state.at else "", **page.context,
        }
    )  # fmt: skip


def _instant(view: View) -> dict[str, Any]:
    """The instant shown, and the bounds of the slider, in the desk's wall-clock time."""
    zone = ZoneInfo(view.zone)
    first = datetime.combine(view.now["first_intake_date"], datetime.min.time())
    at, last = (moment.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None) for moment in (view.at, view.now["now_at"]))
    return {
        "iso": plain(view.at), "local": f"{at:%A}, {at.day} {at:%B %Y, %H:%M}", "zone": view.zone, "utc": wording.instant(view.at),
        "why": "" if view.state.at else view.now["now_reason"], "field": f"{at:%Y-%m-%dT%H:%M}", "first": f"{first:%Y-%m-%dT%H:%M}",
        "last": f"{last:%Y-%m-%dT%H:%M}", "hours": -(-(last - first) // _HOUR), "hour": round((at - first) / _HOUR),
    }  # fmt: skip


def as_json(page: Page, view: View) -> dict[str, Any]:
    """The figures and tables of the page for programs, with the instant that they are of."""
    return {
        "title": page.title,
        "at": plain(view.at),
        "is_now": view.state.at is None,
        "zone": view.zone,
        "generation": view.publication.generation,
        "published_at": plain(view.publication.published_at),
        "unloaded": view.unloaded or None,
        "figures": {figure.key: {"label": figure.label, "value": plain(figure.value), "unit": figure.kind.removeprefix("calendar_"), "tone": figure.tone or None} for figure in page.figures},
        "tables": {key: grid.as_json() for key, grid in page.all_grids().items()},
    }


def json_bytes(content: Any) -> bytes:
    """JSON that no browser takes for HTML."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, default=str)
    return text.replace("<", "\\u003c").encode()


def csv(grid: Grid) -> bytes:
    """The rows of a table as `opsla export --format csv` writes them: text that a spreadsheet would take for a formula is text."""
    columns = {f"column_{number}": _values(grid, column) for number, column in enumerate(grid.columns)}
    chosen = ", ".join(f'unnest(${name}) as "{column.name}"' for name, column in zip(columns, grid.columns, strict=True))
    with tempfile.TemporaryDirectory() as directory, duckdb.connect(config={"threads": 1}) as connection:
        # Not by way of Arrow: DuckDB would load pandas for it.
        connection.execute(f"create table shown as select {chosen}", columns)
        path = Path(directory) / "table.csv"
        write_csv(connection, "select * from shown", path, raw=False)
        return path.read_bytes()


def _values(grid: Grid, column: Column) -> list[Any]:
    """The column's values; those of several types, and none at all, as text."""
    values = [row.get(column.name) for row in grid.rows]
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) == 1 or kinds == {int, float}:
        return values
    return [None if value is None else str(plain(value)) for value in values] if kinds else ["" for _ in values]
