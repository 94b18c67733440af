"""The canonical vocabulary that config, sources, tables and checks share: statuses, and what else clocks listen to.

Belongs here: the words, and which statuses end a case. Does not belong here: how a source's own words map to them.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    MERGED = "MERGED"
    REOPENED = "REOPENED"


#: After one of these a case rests; any other status afterwards is a reopen.
TERMINAL_STATUSES = frozenset({Status.RESOLVED, Status.CLOSED, Status.CANCELLED, Status.MERGED})


class Signal(StrEnum):
    """What starts, stops, cancels or pauses a clock: a case comes into a status, is reopened, or something is said.

    REOPENED is every way out of a terminal status, whatever status follows. A private note is no reply.
    """

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
    MERGED = "MERGED"
    REOPENED = "REOPENED"
    CUSTOMER_MESSAGE = "CUSTOMER_MESSAGE"
    PUBLIC_REPLY = "PUBLIC_REPLY"
    BOT_REPLY = "BOT_REPLY"
    PRIVATE_NOTE = "PRIVATE_NOTE"

    @property
    def is_status(self) -> bool:
        """Whether a case stays in it."""
        return self not in MESSAGE_SIGNALS


class GroupSignal(StrEnum):
    """What clocks listen to besides, that no word of a log says: it follows from which group (team, queue) holds a case when.

    GROUP_ASSIGNED: a group gets a case that is not over, at its intake, by a change or by a reopen; GROUP_CHANGED: the group that held it
    holds it no more.
    """

    GROUP_ASSIGNED = "GROUP_ASSIGNED"
    GROUP_CHANGED = "GROUP_CHANGED"

    @property
    def is_status(self) -> bool:
        """Whether a case stays in it: never."""
        return False


#: What each of them says of a case, for people who have to tell which of their own words it is.
MEANINGS: Mapping[Signal, str] = {
    Signal.INTAKE: "has come in, and nobody has looked at it",
    Signal.TRIAGE: "is looked at: what it is, and whose",
    Signal.ASSIGNED: "has an owner, who has not begun",
    Signal.INVESTIGATION: "is worked on",
    Signal.ESCALATED: "is with a higher line or an expert",
    Signal.CUSTOMER_WAIT: "waits for the customer",
    Signal.VENDOR_WAIT: "waits for a vendor or another third party",
    Signal.ON_HOLD: "waits for something else",
    Signal.REVIEW_QA: "is done, and being reviewed",
    Signal.RESOLVED: "is solved",
    Signal.CLOSED: "is over for good",
    Signal.CANCELLED: "has ended without a solution: withdrawn, a duplicate",
    Signal.MERGED: "has ended without a solution of its own: it goes on in another case",
    Signal.REOPENED: "is open again after an end",
    Signal.CUSTOMER_MESSAGE: "no status: the customer wrote",
    Signal.PUBLIC_REPLY: "no status: a person answered the customer",
    Signal.BOT_REPLY: "no status: a bot or an automation answered the customer",
    Signal.PRIVATE_NOTE: "no status: an agent noted something that the customer does not see",
}
MESSAGE_SIGNALS = (Signal.CUSTOMER_MESSAGE, Signal.PUBLIC_REPLY, Signal.BOT_REPLY, Signal.PRIVATE_NOTE)
#: Who wrote a message. A bot's public message is BOT_REPLY: it stops a clock only where the metric's `stop` names it.
AUTHOR_KINDS = ("person", "bot", "customer")
#: Who began a case. In one that we began there is no reply to give before the customer has written.
INITIATORS = ("customer", "agent", "automation")
