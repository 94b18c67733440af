"""Gates on few rows: what is beyond a bound by chance is no news; what cannot be chance is, however few the rows."""

from __future__ import annotations

from datetime import date
from math import comb

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsla_dagster.checks.chance import chance_of_at_least, chance_of_at_most
from opsla_dagster.checks.gates import check_gates
from opsla_dagster.checks.outcome import Outcome
from opsla_dagster.settings.quality_gates import Bounds
from opsla_dagster.window import Window

LOOK = (
    "warns above 3, stops the run above 20. Look first at the latest rows of raw.events_log; the bounds are in quality_gates.yml."
)
SATURDAY = Window(date(2025, 7, 5), date(2025, 7, 6))
MISSING = Bounds(warn_above=3, error_above=20)


def judged(rows: int, without_ts: int, bounds: Bounds = MISSING, gate: str = "pct_missing_event_ts", cases: int = 1) -> Outcome:
    """The gate's verdict on so many events of a Saturday, of which so many have no event_ts."""
    with duckdb.connect() as connection:
        connection.execute("create schema raw")
        connection.execute(
            "create table raw.events_log as select 'c' || (i % $cases) as case_id, 'TRIAGE' as status, "
            "case when i >= $missing then timestamp '2025-07-05 10:00:00' + to_seconds(i) end as event_ts, "
            "timestamp '2025-07-05 23:00:00' as ingestion_ts, false as is_duplicate, false as is_late_arriving, "
            "false as is_tz_inconsistent, date '2025-07-05' as intake_date from range($rows) as r(i)",
            {"rows": rows, "missing": without_ts, "cases": cases},
        )
        (outcome,) = check_gates(connection, "raw.events_log", {gate: bounds}, SATURDAY)
        return outcome


@pytest.mark.parametrize(
    ("rows", "without_ts", "passed", "severity", "said"),
    [
        (156, 4, True, "WARN", "pct_missing_event_ts is 2.564 in the rows of 2025-07-05 (156 rows); warns above 3, stops the run above 20."),
        (
            156, 5, True, "WARN",
            "Too few rows to judge: pct_missing_event_ts is 3.205 in the rows of 2025-07-05 (156 rows); warns above 3, stops the run above 20, and by chance alone a "
            "source exactly at 3% shows as much in 50% of runs of this size.",
        ),
        (156, 12, False, "WARN", f"pct_missing_event_ts is 7.692 in the rows of 2025-07-05 (156 rows); {LOOK}"),
        # Beyond the error bound by chance only, beyond the other beyond doubt: a warning.
        (156, 33, False, "WARN", f"pct_missing_event_ts is 21.15 in the rows of 2025-07-05 (156 rows); {LOOK}"),
        (156, 80, False, "ERROR", f"pct_missing_event_ts is 51.28 in the rows of 2025-07-05 (156 rows); {LOOK}"),
        (
            29, 29, True, "WARN",
            "Too few rows to judge: pct_missing_event_ts is 100 in the rows of 2025-07-05 (29 rows); warns above 3, stops the run above 20, and fewer than 30 rows "
            "(min_sample) are not judged.",
        ),
        (30, 30, False, "ERROR", f"pct_missing_event_ts is 100 in the rows of 2025-07-05 (30 rows); {LOOK}"),
        # Thousands of rows are judged as the bound says.
        (100_000, 3_300, False, "WARN", f"pct_missing_event_ts is 3.3 in the rows of 2025-07-05 (100,000 rows); {LOOK}"),
    ],
)  # fmt: skip
def test_a_rate_is_beyond_its_bound_when_chance_does_not_explain_it(
    rows: int, without_ts: int, passed: bool, severity: str, said: str
) -> None:
    outcome = judged(rows, without_ts)
    assert (outcome.passed, outcome.severity.value, outcome.description) == (passed, severity, said)
    assert outcome.figures["sample_rows"] == rows
    assert outcome.figures.get("judged", True) is not said.startswith("Too few")


def test_min_sample_of_a_gate_goes_before_that_of_the_document() -> None:
    assert judged(20, 20, Bounds(error_above=20, min_sample=20)).stops_the_run
    assert judged(900, 900, Bounds(error_above=20, min_sample=1_000)).passed


def test_rates_that_have_to_be_high_and_bounds_of_zero() -> None:
    triaged = Bounds(warn_below=75, error_below=25)
    assert judged(200, 0, triaged, "pct_cases_with_triage", cases=50).passed
    # Zero is zero, in however few rows: nothing about it is chance.
    assert not judged(3, 1, Bounds(warn_above=0)).passed
    # A mean: min_sample alone, in cases.
    assert judged(29, 0, Bounds(error_below=2), "events_per_case", cases=29).passed
    assert judged(30, 0, Bounds(error_below=2), "events_per_case", cases=30).stops_the_run


@given(rows=st.integers(1, 60), hits=st.integers(0, 60), percent=st.integers(1, 99))
def test_tails_are_those_of_the_binomial_distribution(rows: int, hits: int, percent: int) -> None:
    hits, share = min(hits, rows), percent / 100
    terms = [comb(rows, k) * share**k * (1 - share) ** (rows - k) for k in range(rows + 1)]
    assert chance_of_at_least(hits, rows, share) == pytest.approx(sum(terms[hits:]), abs=1e-9)
    assert chance_of_at_most(hits, rows, share) == pytest.approx(sum(terms[: hits + 1]), abs=1e-9)
