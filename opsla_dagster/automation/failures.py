"""What of a finished run somebody should be told: one alert a cause.

Belongs here: reading a run's events and making alerts of them. Does not belong here: what an alert is (alert.py), and failures
that leave no run (missed.py, freshness.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster import DagsterEventType, DagsterInstance, DagsterRun, EventLogEntry, RunRecord

from opsla_dagster.assets.scope import (
    AS_OF_TAG,
    PARTITION_TAG,
    RANGE_END_TAG,
    RANGE_START_TAG,
    REFRESH_DATES_TAG,
    REFRESH_TAG,
)
from opsla_dagster.automation.alert import (
    ERROR,
    WARN,
    Alert,
    alert_id,
    check_url,
    cut,
    daily_id,
    figures_of,
    instant,
    run_url,
    text,
    title,
)
from opsla_dagster.automation.causes import ending_cause, step_cause
from opsla_dagster.catalog import PUBLISHED
from opsla_dagster.checks.outcome import LOOK_FIRST
from opsla_dagster.window import DATES_TAG

#: Told of the newest complete intake date by freshness.py, which knows when that is news.
FRESHNESS_CHECK = dg.AssetCheckKey(dg.AssetKey(PUBLISHED), "newest_intake_date_is_complete")

_ENDINGS = (DagsterEventType.RUN_SUCCESS, DagsterEventType.RUN_FAILURE, DagsterEventType.RUN_CANCELED)
_EVENTS_READ = {DagsterEventType.ASSET_CHECK_EVALUATION, DagsterEventType.STEP_FAILURE, DagsterEventType.ENGINE_EVENT, *_ENDINGS}
_WILL_RETRY_TAG = "dagster/will_retry"
_RETRY_RUN_TAG = "dagster/auto_retry_run_id"
_RETRY_STRATEGY_TAG = "dagster/retry_strategy"
_BACKFILL_TAG = "dagster/backfill"
_DECIDED_WITHIN_SECONDS = 60
#: A retry that has not begun by then is not waited for.
_RETRY_PATIENCE_SECONDS = 900
_ALSO_NAMED = 10
_ALSO_LENGTH = 200
_STAND = "the tables it did not finish, and the published marts, are as they were before"


@dataclass(frozen=True)
class Graph:
    """What the code location says: what a check means, and which assets an asset is made from. Empty where it is unknown."""

    descriptions: Mapping[dg.AssetCheckKey, str] = field(default_factory=dict)
    parents: Mapping[dg.AssetKey, Iterable[dg.AssetKey]] = field(default_factory=dict)

    @classmethod
    def of(cls, repository: dg.RepositoryDefinition) -> Graph:
        graph = repository.asset_graph
        specs = {key: graph.get_check_spec(key) for key in graph.asset_check_keys}
        return cls(
            {key: spec.description for key, spec in specs.items() if spec.description},
            {key: graph.get(key).parent_keys for key in graph.get_all_asset_keys()},
        )

    def is_upstream(self, one: dg.AssetKey, other: dg.AssetKey) -> bool:
        """Whether `other` is made, directly or not, from `one`."""
        seen: set[dg.AssetKey] = set()
        todo = list(self.parents.get(other, ()))
        while todo:
            key = todo.pop()
            if key not in seen:
                seen.add(key)
                todo.extend(self.parents.get(key, ()))
        return one in seen


#: Asked only when a check has failed: it may have to build the definitions.
Describe = Callable[[], Graph]


@dataclass(frozen=True)
class _Ended:
    """A finished run and those of its events that matter here."""

    run: DagsterRun
    made_at: float
    ending: EventLogEntry
    checks: Sequence[EventLogEntry]
    steps: Sequence[EventLogEntry]
    engine: Sequence[EventLogEntry]

    @property
    def succeeded(self) -> bool:
        return self.ending.dagster_event_type is DagsterEventType.RUN_SUCCESS


def alerts_of_run(instance: DagsterInstance, run_id: str, describe: Describe, ui_url: str) -> list[Alert] | None:
    """One alert a cause of what failed in the run; None while it goes on, may be retried, or when nobody knows it any more.

    Failed checks have their cause in the asset that is furthest upstream of those that failed; a run that failed for them is
    told with them. Whatever else made it fail is one more. What a retry makes good is no alert; what it does not is the retry's.
    """
    ended = _ended(instance, run_id)
    if ended is None:
        return None
    if not ended.succeeded and _is_undecided(instance, ended):
        return None
    is_retried = not ended.succeeded and ended.run.tags.get(_WILL_RETRY_TAG) == "true"
    if is_retried and _RETRY_RUN_TAG not in ended.run.tags:
        if time.time() - ended.ending.timestamp < _RETRY_PATIENCE_SECONDS:
            return None
        is_retried = False
    graph = describe() if ended.checks else Graph()
    causes = _causes(ended.checks, graph)
    if is_retried:
        if ended.run.tags.get(_RETRY_STRATEGY_TAG) == "ALL_STEPS":
            return []
        causes = [cause for cause in causes if _severity(cause) == WARN]  # the retry does not make these tables again
    alerts = [_checks_alert(ended, cause, graph, ui_url) for cause in causes]
    if not ended.succeeded and not is_retried:
        blocked = {_evaluation(entry).asset_key.to_user_string() for entry in ended.checks if _severity([entry]) == ERROR}
        unexplained = [entry for entry in ended.steps if _asset_of(entry) not in blocked]
        if unexplained or not blocked:
            alerts.append(_run_alert(ended, unexplained, ui_url))
    return alerts


def is_tried_again(record: RunRecord) -> bool:
    """Whether a retry of the ended run has begun, or is still to be expected."""
    tags, ended_at = record.dagster_run.tags, record.end_time or record.update_timestamp.timestamp()
    return _RETRY_RUN_TAG in tags or (tags.get(_WILL_RETRY_TAG) == "true" and time.time() - ended_at < _RETRY_PATIENCE_SECONDS)


def alerts_of_late_verdicts(
    run: DagsterRun, failed: Sequence[dg.AssetCheckEvaluation], describe: Describe, ui_url: str, at: float
) -> list[Alert]:
    """One alert a table of the checks that `failed` on rows which `run` has made and, stopped, could not tell of; found at `at` (seconds since 1970)."""
    by_table: dict[tuple[dg.AssetKey, str | None], list[dg.AssetCheckEvaluation]] = {}
    for evaluation in sorted(failed, key=lambda each: each.severity is not dg.AssetCheckSeverity.ERROR):
        by_table.setdefault((evaluation.asset_key, evaluation.partition), []).append(evaluation)
    graph = describe() if failed else Graph()
    return [_late_alert(run, of_table, graph, ui_url, at) for of_table in by_table.values()]


def _late_alert(run: DagsterRun, failed: Sequence[dg.AssetCheckEvaluation], graph: Graph, ui_url: str, at: float) -> Alert:
    first, job = failed[0], work_of(run)
    severity = ERROR if first.severity is dg.AssetCheckSeverity.ERROR else WARN
    told = f"{_table(first.asset_key)}: {_found(first)}"
    return Alert(
        alert_id=alert_id(run.run_id, first.asset_key.to_user_string(), first.partition or ""),
        title=title(severity, told),
        severity=severity,
        job=job,
        occurred_at=instant(at),
        statement=text(told),
        effect=f"the {job} was stopped before it could tell; the rows are in the table",
        run_id=run.run_id,
        asset=first.asset_key.to_user_string(),
        check=first.check_name,
        partitions=first.partition,
        as_of=run.tags.get(AS_OF_TAG),
        figures={name: figure for name, figure in figures_of(first.metadata).items() if name != "told_by"},
        also=_named(f"{_table(other.asset_key)}, {other.check_name}: {_found(other)}" for other in failed[1:]),
        look_first=graph.descriptions.get(first.asset_check_key),
        check_url=check_url(ui_url, first.asset_check_key),
        run_url=run_url(ui_url, run.run_id),
    )


def _is_undecided(instance: DagsterInstance, ended: _Ended) -> bool:
    """Whether Dagster has yet to say if it will retry: it does so a moment after it has told that the run failed."""
    is_new = time.time() - ended.ending.timestamp < _DECIDED_WITHIN_SECONDS
    is_failure = ended.ending.dagster_event_type is DagsterEventType.RUN_FAILURE
    return is_new and is_failure and instance.run_retries_enabled and _WILL_RETRY_TAG not in ended.run.tags


def work_of(run: DagsterRun) -> str:
    """What the run was for: refresh, run (chosen dates), backfill, load_<account>, or the name of its job."""
    loaded = {key.path[1] for key in run.asset_selection or () if key.path[0] == "bronze"}
    if loaded and all(key.path[0] == "bronze" for key in run.asset_selection or ()):
        return "load_" + "_".join(sorted(loaded))
    if REFRESH_DATES_TAG in run.tags:
        return "refresh"
    if _BACKFILL_TAG in run.tags:
        return "backfill"
    return run.job_name if REFRESH_TAG not in run.tags and not run.job_name.startswith("__") else "run"


def _ended(instance: DagsterInstance, run_id: str) -> _Ended | None:
    record = instance.get_run_record_by_id(run_id)
    if record is None:
        return None
    events = [each.event_log_entry for each in instance.get_records_for_run(run_id, of_type=_EVENTS_READ).records]
    # The events say how a run ended, not its row: Dagster writes the row after the event that a sensor wakes up for.
    ending = next((entry for entry in reversed(events) if entry.dagster_event_type in _ENDINGS), None)
    if ending is None:
        return None
    return _Ended(
        run=record.dagster_run,
        made_at=record.create_timestamp.timestamp(),
        ending=ending,
        checks=_failed_checks(events),
        steps=[entry for entry in events if entry.dagster_event_type is DagsterEventType.STEP_FAILURE],
        engine=[entry for entry in events if entry.dagster_event_type is DagsterEventType.ENGINE_EVENT],
    )


def _failed_checks(events: Iterable[EventLogEntry]) -> list[EventLogEntry]:
    """The last word on each check of the run (a retried step evaluates its checks again), where it is a failure."""
    last: dict[tuple[dg.AssetCheckKey, str | None], EventLogEntry] = {}
    for entry in events:
        if entry.dagster_event_type is DagsterEventType.ASSET_CHECK_EVALUATION:
            evaluation = _evaluation(entry)
            last[evaluation.asset_check_key, evaluation.partition] = entry
    return [entry for entry in last.values() if not _evaluation(entry).passed and _evaluation(entry).asset_check_key != FRESHNESS_CHECK]


def _causes(checks: Sequence[EventLogEntry], graph: Graph) -> list[list[EventLogEntry]]:
    """The failed checks by cause, the check that tells it first: of the asset upstream of the others, an error before a warning."""
    assets = list(dict.fromkeys(_evaluation(entry).asset_key for entry in checks))
    sources = [key for key in assets if not any(graph.is_upstream(other, key) for other in assets if other != key)]
    found: dict[dg.AssetKey, list[EventLogEntry]] = {key: [] for key in sources}
    for entry in checks:
        key = _evaluation(entry).asset_key
        source = key if key in found else next(each for each in sources if graph.is_upstream(each, key))
        found[source].append(entry)
    return [
        sorted(entries, key=lambda entry: (_evaluation(entry).asset_key != source, _severity([entry]) == WARN))
        for source, entries in found.items()
    ]


def _checks_alert(ended: _Ended, cause: Sequence[EventLogEntry], graph: Graph, ui_url: str) -> Alert:
    run, first = ended.run, _evaluation(cause[0])
    severity = _severity(cause)
    told = f"{_table(first.asset_key)}: {_found(first)}"
    return Alert(
        alert_id=alert_id(run.run_id, first.asset_key.to_user_string(), first.partition or ""),
        title=title(severity, told),
        severity=severity,
        job=work_of(run),
        occurred_at=instant(cause[0].timestamp),
        statement=text(told),
        effect=_effect(ended, stopped=severity == ERROR),
        run_id=run.run_id,
        asset=first.asset_key.to_user_string(),
        check=first.check_name,
        partitions=first.partition or _partitions_of(run),
        as_of=_as_of(ended),
        figures=figures_of(first.metadata),
        also=_named(f"{_table(other.asset_key)}, {other.check_name}: {_found(other)}" for other in map(_evaluation, cause[1:])),
        look_first=graph.descriptions.get(first.asset_check_key),
        check_url=check_url(ui_url, first.asset_check_key),
        run_url=run_url(ui_url, run.run_id),
    )


def _run_alert(ended: _Ended, steps: Sequence[EventLogEntry], ui_url: str) -> Alert:
    run, job = ended.run, work_of(ended.run)
    causes = [_step_told(entry) for entry in steps] or [ending_cause(ended.ending, ended.engine)]
    is_cancelled = ended.ending.dagster_event_type is DagsterEventType.RUN_CANCELED
    told = "the run was cancelled" if is_cancelled and not steps else causes[0]
    never_began = not steps and not is_cancelled
    # What fails every hour, or before any table, for the same cause, is one message a day.
    at = datetime.fromtimestamp(ended.ending.timestamp, UTC)
    is_repeated = job.startswith("load_") or (never_began and any(_has_error(entry) for entry in ended.engine))
    return Alert(
        alert_id=daily_id("" if never_began else job, causes[0], at) if is_repeated else alert_id(run.run_id, "run"),
        title=title(ERROR, f"{job}: {told}"),
        severity=ERROR,
        job=job,
        occurred_at=instant(ended.ending.timestamp),
        statement=text(causes[0]),
        effect=_effect(ended, stopped=True),
        run_id=run.run_id,
        partitions=_partitions_of(run),
        as_of=_as_of(ended),
        figures={"tables_that_failed": len(steps)} if len(steps) > 1 else {},
        also=_named(cause for cause in causes[1:] if cause != causes[0]),
        look_first="the run's page: its first error; once the cause is fixed, `opsla refresh` rebuilds what is missing",
        run_url=run_url(ui_url, run.run_id),
    )


def _effect(ended: _Ended, *, stopped: bool) -> str:
    job = work_of(ended.run)
    if ended.succeeded:
        return f"the {job} went on; its tables are made"
    if job.startswith("load_"):
        return "nothing new was loaded from the account; what was loaded before is still there"
    if ended.ending.dagster_event_type is DagsterEventType.RUN_CANCELED:
        return f"the {job} was cancelled; {_STAND}"
    return f"the {job} failed; {_STAND}" if stopped else f"the {job} failed for another cause, reported in a message of its own"


def _found(evaluation: dg.AssetCheckEvaluation) -> str:
    """What the check found: in its own words, else its figures; where to look first stands in the alert by itself."""
    if evaluation.description:
        return evaluation.description.partition(LOOK_FIRST)[0]
    figures = ", ".join(f"{name} {value}" for name, value in figures_of(evaluation.metadata).items() if name != "sample")
    return f"{evaluation.check_name} failed" + (f" ({cut(figures, _ALSO_LENGTH)})" if figures else "")


def _step_told(entry: EventLogEntry) -> str:
    cause, asset = step_cause(entry), _asset_of(entry).replace("/", ".")
    if asset.startswith("bronze_"):
        asset = f"account {asset.removeprefix('bronze_')}"
    return cause if cause.startswith(asset) else f"{asset}: {cause}"


def _asset_of(step: EventLogEntry) -> str:
    return str(step.step_key).replace("__", "/")


def _table(key: dg.AssetKey) -> str:
    return ".".join(key.path)


def _named(texts: Iterable[str]) -> tuple[str, ...]:
    told = [cut(" ".join(each.split()), _ALSO_LENGTH) for each in texts]
    more = len(told) - _ALSO_NAMED
    return (*told[:_ALSO_NAMED], *([f"and {more} more"] if more > 0 else []))


def _severity(entries: Iterable[EventLogEntry]) -> str:
    return ERROR if any(_evaluation(entry).severity is dg.AssetCheckSeverity.ERROR for entry in entries) else WARN


def _has_error(engine: EventLogEntry) -> bool:
    told: Any = engine.get_dagster_event().engine_event_data
    return told is not None and told.error is not None


def _partitions_of(run: DagsterRun) -> str | None:
    """The run's one partition, its range with both ends included, or its ranges where they have gaps."""
    if DATES_TAG in run.tags:
        return run.tags[DATES_TAG]
    first, last = (run.tags.get(tag) for tag in (RANGE_START_TAG, RANGE_END_TAG))
    if first and last:
        return first if first == last else f"{first}..{last}"
    return run.tags.get(PARTITION_TAG)


def _as_of(ended: _Ended) -> str:
    """The instant up to which things are known in the run; without a tag, when it was made."""
    return ended.run.tags.get(AS_OF_TAG) or instant(ended.made_at)


def _evaluation(entry: EventLogEntry) -> dg.AssetCheckEvaluation:
    return entry.get_dagster_event().asset_check_evaluation_data
