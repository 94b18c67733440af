"""Whether a simulation of a queue reproduces the queue's own recent past. One that does not has no say in how its tickets are ordered.

Belongs here: replaying past windows with the cases that really came, and holding the breaches against those that really happened. Does not belong here: the coming days (feasibility).

A past window of five business days begins as the queue stood then; what came in it comes again, when it came and with the time it had left. Heads and what a case takes are those of
now, for those are held against what happened: an estimate that cannot be right shows. Nobody knows in which order the desk worked, so the replay goes by arrival; where that is not
believed, by due date; and where neither is and the desk was late less often than by arrival, by the index.

Two questions are asked. **Does it breach as often, day by day?** The mean absolute difference of the daily shares may be a fifth of what the objectives let be breached, and
beyond that three times what replays differ from their own mean by chance. **Do the heads say who was late?** A queue whose delays are its own can have the right share for the wrong reason. The replay's Brier score is
held against that of the usual times: the share of all cases that took longer than this one had, whatever the heads did. It may not be worse, unless it is within what the objectives let be breached: then there is nothing to tell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from opsla_dagster.queueing.jobs import Bools, Floats, Ints
from opsla_dagster.queueing.orders import BY_ARRIVAL, BY_DUE_DATE, BY_INDEX, WorkedOrder
from opsla_dagster.queueing.streams import streams
from opsla_dagster.worklist.line import Pace, Visits
from opsla_dagster.worklist.trial import Trial, by_due_date, by_index, in_order_of_arrival, trial

#: Business days of a window.
WINDOW_DAYS = 5
#: Fewer cases that fell due tell nothing.
FEWEST_DUE = 20
#: What the daily shares may differ by: so much of what the objectives let be breached, for more could turn the verdict, and so many times what replays differ by from their own mean.
SHARE_OF_BUDGET, CHANCES = 0.2, 3.0
#: Replays: few where each has many cases, whose chances even out within it.
FEWEST_REPLAYS, MOST_REPLAYS, REPLAYED_CASES = 2, 8, 4_000
#: One row a replay, one column a visit.
LateByReplay = npt.NDArray[np.bool_]
#: Replays by the index, which looks at the line again at every pick.
LOOKED_AT_AGAIN_REPLAYS = 4
_SEED = 29
_TRIED: dict[WorkedOrder, Callable[[Trial, Pace], Bools]] = {
    BY_ARRIVAL: in_order_of_arrival, BY_DUE_DATE: by_due_date, BY_INDEX: by_index,
}  # fmt: skip


@dataclass(frozen=True)
class Replay:
    """What happened and what the replay that stands for it has, of the cases that fell due in the windows.

    `windows`: how many were replayed. `difference`: mean absolute difference of the daily shares, 0-1, of which `allowed_difference` is let pass. `brier_score`, `usual_brier_score`: of the replay and of
    the usual times, over the cases that came in the windows. `budget`: what the objectives let be breached, 0-1.
    """

    order: WorkedOrder
    windows: int
    due_cases: int
    breached_cases: int
    replayed_breached_cases: float
    difference: float
    allowed_difference: float
    brier_score: float
    usual_brier_score: float
    budget: float

    @property
    def is_as_often(self) -> bool:
        return self.difference <= self.allowed_difference

    @property
    def is_told_by_heads(self) -> bool:
        """Whether the heads say who was late no worse than the usual times do, or next to nobody was."""
        return self.brier_score <= max(self.usual_brier_score, self.budget)

    @property
    def is_believed(self) -> bool:
        return self.is_as_often and self.is_told_by_heads


def replayed(visits: Visits, pace: Pace) -> Replay | None:
    """The first replay that is believed, by arrival, due date and index, else the one nearest to what happened; None where fewer than FEWEST_DUE cases fell due."""
    happened = _Happened(visits)
    if happened.due_cases < FEWEST_DUE:
        return None
    trials = _trials(visits, pace)
    by_arrival = happened.held_against(BY_ARRIVAL, _late(trials, pace, BY_ARRIVAL))
    found = [by_arrival]
    # What the order of arrival keeps as promised, due dates keep too: a past that was later than that is not theirs.
    is_kept = by_arrival.replayed_breached_cases <= min(happened.breached_cases, by_arrival.budget * happened.due_cases)
    if not by_arrival.is_believed and not is_kept:
        found.append(happened.held_against(BY_DUE_DATE, _late(trials, pace, BY_DUE_DATE)))
    if not any(replay.is_believed for replay in found) and by_arrival.replayed_breached_cases > happened.breached_cases:
        found.append(happened.held_against(BY_INDEX, _late(trials[:LOOKED_AT_AGAIN_REPLAYS], pace, BY_INDEX)))
    return min(found, key=lambda replay: (not replay.is_believed, replay.difference))


def _trials(visits: Visits, pace: Pace) -> list[list[tuple[Ints, Trial]]]:
    """The replays; of each, a window's visits and its course."""
    count = int(min(max(REPLAYED_CASES // len(visits), FEWEST_REPLAYS), MOST_REPLAYS))
    windows = [np.flatnonzero(visits.window_number == number) for number in np.unique(visits.window_number)]
    parts = [(of_window, visits.take(of_window)) for of_window in windows]
    found = []
    for seed in range(count):
        sizes, follows = streams(_SEED + seed, 2)
        found.append([(of_window, trial(_arrival(part), part.due_seconds, part, pace, sizes=sizes, follows=follows)) for of_window, part in parts])
    return found


def _arrival(visits: Visits) -> Floats:
    """What was there at the start came before it, in the order in which it came."""
    there = int(visits.is_there_at_start.sum())
    return np.where(visits.is_there_at_start, np.arange(len(visits)) - there - 1.0, visits.came_seconds)


def _late(trials: list[list[tuple[Ints, Trial]]], pace: Pace, order: WorkedOrder) -> LateByReplay:
    """One row a replay, one column a visit."""
    late = np.zeros((len(trials), sum(len(of_window) for of_window, _ in trials[0])), dtype=np.bool_)
    for row, of_replay in zip(late, trials, strict=True):
        for of_window, tried in of_replay:
            row[of_window] = _TRIED[order](tried, pace)
    return late


class _Happened:
    """What happened in the windows, by business day, and what a replay is held against."""

    def __init__(self, visits: Visits) -> None:
        self._is_due = visits.is_due_within
        due = visits.take(np.flatnonzero(self._is_due))
        day = np.minimum(due.due_seconds * WINDOW_DAYS // due.window_seconds, WINDOW_DAYS - 1).astype(np.int64)
        self._day = (due.window_number - 1) * WINDOW_DAYS + day
        self._is_late, self._came_within = due.is_breached, ~due.is_there_at_start
        self.due_cases, self.breached_cases = len(due), int(due.is_breached.sum())
        self._budget = float((1.0 - due.objective).mean()) if len(due) else 0.0
        self.windows = len(np.unique(visits.window_number))
        self._usual = _usually_late(due.take(np.flatnonzero(self._came_within)))

    def held_against(self, order: WorkedOrder, late: LateByReplay) -> Replay:
        of_due = late[:, self._is_due]
        by_day = np.array([np.bincount(self._day, weights=row, minlength=self._day.max() + 1) for row in of_due])
        mean = by_day.mean(axis=0)
        happened = np.bincount(self._day, weights=self._is_late, minlength=len(mean))
        chance = np.abs(by_day - mean).sum(axis=1).mean() / self.due_cases * np.sqrt(len(by_day) / (len(by_day) - 1.0))
        brier, usual = self._brier(of_due)
        return Replay(
            order=order, windows=self.windows, due_cases=self.due_cases, breached_cases=self.breached_cases, replayed_breached_cases=float(mean.sum()),
            difference=float(np.abs(mean - happened).sum() / self.due_cases), allowed_difference=SHARE_OF_BUDGET * self._budget + CHANCES * float(chance),
            brier_score=brier, usual_brier_score=usual, budget=self._budget,
        )  # fmt: skip

    def _brier(self, late: LateByReplay) -> tuple[float, float]:
        """Of the replay, and of the usual times."""
        came = self._came_within
        if not came.any():
            return 0.0, 0.0
        probability, happened = late[:, came].mean(axis=0), self._is_late[came].astype(np.float64)
        # A share of few replays scatters around its probability: what that adds to the score is taken off.
        scatter = probability * (1.0 - probability) / (len(late) - 1.0)
        return float(((probability - happened) ** 2 - scatter).mean()), float(((self._usual - happened) ** 2).mean())


def _usually_late(came: Visits) -> Floats:
    """Of each visit, the share of all of them that took longer than it had until it was due."""
    if not len(came):
        return np.zeros(0)
    took = np.sort(came.stopped_seconds - came.came_seconds)
    return 1.0 - np.searchsorted(took, came.due_seconds - came.came_seconds, side="right") / len(took)
