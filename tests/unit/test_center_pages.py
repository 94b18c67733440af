"""Parts of the command centre's pages that need no published home: figures of what is known, changes, hours of a plan."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import pytest

from opsla_dagster.catalog import TABLES
from opsla_dagster.catalog.worklist import OUTCOMES
from opsla_dagster.center.address import RefusedAddress
from opsla_dagster.center.levers import Changes, parse_change
from opsla_dagster.center.pages import now as now_pages
from opsla_dagster.center.pages import risk
from opsla_dagster.center.pages.ownership import ownership_page
from opsla_dagster.center.view import View, load_query
from opsla_dagster.figures import open_time
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.explain_links import links_of
from opsla_dagster.reporting.sections.ownership import AGENTS_ALONE, NOBODY
from opsla_dagster.reporting.staffing import block_hours, blocks
from opsla_dagster.warehouse.rows import rows_by_name
from opsla_dagster.warehouse.write import ensure_table

NOW = datetime(2025, 7, 9, 4)


def clock(case_id: str, source: str, pct: float | None = None, *, is_open: bool = True) -> dict[str, Any]:
    return {"case_id": case_id, "probability_source": source, "breach_pct": pct, "is_case_open": is_open, "reason_1": "too little history"}


def figures(found: list[dict[str, Any]], orphans: int = 0) -> dict[str, tuple[Any, str]]:
    return {figure.key: (figure.value, figure.tone) for figure in risk.figures(found, "/open", orphans)}


def test_a_clock_that_runs_on_after_the_end_of_its_case_is_in_no_figure_of_open_cases() -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema mart")
        connection.execute(
            "create table mart.open_case_risk as select ? as predicted_at, 's' as source, case_id, 'm' as metric, 'p' as policy, 1 as cycle, 1.0 as breach_probability, "
            "'certain' as probability_source, 1.0 as remaining_p10_business_minutes, 1.0 as remaining_p50_business_minutes, 1.0 as remaining_p90_business_minutes, "
            "'late' as reason_1, null as reason_2, null as reason_3 from (values ('open'), ('ended')) as cases (case_id)",
            [NOW],
        )
        connection.execute("create table mart.clock_now as select case_id, policy, metric, cycle, predicted_at as due_at, false as is_paused from mart.open_case_risk")
        connection.execute("create table mart.backlog_now as select 'open' as case_id, 'Billing' as team, 'P1' as priority")
        found = connection.execute(load_query("risk"), {"queue": None}).fetchnumpy()
    assert dict(zip(found["case_id"].tolist(), found["is_case_open"].tolist(), strict=True)) == {"open": True, "ended": False}
    told = risk.figures([clock("open", "certain", 100.0), clock("open", "certain", 100.0)], "/open", 1)
    assert told[2].value == 2
    assert told[2].notes == ["of 1 past due case; broken already", "1 clock of ended cases not counted: see below"]


def test_a_link_is_held_as_long_on_the_page_of_ownership_as_on_that_of_the_case() -> None:
    """Up to the last look: 20 minutes that have ended, and 40 that go on; of a case that nobody holds any more the 50 that it was held."""
    look, since = datetime(2025, 7, 18, 12), datetime(2025, 7, 18, 11, 20)
    with duckdb.connect() as connection:
        connection.execute("create schema mart; create schema ops; create schema staging")
        connection.execute("create table ops.partition_as_of as select 's' as source, date '2025-07-17' as intake_date, cast(? as timestamp) as as_of_at", [look])
        connection.execute(
            "create table mart.case_links as select 's' as source, date '2025-07-17' as intake_date, case_id, 'T-1' as linked_case_id, 'escalation' as link_kind, "
            "timestamp '2025-07-18 11:00' as linked_ts, cast(null as timestamp) as unlinked_ts, true as is_escalation, 'back' as team_at_link, 60 as held_before_link_calendar_seconds, "
            "after as held_after_link_calendar_seconds, cast(since as timestamp) as held_on_since_at, false as is_linked_case_loaded, null as linked_team, "
            "cast(null as boolean) as is_linked_case_open, cast(null as timestamp) as linked_ended_at from (values ('open', 1200, ?), ('ended', 3000, null), ('untold', null, null)) as cases (case_id, after, since)",
            [since],
        )
        connection.execute("create table staging.case_milestones (intake_date date, case_id varchar, is_open boolean, ended_at timestamp)")
        connection.execute("create table staging.ownership_stints (intake_date date, case_id varchar, team varchar, is_last boolean)")
        found = connection.execute(load_query("escalations")).fetchall()
        names = [column[0] for column in connection.description or []]
        page = {row["case_id"]: (row["held_after_link_calendar_seconds"], row["is_held_on"]) for row in (dict(zip(names, values, strict=True)) for values in found)}
        case = {case_id: links_of(connection, {"case_id": case_id, "source": "s", "intake_date": date(2025, 7, 17)}, look)[0] for case_id in page}
    assert list(page.items()) == [("open", (3600, True)), ("ended", (3000, False)), ("untold", (None, False))]
    assert {case_id: (link.held_after_seconds, link.is_held_on) for case_id, link in case.items()} == page


@pytest.mark.parametrize("is_agent_told", [True, False])
def test_of_a_desk_that_names_no_team_the_agents_with_open_cases_are_shown(is_agent_told: bool) -> None:
    held = [{"case_id": "E-4", "team": "UNASSIGNED", "agent": "agent.kim"}]
    with duckdb.connect() as connection:
        connection.execute("create schema mart")
        for name in ("mart.team_latency", "mart.backlog_sources"):
            ensure_table(connection, TABLES[name])
        connection.execute("insert into mart.team_latency (team) values ('UNASSIGNED')")
        connection.execute("insert into mart.backlog_sources (source, is_agent_told) values ('log', $is_agent_told)", {"is_agent_told": is_agent_told})
        view = SimpleNamespace(connection=connection, rows_at=lambda _: held, require_queue=lambda: None, state=None)
        page = ownership_page(cast(View, view))
    assert page.context["nobody"] == (AGENTS_ALONE if is_agent_told else NOBODY)
    assert [(grid.key, grid.rows) for grid in page.grids] == ([("active_escalations", held)] if is_agent_told else [])


def test_what_nobody_can_know_is_no_good_zero() -> None:
    assert figures([]) == {"likely": (None, ""), "expected": (None, ""), "certain": (0, ""), "unknown": (0, "")}
    assert figures([clock("a", "unknown")]) == {"likely": (None, ""), "expected": (None, ""), "certain": (0, "good"), "unknown": (1, "")}
    assert figures([clock("a", "model", 10.0), clock("b", "baseline", 60.0)]) == {"likely": (1, "warn"), "expected": (0.7, ""), "certain": (0, "good"), "unknown": (0, "")}
    assert figures([clock("a", "model", 10.0)])["likely"] == (0, "good")


@pytest.mark.parametrize(("text", "value"), [("", 0.0), ("10", 10.0), ("+10%", 10.0), ("−5 %", -5.0), ("-12,5", -12.5)])
def test_a_change_is_read_as_people_write_it(text: str, value: float) -> None:
    assert parse_change("heads", text, -50, 100) == value


@pytest.mark.parametrize("text", ["101", "-51", "ten", "1e9", "nan", "٥"])
def test_a_change_out_of_bounds_is_refused(text: str) -> None:
    with pytest.raises(RefusedAddress, match="expected a change in percent from -50 to 100"):
        parse_change("heads", text, -50, 100)


def test_changes_in_words() -> None:
    assert Changes(heads=10, handling=-5).words == "heads +10%, touch time -5%"
    assert Changes().words == "as now"
    assert not Changes().is_asked


@pytest.mark.parametrize(
    ("opened", "hours"),
    [
        pytest.param(dict.fromkeys(range(9, 18), 3600.0), ["09:00-18:00"], id="whole hours"),
        pytest.param({8: 1800.0, **dict.fromkeys(range(9, 17), 3600.0), 17: 900.0}, ["08:30-17:15"], id="opens and closes within an hour"),
        pytest.param(dict.fromkeys(range(24), 3600.0), ["00:00-24:00"], id="never closes"),
        pytest.param({8: 1800.0}, ["08:30-09:00"], id="half an hour"),
    ],
)
def test_a_plan_works_when_the_calendar_is_open(opened: dict[int, float], hours: list[str]) -> None:
    seconds = [opened.get(hour, 0.0) for hour in range(24)] + [0.0] * 144
    heads = [2.0 if each else 0.0 for each in seconds]
    assert [block_hours(seconds, weekday, first, end) for weekday, first, end, _ in blocks(heads)] == hours


def test_open_time_has_no_days_and_calendar_time_has() -> None:
    four_days = 4 * 24 * 60
    assert (open_time(four_days * 60), wording.time_taken(four_days)) == ("96.0 h", "96.0 h")
    assert wording.calendar_time(four_days) == "4.0 days"
    assert [wording.calendar_time(minutes) for minutes in (None, 0, 35, 47.9 * 60, 48 * 60, 100 * 24 * 60)] == ["–", "0 min", "35 min", "47.9 h", "2.0 days", "100 days"]


def test_the_tickets_of_was_the_order_followed_add_up_and_an_empty_table_says_why() -> None:
    with duckdb.connect() as marts:
        marts.execute("create schema mart")
        ensure_table(marts, TABLES["mart.next_best_followed"])
        view = cast(View, SimpleNamespace(is_now=True, has=lambda _: True, rows=lambda query, **parameters: rows_by_name(marts, load_query(query), parameters)))
        [empty] = now_pages._followed(view, None)
        assert empty.rows == []
        assert "the lists of a replay, of a log that has ended and of the trial of opsla init nobody saw while they held" in empty.empty
        marts.executemany(
            "insert into mart.next_best_followed (shown_at, case_id, queue, followed, is_followed, outcome_by_now) values (now(), ?, 'back', 'followed', true, ?)",
            [[str(number), outcome] for number, outcome in enumerate((*OUTCOMES, "met"))],
        )
        [grid] = now_pages._followed(view, "back")
    titles = {column.name: column.label for column in grid.columns}
    assert titles["nothing_tickets"] == "Nothing to keep"
    [row] = grid.rows
    assert row["tickets"] == len(OUTCOMES) + 1 == sum(row[name] for name in titles if name.endswith("_tickets"))


def days_up_to_now(*loaded: bool, debt_seconds: int = 0) -> list[dict[str, Any]]:
    """Days up to 9 July: nothing is known of those that are not loaded."""
    told = [
        {"arrived_cases": 3, "gone_cases": 2, "open_cases": 5, "breached_open_cases": 1, "debt_seconds": debt_seconds, "debt_hours": debt_seconds / 3600,
         "debt_accrued_seconds": 0, "debt_repaid_seconds": 0} for _ in loaded
    ]  # fmt: skip
    return [
        {"calendar_date": date(2025, 7, 10) - timedelta(days=len(loaded) - number), "is_loaded": is_loaded, **(row if is_loaded else dict.fromkeys(row))}
        for number, (is_loaded, row) in enumerate(zip(loaded, told, strict=True))
    ]


def test_a_trend_over_dates_that_are_not_loaded_is_none() -> None:
    """The debt of a date that is not loaded is not 0; nor does one week compare with another where cases between them are missing."""
    health = {"debt_seconds": 0}
    assert now_pages._debt_trend(health, days_up_to_now(*[True] * 8)) == "as at the end of 2 Jul 2025"
    for loaded in ([False, *[True] * 7], [True, False, *[True] * 6]):
        assert now_pages._debt_trend(health, days_up_to_now(*loaded)) == "no trend: dates of the week before are not loaded"
    assert now_pages._debt_trend(health, days_up_to_now(False, *[True] * 8)) == "as at the end of 2 Jul 2025"


def test_dates_that_are_not_loaded_are_drawn_as_gaps_and_were_not_green() -> None:
    days = days_up_to_now(True, True, False, True, False)
    arrivals, debt = now_pages._trends(days)
    assert "not loaded" in str(arrivals)
    assert [row["gone_cases"] for row in arrivals.grid.rows] == [2, 2, None, 2, None]  # type: ignore[union-attr]
    assert debt.grid is not None
    assert now_pages._green_days(days) == "Green at the end of none of the 3 loaded days of the last 5 days."
    assert now_pages._green_days(days_up_to_now(*[False] * 4)) == "None of the last 4 days is loaded, so nobody knows at the end of how many the desk was green."
    assert now_pages._green_days(days_up_to_now(*[True] * 4)) == "Green at the end of none of the last 4 days."
    assert list(now_pages._trends(days_up_to_now(True, True, *[False] * 6))) == []


def test_a_date_that_is_not_loaded_has_no_figures() -> None:
    """Three dates, of which the one between is not loaded: a case that came in before left on it, and what came in on it nobody knows."""
    with duckdb.connect() as connection:
        connection.execute("create schema mart; create schema ops; create table mart.desk_now as select date '2025-07-07' as first_intake_date")
        connection.execute("create table ops.partition_as_of as select unnest([date '2025-07-07', date '2025-07-09', date '2025-07-09']) as intake_date")
        connection.execute(
            "create table mart.backlog_daily as select 'all' as dimension, 'all' as dimension_value, unnest([date '2025-07-07', date '2025-07-08']) as calendar_date, "
            "unnest([2, 0]) as opened_cases, 0 as reopened_cases, 0 as moved_in_cases, unnest([0, 1]) as left_cases, 0 as cancelled_cases, 0 as moved_out_cases, "
            "unnest([2, 1]) as open_cases, 0 as breached_open_cases, 0 as debt_seconds, 0 as debt_accrued_seconds, 0 as debt_repaid_seconds"
        )
        of_all = {"dimension": "all", "dimension_value": "all"}
        found = rows_by_name(connection, load_query("days"), {"last_day": date(2025, 7, 9), "days": 28, **of_all})
        by_value = rows_by_name(connection, load_query("days_by_value"), {"last_day": date(2025, 7, 9), "days": 28, "dimension": "all"})
    assert [(row["is_loaded"], row["arrived_cases"], row["gone_cases"], row["open_cases"]) for row in found] == [(True, 2, 0, 2), (False, None, None, None), (True, 0, 0, 0)]
    assert [row["calendar_date"] for row in by_value] == [date(2025, 7, 7)]
