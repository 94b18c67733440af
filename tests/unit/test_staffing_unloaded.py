"""Dates that are not loaded are no days without arrivals: they are in no usual week, and too few whole weeks are no plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from staffing_desk import OPEN_SECONDS, heads, inputs_of, queueing_log

from opsla_dagster.reporting.staffing import arrivals_sentence
from opsla_dagster.staffing.desk_log import Axis, Frame, Offsets, Staff
from opsla_dagster.staffing.inputs import DESK_QUEUE, Arrivals, hours_rows
from opsla_dagster.staffing.planning import Ask, answer
from opsla_dagster.staffing.week import SLOTS_A_WEEK

MONDAY = date(2026, 10, 5)
NOTHING = np.zeros(0)


def frame(*weeks: int, of: int = 8) -> Frame:
    """`of` weeks; of those numbered nothing is loaded from Tuesday on."""
    unloaded = [MONDAY + timedelta(days=7 * week + day) for week in weeks for day in range(1, 7)]
    return Frame(
        first_monday=MONDAY, weeks=of, offsets=Offsets(MONDAY, MONDAY + timedelta(days=7 * of), "America/New_York"),
        axis=Axis(NOTHING, NOTHING, NOTHING.astype(bool), NOTHING, 0.0), is_holiday=np.zeros(7 * of, dtype=bool), open_seconds=OPEN_SECONDS.ravel(),
        staff=Staff(NOTHING, NOTHING, NOTHING, NOTHING.astype(int), NOTHING.astype(int)), shrinkage=np.full(of, np.nan), unloaded=unloaded,
    )  # fmt: skip


def arrivals(of_frame: Frame) -> Arrivals:
    """Two cases an hour, none on dates that are not loaded."""
    cases = np.full((of_frame.weeks, SLOTS_A_WEEK), 2.0)
    for day in of_frame.unloaded:
        number = (day - MONDAY).days
        cases[number // 7, number % 7 * 24 : (number % 7 + 1) * 24] = 0.0
    return Arrivals(of_frame, {DESK_QUEUE: cases})


@pytest.mark.parametrize("weeks", [(), (0,), (1, 3, 5, 7)], ids=str)
def test_a_usual_week_is_of_weeks_whose_dates_are_all_loaded(weeks: tuple[int, ...]) -> None:
    found = arrivals(frame(*weeks))
    assert found.frame.unsayable is None
    assert found.usual(DESK_QUEUE).tolist() == [2.0] * SLOTS_A_WEEK
    assert found.overdispersion(DESK_QUEUE) == 0.0
    assert {row["cases_per_week"] for row in hours_rows(found)} == {2.0}


def test_fewer_than_four_of_them_tell_no_usual_week_and_why() -> None:
    found = arrivals(frame(1, 2, 3, 5, 7))
    assert found.frame.unsayable == (
        "of the last 8 whole weeks 3 have every date loaded, 4 are needed: 30 intake dates from 2026-10-13 to 2026-11-29 are not loaded; "
        "`opsla run --start 2026-10-13 --end 2026-11-30` loads what the sources have"
    )
    assert {row["cases_per_week"] for row in hours_rows(found)} == {None}
    # A young log is short, and has no gaps.
    assert frame(of=2).unsayable is None


def test_without_a_usual_week_there_is_no_plan_whatever_is_asked() -> None:
    """A touch time that somebody asks with is an assumption on cases; it says nothing of how many come in."""
    desk = inputs_of(queueing_log(20, lambda week: 7 + week % 3))
    [promise], queue = desk.promises[DESK_QUEUE], desk.queues[DESK_QUEUE]
    week = replace(queue.week, cases=np.zeros(SLOTS_A_WEEK))
    unknown = replace(desk, queues={DESK_QUEUE: replace(queue, week=week, has_usual_week=False)}, promises={DESK_QUEUE: (replace(promise, reason="not loaded"),)})
    for asked in (Ask("first_reply", 95.0), Ask("first_reply", 95.0, touch_minutes=12.0, rosters={"ours": heads(5)})):
        found = answer(unknown, asked)
        assert (found.refusal, found.plan, found.rosters, found.workload_heads, found.erlang_heads) == ("not loaded", None, (), None, None)
        assert found.contradiction is None


def test_the_weeks_that_count_are_said() -> None:
    desk = inputs_of(queueing_log(20, lambda week: 7 + week % 3))
    queue = desk.queues[DESK_QUEUE]
    assert arrivals_sentence(queue).endswith("(mean of the last 8 whole weeks, without holidays).")
    assert arrivals_sentence(replace(queue, weeks=5, unloaded_weeks=3)).endswith("(mean of those 5 of the last 8 whole weeks of which every date is loaded, without holidays).")
    assert arrivals_sentence(replace(queue, has_usual_week=False)) == "Arrivals: not known, as too few whole weeks are loaded."
