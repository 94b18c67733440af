"""What the tables of the area follow from, as one identity each: rows of the same identity are kept as they are.

Belongs here: digests of what is read, of the settings and of the code. Does not belong here: reading it (desk_log.py, inputs.py), and keeping rows
(assets/staffing.py).

A digest is of all rows and columns that are read, in no order, so that it is the same in every home that holds the same. It is looked up by wider dates
than are read: a change beside them makes rows anew that come out the same. Nothing heavy is imported: where nothing has changed, nothing is computed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

import duckdb

from opsla_dagster.identity import code_identity, identity

_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
#: Weeks that a prediction rests on, weeks that are replayed, and both; weeks of arrivals that a usual week is the mean of.
WEEKS_BEFORE, WEEKS_REPLAYED = 8, 12
WEEKS_READ, WEEKS_OF_ARRIVALS = WEEKS_BEFORE + WEEKS_REPLAYED, 8
#: Cases up to which the past is served one by one, so that what a case was promised changes when others are taken up (touch.py).
MOST_SERVED = 12_000
#: The code that makes the rows, beside the two packages.
CODE = ("staffing/*.py", "queueing/*.py", "settings/staffing.py", "assets/staffing.py", "figures.py", "window.py")

_CASES = "select count(*), bit_xor(hash(case_id, intake_ts, team)) from staging.case_milestones where intake_ts >= $from_at and intake_ts < $until_at"
_HOURS = "select count(*), bit_xor(hash(calendar, segment_start_at, segment_end_at, is_open, local_date, open_seconds_before, kind)) from staging.business_time where calendar = 'desk' and segment_end_at > $from_at and segment_start_at < $until_at"
_HEADS = "select count(*), bit_xor(hash(source, staff_date, shift, planned_heads, effective_heads)) from raw.staffing_schedule where staff_date >= $first_date and staff_date < $end_date"
_RULES = "select count(*), bit_xor(hash(rules)) from staging.sla_metric_rules as rules"
_POLICIES = "select count(*), bit_xor(hash(policies)) from staging.sla_policies as policies"
_ENDED = """
    select count(*), bit_xor(hash(ended_date, cases))
    from (select ended_date, sum(cases) as cases from staging.daily_flow where ended_date >= $first_date and ended_date < $end_date group by ended_date)
"""
_LOADED = "select count(distinct intake_date), bit_xor(distinct hash(intake_date)) from ops.partition_as_of where intake_date >= $first_date and intake_date < $end_date"
#: Of a clock without an outcome what passes is not read.
_CLOCKS = """
    hash(
        case_id, metric, policy, target_seconds, calendar, cycle, is_superseded, is_source_promise, started_at, reason,
        case when outcome in ('met', 'breached') then (outcome, stopped_at, elapsed_seconds) end
    )
"""
_CLOCKS_OF_WEEKS = f"""
    select
        intake_date - cast(isodow(intake_date) - 1 as integer) as week_date, metric, count(*) as clocks, bit_xor({_CLOCKS}) as digest,
        bool_or(outcome in ('met', 'breached')) as has_outcomes
    from staging.sla_clocks
    where intake_date >= $first_date and intake_date < $end_date
    group by week_date, metric
    order by week_date, metric
"""
_PROMISES = "select distinct metric, policy, target_seconds, calendar from staging.sla_clocks where intake_date >= $first_date and intake_date < $end_date order by all"
_HOLDERS = "select count(*), bit_xor(hash(case_id, team, held_from_at, span_number, is_holding_start)) from staging.ownership_spans where intake_date >= $first_date and intake_date < $end_date"
_HANDLING = "select count(*), bit_xor(hash(case_id, handling_calendar_minutes)) from staging.case_facts where handling_calendar_minutes > 0"
#: Statements that read partitioned tables alone, and take longer than to look up whether these are the same.
_DEAR = frozenset({_CASES, _HOLDERS})
_READ = re.compile(r"\bfrom (\w+\.\w+)")
_Rows: TypeAlias = list[tuple[Any, ...]]


#: Of a connection: statement and parameters -> of which dates its tables were made when it was asked, and the answer.
_Answers: TypeAlias = dict[tuple[str, tuple[tuple[str, object], ...]], tuple[str, _Rows]]
#: By the connection of a run.
_ANSWERED: WeakKeyDictionary[duckdb.DuckDBPyConnection, _Answers] = WeakKeyDictionary()


@dataclass(frozen=True)
class Bounds:
    """The whole weeks before now that are looked at, and the instants and dates between which rows are digested: two days more on each side."""

    monday: date
    weeks: int

    def parameters(self, zone: str) -> dict[str, object]:
        first, end = self.monday - self.weeks * _WEEK - 2 * _DAY, self.monday + 2 * _DAY
        return {"from_at": _utc(first, zone), "until_at": _utc(end, zone), "first_date": first, "end_date": end}


def bounds_of(connection: duckdb.DuckDBPyConnection, weeks: int, zone: str) -> Bounds | None:
    """The `weeks` weeks before the Monday that now lies after, whether or not the log has them; None where nothing is loaded."""
    told = connection.execute("select now_at from mart.desk_now").fetchone()
    if told is None:
        return None
    local = told[0].replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    return Bounds((local - timedelta(days=local.weekday())).date(), weeks)


def of_weeks(connection: duckdb.DuckDBPyConnection, bounds: Bounds, zone: str, texts: Sequence[str]) -> dict[date, str]:
    """Of each week that is replayed (its Monday), and of the one that now lies in: the identity of what its row follows from.

    That is the clocks of its own week and of the WEEKS_BEFORE before it, and the cases, heads, hours, loaded dates and promises of all weeks.
    """
    parameters = bounds.parameters(zone)
    dates = {name: parameters[name] for name in ("first_date", "end_date")}
    found = _clocks_of_weeks(connection, bounds, zone)
    clocks: dict[date, list[tuple[object, ...]]] = {}
    for week, *digested in found:
        clocks.setdefault(week, []).append(tuple(digested))
    cases = connection.execute(_CASES, {name: parameters[name] for name in ("from_at", "until_at")}).fetchone()
    told = [
        *texts, bounds, cases, *_answers(connection, parameters, (_HOURS, _HEADS, _ENDED, _RULES, _LOADED)), connection.execute(_PROMISES, dates).fetchall(),
        # A metric is looked at from its first outcome on.
        [(week, metric, has_outcomes) for week, metric, _, _, has_outcomes in found], _first_date(connection),
    ]  # fmt: skip
    # With room for the days that are looked up and not read.
    if cases is not None and cases[0] <= 2 * MOST_SERVED:
        told.append(sorted(clocks.items()))
    common = identity(told)
    mondays = [bounds.monday - number * _WEEK for number in range(bounds.weeks, -1, -1)]
    # A week more on each side: intake dates may be of another zone.
    return {monday: identity([common, *(clocks.get(monday + number * _WEEK) for number in range(-WEEKS_BEFORE - 1, 2))]) for monday in mondays}


def of_queues(connection: duckdb.DuckDBPyConnection, bounds: Bounds, zone: str, texts: Sequence[str]) -> str:
    """The identity of the arrivals of all queues, of who answers, and of the heads."""
    parameters = bounds.parameters(zone)
    # A week more: the first one that is read may have begun before it.
    first = bounds.monday - (bounds.weeks + 1) * _WEEK
    clocks = [row for row in _clocks_of_weeks(connection, replace(bounds, weeks=max(bounds.weeks, WEEKS_READ)), zone) if row[0] >= first]
    answers = _answers(connection, parameters, (_CASES, _HOURS, _HEADS, _RULES, _LOADED, _HOLDERS))
    return identity([*texts, bounds, clocks, *answers, _first_date(connection)])


def of_promises(connection: duckdb.DuckDBPyConnection, queues: str, read: Sequence[object]) -> str:
    """The identity of what plans start from: that of the queues (of_queues), policies, handling times, and what else is `read`."""
    return identity([queues, *_answers(connection, {}, (_POLICIES, _HANDLING)), *read])


def code() -> str:
    """Identity of the code that makes the rows, and of the libraries whose arithmetic it is."""
    return code_identity(CODE, ("numpy", "duckdb"))


def _answers(connection: duckdb.DuckDBPyConnection, parameters: Mapping[str, object], statements: Sequence[str]) -> list[object]:
    return [
        (_of_partitioned if statement in _DEAR else _rows)(connection, statement, {name: value for name, value in parameters.items() if f"${name}" in statement})[0]
        for statement in statements
    ]


def _clocks_of_weeks(connection: duckdb.DuckDBPyConnection, bounds: Bounds, zone: str) -> _Rows:
    """(Monday, metric, clocks, digest, has_outcomes) of each week."""
    parameters = bounds.parameters(zone)
    return _of_partitioned(connection, _CLOCKS_OF_WEEKS, {name: parameters[name] for name in ("first_date", "end_date")})


def _of_partitioned(connection: duckdb.DuckDBPyConnection, statement: str, parameters: Mapping[str, object]) -> _Rows:
    """The answer to a statement that reads partitioned tables alone, asked once as long as no date of these is made anew: several tables of a run ask it."""
    made = _made(connection, statement)
    if made is None:
        return _rows(connection, statement, parameters)
    answers = _ANSWERED.setdefault(connection, {})
    asked = (statement, tuple(sorted(parameters.items())))
    found = answers.get(asked)
    if found is None or found[0] != made:
        found = answers[asked] = (made, _rows(connection, statement, parameters))
    return found[1]


def _rows(connection: duckdb.DuckDBPyConnection, statement: str, parameters: Mapping[str, object]) -> _Rows:
    return connection.execute(statement, dict(parameters)).fetchall()


def _made(connection: duckdb.DuckDBPyConnection, statement: str) -> str | None:
    """Of which loads, and by which rules, all dates of the tables are that the statement reads (warehouse/loads.py); None where nobody has remembered any of one."""
    names = sorted(set(_READ.findall(statement)))
    try:
        made = connection.execute(
            "select table_name, count(*), bit_xor(hash(made)) from ops.made_dates as made where list_contains($names, table_name) group by table_name order by table_name",
            {"names": names},
        ).fetchall()
    except duckdb.CatalogException:
        return None
    return identity(made) if len(made) == len(names) else None


def _first_date(connection: duckdb.DuckDBPyConnection) -> object:
    return connection.execute("select first_intake_date from mart.desk_now").fetchone()


def _utc(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)
