"""Which policy a queue follows: by due date as long as that keeps the promises, by the guarded index when it does not.

Belongs here: the simulation of the coming business days and the verdict. Does not belong here: whether the simulation reproduces the past (replay), and the order of the tickets (ranking).

What waits now and what is expected to come is served by the queue's heads, several times with other works and arrivals; the seeds are fixed, and every
policy meets the same ones. What counts falls due within the horizon and is not past due when it comes: what is lost already is lost under every policy. A simulation that does not
reproduce the queue's own past, or that cannot be held against it, has no say: by due date.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from opsla_dagster.figures import counted, rounded
from opsla_dagster.queueing.jobs import Bools, Floats
from opsla_dagster.queueing.orders import BY_DUE_DATE, BY_INDEX, PickingPolicy
from opsla_dagster.queueing.streams import streams
from opsla_dagster.worklist.line import Kinds, Line, Pace, Visits
from opsla_dagster.worklist.replay import FEWEST_DUE, WINDOW_DAYS, Replay, replayed
from opsla_dagster.worklist.trial import Trial, by_due_date, by_index, trial

#: Business days that are simulated: as many as are replayed.
HORIZON_DAYS = WINDOW_DAYS
#: Futures that are simulated: few where each has many cases, whose chances even out within it.
FEWEST_FUTURES, MOST_FUTURES, SIMULATED_CASES = 4, 20, 10_000
#: Cases that are expected to come, at most, in one future.
MOST_ARRIVALS = 20_000
_SEED = 13


@dataclass(frozen=True)
class Verdict:
    """The policy in force, and the simulated figures it rests on: means over the futures, of the cases that fall due within the horizon.

    `due_cases`: how many fall due. `allowed_breaches`: what the objectives let be breached of them. The breaches by due date; and, where those are too many,
    those by the index, and in the same futures the weight that either breaches. None where nothing was simulated, or not by that policy.
    `replay`: what the same simulation makes of the queue's past, None where that was not asked or too little fell due.
    """

    policy: PickingPolicy
    reason: str
    due_cases: float | None = None
    allowed_breaches: float | None = None
    breaches_by_due_date: float | None = None
    breaches_by_index: float | None = None
    weight_by_due_date: float | None = None
    weight_by_index: float | None = None
    replay: Replay | None = None


def verdict_on(line: Line, pace: Pace | None, visits: Visits, unloaded_dates: int = 0) -> Verdict:
    """The policy of a queue. Without a pace, or a past that the simulation reproduces, it is by due date.

    `unloaded_dates`: of the last 10 business days that are not loaded. A past of which part is missing is none to hold a simulation against.
    """
    if not np.isfinite(line.due_seconds).any():
        return Verdict(BY_DUE_DATE, "no case of the queue has a running clock: what waits longest goes first")
    if unloaded_dates:
        return Verdict(BY_DUE_DATE, _not_loaded(unloaded_dates, has_pace=pace is not None))
    if pace is None:
        return Verdict(BY_DUE_DATE, "no case left the queue in the last 10 business days, so nobody knows what a case takes: by due date")
    replay = replayed(visits, pace)
    if replay is None:
        due = int(visits.is_due_within.sum())
        return Verdict(
            BY_DUE_DATE, f"{f'{due} cases' if due > 1 else 'one case' if due else 'no case'} fell due there in the last 10 business days, and at least {FEWEST_DUE} are needed "
            "to hold a simulation against what happened: by due date",
        )  # fmt: skip
    if not replay.is_believed:
        return Verdict(BY_DUE_DATE, _disbelieved(replay), replay=replay)
    return replace(_simulated(line, pace, visits, replay), replay=replay)


def _not_loaded(unloaded_dates: int, *, has_pace: bool) -> str:
    """What is not known where dates of the last 10 business days are not loaded."""
    dates, are = counted(unloaded_dates, "date"), "is" if unloaded_dates == 1 else "are"
    if has_pace:
        return f"{dates} of the last 10 business days {are} not loaded, so no simulation can be held against what happened: by due date"
    return f"no case is known to have left the queue in the last 10 business days ({dates} of them {are} not loaded), so nobody knows what a case takes: by due date"


def _simulated(line: Line, pace: Pace, visits: Visits, replay: Replay) -> Verdict:
    """The verdict on the coming days, by a simulation that reproduces the past."""
    expected = len(line) + int((~visits.is_there_at_start).sum()) / replay.windows
    futures = [_future(line, pace, visits, replay.windows, seed) for seed in range(int(min(max(SIMULATED_CASES // expected, FEWEST_FUTURES), MOST_FUTURES)))]
    late_by_due_date = [future.is_counted & by_due_date(future.trial, pace) for future in futures]
    due = float(np.mean([future.is_counted.sum() for future in futures]))
    allowed = float(np.mean([(1.0 - future.objective[future.is_counted]).sum() for future in futures]))
    breached = float(np.mean([late.sum() for late in late_by_due_date]))
    days = f"the next {HORIZON_DAYS} business days"
    if not due:
        return Verdict(BY_DUE_DATE, f"no case of the queue that can still be kept falls due in {days}", 0.0, 0.0, 0.0)
    budget = "the error budget of their objectives" if line.has_objectives else "their error budget, with 95% for promises without an objective in sla_policies.yml"
    told = f"of {_cases(due)} due in {days} by simulation, {_breached_words(breached)} by due date; {_number(100 * allowed / due)}% may be ({_cases(allowed)}), {budget}"
    past = f"; {_past(replay)}"
    if breached <= allowed:
        return Verdict(BY_DUE_DATE, f"due dates can be kept: {told}{past}", due, allowed, breached)
    if breached <= allowed + replay.allowed_difference * due:
        return Verdict(
            BY_DUE_DATE, f"whether due dates can be kept cannot be told, so by due date: {told}; the simulation may be off by {_points(replay.allowed_difference)} points{past}",
            due, allowed, breached,
        )  # fmt: skip
    tried = futures[:FEWEST_FUTURES]
    late_by_index = [future.is_counted & by_index(future.trial, pace) for future in tried]
    index_breached = float(np.mean([late.sum() for late in late_by_index]))
    weights = [float(np.mean([future.trial.jobs.weight[late].sum() for future, late in zip(tried, of_policy, strict=False)])) for of_policy in (late_by_due_date, late_by_index)]
    told += f"; by weight {_number(weights[0])}, and {_number(weights[1])} by the index{past}"
    figures = (due, allowed, breached, index_breached, weights[0], weights[1])
    if weights[1] >= weights[0]:
        return Verdict(BY_DUE_DATE, f"due dates cannot be kept, and the index keeps no more: {told}", *figures)
    return Verdict(BY_INDEX, f"due dates cannot be kept: {told}", *figures)


def _past(replay: Replay) -> str:
    """Both figures beside each other: `of 885 cases that fell due in the last 5 business days 185 were breached (20.9%), and 17 (1.9%) when those days are replayed`."""
    return (
        f"of {replay.due_cases:,} cases that fell due in the last {replay.windows * WINDOW_DAYS} business days {_number(replay.breached_cases)} were breached ({_percent(replay.breached_cases, replay)}), and "
        f"{_number(replay.replayed_breached_cases)} ({_percent(replay.replayed_breached_cases, replay)}) when those days are replayed"
    )


def _disbelieved(replay: Replay) -> str:
    """Why a simulation has no say."""
    if not replay.is_as_often:
        off = f"by day the shares differ by {_points(replay.difference)} points on average, and {_points(replay.allowed_difference)} would be let pass"
    else:
        off = "but how long cases usually take there, whatever the heads do, tells better which of them were late"
    made_late = "something else than heads that are busy makes cases late there" if replay.replayed_breached_cases < replay.breached_cases or replay.is_as_often else "fewer cases are late there than such heads at such a pace would make late"
    return f"a simulation of the queue does not reproduce what happened there, so it has no say: {_past(replay)}; {off}: {made_late}"


def _percent(cases: float, replay: Replay) -> str:
    return f"{_number(100 * cases / replay.due_cases)}%"


def _points(share: float) -> str:
    return _number(100 * share)


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


@dataclass(frozen=True)
class _Future:
    trial: Trial
    objective: Floats
    is_counted: Bools


def _future(line: Line, pace: Pace, visits: Visits, windows: int, seed: int) -> _Future:
    """What waits now and, until the horizon, what is expected to come: as many cases as came in a past window, drawn from those, each when it came and with the time it had left."""
    coming, kinds, sizes, follows = streams(_SEED + seed, 4)
    horizon = HORIZON_DAYS * pace.day_seconds
    came = np.flatnonzero(~visits.is_there_at_start)
    like = came[kinds.integers(0, len(came), coming.poisson(min(len(came) / windows, MOST_ARRIVALS)))] if len(came) else came
    like = like[np.argsort(visits.came_seconds[like], kind="stable")]
    alike = visits.take(like)
    arrived = alike.came_seconds * horizon / alike.window_seconds
    # Those that wait came before 0, in the order of their ages.
    arrival = np.concatenate((line.age_rank - len(line), arrived))
    due = np.concatenate((line.due_seconds, arrived + alike.due_seconds - alike.came_seconds))
    kinds_of_both = Kinds(**{each.name: np.concatenate((getattr(line, each.name), getattr(alike, each.name))) for each in fields(Kinds)})
    tried = trial(arrival, due, kinds_of_both, pace, sizes=sizes, follows=follows)
    return _Future(tried, kinds_of_both.objective, (due >= np.maximum(arrival, 0.0)) & (due <= horizon))
