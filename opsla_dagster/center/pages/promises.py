"""Promises: how often each is met, and where they are breached, over everything loaded.

Belongs here: the page. Does not belong here: what a change of the promises would do (what_if.py).
"""

from __future__ import annotations

from opsla_dagster.center.model import Column, Grid, Page, Row
from opsla_dagster.center.pages.cases import REJECTED
from opsla_dagster.center.pages.report_sections import grids, shown
from opsla_dagster.center.view import View
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.sections.breaks import breaks
from opsla_dagster.reporting.sections.heat_map import heat_map
from opsla_dagster.reporting.sections.promises import DEFINITION, finding
from opsla_dagster.reporting.sections.trend import trend

INCOMPLETE = (
    "On incomplete records: met or breached, but a record of the case was rejected, so that the verdict is that of the others; it is in all other columns too. The page of the case has what was rejected."
)


def promises_page(view: View) -> Page:
    """Attainment by promise, then the report's sections on where and since when they are breached (its section of the promises would say the same again)."""
    sections = shown([
        breaks(view.connection, view.headline), trend(view.connection, view.headline),
        heat_map(view.connection, view.headline),
    ])  # fmt: skip
    return Page(
        template="promises.html.j2",
        title="Promises",
        grids=[_grid(view), *grids(sections)],
        context={"finding": finding(view.headline) if view.headline.promises else "", "sections": sections, "headline": view.headline, "can_ask_what_if": bool(view.settings.sla_policies.policies)},
    )


def _grid(view: View) -> Grid:
    found = [promise.model_dump() | {"judged_clocks": promise.judged_clocks, "all_breached_clocks": promise.all_breached_clocks} for promise in view.headline.promises]

    def breached(row: Row) -> str | None:
        return view.state.url("/cases", outcome="breached", metric=row["metric"], policy=row["policy"] or None) if row["all_breached_clocks"] else None

    def incomplete(row: Row) -> str | None:
        return view.state.url("/cases", records=REJECTED) if row["incomplete_clocks"] else None

    is_incomplete = any(row["incomplete_clocks"] for row in found)
    return Grid(
        key="promises",
        title="Every clock of each promise",
        columns=[
            Column("title", "Promise"),
            Column("policy_title", "Policy"),
            Column("target", "Target"),
            Column("kept_pct", "Met", "pct"),
            Column("judged_clocks", "Met or breached", "count"),
            Column("all_breached_clocks", "Breached", "count", href=breached),
            *([Column("open_breached_clocks", "Of these open", "count")] if any(row["open_breached_clocks"] for row in found) else []),
            Column("running_clocks", "Running", "count"),
            Column("unknown_clocks", "Unknown", "count"),
            *([Column("incomplete_clocks", "On incomplete records", "count", href=incomplete, css=lambda row: "warn" if row["incomplete_clocks"] else "")] if is_incomplete else []),
            Column("p50", wording.OF_CLOCKS[0], "minutes"),
            Column("p95", wording.OF_CLOCKS[-1], "minutes"),
        ],
        rows=found,
        note=" ".join([*wording.promise_notes(view.headline), *([INCOMPLETE] if is_incomplete else [])]),
        reading=f"{DEFINITION} Open clocks are judged as of {wording.instant(view.headline.as_of_at)}.",
        empty="No promise is written yet. sla_policies.yml says what is measured and what is promised to whom.",
    )
