"""Clocks of random cases against counting every second one by one.

The log goes the whole road: raw events, deduplication, milestones, spans, clocks, open clocks. The count below knows
only the definitions of docs/decisions (0001, 0005, 0006, 0008) and shares no code with the package.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import pytest
from effort import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from naive_calendar import Walk

from opsla_dagster.calendars import business_hours, business_time
from opsla_dagster.catalog import TABLES, Kind
from opsla_dagster.catalog.clocks import CLOCK_PIPELINE
from opsla_dagster.settings.calendars import CalendarsSettings
from opsla_dagster.settings.sla_policies import SlaPoliciesSettings
from opsla_dagster.warehouse.promises import replace_promises
from opsla_dagster.warehouse.sql import load_sql, sql_path
from opsla_dagster.warehouse.write import replace_view, replace_whole, replace_window
from opsla_dagster.window import Window

START, DAYS = date(2025, 3, 28), 10  # clocks change in Berlin on the 30th, on Lord Howe on 6 April
MIDNIGHT = datetime(2025, 3, 28)
SECONDS = DAYS * 86_400
WINDOW = Window(START, START + timedelta(days=1))
CALENDARS: dict[str, dict[str, Any]] = {
    "berlin": {
        "zone": "Europe/Berlin",
        "hours": {"mon": ["08:00-12:00", "13:00-18:00"], "sun": ["01:00-05:00"], "fri": ["08:00-18:00"]},
        "holidays": [date(2025, 4, 4)], "half_days": [{"date": date(2025, 3, 31), "hours": ["09:00-11:30"]}],
    },
    "lord_howe_nights": {
        "zone": "Australia/Lord_Howe", "hours": {"mon-sun": ["21:15-05:45"]}, "holidays": [], "half_days": [],
    },
    "always": {"zone": "Asia/Kathmandu", "always_open": True},
}
TERMINAL = ("RESOLVED", "CLOSED", "CANCELLED")
STATUSES = ("TRIAGE", "ASSIGNED", "INVESTIGATION", "ESCALATED", "CUSTOMER_WAIT", "VENDOR_WAIT", "ON_HOLD", "REVIEW_QA",
            "REOPENED", *TERMINAL)
CODES = {status: code for code, status in enumerate(("INTAKE", *STATUSES))}
ENDED = -1
ROAD = ("staging.events_deduped", "staging.events_clean", "staging.case_milestones", "staging.status_spans", *CLOCK_PIPELINE)


@dataclass(frozen=True)
class Event:
    """One raw event; `second` counts from the horizon's start, `ingested` likewise."""

    status: str
    second: int | None
    ingested: int

    @property
    def at(self) -> int:
        return self.ingested if self.second is None else self.second


@dataclass(frozen=True)
class Case:
    intake: int
    events: tuple[Event, ...]


# Few distinct instants, so that events meet in one second, and the odd second besides.
SECOND = st.one_of(
    st.integers(12, DAYS * 24 - 12).map(lambda hour: hour * 3600), st.integers(40_000, SECONDS - 40_000)
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    events = draw(st.lists(
        st.builds(
            Event, st.sampled_from(STATUSES), st.one_of(st.none(), SECOND, SECOND, SECOND), SECOND
        ),
        max_size=8,
    ))
    return Case(draw(SECOND), tuple(events))


@st.composite
def policies(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    clocks = {}
    for number in range(draw(st.integers(1, 3))):
        stop = draw(st.sets(st.sampled_from(STATUSES), min_size=1, max_size=3))
        other = sorted(set(STATUSES) - stop)
        start = draw(st.one_of(st.just({"INTAKE"}), st.sets(st.sampled_from(other), min_size=1, max_size=2)))
        waits = sorted(set(other) - start - set(TERMINAL))
        clocks[f"clock_{number}"] = {
            "title": "random", "calendar": draw(st.sampled_from(list(CALENDARS))), "start": sorted(start),
            "stop": sorted(stop), "pause": sorted(draw(st.sets(st.sampled_from(waits), max_size=3))),
            "target": f"{draw(st.integers(1, 200_000))}s",
        }
    return clocks


@pytest.fixture(scope="module")
def open_seconds() -> dict[str, np.ndarray[Any, np.dtype[np.bool_]]]:
    """For each calendar, whether each second of the horizon is open."""
    return {name: np.repeat(Walk(calendar, START, DAYS).is_open, 60) for name, calendar in CALENDARS.items()}


@pytest.fixture(scope="module")
def calendars() -> CalendarsSettings:
    return CalendarsSettings.model_validate(
        {"horizon": {"start": START, "end": START + timedelta(days=DAYS)}, "calendars": CALENDARS}
    )


@pytest.fixture(scope="module")
def connection(calendars: CalendarsSettings) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 1})  # more cost more than they save on a handful of rows
    for schema in ("raw", "staging", "mart", "ops"):
        connection.execute(f"create schema {schema}")
    for table in TABLES.values():
        if table.kind is not Kind.VIEW:
            connection.execute(f"create table {table.name} ({', '.join(f'{c.name} {c.type}' for c in table.columns)})")
    replace_view(connection, TABLES["ops.partition_as_of"], load_sql(sql_path("ops.partition_as_of")))
    replace_whole(connection, TABLES["staging.business_time"], business_time(calendars))
    replace_whole(connection, TABLES["staging.business_hours_dim"], business_hours(calendars))
    return connection


@settings(max_examples=examples(20), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(log=st.lists(cases(), min_size=1, max_size=12), clocks=policies(), as_of=SECOND)
def test_every_second_is_counted_once(
    connection: duckdb.DuckDBPyConnection, calendars: CalendarsSettings,
    open_seconds: dict[str, np.ndarray[Any, np.dtype[np.bool_]]], log: list[Case], clocks: dict[str, dict[str, Any]],
    as_of: int,
) -> None:
    promised = {name: {"target": clock["target"], "calendar": clock["calendar"]} for name, clock in clocks.items()}
    metrics = {
        name: {role: value for role, value in clock.items() if role not in ("target", "calendar")} for name, clock in clocks.items()
    }
    document = {"metrics": metrics, "policies": [{"name": "desk", "calendar": "always", "targets": promised}]}
    rules = SlaPoliciesSettings.model_validate(document)
    replace_promises(connection, rules, calendars.calendars)
    # What is known as of an instant happened by then.
    as_of = max([as_of, *(case.intake for case in log), *(event.at for case in log for event in case.events)])
    fill(connection, log, as_of)
    for name in ROAD:
        replace_window(connection, TABLES[name], WINDOW, [(WINDOW, load_sql(sql_path(name)))])

    expected, expected_open = {}, {}
    for number, case in enumerate(log):
        counted = Counted(number, case)
        for name, clock in clocks.items():
            is_open, target = open_seconds[clock["calendar"]], int(clock["target"][:-1])
            judged = counted.judge(clock, is_open, target)
            if judged is not None:
                expected[str(number), name] = judged
                if judged[-1] == "running":
                    expected_open[str(number), name] = counted.judge_open(clock, is_open, target, as_of)

    found = connection.execute("""
        select case_id, metric, started_at, stopped_at, elapsed_seconds, paused_seconds, reason, outcome
        from staging.sla_clocks
    """).fetchall()
    assert {(row[0], row[1]): row[2:] for row in found} == expected
    replace_whole(connection, TABLES["mart.open_clocks"], load_sql(sql_path("mart.open_clocks")))
    found_open = connection.execute(
        "select case_id, metric, elapsed_seconds, due_at, is_paused, outcome from mart.open_clocks"
    ).fetchall()
    assert {(row[0], row[1]): row[2:] for row in found_open} == expected_open


def fill(connection: duckdb.DuckDBPyConnection, log: list[Case], as_of: int) -> None:
    for table in ("raw.cases", "raw.events_log", "raw.source_partitions"):
        connection.execute(f"truncate {table}")
    connection.execute(
        "insert into raw.source_partitions (source, intake_date, as_of_at) values ('test', ?, ?)",
        [START, at(as_of)],
    )
    connection.executemany(
        "insert into raw.cases (source, case_id, intake_date, intake_ts) values ('test', ?, ?, ?)",
        [(str(number), START, at(case.intake)) for number, case in enumerate(log)],
    )
    events = []
    for number, case in enumerate(log):
        previous = ""
        for sequence, event in enumerate(case.events):
            is_reopen = previous in TERMINAL and event.status not in TERMINAL
            events.append((
                f"{number}-{sequence}", str(number), START, event.status, at(event.second), at(event.ingested),
                sequence, is_reopen,
            ))
            previous = event.status
    if events:
        connection.executemany(
            """insert into raw.events_log (
                source, event_id, case_id, intake_date, status, event_ts, ingestion_ts, source_sequence, is_reopen
            ) values ('test', ?, ?, ?, ?, ?, ?, ?, ?)""",
            events,
        )


def at(second: int | None) -> datetime | None:
    return None if second is None else MIDNIGHT + timedelta(seconds=second)


class Counted:
    """One case, and the status it is in at each second."""

    def __init__(self, number: int, case: Case) -> None:
        self.intake = case.intake
        kept: dict[Any, tuple[int, str, int, str, bool]] = {}
        previous, block, visits = "", -1, {}
        for sequence, event in enumerate(case.events):
            instant = event.at
            is_reopen = previous in TERMINAL and event.status not in TERMINAL
            # Told in a row at one instant, each time the case comes anew into the status is a visit.
            if event.second is None or event.second != block:
                block, visits = event.second, {}
                visits[event.status] = 1
            elif event.status != previous:
                visits[event.status] = visits.get(event.status, 0) + 1
            previous = event.status
            row = (event.ingested, f"{number}-{sequence}", sequence, event.status, is_reopen)
            same = (event.status, event.second if event.second is not None else f"missing {sequence}", instant, visits[event.status])
            is_reopen |= same in kept and kept[same][4]
            kept[same] = (*min(row, kept.get(same, row))[:4], is_reopen)
        #: (instant, sequence, status, is_reopen)
        self.events = sorted((same[2], row[2], row[3], row[4]) for same, row in kept.items())
        #: (sequence, instant, status) of the terminal events that no reopen follows; the first ended the case
        self.endings = self._endings()
        self.end = max(self.intake, self.endings[0][1]) if self.endings else None
        self.status = np.full(SECONDS, CODES["INTAKE"], dtype=np.int8)
        for instant, _, status, _ in self.events:
            if instant >= self.intake:
                self.status[instant:] = CODES[status]
        if self.endings:
            # What the log says of a case after its last terminal event, no span holds.
            self.status[max(self.intake, max(instant for _, instant, _ in self.endings)):] = ENDED

    def _endings(self) -> list[tuple[int, int, str]]:
        last_reopen = max((sequence for _, sequence, _, is_reopen in self.events if is_reopen), default=-1)
        return sorted(
            (sequence, instant, status)
            for instant, sequence, status, _ in self.events
            if status in TERMINAL and sequence > last_reopen
        )

    def _first(self, statuses: list[str], after: tuple[int, int] = (-1, -1)) -> tuple[int, int] | None:
        """Instant and place in the source's order."""
        places = [
            (instant, sequence)
            for instant, sequence, status, is_reopen in self.events
            if status in statuses or (is_reopen and "REOPENED" in statuses)
        ]
        return min((place for place in places if place > after), default=None)

    def _stop(self, clock: dict[str, Any]) -> int | None:
        start = (-1, -1)
        if "INTAKE" not in clock["start"]:
            first = self._first(clock["start"])
            assert first is not None, "asked of clocks that started"
            start = first
        stop = self._first(clock["stop"], start)
        return None if stop is None else stop[0]

    def _start(self, clock: dict[str, Any]) -> int | None:
        if "INTAKE" in clock["start"]:
            return self.intake
        start = self._first(clock["start"])
        return None if start is None else max(start[0], self.intake)

    def _pausing(self, clock: dict[str, Any]) -> Any:
        return np.isin(self.status, [CODES[status] for status in clock["pause"]])

    def judge(self, clock: dict[str, Any], is_open: Any, target: int) -> tuple[Any, ...] | None:
        start = self._start(clock)
        if start is None:
            return None
        stop = self._stop(clock)
        ended = self.end if stop is None else stop
        if ended is None:
            return at(start), None, None, None, None, "running"
        if ended < start:
            return at(start), at(ended), None, None, "stopped_before_start", "unknown"
        seconds = slice(start, ended)
        pausing = self._pausing(clock)[seconds]
        elapsed, paused = int((is_open[seconds] & ~pausing).sum()), int((is_open[seconds] & pausing).sum())
        if stop is None:
            reason = "cancelled" if self.endings[0][2] == "CANCELLED" else "ended_without_stop"
            return at(start), at(ended), None, None, reason, "unknown"
        return at(start), at(ended), elapsed, paused, None, "breached" if elapsed > target else "met"

    def judge_open(self, clock: dict[str, Any], is_open: Any, target: int, as_of: int) -> tuple[Any, ...]:
        start = self._start(clock)
        assert start is not None
        pausing = self._pausing(clock)
        is_paused = bool(start <= as_of and pausing[as_of])
        pausing[as_of:] = False  # nobody knows yet
        counting = is_open & ~pausing
        counting[:start] = False
        elapsed = int(counting[start:as_of].sum())
        reached = np.flatnonzero(np.cumsum(counting) == target)
        due = at(int(reached[0]) + 1) if len(reached) and not (is_paused and elapsed < target) else None
        return elapsed, due, is_paused, "breached" if elapsed > target else "running"
