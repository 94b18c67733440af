"""Data quality: whether the figures can be trusted. Checks, records that could not be used, freshness, and the latest runs.

Belongs here: the page. Does not belong here: making any verdict; those are the runs'.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from opsla_dagster.center.model import Column, Figure, Grid, Page, Row
from opsla_dagster.center.pages.report_sections import grids, shown
from opsla_dagster.center.view import View
from opsla_dagster.errors import OpslaError
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.run_summary import RunSummary, read_run_summary
from opsla_dagster.reporting.sections.clock_comparison import clock_comparison
from opsla_dagster.reporting.sections.quality import quality
from opsla_dagster.reporting.sections.reading import reading
from opsla_dagster.reporting.sections.schedule_rules import schedule_rules
from opsla_dagster.reporting.sections.sources import sources

RUNS_SHOWN = 20


def quality_page(view: View) -> Page:
    """The page of the newest publication and the runs of its home."""
    runs = list(_runs(view))
    latest = runs[0] if runs else None
    sections = shown([
        quality(latest), sources(view.connection, view.headline), clock_comparison(view.connection, view.headline),
        schedule_rules(view.connection, view.headline), reading(latest),
    ])  # fmt: skip
    rejected = view.rows("rejected_records") if view.has("raw.rejected_rows") else []
    return Page(
        template="quality.html.j2",
        title="Data quality",
        figures=list(_figures(view, latest, rejected)),
        grids=[_checks(latest), _rejects(rejected), _freshness(view), _run_grid(runs), *grids(sections)],
        context={"sections": sections, "headline": view.headline},
    )


def _runs(view: View) -> Iterator[RunSummary]:
    directory = view.settings.home.reports / "run_summaries"
    for path in sorted(directory.glob("*.json"), reverse=True)[:RUNS_SHOWN]:
        with suppress(OpslaError):  # of another version
            yield read_run_summary(path)


def _figures(view: View, latest: RunSummary | None, rejected: list[Row]) -> Iterator[Figure]:
    if latest is not None and latest.checks:
        failed, errors = len(latest.failed_checks), sum(check.severity == "ERROR" for check in latest.failed_checks)
        yield Figure(
            "failed_checks", "Checks failed in the latest run", failed, href="#checks", notes=[f"of {wording.counted(len(latest.checks), 'check')}"],
            tone="bad" if errors else "warn" if failed else "good",
        )
    if latest is not None:
        yield Figure(
            "latest_run", "Latest run", "succeeded" if latest.succeeded else "failed", "text", href="#runs",
            notes=[f"{wording.local_instant(latest.started_at, view.zone)} ({view.zone})"], tone="good" if latest.succeeded else "bad",
        )
    records = rejected[0]["all_records"] if rejected else 0
    yield Figure("rejected_records", "Records that could not be used", records, href="#rejected", notes=["each with its reason"], tone="warn" if records else "good")


def _checks(latest: RunSummary | None) -> Grid:
    checks = sorted(latest.checks, key=lambda check: (check.passed, check.severity != "ERROR", check.asset, check.check)) if latest else []
    return Grid(
        key="checks",
        title="Checks of the latest run",
        columns=[
            Column("result", "Result", css=lambda row: {"passed": "good", "failed (WARN)": "warn"}.get(row["result"], "bad")),
            Column("check", "Check"), Column("asset", "Table"), Column("figures", "Measured"), Column("description", "What it means"),
        ],
        rows=[
            {
                "result": "passed" if check.passed else f"failed ({check.severity})", "check": wording.check_name(check), "asset": check.asset,
                "figures": wording.check_figures(check), "description": check.description,
            }
            for check in checks
        ],
        empty="No run of this home has left its checks yet. `opsla run` evaluates every check and writes them down.",
    )  # fmt: skip


def _rejects(rejected: list[Row]) -> Grid:
    return Grid(
        key="rejected",
        title="Records that could not be used",
        columns=[
            Column("source", "Source"), Column("resource", "Of"), Column("field", "Field"), Column("reason", "Reason"), Column("records", "Records", "count"),
            Column("source_records", "of all", "count"),
            Column("file", "First in"), Column("row_number", "Row", "count"), Column("case_id", "Case"),
        ],
        rows=rejected,
        total=rejected[0]["all_reasons"] if rejected else 0,
        empty="Every record of every source could be used.",
    )  # fmt: skip


def _freshness(view: View) -> Grid:
    return Grid(
        key="freshness",
        title="How far each source is known",
        columns=[
            Column("source", "Source"), Column("first_intake_date", "First date", "day"), Column("last_intake_date", "Last date", "day"),
            Column("intake_dates", "Dates made", "count"), Column("cases", "Cases", "count"), Column("events", "Events", "count"),
            Column("as_of_at", "Looked at last", "instant"),
        ],
        rows=view.rows("freshness"),
        empty="No intake date is made yet. `opsla run` makes a window of them.",
    )  # fmt: skip


def _run_grid(runs: list[RunSummary]) -> Grid:
    return Grid(
        key="runs",
        title="Latest runs",
        columns=[
            Column("started_at", "Started", "instant"), Column("command", "Command"),
            Column("outcome", "Outcome", css=lambda row: "good" if row["outcome"] == "succeeded" else "bad"),
            Column("first_date", "First date", "day"), Column("end_date", "To before", "day"), Column("seconds", "Seconds", "decimal"),
            Column("failed_checks", "Checks failed", "count"), Column("run_id", "Run"),
        ],
        rows=[
            {
                "started_at": run.started_at, "command": run.command, "outcome": "succeeded" if run.succeeded else "failed",
                "first_date": run.window_start, "end_date": run.window_end, "seconds": run.seconds, "failed_checks": len(run.failed_checks),
                "run_id": run.run_id[:8],
            }
            for run in runs
        ],
        empty="No run of this home has left a summary yet.",
    )  # fmt: skip
