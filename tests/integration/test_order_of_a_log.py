"""Logs whose records do not come in the order in which things happened: a warning says so, and `order_by` or `newest_first` mends it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from small_desk import desk_settings, july, log_of, make, rows, with_sources

from opsla_dagster.checks.outcome import Outcome
from opsla_dagster.warehouse.sql import check_path, header_comment

CHECK = "warn_cases_reopened_before_they_ended"
TABLES = [
    "raw.source_partitions", "raw.rejected_rows", "raw.calendar_dim", "raw.cases", "raw.events_log", "staging.events_deduped", "staging.events_clean",
    "staging.case_milestones",
]
IN_ORDER = ["A,New,2025-07-01 09:00", "A,Seen,2025-07-01 09:30", "A,Active,2025-07-01 10:00", "A,Done,2025-07-01 11:00"]
APPENDED_LATE = [IN_ORDER[0], IN_ORDER[3], IN_ORDER[2]]
#: Ended, taken up again, ended again; then a record that a clock of minutes stamps alike.
REOPENED = [*IN_ORDER, "A,Active,2025-07-01 12:00", "A,Done,2025-07-01 13:00", "A,Active,2025-07-01 13:00"]


def judged(directory: Path, files: dict[str, list[str]], **overrides: Any) -> tuple[Outcome, list[tuple[object, ...]]]:
    """The check's outcome on a log of these files, and (is_open, reopen_count) of its only case."""
    for name, records in files.items():
        (directory / name).write_text("\n".join(["number,state,at", *records, ""]), encoding="utf-8")
    log = log_of(directory / "log*.csv", **overrides)
    settings = with_sources(desk_settings(directory, cases=1, gates=False), log)
    found = [outcome for _, outcome in make(settings, [july(1, 2)], datetime(2025, 7, 3), only=TABLES) if outcome.check == CHECK]
    return found[0], rows(settings.home.warehouse, "select is_open, reopen_count from staging.case_milestones")


@pytest.mark.parametrize(
    ("records", "setting"),
    [(IN_ORDER[::-1], {"newest_first": True}), (IN_ORDER[::-1], {"order_by": ["at"]}), (APPENDED_LATE, {"order_by": ["at"]})],
    ids=["newest first", "newest first, by stamp", "appended late"],
)
def test_a_case_that_is_reopened_before_it_ended_is_named(tmp_path: Path, records: list[str], setting: dict[str, Any]) -> None:
    outcome, case = judged(tmp_path, {"log.csv": records})
    assert (outcome.passed, outcome.figures) == (False, {"offending_rows": 1})
    assert "desk_log" in outcome.sample
    assert "2025-07-01 10:00:00 2025-07-01 11:00:00" in outcome.sample, "when it was reopened, and ended"
    assert case == [(True, 1)]
    (tmp_path / "mended").mkdir()
    outcome, case = judged(tmp_path / "mended", {"log.csv": records}, **setting)
    assert (outcome.passed, case) == (True, [(False, 0)])


def test_the_warning_says_what_to_set() -> None:
    told = header_comment(check_path("raw.events_log", CHECK))
    assert "set `newest_first` in sources.yml; where records or files come in any other order, set `order_by`" in " ".join(told.split())


def test_true_reopens_are_no_offence(tmp_path: Path) -> None:
    outcome, case = judged(tmp_path, {"log.csv": REOPENED})
    assert (outcome.passed, case) == (True, [(True, 2)])


def test_files_are_read_by_their_numbers(tmp_path: Path) -> None:
    outcome, case = judged(tmp_path, {"log_9.csv": IN_ORDER[:2], "log_10.csv": IN_ORDER[2:]})
    assert (outcome.passed, case) == (True, [(False, 0)])
