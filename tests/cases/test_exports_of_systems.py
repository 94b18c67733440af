"""Exports as ticket systems write them: read right by hand arithmetic, or refused with a way on.

Belongs here: small files in the shapes that public documentation and bug reports show. Does not belong here: single rules of stamps or words.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from case_home import AS_OF_AT
from rich.console import Console

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import load_settings
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.starting.asking import Asking
from opsla_dagster.starting.begin import Answers, begin


@dataclass(frozen=True)
class Export:
    """A file, and what is read of it: case -> (status, hours since 2025-07-07 09:00), or the refusal."""

    text: str
    cases: dict[str, list[tuple[str, float]]] = field(default_factory=dict)
    refused: str = ""
    name: str = "log.csv"
    told: dict[str, Any] = field(default_factory=dict)
    notes: str = ""


CLOSED_BY_NOON = [("INTAKE", 0.0), ("CLOSED", 3.0)]
SOLVED_BY_NOON = [("INTAKE", 0.0), ("RESOLVED", 3.0)]
HISTORY = [{"status": "new", "at": "2025-07-07T09:00:00Z"}, {"status": "closed", "at": "2025-07-07T12:00:00Z"}]
STATES = "Ticket,Status,Changed\n1,New,{}\n1,Closed,{}\n2,New,{}\n"
EXPORTS = {
    "Salesforce cases": Export(
        '"Case Number","Status","Priority","Date/Time Opened","Date/Time Closed","Case Owner"\n'
        '"00001001","Closed","High","7/7/2025, 9:00 AM","7/7/2025, 12:00 PM","Ann"\n"00001002","New","High","7/17/2025, 9:00 AM","","Ann"\n',
        {"00001001": CLOSED_BY_NOON, "00001002": [("INTAKE", 240.0)]},
    ),
    "HubSpot with the pipeline behind the status": Export(
        "Ticket ID,Ticket status,Create date,Close date,Ticket owner\n101,Closed (Support Pipeline),2025-07-07 09:00,2025-07-07 12:00,Ann\n"
        "102,New (Support Pipeline),2025-07-07 10:00,,Ann\n103,Waiting on contact (Support Pipeline),2025-07-07 11:00,,Ann\n",
        {"101": CLOSED_BY_NOON, "102": [("INTAKE", 1.0)], "103": [("INTAKE", 2.0)]},
        notes="Waiting on contact (Support Pipeline): not used, since no column says when a row was changed last",
    ),
    "Jira issues": Export(
        "Issue key,Issue id,Status,Created,Updated,Resolved,Assignee,Comment,Comment\nA-1,1,Done,07/Jul/25 9:00 AM,07/Jul/25 12:00 PM,07/Jul/25 12:00 PM,ann,x,y\n"
        "A-2,2,In Progress,07/Jul/25 10:00 AM,17/Jul/25 10:00 AM,,bob,,\n",
        {"A-1": SOLVED_BY_NOON, "A-2": [("INTAKE", 1.0), ("INVESTIGATION", 241.0)]},
    ),
    "Freshdesk, with a ticket that waits": Export(
        "Ticket ID,Status,Created time,Resolved time,Last update time\n1,Resolved,2025-07-07 09:00,2025-07-07 12:00,2025-07-07 12:00\n"
        "2,Waiting on Customer,2025-07-07 10:00,,2025-07-07 15:00\n",
        {"1": SOLVED_BY_NOON, "2": [("INTAKE", 1.0), ("CUSTOMER_WAIT", 6.0)]}, notes="waits for the customer (Waiting on Customer), 5.0 h later",
    ),
    "GLPI in French": Export(
        "ID;Statut;Date d'ouverture;Date de résolution;Date de clôture;Dernière modification\n1;Clos;07-07-2025 09:00;07-07-2025 12:00;07-07-2025 13:00;07-07-2025 13:00\n"
        "2;En cours (Attribué);17-07-2025 09:00;;;17-07-2025 10:00\n",
        {"1": [*SOLVED_BY_NOON, ("CLOSED", 4.0)], "2": [("INTAKE", 240.0), ("INVESTIGATION", 241.0)]},
    ),
    "Help Scout": Export(
        'Conversation ID,Number,Status,Created At,Closed At,First Response\n1,11,closed,"Jul 7, 2025 9:00am","Jul 7, 2025 12:00pm","Jul 7, 2025 9:30am"\n'
        '2,12,active,"Jul 17, 2025 9:00am",,\n',
        {"1": CLOSED_BY_NOON, "2": [("INTAKE", 240.0)]},
    ),
    "GitHub issues": Export(
        json.dumps([
            {"number": 1, "state": "closed", "created_at": "2025-07-07T09:00:00Z", "updated_at": "2025-07-08T09:00:00Z", "closed_at": "2025-07-07T12:00:00Z"},
            {"number": 2, "state": "open", "created_at": "2025-07-07T10:00:00Z", "updated_at": "2025-07-07T10:00:00Z", "closed_at": None},
        ]),
        {"1": CLOSED_BY_NOON, "2": [("INTAKE", 1.0)]}, name="issues.json",
    ),
    "GitHub issue events": Export(
        "\n".join(json.dumps({"issue": 1, "event": event, "created_at": f"2025-07-07T{hour}:00:00Z"}) for event, hour in (
            ("opened", "09"), ("closed", "12"), ("reopened", "13"),
        )),
        {"1": [*CLOSED_BY_NOON, ("REOPENED", 4.0)]}, name="events.jsonl",
    ),
    "311 with duplicates and their parents": Export(
        "SR_NUMBER,STATUS,CREATED_DATE,LAST_MODIFIED_DATE,CLOSED_DATE,DUPLICATE,PARENT_SR_NUMBER\n"
        "SR1,Completed,07/07/2025 09:00:00 AM,07/07/2025 12:00:00 PM,07/07/2025 12:00:00 PM,false,\n"
        "SR2,Completed,07/07/2025 09:00:00 AM,07/07/2025 12:00:00 PM,07/07/2025 12:00:00 PM,true,SR1\n"
        "SR3,Open,07/17/2025 09:00:00 AM,07/17/2025 09:00:00 AM,,false,\n",
        {"SR1": CLOSED_BY_NOON, "SR2": [("INTAKE", 0.0), ("MERGED", 3.0)], "SR3": [("INTAKE", 240.0)]},
    ),
    "flags of duplicates alone": Export(
        "SR_NUMBER,STATUS,CREATED_DATE,CLOSED_DATE,DUPLICATE\nSR1,Completed,2025-07-07 09:00,2025-07-07 12:00,false\nSR2,Completed,2025-07-07 09:00,2025-07-07 12:00,true\n",
        {"SR1": CLOSED_BY_NOON, "SR2": CLOSED_BY_NOON}, notes="Column 'DUPLICATE' marks 1 record as duplicates",
    ),
    "texts wrapped as formulas": Export(
        '="Ticket",Status,Changed\n="001",New,="2025-07-07 09:00"\n="001",Closed,="2025-07-07 12:00"\n"=""2""",New,"=""2025-07-07 10:00"""\n',
        {"001": CLOSED_BY_NOON, "2": [("INTAKE", 1.0)]},
    ),
    "nanoseconds": Export(
        STATES.format("2025-07-07T09:00:00.000000001Z", "2025-07-07T12:00:00.000000001Z", "2025-07-07T10:00:00.000000001Z"),
        {"1": CLOSED_BY_NOON, "2": [("INTAKE", 1.0)]},
    ),
    "ISO weeks, named": Export(
        STATES.format("2025-W28-1T09:00", "2025-W28-1T12:00", "2025-W28-1T10:00"), {"1": CLOSED_BY_NOON, "2": [("INTAKE", 1.0)]},
        told={"time_format": "%G-W%V-%uT%H:%M"},
    ),
    "ISO weeks": Export(STATES.format("2025-W28-1T09:00", "2025-W28-1T12:00", "2025-W28-1T10:00"), refused="holds ISO weeks .*--time-format '%G-W%V-%uT%H:%M'"),
    "days of the year": Export(STATES.format("2025-188T09:00", "2025-188T12:00", "2025-188T10:00"), refused="holds days of the year .*--time-format '%Y-%jT%H:%M'"),
    "epoch nanoseconds": Export(
        STATES.format("1751878800000000000", "1751889600000000000", "1751882400000000000"), refused="holds nanoseconds since 1970 .*--time-format epoch_us",
    ),
    "a history inside of each record": Export(
        json.dumps([{"id": 1, "history": HISTORY}, {"id": 2, "history": HISTORY[:1]}]), refused=r"'history' holds a list of records .* jq -c", name="log.json",
    ),
    "Jira issues with their changelog": Export(
        json.dumps({"issues": [
            {"key": f"A-{n}", "fields": {"created": "2025-07-07T09:00:00.000+0000", "status": {"name": "Done"}}, "changelog": {"histories": [
                {"created": "2025-07-07T10:00:00.000+0000", "items": [{"field": "status", "toString": "Done"}]},
            ]}} for n in (1, 2)
        ]}),
        refused=r"'changelog\.histories' holds a list of records", name="log.json",
    ),
    "Zammad's history, which has changes alone": Export(
        "Ticket,Attribute,From,To,Created at\nT1,state,new,open,2025-07-07T09:10:00Z\nT1,state,open,closed,2025-07-07T12:10:00Z\nT2,state,new,open,2025-07-07T09:30:00Z\n",
        refused=r"2 of 2 cases \(100%\) begin with a change from something.*--changes FILE.*'intake_ts=Created at'",
    ),
    "Zammad's history, of which somebody says that it begins with the case": Export(
        "Ticket,Attribute,From,To,Created at\nT1,state,new,open,2025-07-07T09:10:00Z\nT1,state,open,closed,2025-07-07T12:10:00Z\nT2,state,new,open,2025-07-07T09:30:00Z\n",
        {"T1": [("INVESTIGATION", 0.167), ("CLOSED", 3.167)], "T2": [("INVESTIGATION", 0.5)]}, told={"columns": ["intake_ts=Created at"]},
    ),
    "Salesforce case history": Export(
        '"CaseId","Field","OldValue","NewValue","CreatedDate"\n"500A","created","","","2025-07-07T09:00:00.000Z"\n"500A","Status","New","Closed","2025-07-07T12:00:00.000Z"\n'
        '"500B","created","","","2025-07-07T09:30:00.000Z"\n"500B","Owner","Queue","Ann","2025-07-07T09:40:00.000Z"\n',
        {"500A": [("INTAKE", 0.0), ("CLOSED", 3.0)], "500B": [("INTAKE", 0.5)]},
    ),
    "one unknown word in a small file": Export(
        "Ticket,Status,Changed\n1,New,2025-07-07 09:00\n1,Frobnicate,2025-07-07 10:00\n1,Closed,2025-07-07 12:00\n", refused="'Frobnicate' \\(1 record\\).*--status",
    ),
    "one unknown word in a small file, named": Export(
        "Ticket,Status,Changed\n1,New,2025-07-07 09:00\n1,Frobnicate,2025-07-07 10:00\n1,Closed,2025-07-07 12:00\n", {"1": CLOSED_BY_NOON},
        told={"statuses": ["Frobnicate=IGNORE"]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", EXPORTS)
def test_an_export_is_read_right_or_refused_with_a_way_on(tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    export = EXPORTS[kind]
    (tmp_path / export.name).write_text(export.text, encoding="utf-8")
    usual: dict[str, Any] = {
        "zendesk": None, "intercom": False, "name": None, "timezone": "UTC", "start_date": None, "time_format": None, "columns": [], "statuses": [],
        "empty_cells": None, "email_variable": "E", "token_variable": None, "key_variable": "K", "base_url": None,
    }
    answers = Answers(files=[tmp_path / export.name], directory=tmp_path / "desk", **{**usual, **export.told})
    asking = Asking(Console(width=10_000), is_allowed=False)
    if export.refused:
        with pytest.raises(OpslaError, match=export.refused):
            begin(answers, asking)
        assert not (tmp_path / "desk").exists()
        return
    begun = begin(answers, asking)
    assert begun is not None
    assert not begun.unfinished
    assert export.notes in capsys.readouterr().out
    desk = build_desk(load_settings(begun.directory, tmp_path / "home"))
    found: dict[str, list[tuple[str, float]]] = {}
    for event in desk.events(desk.window(), AS_OF_AT).to_pylist():
        hours = (event["event_ts"] - AS_OF_AT.replace(month=7, day=7, hour=9)).total_seconds() / 3600
        found.setdefault(event["case_id"], []).append((event["status"], round(hours, 3)))
    assert found == export.cases
    assert desk.rejected_rows().num_rows == 0
