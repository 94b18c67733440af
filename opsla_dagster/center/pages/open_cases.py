"""Open cases: the list to work through, what is past due first, then what falls due next.

Belongs here: the list of an instant. Does not belong here: cases that have ended (cases.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from opsla_dagster.center.address import RefusedAddress
from opsla_dagster.center.model import Column, Grid, Page, Row
from opsla_dagster.center.pages.cases import INCOMPLETE, MOST_CSV_ROWS, ROWS_A_PAGE
from opsla_dagster.center.pages.queues import DIMENSIONS
from opsla_dagster.center.pages.standing import AGES
from opsla_dagster.center.view import View
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.promises import metric_title

STANDINGS = {"past_due": "past due", "due_in_2_hours": "due within 2 hours", "due_next_business_day": "due by the end of the next business day"}
WAITS = {"us": "us", "customer": "the customer", "vendor": "a vendor", "other": "others"}


@dataclass(frozen=True)
class OpenFilters:
    """What the list is narrowed to; None: not at all."""

    standing: str | None = None
    age: str | None = None
    waits_for: str | None = None
    status: str | None = None
    priority: str | None = None
    tier: str | None = None
    region: str | None = None
    brand: str | None = None
    channel: str | None = None
    page: int = 1


def open_page(view: View, filters: OpenFilters, *, is_whole: bool = False) -> Page:
    """The open cases that the filters let through, a page of them; all of them where `is_whole`."""
    queue = view.require_queue()
    narrowed = {name: value for name, value in vars(filters).items() if name != "page"}
    given = {name: value for name, value in narrowed.items() if value}
    narrowed["due_before"] = view.next_business_day_ends_at if filters.standing == "due_next_business_day" else None
    total = view.count_at("open_cases", queue=queue, **narrowed)
    pages = max(1, -(-total // ROWS_A_PAGE))
    if filters.page > pages:
        raise RefusedAddress(f"page={filters.page}: there are {pages:,} pages of {total:,} open cases", 404)
    if is_whole and total > MOST_CSV_ROWS:
        raise RefusedAddress(f"These are {total:,} cases, more than {MOST_CSV_ROWS:,}; narrow them down")
    limit, offset = (MOST_CSV_ROWS, 0) if is_whole else (ROWS_A_PAGE, (filters.page - 1) * ROWS_A_PAGE)
    rows = view.page_at("open_cases", limit=limit, offset=offset, queue=queue, **narrowed)
    return Page(
        template="open.html.j2",
        title="Open cases",
        grids=[_grid(view, rows, total, is_narrowed=bool(given or queue))],
        context={
            "filters": filters, "total": total, "pages": pages, "standings": STANDINGS, "ages": AGES, "waits": WAITS, "given": given, "values": view.case_values,
            "told": {name: DIMENSIONS[name] for name in view.told_dimensions}, "is_status_told": view.is_status_told,
        },
    )  # fmt: skip


def _grid(view: View, rows: list[Row], total: int, *, is_narrowed: bool) -> Grid:
    policies, late = view.settings.sla_policies, _past_due(view, rows)
    shown = [
        {
            **row, "past_due": "; ".join(late.get(row["case_id"], [])) or None, "next": metric_title(policies, row["next_metric"]) if row["next_metric"] else None, "waits": WAITS.get(row["waits_for"] or ""),
            "ticket": "open" if view.ticket_url(row["source"], row["case_id"]) else None, "debt_seconds": row["debt_seconds"] or None,
        }
        for row in rows
    ]  # fmt: skip
    told, is_incomplete = view.told_dimensions, any(row["rejected_records"] for row in rows)
    return Grid(
        key="open_cases",
        title="Open cases",
        columns=[
            Column("case_id", "Case", href=lambda row: view.state.case_url(row["case_id"])),
            Column("breached_since_at", "Past due since", "due", css=lambda row: "bad" if row["breached_since_at"] else ""),
            *([Column("past_due", "Promise past due")] if late else []),
            Column("debt_seconds", "Debt", "seconds", css=lambda row: "bad" if row["debt_seconds"] else ""),
            Column("next_due_at", "Due next", "due", css=lambda row: "warn" if row["is_due_in_2_hours"] else ""),
            Column("next", "Promise due next"),
            Column("next_remaining_business_minutes", "Left", "minutes"),
            *(Column(name, DIMENSIONS[name]) for name in told if name in ("queue", "priority", "tier")),
            *([Column("status", "Status", "name"), Column("waits", "Waits for")] if view.is_status_told else []),
            Column("age_calendar_minutes", "Age", "calendar_minutes"),
            *([Column("rejected_records", "Rejected records", "count", css=lambda row: "warn")] if is_incomplete else []),
            *([Column("ticket", "Ticket", href=lambda row: view.ticket_url(row["source"], row["case_id"]))] if any(row["ticket"] for row in shown) else []),
        ],
        rows=shown,
        total=total,
        note=INCOMPLETE if is_incomplete else "",
        is_read_by_row=True,
        empty="No open case is like that. Take a filter away, or look at another instant." if is_narrowed else f"No case is open at {wording.due(view.at, view.zone)}.",
    )


def _past_due(view: View, rows: list[Row]) -> dict[str, list[str]]:
    """case_id -> the promises that are past due, what is longest past its target first."""
    found: dict[str, list[str]] = {}
    late = [row["case_id"] for row in rows if row["breached_clocks"]]
    for row in view.rows_at("past_due_clocks", case_ids=late) if late else []:
        found.setdefault(row["case_id"], []).append(metric_title(view.settings.sla_policies, row["metric"]))
    return found
