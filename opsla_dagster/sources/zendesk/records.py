"""What of Zendesk's records is stored.

Belongs here: the known fields of each resource, and the history of a ticket in one form. Does not belong here: fetching.

Source: Zendesk's public API reference (Support API, v2), November 2026.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from opsla_dagster.sources.bronze.shape import Field, Shape, Shaper, converted, drop, inside, keep, person, text

#: Every table of bronze, in the order in which they are loaded.
RESOURCES = (
    "agents", "groups", "brands", "organizations", "sla_policies", "schedules", "tickets", "metric_sets", "ticket_events",
    "metric_events",
)

_STAMPS: Shape = {"created_at": keep("string"), "updated_at": keep("string"), "url": drop()}


def ticket_shape(custom_fields: frozenset[str]) -> Shape:
    """A ticket; of the custom fields only those that are named, since any other may hold anything."""

    def named(fields: Any) -> dict[str, Any]:
        pairs = [(str(field.get("id")), field.get("value")) for field in fields if isinstance(field, dict)]
        return {number: as_text(value) for number, value in pairs if number in custom_fields}

    return {
        **_STAMPS,
        "id": keep("integer", required=True),
        "created_at": keep("string", required=True),
        "updated_at": keep("string", required=True),
        "generated_timestamp": keep("integer"),
        "status": keep("string", required=True),
        "custom_status_id": keep("integer"),
        "priority": keep("string"),
        "type": keep("string"),
        "via": inside({"channel": keep("string", "integer"), "source": drop()}),
        "requester_id": person("integer", required=True),
        "submitter_id": person("integer"),
        "assignee_id": person("integer"),
        "group_id": keep("integer"),
        "organization_id": keep("integer"),
        "brand_id": keep("integer"),
        "tags": keep("array"),
        "custom_fields": converted(named, "array"),
        "ticket_form_id": keep("integer"),
        "due_at": keep("string"),
        "is_public": keep("boolean"),
        "has_incidents": keep("boolean"),
        "problem_id": keep("integer"),
        "subject": text(),
        "raw_subject": text(),
        "description": text(),
        "collaborator_ids": person("array"),
        "follower_ids": person("array"),
        "email_cc_ids": person("array"),
        **_dropped(
            "fields", "recipient", "external_id", "forum_topic_id", "sharing_agreement_ids", "followup_ids",
            "followup_source_id", "allow_channelback", "allow_attachments", "from_messaging_channel", "satisfaction_rating",
            "satisfaction_probability", "encoded_id", "metric_set", "metric_events", "result_type", "comment_count",
            "incident_count", "dates", "slas", "event_counts", "voice_comment", "attribute_value_ids",
            "support_type",
        ),
    }


def _dropped(*names: str) -> dict[str, Field]:
    return {name: drop() for name in names}


_MINUTES: Field = inside({"calendar": keep("integer"), "business": keep("integer")})

METRIC_SET: Shape = {
    **_STAMPS,
    "id": keep("integer", required=True),
    "ticket_id": keep("integer", required=True),
    **{
        f"{name}_in_minutes": _MINUTES
        for name in (
            "reply_time", "first_resolution_time", "full_resolution_time", "agent_wait_time", "requester_wait_time", "on_hold_time",
        )
    },
    "reply_time_in_seconds": inside({"calendar": keep("integer"), "business": keep("integer")}),
    **{name: keep("integer") for name in ("reopens", "replies", "assignee_stations", "group_stations")},
    **{
        name: keep("string")
        for name in (
            "assigned_at", "initially_assigned_at", "solved_at", "latest_comment_added_at", "status_updated_at",
            "assignee_updated_at", "requester_updated_at", "custom_status_updated_at",
        )
    },
}

_POLICY: Shape = {"id": keep("integer"), "title": keep("string"), "description": drop()}
_APPLIED: Field = inside({
    "target": keep("integer"), "target_in_seconds": keep("integer"), "business_hours": keep("boolean"), "policy": inside(_POLICY),
})

METRIC_EVENT: Shape = {
    "id": keep("integer", required=True),
    "ticket_id": keep("integer", required=True),
    "metric": keep("string", required=True),
    "instance_id": keep("integer", required=True),
    "type": keep("string", required=True),
    "time": keep("string", required=True),
    "deleted": keep("boolean"),
    "sla": _APPLIED,
    "group_sla": _APPLIED,
    "status": inside({"calendar": keep("integer"), "business": keep("integer")}),
}

AGENT: Shape = {
    **_STAMPS,
    "id": person("integer", required=True),
    "role": keep("string", required=True),
    "active": keep("boolean"),
    "suspended": keep("boolean"),
    "name": person("string"),
    "email": person("string"),
    "time_zone": keep("string"),
    **_dropped(
        "iana_time_zone", "phone", "shared_phone_number", "photo", "locale_id", "locale", "organization_id", "verified", "external_id",
        "tags", "alias", "shared", "shared_agent", "last_login_at", "two_factor_auth_enabled", "signature", "details", "notes",
        "role_type", "custom_role_id", "moderator", "ticket_restriction", "only_private_comments", "restricted_agent",
        "default_group_id", "report_csv", "user_fields", "chat_only", "permanently_deleted", "remote_photo_url", "abilities",
    ),
}

#: Groups, brands and organizations: their names are no persons'.
NAMED: Shape = {
    **_STAMPS,
    "id": keep("integer", required=True),
    "name": keep("string", required=True),
    "deleted": keep("boolean"),
    "deleted_at": keep("string"),
    "active": keep("boolean"),
    "default": keep("boolean"),
    **_dropped(
        "description", "is_public", "brand_url", "subdomain", "host_mapping", "has_help_center", "help_center_state", "logo",
        "ticket_form_ids", "signature_template", "is_deleted", "shared_tickets", "shared_comments", "external_id", "domain_names",
        "details", "notes", "group_id", "tags", "organization_fields", "result_type",
    ),
}

SLA_POLICY: Shape = {
    **_STAMPS,
    "id": keep("integer", required=True),
    "title": keep("string", required=True),
    "description": drop(),
    "position": keep("integer"),
    "filter": inside({
        "all": inside({"field": keep("string", "integer"), "operator": keep("string"), "value": drop()}),
        "any": inside({"field": keep("string", "integer"), "operator": keep("string"), "value": drop()}),
    }),
    "policy_metrics": inside({
        "priority": keep("string"), "metric": keep("string"), "target": keep("integer"), "target_in_seconds": keep("integer"),
        "business_hours": keep("boolean"),
    }),
    "metric_settings": drop(),
}

SCHEDULE: Shape = {
    **_STAMPS,
    "id": keep("integer", required=True),
    "name": keep("string", required=True),
    "time_zone": keep("string", required=True),
    "intervals": inside({"start_time": keep("integer"), "end_time": keep("integer")}, required=True),
    "holidays": inside({
        "id": keep("integer"), "name": keep("string"), "start_date": keep("string"), "end_date": keep("string"),
    }),
    "list_position": keep("integer"),
}

#: Changes that are kept; whose value is a person's is said beside.
_KEPT_FIELDS = {
    "status": False, "priority": False, "type": False, "group_id": False, "brand_id": False, "organization_id": False, "tags": False,
    "assignee_id": True, "requester_id": True,
}
#: In the incremental export a change is {"status": "open", "previous_value": "new", ...}: whatever key is none of these.
_HOUSEKEEPING = frozenset({
    "id", "type", "event_type", "via", "via_reference_id", "previous_value", "field_name", "value", "added_tags", "removed_tags",
})
_COMMENTS = frozenset({"Comment", "VoiceComment"})
#: Who acts when nobody does.
_NOBODY = frozenset({"-1", "0", "None"})

AUDIT: Shape = {
    "id": keep("integer", required=True),
    "ticket_id": keep("integer", required=True),
    "created_at": keep("string", required=True),
    "timestamp": keep("integer"),
    "event_type": keep("string"),
    # Made into `events` below; listed here so that only what is beside them is new.
    "child_events": keep("array"), "events": keep("array"), "updater_id": keep("integer"), "author_id": keep("integer"),
    **_dropped("via", "system", "metadata", "url", "count"),
}


def audit_record(raw: Mapping[str, Any], shaper: Shaper, custom_fields: frozenset[str]) -> dict[str, Any]:
    """An audit with its history in one form, whichever endpoint it comes from.

    {"events": [{"id", "type": "Create|Change", "field", "value", "previous"} | {"id", "type": "Comment", "public", "author"} |
    {"id", "type": "ScheduleAssignment", "value", "previous"}]}; notifications and the like are left out: they hold addresses.
    """
    stored = shaper.shape("ticket_events", raw, AUDIT)
    children = raw.get("child_events", raw.get("events"))
    author = _somebody(raw.get("updater_id", raw.get("author_id")))
    for name in ("child_events", "updater_id", "author_id"):
        stored.pop(name, None)
    stored["author"] = shaper.person(author)
    stored["events"] = [
        event
        for child in (children if isinstance(children, list) else [])
        if isinstance(child, dict)
        for event in _history(child, author, shaper, custom_fields)
    ]
    return stored


def _history(
    child: Mapping[str, Any], author: str | None, shaper: Shaper, custom_fields: frozenset[str]
) -> Iterator[dict[str, Any]]:
    kind = child.get("type") if "event_type" not in child else child["event_type"]
    if kind in {"Create", "Change"}:
        yield from _field_changes(child, str(kind), shaper, custom_fields)
    elif kind in _COMMENTS:
        written_by = _somebody(child.get("author_id", author))
        is_public = child.get("public", child.get("comment_public"))
        event = {"id": child.get("id"), "type": "Comment", "public": is_public, "author": shaper.person(written_by)}
        body = shaper.shape("ticket_events", {"body": child.get("body")}, {"body": text()})
        yield {**event, **body}
    elif kind == "ScheduleAssignment":
        yield {
            "id": child.get("id"), "type": kind, "field": "schedule_id", "value": as_text(child.get("new_schedule_id")),
            "previous": as_text(child.get("previous_schedule_id")),
        }


def _field_changes(
    child: Mapping[str, Any], kind: str, shaper: Shaper, custom_fields: frozenset[str]
) -> Iterator[dict[str, Any]]:
    for field, value, previous in _named_values(child):
        if field not in custom_fields and field not in _KEPT_FIELDS:
            continue
        told = {"id": child.get("id"), "type": kind, "field": field}
        if _KEPT_FIELDS.get(field, False):
            now, before = (shaper.person(_somebody(one)) for one in (value, previous))
        elif field == "tags":
            now, before = tags_text(value), tags_text(previous)
        else:
            now, before = as_text(value), as_text(previous)
        yield {**told, "value": now, "previous": before}


def _named_values(child: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    previous = child.get("previous_value")
    if "field_name" in child:
        yield str(child["field_name"]), child.get("value"), previous
        return
    for name, value in child.items():
        if name in _HOUSEKEEPING:
            continue
        if name == "custom_ticket_fields" and isinstance(value, dict):
            yield from ((str(number), one, previous) for number, one in value.items())
        elif name == "tags" and previous is None and ("added_tags" in child or "removed_tags" in child):
            yield name, value, _tags_before(value, child.get("added_tags"), child.get("removed_tags"))
        else:
            yield name, value, previous


def _tags_before(now: Any, added: Any, removed: Any) -> list[str]:
    return sorted((set(_tags(now)) - set(_tags(added))) | set(_tags(removed)))


def _tags(value: Any) -> list[str]:
    if isinstance(value, str):
        return value.split()
    return [str(tag) for tag in value] if isinstance(value, list) else []


def tags_text(value: Any) -> str | None:
    """Tags sorted, separated by one blank; None when there are none."""
    return " ".join(sorted(set(_tags(value)))) or None


def as_text(value: Any) -> str | None:
    """A field's value as text; None when there is none. Lists of options are sorted."""
    match value:
        case None | "":
            return None
        case bool():
            return str(value).lower()
        case list():
            return " ".join(sorted(str(item) for item in value)) or None
        case dict():
            return None
        case _:
            return str(value)


def _somebody(value: Any) -> str | None:
    return None if value is None or isinstance(value, dict | list) or str(value) in _NOBODY | {""} else str(value)


