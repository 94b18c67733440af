"""A usual week of a queue, and weeks drawn from it.

Belongs here: arrivals by weekday and hour, business seconds, draws. Does not belong here: heads and what they bring (outcome.py).

A slot is one weekday and hour. Time is business seconds from Monday on: a slot is as long as the desk is open in it. What comes in while the desk is
closed waits at the start of the next open slot; that is how a weekend becomes Monday's pile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from opsla_dagster.errors import OpslaError
from opsla_dagster.queueing.jobs import Floats, Ints
from opsla_dagster.queueing.streams import streams, works

SLOTS_A_WEEK = 168
#: Arrivals are drawn for so many times the usual ones and thinned, so that a what-if of more or fewer arrivals keeps the same cases.
MOST_ARRIVALS = 2.0
_WARM_UP_WEEKS = 1


@dataclass(frozen=True)
class Week:
    """Of each of the 168 slots, Monday 00:00 first: how long the desk is open in it, and the cases that come in in it, in a mean week.

    `overdispersion`: variance of the factor by which whole days are busier or quieter than chance (Poisson) makes them.
    """

    open_seconds: Floats
    cases: Floats
    overdispersion: float = 0.0

    def __post_init__(self) -> None:
        if not self.open_seconds.sum() > 0:
            raise OpslaError("the desk's calendar has no open hour in a week; heads cannot be planned on it")

    @cached_property
    def begins(self) -> Floats:
        """The business second of the week at which each slot begins; a closed slot begins where the next open one does."""
        begins = np.cumsum(self.open_seconds) - self.open_seconds
        # What comes in after the last open hour of the week begins the next week.
        return np.asarray(begins)

    @property
    def seconds(self) -> float:
        """Business seconds of a week."""
        return float(self.open_seconds.sum())

    @property
    def is_open(self) -> np.ndarray:
        return np.asarray(self.open_seconds > 0)

    @property
    def cases_a_week(self) -> float:
        return float(self.cases.sum())

    def workload_heads(self, touch_seconds: float) -> float:
        """Heads that the work keeps busy, spread evenly over all open hours: below it no roster keeps up."""
        return self.cases_a_week * touch_seconds / self.seconds

    def served_cases(self) -> Floats:
        """The cases by the open slot in which work on them can begin; 0 in closed slots."""
        served = np.zeros(SLOTS_A_WEEK)
        np.add.at(served, self.opening_slot, self.cases)
        return served

    @cached_property
    def opening_slot(self) -> Ints:
        """Of each slot the first open one from it on, past Sunday night that of Monday."""
        opened = np.flatnonzero(self.is_open)
        following = np.searchsorted(opened, np.arange(SLOTS_A_WEEK))
        return np.asarray(opened[following % len(opened)], dtype=np.int64)


@dataclass(frozen=True)
class Promised:
    """A target in business seconds, and which share of the cases has it; the rest are promised nothing."""

    target_seconds: float
    share: float


@dataclass(frozen=True)
class Draws:
    """Cases of `weeks` weeks, one entry a case, by arrival. `week` is -1 in the warm-up, which nobody judges.

    `unit_work` has the mean 1. `mark` is uniform on 0..MOST_ARRIVALS: a case is there where the arrivals are at least so many times the usual ones.
    `target_seconds` is infinite where nothing is promised.
    """

    week: Week
    weeks: int
    arrival_seconds: Floats
    week_number: Ints
    unit_work: Floats
    target_seconds: Floats
    mark: Floats

    def with_arrivals(self, factor: float) -> Draws:
        """The cases of so many times the usual arrivals, 0 to MOST_ARRIVALS; more arrivals are the same cases and others."""
        kept = self.mark < factor
        return Draws(
            self.week, self.weeks, self.arrival_seconds[kept], self.week_number[kept], self.unit_work[kept], self.target_seconds[kept], self.mark[kept]
        )


def draw(week: Week, promised: Sequence[Promised], weeks: int, *, variation: float = 1.0, seed: int = 45, most_arrivals: float = 1.0) -> Draws:
    """`weeks` weeks after one of warm-up, always the same ones for the same arguments."""
    counts, days, places, work, targets, marks = streams(seed, 6)
    all_weeks = weeks + _WARM_UP_WEEKS
    rates = np.broadcast_to(week.cases.reshape(7, 24), (all_weeks, 7, 24)) * MOST_ARRIVALS
    if week.overdispersion > 0:
        rates = rates * days.gamma(1.0 / week.overdispersion, week.overdispersion, (all_weeks, 7, 1))
    numbers = counts.poisson(rates).ravel()
    slot = np.repeat(np.arange(all_weeks * SLOTS_A_WEEK), numbers)
    in_week, number = slot % SLOTS_A_WEEK, slot // SLOTS_A_WEEK
    arrival = week.begins[in_week] + places.random(len(slot)) * week.open_seconds[in_week] + number * week.seconds
    made = Draws(
        week=week,
        weeks=weeks,
        arrival_seconds=arrival,
        week_number=(arrival // week.seconds).astype(np.int64) - _WARM_UP_WEEKS,
        unit_work=works(work, np.ones(len(slot)), variation),
        target_seconds=_targets(targets.random(len(slot)), promised),
        mark=marks.random(len(slot)) * MOST_ARRIVALS,
    )
    kept = (made.mark < most_arrivals) & (made.week_number < weeks)
    in_order = np.flatnonzero(kept)[np.argsort(made.arrival_seconds[kept], kind="stable")]
    return Draws(
        week, weeks, arrival[in_order], made.week_number[in_order], made.unit_work[in_order], made.target_seconds[in_order], made.mark[in_order]
    )


def _targets(uniform: Floats, promised: Sequence[Promised]) -> Floats:
    bounds = np.cumsum([each.share for each in promised])
    values = np.array([*(each.target_seconds for each in promised), np.inf])
    # Shares that add up to one may miss it by rounding.
    if len(bounds) and bounds[-1] > 1 - 1e-9:
        bounds[-1] = 1.0
    return np.asarray(values[np.searchsorted(bounds, uniform, side="right")])
