"""reports/impact_log.md: one step entry a run, written from what the run measured.

Belongs here: the log's conventions and layout. Does not belong here: measuring. Entries are appended and never changed;
what a person adds to the file by hand stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from opsla_dagster.errors import OpslaError
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.files import write_whole
from opsla_dagster.reporting.run_summary import (
    CheckResult,
    Headline,
    PromiseFigures,
    RunSummary,
    ScenarioFigures,
    SlaFigures,
)

HEADER = """\
# Impact Log — Operational Bottleneck & SLA Breach Analysis

Local warehouse: DuckDB (ops_warehouse.duckdb)
Written by: opsla, one step entry a run, newest last; the same figures as JSON are in run_summaries/

---

## Metric Conventions (used throughout)
- **Rows processed**: counts by table (raw/staging/mart)
- **Runtime**: wall-clock seconds (per table + total)
- **Promises**: every policy and metric of sla_policies.yml by its titles; attainment = met / (met + breached), in %; an open clock past its target is breached
- **SLA Breach Rates**: breached / cases both touched and resolved, in %; an unknown first touch counts as met, an open case not at all.
  They are given for the metrics first_touch, first_resolution and first_resolution_paused, by their titles, where the first two are
  promised and no source has SLA policies of its own
- **Percentiles**: p50 / p90 / p95 for cycle times & stage times, in business minutes, exact
- **Data quality**: missing timestamps %, missing milestones %, duplicate rate %, out-of-order rate %
- **Operational metrics**: congestion index = (opened + open backlog) / effective staff, per day
- **Scenario outcomes**: first_resolution breaches avoided, business hours saved
- **Gate results**: asset checks; a failed ERROR check stops what is downstream, a failed WARN check is only reported

---

## Step Entries
"""

_DATA_QUALITY_NAMES = {
    "pct_missing_event_ts": "missing event_ts",
    "pct_duplicate_flag": "duplicate events (flag)",
    "pct_late_arriving": "late-arriving events (flag)",
    "pct_tz_inconsistent": "timezone inconsistencies (flag)",
    "pct_ingestion_before_event": "ingestion before event_ts",
    "pct_cases_with_triage": "cases with TRIAGE",
    "pct_cases_with_resolved": "cases with RESOLVED",
    "pct_cases_with_customer_wait": "cases with CUSTOMER_WAIT",
    "pct_triage_before_intake_sla": "touched before intake (SLA cases)",
}
_STEP = re.compile(r"^### Step (\d+)\b", re.MULTILINE)


def append_impact_log(summary: RunSummary, path: Path) -> bool:
    """Append the run's entry to the log at `path`, made with its header when absent; False when the run is in it already.

    Raises OpslaError when the file cannot be read or written; it is replaced whole, so that it never ends mid-entry.
    """
    try:
        log = path.read_text(encoding="utf-8") if path.exists() else HEADER
    except (OSError, UnicodeDecodeError) as error:
        raise OpslaError(f"{path}: expected the impact log as UTF-8 text, but it cannot be read: {error}") from error
    mark = f"**Run:** {summary.run_id}"
    if mark in log.splitlines():
        return False
    step = max((int(number) for number in _STEP.findall(log)), default=0) + 1
    write_whole(path, f"{log.rstrip()}\n\n{_entry(summary, step, mark)}")
    return True


def _entry(summary: RunSummary, step: int, mark: str) -> str:
    outcome = "" if summary.succeeded else " (failed)"
    dates = wording.intake_dates(summary, to=" → ")
    parts = [
        f"### Step {step} — {summary.command}: intake {dates}{outcome}",
        f"**Date:** {summary.started_at:%Y-%m-%d}",
        mark,
        "",
        *_block("What changed:", _what_changed(summary)),
        *_block("Artifacts created/updated:", iter(summary.artifacts)),
        *_block("Runtime / rows:", _rows(summary)),
        *_block("Gate results:", _gates(summary)),
    ]
    if summary.headline is not None:
        parts += _headline(summary.headline)
    parts += _block("Risks / notes:", _notes(summary))
    return "\n".join([*parts, "---", ""])


def _block(title: str, lines: Iterator[str]) -> list[str]:
    items = [f"- {line}" for line in lines]
    return [f"**{title}**", *items, ""] if items else []


def _what_changed(summary: RunSummary) -> Iterator[str]:
    verb = "Materialised" if summary.succeeded else "Before it failed, materialised"
    yield (
        f"{verb} {wording.counted(len(summary.tables), 'table')} from {wording.listed(summary.sources or ('no source',))}"
        f" as of {wording.instant(summary.as_of_at)}"
    )


def _rows(summary: RunSummary) -> Iterator[str]:
    yield f"Run runtime (seconds): {wording.decimal(summary.seconds, 3)}"
    for table in summary.tables:
        seconds = f" ({wording.decimal(table.seconds, 3)} s)" if table.seconds is not None else ""
        yield f"{table.table}: {table.rows:,}{seconds}"
    if summary.headline is not None and summary.headline.events_per_case is not None:
        yield f"avg events per case: {wording.decimal(summary.headline.events_per_case, 3)}"


def _gates(summary: RunSummary) -> Iterator[str]:
    yield f"checks passed: {len(summary.passed_checks)}"
    yield f"checks failed: {len(summary.failed_checks)}"
    for check in summary.failed_checks:
        yield f"failed ({check.severity}): {_gate(check)}"
    # A passed check without figures says nothing beyond the count above.
    for check in summary.passed_checks:
        if "gate" in check.check:
            yield f"passed: {_gate(check)}"


def _gate(check: CheckResult) -> str:
    figures = wording.check_figures(check)
    return f"{check.asset} / {check.check}{f' ({figures})' if figures else ''}"


def _headline(headline: Headline) -> list[str]:
    return [
        *_block("Promises (every clock):", (_promise(promise) for promise in headline.promises)),
        *_block("SLA breach rates (cases both touched and resolved):", (_breaches(sla) for sla in headline.slas if sla.cases)),
        *_block(
            "Percentiles (business minutes, cases both touched and resolved):",
            (
                f"{sla.name} p50/p90/p95: {', '.join(wording.decimal(p) for p in (sla.p50, sla.p90, sla.p95))}"
                for sla in headline.slas
                if sla.p50 is not None
            ),
        ),
        *_block(
            "Observed data quality:",
            (
                f"{_DATA_QUALITY_NAMES.get(name, name)}: {wording.percent(rate, 3)}"
                for name, rate in headline.data_quality.items()
            ),
        ),
        *_block("Congestion and bottleneck:", _operations(headline)),
        *_block("Headline scenario outcomes:", (_scenario(row) for row in headline.telling_scenarios())),
    ]


def _promise(promise: PromiseFigures) -> str:
    return (
        f"{promise.policy_title}, {promise.title}: {wording.percent(promise.kept_pct, 3)} attainment ({promise.met_clocks:,} met, "
        f"{promise.all_breached_clocks:,} breached, {promise.open_breached_clocks:,} of these open, {promise.running_clocks:,} running, "
        f"{promise.unknown_clocks:,} unknown)"
    )


def _breaches(sla: SlaFigures) -> str:
    return (
        f"{sla.name}, breach %: {wording.percent(sla.breach_pct, 3)} ({sla.breached_cases:,} of {sla.cases:,}; "
        f"daily average {wording.percent(sla.daily_avg_breach_pct, 3)})"
    )


def _scenario(row: ScenarioFigures) -> str:
    return (
        f"{row.scenario}: {row.breaches_avoided:,} breaches avoided of {row.breaches_before:,} among its cases "
        f"(all cases: {wording.percent(row.breach_pct_before, 3)} → {wording.percent(row.breach_pct_after, 3)}), "
        f"{wording.decimal(row.hours_saved, 2)} business hours saved ({row.eligible_cases:,} eligible cases)"
    )


def _operations(headline: Headline) -> Iterator[str]:
    if headline.congestion is not None:
        yield f"congestion_index p50/p90/p95: {', '.join(wording.decimal(p, 3) for p in headline.congestion)}"
    if headline.bottleneck is not None:
        place = f"{wording.tier(headline.bottleneck.tier)} {wording.stage(headline.bottleneck.stage)}"
        yield f"p95 bottleneck stage: {place} ({wording.decimal(headline.bottleneck.p95)} business minutes)"
    if headline.open_clocks is not None:
        clocks = headline.open_clocks
        yield f"open clocks: {clocks.running:,}, breached already: {clocks.past_target:,}"


def _notes(summary: RunSummary) -> Iterator[str]:
    if not summary.succeeded:
        yield "The run did not complete: the marts published before it still stand."
    for check in summary.failed_checks:
        if check.description:
            yield f"{check.asset} / {check.check}: {check.description}"
