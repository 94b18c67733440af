"""What is proposed for an audit log: its columns and fields in eight languages, what is asked for, and what is refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.base import read_document
from opsla_dagster.settings.sources import EventLogSettings, SourcesSettings
from opsla_dagster.starting.asking import Asking
from opsla_dagster.starting.begin import Answers, begin
from opsla_dagster.starting.preview import lines_of, time_lines
from opsla_dagster.starting.proposing import propose
from opsla_dagster.starting.sniffing import sniffed
from opsla_dagster.starting.told import Told

NOBODY = Asking(Console(quiet=True), is_allowed=False)
ROWS = """\
T1{s}{status}{s}{s}{new}{s}2025-07-07 09:00{s}ann
T1{s}{team}{s}{s}front{s}2025-07-07 09:30{s}ann
T1{s}{agent}{s}{s}ann{s}2025-07-07 09:30{s}ann
T1{s}{priority}{s}P3{s}P1{s}2025-07-07 09:40{s}bob
T1{s}{team}{s}front{s}back{s}2025-07-07 10:00{s}ann
T1{s}{comment}{s}{s}x{s}2025-07-07 10:10{s}ann
T1{s}{status}{s}{new}{s}{solved}{s}2025-07-07 12:00{s}bob
T2{s}{status}{s}{s}{new}{s}2025-07-18 09:00{s}ann
T2{s}{status}{s}{new}{s}{solved}{s}2025-07-18 11:00{s}ann
"""
#: The header (case, field, old, new, when, who), then status, team, agent, priority, comment, new, solved.
LANGUAGES = {
    "English": ("Ticket,Field,Old value,New value,Changed at,Changed by", "Status,Assignment group,Assignee,Priority,Comment,New,Solved"),
    "German": ("Vorgang,Feld,Alter Wert,Neuer Wert,Geändert am,Geändert von", "Status,Zuständige Gruppe,Bearbeiter,Priorität,Kommentar,Neu,Gelöst"),
    "French": ("Demande,Champ,Ancienne valeur,Nouvelle valeur,Modifié le,Modifié par", "Statut,Groupe d'affectation,Assigné à,Priorité,Commentaire,Nouveau,Résolu"),
    "Spanish": ("Caso,Campo,Valor anterior,Nuevo valor,Fecha de modificación,Modificado por", "Estado,Grupo de asignación,Asignado a,Prioridad,Comentario,Nuevo,Resuelto"),
    "Portuguese": ("Chamado,Campo,Valor anterior,Novo valor,Alterado em,Alterado por", "Situação,Grupo de atribuição,Responsável,Prioridade,Comentário,Novo,Resolvido"),
    "Italian": ("Richiesta,Campo,Valore precedente,Nuovo valore,Data modifica,Modificato da", "Stato,Gruppo di assegnazione,Assegnato a,Priorità,Commento,Nuovo,Risolto"),
    "Dutch": ("Melding,Veld,Oude waarde,Nieuwe waarde,Gewijzigd op,Gewijzigd door", "Status,Behandelgroep,Behandelaar,Prioriteit,Opmerking,Nieuw,Opgelost"),
    "Japanese": ("チケット番号,項目,変更前,変更後,変更日時,変更者", "ステータス,担当グループ,担当者,優先度,コメント,新規,解決済み"),
}  # fmt: skip
EXPECTED = ("status", "team", "agent", "priority", "IGNORE")


def answers(directory: Path, *files: Path, **told: Any) -> Answers:
    usual: dict[str, Any] = {
        "zendesk": None, "intercom": False, "name": None, "timezone": "UTC", "start_date": None, "time_format": None, "columns": [], "statuses": [], "empty_cells": None,
        "email_variable": "E", "token_variable": None, "key_variable": "K", "base_url": None,
    }
    return Answers(files=list(files), directory=directory / "desk", **{**usual, **told})


def written(directory: Path, *files: Path, **told: Any) -> list[EventLogSettings]:
    """The sources of the configuration that is written, as they are read back."""
    assert begin(answers(directory, *files, **told), NOBODY) is not None
    sources = read_document(directory / "desk" / "sources.yml", SourcesSettings).sources
    return [source for source in sources if isinstance(source, EventLogSettings)]


def file(directory: Path, text: str, name: str = "audit.csv") -> Path:
    (directory / name).write_text(text, encoding="utf-8")
    return directory / name


@pytest.mark.parametrize("language", LANGUAGES)
def test_columns_and_fields_are_known_in_eight_languages(tmp_path: Path, language: str) -> None:
    header, words = (line.split(",") for line in LANGUAGES[language])
    case, field, old, new, when, who = header
    names = dict(zip(("status", "team", "agent", "priority", "comment", "new", "solved"), words, strict=True))
    log = ";".join((case, field, old, new, when, who)) + "\n" + ROWS.format(s=";", **names)
    (source,) = written(tmp_path, file(tmp_path, log))
    assert (source.form, source.beside) == ("changes", None)
    assert source.columns.mapped() == {"case_id": case, "field": field, "old_value": old, "new_value": new, "event_ts": when, "actor": who}
    assert [source.fields[word] for word in words[:5]] == list(EXPECTED)
    assert {word: str(meaning) for word, meaning in source.statuses.items()} == {names["new"]: "INTAKE", names["solved"]: "RESOLVED"}
    desk = yaml.safe_load((tmp_path / "desk" / "sources.yml").read_text(encoding="utf-8"))["desk"]
    assert desk == {"timezone": "UTC", "start_date": date(2025, 7, 7)}


JIRA = """\
id,key,created,author,field,from,fromString,to,toString
1,A-1,2025-07-17T09:00:00Z,ann,created,,,,
2,A-1,2025-07-17T09:30:00Z,ann,status,1,To Do,3,In Progress
3,A-1,2025-07-17T10:30:00Z,bob,status,3,In Progress,5,Done
4,A-2,2025-07-17T09:00:00Z,ann,created,,,,
5,A-2,2025-07-17T09:10:00Z,ann,assignee,,,7,ann
"""


def test_of_ids_and_names_the_names_are_taken_and_numbers_order_what_happens_at_once(tmp_path: Path) -> None:
    (source,) = written(tmp_path, file(tmp_path, JIRA), columns=["event_id=id"])
    assert source.columns.mapped() == {
        "case_id": "key", "event_id": "id", "event_ts": "created", "field": "field", "old_value": "fromString", "new_value": "toString", "actor": "author",
    }
    assert dict(source.fields) == {"created": "opened", "status": "status", "assignee": "agent"}


#: Rows of a creation: each field from nothing, the status not the first of them.
CREATED = """\
Ticket,Field,From,To,Changed at
T1,Priority,,P1,2025-07-17 09:00
T1,Status,,{first},2025-07-17 09:00
T1,Status,{first},Working,2025-07-17 10:00
T1,Status,Working,Solved,2025-07-17 12:00
"""


@pytest.mark.parametrize(
    ("first", "lines"),
    [("New", ["09:00  comes in (New)"]), ("Waiting for support", ["09:00  comes in (Waiting for support)"]), ("On hold", ["09:00  waits (On hold)"])],
    ids=["as a new one", "as one of Jira Service Management", "in another status"],
)
def test_the_time_lines_show_once_how_a_case_came_in(tmp_path: Path, first: str, lines: list[str]) -> None:
    with sniffed([file(tmp_path, CREATED.format(first=first))]) as log:
        proposal = propose(log, Told(timezone="UTC"), NOBODY)
        shown = lines_of(time_lines(log, proposal))
    assert any("--status 'Waiting for support=INVESTIGATION'" in note for note in proposal.notes) == (first == "Waiting for support")
    assert [line.strip().removeprefix("Thu 2025-07-17 ") for line in shown if "09:00" in line] == lines


SERVICENOW = """\
documentkey,fieldname,oldvalue,newvalue,sys_created_on,sys_created_by
I1,state,,New,2025-07-17 09:00:00,ann
I1,incident_state,,New,2025-07-17 09:00:00,ann
I1,state,New,Closed,2025-07-17 12:00:00,ann
I1,incident_state,New,Closed,2025-07-17 12:00:00,ann
I2,state,,New,2025-07-17 10:00:00,ann
"""
GROUPS = "Ticket,Field,Old,New,Changed at\nT1,Group,,front,2025-07-17 09:00\nT1,Group,front,back,2025-07-17 10:00\nT2,Group,,back,2025-07-17 09:00\n"
LOG = "Ticket,State,Changed at\nT1,New,2025-07-17 09:00\nT1,Solved,2025-07-17 12:00\nT2,New,2025-07-17 09:00\n"


@pytest.mark.parametrize(
    ("log", "told", "refused"),
    [
        (SERVICENOW, {}, "'state' .* are both called as the status is.*--field 'state=status' --field 'incident_state=IGNORE'"),
        (GROUPS, {}, "none of its fields is the status of a case .*opsla init LOG --changes .*audit.csv"),
        (GROUPS.replace("Group", "Colour"), {}, "no field of it is known: Colour.*--field 'WORD=MEANING'"),
        (GROUPS, {"fields": ["Team=team"]}, "--field Team=team: column 'Field' of the log has no such word; it has Group"),
        (GROUPS, {"fields": ["Group=squad"]}, "'squad' is no field of a case; one of status, team"),
        (GROUPS, {"columns": ["team=New"]}, "an audit log has none, its values are in the changes: --field 'WORD=team'"),
        (LOG, {"fields": ["State=status"]}, "is for audit logs, one row a changed field"),
    ],
)
def test_what_is_not_sure_is_asked_for_by_its_flag(tmp_path: Path, log: str, told: dict[str, Any], refused: str) -> None:
    with pytest.raises(OpslaError, match=refused):
        begin(answers(tmp_path, file(tmp_path, log), **told), NOBODY)
    assert not (tmp_path / "desk").exists()


def test_one_of_two_fields_is_said(tmp_path: Path) -> None:
    (source,) = written(tmp_path, file(tmp_path, SERVICENOW), fields=["state=status", "incident_state=IGNORE"])
    assert dict(source.fields) == {"state": "status", "incident_state": "IGNORE"}
    assert (source.columns.case_id, source.columns.actor) == ("documentkey", "sys_created_by")


def test_an_audit_log_stands_beside_the_log_of_its_cases(tmp_path: Path) -> None:
    audit = GROUPS + "T1,State,New,Solved,2025-07-17 12:00\n"
    log, changes = written(tmp_path, file(tmp_path, LOG, "log.csv"), changes=[file(tmp_path, audit)])
    assert (log.name, log.form) == ("log", "updates")
    assert (changes.name, changes.form, changes.beside) == ("log_changes", "changes", "log")
    assert dict(changes.fields) == {"Group": "team", "State": "IGNORE"}
    assert not changes.statuses


@pytest.mark.parametrize(
    ("log", "changes", "refused"),
    [
        (LOG, GROUPS.replace("T1", "X1").replace("T2", "X2"), r"none of its 2 cases \(column 'Ticket': X1, X2\) is in .*log.csv"),
        (LOG.replace("Ticket,", "Ticket,Id,").replace("T1,", "T1,X1,").replace("T2,", "T2,X2,"), GROUPS.replace("T1", "X1").replace("T2", "X2"), r"column 'Id' of .*log.csv has such ids: --column 'case_id=Id'"),
        (LOG, LOG, "is no audit log: no columns are called as the changed field.*--column field=COLUMN"),
        (GROUPS.replace("Group", "State").replace("front", "New").replace("back", "Solved"), GROUPS, "is an audit log itself"),
    ],
)
def test_what_cannot_be_the_changes_of_a_log_is_refused(tmp_path: Path, log: str, changes: str, refused: str) -> None:
    with pytest.raises(OpslaError, match=refused):
        begin(answers(tmp_path, file(tmp_path, log, "log.csv"), changes=[file(tmp_path, changes)]), NOBODY)
