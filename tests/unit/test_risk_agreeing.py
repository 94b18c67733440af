"""What is said of a clock and of its case does not contradict itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from opsla_dagster.risk_model.agreeing import BEYOND, capped, unpaused_metrics, with_agreeing_times
from opsla_dagster.settings.sla_policies import SlaPoliciesSettings

DUE = 158.0


def fact(metric: str = "resolution", **told: Any) -> dict[str, Any]:
    return {
        "metric": metric, "predicted_at": datetime(2025, 7, 7), "case_id": "a", "policy": "desk", "cycle": 1, "calendar": "desk", "target_seconds": 28_800,
        "elapsed_seconds": 19_320, "remaining_seconds": DUE * 60, "is_paused": False,
    } | told  # fmt: skip


def answer(probability: float | None, *times: float | None, source: str = "model") -> dict[str, Any]:
    names = ("remaining_p10_business_minutes", "remaining_p50_business_minutes", "remaining_p90_business_minutes")
    return {"breach_probability": probability, "probability_source": source, **dict(zip(names, times or (1.0, 7.0, 60.0), strict=True))}


def times(row: dict[str, Any]) -> list[Any]:
    return [row[f"remaining_p{share}_business_minutes"] for share in (10, 50, 90)]


@pytest.mark.parametrize(
    ("probability", "told", "is_paused", "expected"),
    [
        (0.05, (1.0, 7.0, 60.0), False, [1.0, 7.0, 60.0]),
        (0.1, (1.0, 7.0, 60.0), False, [1.0, 7.0, 60.0]),
        (0.11, (1.0, 7.0, 60.0), False, [1.0, 7.0, DUE + BEYOND]),
        (0.53, (1.0, 7.0, 60.0), False, [1.0, DUE + BEYOND, DUE + BEYOND]),
        (0.53, (1.0, 7.0, 600.0), False, [1.0, DUE + BEYOND, 600.0]),
        (0.95, (1.0, 7.0, 60.0), False, [DUE + BEYOND] * 3),
        (0.3, (200.0, 300.0, 400.0), False, [DUE, 300.0, 400.0]),
        (0.3, (200.0, 300.0, 400.0), True, [200.0, 300.0, 400.0]),
        (0.95, (200.0, 300.0, 400.0), False, [200.0, 300.0, 400.0]),
    ],
)
def test_remaining_times_agree_with_the_probability(probability: float, told: tuple[float, ...], is_paused: bool, expected: list[float]) -> None:
    assert times(with_agreeing_times(fact(is_paused=is_paused), answer(probability, *told))) == expected


def test_what_is_certain_or_unknown_stays_as_it_is() -> None:
    for row in (answer(1.0, source="certain"), answer(None, source="unknown"), answer(0.6, None, None, None)):
        assert with_agreeing_times(fact(), row) == row


def test_a_paused_promise_breaks_at_most_as_often_as_the_unpaused_one() -> None:
    unpaused = {"paused": ["resolution"], "resolution": []}

    def found(other: dict[str, Any], said: dict[str, Any]) -> Any:
        return capped([fact(), other], [said, answer(0.7)], unpaused)[1]["breach_probability"]

    assert found(fact("paused"), answer(0.4)) == 0.4
    assert found(fact("paused", elapsed_seconds=3600), answer(0.4)) == 0.4
    assert found(fact("paused"), answer(0.8)) == 0.7
    assert found(fact("paused"), answer(None, source="unknown")) == 0.7
    # Another target, start (it has run longer), cycle or case is another promise.
    for other in ({"target_seconds": 3600}, {"elapsed_seconds": 20_000}, {"cycle": 2}, {"case_id": "b"}, {"calendar": "always"}):
        assert found(fact("paused", **other), answer(0.4)) == 0.7


def test_unpaused_metrics_are_those_that_differ_by_fewer_pauses_alone() -> None:
    whole: dict[str, Any] = {"title": "resolution", "start": ["INTAKE"], "stop": ["RESOLVED"]}
    metrics = {
        "resolution": whole, "paused": {**whole, "pause": ["CUSTOMER_WAIT"]}, "touch": {**whole, "stop": ["TRIAGE"], "pause": ["CUSTOMER_WAIT"]},
        "twice": {**whole, "pause": ["CUSTOMER_WAIT", "VENDOR_WAIT"]},
    }  # fmt: skip
    policies = SlaPoliciesSettings.model_validate({"metrics": metrics, "policies": []})
    assert unpaused_metrics(policies) == {"resolution": [], "paused": ["resolution"], "touch": [], "twice": ["resolution", "paused"]}
