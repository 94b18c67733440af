"""Bad input ends in one clear OpslaError or in rejected rows with their reason; nothing is lost, nothing is guessed."""

from __future__ import annotations

import gzip
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from event_log_desk import (
    COLUMNS,
    EVER,
    STATUSES,
    cases_of,
    events_of,
    log_source,
    log_text,
    rejected_of,
    whole,
)

from opsla_dagster.errors import OpslaError
from opsla_dagster.sources.event_log import EventLogSource, snapshot
from opsla_dagster.sources.event_log.files import find_log_files, held_still
from opsla_dagster.sources.event_log.reading import content as file_content
from opsla_dagster.sources.event_log.reading import csv_records

GOOD = "good,New,2025-03-03T08:00Z"


def refused(source: EventLogSource) -> str:
    """The one message with which every answer is refused."""
    with pytest.raises(OpslaError) as caught:
        source.counts()
    return str(caught.value)


def only_good_is_used(source: EventLogSource) -> None:
    assert [row["case_id"] for row in events_of(source)] == ["good"]


# ---------------------------------------------------------------- files that are refused


def test_a_missing_file(tmp_path: Path) -> None:
    assert refused(log_source(tmp_path, files="nothing.csv")).startswith(f"{tmp_path / 'nothing.csv'}: no such file")


def test_a_pattern_that_matches_nothing(tmp_path: Path) -> None:
    assert f"desk_log: files: no file matches {tmp_path}/logs/*.csv" in refused(
        log_source(tmp_path, files="logs/*.csv")
    )


def test_a_directory(tmp_path: Path) -> None:
    (tmp_path / "logs.csv").mkdir()
    assert "is a directory, expected a file; name its files with a pattern" in refused(
        log_source(tmp_path, files="logs.csv")
    )


def test_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log.csv")
    assert "is not a regular file" in refused(log_source(tmp_path))


def test_an_environment_variable_that_is_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DESK_LOGS", raising=False)
    assert "the environment variable DESK_LOGS, which is not set" in refused(
        log_source(tmp_path, files="${DESK_LOGS}/a.csv")
    )


def test_a_name_that_does_not_tell_the_format(tmp_path: Path) -> None:
    (tmp_path / "log.dat").write_text(log_text([GOOD]))
    only_good_is_used(log_source(tmp_path, files="log.dat"))
    assert "cannot be read as parquet" in refused(log_source(tmp_path, files="log.dat", format="parquet", name="told"))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "log.csv").symlink_to("/proc/self/mem")
    assert refused(log_source(tmp_path)).startswith(f"{tmp_path / 'log.csv'}: c")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("name", ["log.csv", "log.parquet"])
def test_a_file_without_permission(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(log_text([GOOD]))
    (tmp_path / name).chmod(0)
    assert "cannot be read" in refused(log_source(tmp_path, files=name))


def test_an_empty_file(tmp_path: Path) -> None:
    assert refused(log_source(tmp_path, b"")) == (
        f"{tmp_path / 'log.csv'}: is empty; expected at least a header line that names the columns"
    )


def test_a_file_of_blank_lines(tmp_path: Path) -> None:
    assert "is empty" in refused(log_source(tmp_path, b"\n\r\n\n"))


@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_header_alone_is_a_log_without_cases(tmp_path: Path, end: bytes) -> None:
    source = log_source(tmp_path, b"number,state,at" + end)
    assert source.counts().rows == 0
    assert source.window().days == 1
    answers = [source.cases(whole(source), EVER), source.events(whole(source), EVER), source.rejected_rows()]
    assert [table.num_rows for table in (*answers, source.partition_states(whole(source), EVER))] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        pytest.param(lambda whole_file: whole_file[:-20], "end-of-stream marker", id="cut short"),
        pytest.param(
            lambda whole_file: whole_file[:-8] + b"\0" * 4 + whole_file[-4:], "CRC check failed", id="wrong sum"
        ),
        pytest.param(lambda whole_file: whole_file[:12] + b"\xff" * 20 + whole_file[32:], "rror", id="scrambled"),
        pytest.param(lambda whole_file: whole_file + b"rubbish", "Not a gzipped file", id="something behind it"),
    ],
)
def test_a_broken_gzip_file(tmp_path: Path, damage: Callable[[bytes], bytes], found: str) -> None:
    rows = [f"c{number},New,2025-03-03T08:{number % 60:02d}Z" for number in range(500)]
    source = log_source(tmp_path, damage(gzip.compress(log_text(rows).encode())))
    message = refused(source)
    assert message.startswith(f"{tmp_path / 'log.csv'}: broken gzip file: ")
    assert found in message


def test_a_missing_column(tmp_path: Path) -> None:
    message = refused(log_source(tmp_path, "number,status,at\nA,New,2025-03-03T08:00Z\n"))
    assert message == (
        f"{tmp_path / 'log.csv'}: column 'state' is missing, which sources.yml names (desk_log: columns.status); "
        "found the columns number, status, at"
    )


def test_a_missing_column_of_the_order(tmp_path: Path) -> None:
    assert "column 'version' is missing" in refused(log_source(tmp_path, log_text([GOOD]), order_by=["version"]))


def test_a_column_that_appears_twice(tmp_path: Path) -> None:
    message = refused(log_source(tmp_path, "number,state,at,at\nA,New,2025-03-03T08:00Z,\n"))
    assert "column 'at' appears 2 times" in message


def test_a_second_file_with_other_columns_is_named(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text(log_text([GOOD]))
    (tmp_path / "2.csv").write_text("id,state,at\nA,New,2025-03-03T08:00Z\n")
    assert refused(log_source(tmp_path, files="?.csv")).startswith(f"{tmp_path / '2.csv'}: column 'number' is missing")


def test_the_wrong_delimiter(tmp_path: Path) -> None:
    message = refused(log_source(tmp_path, log_text([GOOD]).replace(",", ";")))
    assert "has one column only, 'number;state;at'; is csv.delimiter ',' the right one?" in message


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        pytest.param([GOOD, '5" pipe,New,2025-03-03T08:00Z'], 3, id="a quote within a cell"),
        pytest.param([GOOD, '"A" b,New,2025-03-03T08:00Z', GOOD], 3, id="letters behind the closing quote"),
        pytest.param([GOOD, '"A,New,2025-03-03T08:00Z', GOOD], 3, id="never closed"),
        pytest.param(['"A,New,2025-03-03T08:00Z', '"B",New,2025-03-03T08:00Z'], 3, id="closed by the next quote"),
    ],
)
def test_broken_quoting_names_the_line(tmp_path: Path, rows: list[str], line: int) -> None:
    message = refused(log_source(tmp_path, log_text(rows)))
    assert message.startswith(f"{tmp_path / 'log.csv'}: line {line}: broken quoting: ")
    assert 'set csv.quote: ""' in message


def test_a_quote_left_open_does_not_read_the_whole_file_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_content, "BLOCK_BYTES", 64)
    monkeypatch.setattr(csv_records, "LONGEST_RECORD_BYTES", 1024)
    message = refused(log_source(tmp_path, log_text([GOOD, '"A,New,2025-03-03T08:00Z', *[GOOD] * 1000])))
    assert "line 3: broken quoting: a record of more than 64 MB begins here" in message


def test_a_file_in_another_encoding_than_it_says(tmp_path: Path) -> None:
    assert "is not utf-16 text" in refused(log_source(tmp_path, log_text([GOOD]), csv={"encoding": "utf-16"}))
    assert "is the file utf-16?" in refused(log_source(tmp_path, log_text([GOOD]).encode("utf-16-le")))
    assert "the header is not utf-8 text" in refused(log_source(tmp_path, "numéro,state,at\n".encode("latin-1")))


def test_line_ends_of_carriage_returns_alone(tmp_path: Path) -> None:
    only_good_is_used(log_source(tmp_path, log_text([GOOD]).replace("\n", "\r")))


def test_a_corrupt_parquet_file(tmp_path: Path) -> None:
    duckdb.execute(
        f"copy (select 'A' as number, 'New' as state, '2025-03-03T08:00Z' as at) to '{tmp_path}/log.parquet'"
    )
    whole_file = (tmp_path / "log.parquet").read_bytes()
    for content in (
        b"",
        b"PAR1",
        whole_file[:-30],
        whole_file[:4] + b"\xff" * 40 + whole_file[44:],
        b"number,state,at\n",
    ):
        (tmp_path / "log.parquet").write_bytes(content)
        message = refused(log_source(tmp_path, files="log.parquet", format="parquet"))
        assert message.startswith(f"{tmp_path / 'log.parquet'}: cannot be read as parquet: ")


def test_a_stamp_format_that_is_none(tmp_path: Path) -> None:
    source = log_source(tmp_path, log_text([GOOD]), time={"format": "%q", "timezone": "UTC"})
    assert refused(source).startswith("sources.yml: desk_log: time.format: '%q' is not a strptime format")


# ---------------------------------------------------------------- records that are rejected

OPTIONAL = {"intake_ts": "opened", "resolved_ts": "solved", "sla_met": "kept", "event_id": "id"}


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        (",New,2025-03-03T08:00Z", "case_id", "column number: no case id"),
        ("?,New,2025-03-03T08:00Z", "case_id", "column number: no case id"),
        ("A,,2025-03-03T08:00Z", "status", "column state: no status"),
        ("A,-100,2025-03-03T08:00Z", "status", "column state: a status that sources.yml does not map; found '-100'"),
        ("A,Newer,2025-03-03T08:00Z", "status", "column state: a status that sources.yml does not map; found 'Newer'"),
        ("A,New,?", "event_ts", "column at: no stamp, and nothing else says when it happened"),
        ("A,New,03/03/2025", "event_ts", "column at: expected an ISO 8601 date and time; found '03/03/2025'"),
        ("A,New,2025-03-03", "event_ts", "column at: expected an ISO 8601 date and time; found '2025-03-03'"),
        (
            "A,New,2025-02-29T08:00Z",
            "event_ts",
            "column at: expected an ISO 8601 date and time; found '2025-02-29T08:00Z'",
        ),
        (
            "A,New,2025-03-03T08:00+99:00",
            "event_ts",
            "column at: expected an ISO 8601 date and time; found '2025-03-03T08:00+99:00'",
        ),
        ("A,New,infinity", "event_ts", "column at: expected an ISO 8601 date and time; found 'infinity'"),
        (
            "A,New,0016-03-03T08:00Z",
            "event_ts",
            "the stamp of column at lies outside the years 1970 to 2099; found '0016-03-03T08:00Z'",
        ),
        (
            "A,New,2100-01-01T00:00Z",
            "event_ts",
            "the stamp of column at lies outside the years 1970 to 2099; found '2100-01-01T00:00Z'",
        ),
        ("A,New", "record", "the record has 2 columns, expected the 3 of the header"),
        ("A,New,2025-03-03T08:00Z,", "record", "the record has 4 columns, expected the 3 of the header"),
        ("A,N\0w,2025-03-03T08:00Z", "record", "the record holds a NUL byte"),
        ("A,Ne\rw,2025-03-03T08:00Z", "record", "the record holds a bare carriage return outside quotes"),
        ("A,New,2024-12-31T23:59Z", "intake_ts", "the intake date 2024-12-31 lies before desk.start_date 2025-01-01"),
    ],
)
def test_a_record_that_cannot_be_used(tmp_path: Path, row: str, field: str, reason: str) -> None:
    source = log_source(tmp_path, log_text([GOOD, row]), missing_values=["?"])
    (rejected,) = rejected_of(source).values()
    assert (rejected["row_number"], rejected["field"], rejected["reason"]) == (3, field, reason)
    assert rejected["source"] == "desk_log"
    only_good_is_used(source)


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        (
            "A,New,2025-03-03T08:00Z,soon,,,e2",
            "intake_ts",
            "column opened: expected an ISO 8601 date and time; found 'soon'",
        ),
        ("A,New,2025-03-03T08:00Z,,,,e2", "intake_ts", "no usable record of the case has an intake stamp"),
        (
            "A,New,2025-03-03T08:00Z,2025-03-03T08:00Z,soon,,e2",
            "resolved_ts",
            "column solved: expected an ISO 8601 date and time; found 'soon'",
        ),
        (
            "A,New,2025-03-03T08:00Z,2025-03-03T08:00Z,,maybe,e2",
            "sla_met",
            "column kept: expected one of true, false; found 'maybe'",
        ),
        ("A,New,2025-03-03T08:00Z,2025-03-03T08:00Z,,,", "event_id", "column id: no event id"),
        ("A,New,2025-03-03T08:00Z,2025-03-03T08:00Z,,,e1", "event_id", "an earlier record has the same event id e1, and says otherwise"),
    ],
)
def test_a_cell_that_is_optional_but_wrong(tmp_path: Path, row: str, field: str, reason: str) -> None:
    text = log_text([f"{GOOD},2025-03-03T08:00Z,,true,e1", row], "number,state,at,opened,solved,kept,id")
    source = log_source(tmp_path, text, columns={**COLUMNS, **OPTIONAL})
    (rejected,) = rejected_of(source).values()
    assert (rejected["field"], rejected["reason"]) == (field, reason)
    only_good_is_used(source)


def test_what_repeats_a_record_makes_no_case_incomplete_and_what_has_its_id_alone_does(tmp_path: Path) -> None:
    """An id that is one of each case takes the records of all cases but the first: their verdicts rest on what is left."""
    rows = ["A,New,2025-03-03T08:00Z,e1", "A,New,2025-03-03T08:00Z,e1", "A,Done,2025-03-03T09:00Z,e1", "B,New,2025-03-03T08:00Z,e1", "C,New,soon,e2"]
    source = log_source(tmp_path, log_text(rows, "number,state,at,id"), columns={**COLUMNS, "event_id": "id"})
    assert {row: rejected["is_clock_relevant"] for row, rejected in rejected_of(source).items()} == {3: False, 4: True, 5: True, 6: True}


def test_a_stamp_without_offset_and_no_zone_to_place_it(tmp_path: Path) -> None:
    source = log_source(tmp_path, log_text([GOOD, "A,New,2025-03-03T08:00"]), time={})
    assert (
        "has no UTC offset, and time.timezone names no zone; found '2025-03-03T08:00'"
        in rejected_of(source)[3]["reason"]
    )
    only_good_is_used(source)


def test_the_rejected_record_is_kept_as_it_was(tmp_path: Path) -> None:
    source = log_source(tmp_path, log_text([GOOD, 'A,"say ""hi""",', "A\0,New", GOOD]))
    rejected = rejected_of(source)
    assert json.loads(rejected[3]["record"]) == {"number": "A", "state": 'say "hi"', "at": None}
    assert json.loads(rejected[4]["record"]) == {"text": "A\0,New"}
    assert (rejected[3]["case_id"], rejected[4]["case_id"]) == ("A", None)


def test_latin_1_in_a_utf_8_file_costs_only_its_records(tmp_path: Path) -> None:
    rows = [GOOD.encode(), "café,New,2025-03-03T08:00Z".encode("latin-1"), "thé,New,2025-03-03T08:00Z".encode()]
    content = b"number,state,at\n" + b"\n".join(rows) + b"\n"
    source = log_source(tmp_path, content)
    assert "holds the byte 0xE9, which is not utf-8 text" in rejected_of(source)[3]["reason"]
    assert json.loads(rejected_of(source)[3]["record"])["text"].startswith("caf\\xe9,New")
    assert set(cases_of(source)) == {"good", "thé"}


def test_the_right_encoding_reads_every_record(tmp_path: Path) -> None:
    source = log_source(
        tmp_path, log_text(["café,New,2025-03-03T08:00Z"]).encode("latin-1"), csv={"encoding": "latin-1"}
    )
    assert set(cases_of(source)) == {"café"}


def test_a_cell_of_ten_megabytes(tmp_path: Path) -> None:
    huge = "x" * 10 * 2**20
    text = log_text(
        [f'good,New,2025-03-03T08:00Z,"{huge}"', f"A,{huge},2025-03-03T08:00Z,", "B,New,2025-03-03T08:00Z,"]
    )
    source = log_source(tmp_path, text.replace("state,at", "state,at,note"), columns={**COLUMNS, "category": "note"})
    assert cases_of(source)["good"]["category"] == huge
    rejected = rejected_of(source)[3]
    assert rejected["reason"].endswith("found '" + "x" * 60 + "'... (10485760 characters)")
    assert json.loads(rejected["record"])["state"] == huge
    assert source.counts().used_rows == 2


def test_a_nul_character_in_a_parquet_cell(tmp_path: Path) -> None:
    duckdb.execute(f"""
        copy (select unnest(['good', 'A' || chr(0)]) as number, 'New' as state, '2025-03-03T08:00Z' as at)
        to '{tmp_path}/log.parquet'
    """)
    source = log_source(tmp_path, files="log.parquet")
    assert rejected_of(source)[2]["reason"] == "column number holds a NUL character"
    only_good_is_used(source)


def test_every_record_of_a_case_without_usable_intake_is_rejected(tmp_path: Path) -> None:
    rows = ["A,New,2025-03-03T08:00Z,", "A,Done,2025-03-03T09:00Z,?", "B,New,2025-03-03T08:00Z,2025-03-03T08:00Z"]
    source = log_source(
        tmp_path,
        log_text(rows, "number,state,at,opened"),
        columns={**COLUMNS, "intake_ts": "opened"},
        missing_values=["?"],
    )
    assert set(rejected_of(source)) == {2, 3}
    assert set(cases_of(source)) == {"B"}
    assert (source.counts().cases, source.counts().used_cases) == (2, 1)


def test_the_desks_first_day_is_a_local_day(tmp_path: Path) -> None:
    rows = ["A,New,2025-07-01T03:59Z", "B,New,2025-07-01T04:00Z"]
    source = log_source(tmp_path, log_text(rows), zone="America/New_York", start="2025-07-01")
    assert set(cases_of(source)) == {"B"}
    assert rejected_of(source)[2]["reason"] == "the intake date 2025-06-30 lies before desk.start_date 2025-07-01"


# ---------------------------------------------------------------- files that change


def test_a_log_that_grows_is_the_normal_case(tmp_path: Path) -> None:
    assert log_source(tmp_path, log_text([GOOD])).counts().rows == 1
    assert log_source(tmp_path, log_text([GOOD, "A,New,2025-03-03T08:00Z"])).counts().rows == 2


def test_an_unchanged_log_is_not_read_again(tmp_path: Path) -> None:
    log_source(tmp_path, log_text([GOOD])).counts()
    (snapshot,) = (tmp_path / "cache" / "desk_log").glob("*/events.parquet")
    written_at = snapshot.stat().st_mtime_ns
    again = log_source(tmp_path)
    only_good_is_used(again)
    assert snapshot.stat().st_mtime_ns == written_at


def test_a_log_corrected_in_place_is_read_again(tmp_path: Path) -> None:
    log_source(tmp_path, log_text(["A,New,2025-03-03T08:00Z"])).counts()
    assert events_of(log_source(tmp_path, log_text(["A,New,2025-03-03T09:00Z"])))[0]["event_ts"].hour == 9


def test_a_case_whose_intake_record_is_rejected_is_rejected(tmp_path: Path) -> None:
    """Its clocks would begin with whatever came later. A case that says otherwise when it came in is used."""
    rows = [
        "A,New,yesterday", "A,Active,2025-03-03T08:00Z", "A,Done,2025-03-03T09:00Z",
        "B,New,2025-03-03T08:00Z", "B,New,yesterday", "B,Done,2025-03-03T09:00Z",
        "C,Active,2025-03-03T08:00Z", "C,Done,someday",
    ]  # fmt: skip
    source = log_source(tmp_path, log_text(rows))
    assert cases_of(source).keys() == {"B", "C"}
    rejected = {row: found["reason"] for row, found in rejected_of(source).items()}
    assert rejected.keys() == {2, 3, 4, 6, 9}
    assert rejected[3] == rejected[4] == "the record with which the case came in is rejected itself"
    stated = {"case_id": "number", "status": "state", "event_ts": "at", "intake_ts": "opened"}
    header = "number,state,at,opened"
    with_intake = log_source(tmp_path / "stated", log_text([f"{row},2025-03-03T07:00Z" for row in rows], header), columns=stated)
    assert cases_of(with_intake).keys() == {"A", "B", "C"}


def _read_by_version_1(source: EventLogSource, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Reads the log as version 1 did, whose snapshots did not name their version; returns the snapshot."""
    with monkeypatch.context() as older:
        older.setattr(snapshot, "CANONICAL_VERSION", 1)
        source.counts()
    state = source._snapshot.directory / "snapshot.json"
    state.write_text(json.dumps({key: value for key, value in json.loads(state.read_text()).items() if key != "version"}))
    return state.parent


def test_a_snapshot_of_an_older_version_is_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = _read_by_version_1(log_source(tmp_path, log_text([GOOD])), monkeypatch)
    (older / "events.parquet").write_bytes(b"PAR1")
    source = log_source(tmp_path)
    only_good_is_used(source)
    assert source._snapshot.directory != older


def test_a_version_that_names_cases_otherwise_has_not_lost_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other file stands for the same one read otherwise; records that are gone are missed all the same."""
    _read_by_version_1(log_source(tmp_path, log_text(["A,New,2025-03-03T08:00Z", "A,New,2025-03-03T09:00Z"])), monkeypatch)
    assert "shrank from 2 records to 1" in refused(log_source(tmp_path, log_text([GOOD])))
    assert log_source(tmp_path, log_text([GOOD, GOOD])).counts().used_cases == 1


def test_a_changed_mapping_reads_the_log_again(tmp_path: Path) -> None:
    assert log_source(tmp_path, log_text(["A,Odd,2025-03-03T08:00Z"])).counts().used_rows == 0
    assert log_source(tmp_path, statuses={**STATUSES, "Odd": "ON_HOLD"}).counts().used_rows == 1


def test_only_the_last_two_snapshots_are_kept(tmp_path: Path) -> None:
    for rows in range(1, 6):
        log_source(tmp_path, log_text([GOOD] * rows)).counts()
    assert len(list((tmp_path / "cache" / "desk_log").glob("*/events.parquet"))) == 2


def test_a_file_that_shrank_is_refused_until_a_person_agrees(tmp_path: Path) -> None:
    log_source(tmp_path, log_text([GOOD, "A,New,2025-03-03T08:00Z"])).counts()
    marker = tmp_path / "cache" / "desk_log" / "last_read.json"
    for _ in range(2):
        message = refused(log_source(tmp_path, log_text([GOOD])))
        assert f"{tmp_path / 'log.csv'}: shrank from 2 records to 1 since it was last read" in message
        assert f"delete {marker} and run again" in message
    marker.unlink()
    assert log_source(tmp_path).counts().rows == 1
    assert log_source(tmp_path).counts().rows == 1


def test_a_file_put_back_is_taken_again(tmp_path: Path) -> None:
    text = log_text([GOOD, "A,New,2025-03-03T08:00Z"])
    log_source(tmp_path, text).counts()
    refused(log_source(tmp_path, log_text([GOOD])))
    assert log_source(tmp_path, text).counts().rows == 2


def test_records_replaced_by_others_are_missed(tmp_path: Path) -> None:
    log_source(tmp_path, log_text([GOOD, "A,New,2025-03-03T08:00Z"])).counts()
    message = refused(log_source(tmp_path, log_text([GOOD, "B,New,2025-03-03T08:00Z", "C,New,2025-03-03T08:00Z"])))
    assert (
        "source desk_log: 1 cases have fewer records than when the log was last read, A for one has 0 instead of 1"
        in message
    )


def test_a_file_that_is_gone_is_missed(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text(log_text([GOOD]))
    (tmp_path / "2.csv").write_text(log_text(["A,New,2025-03-03T08:00Z"]))
    log_source(tmp_path, files="?.csv").counts()
    (tmp_path / "2.csv").unlink()
    assert f"{tmp_path / '2.csv'} is no longer among its files" in refused(log_source(tmp_path, files="?.csv"))


def test_a_log_that_moved_is_the_same_log(tmp_path: Path) -> None:
    log_source(tmp_path, log_text([GOOD])).counts()
    (tmp_path / "log.csv").rename(tmp_path / "moved.csv")
    assert log_source(tmp_path, files="moved.csv").counts().rows == 1


def test_a_file_that_changed_since_it_was_found(tmp_path: Path) -> None:
    source = log_source(tmp_path, log_text([GOOD]))
    (file,) = find_log_files(source._settings, tmp_path)
    with held_still(file):
        pass
    with pytest.raises(OpslaError, match="changed while it was read; run again"), held_still(file):
        (tmp_path / "log.csv").open("a").write("\n")
    with pytest.raises(OpslaError, match="changed while it was read"), held_still(file):
        (tmp_path / "log.csv").unlink()


def test_a_file_that_is_written_to_while_it_is_read(tmp_path: Path) -> None:
    source = log_source(tmp_path, log_text([GOOD] * 50_000))
    done = threading.Event()

    def write() -> None:
        with (tmp_path / "log.csv").open("a") as log:
            while not done.wait(0.0005):
                log.write(GOOD + "\n")
                log.flush()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert "changed while it was read" in refused(source)
    finally:
        done.set()
        writer.join()
    assert log_source(tmp_path).counts().rows > 50_000


# ---------------------------------------------------------------- the cache


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a directory is wanted")
    assert "the cache of source desk_log cannot be written" in refused(log_source(tmp_path, log_text([GOOD])))


def test_a_damaged_memory_says_how_to_go_on(tmp_path: Path) -> None:
    log_source(tmp_path, log_text([GOOD])).counts()
    (tmp_path / "cache" / "desk_log" / "last_read.json").write_text("{")
    assert "last_read.json: a damaged file" in refused(log_source(tmp_path))


def test_a_damaged_snapshot_says_how_to_go_on(tmp_path: Path) -> None:
    source = log_source(tmp_path, log_text([GOOD]))
    source.counts()
    (events,) = (tmp_path / "cache" / "desk_log").glob("*/events.parquet")
    events.write_bytes(b"PAR1")
    with pytest.raises(OpslaError, match="delete this directory and run again"):
        source.cases(whole(source), EVER)
    state = events.parent / "snapshot.json"
    state.write_text("[]")
    assert "a damaged cache" in refused(log_source(tmp_path))


def test_what_a_killed_run_left_behind_is_cleared_up_after_a_day(tmp_path: Path) -> None:
    home = tmp_path / "cache" / "desk_log"
    for name, age_seconds in (("unfinished-old", 90_000), ("unfinished-running", 60)):
        (home / name).mkdir(parents=True)
        os.utime(home / name, (time.time() - age_seconds,) * 2)
    log_source(tmp_path, log_text([GOOD])).counts()
    assert [path.name for path in home.glob("unfinished-*")] == ["unfinished-running"]


def test_a_refused_log_leaves_nothing_half_done(tmp_path: Path) -> None:
    refused(log_source(tmp_path, log_text([GOOD, '5" pipe,New,2025-03-03T08:00Z'])))
    assert list((tmp_path / "cache" / "desk_log").iterdir()) == []
