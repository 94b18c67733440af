"""What waits tell of touch times, and how past weeks are predicted: on logs whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from staffing_desk import TOUCH_SECONDS, WEEK_SECONDS, queueing_log

from opsla_dagster.staffing.desk_log import DeskLog
from opsla_dagster.staffing.made_from import WEEKS_READ
from opsla_dagster.staffing.replay import (
    FEW_CLOCKS,
    NO_STAFF,
    NOT_LOADED,
    NOT_OVER,
    NOT_YET,
    STILL_OPEN,
    ReplayedWeek,
    replay,
)


def errors(found: list[ReplayedWeek]) -> list[float]:
    return [abs(week.error_points) for week in found if week.error_points is not None]


@pytest.mark.parametrize(
    ("heads_of", "own"), [(lambda week: 7 + week % 3, 0.0), (lambda week: 12 - week // 4, 0.0), (lambda week: 8, 0.0), (lambda week: 7 + week % 3, 1800.0)],
    ids=["changing", "declining", "steady", "with delays of their own"],
)  # fmt: skip
def test_where_waits_come_from_heads_the_touch_time_and_the_weeks_are_found(heads_of: object, own: float) -> None:
    found = list(replay(queueing_log(WEEKS_READ, heads_of, own_seconds=own)))  # type: ignore[arg-type]
    assert len(errors(found)) == 12
    assert np.mean(errors(found)) <= 3.0
    learnt = [week.learnt.touch_seconds for week in found if week.learnt is not None]
    assert all(touch == pytest.approx(TOUCH_SECONDS, rel=0.06) for touch in learnt)
    allowed = found[-1].learnt.allowed  # type: ignore[union-attr]
    assert allowed is not None
    assert 0.9 * TOUCH_SECONDS < allowed[0] <= allowed[1] < 1.1 * TOUCH_SECONDS
    assert all(week.at_most_seconds is not None and week.at_most_seconds > TOUCH_SECONDS for week in found)


def test_a_week_is_predicted_without_its_own_outcome() -> None:
    """What the last week's clocks say changes nothing of its prediction."""
    log = queueing_log(WEEKS_READ, lambda week: 7 + week % 3)
    clocks = log.clocks["first_reply"]
    of_last = log.week[clocks.case] == WEEKS_READ - 1
    turned = replace(clocks, is_met=np.where(of_last, ~clocks.is_met, clocks.is_met), elapsed_seconds=np.where(of_last, 1e6, clocks.elapsed_seconds))
    before, after = list(replay(log)), list(replay(replace(log, clocks={"first_reply": turned})))
    assert [week.predicted_pct for week in before[:12]] == [week.predicted_pct for week in after[:12]]


def test_where_waits_do_not_come_from_heads_no_touch_time_is_made_up() -> None:
    """Delays drawn at random, whatever the heads do: the bound is all that is told, and the weeks are predicted all the same."""
    log = queueing_log(WEEKS_READ, lambda week: 30 - week)
    random = np.random.default_rng(5)
    clocks = log.clocks["first_reply"]
    elapsed = random.exponential(3000.0, len(clocks.case))
    met = elapsed <= clocks.target_seconds
    week = log.week[clocks.case]
    own = replace(clocks, elapsed_seconds=elapsed, is_met=met, met_by_week=np.bincount(week, met, WEEKS_READ).astype(np.int64))
    found = list(replay(replace(log, clocks={"first_reply": own})))
    assert [week.learnt.touch_seconds for week in found if week.learnt is not None] == [0.0] * 13
    assert np.mean(errors(found)) <= 1.5
    assert found[-1].at_most_seconds is not None
    allowed = found[-1].learnt.allowed  # type: ignore[union-attr]
    assert allowed is not None
    assert allowed[0] == 0 < allowed[1] < found[-1].at_most_seconds


def test_a_desk_on_which_everything_is_in_time_tells_no_touch_time() -> None:
    """Thirty heads for the work of six: no account is better than another, and none is taken."""
    found = list(replay(queueing_log(WEEKS_READ, lambda week: 30)))
    assert [week.learnt.touch_seconds for week in found if week.learnt is not None] == [0.0] * 13
    assert found[-1].learnt.allowed[1] > TOUCH_SECONDS  # type: ignore[union-attr,index]


def test_weeks_that_are_known_are_left_out() -> None:
    log = queueing_log(WEEKS_READ, lambda week: 8)
    whole = list(replay(log))
    known = {week.week_date for week in whole[:7]}
    assert list(replay(log, but=known)) == whole[7:]


def test_the_coming_week_is_a_row_without_an_outcome() -> None:
    *weeks, coming = replay(queueing_log(WEEKS_READ, lambda week: 8))
    assert (coming.reason, coming.actual_pct, coming.predicted_pct, coming.clocks) == (NOT_OVER, None, None, 0)
    assert coming.learnt is not None
    assert (coming.week_date - weeks[-1].week_date).days == 7


def test_a_log_without_staff_says_so_in_every_week() -> None:
    log = queueing_log(WEEKS_READ, lambda week: 8)
    nobody = replace(log.staff, heads=np.full(len(log.staff.heads), np.nan))
    found = list(replay(replace(log, staff=nobody)))
    assert {week.reason for week in found[:-1]} == {NO_STAFF}
    assert all(week.predicted_pct is None and week.actual_pct is not None for week in found[:-1])
    assert found[-1].at_most_seconds is None
    assert found[-1].learnt is not None
    assert found[-1].learnt.touch_seconds == 0


def test_the_first_weeks_have_nothing_to_learn_from() -> None:
    found = list(replay(queueing_log(6, lambda week: 8)))
    assert [week.reason for week in found] == [NOT_YET] * 4 + [None, None, NOT_OVER]


def test_a_week_that_is_not_loaded_whole_is_neither_predicted_nor_learned_from() -> None:
    """Of week 15 a day of seven is there: the desk of that week would look idle, and its minutes per finished case like those of slow cases."""
    log = queueing_log(WEEKS_READ, lambda week: 8 if week == 15 else 30)
    gap = replace(log, is_loaded=np.arange(WEEKS_READ) != 15)
    of_week = {week.week_date: week for week in replay(gap)}
    missing = of_week[log.monday(15)]
    assert (missing.reason, missing.predicted_pct, missing.head_hours) == (NOT_LOADED, None, None)
    assert [week.reason for monday, week in of_week.items() if monday != log.monday(15)] == [None] * 11 + [NOT_OVER]
    # The leanest week is the bound on a touch time: this one is none.
    whole = list(replay(log))
    assert of_week[log.monday(16)].at_most_seconds > 2 * whole[8].at_most_seconds  # type: ignore[operator]
    few = replace(log, is_loaded=np.arange(WEEKS_READ) % 3 == 0)
    assert [week.reason for week in replay(few)] == [NOT_LOADED if week % 3 else NOT_YET for week in range(8, WEEKS_READ)] + [NOT_OVER]


def test_a_week_of_few_clocks_is_not_judged() -> None:
    found = list(replay(queueing_log(6, lambda week: 1, cases=10)))
    assert found[4].reason == FEW_CLOCKS
    assert found[4].actual_pct is None


def test_a_desk_without_clocks_has_no_rows() -> None:
    log: DeskLog = replace(queueing_log(5, lambda week: 8), clocks={})
    assert list(replay(log)) == []


def test_weeks_of_the_test_are_five_days_of_ten_hours() -> None:
    assert queueing_log(4, lambda week: 8).staff.seconds_of(np.array([2])) == 8 * WEEK_SECONDS


def test_weeks_whose_long_cases_are_still_open_teach_nothing() -> None:
    """Of the last six weeks only what was quick has ended: learnt from, they would promise that everything is quick."""
    log = queueing_log(WEEKS_READ, lambda week: 8)
    clocks = log.clocks["first_reply"]
    random = np.random.default_rng(7)
    elapsed = random.exponential(6000.0, len(clocks.case))
    week = log.week[clocks.case]
    ended = (week < WEEKS_READ - 6) | (elapsed < 3000.0)
    met = elapsed <= clocks.target_seconds
    own = replace(
        clocks, case=clocks.case[ended], elapsed_seconds=elapsed[ended], is_met=met[ended], target_seconds=clocks.target_seconds[ended],
        met_by_week=np.bincount(week[ended], met[ended], WEEKS_READ).astype(np.int64), judged_by_week=np.bincount(week[ended], minlength=WEEKS_READ),
    )  # fmt: skip
    *weeks, coming = replay(replace(log, clocks={"first_reply": own}))
    assert {found.reason for found in weeks[-6:]} == {STILL_OPEN}
    assert coming.learnt is not None
    assert coming.learnt.all_own is not None
    assert coming.learnt.all_own.within[-1] == pytest.approx(1 - np.exp(-7200 / 6000), abs=0.03)


def test_too_few_cases_tell_no_delays_of_their_own() -> None:
    *_, coming = replay(queueing_log(5, lambda week: 1, cases=4))
    assert coming.learnt is not None
    assert coming.learnt.all_own is None
