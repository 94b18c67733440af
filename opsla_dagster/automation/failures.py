"""What of a finished run somebody should be told, and in which words.

Belongs here: reading a run's events, the `Alert`, its text. Does not belong here: remembering alerts (ledger.py) and
sending them (delivery.py).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import dagster as dg
from dagster import DagsterEventType, DagsterInstance, DagsterRun, EventLogEntry

from opsla_dagster.assets.scope import AS_OF_TAG, DATES_TAG, PARTITION_TAG, RANGE_END_TAG, RANGE_START_TAG

_ENDINGS = {
    DagsterEventType.RUN_SUCCESS: "succeeded",
    DagsterEventType.RUN_FAILURE: "failed",
    DagsterEventType.RUN_CANCELED: "was cancelled",
}
_EVENTS_READ = {DagsterEventType.ASSET_CHECK_EVALUATION, DagsterEventType.STEP_FAILURE, *_ENDINGS}

#: A message is read on a telephone; the rest is a click away.
_STATEMENT_LENGTH = 1_000
_FIGURE_LENGTH = 300
_FIGURES_SHOWN = 20
_ASSETS_NAMED = 5
#: Metadata that Dagster draws better than a message can.
_NOT_FIGURES = (dg.TableMetadataValue, dg.TableSchemaMetadataValue, dg.TableColumnLineageMetadataValue)

CheckDescriptions = Mapping[dg.AssetCheckKey, str]
#: Asked only when a check has failed: it may have to build the definitions.
Describe = Callable[[], CheckDescriptions]


@dataclass(frozen=True)
class Alert:
    """One failed check, or one failed or cancelled run.

    `alert_id` is a function of the run and of what failed in it: the same failure always has the same one.
    """

    alert_id: str
    title: str
    severity: str
    run_id: str
    job: str
    asset: str | None
    check: str | None
    partitions: str | None
    as_of: str | None
    occurred_at: str
    statement: str | None
    figures: Mapping[str, Any]
    look_first: str | None
    check_url: str | None
    run_url: str

    def to_record(self) -> dict[str, Any]:
        """The alert as plain JSON values; docs/alerts.md names the fields."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Alert:
        """The inverse of `to_record`."""
        return cls(**record)

    def body(self) -> str:
        """Every field a person needs, one a line, without any markup."""
        lines = [f"{name}: {value}" for name, value in self._named_lines() if value]
        if self.figures:
            lines.append("Figures:")
            lines.extend(f"  {name}: {_shown(value)}" for name, value in list(self.figures.items())[:_FIGURES_SHOWN])
        if self.look_first:
            lines.append(f"What it means, where to look first: {self.look_first}")
        lines.extend(f"{name}: {url}" for name, url in [("Check", self.check_url), ("Run", self.run_url)] if url)
        lines.append(f"Alert id: {self.alert_id}")
        return "\n".join(lines)

    def _named_lines(self) -> Iterable[tuple[str, str | None]]:
        yield "What happened", self.statement
        yield "Partitions", self.partitions
        yield "As of", self.as_of
        yield "Job", self.job
        yield "When", self.occurred_at


def check_descriptions(repository: dg.RepositoryDefinition) -> CheckDescriptions:
    """What each check of the code location says about itself: what a failure means and where to look first."""
    graph = repository.asset_graph
    specs = {key: graph.get_check_spec(key) for key in graph.asset_check_keys}
    return {key: spec.description for key, spec in specs.items() if spec.description}


def alerts_of_run(instance: DagsterInstance, run_id: str, describe: Describe, ui_url: str) -> list[Alert] | None:
    """Every failure of the run, checks first; None while the run goes on or when nobody knows it any more."""
    run = instance.get_run_by_id(run_id)
    if run is None:
        return None
    events = [record.event_log_entry for record in instance.get_records_for_run(run_id, of_type=_EVENTS_READ).records]
    # The events say how a run ended, not its row: Dagster writes the row after the event that a sensor wakes up for.
    ending = next((entry for entry in reversed(events) if _type_of(entry) in _ENDINGS), None)
    if ending is None:
        return None
    failed = _failed_checks(events)
    descriptions = describe() if failed else {}
    checks = [_check_alert(run, entry, descriptions, ui_url) for entry in failed]
    if _type_of(ending) is DagsterEventType.RUN_SUCCESS:
        return checks
    return [*checks, _run_alert(run, ending, events, ui_url)]


def _failed_checks(events: Iterable[EventLogEntry]) -> list[EventLogEntry]:
    """The last word on each check of the run (a retried step evaluates its checks again), where it is a failure."""
    last: dict[tuple[dg.AssetCheckKey, str | None], EventLogEntry] = {}
    for entry in events:
        if _type_of(entry) is DagsterEventType.ASSET_CHECK_EVALUATION:
            evaluation = _evaluation_of(entry)
            last[evaluation.asset_check_key, evaluation.partition] = entry
    return [entry for entry in last.values() if not _evaluation_of(entry).passed]


def _check_alert(run: DagsterRun, entry: EventLogEntry, descriptions: CheckDescriptions, ui_url: str) -> Alert:
    evaluation = _evaluation_of(entry)
    asset = evaluation.asset_key.to_user_string()
    severity = evaluation.severity.value
    return Alert(
        alert_id=_alert_id(run.run_id, asset, evaluation.check_name, evaluation.partition or ""),
        title=f"opsla: {severity} check {evaluation.check_name} failed on {asset}",
        severity=severity,
        run_id=run.run_id,
        job=run.job_name,
        asset=asset,
        check=evaluation.check_name,
        partitions=evaluation.partition or _partitions_of(run),
        as_of=run.tags.get(AS_OF_TAG),
        occurred_at=_instant(entry),
        statement=_cut(evaluation.description, _STATEMENT_LENGTH),
        figures=_figures(evaluation.metadata),
        look_first=descriptions.get(evaluation.asset_check_key),
        check_url=_check_url(ui_url, evaluation.asset_check_key),
        run_url=_run_url(ui_url, run.run_id),
    )


def _run_alert(run: DagsterRun, ending: EventLogEntry, events: Iterable[EventLogEntry], ui_url: str) -> Alert:
    ended = _ENDINGS[DagsterEventType(_type_of(ending))]
    steps = [entry for entry in events if _type_of(entry) is DagsterEventType.STEP_FAILURE]
    figures: dict[str, Any] = {"assets": _assets_of(run)}
    if steps:
        figures["failed_steps"] = [entry.step_key for entry in steps]
    return Alert(
        alert_id=_alert_id(run.run_id, "run"),
        title=f"opsla: run {run.run_id[:8]} {ended}",
        severity="ERROR",
        run_id=run.run_id,
        job=run.job_name,
        asset=None,
        check=None,
        partitions=_partitions_of(run),
        as_of=run.tags.get(AS_OF_TAG),
        occurred_at=_instant(ending),
        statement=_cut(_reason(ending, steps), _STATEMENT_LENGTH),
        figures={name: value for name, value in figures.items() if value},
        look_first="the run's page: the first step in red holds the error; the tables it did not finish are as before",
        check_url=None,
        run_url=_run_url(ui_url, run.run_id),
    )


def _reason(ending: EventLogEntry, steps: list[EventLogEntry]) -> str | None:
    """The first failed step's error, without what Dagster wraps around it; else what Dagster says of the run's end."""
    for entry in steps:
        error = entry.get_dagster_event().step_failure_data.error
        while error is not None and error.cause is not None and (error.cls_name or "").startswith("Dagster"):
            error = error.cause
        if error is not None:
            return f"{entry.step_key}: {error.message.strip()}"
    return ending.get_dagster_event().message


def _assets_of(run: DagsterRun) -> str | None:
    names = sorted(key.to_user_string() for key in run.asset_selection or ())
    more = len(names) - _ASSETS_NAMED
    return ", ".join(names[:_ASSETS_NAMED]) + (f" and {more} more" if more > 0 else "") or None


def _partitions_of(run: DagsterRun) -> str | None:
    """The run's one partition, its range with both ends included, or its ranges where they have gaps."""
    if DATES_TAG in run.tags:
        return run.tags[DATES_TAG]
    first, last = (run.tags.get(tag) for tag in (RANGE_START_TAG, RANGE_END_TAG))
    if first and last:
        return first if first == last else f"{first}..{last}"
    return run.tags.get(PARTITION_TAG)


def _figures(metadata: Mapping[str, dg.MetadataValue[Any]]) -> dict[str, Any]:
    return {name: _plain(value.value) for name, value in metadata.items() if not isinstance(value, _NOT_FIGURES)}


def _plain(value: object) -> Any:
    """A JSON value: what JSON cannot hold, or a reader would not read, as a short text."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return _cut(value, _FIGURE_LENGTH)
    text = json.dumps(value, default=str)
    return json.loads(text) if len(text) <= _FIGURE_LENGTH else _cut(text, _FIGURE_LENGTH)


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _cut(text: str | None, length: int) -> str | None:
    return text if text is None or len(text) <= length else text[: length - 1] + "…"


def _alert_id(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


def _run_url(ui_url: str, run_id: str) -> str:
    return f"{ui_url}/runs/{run_id}"


def _check_url(ui_url: str, key: dg.AssetCheckKey) -> str:
    path = "/".join(quote(part, safe="") for part in key.asset_key.path)
    return f"{ui_url}/assets/{path}?view=checks&checkDetail={quote(key.name, safe='')}"


def _instant(entry: EventLogEntry) -> str:
    return datetime.fromtimestamp(entry.timestamp, UTC).isoformat(timespec="seconds")


def _type_of(entry: EventLogEntry) -> DagsterEventType | None:
    return entry.dagster_event_type


def _evaluation_of(entry: EventLogEntry) -> dg.AssetCheckEvaluation:
    return entry.get_dagster_event().asset_check_evaluation_data
