"""Cases: a list to search, filter and go through, each with a way to its explanation.

Belongs here: the list. Does not belong here: one case (case.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from opsla_dagster.center.address import RefusedAddress
from opsla_dagster.center.model import Column, Grid, Page, Row
from opsla_dagster.center.view import View
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.promises import metric_title, policy_title

ROWS_A_PAGE = 50
#: More than this goes to nobody's screen: `opsla export` writes whole tables.
MOST_CSV_ROWS = 100_000
STATES = {"open": "open", "ended": "not open"}
OUTCOMES = {"met": "met", "breached": "breached, open ones too", "running": "running, within target", "unknown": "unknown"}
#: Cases whose verdicts rest on what is left of their records.
REJECTED = "rejected"
RECORDS = {REJECTED: "some rejected", "complete": "none rejected"}
SORTS = {"newest": "newest first", "oldest": "oldest first", "reopened": "most often reopened", "id": "by id"}

INCOMPLETE = "Rejected records: a record of the case was rejected, so that its state and the verdicts on its clocks are those of the others. The page of the case has what was rejected, and why."


@dataclass(frozen=True)
class Filters:
    """What the list is narrowed to; None: not at all."""

    search: str | None = None
    state: str | None = None
    priority: str | None = None
    tier: str | None = None
    case_type: str | None = None
    outcome: str | None = None
    metric: str | None = None
    policy: str | None = None
    records: str | None = None
    first_day: date | None = None
    last_day: date | None = None
    sort: str = "newest"
    page: int = 1


def cases(view: View, filters: Filters, *, is_whole: bool = False) -> Page:
    """The cases that the filters let through, a page of them; all of them, up to MOST_CSV_ROWS, where `is_whole`.

    Raises RefusedAddress for values that no case has, and for a page behind the last one.
    """
    queue = view.require_queue()
    values = view.case_values
    _require_known(filters, values, view)
    parameters: dict[str, Any] = {
        "search": filters.search, "state": filters.state, "queue": queue, "priority": filters.priority, "tier": filters.tier,
        "case_type": filters.case_type, "outcome": filters.outcome, "metric": filters.metric, "policy": filters.policy,
        "records": filters.records,
        "first_day": filters.first_day, "last_day": filters.last_day, "at": view.at, "sort": filters.sort,
    }  # fmt: skip
    total = view.count_at("cases", **parameters)
    pages = max(1, -(-total // ROWS_A_PAGE))
    if filters.page > pages:
        raise RefusedAddress(f"page={filters.page}: there are {pages:,} pages of {total:,} cases", 404)
    if is_whole and total > MOST_CSV_ROWS:
        raise RefusedAddress(f"These are {total:,} cases, more than {MOST_CSV_ROWS:,}; narrow them down, or write the whole table with opsla export")
    limit, offset = (MOST_CSV_ROWS, 0) if is_whole else (ROWS_A_PAGE, (filters.page - 1) * ROWS_A_PAGE)
    rows = view.page_at("cases", limit=limit, offset=offset, **parameters)
    return Page(
        template="cases.html.j2",
        title="Cases",
        grids=[_grid(view, _with_clocks(view, rows), total, filters, judged=_judged(view))],
        context={
            "filters": filters, "values": values, "total": total, "pages": pages, "states": STATES, "outcomes": OUTCOMES, "sorts": SORTS, "clock_label": "A clock is, to date" if _judged(view) else "A clock is",
            "records": RECORDS if view.rows("incomplete") else {},
            "metrics": {name: metric_title(view.settings.sla_policies, name) for name in view.metrics},
            "policies": {name: policy_title(view.settings.sla_policies, name) for name in view.policies},
            "given": {name: value for name, value in vars(filters).items() if value and name not in ("page", "sort")},
        },
    )  # fmt: skip


def _require_known(filters: Filters, values: dict[str, list[str]], view: View) -> None:
    known = {**values, "metric": view.metrics, "policy": view.policies}
    for name, allowed in known.items():
        value = getattr(filters, name)
        if value is not None and value not in allowed:
            raise RefusedAddress(f"{name}={value}: no case has it; one of: {', '.join(allowed[:20])}", 404)


def _judged(view: View) -> str:
    """What a reader has to know of verdicts that rest on more than what had happened by the instant shown; empty where they do not."""
    judged_at = view.now["as_of_at"]
    if judged_at <= view.at:
        return ""
    return (
        f"Open, ended and queue are as of {wording.due(view.at, view.zone)}. Clocks, breaches and reopens are those of the whole life of a case, as known at {wording.instant(judged_at)}: "
        "also of what came later. What was past due at the instant is under Open cases."
    )


def _with_clocks(view: View, rows: list[Row]) -> list[Row]:
    if not rows:
        return rows
    days = [row["intake_date"] for row in rows]
    found = view.rows("clocks_of_cases", case_ids=[row["case_id"] for row in rows], first_day=min(days), last_day=max(days))
    clocks = {row["case_id"]: row for row in found}
    none = {"clocks": 0, "breached_clocks": 0, "running_clocks": 0}
    return [{**row, **clocks.get(row["case_id"], none)} for row in rows]


def _grid(view: View, rows: list[Row], total: int, filters: Filters, *, judged: str) -> Grid:
    to_date = " to date" if judged else ""
    return Grid(
        key="cases",
        title="Cases",
        columns=[
            Column("case_id", "Case", href=lambda row: view.state.case_url(row["case_id"])),
            Column("intake_ts", "Came in", "instant"),
            Column("is_open", "Open", "flag"),
            Column("ended_at", "Ended", "instant"),
            *(Column(name, name.capitalize()) for name in ("queue", "priority", "tier") if name in view.told_dimensions),
            *([Column("case_type", "Type", "name")] if view.case_values["case_type"] else []),
            Column("breached_clocks", f"Breached{to_date}", "count", css=lambda row: "bad" if row["breached_clocks"] else ""),
            Column("clocks", f"Clocks{to_date}", "count"),
            Column("reopen_count", f"Reopened{to_date}", "count"),
            *([Column("rejected_records", "Rejected records", "count", css=lambda row: "warn")] if any(row["rejected_records"] for row in rows) else []),
        ],
        rows=rows,
        total=total,
        note=" ".join(filter(None, (judged, INCOMPLETE if any(row["rejected_records"] for row in rows) else ""))),
        empty="No case is like that. Take a filter away, or look at another instant."
        if any(value for name, value in vars(filters).items() if name not in ("sort", "page")) or view.state.queue
        else "No case is loaded yet. `opsla run` loads a window of intake dates.",
    )
