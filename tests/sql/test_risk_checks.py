"""The checks of the area `risk` pass what is right, and find the error that each is there to find.

Belongs here: planted errors, and what makes predictions be kept once. Does not belong here: the tables' own SQL (golden cases beside this file).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import pytest

from opsla_dagster.assets.risk import _risk_predictions
from opsla_dagster.assets.scope import Scope
from opsla_dagster.catalog import TABLES
from opsla_dagster.checks.invariants import check_invariant
from opsla_dagster.warehouse.write import add_rows
from opsla_dagster.window import Window

NOW = datetime(2025, 7, 14, 4)
WINDOW = Window(date(2025, 7, 1), date(2025, 7, 14))
CLOCK = {"source": "test", "intake_date": date(2025, 7, 10), "policy": "desk", "metric": "resolution", "cycle": 1}
NAMES = (
    "mart.clock_now", "mart.risk_features", "mart.open_case_risk", "mart.risk_model_card", "mart.risk_scorecard", "mart.risk_predictions", "mart.desk_now", "ops.risk_models",
)  # fmt: skip


def insert(connection: duckdb.DuckDBPyConnection, table: str, **told: Any) -> None:
    connection.execute(f"insert into {table} ({', '.join(told)}) values ({', '.join('?' for _ in told)})", list(told.values()))


def prediction(case_id: str, probability: float | None, source: str) -> dict[str, Any]:
    return {
        **CLOCK, "case_id": case_id, "predicted_at": NOW, "breach_probability": probability, "probability_source": source, "remaining_p10_business_minutes": 1.0,
        "remaining_p50_business_minutes": 2.0, "remaining_p90_business_minutes": 3.0, "reason_1": "it is so",
    }  # fmt: skip


def tell(connection: duckdb.DuckDBPyConnection) -> None:
    """Three open clocks, one past its target, one of which nothing is known; a model that held over three days."""
    for schema in ("mart", "ops"):
        connection.execute(f"create schema {schema}")
    for name in NAMES:
        connection.execute(f"create table {name} ({', '.join(f'{column.name} {column.type}' for column in TABLES[name].columns)})")
    for case_id, is_past, probability, source in (("a", False, 0.3, "model"), ("b", True, 1.0, "certain"), ("c", False, None, "unknown")):
        insert(connection, "mart.clock_now", **CLOCK, case_id=case_id, is_past_target=is_past)
        insert(connection, "mart.risk_features", **CLOCK, case_id=case_id, predicted_at=NOW, is_paused=False, remaining_seconds=-60 if is_past else 120)
        insert(connection, "mart.open_case_risk", **prediction(case_id, probability, source))
    ends = [datetime(2025, 6, day) for day in (1, 10, 11, 20, 21, 29)]
    names = ("training_from_at", "training_to_at", "calibration_from_at", "calibration_to_at", "test_from_at", "test_to_at")
    insert(
        connection, "mart.risk_model_card", metric="resolution", cut_at=datetime(2025, 6, 30), served="model", model_brier=0.15, target_used_brier=0.2,
        **dict(zip(names, ends, strict=True)),
    )  # fmt: skip
    for days in (1, 2, 3):
        insert(
            connection, "mart.risk_scorecard", predicted_at=NOW - timedelta(days=days), metric="resolution", scored_predictions=40, breached_predictions=10,
            predicted_breach_pct=27.0, happened_pct=25.0, brier=0.16, is_decided=True,
        )  # fmt: skip
    insert(connection, "mart.desk_now", now_at=NOW, now_date=date(2025, 7, 13))
    insert(connection, "ops.risk_models", metric="resolution", risk_model="m1")


@pytest.fixture(scope="module")
def story() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        tell(connection)
        yield connection


AGREE = "assert_remaining_times_agree_with_probabilities"
EVERY, BASIS, CUT, HOLD = "assert_every_open_clock_is_told_of", "assert_probabilities_say_what_they_rest_on", "assert_nothing_trains_after_the_cut", "drift_predictions_hold"


@pytest.mark.parametrize(
    ("table", "check", "mutation"),
    [
        ("mart.open_case_risk", EVERY, "delete from mart.open_case_risk where case_id = 'c'"),
        ("mart.open_case_risk", EVERY, "update mart.open_case_risk set cycle = 2 where case_id = 'a'"),
        ("mart.open_case_risk", EVERY, "delete from mart.clock_now where case_id = 'b'"),
        ("mart.open_case_risk", BASIS, "update mart.open_case_risk set breach_probability = 0.9 where case_id = 'b'"),
        ("mart.open_case_risk", BASIS, "update mart.open_case_risk set breach_probability = 0.5 where case_id = 'c'"),
        ("mart.open_case_risk", BASIS, "update mart.open_case_risk set breach_probability = null where case_id = 'a'"),
        ("mart.open_case_risk", BASIS, "update mart.clock_now set is_past_target = true where case_id = 'a'"),
        ("mart.open_case_risk", BASIS, "update mart.clock_now set is_past_target = false where case_id = 'b'"),
        ("mart.open_case_risk", BASIS, "update mart.open_case_risk set remaining_p10_business_minutes = 2.5 where case_id = 'a'"),
        ("mart.open_case_risk", AGREE, "update mart.open_case_risk set breach_probability = 0.51 where case_id = 'a'"),
        ("mart.open_case_risk", AGREE, "update mart.open_case_risk set remaining_p90_business_minutes = 2 where case_id = 'a'"),
        ("mart.open_case_risk", AGREE, "update mart.open_case_risk set remaining_p10_business_minutes = 2.5 where case_id = 'a'"),
        ("mart.open_case_risk", AGREE, "update mart.open_case_risk set breach_probability = 0.91, remaining_p50_business_minutes = 3 where case_id = 'a'"),
        ("mart.risk_model_card", CUT, "update mart.risk_model_card set test_to_at = cut_at"),
        ("mart.risk_model_card", CUT, "update mart.risk_model_card set training_to_at = calibration_from_at"),
        ("mart.risk_model_card", CUT, "update mart.risk_model_card set calibration_to_at = test_from_at"),
        ("mart.risk_scorecard", HOLD, "update mart.risk_scorecard set predicted_breach_pct = 40"),
        ("mart.risk_scorecard", HOLD, "update mart.risk_scorecard set brier = 0.21"),
        ("mart.risk_scorecard", HOLD, "update mart.risk_scorecard set breached_predictions = 16"),
    ],
)
def test_a_check_breaks_by_the_error_that_it_is_there_to_find(story: duckdb.DuckDBPyConnection, table: str, check: str, mutation: str) -> None:
    assert check_invariant(story, table, check, WINDOW, NOW).passed
    story.begin()
    try:
        story.execute(mutation)
        assert not check_invariant(story, table, check, WINDOW, NOW).passed
    finally:
        story.rollback()


@pytest.mark.parametrize(
    "mutation",
    [
        "update mart.risk_scorecard set predicted_breach_pct = 40, scored_predictions = 33",
        "update mart.risk_scorecard set predicted_breach_pct = 40 where predicted_at = (select min(predicted_at) from mart.risk_scorecard)",
        "update mart.risk_scorecard set predicted_at = predicted_at - interval 28 day, predicted_breach_pct = 90 where predicted_at < (select max(predicted_at) from mart.risk_scorecard)",
        "update mart.risk_scorecard set is_decided = false, breached_predictions = 0",
        "update mart.risk_scorecard set breached_predictions = 20, predicted_breach_pct = 48, brier = 0.24",
    ],
    ids=["below 100 outcomes", "one day of three", "older than 28 days", "those that ended first", "clocks that break more often than those of the test"],
)
def test_few_old_or_single_days_are_no_drift(story: duckdb.DuckDBPyConnection, mutation: str) -> None:
    story.begin()
    try:
        story.execute(mutation)
        assert check_invariant(story, "mart.risk_scorecard", HOLD, WINDOW, NOW).passed
    finally:
        story.rollback()


def test_a_rerun_of_the_same_date_adds_no_prediction_and_changes_none() -> None:
    table = TABLES["mart.risk_predictions"]
    told = "select case_id, predicted_date, breach_probability from mart.risk_predictions order by all"
    counted = "select count(*), count(distinct predicted_date), max(breach_probability) filter (where case_id = 'a') from mart.risk_predictions"
    with duckdb.connect() as connection:
        tell(connection)
        scope = cast(Scope, SimpleNamespace(connection=connection))
        assert add_rows(connection, table, _risk_predictions(scope, None)) == 3
        first = connection.execute(told).fetchall()
        connection.execute("update mart.open_case_risk set breach_probability = 0.8, predicted_at = predicted_at + interval 1 hour where case_id = 'a'")
        assert add_rows(connection, table, _risk_predictions(scope, None)) == 0
        assert connection.execute(told).fetchall() == first
        connection.execute("update mart.desk_now set now_at = now_at + interval 1 day, now_date = now_date + 1")
        assert add_rows(connection, table, _risk_predictions(scope, None)) == 3
        assert connection.execute(counted).fetchone() == (6, 2, 0.8)
