"""Conversations in the shapes that Intercom documents, one of each kind, and what each becomes: messages, statuses, changes, promises, verdicts.

Belongs here: what a conversation means. Does not belong here: loading (test_intercom.py). Decisions: docs/decisions/0016-ticket-systems.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from accounts import ALL, DESK, KEY, LATER, home_in, intercom_settings
from fake_intercom import TOKEN, FakeIntercom, admin, customer
from test_privacy import files_with

from opsla_dagster.sources.base import SOURCE_FACTS
from opsla_dagster.sources.bronze.drift import drift_of, sentences
from opsla_dagster.sources.bronze.report import LoadReport
from opsla_dagster.sources.intercom.load import load_intercom
from opsla_dagster.sources.intercom.parts import PART_TYPES
from opsla_dagster.sources.intercom.source import IntercomSource

T0 = datetime(2025, 7, 1, 12)
BOT = {"type": "bot", "id": "7001", "name": "Fin", "email": "operator+ab12cd34@intercom.io"}
ADA, BO = admin(5007), {"type": "admin", "id": "5008", "name": "Bo Agentsson", "email": "bo@acme.example"}
SAM = {"type": "admin", "id": "7002", "name": "Sam", "email": "sam@robots.example"}
USER = {"type": "user", "id": "u"}
TO_ADA: dict[str, Any] = {"assigned_to": {"type": "admin", "id": "5007"}}
TO_TEAM: dict[str, Any] = {"assigned_to": {"type": "team", "id": "9"}}
MISSED = {"sla_applied": {"type": "conversation_sla_summary", "sla_name": "VIP", "sla_status": "missed"}}
HIT = {"sla_applied": {"type": "conversation_sla_summary", "sla_name": "VIP", "sla_status": "hit"}}

#: minute, part type, author, and whatever else the part has; a text is its body.
Part = tuple[Any, ...]


@dataclass
class Conversation:
    """What Intercom gives, and what becomes of it. `messages`: "minute SIGNAL"; `statuses`: "minute source_status"; None: not looked at."""

    why: str
    parts: list[Part]
    messages: list[str] | None = None
    statuses: list[str] | None = None
    changes: list[tuple[Any, ...]] | None = None
    verdicts: list[tuple[Any, ...]] | None = None
    targets: list[tuple[Any, ...]] | None = None
    initiated_by: str | None = "customer"
    first: dict[str, str | None] | None = None
    facts: dict[str, Any] | None = None
    links: list[tuple[Any, ...]] | None = None
    begun_as: str | None = "customer_initiated"
    begun_by: dict[str, Any] | None = None
    given: dict[str, Any] = field(default_factory=dict)
    intake: int = 0
    rejected: str = ""
    is_case: bool = True


def epoch(minute: float) -> int:
    return int((T0 + timedelta(minutes=minute)).replace(tzinfo=UTC).timestamp())


def sla(*, first: int | None = None, following: int | None = None, close: int | None = None, name: str = "VIP") -> dict[str, Any]:
    seconds = {"first_reply_time": first, "next_reply_time": following, "time_to_close": close, "resolution_time": None}
    return {"event_details": {"sla_name": name, "sla_definition": seconds}}


def missed(target: str) -> dict[str, Any]:
    return {"event_details": {"sla_name": "VIP", "sla_target_type": target, "current_sla_status": "missed",
                              "sla_states": {target: {"status": "missed", "seconds_remaining": None}}}}  # fmt: skip


LINKED = {"linked_objects": {"type": "list", "total_count": 4, "has_more": False, "data": [
    {"type": "ticket", "id": "9001", "category": "Back-office"}, {"type": "ticket", "id": "9002", "category": "Tracker"},
    {"type": "ticket", "id": "9003", "category": "Customer"}, {"type": "conversation", "id": "1", "category": None},
]}}  # fmt: skip

CONVERSATIONS = [
    # ---- who answers, and with what ----------------------------------------------------------------------------------------
    Conversation("a reply is a reply", [(20, "comment", ADA, "Hello")], ["0 CUSTOMER_MESSAGE", "20 PUBLIC_REPLY"], ["0 unassigned", "20 open"]),
    Conversation("a note is no reply", [(10, "note", ADA, "who?"), (200, "comment", ADA, "Hello")],
                 ["0 CUSTOMER_MESSAGE", "10 PRIVATE_NOTE", "200 PUBLIC_REPLY"], ["0 unassigned", "200 open"]),
    Conversation("a note that wakes a snoozed conversation is no reply",
                 [(5, "snoozed", ADA), (10, "note_and_unsnooze", ADA, "wake up"), (200, "comment", ADA, "Hello")],
                 ["0 CUSTOMER_MESSAGE", "10 PRIVATE_NOTE", "200 PUBLIC_REPLY"], ["0 unassigned", "5 snoozed", "10 unassigned", "200 open"]),
    Conversation("a note that reopens is no reply", [(20, "comment", ADA, "Hi"), (30, "close", ADA), (60, "note_and_reopen", ADA, "not done")],
                 ["0 CUSTOMER_MESSAGE", "20 PUBLIC_REPLY", "60 PRIVATE_NOTE"], ["0 unassigned", "20 open", "30 closed", "60 open"]),
    Conversation("any other kind of note is a note", [(10, "note_and_something_new", ADA, "hm"), (40, "comment", ADA, "Hello")],
                 ["0 CUSTOMER_MESSAGE", "10 PRIVATE_NOTE", "40 PUBLIC_REPLY"]),
    Conversation("a bot's answer is a bot's", [(1, "comment", BOT, "We are on it"), (30, "comment", ADA, "Hello")],
                 ["0 CUSTOMER_MESSAGE", "1 BOT_REPLY", "30 PUBLIC_REPLY"], ["0 unassigned", "30 open"]),
    Conversation("the AI agent is a bot whatever type it has",
                 [(1, "comment", {**BO, "from_ai_agent": True}, "An answer"), (2, "comment", {**BO, "is_ai_answer": True}, "Another")],
                 ["0 CUSTOMER_MESSAGE", "1 BOT_REPLY", "2 BOT_REPLY"], ["0 unassigned"]),
    Conversation("the operator is a bot where it writes as an admin: by its address", [
        (1, "comment", {"type": "admin", "id": "7009", "name": "Acme", "email": "operator+ffff@intercom.io"}, "Hi")],
        ["0 CUSTOMER_MESSAGE", "1 BOT_REPLY"], ["0 unassigned"]),
    Conversation("the operator is a bot where it writes as an admin: by the list of admins", [(1, "comment", {"type": "admin", "id": "7001"}, "Hi")],
                 ["0 CUSTOMER_MESSAGE", "1 BOT_REPLY"], ["0 unassigned"]),
    Conversation("the operator is a bot where it writes as an admin: by its name", [
        (1, "comment", {"type": "admin", "id": "274", "name": "Operator"}, "Hi")], ["0 CUSTOMER_MESSAGE", "1 BOT_REPLY"]),
    Conversation("an admin that sources.yml calls a bot is one", [(1, "comment", SAM, "Beep"), (9, "comment", ADA, "Hello")],
                 ["0 CUSTOMER_MESSAGE", "1 BOT_REPLY", "9 PUBLIC_REPLY"]),
    Conversation("bots write on behalf of teams", [(1, "comment", {"type": "team", "id": "9"}, "Hi")], ["0 CUSTOMER_MESSAGE", "1 BOT_REPLY"]),
    Conversation("a bot's note is a note", [(1, "note", BOT, "summary")], ["0 CUSTOMER_MESSAGE", "1 PRIVATE_NOTE"], ["0 unassigned"]),
    Conversation("what was redacted was a reply", [(15, "comment", ADA, None, {"redacted": True})], ["0 CUSTOMER_MESSAGE", "15 PUBLIC_REPLY"],
                 ["0 unassigned", "15 open"]),
    Conversation("a part without text is no reply", [(15, "comment", ADA, "  ")], ["0 CUSTOMER_MESSAGE"], ["0 unassigned"]),
    Conversation("an assignment can carry a reply", [(12, "assignment", ADA, "I pass you on", TO_TEAM)], ["0 CUSTOMER_MESSAGE", "12 PUBLIC_REPLY"],
                 ["0 unassigned", "12 open"]),
    Conversation("closing can carry a reply", [(12, "close", ADA, "Bye")], ["0 CUSTOMER_MESSAGE", "12 PUBLIC_REPLY"], ["0 unassigned", "12 closed"]),
    Conversation("a customer's chosen quick reply is a message", [
        (1, "comment", BOT, None, {"metadata": {"quick_reply_options": [{"text": "Yes", "uuid": "1"}]}}),
        (2, "quick_reply", USER, None), (30, "comment", ADA, "Hello")],
        ["0 CUSTOMER_MESSAGE", "1 BOT_REPLY", "2 CUSTOMER_MESSAGE", "30 PUBLIC_REPLY"]),
    Conversation("a message without an author is nobody", [(9, "comment", {"type": None, "id": None}, "We've removed this part")], ["0 CUSTOMER_MESSAGE"]),
    Conversation("a customer whom the channel hides began all the same", [(9, "comment", ADA, "Hi")], ["0 CUSTOMER_MESSAGE", "9 PUBLIC_REPLY"],
                 begun_by={"type": None, "id": None}),
    # ---- what else there is of it ------------------------------------------------------------------------------------------
    Conversation("tickets of other teams and of problems are what it is linked to", [(20, "comment", ADA, "Hello")], given=LINKED, links=[
        ("1", "related", "conversation", None, None), ("9001", "escalation", "Back-office", None, None), ("9002", "problem", "Tracker", None, None),
        ("9003", "related", "Customer", None, None)]),
    # ---- only messages are messages ----------------------------------------------------------------------------------------
    Conversation("the remark of a rating is no message", [
        (20, "comment", ADA, "Hi"), (30, "close", ADA), (40, "conversation_rating_changed", USER, "5"),
        (41, "conversation_rating_remark_added", USER, "Great!")], ["0 CUSTOMER_MESSAGE", "20 PUBLIC_REPLY"],
        ["0 unassigned", "20 open", "30 closed"]),
    Conversation("what a form asks and is told is no message", [
        (1, "attribute_collector", BOT, "Your mail?"), (2, "attribute_collected", USER, "rita@home.example"), (30, "comment", ADA, "Hi")],
        ["0 CUSTOMER_MESSAGE", "30 PUBLIC_REPLY"]),
    Conversation("the notice of the usual reply time is no message", [(0, "channel_and_reply_time_expectation", BOT, "in a few hours")],
                 ["0 CUSTOMER_MESSAGE"]),
    Conversation("an unknown part is no message, whoever wrote it", [(5, "hologram_shown", ADA, "Look"), (6, "hologram_shown", USER, "Wow")],
                 ["0 CUSTOMER_MESSAGE"], ["0 unassigned"]),
    Conversation("workflows, actions and participants say nothing", [
        (1, "operator_workflow_event", BOT, "x", {"event_details": {"workflow": {"name": "W"}, "event": {"type": "wait_finished", "result": "done"}}}),
        (2, "custom_action_started", BOT, "x"), (3, "custom_action_finished", BOT, "x"), (4, "participant_added", ADA, "x"),
        (5, "participant_removed", ADA, "x"), (6, "user_became_idle", BOT, "x"), (7, "resolution_bot_found_no_answer", BOT, "x"),
        (8, "language_detection_details", BOT, "x"), (9, "ticket_state_updated_by_admin", ADA, "x")], ["0 CUSTOMER_MESSAGE"], ["0 unassigned"]),
    # ---- who began -----------------------------------------------------------------------------------------------------------
    Conversation("an agent began: no reply at the first message, and one to the customer's", [
        (60, "comment", USER, "Oh?"), (90, "comment", ADA, "Yes")], ["60 CUSTOMER_MESSAGE", "90 PUBLIC_REPLY"], ["0 open"],
        initiated_by="agent", begun_as="admin_initiated", begun_by=ADA,
        given={"statistics": {"first_contact_reply_at": epoch(60), "time_to_admin_reply": 1800, "time_to_first_close": 99, "time_to_last_close": 99}},
        verdicts=[("first_reply", None, None, 1800)]),
    Conversation("an agent began, and the customer never wrote", [(30, "close", ADA)], [], ["0 open", "30 closed"], initiated_by="agent",
                 begun_as="admin_initiated", begun_by=ADA),
    Conversation("a campaign comes in with the answer", [
        (2000, "open", USER, "Interesting"), (2010, "comment", ADA, "Hello"), (2100, "close", ADA)],
        ["2000 CUSTOMER_MESSAGE", "2010 PUBLIC_REPLY"], ["2000 unassigned", "2010 open", "2100 closed"], initiated_by="automation",
        begun_as="automated", begun_by=ADA, intake=2000, given={"statistics": {"first_contact_reply_at": epoch(2000), "time_to_first_close": 6000}},
        verdicts=[("first_resolution", None, None, 6000)]),
    Conversation("a campaign that nobody answered is no case", [(10, "close", BOT)], begun_as="automated", begun_by=ADA, is_case=False),
    Conversation("so is a legacy one", [], begun_as="campaigns_initiated", begun_by={"type": "team", "id": "9"}, is_case=False),
    Conversation("a workflow's greeting is none either, and the answer to it is", [
        (0, "comment", BOT, "How can we help?"), (1, "comment", USER, "My printer"), (2, "comment", BOT, "Try again"), (9, "comment", ADA, "Hello")],
        ["1 CUSTOMER_MESSAGE", "2 BOT_REPLY", "9 PUBLIC_REPLY"], ["1 unassigned", "9 open"], initiated_by="automation",
        begun_as="operator_initiated", begun_by=BOT, intake=1),
    Conversation("what was assigned before the answer is held when it comes in", [
        (5, "assignment", BOT, None, TO_ADA), (60, "comment", USER, "Hi"), (70, "comment", ADA, "Hello")], ["60 CUSTOMER_MESSAGE", "70 PUBLIC_REPLY"],
        ["60 open"], initiated_by="automation", begun_as="automated", begun_by=ADA, intake=60, changes=[],
        given={"admin_assignee_id": 5007}),
    Conversation("an unknown way to begin is told, and the author says who began", [(20, "comment", USER, "Hi")], ["20 CUSTOMER_MESSAGE"],
                 initiated_by="agent", begun_as="beamed_in", begun_by=ADA),
    # ---- who holds it --------------------------------------------------------------------------------------------------------
    Conversation("an assignee without an assignment is no touch at intake", [(50, "comment", BO, "Hi")], None, ["0 unassigned", "50 open"],
                 changes=[], given={"admin_assignee_id": 5007}),
    Conversation("nobody is 0", [(9, "assignment", ADA, None, TO_ADA), (30, "assignment", ADA, None, {"assigned_to": {"type": "nobody_admin", "id": None}})],
                 None, ["0 unassigned", "9 open"], changes=[(9, "agent", "ADA", None), (30, "agent", None, "ADA")], first={"agent": None, "team": None}),
    Conversation("to be given to a bot is no touch", [
        (1, "assignment", BOT, None, {"assigned_to": {"type": "bot", "id": "7001"}}),
        (2, "default_assignment", BOT, None, {"assigned_to": {"type": "admin", "id": "7001"}})], ["0 CUSTOMER_MESSAGE"], ["0 unassigned"], changes=[],
        first={"agent": None}, given={"admin_assignee_id": 7001}),
    Conversation("a team is none", [(3, "workflow_assignment", BOT, None, TO_TEAM)], None, ["0 unassigned"], changes=[(3, "team", "Chat", None)],
                 given={"team_assignee_id": 9}),
    # ---- what changed, and when ----------------------------------------------------------------------------------------------
    Conversation("priorities, tags and named attributes have their times", [
        (5, "priority_changed", ADA, None, {"event_details": {"current_priority": "high", "previous_priority": "none"}}),
        (6, "conversation_tags_updated", ADA, None, {"event_details": {"tags_added": ["vip", "big  fish"], "tags_removed": []}}),
        (7, "conversation_attribute_updated_by_admin", ADA, None,
         {"event_details": {"attribute": {"name": "Plan"}, "value": {"name": "Gold", "previous": "Silver"}}}),
        (8, "conversation_tags_updated", ADA, None, {"event_details": {"tags_added": [], "tags_removed": ["vip", "new"]}}),
        (9, "priority_changed_by_rule", BOT, None, {"event_details": {"current_priority": "urgent", "previous_priority": "high"}}),
        (10, "conversation_attribute_updated_by_workflow", BOT, None,
         {"event_details": {"workflow": {"name": "W"}, "attribute": {"name": "Plan"}, "value": {"name": "Bronze"}}}),
        (11, "conversation_attribute_updated_by_user", USER, None,
         {"event_details": {"attribute": {"name": "Birthday"}, "value": {"name": "Rita's", "previous": None}}})],
        given={"priority": "urgent", "tags": {"type": "tag.list", "tags": [{"id": "1", "name": "big  fish"}]}, "custom_attributes": {"Plan": "Bronze"}},
        first={"priority": "none", "tags": "new", "tier": "Silver"},
        changes=[(5, "priority", "high", "none"), (6, "tags", "big_fish new vip", "new"), (7, "tier", "Gold", "Silver"),
                 (8, "tags", "big_fish", "big_fish new vip"), (9, "priority", "urgent", "high"), (10, "tier", "Bronze", "Gold")]),
    Conversation("a change without details is none", [(5, "conversation_tags_updated", ADA), (6, "priority_changed", ADA)], changes=[],
                 given={"priority": "high", "tags": {"tags": [{"id": "1", "name": "vip"}]}}, first={"priority": "high", "tags": "vip"}),
    # ---- the account's own promises and verdicts ------------------------------------------------------------------------------
    Conversation("an SLA is a promise from its instant on, and another one takes its place", [
        (1, "conversation_sla_applied_by_rule", BOT, None, sla(first=600, following=1200, close=7200)),
        (50, "conversation_sla_applied_by_workflow", BOT, None, sla(following=900, name="Late")),
        (70, "conversation_sla_removed", ADA, None, {"event_details": {"sla_name": "Late"}})],
        targets=[(1, "first_reply", "VIP", 600), (1, "next_reply", "VIP", 1200), (1, "first_resolution", "VIP", 7200),
                 (50, "first_reply", "Late", None), (50, "first_resolution", "Late", None), (50, "next_reply", "Late", 900),
                 (70, "next_reply", "Late", None)]),
    Conversation("missed is a verdict on all of an SLA's targets", [(200, "comment", ADA, "Sorry")], targets=[],
                 given={**MISSED, "statistics": {"time_to_admin_reply": 12000, "first_admin_reply_at": epoch(200)}},
                 verdicts=[("any", True, None, None), ("first_reply", None, None, 12000)]),
    Conversation("which target was missed, and when, is told by a part", [
        (1, "conversation_sla_applied_by_rule", BOT, None, sla(first=600, close=86400)),
        (11, "conversation_sla_target_missed", BOT, None, missed("first_reply_time")), (20, "comment", ADA, "Hi"), (30, "close", ADA)],
        given={**MISSED, "statistics": {"time_to_admin_reply": 1200, "time_to_first_close": 1800, "time_to_last_close": 1800}},
        verdicts=[("any", True, 11, None), ("first_reply", True, 11, 1200), ("first_resolution", False, None, 1800),
                  ("total_resolution", None, None, 1800)]),
    Conversation("a missed next reply is no verdict on the first one", [
        (1, "conversation_sla_applied_by_rule", BOT, None, sla(first=600, following=600)), (5, "comment", ADA, "Hi"), (6, "comment", USER, "And?"),
        (16, "conversation_sla_target_missed", BOT, None, missed("next_reply_time")), (30, "comment", ADA, "Yes")],
        given={**MISSED, "statistics": {"time_to_admin_reply": 300}}, verdicts=[("any", True, 16, None), ("first_reply", False, None, 300)]),
    Conversation("the only target of a missed SLA is the missed one", [
        (1, "conversation_sla_applied_by_rule", BOT, None, sla(first=600)), (30, "comment", ADA, "Hi")],
        given={**MISSED, "statistics": {"time_to_admin_reply": 1800}}, verdicts=[("any", True, None, None), ("first_reply", True, None, 1800)]),
    Conversation("hit says nothing of a target that still runs", [
        (1, "conversation_sla_applied_by_rule", BOT, None, sla(first=600, close=86400)), (5, "comment", ADA, "Hi")],
        given={**HIT, "statistics": {"time_to_admin_reply": 300}},
        verdicts=[("any", False, None, None), ("first_reply", False, None, 300), ("first_resolution", None, None, None)]),
    Conversation("an SLA that was taken away has no verdict", [(30, "comment", ADA, "Hi")], verdicts=[],
                 given={"sla_applied": {"sla_name": "VIP", "sla_status": None}}),
    Conversation("neither has one that runs", [(30, "comment", ADA, "Hi")], verdicts=[("any", None, None, None)],
                 given={"sla_applied": {"sla_name": "VIP", "sla_status": "active"}}),
    # ---- histories -----------------------------------------------------------------------------------------------------------
    Conversation("a history that Intercom cut is no case: by its own count", [(30, "comment", ADA, "Hi")], rejected="conversation_parts",
                 given={"statistics": {"count_conversation_parts": 640}}, is_case=False),
    Conversation("the count of parts includes the first message", [(30, "comment", ADA, "Hi")], ["0 CUSTOMER_MESSAGE", "30 PUBLIC_REPLY"],
                 given={"statistics": {"count_conversation_parts": 2}}),
    Conversation("reopened twice", [
        (10, "close", ADA, "Bye"), (20, "open", USER, "But"), (30, "close", ADA), (40, "assign_and_reopen", ADA, None, TO_ADA), (50, "close", BOT)], None,
        ["0 unassigned", "10 closed", "20 open", "30 closed", "40 open", "50 closed"], given={"statistics": {"count_reopens": 2}}),
    Conversation("reopened more often than the parts tell", [(10, "close", ADA, "Bye")], None, ["0 unassigned", "10 closed"],
                 given={"statistics": {"count_reopens": 3}}),
    Conversation("snoozed, and back by itself", [(5, "comment", ADA, "Wait"), (6, "snoozed", ADA, None, {"event_details": {"until": "in 1 hour"}}),
                                                 (66, "timer_unsnooze", BOT)],
                 ["0 CUSTOMER_MESSAGE", "5 PUBLIC_REPLY"], ["0 unassigned", "5 open", "6 snoozed", "66 open"]),
    Conversation("a ticket's own conversation", [(2, "assign_and_unsnooze", ADA, None, TO_ADA)], ["0 CUSTOMER_MESSAGE"], ["0 unassigned", "2 open"]),
    Conversation("what else Intercom tells is a fact", [(1, "comment", BOT, "Try this"), (30, "comment", ADA, "Hi")], facts={
        "rating": 4, "rating_verdict": "good", "bot_participated": 1, "bot_replies": 1, "bot_resolved": 1, "bot_resolution_state": "assumed_resolution", "bot_rating": 5,
        "handling_seconds": 900, "active_handling_seconds": 300, "median_reply_seconds": 120, "reopens": 0, "assignments": 2, "sla_name": "VIP",
        "sla_status": "hit", "teammates": 2}, given={
            **HIT, "conversation_rating": {"rating": 4, "remark": "Rita was here", "created_at": epoch(40), "contact": {"id": "u"}, "teammate": {"id": 5007}},
            "ai_agent_participated": True, "ai_agent": {"source_type": "workflow", "resolution_state": "assumed_resolution", "rating": 5},
            "teammates": {"type": "admin.list", "teammates": [{"type": "admin", "id": "5007"}, {"type": "admin", "id": "5008"}]},
            "statistics": {"handling_time": 900, "adjusted_handling_time": 300, "median_time_to_reply": 120, "count_reopens": 0, "count_assignments": 2}}),
    Conversation("the AI agent took part and handed over", [(1, "comment", BOT, "No idea")], facts={
        "bot_participated": 1, "bot_replies": 1, "bot_resolved": 0, "bot_resolution_state": "escalated"},
        given={"ai_agent_participated": True, "ai_agent": {"resolution_state": "escalated"}}),
]  # fmt: skip


@dataclass
class Loaded:
    """Everything of CONVERSATIONS, loaded once: each has its place in the list as its number."""

    report: LoadReport
    source: IntercomSource
    rows: dict[str, list[dict[str, Any]]]
    drift: list[dict[str, Any]]
    leaks: list[str]
    beside_first_reply: list[dict[str, Any]]

    @property
    def number(self) -> dict[str, int]:
        return {conversation.why: number for number, conversation in enumerate(CONVERSATIONS, 1)}

    def of(self, kind: str, number: int) -> list[dict[str, Any]]:
        return [row for row in self.rows[kind] if row["case_id"] == str(number)]


#: People, and what they wrote: nowhere in the home.
WORDS = ["Rita", "rita@home", "Agents", "acme.example", "robots.example", "operator+", "Birthday", "Great!", "Hello", TOKEN, KEY]
_KINDS = ("cases", "messages", "events", "attribute_changes", "applied_targets", "source_verdicts", "source_facts", "case_links")


def fill(server: FakeIntercom, conversations: list[Conversation]) -> None:
    for number, conversation in enumerate(conversations, 1):
        source = {
            "type": "conversation", "id": "s", "delivered_as": conversation.begun_as, "body": "x", "author": conversation.begun_by or customer(number),
        }
        record = server.conversation(number, T0.isoformat(), source=source, **conversation.given)
        for minute, kind, author, *more in conversation.parts:
            body = next((item for item in more if isinstance(item, str)), None)
            fields = next((item for item in more if isinstance(item, dict)), {})
            server.part(number, kind, (T0 + timedelta(minutes=minute)).isoformat(), author, body=body, **fields)
        states = [PART_TYPES[part[1]].state for part in conversation.parts if part[1] in PART_TYPES]
        record["state"] = next((state for state in reversed(states) if state), "open")
        record["open"] = record["state"] == "open"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    server = FakeIntercom()
    server.page_size = 150
    fill(server, CONVERSATIONS)
    home = home_in(tmp_path_factory.mktemp("conversations"))
    with pytest.MonkeyPatch.context() as patch, server.running():
        patch.setenv("IC_TOKEN", TOKEN)
        patch.setenv("OPSLA_KEY", KEY)
        settings = intercom_settings(server.address, slice_hours=24 * 31, tier_attribute="Plan", bots=["sam@robots.example"])
        report = load_intercom(settings, DESK, home)
    source = IntercomSource(settings, DESK, home)
    rows = {kind: getattr(source, kind)(ALL, LATER).to_pylist() for kind in _KINDS}
    drift = drift_of("chat", home.bronze / "chat.duckdb").to_pylist()
    named = IntercomSource(settings.model_copy(update={"sla_metric": "first_reply"}), DESK, home).source_verdicts(ALL, LATER).to_pylist()
    return Loaded(report, source, rows, drift, files_with(home.root, WORDS), named)


def minute_of(instant: datetime | None) -> int | None:
    return None if instant is None else round((instant - T0).total_seconds() / 60)


@pytest.mark.parametrize("number", range(1, len(CONVERSATIONS) + 1), ids=[conversation.why for conversation in CONVERSATIONS])
def test_a_conversation_becomes(loaded: Loaded, number: int) -> None:
    expected = CONVERSATIONS[number - 1]
    cases = loaded.of("cases", number)
    rejected = [row["field"] for row in loaded.source.rejected_rows().to_pylist() if row["case_id"] == str(number)]
    assert rejected == ([expected.rejected] if expected.rejected else [])
    assert len(cases) == int(expected.is_case)
    if not expected.is_case:
        assert not any(loaded.of(kind, number) for kind in _KINDS)
        return
    (case,) = cases
    assert (case["initiated_by"], minute_of(case["intake_ts"])) == (expected.initiated_by, expected.intake)
    people = {row["agent"]: "ADA" for row in loaded.of("messages", 1) if row["signal"] == "PUBLIC_REPLY"}
    if expected.messages is not None:
        rows = loaded.of("messages", number)
        assert [f"{minute_of(row['sent_ts'])} {row['signal']}" for row in rows] == expected.messages
        kinds = {"CUSTOMER_MESSAGE": {"customer"}, "PUBLIC_REPLY": {"person"}, "BOT_REPLY": {"bot"}, "PRIVATE_NOTE": {"person", "bot"}}
        assert all(row["author_kind"] in kinds[row["signal"]] for row in rows)
        assert all((row["agent"] is not None) == (row["author_kind"] == "person") for row in rows)
    if expected.statuses is not None:
        assert [f"{minute_of(row['event_ts'])} {row['source_status']}" for row in loaded.of("events", number)] == expected.statuses
    changes = [
        (minute_of(row["changed_ts"]), row["attribute"], *(people.get(row[side], row[side]) for side in ("value", "previous_value")))
        for row in loaded.of("attribute_changes", number)
    ]
    if expected.changes is not None:
        assert changes == expected.changes
    if expected.first is not None:
        first = {name: next((change[3] for change in changes if change[1] == name), case[name]) for name in expected.first}
        assert first == expected.first
    if expected.targets is not None:
        rows = loaded.of("applied_targets", number)
        assert sorted((minute_of(row["applied_ts"]), row["metric"], row["policy"], row["target_seconds"]) for row in rows) == sorted(expected.targets)
        assert {row["calendar"] for row in rows} <= {"chat:Office"}
    if expected.verdicts is not None:
        assert [
            (row["metric"], row["is_breached"], minute_of(row["breached_ts"]), row["elapsed_seconds"]) for row in loaded.of("source_verdicts", number)
        ] == expected.verdicts
    if expected.facts is not None:
        facts = {row["fact"]: row["value_text"] if row["value_number"] is None else row["value_number"] for row in loaded.of("source_facts", number)}
        assert facts == expected.facts
    if expected.links is not None:
        rows = loaded.of("case_links", number)
        assert [(row["linked_case_id"], row["link_kind"], row["source_link_kind"], row["linked_ts"], row["unlinked_ts"]) for row in rows] == expected.links


def test_every_case_is_whole_and_in_order(loaded: Loaded) -> None:
    """One order over all that happened to a case, nothing before it came in, and the schemas of the protocol."""
    for number in range(1, len(CONVERSATIONS) + 1):
        stamps = {"messages": "sent_ts", "events": "event_ts", "attribute_changes": "changed_ts", "applied_targets": "applied_ts"}
        happened = sorted((row["source_sequence"], row[stamp]) for kind, stamp in stamps.items() for row in loaded.of(kind, number))
        assert [sequence for sequence, _ in happened] == list(range(1, len(happened) + 1))
        assert [at for _, at in happened] == sorted(at for _, at in happened)
        for case in loaded.of("cases", number):
            assert all(at >= case["intake_ts"] for _, at in happened)
            assert case["intake_date"] == case["intake_ts"].date() or case["intake_ts"].hour < 5
    assert loaded.source.source_facts(ALL, LATER).schema == SOURCE_FACTS
    early = loaded.source.source_facts(ALL, T0).to_pylist()
    assert all(row["known_ts"] <= T0 for row in early)


def test_what_nobody_knows_is_told_at_the_first_load_already(loaded: Loaded) -> None:
    told = sentences(loaded.report.drifted)
    parts = "conversations.conversation_parts.conversation_parts"
    assert told == [
        f"{parts}.part_type has a word that is not known: hologram_shown",
        f"{parts}.part_type has a word that is not known: note_and_something_new",
        "conversations.source.delivered_as has a word that is not known: beamed_in",
    ]
    assert {row["found_type"] for row in loaded.drift if row["change"] == "unknown"} == {"hologram_shown", "note_and_something_new", "beamed_in"}
    assert [row["field"] for row in loaded.drift if row["change"] != "unknown"] == []


def test_what_is_no_case_and_what_is_counted_otherwise_is_told(loaded: Loaded) -> None:
    assert loaded.source.reading_notes(LATER) == [
        "conversations that an automation began and the customer never answered (no cases): 2",
        f"conversations whose parts tell another number of reopens than Intercom counted: 1, such as "
        f"{loaded.number['reopened more often than the parts tell']} (parts 0, counted 3)",
        f"messages whose author Intercom does not tell (left out): 1, such as {loaded.number['a message without an author is nobody']}",
    ]


@pytest.mark.parametrize("minute", [0, 10, 45, 2005])
def test_nothing_is_told_of_the_time_after_an_instant(loaded: Loaded, minute: int) -> None:
    at = T0 + timedelta(minutes=minute)
    begun = {row["case_id"] for row in loaded.rows["cases"] if row["intake_ts"] <= at}
    assert {row["case_id"] for row in loaded.source.cases(ALL, at).to_pylist()} == begun
    stamps = {"messages": "sent_ts", "events": "event_ts", "attribute_changes": "changed_ts", "applied_targets": "applied_ts", "source_facts": "known_ts"}
    for kind, stamp in stamps.items():
        assert getattr(loaded.source, kind)(ALL, at).to_pylist() == [row for row in loaded.rows[kind] if row[stamp] <= at and row["case_id"] in begun]
    told = {row["verdict_id"]: row["is_breached"] for row in loaded.source.source_verdicts(ALL, at).to_pylist()}
    which = f"{loaded.number['which target was missed, and when, is told by a part']}#first_reply.1"
    assert told[which] is (True if minute >= 11 else None)


def test_a_verdict_may_be_set_beside_the_one_metric_that_all_slas_have(loaded: Loaded) -> None:
    def verdicts(why: str) -> list[tuple[Any, ...]]:
        rows = [row for row in loaded.beside_first_reply if row["case_id"] == str(loaded.number[why])]
        return [(row["metric"], row["is_breached"], row["elapsed_seconds"]) for row in rows]

    assert verdicts("missed is a verdict on all of an SLA's targets") == [("first_reply", True, 12000)]
    assert verdicts("a missed next reply is no verdict on the first one") == [("first_reply", False, 300)], "a part knows better"


def test_people_and_what_they_wrote_are_nowhere(loaded: Loaded) -> None:
    assert loaded.leaks == []


def test_intake_dates_of_campaigns_are_those_of_the_answers(loaded: Loaded) -> None:
    (case,) = [row for row in loaded.rows["cases"] if row["category"] == "automated" and minute_of(row["intake_ts"]) == 2000]
    assert case["intake_date"] == date(2025, 7, 2)
