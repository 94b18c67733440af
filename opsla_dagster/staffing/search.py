"""The roster with the fewest head-hours that keeps an objective in 95 % of the weeks.

Belongs here: the shapes that are tried, and trimming. Does not belong here: what a roster brings (outcome.py).

Ticket work can wait, so a roster's shape counts more than its size: what a night and a weekend have piled up is due at once. Tried are heads that
are the same all day, heads with more of them in the first hours of a day, and heads that follow the work over the time it may wait. Each shape is
made larger until it keeps the objective; of what does, the cheapest is trimmed hour by hour. The number of rosters looked at is bounded, so the
same question has the same answer on a slow machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from opsla_dagster.queueing.closed_forms import erlang_a_answered_within, mmc_wait_within
from opsla_dagster.queueing.jobs import Floats
from opsla_dagster.staffing.outcome import AT_ONCE, Outcome, OwnDelays, judge, whole_heads
from opsla_dagster.staffing.week import SLOTS_A_WEEK, Draws, Week

#: More heads than that, at all hours, are looked at by nobody: then the objective is out of reach.
_MOST_HEADS_PER_WORKLOAD = 40.0
#: Halvings of a size: the last step is finer than a head.
_HALVINGS = 9
#: Rosters with a head less in some hours that are looked at.
_TRIMS = 60
_HOUR_SECONDS = 3600.0


@dataclass(frozen=True)
class Question:
    """What is asked: cases of drawn weeks, the work of each, and the promise; see `judge`. `step` is the smallest part of a head."""

    draws: Draws
    touch_seconds: float
    target_seconds: float
    objective_pct: float
    is_response: bool
    own: OwnDelays = AT_ONCE
    step: float = 1.0

    def outcome(self, heads: Floats) -> Outcome:
        return judge(self.draws, heads, self.touch_seconds, is_response=self.is_response, own=self.own)

    def keeps(self, heads: Floats) -> bool:
        return self.outcome(heads).keeps(self.objective_pct)


@dataclass(frozen=True)
class Plan:
    """Heads by slot and what they bring; `shape` says in words how they lie."""

    heads: Floats
    outcome: Outcome
    shape: str


def best_plan(question: Question, *, trims: int = _TRIMS) -> Plan | None:
    """The cheapest roster found; None where none keeps the objective, however many heads there are."""
    found = [plan for plan in (_enlarged(question, shape, named) for named, shape in _shapes(question)) if plan is not None]
    if not found:
        return None
    cheapest = min(found, key=lambda plan: (plan.outcome.head_hours, plan.shape))
    return _trimmed(question, cheapest, trims)


def flat_plan(question: Question) -> Plan | None:
    """The least heads that are the same in every open hour; None as in `best_plan`."""
    return _enlarged(question, _flat(question), "the same heads all day")


Shape = Callable[[float], Floats]


def _shapes(question: Question) -> Iterator[tuple[str, Shape]]:
    yield "heads that follow the work over the time it may wait", _following(question)
    yield "the same heads all day", _flat(question)
    for hours in (1, 2, 3):
        yield f"a core all day, and more heads in the first {'hour' if hours == 1 else f'{hours} hours'} of a day", _front_loaded(question, hours)


def _flat(question: Question) -> Shape:
    workload = _workload(question)
    return lambda size: np.where(question.draws.week.is_open, workload * (1.0 + size), 0.0)


def _front_loaded(question: Question, hours: int) -> Shape:
    """A core a little above the workload of the later hours, and as many more as `size` says in the first hours after each closing."""
    week = question.draws.week
    first = _first_hours(week, hours)
    core = _workload(question) * 0.9
    return lambda size: np.where(week.is_open, core + np.where(first, core * size * 4.0, 0.0), 0.0)


def _following(question: Question) -> Shape:
    """Each hour's work spread evenly over the time that it may wait, and a margin of `size` square roots of it, as chance grows with the root."""
    week = question.draws.week
    fluid = fluid_heads(week, question.touch_seconds, question.target_seconds)
    return lambda size: np.where(week.is_open, fluid + 3.0 * size * np.sqrt(np.maximum(fluid, question.step)), 0.0)


def _first_hours(week: Week, hours: int) -> np.ndarray:
    """The open slots that lie within the first hours after a closed slot."""
    first = np.zeros(SLOTS_A_WEEK, dtype=bool)
    for slot in np.flatnonzero(week.is_open & ~np.roll(week.is_open, 1)).tolist():
        for later in range(slot, slot + hours):
            if not week.is_open[later % SLOTS_A_WEEK]:
                break
            first[later % SLOTS_A_WEEK] = True
    return first


def _workload(question: Question) -> float:
    return max(question.draws.week.workload_heads(question.touch_seconds), question.step)


def _enlarged(question: Question, shape: Shape, named: str) -> Plan | None:
    """The smallest size of a shape that keeps the objective, by halving."""
    most = _MOST_HEADS_PER_WORKLOAD
    small, large = 0.0, 1.0
    while not question.keeps(_rounded(question, shape(large))):
        small, large = large, large * 2
        if large > most:
            return None
    if question.keeps(_rounded(question, shape(small))):
        large = small
    for _ in range(_HALVINGS if large > small else 0):
        middle = (small + large) / 2
        if np.array_equal(_rounded(question, shape(middle)), _rounded(question, shape(large))):
            large = middle
        elif question.keeps(_rounded(question, shape(middle))):
            large = middle
        else:
            small = middle
    heads = _rounded(question, shape(large))
    return Plan(heads, question.outcome(heads), named)


def _rounded(question: Question, heads: Floats) -> Floats:
    week = question.draws.week
    return np.where(week.is_open, np.maximum(whole_heads(heads, question.step), question.step), 0.0)


def _trimmed(question: Question, plan: Plan, trims: int) -> Plan:
    """A step less in hour after hour, where the heads have most to spare, as long as the objective is kept."""
    heads, kept = plan.heads.copy(), plan.outcome
    spare = heads - fluid_heads(question.draws.week, question.touch_seconds, question.target_seconds)
    tried = 0
    for size in (4, 1):
        for slot in np.argsort(-spare, kind="stable").tolist():
            less = heads[slot] - size * question.step
            if tried >= trims or less < question.step:
                continue
            tried += 1
            asked = heads.copy()
            asked[slot] = less
            outcome = question.outcome(asked)
            if outcome.keeps(question.objective_pct):
                heads, kept = asked, outcome
    return Plan(heads, kept, plan.shape)


def fluid_heads(week: Week, touch_seconds: float, target_seconds: float) -> Floats:
    """Heads by slot where each slot's work is spread evenly over the target: a lower bound that one can follow with a pencil.

    It knows no chance: with these heads about half of the cases at the edge are late.
    """
    opened = np.flatnonzero(week.is_open)
    length = week.open_seconds[opened]
    work = week.served_cases()[opened] * touch_seconds
    begins = np.cumsum(length) - length
    total, spread = week.seconds, np.zeros(len(opened))
    reach = min(max(target_seconds, _HOUR_SECONDS), total)
    for slot in np.flatnonzero(work).tolist():
        # The stretch from the slot's begin over the target, round the end of the week.
        for shift in (0.0, total):
            overlap = np.minimum(begins + length, begins[slot] + reach - shift) - np.maximum(begins, begins[slot] - shift)
            spread += work[slot] * np.maximum(overlap, 0.0) / reach
    heads = np.zeros(SLOTS_A_WEEK)
    heads[opened] = spread / length
    return heads


def erlang_heads(cases_an_hour: float, touch_seconds: float, target_seconds: float, objective_pct: float, patience_seconds: float | None = None) -> int:
    """The least heads that Erlang C asks for on a steady stream, or Erlang A where customers leave after `patience_seconds`; 0 without cases."""
    if cases_an_hour <= 0:
        return 0
    rate, share = cases_an_hour / _HOUR_SECONDS, objective_pct / 100.0

    def within(heads: int) -> float:
        if patience_seconds is not None:
            return erlang_a_answered_within(target_seconds, rate, touch_seconds, patience_seconds, heads)
        return mmc_wait_within(target_seconds, rate, touch_seconds, heads)

    low, high = 0, max(1, int(rate * touch_seconds) + 1)
    while within(high) < share:
        low, high = high, high * 2
        if high > 1_000_000:
            return high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if within(middle) >= share else (middle, high)
    return high
