"""What the event_log source makes of a well-behaved log: cases, events, order, instants, visibility, digests."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from effort import takes_minutes
from event_log_desk import (
    COLUMNS,
    EVER,
    STATUSES,
    cases_of,
    digests_of,
    events_of,
    log_settings,
    log_source,
    log_text,
    rejected_of,
    whole,
)

from opsla_dagster.errors import OpslaError
from opsla_dagster.reporting.explain_future import not_yet_of
from opsla_dagster.sources.base import CASES, EVENTS, PARTITION_STATES, REJECTED_ROWS, STAFFING, Source
from opsla_dagster.sources.desk import Desk
from opsla_dagster.sources.event_log import SourceCounts
from opsla_dagster.sources.event_log.files import find_log_files
from opsla_dagster.sources.event_log.mapping import TEXT_FIELDS, abbreviations
from opsla_dagster.window import Window

TWO_CASES = log_text(
    [
        "A,New,2025-03-03T08:00:00Z",
        "B,New,2025-03-04 09:00",
        "A,Active,2025-03-03T10:00:00+01:00",
        "A,Done,2025-03-05T12:30:15.5",
    ]
)


def test_rows_become_events_in_the_sources_order(tmp_path: Path) -> None:
    events = events_of(log_source(tmp_path, TWO_CASES))
    found = [(row["event_id"], row["status"], row["source_status"], row["event_ts"]) for row in events]
    assert found == [
        ("A#0001", "INTAKE", "New", datetime(2025, 3, 3, 8)),
        ("A#0002", "INVESTIGATION", "Active", datetime(2025, 3, 3, 9)),
        ("A#0003", "RESOLVED", "Done", datetime(2025, 3, 5, 12, 30, 15, 500_000)),
        ("B#0001", "INTAKE", "New", datetime(2025, 3, 4, 9)),
    ]
    assert [row["source_sequence"] for row in events] == [1, 2, 3, 1]
    assert all(row["ingestion_ts"] == row["event_ts"] for row in events)


def test_the_worked_case_of_the_decision_record(tmp_path: Path) -> None:
    """docs/decisions/0004-event-log-source.md, with the same numbers."""
    rows = [
        "T1,New,2025-03-08 23:10,2025-03-08 23:05,red",
        "T1,Active,2025-03-09 02:30,2025-03-08 23:05,blue",
        "T1,Done,2025-03-09 09:00,2025-03-08 23:05,?",
        "T1,Odd,2025-03-09 09:30,2025-03-08 23:05,?",
        "T1,Active,2025-03-10 10:00,2025-03-08 23:05,?",
        "T2,New,2025-02-28 12:00,2025-02-28 12:00,red",
    ]
    source = log_source(
        tmp_path,
        log_text(rows, "number,state,at,opened,group"),
        zone="America/New_York",
        start="2025-03-01",
        columns={**COLUMNS, "intake_ts": "opened", "team": "group"},
        missing_values=["?"],
        time={"timezone": "America/New_York"},
    )
    assert {number: row["field"] for number, row in rejected_of(source).items()} == {
        3: "event_ts",
        5: "status",
        7: "intake_ts",
    }
    case = cases_of(source)["T1"]
    assert (case["intake_date"], case["intake_ts"]) == (date(2025, 3, 8), datetime(2025, 3, 9, 4, 5))
    assert case["team"] is None, "the last record that is used names none"
    assert [(row["event_id"], row["event_ts"], row["is_reopen"]) for row in events_of(source)] == [
        ("T1#0001", datetime(2025, 3, 9, 4, 10), False),
        ("T1#0003", datetime(2025, 3, 9, 13, 0), False),
        ("T1#0005", datetime(2025, 3, 10, 14, 0), True),
    ]
    assert source.counts() == SourceCounts(rows=6, used_rows=3, rejected_rows=3, cases=2, used_cases=1)


def test_what_a_file_cannot_tell_of_its_mess_is_unknown(tmp_path: Path) -> None:
    for row in events_of(log_source(tmp_path, TWO_CASES)):
        assert (row["is_duplicate"], row["is_late_arriving"], row["is_tz_inconsistent"]) == (None, None, None)


def test_every_answer_has_the_schema_of_the_protocol(tmp_path: Path) -> None:
    source: Source = log_source(tmp_path, TWO_CASES)
    window = source.window()
    assert source.cases(window, EVER).schema == CASES
    assert source.events(window, EVER).schema == EVENTS
    assert source.rejected_rows().schema == REJECTED_ROWS
    assert source.partition_states(window, EVER).schema == PARTITION_STATES
    assert source.staffing(window) == STAFFING.empty_table()


SAID_AND_CHANGED = log_text(
    ["A,New,2025-03-03T08:00Z,", "A,Replied,2025-03-03T09:00Z,P3", "A,Done,2025-03-03T10:00Z,", "A,Noted,2025-03-03T11:00Z,"], "number,state,at,prio"
)


def said_and_changed(directory: Path, **overrides: Any) -> tuple[Source, list[tuple[object, ...]]]:
    """A source over SAID_AND_CHANGED, and (hour, previous value, value) of its changes."""
    statuses = {**STATUSES, "Replied": "PUBLIC_REPLY", "Noted": "PRIVATE_NOTE"}
    source = log_source(directory, SAID_AND_CHANGED, columns={**COLUMNS, "priority": "prio"}, statuses=statuses, **overrides)
    changes = source.attribute_changes(source.window(), EVER).to_pylist()
    return source, [(row["changed_ts"].hour, row["previous_value"], row["value"]) for row in changes]


def test_what_was_said_and_what_changed_is_told_beside_the_statuses(tmp_path: Path) -> None:
    """A reply is no status of the case. An empty cell says that the case has no priority, except of a message, which repeats nothing."""
    source, changes = said_and_changed(tmp_path)
    window = source.window()
    messages = source.messages(window, EVER).to_pylist()
    assert [(row["message_id"], row["signal"], row["sent_ts"].hour) for row in messages] == [
        ("A#0002", "PUBLIC_REPLY", 9), ("A#0004", "PRIVATE_NOTE", 11),
    ]
    assert [row["status"] for row in events_of(source)] == ["INTAKE", "RESOLVED"]
    assert changes == [(9, None, "P3"), (10, "P3", None)]
    assert cases_of(source)["A"]["priority"] is None
    (state,) = source.partition_states(window, EVER).to_pylist()
    assert (state["cases"], state["events"]) == (1, 2)
    assert source.attribute_changes(window, datetime(2025, 3, 3, 8)).num_rows == 0, "nobody knew yet"


def test_where_a_log_repeats_only_what_changed_an_empty_cell_tells_nothing(tmp_path: Path) -> None:
    """The first value told then holds from intake on."""
    source, changes = said_and_changed(tmp_path, empty_cells="unchanged")
    assert changes == []
    assert cases_of(source)["A"]["priority"] == "P3"


def test_where_a_log_repeats_only_what_changed_a_record_without_a_status_leaves_it(tmp_path: Path) -> None:
    """It tells who holds the case, and is no event: after the end it does not end the case anew. Before the first status nobody knows what it is."""
    rows = [
        "A,New,2025-03-03T08:00Z,red", "A,,2025-03-03T09:00Z,blue", "A,Done,2025-03-03T10:00Z,", "A,Replied,2025-03-03T11:00Z,", "A,,2025-03-03T12:00Z,",
        "A,,2025-03-03T13:00Z,red", "B,,2025-03-03T08:00Z,red", "B,New,2025-03-03T09:00Z,blue",
    ]
    options: dict[str, Any] = {"columns": {**COLUMNS, "team": "group"}, "statuses": {**STATUSES, "Replied": "PUBLIC_REPLY"}}
    source = log_source(tmp_path, log_text(rows, "number,state,at,group"), empty_cells="unchanged", **options)
    assert [(row["event_id"], row["status"]) for row in events_of(source)] == [("A#0001", "INTAKE"), ("A#0003", "RESOLVED"), ("B#0002", "INTAKE")]
    changes = source.attribute_changes(source.window(), EVER).to_pylist()
    assert [(row["case_id"], row["changed_ts"].hour, row["value"]) for row in changes] == [("A", 8, "red"), ("A", 9, "blue"), ("A", 13, "red"), ("B", 9, "blue")]
    assert list(rejected_of(source)) == [8]
    assert "no status, and none of the case before it" in str(rejected_of(source)[8])
    cleared = log_source(tmp_path / "cleared", log_text(rows, "number,state,at,group"), **options)
    assert list(rejected_of(cleared)) == [3, 6, 7, 8]


def test_a_queue_and_an_agent_that_are_emptied_are_changes_to_nobody(tmp_path: Path) -> None:
    rows = ["A,New,2025-03-03T08:00Z,red,ann", "A,Active,2025-03-03T09:00Z,,ann", "A,Waiting,2025-03-03T10:00Z,,"]
    source = log_source(tmp_path, log_text(rows, "number,state,at,group,who"), columns={**COLUMNS, "team": "group", "agent": "who"})
    changes = source.attribute_changes(source.window(), EVER).to_pylist()
    assert [(row["changed_ts"].hour, row["attribute"], row["previous_value"], row["value"]) for row in changes] == [
        (9, "team", "red", None), (10, "agent", "ann", None),
    ]
    assert (cases_of(source)["A"]["team"], cases_of(source)["A"]["agent"]) == (None, None)


def test_a_message_that_comes_first_tells_who_holds_the_case(tmp_path: Path) -> None:
    """No event of it names the queue, so a change from nobody does; what else it tells holds from intake on, as ever."""
    rows = ["A,Replied,2025-03-03T08:00Z,red,ann,P1", "A,New,2025-03-03T09:00Z,red,ann,P1", "A,Done,2025-03-03T10:00Z,blue,ann,P1"]
    columns = {**COLUMNS, "team": "group", "agent": "who", "priority": "prio"}
    source = log_source(tmp_path, log_text(rows, "number,state,at,group,who,prio"), columns=columns, statuses={**STATUSES, "Replied": "PUBLIC_REPLY"})
    changes = source.attribute_changes(source.window(), EVER).to_pylist()
    assert [(row["changed_ts"].hour, row["attribute"], row["previous_value"], row["value"]) for row in changes] == [
        (8, "agent", None, "ann"), (8, "team", None, "red"), (10, "team", "red", "blue"),
    ]


def test_a_copy_at_the_end_of_the_file_changes_nothing_of_a_case(tmp_path: Path) -> None:
    rows = [
        "A,New,2025-03-03T08:00Z,P3", "A,Active,2025-03-03T09:00Z,P1", "A,Done,2025-03-03T10:00Z,P2",
        "A,Active,2025-03-03T09:00Z,P1", "A,New,2025-03-03T08:00Z,P3",
    ]
    source = log_source(tmp_path, log_text(rows, "number,state,at,urgency"), columns={**COLUMNS, "priority": "urgency"})
    changes = source.attribute_changes(Window(date(2025, 3, 3), date(2025, 3, 4)), EVER).to_pylist()
    assert [(row["changed_ts"].hour, row["previous_value"], row["value"]) for row in changes] == [(9, "P3", "P1"), (10, "P1", "P2")]
    assert cases_of(source)["A"]["priority"] == "P2"


def test_an_export_that_is_appended_to_itself_hands_nothing_over_again(tmp_path: Path) -> None:
    """To blue, red and blue again within one minute are three changes; the same minute told once more, behind another instant, is none."""
    rows = ["A,New,2025-03-03T08:00Z,red", *(f"A,Active,2025-03-03T09:00Z,{team}" for team in ("blue", "red", "blue")), "A,Done,2025-03-03T10:00Z,blue"]
    source = log_source(tmp_path, log_text([*rows, *rows], "number,state,at,group"), columns={**COLUMNS, "team": "group"})
    changes = source.attribute_changes(source.window(), EVER).to_pylist()
    assert [(row["previous_value"], row["value"]) for row in changes] == [("red", "blue"), ("blue", "red"), ("red", "blue")]


def test_an_export_that_is_appended_to_itself_is_no_return_where_stamps_order_it(tmp_path: Path) -> None:
    """order_by puts copies beside each other: solved and open again within one minute is one reopen, and stays one."""
    rows = ["A,New,2025-03-03T08:00Z,red", "A,Done,2025-03-03T09:00Z,red", "A,Active,2025-03-03T09:00Z,blue", "A,Done,2025-03-03T10:00Z,blue"]
    source = log_source(tmp_path, log_text([*rows, *rows], "number,state,at,group"), columns={**COLUMNS, "team": "group"}, order_by=["at"])
    events = events_of(source)
    assert [(row["event_id"], row["source_sequence"]) for row in events] == [
        ("A#0001", 1), ("A#0003", 3), ("A#0004", 4), ("A#0007", 7), ("A#0002", 10), ("A#0005", 13), ("A#0006", 14), ("A#0008", 16),
    ]
    assert [row["event_id"] for row in events if row["is_reopen"]] == ["A#0004"]


#: What the column `extra` says at first and in the last row, and the settings that read it.
TOLD_ANEW: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a due instant": ("2025-03-03T10:00Z", "2025-03-03T13:00Z", {"due": {"resolution": {"column": "extra"}}}),
    "a due day": ("2025-03-04", "2025-03-05", {"due": {"resolution": {"column": "extra"}}}),
    "a due duration": ("1h", "4h", {"due": {"resolution": {"column": "extra", "unit": "hours"}}}),
    "a due duration in days": ("1d", "2d", {"due": {"resolution": {"column": "extra", "unit": "hours"}}}),
    "a dimension": ("web", "shop", {"dimensions": {"product": "extra"}}),
    "a merge": ("", "B", {"columns": {"merged_into": "extra"}}),
    "a verdict": ("true", "false", {"columns": {"sla_met": "extra"}}),
    "a resolved stamp": ("", "2025-03-03T12:00Z", {"columns": {"resolved_ts": "extra"}}),
    "a closed stamp": ("", "2025-03-03T12:00Z", {"columns": {"closed_ts": "extra"}}),
    "who began it": ("Customer", "Agent", {"columns": {"initiated_by": "extra"}, "initiators": {"Customer": "customer", "Agent": "agent"}}),
    "who wrote it": ("Person", "Robot", {"columns": {"author_kind": "extra"}, "author_kinds": {"Person": "person", "Robot": "bot"}}),
    "the source's word for a status": ("Active", "Doing", {"columns": {"status": "extra"}, "statuses": {**STATUSES, "Doing": "INVESTIGATION"}}),
    **{field: ("x", "y", {"columns": {field: "extra"}}) for field in TEXT_FIELDS if field != "team"},
}


def teams_told_anew(directory: Path, first: str, last: str, options: dict[str, Any]) -> list[str]:
    """The new teams of a case that was blue and red at 12:00, of which the file then tells 11:00, and blue at 12:00 once more with `last`."""
    told = (("09", "red", first), ("12", "blue", first), ("12", "red", first), ("11", "red", first), ("12", "blue", last))
    rows = [f"A,Active,2025-03-03T{hour}:00Z,{team},{extra}" for hour, team, extra in told]
    columns = {**COLUMNS, "team": "group", **options.get("columns", {})}
    source = log_source(directory, log_text(rows, "number,state,at,group,extra"), **{**options, "columns": columns})
    assert rejected_of(source) == {}
    return [row["value"] for row in source.attribute_changes(source.window(), EVER).to_pylist() if row["attribute"] == "team"]


@pytest.mark.parametrize(("first", "last", "options"), TOLD_ANEW.values(), ids=TOLD_ANEW)
def test_a_record_is_a_copy_only_where_every_column_says_the_same(tmp_path: Path, first: str, last: str, options: dict[str, Any]) -> None:
    assert teams_told_anew(tmp_path / "copy", first, first, options) == ["blue", "red"]
    assert teams_told_anew(tmp_path / "other", first, last, options) == ["blue", "red", "blue"]


def test_where_a_log_has_ids_of_its_own_they_alone_say_what_is_a_copy(tmp_path: Path) -> None:
    """The record of a new id was told, whatever it says; that of a known one is rejected."""
    rows = [
        "A,Active,2025-03-03T09:00Z,red,1", "A,Active,2025-03-03T12:00Z,blue,2", "A,Active,2025-03-03T12:00Z,red,3",
        "A,Active,2025-03-03T11:00Z,red,4", "A,Active,2025-03-03T12:00Z,blue,5", "A,Active,2025-03-03T12:00Z,red,3",
    ]
    source = log_source(tmp_path, log_text(rows, "number,state,at,group,id"), columns={**COLUMNS, "team": "group", "event_id": "id"})
    changes = source.attribute_changes(source.window(), EVER).to_pylist()
    assert [row["value"] for row in changes] == ["blue", "red", "blue"]
    assert list(rejected_of(source)) == [7]


def test_a_copy_may_be_told_later_and_written_otherwise(tmp_path: Path) -> None:
    """When a record was exported, where it stands and how its stamp is written are none of what it tells."""
    rows = [
        "A,Active,2025-03-03T09:00Z,red,2025-03-04T00:00Z", "A,Active,2025-03-03T12:00Z,blue,2025-03-04T00:00Z", "A,Active,2025-03-03T12:00Z,red,2025-03-04T00:00Z",
        "A,Active,2025-03-03T09:00Z,red,2025-03-05T00:00Z", "A,Active,2025-03-03 12:00,blue,2025-03-05T00:00Z", "A,Active,2025-03-03T13:00+01:00,red,2025-03-05T00:00Z",
    ]
    source = log_source(tmp_path, log_text(rows, "number,state,at,group,exported"), columns={**COLUMNS, "team": "group", "ingestion_ts": "exported"})
    assert [row["value"] for row in source.attribute_changes(source.window(), EVER).to_pylist()] == ["blue", "red"]


def test_the_first_event_is_the_intake_when_the_log_has_no_intake_column(tmp_path: Path) -> None:
    cases = cases_of(log_source(tmp_path, TWO_CASES))
    assert cases["A"]["intake_ts"] == datetime(2025, 3, 3, 8)
    assert cases["A"]["intake_date"] == date(2025, 3, 3)


def test_the_first_intake_stamp_in_the_sources_order_counts(tmp_path: Path) -> None:
    rows = [
        "A,New,2025-03-03T08:00Z,",
        "A,Active,2025-03-03T09:00Z,2025-03-02T07:00Z",
        "A,Done,2025-03-04T09:00Z,2025-03-01T07:00Z",
    ]
    source = log_source(tmp_path, log_text(rows, "number,state,at,opened"), columns={**COLUMNS, "intake_ts": "opened"})
    assert cases_of(source)["A"]["intake_ts"] == datetime(2025, 3, 2, 7)


def test_the_intake_date_is_local_to_the_desk(tmp_path: Path) -> None:
    rows = ["late,New,2025-07-02T03:30Z", "early,New,2025-07-02T04:00Z"]
    cases = cases_of(log_source(tmp_path, log_text(rows), zone="America/New_York"))
    assert cases["late"]["intake_date"] == date(2025, 7, 1)
    assert cases["early"]["intake_date"] == date(2025, 7, 2)


@pytest.mark.parametrize(
    ("last_row", "end"),
    [
        pytest.param("", date(2025, 3, 5), id="the last intake is the last that is told"),
        pytest.param("B,Done,2025-03-07T10:00Z", date(2025, 3, 8), id="an event three days later: nothing came in meanwhile"),
        pytest.param("B,Done,2025-03-11T10:00Z", date(2025, 3, 12), id="a week later"),
        pytest.param("B,Done,2025-03-12T10:00Z", date(2025, 3, 5), id="longer than a week: the log was cut by intake"),
    ],
)
def test_the_window_runs_through_the_end_of_the_log(tmp_path: Path, last_row: str, end: date) -> None:
    rows = ["A,New,2025-03-03T00:00Z", "B,New,2025-03-04T00:00Z", *filter(None, [last_row])]
    assert log_source(tmp_path, log_text(rows)).window() == Window(date(2025, 1, 1), end)


@pytest.mark.parametrize("stray", ["B,Done,2062-03-06T10:00Z", "B,Done,2025-09-07T10:00Z", "B,Done,2025-04-06T10:00Z"])
def test_a_mistyped_year_or_month_does_not_say_where_the_log_ends(tmp_path: Path, stray: str) -> None:
    """The log ends with its last event but that one, three days after its last intake; a record or two after more than a week without any is no log that goes on."""
    rows = ["A,New,2025-03-03T00:00Z", "B,New,2025-03-04T00:00Z", stray, "A,Done,2025-03-07T10:00Z"]
    source = log_source(tmp_path, log_text(rows))
    assert source.window() == Window(date(2025, 1, 1), date(2025, 3, 8))
    told = [note for note in source.reading_notes(datetime(2099, 1, 1)) if "warning" in note]
    day = stray.split(",")[2][:10]
    assert told == [
        f"warning: 1 record is stamped {(date.fromisoformat(day) - date(2025, 3, 7)).days:,} days and more after all before, the last {day} (case B, log.csv row 4): "
        "the log is taken to end on 2025-03-07; look at the stamp, or say --end"
    ]


def test_records_of_many_cases_after_a_quiet_week_are_no_mistyped_stamps(tmp_path: Path) -> None:
    """Of three cases the log goes on after a gap: it was cut by intake, and nothing is told to be mistyped."""
    rows = [f"{case},{state}" for case in "ABC" for state in ("New,2025-03-03T00:00Z", "Active,2025-03-04T00:00Z", "Done,2025-03-20T00:00Z")]
    source = log_source(tmp_path, log_text(rows))
    assert source.window().end == date(2025, 3, 4)
    assert not [note for note in source.reading_notes(EVER) if "warning" in note]


MARCH = [f"T{number:02},New,2025-03-{1 + number % 30:02}T09:00Z,2025-03-{1 + number % 30:02}T09:00Z" for number in range(60)]


@pytest.mark.parametrize(
    "mistyped",
    [["T99,New,2026-03-21T09:00Z,2026-03-21T09:00Z"], ["T99,New,2025-03-21T09:00Z,2026-03-21T09:00Z", "T99,Done,2025-03-22T09:00Z,2026-03-21T09:00Z"]],
    ids=["of the opening", "of the column of intake"],
)
def test_a_mistyped_year_of_an_intake_does_not_say_where_the_log_ends(tmp_path: Path, mistyped: list[str]) -> None:
    """The case waits: it is told at every run, and loaded where its date is named."""
    source = log_source(tmp_path, log_text([*MARCH, *mistyped], "number,state,at,opened"), columns={**COLUMNS, "intake_ts": "opened"})
    assert source.window(EVER) == Window(date(2025, 1, 1), date(2025, 3, 31))
    assert [note for note in source.reading_notes(EVER) if "warning" in note] == [
        "warning: 1 case came in 356 days and more after all others, the last 2026-03-21 (case T99, log.csv row 62): the log is taken to end on 2025-03-30, "
        "and it waits until the log has got there; look at the stamp, or say --end 2026-03-22"
    ]
    assert source.cases(Window(date(2026, 3, 21), date(2026, 3, 22)), EVER)["case_id"].to_pylist() == ["T99"]


def test_a_log_that_pauses_for_half_a_year_and_goes_on_is_not_cut(tmp_path: Path) -> None:
    later = [f"N{number},New,2026-03-{20 + number}T09:00Z,2026-03-{20 + number}T09:00Z" for number in range(3)]
    source = log_source(tmp_path, log_text([*MARCH, *later], "number,state,at,opened"), columns={**COLUMNS, "intake_ts": "opened"})
    assert source.window(EVER).end == date(2026, 3, 23)
    assert not [note for note in source.reading_notes(EVER) if "warning" in note]


def test_what_is_stamped_after_the_look_does_not_say_where_the_log_ends(tmp_path: Path) -> None:
    """A stamp of next month has not happened yet; once it has, it is the only one after more than a week without any."""
    rows = ["A,New,2025-03-03T00:00Z", "B,New,2025-03-04T00:00Z", "B,Done,2025-04-06T10:00Z", "A,Done,2025-03-07T10:00Z"]
    source = log_source(tmp_path, log_text(rows))
    assert source.window(datetime(2025, 3, 10)).end == date(2025, 3, 8)
    assert source.window(datetime(2025, 3, 5)).end == date(2025, 3, 5)
    assert source.window(datetime(2025, 4, 7)).end == date(2025, 3, 8)
    assert source.window(datetime(2025, 2, 1)) == Window(date(2025, 1, 1), date(2025, 1, 2))
    assert source.reading_notes(datetime(2025, 3, 10))[-1] == (
        "1 record lies after 2025-03-10 00:00 UTC, the latest 2025-04-06 (case B, log.csv row 4): it counts when that time has come"
    )


def test_a_stamp_of_the_future_that_was_ingested_counts_and_is_told(tmp_path: Path) -> None:
    rows = ["A,New,2025-03-06T09:00Z,2025-03-06T09:00Z", "B,New,2025-03-06T09:00Z,2025-03-06T09:00Z", "B,Done,2052-03-06T10:00Z,2025-03-06T11:00Z"]
    source = log_source(tmp_path, log_text(rows, "number,state,at,written"), columns={**COLUMNS, "ingestion_ts": "written"})
    look = datetime(2025, 3, 7)
    assert source.window(look).end == date(2025, 3, 7)
    assert [row["status"] for row in events_of(source, look)] == ["INTAKE", "INTAKE", "RESOLVED"]
    assert source.reading_notes(look)[1:] == [
        "warning: 1 record is stamped after 2025-03-07 00:00 UTC, the latest 2052-03-06 (case B, log.csv row 4), but ingested before: it counts as stamped; look at the stamp"
    ]
    settings: Any = SimpleNamespace(sources=SimpleNamespace(sources=[log_settings()]), home=SimpleNamespace(source_cache=tmp_path / "cache"))
    (record,) = not_yet_of(settings, "B", look)
    assert record.sentence("UTC") == "log.csv, row 4: Done at 2052-03-06 10:00 (UTC); counts already, since it was ingested before"


def test_a_record_of_the_future_that_leaves_the_status_says_none(tmp_path: Path) -> None:
    source = log_source(tmp_path, log_text(["A,New,2025-03-06T09:00Z", "A,,2052-03-06T09:00Z"]), empty_cells="unchanged")
    source.window()
    settings: Any = SimpleNamespace(sources=SimpleNamespace(sources=[log_settings(empty_cells="unchanged")]), home=SimpleNamespace(source_cache=tmp_path / "cache"))
    (record,) = not_yet_of(settings, "A", datetime(2025, 3, 7))
    assert record.source_status is None, "the row itself has no status"


def test_only_the_window_is_answered_in_intake_date_order(tmp_path: Path) -> None:
    source = log_source(
        tmp_path, log_text(["B,New,2025-03-04T00:00Z", "A,New,2025-03-03T00:00Z", "C,New,2025-03-05T00:00Z"])
    )
    window = Window(date(2025, 3, 3), date(2025, 3, 5))
    assert source.cases(window, EVER)["case_id"].to_pylist() == ["A", "B"]
    assert source.events(window, EVER)["case_id"].to_pylist() == ["A", "B"]
    assert source.partition_states(window, EVER)["intake_date"].to_pylist() == [date(2025, 3, 3), date(2025, 3, 4)]


# ---------------------------------------------------------------- fields of a case


def test_an_attribute_of_a_case_is_its_last_value_and_a_verdict_the_last_that_is_told(tmp_path: Path) -> None:
    rows = [
        "A,New,2025-03-03T08:00Z,red,true",
        "A,Active,2025-03-03T09:00Z,blue,true",
        "A,Shut,2025-03-03T10:00Z,?,false",
        "A,Shut,2025-03-03T11:00Z,?,?",
    ]
    source = log_source(
        tmp_path,
        log_text(rows, "number,state,at,group,kept"),
        missing_values=["?"],
        columns={**COLUMNS, "team": "group", "sla_met": "kept"},
    )
    case = cases_of(source)["A"]
    assert case["team"] is None
    assert case["source_is_sla_met"] is False
    assert [row["team"] for row in events_of(source)] == ["red", "blue", None, None]


def test_fields_come_from_visible_rows_only(tmp_path: Path) -> None:
    rows = ["A,New,2025-03-03T08:00Z,red,2025-03-03T10:00Z", "A,Done,2025-03-03T10:00Z,blue,2025-03-03T10:00Z"]
    source = log_source(
        tmp_path,
        log_text(rows, "number,state,at,group,solved"),
        columns={**COLUMNS, "team": "group", "resolved_ts": "solved"},
    )
    before = cases_of(source, datetime(2025, 3, 3, 9, 59))["A"]
    assert (before["team"], before["source_resolved_ts"]) == ("red", None), "the export already knew what came later"
    after = cases_of(source, datetime(2025, 3, 3, 10))["A"]
    assert (after["team"], after["source_resolved_ts"]) == ("blue", datetime(2025, 3, 3, 10))


def test_a_source_may_say_its_verdict_in_its_own_words(tmp_path: Path) -> None:
    rows = ["A,New,2025-03-03T08:00Z,kept", "B,New,2025-03-03T08:00Z,late", "C,New,2025-03-03T08:00Z,"]
    source = log_source(
        tmp_path,
        log_text(rows, "number,state,at,verdict"),
        columns={**COLUMNS, "sla_met": "verdict"},
        sla_met_values={"met": ["kept"], "missed": ["late"]},
    )
    assert {case: row["source_is_sla_met"] for case, row in cases_of(source).items()} == {
        "A": True,
        "B": False,
        "C": None,
    }


def test_a_prefix_keeps_the_ids_of_two_sources_apart(tmp_path: Path) -> None:
    source = log_source(tmp_path, TWO_CASES, case_id_prefix="IT-")
    assert set(cases_of(source)) == {"IT-A", "IT-B"}
    assert events_of(source)[0]["event_id"] == "IT-A#0001"


# ---------------------------------------------------------------- visibility


def test_nothing_is_visible_before_it_is_ingested(tmp_path: Path) -> None:
    rows = ["A,New,2025-03-03T08:00Z,2025-03-03T08:05Z", "A,Done,2025-03-03T09:00Z,2025-03-06T00:00Z"]
    source = log_source(
        tmp_path, log_text(rows, "number,state,at,written"), columns={**COLUMNS, "ingestion_ts": "written"}
    )
    assert cases_of(source, datetime(2025, 3, 3, 8, 4)) == {}
    assert [row["status"] for row in events_of(source, datetime(2025, 3, 5))] == ["INTAKE"]
    assert [row["status"] for row in events_of(source, datetime(2025, 3, 6))] == ["INTAKE", "RESOLVED"]


def test_an_event_before_its_case_is_taken_in_waits_for_the_intake(tmp_path: Path) -> None:
    source = log_source(
        tmp_path,
        log_text(["A,New,2025-03-03T08:00Z,2025-03-03T09:00Z"], "number,state,at,opened"),
        columns={**COLUMNS, "intake_ts": "opened"},
    )
    assert (cases_of(source, datetime(2025, 3, 3, 8, 30)), events_of(source, datetime(2025, 3, 3, 8, 30))) == ({}, [])
    assert events_of(source, datetime(2025, 3, 3, 9))[0]["event_ts"] == datetime(2025, 3, 3, 8)


def test_an_instant_with_a_zone_is_the_same_instant(tmp_path: Path) -> None:
    source = log_source(tmp_path, TWO_CASES)
    assert events_of(source, datetime(2025, 3, 3, 9, tzinfo=UTC)) == events_of(source, datetime(2025, 3, 3, 9))


def test_an_event_without_stamp_is_kept_when_its_ingestion_is_known(tmp_path: Path) -> None:
    source = log_source(
        tmp_path,
        log_text(["A,New,,2025-03-03T08:05Z"], "number,state,at,written"),
        columns={**COLUMNS, "ingestion_ts": "written"},
    )
    (event,) = events_of(source)
    assert (event["event_ts"], event["ingestion_ts"]) == (None, datetime(2025, 3, 3, 8, 5))


def test_an_event_whose_ingestion_is_missing_was_ingested_when_it_happened(tmp_path: Path) -> None:
    source = log_source(
        tmp_path,
        log_text(["A,New,2025-03-03T08:00Z,"], "number,state,at,written"),
        columns={**COLUMNS, "ingestion_ts": "written"},
    )
    assert events_of(source)[0]["ingestion_ts"] == datetime(2025, 3, 3, 8)


# ---------------------------------------------------------------- order and reopens


def _reopened(source_rows: list[dict[str, object]]) -> list[object]:
    return [row["event_id"] for row in source_rows if row["is_reopen"]]


def test_a_reopen_is_a_step_from_a_terminal_status_to_one_that_is_not(tmp_path: Path) -> None:
    states = ["New", "Done", "Shut", "Done", "Active", "Waiting", "Done", "New", "Shut"]
    source = log_source(tmp_path, log_text([f"A,{state},2025-03-03T08:0{minute}Z" for minute, state in enumerate(states)]))
    assert _reopened(events_of(source)) == ["A#0005", "A#0008"]


def test_a_record_that_is_in_the_log_twice_is_no_reopen(tmp_path: Path) -> None:
    """The copies of A stand behind A,Done, told anew; the copy of B,Done hides no reopen, and makes none of what follows it."""
    once = ["A,New,2025-03-03T08:00Z", "A,Active,2025-03-03T09:00Z", "A,Done,2025-03-03T09:00Z"]
    rows = [
        *once, *once,
        "B,Done,2025-03-03T08:00Z", "B,Active,2025-03-03T09:00Z", "B,Done,2025-03-03T08:00Z", "B,Waiting,2025-03-03T10:00Z",
    ]  # fmt: skip
    assert _reopened(events_of(log_source(tmp_path, log_text(rows)))) == ["B#0002"]


def test_a_status_that_comes_again_after_another_one_of_its_instant_is_a_return(tmp_path: Path) -> None:
    """Ended, open and ended again within a minute (A); open again (B). A record written twice is none (C); nor is the minute told anew (D)."""
    minute = "2025-03-03T09:00Z"
    rows = [
        "A,New,2025-03-03T08:00Z", f"A,Done,{minute}", f"A,Active,{minute}", f"A,Done,{minute}", "A,Active,2025-03-03T10:00Z",
        "B,New,2025-03-03T08:00Z", f"B,Active,{minute}", f"B,Done,{minute}", f"B,Active,{minute}",
        "C,New,2025-03-03T08:00Z", f"C,Active,{minute}", f"C,Active,{minute}", f"C,Done,{minute}", f"C,Done,{minute}",
        "D,New,2025-03-03T08:00Z", f"D,Done,{minute}", f"D,Active,{minute}", "D,New,2025-03-03T08:00Z", f"D,Done,{minute}", f"D,Active,{minute}",
    ]  # fmt: skip
    assert _reopened(events_of(log_source(tmp_path, log_text(rows)))) == ["A#0003", "A#0005", "B#0004", "D#0003"]


# ---------------------------------------------------------------- intake, ignored words, authors


@pytest.mark.parametrize("rows", [["New,10", "Done,09"], ["Done,09", "New,10"]], ids=["opening first", "end first"])
def test_a_record_of_intake_says_when_a_case_came_in_whatever_lies_before(tmp_path: Path, rows: list[str]) -> None:
    records = [f"A,{each.replace(',', ',2025-03-03T')}:00Z" for each in rows]
    source = log_source(tmp_path, log_text(records))
    assert cases_of(source)["A"]["intake_ts"] == datetime(2025, 3, 3, 10)
    assert {row["status"]: row["event_ts"].hour for row in events_of(source)} == {"INTAKE": 10, "RESOLVED": 9}


def test_of_several_records_of_intake_the_first_in_the_sources_order_counts(tmp_path: Path) -> None:
    rows = ["A,Active,2025-03-03T07:00Z", "A,New,2025-03-03T08:00Z", "A,Done,2025-03-03T09:00Z", "A,New,2025-03-03T10:00Z"]
    assert cases_of(log_source(tmp_path, log_text(rows)))["A"]["intake_ts"].hour == 8


def test_words_that_are_left_out_on_purpose_are_counted_and_not_rejected(tmp_path: Path) -> None:
    """Whatever else their records say. They open no case; the places of the others are those in the log."""
    rows = ["A,Noise,2025-03-03T07:00Z", "A,New,2025-03-03T08:00Z", "A,Noise,never", ",Noise,", "A,Done,2025-03-03T09:00Z", "A,Odd,2025-03-03T09:00Z"]
    source = log_source(tmp_path, log_text(rows), statuses={**STATUSES, "Noise": "IGNORE"})
    assert source.counts() == SourceCounts(rows=6, used_rows=2, rejected_rows=1, cases=1, used_cases=1, ignored_rows=3)
    assert source.reading_notes(EVER) == ["6 records read, 2 used, 1 rejected (raw.rejected_rows), 3 ignored (statuses: IGNORE)"]
    assert [row["event_id"] for row in events_of(source)] == ["A#0002", "A#0004"]
    assert cases_of(source)["A"]["intake_ts"].hour == 8


def _signals(source: Source) -> list[tuple[object, ...]]:
    return [(row["signal"], row["author_kind"], row["agent"]) for row in source.messages(source.window(), EVER).to_pylist()]


WRITERS = ["A,New,2025-03-03T08:00Z,ann,", "A,Replied,2025-03-03T09:00Z,Answer Bot,", "A,Replied,2025-03-03T10:00Z,Talbot,", "A,Replied,2025-03-03T11:00Z,ben,c"]
WRITTEN: dict[str, Any] = {"columns": {**COLUMNS, "agent": "who"}, "statuses": {**STATUSES, "Replied": "PUBLIC_REPLY"}}
WRITER_HEADER = "number,state,at,who,kind"


def test_agents_whose_names_have_the_word_bot_are_bots_and_that_is_told(tmp_path: Path) -> None:
    source = log_source(tmp_path, log_text(WRITERS, WRITER_HEADER), **WRITTEN)
    assert _signals(source) == [("BOT_REPLY", "bot", "Answer Bot"), ("PUBLIC_REPLY", "person", "Talbot"), ("PUBLIC_REPLY", "person", "ben")]
    assert source.reading_notes(EVER)[1] == (
        "1 reply of Answer Bot counts as a bot's (BOT_REPLY), and stops no clock that waits for a person; `bots: []` in sources.yml takes "
        "them for a person's, a list of names says which are bots"
    )
    changes = source.attribute_changes(source.window(), EVER).to_pylist()
    assert "Answer Bot" not in {row["value"] for row in changes}, "who wrote holds no case"


@pytest.mark.parametrize(("bots", "found"), [([], []), (["talbot "], ["Talbot"]), (["ANSWER  bot", "ben"], ["Answer Bot", "ben"])])
def test_a_list_of_bots_replaces_the_rule_of_names(tmp_path: Path, bots: list[str], found: list[str]) -> None:
    source = log_source(tmp_path, log_text(WRITERS, WRITER_HEADER), bots=bots, **WRITTEN)
    assert [agent for signal, _, agent in _signals(source) if signal == "BOT_REPLY"] == found


def test_bots_are_listed_and_told_whatever_the_case_of_names_and_words(tmp_path: Path) -> None:
    rows = ["A,New,2025-03-03T08:00Z,ann,", "A,REPLIED ,2025-03-03T09:00Z,GROSS-STRASSE,", "A,replied,2025-03-03T10:00Z,Straße,"]
    source = log_source(tmp_path, log_text(rows, WRITER_HEADER), bots=["straße"], **WRITTEN)
    assert _signals(source) == [("PUBLIC_REPLY", "person", "GROSS-STRASSE"), ("BOT_REPLY", "bot", "Straße")]
    assert source.reading_notes(EVER)[1] == "1 reply of Straße counts as a bot's (BOT_REPLY), and stops no clock that waits for a person"


def test_a_column_may_say_who_wrote(tmp_path: Path) -> None:
    rows = [*WRITERS, "A,Done,2025-03-03T12:00Z,ben,x", "A,Replied,2025-03-03T13:00Z,ben,x", "A,Replied,2025-03-03T14:00Z,Sue Bot,p"]
    columns = {**WRITTEN["columns"], "author_kind": "kind"}
    kinds = {"c": "customer", "b": "bot", "p": "person"}
    source = log_source(tmp_path, log_text(rows, WRITER_HEADER), columns=columns, statuses=WRITTEN["statuses"], author_kinds=kinds)
    assert _signals(source) == [
        ("BOT_REPLY", "bot", "Answer Bot"), ("PUBLIC_REPLY", "person", "Talbot"), ("CUSTOMER_MESSAGE", "customer", "ben"),
        ("PUBLIC_REPLY", "person", "Sue Bot"),
    ]  # fmt: skip
    (rejected,) = rejected_of(log_source(tmp_path, columns=columns, statuses=WRITTEN["statuses"], author_kinds=kinds)).values()
    assert (rejected["row_number"], rejected["reason"]) == (7, "column kind: expected one of c, b, p; found 'x'")


def test_a_case_that_ended_and_goes_on_in_another_one_was_merged(tmp_path: Path) -> None:
    rows = ["A,New,2025-03-03T08:00Z,", "A,Shut,2025-03-03T09:00Z,B", "B,New,2025-03-03T08:00Z,", "B,Shut,2025-03-03T09:00Z,"]
    source = log_source(tmp_path, log_text(rows, "number,state,at,into"), columns={**COLUMNS, "merged_into": "into"})
    assert [(row["case_id"], row["status"]) for row in events_of(source)][1::2] == [("A", "MERGED"), ("B", "CLOSED")]
    assert {case: row["merged_into"] for case, row in cases_of(source).items()} == {"A": "B", "B": None}
    assert cases_of(source, datetime(2025, 3, 3, 8))["A"]["merged_into"] is None


def test_a_case_that_begins_at_rest_is_not_reopened_by_its_first_row(tmp_path: Path) -> None:
    source = log_source(tmp_path, log_text(["A,Done,2025-03-03T08:00Z", "B,Active,2025-03-03T08:00Z"]))
    assert _reopened(events_of(source)) == []


def test_the_order_of_the_file_beats_the_stamps(tmp_path: Path) -> None:
    rows = ["A,Done,2025-03-03T09:00Z", "A,Active,2025-03-03T08:00Z"]
    assert _reopened(events_of(log_source(tmp_path, log_text(rows)))) == ["A#0002"]


def test_order_by_a_stamp_then_a_number_then_the_file(tmp_path: Path) -> None:
    rows = [
        "A,Done,2025-03-03T09:00Z,9",
        "A,Active,2025-03-03T09:00Z,10",
        "A,New,2025-03-03T08:00Z,1",
        "A,Shut,2025-03-03T09:00Z,10",
    ]
    source = log_source(tmp_path, log_text(rows, "number,state,at,version"), order_by=["at", "version"])
    assert [row["source_status"] for row in events_of(source)] == ["New", "Done", "Active", "Shut"]


def test_newest_first_turns_each_file_round(tmp_path: Path) -> None:
    """Also the records that a clock of minutes stamps alike; the place of a record stays when newer ones come on top."""
    rows = ["A,Done,2025-03-03T09:00Z", "A,Active,2025-03-03T09:00Z", "A,New,2025-03-03T08:00Z"]
    (tmp_path / "2.csv").write_text(log_text(["A,Shut,2025-03-05T09:00Z", "A,Waiting,2025-03-04T09:00Z"]))
    found = events_of(log_source(tmp_path, log_text(rows), files=["log.csv", "2.csv"], newest_first=True))
    assert [(row["event_id"], row["source_status"]) for row in found] == [
        ("A#0001", "New"), ("A#0002", "Active"), ("A#0003", "Done"), ("A#0004", "Waiting"), ("A#0005", "Shut"),
    ]
    found = events_of(log_source(tmp_path / "by_stamp", log_text(rows), order_by=["at"], newest_first=True))
    assert [row["source_status"] for row in found] == ["New", "Active", "Done"]


def test_event_ids_sort_as_the_records_of_the_case_do(tmp_path: Path) -> None:
    source = log_source(tmp_path, log_text([f"A,Active,2025-03-03T08:{minute:02d}Z" for minute in range(12)]))
    ids = [row["event_id"] for row in events_of(source)]
    assert ids == sorted(ids)


def test_a_rejected_record_keeps_its_place_so_that_the_others_can_be_found(tmp_path: Path) -> None:
    source = log_source(
        tmp_path, log_text(["A,New,2025-03-03T08:00Z", "A,-100,2025-03-03T09:00Z", "A,Done,2025-03-03T10:00Z"])
    )
    assert [row["event_id"] for row in events_of(source)] == ["A#0001", "A#0003"]


def test_the_logs_own_event_ids_are_kept(tmp_path: Path) -> None:
    source = log_source(
        tmp_path,
        log_text(["A,New,2025-03-03T08:00Z,e7"], "number,state,at,id"),
        columns={**COLUMNS, "event_id": "id"},
        case_id_prefix="IT-",
    )
    assert events_of(source)[0]["event_id"] == "IT-e7"


# ---------------------------------------------------------------- stamps


def test_local_stamps_are_placed_by_the_zone_of_the_log(tmp_path: Path) -> None:
    rows = ["A,New,29/2/2016 01:16", "A,Done,1/7/2016 01:16"]
    source = log_source(
        tmp_path, log_text(rows), start="2016-01-01", time={"format": "%d/%m/%Y %H:%M", "timezone": "Europe/Rome"}
    )
    assert [row["event_ts"] for row in events_of(source)] == [
        datetime(2016, 2, 29, 0, 16),
        datetime(2016, 6, 30, 23, 16),
    ]


def test_a_local_time_that_occurs_twice_is_the_later_instant(tmp_path: Path) -> None:
    source = log_source(tmp_path, log_text(["A,New,2025-11-02 01:30"]), time={"timezone": "America/New_York"})
    assert events_of(source)[0]["event_ts"] == datetime(2025, 11, 2, 6, 30), "01:30 EST, not 01:30 EDT (05:30 UTC)"


def test_a_local_time_that_the_zone_skips_is_rejected(tmp_path: Path) -> None:
    source = log_source(
        tmp_path,
        log_text(["A,New,2025-03-09 01:59", "A,Active,2025-03-09 02:30", "A,Done,2025-03-09 03:00"]),
        time={"timezone": "America/New_York"},
    )
    assert [row["event_ts"] for row in events_of(source)] == [datetime(2025, 3, 9, 6, 59), datetime(2025, 3, 9, 7, 0)]
    assert "America/New_York skips" in rejected_of(source)[3]["reason"]


def test_an_offset_in_the_format_places_the_stamp(tmp_path: Path) -> None:
    source = log_source(tmp_path, log_text(["A,New,03.03.2025 08:00 +0530"]), time={"format": "%d.%m.%Y %H:%M %z"})
    assert events_of(source)[0]["event_ts"] == datetime(2025, 3, 3, 2, 30)


def test_a_stamp_may_name_its_zone(tmp_path: Path) -> None:
    zones = ["CEST", "CET", "UTC", "Z", "America/New_York", "IST", "BEST", "Europe/Atlantis"]
    rows = [f"A,{'New' if number == 0 else 'Active'},26.10.2025 02:30 {zone}" for number, zone in enumerate(zones)]
    time = {"format": "%d.%m.%Y %H:%M %Z", "timezone": "Europe/Berlin"}
    source = log_source(tmp_path, log_text(rows), time=time)
    assert [row["event_ts"] for row in events_of(source)] == [
        datetime(2025, 10, 26, 0, 30), datetime(2025, 10, 26, 1, 30), datetime(2025, 10, 26, 2, 30), datetime(2025, 10, 26, 2, 30),
        datetime(2025, 10, 26, 6, 30),
    ]  # fmt: skip
    reasons = [row["reason"] for row in rejected_of(source).values()]
    assert len(reasons) == 3
    assert all("whose zone is one of an IANA name, CEST, CET, UTC, at a local time that the zone has; found" in reason for reason in reasons)


def test_a_stamp_in_a_named_zone_that_skips_its_local_time_is_rejected(tmp_path: Path) -> None:
    source = log_source(
        tmp_path, log_text(["A,New,30.03.2025 01:59 Europe/Berlin", "A,Active,30.03.2025 02:30 Europe/Berlin"]),
        time={"format": "%d.%m.%Y %H:%M %Z"},
    )  # fmt: skip
    assert [row["event_ts"] for row in events_of(source)] == [datetime(2025, 3, 30, 0, 59)]
    [rejected] = rejected_of(source).values()
    assert "at a local time that the zone has; found '30.03.2025 02:30 Europe/Berlin'" in rejected["reason"]


def test_an_abbreviation_that_has_meant_two_offsets_is_none() -> None:
    assert abbreviations("America/New_York") == {"EDT": "-0400", "EST": "-0500"}
    assert "MSK" not in abbreviations("Europe/Moscow")
    assert abbreviations(None) == {}


# ---------------------------------------------------------------- files


def test_csv_parquet_and_gzip_give_the_same_rows(tmp_path: Path) -> None:
    plain = log_source(tmp_path, TWO_CASES)
    (tmp_path / "log.csv.gz").write_bytes(gzip.compress(TWO_CASES.encode()))
    duckdb.execute(f"copy (from read_csv('{tmp_path}/log.csv', all_varchar = true)) to '{tmp_path}/log.parquet'")
    zipped = log_source(tmp_path, files="log.csv.gz", name="zipped")
    columnar = log_source(tmp_path, files="log.parquet", name="columnar")
    as_parts = [[{**row, "source": ""} for row in events_of(source)] for source in (plain, zipped, columnar)]
    assert as_parts[0] == as_parts[1] == as_parts[2]
    assert len(as_parts[0]) == 4


def test_typed_parquet_columns_are_taken_as_typed(tmp_path: Path) -> None:
    duckdb.execute(f"""
        copy (
            select
                7 as number, 'New' as state, timestamp '2025-07-03 08:00:00.25' as at,
                timestamptz '2025-07-03 09:00:00+02' as opened, true as kept
        ) to '{tmp_path}/log.parquet'
    """)
    source = log_source(
        tmp_path,
        files="log.parquet",
        time={"format": "%d/%m/%Y", "timezone": "Europe/Rome"},
        columns={**COLUMNS, "intake_ts": "opened", "sla_met": "kept"},
    )
    case = cases_of(source)["7"]
    assert (case["intake_ts"], case["source_is_sla_met"]) == (datetime(2025, 7, 3, 7), True)
    assert events_of(source)[0]["event_ts"] == datetime(2025, 7, 3, 6, 0, 0, 250_000)


def _write_log(path: Path, **columns: pa.Array) -> None:
    """A parquet log whose columns are as given; number, state and at have a usable value in every record."""
    (records,) = {len(column) for column in columns.values()}
    usual = {"number": ["A"] * records, "state": ["New"] * records, "at": ["2025-03-03T08:00Z"] * records}
    pq.write_table(pa.table({**usual, **columns}), path)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_parquet_stamps_with_a_zone_are_their_instants_in_every_unit(tmp_path: Path, unit: str) -> None:
    at = pa.array([datetime(2025, 7, 3, 8), None], pa.timestamp(unit, "America/New_York"))
    _write_log(tmp_path / "log.parquet", at=at)
    source = log_source(tmp_path, files="log.parquet", time={"timezone": "Europe/Rome"})
    assert [row["event_ts"] for row in events_of(source)] == [datetime(2025, 7, 3, 8)], "the zone is for showing: the instant is UTC's"
    assert rejected_of(source)[2]["reason"] == "column at: no stamp, and nothing else says when it happened"


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_digits_below_a_microsecond_are_dropped_and_never_rounded(tmp_path: Path, zone: str | None) -> None:
    second = 1_000_000_000
    at = pa.array([1_751_533_200 * second - 1, 1_751_533_200 * second + 1_999, 999, -1], pa.timestamp("ns", zone))
    _write_log(tmp_path / "log.parquet", at=at, opened=pa.array(["2025-07-03T08:00Z"] * 4))
    source = log_source(tmp_path, files="log.parquet", columns={**COLUMNS, "intake_ts": "opened"})
    assert [row["event_ts"] for row in events_of(source)] == [
        datetime(2025, 7, 3, 8, 59, 59, 999_999), datetime(2025, 7, 3, 9, 0, 0, 1), datetime(1970, 1, 1)
    ]
    assert "'1969-12-31T23:59:59.999999" in rejected_of(source)[4]["reason"], "before 1970 too: towards the past"


def test_whole_numbers_are_the_same_text_whether_a_column_has_gaps_or_not(tmp_path: Path) -> None:
    """pandas writes a column of integers with a gap as floating-point numbers."""
    _write_log(tmp_path / "1.parquet", number=pa.array([1001, -7], pa.int64()), state=pa.array([1, 2]), who=pa.array([5, 5]))
    _write_log(
        tmp_path / "2.parquet",
        number=pa.array([1001.0, None, float("nan"), 2.0**53]),
        state=pa.array([2.0, 2.0, 2.0, 1.0], pa.float32()),
        who=pa.array([None, None, None, 2.5]),
    )
    source = log_source(
        tmp_path, files="?.parquet", columns={**COLUMNS, "agent": "who"}, statuses={"1": "INTAKE", "2": "RESOLVED"}
    )
    assert {row["case_id"]: row["agent"] for row in cases_of(source).values()} == {"-7": "5", "1001": None, "9007199254740992": "2.5"}
    assert [row["status"] for row in events_of(source) if row["case_id"] == "1001"] == ["INTAKE", "RESOLVED"]
    assert [row["reason"] for row in rejected_of(source).values()] == ["column number: no case id"] * 2


@pytest.mark.parametrize("field", ["case_id", "event_id"])
@pytest.mark.parametrize(
    ("kind", "number", "shown"),
    [
        (pa.float64(), 1001.5, "1001.5"),
        (pa.float64(), 2.0**53 + 2, "9007199254740994.0"),
        (pa.float64(), 123456789012345678.0, "1.2345678901234568e+17"),
        (pa.float64(), float("-inf"), "-inf"),
        (pa.float32(), 2.0**24 + 2, "16777218.0"),
    ],
)
def test_an_id_that_may_have_been_rounded_is_rejected(
    tmp_path: Path, field: str, kind: pa.DataType, number: float, shown: str
) -> None:
    _write_log(tmp_path / "log.parquet", number=pa.array([1001.0, number], kind))
    columns = COLUMNS if field == "case_id" else {**COLUMNS, "case_id": "state", "event_id": "number"}
    source = log_source(tmp_path, files="log.parquet", columns=columns)
    assert source.counts().used_rows == 1
    assert (rejected_of(source)[2]["field"], rejected_of(source)[2]["reason"]) == (
        field,
        f"column number: an id in a column of floating-point numbers that is no exact whole number; found '{shown}'",
    )


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(4)])
def test_bytes_that_nobody_marked_as_text_are_read_as_utf_8(tmp_path: Path, kind: pa.DataType) -> None:
    number = pa.array(["Grü".encode(), "月a".encode()], kind)
    _write_log(tmp_path / "log.parquet", number=number, who=pa.array([None, "Mü".encode()]))
    source = log_source(tmp_path, files="log.parquet", columns={**COLUMNS, "agent": "who"})
    assert {case: row["agent"] for case, row in cases_of(source).items()} == {"Grü": None, "月a": "Mü"}


def test_bytes_that_are_no_text_reject_their_record_where_the_column_is_mapped(tmp_path: Path) -> None:
    columns = {**COLUMNS, "agent": "who"}
    _write_log(
        tmp_path / "log.parquet",
        number=pa.array([b"A", b"A\xff", b"A", b"A\x00"]),
        who=pa.array([None, b"Bo", b"M\xfc", b"Bo"]),
        attachment=pa.array([b"\x89PNG", None, b"\xff", b"\xff"]),
    )
    source = log_source(tmp_path, files="log.parquet", columns=columns)
    assert [row["event_id"] for row in events_of(source)] == ["A#0001"]
    assert {number: (row["field"], row["reason"]) for number, row in rejected_of(source).items()} == {
        2: ("case_id", "column number holds bytes that are not UTF-8; found 'A\\xFF'"),
        3: ("agent", "column who holds bytes that are not UTF-8; found 'M\\xFC'"),
        4: ("case_id", "column number holds a NUL character"),
    }


def test_a_parquet_date_is_no_instant_unless_the_format_says_midnight(tmp_path: Path) -> None:
    _write_log(tmp_path / "log.parquet", at=pa.array([date(2025, 7, 3)]))
    zone = "Europe/Rome"
    rejected = rejected_of(log_source(tmp_path, files="log.parquet", time={"timezone": zone}))
    assert rejected[1]["reason"] == "column at: expected an ISO 8601 date and time; found '2025-07-03'"
    said = log_source(tmp_path, files="log.parquet", time={"format": "%Y-%m-%d", "timezone": zone})
    assert events_of(said)[0]["event_ts"] == datetime(2025, 7, 2, 22)


def test_a_glob_reads_its_files_in_name_order_as_one_log(tmp_path: Path) -> None:
    (tmp_path / "2.csv").write_text(log_text(["A,Done,2025-03-03T09:00Z"]))
    (tmp_path / "1.csv").write_text(log_text(["A,New,2025-03-03T08:00Z", "A,Active,2025-03-03T08:30Z"]))
    source = log_source(tmp_path, files=["[0-9].csv", "1.csv"])
    assert [row["source_status"] for row in events_of(source)] == ["New", "Active", "Done"], "each file once, by name"


def test_numbers_in_file_names_count_as_numbers(tmp_path: Path) -> None:
    names = ["a2/log_9.csv", "a2/log_10.csv", "a10/log_1.csv", "a10/log_1b.csv", "a10/log_01.csv"]
    for number, name in enumerate(names):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(log_text([f"{number},New,2025-03-03T08:00Z"]))
    found = find_log_files(log_settings(files="*/log_*.csv"), tmp_path)
    assert [str(file.path.relative_to(tmp_path)) for file in found] == [
        "a2/log_9.csv", "a2/log_10.csv", "a10/log_01.csv", "a10/log_1.csv", "a10/log_1b.csv",
    ]


def test_files_with_the_mapped_columns_in_another_order_are_one_log(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text(log_text(["A,New,2025-03-03T08:00Z"]))
    (tmp_path / "2.csv").write_text(log_text(["note,2025-03-03T09:00Z,A,Done"], "extra,at,number,state"))
    source = log_source(tmp_path, files="?.csv")
    assert [row["source_status"] for row in events_of(source)] == ["New", "Done"]


def test_files_are_found_relative_to_the_config_directory_and_by_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a[1].csv").write_text(TWO_CASES)
    monkeypatch.setenv("DESK_LOGS", str(tmp_path / "logs"))
    by_variable = log_source(tmp_path, files="${DESK_LOGS}/a[1].csv")
    monkeypatch.delenv("DESK_NOTHING", raising=False)
    by_default = log_source(tmp_path, files="${DESK_NOTHING:-logs}/a[1].csv")
    assert by_variable.counts() == by_default.counts() == SourceCounts(4, 4, 0, 2, 2)


@pytest.mark.parametrize(
    ("content", "csv"),
    [
        pytest.param(TWO_CASES.replace("\n", "\r\n"), {}, id="carriage returns"),
        pytest.param("\ufeff" + TWO_CASES, {}, id="byte order mark"),
        pytest.param(TWO_CASES.rstrip("\n"), {}, id="no last line end"),
        pytest.param("\n\r\n" + TWO_CASES.replace("\n", "\n\n"), {}, id="blank lines"),
        pytest.param(TWO_CASES.replace(",", "\t"), {"delimiter": "\t"}, id="tabs"),
        pytest.param(TWO_CASES.encode("utf-16"), {"encoding": "utf-16"}, id="utf-16"),
        pytest.param(TWO_CASES.replace("A,", '"A",'), {}, id="quoted"),
        pytest.param(
            TWO_CASES.replace("A,", '"A, the ""first""\nand\r\n""only""",'), {}, id="quoted with everything in it"
        ),
        pytest.param(TWO_CASES.replace("A,", "'A',"), {"quote": "'"}, id="single quotes"),
    ],
)
def test_a_csv_file_may_be_written_in_many_ways(tmp_path: Path, content: str | bytes, csv: dict[str, str]) -> None:
    source = log_source(tmp_path, content, csv=csv)
    assert source.counts() == SourceCounts(rows=4, used_rows=4, rejected_rows=0, cases=2, used_cases=2)


def test_without_quoting_a_quote_is_a_letter(tmp_path: Path) -> None:
    source = log_source(
        tmp_path, log_text(['5" pipe,New,2025-03-03T08:00Z', 'A "b,New,2025-03-03T08:00Z']), csv={"quote": ""}
    )
    assert set(cases_of(source)) == {'5" pipe', 'A "b'}


def test_row_numbers_are_those_of_a_spreadsheet(tmp_path: Path) -> None:
    text = log_text(["A,New,2025-03-03T08:00Z", "", '"B\nx",oops,2025-03-03T08:00Z', "C,oops,2025-03-03T08:00Z"])
    rejected = rejected_of(log_source(tmp_path, text))
    assert {number: row["case_id"] for number, row in rejected.items()} == {4: "B\nx", 5: "C"}
    assert json.loads(rejected[5]["record"]) == {"number": "C", "state": "oops", "at": "2025-03-03T08:00Z"}
    assert rejected[5]["file"] == str(tmp_path / "log.csv")


# ---------------------------------------------------------------- states and identity


def test_a_changed_record_changes_exactly_the_digest_of_its_intake_date(tmp_path: Path) -> None:
    before = digests_of(log_source(tmp_path, TWO_CASES))
    grown = TWO_CASES.replace("A,Active", "A,Waiting,2025-03-03T08:30Z\nA,Active")
    after = digests_of(log_source(tmp_path, grown))
    assert set(before) == set(after) == {"2025-03-03", "2025-03-04"}
    assert before["2025-03-03"] != after["2025-03-03"]
    assert before["2025-03-04"] == after["2025-03-04"], "rows moved down the file, but they say what they said"


def test_every_field_that_is_answered_is_part_of_the_digest(tmp_path: Path) -> None:
    header = "number,state,at,written,opened,solved,shut,kept,group,who,level,kind,prio,topic"
    fields = {
        "ingestion_ts": "written",
        "intake_ts": "opened",
        "resolved_ts": "solved",
        "closed_ts": "shut",
        "sla_met": "kept",
        "team": "group",
        "agent": "who",
        "tier": "level",
        "case_type": "kind",
        "priority": "prio",
        "category": "topic",
    }
    stamp = "2025-03-03T08:00Z"
    row = ["A", "New", stamp, stamp, stamp, stamp, stamp, "true", "g", "w", "l", "k", "p", "t"]
    settings = {"columns": {**COLUMNS, **fields}, "statuses": {**STATUSES, "Fresh": "INTAKE"}}
    found = []
    for column in range(1, len(row) + 1):
        changed = list(row)
        if column < len(row):
            changed[column] = {"New": "Fresh", stamp: "2025-03-03T08:01Z", "true": "false"}.get(row[column], "other")
        log = log_source(tmp_path / str(column), log_text([",".join(changed)], header), **settings)
        found.append(digests_of(log)["2025-03-03"])
    assert len(set(found)) == len(row), "thirteen changes and the unchanged row"


@pytest.mark.parametrize("column", ["group", "who"])
def test_who_held_an_earlier_event_is_part_of_the_digest(tmp_path: Path, column: str) -> None:
    settings = {"columns": {**COLUMNS, "team": "group", "agent": "who"}}
    found = set()
    for value in ("red", "blue"):
        first = ["A,New,2025-03-03T08:00Z", *("same" if name != column else value for name in ("group", "who"))]
        text = log_text([",".join(first), "A,Done,2025-03-03T09:00Z,last,last"], "number,state,at,group,who")
        found.add(digests_of(log_source(tmp_path / value, text, **settings))["2025-03-03"])
    assert len(found) == 2


def test_the_digest_as_of_an_instant_covers_what_is_visible_then(tmp_path: Path) -> None:
    source = log_source(tmp_path, TWO_CASES)
    monday, tuesday = datetime(2025, 3, 3, 23), datetime(2025, 3, 4, 23)
    assert set(digests_of(source, monday)) == {"2025-03-03"}
    assert digests_of(source, tuesday)["2025-03-03"] == digests_of(source, monday)["2025-03-03"]
    assert digests_of(source, EVER)["2025-03-03"] != digests_of(source, tuesday)["2025-03-03"]


def test_partition_states_count_what_the_source_yields(tmp_path: Path) -> None:
    source = log_source(tmp_path, TWO_CASES)
    states = source.partition_states(whole(source), EVER).to_pylist()
    assert [(row["intake_date"], row["cases"], row["events"]) for row in states] == [
        (date(2025, 3, 3), 1, 3),
        (date(2025, 3, 4), 1, 1),
    ]


def test_states_are_the_same_however_many_events_are_digested_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = log_source(tmp_path, TWO_CASES).partition_states(whole(log_source(tmp_path, TWO_CASES)), EVER)
    monkeypatch.setattr("opsla_dagster.sources.event_log.source._DIGESTED_AT_ONCE", 3)
    source = log_source(tmp_path, TWO_CASES)
    assert len(list(source._parts(whole(source), 3))) == 2
    assert source.partition_states(whole(source), EVER).equals(at_once)
    assert source.partition_states(Window(date(2030, 1, 1), date(2030, 1, 2)), EVER).num_rows == 0


def test_a_date_too_large_for_memory_is_digested_slice_by_slice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"case {number},{state},2025-03-0{3 + number % 2}T{hour:02}:00" for number in range(40) for state, hour in (("New", 9), ("Done", 11))]
    text = log_text(rows)
    at_once = log_source(tmp_path, text)
    counted = [(row["intake_date"], row["cases"], row["events"]) for row in at_once.partition_states(whole(at_once), EVER).to_pylist()]
    monkeypatch.setattr("opsla_dagster.sources.event_log.source._DIGESTED_AT_ONCE", 20)
    large = log_source(tmp_path, text)
    states = large.partition_states(whole(large), EVER).to_pylist()
    assert [(row["intake_date"], row["cases"], row["events"]) for row in states] == counted == [
        (date(2025, 3, 3), 20, 40), (date(2025, 3, 4), 20, 40),
    ]  # fmt: skip
    assert digests_of(large, datetime(2025, 3, 3, 10)).keys() == {"2025-03-03"}
    again = log_source(tmp_path, text)
    assert digests_of(again) == {row["intake_date"].isoformat(): row["digest"] for row in states}
    more = log_source(tmp_path, text + "case 7,Shut,2025-03-05T12:00\n")
    assert digests_of(more)["2025-03-03"] == states[0]["digest"]
    assert digests_of(more)["2025-03-04"] != states[1]["digest"]


@takes_minutes
def test_one_record_again_and_again_is_read_within_the_limit_of_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither all columns of a case's records nor the texts of its digest are in memory at once."""
    monkeypatch.setenv("OPSLA_MEMORY_LIMIT", "150MB")
    source = log_source(tmp_path, "number,state,at\n" + "1,New,2025-03-03T09:00\n" * 300_000)
    (state,) = source.partition_states(whole(source), EVER).to_pylist()
    assert (state["cases"], state["events"]) == (1, 300_000)


@takes_minutes
def test_a_date_of_many_cases_is_read_within_the_limit_of_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Range by range of its cases: what is held for each case, or for its order, never is for all of them."""
    monkeypatch.setattr("opsla_dagster.sources.event_log.source._READ_AT_ONCE", 20_000)
    states = ("New", "Seen", "Active", "Done")
    records = (f"{number},{state},2025-03-03T{9 + hour:02}:00\n" for number in range(30_000) for hour, state in enumerate(states))
    source = log_source(tmp_path, "number,state,at\n" + "".join(records), statuses={**STATUSES, "Seen": "TRIAGE"})
    window = whole(source)
    monkeypatch.setenv("OPSLA_MEMORY_LIMIT", "90MB")
    source = log_source(tmp_path, None, statuses={**STATUSES, "Seen": "TRIAGE"})
    read = {what: sum(batch.num_rows for batch in source.batches(what, window, EVER) or []) for what in ("cases", "events")}
    assert read == {"cases": 30_000, "events": 120_000}


def test_what_does_not_fit_into_the_limit_of_memory_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSLA_MEMORY_LIMIT", "20MB")
    source = log_source(tmp_path, "number,state,at\n" + "1,New,2025-03-03T09:00\n" * 100_000)
    with pytest.raises(OpslaError, match=r"^source desk_log: its rows do not fit into the memory that OPSLA_MEMORY_LIMIT allows.*; allow more, or free some space$"):
        source.rejected_rows()


@pytest.mark.parametrize("what", ["cases", "events", "messages", "attribute_changes", "source_facts", "applied_targets"])
def test_what_is_read_in_pieces_is_what_is_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    header = "number,state,at,prio,region"
    states = ["New", "Said", "Active", "Done"]
    rows = [f"case {number},{state},2025-03-03T{9 + place:02}:{number:02},P{place % 2},{number % 3}" for number in range(50) for place, state in enumerate(states)]
    overrides: dict[str, Any] = {
        "statuses": {**STATUSES, "Said": "CUSTOMER_MESSAGE"}, "columns": {**COLUMNS, "priority": "prio"}, "dimensions": {"block": "region"},
    }  # fmt: skip
    source = log_source(tmp_path, log_text(rows, header), **overrides)
    assert source.batches(what, whole(source), EVER) is None, "it fits"
    at_once = getattr(source, what)(whole(source), EVER)
    monkeypatch.setattr("opsla_dagster.sources.event_log.source._READ_AT_ONCE", 10)
    monkeypatch.setattr("opsla_dagster.sources.event_log.source._PIECE_ROWS", 2_048)
    reader = Desk([source, source]).in_batches(what, whole(source), EVER)
    assert reader is not None
    read = reader.read_all()
    assert read.schema == at_once.schema
    assert read.equals(pa.concat_tables([at_once, at_once]))
    assert source.batches(what, Window(date(2025, 3, 4), date(2025, 3, 5)), EVER) is None, "a date without rows fits"


def test_the_fingerprint_is_that_of_the_mapping_alone(tmp_path: Path) -> None:
    source = log_source(tmp_path, TWO_CASES)
    grown = log_source(tmp_path, TWO_CASES + "C,New,2025-04-01T08:00Z\n", start="2024-01-01")
    assert source.fingerprint() == grown.fingerprint()
    other_words = log_source(tmp_path, statuses={**STATUSES, "Waiting": "ON_HOLD"})
    other_days = log_source(tmp_path, zone="Asia/Kathmandu")
    turned = log_source(tmp_path, newest_first=True)
    assert len({source.fingerprint(), other_words.fingerprint(), other_days.fingerprint(), turned.fingerprint()}) == 4


def test_the_order_of_the_statuses_does_not_matter_to_the_fingerprint(tmp_path: Path) -> None:
    turned = dict(reversed(STATUSES.items()))
    assert log_source(tmp_path, TWO_CASES, statuses=turned).fingerprint() == log_source(tmp_path).fingerprint()


def test_a_status_and_a_column_that_name_different_authors_are_counted(tmp_path: Path) -> None:
    """The status decides what clocks make of it, and the author is who the log says."""
    rows = ["A,New,2025-03-03T08:00Z,", "A,Auto,2025-03-03T09:00Z,agent", "A,Asked,2025-03-03T10:00Z,agent", "A,Asked,2025-03-03T11:00Z,client"]
    source = log_source(
        tmp_path, log_text(rows, "number,state,at,by"), columns={**COLUMNS, "author_kind": "by"},
        statuses={**STATUSES, "Auto": "BOT_REPLY", "Asked": "CUSTOMER_MESSAGE"}, author_kinds={"agent": "person", "client": "customer"},
    )  # fmt: skip
    messages = source.messages(source.window(), EVER).to_pylist()
    assert [(row["signal"], row["author_kind"]) for row in messages] == [
        ("BOT_REPLY", "person"), ("CUSTOMER_MESSAGE", "person"), ("CUSTOMER_MESSAGE", "customer"),
    ]
    assert [note.split(": clocks")[0] for note in source.reading_notes(EVER) if "columns.author_kind" in note] == [
        "warning: 1 record is BOT_REPLY by columns.status and by a person by columns.author_kind",
        "warning: 1 record is CUSTOMER_MESSAGE by columns.status and by a person by columns.author_kind",
    ]
