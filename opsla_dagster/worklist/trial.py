"""One course of a queue, simulated: the jobs, served by an order, and which of them are too late.

Belongs here: what a replay of the past and a simulation of the coming days have in common. Does not belong here: which jobs there are (replay, feasibility), and any verdict.

A case is in time if it leaves the queue by when such cases have to; one whose clock stops at the first touch or reply, if it is begun in time. How long a case goes on elsewhere after it
left is drawn for each; a picking policy knows only what is usual.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from opsla_dagster.queueing import policies
from opsla_dagster.queueing.jobs import Bools, Floats, Jobs, Served, jobs, pool
from opsla_dagster.queueing.simulation import simulate, simulate_picks
from opsla_dagster.queueing.streams import works
from opsla_dagster.worklist.line import AFTER_SHARES, Kinds, Pace, after_seconds

#: Longer lines are tried by the index as it stands when each case comes, which is not looked at again at every pick: that would take seconds.
LONGEST_LOOKED_AT_AGAIN = 1_000


@dataclass(frozen=True)
class Trial:
    """Jobs, when each has to leave as such cases usually go on, and when it has to in this course (`deadline_seconds`): be begun by then where its clock stops as it is begun, else be done."""

    jobs: Jobs
    leave_by_seconds: Floats
    deadline_seconds: Floats
    stops_at_start: Bools


def trial(arrival_seconds: Floats, due_seconds: Floats, of: Kinds, pace: Pace, *, sizes: np.random.Generator, follows: np.random.Generator) -> Trial:
    """A course of the cases `of` that come at `arrival_seconds` and are due at `due_seconds`; what each takes, and how it goes on, is drawn."""
    leave_by = due_seconds - of.after_p50_seconds
    drawn = np.searchsorted(np.cumsum(AFTER_SHARES)[:-1], follows.random(len(arrival_seconds)), side="right")
    made = jobs(
        arrival_seconds, works(sizes, np.full(len(arrival_seconds), pace.work_seconds), pace.variation), expected_work_seconds=pace.work_seconds,
        due_seconds=leave_by + np.where(of.stops_at_start, pace.work_seconds, 0.0), target_seconds=of.target_seconds, weight=of.weight,
    )  # fmt: skip
    return Trial(made, leave_by, due_seconds - np.choose(drawn, after_seconds(of.after_p50_seconds, of.after_p90_seconds)), of.stops_at_start)


def in_order_of_arrival(tried: Trial, pace: Pace) -> Bools:
    """Which are too late, first in, first out."""
    return _too_late(tried, simulate(tried.jobs, pool(pace.heads), policies.first_in_first_out(tried.jobs)))


def by_due_date(tried: Trial, pace: Pace) -> Bools:
    """Which are too late by earliest due date."""
    return _too_late(tried, simulate(tried.jobs, pool(pace.heads), tried.leave_by_seconds))


def by_index(tried: Trial, pace: Pace) -> Bools:
    """Which are too late by the guarded index."""
    kept, slot, made = policies.kept_within(pace.variation), pace.slot_seconds, tried.jobs
    if len(made) <= LONGEST_LOOKED_AT_AGAIN:
        return _too_late(tried, simulate_picks(made, pool(pace.heads), policies.guarded(policies.by_index(kept, slot))))
    worth = policies.index(
        np.maximum(made.arrival_seconds, 0.0), made.due_seconds, made.target_seconds, made.weight, made.expected_work_seconds, kept=kept, slot_seconds=slot
    )
    return _too_late(tried, simulate(made, pool(pace.heads), -worth))


def _too_late(tried: Trial, served: Served) -> Bools:
    is_late: Bools = np.where(tried.stops_at_start, served.start_seconds, served.finish_seconds) > tried.deadline_seconds
    return is_late
