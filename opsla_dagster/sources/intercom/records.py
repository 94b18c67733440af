"""What of Intercom's records is stored.

Belongs here: the known fields of each resource, and parts without what was written. Does not belong here: fetching.

Source: Intercom's public API description, version 2.16, November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opsla_dagster.sources.bronze.shape import Field, Shape, converted, drop, inside, keep, person, text

#: Every table of bronze, in the order in which they are loaded.
RESOURCES = ("admins", "teams", "office_hours", "conversations", "deleted_conversations")

#: The version of the API that these records are of.
API_VERSION = "2.16"

_AUTHOR: Field = inside({
    "type": keep("string"), "id": person("string", "integer"), "name": person("string"), "email": person("string"),
    "from_ai_agent": keep("boolean"), "is_ai_answer": keep("boolean"),
})


def _dropped(*names: str) -> dict[str, Field]:
    return {name: drop() for name in names}


_PART: Shape = {
    "id": keep("string", "integer", required=True),
    "part_type": keep("string", required=True),
    "created_at": keep("integer", required=True),
    "state": keep("string"),
    "author": _AUTHOR,
    "body": text(),
    "redacted": keep("boolean"),
    # Made of the body, the attachments and assigned_to, below.
    "has_content": keep("boolean"), "assigned_admin": person("string", "integer"), "assigned_team": keep("string", "integer"),
    "unassigned": keep("string"),
    **_dropped(
        "type", "updated_at", "notified_at", "assigned_to", "attachments", "external_id", "email_message_metadata", "metadata", "tags",
        "event_details", "app_package_code", "display_message",
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
            "type": keep("string"), "id": keep("string"), "delivered_as": keep("string"), "subject": text(), "body": text(),
            "author": _AUTHOR, **_dropped("attachments", "url", "redacted", "recipients", "reply_to", "initiated_by"),
        }),
        "contacts": inside({"type": drop(), "contacts": inside({"type": keep("string"), "id": person("string"), "external_id": drop()})}),
        "company": inside({"id": keep("string"), "name": keep("string"), **_dropped("type", "company_id", "custom_attributes")}),
        "tags": inside({"type": drop(), "tags": inside({"id": keep("string"), "name": keep("string"), **_dropped("type", "applied_at", "applied_by")})}),
        "custom_attributes": converted(named, "object"),
        "sla_applied": inside({"type": drop(), "sla_name": keep("string"), "sla_status": keep("string")}),
        "statistics": inside(_STATISTICS),
        "ai_agent_participated": keep("boolean"),
        "conversation_parts": inside({"type": drop(), "total_count": keep("integer"), "conversation_parts": inside(_PART)}),
        "fetched_at": keep("integer"),
        **_dropped(
            "type", "read", "first_contact_reply", "conversation_rating", "teammates", "topics", "ticket", "linked_objects", "ai_agent",
            "scorecards", "brand", "channel", "monitors",
        ),
    }


DELETED: Shape = {
    "id": keep("string", required=True), "deleted_at": keep("integer", required=True), **_dropped("type", "metrics_retained"),
}

ADMIN: Shape = {
    "id": person("string", "integer", required=True), "name": person("string"), "email": person("string"), "has_inbox_seat": keep("boolean"),
    "team_ids": keep("array"),
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


def with_plain_parts(conversation: Mapping[str, Any]) -> dict[str, Any]:
    """The conversation, each part saying whether something was written or attached, and to whom it assigns: admins are people, teams are not."""
    held = conversation.get("conversation_parts")
    parts = held.get("conversation_parts") if isinstance(held, dict) else None
    if not isinstance(held, dict) or not isinstance(parts, list):
        return dict(conversation)
    plain = [{**part, "has_content": bool(part.get("body") or part.get("attachments")), **_assignment(part)} for part in parts if isinstance(part, dict)]
    return {**conversation, "conversation_parts": {**held, "conversation_parts": plain}}


def _assignment(part: Mapping[str, Any]) -> dict[str, Any]:
    to = part.get("assigned_to")
    if not isinstance(to, dict):
        return {}
    kind, number = str(to.get("type") or ""), to.get("id")
    if kind.startswith("nobody") or number in (None, 0, "0"):
        return {"unassigned": "team" if "team" in kind else "admin"}
    return {"assigned_team": number} if kind == "team" else {"assigned_admin": number} if kind == "admin" else {}
