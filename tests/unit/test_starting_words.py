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
}
UNSURE = [
    "Parked", "-100", "Awaiting Problem", "Pending approval", "Not resolved", "Unresolved", "Unassigned", "Resolve SW anomaly", "Comment",
    "Inactive", "Waiting for agent", "", "Wait for the review of legal", "News", "Disclosed",
]


@pytest.mark.parametrize(("word", "signal"), SURE.items())
def test_a_sure_word_is_placed(word: str, signal: str) -> None:
    assert signal_of(word) == signal


@pytest.mark.parametrize("word", UNSURE)
def test_an_unsure_word_is_left(word: str) -> None:
    assert signal_of(word) is None


def test_open_beside_new_is_worked_on() -> None:
    assert signals_of(["New", "Open"])["Open"] == "INVESTIGATION"
    assert signals_of(["Open", "Solved"])["Open"] == "INTAKE"


def test_names_of_columns_are_read_however_they_are_written() -> None:
    for written in ("Ticket ID", "ticketId", "TICKET_ID", "ticket-id"):
        assert "case_id" in fields_named(written)
    assert not fields_named("short_description")
