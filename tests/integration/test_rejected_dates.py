"""A date of which nothing could be used: made without rows, told as a warning of that date, made once, and made anew when the log is mended."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from small_desk import core, desk_settings, log_of, make, one_o_clock, plan, rows, up_to, with_sources

from opsla_dagster.automation.refresh import refresh_windows
from opsla_dagster.settings import Settings
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.window import Window

CHECK = "warn_dates_without_cases_but_rejected_ones"
UP_TO_CASES = ["raw.calendar_dim", "ops.source_watermarks", "raw.source_partitions", "raw.rejected_rows", "raw.cases"]
#: A case and its stamp as each date has them; 1 July 2025 is a Tuesday.
WORD_UNKNOWN, STAMP_UNREADABLE, STAMP_AND_WORD_GOOD = "Nouveau", "2. Juli", "New"


def write_log(path: Path, days: dict[int, tuple[str, str | None]], cases: int = 3) -> None:
    """`days`: day of July -> the word of its records and, where it is not the date's own, their stamp."""
    lines = [
        f"{day}-{case},{word},{stamp or f'2025-07-{day:02d} 1{case}:00:00'}"
        for day, (word, stamp) in days.items()
        for case in range(cases)
    ]
    path.write_text("\n".join(["number,state,at", *lines, ""]), encoding="utf-8")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.csv"


def desk_of(log: Path, directory: Path, **overrides: Any) -> Settings:
    return with_sources(desk_settings(directory, cases=1, gates=False), log_of(log, **overrides))


def judged(settings: Settings, window: Window, as_of_at: datetime) -> str | None:
    """What the check says of the window: the sample of a failure, None where it passes."""
    outcomes = {outcome.check: outcome for table, outcome in make(settings, [window], as_of_at, only=UP_TO_CASES) if table == "raw.cases"}
    found = outcomes[CHECK]
    assert not found.stops_the_run, "a warning: the date is made"
    return None if found.passed else " ".join(found.sample.split())


def july_of(first: int, last: int) -> Window:
    return Window(date(2025, 7, first), date(2025, 7, last + 1))


def test_date_whose_records_are_all_rejected_is_made_empty_told_once_and_made_anew_when_the_log_is_mended(log: Path, tmp_path: Path) -> None:
    settings = desk_of(log, tmp_path)
    good = (STAMP_AND_WORD_GOOD, None)
    write_log(log, {1: good, 2: (WORD_UNKNOWN, None), 3: good})
    night = one_o_clock(date(2025, 7, 3))
    outcomes = make(settings, [july_of(1, 2)], night, core(settings) | up_to(settings, "mart.sla_daily"))

    failed = {(table, outcome.check): outcome for table, outcome in outcomes if not outcome.passed}
    assert [outcome.check for (table, _), outcome in failed.items() if table == "raw.cases"] == [CHECK]
    assert failed["raw.cases", CHECK].sample.split()[-4:] == ["desk_log", "2025-07-02", "3", "0"]
    warehouse = settings.home.warehouse
    assert rows(warehouse, "select intake_date, cases from raw.source_partitions order by 1") == [(date(2025, 7, 1), 3), (date(2025, 7, 2), 0)]
    assert rows(warehouse, "select intake_date, opened_cases from mart.sla_daily order by 1")[0] == (date(2025, 7, 1), 3)
    assert rows(warehouse, "select record_date, count(*) from raw.rejected_rows group by 1") == [(date(2025, 7, 2), 3)]

    assert not refresh_windows(settings, build_desk(settings), night, only_changed=True), "it is not tried again and again"

    write_log(log, {1: good, 2: good, 3: good})
    next_night = one_o_clock(date(2025, 7, 4))
    assert [str(window) for window in plan(settings, next_night)] == ["2025-07-02..2025-07-03"]
    assert judged(settings, july_of(2, 3), next_night) is None
    assert rows(warehouse, "select intake_date, count(*) from raw.cases group by 1 order by 1") == [(date(2025, 7, day), 3) for day in (1, 2, 3)]


def test_stamps_that_nobody_can_read_are_of_no_date_and_told_on_the_empty_one(log: Path, tmp_path: Path) -> None:
    settings = desk_of(log, tmp_path)
    write_log(log, {1: ("New", None), 2: ("New", STAMP_UNREADABLE), 3: ("New", None)})
    assert judged(settings, july_of(1, 3), one_o_clock(date(2025, 7, 4))) == (
        "source intake_date rejected_cases rejected_cases_of_unknown_date desk_log 2025-07-02 0 3"
    )


def test_few_records_of_unknown_date_do_not_make_a_free_day_suspicious(log: Path, tmp_path: Path) -> None:
    settings = desk_of(log, tmp_path)
    write_log(log, {1: ("New", None), 3: ("New", None)})
    with log.open("a", encoding="utf-8") as more:
        more.write(f"old,New,{STAMP_UNREADABLE}\n")
    assert judged(settings, july_of(1, 3), one_o_clock(date(2025, 7, 4))) is None, "one, of dates with three cases"


def test_weekday_on_which_nothing_comes_in_is_no_warning(log: Path, tmp_path: Path) -> None:
    """5 and 12 July are Saturdays: three undated records are as many as a usual date has, and none of a Saturday."""
    settings = desk_of(log, tmp_path)
    good = ("New", None)
    write_log(log, {1: ("New", STAMP_UNREADABLE), **dict.fromkeys((2, 3, 4, 7, 8, 9, 10, 11), good)})
    assert (judged(settings, july_of(2, 11), one_o_clock(date(2025, 7, 12))) or "").split()[5::4] == ["2025-07-05", "2025-07-06"], "of the first weekend nobody knows"
    assert judged(settings, july_of(12, 12), one_o_clock(date(2025, 7, 13))) is None


def test_rejected_records_of_a_case_that_is_loaded_are_no_lost_case(log: Path, tmp_path: Path) -> None:
    settings = desk_of(log, tmp_path)
    log.write_text("number,state,at\na,New,2025-07-01 10:00:00\na,Nouveau,2025-07-02 10:00:00\nb,New,2025-07-03 10:00:00\n", encoding="utf-8")
    assert judged(settings, july_of(1, 3), one_o_clock(date(2025, 7, 4))) is None
    assert rows(settings.home.warehouse, "select case_id, record_date from raw.rejected_rows") == [("a", date(2025, 7, 1))]


def test_an_audit_log_beside_has_no_cases_that_could_be_missing(log: Path, tmp_path: Path) -> None:
    write_log(log, {1: ("New", None), 2: ("New", None), 3: ("New", None)})
    audit = tmp_path / "audit.csv"
    audit.write_text("number,at,what,before,after\n1-0,2025-07-01 11:00:00,Group,,L1\nz,2025-07-02 11:00:00,Colour,,L1\n", encoding="utf-8")
    changes = {
        "type": "event_log", "name": "audit", "form": "changes", "beside": "desk_log", "files": str(audit), "time": {"timezone": "UTC"}, "fields": {"Group": "team"},
        "columns": {"case_id": "number", "event_ts": "at", "field": "what", "old_value": "before", "new_value": "after"},
    }  # fmt: skip
    settings = with_sources(desk_settings(tmp_path, cases=1, gates=False), log_of(log), changes)
    assert judged(settings, july_of(1, 3), one_o_clock(date(2025, 7, 4))) is None
    assert rows(settings.home.warehouse, "select source, case_id from raw.rejected_rows") == [("audit", "z")], "and yet nothing of 2 July is missing"


def test_a_date_that_is_not_over_is_not_judged(log: Path, tmp_path: Path) -> None:
    settings = desk_of(log, tmp_path)
    write_log(log, {1: ("New", None), 2: (WORD_UNKNOWN, None)})
    assert judged(settings, july_of(1, 2), datetime(2025, 7, 2, 6)) is None
    assert judged(settings, july_of(1, 2), datetime(2025, 7, 3, 6)) is not None


def test_one_row_a_case_has_the_date_of_its_opening_stamp(log: Path, tmp_path: Path) -> None:
    log.write_text("number,opened,done\na,2025-07-01 10:00:00,\nb,2025-07-02 23:00:00,2025-07-02 22:00 h\n", encoding="utf-8")
    source = {
        "type": "event_log", "name": "desk_log", "form": "cases", "files": str(log), "time": {"timezone": "UTC"},
        "columns": {"case_id": "number"}, "milestones": {"opened": "INTAKE", "done": "RESOLVED"},
    }  # fmt: skip
    settings = with_sources(desk_settings(tmp_path, cases=1, gates=False), source)
    found = judged(settings, july_of(1, 2), one_o_clock(date(2025, 7, 4)))
    assert rows(settings.home.warehouse, "select case_id, record_date from raw.rejected_rows") == [("b", date(2025, 7, 2))]
    assert found is not None
    assert found.endswith("desk_log 2025-07-02 1 0")
