"""Breach risk in words and figures: what is not known is never a zero.

Belongs here: the page's figures and the report's section from rows. Does not belong here: how a probability is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import pytest

from opsla_dagster.catalog import TABLES
from opsla_dagster.center.pages.risk import figures
from opsla_dagster.reporting.run_summary import Headline
from opsla_dagster.reporting.sections.risk import risk

LATE = "an event of the case from before that instant was received only later"
TOO_LITTLE = "too little history: 12 clocks with an outcome, and a share is said from 30 on"
HEADLINE = cast("Headline", SimpleNamespace(titles=dict))


def clock(source: str, breach_pct: float | None = None, reason: str | None = None) -> dict[str, Any]:
    return {"case_id": "a", "probability_source": source, "breach_pct": breach_pct, "reason_1": reason}


def test_without_any_probability_there_is_no_figure() -> None:
    likely, expected, certain, unknown = figures([clock("unknown", reason=TOO_LITTLE), clock("certain", 100.0)], "/open")
    assert (likely.value, likely.tone, expected.value) == (None, "", None), "a green 0 would say that nothing will break"
    assert list(likely.notes) == list(expected.notes) == [f"not known: {TOO_LITTLE}"]
    assert (certain.value, unknown.value) == (1, 1)
    likely, *_ = figures([clock("unknown", reason=LATE), clock("unknown", reason=TOO_LITTLE), clock("unknown", reason=TOO_LITTLE)], "/open")
    assert list(likely.notes) == [f"not known: {TOO_LITTLE} (2 clocks); {LATE} (1 clock)"]


def test_what_is_unknown_is_not_counted_and_not_green() -> None:
    likely, expected, _, unknown = figures([clock("model", 20.0), clock("unknown", reason=TOO_LITTLE)], "/open")
    assert (likely.value, likely.tone, expected.value, unknown.value) == (0, "", 0.2, 1)
    assert likely.notes[-1] == expected.notes[-1] == "1 clock without a probability not counted"


def test_with_every_probability_known_a_zero_is_one() -> None:
    likely, expected, _, unknown = figures([clock("model", 20.0), clock("baseline", 30.0)], "/open")
    assert (likely.value, likely.tone, expected.value, unknown.value) == (0, "good", 0.5, 0)


@pytest.fixture
def marts() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("create schema mart")
        for name in ("mart.open_case_risk", "mart.risk_model_card", "mart.backlog_now"):
            connection.execute(f"create table {name} ({', '.join(f'{column.name} {column.type}' for column in TABLES[name].columns)})")
        yield connection


def test_the_report_says_that_too_little_is_known(marts: duckdb.DuckDBPyConnection) -> None:
    assert risk(marts, HEADLINE) is None, "no clock is open"
    marts.execute("insert into mart.backlog_now (case_id) values ('a'), ('b')")
    marts.execute("insert into mart.open_case_risk (case_id, probability_source, reason_1) values ('a', 'unknown', $why), ('b', 'unknown', $why)", {"why": TOO_LITTLE})
    section = risk(marts, HEADLINE)
    assert section is not None
    assert section.finding == f"Cannot be said of 2 open clocks: {TOO_LITTLE}."
    assert section.table is None


def test_the_report_names_every_reason_that_of_most_clocks_first(marts: duckdb.DuckDBPyConnection) -> None:
    marts.execute("insert into mart.backlog_now (case_id) values ('a'), ('b'), ('c'), ('d')")
    marts.executemany(
        "insert into mart.open_case_risk (case_id, probability_source, reason_1, predicted_at, metric, breach_probability) values (?, ?, ?, timestamp '2025-07-01', 'first_touch', ?)",
        [["a", "unknown", LATE, None], ["b", "unknown", TOO_LITTLE, None], ["c", "unknown", TOO_LITTLE, None], ["d", "model", "new", 0.7]],
    )
    section = risk(marts, HEADLINE)
    assert section is not None
    assert section.finding.endswith(f"Of 3 more open clocks no probability can be told: {TOO_LITTLE} (2 clocks); {LATE} (1 clock).")
