"""The data dictionary says of a table what the catalog and the asset graph know."""

from __future__ import annotations

import pytest

from opsla_dagster.catalog.dictionary import current_dictionary


@pytest.fixture(scope="module")
def sections() -> dict[str, str]:
    """Table -> its section."""
    parts = current_dictionary().split("\n### ")[1:]
    return {part.split("\n", 1)[0]: part.split("\n## ")[0] for part in parts}


def test_a_table_has_grain_key_kind_and_neighbours(sections: dict[str, str]) -> None:
    section = sections["staging.status_spans"]
    assert "**One row per case and contiguous stretch in one status.**" in section
    assert "- Key: `case_id`, `span_number`" in section
    assert "- Kind: partitioned by day, on `intake_date`" in section
    assert "- Made from: [staging.case_milestones](#stagingcase_milestones), [staging.events_clean]" in section
    assert "- Read by: [staging.ownership_spans](#stagingownership_spans), [staging.sla_signals](#stagingsla_signals), [staging.sla_clock_spans](#stagingsla_clock_spans)" in section
    assert "- Rule: `started_at < ended_at`, wherever both are known" in section


def test_a_column_has_type_unit_null_and_meaning(sections: dict[str, str]) -> None:
    lines = sections["staging.sla_clocks"].splitlines()
    assert "| `target_seconds` | BIGINT | seconds |  | Promise: open seconds of the clock's calendar |" in lines
    (elapsed,) = [line for line in lines if line.startswith("| `elapsed_seconds`")]
    assert "| yes |" in elapsed
    (outcome,) = [line for line in lines if line.startswith("| `outcome`")]
    assert outcome.endswith(": met, breached, running, unknown |")


def test_checks_say_what_becomes_of_a_run_that_fails_them(sections: dict[str, str]) -> None:
    assert "| `drift_breach_pct` | warning |" in sections["mart.sla_daily"]
    assert "| `assert_days_add_up_to_cases` | error, stops the run |" in sections["mart.sla_daily"]
    assert "| `gate_pct_missing_event_ts` | warning above 3, error above 20 |" in sections["raw.events_log"]
