"""What a cell says as a stamp: one reading for `opsla init` and for the source."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from event_log_desk import COLUMNS, cases_of, events_of, log_settings, log_source, log_text, rejected_of
from pydantic import ValidationError

from opsla_dagster.sources.event_log.repeated_hours import passes_of
from opsla_dagster.sources.event_log.stamp_sql import any_of, joined, placed, placed_earlier, stamp_sql, tidied
from opsla_dagster.sources.event_log.stamp_words import common_languages, month_words


def read(cell: str, *forms: str, zone: str | None = None) -> datetime | None:
    """The instant, or local time, that the forms read; None for none."""
    stamp, clash = any_of([stamp_sql("tidy", form, zone) for form in forms])
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        select = f"select coalesce({stamp.stated}, {stamp.local}), {clash} from (select {tidied('$1::varchar')} as tidy)"
        found, is_unsure = connection.execute(select, [cell]).fetchall()[0]
    return None if is_unsure else found


SEVEN = datetime(2025, 7, 7, 9, 5)


@pytest.mark.parametrize(
    ("cell", "form", "expected"),
    [
        # ISO: lower case, a comma, spaces that are none
        ("2025-07-07t09:05z", "iso", SEVEN), ("2025-07-07T09:05:00,000Z", "iso", SEVEN), (" 2025-07-07\u202f09:05 ", "iso", SEVEN),
        ("2025-07-07", "iso", None), ("2025-07-07 25:00", "iso", None),
        # epochs
        ("1751879100", "epoch_s", SEVEN), ("1751879100.000", "epoch_s", SEVEN), ("1751879100000", "epoch_ms", SEVEN), ("1751879100000.0", "epoch_ms", SEVEN),
        ("1751879100000000", "epoch_us", SEVEN), ("1.751879100000E12", "epoch_ms", SEVEN), ("1,751879100000e+12", "epoch_ms", SEVEN),
        ("1.75188E+12", "epoch_ms", None), ("1.7518791E12", "epoch_ms", None), ("-5", "epoch_s", None), ("99999999999999999", "epoch_s", None),
        # serial dates: rounded ones are none
        ("45845.378472222226", "serial", SEVEN), ("45845,37847", "serial", SEVEN), ("45845.375", "serial", datetime(2025, 7, 7, 9)),
        ("45845", "serial", datetime(2025, 7, 7)), ("45845.3785", "serial", None), ("45845 0.375", "serial", datetime(2025, 7, 7, 9)),
        ("45845.37847225694", "serial", datetime(2025, 7, 7, 9, 5, 0, 3000)), ("4.58E+04", "serial", None),
        # names of months
        ("07-Jul-25 09:05", "%d-%b-%y %H:%M", SEVEN), ("07-JUL-2025 09:05", "%d-%b-%Y %H:%M", SEVEN), ("07.Juli.2025 09:05", "%d.%b.%Y %H:%M", SEVEN),
        ("07-Mrz-2025 09:05", "%d-%b-%Y %H:%M", datetime(2025, 3, 7, 9, 5)), ("07-Mär-2025 09:05", "%d-%b-%Y %H:%M", datetime(2025, 3, 7, 9, 5)),
        ("07-Ma\u0308r-2025 09:05", "%d-%b-%Y %H:%M", datetime(2025, 3, 7, 9, 5)), ("7. Okt. 2025 09:05 Uhr", "%d. %b %Y %H:%M", datetime(2025, 10, 7, 9, 5)),
        ("7 de julho de 2025 09:05", "%d de %B de %Y %H:%M", SEVEN), ("7 de julio de 2025, 9:05 p. m.", "%d %B %Y, %I:%M %p", datetime(2025, 7, 7, 21, 5)),
        ("lun. 7 juil. 2025 à 09:05", "%d %b %Y %H:%M", SEVEN), ("mar. 8 juil. 2025 09:05", "%d %b %Y %H:%M", datetime(2025, 7, 8, 9, 5)),
        ("Mar 8, 2025 09:05", "%b %d, %Y %H:%M", datetime(2025, 3, 8, 9, 5)), ("1er août 2025 09:05", "%d %b %Y %H:%M", datetime(2025, 8, 1, 9, 5)),
        ("7 lug 2025 09:05", "%d %b %Y %H:%M", SEVEN), ("7 mei 2025 09:05", "%d %b %Y %H:%M", datetime(2025, 5, 7, 9, 5)), ("07-7月-2025 09:05", "%d-%b-%Y %H:%M", SEVEN),
        ("2025年7月7日(月) 午前9時05分", "%Y-%m-%d %I:%M %p", SEVEN), ("2025年7月7日 9:05", "%Y年%m月%d日 %H:%M", SEVEN), ("２０２５／７／７　９：０５", "%Y/%m/%d %H:%M", SEVEN),
        ("07-Xyz-2025 09:05", "%d-%b-%Y %H:%M", None),
        # AM and PM
        ("7/7/2025, 9:05\u202fAM", "%d/%m/%Y, %I:%M %p", SEVEN), ("7/7/2025 9:05\u00a0a.m.", "%d/%m/%Y %I:%M %p", SEVEN), ("7/7/2025 9:05am", "%d/%m/%Y %I:%M %p", SEVEN),
        ("7/7/2025 13:05 PM", "%d/%m/%Y %I:%M %p", None),
        # what systems write
        ("Mon, 07 Jul 2025 11:05:00 +0200", "%a, %d %b %Y %H:%M:%S %z", SEVEN), ("Mon Jul  7 09:05:00 2025", "%a %b %d %H:%M:%S %Y", SEVEN),
        ("07-JUL-25 09.05.00.000000000 AM", "%d-%b-%y %I.%M.%S.%f %p", SEVEN), ("07/Jul/2025:09:05:00 +0000", "%d/%b/%Y:%H:%M:%S %z", SEVEN),
        ("20250707T090500Z", "%Y%m%dT%H%M%S%Z", SEVEN),
    ],
)  # fmt: skip
def test_a_cell_says_one_instant_or_none(cell: str, form: str, expected: datetime | None) -> None:
    assert read(cell, form) == expected


def test_two_forms_are_read_where_they_do_not_contradict_each_other() -> None:
    forms = ("%d/%m/%Y %H:%M", "iso", "%m/%d/%Y %H:%M")
    assert read("2025-07-07 09:05", *forms) == SEVEN
    assert read("07/07/2025 09:05", *forms) == SEVEN, "both read the same instant"
    assert read("13/07/2025 09:05", *forms) == datetime(2025, 7, 13, 9, 5)
    assert read("03/07/2025 09:05", *forms) is None


@pytest.mark.parametrize(
    ("day", "time", "expected"),
    [
        ("2025-07-07", "09:05", "2025-07-07 09:05"), ("2025-07-07 00:00:00", "09:05", "2025-07-07 09:05"),
        ("2025-07-07", "1899-12-30 09:05:00", "2025-07-07 09:05:00"), ("7/7/2025 12:00 AM", "9:05 AM", "7/7/2025 9:05 AM"),
        ("2025-07-07", None, "2025-07-07"), (None, "09:05", "09:05"), (None, None, None),
    ],
)
def test_a_date_and_its_time_are_one_text(day: str | None, time: str | None, expected: str | None) -> None:
    with duckdb.connect() as connection:
        assert connection.execute(f"select {joined('$1::varchar', '$2::varchar')}", [day, time]).fetchall() == [(expected,)]


def test_no_name_of_a_month_means_two() -> None:
    words = month_words()
    assert {words[word] for word in ("okt", "ott", "out", "oct", "octubre", "10月")} == {"Oct"}
    assert common_languages(["März", "Okt"]) == ["German"]
    assert common_languages(["março", "abril"]) == ["Portuguese"]
    assert common_languages(["Jul", "Oct"]) == []


# ---------------------------------------------------------------- the repeated hour


@pytest.mark.parametrize(
    ("zone", "local", "expected"),
    [
        ("America/New_York", "2025-11-02 01:50", ("2025-11-02 05:50:00", "2025-11-02 06:50:00")), ("America/New_York", "2025-11-02 00:50", (None, "2025-11-02 04:50:00")),
        ("Australia/Lord_Howe", "2025-04-06 01:45", ("2025-04-05 14:45:00", "2025-04-05 15:15:00")), ("Europe/Berlin", "2025-03-30 02:30", (None, None)),
        ("UTC", "2025-11-02 01:50", (None, "2025-11-02 01:50:00")),
    ],
)  # fmt: skip
def test_the_two_instants_of_a_repeated_hour(zone: str, local: str, expected: tuple[str | None, str | None]) -> None:
    with duckdb.connect() as connection:
        select = f"select cast({placed_earlier('t', zone)} as varchar), cast({placed('t', zone)} as varchar) from (select $1::timestamp as t)"
        assert connection.execute(select, [local]).fetchall() == [expected]


def at(hour: int, minute: int) -> tuple[datetime, int]:
    return datetime(2025, 11, 2, hour, minute), 0


def twice(minute: int) -> list[tuple[datetime, int]]:
    """01:<minute> in New York: 05:<minute>Z or 06:<minute>Z."""
    return [at(5, minute), at(6, minute)]


@pytest.mark.parametrize(
    ("stamps", "chosen", "is_told"),
    [
        ([twice(50), twice(5), twice(10)], [0, 1, 1], [True, True, True]),
        ([twice(5), twice(10)], [1, 1], [False, False]),
        ([[at(4, 30)], twice(50), [at(5, 55)]], [0, 0, 0], [True, True, True]),
        ([[at(6, 20)], twice(50)], [0, 1], [True, True]),
        ([twice(50), twice(5), twice(50), twice(5)], [0, 1, 1, 1], [False] * 4),
        ([[at(9, 0)], twice(50), twice(5)], [0, 0, 1], [True, True, True]),
    ],
    ids=["a step back tells", "nothing tells", "a later neighbour tells", "an earlier neighbour tells", "steps back that no pass explains", "a slip before"],
)
def test_the_order_of_a_case_tells_the_pass(stamps: list[list[tuple[datetime, int]]], chosen: list[int], is_told: list[bool]) -> None:
    passes = passes_of(stamps)
    assert (passes.chosen, passes.is_told) == (chosen, is_told)


NEW_YORK = {"time": {"timezone": "America/New_York"}}


def test_copies_of_a_record_in_a_repeated_hour_are_of_one_pass(tmp_path: Path) -> None:
    rows = ["A,New,2025-11-02 01:50", "A,Active,2025-11-02 01:05", "A,Done,2025-11-02 01:10"]
    events = events_of(log_source(tmp_path, log_text([*rows, *rows]), zone="America/New_York", **NEW_YORK))
    assert [f"{row['event_ts']:%H:%M}" for row in events] == ["05:50", "06:05", "06:10"] * 2


def test_the_order_of_the_source_tells_not_the_order_of_the_file(tmp_path: Path) -> None:
    rows = ["A,Done,2025-11-02 01:10", "A,Active,2025-11-02 01:05", "A,New,2025-11-02 01:50"]
    events = events_of(log_source(tmp_path, log_text(rows), zone="America/New_York", newest_first=True, **NEW_YORK))
    assert [f"{row['event_ts']:%H:%M}" for row in events] == ["05:50", "06:05", "06:10"]


def test_an_intake_stamp_is_of_the_pass_of_the_event_that_tells_it(tmp_path: Path) -> None:
    rows = ["A,New,2025-11-02 01:50,2025-11-02 01:50", "A,Active,2025-11-02 01:05,2025-11-02 01:50", "B,New,2025-11-02 00:30,2025-11-02 00:30"]
    source = log_source(tmp_path, log_text(rows, "number,state,at,opened"), zone="America/New_York", columns={**COLUMNS, "intake_ts": "opened"}, **NEW_YORK)
    assert cases_of(source)["A"]["intake_ts"] == datetime(2025, 11, 2, 5, 50)
    assert not [note for note in source.reading_notes(datetime(2026, 1, 1)) if "warning" in note]


# ---------------------------------------------------------------- the source


def test_a_list_of_forms_is_counted_and_told(tmp_path: Path) -> None:
    rows = ["A,New,2025-07-07 09:05", "A,Active,13/07/2025 09:05", "A,Done,14/07/2025 09:05", "B,New,7/13/2025 09:05"]
    source = log_source(tmp_path, log_text(rows), time={"timezone": "UTC", "format": ["iso", "%d/%m/%Y %H:%M"]})
    assert [f"{row['event_ts']:%d}" for row in events_of(source)] == ["07", "13", "14"]
    assert "stamps of at read: 1 as iso, 2 as %d/%m/%Y %H:%M" in source.reading_notes(datetime(2026, 1, 1))
    assert rejected_of(source)[5]["reason"] == "column at: expected an ISO 8601 date and time or a stamp of the format %d/%m/%Y %H:%M; found '7/13/2025 09:05'"


def test_a_cell_that_two_forms_read_differently_is_rejected(tmp_path: Path) -> None:
    source = log_source(tmp_path, log_text(["A,New,03/07/2025 09:05", "A,Done,13/07/2025 09:05"]), time={"timezone": "UTC", "format": ["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"]})
    assert rejected_of(source)[2]["reason"].startswith("column at: two of time.format (%d/%m/%Y %H:%M, %m/%d/%Y %H:%M) read different instants")


def test_a_date_without_its_time_is_rejected(tmp_path: Path) -> None:
    text = log_text(["A,New,2025-07-07,09:05", "A,Active,2025-07-07,", "A,Done,2025-07-08,10:00"], "number,state,day,clock")
    source = log_source(tmp_path, text, columns={**COLUMNS, "event_ts": ["day", "clock"]})
    assert [row["event_ts"] for row in events_of(source)] == [SEVEN, datetime(2025, 7, 8, 10)]
    assert rejected_of(source)[3]["reason"] == "column day + clock: expected an ISO 8601 date and time; found '2025-07-07'"


def test_records_go_by_a_stamp_in_two_columns(tmp_path: Path) -> None:
    text = log_text(["A,Done,13/07/2025,10:00", "A,New,7/07/2025,09:05", "A,Active,7/07/2025,9:06"], "number,state,day,clock")
    source = log_source(tmp_path, text, columns={**COLUMNS, "event_ts": ["day", "clock"]}, time={"timezone": "UTC", "format": "%d/%m/%Y %H:%M"}, order_by=["day"])
    assert [row["source_status"] for row in events_of(source)] == ["New", "Active", "Done"]


@pytest.mark.parametrize(
    ("time", "message"),
    [
        ({"format": "epoch"}, "no stamp format"), ({"format": "serial"}, "name the zone"), ({"format": ["iso", "iso"]}, "listed twice"), ({"format": []}, "or a list of forms"),
        ({"format": ["iso", "%d/%m/%Y %H:%M"]}, "name the zone"),
    ],
)
def test_a_wrong_form_is_named(time: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        log_settings(time=time)


# ---------------------------------------------------------------- ids and statuses


@pytest.mark.parametrize("cell", ["2.02507E+14", '"2,02507E+14"', "1.0E15", "2E+14", "1.5e3", "20250700123456789.0"])
def test_a_rounded_id_is_rejected(tmp_path: Path, cell: str) -> None:
    source = log_source(tmp_path, log_text(["A,New,2025-07-07T09:00Z", f"{cell},New,2025-07-07T09:00Z"]))
    assert rejected_of(source)[3]["reason"].startswith("column number: an id that was rounded, so that several ids may have become one")


@pytest.mark.parametrize(("cell", "expected"), [("1001.0", "1001"), ("0012.00", "0012"), ("1E5", "1E5"), ("12E4567", "12E4567"), ("INC1.0", "INC1.0"), ("1.1", "1.1")])
def test_an_id_that_only_looks_like_a_number_stays(tmp_path: Path, cell: str, expected: str) -> None:
    source = log_source(tmp_path, log_text([f"{cell},New,2025-07-07T09:00Z"]))
    assert [row["case_id"] for row in events_of(source)] == [expected]
    told = [note for note in source.reading_notes(datetime(2026, 1, 1)) if "read as integers" in note]
    assert len(told) == (cell != expected)


@pytest.mark.parametrize("status", [" done ", "DONE", "\u3000Done", "done\u202f", "do\u0301ne"])
def test_statuses_are_matched_whatever_their_case_and_spaces(tmp_path: Path, status: str) -> None:
    statuses = {"New": "INTAKE", "Done": "RESOLVED", "d\u00f3ne": "CLOSED"}
    source = log_source(tmp_path, log_text(["A,New,2025-07-07T09:00Z", f"A,{status},2025-07-07T10:00Z"]), statuses=statuses)
    (_, done) = events_of(source)
    assert (done["status"], done["source_status"]) == ("CLOSED" if "\u0301" in status else "RESOLVED", status)


def test_two_words_that_are_one_have_one_meaning() -> None:
    with pytest.raises(ValidationError, match=r"'Done' means RESOLVED already"):
        log_settings(statuses={"Done": "RESOLVED", " DONE": "CLOSED"})
    assert log_settings(statuses={"Done": "RESOLVED", " DONE": "RESOLVED"})
