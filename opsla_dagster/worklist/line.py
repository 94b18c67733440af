"""What is known of one queue when its tickets are put in order.

Belongs here: the open cases that are ours to work on, as arrays, and what the queue does in an hour. Does not belong here: any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from opsla_dagster.queueing.jobs import Bools, Floats
from opsla_dagster.queueing.policies import SLOT_WORKS

#: A ticket that is left lying is looked at again after so much of a business day at the latest, however slow the queue.
LONGEST_SLOT_DAYS = 0.5


@dataclass(frozen=True)
class Line:
    """The open cases of one queue that wait for us, one entry a case.

    `due_seconds`: open seconds of the desk until it is due, negative past due, infinite where no running clock says. `target_seconds`: of that clock,
    infinite without one. `after_p50_seconds`, `after_p90_seconds`: from when such a case leaves the queue until the clock stops.
    `stops_at_start`: the clock stops as soon as somebody begins, as a first touch or reply does. `weight`: what a breach costs. `age_rank`: 0 for the case that came first. `objective`: share of its promise to be kept, 0-1.
    `priorities`: as the source says them, for the reasons alone.
    """

    case_ids: Sequence[str]
    due_seconds: Floats
    target_seconds: Floats
    after_p50_seconds: Floats
    after_p90_seconds: Floats
    stops_at_start: Bools
    weight: Floats
    age_rank: Floats
    objective: Floats
    priorities: Sequence[str | None] = ()
    #: Whether each promise says its objective; where none does, a usual one stands for it.
    has_objectives: bool = True

    def __len__(self) -> int:
        return len(self.case_ids)

    @property
    def leave_by_seconds(self) -> Floats:
        """When it has to leave the queue to be in time, as such cases usually go on."""
        return self.due_seconds - self.after_p50_seconds


@dataclass(frozen=True)
class Pace:
    """What a queue does: `heads` at once, `work_seconds` a case by its pace, cases that come a second.

    `touch_seconds`: what a case takes whoever has it in hand, with its `variation` (standard deviation / mean): as its source counted it, else as work_seconds.
    `day_seconds`: open seconds of a business day. `done_cases`: how many it has done before, from which every fifth pick is counted.
    `usual_waiting_cases`: how many waited of late, on average, None where nobody knows. `recent_decided_cases`, `recent_breached_cases`: whose promise was decided of late,
    and broken.
    """

    heads: int
    work_seconds: float
    touch_seconds: float
    variation: float
    arrivals_per_second: float
    day_seconds: float
    done_cases: int = 0
    usual_waiting_cases: float | None = None
    recent_decided_cases: int = 0
    recent_breached_cases: int = 0

    @property
    def slot_seconds(self) -> float:
        """How long a ticket that is left lying waits until somebody comes back to it."""
        return min(SLOT_WORKS * self.work_seconds, LONGEST_SLOT_DAYS * self.day_seconds)
