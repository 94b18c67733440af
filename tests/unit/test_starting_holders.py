"""Who held a case, as strangers' logs tell it: columns by their names, hand-offs that records without a usable status would take along, records of one instant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from opsla_dagster.starting.asking import Asking
from opsla_dagster.starting.change_names import field_meant
from opsla_dagster.starting.column_names import DUE_NAMES, MILESTONES, NAMES, due_instant_named, due_named, fields_named
from opsla_dagster.starting.proposing import LogProposal, propose
from opsla_dagster.starting.sniffing import sniffed
from opsla_dagster.starting.told import Told

NOBODY = Asking(Console(quiet=True), is_allowed=False)
#: As they are called in BMC Remedy, Jira, GLPI, iTop, Zendesk, HubSpot, Cherwell, Ivanti, Dynamics, TOPdesk, VINST, OTRS, Linear, and in other languages.
TEAMS = (
    "Assigned Group*+;Owner Group;Custom field (Team);Custom field (Assignment Group);Assigned to - Technician group;Attribué à - Groupe de techniciens;Team->Name;Ticket group;"
    "HubSpot team;Owned By Team;OwnerTeam;Owning Team;Operator group;Behandelaarsgroep;Involved ST;Problem Involved Owner ST;Queue name;Support Team;Resolver Team;Case Owner Queue;"
    "Current Queue;assigned_group_id;Responsible Section;Support Department;To Team;Zuständiges Team;Équipe assignée;Grupo asignado;Grupo resolutor;Gruppo assegnato;activity.group"
)
AGENTS = (
    "Assignee+;Owner First Name;Problem Owner First Name;Owner Login;Assigned to - Technician;Attribué à - Technicien;Agent->Full name;Assignee name;OwnerId;Owner.Name;Owned By;"
    "Message Processor;Responsible;Assigned User;Operator;Engineer;Handler;Technician Name;Case Owner Alias;To Assignee;Custom field (Owner)"
)
NEITHER = (
    "Requester group;Requester Department;User group;Customer team;Opened by group;Created by team;Product group;Resource group;Closed by;Resolved by;Previous group;From Team;Owner Country;"
    "Involved ST Function Div;Involved Org line 3;Agent interactions;Group size;Account owner;IT Service;Unit;Approval Status;SLA status;Service Owner;IT Service Owner;Responsible Service;Support Service;Escalation Group;Message group;Business Owner;Product Owner;Application Owner;Asset Owner;Owner Service;"
    "Application Support Group;Owning Business Unit;Group of Assets;CI Owner;Escalated to group"
)


@pytest.mark.parametrize(("names", "field"), [(TEAMS, "team"), (AGENTS, "agent")])
def test_who_holds_a_case_is_known_by_the_words_of_a_name(names: str, field: str) -> None:
    assert {name: list(fields_named(name)) for name in names.split(";")} == {name: [field] for name in names.split(";")}


def test_a_name_with_one_foreign_word_is_of_somebody_else() -> None:
    assert {name for name in NEITHER.split(";") if {"team", "agent", "status"} & {*fields_named(name)}} == set()


def test_fields_of_audit_logs_go_by_the_same_words() -> None:
    assert [field_meant(word) for word in ("Support Team", "team_id", "agent_id", "Owner First Name", "Requester group")] == ["team", "team", "agent", "agent", None]


def test_names_in_one_word_are_those_of_the_lists() -> None:
    """As San Antonio, Washington and Baltimore publish their requests."""
    found = {name: next(iter(fields_named(name)), None) for name in ("OPENEDDATETIME", "CLOSEDDATETIME", "RESOLUTIONDATE", "CASESTATUS", "SRStatus", "SERVICEREQUESTID", "ASSIGNMENTGROUP")}
    assert list(found.values()) == ["intake_ts", "closed_ts", "resolved_ts", "status", "status", "case_id", "team"]
    assert [fields_named(name) for name in ("MANDATE", "LIFETIME", "COMPANYSTATUS")] == [{}] * 3


def test_due_dates_of_other_desks() -> None:
    assert [due_named(name) for name in ("Response DueBy Time", "DueBy Time", "Resolution time")] == ["reply_due", "due", None]
    assert [due_instant_named(name) for name in ("Time to resolve", "Time to own", "Time to close")] == ["due", "reply_due", None]
    assert [due_instant_named(name) for name in ("Overall Service Request Due Date", "SERVICEDUEDATE", "First reply to customer due", "Overdue", "Due amount")] == ["due", "due", "reply_due", None, None]


def proposed(path: Path, rows: str, encoding: str = "utf-8", **told: Any) -> LogProposal:
    (path / "log.csv").write_text(rows, encoding=encoding)
    with sniffed([path / "log.csv"]) as log:
        return propose(log, Told(timezone="UTC", **told), NOBODY)


def history(*records: str, header: str = "Ticket,At,Status,Group", cases: int = 8) -> str:
    """The records of each case: minute, status and group, a minute apart from case to case."""
    lines = [header]
    for case in range(cases):
        lines += [f"S{case},2025-07-{7 + case:02} 09:{minute},{rest}" for minute, rest in (record.split(",", 1) for record in records)]
    return "\n".join(lines) + "\n"


QUEUED = ("00,New,A", "10,In Progress,A", "20,Awaiting dispatch,B", "30,In Progress,B", "40,In Progress,B", "50,Solved,B")


def test_hand_offs_that_would_be_rejected_with_their_records_are_refused(tmp_path: Path) -> None:
    """One record in six is no more than may be rejected, and has every hand-off: rejected, the case would go to B when B begins, or never."""
    found = proposed(tmp_path, history(*QUEUED))
    assert found.unplaced == {"Awaiting dispatch": 8}
    (problem,) = found.problems
    assert problem.startswith("8 of 8 changes of 'Group' (100.0%) would be lost, or come later, with records that would be rejected: 'Awaiting dispatch' (8)")
    assert "--status 'Awaiting dispatch=...'" in problem
    for meaning in ("ASSIGNED", "PRIVATE_NOTE"):
        placed = proposed(tmp_path, history(*QUEUED), statuses={"Awaiting dispatch": meaning})
        assert (placed.problems, [warning for warning in placed.warnings if "changes of" in warning]) == ([], [])


def test_hand_offs_that_are_left_out_on_purpose_are_told(tmp_path: Path) -> None:
    found = proposed(tmp_path, history(*QUEUED), statuses={"Awaiting dispatch": "IGNORE"})
    assert found.problems == []
    assert any("8 of 8 changes of 'Group' are lost with records that are left out (Awaiting dispatch)" in warning for warning in found.warnings)


def test_an_unknown_word_that_tells_no_hand_off_is_left_out_as_ever(tmp_path: Path) -> None:
    found = proposed(tmp_path, history("00,New,A", "10,In Progress,A", "20,In Progress,B", "30,Frobnicated,B", "40,In Progress,B", "50,Solved,B"))
    assert (found.unplaced, found.problems) == ({"Frobnicated": 8}, [])


def test_where_only_changes_are_repeated_a_record_without_a_status_leaves_it(tmp_path: Path) -> None:
    found = proposed(tmp_path, history("00,New,A", "10,In Progress,", "20,,B", "30,,C", "50,Solved,"))
    assert (found.columns["team"], found.empty_cells, found.without_status, found.problems) == ("Group", "unchanged", 0, [])
    assert any(note.startswith("16 records without a status: the case stays in the one it had") for note in found.notes)


def test_records_without_a_status_in_a_full_export_take_no_hand_off_along(tmp_path: Path) -> None:
    found = proposed(tmp_path, history("00,New,A", "10,New,A", "11,New,A", "20,,B", "30,Solved,B", "40,Solved,B", "50,Solved,B"), empty_cells="cleared")
    assert found.without_status == 8
    assert "no status (8)" in found.problems[0]
    assert "--empty-cells unchanged" in found.problems[0]


def test_a_hand_off_out_of_a_rejected_record_is_lost_with_it(tmp_path: Path) -> None:
    """The record that takes the case is used, and nothing says any more whom it was taken from."""
    out_of = ("00,Frob,A", "10,New,B", "20,In Progress,B", "30,In Progress,B", "50,Solved,B", "55,Solved,B")
    found = proposed(tmp_path, history(*out_of))
    assert found.unplaced == {"Frob": 8}
    (problem,) = found.problems
    assert problem.startswith("8 of 8 changes of 'Group' (100.0%) would be lost, or come later, with records that would be rejected: 'Frob' (8)")
    assert proposed(tmp_path, history(*out_of), statuses={"Frob": "INTAKE", "New": "INTAKE"}).problems == []
    left_out = proposed(tmp_path, history(*out_of), statuses={"Frob": "IGNORE"})
    assert any(warning.startswith("8 of 8 changes of 'Group' are lost with records that are left out (Frob)") for warning in left_out.warnings)


def test_a_way_through_a_rejected_record_is_two_hand_offs_lost(tmp_path: Path) -> None:
    rows = history("00,New,A", "10,In Progress,A", "20,Frob,B", "30,In Progress,C", "40,In Progress,D", "50,Solved,D")
    assert proposed(tmp_path, rows).problems[0].startswith("16 of 24 changes of 'Group' (66.7%)")


def test_before_the_first_status_of_a_case_a_record_without_one_is_rejected(tmp_path: Path) -> None:
    """Also where empty cells tell nothing: there is none that the case could stay in."""
    found = proposed(tmp_path, history("00,,A", "10,New,B", "20,In Progress,", "30,,C", "50,Solved,"))
    assert (found.empty_cells, found.without_status) == ("unchanged", 8)
    (problem,) = found.problems
    assert problem.startswith("8 of 16 changes of 'Group' (50.0%) would be lost, or come later, with records that would be rejected: no status (8)")
    assert "--empty-cells" not in problem
    told = [note for note in found.notes if "without a status" in note]
    assert told == [
        "8 records without a status: the case stays in the one it had.", "8 records without a status before the first known one of the case: rejected (raw.rejected_rows).",
    ]


def test_a_first_holder_that_only_a_rejected_record_tells_is_lost_with_it(tmp_path: Path) -> None:
    """Where only changes are repeated nobody says it again, and no hand-off shows that it is missing."""
    records = ("00,Frob,A", "10,New,", "20,In Progress,", "30,In Progress,", "40,In Progress,", "50,Solved,")
    problem, *others = proposed(tmp_path, history(*records), empty_cells="unchanged").problems
    assert problem.startswith("8 of 8 first values of 'Group' (100.0%) would be lost, or come later, with records that would be rejected: 'Frob' (8)")
    assert others == []
    for told in ("10,New,A", "00,Frob,"):
        assert proposed(tmp_path, history(*(told if record[:2] == told[:2] else record for record in records)), empty_cells="unchanged").problems == []


def test_a_column_that_may_be_the_team_is_named_where_none_is_known(tmp_path: Path) -> None:
    found = proposed(tmp_path, history("00,New,A", "10,Active,B", "50,Solved,B", header="Ticket,At,Status,Where"))
    assert "team" not in found.columns
    assert any(note.startswith("No column is known to say which team had a case") and "(Where changes within cases)" in note for note in found.notes)


def test_a_team_that_never_changes_may_be_that_of_today(tmp_path: Path) -> None:
    """As exports write it that join the case to its history: no hand-off, and nothing misattributed, would look like a good desk."""
    lines = [f"S{case},2025-07-{1 + case:02} {at},{status},{'AB'[case % 2]}" for case in range(25) for at, status in (("09:00", "New"), ("10:00", "Active"), ("11:00", "Solved"))]
    found = proposed(tmp_path, "\n".join(["Ticket,At,Status,Group", *lines]))
    assert any(warning.startswith("Column 'Group' is the same in all records of every case (25 with several records)") for warning in found.warnings)
    few = proposed(tmp_path, "\n".join(["Ticket,At,Status,Group", *lines[:30]]))
    assert not any("is the same in all records" in warning for warning in few.warnings)


def test_of_two_teams_the_one_that_changes_is_taken(tmp_path: Path) -> None:
    found = proposed(tmp_path, history("00,New,A,X", "10,Active,A,Y", "50,Solved,A,Y", header="Ticket,At,Status,Responsible Section,Support Section"))
    assert found.columns["team"] == "Support Section"


@pytest.mark.parametrize(("header", "note"), [
    ("Owner Group", "team: column 'Owner Group', by its name. --column team=COLUMN says otherwise."),
    ("Ticket group", "team: column 'Ticket group', by its name. --column team=COLUMN says otherwise."),
])  # fmt: skip
def test_a_holder_that_is_known_by_the_words_of_its_name_is_told(tmp_path: Path, header: str, note: str) -> None:
    rows = history("00,New,A", "10,Active,B", "50,Solved,B", header=f"Ticket,At,Status,{header}")
    assert note in proposed(tmp_path, rows).notes
    assert not any("by its name" in told for told in proposed(tmp_path, rows, columns={"team": header}).notes)


def test_a_holder_of_the_lists_needs_no_note(tmp_path: Path) -> None:
    assert not any("by its name" in note for note in proposed(tmp_path, history("00,New,A", "10,Active,B", "50,Solved,B")).notes)


@pytest.mark.parametrize("whole", ["Owner Id", "Owner Full Name", "Owner Login"])
def test_a_part_of_a_name_is_an_agent_only_where_nothing_else_is(tmp_path: Path, whole: str) -> None:
    """Two Bergs are two agents, however often the one hands over to the other."""
    records = ("00,New,Ann,Berg,1", "10,Active,Bo,Berg,2", "50,Solved,Bo,Holm,3")
    both = history(*(record.rsplit(",", 1)[0] for record in records), header="Ticket,At,Status,Owner First Name,Owner Last Name")
    assert proposed(tmp_path, history(*records, header=f"Ticket,At,Status,Owner First Name,Owner Last Name,{whole}")).columns["agent"] == whole
    found = proposed(tmp_path, both)
    assert found.columns["agent"] == "Owner First Name"
    assert (
        "agent: column 'Owner First Name', by its name; Owner Last Name is called so too. --column agent=COLUMN says otherwise. It is a part of a name: persons who share it are one agent, "
        "unless the export has their whole names, or ids, in one column."
    ) in found.notes


# ---------------------------------------------------------------- order

#: (case, stamp, number, activity, group), as they happened: two records of one instant.
HAPPENED = [
    row for case in range(4) for row in (
        (case, "09:00", 10 + 10 * case, "New", "A"), (case, "10:00", 91 + 100 * case, "Active", "B"), (case, "10:00", 95 + 100 * case, "Assigned", "C"),
        (case, "12:00", 999 + 100 * case, "Solved", "C"),
    )
]  # fmt: skip


def shuffled(number: str = "A{:06}") -> str:
    """The records of each case backwards, the first case apart: no order of time, and none against it."""
    lines = ["Incident ID,Stamp,Activity No,State,Group"]
    for case in range(4):
        rows = [row for row in HAPPENED if row[0] == case]
        rows = [rows[2], rows[0], rows[3], rows[1]] if case else [rows[0], rows[2], rows[3], rows[1]]
        lines += [f"I{case},2025-07-07 {at},{number.format(n) if number else ''},{state},{group}" for _, at, n, state, group in rows]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("number", ["A{:06}", "{}"])
def test_records_of_one_instant_go_by_their_number_where_the_file_is_in_no_order(tmp_path: Path, number: str) -> None:
    found = proposed(tmp_path, shuffled(number))
    assert (found.order_by, "event_id" in found.columns) == (["Stamp", "Activity No"], False)
    assert any("of one instant by Activity No" in note for note in found.notes)


@pytest.mark.parametrize("name", ["Row", "Nr", "Record no", "#"])
def test_a_number_that_is_unique_in_one_file_is_no_id(tmp_path: Path, name: str) -> None:
    """The next export begins with 1 again: taken for ids, its records would be rejected as repeated ones."""
    found = proposed(tmp_path, shuffled("{}").replace("Activity No", name), columns={"case_id": "Incident ID"})
    assert (found.order_by, "event_id" in found.columns) == (["Stamp", name], False)


def test_a_unique_stamp_is_no_id(tmp_path: Path) -> None:
    found = proposed(tmp_path, shuffled("2025-07-07T09:00:00.{:06}").replace("Activity No", "Logged"))
    assert "event_id" not in found.columns


def test_an_id_is_known_by_its_name_and_told(tmp_path: Path) -> None:
    rows = shuffled("A{:06}").replace("Activity No", "Log ID")
    found = proposed(tmp_path, rows)
    assert (found.columns["event_id"], found.order_by) == ("Log ID", ["Stamp", "Log ID"])
    assert any(note.startswith("event_id: column 'Log ID', by its name: of two records with one id the later one is rejected") for note in found.notes)
    assert not any(note.startswith("event_id:") for note in proposed(tmp_path, rows, columns={"event_id": "Log ID"}).notes)


def test_without_a_number_it_is_told_how_many_records_nothing_orders(tmp_path: Path) -> None:
    found = proposed(tmp_path, shuffled(""))
    assert found.order_by == ["Stamp"]
    assert any(warning.startswith("4 records have the stamp of the record of the case before, say otherwise who holds it") for warning in found.warnings)


def test_a_number_that_does_not_run_with_time_orders_nothing(tmp_path: Path) -> None:
    rows = shuffled().splitlines()
    turned = [rows[0], *(row.replace(",A", f",A{9 - place % 7}", 1) for place, row in enumerate(rows[1:]))]
    assert proposed(tmp_path, "\n".join(turned)).order_by == ["Stamp"]


def test_an_export_that_is_appended_to_an_older_one_is_in_order(tmp_path: Path) -> None:
    rows = [f"I{case},2025-07-07 {at},{state},{group}" for case, at, _, state, group in HAPPENED]
    found = proposed(tmp_path, "\n".join(["Incident ID,Stamp,State,Group", *rows, *rows]) + "\n")
    assert not any("have the stamp of the record" in warning for warning in found.warnings)


# ---------------------------------------------------------------- public logs

VINST = (
    "SR Number;Change Date+Time;Status;Sub Status;Involved ST Function Div;Involved Org line 3;Involved ST;SR Latest Impact;Product;Country;Owner Country;Owner First Name\n"
    + "".join(
        f"1-{n};2012-04-{n:02}T{at}:00+02:00;{status};{sub};A2_4;Org line A2;{team};Medium;PROD1;Sweden;Sweden;{owner}\n"
        for n in range(10, 16) for at, status, sub, team, owner in (
            ("09:00", "Accepted", "In Progress", "V30", "Åke"), ("10:00", "Queued", "Assigned", "G97 2nd", "José"), ("10:30", "Accepted", "Wait - User", "G97 2nd", "Åke"),
            ("11:00", "Completed", "Resolved", "G97 2nd", "Åke"), ("12:00", "Completed", "Closed", "V30", "Siebel"),
        )
    )
)  # fmt: skip


def test_the_incidents_of_the_challenge_of_2013(tmp_path: Path) -> None:
    """Their `Status` says Accepted, Queued, Completed; what happened is in `Sub Status`."""
    found = proposed(tmp_path, VINST, encoding="cp1252")
    assert {name: found.columns[name] for name in ("case_id", "status", "event_ts", "team", "agent")} == {
        "case_id": "SR Number", "status": "Sub Status", "event_ts": "Change Date+Time", "team": "Involved ST", "agent": "Owner First Name",
    }
    with sniffed([tmp_path / "log.csv"]) as log:
        assert log.csv.encoding == "cp1252"
        assert "Åke" in log.words("Owner First Name")


AUDIT = "Issue Key,Created,History Date,Author,Field,From Value,From,To Value,To\n" + "".join(
    f"S-{n},2025-07-07 0{n}:00,2025-07-{day} 09:00,ann,{field},{1 if old else ''},{old},2,{new}\n"
    for n in range(1, 5) for day, field, old, new in (("07", "status", "", "New"), ("08", "Support Team", "A", "B"), ("09", "status", "New", "Closed"))
)  # fmt: skip


def test_of_an_audit_log_the_moving_stamp_and_the_names_of_values_are_read(tmp_path: Path) -> None:
    """The creation of the case stands in each of its rows, and would put every change at the opening; ids would be no statuses."""
    found = proposed(tmp_path, AUDIT)
    assert {name: found.columns[name] for name in ("event_ts", "intake_ts", "old_value", "new_value")} == {
        "event_ts": "History Date", "intake_ts": "Created", "old_value": "From", "new_value": "To",
    }
    assert found.fields == {"status": "status", "Support Team": "team"}


@pytest.mark.parametrize(("due", "reply"), [
    ("Fällig bis", "Erste Antwort bis"), ("Lösung fällig am", "Antwort fällig am"), ("Rückruf fällig bis", "Erste Reaktion fällig bis"), ("À résoudre avant le", "Échéance de réponse"),
    ("Fecha límite de resolución", "Responder antes de"), ("Vence em", "Prazo de resposta"), ("Da risolvere entro il", "Scadenza risposta"), ("Op te lossen voor", "Uiterste reactiedatum"),
    ("解決期日", "初回返信期限"), ("FaelligAm", "Antworten bis"),
])  # fmt: skip
def test_due_dates_of_eight_languages(due: str, reply: str) -> None:
    assert [due_named(name) or due_instant_named(name) for name in (due, reply)] == ["due", "reply_due"]


def test_what_is_called_a_due_date_is_called_nothing_else() -> None:
    others = {name for names in NAMES.values() for name in names} | {*MILESTONES}
    resolution, reply = DUE_NAMES.values()
    assert not others & {*resolution, *reply}
    assert not {*resolution} & {*reply}
    assert [name for name in ("Überfällig", "Überfällig seit", "Überfällig am", "Fällig (Betrag)", "有効期限", "Vencimiento de licencia") if due_named(name) or due_instant_named(name)] == []


def test_of_a_stamp_that_nobody_knows_a_due_date_is_offered_and_no_status_invented(tmp_path: Path) -> None:
    """Following the advice for a due date with the name of a status would make a touch of it."""
    rows = [f"K{n},2025-10-1{n} 05:00,2025-10-1{n} 09:00,2025-10-2{n} 05:00" for n in range(1, 9)]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(["Ticket,Created,Resolved,Wanted", *rows]))
    with sniffed([path]) as log:
        notes = " ".join(propose(log, Told(timezone="UTC"), NOBODY).notes)
        told = propose(log, Told({"due": "Wanted"}, timezone="UTC"), NOBODY)
    assert "--column 'due=Wanted'" in notes
    assert "ASSIGNED=Wanted" not in notes
    assert told.due["due"].column == "Wanted"


def test_a_german_due_date_is_a_promise(tmp_path: Path) -> None:
    rows = [f"K{n};1{n}.10.2025 05:08;1{n}.10.2025 11:08;2{n}.10.2025 05:08" for n in range(1, 9)]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(["Ticketnummer;Erstellt am;Gelöst am;Fällig bis", *rows]))
    with sniffed([path]) as log:
        found = propose(log, Told(timezone="Europe/Berlin"), NOBODY)
    assert {about: due.column for about, due in found.due.items()} == {"due": "Fällig bis"}
    assert found.milestones == {"Erstellt am": "INTAKE", "Gelöst am": "RESOLVED"}
