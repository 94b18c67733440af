"""What of Intercom's records is stored.

Belongs here: the known fields of each resource, and parts without what was written. Does not belong here: fetching.

Source: Intercom's public API description, version 2.16, November 2026.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from opsla_dagster.sources.bronze.shape import Field, Shape, converted, drop, inside, keep, person, text, word
from opsla_dagster.sources.intercom.parts import AUTHOR_TYPES, INITIATED_BY, PART_TYPES, SLA_STATUSES, SLA_TARGETS

#: Every table of bronze, in the order in which they are loaded.
RESOURCES = ("admins", "teams", "office_hours", "conversations", "deleted_conversations")

#: The version of the API that these records are of.
API_VERSION = "2.16"

#: What a ticket is that a conversation is linked to.
LINK_CATEGORIES = ("Customer", "Back-office", "Tracker")

#: How the API says that nobody holds a conversation.
_NOBODY = (None, "", 0, "0")
#: The address of a workspace's own bot, whatever name it was given.
_OPERATOR = re.compile(r"operator\+[^@]*@([a-z0-9-]+\.)*intercom(-mail)?\.(io|com)")


def _dropped(*names: str) -> dict[str, Field]:
    return {name: drop() for name in names}


#: `is_bot` is made of the name and the address, below.
_AUTHOR: Field = inside({
    "type": word(AUTHOR_TYPES), "id": person("string", "integer"), "name": person("string"), "email": person("string"),
    "from_ai_agent": keep("boolean"), "is_ai_answer": keep("boolean"), "is_bot": keep("boolean"),
})

_TARGETS = dict.fromkeys(SLA_TARGETS)
#: What a part changed; values of attributes only of those that are named (with_plain_parts sees to it).
_EVENT_DETAILS: Field = inside({
    "attribute": inside({"name": keep()}),
    "value": inside({name: keep("string", "integer", "number", "boolean") for name in ("name", "previous")}),
    "current_priority": keep(), "previous_priority": keep(), "tags_added": keep("array"), "tags_removed": keep("array"),
    "sla_name": keep(), "sla_target_type": word(SLA_TARGETS), "current_sla_status": keep(),
    "sla_definition": inside({name: keep("integer") for name in _TARGETS}),
    "sla_states": inside({name: inside({"status": keep(), "seconds_remaining": keep("integer")}) for name in _TARGETS}),
    **_dropped(
        "type", "workflow", "action", "event", "participant", "participant_name", "name", "until", "custom_until_time", "company", "ticket",
    ),
})

_PART: Shape = {
    "id": keep("string", "integer", required=True),
    "part_type": word(PART_TYPES, required=True),
    "created_at": keep("integer", required=True),
    "state": keep("string"),
    "author": _AUTHOR,
    "body": text(),
    "redacted": keep("boolean"),
    # Made of the body, the attachments and assigned_to, below.
    "has_content": keep("boolean"), "assigned_admin": person("string", "integer"), "assigned_team": keep("string", "integer"),
    "unassigned": keep("string"), "event_details": _EVENT_DETAILS,
    **_dropped(
        "type", "updated_at", "notified_at", "assigned_to", "attachments", "external_id", "email_message_metadata", "metadata", "tags",
        "app_package_code", "display_message",
    ),
}

_STATISTICS: Shape = {
    "type": drop(),
    **{
        name: keep("integer")
        for name in (
            "time_to_assignment", "time_to_admin_reply", "time_to_first_close", "time_to_last_close", "median_time_to_reply",
            "first_contact_reply_at", "first_assignment_at", "first_admin_reply_at", "first_close_at", "last_assignment_at",
            "last_assignment_admin_reply_at", "last_contact_reply_at", "last_admin_reply_at", "last_close_at", "count_reopens",
            "count_assignments", "count_conversation_parts", "handling_time", "adjusted_handling_time",
        )
    },
    **_dropped("last_closed_by_id", "assigned_team_first_response_time", "assigned_team_first_response_time_in_office_hours"),
}


def conversation_shape(custom_attributes: frozenset[str]) -> Shape:
    """A conversation with its parts; of the custom attributes only those that are named, since any other may hold anything."""

    def named(attributes: Any) -> dict[str, str]:
        return {
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in attributes.items()
            if name in custom_attributes and value not in (None, "") and not isinstance(value, dict | list)
        }

    return {
        "id": keep("string", required=True),
        "created_at": keep("integer", required=True),
        "updated_at": keep("integer", required=True),
        "state": keep("string", required=True),
        "open": keep("boolean"),
        "priority": keep("string"),
        "admin_assignee_id": person("integer", "string"),
        "team_assignee_id": keep("integer", "string"),
        "snoozed_until": keep("integer"),
        "waiting_since": keep("integer"),
        "title": text(),
        "source": inside({
            "type": keep("string"), "id": keep("string"), "delivered_as": word(INITIATED_BY), "subject": text(), "body": text(),
            "author": _AUTHOR,
            **_dropped("attachments", "url", "redacted", "recipients", "reply_to", "initiated_by", "email_message_metadata"),
        }),
        "contacts": inside({"type": drop(), "contacts": inside({"type": keep("string"), "id": person("string"), "external_id": drop()})}),
        "company": inside({"id": keep("string"), "name": keep("string"), **_dropped("type", "company_id", "custom_attributes")}),
        "tags": inside({"type": drop(), "tags": inside({"id": keep("string"), "name": keep("string"), **_dropped("type", "applied_at", "applied_by")})}),
        "custom_attributes": converted(named, "object"),
        "sla_applied": inside({"type": drop(), "sla_name": keep("string"), "sla_status": word(SLA_STATUSES)}),
        "statistics": inside(_STATISTICS),
        "ai_agent_participated": keep("boolean"),
        "conversation_parts": inside({"type": drop(), "total_count": keep("integer"), "conversation_parts": inside(_PART)}),
        "conversation_rating": inside({
            "rating": keep("integer"), "created_at": keep("integer"), "updated_at": keep("integer"), "remark": text(),
            "teammate": inside({"type": keep(), "id": person("string", "integer")}), **_dropped("type", "contact", "customer", "rating_index"),
        }),
        "teammates": inside({"type": drop(), "teammates": inside({"type": keep(), "id": person("string", "integer"), **_dropped("name", "email")})}),
        "ai_agent": inside({
            "source_type": keep(), "last_answer_type": keep(), "resolution_state": keep(), "rating": keep("integer"), "rating_remark": text(),
            "created_at": keep("integer"), "updated_at": keep("integer"), **_dropped("type", "source_title", "content_sources"),
        }),
        "linked_objects": inside({
            "data": inside({"type": keep("string"), "id": keep("string", "integer"), "category": word(LINK_CATEGORIES)}), "total_count": keep("integer"),
            "has_more": keep("boolean"), "type": drop(),
        }),
        "fetched_at": keep("integer"),
        **_dropped(
            "type", "read", "first_contact_reply", "topics", "ticket", "scorecards", "brand", "channel", "monitors",
            "monitor_evaluations", "sales_agent_participated", "sales_agent", "external_references",
        ),
    }


DELETED: Shape = {
    "id": keep("string", required=True), "deleted_at": keep("integer", required=True), **_dropped("type", "metrics_retained"),
}

ADMIN: Shape = {
    "id": person("string", "integer", required=True), "name": person("string"), "email": person("string"), "has_inbox_seat": keep("boolean"),
    "team_ids": keep("array"), "is_bot": keep("boolean"),
    **_dropped(
        "type", "job_title", "away_mode_enabled", "away_mode_reassign", "away_status_reason_id", "avatar", "team_priority_level", "role",
        "external_id",
    ),
}

TEAM: Shape = {
    "id": keep("string", "integer", required=True), "name": keep("string", required=True),
    **_dropped("type", "admin_ids", "admin_priority_level", "assignment_limit", "distribution_method"),
}

_INTERVAL: Field = inside({
    "start_minute": keep("integer", required=True), "end_minute": keep("integer", required=True), "type": drop(),
})
SCHEDULE: Shape = {
    "id": keep("string", "integer", required=True), "name": keep("string", required=True),
    "time_zone_name": keep("string", required=True), "twenty_four_seven": keep("boolean"), "time_intervals": _INTERVAL,
    "created_at": keep("integer"), "updated_at": keep("integer"), "type": drop(), "list_position": keep("integer"),
    "exceptions": inside({
        "exception_date": keep("string"), "exception_type": keep("string"), "name": keep("string"), "recurring_annually": keep("boolean"),
        "time_intervals": _INTERVAL, **_dropped("id", "type", "office_hours_schedule_id", "created_at", "updated_at"),
    }),
}


def is_bot_admin(admin: Mapping[str, Any], bots: Collection[str]) -> bool:
    """Whether an admin, or the author of a part, is no person: Intercom's operator, or one that sources.yml names by name, address or number."""
    email = str(admin.get("email") or "").lower()
    named = {str(admin.get(field) or "").lower() for field in ("id", "name", "email")} - {""}
    is_nameless = str(admin.get("name") or "").strip().lower() == "operator" and not admin.get("has_inbox_seat")
    return is_nameless or bool(_OPERATOR.fullmatch(email)) or not named.isdisjoint(bot.lower() for bot in bots)


def with_plain_parts(conversation: Mapping[str, Any], custom_attributes: Collection[str], bots: Collection[str]) -> dict[str, Any]:
    """The conversation with what is told of it in plain fields, before people are hidden: who wrote, to whom a part assigns, what it changed."""
    plain = {**conversation}
    for field in ("admin_assignee_id", "team_assignee_id"):
        if plain.get(field) in _NOBODY:
            plain[field] = None
    source = plain.get("source")
    if isinstance(source, dict):
        plain["source"] = _with_author(source, bots)
    held = conversation.get("conversation_parts")
    parts = held.get("conversation_parts") if isinstance(held, dict) else None
    if isinstance(held, dict) and isinstance(parts, list):
        plain["conversation_parts"] = {
            **held, "conversation_parts": [_plain_part(part, custom_attributes, bots) for part in parts if isinstance(part, dict)]
        }
    return plain


def _plain_part(part: Mapping[str, Any], custom_attributes: Collection[str], bots: Collection[str]) -> dict[str, Any]:
    plain = {**_with_author(part, bots), "has_content": _has_content(part), **_assignment(part)}
    details = part.get("event_details")
    if isinstance(details, dict):
        attribute = details.get("attribute")
        is_named = isinstance(attribute, dict) and attribute.get("name") in custom_attributes
        plain["event_details"] = details if is_named else {**details, "attribute": None, "value": None}
    return plain


def _with_author(part: Mapping[str, Any], bots: Collection[str]) -> dict[str, Any]:
    author = part.get("author")
    return {**part, "author": {**author, "is_bot": is_bot_admin(author, bots)}} if isinstance(author, dict) else {**part}


def _has_content(part: Mapping[str, Any]) -> bool:
    """Something was written, attached or chosen; what was redacted had been."""
    metadata = part.get("metadata")
    choices = metadata.get("quick_reply_options") or metadata.get("quick_reply_uuid") if isinstance(metadata, dict) else None
    return bool(str(part.get("body") or "").strip() or part.get("attachments") or part.get("redacted") is True or choices)


def _assignment(part: Mapping[str, Any]) -> dict[str, Any]:
    """To a bot is to no person."""
    to = part.get("assigned_to")
    if not isinstance(to, dict):
        return {}
    kind, number = str(to.get("type") or ""), to.get("id")
    if kind.startswith("nobody") or number in _NOBODY:
        return {"unassigned": "team" if "team" in kind else "admin"}
    if kind == "bot":
        return {"unassigned": "admin"}
    return {"assigned_team": number} if kind == "team" else {"assigned_admin": number} if kind == "admin" else {}
