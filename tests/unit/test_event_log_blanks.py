"""Blanks that a person does not see: around ids, and lines that hold nothing else.

Rules: docs/decisions/0004-event-log-source.md.
"""

from __future__ import annotations

import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from event_log_desk import COLUMNS, EVER, cases_of, events_of, log_source, log_text, rejected_of, whole
from rich.console import Console
from workbook_writer import Sheet, workbook

from opsla_dagster.errors import OpslaError
from opsla_dagster.sources.event_log import SourceCounts, snapshot
from opsla_dagster.starting.asking import Asking
from opsla_dagster.starting.preview import time_lines
from opsla_dagster.starting.proposing import propose
from opsla_dagster.starting.sniffing import sniffed
from opsla_dagster.starting.told import Told

HEADER = ("number", "state", "at")
#: One case, whose id is written in as many ways as there are records, and one of another letter.
RECORDS = (
    ("T-4 ", "New", "2025-03-03T10:00Z"), ("T-4", "Active", "2025-03-03T10:10Z"), ("\u00a0T-4\t", "Waiting", "2025-03-03T10:20Z"),
    ("\u200eT-4\u3000\n", "Done", "2025-03-03T10:30Z"), ("t-4", "New", "2025-03-03T11:00Z"), (" \u00a0", "New", "2025-03-03T12:00Z"),
)  # fmt: skip
JSON = [dict(zip(HEADER, record, strict=True)) for record in RECORDS]


def _parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(JSON), sink)
    return sink.getvalue()


FORMS: dict[str, bytes] = {
    "csv": log_text([f'"{case}",{state},{at}' for case, state, at in RECORDS]).encode(),
    "xlsx": workbook(Sheet("Log", [HEADER, *RECORDS])),
    "json": json.dumps(JSON).encode(),
    "parquet": _parquet(),
}


@pytest.mark.parametrize("form", FORMS)
def test_blanks_around_a_case_id_are_none_of_it(tmp_path: Path, form: str) -> None:
    source = log_source(tmp_path, FORMS[form])
    assert [(row["event_id"], row["status"]) for row in events_of(source)] == [
        ("T-4#0001", "INTAKE"), ("T-4#0002", "INVESTIGATION"), ("T-4#0003", "CUSTOMER_WAIT"), ("T-4#0004", "RESOLVED"), ("t-4#0001", "INTAKE"),
    ]  # fmt: skip
    (nameless,) = rejected_of(source).values()
    assert (nameless["case_id"], nameless["reason"]) == (None, "column number: no case id")
    assert json.loads(nameless["record"])["number"] == " \u00a0", "a rejected row shows its record as it is"


def test_blanks_around_other_ids_are_none_of_them(tmp_path: Path) -> None:
    rows = ["A,New,2025-03-03T08:00Z,e1,", " A,Done,2025-03-03T09:00Z,e2 ,  B ", "B,New,2025-03-03T08:30Z,e3 ,", "B ,New,2025-03-03T08:30Z, e3,"]
    source = log_source(tmp_path, log_text(rows, "number,state,at,id,into"), columns={**COLUMNS, "event_id": "id", "merged_into": "into"})
    assert [(row["event_id"], row["status"]) for row in events_of(source)] == [("e1", "INTAKE"), ("e2", "MERGED"), ("e3", "INTAKE")]
    assert cases_of(source)["A"]["merged_into"] == "B"
    assert rejected_of(source)[5]["reason"] == "an earlier record has the same event id e3"


def test_blanks_around_the_ids_of_one_row_a_case(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"form": "cases", "columns": {"case_id": "id"}, "milestones": {"opened": "INTAKE", "solved": "RESOLVED"}, "statuses": {}}
    text = log_text(["A,2025-03-03T08:00Z,", "A ,2025-03-03T08:00Z,2025-03-03T09:00Z"], "id,opened,solved")
    assert [row["event_id"] for row in events_of(log_source(tmp_path, text, **settings))] == ["A#opened", "A#solved"], "the later row replaces the first"


def test_blanks_around_the_ids_of_changes(tmp_path: Path) -> None:
    rows = ["A,2025-03-03T08:00Z, s1,State,New,Active", "A ,2025-03-03T09:00Z,s2,State,Active,Done", " A,2025-03-03T09:00Z,s2 ,State,Active,Done"]
    columns = {"case_id": "id", "event_ts": "at", "event_id": "save", "field": "field", "old_value": "old", "new_value": "new"}
    source = log_source(tmp_path, log_text(rows, "id,at,save,field,old,new"), form="changes", columns=columns, fields={"State": "status"})
    assert [(row["case_id"], row["status"]) for row in events_of(source)] == [("A", "INVESTIGATION"), ("A", "RESOLVED")]
    assert [row["field"] for row in rejected_of(source).values()] == ["event_id"]


def test_blanks_around_the_ids_of_links(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"form": "links", "beside": "desk", "columns": {"case_id": "id", "linked_id": "other"}, "link_kind": "related", "statuses": {}}
    source = log_source(tmp_path, log_text(["A , B", "C,C "], "id,other"), **settings)
    assert [(row["case_id"], row["linked_id"]) for row in source.links().to_pylist()] == [("A", "B")]
    assert [row["reason"] for row in rejected_of(source).values()] == ["column other: the case is linked to itself; found 'C'"]


def test_init_takes_an_id_as_the_load_does(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(log_text([f'"{case}",{state},{at}' for case, state, at in RECORDS[:5]], "Ticket,State,Changed at"))
    with sniffed([path]) as log:
        proposal = propose(log, Told(timezone="UTC"), Asking(Console(quiet=True), is_allowed=False))
        found = {each.case: len(each.steps) for each in time_lines(log, proposal)}
    assert found == {"T-4": 4, "t-4": 1}


def test_cases_with_a_blank_behind_their_id_are_one_case_for_the_whole_source(tmp_path: Path) -> None:
    source = log_source(tmp_path, log_text(["T-4 ,New,2025-03-03T10:00Z", "T-4,Done,2025-03-03T10:30Z"]))
    (case,) = source.cases(whole(source), EVER).to_pylist()
    assert (case["case_id"], case["intake_ts"]) == ("T-4", datetime(2025, 3, 3, 10))


# ---------------------------------------------------------------- rows of empty cells

ROWS = ["A;New;2025-03-03T08:00Z", ";;", "A;oops;2025-03-03T09:00Z", "A;Done;2025-03-03T10:00Z"]
#: What a spreadsheet, and a program that quotes every cell, leave of a row without content; of another width than the header too.
EMPTY = [";;", ";", ";;;;;;", " ; ;\t", "   ", '"";"";""', '" ";;""', ""]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("empty", EMPTY)
def test_a_line_of_empty_cells_is_no_record(tmp_path: Path, empty: str, line_end: str) -> None:
    lines = ["number;state;at", *(empty if row == ";;" else row for row in ROWS), *[empty] * 300]
    source = log_source(tmp_path, line_end.join(lines) + line_end, csv={"delimiter": ";"})
    assert source.counts() == SourceCounts(rows=3, used_rows=2, rejected_rows=1, cases=1, used_cases=1)
    assert list(rejected_of(source)) == [4], "the line that a text editor shows"


@pytest.mark.parametrize("row", ['"""";;', ";\u00a0;", ";.;", ';;"\n"'])
def test_a_line_with_any_cell_is_a_record(tmp_path: Path, row: str) -> None:
    source = log_source(tmp_path, "\n".join(["number;state;at", row, ROWS[0], ROWS[-1]]), csv={"delimiter": ";"})
    assert (source.counts().rows, list(rejected_of(source))) == (3, [2])


def test_without_quoting_a_quote_is_a_cell(tmp_path: Path) -> None:
    source = log_source(tmp_path, "\n".join(["number;state;at", '"";"";""', ";;", ROWS[0]]), csv={"delimiter": ";", "quote": ""})
    assert (source.counts().rows, list(rejected_of(source))) == (2, [2])


def test_empty_lines_above_the_header_and_between_titles_are_none(tmp_path: Path) -> None:
    for above in (["Export;;", ";;"], [";;", ";;"], ["", ";;"]):
        source = log_source(tmp_path, "\n".join([*above, "number;state;at", ";;", *ROWS]), csv={"delimiter": ";"})
        assert (source.counts().rows, list(rejected_of(source))) == (3, [7])


def test_rows_of_a_sheet_that_hold_blanks_alone_are_no_records(tmp_path: Path) -> None:
    rows = [HEADER, *(tuple(row.split(";")) for row in ROWS[:1]), (" ", "", None), ("A", "oops", "2025-03-03T09:00Z"), ("\t", " ", " ")]
    source = log_source(tmp_path, workbook(Sheet("Log", rows)))
    assert (source.counts().rows, list(rejected_of(source))) == (2, [4])


@pytest.mark.parametrize("as_lines", [True, False])
def test_objects_of_empty_values_are_no_records(tmp_path: Path, as_lines: bool) -> None:
    """As a program writes them of a sheet that ends with empty rows."""
    records: list[dict[str, object]] = [JSON[0], dict.fromkeys(HEADER), {"number": "A", "state": "oops", "at": None}, dict.fromkeys(HEADER, " "), {}, JSON[1]]
    text = "\n".join(json.dumps(each) for each in records) if as_lines else json.dumps(records)
    source = log_source(tmp_path, text)
    assert (source.counts().rows, list(rejected_of(source))) == (3, [3])


def test_a_log_that_was_read_with_its_empty_rows_has_lost_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An earlier version counted them as records; from now on they may come and go."""
    text = "\n".join(["number;state;at", *ROWS])
    with monkeypatch.context() as older:
        older.setattr(snapshot, "CANONICAL_VERSION", 12)
        log_source(tmp_path, text, csv={"delimiter": ";"}).counts()
    (state,) = (tmp_path / "cache").glob("desk_log/*/snapshot.json")
    content = json.loads(state.read_text())
    state.write_text(json.dumps(content | {"rows": dict.fromkeys(content["rows"], 4)}))
    assert log_source(tmp_path, csv={"delimiter": ";"}).counts().rows == 3
    assert log_source(tmp_path, text.replace(";;\n", "") + "\n", csv={"delimiter": ";"}).counts().rows == 3
    with pytest.raises(OpslaError, match="shrank from 3 records to 2"):
        log_source(tmp_path, "\n".join(["number;state;at", ROWS[0], ";;", ROWS[-1]]), csv={"delimiter": ";"}).counts()
