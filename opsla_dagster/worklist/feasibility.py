"""Which policy a queue follows: by due date as long as that keeps the promises, by the guarded index when it does not.

Belongs here: the simulation of the coming business days and the verdict. Does not belong here: the order of the tickets (ranking).

What waits now and what is expected to come is served by the queue's heads, several times with other works and arrivals; the seeds are fixed, and every
policy meets the same ones. A case is in time if it leaves the queue by when such cases have to; one whose clock
stops at the first touch or reply, if it is begun in time. What counts has to within the horizon, and
can: what is lost already is lost under every policy. Simulated breaches far above those of the last weeks, with no more to do, are not believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from opsla_dagster.figures import rounded
from opsla_dagster.queueing import policies
from opsla_dagster.queueing.jobs import Bools, Floats, Jobs, Served, jobs, pool
from opsla_dagster.queueing.simulation import simulate, simulate_picks
from opsla_dagster.queueing.streams import arrivals, streams, works
from opsla_dagster.worklist.line import Line, Pace

PickingPolicy = Literal["earliest due date", "guarded index"]
BY_DUE_DATE: PickingPolicy = "earliest due date"
BY_INDEX: PickingPolicy = "guarded index"
#: Business days that are simulated.
HORIZON_DAYS = 5
#: Futures that are simulated: few where each has many cases, whose chances even out within it.
FEWEST_FUTURES, MOST_FUTURES, SIMULATED_CASES = 4, 20, 10_000
#: Longer lines are tried by the index as it stands now, which is not looked at again at every pick: that would take seconds.
LONGEST_LOOKED_AT_AGAIN = 400
#: What was is held against what is simulated where so many promises were decided of late; simulated breaches are doubtful from so many times the share that was
#: broken, while no more waits than so many times what usually does.
FEWEST_DECIDED, DOUBTFUL_TIMES, USUAL_TIMES = 20, 3.0, 1.5
#: Cases that are expected to come, at most, in one future.
MOST_ARRIVALS = 20_000
_SEED = 13


@dataclass(frozen=True)
class Verdict:
    """The policy in force, and the simulated figures it rests on: means over the futures, of the cases that fall due within the horizon.

    `due_cases`: how many fall due. `allowed_breaches`: what the objectives let be breached of them. The breaches by due date; and, where those are too many,
    those by the index, and in the same futures the weight that either breaches. None where nothing was simulated, or not by that policy.
    """

    policy: PickingPolicy
    reason: str
    due_cases: float | None = None
    allowed_breaches: float | None = None
    breaches_by_due_date: float | None = None
    breaches_by_index: float | None = None
    weight_by_due_date: float | None = None
    weight_by_index: float | None = None


def verdict_on(line: Line, pace: Pace | None) -> Verdict:
    """The policy of a queue. Without a pace nothing can be simulated, and it is by due date."""
    if not np.isfinite(line.due_seconds).any():
        return Verdict(BY_DUE_DATE, "no case of the queue has a running clock: what waits longest goes first")
    if pace is None:
        return Verdict(BY_DUE_DATE, "no case left the queue in the last 10 business days, so nobody knows what a case takes: by due date")
    expected = len(line) + pace.arrivals_per_second * HORIZON_DAYS * pace.day_seconds
    futures = [_future(line, pace, seed) for seed in range(int(min(max(SIMULATED_CASES // expected, FEWEST_FUTURES), MOST_FUTURES)))]
    by_due_date = [_breached(future, simulate(future.jobs, pool(pace.heads), future.due_seconds)) for future in futures]
    due = float(np.mean([future.is_counted.sum() for future in futures]))
    allowed = float(np.mean([(1.0 - future.objective[future.is_counted]).sum() for future in futures]))
    breached = float(np.mean([of_future.cases for of_future in by_due_date]))
    days = f"the next {HORIZON_DAYS} business days"
    if not due:
        return Verdict(BY_DUE_DATE, f"no case of the queue that can still be kept falls due in {days}", 0.0, 0.0, 0.0)
    budget = "the error budget of their objectives" if line.has_objectives else "their error budget, with 95% for promises without an objective in sla_policies.yml"
    told = f"of {_cases(due)} due in {days} by simulation, {_breached_words(breached)} by due date; {_number(100 * allowed / due)}% may be ({_cases(allowed)}), {budget}"
    if breached <= allowed:
        return Verdict(BY_DUE_DATE, f"due dates can be kept: {told}", due, allowed, breached)
    if _is_doubtful(len(line), pace, breached / due, allowed / due):
        return Verdict(
            BY_DUE_DATE,
            f"simulated breaches are not believed: {told}, but no more waits than usual, and of {pace.recent_decided_cases:,} cases decided in the last 10 business days "
            f"{pace.recent_breached_cases:,} were breached; what a case takes is probably overestimated",
            due, allowed, breached,
        )  # fmt: skip
    tried = futures[:FEWEST_FUTURES]
    by_index = [_breached(future, _by_index(future, pace)) for future in tried]
    index_breached = float(np.mean([of_future.cases for of_future in by_index]))
    weights = [float(np.mean([of_future.weighted for of_future in breached_by])) for breached_by in (by_due_date[:FEWEST_FUTURES], by_index)]
    told += f"; by weight {_number(weights[0])}, and {_number(weights[1])} by the index"
    figures = (due, allowed, breached, index_breached, *weights)
    if weights[1] >= weights[0]:
        return Verdict(BY_DUE_DATE, f"due dates cannot be kept, and the index keeps no more: {told}", *figures)
    return Verdict(BY_INDEX, f"due dates cannot be kept: {told}", *figures)


def _number(figure: float) -> str:
    """Means over futures: one decimal where it is of use, below 10."""
    return rounded(figure, 1 if figure < 9.95 else 0).removesuffix(".0")


def _cases(figure: float) -> str:
    """`20 cases`, `1 case`, `fewer than 1 case`: a mean over futures, which is rarely whole."""
    number = _number(figure)
    if 0 < figure < 0.95:
        return "fewer than 1 case"
    return f"{number} case{'' if number == '1' else 's'}"


def _breached_words(figure: float) -> str:
    return "none would be breached" if figure == 0 else f"{_cases(figure).removesuffix(' cases').removesuffix(' case')} would be breached"


def _is_doubtful(waiting: int, pace: Pace, simulated_share: float, allowed_share: float) -> bool:
    """Whether the queue kept its promises of late under the same load of which the simulation says that it cannot."""
    usual = pace.usual_waiting_cases
    if usual is None or pace.recent_decided_cases < FEWEST_DECIDED or waiting > USUAL_TIMES * usual + 1:
        return False
    share = pace.recent_breached_cases / pace.recent_decided_cases
    return share <= allowed_share and simulated_share > DOUBTFUL_TIMES * max(share, allowed_share)


@dataclass(frozen=True)
class _Future:
    """Jobs, and when each is due: begun by then where its clock stops as it is begun, else done. The jobs themselves are due when they have to be done."""

    jobs: Jobs
    due_seconds: Floats
    stops_at_start: Bools
    objective: Floats
    is_counted: Bools


@dataclass(frozen=True)
class _Breached:
    cases: float
    weighted: float


def _future(line: Line, pace: Pace, seed: int) -> _Future:
    """What waits now and, until the horizon, what is expected to come: cases like those that wait, due their target after they come."""
    coming, kinds, sizes = streams(_SEED + seed, 3)
    horizon = HORIZON_DAYS * pace.day_seconds
    alike = np.flatnonzero(np.isfinite(line.target_seconds))
    expected = min(pace.arrivals_per_second * horizon, MOST_ARRIVALS)
    arrived = arrivals(coming, [0.0], horizon, [expected])
    like = alike[kinds.integers(0, len(alike), len(arrived))]
    count = len(line) + len(arrived)
    # Those that wait came before 0, in the order of their ages.
    arrival = np.concatenate((line.age_rank - len(line), arrived))
    due = np.concatenate((line.leave_by_seconds, arrived + np.maximum(line.target_seconds - line.after_p50_seconds, 0.0)[like]))
    chosen = np.concatenate((np.arange(len(line)), like))
    made = jobs(
        arrival, works(sizes, np.full(count, pace.work_seconds), pace.variation), expected_work_seconds=pace.work_seconds,
        due_seconds=due + np.where(line.stops_at_start[chosen], pace.work_seconds, 0.0), target_seconds=line.target_seconds[chosen], weight=line.weight[chosen],
    )
    return _Future(made, due, line.stops_at_start[chosen], line.objective[chosen], (due >= 0) & (due <= horizon))


def _by_index(future: _Future, pace: Pace) -> Served:
    kept, slot = policies.kept_within(pace.variation), pace.slot_seconds
    made = future.jobs
    if len(made) <= LONGEST_LOOKED_AT_AGAIN:
        return simulate_picks(made, pool(pace.heads), policies.guarded(policies.by_index(kept, slot)))
    worth = policies.index(
        np.maximum(made.arrival_seconds, 0.0), made.due_seconds, made.target_seconds, made.weight, made.expected_work_seconds, kept=kept, slot_seconds=slot
    )
    return simulate(made, pool(pace.heads), -worth)


def _breached(future: _Future, served: Served) -> _Breached:
    stopped = np.where(future.stops_at_start, served.start_seconds, served.finish_seconds)
    is_breached = (stopped > future.due_seconds) & future.is_counted
    return _Breached(float(is_breached.sum()), float(future.jobs.weight[is_breached].sum()))

