"""Queues whose truth is known: what came, when it was done, and why; with the line, the pace and the past that opsla would read from such a log.

Belongs here: what the tests of the worklist share. Does not belong here: tests.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from opsla_dagster.queueing import policies
from opsla_dagster.queueing.jobs import Floats, jobs, pool
from opsla_dagster.queueing.simulation import simulate, simulate_picks
from opsla_dagster.queueing.streams import works
from opsla_dagster.worklist.line import Line, Pace, Visits

HOUR, DAY_SECONDS = 3600.0, 36_000.0
NEVER = float("inf")


@dataclass(frozen=True)
class Log:
    """What happened in a queue until now, in open seconds."""

    now: float
    heads: int
    arrival: Floats
    finish: Floats
    due: Floats
    target: Floats
    weight: Floats


def log(
    *, heads: int = 6, cases_a_day: float = 100.0, load: float = 0.9, order: str = "first in, first out", own_hours: tuple[float, float] | None = None, burst: tuple[int, float] = (0, 1.0),
    target_hours: tuple[float, ...] = (2.0, 8.0, 24.0), closed_share: float = 0.0, days: int = 40, seed: int = 1,
) -> Log:  # fmt: skip
    """Cases that wait for `heads` at this load, worked on in an order; or, with `own_hours` (median, spread), take as long as they take whatever the heads do.

    `burst`: in so many last days so many times as many came. `closed_share`: of a day's cases came while the desk was closed, so as it opened.
    """
    random = np.random.default_rng(seed)
    work = heads * DAY_SECONDS * load / cases_a_day
    came = []
    for day in range(days):
        cases = cases_a_day * (burst[1] if day >= days - burst[0] else 1.0)
        came.append(day * DAY_SECONDS + random.uniform(0.0, DAY_SECONDS, random.poisson(cases * (1.0 - closed_share))))
        came.append(np.full(random.poisson(cases * closed_share), day * DAY_SECONDS))
    arrival = np.sort(np.concatenate(came))
    target = random.choice(np.array(target_hours) * HOUR, len(arrival))
    weight = random.choice([1.0, 3.0, 10.0], len(arrival), p=[0.7, 0.2, 0.1])
    size = works(random, np.full(len(arrival), work), 1.0)
    if own_hours is not None:
        finish = arrival + own_hours[0] * HOUR * np.exp(own_hours[1] * random.standard_normal(len(arrival)))
        return Log(days * DAY_SECONDS, heads, arrival, finish, arrival + target, target, weight)
    made = jobs(arrival, size, expected_work_seconds=work, target_seconds=target, weight=weight)
    if order == "guarded index":
        pick = policies.guarded(policies.by_index(policies.kept_within(1.0), min(8.0 * work, DAY_SECONDS / 2.0)))
        served = simulate_picks(made, pool(heads), pick)
    else:
        keys = {"first in, first out": policies.first_in_first_out, "earliest due date": policies.earliest_due_date, "strict priority": policies.strict_priority}
        served = simulate(made, pool(heads), keys[order](made))
    return Log(days * DAY_SECONDS, heads, arrival, served.finish_seconds, made.due_seconds, target, weight)


def pace_of(found: Log) -> Pace:
    """By the rule of mart.queue_work: busy heads x open time / cases that left, and no more than they waited."""
    begin = found.now - 10 * DAY_SECONDS
    hours = np.arange(begin, found.now + 1.0, HOUR)
    there = np.searchsorted(found.arrival, hours, side="right") - np.searchsorted(np.sort(found.finish), hours, side="right")
    busy = np.minimum(there, found.heads)
    left = (found.finish > begin) & (found.finish <= found.now)
    work = max((busy[:-1] + busy[1:]).mean() / 2.0, 0.05) * 10 * DAY_SECONDS / left.sum()
    work = min(float(work), float((found.finish - found.arrival)[left].mean()))
    return Pace(heads=found.heads, work_seconds=work, touch_seconds=work, variation=1.0, day_seconds=DAY_SECONDS, done_cases=int((found.finish <= found.now).sum()))


def visits_of(found: Log, objective: float = 0.95) -> Visits:
    """By the rule of mart.queue_visits."""
    parts = [_window(found, number, objective) for number in ((1,) if (found.arrival > found.now - 5 * DAY_SECONDS).sum() >= 400 else (1, 2))]
    return Visits(**{name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def _window(found: Log, number: int, objective: float) -> dict[str, Floats]:
    begin = found.now - number * 5 * DAY_SECONDS
    there = np.flatnonzero((found.arrival < begin + 5 * DAY_SECONDS) & (found.finish > begin))
    stopped = found.finish[there]
    count = len(there)
    return {
        "window_number": np.full(count, number), "window_seconds": np.full(count, 5 * DAY_SECONDS), "is_there_at_start": found.arrival[there] <= begin,
        "came_seconds": np.maximum(found.arrival[there] - begin, 0.0), "due_seconds": found.due[there] - begin, "target_seconds": found.target[there],
        "stopped_seconds": np.where(stopped <= found.now, stopped - begin, NEVER), "is_breached": np.minimum(stopped, found.now) > found.due[there],
        "after_p50_seconds": np.zeros(count), "after_p90_seconds": np.zeros(count), "stops_at_start": np.zeros(count, dtype=np.bool_), "weight": found.weight[there],
        "objective": np.full(count, objective),
    }  # fmt: skip


def line_of(found: Log, objective: float = 0.95) -> Line:
    """What waits now."""
    waits = np.flatnonzero((found.arrival <= found.now) & (found.finish > found.now))
    count = len(waits)
    return Line(
        case_ids=[f"c{number}" for number in waits.tolist()], due_seconds=found.due[waits] - found.now, target_seconds=found.target[waits],
        after_p50_seconds=np.zeros(count), after_p90_seconds=np.zeros(count), stops_at_start=np.zeros(count, dtype=np.bool_), weight=found.weight[waits],
        age_rank=np.arange(count, dtype=float), objective=np.full(count, objective),
    )  # fmt: skip
