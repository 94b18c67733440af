"""What one run did and measured, as plain data that goes to JSON and back.

Belongs here: the record of a run, and its file. Does not belong here: measuring (`headline.py`) and showing it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from opsla_dagster.errors import OpslaError
from opsla_dagster.reporting.files import write_whole

#: Promises that a headline has a tile of, and whose times it lists.
MOST_TILES, MOST_TIMED = 4, 12


class Record(BaseModel):
    """A frozen piece of a summary; a field it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TableRun(Record):
    """What a run wrote of one table: `rows` it holds for the run's window, `seconds` it took (None: not timed)."""

    table: str
    rows: int
    seconds: float | None = None


class CheckResult(Record):
    """The verdict of one asset check. `severity` is ERROR or WARN; `figures` are the numbers the verdict rests on."""

    asset: str
    check: str
    passed: bool
    severity: str = "ERROR"
    description: str = ""
    figures: dict[str, bool | int | float | str | None] = {}


class PromiseFigures(Record):
    """One promise, a policy's target for a metric, and its clocks over everything loaded, by how they stand.

    The titles are those of sla_policies.yml, the metric's with its variant; `target` is written as there, None where the source
    said it. `breached_clocks` have stopped, `open_breached_clocks` run past their target. `kept_pct` (0-100) is met of met and
    both kinds of breached; None without any. The percentiles are minutes of open time that the `stopped_clocks` took, those with a
    verdict by a stop; None without any. `has_pauses`: a clock of it stood still. `copies` are titles of promises with the very same
    figures, told once; `copied_metrics` are theirs. `incomplete_clocks` are those met or breached whose case has rejected records: they are in `kept_pct`.
    `unknown_reasons` are why `unknown_clocks` are unknown, each with its clocks.
    """

    policy: str
    policy_title: str
    metric: str
    title: str
    target: str | None
    met_clocks: int
    breached_clocks: int
    open_breached_clocks: int
    running_clocks: int
    unknown_clocks: int
    kept_pct: float | None
    is_source_promise: bool = False
    incomplete_clocks: int = 0
    stopped_clocks: int = 0
    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    has_pauses: bool = False
    copies: tuple[str, ...] = ()
    copied_metrics: tuple[str, ...] = ()
    unknown_reasons: tuple[tuple[str, int], ...] = ()

    @property
    def clocks(self) -> int:
        return self.judged_clocks + self.running_clocks + self.unknown_clocks

    @property
    def all_breached_clocks(self) -> int:
        """Those that stopped too late, and open ones past their target."""
        return self.breached_clocks + self.open_breached_clocks

    def figures(self) -> tuple[float | None, ...]:
        """All of its figures: two promises with the same ones and the same effect are copies."""
        return (
            self.met_clocks, self.breached_clocks, self.open_breached_clocks, self.running_clocks, self.unknown_clocks,
            self.stopped_clocks, self.p50, self.p90, self.p95,
        )

    @property
    def judged_clocks(self) -> int:
        return self.met_clocks + self.all_breached_clocks


def _together(promises: Sequence[PromiseFigures]) -> PromiseFigures:
    if len(promises) == 1:
        return promises[0]
    counts = {
        name: sum(getattr(promise, name) for promise in promises)
        for name in ("met_clocks", "breached_clocks", "open_breached_clocks", "running_clocks", "unknown_clocks", "stopped_clocks", "incomplete_clocks")
    }
    judged = counts["met_clocks"] + counts["breached_clocks"] + counts["open_breached_clocks"]
    return promises[0].model_copy(update={
        **counts, "policy": "", "policy_title": f"{len(promises)} policies", "target": None, "p50": None, "p90": None, "p95": None,
        "kept_pct": 100.0 * counts["met_clocks"] / judged if judged else None,
        "unknown_reasons": tuple(sum((Counter(dict(promise.unknown_reasons)) for promise in promises), Counter()).most_common()),
    })


class SlaFigures(Record):
    """One SLA variant over the `cases` both touched and resolved: percentages 0-100 of them, percentiles in business minutes.

    `name` is the title of its metric. `daily_avg_breach_pct` is the mean over the intake dates that have cases; `target_minutes`
    is None where no clock of this variant is known to the tables read.
    """

    sla: str
    metric: str
    name: str
    cases: int
    breached_cases: int
    breach_pct: float | None
    daily_avg_breach_pct: float | None
    p50: float | None
    p90: float | None
    p95: float | None
    target_minutes: float | None = None


class Bottleneck(Record):
    """The stage with the largest p95 of all tiers, business minutes; `cases` is the number that passed the stage."""

    tier: str | None
    stage: str
    cases: int
    p50: float | None
    p90: float | None
    p95: float


class ScenarioFigures(Record):
    """One row of mart.scenario_results: breaches are of the metric first_resolution, percentages 0-100, hours business hours."""

    scenario: str
    description: str
    eligible_cases: int
    breaches_before: int
    breaches_avoided: int
    breach_pct_before: float | None
    breach_pct_after: float | None
    hours_saved: float
    rework_measure: str | None


class OpenCases(Record):
    """The backlog at `now_at` (UTC, naive), which is what now stands for here, for `now_reason`."""

    now_at: datetime
    now_reason: str
    open_cases: int
    breached_open_cases: int


class OpenClocks(Record):
    """Open clocks as of the refresh: all of them (`running`, whatever their outcome), and those breached already (`past_target`)."""

    running: int
    past_target: int


class Headline(Record):
    """The figures a person asks for first. A part whose tables are absent or empty is None or empty.

    The intake dates are the first and the last loaded, or on which cases came in while the run has not written which are loaded. `promises` are
    those that the desk is held to. `slas` are the variants promised of the cases both touched and resolved: none where
    first_touch or first_resolution is not promised, or a source brings promises of its own. `zone` is the desk's; open clocks are judged
    as of `as_of_at`; `last_event_at` is the log's last stamp. Instants are UTC and naive. `business_day_minutes` is the open time of a
    business day on the calendars promised on; None where they differ or are not known. `unspoken_promises` counts those of
    sla_policies.yml that are judged but left to the tables. `has_objectives`: some promise of sla_policies.yml says how much of it is to be kept.
    """

    zone: str
    first_intake_date: date | None
    last_intake_date: date | None
    cases: int
    sla_cases: int
    promises: tuple[PromiseFigures, ...]
    slas: tuple[SlaFigures, ...]
    as_of_at: datetime | None = None
    last_event_at: datetime | None = None
    events: int | None = None
    events_per_case: float | None = None
    congestion: tuple[float, float, float] | None = None
    bottleneck: Bottleneck | None = None
    scenarios: tuple[ScenarioFigures, ...] = ()
    open_clocks: OpenClocks | None = None
    data_quality: dict[str, float] = {}
    business_day_minutes: float | None = None
    unspoken_promises: int = 0
    has_objectives: bool = True
    open_cases: OpenCases | None = None
    #: What a reader has to know of intake dates that are not loaded; empty where there are none.
    unloaded: str = ""

    def sla_names(self) -> dict[str, str]:
        """What each SLA variant is called."""
        return {figures.sla: figures.name for figures in self.slas}

    def has_several_policies(self) -> bool:
        """Whether a promise must say whose it is."""
        return len({promise.policy for promise in self.promises}) > 1

    def titles(self) -> dict[str, str]:
        """What each metric is called, but for those that are copies of another."""
        return {promise.metric: promise.title for promise in self.promises}

    def worst_promise(self) -> PromiseFigures | None:
        """The promise with the lowest attainment; None while no clock has a verdict."""
        judged = [promise for promise in self.promises if promise.kept_pct is not None]
        return min(judged, key=lambda promise: (promise.kept_pct or 0.0, promise.policy, promise.metric), default=None)

    def by_metric(self) -> tuple[PromiseFigures, ...]:
        """The promises of one metric under all its policies as one, in their order; without percentiles where there are several."""
        grouped: dict[str, list[PromiseFigures]] = {}
        for promise in self.promises:
            grouped.setdefault(promise.metric, []).append(promise)
        return tuple(_together(promises) for promises in grouped.values())

    def tile_promises(self) -> tuple[PromiseFigures, ...]:
        """The metrics with a verdict, all policies of each together; of many those with the lowest attainment."""
        judged = [promise for promise in self.by_metric() if promise.judged_clocks]
        least = sorted(judged, key=lambda promise: (promise.kept_pct or 0.0, promise.metric))[:MOST_TILES]
        return tuple(promise for promise in judged if promise in least)

    def timed_promises(self) -> tuple[PromiseFigures, ...]:
        """The promises of which a clock was stopped, those of most clocks where they are many."""
        timed = [promise for promise in self.promises if promise.stopped_clocks]
        most = sorted(timed, key=lambda promise: (-promise.stopped_clocks, promise.policy, promise.metric))[:MOST_TIMED]
        return tuple(promise for promise in timed if promise in most)

    def telling_scenarios(self) -> tuple[ScenarioFigures, ...]:
        """The scenarios that act on some case, where the breaches that they avoid are of a promise of the desk."""
        return tuple(row for row in self.scenarios if row.eligible_cases) if self.slas and self.sla_cases else ()

    def best_scenario(self) -> ScenarioFigures | None:
        """The scenario that avoids most breaches; more hours saved decide between equals."""
        return max(self.telling_scenarios(), key=lambda row: (row.breaches_avoided, row.hours_saved, row.scenario), default=None)


class RunSummary(Record):
    """One run. Instants are UTC and naive; `window_end` is exclusive; `seconds` is wall-clock time.

    `command` is what was run, as a person would type it. `artifacts` are the files it wrote. `headline` is None when
    the run ended before its marts were written. `reading_notes` say what became of the records read, `left_out` what of an account could
    not be had, a sentence each.
    """

    run_id: str
    command: str
    succeeded: bool
    window_start: date
    window_end: date
    #: The intake dates where they have gaps, as `2025-07-01..2025-07-03 2025-07-08..2025-07-08`; empty where the window has none.
    dates: str = ""
    as_of_at: datetime
    started_at: datetime
    seconds: float
    sources: tuple[str, ...]
    tables: tuple[TableRun, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    artifacts: tuple[str, ...] = ()
    headline: Headline | None = None
    reading_notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def failed_checks(self) -> Sequence[CheckResult]:
        return [check for check in self.checks if not check.passed]

    @property
    def passed_checks(self) -> Sequence[CheckResult]:
        return [check for check in self.checks if check.passed]


def write_run_summary(summary: RunSummary, directory: Path) -> Path:
    """Write `<directory>/<started at>_<run id>.json` and return it; the name sorts by time."""
    target = directory / f"{summary.started_at:%Y%m%dT%H%M%SZ}_{summary.run_id}.json"
    write_whole(target, summary.model_dump_json(indent=2) + "\n")
    return target


def read_run_summary(path: Path) -> RunSummary:
    """The summary in a file that `write_run_summary` wrote; OpslaError when it is none."""
    try:
        return RunSummary.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise OpslaError(f"{path}: expected a run summary of this version; {error}") from error


def latest_run_summary(directory: Path) -> RunSummary | None:
    """The most recently started run of a directory of summaries; None when there is none."""
    files = sorted(directory.glob("*.json"))
    return read_run_summary(files[-1]) if files else None
