"""What is proposed for a log: its form, its stamps, its columns, its words."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from effort import IS_HOLD
from rich.console import Console

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import load_settings
from opsla_dagster.settings.base import read_document
from opsla_dagster.settings.quality_gates import QualityGatesSettings
from opsla_dagster.settings.sources import EventLogSettings, SourcesSettings
from opsla_dagster.starting.asking import Asking
from opsla_dagster.starting.begin import Answers, begin, first_window
from opsla_dagster.starting.meanings import MOST_UNPLACED_PCT
from opsla_dagster.starting.proposing import LogProposal, propose
from opsla_dagster.starting.showing import show_log
from opsla_dagster.starting.sniffing import sniffed
from opsla_dagster.starting.stamps import formats_of, swapped
from opsla_dagster.starting.told import Told
from opsla_dagster.status import MEANINGS, Signal

NOBODY = Asking(Console(quiet=True), is_allowed=False)

LOG = """\
Ticket;Opened at;Changed at;State;Assigned to;Prio;Comment
7;13.07.2025 09:00;13.07.2025 09:00;New;?;P1;"a; b"
7;13.07.2025 09:00;13.07.2025 10:00;In Progress;Ada;P1;NULL
8;14.07.2025 09:00;14.07.2025 09:00;New;?;P2;""
8;14.07.2025 09:00;15.07.2025 11:30;Solved;Bo;P2;x
"""


def written(directory: Path, text: str, name: str = "log.csv", encoding: str = "utf-8") -> Path:
    path = directory / name
    path.write_bytes(gzip.compress(text.encode(encoding)) if name.endswith(".gz") else text.encode(encoding))
    return path


def proposal(path: Path, **told: Any) -> LogProposal:
    with sniffed([path]) as log:
        return propose(log, Told(**told), NOBODY)


def stamped(*stamps: str) -> str:
    rows = "\n".join(f"T{number // 2},{'New' if number % 2 == 0 else 'Done'},{stamp}" for number, stamp in enumerate(stamps))
    return f"Ticket,State,When\n{rows}\n"


@pytest.mark.parametrize("name", ["log.csv", "log.csv.gz"])
def test_a_log_of_another_house(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, LOG, name)
    with sniffed([path]) as log:
        assert (log.csv.delimiter, log.csv.quote, log.rows) == (";", '"', 4)
        assert log.missing_values == ("?", "NULL")
        found = propose(log, Told(timezone="Europe/Rome"), NOBODY)
    assert found.columns == {
        "case_id": "Ticket", "status": "State", "event_ts": "Changed at", "intake_ts": "Opened at", "agent": "Assigned to", "priority": "Prio",
    }
    assert found.statuses == {"New": "INTAKE", "In Progress": "INVESTIGATION", "Solved": "RESOLVED"}
    assert (found.time_format, found.stamps_zone, found.start_date) == ("%d.%m.%Y %H:%M", "Europe/Rome", date(2025, 7, 13))


def test_the_delimiter_inside_quotes_does_not_count(tmp_path: Path) -> None:
    path = written(tmp_path, 'Ticket,State,At\n"1,5",New,2025-07-01 10:00\n"1,5",Done,2025-07-01 11:00\n')
    with sniffed([path]) as log:
        assert log.csv.delimiter == ","
        assert list(log.words("Ticket")) == ["1,5"]


def test_a_lone_quote_in_a_file_without_quoting(tmp_path: Path) -> None:
    path = written(tmp_path, 'Ticket,State,At,Text\nA,New,2025-07-01 10:00,5" disk\nA,Done,2025-07-01 11:00,"odd\nB,New,2025-07-02 10:00,x\n')
    with sniffed([path]) as log:
        assert (log.csv.quote, log.rows, log.unreadable) == ("", 3, 0)


@pytest.mark.parametrize(("encoding", "named"), [("cp1252", "cp1252"), ("utf-16", "utf-16"), ("utf-8-sig", "utf-8")])
def test_encodings(tmp_path: Path, encoding: str, named: str) -> None:
    text = "Ticket,State,At\nJürgen,New,2025-07-01 10:00\nJürgen,Done,2025-07-01 11:00\n"
    with sniffed([written(tmp_path, text, encoding=encoding)]) as log:
        assert log.csv.encoding == named
        assert list(log.words("Ticket")) == ["Jürgen"]


def test_parquet_stamps_are_taken_as_typed(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    duckdb.sql(f"copy (select 1 as case_id, unnest(['new', 'done']) as status, timestamp '2025-07-01 10:00' as changed) to '{path}'")
    found = proposal(path)
    assert (found.time_format, found.columns["event_ts"], found.stamps_zone) == ("iso", "changed", "UTC")


def test_parquet_stamps_in_nanoseconds_and_dates_are_looked_at_like_any_other(tmp_path: Path) -> None:
    """pandas writes datetime64[ns, UTC] so."""
    path = tmp_path / "log.parquet"
    moments = [datetime(2025, 7, 1, 2), datetime(2025, 7, 1, 3)]
    columns = {"case_id": [1, 1], "status": ["new", "done"], "changed": pa.array(moments, pa.timestamp("ns", "UTC"))}
    pq.write_table(pa.table({**columns, "day": pa.array([moment.date() for moment in moments])}), path)
    found = proposal(path)
    assert (found.time_format, found.columns["event_ts"]) == ("iso", "changed")
    with sniffed([path]) as log:
        assert log.with_offset("changed") == 2
        assert (log.columns["day"].is_typed_stamp, log.stamp_formats("day")) == (False, {"%Y-%m-%d": 2})
        days = log.days("changed", "%Y-%m-%d", "Asia/Tokyo", "America/New_York")
        assert days == (date(2025, 6, 30), date(2025, 6, 30)), "02:00 UTC, not 02:00 in Tokyo, whatever other columns are written like"


@pytest.mark.parametrize(
    ("cell", "formats"),
    [
        ("2025-07-01 10:00:00", ["iso"]), ("2025-07-01T10:00:00.123Z", ["iso"]), ("2025-07-01T10:00+02:00", ["iso"]),
        ("1/7/2025 9:05", ["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"]), ("07-01-25 10:00:01", ["%d-%m-%y %H:%M:%S", "%m-%d-%y %H:%M:%S"]),
        ("7/1/2025 9:05 PM", ["%d/%m/%Y %I:%M %p", "%m/%d/%Y %I:%M %p"]), ("2025/07/01 10:00", ["%Y/%m/%d %H:%M"]),
        ("01-Jul-2025 10:00", ["%d-%b-%Y %H:%M"]), ("July 1, 2025 9:05AM", ["%B %d, %Y %I:%M%p"]), ("2025-07-01", ["%Y-%m-%d"]),
        ("2025-07-01 10:00:00 +0200", ["%Y-%m-%d %H:%M:%S %z"]), ("16.03.2026 08:10:49 CEST", ["%d.%m.%Y %H:%M:%S %Z", "%m.%d.%Y %H:%M:%S %Z"]),
        ("2026-03-16 08:10 PM Europe/Berlin", ["%Y-%m-%d %I:%M %p %Z"]), ("hello", []), ("10", []), ("2025-07-01 10:00 or so", []), ("1.2.3", []),
    ],
)
def test_formats_go_by_the_shape_of_a_cell(cell: str, formats: list[str]) -> None:
    assert formats_of(cell) == formats
    for each in formats:
        if each != "iso" and not each.startswith("%m") and "CEST" not in cell:
            assert duckdb.sql(f"select try_strptime('{cell}', '{each}')").fetchall() != [(None,)]


def test_day_and_month_change_places() -> None:
    assert swapped("%d/%m/%Y %H:%M") == "%m/%d/%Y %H:%M"
    assert swapped("%m-%d-%y") == "%d-%m-%y"
    assert swapped("%Y-%m-%d") is None
    assert swapped("iso") is None


def test_the_data_decides_whether_the_day_comes_first(tmp_path: Path) -> None:
    found = proposal(written(tmp_path, stamped("03/07/2025 10:00", "04/07/2025 10:00", "13/07/2025 10:00", "14/07/2025 09:00")))
    assert found.time_format == "%d/%m/%Y %H:%M"
    found = proposal(written(tmp_path, stamped("07/03/2025 10:00", "07/04/2025 10:00", "07/13/2025 10:00", "07/14/2025 09:00")))
    assert found.time_format == "%m/%d/%Y %H:%M"
    assert any("2 of them can be nothing else" in note for note in found.notes)


def test_where_both_orders_read_everything_a_person_decides(tmp_path: Path) -> None:
    path = written(tmp_path, stamped("03/07/2025 10:00", "04/07/2025 10:00"))
    with pytest.raises(OpslaError, match=r"%d/%m/%Y %H:%M and as %m/%d/%Y %H:%M: say it with --time-format"):
        proposal(path)
    assert proposal(path, time_format="%d/%m/%Y %H:%M").start_date == date(2025, 7, 3)
    assert proposal(path, time_format="%m/%d/%Y %H:%M").start_date == date(2025, 3, 7)


def test_stamps_that_read_by_themselves_are_said_to(tmp_path: Path) -> None:
    path = written(tmp_path, stamped("2025-07-03 10:00", "2025-07-04 10:00"))
    with pytest.raises(OpslaError, match=r"reads as iso: leave --time-format away"):
        proposal(path, time_format="%d/%m/%Y")


def test_some_broken_stamps_do_not_hide_the_format(tmp_path: Path) -> None:
    stamps = [f"{day}/07/2025 10:00" for day in range(10, 28)]
    assert proposal(written(tmp_path, stamped(*stamps, "soon", "07/28/2025 10:00"))).time_format == "%d/%m/%Y %H:%M"


def test_no_stamps_at_all(tmp_path: Path) -> None:
    with pytest.raises(OpslaError, match=r"no column reads as stamps.*--time-format"):
        proposal(written(tmp_path, stamped("soon", "later")))
    with pytest.raises(OpslaError, match="not a strptime format"):
        proposal(written(tmp_path, stamped("soon", "later")), time_format="%Q%")


def test_a_zone_that_nobody_said_is_told(tmp_path: Path) -> None:
    found = proposal(written(tmp_path, stamped("2025-07-01 10:00", "2025-07-01 11:00")))
    assert (found.timezone, found.stamps_zone) == ("UTC", "UTC")
    assert ["UTC is assumed" in warning for warning in found.warnings] == [True]


def test_utc_is_not_assumed_where_the_stamps_are_of_another_zone(tmp_path: Path) -> None:
    path = written(tmp_path, stamped("2025-03-01T23:30:00+01:00", "2025-07-02T11:00:00+02:00"))
    with pytest.raises(OpslaError, match=r"^Time zone of the desk .*; the log's stamps state \+01:00 and \+02:00: say it with --timezone \(UTC, if"):
        proposal(path)
    assert proposal(path, timezone="UTC").warnings == []
    found = proposal(written(tmp_path, stamped("2025-03-01T23:30:00+00:00", "2025-07-02T11:00:00Z")))
    assert (found.timezone, len(found.warnings)) == ("UTC", 1)


def test_a_stamp_may_name_its_zone(tmp_path: Path) -> None:
    path = written(tmp_path, stamped("16.07.2026 00:10:49 CEST", "20.01.2026 23:10:49 CET"))
    for told in ({}, {"time_format": "%d.%m.%Y %H:%M:%S %Z"})[: 2 if IS_HOLD else 1]:
        with pytest.raises(OpslaError, match=r"of zones that stamps name, read are .*abbreviations of the zone of --timezone"):
            proposal(path, **told)
    with sniffed([path], "Europe/Berlin") as log:
        found = propose(log, Told(timezone="Europe/Berlin"), NOBODY)
    assert (found.time_format, found.stamps_zone) == ("%d.%m.%Y %H:%M:%S %Z", "Europe/Berlin")
    assert found.start_date == date(2026, 1, 20)
    named = written(tmp_path, stamped("16.07.2026 00:10:49 Europe/Berlin", "20.01.2026 23:10:49 UTC"))
    with pytest.raises(OpslaError, match=r"the log's stamps state Europe/Berlin and UTC: say it with --timezone"):
        proposal(named)
    assert proposal(named, timezone="Europe/Berlin").start_date == date(2026, 1, 21)


def test_stamps_with_offset_need_no_zone(tmp_path: Path) -> None:
    found = proposal(written(tmp_path, stamped("2025-07-01T23:30:00Z", "2025-07-02T11:00:00+02:00")), timezone="Europe/Rome")
    assert found.stamps_zone is None
    assert found.start_date == date(2025, 7, 2)


def test_where_only_some_stamps_have_an_offset_the_zone_is_of_the_others(tmp_path: Path) -> None:
    found = proposal(written(tmp_path, stamped("2025-07-02T03:30:00Z", "2025-07-02T11:00:00")), timezone="America/New_York")
    assert (found.stamps_zone, found.start_date) == ("America/New_York", date(2025, 7, 1))
    found = proposal(written(tmp_path, stamped("2025-07-02T03:30:00", "2025-07-02T11:00:00Z")), timezone="America/New_York")
    assert found.start_date == date(2025, 7, 2)


def test_a_word_or_two_that_nobody_knows_are_left_out_and_told(tmp_path: Path) -> None:
    path = written(tmp_path, in_order(*ORDERED, "B,Parked,2025-07-01 12:30"))
    found = proposal(path)
    assert found.unplaced == {"Parked": 1}
    assert any(note.startswith("1 record with") and "raw.rejected_rows" in note and "--status" in note for note in found.notes)
    assert proposal(path, statuses={"parked": "ON_HOLD"}).statuses["Parked"] == "ON_HOLD"
    left_out = proposal(path, statuses={"Parked": "IGNORE"})
    assert (left_out.ignored, left_out.unplaced, left_out.notes) == (["Parked"], {}, [])


def test_records_without_a_status_are_told(tmp_path: Path) -> None:
    path = written(tmp_path, in_order(*ORDERED, "B,,2025-07-01 12:30", "B,?,2025-07-01 12:40"))
    with sniffed([path]) as log:
        found = propose(log, Told(), NOBODY)
        console = Console(record=True, width=120, file=io.StringIO())
        show_log(console, log, found)
    assert found.without_status == 2
    shown = " ".join(console.export_text().split())
    assert "(none) 2 no status; rejected" in shown
    assert "2 records without a status: rejected (raw.rejected_rows)." in shown
    begun = begin(answers(tmp_path / "desk", path), NOBODY)
    assert begun is not None
    assert begun.unfinished.startswith("29% of the records have no status: is 'State' the right column?")


def test_a_log_that_is_not_there_is_named_as_it_was_told(tmp_path: Path) -> None:
    missing = tmp_path / "nothere.csv"
    with pytest.raises(OpslaError) as caught:
        begin(answers(tmp_path / "desk", missing), NOBODY)
    assert str(caught.value) == f"{missing}: no such file; check the path"


def test_what_cannot_be_found_names_its_flag(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b,c\nx,New,2025-07-01 10:00\nx,Done,2025-07-01 11:00\n")
    with pytest.raises(OpslaError, match=r"--column case_id=COLUMN"):
        proposal(path)
    assert proposal(path, columns={"case_id": "a"}).columns == {"case_id": "a", "status": "b", "event_ts": "c"}
    with pytest.raises(OpslaError, match="the log has no such column; it has a, b, c"):
        proposal(path, columns={"case_id": "A"})


def test_all_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b,c,d\nx,1,03/07/2025 10:00,04/07/2025 10:00\nx,1,03/07/2025 11:00,04/07/2025 10:00\n")
    with pytest.raises(OpslaError) as caught:
        proposal(path)
    told = str(caught.value).splitlines()
    assert [line.partition("say it with ")[2] for line in told] == [
        "--time-format '%d/%m/%Y %H:%M' (or '%m/%d/%Y %H:%M')", "--column case_id=COLUMN", "--column status=COLUMN", "--column event_ts=COLUMN",
    ]
    words = [f"Word {number}" for number in range(14)]
    rows = "".join(f"A,{word},2025-07-01 10:{10 + number}\n" for number, word in enumerate(words))
    with pytest.raises(OpslaError) as caught:
        proposal(written(tmp_path, f"Ticket,State,At\n{rows}"))
    assert [word for word in words if word not in str(caught.value)] == []


def test_a_verdict_that_says_neither_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "Ticket,State,At,Verdict\nA,New,2025-07-01 10:00,perhaps\nA,Done,2025-07-01 11:00,perhaps\n")
    with pytest.raises(OpslaError, match=r"^--column sla_met=Verdict: 'perhaps' says neither met nor missed"):
        proposal(path, columns={"sla_met": "Verdict"})


def test_examples_are_stamps_that_can_be_read(tmp_path: Path) -> None:
    rows = [f"T{day},New,{day}/07/2025 10:00" for day in range(10, 28)] + ["T1,New,31/02/2025 10:00"] * 3
    with sniffed([written(tmp_path, "\n".join(["Ticket,State,When", *rows]))]) as log:
        console = Console(record=True, width=120, file=io.StringIO())
        show_log(console, log, propose(log, Told(), NOBODY))
    shown = console.export_text()
    assert "10/07/2025 10:00" in shown
    assert "31/02/2025" not in shown.partition("status of the log")[0]
    assert "3 records whose When cannot be read, to be rejected: '31/02/2025 10:00'." in " ".join(shown.split())


def test_open_beside_new_is_told(tmp_path: Path) -> None:
    found = proposal(written(tmp_path, "Ticket,State,At\nA,New,2025-07-01 10:00\nA,Open,2025-07-01 11:00\n"))
    assert found.statuses["Open"] == "INVESTIGATION"
    assert any(note.startswith("Open: taken as worked on") and "--status 'Open=INTAKE'" in note for note in found.notes)


def test_a_case_without_a_name_is_found_by_what_repeats(tmp_path: Path) -> None:
    rows = [f"X{number // 3},{('New', 'Active', 'Done')[number % 3]},2025-07-01 10:{number % 60:02d},n{number}" for number in range(300)]
    found = proposal(written(tmp_path, "\n".join(["ref no,b,c,d", *rows])))
    assert found.columns["case_id"] == "ref no"


def test_a_header_without_names_is_said(tmp_path: Path) -> None:
    for header in (",,", "x,x,x"):
        with pytest.raises(OpslaError, match=r"no column has a name of its own; expected a header, a row that names each column once"):
            proposal(written(tmp_path, f"{header}\n" + "A,New,2025-07-07 09:00:00\n" * 3))


def test_nothing_but_a_header(tmp_path: Path) -> None:
    with pytest.raises(OpslaError, match="no record below its header"):
        proposal(written(tmp_path, "Ticket,State,At\n"))


def in_order(*rows: str) -> str:
    return "\n".join(["Ticket,State,At", *rows, ""])


ORDERED = ["A,New,2025-07-01 09:00", "A,Active,2025-07-01 10:00", "A,Done,2025-07-01 10:00", "B,New,2025-07-01 11:00", "B,Done,2025-07-01 12:00"]


@pytest.mark.parametrize(
    ("rows", "order_by", "newest_first", "told"),
    [
        (ORDERED, [], False, []),
        (ORDERED[::-1], [], True, ["The newest records come first, by At"]),
        ([*ORDERED, "B,Active,2025-07-01 11:30"], ["At"], False, ["order of time (1 case of 2 with several records): records go by At"]),
        (
            [*ORDERED[::-1], "C,Done,2025-07-02 09:00", "C,Active,2025-07-01 10:00", "C,New,2025-07-01 12:00"], ["At"], True,
            ["The newest records come first", "records go by At (order_by in sources.yml)"],
        ),
    ],
    ids=["in order", "newest first", "appended late", "neither"],
)
def test_the_order_of_time_is_looked_at(tmp_path: Path, rows: list[str], order_by: list[str], newest_first: bool, told: list[str]) -> None:
    path = written(tmp_path, in_order(*rows))
    found = proposal(path)
    assert (found.order_by, found.newest_first) == (order_by, newest_first)
    assert all(any(each in note for note in found.notes) for each in told)
    assert len(found.notes) == len(told)
    begun = begin(answers(tmp_path / "desk", path), NOBODY)
    assert begun is not None
    (source,) = read_document(begun.directory / "sources.yml", SourcesSettings).sources
    assert isinstance(source, EventLogSettings)
    assert (list(source.order_by), source.newest_first) == (order_by, newest_first)


def test_a_stamp_of_the_future_does_not_stretch_the_calendar(tmp_path: Path) -> None:
    path = written(tmp_path, in_order(*ORDERED, "C,New,2094-07-01 10:00"))
    begun = begin(answers(tmp_path / "desk", path), NOBODY)
    assert begun is not None
    horizon = yaml.safe_load((begun.directory / "calendars.yml").read_text(encoding="utf-8"))["horizon"]
    assert horizon["end"] < date(2090, 1, 1)


def test_a_log_of_the_future_has_no_first_window(tmp_path: Path) -> None:
    path = written(tmp_path, in_order(*(row.replace("2025", "2090") for row in ORDERED)))
    begun = begin(answers(tmp_path / "desk", path), NOBODY)
    assert begun is not None
    with pytest.raises(OpslaError, match=r"no case is known by 2025-07-10 .*from 2090-07-01 on\. Look at sources\.yml \(the first stamp lies in the future: how stamps are read, time\.format, perhaps\)"):
        first_window(load_settings(begun.directory, tmp_path / "home"), datetime(2025, 7, 10))


def test_one_slip_among_many_cases_keeps_the_order_of_the_file(tmp_path: Path) -> None:
    rows = [f"T{number},{word},2025-07-01 {hour}:00" for number in range(100) for word, hour in (("New", 10), ("Done", 11))]
    found = proposal(written(tmp_path, in_order(*rows, "T7,Active,2025-07-01 10:30")))
    assert found.order_by == []
    assert ["1 case of 100" in note for note in found.notes] == [True]


def test_files_that_follow_each_other_wrongly_go_by_the_stamps(tmp_path: Path) -> None:
    files = [written(tmp_path, in_order(*rows), name) for name, rows in (("later.csv", ORDERED[2:]), ("earlier.csv", ORDERED[:2]))]
    with sniffed(files) as log:
        found = propose(log, Told(), NOBODY)
    assert (found.order_by, found.newest_first) == (["At"], False)


def answers(directory: Path, *files: Path, **more: Any) -> Answers:
    usual: dict[str, Any] = {
        "zendesk": None, "intercom": False, "name": None, "timezone": None, "start_date": None, "time_format": None, "columns": [],
        "statuses": [], "empty_cells": None, "email_variable": "E", "token_variable": None, "key_variable": "K", "base_url": None,
    }
    return Answers(files=list(files), directory=directory, **{**usual, **more})


def test_what_is_written_can_be_read_and_says_the_same(tmp_path: Path) -> None:
    text = LOG.replace("Ticket", "Ticket: no").replace("Solved", "on").replace("8;14", "8: 'x';14") + "7;13.07.2025 09:00;13.07.2025 11:00;a=b;?;P1;\n"
    path = written(tmp_path, text, "No 1.csv")
    begun = begin(answers(tmp_path / "desk", path, columns=["case_id=Ticket: no"], statuses=["on=RESOLVED", "a=b=CLOSED"]), NOBODY)
    assert begun is not None
    assert not begun.unfinished
    settings = read_document(begun.directory / "sources.yml", SourcesSettings)
    (source,) = settings.sources
    assert isinstance(source, EventLogSettings)
    assert source.name == "no_1"
    assert source.files == ("../No 1.csv",)
    assert source.columns.case_id == "Ticket: no"
    assert source.statuses == {"New": "INTAKE", "In Progress": "INVESTIGATION", "on": "RESOLVED", "a=b": "CLOSED"}
    assert source.csv.delimiter == ";"
    assert source.missing_values == ("?", "NULL")


def test_a_directory_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    path = written(tmp_path, LOG)
    desk = tmp_path / "desk"
    desk.mkdir()
    (desk / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(OpslaError, match="already exists; name another directory with --to"):
        begin(answers(desk, path), NOBODY)
    assert [each.name for each in desk.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"columns": ["case_id"]}, "write FIELD=COLUMN"), ({"columns": ["x=Ticket"]}, "there is no field 'x'"),
        ({"statuses": ["New=FRESH"]}, "'FRESH' is no status"),
        ({"statuses": ["Nix=RESOLVED"]}, "--status Nix=RESOLVED: column 'State' of the log has no such word; it has New, In Progress, Solved"), ({"timezone": "Rome"}, "--timezone: 'Rome' is no time zone"),
        ({"zendesk": "acme"}, "one source at a time"), ({"name": "My Log"}, "--name My Log"),
    ],
)
def test_wrong_flags_are_named_and_nothing_is_written(tmp_path: Path, more: dict[str, Any], message: str) -> None:
    with pytest.raises(OpslaError, match=message):
        begin(answers(tmp_path / "desk", written(tmp_path, LOG), **more), NOBODY)
    assert not (tmp_path / "desk").exists()


@pytest.mark.parametrize(
    ("words", "asked_for"),
    [
        (["New", "Parked", "Shelved"], r"'Parked' \(1 record\), 'Shelved' \(1 record\). They make up 2 of 3 records \(67%\), and no known status ends a case"),
        (["New", "Active"] * 4 + ["Parked"], r"1 of 9 records \(11%\), and no known status ends a case"),
        (["New", "Done"] * 4 + ["Xyzzy"] * 2, None),
        (["New", "Done"] * 4 + ["Xyzzy"] * 3, r"3 of 11 records \(27%\); map them with --status 'Xyzzy=\.\.\.'"),
    ],
    ids=["hardly any word", "no end", "a fifth", "more than a fifth"],
)
def test_words_that_carry_what_the_desk_is_about_are_asked_for_not_guessed(tmp_path: Path, words: list[str], asked_for: str | None) -> None:
    rows = "".join(f"T{number % 2},{word},2025-07-01 10:{number:02d}\n" for number, word in enumerate(words))
    path = written(tmp_path, f"Ticket,State,At\n{rows}")
    if asked_for is None:
        assert proposal(path).unplaced == {"Xyzzy": 2}
        return
    with pytest.raises(OpslaError, match=asked_for):
        begin(answers(tmp_path / "desk", path), NOBODY)
    assert not (tmp_path / "desk").exists()


def test_the_gates_that_are_written_stop_a_run_at_the_share_that_is_asked_for(tmp_path: Path) -> None:
    assert begin(answers(tmp_path / "desk", written(tmp_path, in_order(*ORDERED))), NOBODY) is not None
    gates = read_document(tmp_path / "desk" / "quality_gates.yml", QualityGatesSettings).gates
    assert gates["raw.rejected_rows"]["pct_rejected_rows"].error_above == MOST_UNPLACED_PCT


def test_a_person_is_asked_for_what_the_log_does_not_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = iter(["%Y", "%d/%m/%Y %H:%M", "Mars/North", "Europe/Rome", "maybe", "on_hold", ""])
    asked: list[str] = []

    def answer(question: str, **_: object) -> str:
        asked.append(question)
        return next(given)

    monkeypatch.setattr("opsla_dagster.starting.asking.Prompt.ask", answer)
    text = "Ticket,State,At\nA,New,03/07/2025 10:00\nA,Parked,03/07/2025 11:00\nA,Shelved,04/07/2025 12:00\n"
    said: Callable[..., None] = lambda *_args, **_more: None  # noqa: E731
    console = Console(quiet=True)
    monkeypatch.setattr(console, "print", said)
    with sniffed([written(tmp_path, text)]) as log:
        found = propose(log, Told(), Asking(console, is_allowed=True))
    assert (found.time_format, found.timezone) == ("%d/%m/%Y %H:%M", "Europe/Rome")
    assert found.statuses == {"New": "INTAKE", "Parked": "ON_HOLD"}
    assert found.unplaced == {"Shelved": 1}
    assert len(asked) == 7


def test_columns_that_are_left_can_be_assigned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = iter(["team=Nowhere", "intake_ts=Crew", "crew=Crew", "team=Crew", "", "Europe/Rome", ""])
    monkeypatch.setattr("opsla_dagster.starting.asking.Prompt.ask", lambda *_, **__: next(given))
    console = Console(record=True, width=120, file=io.StringIO())
    text = "Ticket,State,At,Crew,Weather\nA,New,2025-07-01 10:00,red,fine\nA,Parked,2025-07-01 11:00,red,fine\n"
    with sniffed([written(tmp_path, text)]) as log:
        found = propose(log, Told(), Asking(console, is_allowed=True))
    assert found.columns["team"] == "Crew"
    said = console.export_text()
    assert "Not used: Crew, Weather." in said
    assert "column 'Crew' does not read as stamps" in said
    assert "there is no field 'crew'" in said
    assert [said.count(meaning) for meaning in MEANINGS.values()] == [1] * len(Signal)
    assert next(given, "none is left") == "none is left"
