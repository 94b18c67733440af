"""What words mean: names of columns, and the statuses of a log. A word that is not sure is left to a person.

Belongs here: vocabulary. Does not belong here: counts of any log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from opsla_dagster.status import Signal

#: Field -> names of columns that mean it, the surest first.
NAMES: dict[str, tuple[str, ...]] = {
    "case_id": (
        "case_id", "ticket_id", "incident_id", "issue_id", "request_id", "conversation_id", "case_number", "ticket_number",
        "incident_number", "ticket_no", "case_no", "issue_key", "case_concept_name", "ticket", "case", "incident", "issue", "request",
        "number", "key", "reference", "id",
    ),
    "status": (
        "status", "state", "new_status", "to_status", "new_state", "ticket_status", "case_status", "incident_state", "issue_status",
        "concept_name", "activity", "stage", "step", "event", "event_type", "action",
    ),
    "event_ts": (
        "event_ts", "event_at", "event_time", "timestamp", "time_timestamp", "changed_at", "changed", "change_time", "changed_on",
        "updated_at", "sys_updated_at", "sys_updated_on", "updated", "modified", "modified_at", "occurred_at", "transition_date",
        "event_date", "at", "time", "when", "datetime", "date", "ts", "created_at",
    ),
    "intake_ts": (
        "intake_ts", "intake_at", "opened_at", "opened", "created_at", "created", "created_on", "submitted_at", "reported_at",
        "reported_date", "creation_date", "created_date", "open_date", "start_date", "sys_created_at",
    ),
    "ingestion_ts": ("ingestion_ts", "ingested_at", "loaded_at", "received_at", "recorded_at", "inserted_at"),
    "event_id": ("event_id", "log_id", "entry_id", "history_id", "audit_id", "change_id", "update_id", "transition_id"),
    "team": (
        "team", "assignment_group", "assigned_group", "support_group", "assigned_team", "group", "queue", "department",
        "resolver_group", "org_group",
    ),
    "agent": ("agent", "assigned_to", "assignee", "agent_name", "agent_id", "owner", "technician", "resource", "org_resource", "user"),
    "tier": ("tier", "support_tier", "support_level", "level", "line"),
    "case_type": ("case_type", "ticket_type", "issue_type", "request_type", "incident_type", "type", "contact_type"),
    "priority": ("priority", "prio", "severity"),
    "category": ("category", "topic"),
    "brand": ("brand",),
    "region": ("region", "country"),
    "channel": ("channel", "via", "contact_channel", "source_channel"),
    "customer": ("customer", "customer_id", "client", "account", "organization", "organisation", "company"),
    "tags": ("tags", "labels"),
    "resolved_ts": ("resolved_ts", "resolved_at", "resolved", "resolution_date", "resolved_on", "resolved_date", "solved_at"),
    "closed_ts": ("closed_ts", "closed_at", "closed", "closed_on", "closed_date", "close_date"),
    "sla_met": ("sla_met", "made_sla", "within_sla", "in_sla", "met_sla"),
}
#: What a column of the vendor's own verdict says.
MET = {"true": True, "yes": True, "y": True, "1": True, "met": True, "false": False, "no": False, "n": False, "0": False, "missed": False}

#: Tokens beside which a word still means what it means.
_FILLERS = {
    "ticket", "case", "incident", "issue", "request", "status", "state", "to", "is", "was", "the", "by", "for", "from", "on", "a", "been",
    "has", "being", "automatically", "user", "customer", "agent", "again", "it", "set",
}
#: These words hold whatever follows: `Closed - no response`.
_LEADING = {"closed", "resolved", "solved", "cancelled", "canceled", "reopened", "completed"}
_CUSTOMER = {"user", "users", "customer", "customers", "client", "requester", "requestor", "caller", "enduser"}
_VENDOR = {"vendor", "vendors", "supplier", "party", "3rdparty", "thirdparty", "manufacturer"}
_WAIT = re.compile(r"(pending|wait|waiting|waits|await|awaiting|awaits)")
_CUSTOMER_EXTRA = {"info", "information", "reply", "response", "feedback", "input", "end", "answer", "confirmation"}
_REPLIES = re.compile(r"(reply|replied|replies|message|comment|commented|response|responded|answer|answered)")
_NOTES = re.compile(r"(note|notes|comment|message)")
_PRIVATE = {"internal", "private", "work", "worknote"}

_RULES: list[tuple[str, Signal]] = [
    (r"(re-?open(ed|s|ing)?)", Signal.REOPENED),
    (r"(cancel(l?ed|s|l?ing|lation)?|withdrawn)", Signal.CANCELLED),
    (r"(escalat\w*)", Signal.ESCALATED),
    (r"(hold|onhold)", Signal.ON_HOLD),
    (r"(review(ed|ing|s)?|qa)", Signal.REVIEW_QA),
    (r"(triag\w*)", Signal.TRIAGE),
    (r"(closed?|closes|closing|closure)", Signal.CLOSED),
    (r"(solved?|resolved?|resolves|resolution|done|fix(ed)?|completed?)", Signal.RESOLVED),
    (r"((re)?assign(ed|s|ment)?)", Signal.ASSIGNED),
    (r"(progress|active|working|investigat\w*|wip)", Signal.INVESTIGATION),
    (r"(new|open|opened|created?|creation|submitted|logged|registered)", Signal.INTAKE),
]
#: Words that belong to what a rule says: in progress, quality review, on hold.
_TOGETHER = {
    Signal.INVESTIGATION: {"in", "work", "under", "progress"}, Signal.REVIEW_QA: {"quality", "in", "peer", "review", "qa", "under"},
    Signal.ON_HOLD: {"put", "placed"}, Signal.CUSTOMER_WAIT: _CUSTOMER_EXTRA, Signal.VENDOR_WAIT: {"third", "3rd", "external", "response", "reply"},
    Signal.TRIAGE: {"in"}, Signal.ASSIGNED: {"group", "team"}, Signal.INTAKE: {"created", "new", "open", "opened"},
    Signal.RESOLVED: {"fixed", "resolved", "done"},
}


def counted(number: int, one: str) -> str:
    """`1 record`, `2 records`."""
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"


def plain_name(text: str) -> str:
    """`Changed at`, `changedAt`, `CHANGED_AT` and `changed:at` are one name."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text.strip())
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")


def fields_named(column: str) -> dict[str, int]:
    """The fields that a column's name can mean, with its place among the names of each: 0 is surest."""
    name = plain_name(column)
    return {field: names.index(name) for field, names in NAMES.items() if name in names}


def signal_of(word: str) -> Signal | None:
    """What a status of a log means; None where that is not sure."""
    tokens = [token for token in plain_name(word).split("_") if token]
    if not tokens or "not" in tokens:
        return None
    if tokens[0] not in _LEADING and (said := _said(tokens)) is not None:
        return said
    if any(_WAIT.fullmatch(token) for token in tokens):
        return _waits_for(tokens)
    if set(tokens) & _VENDOR and _only(tokens, _VENDOR | _TOGETHER[Signal.VENDOR_WAIT] | {"with", "at"}):
        return Signal.VENDOR_WAIT
    return _ruled(tokens)


def is_vague(word: str) -> bool:
    """A wait that does not say for whom."""
    return bool(_WAIT.fullmatch(plain_name(word)))


def _waits_for(tokens: list[str]) -> Signal | None:
    rest = [token for token in tokens if not _WAIT.fullmatch(token)]
    if set(rest) & _VENDOR and _only(rest, _VENDOR | _TOGETHER[Signal.VENDOR_WAIT] | {"with"}):
        return Signal.VENDOR_WAIT
    if "hold" in rest and _only(rest, {"hold"}):
        return Signal.ON_HOLD
    if _only(rest, _CUSTOMER | _CUSTOMER_EXTRA) and "agent" not in rest:
        return Signal.CUSTOMER_WAIT
    return None


def _said(tokens: list[str]) -> Signal | None:
    """Replies and notes; who says it must be told."""
    told = set(tokens)
    if told & _PRIVATE and any(_NOTES.fullmatch(token) for token in tokens):
        return Signal.PRIVATE_NOTE
    if any(_WAIT.fullmatch(token) for token in tokens) or not any(_REPLIES.fullmatch(token) for token in tokens):
        return None
    rest = [token for token in tokens if not _REPLIES.fullmatch(token)]
    if told & {"public", "agent"} and _only(rest, {"public", "agent", "sent", "added", "to", "first"}):
        return Signal.PUBLIC_REPLY
    if told & _CUSTOMER and _only(rest, _CUSTOMER | {"received", "added", "from", "by", "end"}):
        return Signal.CUSTOMER_MESSAGE
    return None


def _ruled(tokens: list[str]) -> Signal | None:
    if ("re", "open") in pairwise(tokens) or ("re", "opened") in pairwise(tokens):
        return Signal.REOPENED
    for pattern, signal in _RULES:
        if not any(re.fullmatch(pattern, token) for token in tokens):
            continue
        rest = [token for token in tokens if not re.fullmatch(pattern, token)]
        if tokens[0] in _LEADING and re.fullmatch(pattern, tokens[0]):
            return signal
        if _only(rest, _TOGETHER.get(signal, set())):
            return signal
    return None


def _only(tokens: Iterable[str], allowed: set[str]) -> bool:
    return all(token in allowed or token in _FILLERS for token in tokens)


def signals_of(words: Iterable[str]) -> dict[str, Signal | None]:
    """What each status means. Where a log has both `new` and `open`, open is worked on, as in Zendesk."""
    found = {word: signal_of(word) for word in words}
    if any(plain_name(word) in {"new", "created"} for word in found):
        found.update({word: Signal.INVESTIGATION for word in found if plain_name(word) == "open"})
    return found
