"""Words are placed where they are sure, and left to a person where they are not."""

from __future__ import annotations

import pytest

from opsla_dagster.starting.column_names import fields_named
from opsla_dagster.starting.words import signal_of, signals_of

SURE = {
    "New": "INTAKE", "OPEN": "INTAKE", "created": "INTAKE", "Case Opened": "INTAKE", "Triage": "TRIAGE", "in triage": "TRIAGE",
    "Assigned": "ASSIGNED", "assigned to group": "ASSIGNED", "In Progress": "INVESTIGATION", "in_progress": "INVESTIGATION",
    "Work in Progress": "INVESTIGATION", "Active": "INVESTIGATION", "working": "INVESTIGATION", "InProgress": "INVESTIGATION",
    "Escalated": "ESCALATED", "escalation": "ESCALATED", "Pending": "CUSTOMER_WAIT", "Waiting for customer": "CUSTOMER_WAIT",
    "Awaiting User Info": "CUSTOMER_WAIT", "awaiting-customer-reply": "CUSTOMER_WAIT", "Pending vendor": "VENDOR_WAIT",
    "Awaiting Vendor": "VENDOR_WAIT", "With 3rd party": "VENDOR_WAIT", "Waiting for third party": "VENDOR_WAIT", "On Hold": "ON_HOLD",
    "hold": "ON_HOLD", "Review": "REVIEW_QA", "QA": "REVIEW_QA", "Quality review": "REVIEW_QA", "Solved": "RESOLVED", "RESOLVED": "RESOLVED",
    "Done": "RESOLVED", "fixed": "RESOLVED", "Completed": "RESOLVED", "Resolve ticket": "RESOLVED", "Closed": "CLOSED",
    "Closed - no response": "CLOSED", "Cancelled": "CANCELLED", "canceled by user": "CANCELLED", "Reopened": "REOPENED", "re-opened": "REOPENED",
    "Re-Open": "REOPENED", "Public reply": "PUBLIC_REPLY", "agent replied": "PUBLIC_REPLY", "Internal note": "PRIVATE_NOTE",
    "private comment": "PRIVATE_NOTE", "Customer message": "CUSTOMER_MESSAGE", "Customer replied": "CUSTOMER_MESSAGE",
    "First reply": "PUBLIC_REPLY", "first_response_sent": "PUBLIC_REPLY", "Escalated to L2": "ESCALATED", "Tier 3 escalation": "ESCALATED",
    "Auto-closed": "CLOSED", "auto resolved": "RESOLVED",
}
#: As the vendors' localised statuses are written: Zendesk, ServiceNow, GLPI, Redmine, OTRS and Znuny, Jira, Freshdesk, HubSpot.
OTHER_LANGUAGES = {
    "INTAKE": "Neu;Offen;Nouveau;Ouvert;À faire;Nuevo;Abierto;Abierta;Por hacer;Novo;Aberto;A fazer;Nuovo;Aperto;Nieuw;新規;オープン;未対応;To Do;Registrado",
    "ASSIGNED": "Zugewiesen;Assigné;Attribué;Asignado;Atribuído;Assegnato;Toegewezen;割り当て済み",
    "INVESTIGATION": "In Bearbeitung;In Bearbeitung (zugewiesen);En cours;En cours (Attribué);En cours (Planifié);En curso;En curso (asignada);En progreso;"
    "Em andamento;Em atendimento;Em atendimento (atribuído);In lavorazione;In corso;In behandeling;In behandeling (toegewezen);対応中;進行中;処理中;"
    "Processing (assigned)",
    "ESCALATED": "Eskaliert;Escaladé;Escalado;Escalada;エスカレーション",
    "CUSTOMER_WAIT": "With customer;with the client;Beim Kunden;Chez le client;Wartend;Warten auf Kunde;Warten auf Rückmeldung des Kunden;En attente;En attente du client;En attente d'informations;Pendiente;"
    "Pendiente del cliente;Esperando respuesta del cliente;Pendente;Aguardando cliente;Aguardando retorno do cliente;In attesa;In attesa del cliente;"
    "Wachten op klant;In afwachting;顧客回答待ち;お客様からの返信待ち;Waiting on contact",
    "VENDOR_WAIT": "Warten auf Hersteller;En attente du fournisseur;Pendiente proveedor;Aguardando fornecedor;In attesa fornitore;Wachten op leverancier;ベンダー回答待ち",
    "ON_HOLD": "Angehalten;En pause;Suspendu;Suspendido;Suspenso;Sospeso;In sospeso;In de wacht;保留中;warten zur Erinnerung;pending reminder",
    "RESOLVED": "Gelöst;Geloest;Erledigt;Fertig;Behoben;Résolu;Résolue;Terminé;Resuelto;Resuelta;Solucionado;Resolvido;Concluído;Risolto;Completato;Opgelost;"
    "Afgehandeld;解決;解決済み;対応済み;完了",
    "CLOSED": "Geschlossen;erfolgreich geschlossen;erfolglos geschlossen;Clos;Clôturé;Fermé;Fermée;Cerrado;Cerrada;Fechado;Encerrado;Chiuso;Gesloten;クローズ;"
    "クローズ済み;終了",
    "CANCELLED": "Abgebrochen;Storniert;Annulé;Anulado;Cancelado;Annullato;Geannuleerd;キャンセル;取り消し;Duplicate;Void;Voided;Duplikat;Doublon;重複;Closed as duplicate",
    "MERGED": "Merged;Merged into another ticket;Closed (merged);Zusammengeführt;zusammengefasst;Fusionné;Fusionado;Mesclado;Samengevoegd;統合済み;マージ済み",
    "REOPENED": "Wiedereröffnet;wieder geöffnet;Rouvert;Reabierto;Reaberto;Riaperto;Heropend;再オープン",
}
UNSURE = [
    "nicht gelöst", "Ungelöst", "Non résolu", "No resuelto", "Não resolvido", "Non risolto", "Niet opgelost", "未解決", "Abgewiesen", "Rejeté",
    "Rechazado", "却下", "Rejected", "Nicht zugewiesen", "pending auto close+", "With support", "With us", "With the team", "Waiting on us", "Handle", "Take in charge ticket",
    "Cancellation requested", "Merge pending", "Queued", "Accepted",
    "Parked", "-100", "Awaiting Problem", "Pending approval", "Not resolved", "Unresolved", "Unassigned", "Resolve SW anomaly", "Comment",
    "Inactive", "Waiting for agent", "", "Wait for the review of legal", "News", "Disclosed",
    "De-escalated", "de-assigned", "First customer reply", "First message", "First auto response", "First response breached", "Auto reply",
]


@pytest.mark.parametrize(("word", "signal"), SURE.items())
def test_a_sure_word_is_placed(word: str, signal: str) -> None:
    assert signal_of(word) == signal


@pytest.mark.parametrize("word", UNSURE)
def test_an_unsure_word_is_left(word: str) -> None:
    assert signal_of(word) is None


@pytest.mark.parametrize(("signal", "words"), OTHER_LANGUAGES.items())
def test_words_of_other_languages(signal: str, words: str) -> None:
    assert {word: signal_of(word) for word in words.split(";")} == dict.fromkeys(words.split(";"), signal)


def test_words_that_mean_something_else_beside_another_word() -> None:
    assert signals_of(["Pendiente", "En espera"]) == {"Pendiente": "CUSTOMER_WAIT", "En espera": "ON_HOLD"}
    assert signals_of(["En espera"])["En espera"] == "CUSTOMER_WAIT"
    assert signals_of(["Neu", "Offen"])["Offen"] == "INVESTIGATION"


@pytest.mark.parametrize("word", ["Open", "Waiting for support"])
def test_open_beside_new_is_worked_on(word: str) -> None:
    assert signals_of(["New", word])[word] == "INVESTIGATION"


def test_statuses_of_jira_service_management() -> None:
    sure = {
        "Waiting for support": "INTAKE", "Open": "INTAKE", "Waiting for customer": "CUSTOMER_WAIT", "Pending": "CUSTOMER_WAIT", "Escalated": "ESCALATED",
        "In progress": "INVESTIGATION", "Work in progress": "INVESTIGATION", "Under investigation": "INVESTIGATION", "Under review": "REVIEW_QA",
        "Completed": "RESOLVED", "Resolved": "RESOLVED", "Closed": "CLOSED", "Canceled": "CANCELLED", "Reopened": "REOPENED",
    }
    asked = ["Awaiting approval", "Waiting for approval", "Awaiting implementation", "Planning", "Declined"]
    assert signals_of([*sure, *asked]) == {**sure, **dict.fromkeys(asked)}
    assert signals_of(["Open", "Solved"])["Open"] == "INTAKE"


def test_names_of_columns_are_read_however_they_are_written() -> None:
    for written in ("Ticket ID", "ticketId", "TICKET_ID", "ticket-id"):
        assert "case_id" in fields_named(written)
    assert not fields_named("short_description")


@pytest.mark.parametrize(
    ("column", "field"), [("Case Owner", "agent"), ("Owner Name", "agent"), ("Schlüssel", "case_id"), ("SCHLÜSSEL", "case_id"), ("Clave", "case_id")]
)
def test_columns_as_salesforce_and_jira_name_them(column: str, field: str) -> None:
    assert next(iter(fields_named(column))) == field
