"""Explained cases, each worked out by hand: what counted, why the rest did not, and that it adds up."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from rich.console import Console

from opsla_dagster.calendars import business_hours, business_time, calendar_days
from opsla_dagster.catalog import TABLES, Kind
from opsla_dagster.catalog.clocks import CLOCK_PIPELINE
from opsla_dagster.errors import OpslaError
from opsla_dagster.reporting.explain import explain
from opsla_dagster.reporting.explain_picture import write_picture
from opsla_dagster.reporting.explain_stints import STATES, parts
from opsla_dagster.reporting.explain_text import render, render_ownership
from opsla_dagster.reporting.explanation import Clock, Explanation, Stint
from opsla_dagster.settings import load_settings
from opsla_dagster.settings.calendars import CalendarsSettings
from opsla_dagster.settings.sources import EventLogSettings, SourcesSettings
from opsla_dagster.warehouse.promises import replace_signal_roles
from opsla_dagster.warehouse.sql import load_sql, sql_path
from opsla_dagster.warehouse.write import ensure_table, replace_whole, replace_window
from opsla_dagster.window import Window

NEW_YORK = "America/New_York"
CALENDARS = CalendarsSettings.model_validate(
    {
        "horizon": {"start": "2025-06-01", "end": "2026-01-01"},
        "calendars": {
            "desk": {
                "zone": NEW_YORK,
                "hours": {"mon-fri": ["08:00-18:00"]},
                "holidays": [{"date": "2025-07-04", "name": "Independence Day"}],
            },
            "sydney": {"zone": "Australia/Sydney", "hours": {"mon-fri": ["08:00-12:00", "13:00-18:00"]}},
            "always": {"zone": "UTC", "always_open": True},
        },
    }
)
SETTINGS = replace(load_settings(Path(__file__).parents[2] / "config", Path("no_home")), calendars=CALENDARS)
HOUR = 3600


class Warehouse:
    """A warehouse with one case, told as `when status` lines in UTC."""

    def __init__(self, path: Path) -> None:
        self.connection = duckdb.connect(str(path))

    def prepare(self) -> None:
        """Every table, empty but for the calendars."""
        for schema in ("raw", "staging", "mart", "ops"):
            self.connection.execute(f"create schema {schema}")
        for table in TABLES.values():
            if table.kind is not Kind.VIEW:
                ensure_table(self.connection, table)
        # Of whichever intake date, as a refresh of all of them leaves it.
        self.connection.execute(
            "create view ops.partition_as_of as select looks.source, cases.intake_date, max(looks.as_of_at) as as_of_at "
            "from raw.source_partitions as looks inner join staging.case_milestones as cases using (source) group by all"
        )
        replace_whole(self.connection, TABLES["staging.business_time"], business_time(CALENDARS))
        replace_whole(self.connection, TABLES["staging.business_hours_dim"], business_hours(CALENDARS))
        horizon = CALENDARS.horizon.window
        replace_window(self.connection, TABLES["raw.calendar_dim"], horizon, [(horizon, calendar_days(CALENDARS, horizon))])
        self.as_of("2025-12-01 00:00:00")

    def as_of(self, instant: str) -> None:
        self.insert("raw.source_partitions", source="log", intake_date=date(2025, 7, 1), as_of_at=instant)

    def insert(self, table: str, **row: object) -> None:
        marks = ", ".join("?" for _ in row)
        self.connection.execute(f"insert into {table} ({', '.join(row)}) values ({marks})", list(row.values()))

    def rule(self, metric: str, calendar: str, target_seconds: int, **roles: str) -> None:
        self.insert("staging.sla_policies", policy="desk", position=1, metric=metric, calendar=calendar,
                    target_seconds=target_seconds, reopen="freeze", change="retroactive", schedule_change="last")  # fmt: skip
        for role, signals in roles.items():
            for signal in signals.split():
                self.insert("staging.sla_metric_rules", metric=metric, role=role, signal=signal, is_repeating=False)

    def case(self, *lines: str, case_id: str = "C-1", is_open: bool = False) -> None:
        """Each line `2025-07-03 21:00:00 INTAKE`; the last one ends the case, or `is_open`. Spans follow the events."""
        changes = [(datetime.fromisoformat(line[:19]), line[20:]) for line in lines]
        intake_at = next(at for at, status in changes if status == "INTAKE")
        ended_at = None if is_open else changes[-1][0]
        self.day = intake_at.date()
        self.insert(
            "staging.case_milestones",
            source="log",
            case_id=case_id,
            intake_date=self.day,
            intake_ts=intake_at,
            tier="Tier 3",
            case_type="incident",
            ended_at=ended_at, last_terminal_at=ended_at,
            reopen_count=0,
            is_open=is_open,
        )
        for number, (at, status) in enumerate(changes, start=1):
            self.insert(
                "staging.events_clean",
                event_id=f"{case_id}-e{number}",
                case_id=case_id,
                intake_date=self.day,
                status=status,
                source_status=status.lower(),
                event_ts=at,
                canonical_ts=at,
                source_sequence=number,
                is_reopen=False,
                is_event_ts_missing=False,
                is_tz_inconsistent=False,
                is_late_arriving=False,
                is_ingestion_before_event=False,
                is_before_intake=at < intake_at,
            )
            self.insert("staging.events_deduped", event_id=f"{case_id}-e{number}", case_id=case_id, intake_date=self.day, copies=1)
        in_order = [(max(at, intake_at), status, f"{case_id}-e{n}") for n, (at, status) in enumerate(changes, start=1)]
        ends = [*(at for at, _, _ in in_order[1:]), None]
        for number, ((at, status, event_id), end) in enumerate(zip(in_order, ends, strict=True), start=1):
            if (end is None and is_open) or (end is not None and end > at):
                self.insert(
                    "staging.status_spans",
                    case_id=case_id,
                    intake_date=self.day,
                    span_number=number,
                    status=status,
                    started_at=at,
                    ended_at=end,
                    event_id=event_id,
                )

    def clock(self, metric: str, **figures: Any) -> None:
        """The case's clocks, made by their SQL; in the metric's row of staging.sla_clocks `figures` are put instead."""
        window = Window(self.day, self.day + timedelta(days=1))
        replace_signal_roles(self.connection)
        for table in CLOCK_PIPELINE:
            replace_window(self.connection, TABLES[table], window, [(window, load_sql(sql_path(table)))])
        for column, value in figures.items():
            self.connection.execute(f"update staging.sla_clocks set {column} = ? where metric = ?", [value, metric])

    def explained(self) -> Explanation:
        return explain(self.connection, "C-1", SETTINGS)

    def only_clock(self) -> Clock:
        (clock,) = self.explained().clocks
        return clock


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("prepared") / "warehouse.duckdb"
    warehouse = Warehouse(path)
    warehouse.prepare()
    warehouse.connection.close()
    return path


@pytest.fixture
def warehouse(prepared: Path, tmp_path: Path) -> Iterator[Warehouse]:
    warehouse = Warehouse(Path(shutil.copy(prepared, tmp_path)))
    yield warehouse
    warehouse.connection.close()


def account(clock: Clock) -> list[tuple[str, str, str | None, int]]:
    """From and to as `day hour:minute` in UTC, why not, and the seconds counted."""
    return [
        (f"{piece.started_at:%d %H:%M}", f"{piece.ended_at:%d %H:%M}", piece.why_not, piece.counted_seconds)
        for piece in clock.pieces
    ]


def shown(explanation: Explanation, width: int = 160, how: Callable[[Explanation, Console], None] = render) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    how(explanation, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def holiday_weekend(
    warehouse: Warehouse, *, elapsed: int = 2 * HOUR, target: int = 2 * HOUR, outcome: str = "met"
) -> None:
    """The worked example of config/calendars.yml: Thursday 3 July 17:00 to Monday 7 July 09:00 in New York."""
    warehouse.rule("first_touch", "desk", target, start="INTAKE", stop="TRIAGE")
    warehouse.rule("never", "desk", target, start="ESCALATED", stop="RESOLVED")
    warehouse.case("2025-07-03 21:00:00 INTAKE", "2025-07-07 13:00:00 TRIAGE", "2025-07-07 14:00:00 RESOLVED")
    warehouse.clock("first_touch", elapsed_seconds=elapsed, outcome=outcome)


@pytest.mark.parametrize(("schedule_change", "counted"), [("in_force", 10_200), ("last", 10_800)])
def test_a_schedule_that_changes_is_accounted_for_by_each_calendar(warehouse: Warehouse, schedule_change: str, counted: int) -> None:
    """The worked case of docs/decisions/0023: a Saturday, round the clock from 10:10 on."""
    warehouse.rule("first_touch", "desk", HOUR, start="INTAKE", stop="TRIAGE")
    warehouse.case("2025-07-05 10:00:00 INTAKE", "2025-07-05 13:00:00 TRIAGE", "2025-07-05 14:00:00 RESOLVED")
    common = {"source": "log", "case_id": "C-1", "intake_date": warehouse.day, "source_sequence": 1}
    warehouse.insert(
        "raw.applied_targets", **common, applied_id="t1", applied_ts="2025-07-05 10:00:00", metric="first_touch", policy="gold", calendar="desk",
        target_seconds=HOUR, reopen="freeze", is_on_case_schedule=True, schedule_change=schedule_change,
    )  # fmt: skip
    warehouse.insert(
        "raw.attribute_changes", **common, change_id="c1", changed_ts="2025-07-05 10:10:00", attribute="schedule", value="always",
        previous_value="desk",
    )  # fmt: skip
    warehouse.clock("first_touch")
    (clock,) = (clock for clock in warehouse.explained().clocks if clock.policy == "log:gold")

    closed = [("05 10:00", "05 10:10", "outside hours", 0), ("05 10:10", "05 13:00", None, 10_200)]
    assert account(clock) == (closed if schedule_change == "in_force" else [("05 10:00", "05 13:00", None, 10_800)])
    assert (clock.counted_seconds, clock.outcome, clock.is_consistent) == (counted, "breached", True)


def test_weekend_and_holiday_count_nothing_and_say_why(warehouse: Warehouse) -> None:
    holiday_weekend(warehouse)
    explanation = warehouse.explained()
    (clock,) = explanation.clocks

    assert account(clock) == [
        ("03 21:00", "03 22:00", None, HOUR),
        ("03 22:00", "04 04:00", "outside hours", 0),
        ("04 04:00", "05 04:00", "holiday 'Independence Day'", 0),
        ("05 04:00", "07 12:00", "outside hours", 0),
        ("07 12:00", "07 13:00", None, HOUR),
    ]
    assert (clock.started_by, clock.stopped_by) == (None, "C-1-e2")
    assert (clock.outcome, clock.margin_seconds, clock.is_consistent) == ("met", 0, True)
    assert clock.due_at == datetime(2025, 7, 7, 13)
    assert explanation.promised_but_not_started == ("desk never",)

    text = shown(explanation)
    (weekend,) = [line for line in text.splitlines() if "Sat  5 Jul 00:00 " in line and "Mon  7 Jul 08:00" in line]
    assert weekend.split()[-4:] == ["1", "0:00:00", "outside", "hours"]
    assert "holiday 'Independence Day'" in text
    assert "INTAKE, sum" in text
    assert "met, exactly at its target" in text
    assert "never: never started" in text


def test_one_second_over_the_target_is_breached_and_says_since_when(warehouse: Warehouse) -> None:
    holiday_weekend(warehouse, target=2 * HOUR - 1, outcome="breached")
    clock = warehouse.only_clock()
    assert (clock.margin_seconds, clock.due_at) == (-1, datetime(2025, 7, 7, 12, 59, 59))
    assert "breached, 1 s of business time late (due Mon 7 Jul 2025 08:59:59 EDT)" in shown(warehouse.explained())


@pytest.mark.parametrize(("elapsed", "target", "outcome"), [(7201, 9000, "met"), (7200, 9000, "breached")])
def test_account_that_disagrees_with_the_table_is_said(
    warehouse: Warehouse, elapsed: int, target: int, outcome: str
) -> None:
    holiday_weekend(warehouse, elapsed=elapsed, target=target, outcome=outcome)
    explanation = warehouse.explained()
    assert not explanation.is_consistent
    assert json.loads(explanation.to_json())["is_consistent"] is False
    assert "does not agree with staging.sla_clocks" in shown(explanation)


def pause(warehouse: Warehouse, paused: int) -> None:
    """Tuesday 8 July, New York: in at 09:00, waits for the customer 12:00 to Wednesday 10:00, resolved at 11:30."""
    warehouse.rule("resolution", "desk", 24 * HOUR, start="INTAKE", stop="RESOLVED", pause="CUSTOMER_WAIT ON_HOLD")
    warehouse.case(
        "2025-07-08 13:00:00 INTAKE",
        "2025-07-08 13:00:00 TRIAGE",
        "2025-07-08 16:00:00 CUSTOMER_WAIT",
        "2025-07-09 14:00:00 INVESTIGATION",
        "2025-07-09 15:30:00 RESOLVED",
    )
    figures = {"elapsed_seconds": 4 * HOUR + 1800, "paused_seconds": paused, "outcome": "met"}
    warehouse.clock("resolution", **figures)


def test_pause_is_one_piece_that_counts_nothing(warehouse: Warehouse) -> None:
    pause(warehouse, paused=8 * HOUR)
    explanation = warehouse.explained()
    (clock,) = explanation.clocks
    assert account(clock) == [
        ("08 13:00", "08 16:00", None, 3 * HOUR),
        ("08 16:00", "09 14:00", "paused in CUSTOMER_WAIT", 0),
        ("09 14:00", "09 15:30", None, HOUR + 1800),
    ]
    assert [piece.kind for piece in clock.pieces] == ["running", "paused", "running"]
    assert [piece.event_id for piece in clock.pieces] == ["C-1-e2", "C-1-e3", "C-1-e4"]
    assert (clock.counted_seconds, clock.paused_seconds, clock.is_consistent) == (4 * HOUR + 1800, 8 * HOUR, True)
    text = shown(explanation)
    assert "paused in CUSTOMER_WAIT" in text
    assert "while paused" in text
    assert "paused in CUSTOMER_WAIT (8:00:00 open)" in text
    assert "met, 19 h 30 min of business time early" in text


def test_pause_of_another_length_than_the_table_says_is_no_agreement(warehouse: Warehouse) -> None:
    pause(warehouse, paused=8 * HOUR + 1)
    assert not warehouse.explained().is_consistent


def test_hour_that_comes_twice_counts_twice(warehouse: Warehouse) -> None:
    """2 November 2025, New York: 00:00 EDT to 03:00 EST is four hours."""
    warehouse.rule("touch", "always", HOUR, start="INTAKE", stop="TRIAGE")
    warehouse.case("2025-11-02 04:00:00 INTAKE", "2025-11-02 08:00:00 TRIAGE")
    figures = {"elapsed_seconds": 4 * HOUR, "outcome": "breached"}
    warehouse.clock("touch", **figures)
    explanation = warehouse.explained()
    assert explanation.is_consistent
    assert account(explanation.clocks[0]) == [("02 04:00", "02 08:00", None, 4 * HOUR)]
    assert "Sun  2 Nov 00:00 EDT Sun  2 Nov 03:00 EST" in shown(explanation)
    piece = json.loads(explanation.to_json())["clocks"][0]["pieces"][0]
    assert (piece["started_at"], piece["started_at_local"]) == ("2025-11-02T04:00:00Z", "2025-11-02T00:00:00-04:00")
    assert piece["ended_at_local"] == "2025-11-02T03:00:00-05:00"


def test_weekend_of_the_clock_change_counts_nothing(warehouse: Warehouse) -> None:
    """Friday 31 October 17:00 EDT to Monday 3 November 09:00 EST: two hours, though the UTC hours have moved."""
    warehouse.rule("touch", "desk", 2 * HOUR, start="INTAKE", stop="TRIAGE")
    warehouse.case("2025-10-31 21:00:00 INTAKE", "2025-11-03 14:00:00 TRIAGE")
    figures = {"elapsed_seconds": 2 * HOUR, "outcome": "met"}
    warehouse.clock("touch", **figures)
    assert account(warehouse.only_clock()) == [
        ("31 21:00", "31 22:00", None, HOUR),
        ("31 22:00", "03 13:00", "outside hours", 0),
        ("03 13:00", "03 14:00", None, HOUR),
    ]


def test_open_time_over_a_utc_midnight_is_one_piece_and_lunch_is_another(warehouse: Warehouse) -> None:
    """Monday 7 July in Sydney (UTC+10): 09:00 to 14:00 is 23:00 to 04:00 UTC, with an hour of lunch."""
    warehouse.rule("touch", "sydney", 9 * HOUR, start="INTAKE", stop="TRIAGE")
    warehouse.case("2025-07-06 23:00:00 INTAKE", "2025-07-07 04:00:00 TRIAGE")
    figures = {"elapsed_seconds": 4 * HOUR, "outcome": "met"}
    warehouse.clock("touch", **figures)
    clock = warehouse.only_clock()
    assert account(clock) == [
        ("06 23:00", "07 02:00", None, 3 * HOUR),
        ("07 02:00", "07 03:00", "outside hours", 0),
        ("07 03:00", "07 04:00", None, HOUR),
    ]
    # Five of nine hours are left at 14:00: four until 18:00, the last on Tuesday until 09:00, 23:00 UTC.
    assert clock.due_at == datetime(2025, 7, 7, 23)


def test_fractions_of_a_second_add_up_as_the_table_counts_them(warehouse: Warehouse) -> None:
    warehouse.rule("touch", "desk", HOUR, start="INTAKE", stop="RESOLVED")
    warehouse.case("2025-07-08 13:00:00 INTAKE", "2025-07-08 13:00:10 TRIAGE", "2025-07-08 13:00:20 RESOLVED")
    # F reads 13:00:00.900 as 13:00:00 and 13:00:20.100 as 13:00:20: twenty seconds, however they are cut.
    for table, column in (
        ("status_spans", "started_at"), ("status_spans", "ended_at"), ("events_clean", "canonical_ts"),
        ("case_milestones", "intake_ts"), ("case_milestones", "ended_at"),
    ):
        warehouse.connection.execute(f"update staging.{table} set {column} = {column} + interval 700 milliseconds")
    figures = {"elapsed_seconds": 20, "outcome": "met"}
    warehouse.clock("touch", **figures)
    explanation = warehouse.explained()
    assert [piece.counted_seconds for piece in explanation.clocks[0].pieces] == [10, 10]
    assert explanation.is_consistent


def test_open_case_stands_as_of_the_latest_refresh(warehouse: Warehouse) -> None:
    """In on Tuesday 8 July 17:00, now Wednesday 09:00 (New York): 2 of 4 hours used, due 11:00."""
    warehouse.as_of("2025-12-31 00:00:00")
    warehouse.connection.execute("update raw.source_partitions set as_of_at = '2025-07-09 13:00:00'")
    warehouse.as_of("2025-07-01 00:00:00")
    warehouse.rule("resolution", "desk", 4 * HOUR, start="INTAKE", stop="RESOLVED")
    warehouse.case("2025-07-08 21:00:00 INTAKE", "2025-07-08 21:30:00 TRIAGE", is_open=True)
    warehouse.clock("resolution")
    explanation = warehouse.explained()
    (clock,) = explanation.clocks
    assert explanation.as_of_at == clock.until == datetime(2025, 7, 9, 13)
    assert (clock.outcome, clock.counted_seconds, clock.margin_seconds) == ("running", 2 * HOUR, 2 * HOUR)
    assert clock.due_at == datetime(2025, 7, 9, 15)
    assert clock.is_consistent
    assert not clock.is_paused
    text = shown(explanation)
    assert "open as of Wed 9 Jul 2025 09:00 EDT" in text
    assert "running, 2 h of business time left; due Wed 9 Jul 2025 11:00 EDT" in text


def test_target_used_up_at_closing_time_breaks_when_the_desk_opens(warehouse: Warehouse) -> None:
    """In on Friday 11 July 16:00 (New York) with two hours; looked at on Saturday."""
    warehouse.connection.execute("update raw.source_partitions set as_of_at = '2025-07-12 16:00:00'")
    warehouse.rule("resolution", "desk", 2 * HOUR, start="INTAKE", stop="RESOLVED")
    warehouse.case("2025-07-11 20:00:00 INTAKE", is_open=True)
    warehouse.clock("resolution")
    assert (
        "running, its target used up to the second (due Fri 11 Jul 2025 18:00 EDT): one more open second and it is breached"
        in shown(warehouse.explained())
    )


def test_a_holiday_beyond_the_loaded_dates_has_its_name(warehouse: Warehouse) -> None:
    """raw.calendar_dim ends with the loaded window; the case goes on."""
    holiday_weekend(warehouse)
    warehouse.connection.execute("delete from raw.calendar_dim")
    assert "holiday 'Independence Day'" in shown(warehouse.explained())


def test_open_case_past_its_target_is_breached_now(warehouse: Warehouse) -> None:
    warehouse.connection.execute("update raw.source_partitions set as_of_at = '2025-07-09 13:00:00'")
    warehouse.rule("resolution", "desk", HOUR, start="INTAKE", stop="RESOLVED")
    warehouse.case("2025-07-08 21:00:00 INTAKE", is_open=True)
    warehouse.clock("resolution")
    clock = warehouse.only_clock()
    assert (clock.outcome, clock.margin_seconds, clock.due_at) == ("breached", -HOUR, datetime(2025, 7, 8, 22))
    assert "breached, 1 h of business time late (due Tue 8 Jul 2025 18:00 EDT); still open" in shown(warehouse.explained())


def test_paused_case_has_no_due_instant(warehouse: Warehouse) -> None:
    warehouse.connection.execute("update raw.source_partitions set as_of_at = '2025-07-09 13:00:00'")
    warehouse.rule("resolution", "desk", 4 * HOUR, start="INTAKE", stop="RESOLVED", pause="CUSTOMER_WAIT")
    warehouse.case("2025-07-08 21:00:00 INTAKE", "2025-07-08 21:30:00 CUSTOMER_WAIT", is_open=True)
    warehouse.clock("resolution")
    clock = warehouse.only_clock()
    assert (clock.outcome, clock.is_paused, clock.due_at) == ("running", True, None)
    assert (clock.counted_seconds, clock.paused_seconds) == (1800, 5400)
    assert "running, paused now; 3 h 30 min of business time left" in shown(warehouse.explained())


def test_triage_before_intake_is_unknown_and_flagged(warehouse: Warehouse) -> None:
    warehouse.rule("first_touch", "desk", 2 * HOUR, start="INTAKE", stop="TRIAGE")
    warehouse.case("2025-07-08 12:00:00 TRIAGE", "2025-07-08 13:00:00 INTAKE", "2025-07-08 14:00:00 RESOLVED")
    figures = {"outcome": "unknown", "reason": "stopped_before_start"}
    warehouse.clock("first_touch", **figures)
    explanation = warehouse.explained()
    (clock,) = explanation.clocks
    assert (clock.outcome, clock.pieces, clock.margin_seconds, clock.due_at) == ("unknown", (), None, None)
    assert explanation.is_consistent
    assert explanation.events[0].flags == ("before intake: counted from intake",)
    assert "unknown: it stopped before it started" in shown(explanation)


def test_case_cancelled_before_the_stop_shows_what_had_counted(warehouse: Warehouse) -> None:
    warehouse.rule("resolution", "desk", 24 * HOUR, start="INTAKE", stop="RESOLVED")
    warehouse.case("2025-07-08 13:00:00 INTAKE", "2025-07-08 14:00:00 CANCELLED")
    figures = {"outcome": "unknown", "reason": "cancelled"}
    warehouse.clock("resolution", **figures)
    explanation = warehouse.explained()
    assert explanation.clocks[0].counted_seconds == HOUR
    assert explanation.clocks[0].stopped_by is None, "the case ended, its clock was not stopped"
    assert "unknown: the case was cancelled before the clock was stopped" in shown(explanation)


@pytest.mark.parametrize(("elapsed", "is_consistent"), [(None, True), (7200, False)])
def test_clock_beyond_the_calendar_is_unknown(warehouse: Warehouse, elapsed: int | None, is_consistent: bool) -> None:
    warehouse.rule("touch", "desk", HOUR, start="INTAKE", stop="TRIAGE")
    warehouse.case("2025-12-31 20:00:00 INTAKE", "2026-01-02 15:00:00 TRIAGE")
    warehouse.clock("touch", elapsed_seconds=elapsed)
    clock = warehouse.only_clock()
    assert (clock.outcome, clock.reason) == ("unknown", "outside_calendar_horizon")
    assert (clock.pieces, clock.is_consistent) == ((), is_consistent)


def test_every_flag_of_an_event_is_said(warehouse: Warehouse) -> None:
    holiday_weekend(warehouse)
    warehouse.connection.execute(
        "update staging.events_clean set is_event_ts_missing = true, is_tz_inconsistent = true, is_reopen = true, "
        "is_late_arriving = true, is_ingestion_before_event = true, canonical_ts = '2025-07-07 14:00:01' "
        "where event_id = 'C-1-e3'"
    )
    assert warehouse.explained().events[2].flags == (
        "no stamp: the time of ingestion stands for it",
        "time zone inconsistent",
        "arrived late",
        "ingested before it happened",
        "reopen",
        "after the end: in no span",
    )


def test_json_has_a_format_and_plain_names(warehouse: Warehouse) -> None:
    holiday_weekend(warehouse)
    content = json.loads(warehouse.explained().to_json())
    assert content["format"] == 2
    assert content["intake_at"] == "2025-07-03T21:00:00Z"
    assert content["intake_at_local"] == "2025-07-03T17:00:00-04:00"
    assert content["intake_date"] == "2025-07-03"
    assert content["priority"] is None
    assert content["events"][1] == {
        "event_id": "C-1-e2",
        "at": "2025-07-07T13:00:00Z",
        "at_local": "2025-07-07T09:00:00-04:00",
        "status": "TRIAGE",
        "source_status": "triage",
        "flags": [],
    }
    assert content["spans"][1] == {
        "started_at": "2025-07-07T13:00:00Z",
        "started_at_local": "2025-07-07T09:00:00-04:00",
        "ended_at": "2025-07-07T14:00:00Z",
        "ended_at_local": "2025-07-07T10:00:00-04:00",
        "status": "TRIAGE",
        "event_id": "C-1-e2",
    }
    assert content["clocks"][0]["title"] == "SLA B: first touch"
    assert content["clocks"][0]["pieces"][2] == {
        "started_at": "2025-07-04T04:00:00Z",
        "started_at_local": "2025-07-04T00:00:00-04:00",
        "ended_at": "2025-07-05T04:00:00Z",
        "ended_at_local": "2025-07-05T00:00:00-04:00",
        "status": "INTAKE",
        "event_id": "C-1-e1",
        "kind": "running",
        "why_not": "holiday 'Independence Day'",
        "open_seconds": 0,
        "counted_seconds": 0,
    }


def test_unknown_case_is_answered_with_those_it_may_be(warehouse: Warehouse) -> None:
    for number in range(300):
        warehouse.case("2025-07-08 13:00:00 INTAKE", case_id=f"INC00{number:05d}", is_open=True)
    with pytest.raises(OpslaError, match=r"no case 'INC000123'.*did you mean INC0000123\b"):
        explain(warehouse.connection, "INC000123", SETTINGS)
    with pytest.raises(OpslaError, match=r"no case 'ESC-42'.*did you mean INC0000042\?"):
        explain(warehouse.connection, "ESC-42", SETTINGS)
    with pytest.raises(OpslaError, match=r"there is no case '\?' in the home .*; ids here are like INC0000000, and the page Cases of `opsla center` .* \(OPSLA_HOME names another home\)$"):
        explain(warehouse.connection, "?", SETTINGS)


def test_warehouse_without_a_refresh_is_one_clear_error(warehouse: Warehouse) -> None:
    holiday_weekend(warehouse)
    warehouse.connection.execute("delete from raw.source_partitions")
    with pytest.raises(OpslaError, match="no refresh of this home was completed"):
        warehouse.explained()
    with duckdb.connect() as empty, pytest.raises(OpslaError, match="no cases to explain yet"):
        explain(empty, "C-1", SETTINGS)


def test_a_case_id_in_other_letters_is_found(warehouse: Warehouse) -> None:
    holiday_weekend(warehouse)
    assert explain(warehouse.connection, "c-1", SETTINGS).case_id == "C-1"


@pytest.mark.parametrize("written", ["C-1 ", "\tC-1", "\u00a0C-1\n", "C-1\u200e"])
def test_blanks_around_a_case_id_are_none_of_it(warehouse: Warehouse, written: str) -> None:
    holiday_weekend(warehouse)
    assert explain(warehouse.connection, written, SETTINGS).case_id == "C-1"


def test_rejected_records_of_a_case_are_listed_with_their_reason(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.rule("touch", "always", HOUR, start="INTAKE", stop="TRIAGE")
    warehouse.case("2025-07-08 13:00:00 INTAKE", "2025-07-08 13:30:00 TRIAGE")
    warehouse.clock("touch")
    for row_number, reason in ((7, "column State: unknown status 'Parked'"), (3, "column Changed at: no timestamp")):
        warehouse.insert("raw.rejected_rows", source="log", case_id="C-1", file="/logs/desk.csv", row_number=row_number, field="status", reason=reason)
    warehouse.insert("raw.rejected_rows", source="other", case_id="C-1", file="/logs/other.csv", row_number=1, field="status", reason="of another source")
    explanation = warehouse.explained()
    text = shown(explanation)
    assert "clocks run around the clock, as h:mm:ss" in text
    assert "met, 30 min early" in text
    assert "business" not in text  # a calendar that never closes has no business time
    assert text.endswith(
        "2 records of this case were rejected, and are in no figure above:\n"
        "  desk.csv, row 3: column Changed at: no timestamp\n  desk.csv, row 7: column State: unknown status 'Parked'\n"
    )
    assert [record["row_number"] for record in json.loads(explanation.to_json())["rejected"]] == [3, 7]
    page = write_picture(explanation, tmp_path / "case.html").read_text(encoding="utf-8")
    assert "desk.csv, row 3: column Changed at: no timestamp" in page
    assert "of another source" not in text + page


@pytest.mark.parametrize(("stops", "told"), [
    ("TRIAGE ASSIGNED CLOSED", "INTAKE to ASSIGNED or CLOSED or TRIAGE"),
    ("TRIAGE ASSIGNED INVESTIGATION RESOLVED CLOSED", "INTAKE to RESOLVED or TRIAGE (of 5 in sla_policies.yml)"),
    ("ASSIGNED INVESTIGATION ESCALATED CLOSED", "INTAKE to any of 4 (sla_policies.yml)"),
])  # fmt: skip
def test_of_many_signals_those_that_the_case_had_are_named(warehouse: Warehouse, stops: str, told: str) -> None:
    warehouse.rule("first_touch", "desk", 2 * HOUR, start="INTAKE", stop=stops)
    warehouse.case("2025-07-07 13:00:00 INTAKE", "2025-07-07 13:10:00 TRIAGE", "2025-07-07 14:00:00 RESOLVED")
    warehouse.clock("first_touch", elapsed_seconds=600, outcome="met")
    assert f"(first_touch, policy desk): {told}; target 2 h" in " ".join(shown(warehouse.explained()).split())


def test_of_a_case_without_a_team_the_agents_who_held_it_are_told(warehouse: Warehouse, tmp_path: Path) -> None:
    """Stints are of teams: nobody's alone is none. Two spans of one agent are one row; a waits and a works."""
    warehouse.case("2025-07-08 13:00:00 INTAKE", is_open=True)
    assert "Nobody is told to have held this case: no record gives it to a team or an agent." in shown(warehouse.explained(), how=render_ownership)
    warehouse.insert("staging.ownership_stints", source="log", case_id="C-1", intake_date=warehouse.day, stint=1, team="UNASSIGNED")
    for number, (started, ended, agent, state) in enumerate(
        (("13:00", "14:00", None, "queue"), ("14:00", "15:00", "agent.ann", "queue"), ("15:00", "16:00", "agent.ann", "active"), ("16:00", None, "agent.kim", "active")), start=1
    ):
        warehouse.insert(
            "staging.ownership_spans", source="log", case_id="C-1", intake_date=warehouse.day, span_number=number, stint=1, team="UNASSIGNED", agent=agent,
            state=state, started_at=f"2025-07-08 {started}", ended_at=ended and f"2025-07-08 {ended}",
        )  # fmt: skip
    text = shown(warehouse.explained(), how=render_ownership)
    assert "Which agents held it: its records name no team, and stints and hand-offs are of teams, so there are none" in text
    rows = [re.split(r"  +", line.strip()) for line in text.splitlines() if re.match(r" (nobody|agent\.)", line)]
    assert rows == [
        ["nobody", "Tue", "8 Jul 09:00", "Tue", "8 Jul 10:00"], ["agent.ann", "Tue", "8 Jul 10:00", "Tue", "8 Jul 12:00"], ["agent.kim", "Tue", "8 Jul 12:00", "now"],
    ]
    page = write_picture(warehouse.explained(), tmp_path / "case.html").read_text(encoding="utf-8")
    line = page.split("<h2>Who held it")[1].split("<h2>")[0]
    assert re.findall(r"<title>(nobody|agent\.\w+): (?:in queue|worked on) ", line) == ["nobody", "agent.ann", "agent.ann", "agent.kim"] * 2, "in both sizes"
    assert re.findall(r'class="mark change" x1="([\d.]+)"', line)
    assert re.findall(r"<td>(nobody|agent\.\w+)</td>", line) == ["nobody", "agent.ann", "agent.kim"]
    assert '<th scope="col">Agent</th>' in line


@pytest.mark.parametrize("beside", [False, True])
def test_of_one_row_a_case_nobody_is_told_since_when_its_team_has_it(warehouse: Warehouse, tmp_path: Path, beside: bool) -> None:
    """The tables take the team of the row as the holder from intake on; an account of the case claims no more than the row says."""
    warehouse.case("2025-07-08 13:00:00 INTAKE", "2025-07-08 14:00:00 RESOLVED")
    warehouse.connection.execute("update staging.case_milestones set team = 'Nord', agent = '[Ann]'")
    stint = {"team": "Nord", "entered_by": "initial", "is_last": True, "is_planned_return": False} | {f"{state}_{clock}_seconds": 0 for state in STATES for clock in ("calendar", "business")}
    warehouse.insert(
        "staging.ownership_stints", source="log", case_id="C-1", intake_date=warehouse.day, stint=1, started_at="2025-07-08 13:00", **stint | {"queue_calendar_seconds": HOUR, "inactive_calendar_seconds": 0}
    )
    columns = {"case_id": "id", "team": "team", "agent": "agent"}
    documents: list[dict[str, Any]] = [{"name": "log", "form": "cases", "columns": columns, "milestones": {"opened": "INTAKE", "solved": "RESOLVED"}, "statuses": {}}]
    if beside:
        changes = {"case_id": "id", "event_ts": "at", "field": "field", "old_value": "old", "new_value": "new"}
        documents.append({"name": "audit", "form": "changes", "beside": "log", "columns": changes, "fields": {"Group": "team"}, "statuses": {}})
    logs = [EventLogSettings.model_validate({"type": "event_log", "files": "log.csv", "time": {"timezone": "UTC"}} | document) for document in documents]
    settings = replace(SETTINGS, sources=SETTINGS.sources.model_copy(update={"sources": tuple(logs)}))
    explanation = explain(warehouse.connection, "C-1", settings)
    texts = [" ".join(shown(explanation, how=how).split()) for how in (render, render_ownership)]
    texts.append(write_picture(explanation, tmp_path / "case.html").read_text(encoding="utf-8"))
    claimed, known = "the last owner, Nord, had 100.0% of its time", "ts source tells the team Nord and the agent [Ann] of the case, as its row has it, and not since when"
    assert [(claimed in text, known in text) for text in texts] == 3 * [(beside, not beside)]
    assert (explanation.is_holding_told, len(explanation.stints)) == (beside, int(beside))
    assert ("An audit log beside it (form: changes) would tell." in texts[1]) is not beside


@pytest.mark.parametrize(("inactive", "told"), [(0, "1:00:00 in queue, 48:00:00 waiting for the customer"), (97_200, "waiting for the customer; 27:00:00 of it beyond 24 h of silence")])
def test_a_long_silence_is_told_as_what_it_is(inactive: int, told: str) -> None:
    stint = Stint(
        stint=1, team="Service Desk", previous_team=None, entered_by="start", started_at=datetime(2025, 7, 8), ended_at=None, is_last=True,
        seconds={"queue": 3_600, "active": 0, "wait_customer": 172_800}, business_seconds={}, inactive_seconds=inactive,
    )
    assert parts(stint, 86_400).endswith(told)


def test_rejected_records_of_the_sources_beside_are_listed_too(warehouse: Warehouse) -> None:
    """An audit log and a file of links tell of the cases of a source under names of their own; another source's case of the same id is another case."""
    holiday_weekend(warehouse)
    log = {"type": "event_log", "name": "log", "files": "log.csv", "columns": {"case_id": "id", "status": "state", "event_ts": "at"}, "statuses": {"New": "INTAKE"}}
    audit = {
        "type": "event_log", "name": "audit", "form": "changes", "beside": "log", "files": "audit.csv", "fields": {"Group": "team"},
        "columns": {"case_id": "id", "event_ts": "at", "field": "field", "old_value": "old", "new_value": "new"},
    }
    links = {"type": "event_log", "name": "links", "form": "links", "beside": "log", "files": "links.csv", "link_kind": "related", "columns": {"case_id": "id", "linked_id": "to"}}
    sources = SourcesSettings.model_validate({"desk": {"start_date": "2025-01-01"}, "sources": [log, audit, links, log | {"name": "other"}]})
    for number, source in enumerate(("other", "links", "log", "audit"), start=1):
        record_date = None if source == "links" else date(2025, 7, 2)
        warehouse.insert("raw.rejected_rows", source=source, case_id="C-1", file=f"{source}.csv", row_number=number, record_date=record_date, field="case_id", reason="odd")
    rejected = explain(warehouse.connection, "C-1", replace(SETTINGS, sources=sources)).rejected
    assert [(record.file, record.row_number) for record in rejected] == [("audit.csv", 4), ("links.csv", 2), ("log.csv", 3)]


def test_a_case_all_of_whose_records_were_rejected_says_why(warehouse: Warehouse) -> None:
    holiday_weekend(warehouse)
    for row_number in (9, 4):
        warehouse.insert("raw.rejected_rows", source="desk", file="logs/desk.csv", case_id="C-7", row_number=row_number, reason=f"unknown status 'P{row_number}'")
    with pytest.raises(OpslaError) as refused:
        explain(warehouse.connection, "C-7", SETTINGS)
    assert str(refused.value) == (
        "every record of case 'C-7' was rejected, 2 records:\n  desk.csv, row 4: unknown status 'P4'\n  desk.csv, row 9: unknown status 'P9'"
    )


def test_letters_of_either_case_find_a_case_where_only_one_is_meant(warehouse: Warehouse) -> None:
    for case_id in ("Abc", "ABC", "Other"):
        warehouse.case("2025-07-08 13:00:00 INTAKE", case_id=case_id, is_open=True)
    warehouse.as_of("2025-07-09 00:00:00")
    for asked, found in (("Abc", "Abc"), ("ABC", "ABC"), ("other", "Other")):
        assert explain(warehouse.connection, asked, SETTINGS).case_id == found
    with pytest.raises(OpslaError, match=r"^case 'abc' may be ABC or Abc; write it as one of them$"):
        explain(warehouse.connection, "abc", SETTINGS)


def test_a_case_held_twice_says_where(warehouse: Warehouse) -> None:
    holiday_weekend(warehouse)
    warehouse.insert("staging.case_milestones", source="log", case_id="C-1", intake_date=date(2025, 7, 9))
    with pytest.raises(OpslaError, match="'C-1' is held under several intake dates, 2025-07-03 and 2025-07-09"):
        warehouse.explained()


def test_an_event_that_the_log_repeats_says_so(warehouse: Warehouse) -> None:
    holiday_weekend(warehouse)
    warehouse.connection.execute("update staging.events_deduped set copies = 3 where event_id = 'C-1-e2'")
    assert [event.flags for event in warehouse.explained().events][1] == ("in the log 3 times",)


def test_a_long_status_is_told_by_the_week(warehouse: Warehouse) -> None:
    """Three weeks and a day: what did not count is three lines, and they add up."""
    warehouse.rule("resolution", "desk", 24 * HOUR, start="INTAKE", stop="RESOLVED")
    warehouse.case("2025-07-07 12:00:00 INTAKE", "2025-07-28 22:00:00 RESOLVED")
    warehouse.clock("resolution", elapsed_seconds=160 * HOUR, outcome="breached")  # fmt: skip
    text = shown(warehouse.explained())
    lines = [line.split() for line in text.splitlines() if "INTAKE" in line and "outside hours" in line]
    assert len(lines) == 3, "the fourth week is one open day"
    assert "5 x outside hours" in text
    assert text.count("50:00:00") == 3
    assert text.index("breached") < text.index("outside hours"), "the verdict comes first"


def test_odd_names_are_shown_as_they_are_and_narrow_screens_do(warehouse: Warehouse) -> None:
    holiday_weekend(warehouse)
    warehouse.connection.execute("update staging.events_clean set source_status = '[/bold] :smile:'")
    explanation = warehouse.explained()
    assert "[/bold] :smile:" in shown(explanation)
    assert shown(explanation, width=60)


def test_any_stop_in_a_fortnight_adds_up(warehouse: Warehouse) -> None:
    """Against a walk over every minute of two weeks with a holiday, a pause in the middle."""
    start, waits, works = datetime(2025, 7, 1, 3, 17), datetime(2025, 7, 3, 15, 2), datetime(2025, 7, 7, 16, 44)
    warehouse.rule("resolution", "desk", HOUR, start="INTAKE", stop="RESOLVED", pause="CUSTOMER_WAIT")
    calendar = Window(date(2025, 6, 30), date(2025, 7, 15))
    is_open_day = {day: day.weekday() < 5 and day != date(2025, 7, 4) for day in calendar.dates()}
    for stop in (datetime(2025, 7, 8, 1, 1) + timedelta(hours=7 * step, minutes=13 * step) for step in range(8)):
        for table in ("case_milestones", "events_clean", "status_spans"):
            warehouse.connection.execute(f"delete from staging.{table}")
        walk = [start + timedelta(minutes=minute) for minute in range(int((stop - start).total_seconds()) // 60)]
        locally = [(minute, minute - timedelta(hours=4)) for minute in walk]
        is_open = [at for at, local in locally if is_open_day[local.date()] and 8 <= local.hour < 18]
        paused = sum(60 for minute in is_open if waits <= minute < works)
        lines = [f"{start} INTAKE", f"{waits} CUSTOMER_WAIT", f"{works} INVESTIGATION", f"{stop} RESOLVED"]
        warehouse.case(*lines)
        elapsed = len(is_open) * 60 - paused
        figures = {"elapsed_seconds": elapsed, "paused_seconds": paused, "outcome": "breached"}
        warehouse.clock("resolution", **figures)
        clock = warehouse.only_clock()
        assert (clock.counted_seconds, clock.paused_seconds) == (elapsed, paused)
        assert clock.is_consistent


def told_case(warehouse: Warehouse) -> Explanation:
    """Tuesday 8 July, New York: a target is applied, the schedule changes, a bot and a person answer, the target is taken back, the case is
    merged; the source says that its promise broke at 10:30, and judges a metric that nobody promised."""
    warehouse.rule("first_touch", "desk", 2 * HOUR, start="INTAKE", stop="TRIAGE")
    warehouse.case("2025-07-08 13:00:00 INTAKE", "2025-07-08 15:00:00 TRIAGE", "2025-07-08 18:00:00 MERGED")
    warehouse.clock("first_touch")
    row = {"source": "log", "case_id": "C-1", "intake_date": warehouse.day}
    warehouse.connection.execute("update staging.case_milestones set merged_into = 'C-9', is_merged = true")
    for number, (at, target) in enumerate([("2025-07-08 13:00:01", 7_200), ("2025-07-08 17:00:00", None)]):
        warehouse.insert("raw.applied_targets", **row, applied_id=f"t{number}", applied_ts=at, source_sequence=number, metric="first_touch",
                         policy="Gold", calendar="log:Night", target_seconds=target)  # fmt: skip
    for number, (before, after) in enumerate([(None, "log:Day"), ("log:Day", "log:Night")]):
        warehouse.insert("raw.attribute_changes", **row, change_id=f"s{number}", changed_ts=f"2025-07-08 13:1{number}:00", source_sequence=number,
                         attribute="schedule", previous_value=before, value=after)  # fmt: skip
    for number, (signal, author) in enumerate([("BOT_REPLY", "bot"), ("PUBLIC_REPLY", "person"), ("CUSTOMER_MESSAGE", "customer")]):
        warehouse.insert("staging.messages_deduped", **row, message_id=f"m{number}", sent_ts=f"2025-07-08 14:0{number}:00", source_sequence=number,
                         signal=signal, author_kind=author, copies=1)  # fmt: skip
    verdict = {**row, "cycle": 1, "source_is_breached": True, "source_breached_ts": "2025-07-08 14:30:00"}
    warehouse.insert("staging.source_clock_comparison", **verdict, verdict_id="v1", metric="first_touch", policy="desk", outcome="met",
                     source_elapsed_seconds=9_000, elapsed_seconds=7_200, comparison="verdict_differs")  # fmt: skip
    warehouse.insert("staging.source_clock_comparison", **row, cycle=1, verdict_id="v2", metric="first_reply", source_is_breached=False,
                     comparison="no_clock")  # fmt: skip
    return warehouse.explained()


def test_what_changed_the_promises_is_on_the_time_line(warehouse: Warehouse) -> None:
    explanation = told_case(warehouse)
    assert [(f"{event.at:%H:%M}", event.status, event.flags) for event in explanation.events] == [
        ("13:00", "INTAKE", ()),
        ("13:00", "SLA applied", ("SLA B: first touch: 2 h of calendar log:Night, by policy Gold",)),
        ("13:10", "schedule", ("nothing to log:Day",)),
        ("13:11", "schedule", ("log:Day to log:Night",)),
        ("14:00", "BOT_REPLY", ("by a bot",)),
        ("14:01", "PUBLIC_REPLY", ("by a person",)),
        ("14:02", "CUSTOMER_MESSAGE", ("by the customer",)),
        ("14:30", "source verdict", ("SLA B: first touch: breached, according to the source",)),
        ("15:00", "TRIAGE", ()),
        ("17:00", "SLA withdrawn", ("SLA B: first touch: no longer promised",)),
        ("18:00", "MERGED", ("goes on in case C-9",)),
    ]
    text = " ".join(shown(explanation, width=240).split())
    assert "merged into case C-9" in text
    assert (
        "the source says breached since Tue 8 Jul 2025 10:30 EDT, 2:30:00 counted: another verdict. One says met, the other breached." in text
    )
    assert "First reply: the source says met: no clock of opsla." in text
    plain = json.loads(explanation.to_json())
    assert (plain["merged_into"], plain["verdicts"][1]["comparison"]) == ("C-9", "verdict_differs")


def test_the_picture_has_the_changes_and_the_source_s_breach(warehouse: Warehouse, tmp_path: Path) -> None:
    page = write_picture(told_case(warehouse), tmp_path / "case.html").read_text(encoding="utf-8")
    assert page.count('<line class="mark change"') == 2 * 4
    assert page.count('<line class="mark source"') == 2 * 1
    assert "breached, according to the source: Tue 8 Jul 2025 10:30 EDT" in page
    assert "SLA withdrawn: SLA B: first touch: no longer promised (Tue 8 Jul 2025 13:00 EDT)" in page
    assert "merged into case C-9" in page
    assert "First reply: the source says met: no clock of opsla." in page


def test_a_policy_that_comes_into_force_on_the_way_is_on_the_time_line(warehouse: Warehouse) -> None:
    holiday_weekend(warehouse)
    warehouse.insert("staging.case_sla_policies", source="log", case_id="C-1", intake_date=warehouse.day, metric="first_touch", policy="gold_customers",
                     calendar="desk", target_seconds=60, is_source_promise=False, in_force_from_at="2025-07-07 13:30:00")  # fmt: skip
    (event,) = [event for event in warehouse.explained().events if event.status == "policy"]
    assert (event.at, event.flags) == (datetime(2025, 7, 7, 13, 30), ("gold customers is in force",))


@pytest.mark.parametrize(
    ("reason", "words"),
    [("withdrawn", "the promise was withdrawn before"), ("merged", "the case was merged into another one"), ("cancelled", "the case was cancelled")],
)
def test_why_nothing_is_known_is_told_in_words(warehouse: Warehouse, reason: str, words: str) -> None:
    warehouse.rule("first_touch", "desk", 2 * HOUR, start="INTAKE", stop="TRIAGE")
    warehouse.case("2025-07-08 13:00:00 INTAKE", "2025-07-08 14:00:00 CANCELLED")
    warehouse.clock("first_touch", outcome="unknown", reason=reason)
    assert f"unknown: {words}" in shown(warehouse.explained())
