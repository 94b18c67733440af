"""Logs as systems and spreadsheets export them: what `opsla init` proposes for them, and what the source then reads by that proposal."""

from __future__ import annotations

import io
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from rich.console import Console

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import load_settings
from opsla_dagster.sources.desk import Desk, build_desk
from opsla_dagster.starting.asking import Asking
from opsla_dagster.starting.begin import Answers, begin

CASES = Path(__file__).parent
AS_OF_AT = datetime(2025, 12, 1)


def begun(log: Path, directory: Path, **told: str) -> tuple[Desk, str]:
    """The desk that `opsla init --yes --timezone UTC` makes of a log, and what it says."""
    console = Console(record=True, width=200, file=io.StringIO())
    answers = Answers(
        files=[log], zendesk=None, intercom=False, directory=directory / "desk", name=None, timezone="UTC", start_date=None, time_format=None,
        columns=[], statuses=[], email_variable="", token_variable=None, key_variable="", base_url=None, **told,
    )  # fmt: skip
    assert begin(answers, Asking(console, is_allowed=False)) is not None
    return build_desk(load_settings(directory / "desk", directory / "home")), console.export_text()


def events(desk: Desk) -> list[tuple[str, str, datetime]]:
    rows = desk.events(desk.window(), AS_OF_AT).to_pylist()
    return [(row["case_id"], row["status"], row["event_ts"]) for row in rows]


TWO_CASES = [
    ("T-1", "INTAKE", datetime(2025, 7, 7, 9)), ("T-1", "INVESTIGATION", datetime(2025, 7, 7, 10)), ("T-1", "RESOLVED", datetime(2025, 7, 7, 16)),
    ("T-2", "INTAKE", datetime(2025, 7, 8, 9)), ("T-2", "RESOLVED", datetime(2025, 7, 9)),
]  # fmt: skip


def test_a_sep_line_before_the_header(tmp_path: Path) -> None:
    desk, said = begun(CASES / "a_sep_line_before_the_header" / "log.csv", tmp_path)
    assert events(desk) == TWO_CASES[:3]
    assert "the header is row 2" in said


def test_a_workbook_with_a_cover(tmp_path: Path) -> None:
    desk, said = begun(CASES / "a_workbook_with_a_cover" / "log.xls", tmp_path)
    assert events(desk) == TWO_CASES
    (rejected,) = desk.rejected_rows().to_pylist()
    assert (rejected["row_number"], rejected["field"]) == (11, "status")
    assert "sheet 'Log', the header is row 4" in said


def test_a_json_export(tmp_path: Path) -> None:
    desk, _ = begun(CASES / "a_json_export" / "log.txt", tmp_path)
    assert events(desk) == TWO_CASES
    tags = Counter(row["tags"] for row in desk.cases(desk.window(), AS_OF_AT).to_pylist())
    assert tags == {"vip two_words": 1, None: 1}


def test_an_xes_log_in_gzip(tmp_path: Path) -> None:
    """Its activities are not what `init` is asked to find here: one row an event, the trace's attributes beside it."""
    answers = {"case_id": "case:concept:name", "status": "concept:name", "event_ts": "time:timestamp"}
    console = Console(record=True, width=200, file=io.StringIO())
    said = Answers(
        files=[CASES / "an_xes_log_in_gzip" / "log.csv"], zendesk=None, intercom=False, directory=tmp_path / "desk", name=None, timezone="UTC",
        start_date=None, time_format=None, columns=[f"{field}={column}" for field, column in answers.items()], statuses=[],
        email_variable="", token_variable=None, key_variable="", base_url=None,
    )  # fmt: skip
    begin(said, Asking(console, is_allowed=False))
    assert events(build_desk(load_settings(tmp_path / "desk", tmp_path / "home"))) == TWO_CASES


def test_what_was_asked_is_written_down(tmp_path: Path) -> None:
    log = tmp_path / "log.json"
    tickets = (CASES / "a_json_export" / "log.txt").read_text(encoding="utf-8")
    log.write_text(tickets.replace('"count": 5', '"users": [{"id": 1}]'), encoding="utf-8")
    with pytest.raises(OpslaError, match="holds several tables: 'users', 'tickets'; say which one is the log: --records NAME"):
        begun(log, tmp_path)
    desk, _ = begun(log, tmp_path, records="tickets")
    assert events(desk) == TWO_CASES
    assert "records: tickets" in (tmp_path / "desk" / "sources.yml").read_text(encoding="utf-8")
