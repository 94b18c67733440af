"""What is known of one queue when its tickets are put in order.

Belongs here: the open cases that are ours to work on and those that came of late, as arrays, and what the queue does in an hour. Does not belong here: any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from opsla_dagster.queueing.jobs import Bools, Floats, Ints
from opsla_dagster.queueing.policies import SLOT_WORKS

#: How long a case goes on after it left the queue, of which two quantiles are known: half of the cases for half the median, four in ten for what lies midway
#: between the median and p90, one in ten for p90.
AFTER_SHARES = (0.5, 0.4, 0.1)
#: A ticket that is left lying is looked at again after so much of a business day at the latest, however slow the queue.
LONGEST_SLOT_DAYS = 0.5


@dataclass(frozen=True, kw_only=True)
class Kinds:
    """What the cases of one queue are like, one entry a case.

    `target_seconds`: of the clock that says when it is due, infinite without one. `after_p50_seconds`, `after_p90_seconds`: from when such a case leaves the queue until the clock stops.
    `stops_at_start`: the clock stops as soon as somebody begins, as a first touch or reply does. `weight`: what a breach costs. `objective`: share of its promise to be kept, 0-1.
    """

    target_seconds: Floats
    after_p50_seconds: Floats
    after_p90_seconds: Floats
    stops_at_start: Bools
    weight: Floats
    objective: Floats


@dataclass(frozen=True, kw_only=True)
class Line(Kinds):
    """The open cases of one queue that wait for us, one entry a case.

    `due_seconds`: open seconds of the desk until it is due, negative past due, infinite where no running clock says. `age_rank`: 0 for the case that came first.
    `priorities`: as the source says them, for the reasons alone.
    """

    case_ids: Sequence[str]
    due_seconds: Floats
    age_rank: Floats
    priorities: Sequence[str | None] = ()
    #: Whether each promise says its objective; where none does, a usual one stands for it.
    has_objectives: bool = True

    def __len__(self) -> int:
        return len(self.case_ids)


@dataclass(frozen=True, kw_only=True)
class Visits(Kinds):
    """The visits to one queue in past windows of five business days, one entry a visit, by window and then in the order in which they came.

    Seconds are open ones of the desk from the start of the visit's window. `window_number`: 1 is the last one. `came_seconds`: 0 for what was there at the start (`is_there_at_start`).
    `due_seconds`: of the clock that decided then, infinite without one. `stopped_seconds`: when that clock stopped, infinite while it runs. `is_breached`: what became of it by now.
    """

    window_number: Ints
    window_seconds: Floats
    is_there_at_start: Bools
    came_seconds: Floats
    due_seconds: Floats
    stopped_seconds: Floats
    is_breached: Bools

    def __len__(self) -> int:
        return len(self.window_number)

    def take(self, places: Ints) -> Visits:
        """These visits alone, in this order."""
        return Visits(**{each.name: getattr(self, each.name)[places] for each in fields(self)})

    @property
    def is_due_within(self) -> Bools:
        """Those that fell due in their window: what a replay is held against. What was past due when it came, or was decided before the window, is no part of it."""
        return (self.due_seconds > self.came_seconds) & (self.due_seconds <= self.window_seconds)


@dataclass(frozen=True)
class Pace:
    """What a queue does: `heads` at once, `work_seconds` a case by its pace.

    `touch_seconds`: what a case takes whoever has it in hand, with its `variation` (standard deviation / mean): as its source counted it, else as work_seconds.
    `day_seconds`: open seconds of a business day. `done_cases`: how many it has done before, from which every fifth pick is counted.
    """

    heads: int
    work_seconds: float
    touch_seconds: float
    variation: float
    day_seconds: float
    done_cases: int = 0

    @property
    def slot_seconds(self) -> float:
        """How long a ticket that is left lying waits until somebody comes back to it."""
        return min(SLOT_WORKS * self.work_seconds, LONGEST_SLOT_DAYS * self.day_seconds)


def after_seconds(p50: Floats, p90: Floats) -> tuple[Floats, Floats, Floats]:
    """How long cases go on after the queue, for each of AFTER_SHARES of them."""
    return p50 / 2.0, (p50 + p90) / 2.0, p90
