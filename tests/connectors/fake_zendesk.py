"""Zendesk's API, as far as opsla asks it: exports by cursor and by time, lists, credentials, and its failures."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from fake_server import FakeServer, Request, Response

EMAIL, TOKEN = "robot@acme.example", "zd-secret-token-93c1"

Record = dict[str, Any]


def epoch(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp())


class FakeZendesk(FakeServer):
    """An account with tickets that tests put into it."""

    def __init__(self) -> None:
        super().__init__()
        self.page_size = 3
        self.tickets: dict[int, Record] = {}
        self.audits: list[Record] = []
        self.metric_events: list[Record] = []
        self.metric_sets: dict[int, Record] = {}
        self.users: list[Record] = [
            {"id": 5007, "role": "agent", "name": "Ada Agentsdottir", "email": "ada@acme.example", "active": True},
            {"id": 5008, "role": "admin", "name": "Bo Boss", "email": "bo@acme.example", "active": True},
        ]
        self.groups: list[Record] = [{"id": 301, "name": "Billing"}, {"id": 305, "name": "Tech"}]
        self.brands: list[Record] = [{"id": 2, "name": "Acme"}]
        self.organizations: list[Record] = [{"id": 707, "name": "Big Corp", "updated_at": "2025-07-01T00:00:00Z"}]
        self.policies: list[Record] = [{"id": 1, "title": "P1", "position": 1, "policy_metrics": []}]
        self.schedules: list[Record] = [
            {
                "id": 11, "name": "EMEA", "time_zone": "Copenhagen",
                "intervals": [{"start_time": 1440 * day + 480, "end_time": 1440 * day + 1020} for day in range(1, 6)],
            }
        ]
        self.custom_statuses: list[Record] = []
        self.ticket_forms: list[Record] = [{"id": 21, "name": "Return", "ticket_field_ids": [360002], "updated_at": "2025-07-01T00:00:00Z"}]
        self.holidays: dict[int, list[Record]] = {
            11: [{"id": 1, "name": "Constitution Day", "start_date": "2025-06-05", "end_date": "2025-06-05"}]
        }
        #: Cursors that are not known any more.
        self.expired: set[str] = set()
        #: Records of the page before that a page repeats.
        self.repeats = 0
        #: Called before a page of tickets is put together, with its number.
        self.before_page: Callable[[int], None] | None = None
        self._pages = 0
        #: Metric event -> when it changed after it was written.
        self._changed: dict[int, str] = {}

    # ---- putting tickets in --------------------------------------------------------------------------------------------

    def ticket(self, number: int, created_at: str, **fields: Any) -> Record:
        record: Record = {
            "id": number, "created_at": created_at, "updated_at": created_at, "generated_timestamp": _second(created_at),
            "status": "new", "priority": "normal", "type": "question", "via": {"channel": "email", "source": {"from": {}}},
            "requester_id": 1000 + number, "submitter_id": 1000 + number, "assignee_id": None, "group_id": 301,
            "organization_id": 707, "brand_id": 2, "tags": [], "custom_fields": [{"id": 360001, "value": "T2"}],
            "subject": "My printer is on fire", "description": "Call me, Rita Requester, rita@home.example", "raw_subject": "fire",
            **fields,
        }
        self.tickets[number] = record
        return record

    def audit(self, number: int, ticket: int, at: str, author: int | None, *children: Record) -> Record:
        record = {
            "id": number, "ticket_id": ticket, "created_at": at, "timestamp": epoch(at), "updater_id": author,
            "event_type": "Audit", "via": "Web form", "system": {"ip_address": "192.0.2.1"},
            "child_events": [{"id": number * 10 + place, **child} for place, child in enumerate(children)],
        }
        self.audits.append(record)
        self.touch(ticket, at)
        return record

    def touch(self, ticket: int, at: str, **fields: Any) -> None:
        record = self.tickets[ticket]
        record.update(fields)
        if epoch(at) >= record["generated_timestamp"]:
            record["updated_at"], record["generated_timestamp"] = at, epoch(at)

    def metric_event(self, number: int, ticket: int, metric: str, instance: int, kind: str, at: str, **more: Any) -> None:
        self.metric_events.append({
            "id": number, "ticket_id": ticket, "metric": metric, "instance_id": instance, "type": kind, "time": at, **more,
        })

    def take_back(self, number: int, at: str) -> None:
        """Deletes a metric event: an export with changes tells it again, at the time of the change."""
        for event in self.metric_events:
            if event["id"] == number:
                event.update(deleted=True)
                self._changed[number] = at

    # ---- answering -----------------------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Response:
        credentials = base64.b64encode(f"{EMAIL}/token:{TOKEN}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {credentials}":
            return Response({"error": "Couldn't authenticate you"}, 401)
        path = request.path.removesuffix(".json")
        exports = {
            "/api/v2/incremental/ticket_events": ("ticket_events", self.audits, "created_at"),
            "/api/v2/incremental/ticket_metric_events": ("ticket_metric_events", self.metric_events, "time"),
            "/api/v2/incremental/organizations": ("organizations", self.organizations, "updated_at"),
        }
        lists = {
            "/api/v2/custom_statuses": ("custom_statuses", self.custom_statuses), "/api/v2/ticket_forms": ("ticket_forms", self.ticket_forms),
            "/api/v2/groups": ("groups", self.groups), "/api/v2/brands": ("brands", self.brands), "/api/v2/users": ("users", self.users),
            "/api/v2/slas/policies": ("sla_policies", self.policies), "/api/v2/business_hours/schedules": ("schedules", self.schedules),
        }
        if path == "/api/v2/incremental/tickets/cursor":
            return self._tickets(request)
        if path in exports:
            return self._by_time(request, *exports[path])
        if path in lists:
            return self._list(request, *lists[path])
        if path.startswith("/api/v2/business_hours/schedules/") and path.endswith("/holidays"):
            return Response({"holidays": self.holidays.get(int(path.split("/")[-2]), [])})
        return Response({"error": "RecordNotFound"}, 404)

    def _tickets(self, request: Request) -> Response:
        self._pages += 1
        if self.before_page is not None:
            self.before_page(self._pages)
        cursor = request.one("cursor")
        if cursor in self.expired:
            return Response({"error": "InvalidCursor", "description": cursor}, 400)
        behind = tuple(map(int, cursor.split("."))) if cursor else (int(request.one("start_time")), -1)
        ordered = sorted(self.tickets.values(), key=_place)
        place = next((number for number, ticket in enumerate(ordered) if _place(ticket) > behind), len(ordered))
        page = ordered[place : place + self.page_size]
        ended = place + self.page_size >= len(ordered)
        after = ".".join(map(str, _place(page[-1]))) if page else cursor or f"{behind[0]}.{behind[1]}"
        shown = ordered[max(place - self.repeats, 0) : place] + page
        return Response({
            "tickets": shown, "after_cursor": after, "after_url": f"https://elsewhere.example/?cursor={after}", "before_cursor": None,
            "end_of_stream": ended,
            "metric_sets": [self.metric_sets[ticket["id"]] for ticket in shown if ticket["id"] in self.metric_sets],
        })

    def _by_time(self, request: Request, key: str, records: list[Record], stamp: str) -> Response:
        start = int(request.one("start_time"))
        changed = self._changed if key == "ticket_metric_events" and request.one("include_changes") == "true" else {}

        def told_at(record: Record) -> str:
            return str(changed.get(record["id"], record[stamp]))

        due = sorted((record for record in records if _second(told_at(record)) >= start), key=lambda record: (told_at(record), record["id"]))
        page = due[: self.page_size]
        while page and len(page) < len(due) and _second(told_at(page[-1])) == start:
            page = due[: len(page) + 1]  # real pages are longer than what happens in a second
        end = _second(told_at(page[-1])) if page else start
        return Response({
            key: page, "count": len(page), "end_time": end, "end_of_stream": len(page) == len(due),
            "next_page": f"https://elsewhere.example/api?start_time={end}",
        })

    def _list(self, request: Request, key: str, records: list[Record]) -> Response:
        start = int(request.one("page[after]", "0"))
        page = records[start : start + self.page_size]
        return Response({key: page, "meta": {"has_more": start + len(page) < len(records), "after_cursor": str(start + len(page))}})


def _second(stamp: str) -> int:
    try:
        return epoch(stamp)
    except ValueError:
        return 1_751_900_000  # wherever the account's own clock put it


def _place(ticket: Record) -> tuple[int, int]:
    return ticket["generated_timestamp"], ticket["id"]


def status(value: str, previous: str | None = None) -> Record:
    """A status that was set, or changed, as the incremental export tells it."""
    if previous is None:
        return {"event_type": "Create", "via": "Web form", "status": value}
    return {"event_type": "Change", "via": "Web form", "status": value, "previous_value": previous}


def change(name: str, value: Any, previous: Any) -> Record:
    """A field that changed, as the incremental export tells it."""
    return {"event_type": "Change", name: value, "previous_value": previous}


def comment(author: int, *, public: bool = True, **more: Any) -> Record:
    return {"event_type": "Comment", "author_id": author, "public": public, "body": f"Hello, I am Rita Requester ({author})", **more}


def schedule(number: int | None, previous: int | None = None) -> Record:
    """Another schedule, as a trigger gives it."""
    return {"event_type": "ScheduleAssignment", "via": "Rule", "previous_schedule_id": previous, "new_schedule_id": number}


def target(metric: str, minutes: int | None, previous: int | None = None) -> Record:
    """A target that was set, changed or taken off (None), as the incremental export tells it."""

    def told(value: int | None) -> Record | None:
        return None if value is None else {"minutes": value, "in_business_hours": False}

    return {"event_type": "Change", "via": "SLA target change", metric: told(minutes), "previous_value": told(previous)}


def sla(minutes: int, title: str, number: int = 1, *, business: bool = False) -> Record:
    """What a metric event applies."""
    return {"target": minutes, "target_in_seconds": 60 * minutes, "business_hours": business, "policy": {"id": number, "title": title}}
