"""Accounts with something in them.

Belongs here: tickets and conversations that several tests load. Does not belong here: tests.
"""

from __future__ import annotations

from datetime import date, timedelta

from fake_intercom import FakeIntercom, admin, customer
from fake_zendesk import FakeZendesk, change, comment, status

ADA = 5007


def fill(fake: FakeZendesk, tickets: int, first: int = 1) -> None:
    """Tickets of as many days, each created, answered, solved and closed; every third reopened."""
    for number in range(first, first + tickets):
        day = date(2025, 6, 30) + timedelta(days=number)
        customer = 1000 + number
        fake.ticket(number, f"{day}T14:00:{number % 60:02d}Z")
        fake.audit(10 * number, number, f"{day}T14:00:{number % 60:02d}Z", customer, status("new"), comment(customer))
        fake.audit(
            10 * number + 1, number, f"{day}T15:00:00Z", ADA, comment(ADA), status("open", "new"), change("assignee_id", str(ADA), None)
        )
        fake.audit(10 * number + 2, number, f"{day}T16:00:00Z", ADA, status("solved", "open"))
        applied = {"target": 480, "business_hours": True, "policy": {"id": 1, "title": "P3"}}
        fake.metric_event(10 * number, number, "reply_time", 1, "apply_sla", f"{day}T14:00:{number % 60:02d}Z", sla=applied)
        fake.metric_event(10 * number + 1, number, "reply_time", 1, "fulfill", f"{day}T15:00:00Z")
        fake.metric_sets[number] = {
            "id": 70_000 + number, "ticket_id": number, "updated_at": f"{day}T16:00:00Z",
            "reply_time_in_minutes": {"calendar": 60, "business": 0}, "full_resolution_time_in_minutes": {"calendar": 120, "business": 0},
        }
        fake.tickets[number].update(status="solved", assignee_id=ADA)
        if number % 3 == 0:
            fake.audit(10 * number + 3, number, f"{day}T18:00:00Z", customer, comment(customer), status("open", "solved"))
            fake.tickets[number].update(status="open")


def worked_case(fake: FakeZendesk) -> None:
    """Ticket 7 of docs/decisions/0016-ticket-systems.md."""
    customer = 1007
    fake.ticket(7, "2025-07-01T12:00:00Z", custom_fields=[{"id": 360001, "value": "T2"}, {"id": 99, "value": "Rita's birthday"}])
    fake.audit(70, 7, "2025-07-01T12:00:00Z", customer, status("new"), comment(customer))
    fake.audit(71, 7, "2025-07-01T12:30:00Z", ADA, comment(ADA, public=False), status("open", "new"), change("assignee_id", str(ADA), None))
    fake.audit(72, 7, "2025-07-01T13:10:00Z", ADA, comment(ADA), status("pending", "open"), change("priority", "urgent", "normal"))
    fake.audit(73, 7, "2025-07-02T08:00:00Z", customer, comment(customer), status("open", "pending"))
    fake.audit(74, 7, "2025-07-02T09:00:00Z", ADA, change("group_id", "305", "301"), {"event_type": "Notification", "recipients": [1]})
    fake.audit(75, 7, "2025-07-02T10:00:00Z", ADA, comment(ADA), status("solved", "open"))
    fake.audit(76, 7, "2025-07-06T10:00:00Z", -1, status("closed", "solved"))
    fake.tickets[7].update(status="closed", priority="urgent", assignee_id=ADA, group_id=305)

    def sla(minutes: int, title: str, *, business: bool) -> dict[str, object]:
        return {"target": minutes, "business_hours": business, "policy": {"id": 1, "title": title}}

    fake.metric_event(1, 7, "reply_time", 1, "activate", "2025-07-01T12:00:00Z")
    fake.metric_event(2, 7, "reply_time", 1, "apply_sla", "2025-07-01T12:00:00Z", sla=sla(60, "P3", business=True))
    fake.metric_event(3, 7, "reply_time", 1, "breach", "2025-07-01T13:00:00Z")
    fake.metric_event(4, 7, "reply_time", 1, "fulfill", "2025-07-01T13:10:00Z")
    fake.metric_event(5, 7, "reply_time", 1, "update_status", "2025-07-01T13:10:00Z", status={"calendar": 70, "business": 70})
    fake.metric_event(6, 7, "reply_time", 2, "apply_sla", "2025-07-02T08:00:00Z", sla=sla(240, "P1", business=False))
    fake.metric_event(7, 7, "reply_time", 2, "fulfill", "2025-07-02T10:00:00Z")
    fake.metric_event(8, 7, "reply_time", 2, "update_status", "2025-07-02T10:00:00Z", status={"calendar": 120, "business": 120})
    fake.metric_event(9, 7, "group_ownership_time", 1, "apply_group_sla", "2025-07-01T12:00:00Z", group_sla=sla(60, "Own", business=False))
    fake.metric_event(10, 7, "reply_time", 2, "breach", "2025-07-02T09:00:00Z", deleted=True)
    fake.metric_sets[7] = {
        "id": 1, "ticket_id": 7, "updated_at": "2025-07-06T10:00:00Z", "reply_time_in_minutes": {"calendar": 70, "business": 70},
        "first_resolution_time_in_minutes": {"calendar": 1320, "business": 420},
        "full_resolution_time_in_minutes": {"calendar": 1320, "business": 420},
    }


def updated_ticket(fake: FakeZendesk) -> None:
    """Ticket 60, promised an update every 4 hours, and one every 2 hours that it is not pending: 4.5 hours went by, 3 of them pending."""
    customer = 1060
    fake.ticket(60, "2025-07-02T12:00:00Z")
    fake.audit(600, 60, "2025-07-02T12:00:00Z", customer, status("new"), comment(customer))
    fake.audit(601, 60, "2025-07-02T12:30:00Z", ADA, comment(ADA), status("open", "new"))
    fake.audit(602, 60, "2025-07-02T13:00:00Z", ADA, status("pending", "open"))
    fake.audit(603, 60, "2025-07-02T16:00:00Z", customer, comment(customer), status("open", "pending"))
    fake.audit(604, 60, "2025-07-02T17:00:00Z", ADA, comment(ADA))
    fake.audit(605, 60, "2025-07-02T17:30:00Z", ADA, status("solved", "open"))
    fake.tickets[60].update(status="solved")
    for number, metric, target, minutes in ((600, "periodic_update_time", 240, 270), (610, "pausable_update_time", 120, 90)):
        sla = {"target": target, "business_hours": False, "policy": {"id": 1, "title": "P3"}}
        fake.metric_event(number, 60, metric, 1, "apply_sla", "2025-07-02T12:00:00Z", sla=sla)
        fake.metric_event(number + 1, 60, metric, 1, "fulfill", "2025-07-02T17:00:00Z")
        fake.metric_event(number + 2, 60, metric, 1, "update_status", "2025-07-02T17:00:00Z", status={"calendar": minutes, "business": minutes})
    fake.metric_event(603, 60, "periodic_update_time", 1, "breach", "2025-07-02T16:30:00Z")


def fill_chat(fake: FakeIntercom, conversations: int, first: int = 1) -> None:
    """Conversations of as many days, each answered and closed."""
    for number in range(first, first + conversations):
        day = date(2025, 6, 30) + timedelta(days=number)
        fake.conversation(number, f"{day}T14:00:00", state="closed", open=False, admin_assignee_id=ADA, team_assignee_id=9)
        fake.part(number, "assignment", f"{day}T14:05:00", admin(), assigned_to={"type": "admin", "id": str(ADA)})
        fake.part(number, "comment", f"{day}T14:30:00", admin(), body="Hello, I am Ada Agentsdottir")
        fake.part(number, "close", f"{day}T15:00:00", admin())


def worked_conversation(fake: FakeIntercom) -> None:
    """Conversation 471 of docs/decisions/0016-ticket-systems.md."""
    fake.conversation(
        471, "2025-07-01T12:00:00", state="closed", open=False, admin_assignee_id=ADA, team_assignee_id=10, priority="priority",
        tags={"type": "tag.list", "tags": [{"type": "tag", "id": "2", "name": "vip"}, {"type": "tag", "id": "1", "name": "big  fish"}]},
        sla_applied={"type": "conversation_sla_summary", "sla_name": "P1", "sla_status": "missed"},
        statistics={"type": "conversation_statistics", "time_to_admin_reply": 3000, "time_to_first_close": 7200, "time_to_last_close": 90000},
    )
    fake.part(471, "assignment", "2025-07-01T12:05:00", admin(), assigned_to={"type": "team", "id": "9"})
    fake.part(471, "comment", "2025-07-01T12:06:00", {"type": "bot", "id": "1", "name": "Operator"}, body="Rita, hold on")
    fake.part(471, "assignment", "2025-07-01T12:10:00", admin(), assigned_to={"type": "admin", "id": str(ADA)})
    fake.part(471, "note", "2025-07-01T12:15:00", admin(), body="note")
    fake.part(471, "comment", "2025-07-01T12:50:00", admin(), body="Hello Rita Requester", state="open")
    fake.part(471, "snoozed", "2025-07-01T12:51:00", admin(), state="snoozed")
    fake.part(471, "comment", "2025-07-01T13:30:00", customer(471), body="Thanks", state="open")
    fake.part(471, "close", "2025-07-01T14:00:00", admin(), body="Bye", state="closed")
    fake.part(471, "open", "2025-07-02T10:00:00", customer(471), body="Again", state="open")
    fake.part(471, "assignment", "2025-07-02T11:00:00", admin(), assigned_to={"type": "team", "id": "10"}, state="open")
    fake.part(471, "close", "2025-07-02T13:00:00", admin(), state="closed")
