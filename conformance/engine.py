"""opsla's own engine as one participant: documents in, the two result CSVs out.

    python -m conformance.engine --results results.csv --spans spans.csv

Belongs here: loading documents into the raw tables, and running the product's own SQL over them. Does not belong here: any rule.
It is the only module of the suite that imports the product.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from conformance.documents import (
    ATTRIBUTES,
    CASES,
    KINDS,
    MESSAGES,
    TERMINAL,
    Case,
    Clock,
    Document,
    instant,
    moment,
    read_documents,
    write_results,
)
from opsla_dagster.calendars import business_hours, business_time
from opsla_dagster.catalog import TABLES, Kind
from opsla_dagster.catalog.clocks import CLOCK_PIPELINE
from opsla_dagster.settings.calendars import CalendarsSettings
from opsla_dagster.settings.sla_policies import SlaPoliciesSettings
from opsla_dagster.sources import base
from opsla_dagster.warehouse.connection import SCHEMAS
from opsla_dagster.warehouse.promises import replace_promises
from opsla_dagster.warehouse.sql import load_sql, sql_path
from opsla_dagster.warehouse.write import replace_view, replace_whole, replace_window
from opsla_dagster.window import ONE_DAY, Window

#: The source of a case that does not name one.
SOURCE = "conformance"
#: From the log to the clocks, in the order in which they are made.
ROAD = (
    "staging.events_deduped", "staging.events_clean", "staging.messages_deduped", "staging.case_milestones", "staging.status_spans",
    "staging.ownership_spans", *CLOCK_PIPELINE,
)
Rows = list[dict[str, Any]]


class Engine:
    """An in-memory warehouse that answers one document after the other."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self._calendars: Any = None
        self._settings: CalendarsSettings | None = None
        for schema in SCHEMAS:
            self.connection.execute(f"create schema {schema}")
        for table in TABLES.values():
            if table.kind is not Kind.VIEW:
                columns = ", ".join(f"{column.name} {column.type}" for column in table.columns)
                self.connection.execute(f"create table {table.name} ({columns})")
        replace_view(self.connection, TABLES["ops.partition_as_of"], load_sql(sql_path("ops.partition_as_of")))

    def clocks(self, document: Document, days_a_part: int | None = None) -> list[Clock]:
        """Every clock of the document, as the product makes it; open ones as mart.open_clocks judges them.

        Intake dates are made all at once, or `days_a_part` of them at a time.
        """
        cases = document.known_cases()
        if not cases:
            return []
        days = [_day(case.intake_at) for case in cases]
        window = Window(min(days), max(days) + ONE_DAY)
        self._configure(document)
        self._load(document, cases, window)
        run_engine(self.connection, list(window.split(days_a_part)) if days_a_part else [window])
        return _answers(self.connection)

    def _configure(self, document: Document) -> None:
        if self._settings is None or self._calendars != document.calendars:
            self._settings = CalendarsSettings.model_validate(document.calendars)
            self._calendars = document.calendars
            replace_whole(self.connection, TABLES["staging.business_time"], business_time(self._settings))
            replace_whole(self.connection, TABLES["staging.business_hours_dim"], business_hours(self._settings))
        metrics = {name: {"title": name} | dict(metric) for name, metric in document.metrics.items()}
        policies = SlaPoliciesSettings.model_validate({"metrics": metrics, "policies": list(document.policies)})
        replace_promises(self.connection, policies, self._settings.calendars)

    def _load(self, document: Document, cases: list[Case], window: Window) -> None:
        """What a source would yield as of the document's instant, into the raw tables."""
        for name, rows, schema in (
            ("raw.cases", map(_case, cases), base.CASES),
            ("raw.events_log", (row for case in cases for row in _events(case)), base.EVENTS),
            ("raw.messages", (row for case in cases for row in _messages(case)), base.MESSAGES),
            ("raw.attribute_changes", (row for case in cases for row in _changes(case)), base.ATTRIBUTE_CHANGES),
            ("raw.applied_targets", (row for case in cases for row in _applied(case)), base.APPLIED_TARGETS),
        ):
            table = TABLES[name]
            self.connection.execute(f"truncate {name}")
            replace_window(self.connection, table, window, [(window, pa.Table.from_pylist(list(rows), schema=schema))])
        for name in ROAD:
            self.connection.execute(f"truncate {name}")
        self.connection.execute("truncate raw.source_partitions")
        loaded = sorted({(_source(case), _day(case.intake_at)) for case in cases})
        self.connection.executemany(
            "insert into raw.source_partitions (source, intake_date, as_of_at) values (?, ?, ?)",
            [(source, day, moment(document.as_of)) for source, day in loaded],
        )


def run_engine(connection: duckdb.DuckDBPyConnection, windows: list[Window]) -> None:
    """The product's own SQL from the raw tables to staging.sla_clocks, and the open clocks on top."""
    for window in windows:
        for name in ROAD:
            replace_window(connection, TABLES[name], window, [(window, load_sql(sql_path(name)))])
    replace_whole(connection, TABLES["mart.open_clocks"], load_sql(sql_path("mart.open_clocks")))


def _answers(connection: duckdb.DuckDBPyConnection) -> list[Clock]:
    """The clocks of both tables; what a running clock was paused for, and its seconds by kind, the product does not keep."""
    rows = connection.execute(
        f"""
        select
            clocks.case_id, clocks.policy, clocks.metric, clocks.cycle, clocks.started_at, clocks.stopped_at,
            coalesce(clocks.elapsed_seconds, open_clocks.elapsed_seconds), clocks.paused_seconds, clocks.target_seconds,
            case when open_clocks.case_id is null then clocks.due_at else open_clocks.due_at end, coalesce(open_clocks.outcome, clocks.outcome),
            case when open_clocks.outcome = 'unknown' then 'outside_calendar_horizon' else clocks.reason end,
            {', '.join(f'spans.{kind}_seconds' for kind in KINDS)}
        from staging.sla_clocks as clocks
        left join mart.open_clocks as open_clocks using (case_id, policy, metric, cycle)
        left join (
            select case_id, policy, metric, cycle, {', '.join(f'sum({kind}_seconds) as {kind}_seconds' for kind in KINDS)}
            from staging.sla_clock_spans
            group by all
            having count(*) = count(running_seconds)
        ) as spans using (case_id, policy, metric, cycle)
        """
    ).fetchall()
    return [_clock(row) for row in rows]


def _clock(row: tuple[Any, ...]) -> Clock:
    case_id, policy, metric, cycle, started_at, stopped_at, elapsed, paused, target, due_at, outcome, reason, *seconds = row
    is_told = stopped_at is not None and seconds[0] is not None
    return Clock(
        case_id, policy, metric, cycle, instant(started_at), _instant(stopped_at), elapsed, paused, target, _instant(due_at),
        outcome, reason, {kind: int(value) for kind, value in zip(KINDS, seconds, strict=True)} if is_told else None,
        not_told=frozenset({"paused_seconds"}) if stopped_at is None and outcome != "unknown" else frozenset(),
    )


def _instant(value: datetime | None) -> int | None:
    return None if value is None else instant(value)


def _day(at: int) -> date:
    return moment(at).date()


def _source(case: Case) -> str:
    return case.attributes.get("source", SOURCE)


def _common(case: Case) -> dict[str, Any]:
    return {"source": _source(case), "case_id": case.case_id, "intake_date": _day(case.intake_at)}


def _utc(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC).replace(tzinfo=None)


def _case(case: Case) -> dict[str, Any]:
    """The case with its latest attributes, as a source tells it."""
    latest: dict[str, str | None] = {name: case.attributes.get(name) for name in ATTRIBUTES}
    for change in sorted(case.changes, key=lambda change: (change.at, change.sequence)):
        latest[change.attribute] = change.value
    latest.pop("schedule", None)  # no column of a case: its changes tell
    return _common(case) | {"intake_ts": _utc(case.intake_at), "initiated_by": case.attributes.get("initiated_by")} | latest


def _events(case: Case) -> Rows:
    rows: Rows = []
    is_terminal = False
    for signal in case.signals:
        if signal.name in MESSAGES:
            continue
        rows.append(_common(case) | {
            "event_id": f"{case.case_id}-{signal.sequence:06d}", "status": signal.name, "event_ts": _utc(signal.at),
            "ingestion_ts": _utc(signal.at), "source_sequence": signal.sequence,
            "is_reopen": is_terminal and signal.name not in TERMINAL,
            "is_duplicate": False, "is_late_arriving": False, "is_tz_inconsistent": False,
        })
        is_terminal = signal.name in TERMINAL
    return rows


def _messages(case: Case) -> Rows:
    return [
        _common(case) | {
            "message_id": f"{case.case_id}-{signal.sequence:06d}", "sent_ts": _utc(signal.at),
            "source_sequence": signal.sequence, "signal": signal.name,
        }
        for signal in case.signals
        if signal.name in MESSAGES
    ]


def _changes(case: Case) -> Rows:
    held: dict[str, str | None] = {name: case.attributes.get(name) for name in (*ATTRIBUTES, "schedule")}
    rows: Rows = []
    for change in sorted(case.changes, key=lambda change: (change.at, change.sequence)):
        rows.append(_common(case) | {
            "change_id": f"{case.case_id}-{change.sequence:06d}", "changed_ts": _utc(change.at),
            "source_sequence": len(case.signals) + change.sequence, "attribute": change.attribute, "value": change.value,
            "previous_value": held[change.attribute],
        })
        held[change.attribute] = change.value
    return rows


def _applied(case: Case) -> Rows:
    return [
        _common(case) | {
            "applied_id": f"{case.case_id}-{applied.sequence:06d}", "applied_ts": _utc(applied.at),
            "source_sequence": len(case.signals) + len(case.changes) + applied.sequence, "metric": applied.metric,
            "policy": applied.policy, "calendar": applied.calendar, "target_seconds": applied.target_seconds,
            "reopen": applied.effective_reopen, "is_on_case_schedule": applied.is_on_case_schedule,
            "schedule_change": applied.schedule_change,
        }
        for applied in case.applied
    ]


def judge(documents: Iterable[Document]) -> list[Clock]:
    """Every clock of all the documents, by opsla."""
    engine = Engine()
    return [clock for document in documents for clock in engine.clocks(document)]


def main() -> None:
    """Writes the two result CSVs of opsla for the cases of a folder."""
    parser = argparse.ArgumentParser(description="The cases, answered by opsla's own engine.")
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--spans", type=Path, required=True)
    parser.add_argument("--cases", type=Path, default=CASES)
    told = parser.parse_args()
    write_results(judge(read_documents(told.cases)), told.results, told.spans)


if __name__ == "__main__":
    main()
