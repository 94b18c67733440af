"""Whatever bytes a CSV file holds: every record is used or rejected, or the file is refused with one clear error.

The witness is `records_by_walking`, which walks the bytes one by one where the source works on whole blocks.
"""

from __future__ import annotations

import csv
import gzip
import io
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby
from pathlib import Path

import pytest
from effort import examples
from hypothesis import example, given, settings
from hypothesis import strategies as st

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.sources import CsvSettings, DeskSettings, EventLogSettings
from opsla_dagster.sources.event_log import EventLogSource
from opsla_dagster.sources.event_log.reading.csv_records import CsvCopy, copy_records
from opsla_dagster.window import Window

EVER = datetime(2090, 1, 1)
ALWAYS = Window(datetime(1970, 1, 1).date(), datetime(2100, 1, 1).date())
HEADER = b"number,state,at,note\n"
STATUSES = {"New": "INTAKE", "Active": "INVESTIGATION", "Done": "RESOLVED", "Shut": "CLOSED"}
TERMINAL = {"Done", "Shut"}

few = settings(max_examples=examples(20), deadline=None)
fewer = settings(max_examples=examples(8), deadline=None)
many = settings(max_examples=examples(300), deadline=None)


@contextmanager
def _directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def _source(directory: Path, content: bytes, note: str = "category") -> EventLogSource:
    (directory / "log.csv").write_bytes(content)
    document = {
        "type": "event_log",
        "name": "log",
        "files": "log.csv",
        "statuses": STATUSES,
        "missing_values": ["?"],
        "columns": {"case_id": "number", "status": "state", "event_ts": "at", note: "note"},
        "time": {"timezone": "UTC"},
    }
    desk = DeskSettings.model_validate({"timezone": "UTC", "start_date": "1970-01-01"})
    return EventLogSource(EventLogSettings.model_validate(document), desk, directory / "cache", directory)


# ---------------------------------------------------------------- the walk over the bytes


def is_empty(record: bytes) -> bool:
    """Whether there is nothing but blanks in any cell."""
    try:
        text = record.removesuffix(b"\r").decode()
        return "\r" not in text and not any(cell.strip(" \t") for cells in csv.reader([text]) for cell in cells)
    except (UnicodeDecodeError, csv.Error):
        return False


def records_by_walking(content: bytes) -> list[bytes]:
    """The records of RFC 4180, header included, blank lines and rows of empty cells left out. Raises ValueError for broken quoting."""
    records, record, in_quotes = [], bytearray(), False
    content = content if content.endswith(b"\n") or not content else content + b"\n"
    for place, byte in enumerate(content):
        letter, following = bytes([byte]), content[place + 1 : place + 2]
        if letter == b'"' and not in_quotes:
            if record and not record.endswith((b",", b'"', b"\r")):
                raise ValueError("a quote opens within a cell")
            in_quotes = True
        elif letter == b'"':
            if following not in {b",", b"\n", b"\r", b'"'}:
                raise ValueError("a quote closes within a cell")
            in_quotes = False
        if letter == b"\n" and not in_quotes:
            if not is_empty(bytes(record)):
                records.append(bytes(record))
            record = bytearray()
        else:
            record += letter
    if in_quotes:
        raise ValueError("a quote never closes")
    return records


#: Bytes that mean something to a CSV reader, and some that mean trouble.
pieces = st.sampled_from(
    [
        b"a",
        b"A,New,2025-03-03T08:00Z,",
        b",",
        b",",
        b'"',
        b'""',
        b"\n",
        b"\r\n",
        b"\r",
        b"\0",
        b"\xe9",
        "é€😀".encode(),
        b"\xff",
        b" ",
        b"\t",
        b"'",
        b"\\",
        b"#",
        b"\xef\xbb\xbf",
        b'"x,\ny"',
    ]
)
contents = st.lists(pieces, max_size=40).map(b"".join)


@many
@given(content=contents, block_bytes=st.integers(1, 30))
@example(content=b'a,b\n"\n', block_bytes=1)
@example(content=b'a,b\r\n"x\r\n",\r\n\r\n', block_bytes=2)
@example(content=b'a,b\n"",""\n""""""\n', block_bytes=3)
def test_the_walk_in_blocks_sees_the_records_that_a_walk_byte_by_byte_sees(content: bytes, block_bytes: int) -> None:
    with _directory() as directory:
        try:
            expected = records_by_walking(HEADER + content)
        except ValueError:
            with pytest.raises(OpslaError, match="broken quoting"):
                _copied(HEADER + content, block_bytes, directory)
            return
        copy = _copied(HEADER + content, block_bytes, directory)
        assert copy.records == len(expected) - 1
        rows = (directory / "copy.csv").read_bytes().decode()
        read = list(csv.reader(io.StringIO(rows, newline=""), strict=True))
        assert len(read) == copy.copied_rows
        assert {len(row) for row in read} <= {4}
        rejected = {item.row_number - copy.first_row for item in copy.unreadable}
        unusable = rejected | {number - copy.first_row for number in copy.blank_rows}
        assert all(read[place] == [""] * 4 for place in unusable)
        readable = [record for record in expected[1:] if _is_readable(record)]
        assert len(copy.unreadable) == len(expected) - 1 - len(readable)
        kept = [row for place, row in enumerate(read) if place not in unusable]
        assert kept == [
            next(csv.reader(io.StringIO(record.decode().removesuffix("\r"), newline=""))) for record in readable
        ]


def _copied(content: bytes, block_bytes: int, directory: Path) -> CsvCopy:
    blocks = (content[start : start + block_bytes] for start in range(0, len(content), block_bytes))
    return copy_records("log.csv", blocks, CsvSettings(), directory / "copy.csv")


def _is_readable(record: bytes) -> bool:
    outside = record.removesuffix(b"\r").split(b'"')[::2]
    bare_return = any(b"\r" in part for part in outside)
    columns = sum(part.count(b",") for part in outside) + 1
    try:
        record.decode()
    except UnicodeDecodeError:
        return False
    return not bare_return and columns == 4 and b"\0" not in record


@few
@given(content=contents)
def test_any_bytes_end_in_used_and_rejected_records_or_in_one_clear_error(content: bytes) -> None:
    with _directory() as directory:
        source = _source(directory, HEADER + content)
        try:
            expected = len(records_by_walking(HEADER + content)) - 1
        except ValueError:
            with pytest.raises(OpslaError):
                source.counts()
            return
        counts = source.counts()
        used, rejected = source.events(ALWAYS, EVER).num_rows, source.rejected_rows().num_rows
        assert (counts.rows, counts.used_rows, counts.rejected_rows) == (expected, used, rejected)
        assert used + rejected == expected


@few
@given(content=st.binary(max_size=200), as_gzip=st.booleans(), parquet=st.booleans())
def test_no_file_ends_in_anything_but_an_answer_or_an_opsla_error(content: bytes, as_gzip: bool, parquet: bool) -> None:
    with _directory() as directory:
        content = gzip.compress(content)[:-3] if as_gzip else content
        content = b"PAR1" + content + b"PAR1" if parquet else content
        (directory / "log.bin").write_bytes(content)
        document = {
            "type": "event_log",
            "name": "log",
            "files": "log.bin",
            "statuses": STATUSES,
            "format": "parquet" if parquet else "csv",
            "columns": {"case_id": "number", "status": "state", "event_ts": "at"},
        }
        desk = DeskSettings.model_validate({"timezone": "UTC", "start_date": "1970-01-01"})
        source = EventLogSource(EventLogSettings.model_validate(document), desk, directory / "cache", directory)
        with pytest.raises(OpslaError) as caught:
            source.counts()
        assert str(directory / "log.bin") in str(caught.value)


# ---------------------------------------------------------------- cells come through unharmed

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


@few
@given(
    notes=st.lists(texts, min_size=1, max_size=6),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    crlf=st.booleans(),
)
def test_any_text_in_a_cell_comes_through(notes: list[str], quoting: int, crlf: bool) -> None:
    written = io.StringIO(newline="")
    writer = csv.writer(written, quoting=quoting, lineterminator="\r\n" if crlf else "\n")  # type: ignore[arg-type]
    writer.writerow(["number", "state", "at", "note"])
    # The csv module leaves a bare carriage return unquoted when lines end otherwise: not what is tested here.
    notes = [note if crlf else note.replace("\r", "") for note in notes]
    writer.writerows([f"c{number}", "New", "2025-03-03T08:00Z", note] for number, note in enumerate(notes))
    with _directory() as directory:
        source = _source(directory, written.getvalue().encode())
        cases = {row["case_id"]: row["category"] for row in source.cases(ALWAYS, EVER).to_pylist()}
        assert cases == {f"c{number}": None if note in {"", "?"} else note for number, note in enumerate(notes)}


# ---------------------------------------------------------------- meaning

rows = st.lists(
    st.tuples(
        st.sampled_from(["A", "A", "B", "C", "", "?"]),
        st.sampled_from(["New", "Active", "Done", "Done", "Shut", "Odd", ""]),
        st.sampled_from(
            [
                "2025-03-03T08:00Z",
                "2025-03-04T08:00",
                "2025-03-03T09:00+05:45",
                "2025-02-30T00:00Z",
                "?",
                "0001-01-01T00:00Z",
            ]
        ),
        st.sampled_from(["", "?", "red", "blue"]),
    ),
    max_size=15,
)
Row = tuple[str, str, str, str]
USABLE_STAMPS = {
    "2025-03-03T08:00Z": "2025-03-03",
    "2025-03-04T08:00": "2025-03-04",
    "2025-03-03T09:00+05:45": "2025-03-03",
}


BY_INSTANT = ["2025-03-03T09:00+05:45", "2025-03-03T08:00Z", "2025-03-04T08:00"]


def _content(table: list[Row]) -> bytes:
    return HEADER + "".join(",".join(row) + "\n" for row in table).encode()


def _is_usable(row: Row, table: list[Row]) -> bool:
    return _can_be_read(row) and not _came_in_unread([other for other in table if other[0] == row[0]])


def _can_be_read(row: Row) -> bool:
    return row[0] not in {"", "?"} and row[1] in STATUSES and row[2] in USABLE_STAMPS


def _came_in_unread(rows_of_the_case: list[Row]) -> bool:
    intakes = [row for row in rows_of_the_case if row[1] == "New"]
    return bool(intakes) and not any(map(_can_be_read, intakes))


@few
@given(table=rows)
def test_a_log_becomes_what_a_walk_row_by_row_makes_of_it(table: list[Row]) -> None:
    usable = [row for row in table if _is_usable(row, table)]
    reopens, teams = _walk(usable)
    with _directory() as directory:
        source = _source(directory, _content(table), note="team")
        events = source.events(ALWAYS, EVER).to_pylist()
        rejected = source.rejected_rows()["row_number"].to_pylist()
        assert rejected == [number for number, row in enumerate(table, start=2) if not _is_usable(row, table)]
        assert Counter((row["case_id"], row["source_status"]) for row in events) == Counter(row[:2] for row in usable)
        assert len({row["event_id"] for row in events}) == len(events)
        assert source.counts().cases == len({row[0] for row in table} - {"", "?"})
        assert Counter(row["case_id"] for row in events if row["is_reopen"]) == reopens
        assert {row["case_id"]: row["team"] for row in source.cases(ALWAYS, EVER).to_pylist()} == teams
        _require_growth(source)


def _walk(usable: list[Row]) -> tuple[Counter[str], dict[str, str | None]]:
    """Reopens, and the team told last by instant, by case; a copy of an event neither is a reopen nor makes one of what follows."""
    reopens: Counter[str] = Counter()
    teams: dict[str, str | None] = {}
    for case_id, _, _, team in sorted(usable, key=lambda row: BY_INSTANT.index(row[2])):
        teams[case_id] = None if team in {"", "?"} else team
    for case in {row[0] for row in usable}:
        rests = False
        for state in _distinct([(row[1], row[2]) for row in usable if row[0] == case]):
            reopens[case] += rests and state not in TERMINAL
            rests = state in TERMINAL
    return +reopens, teams


def _distinct(records: list[tuple[str, str]]) -> list[str]:
    """The states of a case without copies: what was told of an instant before, as often as it was told while nothing else was."""
    seen: set[tuple[str, str, int]] = set()
    states: list[str] = []
    for stamp, run in groupby(records, key=lambda record: record[1]):
        visits: Counter[str] = Counter()
        for state, _ in groupby(run, key=lambda record: record[0]):
            visits[state] += 1
            if (event := (state, stamp, visits[state])) not in seen:
                seen.add(event)
                states.append(state)
    return states


def _require_growth(source: EventLogSource) -> None:
    """A later as_of shows everything an earlier one showed, and never a case without its events."""
    seen: set[str] = set()
    for as_of_at in (datetime(2025, 3, 3, 4), datetime(2025, 3, 3, 8), datetime(2025, 3, 4, 7, 59), EVER):
        events = source.events(ALWAYS, as_of_at).to_pylist()
        assert all(row["ingestion_ts"] <= as_of_at for row in events)
        assert {row["case_id"] for row in events} == set(source.cases(ALWAYS, as_of_at)["case_id"].to_pylist())
        assert seen <= {row["event_id"] for row in events}
        seen = {row["event_id"] for row in events}


@few
@given(table=rows, data=st.data())
def test_an_added_row_touches_the_digests_of_its_case_alone(table: list[Row], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(table)))
    added = data.draw(
        st.tuples(
            st.sampled_from("ABC"),
            st.sampled_from(sorted(STATUSES)),
            st.sampled_from(sorted(USABLE_STAMPS)),
            st.just(""),
        )
    )
    with _directory() as directory:
        source = _source(directory, _content(table))
        before, before_dates = _states(source), _intake_dates(source)
        source = _source(directory, _content([*table[:place], added, *table[place:]]))
        after, after_dates = _states(source), _intake_dates(source)
    # In neither where the case's record of intake is rejected, and with it the case.
    touched = {before_dates.get(added[0]), after_dates.get(added[0])} - {None}
    changed = {day for day in before.keys() | after.keys() if before.get(day) != after.get(day)}
    assert changed == touched


def _states(source: EventLogSource) -> dict[object, str]:
    states = source.partition_states(ALWAYS, EVER).to_pylist()
    return {row["intake_date"]: row["digest"] for row in states}


def _intake_dates(source: EventLogSource) -> dict[str, object]:
    return {row["case_id"]: row["intake_date"] for row in source.cases(ALWAYS, EVER).to_pylist()}


INSTANTS = [datetime(2025, 3, day, hour) for day in (3, 4) for hour in (8, 12)]
histories = st.lists(
    st.tuples(
        st.sampled_from(INSTANTS), st.sampled_from("ABC"), st.sampled_from(sorted(STATUSES)), st.sampled_from(INSTANTS)
    ),
    min_size=1,
    max_size=12,
).map(lambda rows: _begun_as_new(sorted(rows, key=lambda row: row[0])))


def _begun_as_new(rows: list[tuple[datetime, str, str, datetime]]) -> list[tuple[datetime, str, str, datetime]]:
    """The same histories with each case new at first: a record that says only later when the case came in moves it."""
    begun: set[str] = set()
    told = []
    for at, case, state, solved in rows:
        told.append((at, case, state if case in begun else "New", solved))
        begun.add(case)
    return told


@few
@given(history=histories, as_of_at=st.sampled_from(INSTANTS))
def test_as_of_an_instant_the_log_is_what_its_file_was_then(
    history: list[tuple[datetime, str, str, datetime]], as_of_at: datetime
) -> None:
    """So daily refreshes of a growing file and one run over the whole of it leave the same rows."""

    def content(until: datetime) -> bytes:
        rows = [f"{case},{state},{at}Z,{solved}Z\n" for at, case, state, solved in history if at <= until]
        return HEADER + "".join(rows).encode()

    with _directory() as then, _directory() as now:
        grown = _source(now, content(EVER), note="resolved_ts")
        growing = _source(then, content(as_of_at), note="resolved_ts")
        for answer in ("cases", "events", "partition_states"):
            assert getattr(grown, answer)(ALWAYS, as_of_at) == getattr(growing, answer)(ALWAYS, as_of_at)


# ---------------------------------------------------------------- one row a case

CASE_HEADER = "number,state,opened,replied,assigned,solved,reopened,shut,due"
MILESTONES = {
    "opened": "INTAKE", "replied": "PUBLIC_REPLY", "assigned": "ASSIGNED", "solved": "RESOLVED", "reopened": "REOPENED", "shut": "CLOSED",
}
CASE_STATUSES = {"New": "INTAKE", "Active": "INVESTIGATION", "Shut": "CLOSED", "Void": "CANCELLED", "Spam": "IGNORE"}
#: Case -> when it was opened, and what else is stamped.
tickets = st.dictionaries(
    st.sampled_from("ABC"),
    st.tuples(st.sampled_from(INSTANTS), st.lists(st.one_of(st.none(), st.sampled_from(INSTANTS)), min_size=6, max_size=6)),
    min_size=1,
)
Tickets = dict[str, tuple[datetime, list[datetime | None]]]


def _ticket_rows(found: Tickets, until: datetime, states: dict[str, str] | None = None) -> list[str]:
    """The rows of an export that was written at that instant: of what lies after it, only the due date is known."""
    rows = []
    for case, (opened, (*stamps, due)) in found.items():
        if opened <= until:
            cells = [f"{stamp}Z" if stamp is not None and stamp <= until else "" for stamp in stamps]
            rows.append(",".join([case, (states or {}).get(case, ""), f"{opened}Z", *cells, f"{due}Z" if due else ""]))
    return rows


def _tickets_source(directory: Path, rows: list[str]) -> EventLogSource:
    (directory / "log.csv").write_text("\n".join([CASE_HEADER, *rows, ""]))
    document = {
        "type": "event_log", "name": "log", "files": "log.csv", "form": "cases", "time": {"timezone": "UTC"},
        "columns": {"case_id": "number", "status": "state"}, "milestones": MILESTONES, "statuses": CASE_STATUSES,
        "due": {"first_resolution": {"column": "due"}},
    }  # fmt: skip
    desk = DeskSettings.model_validate({"timezone": "UTC", "start_date": "1970-01-01"})
    return EventLogSource(EventLogSettings.model_validate(document), desk, directory / "cache", directory)


ANSWERS = ("cases", "events", "messages", "attribute_changes", "applied_targets", "partition_states")


@fewer
@given(found=tickets, as_of_at=st.sampled_from(INSTANTS))
def test_one_row_a_case_is_as_of_an_instant_what_its_file_was_then(found: Tickets, as_of_at: datetime) -> None:
    with _directory() as then, _directory() as now:
        grown, growing = _tickets_source(now, _ticket_rows(found, EVER)), _tickets_source(then, _ticket_rows(found, as_of_at))
        for answer in ANSWERS:
            assert getattr(grown, answer)(ALWAYS, as_of_at) == getattr(growing, answer)(ALWAYS, as_of_at), answer


@fewer
@given(found=tickets, states=st.dictionaries(st.sampled_from("ABC"), st.sampled_from(["", *CASE_STATUSES])))
def test_every_row_of_a_case_is_accounted_for_and_nothing_is_taken_back(found: Tickets, states: dict[str, str]) -> None:
    """Also where the same export is there twice: a case has one row that counts, and every event one id."""
    with _directory() as directory:
        rows = _ticket_rows(found, EVER, states)
        source = _tickets_source(directory, [*rows, *rows])
        counts, events = source.counts(), source.events(ALWAYS, EVER).to_pylist()
        assert counts.rows == 2 * len(rows) == counts.used_rows + counts.rejected_rows + counts.ignored_rows + counts.superseded_rows
        assert counts.rejected_rows == source.rejected_rows().num_rows
        assert len({row["event_id"] for row in events}) == len(events)
        assert {row["case_id"] for row in events} == set(source.cases(ALWAYS, EVER)["case_id"].to_pylist())
        _require_growth(source)
        alone = _tickets_source(directory, rows)
        for answer in ANSWERS:
            assert getattr(alone, answer)(ALWAYS, EVER) == getattr(source, answer)(ALWAYS, EVER), answer


@fewer
@given(found=tickets, stamp=st.sampled_from(INSTANTS), column=st.integers(0, 4))
def test_a_case_that_goes_on_touches_the_digests_of_its_own_date_alone(found: Tickets, stamp: datetime, column: int) -> None:
    opened, stamps = found[min(found)]
    gone_on = {**found, min(found): (opened, [stamp if place == column else each for place, each in enumerate(stamps)])}
    with _directory() as directory:
        before = _tickets_source(directory, _ticket_rows(found, EVER))
        states, dates = _states(before), _intake_dates(before)
        after = _states(_tickets_source(directory, _ticket_rows(gone_on, EVER)[::-1]))
    changed = {day for day in states.keys() | after.keys() if states.get(day) != after.get(day)}
    assert changed == (set() if stamps[column] == stamp else {dates[min(found)]})
