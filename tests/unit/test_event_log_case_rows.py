"""One row a case: what its stamps and its status become, which row of a case counts, and what is refused or rejected.

Rules: docs/decisions/0020-one-row-a-case.md.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from event_log_desk import EVER, cases_of, digests_of, events_of, log_source, log_text, rejected_of, whole

from opsla_dagster.errors import OpslaError
from opsla_dagster.sources.event_log import EventLogSource, SourceCounts

HEADER = "id,state,opened,replied,assigned,solved,reopened,shut,changed"
SETTINGS: dict[str, Any] = {
    "form": "cases",
    "columns": {"case_id": "id", "status": "state"},
    "milestones": {
        "opened": "INTAKE", "replied": "PUBLIC_REPLY", "assigned": "ASSIGNED", "solved": "RESOLVED", "reopened": "REOPENED", "shut": "CLOSED",
    },
    "statuses": {
        "Open": "INTAKE", "Working": "INVESTIGATION", "Waiting": "CUSTOMER_WAIT", "Solved": "RESOLVED", "Closed": "CLOSED",
        "Cancelled": "CANCELLED", "Merged": "MERGED", "Spam": "IGNORE",
    },
}  # fmt: skip


def source_of(directory: Path, rows: list[str], header: str = HEADER, **overrides: Any) -> EventLogSource:
    return log_source(directory, log_text(rows, header), **{**SETTINGS, **overrides})


def row(case: str = "A", state: str = "", **stamps: str) -> str:
    """A row whose stamps are hours of 2025-03-03, such as solved="12"."""
    cells = {name: f"2025-03-03T{hour}:00Z" for name, hour in stamps.items()}
    return ",".join([case, state, *(cells.get(name, "") for name in HEADER.split(",")[2:])])


def told(source: EventLogSource) -> list[tuple[object, ...]]:
    """(event id, status, hour of event_ts, hour of ingestion_ts, is_reopen)."""
    return [
        (each["event_id"], each["status"], each["event_ts"] and each["event_ts"].hour, each["ingestion_ts"].hour, each["is_reopen"])
        for each in events_of(source)
    ]


def test_the_worked_case_of_the_decision_record(tmp_path: Path) -> None:
    """docs/decisions/0020-one-row-a-case.md, with the same numbers."""
    rows = [
        row("1", "Closed", opened="08", replied="09", solved="10", changed="12"), row("2", "Open", opened="08", changed="08"),
        row("3", "Cancelled", opened="08", solved="10", changed="10"), row("4", "Cancelled", opened="08", replied="09", changed="11"),
        row("5", "Working", opened="08", solved="10", changed="12"), row("6", "Closed", opened="08", replied="09", changed="12"),
        row("2", "Waiting", opened="08", changed="09"), row("2", "Open", opened="07", changed="07"),
    ]  # fmt: skip
    source = source_of(tmp_path, rows, columns={**SETTINGS["columns"], "updated_ts": "changed"})
    assert told(source) == [
        ("1#opened", "INTAKE", 8, 8, False), ("1#solved", "RESOLVED", 10, 10, False), ("2#opened", "INTAKE", 8, 8, False),
        ("2#state", "CUSTOMER_WAIT", 9, 9, False), ("3#opened", "INTAKE", 8, 8, False), ("3#solved", "CANCELLED", 10, 10, False), ("4#opened", "INTAKE", 8, 8, False),
        ("4#state", "CANCELLED", 11, 11, False), ("5#opened", "INTAKE", 8, 8, False), ("5#solved", "RESOLVED", 10, 10, False),
        ("5#state", "INVESTIGATION", None, 12, True),
    ]  # fmt: skip
    assert {each["message_id"] for each in source.messages(whole(source), EVER).to_pylist()} == {"1#replied", "4#replied"}
    assert {number: each["field"] for number, each in rejected_of(source).items()} == {7: "status", 9: "case_id"}
    assert source.counts() == SourceCounts(rows=8, used_rows=5, rejected_rows=2, cases=6, used_cases=5, superseded_rows=1)


def test_stamps_become_statuses_and_messages_and_an_open_case_stays_open(tmp_path: Path) -> None:
    source = source_of(tmp_path, [row("A", "Closed", opened="08", replied="09", solved="10", shut="12"), row("B", "Open", opened="09")])
    assert told(source) == [
        ("A#opened", "INTAKE", 8, 8, False), ("A#solved", "RESOLVED", 10, 10, False), ("A#shut", "CLOSED", 12, 12, False),
        ("B#opened", "INTAKE", 9, 9, False),
    ]  # fmt: skip
    (reply,) = source.messages(whole(source), EVER).to_pylist()
    assert (reply["message_id"], reply["signal"], reply["sent_ts"].hour, reply["agent"]) == ("A#replied", "PUBLIC_REPLY", 9, None)
    assert source.counts() == SourceCounts(rows=2, used_rows=2, rejected_rows=0, cases=2, used_cases=2)


def test_stamps_out_of_order_are_kept_and_make_no_reopen(tmp_path: Path) -> None:
    """Solved before it was opened, assigned after it was solved: the stamps are told as they are."""
    source = source_of(tmp_path, [row("A", "Closed", opened="10", solved="09", assigned="11")])
    assert told(source) == [("A#opened", "INTAKE", 10, 10, False), ("A#assigned", "ASSIGNED", 11, 11, False), ("A#solved", "RESOLVED", 9, 9, False)]
    assert cases_of(source)["A"]["intake_ts"] == datetime(2025, 3, 3, 10)


def test_a_stamp_of_a_reopen_stands_among_the_ends_by_its_instant(tmp_path: Path) -> None:
    open_again = source_of(tmp_path / "1", [row("A", "Working", opened="08", solved="09", reopened="10")])
    assert told(open_again)[1:] == [("A#solved", "RESOLVED", 9, 9, False), ("A#reopened", "REOPENED", 10, 10, True)]
    over = source_of(tmp_path / "2", [row("A", "Closed", opened="08", solved="11", reopened="10")])
    assert told(over)[1:] == [("A#reopened", "REOPENED", 10, 10, True), ("A#solved", "RESOLVED", 11, 11, False)]
    assert over.reading_notes(EVER)[1:2] == [
        "1 case was reopened (reopened) before the first end that the row has a stamp of: the end before the reopen is not in the log, clocks run "
        "to the later one, and the reopen is counted"
    ]
    assert not any("was reopened" in note for note in open_again.reading_notes(EVER))


@pytest.mark.parametrize("state", ["Cancelled", "Merged"])
def test_an_end_without_a_solution_takes_the_stamps_of_an_end(tmp_path: Path, state: str) -> None:
    source = source_of(tmp_path, [row("A", state, opened="08", solved="10", shut="11")])
    assert [event[:3] for event in told(source)[1:]] == [("A#solved", state.upper(), 10), ("A#shut", state.upper(), 11)]


def test_a_cancelled_case_without_a_stamp_of_its_end_ends_when_it_was_changed_last(tmp_path: Path) -> None:
    rows = [row("A", "Cancelled", opened="08", replied="09", changed="11"), row("B", "Cancelled", opened="08", replied="09")]
    source = source_of(tmp_path, rows, columns={**SETTINGS["columns"], "updated_ts": "changed"})
    assert told(source) == [
        ("A#opened", "INTAKE", 8, 8, False), ("A#state", "CANCELLED", 11, 11, False),
        ("B#opened", "INTAKE", 8, 8, False), ("B#state", "CANCELLED", None, 9, False),
    ]  # fmt: skip
    assert any(note.startswith("1 case ended cancelled or merged at a time the log does not give") for note in source.reading_notes(EVER))


def test_a_case_that_is_over_without_a_stamp_of_its_end_is_rejected(tmp_path: Path) -> None:
    """It is neither open nor has it an end that a clock could be judged by."""
    source = source_of(tmp_path, [row("A", "Closed", opened="08", replied="09"), row("B", "Solved", opened="08", solved="09", reopened="10")])
    assert {number: (each["field"], each["reason"]) for number, each in rejected_of(source).items()} == {
        2: ("status", "column state says that the case has ended, and the stamp of an end is missing (solved, shut); found 'Closed'"),
        3: ("status", "column state says that the case has ended, and the stamp of an end is missing (solved, shut); found 'Solved'"),
    }


def test_a_case_that_stands_open_after_its_end_is_open_again(tmp_path: Path) -> None:
    rows = [row("A", "Working", opened="08", solved="10", changed="12"), row("B", "Open", opened="08", solved="10")]
    source = source_of(tmp_path, rows, columns={**SETTINGS["columns"], "updated_ts": "changed"})
    reopens = [event for event in told(source) if event[4]]
    assert reopens == [("A#state", "INVESTIGATION", None, 12, True), ("B#state", "REOPENED", None, 10, True)]
    assert any(note.startswith("2 cases stand open although the log has the timestamp of an end") for note in source.reading_notes(EVER))


def test_an_open_case_stands_in_its_status_from_the_last_change_of_its_row_on(tmp_path: Path) -> None:
    """When it began nobody knows; that it stood so at the last change is certain. INTAKE and the stamp of a reopen tell no more than is told."""
    rows = [
        row("A", "Waiting", opened="08", replied="09", changed="11"), row("B", "Open", opened="08", changed="11"),
        row("C", "Working", opened="08", assigned="10", changed="09"), row("D", "Again", opened="08", solved="09", reopened="10", changed="11"),
        row("E", "Again", opened="08", changed="11"), row("F", "Waiting", opened="08"),
    ]  # fmt: skip
    statuses = {**SETTINGS["statuses"], "Again": "REOPENED"}
    source = source_of(tmp_path, rows, columns={**SETTINGS["columns"], "updated_ts": "changed"}, statuses=statuses)
    assert [each for each in told(source) if each[0].endswith("#state")] == [
        ("A#state", "CUSTOMER_WAIT", 11, 11, False), ("C#state", "INVESTIGATION", 10, 10, False), ("E#state", "REOPENED", 11, 11, True),
    ]  # fmt: skip
    assert [each["status"] for each in events_of(source, datetime(2025, 3, 3, 10)) if each["case_id"] == "A"] == ["INTAKE"]
    notes = source.reading_notes(EVER)
    assert (
        "3 open cases have their status from column state: it counts from the row's last change on (changed); it may have begun earlier, which the log "
        "does not say"
    ) in notes
    assert (
        "warning: 1 open case is not in the status of column state, but in that of the last timestamp: column changed is empty, so nothing says since "
        "when, and one that waits for the customer counts as waiting for us"
    ) in notes


def test_without_a_stamp_of_the_last_change_an_open_case_stands_where_its_stamps_left_it(tmp_path: Path) -> None:
    source = source_of(tmp_path, [row("A", "Waiting", opened="08"), row("B", "Working", opened="08")])
    assert [each[1] for each in told(source)] == ["INTAKE", "INTAKE"]
    assert (
        "warning: 2 open cases are not in the status of column state, but in that of the last timestamp: no column says when a row was changed last "
        "(columns.updated_ts), so nothing says since when, and one that waits for the customer counts as waiting for us"
    ) in source.reading_notes(EVER)


def test_without_a_status_column_a_case_without_an_end_is_open(tmp_path: Path) -> None:
    source = source_of(tmp_path, [row("A", "?", opened="08"), row("B", "?", opened="08", solved="09")], columns={"case_id": "id"}, statuses={})
    assert [event[1] for event in told(source)] == ["INTAKE", "INTAKE", "RESOLVED"]


@pytest.mark.parametrize(
    ("cells", "field", "reason"),
    [
        ("A,Open,,,,,,,", "milestones", "column opened: no stamp, so nothing says when the case came in"),
        ("A,Closed,2025-03-03T08:00Z,,,2025-03-04,,,", "milestones", "column solved: expected an ISO 8601 date and time; found '2025-03-04'"),
        ("A,Odd,2025-03-03T08:00Z,,,,,,", "status", "column state: a status that sources.yml does not map; found 'Odd'"),
        (",Open,2025-03-03T08:00Z,,,,,,", "case_id", "column id: no case id"),
        ("A,Open,2024-03-03T08:00Z,,,,,,", "intake_ts", "the intake date 2024-03-03 lies before desk.start_date 2025-01-01"),
    ],
)
def test_a_row_that_cannot_be_used_says_why(tmp_path: Path, cells: str, field: str, reason: str) -> None:
    (rejected,) = rejected_of(source_of(tmp_path, [cells])).values()
    assert (rejected["field"], rejected["reason"]) == (field, reason)


# ---------------------------------------------------------------- several rows of a case


def test_of_several_rows_of_a_case_the_last_one_counts(tmp_path: Path) -> None:
    (tmp_path / "2.csv").write_text(log_text([row("A", "Closed", opened="08", solved="09"), row("B", "Open", opened="08")], HEADER))
    source = source_of(tmp_path, [row("A", "Open", opened="08")], files=["log.csv", "2.csv"])
    assert [event[0] for event in told(source)] == ["A#opened", "A#solved", "B#opened"]
    assert source.counts() == SourceCounts(rows=3, used_rows=2, rejected_rows=0, cases=2, used_cases=2, superseded_rows=1)
    assert source.reading_notes(EVER)[0] == "3 records read, 2 used, 0 rejected, 1 replaced by a later row of their case"
    assert "rows that a later row of their case replaces are of 1 case: A" in source.reading_notes(EVER)


def test_of_replaced_rows_the_cases_are_named_and_those_whose_stamps_were_other_ones(tmp_path: Path) -> None:
    earlier = [row("A", "Closed", opened="08", solved="09"), row("B", "Closed", opened="08", solved="10"), *(row(case, "Open", opened="08") for case in "CDEF")]
    later = [row("A", "Closed", opened="08", solved="11"), row("B", "Open", opened="08"), *(row(case, "Closed", opened="08", solved="12") for case in "CDEF")]
    notes = source_of(tmp_path, earlier + later).reading_notes(EVER)
    assert [note for note in notes if note.startswith("rows that")] == [
        "rows that a later row of their case replaces are of 6 cases: A, B, C, D, E and 1 more; the last row tells a stamp otherwise, or no more, of 2 cases: A, B",
    ]
    assert not any(note.startswith("rows that") for note in source_of(tmp_path / "once", later).reading_notes(EVER))


def test_the_row_that_was_changed_last_beats_the_order_of_the_file(tmp_path: Path) -> None:
    rows = [row("A", "Closed", opened="08", solved="09", changed="09"), row("A", "Open", opened="08", changed="08")]
    source = source_of(tmp_path, rows, columns={**SETTINGS["columns"], "updated_ts": "changed"})
    assert [event[1] for event in told(source)] == ["INTAKE", "RESOLVED"]


def test_two_openings_of_one_id_are_two_cases_and_one_is_rejected(tmp_path: Path) -> None:
    source = source_of(tmp_path, [row("A", "Open", opened="08"), row("A", "Open", opened="09")])
    (rejected,) = rejected_of(source).values()
    assert (rejected["row_number"], rejected["reason"]) == (2, "row 3 has the same case id and another opening: one of both is another case")
    assert cases_of(source)["A"]["intake_ts"].hour == 9


def test_a_newer_row_that_cannot_be_read_leaves_the_older_one(tmp_path: Path) -> None:
    source = source_of(tmp_path, [row("A", "Open", opened="08"), "A,Closed,2025-03-03T08:00Z,,,soon,,,"])
    assert [event[1] for event in told(source)] == ["INTAKE"]
    assert list(rejected_of(source)) == [3]


# ---------------------------------------------------------------- an export that grows


def test_a_case_that_goes_on_keeps_its_events_and_changes_its_own_day(tmp_path: Path) -> None:
    other = "B,Open,2025-03-05T08:00Z,,,,,,"
    source = source_of(tmp_path, [row("A", "Open", opened="08", replied="09"), other])
    before, before_digests = told(source), digests_of(source)
    source = source_of(tmp_path, [other, row("A", "Closed", opened="08", replied="09", solved="10")])
    after, after_digests = told(source), digests_of(source)
    assert [event for event in after if event not in before] == [("A#solved", "RESOLVED", 10, 10, False)]
    assert {day for day, digest in after_digests.items() if before_digests[day] != digest} == {"2025-03-03"}


def test_a_case_that_is_reopened_loses_a_stamp_and_nothing_is_lost(tmp_path: Path) -> None:
    source_of(tmp_path, [row("A", "Closed", opened="08", solved="09"), row("A", "Closed", opened="08", solved="09")]).counts()
    assert [event[1] for event in told(source_of(tmp_path, [row("A", "Open", opened="08")]))] == ["INTAKE"]


def test_a_case_that_was_put_aside_is_not_lost(tmp_path: Path) -> None:
    source_of(tmp_path, [row("A", "Open", opened="08"), row("B", "Open", opened="08")]).counts()
    source = source_of(tmp_path, [row("A", "Spam", opened="08"), row("B", "Open", opened="08")])
    assert set(cases_of(source)) == {"B"}
    assert source.counts() == SourceCounts(rows=2, used_rows=1, rejected_rows=0, cases=2, used_cases=1, ignored_rows=1)


def test_a_case_that_is_gone_is_refused(tmp_path: Path) -> None:
    source_of(tmp_path, [row("A", "Open", opened="08"), row("B", "Open", opened="08")]).counts()
    with pytest.raises(OpslaError, match="1 cases of the log as it was last read are gone, B for one"):
        source_of(tmp_path, [row("A", "Open", opened="08"), row("A", "Open", opened="08")]).counts()


def test_a_stamp_that_is_yet_to_come_is_not_visible(tmp_path: Path) -> None:
    source = source_of(tmp_path, [row("A", "Closed", opened="08", replied="09", solved="11")])
    assert [event["status"] for event in events_of(source, datetime(2025, 3, 3, 10))] == ["INTAKE"]
    assert source.messages(whole(source), datetime(2025, 3, 3, 8)).num_rows == 0
    assert "1 event lies after 2025-03-03 10:00 UTC" in source.reading_notes(datetime(2025, 3, 3, 10))[-1]


# ---------------------------------------------------------------- what a row says of its case


def test_reopens_that_only_a_counter_knows_are_told(tmp_path: Path) -> None:
    header = "id,opened,solved,reopens"
    rows = ["A,2025-03-03T08:00Z,2025-03-03T09:00Z,2", "B,2025-03-03T08:00Z,2025-03-03T09:00Z,0", "C,2025-03-03T08:00Z,,", "D,2025-03-03T08:00Z,,many"]
    overrides = {"columns": {"case_id": "id", "reopen_count": "reopens"}, "statuses": {}, "milestones": {"opened": "INTAKE", "solved": "RESOLVED"}}
    source = source_of(tmp_path, rows, header, **overrides)
    assert rejected_of(source)[5]["reason"] == "column reopens: expected a number of reopens; found 'many'"
    assert source.reading_notes(EVER)[1] == (
        "1 case was reopened (reopens): the log has the timestamp of one resolution only, mostly the last (solved), and clocks run to it"
    )


def test_who_holds_a_case_and_where_it_went_is_known_of_the_case_alone(tmp_path: Path) -> None:
    header = "id,state,opened,solved,group,who,into,by"
    rows = ["1,Closed,2025-03-03T08:00Z,2025-03-03T09:00Z,red,ann,2,mail", "2,Open,2025-03-03T08:00Z,,blue,ben,,phone"]
    columns = {**SETTINGS["columns"], "team": "group", "agent": "who", "merged_into": "into", "initiated_by": "by"}
    source = source_of(
        tmp_path, rows, header, columns=columns, milestones={"opened": "INTAKE", "solved": "RESOLVED"}, case_id_prefix="IT-",
        initiators={"mail": "customer", "phone": "agent"},
    )  # fmt: skip
    found = {case: (each["team"], each["agent"], each["merged_into"], each["initiated_by"]) for case, each in cases_of(source).items()}
    assert found == {"IT-1": ("red", "ann", "IT-2", "customer"), "IT-2": ("blue", "ben", None, "agent")}
    assert [(each["status"], each["team"], each["agent"]) for each in events_of(source)] == [
        ("INTAKE", None, None), ("MERGED", None, None), ("INTAKE", None, None),
    ]
    assert source.attribute_changes(whole(source), EVER).num_rows == 0
    assert cases_of(source)["IT-1"]["intake_date"] == date(2025, 3, 3)


def test_stamps_of_a_repeated_hour_are_of_the_pass_that_keeps_their_order(tmp_path: Path) -> None:
    """In New York 01:00-02:00 comes twice on 2 November 2025: opened 01:50 and solved 01:10 is a case of 20 minutes over both passes."""
    rows = ["A,Closed,2025-11-02 01:50,2025-11-02 01:10", "B,Closed,2025-11-02 00:50,2025-11-02 01:10", "C,Closed,2025-11-01 09:00,2025-11-01 10:00"]
    source = source_of(
        tmp_path, rows, "id,state,opened,solved", milestones={"opened": "INTAKE", "solved": "RESOLVED"},
        time={"format": "iso", "timezone": "America/New_York"},
    )  # fmt: skip
    stamps = {each["event_id"]: each["event_ts"] for each in events_of(source)}
    assert (stamps["A#opened"], stamps["A#solved"]) == (datetime(2025, 11, 2, 5, 50), datetime(2025, 11, 2, 6, 10))
    assert (stamps["B#opened"], stamps["B#solved"]) == (datetime(2025, 11, 2, 4, 50), datetime(2025, 11, 2, 6, 10))
    notes = "\n".join(source.reading_notes(EVER))
    assert "2 stamps of an hour that America/New_York repeats: the order of the records tells which pass" in notes
    assert "warning: 1 stamp of an hour that America/New_York repeats" in notes


def test_a_date_and_a_time_of_two_columns_are_one_milestone(tmp_path: Path) -> None:
    rows = ["A,Closed,2025-03-03,08:00,2025-03-03,09:30"]
    source = source_of(tmp_path, rows, "id,state,day,hour,end day,end hour", milestones={"day + hour": "INTAKE", "end day + end hour": "RESOLVED"})
    assert [(each["status"], each["event_ts"]) for each in events_of(source)] == [
        ("INTAKE", datetime(2025, 3, 3, 8)), ("RESOLVED", datetime(2025, 3, 3, 9, 30)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("opened", "solved", "instants", "note"),
    [
        # New York, 2 November 2025: 01:00 to 02:00 comes twice, at 05:00 and 06:00 UTC.
        ("00:50", "01:30", (4, 6), "warning: 1 stamp"),
        ("01:40", "01:20", (5, 6), "2 stamps of an hour that America/New_York repeats: the order of the records tells which pass"),
        ("01:20", "01:40", (6, 6), "warning: 2 stamps"),
        ("01:40", "00:50", (6, 4), "warning: 1 stamp"),
    ],
)
def test_a_row_orders_its_opening_before_the_rest_and_no_more(
    tmp_path: Path, opened: str, solved: str, instants: tuple[int, int], note: str
) -> None:
    """The reply at 01:30 says nothing of the resolution: who answers first is not known, only that both follow the opening."""
    rows = [f"A,Closed,2025-11-02 {opened},,,2025-11-02 {solved},,,"]
    source = source_of(tmp_path, rows, time={"timezone": "America/New_York"})
    assert [each["event_ts"].hour for each in events_of(source)] == list(instants)
    assert any(each.startswith(note) for each in source.reading_notes(EVER)), source.reading_notes(EVER)


def test_stamps_beside_each_other_do_not_place_each_other(tmp_path: Path) -> None:
    """Reply 01:40 and resolution 01:20 of one row: nothing says which came first, so both are of the later pass, and counted."""
    rows = ["A,Closed,2025-11-02 00:30,2025-11-02 01:40,,2025-11-02 01:20,,,"]
    source = source_of(tmp_path, rows, time={"timezone": "America/New_York"})
    (reply,) = source.messages(whole(source), EVER).to_pylist()
    (_, solved) = events_of(source)
    assert (reply["sent_ts"], solved["event_ts"]) == (datetime(2025, 11, 2, 6, 40), datetime(2025, 11, 2, 6, 20))
    assert any(note.startswith("warning: 2 stamps of an hour that America/New_York repeats") for note in source.reading_notes(EVER))
