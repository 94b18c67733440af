"""What must hold of ownership whatever a log says: spans sum to the life, names of teams mean nothing, merging teams never adds a hand-off.

Belongs here: properties of staging.ownership_spans and staging.ownership_stints over drawn histories. Does not belong here: worked cases (tests/sql).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsla_dagster.calendars import business_time
from opsla_dagster.catalog import TABLES, Kind
from opsla_dagster.settings.calendars import CalendarsSettings
from opsla_dagster.warehouse.sql import load_sql, sql_path
from opsla_dagster.warehouse.write import replace_whole, replace_window
from opsla_dagster.window import Window

START = datetime(2025, 7, 7, 9, 0)
DATES = Window(date(2025, 7, 7), date(2025, 7, 8))
ROAD = (
    "staging.events_deduped", "staging.events_clean", "staging.messages_deduped", "staging.case_milestones", "staging.status_spans",
    "staging.ownership_spans", "staging.ownership_stints",
)
STATUSES = ("TRIAGE", "ASSIGNED", "INVESTIGATION", "CUSTOMER_WAIT", "ON_HOLD", "ESCALATED", "RESOLVED", "REOPENED", "CLOSED")
SECONDS = "queue_calendar_seconds + active_calendar_seconds + wait_customer_calendar_seconds + wait_other_calendar_seconds + done_calendar_seconds"


@dataclass(frozen=True)
class Told:
    """One event: minutes since intake, status, and the team that it names, if any."""

    minute: int
    status: str
    team: str | None


HISTORY = st.lists(
    st.builds(Told, st.integers(0, 6000), st.sampled_from(STATUSES), st.one_of(st.none(), st.sampled_from("ABCD"))), min_size=1, max_size=9
)
#: Many cases at once: a statement costs more than a case.
HISTORIES = st.lists(HISTORY, min_size=25, max_size=25)
Stints = list[tuple[str, str, str, int, int]]


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    for schema in ("raw", "staging", "mart", "ops"):
        connection.execute(f"create schema {schema}")
    for table in TABLES.values():
        if table.kind is not Kind.VIEW and table.name.startswith(("raw.", "staging.")):
            connection.execute(f"create table {table.name} ({', '.join(f'{column.name} {column.type}' for column in table.columns)})")
    calendars = CalendarsSettings.model_validate(
        {"horizon": {"start": date(2025, 1, 1), "end": date(2026, 1, 1)}, "calendars": {"desk": {"zone": "UTC", "hours": {"mon-fri": ["08:00-18:00"]}}}}
    )
    replace_whole(connection, TABLES["staging.business_time"], business_time(calendars))
    connection.execute("insert into staging.ownership_rules values (86400)")
    yield connection
    connection.close()


def stints_of(connection: duckdb.DuckDBPyConnection, histories: list[list[Told]]) -> Stints:
    """(case, team, entered_by, seconds, done seconds) of each stint; the cases' spans are made from their events in the order of time."""
    connection.execute("truncate raw.cases")
    connection.execute("truncate raw.events_log")
    events = []
    for number, history in enumerate(histories):
        case, is_terminal = f"case-{number:02d}", False
        connection.execute("insert into raw.cases (source, case_id, intake_date, intake_ts) values ('test', ?, ?, ?)", [case, DATES.start, START])
        for place, told in enumerate(sorted(history, key=lambda each: each.minute)):
            at, ends = START + timedelta(minutes=told.minute), told.status in ("RESOLVED", "CLOSED")
            events.append((f"{case}-{place:03d}", case, DATES.start, told.status, at, at, place, is_terminal and not ends, told.team))
            is_terminal = ends
    connection.executemany(
        "insert into raw.events_log (source, event_id, case_id, intake_date, status, event_ts, ingestion_ts, source_sequence, is_reopen, team) "
        "values ('test', ?, ?, ?, ?, ?, ?, ?, ?, ?)", events,
    )
    return made(connection, ROAD)


def made(connection: duckdb.DuckDBPyConnection, road: tuple[str, ...]) -> Stints:
    for table in road:
        replace_window(connection, TABLES[table], DATES, [(DATES, load_sql(sql_path(table)))])
    return connection.execute(f"select case_id, team, entered_by, {SECONDS}, done_calendar_seconds from staging.ownership_stints order by case_id, stint").fetchall()


def renamed(histories: list[list[Told]], name: Callable[[str], str]) -> list[list[Told]]:
    return [[Told(told.minute, told.status, None if told.team is None else name(told.team)) for told in history] for history in histories]


def handoffs(stints: Stints) -> Counter[str]:
    return Counter(case for case, _, entered_by, *_ in stints if entered_by in ("handoff", "return_direct", "return_indirect"))


RELAXED = settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@RELAXED
@given(HISTORIES)
def test_spans_sum_to_the_life(warehouse: duckdb.DuckDBPyConnection, histories: list[list[Told]]) -> None:
    stints = stints_of(warehouse, histories)
    lives = warehouse.execute(
        "select case_id, min(started_at), max(started_at), sum(coalesce(calendar_seconds, 0)), bool_or(business_seconds > calendar_seconds) "
        "from staging.ownership_spans group by case_id"
    ).fetchall()
    held = Counter[str]()
    for case, _, _, seconds, _ in stints:
        held[case] += seconds
    assert len(lives) == len(histories)
    for case, intake, last, calendar, is_odd in lives:
        assert intake == START
        assert calendar == (last - intake).total_seconds() == held[case]
        assert not is_odd


@RELAXED
@given(HISTORIES, st.permutations("ABCD"))
def test_names_of_teams_mean_nothing(warehouse: duckdb.DuckDBPyConnection, histories: list[list[Told]], names: list[str]) -> None:
    other = dict(zip("ABCD", names, strict=True)) | {"UNASSIGNED": "UNASSIGNED"}
    plain = stints_of(warehouse, histories)
    assert stints_of(warehouse, renamed(histories, other.__getitem__)) == [(case, other[team], *rest) for case, team, *rest in plain]


@RELAXED
@given(HISTORIES)
def test_merging_two_teams_never_adds_a_hand_off(warehouse: duckdb.DuckDBPyConnection, histories: list[list[Told]]) -> None:
    apart = handoffs(stints_of(warehouse, histories))
    assert handoffs(stints_of(warehouse, renamed(histories, lambda team: "A" if team == "B" else team))) <= apart


@RELAXED
@given(HISTORIES, st.integers(1, 5999))
def test_an_event_without_ownership_meaning_changes_nothing(warehouse: duckdb.DuckDBPyConnection, histories: list[list[Told]], minute: int) -> None:
    """A note: no status, no team. It breaks a silence, and does nothing else."""
    plain = stints_of(warehouse, histories)
    warehouse.execute(
        "insert into staging.messages_deduped (source, message_id, case_id, intake_date, sent_ts, source_sequence, signal, author_kind, agent, copies) "
        "select source, case_id || '-m', case_id, intake_date, ?, 999, 'PRIVATE_NOTE', 'person', 'eve', 1 from raw.cases", [START + timedelta(minutes=minute)],
    )
    assert made(warehouse, ROAD[-2:]) == plain
