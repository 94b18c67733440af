"""Exports of desks that nobody here runs: what `opsla init` makes of each, or why it refuses it.

Belongs here: small files as systems write them, one kind of fault each, with the right answer beside it. Does not belong here: the worked cases
that came with the issue (`test_init_cases`, `test_forms_cases`), and the rules of one choice (tests/unit/test_starting_*.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from opsla_dagster.errors import OpslaError
from opsla_dagster.starting.asking import Asking
from opsla_dagster.starting.begin import Answers, begin

TICKETS = "Ticket,Status,Changed at\n"
STAMPS = {
    "a word before the time, in Portuguese": ("07/07/2025 às 09:00", "17/07/2025 às 10:30"),
    "a word before the time, in French": ("07/07/2025 à 09:00", "17/07/2025 à 10:30"),
    "a word before the time, in Italian": ("7 luglio 2025, ore 9:00", "17 luglio 2025, ore 10:30"),
    "a weekday in Japanese": ("2025/07/07(月) 09:00", "2025/07/17(木) 10:30"),
    "halves of the day in Chinese": ("2025年7月7日 上午9:00", "2025年7月17日 上午10:30"),
    "serial dates of whole minutes": ("45845.375", "45855.4375"),
}


@dataclass(frozen=True)
class Export:
    """A file, and what sources.yml is to say of it; `told` is the command line, as names and values of `Answers`."""

    log: str
    source: dict[str, Any]
    says: str = ""
    told: dict[str, Any] = field(default_factory=dict)


def proposed(directory: Path, log: str | bytes, **told: Any) -> tuple[dict[str, Any], str]:
    """The source that `opsla init log.csv --yes` writes, and what it says meanwhile. Raises OpslaError where it refuses."""
    path = directory / told.pop("file", "log.csv")
    path.write_bytes(log if isinstance(log, bytes) else log.encode())
    console = Console(record=True, quiet=False, width=400, file=(directory / "said.txt").open("w", encoding="utf-8"))
    answers: dict[str, Any] = {
        "files": [path], "zendesk": None, "intercom": False, "directory": directory / "desk", "name": None, "timezone": "UTC", "start_date": None,
        "time_format": None, "columns": [], "statuses": (), "email_variable": "E", "token_variable": None, "key_variable": "K", "base_url": None, **told,
    }
    assert begin(Answers(**answers), Asking(console, is_allowed=False)) is not None
    (source,) = yaml.safe_load((directory / "desk" / "sources.yml").read_text(encoding="utf-8"))["sources"]
    return source, console.export_text()


READ = {
    "a status history with the status before and after": Export(
        "Issue Key,From,To,Date\n"
        "1,,New,2025-07-07 09:00\n1,New,In Progress,2025-07-07 09:30\n1,In Progress,Resolved,2025-07-07 11:00\n"
        "2,,New,2025-07-07 10:00\n2,New,In Progress,2025-07-07 10:30\n2,In Progress,Resolved,2025-07-07 12:00\n",
        {"columns": {"case_id": "Issue Key", "status": "To", "event_ts": "Date"}},
    ),
    "a case report whose stamps are called Date/Time Opened": Export(
        '"Case Number","Status","Date/Time Opened","Date/Time Closed","Age (Hours)"\n'
        '"00001001","Closed","7/7/2025 9:00 AM","7/18/2025 3:00 PM","30"\n"00001002","New","7/14/2025 9:00 AM","","8"\n',
        {"columns": {"case_id": "Case Number", "status": "Status"}, "milestones": {"Date/Time Opened": "INTAKE", "Date/Time Closed": "CLOSED"}},
    ),
    "a ticket list with create date and close date": Export(
        "Ticket ID,Ticket status,Create date,Close date,First agent email response date\n"
        "9001,Closed,2025-07-07 09:00,2025-07-08 10:00,2025-07-07 10:00\n9002,New,2025-07-07 11:00,,2025-07-07 12:00\n",
        {"milestones": {"Create date": "INTAKE", "Close date": "CLOSED", "First agent email response date": "PUBLIC_REPLY"}},
    ),
    "a list of requests called SR_NUMBER": Export(
        "SR_NUMBER,STATUS,CREATED_DATE,CLOSED_DATE\nSR25-01,Completed,2025-07-07T08:00:00.000,2025-07-08T08:00:00.000\nSR25-03,Open,2025-07-09T08:00:00.000,\n",
        {"columns": {"case_id": "SR_NUMBER", "status": "STATUS"}, "milestones": {"CREATED_DATE": "INTAKE", "CLOSED_DATE": "CLOSED"}},
    ),
    "an issue list whose id is #": Export(
        "#,Status,Updated,Created,Closed\n101,Closed,07/20/2025 09:00 AM,07/07/2025 08:00 AM,07/20/2025 09:00 AM\n102,New,07/14/2025 09:00 AM,07/14/2025 09:00 AM,\n",
        {"columns": {"case_id": "#", "status": "Status", "updated_ts": "Updated"}, "milestones": {"Created": "INTAKE", "Closed": "CLOSED"}},
    ),
    "revisions of work items": Export(
        "WorkItemId,Revision,State,ChangedDate\n501,1,New,2025-07-07T09:00:00Z\n501,2,Active,2025-07-07T10:00:00Z\n501,3,Resolved,2025-07-08T09:00:00Z\n",
        {"columns": {"case_id": "WorkItemId", "status": "State", "event_ts": "ChangedDate"}},
    ),
    "an export in German": Export(
        "Nummer;Geöffnet;Status;Gelöst;Geschlossen\n"
        "INC1;07.07.2025 08:00:00;Geschlossen;18.07.2025 10:00:00;20.07.2025 09:00:00\nINC2;13.07.2025 08:30:00;In Bearbeitung;;\n",
        {"columns": {"case_id": "Nummer", "status": "Status"}, "milestones": {"Geöffnet": "INTAKE", "Gelöst": "RESOLVED", "Geschlossen": "CLOSED"}},
    ),
    "epochs in columns that only a row a case has": Export(
        "Incident ID*+,Status*,Submit Date,Responded Date+,Last Resolved Date\n"
        "INC101,Closed,1751878800,1751880600,1751965200\nINC102,Assigned,1751882400,,\nINC103,Assigned,1751968800,1751970600,\n",
        {"milestones": {"Submit Date": "INTAKE", "Responded Date+": "PUBLIC_REPLY", "Last Resolved Date": "RESOLVED"}},
    ),
    "date and time in two columns, one row a case": Export(
        "Ticket,Status,Opened Date,Opened Time,Resolved Date,Resolved Time\n"
        "1,Closed,2025-07-07,09:00,2025-07-07,15:00\n2,Open,2025-07-08,10:00,,\n3,Closed,2025-07-09,10:00,2025-07-10,11:30\n",
        {"milestones": {"Opened Date + Opened Time": "INTAKE", "Resolved Date + Resolved Time": "RESOLVED"}},
    ),
    "an issue list with a key and a number": Export(
        "Issue key,Issue id,Status,Created,Resolved\nSUP-1,10001,Done,07/Jul/25 9:12 AM,08/Jul/25 2:55 PM\nSUP-2,10002,To Do,08/Jul/25 10:00 AM,\n",
        {"columns": {"case_id": "Issue key", "status": "Status"}},
    ),
    "an expected end beside the actual one": Export(
        "Ticket,Status,Created,Actual Close Date,Expected Close Date\n1,Closed,2025-07-07 09:00,2025-07-07 10:00,2025-07-07 12:00\n2,Open,2025-07-08 09:00,,2025-07-08 11:00\n",
        {"milestones": {"Created": "INTAKE", "Actual Close Date": "CLOSED"}, "due": {"first_resolution": {"column": "Expected Close Date"}}},
    ),
    "a start and an end, one row a case": Export(
        "Case ID,Status,Start date,End date\n1,Closed,2025-07-07 09:00,2025-07-07 10:00\n2,Open,2025-07-08 09:00,\n",
        {"milestones": {"Start date": "INTAKE", "End date": "CLOSED"}},
    ),
    "durations that could be serial dates": Export(
        "Ticket,Status,Created,Closed,First response time\n1,Closed,2025-07-07 09:00,2025-07-07 19:00,36000\n2,Closed,2025-07-07 09:00,2025-07-07 21:00,43200\n",
        {"milestones": {"Created": "INTAKE", "Closed": "CLOSED"}},
    ),
    "statuses with their start and their end": Export(
        "Ticket,Status,Start,End\n1,New,2025-07-07 09:00,2025-07-07 10:00\n1,In progress,2025-07-07 10:00,2025-07-07 12:00\n1,Closed,2025-07-07 12:00,\n"
        "2,New,2025-07-07 09:00,2025-07-07 11:00\n2,Closed,2025-07-07 11:00,\n",
        {"columns": {"case_id": "Ticket", "status": "Status", "event_ts": "Start"}},
    ),
    "statuses with their end before their start": Export(
        "Ticket,Status,Left at,Entered at\n1,New,2025-07-07 10:00,2025-07-07 09:00\n1,Closed,,2025-07-07 10:00\n2,New,2025-07-07 11:00,2025-07-07 09:00\n2,Closed,,2025-07-07 11:00\n",
        {"columns": {"case_id": "Ticket", "status": "Status", "event_ts": "Entered at"}},
    ),
    "activities with their start and their end": Export(
        "Case ID,Activity,Start Timestamp,Complete Timestamp\n1,Create,2025-07-07 09:00,2025-07-07 09:10\n1,Resolve,2025-07-07 12:00,2025-07-07 13:00\n"
        "2,Create,2025-07-08 09:00,2025-07-08 09:10\n2,Resolve,2025-07-08 12:00,2025-07-08 14:00\n",
        {"columns": {"case_id": "Case ID", "status": "Activity", "event_ts": "Complete Timestamp"}},
    ),
    "two stamps that change, and nothing that tells them apart": Export(
        "Ticket,Status,A,B\n1,New,2025-07-07 09:00,2025-07-07 09:01\n1,Closed,2025-07-07 10:00,2025-07-07 10:01\n2,New,2025-07-07 09:00,2025-07-07 09:01\n",
        {"columns": {"case_id": "Ticket", "status": "Status", "event_ts": "A"}},
        "A was taken, and others would do as well",
    ),
    "due dates that a system writes as midnights": Export(
        "Ticket,Status,Opened,Closed,Due date\n1,Closed,2025-07-07 09:00,2025-07-07 12:00,2025-07-07 00:00:00\n2,Open,2025-07-08 09:00,,2025-07-09 00:00:00\n",
        {"due": {"first_resolution": {"column": "Due date", "date_format": "%Y-%m-%d %H:%M:%S"}}},
        "Every Due date is a midnight, so it names a day",
    ),
    "due dates at midnight in the form of the stamps": Export(
        "Issue key,Status,Created,Resolved,Due Date\nSUP-1,Done,07/Jul/25 9:12 AM,08/Jul/25 2:55 PM,09/Jul/25 12:00 AM\nSUP-2,To Do,08/Jul/25 10:00 AM,,\n",
        {"due": {"first_resolution": {"column": "Due Date", "date_format": "%d/%b/%y %I:%M %p"}}},
    ),
    "instants of which one is a midnight": Export(
        "Ticket,Status,Opened,Closed,Due date\n1,Closed,2025-07-07 09:00,2025-07-07 12:00,2025-07-07 17:00\n2,Open,2025-07-08 09:00,,2025-07-09 00:00\n",
        {"due": {"first_resolution": {"column": "Due date"}}},
    ),
    "promises as text with units": Export(
        "Ticket,Status,Opened,Closed,Target\n1,Closed,2025-07-07 09:00,2025-07-07 12:00,4h\n2,Open,2025-07-08 09:00,,1d 4h\n",
        {"due": {"first_resolution": {"column": "Target", "calendar": "desk"}}},
    ),
    "promises without a unit": Export(
        "Ticket,Status,Opened,Closed,Target\n1,Closed,2025-07-07 09:00,2025-07-07 12:00,4\n2,Open,2025-07-08 09:00,,8\n",
        {"due": None},
        "Target is called as a promise is",
    ),
    "due dates that GLPI calls times": Export(
        "ID;Status;Opening date;Time to own;Time to resolve;Resolution date;Closing date;Assigned to - Technician group\n"
        "1;Closed;2025-07-07 09:00;2025-07-07 10:00;2025-07-08 09:00;2025-07-07 12:00;2025-07-07 13:00;Net\n"
        "2;Processing (assigned);2025-07-08 09:00;2025-07-08 10:00;2025-07-09 09:00;;;Net\n",
        {
            "milestones": {"Opening date": "INTAKE", "Resolution date": "RESOLVED", "Closing date": "CLOSED"},
            "due": {"first_resolution": {"column": "Time to resolve"}, "first_touch": {"column": "Time to own"}},
        },
    ),
    "requests in words without blanks, late or not": Export(
        "CASEID,OPENEDDATETIME,SLA_Date,CLOSEDDATETIME,Late (Yes/No),Dept,CaseStatus\n"
        "1,7/7/25 9:00,7/8/25 9:00,7/17/25 9:00,YES,Animal Care,Closed\n2,7/8/25 9:00,7/18/25 9:00,,NO,Animal Care,Open\n",
        {
            "columns": {"case_id": "CASEID", "status": "CaseStatus", "team": "Dept", "sla_met": "Late (Yes/No)"}, "milestones": {"OPENEDDATETIME": "INTAKE", "CLOSEDDATETIME": "CLOSED"},
            "due": {"first_resolution": {"column": "SLA_Date"}}, "sla_met_values": {"met": ["NO"], "missed": ["YES"]},
        },
    ),
    "offsets of two digits": Export(
        "ServiceRequestNum,SRStatus,CreatedDate,DueDate,CloseDate\n25-1,Closed,2025/07/07 09:00:00+00,2025/07/08 09:00:00+00,2025/07/07 12:00:00+00\n"
        "25-2,New,2025/07/08 09:00:00+00,2025/07/09 09:00:00+00,\n",
        {"time": {"format": "%Y/%m/%d %H:%M:%S%z"}, "milestones": {"CreatedDate": "INTAKE", "CloseDate": "CLOSED"}, "due": {"first_resolution": {"column": "DueDate"}}},
    ),
    "stamps of which a spreadsheet wrote some with bars": Export(
        "Incident_ID,Status,Open_Time,Close_Time\n1,Closed,5/2/2025 13:32,29-03-2025 12:36\n2,Closed,17-07-2025 11:49,10/8/2025 11:01\n3,Open,3/2/2025 9:05,\n",
        {"time": {"format": ["%d/%m/%Y %H:%M", "%d-%m-%Y %H:%M"], "timezone": "UTC"}},
        "taken as %d/%m/%Y %H:%M, as the same columns have %d-%m-%Y %H:%M",
    ),
    "a log without openings": Export(
        "Ticket,Status,Changed at\n1,In progress,2025-07-07 09:30\n1,Solved,2025-07-07 11:00\n2,In progress,2025-07-07 10:30\n2,Solved,2025-07-07 12:00\n",
        {"columns": {"case_id": "Ticket", "status": "Status", "event_ts": "Changed at"}},
        "No record says that a case came in",
    ),
    "JSON of issues whose fields are an object": Export(
        '{"issues": [{"id": "10001", "key": "SUP-1", "fields": {"status": {"name": "Done"}, "created": "2025-07-07T09:00:00.000+0000", '
        '"resolutiondate": "2025-07-07T12:00:00.000+0000"}}, {"id": "10002", "key": "SUP-2", "fields": {"status": {"name": "To Do"}, '
        '"created": "2025-07-08T09:00:00.000+0000", "resolutiondate": null}}]}',
        {"columns": {"case_id": "key", "status": "fields.status.name"}, "milestones": {"fields.created": "INTAKE", "fields.resolutiondate": "RESOLVED"}},
    ),
    "JSON of a document store": Export(
        '[{"_id": {"$oid": "66a"}, "status": "New", "createdAt": {"$date": "2025-07-07T09:00:00Z"}}, {"_id": {"$oid": "66b"}, "status": "Closed", '
        '"createdAt": {"$date": "2025-07-07T09:00:00Z"}, "closedAt": {"$date": "2025-07-07T10:00:00Z"}}]',
        {"columns": {"case_id": "_id.$oid", "status": "status"}, "milestones": {"createdAt.$date": "INTAKE", "closedAt.$date": "CLOSED"}},
    ),
    "columns that are called alike": Export(
        "Ticket,Status,Date,Label,Label\n1,New,2025-07-07 09:00,a,b\n1,Solved,2025-07-07 10:00,x,\n",
        {"columns": {"case_id": "Ticket", "status": "Status", "event_ts": "Date"}},
        "Several columns are called Label",
    ),
    "long ids with every digit": Export(
        "Ticket,Status,Changed at\n2025070710000010,New,2025-07-07 09:00\n2025070710000010,Solved,2025-07-07 10:00\n2025070710000020,New,2025-07-07 09:00\n",
        {"columns": {"case_id": "Ticket", "status": "Status", "event_ts": "Changed at"}},
    ),
}


@pytest.mark.parametrize("kind", READ)
def test_what_a_person_would_find_plain_is_read_so(tmp_path: Path, kind: str) -> None:
    export = READ[kind]
    source, said = proposed(tmp_path, export.log, **export.told)
    assert {name: source.get(name) for name in export.source} == export.source
    assert export.says in said


REFUSED = {
    "an audit trail of several fields": (
        "Issue Key,Changed,Field,From,To\n"
        "SUP-1,2025-07-07T09:12:00Z,status,Open,In Progress\nSUP-1,2025-07-07T10:12:00Z,resolution,,Done\nSUP-1,2025-07-07T12:00:00Z,status,In Progress,Done\n"
        "SUP-2,2025-07-08T09:12:00Z,status,Open,In Progress\nSUP-2,2025-07-08T11:12:00Z,status,In Progress,Done\n",
        r"is an audit log, and 2 of 2 cases \(100%\) begin with a change from something: when they came in is not in it",
    ),
    "ids whose last digits a spreadsheet made zeros": (
        "Ticket,Status,Changed at\n2025070700000000000,New,2025-07-07 09:00\n2025070700000000000,Solved,2025-07-07 10:00\n2025070800000000000,New,2025-07-07 09:00\n",
        r"3 records with an id that a spreadsheet rounded \(2025070700000000000, 2025070800000000000\)",
    ),
    "a report that names a case in its first row": (
        "Ticket,Status,Changed at\nT1,New,2025-07-07 09:00\n,In progress,2025-07-07 09:30\n,Solved,2025-07-07 12:00\nT2,New,2025-07-08 09:00\n,Solved,2025-07-08 12:00\n",
        "3 of 5 records have no 'Ticket'",
    ),
    "two columns called Date": (
        "Ticket,Status,Date,Date\n1,New,2025-07-07 09:00,2025-07-07 09:00\n1,Solved,2025-07-07 10:00,x\n", "Several columns are called Date",
    ),
    "two ends and no opening": (
        "Nummer;Angefangen;Status;Gelöst;Geschlossen\nINC1;x;Geschlossen;18.07.2025 10:00:00;20.07.2025 09:00:00\nINC2;y;In Bearbeitung;;\n",
        "Which column tells when a case was opened: say it with --column INTAKE=COLUMN",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_known_is_asked(tmp_path: Path, kind: str) -> None:
    log, message = REFUSED[kind]
    with pytest.raises(OpslaError, match=message):
        proposed(tmp_path, log)
    assert not (tmp_path / "desk").exists()


def test_what_no_column_says_the_instant_of_is_no_promise(tmp_path: Path) -> None:
    """A status of a row that is a case says how it stands: nobody knows when a case in progress was touched, or how long another one waited."""
    proposed(
        tmp_path,
        "number,state,opened_at,resolved_at\nINC1,Closed,2025-07-07 08:00,2025-07-08 10:00\nINC2,In Progress,2025-07-07 09:30,\n"
        "INC3,Awaiting User Info,2025-07-07 10:30,\n",
    )
    policies = yaml.safe_load((tmp_path / "desk" / "sla_policies.yml").read_text(encoding="utf-8"))
    assert [policy["targets"] for policy in policies["policies"]] == [{"first_resolution": "24h"}]
    assert "first_resolution_paused" not in policies["metrics"]


def test_the_time_lines_read_a_repeated_hour_as_the_source_does(tmp_path: Path) -> None:
    log = (
        "Ticket,Status,Changed at\n1,New,2025-10-26 02:50\n1,Solved,2025-10-26 02:10\n2,New,2025-10-26 01:50\n2,Solved,2025-10-26 03:10\n"
    )
    _, said = proposed(tmp_path, log, timezone="Europe/Berlin")
    assert "02:10  is solved (Solved), 20 min later" in said
    assert "03:10  is solved (Solved), 2.3 h later" in said


@pytest.mark.parametrize("kind", STAMPS)
def test_stamps_as_people_s_systems_write_them(tmp_path: Path, kind: str) -> None:
    began, ended = STAMPS[kind]
    _, said = proposed(tmp_path, f'{TICKETS}1,New,"{began}"\n1,Solved,"{ended}"\n')
    assert "2025-07-07 09:00  comes in" in said
    assert "2025-07-17 10:30  is solved" in said


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (("45845.38", "45845.51", "45846.38", "45846.74"), "no column reads as stamps"),
        (("1751878800000000000", "1751882400000000000", "1751880000000000000", "1751890800000000000"), "holds nanoseconds since 1970 \\('1751878800000000000'"),
    ],
    ids=["serial dates of two decimals", "nanoseconds"],
)
def test_stamps_that_would_be_a_guess_are_refused(tmp_path: Path, cells: tuple[str, ...], message: str) -> None:
    records = (f"{number // 2},{'Solved' if number % 2 else 'New'},{cell}\n" for number, cell in enumerate(cells))
    with pytest.raises(OpslaError, match=message):
        proposed(tmp_path, TICKETS + "".join(records))
