"""One queue in order: who is next, why, and whom that defers.

Belongs here: the order of the tickets at one instant, and its reasons in words. Does not belong here: which policy is in force (feasibility).

- **Earliest due date**: what is due first, past due or not; of equal due times the heavier, then the one that came first. What has no running clock
  comes last, the longest waiting first.
- **Guarded index**: the most worth an hour of work first (queueing/policies.py); every 5th pick is the longest overdue. Picks are counted from
  the cases that the queue has ever done, so that a list made anew after every ticket still comes to its fifth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from opsla_dagster.figures import nearest, open_time, rounded
from opsla_dagster.queueing import policies
from opsla_dagster.queueing.jobs import Floats, Ints
from opsla_dagster.queueing.orders import BY_INDEX, PickingPolicy
from opsla_dagster.worklist.line import AFTER_SHARES, Line, Pace, after_seconds

#: From this probability on a case is kept, if it is begun; below the other it is lost.
_LIKELY, _UNLIKELY = 0.9, 0.1


@dataclass(frozen=True)
class Ticket:
    """One case of the line in its order. Probabilities are None where nothing is due or nobody knows what a case takes."""

    case: int
    reason: str
    kept_now: float | None
    kept_later: float | None
    #: The place in the line of the case that has the strongest claim to go before it, and what that claim is; None for the last.
    defers: int | None
    defers_reason: str | None


def in_order(line: Line, policy: PickingPolicy, pace: Pace | None, usually_kept: Floats | None = None) -> list[Ticket]:
    """The cases of the line, the next one first; `pace` is needed where the index is in force.

    `usually_kept`: P(kept) of each as cases usually go, NaN where nobody says. Begun now a case is kept no less often; the order does not look at it.
    """
    told_now, told_later = _kept(line, pace)
    if usually_kept is not None:
        told_now = np.where(np.isnan(told_now), told_now, np.fmax(told_now, usually_kept))
    kept_now, kept_later = told_now.tolist(), told_later.tolist()
    if policy == BY_INDEX and pace is not None:
        order, is_guard = _by_index(line, pace)
    else:
        order, is_guard = np.lexsort((line.age_rank, np.where(np.isfinite(line.due_seconds), -line.weight, 0.0), line.due_seconds)), frozenset[int]()
    tickets = []
    claims = _Claims(line, order)
    for place, case in enumerate(order.tolist()):
        defers, defers_reason = claims.deferred_by(place)
        reason = _reason(line, case, policy, place in is_guard, kept_now[case], kept_later[case], pace)
        tickets.append(Ticket(case, reason, _known(kept_now[case]), _known(kept_later[case]), defers, defers_reason))
    return tickets


def _kept(line: Line, pace: Pace | None) -> tuple[Floats, Floats]:
    """P(kept | begun now) and P(kept | begun one slot later); NaN where nothing is due, or nobody knows what a case takes."""
    unknown = np.full(len(line), np.nan)
    if pace is None:
        return unknown, unknown
    kept, work = _kept_of(line, pace), np.full(len(line), pace.touch_seconds)
    is_due = np.isfinite(line.due_seconds)
    slot = pace.slot_seconds
    return (
        np.where(is_due, kept(line.due_seconds, work), np.nan),
        np.where(is_due, kept(line.due_seconds - slot, work), np.nan),
    )


def _kept_of(line: Line, pace: Pace) -> policies.Kept:
    """P(the clock stops in time): the work here, and then what usually follows elsewhere. What stops as it is begun takes no work."""
    of_work = policies.kept_within(pace.variation)

    def in_hand(seconds_until_due: Floats, expected_work_seconds: Floats) -> Floats:
        return of_work(seconds_until_due, np.where(line.stops_at_start, 0.0, expected_work_seconds))

    after = after_seconds(line.after_p50_seconds, line.after_p90_seconds)

    def kept(seconds_until_due: Floats, expected_work_seconds: Floats) -> Floats:
        mixture: Floats = sum(
            (share * in_hand(seconds_until_due - follows, expected_work_seconds) for share, follows in zip(AFTER_SHARES, after, strict=True)),
            start=np.zeros(len(seconds_until_due)),
        )
        return mixture

    return kept


def _by_index(line: Line, pace: Pace) -> tuple[Ints, frozenset[int]]:
    """The order, and the places that the guard has taken."""
    worth = policies.index(
        0.0, line.due_seconds, line.target_seconds, line.weight, np.full(len(line), pace.touch_seconds),
        kept=_kept_of(line, pace), slot_seconds=pace.slot_seconds,
    )
    by_worth = np.lexsort((line.age_rank, line.due_seconds, -worth)).tolist()
    overdue = [case for case in np.lexsort((line.age_rank, line.due_seconds)).tolist() if line.due_seconds[case] < 0]
    taken: set[int] = set()
    order, is_guard = [], set()
    next_worth, next_overdue = iter(by_worth), iter(overdue)
    for place in range(len(line)):
        guard = next((case for case in next_overdue if case not in taken), None) if (pace.done_cases + place + 1) % policies.GUARD_EVERY == 0 else None
        case = guard if guard is not None else next(each for each in next_worth if each not in taken)
        if guard is not None:
            is_guard.add(place)
        taken.add(case)
        order.append(case)
    return np.array(order, dtype=np.int64), frozenset(is_guard)


class _Claims:
    """Of every place in the line, who after it would go first by another rule."""

    def __init__(self, line: Line, order: Ints) -> None:
        self._line, self._order = line, order.tolist()
        self._due = self._first_after(line.due_seconds[order])
        self._heaviest = self._first_after(-line.weight[order])
        self._oldest = self._first_after(line.age_rank[order])

    def deferred_by(self, place: int) -> tuple[int | None, str | None]:
        """The place that waits for this one, and why it might have gone before: due earlier, heavier, older; else it is simply the next."""
        if place + 1 == len(self._order):
            return None, None
        line, case = self._line, self._order[place]
        due, heaviest, oldest = self._due[place], self._heaviest[place], self._oldest[place]
        if line.due_seconds[self._order[due]] < line.due_seconds[case]:
            return due, f"due {_ahead(float(line.due_seconds[case] - line.due_seconds[self._order[due]]))}"
        if line.weight[self._order[heaviest]] > line.weight[case]:
            return heaviest, f"{self._priority(heaviest)} counts {rounded(float(line.weight[self._order[heaviest]] / line.weight[case]), 1).removesuffix('.0')} times as much{self._due_beside(case, heaviest)}"
        if line.age_rank[self._order[oldest]] < line.age_rank[case]:
            return oldest, f"came in earlier{self._due_beside(case, oldest)}"
        return place + 1, "next in line"

    def _due_beside(self, case: int, place: int) -> str:
        """When the one at `place` is due beside the case, which is due no later."""
        due, other = self._line.due_seconds[case], self._line.due_seconds[self._order[place]]
        if not np.isfinite(other):
            return ", has no due time" if np.isfinite(due) else ""
        return ", due at the same time" if other == due else ", due later"

    def _priority(self, place: int) -> str:
        priority = self._line.priorities[self._order[place]] if self._line.priorities else None
        return f"priority {priority}" if priority else "its priority"

    @staticmethod
    def _first_after(values: Floats) -> list[int]:
        """Of each place, that of the least value after it; of equal ones the first. The last has none (itself)."""
        least = len(values) - 1
        found = [least] * len(values)
        for place in range(len(values) - 2, -1, -1):
            found[place] = least
            if values[place] <= values[least]:
                least = place
        return found


def _ahead(seconds: float) -> str:
    return f"{open_time(seconds)} of the desk's open time earlier" if np.isfinite(seconds) else "sooner: this one has no due time"


def _reason(
    line: Line, case: int, policy: PickingPolicy, is_guard: bool, kept_now: float, kept_later: float, pace: Pace | None
) -> str:
    due = float(line.due_seconds[case])
    if not np.isfinite(due):
        return "no running clock: after what is due, the longest waiting first" if policy != BY_INDEX else "no running clock: nothing to keep"
    standing = f"past due by {open_time(-due)} of the desk's open time" if due < 0 else f"due in {open_time(due)} of the desk's open time"
    if is_guard:
        return f"longest overdue, {standing}: every {policies.GUARD_EVERY}th pick is, so that nothing is left for ever"
    if policy != BY_INDEX or pace is None:
        return standing if np.isnan(kept_now) or due < 0 else f"{standing}; {_share(kept_now)} chance to be kept if begun now"
    weight = f"weight {rounded(float(line.weight[case]), 1).removesuffix('.0')}"
    if due < 0:
        return f"{standing}, nothing left to keep; {weight}"
    slot = open_time(pace.slot_seconds)
    if kept_now <= _UNLIKELY:
        return f"{standing}, too late to be kept ({_share(kept_now)} chance if begun now); {weight}"
    if kept_later >= _LIKELY:
        return f"{standing}, in no hurry ({_share(kept_later)} chance to be kept if begun {slot} later); {weight}"
    return f"{standing}: {_share(kept_now)} chance to be kept if begun now, {_share(kept_later)} if begun {slot} later; {weight}"


def _share(probability: float) -> str:
    """Never 0 or 100%: an estimate is no certainty."""
    percent = nearest(100 * probability)
    return "over 99%" if percent > 99 else "under 1%" if percent < 1 else f"{percent}%"


def _known(probability: float) -> float | None:
    return None if np.isnan(probability) else float(probability)

