"""Who should be next: the policies on a simulated desk, below its capacity, through two busy weeks, and above its capacity.

Six agents, targets of 120, 480 and 1,440 business minutes with weights of 10, 3 and 1, 60 days of 10 h, four seeds; every policy meets the same jobs.
Beside each figure stands that of the reference table (`REFERENCE`), which was measured on a desk of the same description. What a policy may know of a job's
work is an estimate: its mean, around which the work spreads by half.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.measure import Asked, Figure, cost_of
from opsla_dagster.queueing import policies
from opsla_dagster.queueing.jobs import Floats, Jobs, Served, jobs, pool
from opsla_dagster.queueing.simulation import Pick, simulate, simulate_picks
from opsla_dagster.queueing.streams import arrivals, streams, works

AGENTS, DAYS, SEEDS = 6, 60, 4
DAY_SECONDS, WORK_SECONDS = 36_000.0, 1_800.0
TARGET_SECONDS, WEIGHTS, SHARES = np.array([120, 480, 1440]) * 60.0, np.array([10.0, 3.0, 1.0]), (0.15, 0.35, 0.5)
#: Standard deviation / mean of what is known of a job's work, of what is not known, and squared of the arrivals of a day beyond chance.
KNOWN_VARIATION, UNKNOWN_VARIATION, OVERDISPERSION = 0.8, 0.5, 0.02
#: Days of the two busy weeks, and how much more comes in them.
BUSY, BUSY_FACTOR = slice(20, 30), 1.6
LOADS = {".92": (0.92, 1.0), ".92 +60 %": (0.92, BUSY_FACTOR), "1.05": (1.05, 1.0)}
STEADY, BUSY_WEEKS, OVERLOAD = LOADS

_KEPT, _SLOT_SECONDS = policies.kept_within(UNKNOWN_VARIATION), policies.SLOT_WORKS * WORK_SECONDS
POLICIES: dict[str, Callable[[Jobs], Served]]


@dataclass(frozen=True)
class Outcome:
    """Of all jobs: the share breached, by weight too, and the longest that one took from arrival to end."""

    breached_pct: float
    weighted_breached_pct: float
    oldest_days: float


#: Breached %, weighted breached %, oldest in business days, as the reference table has them.
REFERENCE = {
    STEADY: {
        "first in, first out": Outcome(6.1, 20, 1.6), "strict priority": Outcome(0.2, 0.5, 1.8), "earliest due date": Outcome(0.2, 0.5, 1.8),
        "weight / work": Outcome(0.6, 0.8, 4.1), "index": Outcome(0.2, 0.6, 2.5),
    },
    BUSY_WEEKS: {
        "first in, first out": Outcome(58, 69, 4.9), "strict priority": Outcome(31, 10.5, 7.5), "earliest due date": Outcome(57, 56, 5.6),
        "weight / work": Outcome(7.0, 2.9, 39), "index": Outcome(4.3, 2.0, 37), "guarded index": Outcome(13, 5.4, 14.6),
    },
    OVERLOAD: {
        "first in, first out": Outcome(62, 84, 4.3), "strict priority": Outcome(31, 10.9, 6.5), "earliest due date": Outcome(54, 52, 4.9),
        "weight / work": Outcome(6.2, 3.0, 58), "index": Outcome(3.7, 2.1, 38), "guarded index": Outcome(15, 6.3, 9.4),
    },
}


def desk(load: float, busy_factor: float, seed: int, days: int = DAYS) -> Jobs:
    """The jobs of one desk: `load` in shares of what its agents can do."""
    coming, kinds, known, unknown = streams(seed, 4)
    expected = np.full(days, load * AGENTS * DAY_SECONDS / WORK_SECONDS)
    expected[BUSY] *= busy_factor
    arrival = arrivals(coming, np.arange(days) * DAY_SECONDS, DAY_SECONDS, expected, OVERDISPERSION)
    kind = kinds.choice(len(SHARES), len(arrival), p=SHARES)
    expected_work = works(known, np.full(len(arrival), WORK_SECONDS), KNOWN_VARIATION)
    return jobs(
        arrival, works(unknown, expected_work, UNKNOWN_VARIATION), expected_work_seconds=expected_work,
        target_seconds=TARGET_SECONDS[kind], weight=WEIGHTS[kind],
    )


def _by_key(key: Callable[[Jobs], Floats], made: Jobs) -> Served:
    return simulate(made, pool(AGENTS), key(made))


def _by_pick(pick: Pick, made: Jobs) -> Served:
    return simulate_picks(made, pool(AGENTS), pick)


POLICIES = {
    "first in, first out": partial(_by_key, policies.first_in_first_out),
    "strict priority": partial(_by_key, policies.strict_priority),
    "earliest due date": partial(_by_key, policies.earliest_due_date),
    "weight / work": partial(_by_key, policies.weight_per_work),
    "index": partial(_by_pick, policies.by_index(_KEPT, _SLOT_SECONDS)),
    "guarded index": partial(_by_pick, policies.guarded(policies.by_index(_KEPT, _SLOT_SECONDS))),
}


def outcomes(load: str, seeds: int = SEEDS, days: int = DAYS) -> dict[str, Outcome]:
    """Policy -> its mean outcome over the seeds."""
    desks = [desk(*LOADS[load], seed, days) for seed in range(seeds)]
    return {name: _mean([_outcome(made, serve(made)) for made in desks]) for name, serve in POLICIES.items()}


def _outcome(made: Jobs, served: Served) -> Outcome:
    is_breached = ~served.is_kept(made)
    return Outcome(
        100 * float(is_breached.mean()),
        100 * float((made.weight * is_breached).sum() / made.weight.sum()),
        float((served.finish_seconds - made.arrival_seconds).max()) / DAY_SECONDS,
    )


def _mean(measured: Sequence[Outcome]) -> Outcome:
    return Outcome(*(float(np.mean([getattr(one, name) for one in measured])) for name in Outcome.__dataclass_fields__))


def measure(place: Path, *, quick: bool) -> list[Figure]:
    figures = []
    for load in LOADS:
        measured = outcomes(load, seeds=1 if quick else SEEDS)
        for name, ours in measured.items():
            theirs = REFERENCE[load].get(name)
            for part, unit, words in (("breached_pct", "%", "breached"), ("weighted_breached_pct", "%", "breached by weight"), ("oldest_days", "days", "oldest")):
                figures.append(Figure(
                    f"load {load}: {name}: {words}", getattr(ours, part), unit, "reference" if theirs else "", getattr(theirs, part) if theirs else None,
                ))  # fmt: skip
        figures += _judged(load, measured)
    return [*figures, _speed(quick)]


def _judged(load: str, measured: dict[str, Outcome]) -> list[Figure]:
    """What the worklist rests on: by due date while that is feasible, by index when it is not, guarded so that nothing is left for ever."""
    best = min((name for name in measured if "index" not in name), key=lambda name: measured[name].weighted_breached_pct)
    weighted = partial(_against, load, measured, "weighted_breached_pct", "breached by weight", "%")
    if load == STEADY:
        return [weighted("index", best, Asked(at_most=1.3))]
    return [
        weighted("index", best, Asked(at_most=1)),
        weighted("earliest due date", "index", Asked(at_least=5)),
        weighted("guarded index", "strict priority", Asked(at_most=1)),
        _against(load, measured, "oldest_days", "oldest", "days", "guarded index", "index", Asked(at_most=0.5)),
    ]


def _against(load: str, measured: dict[str, Outcome], part: str, words: str, unit: str, name: str, other_name: str, asked: Asked) -> Figure:
    figure, other = getattr(measured[name], part), getattr(measured[other_name], part)
    return Figure(f"load {load}: {name}: {words}", figure, unit, other_name, other, figure / other, asked=asked)


def _speed(quick: bool) -> Figure:
    """The loop for one pool, with what it takes to bring arrays in and out, by processor time."""
    count = 50_000 if quick else 1_000_000
    gaps, sizes = streams(0, 2)
    made = jobs(np.cumsum(gaps.exponential(WORK_SECONDS / AGENTS / 0.9, count)), sizes.exponential(WORK_SECONDS, count), target_seconds=TARGET_SECONDS[0])
    cost = cost_of(lambda: simulate(made, pool(AGENTS), policies.earliest_due_date(made)))
    return Figure(f"{count:,} jobs by earliest due date", count / cost.cpu, "jobs/s", asked=Asked(at_least=700_000))
