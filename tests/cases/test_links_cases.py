"""A file of links beside the source that has the cases: what is kept, what is rejected, and as of when."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from test_audit_log_cases import settings_of, source_of

from opsla_dagster.errors import OpslaError
from opsla_dagster.sources.event_log.links_beside import LinksBeside

AS_OF_AT = datetime(2025, 7, 9)
LOG = {
    "name": "log", "type": "event_log", "files": "log.csv", "columns": {"case_id": "case", "status": "status", "event_ts": "at"},
    "statuses": {"New": "INTAKE", "Solved": "RESOLVED"},
}
LINKS = {
    "name": "links", "type": "event_log", "form": "links", "files": "links.csv", "beside": "log", "link_kind": "related",
    "columns": {"case_id": "Incident", "linked_id": "Other", "kind": "Link", "event_ts": "Since", "unlinked_ts": "Until"},
    "kinds": {"EscOps": "escalation", "Cloned from": "IGNORE"},
}
#: Told twice and by hand; taken back; of tomorrow; left out; a kind that nobody mapped; to itself; without the other end; of a case that is not there;
#: unlinked before it was linked; a kind in our own words; without a kind.
FILE = """Incident,Other,Link,Since,Until
C1,EO-1,EscOps,2025-07-07T10:00Z,
C1,EO-1,escops ,2025-07-07T09:30Z,2025-07-07T12:00Z
C1,EO-2,EscOps,2025-07-07T10:00Z,2025-07-08T10:00Z
C1,EO-3,EscOps,2025-07-08T10:00Z,2025-07-10T10:00Z
C1,EO-4,EscOps,2025-07-10T10:00Z,
C1,C2,Cloned from,,
C1,C2,Blocks,,
C2,C2,problem,,
C2,,problem,,
C9,EO-9,EscOps,2025-07-07T10:00Z,
C2,EO-5,EscOps,2025-07-07T10:00Z,2025-07-07T09:00Z
C2,C1,Follow Up,,
C2,C1,,,
"""


def beside(directory: Path, **changed: object) -> LinksBeside:
    (directory / "log.csv").write_text("case,status,at\nC1,New,2025-07-06T08:00Z\nC1,Solved,2025-07-08T17:00Z\nC2,New,2025-07-07T08:00Z\n")
    (directory / "links.csv").write_text(FILE)
    settings = settings_of(directory, LOG, {**LINKS, **changed})
    return LinksBeside(source_of(directory, settings, 1), source_of(directory, settings, 0), "E-" if changed else "")


def test_links_are_kept_whatever_they_lead_to_and_rejected_where_nobody_has_the_case(tmp_path: Path) -> None:
    source = beside(tmp_path)
    window = source.window()
    links = source.case_links(window, AS_OF_AT).to_pylist()
    at = datetime.fromisoformat
    assert [(str(row["intake_date"]), row["case_id"], row["linked_case_id"], row["link_kind"], row["linked_ts"], row["unlinked_ts"]) for row in links] == [
        ("2025-07-06", "C1", "EO-1", "escalation", at("2025-07-07T09:30"), None),
        ("2025-07-06", "C1", "EO-2", "escalation", at("2025-07-07T10:00"), at("2025-07-08T10:00")),
        ("2025-07-06", "C1", "EO-3", "escalation", at("2025-07-08T10:00"), None),
        ("2025-07-07", "C2", "C1", "follow_up", None, None),
        ("2025-07-07", "C2", "C1", "related", None, None),
    ]
    rejected = {row["row_number"]: (row["field"], row["reason"].split(";")[0]) for row in source.rejected_rows().to_pylist()}
    assert rejected == {
        8: ("kind", "column Link: a kind that sources.yml does not map (kinds)"),
        9: ("linked_id", "column Other: the case is linked to itself"),
        10: ("linked_id", "column Other: no linked case"),
        11: ("case_id", "no usable case of source log has this id, so the link has no intake date (is it the same id in both, and case_id_prefix?)"),
        12: ("unlinked_ts", "column Until: lies before the link was made"),
    }
    notes = source.reading_notes(AS_OF_AT)
    assert notes[0] == "13 records read, 7 used, 5 rejected (raw.rejected_rows), 1 ignored (kinds: IGNORE)"
    assert "1 link of cases that source log does not have" in notes[1]
    assert "1 link made after 2025-07-09 00:00 UTC" in notes[2]
    assert source.cases(window, AS_OF_AT).num_rows == source.events(window, AS_OF_AT).num_rows == 0
    states = {str(row["intake_date"]): (row["cases"], row["events"], row["digest"]) for row in source.partition_states(window, AS_OF_AT).to_pylist()}
    later = {str(row["intake_date"]): row["digest"] for row in source.partition_states(window, datetime(2025, 7, 11)).to_pylist()}
    assert [state[:2] for state in states.values()] == [(0, 0), (0, 0)]
    assert [day for day in later if later[day] != states[day][2]] == ["2025-07-06"], "only the date whose links changed is to be made anew"


def test_ids_of_another_source_have_its_prefix(tmp_path: Path) -> None:
    source = beside(tmp_path, linked_source="log")
    links = source.case_links(source.window(), AS_OF_AT).to_pylist()
    assert {row["linked_case_id"] for row in links} == {"E-EO-1", "E-EO-2", "E-EO-3", "E-C1"}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"beside": "nowhere"}, "expected a log of cases or an account; known: log"),
        ({"beside": None}, "is required: the source whose cases these are the links of"),
        ({"linked_source": "nowhere"}, "expected a log of cases or an account; known: log"),
        ({"columns": {"case_id": "Incident"}}, "is required"),
        ({"columns": {"case_id": "Incident", "linked_id": "Other"}, "link_kind": None, "kinds": {}}, "what the links are, one of escalation, problem"),
        ({"columns": {"case_id": "Incident", "linked_id": "Other", "team": "Team"}}, "is not for form: links"),
        ({"kinds": {"EscOps": "blocks"}}, "expected IGNORE or one of escalation, problem, follow_up, parent, related"),
        ({"statuses": {"New": "INTAKE"}}, "is not for form: links"),
        ({"form": "updates"}, "is for form: links"),
    ],
)
def test_what_does_not_fit_a_file_of_links_is_refused(tmp_path: Path, changed: dict[str, object], told: str) -> None:
    source = {name: value for name, value in {**LINKS, **changed}.items() if value is not None}
    with pytest.raises(OpslaError, match=told):
        settings_of(tmp_path, LOG, source)
