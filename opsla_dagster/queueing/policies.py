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
#: The slot of the index in mean works: how long a job that is left lying waits until the heads come back to it. In the bench, 4 to 16 differ little
#: (`python -m benchmarks policies`); with a short slot the index does not see a due date before it is too late.
#: The worklist caps it where works are long (worklist/line.py).
SLOT_WORKS = 8.0
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


def kept_within(variation: float) -> Kept:
    """P(work <= time left) where the work spreads around what is expected with this standard deviation / mean.

    Log-logistic with the spread of the lognormal: it has a formula, and tails that forgive a wrong estimate. Raises ValueError at 0 or below.
    """
    if not variation > 0:
        raise ValueError(f"variation: {variation} found, above 0 expected")
    spread = np.sqrt(np.log1p(variation**2))
    steepness, median = np.pi / (np.sqrt(3.0) * spread), np.exp(-(spread**2) / 2.0)

    def kept(seconds_until_due: Floats, expected_work_seconds: Floats) -> Floats:
        left = np.maximum(seconds_until_due, 1e-9) / (median * np.maximum(expected_work_seconds, 1.0))
        return np.where(seconds_until_due > 0, 1.0 / (1.0 + left**-steepness), 0.0)

    return kept


def index(
    now: float | Floats, due_seconds: Floats, target_seconds: Floats, weight: Floats, expected_work_seconds: Floats, *, kept: Kept, slot_seconds: float,
) -> Floats:
    """What an hour of work is worth on each job now, the most first.

    weight x [P(kept | begun now) - P(kept | begun one slot later) + LATENESS_SHARE x (1 + lateness / target)] / E[work].
    A job that is lost whenever it is begun, or is in no hurry, has only the last term.
    """
    left = due_seconds - now
    hurry = kept(left, expected_work_seconds) - kept(left - slot_seconds, expected_work_seconds)
    lateness = np.maximum(-left, 0.0) / np.maximum(target_seconds, 1.0)
    return weight * (hurry + LATENESS_SHARE * (1.0 + lateness)) / np.maximum(expected_work_seconds, 1.0)


def by_index(kept: Kept, slot_seconds: float) -> Pick:
    """The highest `index` first, of equal ones the job that came first."""

    def pick(now: float, _: int, jobs: Jobs, waiting: Ints) -> int:
        worth = index(
            now, jobs.due_seconds[waiting], jobs.target_seconds[waiting], jobs.weight[waiting], jobs.expected_work_seconds[waiting],
            kept=kept, slot_seconds=slot_seconds,
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
