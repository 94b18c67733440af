"""What Zendesk's records become."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from accounts import ALL, DESK, LATER, home_in, zendesk_settings
from desks import ADA, fill, worked_case
from fake_zendesk import FakeZendesk, change, comment, status

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.home import Home
from opsla_dagster.sources.base import (
    APPLIED_TARGETS,
    ATTRIBUTE_CHANGES,
    CASES,
    EVENTS,
    MESSAGES,
    PARTITION_STATES,
    SOURCE_VERDICTS,
)
from opsla_dagster.sources.zendesk.load import load_zendesk
from opsla_dagster.sources.zendesk.source import ZendeskSource
from opsla_dagster.window import Window

SCHEMAS = {
    "cases": CASES, "events": EVENTS, "messages": MESSAGES, "attribute_changes": ATTRIBUTE_CHANGES,
    "applied_targets": APPLIED_TARGETS, "source_verdicts": SOURCE_VERDICTS, "partition_states": PARTITION_STATES,
}


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2025, 7, day, hour, minute)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeZendesk, Home]]:
    """The worked case, usual tickets, and everything that can be wrong with one."""
    fake = FakeZendesk()
    fake.page_size = 100
    worked_case(fake)
    fill(fake, 3, first=17)
    fake.ticket(201, "not a stamp")
    fake.tickets[201]["generated_timestamp"] = 1_760_000_000
    fake.ticket(202, "2025-07-05T00:00:00Z", status="waiting for godot")
    fake.ticket(203, "2025-07-05T00:00:00Z")
    fake.audit(2030, 203, "2025-07-05T00:00:00Z", 1203, status("odd"))
    fake.ticket(204, "2025-05-01T00:00:00Z")
    fake.tickets[204]["generated_timestamp"] = 1_760_000_000
    fake.ticket(205, "2025-07-06T03:30:00Z", status="deleted", updated_at="2025-07-07T10:00:00Z")
    fake.ticket(206, "2025-07-07T12:00:00Z", requester_id=ADA, status="open")
    fake.audit(2060, 206, "2025-07-07T12:00:00Z", ADA, comment(ADA))
    fake.audit(2061, 206, "2025-07-07T13:00:00Z", 6001, comment(6001, public=False))
    fake.audit(2062, 206, "2025-07-07T14:00:00Z", 6001, comment(6001), change("tags", "vip b", ""))
    fake.ticket(207, "2025-07-08T12:00:00Z", status="open", group_id=999)
    audit = {
        "id": 2070, "ticket_id": 207, "created_at": "2025-07-08T12:00:00Z", "author_id": 1207, "via": {},
        "events": [
            {"id": 1, "type": "Create", "field_name": "status", "value": "new"},
            {"id": 2, "type": "Change", "field_name": "360001", "previous_value": "T1", "value": "T2"},
            {"id": 3, "type": "Comment", "author_id": 1207, "public": True, "body": "text"},
            {"id": 4, "type": "Change", "field_name": "status", "previous_value": "new", "value": "open"},
        ],
    }
    fake.audits.append(audit)
    fake.audits.append({"id": 9990, "ticket_id": 999, "created_at": "2025-07-08T00:00:00Z", "child_events": [status("new")]})
    fake.metric_event(900, 206, "reply_time", 1, "apply_sla", "no stamp", sla={"target": 1, "business_hours": False})
    fake.metric_event(901, 206, "reply_time", 1, "apply_sla", "2025-07-07T12:00:00Z", sla={"target": "soon", "business_hours": False})
    home = home_in(tmp_path_factory.mktemp("zendesk"))
    monkeypatch = pytest.MonkeyPatch()
    for name, value in {"ZD_EMAIL": "robot@acme.example", "ZD_TOKEN": "zd-secret-token-93c1", "OPSLA_KEY": "a key that nobody else has"}.items():
        monkeypatch.setenv(name, value)
    with fake.running():
        load_zendesk(zendesk_settings(fake.address), DESK, home)
        yield fake, home
    monkeypatch.undo()


@pytest.fixture(scope="module")
def source(desk: tuple[FakeZendesk, Home]) -> ZendeskSource:
    return ZendeskSource(zendesk_settings(desk[0].address), DESK, desk[1])


def of(source: ZendeskSource, kind: str, case_id: str, *columns: str, as_of_at: datetime = LATER) -> list[tuple[Any, ...]]:
    rows = getattr(source, kind)(ALL, as_of_at).to_pylist()
    return [tuple(row[column] for column in columns) for row in rows if row["case_id"] == case_id]


def test_the_worked_case_of_the_decision_record(source: ZendeskSource) -> None:
    agent = of(source, "cases", "7", "agent")[0][0]
    assert of(source, "cases", "7", "intake_date", "intake_ts", "tier", "case_type", "priority", "team", "brand", "channel", "customer", "tags",
              "source_resolved_ts", "source_closed_ts", "source_is_sla_met") == [
        (date(2025, 7, 1), at(1, 12), "T2", "question", "urgent", "Tech", "Acme", "email", "Big Corp", None, at(2, 10), at(6, 10), False)
    ]  # fmt: skip
    assert of(source, "events", "7", "event_ts", "source_status", "status", "is_reopen", "team", "agent") == [
        (at(1, 12), "new", "INTAKE", False, "Billing", None),
        (at(1, 12, 30), "open", "INVESTIGATION", False, "Billing", agent),
        (at(1, 13, 10), "pending", "CUSTOMER_WAIT", False, "Billing", agent),
        (at(2, 8), "open", "INVESTIGATION", False, "Billing", agent),
        (at(2, 10), "solved", "RESOLVED", False, "Tech", agent),
        (at(6, 10), "closed", "CLOSED", False, "Tech", agent),
    ]
    assert of(source, "messages", "7", "sent_ts", "signal", "agent") == [
        (at(1, 12), "CUSTOMER_MESSAGE", None), (at(1, 12, 30), "PRIVATE_NOTE", agent), (at(1, 13, 10), "PUBLIC_REPLY", agent),
        (at(2, 8), "CUSTOMER_MESSAGE", None), (at(2, 10), "PUBLIC_REPLY", agent),
    ]
    assert of(source, "attribute_changes", "7", "changed_ts", "attribute", "value", "previous_value") == [
        (at(1, 12, 30), "agent", agent, None), (at(1, 13, 10), "priority", "urgent", "normal"), (at(2, 9), "team", "Tech", "Billing"),
    ]
    assert of(source, "applied_targets", "7", "applied_ts", "metric", "policy", "calendar", "target_seconds") == [
        (at(1, 12), "first_reply", "P3", "acme:EMEA", 3_600), (at(1, 12), "group_ownership", "Own", "acme:always", 3_600),
        (at(2, 8), "next_reply", "P1", "acme:always", 14_400), (at(2, 9), "group_ownership", "Own", "acme:always", None),
    ]
    assert of(source, "source_verdicts", "7", "metric", "cycle", "is_breached", "breached_ts", "elapsed_seconds") == [
        ("first_reply", 1, True, at(1, 13), 4_200), ("first_resolution", 1, None, None, 79_200), ("group_ownership", 1, None, None, None),
        ("next_reply", 1, False, None, 7_200), ("total_resolution", 1, None, None, 79_200),
    ]
    sequences = [row[0] for kind in ("events", "messages", "attribute_changes", "applied_targets") for row in of(source, kind, "7", "source_sequence")]
    assert sorted(sequences) == list(range(1, 19)), "one order over everything"


def test_nothing_is_known_before_it_happens(source: ZendeskSource) -> None:
    before = at(1, 13, 5)
    assert of(source, "cases", "7", "priority", "source_resolved_ts", "source_is_sla_met", as_of_at=before) == [("normal", None, False)]
    assert len(of(source, "events", "7", "status", as_of_at=before)) == 2
    assert of(source, "source_verdicts", "7", "metric", "is_breached", "elapsed_seconds", as_of_at=before) == [
        ("first_reply", True, None), ("group_ownership", None, None),
    ]  # fmt: skip
    assert of(source, "source_verdicts", "7", "metric", "is_breached", as_of_at=at(1, 12, 10)) == [("first_reply", None), ("group_ownership", None)]
    assert of(source, "cases", "7", "case_id", as_of_at=at(1, 11)) == []


@pytest.mark.parametrize("kind", SCHEMAS)
def test_windows_add_up_and_a_growing_as_of_takes_nothing_back(kind: str, source: ZendeskSource) -> None:
    whole = getattr(source, kind)(ALL, LATER)
    assert whole.schema.names == SCHEMAS[kind].names
    assert whole.schema.types == SCHEMAS[kind].types
    parts = [row for part in ALL.split(20) for row in getattr(source, kind)(part, LATER).to_pylist()]
    assert parts == whole.to_pylist()
    assert {row["intake_date"] for row in parts} <= set(ALL.dates())
    if kind in {"events", "messages", "attribute_changes", "applied_targets"}:
        key = whole.schema.names[1]
        ids = [{row[key] for row in getattr(source, kind)(ALL, at(day, 0)).to_pylist()} for day in (1, 3, 7, 30)]
        assert all(earlier <= later for earlier, later in pairwise(ids))


def test_what_cannot_be_used_is_rejected_with_its_reason(source: ZendeskSource) -> None:
    rejected = {(row["file"], row["case_id"], row["field"]): row["reason"] for row in source.rejected_rows().to_pylist()}
    assert rejected == {
        ("tickets", "201", "created_at"): "is no instant between 1970 and 2099: not a stamp",
        ("tickets", "202", "status"): "is not among the statuses of sources.yml: waiting for godot",
        ("tickets", "203", "ticket_events.status"): "is not among the statuses of sources.yml: odd",
        ("ticket_events", "999", "ticket_id"): "there is history of a ticket that Zendesk does not export",
        ("metric_events", "206", "time"): "is no instant between 1970 and 2099: no stamp",
        ("metric_events", "206", "sla"): "the target is no number: soon",
    }
    used = {row["case_id"] for row in source.cases(ALL, LATER).to_pylist()}
    assert used == {"7", "17", "18", "19", "205", "206", "207"}, "204 came in before the desk's first day"


def test_a_deleted_ticket_is_cancelled(source: ZendeskSource) -> None:
    assert of(source, "cases", "205", "intake_date") == [(date(2025, 7, 5),)], "23:30 in New York"
    assert of(source, "events", "205", "event_ts", "source_status", "status") == [
        (datetime(2025, 7, 6, 3, 30), "new", "INTAKE"), (at(7, 10), "deleted", "CANCELLED"),
    ]


def test_who_asks_does_not_reply_and_who_left_still_did(source: ZendeskSource) -> None:
    told = of(source, "messages", "206", "signal", "agent")
    assert [signal for signal, _ in told] == ["CUSTOMER_MESSAGE", "PRIVATE_NOTE", "PUBLIC_REPLY"]
    assert told[0][1] is None
    assert told[1][1] == told[2][1] is not None
    assert of(source, "attribute_changes", "206", "attribute", "value", "previous_value") == [("tags", "b vip", None)]


def test_audits_of_a_ticket_read_as_those_of_the_export(source: ZendeskSource) -> None:
    assert of(source, "events", "207", "source_status", "status") == [("new", "INTAKE"), ("open", "INVESTIGATION")]
    assert of(source, "messages", "207", "signal") == [("CUSTOMER_MESSAGE",)]
    assert of(source, "attribute_changes", "207", "attribute", "value", "previous_value") == [("tier", "T2", "T1")]
    assert of(source, "cases", "207", "tier", "team") == [("T2", "999")], "a group that is listed no more is its number"


def test_reopens_are_told(source: ZendeskSource) -> None:
    assert of(source, "events", "18", "status", "is_reopen")[-1] == ("INVESTIGATION", True)


def test_the_settings_say_what_the_words_and_fields_mean(desk: tuple[FakeZendesk, Home]) -> None:
    fake, home = desk
    settings = zendesk_settings(
        fake.address, statuses={"pending": "VENDOR_WAIT", "odd": "TRIAGE"}, region_from="group", case_type_field=360001, case_id_prefix="ACME-"
    )
    other = ZendeskSource(settings, DESK, home)
    assert of(other, "cases", "ACME-7", "case_type", "region", "category") == [("T2", "Tech", "question")]
    assert of(other, "events", "ACME-7", "status")[2] == ("VENDOR_WAIT",)
    assert of(other, "events", "ACME-203", "status") == [("TRIAGE",)]
    assert [row[0] for row in of(other, "attribute_changes", "ACME-7", "attribute")] == ["agent", "priority", "region", "team"]
    assert other.fingerprint() != ZendeskSource(zendesk_settings(fake.address), DESK, home).fingerprint()


def test_schedules_are_calendars(source: ZendeskSource) -> None:
    calendars = source.calendars()
    assert set(calendars) == {"acme:always", "acme:EMEA"}
    emea = calendars["acme:EMEA"]
    assert (emea.zone, emea.hours["mon"]) == ("Europe/Copenhagen", ("08:00-17:00",))
    assert emea.holiday_names(Window(date(2025, 6, 1), date(2025, 7, 1))) == {date(2025, 6, 5): "Constitution Day"}
    assert calendars["acme:always"].always_open


def test_news_change_the_digest_of_their_own_date_alone(desk: tuple[FakeZendesk, Home]) -> None:
    fake, home = desk
    settings = zendesk_settings(fake.address)

    def digests() -> dict[date, str]:
        rows = ZendeskSource(settings, DESK, home).partition_states(ALL, LATER).to_pylist()
        return {row["intake_date"]: row["digest"] for row in rows}

    def changed() -> set[date]:
        before = digests()
        load_zendesk(settings, DESK, home)
        after = digests()
        return {day for day in after if after[day] != before.get(day)}

    assert changed() == set(), "a load without news"
    fake.audit(5000, 17, "2025-08-01T00:00:00Z", ADA, comment(ADA, public=False))
    assert changed() == {date(2025, 7, 17)}
    fake.metric_event(5001, 18, "reply_time", 1, "breach", "2025-08-01T00:00:00Z")
    assert changed() == {date(2025, 7, 18)}


def test_a_memory_limit_that_is_none_is_named(desk: tuple[FakeZendesk, Home], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake, home = desk
    fresh = Home(tmp_path)
    shutil.copytree(home.bronze, fresh.bronze)
    monkeypatch.setenv("OPSLA_MEMORY_LIMIT", "banana")
    with pytest.raises(OpslaError, match=r"^OPSLA_MEMORY_LIMIT=banana: is no amount of memory"):
        ZendeskSource(zendesk_settings(fake.address), DESK, fresh).window()


def test_before_the_first_load_is_done_nothing_is_told(zendesk: FakeZendesk, tmp_path: Path) -> None:
    settings, home = zendesk_settings(zendesk.address), home_in(tmp_path)
    with pytest.raises(OpslaError, match="source acme: nothing was loaded yet"):
        ZendeskSource(settings, DESK, home).window()
    fill(zendesk, 2)
    zendesk.before_page = lambda _page: (_ for _ in ()).throw(ConnectionError())
    with pytest.raises(OpslaError):
        load_zendesk(settings, DESK, home)
    with pytest.raises(OpslaError, match="its first load has not come to the end yet"):
        ZendeskSource(settings, DESK, home).window()
