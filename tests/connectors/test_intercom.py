"""Loading an Intercom workspace, and what its records become."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from accounts import ALL, DESK, KEY, LATER, everything, home_in, intercom_settings, landed
from desks import fill_chat, worked_conversation
from fake_intercom import TOKEN, FakeIntercom, admin, customer
from fake_server import Response, always, once
from test_privacy import files_with

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.home import Home
from opsla_dagster.sources.intercom.load import load_intercom
from opsla_dagster.sources.intercom.source import IntercomSource
from opsla_dagster.window import Window

#: Few slices: each search is a request.
WIDE = {"slice_hours": 24 * 31}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return home_in(tmp_path)


def of(source: IntercomSource, kind: str, case_id: str, *columns: str) -> list[tuple[Any, ...]]:
    rows = getattr(source, kind)(ALL, LATER).to_pylist()
    return [tuple(row[column] for column in columns) for row in rows if row["case_id"] == case_id]


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2025, 7, day, hour, minute)


def test_everything_lands_once_whatever_the_server_does_and_only_news_are_asked_for_again(intercom: FakeIntercom, home: Home) -> None:
    fill_chat(intercom, 10)
    intercom.faults = [
        once(2, Response({"errors": []}, 429, {"Retry-After": "0"}), "/conversations/search"),
        once(4, Response({"errors": []}, 500), "/conversations/search"),
        once(3, Response({}, cut=True), "/conversations/5"),
    ]

    def meanwhile(page: int) -> None:
        if page == 3:  # moves to the front of the search while it is paged through
            intercom.part(2, "note", "2025-07-20T10:00:00", admin(), body="changed while paging")

    intercom.before_page = meanwhile
    settings = intercom_settings(intercom.address, **WIDE)
    load_intercom(settings, DESK, home)
    held = landed(home, "chat", "conversations")
    assert set(held) == set(intercom.conversations)
    assert len(json.loads(held["2"])["conversation_parts"]["conversation_parts"]) == 4

    intercom.requests.clear()
    intercom.part(4, "comment", "2026-11-21T00:00:00", admin(), body="late")
    intercom.conversations["4"]["updated_at"] = 1_900_000_000
    report = load_intercom(settings, DESK, home)
    assert [path for path in intercom.paths() if path.startswith("/conversations/") and path[15:].isdigit()] == ["/conversations/4"]
    assert report.resources["conversations"].rows == 1


def test_a_failure_costs_no_more_than_its_slice_and_the_others_nothing(intercom: FakeIntercom, home: Home) -> None:
    fill_chat(intercom, 40)
    other = FakeIntercom()
    fill_chat(other, 2)
    settings = intercom_settings(intercom.address, slice_hours=24 * 20)
    intercom.faults = [always(Response({}, 500), "/conversations/35")]
    with pytest.raises(OpslaError, match="source chat: GET /conversations/35: no usable answer"):
        load_intercom(settings, DESK, home)
    before = set(landed(home, "chat", "conversations"))
    assert 0 < len(before) < 40
    with other.running():
        load_intercom(intercom_settings(other.address, name="second", **WIDE), DESK, home)
    assert len(landed(home, "second", "conversations")) == 2
    with pytest.raises(OpslaError, match="has not come to the end yet"):
        IntercomSource(settings, DESK, home).window()

    intercom.faults = []
    intercom.requests.clear()
    load_intercom(settings, DESK, home)
    assert set(landed(home, "chat", "conversations")) == set(intercom.conversations)
    assert before.isdisjoint({path.removeprefix("/conversations/") for path in intercom.paths()}), "they are not asked for again"


def test_credentials(intercom: FakeIntercom, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = intercom_settings(intercom.address)
    monkeypatch.setenv("IC_TOKEN", "a wrong token")
    with pytest.raises(OpslaError, match="answered 401 unauthorized; look at IC_TOKEN"):
        load_intercom(settings, DESK, home)
    monkeypatch.delenv("IC_TOKEN")
    with pytest.raises(OpslaError, match="the environment variable IC_TOKEN is not set"):
        load_intercom(settings, DESK, home)


def test_the_token_of_another_workspace_is_not_mixed_in(intercom: FakeIntercom, home: Home) -> None:
    settings = intercom_settings(intercom.address, **WIDE)
    load_intercom(settings, DESK, home)
    intercom.workspace = "ws2"
    with pytest.raises(OpslaError, match="was loaded with another account than chat has now"):
        load_intercom(settings, DESK, home)


def test_an_attachment_alone_is_said_too(intercom: FakeIntercom, home: Home) -> None:
    intercom.conversation(30, "2025-07-01T12:00:00")
    scan: dict[str, Any] = {"attachments": [{"type": "upload", "name": "passport of Rita.pdf", "url": "https://files.example/1"}]}
    intercom.part(30, "comment", "2025-07-01T12:10:00", admin(), body="", **scan)
    intercom.part(30, "comment", "2025-07-01T12:20:00", customer(30), **scan)
    intercom.part(30, "comment", "2025-07-01T12:30:00", admin(), body="")
    settings = intercom_settings(intercom.address, **WIDE)
    load_intercom(settings, DESK, home)
    source = IntercomSource(settings, DESK, home)
    assert of(source, "messages", "30", "sent_ts", "signal") == [
        (at(1, 12), "CUSTOMER_MESSAGE"), (at(1, 12, 10), "PUBLIC_REPLY"), (at(1, 12, 20), "CUSTOMER_MESSAGE"),
    ]
    assert of(source, "events", "30", "event_ts", "status") == [(at(1, 12), "INTAKE"), (at(1, 12, 10), "INVESTIGATION")]
    assert "passport" not in landed(home, "chat", "conversations")["30"]


def test_the_worked_conversation_of_the_decision_record(intercom: FakeIntercom, home: Home) -> None:
    worked_conversation(intercom)
    settings = intercom_settings(intercom.address, tier_attribute="Plan", region_from="team", **WIDE)
    load_intercom(settings, DESK, home)
    source = IntercomSource(settings, DESK, home)
    agent = of(source, "cases", "471", "agent")[0][0]
    assert of(source, "cases", "471", "intake_date", "intake_ts", "tier", "priority", "team", "region", "channel", "customer", "tags",
              "source_resolved_ts", "source_is_sla_met") == [
        (date(2025, 7, 1), at(1, 12), "Gold", "priority", "Tech", "Tech", "email", "Big Corp", "big_fish vip", at(2, 13), False)
    ]  # fmt: skip
    assert of(source, "events", "471", "event_ts", "source_status", "status", "is_reopen", "team", "agent") == [
        (at(1, 12), "unassigned", "INTAKE", False, None, None),
        (at(1, 12, 10), "open", "INVESTIGATION", False, "Chat", agent),
        (at(1, 12, 51), "snoozed", "ON_HOLD", False, "Chat", agent),
        (at(1, 13, 30), "open", "INVESTIGATION", False, "Chat", agent),
        (at(1, 14), "closed", "RESOLVED", False, "Chat", agent),
        (at(2, 10), "open", "INVESTIGATION", True, "Chat", agent),
        (at(2, 13), "closed", "RESOLVED", False, "Tech", agent),
    ]
    assert of(source, "messages", "471", "sent_ts", "signal", "agent") == [
        (at(1, 12), "CUSTOMER_MESSAGE", None), (at(1, 12, 6), "BOT_REPLY", None), (at(1, 12, 15), "PRIVATE_NOTE", agent),
        (at(1, 12, 50), "PUBLIC_REPLY", agent), (at(1, 13, 30), "CUSTOMER_MESSAGE", None), (at(1, 14), "PUBLIC_REPLY", agent), (at(2, 10), "CUSTOMER_MESSAGE", None),
    ]
    changes = of(source, "attribute_changes", "471", "changed_ts", "attribute", "value", "previous_value")
    assert [change for change in changes if change[1] != "region"] == [
        (at(1, 12, 5), "team", "Chat", None), (at(1, 12, 10), "agent", agent, None), (at(2, 11), "team", "Tech", "Chat"),
    ]
    assert of(source, "source_verdicts", "471", "metric", "is_breached", "breached_ts", "elapsed_seconds") == [
        ("any", True, None, None), ("first_reply", None, None, 3_000), ("first_resolution", None, None, 7_200), ("total_resolution", None, None, 90_000),
    ]
    assert source.applied_targets(ALL, LATER).num_rows == 0
    assert source.rejected_rows().num_rows == 0
    assert source.partition_states(ALL, LATER).to_pylist()[0]["events"] == 7

    calendars = source.calendars()
    office = calendars["chat:Office"]
    assert (office.zone, office.hours["fri"], office.half_day_minutes()) == ("Europe/Dublin", ("09:00-17:00",), {date(2025, 12, 24): ((540, 720),)})
    assert date(2026, 12, 25) in office.holiday_names(Window(date(2026, 1, 1), date(2027, 1, 1)))


def test_what_cannot_be_used_is_rejected_and_what_was_deleted_is_cancelled(intercom: FakeIntercom, home: Home) -> None:
    fill_chat(intercom, 2)
    intercom.conversation(11, "2025-07-03T10:00:00", created_at="yesterday")
    intercom.conversation(12, "2025-07-03T10:00:00", state="hibernating")
    intercom.conversation(13, "2025-07-03T10:00:00")["conversation_parts"]["total_count"] = 600
    intercom.conversation(14, "2025-07-03T10:00:00", state="snoozed")
    intercom.conversation(15, "2025-07-03T10:00:00", state="closed", statistics={"last_close_at": 1751600000})
    intercom.conversation(16, "2025-05-03T10:00:00", updated_at=1_751_600_000)
    intercom.deleted = [{"type": "conversation", "id": str(number), "metrics_retained": True, "deleted_at": 1751700000} for number in (2, 98, 99)]
    settings = intercom_settings(intercom.address, **WIDE)
    load_intercom(settings, DESK, home)
    source = IntercomSource(settings, DESK, home)
    assert {row["case_id"]: (row["field"], row["reason"]) for row in source.rejected_rows().to_pylist()} == {
        "11": ("created_at", "is no instant between 1970 and 2099: yesterday"),
        "12": ("state", "is not among the statuses of sources.yml: hibernating"),
        "13": ("conversation_parts", "has 600 parts, of which Intercom gives 0"),
        "14": ("state", "its parts end as open, the conversation says snoozed"),
    }
    assert {row["case_id"] for row in source.cases(ALL, LATER).to_pylist()} == {"1", "2", "15"}
    assert of(source, "events", "2", "status")[-1] == ("CANCELLED",)
    assert of(source, "events", "15", "source_status") == [("unassigned",), ("closed",)]


def test_secrets_people_and_texts_are_nowhere(intercom: FakeIntercom, home: Home, capfd: pytest.CaptureFixture[str]) -> None:
    fill_chat(intercom, 3)
    worked_conversation(intercom)
    load_intercom(intercom_settings(intercom.address, tier_attribute="Plan", **WIDE), DESK, home)
    words = [TOKEN, KEY, "Rita", "rita@home.example", "Ada", "printer", "Thanks", "birthday", "user-471"]
    assert files_with(home.root, words) == []
    assert not any(word in text for word in words for text in capfd.readouterr())
    assert everything(home, "chat", ("admins", "teams"))["teams"].keys() == {"9", "10"}
