"""Intercom's API (2.16), as far as opsla asks it: search, conversations, lists, credentials, and its failures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from fake_server import FakeServer, Request, Response

TOKEN = "ic-secret-token-51ab"

Record = dict[str, Any]


def epoch(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def customer(number: int) -> Record:
    return {"type": "user", "id": f"user-{number}", "name": "Rita Requester", "email": "rita@home.example"}


def admin(number: int = 5007, **more: Any) -> Record:
    return {"type": "admin", "id": str(number), "name": "Ada Agentsdottir", "email": "ada@acme.example", **more}


class FakeIntercom(FakeServer):
    """A workspace with conversations that tests put into it."""

    def __init__(self) -> None:
        super().__init__()
        self.page_size = 3
        self.workspace = "ws1"
        self.conversations: dict[str, Record] = {}
        self.deleted: list[Record] = []
        self.admins: list[Record] = [
            {"type": "admin", "id": "5007", "name": "Ada Agentsdottir", "email": "ada@acme.example", "has_inbox_seat": True, "team_ids": [9]},
            {"type": "admin", "id": "5008", "name": "Bo Agentsson", "email": "bo@acme.example", "has_inbox_seat": True, "team_ids": [10]},
            {"type": "admin", "id": "7001", "name": "Fin", "email": "operator+ab12cd34@intercom.io", "has_inbox_seat": False, "team_ids": []},
            {"type": "admin", "id": "7002", "name": "Sam", "email": "sam@robots.example", "has_inbox_seat": True, "team_ids": []},
        ]
        self.teams: list[Record] = [{"type": "team", "id": "9", "name": "Chat", "admin_ids": [5007]}, {"type": "team", "id": "10", "name": "Tech"}]
        self.schedules: list[Record] = [{
            "type": "office_hours_schedule", "id": "1", "name": "Office", "time_zone_name": "Europe/Dublin", "twenty_four_seven": False,
            "time_intervals": [{"start_minute": 1440 * day + 540, "end_minute": 1440 * day + 1020} for day in range(5)],
        }]  # fmt: skip
        self.exceptions: list[Record] = [
            {"exception_date": "2025-12-25", "exception_type": "closed", "name": "Christmas", "recurring_annually": True},
            {"exception_date": "2025-12-24", "exception_type": "custom_hours", "time_intervals": [{"start_minute": 540, "end_minute": 720}]},
        ]
        #: Called before a page of the search is put together, with its number.
        self.before_page: Callable[[int], None] | None = None
        self._pages = 0

    def conversation(self, number: int, at: str, **fields: Any) -> Record:
        record: Record = {
            "type": "conversation", "id": str(number), "created_at": epoch(at), "updated_at": epoch(at), "state": "open", "open": True,
            "read": True, "priority": "none", "admin_assignee_id": 0, "team_assignee_id": 0, "snoozed_until": None,
            "title": "My printer is on fire", "waiting_since": None,
            "source": {
                "type": "email", "id": "s1", "delivered_as": "customer_initiated", "subject": "fire", "body": "Call Rita Requester",
                "author": customer(number), "attachments": [], "url": None,
            },
            "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": f"user-{number}", "external_id": "rita@home.example"}]},
            "tags": {"type": "tag.list", "tags": []}, "custom_attributes": {"Plan": "Gold", "Notes": "Rita's birthday"},
            "sla_applied": None, "statistics": None, "company": {"id": "c", "name": "Big Corp"},
            "conversation_parts": {"type": "conversation_part.list", "conversation_parts": [], "total_count": 0},
            **fields,
        }
        self.conversations[str(number)] = record
        return record

    def part(self, number: int, kind: str, at: str, author: Record, *, body: str | None = None, **more: Any) -> None:
        record = self.conversations[str(number)]
        parts = record["conversation_parts"]
        parts["conversation_parts"].append({
            "type": "conversation_part", "id": str(int(record["id"]) * 100 + len(parts["conversation_parts"])), "part_type": kind, "body": body,
            "created_at": epoch(at), "updated_at": epoch(at), "author": author, "assigned_to": None, "attachments": [], **more,
        })
        parts["total_count"] += 1
        record["updated_at"] = max(record["updated_at"], epoch(at))

    def answer(self, request: Request) -> Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}" or request.headers.get("Intercom-Version") != "2.16":
            return Response({"type": "error.list", "errors": [{"code": "unauthorized", "message": "Access Token Invalid"}]}, 401)
        parts = request.path.strip("/").split("/")
        match parts:
            case ["me"]:
                return Response({"type": "admin", "id": "5007", "email": "ada@acme.example", "app": {"type": "app", "id_code": self.workspace}})
            case ["admins"]:
                return Response({"type": "admin.list", "admins": self.admins})
            case ["teams"]:
                return Response({"type": "team.list", "teams": self.teams})
            case ["office_hours_schedules"]:
                return Response({"type": "list", "data": self.schedules})
            case ["office_hours_schedules", _, "office_hours_exceptions"]:
                return Response({"type": "list", "data": self.exceptions})
            case ["conversations", "search"]:
                return self._search(request)
            case ["conversations", "deleted"]:
                return self._deleted(int(request.one("page", "1")))
            case ["conversations", number] if number in self.conversations:
                return Response(self.conversations[number])
        return Response({"type": "error.list", "errors": [{"code": "not_found"}]}, 404)

    def _search(self, request: Request) -> Response:
        self._pages += 1
        if self.before_page is not None:
            self.before_page(self._pages)
        found = [record for record in self.conversations.values() if _fits(record, request.body["query"]["value"])]
        found.sort(key=lambda record: (-record["updated_at"], record["id"]))
        start = int(request.body["pagination"].get("starting_after") or 0)
        page = found[start : start + self.page_size]
        following = {"per_page": self.page_size, "starting_after": str(start + len(page))} if start + len(page) < len(found) else None
        listed = [{name: value for name, value in record.items() if name != "conversation_parts"} for record in page]
        return Response({"type": "conversation.list", "conversations": listed, "total_count": len(found), "pages": {"type": "pages", "next": following}})

    def _deleted(self, page: int) -> Response:
        records = self.deleted[(page - 1) * 2 : page * 2]
        following = f"https://elsewhere.example/?page={page + 1}" if page * 2 < len(self.deleted) else None
        return Response({"type": "conversations.list", "conversations": records, "total_count": len(self.deleted), "pages": {"next": following}})


def _fits(record: Record, conditions: list[Record]) -> bool:
    compare = {">": lambda held, asked: held > asked, "<": lambda held, asked: held < asked}
    return all(compare[condition["operator"]](record[condition["field"]], condition["value"]) for condition in conditions)
