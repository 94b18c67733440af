"""Replayed weeks, plans and outcomes as rows of marts.

Belongs here: the rows of mart.staffing_replay, mart.staffing_plan and mart.staffing_outcomes. Does not belong here: computing them, and mart.staffing_hours
and mart.staffing_inputs, which are read back (inputs.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from opsla_dagster.queueing.jobs import Floats
from opsla_dagster.settings.staffing import StaffingSettings
from opsla_dagster.staffing.inputs import DESK_QUEUE, PARTS, DeskInputs, PromiseInputs
from opsla_dagster.staffing.planning import (
    AT_ONCE_BASIS,
    Answer,
    Ask,
    Judged,
    answer,
    queue_shares,
    roster_slots,
)
from opsla_dagster.staffing.replay import ReplayedWeek
from opsla_dagster.staffing.week import SLOTS_A_WEEK

PLAN = "plan"
#: Of promises that the run does not plan, which would take the time of one more each.
WHEN_ASKED = 'planned when asked: opsla staffing --target "{metric} {objective:g}%"'
NO_OBJECTIVE = "sla_policies.yml has no objective for it, so there is nothing to plan for; write objective: 95% there, or ask opsla staffing --target"


def replay_row(week: ReplayedWeek) -> dict[str, Any]:
    """The row of mart.staffing_replay."""
    learnt = week.learnt
    within = learnt.all_own.within if learnt is not None and learnt.all_own is not None else (None,) * len(PARTS)
    return {
        "week_date": week.week_date, "metric": week.metric, "is_response": week.is_response, "clocks": week.clocks, "actual_pct": week.actual_pct,
        "predicted_pct": week.predicted_pct, "error_points": week.error_points, "head_hours": week.head_hours,
        "touch_business_minutes": learnt.touch_seconds / 60 if learnt is not None and learnt.touch_seconds > 0 else None,
        "touch_at_most_business_minutes": week.at_most_seconds / 60 if week.at_most_seconds is not None else None,
        **_allowed_minutes(week),
        **{f"own_within_{part}_pct": None if share is None else 100 * share for part, share in zip(PARTS, within, strict=True)},
        "reason": week.reason,
    }  # fmt: skip


def _allowed_minutes(week: ReplayedWeek) -> dict[str, float | None]:
    """The touch times that the days allow; no longer ones than the staff per finished case."""
    if week.learnt is None or week.learnt.allowed is None or week.at_most_seconds is None:
        return {"touch_shortest_business_minutes": None, "touch_longest_business_minutes": None}
    shortest, longest = (min(seconds, week.at_most_seconds) / 60 for seconds in week.learnt.allowed)
    return {"touch_shortest_business_minutes": shortest, "touch_longest_business_minutes": longest}


def asks_of(desk: DeskInputs) -> Iterator[tuple[Ask | None, Sequence[PromiseInputs]]]:
    """Of each metric promised to the desk what the run asks: None where no objective is written."""
    by_metric: dict[str, list[PromiseInputs]] = {}
    for promise in desk.promises.get(DESK_QUEUE, ()):
        by_metric.setdefault(promise.metric, []).append(promise)
    for metric, promises in by_metric.items():
        objectives = [promise.objective_pct for promise in promises if promise.objective_pct is not None]
        yield (Ask(metric, max(objectives)) if objectives else None), promises


def plan_rows(desk: DeskInputs, staffing: StaffingSettings) -> list[dict[str, Any]]:
    """The rows of mart.staffing_plan: the plan, rosters beside it, and each queue's share of the plan."""
    rows: list[dict[str, Any]] = []
    for ask, promises in asks_of(desk):
        if ask is None or not promises[0].is_response:
            continue
        found = answer(desk, ask)
        for name, heads in [*([(PLAN, found.plan.heads)] if found.plan is not None else []), *((each.name, each.heads) for each in found.rosters)]:
            rows += _hours(desk, found, name, DESK_QUEUE, heads)
        for queue, heads in queue_shares(desk, found).items():
            rows += _hours(desk, found, PLAN, queue, heads)
        for name, heads in rosters_of(staffing, DESK_QUEUE).items():
            rows += _hours(desk, found, name, DESK_QUEUE, heads)
    return rows


def _hours(desk: DeskInputs, found: Answer, roster: str, queue: str, heads: Floats) -> list[dict[str, Any]]:
    week = desk.queues[queue].week
    served = week.served_cases()
    fluid = found.fluid_heads if queue == DESK_QUEUE else None
    share = np.where(found.plan.heads > 0, heads / np.maximum(found.plan.heads, 1e-9), 0.0) if fluid is None and found.plan is not None else np.ones(SLOTS_A_WEEK)
    return [
        {
            "metric": found.ask.metric, "roster": roster, "queue": queue, "iso_weekday": slot // 24 + 1, "hour_of_day": slot % 24, "heads": float(heads[slot]),
            "rostered_heads": found.rostered(float(heads[slot])), "served_cases_per_week": float(served[slot]),
            "fluid_heads": float(found.fluid_heads[slot] * share[slot]),
        }
        for slot in range(SLOTS_A_WEEK)
        if week.is_open[slot]
    ]  # fmt: skip


def rosters_of(staffing: StaffingSettings, queue: str) -> dict[str, Floats]:
    """The rosters of staffing.yml for a queue, or those for the desk, by name."""
    wanted = None if queue == DESK_QUEUE else queue
    return {name: roster_slots(roster.by_hour()) for name, roster in staffing.rosters.items() if roster.queue == wanted}


def outcome_rows(desk: DeskInputs, staffing: StaffingSettings, planned: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows of mart.staffing_outcomes; `planned` are those of mart.staffing_plan for the desk, judged anew."""
    rows = []
    for ask, promises in asks_of(desk):
        metric = promises[0].metric
        rosters = _rosters(planned, metric)
        if ask is None:
            rows.append(_bare(metric, promises, None, NO_OBJECTIVE))
        elif not promises[0].is_response:
            rows.append(_bare(metric, promises, ask, WHEN_ASKED.format(metric=metric.replace("_", " "), objective=ask.objective_pct)))
        else:
            found = answer(desk, Ask(metric, ask.objective_pct, rosters=rosters), search=False)
            known = {each.name: each for each in found.rosters}
            rows += [outcome_row(found, known[name], "") for name in rosters if name in known]
            if PLAN not in rosters:
                rows.append(_bare(metric, promises, ask, found.refusal or "no number of heads that was tried keeps the objective"))
    return rows


def _rosters(planned: Sequence[Mapping[str, Any]], metric: str) -> dict[str, Floats]:
    rosters: dict[str, Floats] = {}
    for row in planned:
        if row["metric"] == metric:
            rosters.setdefault(row["roster"], np.zeros(SLOTS_A_WEEK))[(row["iso_weekday"] - 1) * 24 + row["hour_of_day"]] = row["heads"]
    return rosters


def outcome_row(found: Answer, judged: Judged, shape: str) -> dict[str, Any]:
    """What one roster brings, as a row."""
    outcome, ask = judged.outcome, found.ask
    return {
        **_known(found), "roster": judged.name, "queue": ask.queue, "is_kept": outcome.keeps(ask.objective_pct),
        "simulated_attainment_pct": outcome.attainment_pct, "lean_week_pct": outcome.lean_week_pct, "weeks_kept_pct": outcome.weeks_kept_pct(ask.objective_pct),
        "busy_pct": outcome.busy_pct, "wait_p50_business_minutes": outcome.wait_p50_seconds / 60, "wait_p90_business_minutes": outcome.wait_p90_seconds / 60,
        "head_hours": outcome.head_hours, "rostered_head_hours": found.rostered(outcome.head_hours), "simulated_weeks": found.weeks,
        "shape": shape or None, "reason": caution(found),
    }  # fmt: skip


def caution(found: Answer) -> str | None:
    """What to know of a plan before it is believed; None where the past bears it out."""
    if found.contradiction is not None:
        return f"an assumption, and no plan for this desk: {found.contradiction}"
    if not found.is_tested:
        unknown = "no source tells which heads there were, or for too few days" if found.ask.queue == DESK_QUEUE else "which heads one queue had is not known, only those of the whole desk"
        return (
            f"not held against the past: {unknown}"
            + (", so it is taken for granted that a case is taken up as soon as a head is free" if found.basis == AT_ONCE_BASIS else "")
        )
    return None


def _known(found: Answer) -> dict[str, Any]:
    return {
        "metric": found.ask.metric, "objective_pct": found.ask.objective_pct, "target_seconds": round(found.target_seconds),
        "workload_heads": found.workload_heads, "erlang_heads": found.erlang_heads, "erlang_opening_heads": found.erlang_opening_heads,
        "touch_business_minutes": found.touch.minutes if found.touch is not None else None, "touch_basis": found.touch.basis if found.touch is not None else None,
        "ceiling_pct": found.ceiling_pct, "basis": found.basis,
    }  # fmt: skip


def _bare(metric: str, promises: Sequence[PromiseInputs], ask: Ask | None, reason: str) -> dict[str, Any]:
    """A metric without a plan, and why."""
    return {
        "metric": metric, "roster": PLAN, "queue": DESK_QUEUE, "objective_pct": ask.objective_pct if ask is not None else None,
        "target_seconds": round(promises[0].target_seconds), "reason": reason,
    }  # fmt: skip
