"""How long until nothing is past due, by simulation: p50 and p90 beside the fluid bound of mart.queue_health.

Belongs here: simulating the open cases of now, at the pace of mart.throughput. Does not belong here: that pace, and the bound.

The open cases of now and those that come in are taken up by what is due first, at the pace at which cases
leave while work waits (that of all hours counts idle time, and a desk in balance would never be green), outside hours and on other days; chance is
in when cases come and what each takes. Minutes to green are the least business minutes after which nothing is past due and nothing will be for a
business day. A case counts as a whole: that a first answer takes less than the case is not known. The desk is green once every queue is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import duckdb
import numpy as np

from opsla_dagster.figures import counted, rounded
from opsla_dagster.queueing.jobs import Floats, jobs, pool
from opsla_dagster.queueing.policies import earliest_due_date
from opsla_dagster.queueing.simulation import simulate
from opsla_dagster.queueing.streams import streams, works
from opsla_dagster.staffing.desk_log import Axis

#: Business days that are simulated: as many as are needed, by these steps; later is "never".
_DAYS_SIMULATED = (1.25, 2.0, 6.0, 20.0)
#: Runs of a simulation.
_RUNS = 20
_HOUR_SECONDS = 3600.0
#: Minutes until green of each run, or why there are none.
Found = Floats | str
#: The business days before of which dates are not loaded tell no pace, and not that nothing left; as mart.queue_health says it.
PACE_NOT_LOADED = "no case is known to have left in the last 10 business days ({dates} of them {are} not loaded): pace unknown"
NO_PACE, NO_DAY, NEVER = "no case left in the business days before: pace unknown", "no business day ahead in the calendar", "never within 20 business days"


@dataclass(frozen=True)
class Standing:
    """A queue as it stands: when its open cases are due (business seconds from now, negative: past due, infinite: not known), and its pace.

    `targets`: (business seconds, share) of the cases that come in; those beyond the shares were promised nothing.
    """

    due_seconds: Floats
    left_per_hour: float
    arrived_per_hour: float
    targets: tuple[tuple[float, float], ...]
    day_seconds: float
    heads: int


@dataclass(frozen=True)
class ToGreen:
    """Business minutes until green, infinite for never."""

    p50_minutes: float
    p90_minutes: float
    never_pct: float
    runs: int


def simulate_to_green(standing: Standing, seed: int = 47) -> ToGreen:
    """What the runs say; the same standing has the same answer."""
    return _summary(_runs(standing, seed))


def _runs(standing: Standing, seed: int) -> Floats:
    """Minutes until green of each run."""
    return np.array([_one_run(standing, seed + number) for number in range(_RUNS)]) / 60


def _summary(minutes: Floats) -> ToGreen:
    p50, p90 = np.quantile(np.sort(minutes), (0.5, 0.9), method="higher")
    return ToGreen(float(p50), float(p90), float(100 * np.mean(~np.isfinite(minutes))), len(minutes))


def _one_run(standing: Standing, seed: int) -> float:
    """Business seconds until green."""
    for days in _DAYS_SIMULATED:
        until = _green_after(standing, days, seed)
        if until + standing.day_seconds <= days * standing.day_seconds:
            return until
    return float("inf")


def _green_after(standing: Standing, days: float, seed: int) -> float:
    coming, work, promised = streams(seed, 3)
    end = days * standing.day_seconds
    # Gaps between arrivals, so that a longer look sees the same cases first.
    mean_gap = _HOUR_SECONDS / standing.arrived_per_hour if standing.arrived_per_hour > 0 else float("inf")
    count = int(end / mean_gap + 6 * np.sqrt(end / mean_gap) + 10) if np.isfinite(mean_gap) else 0
    arrivals = np.cumsum(coming.exponential(mean_gap, count)) if count else np.zeros(0)
    arrivals = arrivals[arrivals < end]
    due = np.concatenate([standing.due_seconds, arrivals + _targets(standing, promised.random(len(arrivals)))])
    seconds = works(work, np.full(len(due), standing.heads * _HOUR_SECONDS / standing.left_per_hour), 1.0)
    served = jobs(np.concatenate([np.zeros(len(standing.due_seconds)), arrivals]), seconds, due_seconds=due, target_seconds=np.inf)
    finish = simulate(served, pool([standing.heads]), earliest_due_date(served)).finish_seconds
    late = (finish > due) & (due < end)
    return _least_green(np.maximum(due[late], 0.0), finish[late], standing.day_seconds)


def _targets(standing: Standing, part: Floats) -> Floats:
    """The target of each arrival, by its `part` of the shares (0 to 1); infinite where nothing is promised."""
    shares = np.cumsum([share for _, share in standing.targets])
    seconds = np.array([*(seconds for seconds, _ in standing.targets), np.inf])
    return np.asarray(seconds[np.searchsorted(shares, part, side="right")])


def targets_of(promises: Sequence[Mapping[str, Any]]) -> tuple[tuple[float, float], ...]:
    """(business seconds, share) by policy, of rows of mart.staffing_inputs of one queue: of what a case's end keeps, else of a first answer.

    Of several metrics that one with the shortest mean target.
    """
    chosen = [row for row in promises if not row["is_response"]] or list(promises)
    metrics: dict[str, list[tuple[float, float]]] = {}
    for row in chosen:
        metrics.setdefault(row["metric"], []).append((float(row["target_seconds"]), row["clock_share_pct"] / 100))
    if not metrics:
        return ()
    told = min(metrics.values(), key=lambda found: sum(seconds * share for seconds, share in found) / max(sum(share for _, share in found), 1e-9))
    total = max(1.0, sum(share for _, share in told))
    return tuple(sorted((seconds, share / total) for seconds, share in told))


def pace(health: Mapping[str, Any]) -> float:
    """Cases an open hour that can leave: what left, or, where that is known and more, what leaves while work waits, outside hours and on other days."""
    left, while_waiting, hours = health["left_cases_per_business_hour"] or 0.0, health["gone_cases_per_open_hour"], health["open_hours_per_business_day"]
    if while_waiting is None or not hours:
        return float(left)
    other_days = (health["gone_cases_per_other_day"] or 0.0) * health["other_days"] / max(health["business_days"], 1)
    return float(max(left, while_waiting + ((health["gone_cases_outside_hours_per_business_day"] or 0.0) + other_days) / hours))


def _least_green(late_from: Floats, late_until: Floats, day_seconds: float) -> float:
    """The end of the last stretch in which something is late that begins within a business day of the one before it, from now on."""
    until = 0.0
    for position in np.argsort(late_from, kind="stable").tolist():
        if late_from[position] > until + day_seconds:
            break
        until = max(until, float(late_until[position]))
    return until


def to_green_rows(
    connection: duckdb.DuckDBPyConnection, health: Sequence[dict[str, Any]], touch_minutes: float | None, promises: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The rows of mart.to_green_simulated, of rows of mart.queue_health, with those of mart.throughput, of the desk and its queues; `promises` as targets_of has them."""
    if not health:
        return []
    now_at = health[0]["now_at"]
    axis = _axis_around(connection, now_at)
    found = connection.execute(
        "select coalesce(team, 'none') as queue, epoch(next_due_at) as due, breached_clocks from mart.backlog_now order by next_due_at nulls last, case_id"
    ).fetchnumpy()
    [now], _ = axis.at(np.array([_epoch(now_at)]))
    due = np.ma.filled(np.ma.asarray(found["due"], dtype=np.float64), np.nan)
    known = np.isfinite(due)
    seconds = np.full(len(due), np.inf)
    if known.any():
        seconds[known] = axis.at(due[known])[0] - now
        # Past due by the clock on the wall is past due, also where the desk has been closed since.
        seconds[known & (due <= _epoch(now_at))] = np.minimum(seconds[known & (due <= _epoch(now_at))], -1.0)
    breached = np.asarray(found["breached_clocks"]) > 0
    seconds[breached] = np.minimum(seconds[breached], -1.0)
    queue = np.asarray(found["queue"], dtype=object)
    desk: Found = NO_PACE
    queues: dict[str, Found] = {}
    idle: set[str] = set()
    for row in health:
        name, is_desk = row["dimension_value"], row["dimension"] == "all"
        own = seconds if is_desk else seconds[queue == name]
        told = [each for each in promises if each["queue"] == name] or [each for each in promises if each["queue"] == "all"]
        # Chance strikes each queue by itself, and the same queue the same way whatever others there are.
        runs = _simulated(row, own, touch_minutes, targets_of(told), seed=47 if is_desk else crc32(name.encode()))
        if is_desk:
            desk = runs
            continue
        queues[name] = runs
        # Nothing past due there, and nothing soon: nobody waits for its pace.
        if isinstance(runs, str) and not (own < 60 * (row["next_day_business_minutes"] or 0)).any():
            idle.add(name)
    of_desk = _green_by_queues(desk, {name: each for name, each in queues.items() if name not in idle})
    return [_row(row, of_desk if row["dimension"] == "all" else queues[row["dimension_value"]]) for row in health]


def _simulated(health: dict[str, Any], due: Floats, touch_minutes: float | None, targets: tuple[tuple[float, float], ...], seed: int) -> Found:
    left_per_hour, day_minutes = pace(health), health["next_day_business_minutes"]
    if not left_per_hour:
        unloaded = health["unloaded_days"]
        return PACE_NOT_LOADED.format(dates=counted(unloaded, "date"), are="is" if unloaded == 1 else "are") if unloaded else NO_PACE
    if not day_minutes:
        return NO_DAY
    return _runs(
        Standing(
            due_seconds=due,
            left_per_hour=left_per_hour,
            arrived_per_hour=health["arrived_cases_per_business_hour"] or 0.0,
            targets=targets,
            day_seconds=60 * day_minutes,
            heads=max(1, round(left_per_hour * touch_minutes / 60)) if touch_minutes is not None else 1,
        ),
        seed,
    )


def _green_by_queues(desk: Found, queues: Mapping[str, Found]) -> Found:
    """The desk's runs: green once every queue is, and no sooner than the desk as one pool. A reason where one of them has none."""
    if isinstance(desk, str):
        return desk
    runs = {name: found for name, found in sorted(queues.items()) if not isinstance(found, str)}
    unknown = {name: found for name, found in sorted(queues.items()) if isinstance(found, str)}
    never = [name for name, found in runs.items() if _summary(found).p50_minutes == np.inf]
    if _summary(desk).p50_minutes == np.inf or not (never or unknown):
        return np.asarray(np.max([desk, *runs.values()], axis=0))
    return _stuck(never, unknown, [found for name, found in runs.items() if name not in never])


def _stuck(never: Sequence[str], unknown: Mapping[str, str], others: Sequence[Floats]) -> str:
    """Which queues have no answer and why, those that are never green first, and when the `others` are: as mart.queue_health says it of the bound."""
    named, reason = (never[0], NEVER) if never else next(iter(unknown.items()))
    alike = len(never or unknown) - 1
    words = f"{'no queue told' if named == 'none' else f'queue {named}'}{f' (and {alike} more)' if alike else ''}: {reason}"
    if never and unknown:
        words += f"; {len(unknown)} more unknown"
    p50 = _summary(np.asarray(np.max(others, axis=0))).p50_minutes if others else 0.0
    if p50 == 0:
        return f"{words}; all others green now"
    count = len(never) + len(unknown)
    return f"{words}; all but {count} queue{'s' if count > 1 else ''}: {rounded(p50)} min" if np.isfinite(p50) else words


def _row(health: dict[str, Any], simulated: Found) -> dict[str, Any]:
    told = {"now_at": health["now_at"], "dimension": health["dimension"], "dimension_value": health["dimension_value"]}
    if isinstance(simulated, str):
        return {**told, "reason": simulated}
    found = _summary(simulated)
    p50, p90 = (minutes if np.isfinite(minutes) else None for minutes in (found.p50_minutes, found.p90_minutes))
    return {
        **told, "to_green_p50_business_minutes": p50, "to_green_p90_business_minutes": p90, "never_pct": found.never_pct, "simulated_runs": found.runs,
        "reason": NEVER if p50 is None else None,
    }  # fmt: skip


def _axis_around(connection: duckdb.DuckDBPyConnection, now_at: Any) -> Axis:
    """The desk's calendar from a year before now to 90 days after: cases are past due, and fall due, within that."""
    return Axis.of(
        connection.execute(
            """
            select epoch(segment_start_at) as starts, epoch(segment_end_at) as ends, is_open, open_seconds_before
            from staging.business_time
            where calendar = 'desk' and segment_end_at > $now_at - interval 366 day and segment_start_at < $now_at + interval 90 day
            order by segment_start_at
            """,
            {"now_at": now_at},
        ).fetchnumpy()
    )


def _epoch(instant: Any) -> float:
    return float(np.datetime64(instant, "s").astype(np.int64))
