"""What must hold of ownership whatever a log says: spans sum to the life, names of teams mean nothing, merging teams never adds a hand-off,
and a recount that shares no code comes to the same stints, of a log of updates and of an audit log.

Belongs here: properties of staging.ownership_spans and staging.ownership_stints over drawn histories. Does not belong here: worked cases (tests/sql),
the recount itself (naive_ownership).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import naive_ownership as naive
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from naive_calendar import Walk

from opsla_dagster.calendars import business_time
from opsla_dagster.catalog import TABLES, Kind
from opsla_dagster.settings.calendars import CalendarsSettings
from opsla_dagster.settings.ownership import OwnershipSettings, review_teams
from opsla_dagster.settings.sources import DeskSettings, EventLogSettings
from opsla_dagster.sources.event_log import EventLogSource
from opsla_dagster.warehouse.at_instant import parameters_at, sql_at
from opsla_dagster.warehouse.sql import load_sql, sql_path
from opsla_dagster.warehouse.write import replace_whole, replace_window
from opsla_dagster.window import Window

START = datetime(2025, 7, 7, 9, 0)
#: An audit log has its case from the first change on, which may be days after START.
DATES = Window(date(2025, 7, 7), date(2025, 8, 7))
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


#: Several tellings share a minute, as in logs whose stamps are minutes; the latest is after a silence.
MINUTES = st.sampled_from((0, 0, 1, 60, 60, 61, 1500, 1501, 3000, 3000, 6000))
HISTORY = st.lists(
    st.builds(Told, MINUTES, st.sampled_from(STATUSES), st.one_of(st.none(), st.sampled_from("ABCD"))), min_size=1, max_size=9
)
#: Many cases at once: a statement costs more than a case.
HISTORIES = st.lists(HISTORY, min_size=25, max_size=25)
Stints = list[tuple[str, str, str, int, int]]


#: The second is open in the hour that its clocks skip or repeat, and shut before and after it.
CALENDARS: dict[str, dict[str, Any]] = {
    "UTC": {"zone": "UTC", "hours": {"mon-fri": ["08:00-18:00"]}},
    "Europe/Berlin": {"zone": "Europe/Berlin", "hours": {"mon-sun": ["01:30-04:00", "08:00-18:00"]}},
}


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(config={"threads": 1})  # more cost more than they save on a handful of rows
    for schema in ("raw", "staging", "mart", "ops"):
        connection.execute(f"create schema {schema}")
    for table in TABLES.values():
        if table.kind is not Kind.VIEW and table.name.startswith(("raw.", "staging.")):
            connection.execute(f"create table {table.name} ({', '.join(f'{column.name} {column.type}' for column in table.columns)})")
    work_by(connection, "UTC")
    connection.execute("insert into staging.ownership_rules values (86400)")
    yield connection
    connection.close()


def work_by(connection: duckdb.DuckDBPyConnection, zone: str) -> None:
    """Business time of a desk that works by the calendar of `zone` alone."""
    replace_whole(connection, TABLES["staging.business_time"], _business_time(zone))


@cache
def _business_time(zone: str) -> pa.Table:
    return business_time(CalendarsSettings.model_validate({"horizon": {"start": date(2025, 1, 1), "end": date(2026, 1, 1)}, "calendars": {"desk": CALENDARS[zone]}}))


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


def made(connection: duckdb.DuckDBPyConnection, road: tuple[str, ...], dates: Window = DATES) -> Stints:
    for table in road:
        connection.execute(f"truncate {table}")  # of a test with other dates
        replace_window(connection, TABLES[table], dates, [(dates, load_sql(sql_path(table)))])
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


#: What planned returns are told in, and what leaves them out; everything else of a table says the same whatever is named.
PLANNED = {
    "staging.ownership_stints": {"is_planned_return"},
    "staging.ownership_cases": {"planned_return_count"},
    "staging.handoff_pairs": {"planned_return_count"},
    "staging.routing_loop_paths": {"is_planned"},
    "mart.bounce_pairs": {"planned_return_count", "ping_pong_count", "ping_pong_pct"},
    "mart.case_bounce": {"planned_return_count", "ping_pong_count", "loop_pct"},
}


def rows_with_review_teams(connection: duckdb.DuckDBPyConnection, teams: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
    """The rows of the tables of PLANNED in their order, the events being there."""
    replace_whole(connection, TABLES["staging.review_teams"], review_teams(OwnershipSettings(review_teams=teams)))
    found = {}
    for table in PLANNED:
        if TABLES[table].kind is Kind.PARTITIONED:
            made(connection, (table,))
            select = f"select * from {table}"
        else:
            select = load_sql(sql_path(table))
        cursor = connection.execute(f"select * from ({select}) as told order by {', '.join(TABLES[table].key)}")
        names = [column[0] for column in cursor.description or ()]
        found[table] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return found


@RELAXED
@given(HISTORIES, st.lists(st.sampled_from("ABCD"), min_size=1, max_size=2, unique=True))
def test_naming_review_teams_changes_what_is_planned_and_nothing_else(warehouse: duckdb.DuckDBPyConnection, histories: list[list[Told]], teams: list[str]) -> None:
    stints_of(warehouse, histories)
    try:
        plain, named = rows_with_review_teams(warehouse, ()), rows_with_review_teams(warehouse, tuple(teams))
    finally:
        rows_with_review_teams(warehouse, ())
    for table, columns in PLANNED.items():
        assert [row | dict.fromkeys(columns) for row in named[table]] == [row | dict.fromkeys(columns) for row in plain[table]], table
    # None named: what is straight back is ping-pong, all of it.
    assert all(row["ping_pong_count"] == row["return_direct_count"] and row["planned_return_count"] == 0 for row in plain["mart.case_bounce"])
    assert all(row["ping_pong_count"] == row["returned_directly_count"] and row["ping_pong_pct"] == row["returned_directly_pct"] for row in plain["mart.bounce_pairs"])
    # Counted by hand, from the order of the teams alone: the case was with a review team and went back to the team before it.
    expected = Counter[str]()
    for case, stints in groupby(named["staging.ownership_stints"], key=lambda row: row["case_id"]):
        runs = [name for name, _ in groupby(row["team"] for row in stints if row["team"] != "UNASSIGNED")]
        expected[case] = sum(first == last and middle in teams for first, middle, last in zip(runs, runs[1:], runs[2:], strict=False))
    assert {row["case_id"]: row["planned_return_count"] for row in named["mart.case_bounce"]} == dict(expected)
    assert all(row["ping_pong_count"] == row["return_direct_count"] - row["planned_return_count"] for row in named["mart.case_bounce"])


# ---------------------------------------------------------------- logs, from the file to the stints

#: (minutes after the record before, status, team, agent), the first the state in which the case came in; of one stamp are many.
RECORD = st.tuples(
    st.sampled_from((0, 0, 0, 1, 90, 1440, 1441, 4000)), st.sampled_from(("INTAKE", *STATUSES[1:5], "RESOLVED", "CLOSED", "MERGED")),
    st.sampled_from(("A", "B", "C", "")), st.sampled_from(("ann", "bob", "")),
)
LOGS = st.lists(st.lists(RECORD, min_size=2, max_size=9), min_size=60, max_size=60)
#: One row a case: minutes to its stamps of ASSIGNED, INVESTIGATION, RESOLVED and CLOSED, each after the one before, and from intake to a reply; its team, and whether it was merged.
LATER = st.sampled_from((None, 0, 1, 90, 1440, 1441, 4000))
Milestones = tuple[int | None, int | None, int | None, int | None, int | None, str, bool]
ROWS = st.lists(st.tuples(LATER, LATER, LATER, LATER, LATER, st.sampled_from(("A", "B", "")), st.booleans()), min_size=60, max_size=60)
FIELDS = ("status", "team", "agent")
UPDATES: dict[str, Any] = {"columns": {"case_id": "case", "event_ts": "at", "status": "status", "team": "team", "agent": "agent"}}
CHANGES: dict[str, Any] = {
    "form": "changes", "fields": {field: field for field in FIELDS},
    "columns": {"case_id": "case", "event_ts": "at", "event_id": "id", "field": "field", "old_value": "old", "new_value": "new"},
}
CASES: dict[str, Any] = {
    "form": "cases", "columns": {"case_id": "case", "team": "team", "status": "state"}, "statuses": {"merged": "MERGED"},
    "milestones": {"opened": "INTAKE", "assigned": "ASSIGNED", "begun": "INVESTIGATION", "replied": "PUBLIC_REPLY", "solved": "RESOLVED", "closed": "CLOSED"},
}
Records = list[tuple[int, str, str, str]]


@dataclass
class Log:
    """Lines of a log file, and of each case what they tell and who had it before."""

    lines: list[str]
    told: dict[str, tuple[list[naive.Told], str]]
    #: Cases and new values of changes whose old value is a lie.
    lies: list[tuple[str, str | None]]


def log_of_updates(cases: list[Records]) -> Log:
    """A record of INTAKE says when its case came in, so only the first is one."""
    log = Log(["case,at,status,team,agent"], {}, [])
    for number, records in enumerate(cases):
        case, at, told = f"case-{number:02d}", START, []
        for place, (minutes, status, team, agent) in enumerate(records):
            at += timedelta(minutes=minutes if place else 0)
            status = "TRIAGE" if place and status == "INTAKE" else status
            log.lines.append(f"{case},{at}Z,{status},{team},{agent}")
            told.append(naive.Told(at, status, team))
        log.told[case] = told, ""
    return log


def log_of_changes(cases: list[Records]) -> Log:
    """Of each record the fields that are not as before, now team and now agent first; every third team after the first has another old value."""
    log = Log(["case,at,field,old,new,id"], {}, [])
    for number, ((_, *was), *records) in enumerate(cases):
        case, at, told, now, teams = f"case-{number:02d}", START, [], dict(zip(FIELDS, was, strict=True)), 0
        for place, (minutes, *values) in enumerate(records):
            at += timedelta(minutes=minutes if place else 0)
            new = dict(zip(FIELDS, values, strict=True))
            for field in FIELDS[:: 1 if place % 2 else -1]:
                old = now[field]
                if new[field] == old:
                    continue
                if field == "team":
                    teams += 1
                    if teams % 3 == 0:
                        old = "Z"
                        log.lies.append((case, new[field] or None))
                log.lines.append(f"{case},{at}Z,{field},{old},{new[field]},{len(log.lines)}")
                told.append(naive.Told(at, **{field: new[field]}))
            now = new
        if told:
            # What never changes is not told, neither the status nor the team.
            began = was[0] if any(each.status for each in told) else "INTAKE"
            log.told[case] = [naive.Told(told[0].at, began), *told], was[1] if teams else ""
    return log


def log_of_cases(rows: list[Milestones]) -> Log:
    """One row a case, its stamps in order; the team is the case's, and holds it from intake to end. A merged one without an end has ended with its last stamp."""
    log = Log(["case,opened,assigned,begun,solved,closed,replied,team,state"], {}, [])
    for number, (*minutes, replied, team, is_merged) in enumerate(rows):
        case, at, cells, told = f"case-{number:02d}", START, [f"{START}Z"], [naive.Told(START, "INTAKE")]
        for minute, status in zip(minutes, ("ASSIGNED", "INVESTIGATION", "RESOLVED", "CLOSED"), strict=True):
            cells.append("")
            if minute is not None:
                at += timedelta(minutes=minute)
                cells[-1] = f"{at}Z"
                told.append(naive.Told(at, "MERGED" if is_merged and status in ("RESOLVED", "CLOSED") else status))
        cells.append("" if replied is None else f"{START + timedelta(minutes=replied)}Z")
        if replied is not None:
            told.append(naive.Told(START + timedelta(minutes=replied)))
        if is_merged and not naive.has_ended(told):
            told.append(naive.Told(max(record.at for record in told), "MERGED"))
        log.lines.append(",".join([case, *cells, team, "merged" if is_merged else ""]))
        log.told[case] = sorted(told, key=lambda record: record.at), team
    return log


def read(connection: duckdb.DuckDBPyConnection, log: Log, form: dict[str, Any], zone: str = "UTC", dates: Window = DATES) -> None:
    """The raw tables of the log, as its source tells them."""
    with TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "log.csv").write_text("\n".join(log.lines) + "\n", encoding="utf-8")
        settings = EventLogSettings.model_validate({"name": "log", "type": "event_log", "files": "log.csv", "statuses": {s: s for s in ("INTAKE", *STATUSES, "MERGED")}, **form})
        source = EventLogSource(settings, DeskSettings(timezone=zone, start_date=dates.start), directory / "cache", directory)
        told = {"raw.cases": source.cases, "raw.events_log": source.events, "raw.messages": source.messages, "raw.attribute_changes": source.attribute_changes}
        assert source.counts().rejected_rows == 0
        for table, rows in told.items():
            connection.execute(f"truncate {table}")
            connection.register("told_rows", rows(source.window(), datetime.combine(dates.end, time()) + timedelta(days=90)))
            connection.execute(f"insert into {table} by name select * from told_rows")
            connection.unregister("told_rows")


def read_as(warehouse: duckdb.DuckDBPyConnection, form: str, cases: list[Records]) -> Log:
    """The cases as a log of updates or of changes, loaded."""
    log = log_of_updates(cases) if form == "updates" else log_of_changes(cases)
    read(warehouse, log, UPDATES if form == "updates" else CHANGES)
    return log


#: A log that fails says which case does: nothing is gained by minutes of shrinking it.
@pytest.mark.parametrize("form", ["updates", "changes"])
@settings(RELAXED, max_examples=2, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(LOGS)
def test_a_recount_of_the_log_comes_to_the_same_stints(warehouse: duckdb.DuckDBPyConnection, form: str, cases: list[Records]) -> None:
    log = read_as(warehouse, form, cases)
    made(warehouse, (*ROAD, "staging.ownership_contradictions"))
    assert_stints_are_those_of(warehouse, log)
    contradictions = warehouse.execute("select case_id, value from staging.ownership_contradictions where attribute = 'team' order by changed_ts, change_id").fetchall()
    assert sorted(contradictions, key=str) == sorted(log.lies, key=str)


@settings(RELAXED, max_examples=2, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(ROWS)
def test_a_recount_of_cases_with_milestones_only_comes_to_the_same_stints_and_live_cases(warehouse: duckdb.DuckDBPyConnection, rows: list[Milestones]) -> None:
    log = log_of_cases(rows)
    read(warehouse, log, CASES)
    made(warehouse, (*ROAD, "staging.backlog_spans"))
    assert_stints_are_those_of(warehouse, log)
    assert_live_cases_are_those_of(warehouse, log)


def assert_stints_are_those_of(warehouse: duckdb.DuckDBPyConnection, log: Log) -> None:
    seconds = ", ".join(f"{state}_calendar_seconds" for state in (*naive.STATES, "inactive"))
    found = warehouse.execute(f"select case_id, team, entered_by, started_at, {seconds} from staging.ownership_stints order by case_id, stint").fetchall()
    open_cases = {case for (case,) in warehouse.execute("select case_id from staging.case_milestones where is_open").fetchall()}
    expected = [
        (case, stint.team, stint.entered_by, stint.started_at, *stint.seconds.values())
        for case, (told, team_before) in sorted(log.told.items()) for stint in naive.stints(told, team_before)
    ]
    # What goes on has no seconds yet: of an open case they are not compared.
    assert [row[:4] if row[0] in open_cases else row for row in found] == [row[:4] if row[0] in open_cases else row for row in expected]
    assert open_cases == {case for case, (told, _) in log.told.items() if not naive.has_ended(told)}


#: Minutes after the intake of the first records: at one of them, between two, and in and after silences.
INSTANTS = (0, 90, 1445, 5500)


@pytest.mark.parametrize("form", ["updates", "changes"])
@settings(RELAXED, max_examples=2, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(LOGS)
def test_a_recount_of_the_log_comes_to_the_same_live_cases_at_any_instant(warehouse: duckdb.DuckDBPyConnection, form: str, cases: list[Records]) -> None:
    log = read_as(warehouse, form, cases)
    made(warehouse, (*ROAD, "staging.backlog_spans"))
    assert_live_cases_are_those_of(warehouse, log)


def assert_live_cases_are_those_of(warehouse: duckdb.DuckDBPyConnection, log: Log) -> None:
    warehouse.execute(f"create or replace view mart.backlog_sources as {load_sql(sql_path('mart.backlog_sources'))}")
    sql = sql_at("mart.active_escalations")
    columns = "team, stint, team_stint_calendar_minutes, team_handoff_count, return_direct_count + return_indirect_count, last_activity_at"
    for minute in INSTANTS:
        at = START + timedelta(minutes=minute)
        rows = warehouse.execute(f"select case_id, {columns} from ({sql})", parameters_at(sql, at, "UTC")).fetchall()
        found = {case: naive.Live(team, stint, at - timedelta(minutes=age), *counts, last) for case, team, stint, age, *counts, last in rows}
        expected = {case: naive.live_at(told, at, team_before) for case, (told, team_before) in log.told.items()}
        assert found == {case: live for case, live in expected.items() if live is not None}, f"at {minute}"


# ---------------------------------------------------------------- where the clocks change

BERLIN = ZoneInfo("Europe/Berlin")
LOCAL_TIME = {"time": {"format": "%Y-%m-%d %H:%M:%S", "timezone": "Europe/Berlin"}}
#: Half past midnight UTC of each; at one o'clock the clocks go forward, and back.
CHANGES_OF_CLOCKS = (datetime(2025, 3, 30, 0, 30), datetime(2025, 10, 26, 0, 30))
#: (minutes after the record before, status, team)
LOCAL_RECORD = st.tuples(st.sampled_from((5, 20, 45, 70, 600, 1441)), st.sampled_from(("INTAKE", *STATUSES[1:5], "RESOLVED", "CLOSED")), st.sampled_from(("A", "B", "")))
LOCAL_LOGS = st.lists(st.lists(LOCAL_RECORD, min_size=2, max_size=8), min_size=60, max_size=60)


def log_in_local_time(cases: list[list[tuple[int, str, str]]], start: datetime) -> Log:
    """No two records of a case have one local time. Of the repeated hour each is read as late as those after it allow (docs/decisions/0018-how-stamps-are-read.md)."""
    log = Log(["case,at,status,team,agent"], {}, [])
    for number, records in enumerate(cases):
        case, at, stamps = f"case-{number:02d}", start - timedelta(minutes=30), list[datetime]()
        for place, (minutes, status, team) in enumerate(records):
            at += timedelta(minutes=minutes if place else 0)
            while (stamp := at.replace(tzinfo=UTC).astimezone(BERLIN).replace(tzinfo=None)) in stamps:
                at += timedelta(minutes=1)
            stamps.append(stamp)
            log.lines.append(f"{case},{stamp},{'TRIAGE' if place and status == 'INTAKE' else status},{team},")
        after, told = datetime.max, list[naive.Told]()
        for stamp, (place, (_, status, team)) in zip(reversed(stamps), reversed(list(enumerate(records))), strict=True):
            passes = (stamp.replace(tzinfo=BERLIN, fold=fold).astimezone(UTC).replace(tzinfo=None) for fold in (0, 1))
            after = max(each for each in passes if each <= after)
            told.insert(0, naive.Told(after, "TRIAGE" if place and status == "INTAKE" else status, team))
        log.told[case] = told, ""
    return log


@pytest.mark.parametrize("start", CHANGES_OF_CLOCKS, ids=["forward", "back"])
@settings(RELAXED, max_examples=2, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(LOCAL_LOGS)
def test_a_recount_across_a_change_of_clocks_comes_to_the_same_seconds(
    warehouse: duckdb.DuckDBPyConnection, start: datetime, cases: list[list[tuple[int, str, str]]]
) -> None:
    dates = Window(start.date() - timedelta(days=1), start.date() + timedelta(days=2))
    log = log_in_local_time(cases, start)
    walk = Walk({**CALENDARS["Europe/Berlin"], "half_days": [], "holidays": []}, dates.start, 20)

    def open_seconds(first: datetime, last: datetime) -> int:
        return walk.open_seconds_until(naive.elapsed(walk.start, last)) - walk.open_seconds_until(naive.elapsed(walk.start, first))

    read(warehouse, log, UPDATES | LOCAL_TIME, "Europe/Berlin", dates)
    work_by(warehouse, "Europe/Berlin")
    try:
        made(warehouse, ROAD, dates)
    finally:
        work_by(warehouse, "UTC")
    names = [f"{state}_{clock}_seconds" for clock in ("calendar", "business") for state in (*naive.STATES, "inactive")]
    found = warehouse.execute(
        f"select case_id, team, entered_by, started_at, {', '.join(names)} from staging.ownership_stints "
        "semi join staging.case_milestones as cases on ownership_stints.case_id = cases.case_id and not cases.is_open order by case_id, stint"
    ).fetchall()
    expected = [
        (case, held.team, held.entered_by, held.started_at, *held.seconds.values(), *opened.seconds.values())
        for case, (told, _) in sorted(log.told.items()) if naive.has_ended(told)
        for held, opened in zip(naive.stints(told), naive.stints(told, seconds=open_seconds), strict=True)
    ]
    assert found == expected
