"""The policy bench in small: one seed of it ranks the policies as the reference table does, and is near its figures."""

from __future__ import annotations

import pytest

from benchmarks.policies import BUSY_WEEKS, OVERLOAD, REFERENCE, STEADY, Outcome, desk, outcomes
from opsla_dagster.queueing import policies
from opsla_dagster.queueing.jobs import pool
from opsla_dagster.queueing.simulation import simulate_picks


@pytest.fixture(scope="module")
def measured() -> dict[str, dict[str, Outcome]]:
    return {load: outcomes(load, seeds=1) for load in (STEADY, BUSY_WEEKS, OVERLOAD)}


@pytest.mark.parametrize("load", [BUSY_WEEKS, OVERLOAD])
def test_beyond_capacity_the_index_breaches_least_and_due_dates_blow_up(measured: dict[str, dict[str, Outcome]], load: str) -> None:
    weighted = {name: outcome.weighted_breached_pct for name, outcome in measured[load].items()}
    assert min(weighted, key=weighted.__getitem__) == "index"
    order = ["index", "weight / work", "guarded index", "strict priority", "earliest due date", "first in, first out"]
    assert sorted(weighted, key=weighted.__getitem__) == order
    assert weighted["earliest due date"] > 10 * weighted["index"]


@pytest.mark.parametrize("load", [BUSY_WEEKS, OVERLOAD])
def test_the_guard_bounds_the_oldest_case(measured: dict[str, dict[str, Outcome]], load: str) -> None:
    assert measured[load]["guarded index"].oldest_days < 0.5 * measured[load]["index"].oldest_days
    assert measured[load]["guarded index"].oldest_days < 0.5 * measured[load]["weight / work"].oldest_days


def test_below_capacity_due_dates_are_as_good_as_anything(measured: dict[str, dict[str, Outcome]]) -> None:
    by_due_date = measured[STEADY]["earliest due date"]
    assert by_due_date.breached_pct < 1
    assert by_due_date.weighted_breached_pct <= min(outcome.weighted_breached_pct for outcome in measured[STEADY].values()) + 0.3
    assert measured[STEADY]["first in, first out"].weighted_breached_pct > 5 * by_due_date.weighted_breached_pct


@pytest.mark.parametrize("load", [STEADY, BUSY_WEEKS, OVERLOAD])
def test_the_figures_are_near_the_reference(measured: dict[str, dict[str, Outcome]], load: str) -> None:
    """One seed of four, and another desk of the same description: half as much again and three points are noise, twice as much is not."""
    for name, theirs in REFERENCE[load].items():
        ours = measured[load][name]
        for part in ("breached_pct", "weighted_breached_pct"):
            assert abs(getattr(ours, part) - getattr(theirs, part)) <= 3 + 0.5 * getattr(theirs, part), (load, name, part)


def test_the_worst_slot_of_the_index_is_a_short_one() -> None:
    """Why a slot is eight works long: with a quarter of one, the index sees a due date too late."""
    made, kept = desk(1.05, 1.0, 0, days=30), policies.kept_within(0.5)
    breached = {
        works: float(made.weight @ ~simulate_picks(made, pool(6), policies.by_index(kept, works * 1_800.0)).is_kept(made))
        for works in (0.25, 4, policies.SLOT_WORKS, 16)
    }
    assert breached[0.25] > 2 * breached[policies.SLOT_WORKS]
    assert max(breached[4], breached[16]) < 1.5 * breached[policies.SLOT_WORKS]
