"""Which ticket is next: the policy in force, the order, the reasons, what is deferred, and what is remembered."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import date, datetime, tzinfo
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import numpy as np
import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from worklist_desk import line_of, log, pace_of, visits_of

from opsla_dagster.assets import worklist as assets
from opsla_dagster.assets.scope import Scope
from opsla_dagster.catalog import TABLES
from opsla_dagster.checks.invariants import check_invariant
from opsla_dagster.errors import OpslaError
from opsla_dagster.queueing.orders import BY_DUE_DATE, BY_INDEX
from opsla_dagster.reporting.next_tickets import Asked, first_tickets, next_tickets, policies, replays, why_by_due_date
from opsla_dagster.reporting.run_summary import Headline
from opsla_dagster.reporting.sections.next_tickets import next_tickets as next_tickets_section
from opsla_dagster.settings.worklist import WorklistSettings, read_worklist
from opsla_dagster.status import Signal
from opsla_dagster.warehouse.connection import table_names
from opsla_dagster.warehouse.schema_version import upgrade
from opsla_dagster.warehouse.write import ensure_table
from opsla_dagster.worklist.feasibility import verdict_on
from opsla_dagster.worklist.line import Line, Pace, Visits
from opsla_dagster.worklist.ranking import Ticket, in_order
from opsla_dagster.worklist.replay import Replay

HOUR, NEVER = 3600.0, float("inf")
PACE = Pace(heads=2, work_seconds=HOUR, touch_seconds=HOUR, variation=1.0, day_seconds=10 * HOUR)


def line(*cases: tuple[float, float, float], target: float = 8 * HOUR, after: tuple[float, float] = (0.0, 0.0), objective: float = 0.95, stops_at_start: bool = False) -> Line:
    """A line of (hours until due, weight, place by age)."""
    due, weight, age = (np.array(values, dtype=float) for values in zip(*cases, strict=True))
    count = len(cases)
    return Line(
        case_ids=[f"c{number}" for number in range(count)], due_seconds=due * HOUR, target_seconds=np.where(np.isfinite(due), target, NEVER),
        after_p50_seconds=np.full(count, after[0]), after_p90_seconds=np.full(count, after[1]),
        stops_at_start=np.full(count, stops_at_start), weight=weight, age_rank=age, objective=np.full(count, objective),
    )


def past(cases: int = 40, *, target: float = 8 * HOUR, late: int = 0, stops_at_start: bool = False, objective: float = 0.95) -> Visits:
    """A last window in which so many cases came evenly, each done at once, but for the `late` last, which were breached."""
    came = np.arange(cases) * 40 * HOUR / max(cases, 1)
    is_breached = np.arange(cases) >= cases - late
    return Visits(
        window_number=np.ones(cases, dtype=np.int64), window_seconds=np.full(cases, 50 * HOUR), is_there_at_start=np.zeros(cases, dtype=np.bool_), came_seconds=came + 60.0,
        due_seconds=came + 60.0 + target, target_seconds=np.full(cases, target), stopped_seconds=np.where(is_breached, NEVER, came + HOUR), is_breached=is_breached,
        after_p50_seconds=np.zeros(cases), after_p90_seconds=np.zeros(cases), stops_at_start=np.full(cases, stops_at_start), weight=np.ones(cases), objective=np.full(cases, objective),
    )


#: One case an hour before two heads who take an hour each: none was late, nor is one in a replay.
CALM = past()


def order(tickets: list[Ticket]) -> list[int]:
    return [ticket.case for ticket in tickets]


def test_by_due_date_the_due_come_first_then_the_heavier_then_the_older_and_those_without_a_clock_last() -> None:
    tickets = in_order(line((3, 1, 0), (NEVER, 10, 1), (-1, 1, 2), (3, 10, 4), (3, 10, 3), (NEVER, 1, 0)), BY_DUE_DATE, PACE)
    assert order(tickets) == [2, 4, 3, 0, 5, 1]
    assert tickets[0].reason == "past due by 60 min of the desk's open time"
    assert tickets[1].reason == "due in 3.0 h of the desk's open time; 96% chance to be kept if begun now"
    assert tickets[4].reason == "no running clock: after what is due, the longest waiting first"
    assert [ticket.kept_now is None for ticket in tickets] == [False, False, False, False, True, True]


def test_whom_a_ticket_defers() -> None:
    """Who after it would go first by another rule: due earlier, then heavier, then older, else the next."""
    tickets = in_order(line((1, 1, 3), (2, 10, 2), (3, 1, 0), (4, 1, 1), (NEVER, 1, 4)), BY_DUE_DATE, PACE)
    assert [(ticket.defers, ticket.defers_reason) for ticket in tickets] == [
        (1, "its priority counts 10 times as much, due later"), (2, "came in earlier, due later"), (3, "next in line"), (4, "next in line"), (None, None),
    ]  # fmt: skip


def test_when_the_deferred_ticket_is_due_is_said_as_it_is() -> None:
    heavy = in_order(line((2, 10, 1), (2, 1, 0)), BY_DUE_DATE, PACE)
    assert [ticket.defers_reason for ticket in heavy] == ["came in earlier, due at the same time", None]
    ahead = in_order(line((2, 10, 1), (2, 1, 0), (NEVER, 1, -1)), BY_DUE_DATE, PACE)
    assert [ticket.defers_reason for ticket in ahead] == ["came in earlier, has no due time", "came in earlier, has no due time", None]
    without = in_order(line((NEVER, 10, 1), (NEVER, 1, 0)), BY_DUE_DATE, PACE)
    assert [ticket.defers_reason for ticket in without] == ["its priority counts 10 times as much", None]


def test_by_index_what_can_still_be_kept_goes_before_what_is_lost_and_every_fifth_pick_is_the_longest_overdue() -> None:
    lost, urgent, calm, doomed, longest = (-20, 10, 0), (3, 3, 1), (60, 9, 2), (0.05, 1, 3), (-30, 1, 4)
    tickets = in_order(line(lost, urgent, calm, doomed, longest, (3, 10, 5)), BY_INDEX, PACE)
    assert order(tickets) == [5, 1, 0, 2, 4, 3], "what can be kept, a heavy lost one, one in no hurry; then the guard's, before what is too late"
    reasons = {ticket.case: ticket.reason for ticket in tickets}
    assert reasons[4] == "longest overdue, past due by 30.0 h of the desk's open time: every 5th pick is, so that nothing is left for ever"
    assert reasons[1] == "due in 3.0 h of the desk's open time: 96% chance to be kept if begun now, under 1% if begun 5.0 h later; weight 3"
    assert reasons[0] == "past due by 20.0 h of the desk's open time, nothing left to keep; weight 10"
    assert "too late to be kept" in reasons[3]
    assert "in no hurry" in reasons[2]
    assert (tickets[0].defers, tickets[0].defers_reason) == (4, "due 33.0 h of the desk's open time earlier")


@pytest.mark.parametrize("done", range(5))
def test_the_fifth_pick_is_counted_from_what_was_ever_done(done: int) -> None:
    """A list that is made anew after every ticket still comes to its fifth: the guard moves up by one with each that is done."""
    pace = Pace(**{**PACE.__dict__, "done_cases": 100 + done})
    tickets = in_order(line(*[(2 + number, 10, number) for number in range(6)], (-50, 1, 9)), BY_INDEX, pace)
    assert order(tickets).index(6) == 4 - done


@given(
    cases=st.lists(st.tuples(st.one_of(st.just(NEVER), st.floats(-100, 100)), st.sampled_from([1.0, 3.0, 10.0]), st.integers(0, 50)), min_size=1, max_size=30),
    policy=st.sampled_from([BY_DUE_DATE, BY_INDEX]), pace=st.sampled_from([PACE, None]),
)
@settings(max_examples=examples(100), deadline=None)
def test_every_case_has_one_place_and_defers_one_behind_it(cases: list[tuple[float, float, float]], policy: Any, pace: Pace | None) -> None:
    tickets = in_order(line(*cases), policy, pace)
    assert sorted(order(tickets)) == list(range(len(cases)))
    for place, ticket in enumerate(tickets):
        assert ticket.defers is None if place + 1 == len(tickets) else ticket.defers is not None and ticket.defers > place
        assert ticket.reason
        assert ticket.kept_now is None or 0 <= (ticket.kept_later or 0) <= ticket.kept_now <= 1


def test_in_a_slow_queue_what_is_due_soon_goes_before_what_has_time() -> None:
    """Works of 8.7 h: eight of them would be 69.6 h, after which either case is lost."""
    slow = Pace(**{**PACE.__dict__, "work_seconds": 8.7 * HOUR, "touch_seconds": 8.7 * HOUR})
    tickets = in_order(line((20, 1, 0), (4.3, 1, 1)), BY_INDEX, slow)
    assert order(tickets) == [1, 0]
    assert "if begun 5.0 h later" in tickets[1].reason


def test_what_follows_in_other_queues_takes_from_the_time_left() -> None:
    alone, followed = (in_order(line((3, 1, 0), after=after), BY_DUE_DATE, PACE)[0].kept_now for after in ((0.0, 0.0), (HOUR, 4 * HOUR)))
    assert alone is not None
    assert followed is not None
    assert followed < alone - 0.3


def test_a_first_touch_is_kept_by_whoever_begins_in_time() -> None:
    """Two heads, an hour a case, two due in half an hour: both can be begun by then, few are done."""
    urgent = [(0.5, 1.0, number) for number in range(2)]
    begun, done = (
        verdict_on(line(*urgent, stops_at_start=stops, objective=0.0), PACE, past(stops_at_start=stops, objective=0.0)).breaches_by_due_date for stops in (True, False)
    )
    assert begun is not None
    assert done is not None
    assert begun < 0.5
    assert done > 1
    assert [in_order(line((0.5, 1, 0), stops_at_start=stops), BY_DUE_DATE, PACE)[0].reason for stops in (False, True)] == [
        "due in 30 min of the desk's open time; 32% chance to be kept if begun now", "due in 30 min of the desk's open time; over 99% chance to be kept if begun now",
    ]  # fmt: skip


def test_a_line_that_can_be_kept_is_by_due_date() -> None:
    verdict = verdict_on(line(*[(5 + number, 1, number) for number in range(10)]), PACE, CALM)
    assert verdict.policy == BY_DUE_DATE
    assert verdict.reason.startswith("due dates can be kept: of ")
    assert "the error budget of their objectives; of 40 cases that fell due in the last 5 business days 0 were breached (0%), and " in verdict.reason
    assert verdict.breaches_by_due_date is not None
    assert verdict.allowed_breaches == pytest.approx(0.05 * cast(float, verdict.due_cases))
    assert verdict.breaches_by_due_date <= verdict.allowed_breaches
    assert verdict.breaches_by_index is None
    assert verdict.replay is not None
    assert verdict.replay.is_believed


def test_a_budget_without_an_objective_says_what_stands_for_it() -> None:
    without = replace(line(*[(5 + number, 1, number) for number in range(10)]), has_objectives=False)
    assert "their error budget, with 95% for promises without an objective in sla_policies.yml; of 40 cases" in verdict_on(without, PACE, CALM).reason


def test_beyond_what_the_objectives_allow_it_is_by_the_index_which_keeps_more() -> None:
    """Two hundred hours of work, half of them past due, and two heads: whoever clears what is lost loses what is not."""
    overloaded = line(*[(-5, 1, number) for number in range(60)], *[(1 + number / 4, 10 if number % 3 else 1, 60 + number) for number in range(60)])
    verdict = verdict_on(overloaded, PACE, CALM)
    assert verdict.policy == BY_INDEX
    due, breached, by_index = (cast(float, figure) for figure in (verdict.due_cases, verdict.breaches_by_due_date, verdict.breaches_by_index))
    assert breached > 0.9 * due
    assert by_index < 0.8 * breached
    assert cast(float, verdict.weight_by_index) < 0.7 * cast(float, verdict.weight_by_due_date)
    assert re.match(
        r"due dates cannot be kept: of 9\d cases due in the next 5 business days by simulation, 9\d would be breached by due date; 5% may be \([45](\.\d)? cases\), "
        r"the error budget of their objectives; by weight \d+, and \d+ by the index; of 40 cases that fell due in the last 5 business days 0 were breached",
        verdict.reason,
    )


# A simulation that does not reproduce the past has no say.


def test_a_past_that_was_later_than_its_heads_make_it_is_not_believed() -> None:
    """A third of forty cases were breached; two heads who take an hour each would have kept them all."""
    verdict = verdict_on(line(*[(1 + number / 4, 1, number) for number in range(40)]), PACE, past(late=13))
    assert verdict.policy == BY_DUE_DATE
    assert verdict.reason.startswith("a simulation of the queue does not reproduce what happened there, so it has no say: of 40 cases that fell due in the last 5 business days 13 were breached (33%), and ")
    assert verdict.reason.endswith("would be let pass: something else than heads that are busy makes cases late there")
    assert verdict.due_cases is None
    assert verdict.breaches_by_due_date is None
    replay = cast(Replay, verdict.replay)
    assert (replay.due_cases, replay.breached_cases, replay.is_as_often) == (40, 13, False)
    assert replay.replayed_breached_cases < 1
    assert replay.difference > replay.allowed_difference


def test_a_past_that_was_less_late_than_its_heads_make_it_is_not_believed() -> None:
    """None of 200 cases was late; two heads who take an hour each would have kept a quarter of them."""
    verdict = verdict_on(line(*[(1 + number / 4, 1, number) for number in range(40)]), PACE, past(200))
    assert verdict.policy == BY_DUE_DATE
    assert verdict.reason.endswith("would be let pass: fewer cases are late there than such heads at such a pace would make late")
    assert cast(Replay, verdict.replay).replayed_breached_cases > 100


@pytest.mark.parametrize(("due", "told"), [(0, "no case"), (1, "one case"), (19, "19 cases")])
def test_where_too_little_fell_due_nothing_can_be_held_against_it(due: int, told: str) -> None:
    verdict = verdict_on(line((1, 1, 0), (-1, 1, 1)), PACE, past(due))
    assert (verdict.policy, verdict.replay) == (BY_DUE_DATE, None)
    assert verdict.reason == f"{told} fell due there in the last 10 business days, and at least 20 are needed to hold a simulation against what happened: by due date"


@pytest.mark.parametrize("worked", ["first in, first out", "earliest due date", "guarded index"])
def test_a_queue_that_waits_for_its_heads_is_reproduced_and_at_overload_the_index_is_chosen(worked: str) -> None:
    """Six heads, a hundred cases a day at 0.9 of what they do, and in the last eight days three in ten more: in whatever order they were worked, opsla's own included. One of three may fail by chance."""
    chosen = []
    for seed in range(3):
        found = log(load=0.9, burst=(8, 1.3), order=worked, days=25, seed=seed)
        verdict = verdict_on(line_of(found), pace_of(found), visits_of(found))
        chosen.append(cast(Replay, verdict.replay).is_believed and verdict.policy == BY_INDEX)
    assert sum(chosen) >= 2


@pytest.mark.parametrize("load", [0.7, 0.9])
def test_a_queue_below_capacity_is_reproduced_and_by_due_date(load: float) -> None:
    verdicts = [verdict_on(line_of(found), pace_of(found), visits_of(found)) for found in (log(heads=12, cases_a_day=600.0, load=load, seed=seed) for seed in range(3))]
    assert [(verdict.policy, cast(Replay, verdict.replay).is_believed, verdict.reason.partition(":")[0]) for verdict in verdicts] == [(BY_DUE_DATE, True, "due dates can be kept")] * 3


def test_the_estimate_of_work_by_pace_finds_the_truth_of_a_busy_queue() -> None:
    for load in (0.97, 1.1):
        assert pace_of(log(heads=12, cases_a_day=600.0, load=load)).work_seconds == pytest.approx(12 * 36_000 * load / 600, rel=0.04)


@pytest.mark.parametrize(("own_hours", "target_hours"), [
    ((1.0, 1.2), (8.0,)), ((8.0, 1.0), (8.0,)), ((4.0, 1.0), (2.0, 8.0, 24.0)), ((8.0, 1.0), (2.0, 8.0, 24.0)),
], ids=["5 in 100 late", "half late", "by targets, 4 in 10 late", "by targets, 6 in 10 late"])  # fmt: skip
def test_a_queue_whose_delays_are_its_own_does_not_choose_the_index(own_hours: tuple[float, float], target_hours: tuple[float, ...]) -> None:
    """Cases take as long as they take, whatever the heads do, so no order keeps more of them."""
    for seed in range(3):
        found = log(own_hours=own_hours, target_hours=target_hours, seed=seed)
        verdict = verdict_on(line_of(found), pace_of(found), visits_of(found))
        assert not cast(Replay, verdict.replay).is_believed
        assert verdict.policy == BY_DUE_DATE


@pytest.mark.parametrize(("truth", "seed", "policy", "cases", "points", "brier"), [
    ({"load": 1.05}, 2, BY_INDEX, (471, 329, 318), (2.8, 5.3), (0.003, 0.022)),
    ({"own_hours": (1.0, 1.2), "target_hours": (8.0,)}, 2, BY_DUE_DATE, (433, 21, 1), (4.7, 1.5), (0.039, 0.037)),
    ({"own_hours": (4.0, 1.0)}, 1, BY_DUE_DATE, (419, 161, 165), (2.1, 8.3), (0.183, 0.152)),
], ids=["heads", "delays of their own", "the right share for the wrong reason"])  # fmt: skip
def test_the_worked_case_of_a_replay(
    truth: dict[str, Any], seed: int, policy: str, cases: tuple[int, ...], points: tuple[float, ...], brier: tuple[float, ...]
) -> None:
    """docs/decisions/0044: six heads and a hundred cases a day, which are late for three reasons."""
    found = log(seed=seed, **truth)
    verdict = verdict_on(line_of(found), pace_of(found), visits_of(found))
    replay = cast(Replay, verdict.replay)
    assert verdict.policy == policy
    assert (replay.due_cases, replay.breached_cases, round(replay.replayed_breached_cases)) == cases
    assert (100 * replay.difference, 100 * replay.allowed_difference) == pytest.approx(points, abs=0.05)
    assert (replay.brier_score, replay.usual_brier_score) == pytest.approx(brier, abs=0.0005)
    if policy == BY_INDEX:
        assert [round(cast(float, figure)) for figure in (verdict.due_cases, verdict.breaches_by_due_date, verdict.breaches_by_index)] == [489, 489, 210]
    elif replay.is_as_often:
        assert "but how long cases usually take there, whatever the heads do, tells better which of them were late" in verdict.reason


def test_what_the_simulation_may_be_off_by_does_not_choose_the_index() -> None:
    """A few cases, of which a quarter more would be breached than may be: less than chance makes of so few."""
    found = log(heads=2, cases_a_day=20.0, own_hours=(1.0, 1.2), target_hours=(8.0,), seed=2)
    verdict = verdict_on(line_of(found), pace_of(found), visits_of(found))
    assert verdict.policy == BY_DUE_DATE
    assert cast(float, verdict.breaches_by_due_date) > cast(float, verdict.allowed_breaches)
    assert verdict.reason.startswith("whether due dates can be kept cannot be told, so by due date: ")
    assert "; the simulation may be off by " in verdict.reason


def test_the_objective_decides_how_many_breaches_are_too_many() -> None:
    tight = [(1 + number / 3, 1.0 + 9 * (number % 2), number) for number in range(60)]
    policies = [verdict_on(line(*tight, objective=objective), PACE, past(objective=objective)).policy for objective in (0.0, 0.99)]
    assert policies == [BY_DUE_DATE, BY_INDEX]


def test_cases_that_are_expected_come_as_they_came() -> None:
    """As many as in a past window, with the time that was left to those."""
    calm = line(*[(6 + number, 1, number) for number in range(6)])
    due = cast(float, verdict_on(calm, PACE, CALM).due_cases)
    assert due == pytest.approx(6 + 40, rel=0.1)


def test_where_nobody_knows_it_is_by_due_date_and_said_so() -> None:
    assert verdict_on(line((1, 1, 0)), None, CALM).reason == "no case left the queue in the last 10 business days, so nobody knows what a case takes: by due date"
    assert verdict_on(line((1, 1, 0)), None, CALM, 14).reason == (
        "no case is known to have left the queue in the last 10 business days (14 dates of them are not loaded), so nobody knows what a case takes: by due date"
    )
    assert verdict_on(line((NEVER, 1, 0)), PACE, CALM).reason == "no case of the queue has a running clock: what waits longest goes first"


def test_a_past_of_which_dates_are_not_loaded_is_none_to_hold_a_simulation_against() -> None:
    known, missing = (verdict_on(line(*[(6 + number, 1, number) for number in range(6)]), PACE, CALM, dates) for dates in (0, 1))
    assert known.replay is not None
    assert (missing.policy, missing.replay, missing.due_cases) == (BY_DUE_DATE, None, None)
    assert missing.reason == "1 date of the last 10 business days is not loaded, so no simulation can be held against what happened: by due date"


def test_the_same_line_gives_the_same_verdict_and_five_thousand_cases_are_put_in_order_in_bounded_time() -> None:
    rng = np.random.default_rng(5)
    long = line(*[(float(due), float(weight), number) for number, (due, weight) in enumerate(zip(rng.uniform(-20, 60, 5_000), rng.choice([1, 3, 10], 5_000), strict=True))])
    pace = Pace(**{**PACE.__dict__, "heads": 20})
    begun = time.process_time()
    verdict = verdict_on(long, pace, CALM)
    tickets = in_order(long, BY_INDEX, pace)
    assert time.process_time() - begun < 3
    assert verdict == verdict_on(long, pace, CALM)
    assert verdict.policy == BY_INDEX
    assert len(tickets) == 5_000


# What the tables hold.

NOW = datetime(2025, 7, 16, 16)


@pytest.fixture
def scope() -> Scope:
    """A warehouse with the tables of the area alone: two queues, three agents."""
    connection = duckdb.connect()
    for schema in ("mart", "ops"):
        connection.execute(f"create schema {schema}")
    for name in ("mart.desk_now", "mart.backlog_now", "mart.workable_cases", "mart.queue_work", "mart.queue_health", "mart.queue_visits", "mart.after_queue_times", "mart.worklist_policies", "mart.next_best_ticket", "mart.open_case_risk", "ops.next_best_shown"):
        ensure_table(connection, TABLES[name])
    _insert(connection, "mart.desk_now", [{"now_at": NOW, "as_of_at": NOW}])
    _insert(connection, "mart.queue_work", [
        {"now_at": NOW, "queue": "back", "pace_days": 10, "pace_business_minutes": 6000.0, "gone_cases": 100, "done_cases": 400, "simulated_heads": 2,
         "pace_work_business_minutes": 30.0, "handled_cases": 25, "handling_mean_calendar_minutes": 12.0},
        {"now_at": NOW, "queue": "none", "pace_days": 10, "pace_business_minutes": 6000.0, "gone_cases": 0, "done_cases": 0, "simulated_heads": 1,
         "handled_cases": 3, "handling_mean_calendar_minutes": 99.0},
    ])  # fmt: skip
    _insert(connection, "mart.workable_cases", [
        _case("a", "back", "ann", "P1", 7200), _case("b", "back", "bob", "P3", 3600), _case("c", "none", "ann", None, 5400), _case("d", "none", None, "high", None),
    ])  # fmt: skip
    return cast(Scope, SimpleNamespace(connection=connection, is_trial=False, settings=SimpleNamespace(worklist=WorklistSettings(), sla_policies=SimpleNamespace(metrics={}))))


def _case(case_id: str, queue: str, agent: str | None, priority: str | None, due: int | None) -> dict[str, object]:
    return {
        "now_at": NOW, "source": "log", "case_id": case_id, "intake_date": date(2025, 7, 16), "intake_ts": NOW, "queue": queue, "agent": agent, "priority": priority,
        "due_in_business_seconds": due, "target_seconds": 28_800, "due_policy": "desk", "due_metric": "first_resolution", "due_cycle": 1,
    }  # fmt: skip


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[dict[str, object]]) -> None:
    for row in rows:
        connection.execute(f"insert into {table} ({', '.join(row)}) values ({', '.join('?' for _ in row)})", list(row.values()))


def _make(scope: Scope, name: str) -> list[dict[str, Any]]:
    made = assets.WORKLIST[name].rows(scope, None)
    scope.connection.register("made", made)
    scope.connection.execute(f"create or replace table {name} as select * from made")
    scope.connection.unregister("made")
    return cast(list[dict[str, Any]], made.to_pylist())


def test_the_rows_say_what_they_rest_on(scope: Scope) -> None:
    assert [(row["queue"], row["picking_policy"], row["workable_cases"]) for row in _make(scope, "mart.worklist_policies")] == [
        ("back", "earliest due date", 2), ("none", "earliest due date", 2),
    ]  # fmt: skip
    tickets = {row["case_id"]: row for row in _make(scope, "mart.next_best_ticket")}
    assert {case: row["position_in_queue"] for case, row in tickets.items()} == {"b": 1, "a": 2, "c": 1, "d": 2}
    assert {case: row["position_for_agent"] for case, row in tickets.items()} == {"a": 2, "b": 1, "c": 1, "d": None}, "Ann has c first: it is due first"
    assert {case: row["weight"] for case, row in tickets.items()} == {"a": 10, "b": 1, "c": 1, "d": 3}
    assert [(tickets[case]["work_business_minutes"], tickets[case]["work_source"]) for case in "ac"] == [(12.0, "handling told by the source"), (None, "unknown")]
    assert (tickets["b"]["defers_case_id"], tickets["b"]["defers_reason"]) == ("a", "priority P1 counts 10 times as much, due later")
    assert tickets["a"]["due_in_business_minutes"] == 120


def test_dates_that_are_not_loaded_are_the_reason_of_what_is_not_known(scope: Scope) -> None:
    _insert(scope.connection, "mart.queue_health", [{"dimension": "all", "unloaded_days": 14}])
    reasons = {row["queue"]: row["picking_policy_reason"] for row in _make(scope, "mart.worklist_policies")}
    assert reasons["none"].startswith("no case is known to have left the queue in the last 10 business days (14 dates of them are not loaded)")
    assert reasons["back"].startswith("14 dates of the last 10 business days are not loaded")


def test_a_promise_that_is_lost_is_told_beside_the_one_that_can_be_kept(scope: Scope) -> None:
    """`a` is due in two hours by one promise, and has been past due by another since this morning: who reads the list finds it among what is past due elsewhere."""
    _insert(scope.connection, "mart.backlog_now", [{"case_id": "a", "breached_clocks": 1}, {"case_id": "d", "breached_clocks": 1}, {"case_id": "b", "breached_clocks": 0}])
    _make(scope, "mart.worklist_policies")
    reasons = {row["case_id"]: row["next_reason"] for row in _make(scope, "mart.next_best_ticket")}
    assert {case for case, reason in reasons.items() if reason.endswith("; another of its promises is past due")} == {"a"}


def _visit(number: int, **changed: object) -> dict[str, object]:
    """To `back`, one every half hour, due two hours later and done in 20 minutes."""
    came = number * 1_800
    return {
        "window_number": 1, "queue": "back", "intake_date": date(2025, 7, 14), "case_id": f"v{number:03}", "visit_number": 1, "priority": "P1" if number % 2 else None, "window_business_seconds": 180_000,
        "is_there_at_start": False, "stint_started_at": NOW, "came_business_seconds": came, "due_metric": "first_touch", "target_seconds": 7_200, "due_business_seconds": came + 7_200,
        "stopped_business_seconds": came + 1_200, "is_due_breached": False, "objective_pct": 90.0, **changed,
    }  # fmt: skip


def test_the_past_is_read_as_it_was(scope: Scope) -> None:
    settings = cast(Any, scope.settings)
    settings.sla_policies.metrics = {"first_touch": SimpleNamespace(stop=[Signal.TRIAGE])}
    _insert(scope.connection, "mart.after_queue_times", [{"queue": "back", "metric": "first_touch", "after_p50_business_minutes": 10.0, "after_p90_business_minutes": 30.0}])
    _insert(scope.connection, "mart.queue_visits", [
        _visit(1), _visit(0, came_business_seconds=0, is_there_at_start=True, stint_started_at=datetime(2025, 7, 16, 15)), _visit(2, came_business_seconds=0, is_there_at_start=True),
        _visit(3, due_metric=None, target_seconds=None, due_business_seconds=None, stopped_business_seconds=None, is_due_breached=None, objective_pct=None), _visit(4, window_number=2), _visit(5, queue="gone"),
    ])  # fmt: skip
    found = assets._visits(scope, ["back", "none"])
    assert len(found["none"]) == 0
    back = found["back"]
    assert back.window_number.tolist() == [1, 1, 1, 1, 2]
    assert back.came_seconds.tolist() == [0, 0, 1_800, 5_400, 7_200], "those that were there by how long they had been with whoever held them"
    assert back.due_seconds.tolist() == [7_200, 10_800, 9_000, NEVER, 14_400]
    assert back.stopped_seconds.tolist() == [1_200, 4_800, 3_000, NEVER, 8_400]
    assert back.weight.tolist() == [1, 1, 10, 10, 1]
    assert back.stops_at_start.tolist() == [True, True, True, False, True]
    assert back.after_p50_seconds.tolist() == [600, 600, 600, 0, 600]
    assert back.objective.tolist() == [0.9, 0.9, 0.9, 0.95, 0.9]


@pytest.mark.parametrize(("late", "is_believed", "told"), [
    (0, True, "in 1 due dates can be kept, or the guarded index is not known to keep more; in 1 too little is known to simulate"),
    (30, False, "in 1 a simulation does not reproduce what happened, so it has no say; in 1 too little is known to simulate"),
])  # fmt: skip
def test_what_happened_stands_beside_what_is_simulated(scope: Scope, late: int, is_believed: bool, told: str) -> None:
    """Ninety cases of 20 minutes before two heads, none of which had to be late; in the second log, thirty were."""
    scope.connection.execute("update mart.queue_work set pace_work_business_minutes = 20 where queue = 'back'")
    _insert(scope.connection, "mart.queue_visits", [_visit(number, is_due_breached=number < late, stopped_business_seconds=None if number < late else number * 1_800 + 1_200) for number in range(90)])
    back, none = _make(scope, "mart.worklist_policies")
    assert (back["past_due_cases"], back["past_breached_cases"], back["replayed_days"], back["is_replay_believed"]) == (90, late, 5, is_believed)
    assert back["replayed_breached_cases"] < 1
    assert (back["due_date_breached_cases"] is not None) == is_believed
    assert f"of 90 cases that fell due in the last 5 business days {late} were breached" in back["picking_policy_reason"]
    assert (none["past_due_cases"], none["is_replay_believed"]) == (None, None)
    in_force = policies(scope.connection)
    assert why_by_due_date(in_force) == told
    assert [(row["queue"], row["past_breached_pct"] if row["past_due_cases"] else None) for row in replays(in_force)] == [("back", pytest.approx(100 * late / 90)), ("none", None)]
    for check in ("assert_the_index_rests_on_a_past_that_is_reproduced", "assert_a_disbelieved_simulation_shows_no_coming_breaches"):
        assert check_invariant(scope.connection, "mart.worklist_policies", check, None, NOW).passed
    # The index without a past that vouches for it; a forecast of a simulation that is not believed.
    for check, broken in (
        ("assert_the_index_rests_on_a_past_that_is_reproduced", "update mart.worklist_policies set picking_policy = 'guarded index'"),
        ("assert_a_disbelieved_simulation_shows_no_coming_breaches", "update mart.worklist_policies set is_replay_believed = false, due_date_breached_cases = 1 where queue = 'back'"),
    ):
        scope.connection.execute(broken)
        assert not check_invariant(scope.connection, "mart.worklist_policies", check, None, NOW).passed


@pytest.mark.parametrize(("source", "risk", "kept"), [("model", 0.136, 0.864), ("baseline", 0.136, 0.864), ("none", 0.136, 0.309), ("model", 0.9, 0.309)])
def test_begun_now_is_never_worse_than_as_usual(scope: Scope, source: str, risk: float, kept: float) -> None:
    scope.connection.execute("update mart.queue_work set pace_work_business_minutes = 150, handled_cases = 0 where queue = 'back'")
    scope.connection.execute("update mart.workable_cases set due_in_business_seconds = 4400 where case_id = 'b'")
    _insert(scope.connection, "mart.open_case_risk", [
        {"case_id": "b", "policy": "desk", "metric": "first_resolution", "cycle": 1, "breach_probability": risk, "probability_source": source},
    ])  # fmt: skip
    _make(scope, "mart.worklist_policies")
    [ticket] = [row for row in _make(scope, "mart.next_best_ticket") if row["case_id"] == "b"]
    assert ticket["kept_if_now_probability"] == pytest.approx(kept, abs=0.01)
    assert f"{100 * kept:.0f}% chance to be kept if begun now" in ticket["next_reason"]


def test_what_was_shown_is_remembered_once_an_instant_and_for_ninety_days(scope: Scope) -> None:
    for name in ("mart.worklist_policies", "mart.next_best_ticket"):
        _make(scope, name)
    _insert(scope.connection, "ops.next_best_shown", [
        {"shown_at": datetime(2025, 7, 15, 16), "case_id": "old", "queue": "back", "position_in_queue": 1},
        {"shown_at": datetime(2025, 4, 1, 16), "case_id": "older", "queue": "back", "position_in_queue": 1},
        {"shown_at": NOW, "case_id": "from_a_run_before", "queue": "back", "position_in_queue": 1},
    ])  # fmt: skip
    first, again = (_make(scope, "ops.next_best_shown") for _ in range(2))
    assert [(row["shown_at"], row["case_id"]) for row in first] == [(datetime(2025, 7, 15, 16), "old"), *((NOW, case) for case in "abcd")]
    assert first == again


class _Wall(datetime):
    """A wall clock that stands an hour after NOW."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> _Wall:
        return cls(2025, 7, 16, 17, tzinfo=tz)


def test_only_a_list_of_the_present_could_be_seen_and_a_rerun_does_not_undo_that(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    def seen() -> set[bool]:
        return {row["is_of_the_present"] for row in _make(scope, "ops.next_best_shown")}

    for name in ("mart.worklist_policies", "mart.next_best_ticket"):
        _make(scope, name)
    assert seen() == {False}, "a replay: NOW is long ago by the wall clock"
    with monkeypatch.context() as patched:
        patched.setattr(assets, "datetime", _Wall)
        cast(Any, scope).is_trial = True
        assert seen() == {False}, "nobody works by what the trial of init shows"
        cast(Any, scope).is_trial = False
        scope.connection.execute("update mart.desk_now set as_of_at = now_at + interval 8 day")
        assert seen() == {False}, "the log ended a week before the look"
        scope.connection.execute("update mart.desk_now set as_of_at = now_at")
        assert seen() == {True}
    assert seen() == {True}, "made again much later"


def test_where_nothing_is_loaded_nothing_is_shown_and_nothing_forgotten(scope: Scope) -> None:
    for name in ("mart.desk_now", "mart.workable_cases", "mart.queue_work"):
        scope.connection.execute(f"delete from {name}")
    _insert(scope.connection, "ops.next_best_shown", [{"shown_at": datetime(2025, 7, 15, 16), "case_id": "old", "queue": "back", "position_in_queue": 1}])
    assert _make(scope, "mart.worklist_policies") == []
    assert _make(scope, "mart.next_best_ticket") == []
    assert [row["case_id"] for row in _make(scope, "ops.next_best_shown")] == ["old"]


@pytest.mark.parametrize(("text", "priority", "weight"), [
    ("", "P1", 10), ("", " urgent ", 10), ("", "High", 3), ("", "P4", 1), ("", None, 1),
    ("weights: {VIP: 25, P2: 5}", "vip", 25), ("weights: {VIP: 25, P2: 5}", "P1", 1),
])  # fmt: skip
def test_weights_are_the_usual_ones_unless_worklist_yml_says_otherwise(tmp_path: Path, text: str, priority: str | None, weight: float) -> None:
    if text:
        (tmp_path / "worklist.yml").write_text(text, encoding="utf-8")
    assert read_worklist(tmp_path / "worklist.yml").weight_of(priority) == weight


def test_a_weight_that_is_none_is_refused_by_its_place(tmp_path: Path) -> None:
    (tmp_path / "worklist.yml").write_text("weights: {P1: 0}", encoding="utf-8")
    with pytest.raises(OpslaError, match=r"worklist\.yml.*weights\.P1"):
        read_worklist(tmp_path / "worklist.yml")


@pytest.mark.parametrize(("check", "broken"), [
    ("assert_every_workable_case_has_its_place", "delete from mart.next_best_ticket where case_id = 'a'"),
    ("assert_every_workable_case_has_its_place", "update mart.next_best_ticket set position_in_queue = 3 where case_id = 'a'"),
    ("assert_every_workable_case_has_its_place", "update mart.next_best_ticket set position_in_queue = 1 where queue = 'back'"),
    ("assert_every_workable_case_has_its_place", "delete from mart.workable_cases where case_id = 'a'"),
    ("assert_due_dates_are_in_order", "update mart.next_best_ticket set due_in_business_minutes = 59 where case_id = 'a'"),
    ("assert_due_dates_are_in_order", "update mart.next_best_ticket set due_in_business_minutes = null where case_id = 'b'"),
])  # fmt: skip
def test_the_invariants_see_what_is_wrong(scope: Scope, check: str, broken: str) -> None:
    for name in ("mart.worklist_policies", "mart.next_best_ticket"):
        _make(scope, name)
    scope.connection.execute("create schema if not exists staging")
    assert check_invariant(scope.connection, "mart.next_best_ticket", check, None, NOW).passed
    scope.connection.execute(broken)
    assert not check_invariant(scope.connection, "mart.next_best_ticket", check, None, NOW).passed


def test_the_risk_of_the_clock_that_makes_a_ticket_due_stands_beside_it_where_there_is_one(scope: Scope) -> None:
    for name in ("mart.worklist_policies", "mart.next_best_ticket"):
        _make(scope, name)
    assert [(row["case_id"], row["breach_probability"]) for row in first_tickets(scope.connection, "back", 5)] == [("b", None), ("a", None)]
    scope.connection.execute("""
        create or replace table mart.open_case_risk as
        select case_id, 'desk' as policy, metric, 1::bigint as cycle, probability as breach_probability, 'model' as probability_source, 'late' as reason_1, null::varchar as reason_2, null::varchar as reason_3
        from (values ('a', 'first_resolution', 0.25), ('a', 'first_touch', 0.9), ('b', 'first_touch', 0.5)) as risks(case_id, metric, probability)
    """)
    assert [(row["case_id"], row["breach_probability"]) for row in first_tickets(scope.connection, "back", 5)] == [("b", None), ("a", 0.25)]
    assert [(row["case_id"], row["reason_1"]) for row in next_tickets(scope.connection, Asked(None, "ann", 5))] == [("c", None), ("a", "late")]


def test_of_several_queues_only_the_first_ticket_of_each_is_shown(scope: Scope) -> None:
    for name in ("mart.worklist_policies", "mart.next_best_ticket"):
        _make(scope, name)
    shown = first_tickets(scope.connection, None, 5)
    assert len({row["queue"] for row in shown}) == len(shown) > 1
    assert {row["position_in_queue"] for row in shown} == {1}
    scope.connection.execute("delete from mart.next_best_ticket where queue <> 'back'")
    assert [row["position_in_queue"] for row in first_tickets(scope.connection, None, 5)] == [1, 2]


def test_the_section_of_the_report_names_the_queues_by_index(scope: Scope) -> None:
    for name in ("mart.worklist_policies", "mart.next_best_ticket"):
        _make(scope, name)
    headline = cast(Headline, SimpleNamespace(titles=lambda: {"first_resolution": "Resolution"}, zone="America/New_York"))
    section = next_tickets_section(scope.connection, headline)
    assert section is not None
    assert section.finding == "2 queues have tickets to work on as of 2025-07-16 16:00 UTC; in each the earliest due date goes first: in 2 too little is known to simulate."
    assert [row[0] for row in section.data["rows"]] == ["b", "c"], "the first of each queue alone"
    assert section.data["rows"][0][3].startswith("Resolution: due in 60 min of the desk's open time")
    scope.connection.execute("update mart.worklist_policies set picking_policy = 'guarded index' where queue = 'back'")
    found = next_tickets_section(scope.connection, headline)
    assert found is not None
    assert found.finding.endswith("due dates cannot be kept in back: there the guarded index is in force.")
    scope.connection.execute("delete from mart.next_best_ticket")
    assert next_tickets_section(scope.connection, headline) is None


def test_what_was_shown_survives_an_upgrade(tmp_path: Path) -> None:
    """Of an earlier version, without a column of today's; the order itself is made anew by the next run."""
    path = tmp_path / "ops_warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        for schema in ("raw", "mart", "ops"):
            connection.execute(f"create schema {schema}")
        for name in ("raw.cases", "mart.next_best_ticket", "ops.next_best_shown"):
            ensure_table(connection, TABLES[name])
        _insert(connection, "ops.next_best_shown", [{"shown_at": NOW, "case_id": "a", "queue": "back", "position_in_queue": 1}])
        for name in ("mart.next_best_ticket", "ops.next_best_shown"):
            connection.execute(f"alter table {name} drop column position_for_agent")
        assert upgrade(connection, path) is not None
        assert connection.execute("select case_id, queue, position_in_queue, position_for_agent from ops.next_best_shown").fetchall() == [("a", "back", 1, None)]
        assert "mart.next_best_ticket" not in table_names(connection)
