"""What each type of a conversation's parts is: a message, a note, or an event; and the state it leaves the conversation in.

Belongs here: the closed list of part types, with a decision each. Does not belong here: what becomes of a message or an event (sql/).

Source: the conversation model, the changelogs up to 2.16 and the SDKs of Intercom, November 2026; those of `_SEEN` are in no list of Intercom's and
were seen in what its API gives. A type that is on no list is reported as drift and counts as an event: its text is nobody's message. Decisions:
docs/decisions/0016-ticket-systems.md.
"""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa


class PartType(NamedTuple):
    """`kind`: message (where something was written or attached), note, or event. `state`: open, closed, snoozed, or None: it changes none."""

    kind: str
    state: str | None = None


_MESSAGE, _NOTE, _EVENT = PartType("message"), PartType("note"), PartType("event")
#: Ways to say something, alone or together with a change of the state or of the assignment.
_SAID = {
    "comment": _MESSAGE,
    "quick_reply": _MESSAGE,
    "open": PartType("message", "open"),
    "close": PartType("message", "closed"),
    "snoozed": PartType("message", "snoozed"),
    "unsnoozed": PartType("message", "open"),
    "timer_unsnooze": PartType("message", "open"),
    "assignment": _MESSAGE,
    "assign_and_reopen": PartType("message", "open"),
    "assign_and_unsnooze": PartType("message", "open"),
    "away_mode_assignment": _MESSAGE,
    "workflow_assignment": _MESSAGE,
}
#: Seen by teammates only. Any other type that begins with `note` is a note too.
_NOTED = {"note": _NOTE, "note_and_reopen": PartType("note", "open"), "note_and_unsnooze": PartType("note", "open")}
#: What happened. Some have a body (the remark of a rating, what a form asked and was told): it is no message.
_HAPPENED = dict.fromkeys(
    (
        "participant_added", "participant_removed", "conversation_rating_changed", "conversation_rating_remark_added", "attribute_collector",
        "attribute_collected", "custom_action_started", "custom_action_finished", "operator_workflow_event", "user_became_idle",
        "resolution_bot_found_no_answer", "conversation_attribute_updated_by_user", "conversation_attribute_updated_by_admin",
        "conversation_attribute_updated_by_workflow", "conversation_tags_updated", "priority_changed", "priority_changed_by_rule",
        "conversation_sla_applied_by_rule", "conversation_sla_applied_by_workflow", "conversation_sla_removed", "conversation_sla_target_missed",
        "conversation_sla_paused", "conversation_sla_unpaused",
    ),
    _EVENT,
)
_SEEN = {
    "default_assignment": _MESSAGE,
    "message_strategy_assignment": _MESSAGE,
    **dict.fromkeys(
        (
            "channel_and_reply_time_expectation", "company_updated", "custom_answer_applied", "entity_linked", "fin_guidance_applied",
            "language_detection_details", "ticket_attribute_updated_by_admin", "ticket_state_updated_by_admin", "ticket_state_updated_by_user",
        ),
        _EVENT,
    ),
}
PART_TYPES: dict[str, PartType] = {**_SAID, **_NOTED, **_HAPPENED, **_SEEN}

#: Who may have written a part. Bots and campaigns write on behalf of teams.
CUSTOMERS = ("user", "lead", "contact", "visitor")
AUTHOR_TYPES = frozenset({*CUSTOMERS, "admin", "bot", "team"})
#: How a conversation began -> who began it.
INITIATED_BY = {
    "customer_initiated": "customer", "admin_initiated": "agent", "automated": "automation", "operator_initiated": "automation",
    "campaigns_initiated": "automation",
}
SLA_STATUSES = frozenset({"hit", "missed", "active", "cancelled"})
#: Target of an SLA -> metric. A ticket's resolution_time has no counterpart: the states of tickets are not read.
SLA_TARGETS = {"first_reply_time": "first_reply", "next_reply_time": "next_reply", "time_to_close": "first_resolution", "resolution_time": None}


def part_types() -> pa.Table:
    """part_type, kind, state: one row a known type."""
    return pa.Table.from_pylist(
        [{"part_type": name, "kind": kind, "state": state} for name, (kind, state) in PART_TYPES.items()],
        pa.schema([("part_type", pa.string()), ("kind", pa.string()), ("state", pa.string())]),
    )


def initiators() -> pa.Table:
    """delivered_as, initiated_by: one row a known way in which a conversation begins."""
    return pa.Table.from_pylist(
        [{"delivered_as": word, "initiated_by": initiator} for word, initiator in INITIATED_BY.items()],
        pa.schema([("delivered_as", pa.string()), ("initiated_by", pa.string())]),
    )
