"""What models say of one clock, and of clocks of one case, brought to agree: each was made by itself (docs/decisions/0043-breach-risk.md).

Belongs here: what follows for one answer from another. Does not belong here: what a model says (model.py), and which answer is given (judging.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opsla_dagster.settings.sla_policies import SlaPoliciesSettings

#: How far beyond the due time a remaining time is moved that has to lie beyond it, in minutes.
BEYOND = 1.0
#: What two clocks of a case have in common of which one stands still while the other runs on.
_COMMON = ("predicted_at", "case_id", "policy", "cycle", "calendar", "target_seconds")


def unpaused_metrics(policies: SlaPoliciesSettings) -> dict[str, list[str]]:
    """Metric -> those that start and end as it does and are paused by fewer statuses: on the same target they break whenever it does."""
    metrics = policies.metrics
    boundaries = {name: metric.model_dump(exclude={"title", "variant", "pause"}) for name, metric in metrics.items()}
    return {
        name: [other for other in metrics if boundaries[other] == boundaries[name] and set(metrics[other].pause) < set(metric.pause)]
        for name, metric in metrics.items()
    }


def capped(facts: Sequence[Mapping[str, Any]], told: Sequence[dict[str, Any]], unpaused: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Rows of mart.open_case_risk, `told` of rows of mart.risk_features: no clock more likely to break than one of its case that runs on while it is paused."""
    said = {_key(fact, fact["metric"]): (fact["elapsed_seconds"], row["breach_probability"]) for fact, row in zip(facts, told, strict=True)}
    found = []
    for fact, row in zip(facts, told, strict=True):
        others = [said.get(_key(fact, metric), (None, None)) for metric in unpaused.get(fact["metric"], ())]
        caps = [probability for elapsed, probability in others if probability is not None and elapsed is not None and elapsed >= (fact["elapsed_seconds"] or 0)]
        own = row["breach_probability"]
        is_asked = row["probability_source"] in ("model", "baseline")
        found.append({**row, "breach_probability": min(own, *caps)} if is_asked and caps else row)
    return found


def _key(fact: Mapping[str, Any], metric: str) -> tuple[Any, ...]:
    return (metric, *(fact[name] for name in _COMMON))


def with_agreeing_times(fact: Mapping[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """A row of mart.open_case_risk whose remaining times do not contradict its probability.

    A clock that breaks is still there when it falls due, so that p90 lies beyond that where more than one in ten breaks, p50 where more than half do, p10
    where more than nine in ten do; p10 of a clock that runs lies within where fewer do. That of a paused one may lie anywhere: while it waits, nothing falls due.
    """
    probability, left_to_due = row["breach_probability"], fact["remaining_seconds"]
    times = [row[f"remaining_p{share}_business_minutes"] for share in (10, 50, 90)]
    if row["probability_source"] not in ("model", "baseline") or left_to_due is None or None in times:
        return row
    due = left_to_due / 60
    if probability < 0.9 and not fact["is_paused"]:
        times[0] = min(times[0], due)
    least = [due + BEYOND if probability > share else 0.0 for share in (0.9, 0.5, 0.1)]
    p10, p50, p90 = (max(time, bound) for time, bound in zip(times, least, strict=True))
    return {**row, "remaining_p10_business_minutes": p10, "remaining_p50_business_minutes": p50, "remaining_p90_business_minutes": p90}
