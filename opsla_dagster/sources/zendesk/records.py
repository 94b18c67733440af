"""What of Zendesk's records is stored.

Belongs here: the known fields of each resource, and the history of a ticket in one form. Does not belong here: fetching.

Source: Zendesk's public API reference (Support API, v2), November 2026.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from opsla_dagster.sources.bronze.shape import Field, Shape, Shaper, converted, drop, inside, keep, person, text, word

#: Every table of bronze, in the order in which they are loaded.
RESOURCES = (
    "agents", "groups", "brands", "organizations", "ticket_forms", "sla_policies", "custom_statuses", "schedules", "schedule_versions", "tickets",
    "metric_sets", "ticket_events", "metric_events",
)

#: How a ticket is rated. A rule may tell a comment's presence too; the comment itself is text.
SATISFACTION_SCORES = (
    "unoffered", "offered", "good", "good_with_comment", "good_without_comment", "bad", "bad_with_comment", "bad_without_comment",
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
        "via": inside({"channel": keep("string", "integer"), "source": inside({"rel": keep("string"), "from": converted(_ticket_named, "object"), "to": drop()})}),
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
        "followup_ids": keep("array"),
        "followup_source_id": keep("integer"),
        "satisfaction_rating": inside({
            "score": word(SATISFACTION_SCORES), "comment": text(), "reason": keep("string"), "reason_id": keep("integer"),
            **_dropped("id", "reason_code", "url", "assignee_id", "group_id", "requester_id", "ticket_id", "created_at", "updated_at"),
        }),
        "subject": text(),
        "raw_subject": text(),
        "description": text(),
        "collaborator_ids": person("array"),
        "follower_ids": person("array"),
        "email_cc_ids": person("array"),
        **_dropped(
            "fields", "recipient", "external_id", "forum_topic_id", "sharing_agreement_ids", "allow_channelback", "allow_attachments", "from_messaging_channel",
            "satisfaction_probability", "encoded_id", "metric_set", "metric_events", "result_type", "comment_count",
            "incident_count", "dates", "slas", "event_counts", "voice_comment", "attribute_value_ids",
            "support_type",
        ),
    }


def _ticket_named(told: Any) -> dict[str, int]:
    """Of where a ticket came from only the ticket that it follows up: the rest is addresses and names."""
    number = told.get("ticket_id") if isinstance(told, dict) else None
    return {"ticket_id": number} if isinstance(number, int) and not isinstance(number, bool) else {}


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

#: Types of metric events, each decided in docs/decisions/0016-ticket-systems.md.
METRIC_EVENT_TYPES = frozenset({"activate", "pause", "fulfill", "apply_sla", "apply_group_sla", "breach", "update_status", "measure"})
METRICS = frozenset({
    "reply_time", "agent_work_time", "requester_wait_time", "periodic_update_time", "pausable_update_time", "resolution_time",
    "group_ownership_time",
})

AGENT: Shape = {
    **_STAMPS,
    "id": person("integer", required=True),
    # Made of the name while it can be read; listed here so that it is kept.
    "is_bot": keep("boolean"),
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



def organization_shape(fields: frozenset[str]) -> Shape:
    """An organisation; of its fields only those that are named, since any other may hold anything."""

    def named(told: Any) -> dict[str, Any]:
        return {key: as_text(value) for key, value in told.items() if key in fields}

    return {**NAMED, "organization_fields": converted(named, "object")}


TICKET_FORM: Shape = {
    **_STAMPS,
    "id": keep("integer", required=True),
    "name": keep("string", required=True),
    "active": keep("boolean"),
    "default": keep("boolean"),
    **_dropped(
        "raw_name", "display_name", "raw_display_name", "end_user_visible", "position", "ticket_field_ids", "in_all_brands",
        "restricted_brand_ids", "end_user_conditions", "agent_conditions", "deleted_at",
    ),
}

#: Advanced settings of a policy: what else starts or fulfils a metric than it does by default.
ADVANCED_SETTINGS: Mapping[str, tuple[str, ...]] = {
    "first_reply_time": (
        "activate_on_ticket_created_for_end_user", "activate_on_agent_ticket_created_for_end_user_with_internal_note",
        "activate_on_light_agent_on_email_forward_ticket_from_end_user", "activate_on_agent_created_ticket_for_self",
        "fulfill_on_agent_internal_note",
    ),
    "next_reply_time": (
        "fulfill_on_non_requesting_agent_internal_note_after_activation", "activate_on_end_user_added_internal_note",
        "activate_on_agent_requested_ticket_with_public_comment_or_internal_note", "activate_on_light_agent_internal_note",
    ),
    "periodic_update_time": ("activate_on_agent_internal_note",),
}
_SETTINGS: Field = inside({
    metric: inside({setting: keep("boolean") for setting in settings}) for metric, settings in ADVANCED_SETTINGS.items()
})

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
    "metric_settings": _SETTINGS,
    "metrics_settings": _SETTINGS,
}

CUSTOM_STATUS: Shape = {
    **_STAMPS,
    "id": keep("integer", required=True),
    "status_category": keep("string", required=True),
    "agent_label": keep("string", required=True),
    "active": keep("boolean"),
    "default": keep("boolean"),
    **_dropped(
        "raw_agent_label", "end_user_label", "raw_end_user_label", "description", "raw_description", "end_user_description",
        "raw_end_user_description",
    ),
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
    "status": False, "custom_status_id": False, "priority": False, "type": False, "group_id": False, "brand_id": False,
    "organization_id": False, "ticket_form_id": False, "tags": False, "assignee_id": True, "requester_id": True, "satisfaction_score": False,
    "problem_id": False,
}
#: The policy on a ticket, and its targets: NULL where it was taken off.
_POLICY_FIELDS = frozenset({"sla_policy", "group_sla_policy"})
_TARGET_FIELDS = frozenset({
    "first_reply_time", "next_reply_time", "agent_work_time", "requester_wait_time", "periodic_update_time", "pausable_update_time",
    "total_resolution_time", "resolution_time", "group_ownership_time",
})
#: In the incremental export a change is {"status": "open", "previous_value": "new", ...}: whatever key is none of these.
_HOUSEKEEPING = frozenset({
    "id", "type", "event_type", "via", "via_reference_id", "previous_value", "field_name", "value", "added_tags", "removed_tags",
})
#: Types of events in an audit, in lower case and without a last "event", each decided in docs/decisions/0016-ticket-systems.md.
_CHANGES = frozenset({"create", "change", "slatargetchange"})
_COMMENTS = frozenset({"comment", "voicecomment", "facebookcomment"})
_LEFT_OUT = frozenset({
    "agentmacroreference", "macroreference", "associateattvals", "skillassigned", "attachmentredaction", "automaticanswerreject",
    "automaticanswersend", "automaticanswersolve", "automaticanswerviewed", "cc", "chatended", "chatfile", "chatstarted",
    "collabthreadclosed", "collabthreadcreated", "collabthreadreply", "commentprivacychange", "commentredaction", "emailccchange",
    "entitylinkcreated", "error", "external", "facebook", "followerchange", "followernotification", "knowledgecaptured", "knowledgeflagged",
    "knowledgelinkaccepted", "knowledgelinked", "knowledgelinkrejected", "logmeintranscript", "messagingcsat", "notification",
    "notificationwithccs", "offeredto", "organizationactivity", "organizationsubscriptionnotification", "push", "routingchannel",
    "smsnotification", "surveyoffered", "surveyresponsesubmitted", "suspendedticketrecovery", "ticketfieldredact",
    "ticketsharing", "ticketunshare", "translatableerror", "tweet", "usercustomfield", "webhook",
})
#: Who acts when nobody does.
_NOBODY = frozenset({"-1", "0", "None"})
#: What Zendesk writes into both tickets of a merge, in English; other languages are told by `via` alone.
_MERGED_INTO = re.compile(r"merged into request #(\d+)")
_MERGED_FROM = re.compile(r"#(\d+)(?=.*merged into this request)", re.DOTALL)

AUDIT: Shape = {
    "id": keep("integer", required=True),
    "ticket_id": keep("integer", required=True),
    "created_at": keep("string", required=True),
    "timestamp": keep("integer"),
    "event_type": keep("string"),
    # Made into `events` below; listed here so that only what is beside them is new.
    "child_events": keep("array"), "events": keep("array"), "updater_id": keep("integer"), "author_id": keep("integer"),
    **_dropped("via", "via_reference_id", "system", "metadata", "url", "count"),
}


def audit_record(raw: Mapping[str, Any], shaper: Shaper, custom_fields: frozenset[str]) -> dict[str, Any]:
    """An audit with its history in one form, whichever endpoint it comes from.

    {"events": [{"id", "type": "Create|Change", "field", "value", "previous"} | {"id", "type": "Comment", "public", "author", "via"} |
    {"id", "type": "ScheduleAssignment", "value", "previous"} | {"id", "type": "Sla", "field", "value", "previous"} |
    {"id", "type": "Merge", "value": "<other tickets>"}]}; notifications and the like are left out: they hold addresses. A type of event
    that is not known is a difference of `shaper`.
    """
    stored = shaper.shape("ticket_events", raw, AUDIT)
    children = raw.get("child_events", raw.get("events"))
    author = _somebody(raw.get("updater_id", raw.get("author_id")))
    for name in ("child_events", "updater_id", "author_id"):
        stored.pop(name, None)
    stored["author"] = shaper.person(author)
    known = [child for child in (children if isinstance(children, list) else []) if isinstance(child, dict)]
    stored["events"] = [event for child in known for event in _history(child, raw, author, shaper, custom_fields)]
    merged = sorted({number for child in [raw, *known] for number in _merged_with(child)}, key=int)
    if merged:
        stored["events"].append({"id": None, "type": "Merge", "value": " ".join(merged)})
    return stored


def _history(
    child: Mapping[str, Any], audit: Mapping[str, Any], author: str | None, shaper: Shaper, custom_fields: frozenset[str]
) -> Iterator[dict[str, Any]]:
    told = str(child.get("event_type", child.get("type")))
    kind = "".join(filter(str.isalnum, told)).lower().removesuffix("event")
    if kind in _CHANGES:
        yield from _field_changes(child, "Create" if kind == "create" else "Change", shaper, custom_fields)
    elif kind in _COMMENTS:
        yield _comment(child, audit, author, shaper)
    elif kind == "satisfactionrating":
        yield {"id": child.get("id"), "type": "Change", "field": "satisfaction_score", "value": as_text(child.get("score")), "previous": None}
    elif kind == "scheduleassignment":
        yield _assignment(child, child.get("new_schedule_id"), child.get("previous_schedule_id"))
    elif kind not in _LEFT_OUT:
        shaper.differences.add(("ticket_events", f"child_events of type {told}", "new", "", "object"))


def _comment(child: Mapping[str, Any], audit: Mapping[str, Any], author: str | None, shaper: Shaper) -> dict[str, Any]:
    written_by = _somebody(child["author_id"]) if "author_id" in child else author
    event = {
        "id": child.get("id"), "type": "Comment", "public": child.get("public", child.get("comment_public")),
        "author": shaper.person(written_by), "via": _channel(child.get("via")) or _channel(audit.get("via")),
    }
    return {**event, **shaper.shape("ticket_events", {"body": child.get("body")}, {"body": text()})}


def _assignment(child: Mapping[str, Any], value: Any, previous: Any) -> dict[str, Any]:
    return {
        "id": child.get("id"), "type": "ScheduleAssignment", "field": "schedule_id", "value": as_text(value), "previous": as_text(previous),
    }


def _field_changes(
    child: Mapping[str, Any], kind: str, shaper: Shaper, custom_fields: frozenset[str]
) -> Iterator[dict[str, Any]]:
    for field, value, previous in _named_values(child):
        told = {"id": child.get("id"), "type": kind, "field": field}
        if field == "schedule_id":
            yield _assignment(child, value, previous)
        elif field in _POLICY_FIELDS or field in _TARGET_FIELDS:
            as_told = _policy_text if field in _POLICY_FIELDS else _target_text
            now, before = as_told(value), as_told(previous)
            # What was never there is not taken off.
            if now is not None or (kind == "Change" and (before is not None or "previous_value" not in child)):
                yield {**told, "type": "Sla", "value": now, "previous": before}
        elif field in custom_fields or field in _KEPT_FIELDS:
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


def _policy_text(value: Any) -> str | None:
    """The title of a policy, told as such or as an object; None where there is none."""
    return as_text(value.get("title", value.get("id"))) if isinstance(value, dict) else as_text(value)


def _target_text(value: Any) -> str | None:
    """A target as JSON, `{"minutes": 60, "in_business_hours": true}`; None where there is none."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return value or None
    if isinstance(value, dict):
        has_target = any(value.get(name) is not None for name in ("minutes", "target", "target_in_seconds"))
        return json.dumps(value, sort_keys=True) if has_target else None
    return as_text(value)


def _channel(via: Any) -> str | None:
    """The channel in the words of the API: the export tells it as it stands on the screen (`Answer Bot for Web Widget`)."""
    told = via.get("channel") if isinstance(via, dict) else via
    return "_".join(told.lower().split()) if isinstance(told, str) and told else None


def _merged_with(told: Mapping[str, Any]) -> Iterator[str]:
    """The other tickets of a merge, as far as an audit or one of its events names them."""
    via, body = told.get("via"), told.get("body")
    source = via.get("source") if isinstance(via, dict) else None
    if isinstance(source, dict) and source.get("rel") == "merge":
        for end in (source.get("from"), source.get("to")):
            if isinstance(end, dict):
                numbers = end.get("ticket_ids")
                yield from _numbers([end.get("ticket_id"), *(numbers if isinstance(numbers, list) else [])])
    elif isinstance(via, str) and "merge" in via.lower().replace("merging", "merge"):
        yield from _numbers([told.get("via_reference_id")])
    if isinstance(body, str):
        yield from _MERGED_INTO.findall(body)
        yield from _MERGED_FROM.findall(body)


def _numbers(values: list[Any]) -> Iterator[str]:
    return (str(value) for value in values if str(value).isdigit() and int(value) > 0)


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
