"""Minutes to green by simulation: what is certain comes out exactly, what is not lies where it must."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsla_dagster.staffing.to_green import (
    NEVER,
    NO_PACE,
    Standing,
    _green_by_queues,
    _least_green,
    _simulated,
    pace,
    simulate_to_green,
    targets_of,
)

DAY = 36_000.0


def standing(due: list[float], left: float = 10.0, arrived: float = 0.0, heads: int = 1, target: float = np.inf) -> Standing:
    return Standing(np.array(due, dtype=np.float64), left, arrived, ((target, 1.0),), DAY, heads)


def test_nothing_past_due_and_nothing_coming_is_green_now() -> None:
    found = simulate_to_green(standing([]))
    assert (found.p50_minutes, found.p90_minutes, found.never_pct) == (0.0, 0.0, 0.0)


def test_five_cases_past_due_at_ten_an_hour_take_half_an_hour() -> None:
    """The fluid bound is 30 minutes; chance lies around it."""
    found = simulate_to_green(standing([-1.0] * 5))
    assert found.p50_minutes == pytest.approx(30, abs=15)
    assert found.p90_minutes > found.p50_minutes


def test_what_is_past_due_comes_first() -> None:
    """A hundred cases that are due in two days do not stand before five that are late."""
    alone, among = simulate_to_green(standing([-1.0] * 5)), simulate_to_green(standing([-1.0] * 5 + [2 * DAY] * 100))
    assert among.p90_minutes == pytest.approx(alone.p90_minutes)


def test_a_pace_below_what_comes_in_is_never_green() -> None:
    """Twenty an hour come, each due within the hour; ten leave."""
    found = simulate_to_green(standing([-1.0] * 5, left=10.0, arrived=20.0, target=3600.0))
    assert not np.isfinite(found.p50_minutes)
    assert found.never_pct == 100.0


def test_a_case_that_falls_due_before_anybody_comes_to_it_keeps_the_desk_from_green() -> None:
    """Fifty cases due in an hour at ten an hour: green when the last of them is done."""
    found = simulate_to_green(standing([3600.0] * 50))
    assert found.p50_minutes == pytest.approx(300, abs=90)


def test_the_same_standing_has_the_same_answer() -> None:
    asked = standing([-1.0] * 40, left=30.0, arrived=20.0, heads=4, target=DAY)
    assert simulate_to_green(asked) == simulate_to_green(asked)


@settings(max_examples=12, deadline=None)
@given(left=st.floats(5, 40), load=st.floats(0.1, 0.7), late=st.integers(0, 20), heads=st.integers(1, 5))
def test_a_load_clearly_below_one_goes_green(left: float, load: float, late: int, heads: int) -> None:
    """What can leave while work waits is more than what comes in, each due within a business day."""
    found = simulate_to_green(standing([-1.0] * late, left=left, arrived=load * left, heads=heads, target=DAY))
    assert found.never_pct == 0.0
    assert np.isfinite(found.p90_minutes)


def test_the_pace_is_that_of_hours_in_which_work_waits_and_of_what_leaves_outside_hours_and_on_other_days() -> None:
    balanced = {"left_cases_per_business_hour": 6.0, "gone_cases_per_open_hour": 9.0, "open_hours_per_business_day": 10.0, "gone_cases_outside_hours_per_business_day": 5.0, "gone_cases_per_other_day": 0.0,
                "business_days": 40, "other_days": 16}  # fmt: skip
    assert pace(balanced) == pytest.approx(9.5)
    assert pace({**balanced, "gone_cases_per_other_day": 25.0}) == pytest.approx(10.5), "two Sundays of 25 for five business days are 10 more a business day"
    assert pace({**balanced, "gone_cases_per_open_hour": None}) == 6.0
    assert pace({**balanced, "left_cases_per_business_hour": None, "gone_cases_per_open_hour": None}) == 0.0


def test_days_that_are_not_loaded_are_no_pace_of_nothing() -> None:
    health = {"left_cases_per_business_hour": None, "gone_cases_per_open_hour": None, "open_hours_per_business_day": None, "next_day_business_minutes": 600.0}
    assert _simulated({**health, "unloaded_days": 0}, np.array([-1.0]), None, (), 1) == NO_PACE
    told = _simulated({**health, "unloaded_days": 14}, np.array([-1.0]), None, (), 1)
    assert told == "no case is known to have left in the last 10 business days (14 dates of them are not loaded): pace unknown"


def test_each_promise_has_its_own_target() -> None:
    rows = [
        {"metric": metric, "is_response": is_response, "target_seconds": seconds, "clock_share_pct": share}
        for metric, is_response, seconds, share in (("reply", True, 600, 100.0), ("done", False, 7200, 20.0), ("done", False, 72_000, 70.0))
    ]
    assert targets_of(rows) == ((7200.0, 0.2), (72_000.0, 0.7))
    assert targets_of(rows[:1]) == ((600.0, 1.0),)
    assert targets_of([]) == ()


@pytest.mark.parametrize(
    ("late", "until"),
    [
        ([], 0.0),
        ([(0.0, 100.0)], 100.0),
        ([(0.0, 100.0), (50.0, 80.0)], 100.0),
        ([(0.0, 100.0), (100.0 + DAY, 200.0 + DAY)], 200.0 + DAY),
        ([(0.0, 100.0), (101.0 + DAY, 200.0 + DAY)], 100.0),
        ([(10.0, 100.0)], 100.0),
    ],
)
def test_green_is_when_nothing_is_late_for_a_business_day(late: list[tuple[float, float]], until: float) -> None:
    starts, ends = (np.array([pair[side] for pair in late]) for side in (0, 1))
    assert _least_green(starts, ends, DAY) == until


def test_the_desk_is_green_once_every_queue_is_in_each_run() -> None:
    desk, queues = np.array([10.0, 40.0, 10.0]), {"back": np.array([90.0, 20.0, 30.0]), "front": np.array([5.0, 5.0, 95.0])}
    assert list(_green_by_queues(desk, queues)) == [90.0, 40.0, 95.0]
    assert list(_green_by_queues(desk, {})) == list(desk)


def test_a_queue_without_an_answer_leaves_the_desk_without_one_and_is_named() -> None:
    desk, never = np.array([10.0, 10.0, 10.0]), np.array([np.inf, np.inf, 5.0])
    assert _green_by_queues(desk, {"back": NO_PACE, "front": desk}) == f"queue back: {NO_PACE}; all but 1 queue: 10 min"
    assert _green_by_queues(desk, {"back": never, "front": never}) == f"queue back (and 1 more): {NEVER}; all others green now"
    assert _green_by_queues(desk, {"back": NO_PACE, "front": never, "side": desk}) == f"queue front: {NEVER}; 1 more unknown; all but 2 queues: 10 min"
    assert _green_by_queues(desk, {"back": NO_PACE, "none": NO_PACE}) == f"queue back (and 1 more): {NO_PACE}; all others green now"
    assert _green_by_queues(desk, {"none": NO_PACE}) == f"no queue told: {NO_PACE}; all others green now"
    assert list(_green_by_queues(never, {"back": NO_PACE})) == list(never)
    assert list(_green_by_queues(never, {"back": never})) == list(never)
    assert _green_by_queues(NO_PACE, {"back": desk}) == NO_PACE
