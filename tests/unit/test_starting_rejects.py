"""`opsla init` tells what the run will reject, as the run counts it, and does not begin a run that its own gates would stop.

Rules: docs/decisions/0019-what-init-refuses-to-propose.md.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console
from test_starting_changes import GROUPS
from test_starting_log import answers

from opsla_dagster.settings import load_settings
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.starting import begin as beginning
from opsla_dagster.starting.asking import Asking
from opsla_dagster.starting.begin import Begun, begin

EVER = datetime(2090, 1, 1)
CASES = [f"A-{number};{state};2026-03-0{number} {hour}:00" for number in range(1, 7) for state, hour in (("New", "09"), ("Solved", "12"))]
#: As a spreadsheet exports them: an empty row, a row without its case id, one without its stamp.
MESSY = [*CASES[:2], ";;", *CASES[2:], ";New;2026-03-03 09:30", "A-9;New;"]


def init(directory: Path, rows: Sequence[str], header: str = "Ticket;State;Changed at", **more: object) -> tuple[Begun, str]:
    """What was begun, and what was said."""
    path = directory / "log.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    console = Console(file=io.StringIO(), width=400)
    begun = begin(answers(directory / "desk", path, timezone="UTC", **more), Asking(console, is_allowed=False))
    assert begun is not None
    assert isinstance(console.file, io.StringIO)
    return begun, console.file.getvalue()


def as_run(begun: Begun) -> str:
    """What a load says of the counts."""
    return " ".join(build_desk(load_settings(begun.directory, begun.home)).reading_notes(EVER))


def test_records_are_counted_and_rejected_as_the_run_does(tmp_path: Path) -> None:
    begun, text = init(tmp_path, MESSY)
    assert "14 records, one row per update" in text
    assert [line.strip() for line in text.split("As the run will read them: ")[1].splitlines()[:3]] == [
        "14 records, 12 used, 2 rejected.", "1 record: column Ticket: no case id (row 15)", "1 record: column Changed at: no stamp, and nothing else says when it happened (row 16)",
    ]  # fmt: skip
    assert "14 records read, 12 used, 2 rejected" in as_run(begun)
    assert begun.unfinished == "", "14 % are not too many"


def test_where_nothing_is_rejected_nothing_is_said(tmp_path: Path) -> None:
    assert "As the run will read them" not in init(tmp_path, CASES)[1]


def test_cells_that_reject_a_whole_case_are_told(tmp_path: Path) -> None:
    rows = [f"{n},2026-03-0{n} 09:00,{'not yet' if n == 2 else f'2026-03-0{n} 10:00'},2026-03-0{n} 12:00" for n in range(1, 9)]
    begun, text = init(tmp_path, rows, "Ticket,Created At,First Reply At,Resolved At")
    assert "8 records, 7 used, 1 rejected.\n  1 record: column First Reply At: expected an ISO 8601 date and time; found 'not yet' (row 3)" in text
    assert "8 records read, 7 used, 1 rejected" in as_run(begun)


def test_a_run_that_the_gates_would_stop_is_not_begun(tmp_path: Path) -> None:
    begun, text = init(tmp_path, [*CASES, *[";New;2026-03-05 09:00"] * 3, "A-9;New;"])
    assert "16 records, 12 used, 4 rejected." in text
    assert "3 records: column Ticket: no case id (row 14 first)" in text
    assert begun.unfinished.startswith("25% of the records would be rejected, and quality_gates.yml lets 20 % pass: the first run would stop there. 3 records: column Ticket: no case id")
    assert begun.unfinished.endswith("quality_gates.yml, then `opsla run`")
    assert (begun.directory / "sources.yml").exists()


def test_a_fifth_is_let_pass_and_a_cell_is_shown_where_it_is_the_only_one(tmp_path: Path) -> None:
    begun, text = init(tmp_path, [*CASES, "A-7;New;soon", "A-7;New;soon", "A-8;New;later"])
    assert "3 records: column Changed at: expected an ISO 8601 date and time (row 14 first)" in text
    assert begun.unfinished == ""


def test_cases_from_before_the_first_day_are_no_mess(tmp_path: Path) -> None:
    begun, text = init(tmp_path, CASES, start_date=datetime(2026, 3, 5, tzinfo=UTC).date())
    assert "12 records, 4 used, 8 rejected.\n  8 records: the intake date 2026-03-0" in text
    assert begun.unfinished == ""


def test_an_audit_log_beside_is_read_too(tmp_path: Path) -> None:
    changes = tmp_path / "audit.csv"
    changes.write_text(GROUPS.rstrip("\n") + "\n,Group,front,back,2025-07-17 11:00\n")
    rows = ["T1,New,2025-07-15 09:00", "T1,Solved,2025-07-17 12:00", "T2,New,2025-07-15 09:00", "T2,Solved,2025-07-18 12:00"]
    _, text = init(tmp_path, rows, "Ticket,State,When", changes=[changes])
    assert "4 records, 3 used, 1 rejected.\n  1 record: column Ticket: no case id (row 5)" in text


def test_a_log_of_more_records_is_left_to_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginning, "MOST_RECORDS", 13)
    assert "As the run will read them" not in init(tmp_path, MESSY)[1]
