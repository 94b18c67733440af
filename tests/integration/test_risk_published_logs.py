"""What docs/decisions/0043-breach-risk.md promises of published logs, through `opsla run` and the product's own tables and model.

Skipped where the logs are absent. Run by `make hold`: each log is loaded whole.
"""

from __future__ import annotations

import pytest
from small_desk import takes_minutes

from benchmarks import risk

pytestmark = [pytest.mark.full, takes_minutes]


def _require(log: str) -> None:
    if not (risk.DATA / risk.FOLDERS[log]).is_dir():
        pytest.skip(f"the published log is not at {risk.DATA / risk.FOLDERS[log]}")


def test_remaining_time_of_the_help_desk() -> None:
    _require("helpdesk")
    with risk.loaded("helpdesk") as connection:
        figures = risk.helpdesk(connection)
    # The same split as published: the simple rule has the published error.
    assert 10.5 <= figures["mean_by_length_error_days"] <= 11.2
    assert figures["error_days"] <= 5.7
    assert 0.76 <= figures["coverage"] <= 0.86


def test_breach_at_intake_of_the_incidents() -> None:
    _require("servicenow")
    with risk.loaded("servicenow") as connection:
        figures = risk.servicenow(connection)
    assert figures["auc"] >= 0.76
    off = [points for _, points, _ in figures["off_points"].values()]
    # The promise is 5. One tenth, of 253 cases, is off by 7.4 points: 0043 says why, and this holds that it is not more.
    assert sum(abs(points) > 5 for points in off) <= 1, figures["off_points"]
    assert max(abs(points) for points in off) <= 8, figures["off_points"]
    # What tenths of the probability with few cases do not show: of those given most, too many are said to break. 0043 tells as much, and it is not more.
    parts = figures["off_points_of_equal_parts"]
    assert sum(cases for cases, _, _ in parts) == figures["test_cases"]
    assert sum(abs(points) > 5 for _, _, points in parts) <= 3, parts
    assert max(abs(points) for _, _, points in parts) <= 21.5, parts


def test_breach_of_requests_with_due_dates_of_their_own() -> None:
    _require("due")
    with risk.loaded("due") as connection:
        figures = risk.due(connection)
    assert "model" in figures["served"]
    # Little is known of a request that is told in one row: its type, where it went, how long its target is.
    assert figures["auc"] >= 0.66
    assert figures["brier"] < figures["baseline_brier"]
    assert abs(figures["said_less_happened_points"]) <= 5
    assert all(abs(points) <= 5 for _, points, _ in figures["off_points"].values()), figures["off_points"]
