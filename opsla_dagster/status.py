"""The canonical statuses: the vocabulary that config, sources, tables and checks share.

Belongs here: the statuses and which of them end a case. Does not belong here: how a source's own words map to them.
"""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """The canonical status categories; the source's own status is kept beside them."""

    INTAKE = "INTAKE"
    TRIAGE = "TRIAGE"
    ASSIGNED = "ASSIGNED"
    INVESTIGATION = "INVESTIGATION"
    ESCALATED = "ESCALATED"
    CUSTOMER_WAIT = "CUSTOMER_WAIT"
    VENDOR_WAIT = "VENDOR_WAIT"
    ON_HOLD = "ON_HOLD"
    REVIEW_QA = "REVIEW_QA"
    RESOLVED = "RESOLVED"
    CLOSED = "CLOSED"
    CANCELLED = "CANCELLED"
    REOPENED = "REOPENED"


#: After one of these a case rests; any other status afterwards is a reopen.
TERMINAL_STATUSES = frozenset({Status.RESOLVED, Status.CLOSED, Status.CANCELLED})
