"""The roster with the fewest head-hours that keeps an objective in 95 % of the weeks.

Belongs here: the shapes that are tried, and trimming. Does not belong here: what a roster brings (outcome.py).

Ticket work can wait, so a roster's shape counts more than its size: what a night and a weekend have piled up is due at once. Tried are heads that
are the same all day, heads with more of them in the first hours of a day, and heads that follow the work over the time it may wait. Each shape is
made larger until it keeps the objective; of what does, the cheapest is trimmed hour by hour. The number of rosters looked at is bounded, so the
same question has the same answer on a slow machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from opsla_dagster.queueing.closed_forms import erlang_a_answered_within, mmc_wait_within
from opsla_dagster.queueing.jobs import Floats, Ints
from opsla_dagster.staffing.outcome import Judge, Outcome, whole_heads
from opsla_dagster.staffing.week import SLOTS_A_WEEK, Week

#: More heads than that, at all hours, are looked at by nobody: then the objective is out of reach.
_MOST_HEADS_PER_WORKLOAD = 40.0
#: Halvings of a size: the last step is finer than a head.
_HALVINGS = 9
#: Rosters with a head less in some hours that are looked at.
_TRIMS = 60
_HOUR_SECONDS = 3600.0
#: The share of their time that heads may be busy where the work is spread evenly over the time it may wait.
_BUSIEST = 0.9
#: Points by which a workload's attainment may flatter, tried in turn; steps of a head that a flat roster may lack for the same reason.
_MARGINS, _FLAT_STEPS = (0.0, 0.3, 0.6, 1.0, 1.5, 2.5), 6
FLAT = "the same heads all day"


@dataclass(frozen=True)
class Question:
    """What is asked: a promise with its target and objective, judged in drawn weeks. `step` is the smallest part of a head."""

    judge: Judge
    target_seconds: float
    objective_pct: float
    step: float = 1.0

    @property
    def week(self) -> Week:
        return self.judge.draws.week

    @property
    def touch_seconds(self) -> float:
        return self.judge.touch_seconds

    def outcome(self, heads: Floats) -> Outcome:
        return self.judge.outcome(heads)

    def keeps(self, heads: Floats) -> bool:
        return self.outcome(heads).keeps(self.objective_pct)


@dataclass(frozen=True)
class Plan:
    """Heads by slot and what they bring; `shape` says in words how they lie."""

    heads: Floats
    outcome: Outcome
    shape: str


def best_plan(question: Question, quick: Judge | None = None) -> Plan | None:
    """The cheapest roster found; None where none keeps the objective, however many heads there are.

    `quick` looks at the same cases as a workload. What it finds is put before the question's own judge, and where that disagrees, asked again for
    a little more.
    """
    if quick is None:
        return _search(question)
    for margin in _MARGINS:
        found = _search(replace(question, judge=quick, objective_pct=min(question.objective_pct + margin, 100.0)))
        if found is None:
            break
        if question.keeps(found.heads):
            return replace(found, outcome=question.outcome(found.heads))
    return _search(question, trims=0)


def flat_plan(question: Question, quick: Judge | None = None) -> Plan | None:
    """The least heads that are the same in every open hour; None as in `best_plan`."""
    start = _enlarged(question if quick is None else replace(question, judge=quick), _flat(question), FLAT)
    if start is None or quick is None:
        return start
    heads = start.heads
    for _ in range(_FLAT_STEPS):
        if question.keeps(heads):
            return Plan(heads, question.outcome(heads), FLAT)
        heads = np.where(question.week.is_open, heads + question.step, 0.0)
    return _enlarged(question, _flat(question), FLAT)


def _search(question: Question, trims: int = _TRIMS) -> Plan | None:
    found = [plan for plan in (_enlarged(question, shape, named) for named, shape in _shapes(question)) if plan is not None]
    if not found:
        return None
    cheapest = min(found, key=lambda plan: (plan.outcome.head_hours, plan.shape))
    return _trimmed(question, cheapest, trims)


Shape = Callable[[float], Floats]


def _shapes(question: Question) -> Iterator[tuple[str, Shape]]:
    yield "heads that follow the work over the time it may wait", _following(question)
    yield FLAT, _flat(question)
    for hours in (1, 2, 3):
        if hours * _HOUR_SECONDS <= max(question.target_seconds, _HOUR_SECONDS):
            yield f"a core all day, and more heads in the first {'hour' if hours == 1 else f'{hours} hours'} of a day", _front_loaded(question, hours)


def _flat(question: Question) -> Shape:
    workload = _workload(question)
    return lambda size: np.where(question.week.is_open, workload * (1.0 + size), 0.0)


def _front_loaded(question: Question, hours: int) -> Shape:
    """A core a little above the workload of the later hours, and as many more as `size` says in the first hours after each closing."""
    week = question.week
    first = _first_hours(week, hours)
    core = _workload(question) * 0.9
    return lambda size: np.where(week.is_open, core + np.where(first, core * size * 4.0, 0.0), 0.0)


def _following(question: Question) -> Shape:
    """Each hour's work spread evenly over the time that it may wait, and a margin of `size` square roots of it, as chance grows with the root."""
    week = question.week
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
    return max(question.week.workload_heads(question.touch_seconds), question.step)


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
        if np.array_equal(_rounded(question, shape(middle)), _rounded(question, shape(large))) or question.keeps(_rounded(question, shape(middle))):
            large = middle
        else:
            small = middle
    heads = _rounded(question, shape(large))
    return Plan(heads, question.outcome(heads), named)


def _rounded(question: Question, heads: Floats) -> Floats:
    return np.where(question.week.is_open, np.maximum(whole_heads(heads, question.step), _least(question)), 0.0)


def _least(question: Question) -> Floats:
    """Heads that no open hour has fewer of: with less to spare than that a usual hour never makes good what a bad day left."""
    fluid = fluid_heads(question.week, question.touch_seconds, question.target_seconds)
    usual = float(np.median(fluid[question.week.is_open]))
    return np.maximum(whole_heads(np.minimum(fluid, usual) / _BUSIEST, question.step), question.step)


def _trimmed(question: Question, plan: Plan, trims: int) -> Plan:
    """Fewer heads in block after block of a day, the largest first, as long as the objective is kept; whole blocks, so that shifts stay shifts."""
    heads, least = _levelled(plan.heads, question.step), _least(question)
    kept, tried = question.outcome(heads), 0
    for size in (8, 4, 2, 1):
        for block in sorted(_blocks(heads), key=lambda slots: (-heads[slots[0]], slots[0])):
            while tried < trims and (heads[block] - size * question.step >= least[block]).all():
                tried += 1
                asked = heads.copy()
                asked[block] -= size * question.step
                outcome = question.outcome(asked)
                if not outcome.keeps(question.objective_pct):
                    break
                heads, kept = asked, outcome
    return Plan(heads, kept, plan.shape)


def _levelled(heads: Floats, step: float) -> Floats:
    """Hours of a day that follow each other and differ by no more than a step have as many heads as the one with most."""
    level = heads.copy()
    for day in range(0, len(level), 24):
        first = day
        for slot in range(day + 1, day + 25):
            if slot == day + 24 or level[slot] == 0 or abs(level[slot] - level[first]) > step + 1e-9:
                level[first:slot] = level[first:slot].max()
                first = slot
    return level


def _blocks(heads: Floats) -> list[Ints]:
    """The slots of a day that follow each other with as many heads."""
    starts = np.flatnonzero((np.diff(heads, prepend=-1.0) != 0) | (np.arange(len(heads)) % 24 == 0))
    return [block for block in np.split(np.arange(len(heads)), starts[1:]) if heads[block[0]] > 0]


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
