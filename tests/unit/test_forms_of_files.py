"""Every form of file, read by its content, in both ways in: what comes out, and what is refused with which words."""

from __future__ import annotations

import gc
import gzip
import json
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from effort import takes_minutes
from event_log_desk import events_of, log_source, rejected_of
from workbook_writer import Sheet, packed, workbook

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.sources import Written
from opsla_dagster.sources.event_log.reading import content as file_content
from opsla_dagster.sources.event_log.reading import json_records, workbooks, xes
from opsla_dagster.starting.sniffing import Log, sniffed

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "workbooks"
HEADER = ("number", "state", "at")
RECORDS = (("T-1", "New", "2025-07-07 09:00"), ("T-1", "Done", "2025-07-07 16:00"), ("T-2", "New", "2025-07-08 10:00"))
CSV = "\n".join(",".join(row) for row in (HEADER, *RECORDS)) + "\n"
JSON = [dict(zip(HEADER, record, strict=True)) for record in RECORDS]
XES = """<?xml version="1.0" encoding="UTF-8"?>
<!-- written by hand -->
<log xes.version="1.0" xmlns="http://www.xes-standard.org/">
  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
  <global scope="event"><string key="concept:name" value="UNKNOWN"/></global>
  <trace>
    <string key="concept:name" value="T-1"/>
    <string key="channel" value="mail"/>
    <event><string key="concept:name" value="New"/><date key="time:timestamp" value="2025-07-07T09:00:00.000+00:00"/></event>
    <event><string key="concept:name" value="Done"/><date key="time:timestamp" value="2025-07-07T16:00:00.000+00:00"/></event>
  </trace>
  <trace>
    <string key="concept:name" value="T-2"/>
    <event><string key="concept:name" value="New"/><date key="time:timestamp" value="2025-07-08T10:00:00.000+00:00"/><int key="cost" value="7"/></event>
  </trace>
</log>
"""
XES_COLUMNS = {"case_id": "case:concept:name", "status": "concept:name", "event_ts": "time:timestamp"}
EXPECTED = [("T-1", "INTAKE", datetime(2025, 7, 7, 9)), ("T-1", "RESOLVED", datetime(2025, 7, 7, 16)), ("T-2", "INTAKE", datetime(2025, 7, 8, 10))]


def rows_of(path: Path, **overrides: Any) -> list[tuple[Any, ...]]:
    source = log_source(path.parent, **{"files": path.name, **overrides})
    return [(row["case_id"], row["status"], row["event_ts"]) for row in events_of(source)]


def refusal(path: Path, **overrides: Any) -> str:
    """What both ways in say; in the same words."""
    with pytest.raises(OpslaError) as caught:
        log_source(path.parent, files=path.name, **overrides).counts()
    with pytest.raises(OpslaError) as at_init, sniffed([path]):
        pass
    if not overrides:
        assert str(at_init.value) == str(caught.value)
    return str(caught.value)


def placed(directory: Path, name: str, content: bytes | str) -> Path:
    path = directory / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@contextmanager
def seen(path: Path, **told: Any) -> Iterator[Log]:
    with sniffed([path], told=Written(**told)) as log:
        yield log


def columns_of(path: Path) -> dict[str, list[str | None]]:
    """Name -> the cells of a column, in the order of the records."""
    with seen(path) as log:
        selected = ", ".join(column.sql for column in log.columns.values())
        rows = log.connection.execute(f"select {selected} from log order by file_number, row_number").fetchall()
    return dict(zip(log.columns, map(list, zip(*rows, strict=True)), strict=True))


def cells(path: Path, column: str) -> list[str | None]:
    return columns_of(path)[column]


def parquet_bytes() -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(JSON), sink)
    return bytes(sink.getvalue())


def real_dates(record: Sequence[str]) -> list[Any]:
    return [*record[:2], datetime.fromisoformat(record[2])]


FORMS: dict[str, bytes] = {
    "csv": CSV.encode(),
    "xlsx": workbook(Sheet("Log", [HEADER, *(real_dates(record) for record in RECORDS)])),
    "xlsx of text": workbook(Sheet("Log", [HEADER, *RECORDS])),
    "json": json.dumps(JSON).encode(),
    "json in an object": json.dumps({"count": 3, "next": None, "tickets": JSON}, indent=2).encode(),
    "json lines": "\n".join(json.dumps(record) for record in JSON).encode(),
    "parquet": parquet_bytes(),
}


# ---------------------------------------------------------------- every form, packed in every way, under a name that lies


@pytest.mark.parametrize(
    ("form", "packing"),
    [
        # Packing is undone before the form is looked at: beside CSV, the others in every packing in `make hold`.
        pytest.param(form, packing, marks=[] if form == "csv" or packing in ("plain", "gzip in zip") else [takes_minutes])
        for form in FORMS
        for packing in ("plain", "gzip", "zip", "gzip in zip")
    ],
)
def test_every_form_in_every_packing_says_the_same(tmp_path: Path, form: str, packing: str) -> None:
    content = FORMS[form]
    content = gzip.compress(content) if "gzip" in packing else content
    content = packed({"__MACOSX/._log": b"\0", "exports/log": content, "README.txt": "read me"}) if "zip" in packing.split() else content
    path = placed(tmp_path, "log.csv", content)
    assert rows_of(path) == EXPECTED
    with seen(path) as log:
        assert log.rows == 3
        assert list(log.columns) == list(HEADER)


@pytest.mark.parametrize("packing", ["plain", "gzip", "zip"])
def test_xes_in_every_packing(tmp_path: Path, packing: str) -> None:
    content = {"plain": XES.encode(), "gzip": gzip.compress(XES.encode()), "zip": packed({"log.xes": XES})}[packing]
    path = placed(tmp_path, "log.dat", content)
    assert rows_of(path, columns=XES_COLUMNS) == EXPECTED
    assert cells(path, "case:channel") == ["mail", "mail", None]
    assert cells(path, "cost") == [None, None, "7"]
    with seen(path) as log:
        assert log.columns["time:timestamp"].is_typed_stamp


@pytest.mark.parametrize(("suffix", "name"), [("xls", "a.xlsx"), ("ods", "a.xls"), ("xlsx", "a.ods"), ("xlsx", "a.csv"), ("xls", "a")])
def test_workbooks_of_a_real_program(tmp_path: Path, suffix: str, name: str) -> None:
    path = placed(tmp_path, name, (FIXTURES / f"tickets.{suffix}").read_bytes())
    columns = {"case_id": "Ticket", "status": "State", "event_ts": "Changed at", "category": "Amount"}
    statuses = {"Open": "INTAKE", "Working": "INVESTIGATION", "Solved": "RESOLVED"}
    assert rows_of(path, columns=columns, statuses=statuses) == [
        ("INC-1", "INTAKE", datetime(2025, 7, 7, 9)), ("INC-1", "INVESTIGATION", datetime(2025, 7, 7, 10, 30)),
        ("INC-1", "RESOLVED", datetime(2025, 7, 8)), ("INC-2", "INTAKE", datetime(2025, 7, 8, 11, 15, 30)),
    ]  # fmt: skip
    found = columns_of(path)
    assert found["Day"] == ["2025-07-07", "2025-07-07", "2025-07-08", "2025-07-08"]
    assert found["Time"] == ["09:00:00", "10:30:00", "00:00:00", "11:15:30"]
    assert found["Amount"] == ["1001", "0.5", "-3", None]
    assert found["Tags"] == ["vip", None, "a, b", "é"]


def test_a_form_that_is_told_is_read_so(tmp_path: Path) -> None:
    path = placed(tmp_path, "log.csv", '{"number,state,at\nT-1,New,2025-07-07 09:00\n')
    columns = {"case_id": '{"number', "status": "state", "event_ts": "at"}
    assert rows_of(path, columns=columns, format="csv", csv={"quote": ""}) == EXPECTED[:1]
    assert "broken JSON" in refusal(placed(tmp_path, "2.csv", "number,state,at\n"), format="json", name="two")


# ---------------------------------------------------------------- CSV


@pytest.mark.parametrize(
    "above",
    [
        pytest.param("sep=;\n", id="a sep line"),
        pytest.param('"sep=;"\r\n', id="a sep line in quotes"),
        pytest.param("\ufeffsep=;\n", id="a sep line behind a byte order mark"),
        pytest.param("Ticket report\n", id="a title"),
        pytest.param("Ticket report\nGenerated at: 2025-07-10 08:00\n\n", id="a title and a date"),
        pytest.param('"Report: tickets"\nGenerated at Monday, July 7, 2025\n\n\n', id="a title in quotes, commas"),
        pytest.param('Report of "July"\n', id="a quote within the title"),
        pytest.param("Report;;\nFrom;2025-07-01;\nTo;2025-07-31;\n;;\n", id="a title filled up with separators"),
        pytest.param("Filter;State\nQueue;all\n\n", id="pairs of filters"),
        pytest.param("\n\n", id="blank lines"),
    ],
)
def test_what_stands_above_the_header_is_no_record(tmp_path: Path, above: str) -> None:
    path = placed(tmp_path, "log.csv", above + CSV.replace(",", ";") + "T-3;Odd;2025-07-09 10:00\n")
    source = log_source(tmp_path, csv={"delimiter": ";"})
    assert [(row["case_id"], row["status"], row["event_ts"]) for row in events_of(source)] == EXPECTED
    assert list(rejected_of(source)) == [above.count("\n") + 5]
    with seen(path) as log:
        assert (list(log.columns), log.rows, log.csv.delimiter) == (list(HEADER), 4, ";")


@pytest.mark.parametrize("above", ["Generated at Monday, July 7, 2025", "Filters: open, closed, all, mine, team", "From,2025-07-01,", "Report,Tickets,"])
def test_a_title_with_commas_over_a_table_with_commas(tmp_path: Path, above: str) -> None:
    assert rows_of(placed(tmp_path, "log.csv", f"{above}\n{CSV}")) == EXPECTED


@pytest.mark.parametrize(
    "header", ["number,state,at,Comment,Comment", "number,state,at,,note", ",number,state,at,note", "number,state,at," + "a long name " * 20]
)
def test_a_header_that_is_odd_is_one_still(tmp_path: Path, header: str) -> None:
    width = header.count(",") + 1
    rows = [[*record, *["said so"] * (width - 3)] for record in RECORDS]
    rows = [["0", *row[:-1]] if header.startswith(",") else row for row in rows]
    assert rows_of(placed(tmp_path, "log.csv", "\n".join([header, *(",".join(row) for row in rows)]))) == EXPECTED


def test_a_sep_line_says_the_delimiter_whatever_the_mapping_says(tmp_path: Path) -> None:
    assert rows_of(placed(tmp_path, "log.csv", "sep=;\n" + CSV.replace(",", ";"))) == EXPECTED


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("チケット,状態,変更日時\nT-1,新規,2025-07-07 09:00\nT-1,解決済み,2025-07-07 16:00\n", "cp932"),
        ("Заявка,Состояние,Изменено\nT-1,Новая,2025-07-07 09:00\nT-1,Решена,2025-07-07 16:00\n", "cp1251"),
        ("工单,状态,时间\nT-1,新建,2025-07-07 09:00\nT-1,已解决,2025-07-07 16:00\n", "gb18030"),
        ("Ticket,Status,Geändert am\nT-1,In Klärung,2025-07-07 09:00\nT-1,Gelöst,2025-07-07 16:00\n", "cp1252"),
        ("Numéro,État,Modifié le\nT-1,Créé,2025-07-07 09:00\nT-1,Résolu – 5 €,2025-07-07 16:00\n", "cp1252"),
    ],
)
def test_encodings_of_other_languages_at_init(tmp_path: Path, text: str, encoding: str) -> None:
    with seen(placed(tmp_path, "log.csv", text.encode(encoding))) as log:
        assert log.csv.encoding == encoding
        assert list(log.columns) == text.split("\n")[0].split(",")


DELIMITERS, ENCODINGS, LINE_ENDS = (",", ";", "\t", "|"), ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"), ("\n", "\r\n", "\r")
#: Every one of them in `make hold`; else every delimiter with every line end, and each encoding with several of either.
DIALECTS = [
    pytest.param(delimiter, encoding, line_end, marks=[takes_minutes] if (d + e + n) % len(ENCODINGS) else [])
    for d, delimiter in enumerate(DELIMITERS)
    for e, encoding in enumerate(ENCODINGS)
    for n, line_end in enumerate(LINE_ENDS)
]


@pytest.mark.parametrize(("delimiter", "encoding", "line_end"), DIALECTS)
def test_dialects_at_init(tmp_path: Path, delimiter: str, encoding: str, line_end: str) -> None:
    text = CSV.replace("T-2", "Zoë").replace(",", delimiter).replace("\n", line_end)
    path = placed(tmp_path, "log.csv", text.encode(encoding))
    with seen(path) as log:
        assert (list(log.columns), log.rows, log.unreadable, log.csv.delimiter) == (list(HEADER), 3, 0, delimiter)
        told = log.csv.model_dump()
    assert cells(path, "number") == ["T-1", "T-1", "Zoë"]
    assert [row[0] for row in rows_of(path, csv=told)] == ["T-1", "T-1", "Zoë"]


def test_a_header_alone_is_a_log_without_records(tmp_path: Path) -> None:
    for name, content in {"1.csv": "sep=;\nnumber;state;at\n", "2.xlsx": workbook(Sheet("Log", [HEADER]))}.items():
        path = placed(tmp_path, name, content)
        assert log_source(tmp_path, files=name, name=f"log{name[0]}").counts().rows == 0
        with pytest.raises(OpslaError, match="holds no record below its header"), sniffed([path]):
            pass


def test_the_header_is_the_row_that_names_the_mapped_columns_or_the_one_that_is_told(tmp_path: Path) -> None:
    text = "kind,of,thing\n" + CSV
    path = placed(tmp_path, "log.csv", text)
    assert rows_of(path, name="found") == EXPECTED
    assert rows_of(path, header_row=2) == EXPECTED
    with pytest.raises(OpslaError, match="column 'number' is missing"):
        log_source(tmp_path, header_row=1, name="mistold").counts()
    book = placed(tmp_path, "log.xlsx", workbook(Sheet("Log", [("kind", "of", "thing"), HEADER, *RECORDS])))
    assert rows_of(book, header_row=2, name="book") == EXPECTED


def test_a_record_of_too_many_columns_is_rejected_and_no_title(tmp_path: Path) -> None:
    text = CSV + "T-3,New,2025-07-09 10:00,more\nT-3,Active,2025-07-09 11:00,more\n"
    source = log_source(tmp_path, text)
    assert len(events_of(source)) == 3
    assert {row: item["reason"] for row, item in rejected_of(source).items()} == dict.fromkeys(
        (5, 6), "the record has 4 columns, expected the 3 of the header"
    )


SALESFORCE_FOOTER = (
    '\n\n"Case History Report"\n"Copyright (c) 2000-2025 salesforce.com, inc. All rights reserved."\n"Confidential Information - Do Not Distribute"\n'
    '"Generated By: Ada Lovelace 10/07/2025 09:12"\n"Acme, Inc."\n'
)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_lines_that_are_no_records_are_named_once_with_their_rows(tmp_path: Path, line_end: str) -> None:
    header = CSV.split("\n")[0]
    text = f"{CSV}{header}\nT-3,New,2025-07-09 10:00\n\ufeff{header}\nT-3,Active,2025-07-09 11:00{SALESFORCE_FOOTER}"
    source = log_source(tmp_path, text.replace("\n", line_end))
    assert rejected_of(source) == {}
    assert (source.counts().rows, source.counts().used_rows) == (5, 5)
    name = f"{tmp_path}/log.csv"
    told = [note for note in source.reading_notes(datetime(2025, 12, 1, tzinfo=UTC)) if "header" in note]
    assert told == [f"{name}: the header is repeated in rows 5 and 7; rows 10 to 14 are the footer of a report: not counted as records"]


def test_a_record_cut_short_above_a_footer_is_rejected_and_no_part_of_it(tmp_path: Path) -> None:
    footer = SALESFORCE_FOOTER.replace('\n\n"Case History Report"', "")
    source = log_source(tmp_path, f"{CSV}T-3{footer}")
    assert {row: item["reason"] for row, item in rejected_of(source).items()} == {5: "the record has 1 column, expected the 3 of the header"}


def test_lone_cells_at_the_end_without_a_known_footer_are_rejected(tmp_path: Path) -> None:
    source = log_source(tmp_path, f"{CSV}\nSee page 2\n")
    assert list(rejected_of(source)) == [6]


# ---------------------------------------------------------------- workbooks


def test_the_worked_case_of_the_decision_record(tmp_path: Path) -> None:
    rows = [("Tickets of July",), (), (), HEADER, RECORDS[0], (), ("T-9", "Odd", "2025-07-07 10:00"), RECORDS[1]]
    path = placed(tmp_path, "tickets.xlsx", workbook(Sheet("Cover", [("Tickets",)]), Sheet("Log", rows, merged=["A1:C1"])))
    source = log_source(tmp_path, files=path.name)
    assert [row["case_id"] for row in events_of(source)] == ["T-1", "T-1"]
    (rejected,) = rejected_of(source).values()
    assert (rejected["row_number"], rejected["case_id"]) == (7, "T-9")
    assert json.loads(rejected["record"]) == {"number": "T-9", "state": "Odd", "at": "2025-07-07 10:00"}
    counts = source.counts()
    assert (counts.rows, counts.used_rows, counts.rejected_rows) == (3, 2, 1)
    with seen(path) as log:
        assert log.reading_notes == (f"{path}: sheet 'Log', the header is row 4",)


def test_a_header_of_two_rows_with_merged_titles(tmp_path: Path) -> None:
    rows = [("Ticket", "", "Times", ""), ("number", "state", "at", "closed"), *((*record, "") for record in RECORDS)]
    grouped = placed(tmp_path, "1.xlsx", workbook(Sheet("Log", rows, merged=["A1:B1", "C1:D1"])))
    assert rows_of(grouped) == EXPECTED
    rows = [("number", "state", "Times", ""), ("", "", "at", "closed"), *((*record, "") for record in RECORDS)]
    spanning = placed(tmp_path, "2.xlsx", workbook(Sheet("Log", rows, merged=["A1:A2", "B1:B2", "C1:D1"])))
    assert rows_of(spanning, name="two") == EXPECTED


def test_a_merged_cell_says_the_same_in_each_of_its_rows(tmp_path: Path) -> None:
    rows = [HEADER, RECORDS[0], (None, *RECORDS[1][1:]), RECORDS[2]]
    assert rows_of(placed(tmp_path, "log.xlsx", workbook(Sheet("Log", rows, merged=["A2:A3"])))) == EXPECTED


def test_cells_of_a_sheet_are_the_text_that_a_csv_file_would_have(tmp_path: Path) -> None:
    rows: list[Sequence[Any]] = [
        ("id", "stamp", "day", "clock", "length", "flag", "mixed", "part"),
        (1001, datetime(2025, 7, 7, 9, 30), date(2025, 7, 7), time(9, 30), timedelta(hours=30, minutes=5), True, datetime(2025, 7, 7), 0.25),
        (1002, datetime(2025, 7, 8), date(2025, 7, 8), time(0), timedelta(minutes=1), False, "unknown", 1e-7),
    ]
    path = placed(tmp_path, "log.xlsx", workbook(Sheet("Log", rows)))
    found = columns_of(path)
    assert found["id"] == ["1001", "1002"]
    assert found["stamp"] == ["2025-07-07T09:30:00", "2025-07-08T00:00:00"]
    assert found["day"] == ["2025-07-07", "2025-07-08"]
    assert found["clock"] == ["09:30:00", "00:00:00"]
    assert found["length"] == ["30:05:00", "00:01:00"]
    assert found["flag"] == ["true", "false"]
    assert found["mixed"] == ["2025-07-07", "unknown"]
    assert found["part"] == ["0.25", "1E-07"]
    with seen(path) as log:
        assert [name for name, column in log.columns.items() if column.is_typed_stamp] == ["stamp"]


def test_ids_beyond_the_digits_that_a_spreadsheet_keeps_are_rejected(tmp_path: Path) -> None:
    rows = [HEADER, (202507000000001, *RECORDS[0][1:]), (2025070000000010, *RECORDS[1][1:]), (10.5, *RECORDS[2][1:])]
    source = log_source(tmp_path, files=placed(tmp_path, "log.xlsx", workbook(Sheet("Log", rows))).name)
    assert [row["case_id"] for row in events_of(source)] == ["202507000000001"]
    assert [item["field"] for item in rejected_of(source).values()] == ["case_id", "case_id"]


def test_stamps_kept_as_plain_numbers_stay_numbers(tmp_path: Path) -> None:
    rows = [HEADER, ("T-1", "New", 45845.375), ("T-1", "Done", 45845.6666666667)]
    assert cells(placed(tmp_path, "log.xlsx", workbook(Sheet("Log", rows))), "at") == ["45845.375", "45845.6666666667"]


def test_the_sheet_with_the_table_is_read(tmp_path: Path) -> None:
    log = Sheet("Log", [HEADER, *RECORDS])
    others = [
        Sheet("Cover", [("Tickets of July",), ("made by the desk",)]), Sheet("Empty", []), Sheet("Lists", [("a", "b"), ("c", "d")], is_hidden=True),
        Sheet("Template", [HEADER]),
    ]  # fmt: skip
    path = placed(tmp_path, "log.xlsx", workbook(*others[:2], log, *others[2:]))
    assert rows_of(path) == EXPECTED
    with seen(path) as found:
        assert found.reading_notes == (f"{path}: sheet 'Log', the header is row 1",)


def test_a_table_of_thousands_of_columns_is_refused_before_it_is_loaded(tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(2_001)]
    (tmp_path / "wide.csv").write_text(",".join(names) + "\n" + ",".join(names) + "\n", encoding="utf-8")
    pq.write_table(pa.table({name: ["x"] for name in names}), tmp_path / "wide.parquet")
    for name in ("wide.csv", "wide.parquet"):
        assert refusal(tmp_path / name).endswith(f"{name}: has 2,001 columns, and 2,000 are read at most; leave out those that no field of sources.yml needs")


def test_several_tables_are_told_apart_by_name(tmp_path: Path) -> None:
    path = placed(tmp_path, "log.xlsx", workbook(Sheet("July", [HEADER, *RECORDS]), Sheet("Agents", [("agent", "team"), ("a", "b")])))
    assert refusal(path) == (
        f"{path}: holds several tables: 'July', 'Agents'; say which one is the log: --sheet NAME of `opsla init`, sheet: NAME in sources.yml"
    )
    assert rows_of(path, sheet="July", name="told") == EXPECTED
    with seen(path, sheet="July") as log:
        assert log.rows == 3
    assert "has no sheet 'June'; it has the sheets 'July', 'Agents'" in refusal(path, sheet="June", name="june")


@pytest.mark.parametrize("suffix", ["xls", "ods", "xlsx"])
def test_a_workbook_that_is_cut_or_scrambled_is_refused_in_one_message(tmp_path: Path, suffix: str, capfd: pytest.CaptureFixture[str]) -> None:
    whole = (FIXTURES / f"tickets.{suffix}").read_bytes()
    for size in range(600, len(whole) - 1000, 700):
        path = placed(tmp_path, "log", whole[:size] + b"\xff" * 30)
        with pytest.raises(OpslaError) as caught, sniffed([path]):
            pass
        assert str(caught.value).startswith(f"{path}: ")
    assert capfd.readouterr().err == ""


# ---------------------------------------------------------------- JSON


def test_objects_become_columns_and_arrays_text(tmp_path: Path) -> None:
    record = {
        "id": 12345678901234567890, "share": 1001.0, "rate": 0.10, "big": 2.5e300, "ok": True, "none": None, "gap": float("nan"),
        "via": {"channel": "mail", "source": {"from": "x"}}, "tags": ["vip", "two words", 3], "empty": {}, "nothing": [], "parts": [{"a": 1}],
        "at": "2025-07-07 09:00",
    }  # fmt: skip
    path = placed(tmp_path, "log.json", json.dumps([record, {"id": 1, "late": "column"}]))
    expected = {"id": "12345678901234567890", "share": "1001", "rate": "0.1", "big": "2.5e+300", "ok": "true", "via.channel": "mail", "via.source.from": "x"}
    expected |= {"tags": "vip two_words 3", "parts": '[{"a": "1"}]', "at": "2025-07-07 09:00"}
    found = columns_of(path)
    for column, text in expected.items():
        assert found[column][0] == text
    assert found["late"] == [None, "column"]
    assert {found[column][0] for column in ("none", "gap", "empty", "nothing")} == {None}


def test_records_deep_in_a_document_and_by_their_path(tmp_path: Path) -> None:
    deep = placed(tmp_path, "1.json", json.dumps({"response": {"meta": {"fields": ["a", "b"]}, "data": {"tickets": JSON}}}))
    assert rows_of(deep) == EXPECTED
    several = placed(tmp_path, "2.json", json.dumps({"users": [{"id": 1}], "data": {"tickets": JSON}}))
    assert refusal(several).endswith(
        "holds several tables: 'users', 'data.tickets'; say which one is the log: --records NAME of `opsla init`, records: NAME in sources.yml"
    )
    assert rows_of(several, records="data.tickets", name="told") == EXPECTED
    assert "holds no array 'cases' of records" in refusal(several, records="cases", name="cases")


def test_documents_that_hold_no_records(tmp_path: Path) -> None:
    for number, (text, said) in enumerate({
        "[[1, 2], [3, 4]]": "none of its 2 records is an object",
        '{"columns": ["a"], "data": [[1]]}': "column 'number' is missing",
        '{"error": "not authorised", "status": 401}': "column 'number' is missing",
        "{}": "holds no records; expected records such as",
    }.items()):
        path = placed(tmp_path, f"{number}.json", text)
        with pytest.raises(OpslaError) as caught:
            log_source(tmp_path, files=path.name, name=f"log{number}").counts()
        assert said in str(caught.value)


def test_a_broken_line_costs_one_record(tmp_path: Path) -> None:
    lines = [json.dumps(record) for record in JSON]
    text = "\n".join([lines[0], '{"number": "T-1", ', "", '{"number": "A", "number": "B"}', "[1]", lines[1], '{"number": "\\ud800"}', lines[2][:-9]])
    source = log_source(tmp_path, text)
    assert len(events_of(source)) == 2
    rejected = rejected_of(source)
    assert {row: item["reason"].split(":")[0] for row, item in rejected.items()} == {
        2: "the line is not JSON", 4: "the record has an object with a name that appears twice", 5: "the record is an array, expected an object",
        7: "the record holds half a character (a lone surrogate)", 8: "the line is not JSON",
    }  # fmt: skip
    assert source.counts().rows == 7


def test_lines_with_bytes_that_are_no_text(tmp_path: Path) -> None:
    lines = [json.dumps(record).encode() for record in JSON]
    source = log_source(tmp_path, b"\n".join([*lines[:2], lines[2].replace(b"New", b"N\xffw")]))
    assert len(events_of(source)) == 2
    assert "holds the byte 0xFF, which is not UTF-8" in rejected_of(source)[3]["reason"]


def test_broken_json_names_the_line(tmp_path: Path) -> None:
    text = json.dumps(JSON, indent=1)
    assert "line 8: broken JSON: Expecting" in refusal(placed(tmp_path, "1.json", text.replace('  "number": "T-1",\n  "state": "Done"', "  oops", 1)))
    assert "broken JSON: it ends where , or ] is expected" in refusal(placed(tmp_path, "2.json", text.rstrip("]\n ")))
    assert "broken JSON: something stands behind the end" in refusal(placed(tmp_path, "3.json", text + "[]"))
    assert "is not utf-16 text" in refusal(placed(tmp_path, "4.json", text.encode("utf-16")[:-1]))


def test_json_as_powershell_writes_it(tmp_path: Path) -> None:
    assert rows_of(placed(tmp_path, "log.json", json.dumps(JSON, indent=2).replace("\n", "\r\n").encode("utf-16"))) == EXPECTED


def test_blocks_may_end_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_content, "BLOCK_BYTES", 7)
    numbered = [{**record, "n": 123456} for record in JSON]
    assert rows_of(placed(tmp_path, "1.json", json.dumps({"a": 1, "tickets": numbered}))) == EXPECTED
    assert cells(tmp_path / "1.json", "n") == ["123456"] * 3
    assert rows_of(placed(tmp_path, "2.json", FORMS["json lines"]), name="lines") == EXPECTED
    assert rows_of(placed(tmp_path, "3.csv", "Title\n" + CSV), name="title") == EXPECTED


def test_a_column_that_no_record_of_a_file_has_is_empty_there(tmp_path: Path) -> None:
    """JSON leaves out what is empty: a day on which nothing was closed names no such column."""
    placed(tmp_path, "1.json", json.dumps(JSON[:1]))
    placed(tmp_path, "2.json", json.dumps([{**JSON[1], "closed": "2025-07-07 17:00"}]))
    placed(tmp_path, "3.json", "[]")
    source = log_source(tmp_path, files="?.json", columns={"case_id": "number", "status": "state", "event_ts": "at", "closed_ts": "closed"})
    assert source.counts().used_rows == 2
    with sniffed([tmp_path / f"{number}.json" for number in (1, 2, 3)]) as log:
        assert (log.rows, list(log.columns)) == (2, [*HEADER, "closed"])
    with pytest.raises(OpslaError, match="column 'close' is missing"):
        log_source(tmp_path, files="?.json", columns={"case_id": "number", "status": "state", "event_ts": "at", "closed_ts": "close"}).counts()


# ---------------------------------------------------------------- XES


def test_attributes_of_attributes_lists_and_lone_events(tmp_path: Path) -> None:
    text = """<log><event><string key="concept:name" value="lone"/></event><trace>
      <event><string key="concept:name" value="New"><string key="origin" value="form"/></string>
        <list key="tags"><values><string key="t" value="a b"/><string key="t" value="c"/></values></list></event>
      <event><string key="concept:name" value="x"/><string key="concept:name" value="y"/></event>
      <string key="concept:name" value="T-1"/></trace></log>"""
    path = placed(tmp_path, "log.xes", text)
    with seen(path) as log:
        assert (log.rows, log.unreadable) == (2, 1)
    assert cells(path, "case:concept:name") == [None, "T-1"]
    assert cells(path, "concept:name.origin") == [None, "form"]
    assert cells(path, "tags") == [None, "a_b c"]


def test_broken_xes_and_xes_with_entities(tmp_path: Path) -> None:
    assert "broken XML: mismatched tag: line 8" in refusal(placed(tmp_path, "1.xes", XES.replace("<trace>", "<trace><nothing>", 1).replace("mail\"/>", "mail\"/></string>", 1)))
    assert "broken XML: unclosed token" in refusal(placed(tmp_path, "2.xes", XES[:-40]))
    bomb = XES.replace("<log ", '<!DOCTYPE log [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><log ', 1).replace("mail", "&b;")
    assert "declares a document type or entities of its own" in refusal(placed(tmp_path, "3.xes", bomb))


# ---------------------------------------------------------------- archives


def test_an_archive_of_several_files_of_one_kind_is_one_log(tmp_path: Path) -> None:
    members = {f"out/log_{number}.csv": CSV.replace("T-", f"T{number}-") for number in (10, 9)}
    path = placed(tmp_path, "july.zip", packed({**members, "__MACOSX/out/._log_9.csv": "x", "out/.DS_Store": "x", "LICENSE": "free"}))
    source = log_source(tmp_path, files="july.zip", statuses={"New": "INTAKE"})
    assert {row["case_id"] for row in events_of(source)} == {"T9-1", "T9-2", "T10-1", "T10-2"}
    rejected = source.rejected_rows().to_pylist()
    assert [(row["file"], row["row_number"]) for row in rejected] == [(f"{path}/out/log_9.csv", 3), (f"{path}/out/log_10.csv", 3)]
    assert rows_of(path, files="*.zip/out/*_9.csv", name="nine")[0][0] == "T9-1"
    with sniffed([tmp_path / "july.zip" / "out" / "log_9.csv"]) as log:
        assert (log.rows, log.files) == (3, (tmp_path / "july.zip" / "out" / "log_9.csv",))


def test_an_archive_that_does_not_tell_the_log(tmp_path: Path) -> None:
    several = placed(tmp_path, "1.zip", packed({"log.csv": CSV, "log.json": FORMS["json"]}))
    assert refusal(several) == (
        f"{several}: the archive holds files of several forms ({several}/log.csv is csv, {several}/log.json is json): name those that are the "
        f"log, as in {several}/tickets*.csv"
    )
    manual = placed(tmp_path, "2.zip", packed({"log.csv": CSV, "manual.pdf": b"%PDF-1.7"}))
    assert f"{manual}/manual.pdf: is a PDF document" in refusal(manual)
    assert "The archive holds log.csv, manual.pdf: name those that are the log" in refusal(manual)
    nested = placed(tmp_path, "3.zip", packed({"inner.zip": packed({"log.csv": CSV})}))
    assert "3.zip/inner.zip: is an archive in an archive; expected a table" in refusal(nested)
    assert "the archive holds no table file" in refusal(placed(tmp_path, "4.zip", packed({"README.md": "nothing here"})))
    assert "the archive holds no table file; it holds nothing" in refusal(placed(tmp_path, "5.zip", packed({})))
    placed(tmp_path, "6.zip", packed({"log.csv": CSV}))
    with pytest.raises(OpslaError, match=r"6.zip/x.csv: the archive holds no such file; it holds log.csv"), sniffed([tmp_path / "6.zip" / "x.csv"]):
        pass


def test_broken_and_protected_archives(tmp_path: Path) -> None:
    whole = packed({"log.csv": CSV * 100})
    assert "broken ZIP archive: " in refusal(placed(tmp_path, "1.zip", whole[:-30]))
    scrambled = bytearray(whole)
    scrambled[60:70] = b"\xff" * 10
    assert "broken ZIP archive: " in refusal(placed(tmp_path, "2.zip", bytes(scrambled)))
    protected = bytearray(whole)
    for place in (6, whole.index(b"PK\x01\x02") + 8):
        protected[place] |= 1
    assert "3.zip/log.csv: is protected with a password" in refusal(placed(tmp_path, "3.zip", bytes(protected)))
    assert "broken gzip file: " in refusal(placed(tmp_path, "4.json", gzip.compress(FORMS["json"])[:-9]))


# ---------------------------------------------------------------- what is no table


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "<!DOCTYPE html><html><head><title>Sign in</title></head></html>", "is an HTML page with the title 'Sign in'; expected a table"),
        ("a.xls", "\ufeff\r\n<html xmlns:x='urn:x'><body><table><tr><td>1</td></tr></table>", "is an HTML page; expected"),
        ("a.xls", "<table border=1><tr><td>number</td></tr></table>", "a table that a system saved as a web page"),
        ("a.xls", "<meta charset=utf-8><table>", "is an HTML page"),
        ("a.xls", b"MIME-Version: 1.0\r\nContent-Type: multipart/related", "is a web page saved as MHTML"),
        (
            "a.xls", "<?xml version='1.0'?><?mso-application progid='Excel.Sheet'?><Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet'/>",
            "is a workbook of Excel 2003 as XML",
        ),
        ("a.xml", "<?xml version='1.0'?><tickets><ticket/></tickets>", "is an XML document of <tickets>, not XES"),
        ("a.csv", b"%PDF-1.7\n\xff\xff", "is a PDF document"),
        ("a.csv", b"\x89PNG\r\n\x1a\n\0\0", "is an image (PNG)"),
        ("a.csv", b"\xff\xd8\xff\xe0\0\x10JFIF", "is an image (JPEG)"),
        ("a.csv", b"{\\rtf1\\ansi}", "is a text document (RTF)"),
        ("a.csv", b"SQLite format 3\0" + b"\0" * 50, "is an SQLite database"),
        ("a.csv", b"7z\xbc\xaf\x27\x1c\0", "is a 7z archive"),
        ("a.csv", b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "is a pointer of Git LFS"),
        ("a.csv", bytes(range(256)) * 20, "is binary data of no form that is known"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "cannot be read as a workbook"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), "is protected with a password"),
        ("a.docx", packed({"[Content_Types].xml": "<a/>", "word/document.xml": "<a/>"}), "is a Word document"),
        ("a.xlsb", packed({"[Content_Types].xml": "<a/>", "xl/workbook.bin": b"\0"}), "is a binary workbook (XLSB)"),
        ("a.odt", packed({"mimetype": "application/vnd.oasis.opendocument.text"}), "is an OpenDocument file (text)"),
        ("a.numbers", packed({"Index/Document.iwa": b"\0"}), "is a document of Numbers"),
        ("a.xlsx", packed({"[Content_Types].xml": "<a/>", "xl/workbook.xml": "<workbook"}), "cannot be read as a workbook"),
        ("a.gz", gzip.compress(gzip.compress(CSV.encode())), "is packed with gzip twice"),
        ("a.gz", gzip.compress(packed({"log.csv": CSV})), "is an archive in an archive"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_called_by_its_name(tmp_path: Path, name: str, content: bytes | str, said: str) -> None:
    path = placed(tmp_path, name, content)
    message = refusal(path)
    assert message.startswith(f"{path}: ")
    assert said in message


# ---------------------------------------------------------------- bombs


def test_packed_files_unpack_so_far_and_no_further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_content, "UNPACKED_IN_ANY_CASE_BYTES", 100_000)
    zeros = CSV.encode() + b"," * 5_000_000
    for name, content in {"a.csv.gz": gzip.compress(zeros), "a.zip": packed({"log.csv": zeros}), "b.zip": packed({"log.csv.gz": gzip.compress(zeros)})}.items():
        message = refusal(placed(tmp_path, name, content))
        assert "as an archive made to fill a disk does" in message
        assert "100,000 bytes are unpacked in any case, beyond that 200 times the packed size" in message
    book = bytearray(workbook(Sheet("Log", [HEADER, *RECORDS], more="<row/>" * 500_000)))
    assert "as an archive made to fill a disk does" in refusal(placed(tmp_path, "a.xlsx", bytes(book)))


def test_an_archive_that_lies_about_a_size_is_broken(tmp_path: Path) -> None:
    whole = bytearray(packed({"log.csv": CSV * 100}))
    place = whole.index(b"PK\x01\x02") + 24
    whole[place : place + 4] = (50).to_bytes(4, "little")
    assert "broken ZIP archive: Bad CRC-32" in refusal(placed(tmp_path, "a.zip", bytes(whole)))


def test_a_sheet_that_reaches_far_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    message = refusal(placed(tmp_path, "a.xlsx", workbook(Sheet("Log", [HEADER, *RECORDS], more=far))))
    assert "reaches over 1,048,576 rows and 16,384 columns; 25,000,000 cells are read at most" in message
    formatted = '<row r="1048576"><c r="XFD1048576" s="1"/></row>'
    assert rows_of(placed(tmp_path, "b.xlsx", workbook(Sheet("Log", [HEADER, *RECORDS], more=formatted))), name="formatted") == EXPECTED
    monkeypatch.setattr(workbooks, "MOST_CELLS", 10)
    assert "10 cells are read at most" in refusal(placed(tmp_path, "c.xls", (FIXTURES / "tickets.xls").read_bytes()))


def test_a_sheet_that_repeats_a_cell_without_end_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(FIXTURES / "tickets.ods") as archive:
        parts: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
    content = bytes(parts["content.xml"]).decode()  # type: ignore[arg-type]
    row = '<table:table-row table:number-rows-repeated="1000000"><table:table-cell table:number-columns-repeated="1000" office:value-type="string"><text:p>x</text:p></table:table-cell></table:table-row>'
    path = placed(tmp_path, "a.ods", packed({**parts, "content.xml": content.replace("</table:table>", row + "</table:table>")}))
    assert "reaches over 1,000,005 rows and 1,000 columns" in refusal(path)


@pytest.fixture
def nothing_is_collected() -> Iterator[None]:
    """What earlier tests left behind is not finalised a thousand calls deep, where every finaliser fails."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("nothing_is_collected")
@pytest.mark.parametrize("levels", [200, 100_000])
def test_brackets_in_brackets(tmp_path: Path, levels: int) -> None:
    deep = placed(tmp_path, "1.json", '{"a":' * levels + "1" + "}" * levels)
    assert "there are more than 64 levels of objects" in refusal(deep)
    record = '{"number": "T-1", "a": ' + "[" * levels + "]" * levels + "}"
    lines = log_source(tmp_path, "\n".join([record, *(json.dumps(record) for record in JSON)]))
    assert len(events_of(lines)) == 3
    elements = placed(tmp_path, "1.xes", "<log>" + "<trace>" * levels + "</trace>" * levels + "</log>")
    assert "has more than 32 levels of elements" in refusal(elements)


def test_values_where_names_belong(tmp_path: Path) -> None:
    by_number = {str(number): {"state": "New"} for number in range(3000)}
    assert "has more than 2,000 columns" in refusal(placed(tmp_path, "log.json", json.dumps(by_number)))


def test_a_record_or_a_trace_that_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_content, "BLOCK_BYTES", 100)
    monkeypatch.setattr(json_records, "LONGEST_RECORD_BYTES", 1000)
    monkeypatch.setattr(xes, "MOST_EVENTS_OF_A_TRACE", 5)
    assert "a value of more than 1,000 characters begins here" in refusal(placed(tmp_path, "1.json", '[{"a": "' + "x" * 3000))
    assert "a trace of more than 5 events" in refusal(placed(tmp_path, "1.xes", "<log><trace>" + "<event/>" * 9 + "</trace></log>"))
