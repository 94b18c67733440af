"""What is said of each open clock: certain, unknown, or what its metric's model says, with reasons in words.

Belongs here: which of them, and why. Does not belong here: what a model says (model.py), and how reasons are worded (reasons.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from opsla_dagster.figures import open_time
from opsla_dagster.risk_model.agreeing import capped, with_agreeing_times
from opsla_dagster.risk_model.model import Model, ask
from opsla_dagster.risk_model.reasons import REASONS, strongest, used


def judged(features: pa.Table, models: Mapping[str, Model], unpaused: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """A row of mart.open_case_risk for each row of mart.risk_features; `models` by metric, and `unpaused`: metric -> those that are paused less (agreeing.py)."""
    facts: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for metric in sorted(set(features["metric"].to_pylist())):
        own = features.filter(pc.equal(features["metric"], metric))
        of_metric = own.to_pylist()
        facts += of_metric
        rows += _of_metric(own, of_metric, models.get(metric))
    return [with_agreeing_times(fact, row) for fact, row in zip(facts, capped(facts, rows, unpaused), strict=True)]


def _of_metric(own: pa.Table, facts: Sequence[dict[str, Any]], model: Model | None) -> list[dict[str, Any]]:
    """`facts`: the rows of `own`."""
    answers = ask(model, own) if model else None
    reasons = strongest(facts, answers.effects) if answers is not None and answers.effects is not None else [[used(row["target_used_share"])] for row in facts]
    told = []
    for number, row in enumerate(facts):
        why_unknown = _why_unknown(row, model)
        said: list[str | None]
        left: list[float | None] = [None, None, None]
        if answers is not None and not _is_not_known(row):
            left = [float(value) if math.isfinite(value) else None for value in answers.left[number]]
        if row["elapsed_seconds"] is not None and row["elapsed_seconds"] > row["target_seconds"] and not _is_not_known(row):
            probability, source, said = 1.0, "certain", _late(row)
        elif why_unknown or answers is None:
            probability, source, said = None, "unknown", [why_unknown]
        else:
            probability, source, said = float(answers.probabilities[number]), answers.source, list(reasons[number])
        said = [*said, None, None][:REASONS] if len(said) < REASONS else said[:REASONS]
        told.append({
            "predicted_at": row["predicted_at"], **{name: row[name] for name in ("source", "case_id", "intake_date", "policy", "metric", "cycle")},
            "breach_probability": probability, "probability_source": source, "remaining_p10_business_minutes": left[0],
            "remaining_p50_business_minutes": left[1], "remaining_p90_business_minutes": left[2], "reason_1": said[0], "reason_2": said[1], "reason_3": said[2],
        })  # fmt: skip
    return told


def _late(row: Mapping[str, Any]) -> list[str | None]:
    late = open_time(row["elapsed_seconds"] - row["target_seconds"])
    return [f"it is past its target by {late} of open time"]


def _is_not_known(row: Mapping[str, Any]) -> bool:
    """Whether nobody could have known the row then: the desk is looked at as of an instant of the past."""
    return not row["is_received"] or not row["is_promise_in_force"]


def _why_unknown(row: Mapping[str, Any], model: Model | None) -> str:
    if not row["is_received"]:
        return "an event of the case from before that instant was received only later"
    if not row["is_promise_in_force"]:
        return "its promise, or the target of it, came into force only later"
    if row["elapsed_seconds"] is None:
        return "the instant, or the clock's start, lies outside the horizon of its calendar"
    if model is None:
        return "too little history: no clock of this metric has stopped with a verdict yet"
    if model.card["served"] == "unknown":
        return str(model.card["reason"])
    return ""
