"""Breach risk and remaining time on published logs, by the product's own tables and model: what docs/decisions/0043-breach-risk.md promises of them.

`python -m benchmarks.risk [helpdesk] [servicenow] [due]` with OPSLA_DATA (default ../shared/data). Each log is loaded by `opsla run` into a home of its own; `due` is the
ServiceNow log as one row a request, each with a due date of its own. Belongs here:
which instants are looked at, and the figures. Does not belong here: features, trees, corrections (they are the product's).
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from opsla_dagster.risk_model import encoding, model, samples, scores

REPOSITORY = Path(__file__).parents[1]
DATA = Path(os.environ.get("OPSLA_TEST_DATA") or os.environ.get("OPSLA_DATA") or REPOSITORY.parent / "shared" / "data")
#: Folder of each log below DATA.
FOLDERS = {"helpdesk": "helpdesk_italian", "servicenow": "uci_incident_event_log", "due": "uci_incident_event_log"}
#: Share of the cases, by intake, before the cut.
_TRAINING_SHARE = 0.8
_WEEK = timedelta(days=7)
#: What a case of the Italian log takes as a whole, on a calendar that is always open: published figures are of that.
_WHOLE_CASE = {
    "sla_policies.yml": (
        ("first_resolution_paused: 360h", "first_resolution_paused: 360h\n      whole_case: {target: 45d, calendar: always}"),
        ("policies:\n", "  whole_case:\n    title: Whole case\n    start: [INTAKE]\n    stop: [CLOSED]\npolicies:\n"),
    ),
    "calendars.yml": (("calendars:\n", "calendars:\n  always: {zone: Europe/Rome, always_open: true}\n"),),
}
#: The columns that the ServiceNow log has, under the names that are followed through time.
_COLUMNS = {
    "sources.yml": (
        ("      tier: priority\n      case_type: contact_type\n", "      case_type: category\n      channel: contact_type\n      region: location\n"),
        ("      category: category\n", ""),
    ),
}
CHANGES: Mapping[str, Mapping[str, tuple[tuple[str, str], ...]]] = {"helpdesk": _WHOLE_CASE, "servicenow": _COLUMNS}

#: What a request is promised by its priority, in hours of the wall clock, before its category stretches or shortens it.
_DUE_HOURS = {"1 - Critical": 8, "2 - High": 24, "3 - Moderate": 96, "4 - Low": 168}
_DUE_DESK = {
    "sources.yml": """
desk: {timezone: America/New_York, start_date: 2016-02-28}
sources:
  - name: requests
    type: event_log
    form: cases
    files: requests.csv
    time: {format: iso, timezone: UTC}
    columns: {case_id: request, status: status, case_type: category, channel: channel, team: team, region: place, priority: priority}
    milestones: {opened: INTAKE, closed: RESOLVED}
    statuses: {Open: INTAKE, Closed: RESOLVED}
    due: {first_resolution: {column: due}}
""",
    "sla_policies.yml": """
metrics:
  first_touch: {title: "First touch", start: [INTAKE], stop: [TRIAGE]}
  first_resolution: {title: "Resolution", variant: waits counted, start: [INTAKE], stop: [RESOLVED]}
  first_resolution_paused: {title: "Resolution", variant: paused, start: [INTAKE], stop: [RESOLVED], pause: [CUSTOMER_WAIT]}
  first_reply: {title: "First reply", start: [INTAKE], stop: [PUBLIC_REPLY]}
policies: []
""",
    "quality_gates.yml": "gates: {}\n",
}


def write_requests(log: TextIO, to: TextIO) -> None:
    """The ServiceNow log as one row a request: what it was at its first row, when it was due, when its last row says that it was resolved.

    The target is that of its priority, times 0.5 to 2 by its category: the lengths differ from case to case, and no column tells them but the due date.
    """
    first: dict[str, dict[str, str]] = {}
    last: dict[str, dict[str, str]] = {}
    for row in csv.DictReader(log):
        first.setdefault(row["number"], row)
        last[row["number"]] = row
    written = csv.writer(to)
    written.writerow(["request", "opened", "due", "closed", "status", "category", "channel", "team", "place", "priority"])
    for number, row in first.items():
        opened = _stamp(row["opened_at"])
        stretched = 2 ** (int(hashlib.sha256(row["category"].encode()).hexdigest()[:8], 16) / 2**31 - 1)
        due = opened + timedelta(minutes=round(60 * _DUE_HOURS[row["priority"]] * stretched))
        resolved = last[number]["resolved_at"] if last[number]["resolved_at"] != "?" else last[number]["closed_at"]
        told = [row[name] if row[name] != "?" else "" for name in ("category", "contact_type", "assignment_group", "location", "priority")]
        written.writerow([number, opened, due, max(_stamp(resolved), opened), "Closed", *told])


def _stamp(text: str) -> datetime:
    return datetime.strptime(text, "%d/%m/%Y %H:%M")


def _configure(log: str, config: Path) -> None:
    """The example's config with its changes; of `due` a log and a config of its own beside the shipped calendars."""
    for file in (REPOSITORY / ("config" if log == "due" else f"examples/{log}")).glob("*.yml"):
        text = _DUE_DESK.get(file.name, file.read_text(encoding="utf-8")) if log == "due" else file.read_text(encoding="utf-8")
        for old, new in CHANGES.get(log, {}).get(file.name, ()):
            assert old in text, f"{file}: {old!r} is not there any more"
            text = text.replace(old, new, 1)
        (config / file.name).write_text(text, encoding="utf-8")
    if log == "due":
        with gzip.open(DATA / FOLDERS["due"] / "incident_event_log.csv.gz", "rt", encoding="utf-8") as told, (config / "requests.csv").open("w", newline="") as to:
            write_requests(told, to)


@contextmanager
def loaded(log: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the warehouse of a home that `opsla run` has made of the log."""
    with tempfile.TemporaryDirectory(prefix="opsla-risk-") as directory:
        config, home = Path(directory) / "config", Path(directory) / "home"
        config.mkdir()
        _configure(log, config)
        environment = {**os.environ, "OPSLA_CONFIG": str(config), "OPSLA_HOME": str(home), "OPSLA_DATA": str(DATA)}
        done = subprocess.run([sys.executable, "-m", "opsla_dagster.cli", "run"], env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        connection = duckdb.connect()
        connection.execute(f"attach '{home / 'ops_warehouse.duckdb'}' as warehouse (read_only)")
        connection.execute("use warehouse")
        try:
            yield connection
        finally:
            connection.close()


def helpdesk(connection: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """Remaining time after every step of a case, of cases that came in after 80 % had: mean absolute errors in days, coverage of the 80 % interval."""
    connection.execute("""
        create or replace temp table risk_instants as
        select clocks.case_id, clocks.intake_date, clocks.policy, clocks.metric, clocks.cycle, clocks.calendar, clocks.stopped_at, clocks.stopped_at as known_at, clocks.outcome,
            events.canonical_ts + interval 1 second as predicted_at
        from staging.sla_clocks as clocks
        inner join staging.events_clean as events on clocks.case_id = events.case_id
        where clocks.metric = 'whole_case' and clocks.outcome in ('met', 'breached') and events.canonical_ts < clocks.stopped_at
        group by all
    """)
    rows = samples.examples_at(connection)
    cut, intakes = _cut(connection, rows)
    training = rows.filter(pc.and_(pc.less(rows["stopped_at"], cut), pc.less(intakes, cut))).sort_by("stopped_at")
    testing = rows.filter(pc.greater_equal(intakes, cut))
    made = model.train("whole_case", training, cut)
    left = np.asarray(testing["remaining_business_minutes"].to_numpy(), dtype=np.float64)
    low, middle, high = model.ask(made, testing).left.T
    by_length = _means_by_length(training)
    simple = np.array([by_length.get(length, by_length[max(by_length)]) for length in testing["known_events"].to_pylist()])
    return {
        "training_cases": float(len(pc.unique(training["case_id"]))),
        "test_prefixes": float(len(testing)),
        "error_days": float(np.abs(middle - left).mean() / 1440),
        "mean_by_length_error_days": float(np.abs(simple - left).mean() / 1440),
        "coverage": float(np.mean((low <= left) & (left <= high))),
    }


def _means_by_length(rows: pa.Table) -> dict[int, float]:
    grouped = rows.group_by("known_events").aggregate([("remaining_business_minutes", "mean")])
    return dict(zip(grouped["known_events"].to_pylist(), grouped["remaining_business_minutes_mean"].to_pylist(), strict=True))


def _cut(connection: duckdb.DuckDBPyConnection, rows: pa.Table) -> tuple[datetime, pa.Array]:
    """The intake of the case at 80 %, and the intake of each row's case."""
    intakes = dict(connection.execute("select case_id, intake_ts from staging.case_milestones order by intake_ts, case_id").fetchall())
    ordered = list(intakes.values())
    return ordered[int(len(ordered) * _TRAINING_SHARE)], pa.array([intakes[case] for case in rows["case_id"].to_pylist()], pa.timestamp("us"))


def servicenow(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """The source's own verdict, made_sla of a case's last row, foretold at its first; each week by a model of what had closed by then.

    AUC and Brier over the cases that came in after 80 % had; the tenths of the probability with 200 cases or more, and ten equal parts by probability, with what was said less what happened in points.
    """
    connection.execute("""
        create or replace temp table risk_instants as
        with ends as (select case_id, min(canonical_ts) as first_at, max(canonical_ts) as last_at from staging.events_clean group by case_id)
        select clocks.case_id, clocks.intake_date, clocks.policy, clocks.metric, clocks.cycle, clocks.calendar, ends.last_at as stopped_at, ends.last_at as known_at,
            case when cases.source_is_sla_met then 'met' else 'breached' end as outcome,
            greatest(ends.first_at, clocks.started_at) + interval 1 second as predicted_at
        from staging.sla_clocks as clocks
        inner join ends using (case_id)
        inner join staging.case_milestones as cases using (case_id)
        where clocks.metric = 'first_resolution' and predicted_at < clocks.stopped_at
    """)
    rows = samples.examples_at(connection)
    cut, intakes = _cut(connection, rows)
    said: list[encoding.Floats] = []
    happened: list[encoding.Floats] = []
    week = datetime.combine(cut.date(), datetime.min.time())
    last = pc.max(intakes).as_py()
    while week <= last:
        asked = rows.filter(pc.and_(pc.greater_equal(intakes, max(week, cut)), pc.less(intakes, week + _WEEK)))
        if len(asked):
            closed = rows.filter(pc.less(rows["stopped_at"], week)).sort_by("stopped_at")
            said.append(model.ask(model.train("made_sla", closed, week), asked).probabilities)
            happened.append(np.asarray(asked["is_breached"].cast(pa.float64()).to_numpy(), dtype=np.float64))
        week += _WEEK
    everyone, ends = np.concatenate(said), np.concatenate(happened)
    is_said = np.isfinite(everyone)
    probabilities, broke = everyone[is_said], ends[is_said]
    return {
        "test_cases": len(broke),
        "nothing_said_cases": int((~is_said).sum()),
        "auc": scores.auc(probabilities, broke),
        "brier": scores.brier(probabilities, broke),
        "off_points": off_points(probabilities, broke),
        "off_points_of_equal_parts": off_points_of_equal_parts(probabilities, broke),
    }


def due(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Breach of each request's own due date, foretold when a quarter of its target had gone, of those still open; each week by a model of what was known by then."""
    connection.execute("""
        create or replace temp table quarters as
        select case_id, intake_date, policy, metric, cycle, calendar, stopped_at, coalesce(stopped_at, due_at) as known_at, outcome,
            started_at + target_seconds / 4 * interval 1 second as predicted_at
        from staging.sla_clocks
        where metric = 'first_resolution' and outcome in ('met', 'breached') and predicted_at < stopped_at
    """)
    [(cut, last)] = connection.execute("select quantile_disc(intake_ts, $share), max(intake_ts) from staging.case_milestones", {"share": _TRAINING_SHARE}).fetchall()
    week = datetime.combine(cut.date(), datetime.min.time())
    models: dict[datetime, model.Model] = {}
    while week <= last:
        examples = samples.examples(connection, week)
        models[week] = model.train("first_resolution", examples.filter(pc.equal(examples["metric"], "first_resolution")), week)
        week += _WEEK
    connection.execute("create or replace temp table risk_instants as select * from quarters")
    rows = samples.examples_at(connection)
    said, happened, by_share, nothing_said = [], [], [], 0
    for week, made in models.items():
        asked = rows.filter(pc.and_(pc.greater_equal(rows["predicted_at"], max(week, cut)), pc.less(rows["predicted_at"], week + _WEEK)))
        if made.card["served"] == "unknown":
            nothing_said += len(asked)
            continue
        said.append(model.ask(made, asked).probabilities)
        by_share.append(made.baseline.probabilities(np.full(len(asked), 0.25)))
        happened.append(np.asarray(asked["is_breached"].cast(pa.float64()).to_numpy(), dtype=np.float64))
    probabilities, broke, counted = np.concatenate(said), np.concatenate(happened), np.concatenate(by_share)
    return {
        "test_cases": len(broke),
        "nothing_said_cases": nothing_said,
        "breached_share": float(broke.mean()),
        "served": sorted({str(made.card["served"]) for made in models.values()}),
        "auc": scores.auc(probabilities, broke),
        "brier": scores.brier(probabilities, broke),
        "baseline_brier": scores.brier(counted, broke),
        "said_less_happened_points": float(100 * (probabilities.mean() - broke.mean())),
        "off_points": off_points(probabilities, broke),
    }


def off_points(probabilities: encoding.Floats, broke: encoding.Floats) -> dict[str, tuple[int, float, float]]:
    """Of each tenth of the probability with 200 cases or more: cases, what was said less what happened, and the standard error of that, in points."""
    return {
        str(decile.decile): (
            decile.predictions,
            round(100 * (decile.predicted - decile.happened), 1),
            round(100 * float(np.sqrt(decile.predicted * (1 - decile.predicted) / decile.predictions)), 1),
        )
        for decile in scores.calibration(probabilities, broke)
        if decile.predictions >= 200
    }


def off_points_of_equal_parts(probabilities: encoding.Floats, broke: encoding.Floats, parts: int = scores.DECILES) -> list[tuple[int, float, float]]:
    """The cases in the order of their probability, in `parts` equal parts (the first ones a case larger): cases, what was said on average in percent, and that less what happened, in points.

    A tenth of the probability with few cases is not in `off_points`; here every case is. Cases of one probability stand in the order given.
    """
    order = np.argsort(probabilities, kind="stable")
    return [
        (len(part), round(100 * float(probabilities[part].mean()), 1), round(100 * float(probabilities[part].mean() - broke[part].mean()), 1))
        for part in np.array_split(order, parts)
        if len(part)
    ]


LOGS: Mapping[str, Callable[[duckdb.DuckDBPyConnection], Mapping[str, Any]]] = {"helpdesk": helpdesk, "servicenow": servicenow, "due": due}


def main(chosen: list[str]) -> None:
    for log in chosen or list(LOGS):
        with loaded(log) as connection:
            for name, figure in LOGS[log](connection).items():
                sys.stdout.write(f"{log:12} {name:26} {figure if not isinstance(figure, float) else round(figure, 4)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
