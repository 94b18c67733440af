"""The desk at an instant: what is open, how healthy each queue is, what falls due next. Now, or any instant of the past.

It reads the published copy alone. An instant of the past is told as the log knows it today: late events are in it, what happened afterwards is
not. Belongs here: choosing the instant, asking for it, `opsla backlog`. Does not belong here: what the figures mean (sql/mart/backlog/).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from uuid import uuid4
from zoneinfo import ZoneInfo

import duckdb
from rich.console import Console
from rich.table import Table as RichTable

from opsla_dagster.errors import OpslaError
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.marts import Row, has_table, published, rows
from opsla_dagster.reporting.promises import metric_title, policy_title
from opsla_dagster.reporting.unloaded import unloaded_dates
from opsla_dagster.settings import Settings
from opsla_dagster.settings.home import Home
from opsla_dagster.settings.sla_policies import SlaPoliciesSettings
from opsla_dagster.terminal import ruled_table
from opsla_dagster.warehouse.at_instant import NOW_OF, Places, parameters_at, sql_at
from opsla_dagster.warehouse.case_copy import attach_cases, cases_of

#: What the backlog is told apart by, as `dimension` of mart.queue_health and mart.backlog_daily.
DIMENSIONS = ("all", "queue", "priority", "tier", "region", "brand", "channel")
_NEXT_SHOWN = 5
#: How often a publication that is replaced while it is being opened is tried again.
_OPENINGS = 5
#: Why a time to green is what it is where no single queue decides it (mart.queue_health.to_green_reason).
AT_THIS_PACE = "at this pace"
#: The two times to green, wherever they stand side by side: one ignores what comes in, the other does not.
NO_NEW_CASES, NEW_CASES = "to green if nothing new comes in", "with new cases, p50 to p90 (simulated)"
#: The same above narrow columns of a terminal.
_NO_NEW_CASES, _NEW_CASES = "to green,\nno new\ncases", "with new\ncases, p50\nto p90"
#: Ends of days that a time to green is held against.
DAYS_COMPARED = 28


@dataclass(frozen=True)
class Now:
    """What now is on this desk (mart.desk_now), and from when to when it is known; instants are naive UTC."""

    now_at: datetime
    reason: str
    known_until_at: datetime
    first_intake_date: date
    as_of_at: datetime


@dataclass(frozen=True)
class DeskAt:
    """A desk at one instant (`at`, naive UTC); `is_now` where that is what now stands for."""

    connection: duckdb.DuckDBPyConnection
    at: datetime
    is_now: bool
    now: Now
    zone: str
    _places: Places

    def rows(self, table: str, what: str = "*", clauses: str = "", parameters: dict[str, object] | None = None) -> list[Row]:
        """Rows of mart.queue_health, mart.backlog_now, mart.clock_snapshot ... at the instant; `clauses` (where, order by, limit) may have `$name`s."""
        if self.is_now and table.startswith("mart."):
            return rows(self.connection, f"select {what} from {table} {clauses}", parameters=parameters or {})
        asked = NOW_OF.get(table, table)
        # The open cases are told once: whatever else is asked of the instant reads them.
        places = {**self._places, "mart.backlog_now": self._open_cases}
        sql = f"select * from {self._open_cases}" if asked == "mart.backlog_snapshot" else sql_at(asked, places)
        given = {**parameters_at(sql, self.at, self.zone), **(parameters or {})}
        return rows(self.connection, f"select {what} from ({sql}) {clauses}", parameters=given)

    @cached_property
    def _open_cases(self) -> str:
        """A temporary table of mart.backlog_snapshot at the instant; it has a name of its own, for connections are shared."""
        name = f"open_cases_{uuid4().hex}"
        sql = sql_at("mart.backlog_snapshot", self._places)
        self.connection.execute(f"create temporary table {name} as {sql}", parameters_at(sql, self.at, self.zone))
        return name

    def forget(self) -> None:
        """Drops what was kept of the instant; on a connection that lives on."""
        if "_open_cases" in vars(self):
            self.connection.execute(f"drop table {vars(self).pop('_open_cases')}")

    def health(self, dimension: str = "all") -> list[Row]:
        """mart.queue_health of one dimension, the worst first."""
        return self.rows(
            "mart.queue_health",
            clauses="where dimension = $dimension and (open_cases > 0 or dimension = 'all') "
            "order by breached_open_cases desc, open_cases desc, dimension_value",
            parameters={"dimension": dimension},
        )

    def simulated_to_green(self) -> dict[tuple[str, str], str]:
        """(dimension, value) -> the simulated time to green, in words; empty at instants of the past, which are not simulated."""
        if not self.is_now:
            return {}
        found = rows(self.connection, "select * from mart.to_green_simulated order by dimension, dimension_value", "mart.to_green_simulated")
        return {(row["dimension"], row["dimension_value"]): simulated_words(row) for row in found}

    def green_days(self) -> str:
        """At the ends of how many of the last days nothing was past due, in words; empty where no day is over."""
        last_day = self.at.replace(tzinfo=UTC).astimezone(ZoneInfo(self.zone)).date() - timedelta(days=1)
        days = min(DAYS_COMPARED, (last_day - self.now.first_intake_date).days + 1)
        [found] = rows(
            self.connection,
            "select count(*) as loaded, count(late.calendar_date) as late from (select distinct intake_date from ops.partition_as_of) as loads "
            "left join mart.backlog_daily as late on loads.intake_date = late.calendar_date and late.dimension = 'all' and late.breached_open_cases > 0 "
            "where loads.intake_date <= $last_day and loads.intake_date > $last_day - $days",
            parameters={"last_day": last_day, "days": max(days, 0)},
        )
        return green_days_words(found["loaded"] - found["late"], found["loaded"], days) if days > 0 else ""

    def next_due(self, limit: int) -> list[Row]:
        """The open cases whose next clock falls due first."""
        return self.rows("mart.backlog_now", clauses=f"where next_due_at is not null order by next_due_at, case_id limit {int(limit)}")

    def sentence(self) -> str:
        """Which instant is shown, and what of."""
        at = f"As of {wording.instant(self.at)} ({wording.local_instant(self.at, self.zone)} in {self.zone})"
        return f"{at}, which is now here: {self.now.reason}." if self.is_now else f"{at}, as the log knows it today."


@contextmanager
def desk_at(settings: Settings, at: datetime | None = None) -> Iterator[DeskAt]:
    """The desk at `at` (naive UTC; default: now), from the published copy.

    Raises OpslaError where nothing is published, and for an instant that nobody knows: before the first intake date, after what was loaded.
    """
    with _published_with_cases(settings.home) as (connection, cases):
        desk = _desk_of(connection, cases, settings, at)
        try:
            yield desk
        finally:
            desk.forget()


@contextmanager
def _published_with_cases(home: Home) -> Iterator[tuple[duckdb.DuckDBPyConnection, Places]]:
    """The published marts, and where the cases of the same publication are; of the next one, where it comes in between."""
    for _ in range(_OPENINGS):
        with published(home.marts_database) as connection:
            try:
                selects = attach_cases(connection, cases_of(connection, home), "cases")
            except duckdb.IOException:
                continue
            if selects:
                yield connection, {table: f"({select})" for table, select in selects.items()}
                return
    raise OpslaError(f"{home.case_copies}: the cases that were published with the marts are not there; `opsla refresh` publishes them anew")


def _desk_of(connection: duckdb.DuckDBPyConnection, cases: Places, settings: Settings, at: datetime | None) -> DeskAt:
    now = _now(connection, settings)
    if at is not None and at > now.known_until_at:
        raise OpslaError(
            f"--as-of {wording.instant(at)}: the desk is known up to {wording.instant(now.known_until_at)} (the last intake date loaded, as of the "
            "latest look); ask for an earlier instant, or `opsla refresh` first"
        )
    first_at = _day_start(now.first_intake_date, settings.sources.desk.timezone)
    if at is not None and at < first_at:
        raise OpslaError(
            f"--as-of {wording.instant(at)}: the desk is known from {wording.instant(first_at)} on (the first intake date loaded); ask for a later "
            "instant, or load earlier dates with `opsla run --start`"
        )
    chosen = at or now.now_at
    return DeskAt(connection, chosen, chosen == now.now_at, now, settings.sources.desk.timezone, cases)


def _day_start(day: date, zone: str) -> datetime:
    """When a local date begins, as naive UTC."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)


def _now(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Now:
    if not has_table(connection, "mart.desk_now"):
        raise OpslaError(f"{settings.home.marts_database}: these marts are from another version of opsla; run `opsla run` to make them anew")
    found = connection.execute("select now_at, now_reason, known_until_at, first_intake_date, as_of_at from mart.desk_now").fetchone()
    if found is None:
        raise OpslaError(f"{settings.home.root}: nothing is loaded yet, so nothing is open; `opsla run` loads a first window")
    return Now(*found)


def print_backlog(settings: Settings, at: datetime | None, by: Sequence[str], console: Console) -> None:
    """Prints the desk's health, its values of each dimension in `by`, and what falls due next. Raises OpslaError for an unknown dimension."""
    for dimension in by:
        if dimension not in DIMENSIONS:
            raise OpslaError(f"--by {dimension}: the backlog is told apart by {', '.join(DIMENSIONS[1:])}")
    with desk_at(settings, at) as desk:
        tables = [(dimension, desk.health(dimension)) for dimension in ("all", *(each for each in by if each != "all"))]
        due = desk.next_due(_NEXT_SHOWN)
        simulated = desk.simulated_to_green()
        green_days = desk.green_days() if tables[0][1] and tables[0][1][0]["health"] != "green" else ""
        console.print(desk.sentence(), highlight=False, markup=False)
        console.print(f"Of the cases that came in from {desk.now.first_intake_date} on: earlier intake dates are not loaded.", highlight=False, markup=False)
        if gap := unloaded_dates(desk.connection):
            console.print(gap, highlight=False, markup=False)
    for dimension, found in tables:
        if dimension != "all" and not found:
            console.print(f"No {dimension}: no case is open, or no source tells it.", highlight=False)
            continue
        console.print(_health_table(dimension, found, {value: words for (each, value), words in simulated.items() if each == dimension}))
    if green_days:
        console.print(green_days, highlight=False)
    with_new_cases = " To green with new cases is simulated; without, it is the least at this pace." if simulated else ""
    console.print(f"Ages are calendar time, debt and time to green are open time of the calendar that each clock counts on.{with_new_cases}", highlight=False, markup=False)
    console.print(_due_table(due, settings.sla_policies) if due else "No open clock is known to fall due.")


def _health_table(dimension: str, found: Sequence[Row], simulated: Mapping[str, str]) -> RichTable:
    headings = [dimension, "open", "for us", "waiting", "past due", "due in 2 h", "p50 age", "oldest", "debt", _NO_NEW_CASES, *([_NEW_CASES] if simulated else [])]
    table = ruled_table()
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number == 0 else "right")
    for row in found:
        table.add_row(
            str(row["dimension_value"]), _count(row["open_cases"]), _count(row["active_cases"]), _count(row["waiting_cases"]),
            _count(row["breached_open_cases"]), _count(row["due_in_2_hours_cases"]), wording.calendar_time(row["age_p50_calendar_minutes"]),
            wording.calendar_time(row["age_max_calendar_minutes"]), wording.time_taken(row["debt_seconds"] / 60), to_green(row),
            *([simulated.get(row["dimension_value"], "")] if simulated else []),
        )  # fmt: skip
    return table


def to_green(row: Row) -> str:
    """Time to green of a row of mart.queue_health, in words: open time, or why there is none."""
    if row["health"] == "green":
        return "green"
    minutes = row["to_green_business_minutes"]
    return f"{row['health']}: {wording.time_taken(minutes)}" if minutes is not None else f"{row['health']}: {row['to_green_reason']}"


def green_days_words(green: int, loaded: int, days: int) -> str:
    """`Green at the end of 3 of the last 28 days.`: what a time to green at the present pace is to be held against. Of days that are not loaded nobody knows."""
    if not loaded:
        return f"None of the last {wording.counted(days, 'day')} is loaded, so nobody knows at the end of how many the desk was green."
    which = "" if loaded == days else f"{wording.counted(loaded, 'loaded day')} of the "
    return f"Green at the end of {wording.count(green) if green else 'none'} of the {which}last {wording.counted(days, 'day')}."


def simulated_words(row: Row) -> str:
    """`62 min to 77 min` of a row of mart.to_green_simulated: half of the runs are green by the one, nine in ten by the other; or why not."""
    p50, p90 = row["to_green_p50_business_minutes"], row["to_green_p90_business_minutes"]
    if p50 is None:
        return str(row["reason"])
    if p90 is None:
        return f"{wording.time_taken(p50)}, or {wording.percent(row['never_pct'], 0)} of runs never within 20 business days"
    if p90 == 0:
        return "green"
    return f"{wording.time_taken(p50)} to {wording.time_taken(p90)}" if p50 else f"up to {wording.time_taken(p90)}"


def _due_table(due: Sequence[Row], policies: SlaPoliciesSettings) -> RichTable:
    has_policies = len(policies.policies) > 1
    table = ruled_table()
    for heading in ("next due", "due (UTC)", "open time left", "promise", "queue", "priority", "waits for"):
        table.add_column(heading, no_wrap=heading == "next due")  # a case id that is cut short cannot be asked for
    for row in due:
        table.add_row(
            str(row["case_id"]), wording.instant(row["next_due_at"]), wording.time_taken(row["next_remaining_business_minutes"]),
            f"{policy_title(policies, row['next_policy'])}: {metric_title(policies, row['next_metric'])}" if has_policies else metric_title(policies, row["next_metric"]),
            *(str(row[name] or "-") for name in ("team", "priority", "waits_for")),
        )  # fmt: skip
    return table


def _count(value: int | None) -> str:
    return "not told" if value is None else f"{value:,}"
