"""Audit logs, one row a changed field: instead of a status log, and beside one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from opsla_dagster.errors import OpslaError
from opsla_dagster.reporting.explain_future import not_yet_of
from opsla_dagster.settings.base import read_document
from opsla_dagster.settings.sources import EventLogSettings, SourcesSettings
from opsla_dagster.sources.event_log import EventLogSource
from opsla_dagster.sources.event_log.beside import AuditLogBeside

AS_OF_AT = datetime(2025, 7, 9)
#: Out of order, three changes of one minute, a comment, a field and a status that nobody mapped, an old value that was not told.
AUDIT = """Ticket,Changed at,Field,Old,New,Audit
E-1,2025-07-07 12:00,Group,front,back,12
E-1,2025-07-07 09:30,Group,,front,9
E-1,2025-07-07 09:30,Assignee,,ann,10
E-1,2025-07-07 10:00,State,New,Working,11
E-1,2025-07-07 12:00,Group,back,third,101
E-1,2025-07-07 15:00,State,Working,Solved,102
E-1,2025-07-07 16:00,Comment,,hello,103
E-2,2025-07-07 09:00,Priority,P3,P1,104
E-2,2025-07-07 10:00,Group,east,,105
E-2,2025-07-07 11:30,Colour,red,blue,107
E-2,2025-07-07 11:40,State,Odd,Solved,108
"""
SOURCE = {
    "name": "audit", "type": "event_log", "form": "changes", "files": "audit.csv", "time": {"format": "%Y-%m-%d %H:%M", "timezone": "UTC"},
    "columns": {"case_id": "Ticket", "event_ts": "Changed at", "event_id": "Audit", "field": "Field", "old_value": "Old", "new_value": "New"},
    "fields": {"State": "status", "Group": "team", "Assignee": "agent", "Priority": "priority", "Comment": "IGNORE"},
    "statuses": {"New": "INTAKE", "Working": "INVESTIGATION", "Solved": "RESOLVED"},
}
DESK = {"timezone": "UTC", "start_date": "2025-07-01"}


def settings_of(directory: Path, *sources: dict[str, object]) -> SourcesSettings:
    path = directory / "sources.yml"
    path.write_text(yaml.safe_dump({"desk": DESK, "sources": list(sources)}))
    return read_document(path, SourcesSettings)


def source_of(directory: Path, settings: SourcesSettings, number: int = 0) -> EventLogSource:
    chosen = settings.sources[number]
    assert isinstance(chosen, EventLogSettings)
    return EventLogSource(chosen, settings.desk, directory / "cache", directory)


def test_an_audit_log_instead_of_a_status_log(tmp_path: Path) -> None:
    (tmp_path / "audit.csv").write_text(AUDIT)
    source = source_of(tmp_path, settings_of(tmp_path, SOURCE))
    window = source.window()
    events = [(row["event_id"], row["status"], row["team"], row["agent"]) for row in source.events(window, AS_OF_AT).to_pylist()]
    assert events == [
        ("E-1#9.team", "INTAKE", "front", None), ("E-1#11.status", "INVESTIGATION", "front", "ann"),
        ("E-1#102.status", "RESOLVED", "third", "ann"), ("E-2#104.priority", "INTAKE", "east", None),
    ]
    changes = [(row["change_id"], row["previous_value"], row["value"]) for row in source.attribute_changes(window, AS_OF_AT).to_pylist()]
    assert changes == [
        ("E-1#9.team:team", None, "front"), ("E-1#10.agent:agent", None, "ann"), ("E-1#12.team:team", "front", "back"), ("E-1#101.team:team", "back", "third"),
        ("E-2#104.priority:priority", "P3", "P1"), ("E-2#105.team:team", "east", None),
    ]
    cases = {row["case_id"]: (row["team"], row["priority"]) for row in source.cases(window, AS_OF_AT).to_pylist()}
    assert cases == {"E-1": ("third", None), "E-2": (None, "P1")}
    rejected = {row["row_number"]: row["reason"] for row in source.rejected_rows().to_pylist()}
    assert set(rejected) == {11, 12}
    assert "'Colour'" in rejected[11]
    assert "'Odd'" in rejected[12]
    counts = source.counts()
    assert (counts.rows, counts.used_rows, counts.rejected_rows, counts.ignored_rows) == (11, 8, 2, 1)


@pytest.mark.parametrize(
    ("rows", "events"),
    [
        pytest.param(
            "T1,2025-07-07 09:00,Priority,,P1,1\nT1,2025-07-07 09:00,State,,New,2\nT1,2025-07-07 10:00,State,New,Working,3\n",
            [("2.status", "INTAKE", "New"), ("3.status", "INVESTIGATION", "Working")], id="the row of the creation is the opening",
        ),
        pytest.param(
            "T1,2025-07-07 09:00,Priority,,P1,1\nT1,2025-07-07 09:00,State,,Working,2\n",
            [("1.priority", "INTAKE", None), ("2.status", "INVESTIGATION", "Working")], id="created in another status",
        ),
        pytest.param(
            "T1,2025-07-07 09:00,Priority,,P1,1\nT1,2025-07-07 09:30,State,,New,2\n",
            [("1.priority", "INTAKE", None), ("2.status", "INTAKE", "New")], id="the status comes later",
        ),
        pytest.param(
            "T1,2025-07-07 09:00,Priority,,P1,1\nT1,2025-07-07 09:00,State,New,Working,2\nT1,2025-07-07 09:00,State,Working,New,3\n",
            [("1.priority", "INTAKE", "New"), ("2.status", "INVESTIGATION", "Working"), ("3.status", "INTAKE", "New")], id="back at the same instant",
        ),
        pytest.param(
            "T1,2025-07-07 09:00,Priority,,P1,1\nT1,2025-07-07 10:00,State,New,Working,2\n",
            [("1.priority", "INTAKE", "New"), ("2.status", "INVESTIGATION", "Working")], id="no row of the creation",
        ),
    ],
)
def test_an_opening_is_made_where_the_log_does_not_tell_it(tmp_path: Path, rows: str, events: list[tuple[str, str, str | None]]) -> None:
    (tmp_path / "audit.csv").write_text(f"{AUDIT.splitlines()[0]}\n{rows}")
    source = source_of(tmp_path, settings_of(tmp_path, SOURCE))
    found = source.events(source.window(), AS_OF_AT).to_pylist()
    assert [(row["event_id"].removeprefix("T1#"), row["status"], row["source_status"]) for row in found] == events
    assert {str(case["intake_ts"]) for case in source.cases(source.window(), AS_OF_AT).to_pylist()} == {"2025-07-07 09:00:00"}


#: One id per save: of two fields, and of two cases; and one record twice, of which the second tells another team.
SAVES = """Ticket,Changed at,Field,Old,New,Audit
T1,2025-07-07 09:00,State,New,Working,1
T1,2025-07-07 09:00,Group,,A,1
T1,2025-07-07 10:00,Group,A,C,2
T2,2025-07-07 08:30,Group,,A,7
T2,2025-07-07 10:00,Group,A,B,2
T2,2025-07-07 10:30,Group,B,D,2
T2,2025-07-07 11:00,State,New,Solved,3
"""


def test_one_audit_id_of_several_fields_and_cases_loses_no_change(tmp_path: Path) -> None:
    (tmp_path / "audit.csv").write_text(SAVES)
    source = source_of(tmp_path, settings_of(tmp_path, {**SOURCE, "case_id_prefix": "HD-"}))
    window = source.window()
    changes = [(row["change_id"], row["previous_value"], row["value"]) for row in source.attribute_changes(window, AS_OF_AT).to_pylist()]
    assert changes == [
        ("HD-T1#1.team:team", None, "A"), ("HD-T1#2.team:team", "A", "C"), ("HD-T2#7.team:team", None, "A"), ("HD-T2#2.team:team", "A", "B"),
    ]
    assert [row["row_number"] for row in source.rejected_rows().to_pylist()] == [7]


def test_what_two_exports_have_of_an_audit_log_makes_no_case_incomplete(tmp_path: Path) -> None:
    """The second export begins with what the first one ended with."""
    (tmp_path / "audit.csv").write_text(SAVES + SAVES.splitlines(keepends=True)[7])
    source = source_of(tmp_path, settings_of(tmp_path, SOURCE))
    found = [(row["row_number"], row["reason"], row["is_clock_relevant"]) for row in source.rejected_rows().to_pylist()]
    assert found[1] == (9, "an earlier record of the case and of the field status has the same event id 3", False)


def test_a_rejected_change_is_not_carried_on(tmp_path: Path) -> None:
    (tmp_path / "audit.csv").write_text(SAVES)
    source = source_of(tmp_path, settings_of(tmp_path, SOURCE))
    (rejected,) = source.rejected_rows().to_pylist()
    assert (rejected["row_number"], rejected["reason"]) == (7, "an earlier record of the case and of the field team has the same event id 2, and says otherwise")
    assert rejected["is_clock_relevant"]
    events = [(row["event_id"], row["status"], row["team"]) for row in source.events(source.window(), AS_OF_AT).to_pylist()]
    assert events == [
        ("T1#1.status", "INVESTIGATION", None), ("T2#7.team", "INTAKE", "A"), ("T2#3.status", "RESOLVED", "B"),
    ]


#: Of T1 the status between is not mapped, of T2 it is left out on purpose; T3 is put back to New on its second day; of T4 nothing says where it began.
ODD_STATUSES = """Ticket,Changed at,Field,Old,New,Audit
T1,2025-07-07 09:00,State,New,Working,1
T1,2025-07-07 10:00,State,Working,Odd,2
T1,2025-07-07 11:00,State,Odd,Solved,3
T2,2025-07-07 09:00,State,Draft,Working,4
T2,2025-07-07 10:00,State,Working,Draft,5
T2,2025-07-07 11:00,State,Draft,Solved,6
T3,2025-07-07 09:00,Group,,A,7
T3,2025-07-07 10:00,State,Working,Solved,8
T3,2025-07-08 09:00,State,Solved,New,9
T4,2025-07-07 09:00,State,Odd,Odder,10
T4,2025-07-07 10:00,State,Odder,Working,11
T4,2025-07-07 11:00,State,Working,Solved,12
"""


def test_a_change_out_of_an_unmapped_status_counts_where_it_is_known_how_the_case_began(tmp_path: Path) -> None:
    """As in a status log, where the record of an unmapped status alone is rejected; and a case comes in with its first row, whatever it is put back to."""
    (tmp_path / "audit.csv").write_text(ODD_STATUSES)
    source = source_of(tmp_path, settings_of(tmp_path, {**SOURCE, "statuses": {**SOURCE["statuses"], "Draft": "IGNORE"}}))  # type: ignore[dict-item]
    events = [(row["event_id"], row["status"], row["is_reopen"]) for row in source.events(source.window(), AS_OF_AT).to_pylist()]
    assert events == [
        ("T1#1.status", "INVESTIGATION", False), ("T1#3.status", "RESOLVED", False),
        ("T2#4.status", "INVESTIGATION", False), ("T2#6.status", "RESOLVED", False),
        ("T3#7.team", "INVESTIGATION", False), ("T3#8.status", "RESOLVED", False), ("T3#9.status", "INTAKE", True),
        ("T4#12.status", "RESOLVED", False),
    ]
    assert [row["row_number"] for row in source.rejected_rows().to_pylist()] == [3, 11, 12]
    intakes = {row["case_id"]: str(row["intake_ts"]) for row in source.cases(source.window(), AS_OF_AT).to_pylist()}
    assert intakes["T3"] == "2025-07-07 09:00:00"


def test_an_owner_that_is_told_by_name_and_by_id_is_handed_over_once(tmp_path: Path) -> None:
    """As Salesforce exports its history; where only ids are told, they are the names."""
    (tmp_path / "audit.csv").write_text(
        "Ticket,Changed at,Field,Old,New\nE-1,2025-07-07 09:00,State,New,Working\n"
        "E-1,2025-07-07 10:00,Group,front,back\nE-1,2025-07-07 10:00,Group,00G4x000001AAAAEA4,00G4x000001BBBBEA4\n"
        "E-1,2025-07-07 11:00,Group,00G4x000001BBBBEA4,00G4x000001CCCCEA4\nE-1,2025-07-07 12:00,State,Working,Solved\n"
    )
    columns = {name: column for name, column in SOURCE["columns"].items() if name != "event_id"}  # type: ignore[attr-defined]
    source = source_of(tmp_path, settings_of(tmp_path, {**SOURCE, "columns": columns, "fields": {"State": "status", "Group": "team"}}))
    changes = source.attribute_changes(source.window(), AS_OF_AT).to_pylist()
    assert [(row["changed_ts"].hour, row["value"]) for row in changes] == [(10, "back"), (11, "00G4x000001CCCCEA4")]
    notes = source.reading_notes(AS_OF_AT)
    assert notes[0] == "5 records read, 4 used, 0 rejected, 1 left out"
    assert any(note.startswith("1 change of who holds a case is told by names and once more by ids") for note in notes)


def test_an_export_without_ids_that_is_appended_to_itself_hands_nothing_over_again(tmp_path: Path) -> None:
    """To B, home and to B again within one minute are three changes; told once more behind another instant they are copies."""
    (tmp_path / "audit.csv").write_text(
        "Ticket,Changed at,Field,Old,New\n"
        + "T1,2025-07-07 09:00,Group,A,B\nT1,2025-07-07 09:00,Group,B,A\nT1,2025-07-07 09:00,Group,A,B\nT1,2025-07-07 09:00,Group,A,B\n"
        "T1,2025-07-07 11:00,State,New,Solved\n" * 2
    )
    columns = {field: column for field, column in SOURCE["columns"].items() if field != "event_id"}  # type: ignore[attr-defined]
    source = source_of(tmp_path, settings_of(tmp_path, {**SOURCE, "columns": columns}))
    changes = [(row["previous_value"], row["value"]) for row in source.attribute_changes(source.window(), AS_OF_AT).to_pylist()]
    assert changes == [("A", "B"), ("B", "A"), ("A", "B")]
    rejected = source.rejected_rows().to_pylist()
    assert [row["row_number"] for row in rejected] == [5, 7, 8, 9, 10, 11]
    assert {row["reason"] for row in rejected} == {f"an earlier record of the case says the same of the field {field} at the same instant" for field in ("team", "status")}


def test_blanks_around_a_team_are_none_of_it_and_capitals_are_told(tmp_path: Path) -> None:
    """A no-break space and a tab too; of blanks alone the case goes to nobody."""
    (tmp_path / "audit.csv").write_text(
        "Ticket,Changed at,Field,Old,New,Audit\n"
        "T1,2025-07-07 09:00,Group,, B ,1\n"
        "T1,2025-07-07 09:00,Assignee,,\tann\u00a0,2\n"
        "T1,2025-07-07 10:00,Group, B,b,3\n"
        "T1,2025-07-07 11:00,Group,b ,  ,4\n",
        encoding="utf-8",
    )
    source = source_of(tmp_path, settings_of(tmp_path, SOURCE))
    changes = [(row["previous_value"], row["value"]) for row in source.attribute_changes(source.window(), AS_OF_AT).to_pylist()]
    assert changes == [(None, "B"), (None, "ann"), ("B", "b"), ("b", None)]
    notes = " ".join(source.reading_notes(AS_OF_AT))
    assert "teams whose names differ only in capitals or spaces count as different teams" in notes
    assert "‘B’ and ‘b’" in notes


@pytest.mark.parametrize("form", ["updates", "cases"])
def test_blanks_around_a_team_are_none_of_it_in_every_form(tmp_path: Path, form: str) -> None:
    (tmp_path / "log.csv").write_text("case,status,at,end,team,agent\nE-1,New,2025-07-07T08:00Z,, B ,ann \nE-2,New,2025-07-07T09:00Z,,B,ann\n")
    mapped = {"case_id": "case", "status": "status", "team": "team", "agent": "agent"}
    log: dict[str, object] = {"name": "log", "type": "event_log", "files": "log.csv", "statuses": {"New": "INTAKE"}, "columns": {**mapped, "event_ts": "at"}}
    if form == "cases":
        log |= {"form": "cases", "milestones": {"at": "INTAKE", "end": "RESOLVED"}, "columns": mapped}
    source = source_of(tmp_path, settings_of(tmp_path, log))
    assert {(row["team"], row["agent"]) for row in source.cases(source.window(), AS_OF_AT).to_pylist()} == {("B", "ann")}
    assert "teams whose names" not in " ".join(source.reading_notes(AS_OF_AT))


def test_an_audit_log_beside_a_status_log(tmp_path: Path) -> None:
    (tmp_path / "audit.csv").write_text(AUDIT)
    (tmp_path / "log.csv").write_text("case,status,at\nE-1,INTAKE,2025-07-06T08:00Z\nE-1,RESOLVED,2025-07-07T17:00Z\n")
    log = {
        "name": "log", "type": "event_log", "files": "log.csv", "columns": {"case_id": "case", "status": "status", "event_ts": "at"},
        "statuses": {"INTAKE": "INTAKE", "RESOLVED": "RESOLVED"},
    }
    beside = {**SOURCE, "beside": "log", "fields": {**SOURCE["fields"], "State": "IGNORE"}}  # type: ignore[dict-item]
    del beside["statuses"]
    settings = settings_of(tmp_path, log, beside)
    source = AuditLogBeside(source_of(tmp_path, settings, 1), source_of(tmp_path, settings, 0))
    changes = source.attribute_changes(source.window(), AS_OF_AT).to_pylist()
    assert [(str(row["intake_date"]), row["change_id"]) for row in changes] == [
        ("2025-07-06", f"E-1#{change}") for change in ("9.team:team", "10.agent:agent", "12.team:team", "101.team:team")
    ]
    assert source.cases(source.window(), AS_OF_AT).num_rows == 0
    states = source.partition_states(source.window(), AS_OF_AT).to_pylist()
    assert [(str(row["intake_date"]), row["cases"], row["events"]) for row in states] == [("2025-07-06", 0, 0)]
    assert "2 changes of 1 case that source log does not have" in " ".join(source.reading_notes(AS_OF_AT))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"fields": {}}, "expected at least one field"),
        ({"fields": {"Group": "queue"}}, "expected IGNORE or one of status, team"),
        ({"statuses": {}}, "a field is the status"),
        ({"columns": {**SOURCE["columns"], "team": "Group"}}, "comes from the changes"),  # type: ignore[dict-item]
        ({"form": "updates"}, "is for form: changes"),
        ({"beside": "log"}, "tells the status of its cases"),
    ],
)
def test_what_does_not_fit_an_audit_log_is_refused(tmp_path: Path, changed: dict[str, object], told: str) -> None:
    with pytest.raises(OpslaError, match=told):
        settings_of(tmp_path, {**SOURCE, **changed})


def test_what_a_record_of_the_future_says_is_the_change_and_not_the_status_that_its_case_is_in(tmp_path: Path) -> None:
    late = "E-1,2062-07-07 17:00,Priority,P3,P1,201\nE-1,2062-07-07 17:30,Group,third,,202\nE-1,2062-07-07 18:00,State,Solved,Working,203\n"
    (tmp_path / "audit.csv").write_text(f"{AUDIT}{late}")
    settings = settings_of(tmp_path, SOURCE)
    source_of(tmp_path, settings).window()
    asked: Any = SimpleNamespace(sources=settings, home=SimpleNamespace(source_cache=tmp_path / "cache"))
    found = not_yet_of(asked, "E-1", AS_OF_AT)
    assert [record.source_status for record in found] == ["priority: P3 to P1", "team: third to nothing", "Working"]
