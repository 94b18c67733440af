"""Who is next: the policies of the bench, of the worklist and of staffing, as plain functions.

Belongs here: keys of policies that rank a job once, when it comes (for `simulate`: the least first), and picks of policies that look at the
whole line whenever a head is free (for `simulate_picks`). Does not belong here: which policy is in force (area `worklist`).

No policy looks at `Jobs.work_seconds`: a desk knows what a job is expected to take, and not what it will take.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from opsla_dagster.queueing.jobs import Floats, Ints, Jobs
from opsla_dagster.queueing.simulation import Pick

#: (seconds until due, expected work in seconds) -> P(done in time if begun now), entry by entry.
Kept = Callable[[Floats, Floats], Floats]

#: What being late costs in the index beside what being kept is worth: small, so that what can still be kept goes first.
LATENESS_SHARE = 0.05
#: The guard of the index: every so many picks, the longest overdue.
GUARD_EVERY = 5


def first_in_first_out(jobs: Jobs) -> Floats:
    """In the order in which they came."""
    return jobs.arrival_seconds


def strict_priority(jobs: Jobs) -> Floats:
    """The heaviest first, of equal weight the one that came first."""
    return -jobs.weight


def earliest_due_date(jobs: Jobs) -> Floats:
    """The one that is due next first, those without a promise last."""
    return jobs.due_seconds


def weight_per_work(jobs: Jobs) -> Floats:
    """The most weight for an hour of work first (Smith's rule, the c-mu rule), blind to when a job is due."""
    return -jobs.weight / np.maximum(jobs.expected_work_seconds, 1.0)


def exponential_kept(seconds_until_due: Floats, expected_work_seconds: Floats) -> Floats:
    """P(work <= time left) where nothing is known of the work but its mean."""
    return -np.expm1(-np.maximum(seconds_until_due, 0.0) / np.maximum(expected_work_seconds, 1.0))


def index(
    now: float, due_seconds: Floats, target_seconds: Floats, weight: Floats, expected_work_seconds: Floats, *, slot_seconds: float,
    kept: Kept = exponential_kept, lateness_share: float = LATENESS_SHARE,
) -> Floats:
    """What an hour of work is worth on each job now, the most first.

    weight x [P(kept | begun now) - P(kept | begun one slot later) + lateness_share x (1 + lateness / target)] / E[work].
    A slot is the time until the head would come to it again. A job that is lost whenever it is begun, or is in no hurry, has only the last term.
    """
    left = due_seconds - now
    hurry = kept(left, expected_work_seconds) - kept(left - slot_seconds, expected_work_seconds)
    lateness = np.maximum(-left, 0.0) / np.maximum(target_seconds, 1.0)
    return weight * (hurry + lateness_share * (1.0 + lateness)) / np.maximum(expected_work_seconds, 1.0)


def by_index(slot_seconds: float, kept: Kept = exponential_kept, lateness_share: float = LATENESS_SHARE) -> Pick:
    """The highest `index` first, of equal ones the job that came first."""

    def pick(now: float, _: int, jobs: Jobs, waiting: Ints) -> int:
        worth = index(
            now, jobs.due_seconds[waiting], jobs.target_seconds[waiting], jobs.weight[waiting], jobs.expected_work_seconds[waiting],
            slot_seconds=slot_seconds, kept=kept, lateness_share=lateness_share,
        )
        return int(np.argmax(worth))

    return pick


def guarded(pick: Pick, every: int = GUARD_EVERY) -> Pick:
    """`pick`, but every so many picks the job that is longest overdue, if one is: what is let go of is still done one day."""

    def guarded_pick(now: float, begun: int, jobs: Jobs, waiting: Ints) -> int:
        if (begun + 1) % every == 0:
            longest = int(np.argmin(jobs.due_seconds[waiting]))
            if jobs.due_seconds[waiting[longest]] < now:
                return longest
        return pick(now, begun, jobs, waiting)

    return guarded_pick
