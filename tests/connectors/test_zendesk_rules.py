"""What Zendesk's rules make of a ticket, row by row: schedules that change, promises that end, merges, custom statuses, bots, who began it.

Belongs here: small tickets, each with every raw row that is expected of it. Does not belong here: loading as such.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from accounts import ALL, DESK, LATER, home_in, landed, zendesk_settings
from desks import ADA
from fake_server import Response, always
from fake_zendesk import FakeZendesk, change, comment, schedule, sla, status, target

from opsla_dagster.sources.base import Source
from opsla_dagster.sources.bronze.drift import drift_of
from opsla_dagster.sources.zendesk.load import load_zendesk
from opsla_dagster.sources.zendesk.source import ZendeskSource
from opsla_dagster.warehouse.sql import check_path, load_sql

BO = 5008
DAY = "2025-07-05"  # a Saturday
Loaded = Callable[..., Source]


def stamp(clock: str, day: str = DAY) -> str:
    return f"{day}T{clock}:00Z"


def at(clock: str, day: str = DAY) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}:00")


@pytest.fixture
def account(zendesk: FakeZendesk) -> FakeZendesk:
    """New York 09-17 by default; and a schedule that is always open."""
    zendesk.page_size = 100
    zendesk.schedules[:] = [
        {
            "id": 13, "name": "New York", "time_zone": "Eastern Time (US & Canada)", "created_at": stamp("00:00", "2024-01-01"),
            "updated_at": stamp("00:00", "2024-01-01"),
            "intervals": [{"start_time": 1440 * day + 540, "end_time": 1440 * day + 1020} for day in range(1, 6)],
        },
        {"id": 12, "name": "24x7", "time_zone": "UTC", "intervals": [{"start_time": 0, "end_time": 10_080}]},
    ]
    zendesk.holidays.clear()
    return zendesk


@pytest.fixture
def loaded(account: FakeZendesk, tmp_path: Path) -> Loaded:
    """Loads the account; what it is as a source then."""

    def load(**more: Any) -> Source:
        settings = zendesk_settings(account.address, **more)
        load_zendesk(settings, DESK, home_in(tmp_path))
        return ZendeskSource(settings, DESK, home_in(tmp_path))

    return load


def of(source: Source, kind: str, case_id: str, *columns: str, as_of_at: datetime = LATER) -> list[tuple[Any, ...]]:
    rows = getattr(source, kind)(ALL, as_of_at).to_pylist()
    return [tuple(row[column] for column in columns) for row in rows if row["case_id"] == case_id]


def targets(source: Source, case_id: str) -> list[tuple[Any, ...]]:
    return of(source, "applied_targets", case_id, "applied_ts", "metric", "policy", "target_seconds")


def opened(fake: FakeZendesk, number: int, *children: dict[str, Any], clock: str = "10:00", **fields: Any) -> int:
    """A ticket that its requester opens; the number of its requester."""
    customer = 1000 + number
    fake.ticket(number, stamp(clock), **fields)
    fake.audit(10 * number, number, stamp(clock), customer, status("new"), comment(customer), *children)
    return customer


def test_a_schedule_that_changes_mid_ticket_is_an_attribute_over_time(account: FakeZendesk, loaded: Loaded, tmp_path: Path) -> None:
    """Created on a Saturday on the default schedule, set to 24x7 ten minutes later; the other one the other way round."""
    opened(account, 1, clock="14:00")
    account.audit(11, 1, stamp("14:10"), -1, schedule(12))
    account.audit(12, 1, stamp("17:00"), ADA, comment(ADA), status("open", "new"))
    account.metric_event(1, 1, "reply_time", 1, "apply_sla", stamp("14:00"), sla=sla(60, "P1", business=True))
    opened(account, 2, clock="14:00")
    account.audit(21, 2, stamp("14:10"), -1, schedule(13, 12))
    account.audit(22, 2, stamp("14:20"), -1, schedule(13, 13))
    account.metric_event(2, 2, "reply_time", 1, "apply_sla", stamp("14:15"), sla=sla(60, "P1", business=True))
    account.metric_event(3, 2, "agent_work_time", 1, "apply_sla", stamp("14:15"), sla=sla(60, "P1"))
    opened(account, 3)
    account.audit(31, 3, stamp("11:00"), -1, schedule(12))
    account.audit(32, 3, stamp("12:00"), -1, schedule(None, 12))
    opened(account, 4)
    account.audit(41, 4, stamp("11:00"), -1, schedule(13), schedule(12, 13))
    opened(account, 5, schedule(12))
    account.metric_event(5, 5, "reply_time", 1, "apply_sla", stamp("10:00"), sla=sla(60, "P1", business=True))
    source = loaded()
    assert of(source, "attribute_changes", "4", "value", "previous_value") == [("acme:24x7", "acme:New York")]
    assert of(source, "attribute_changes", "5", "value") == [], "it had it from the beginning"
    assert of(source, "applied_targets", "5", "calendar") == [("acme:24x7",)]
    changes = ("changed_ts", "attribute", "value", "previous_value")
    assert of(source, "attribute_changes", "1", *changes) == [(at("14:10"), "schedule", "acme:24x7", "acme:New York")]
    assert of(source, "attribute_changes", "2", *changes) == [(at("14:10"), "schedule", "acme:New York", "acme:24x7")]
    assert of(source, "attribute_changes", "3", *changes) == [
        (at("11:00"), "schedule", "acme:24x7", "acme:New York"), (at("12:00"), "schedule", "acme:New York", "acme:24x7"),
    ]  # fmt: skip
    columns = ("metric", "calendar", "is_on_case_schedule", "schedule_change", "reopen")
    assert of(source, "applied_targets", "1", *columns) == [("first_reply", "acme:New York", True, "last", "freeze")]
    assert of(source, "applied_targets", "2", *columns) == [
        ("first_reply", "acme:New York", True, "last", "freeze"), ("agent_work", "acme:always", False, "last", "resume"),
    ]  # fmt: skip
    other = ZendeskSource(zendesk_settings(account.address, schedule_change="in_force"), DESK, home_in(tmp_path))
    assert of(other, "applied_targets", "1", "schedule_change") == [("in_force",)]


def test_hours_that_nobody_knows_are_not_guessed(account: FakeZendesk, loaded: Loaded) -> None:
    """Schedule 99 was deleted before the first load."""
    opened(account, 1)
    account.audit(11, 1, stamp("10:05"), -1, schedule(99))
    account.metric_event(1, 1, "reply_time", 1, "apply_sla", stamp("10:00"), sla=sla(60, "P1", business=True))
    account.metric_event(2, 1, "agent_work_time", 1, "apply_sla", stamp("10:00"), sla=sla(90, "P1"))
    source = loaded()
    assert targets(source, "1") == [(at("10:00"), "agent_work", "P1", 5400)]
    assert [(row["case_id"], row["field"], row["reason"]) for row in source.rejected_rows().to_pylist()] == [
        ("1", "sla", "the target counts business hours, and the ticket was on a schedule whose hours the account does not tell"),
    ]


def test_more_targets_than_tickets_that_cannot_be_counted_stop_no_run(account: FakeZendesk, loaded: Loaded) -> None:
    """Records are a share of those of their kind: three targets of four metric events, and every ticket is used."""
    opened(account, 1)
    account.audit(11, 1, stamp("10:05"), -1, schedule(99))
    account.metric_event(1, 1, "reply_time", 1, "activate", stamp("10:00"))
    for number in (2, 3, 4):
        account.metric_event(number, 1, "reply_time", 1, "apply_sla", stamp("10:00"), sla=sla(60 * number, "P1", business=True))
    rejected = loaded().rejected_rows()
    assert [(row["file"], row["source_rows"]) for row in rejected.to_pylist()] == [("metric_events", 4)] * 3
    with duckdb.connect() as connection:
        connection.execute("create schema raw")
        connection.register("told", rejected)
        connection.execute("create table raw.rejected_rows as select * from told")
        is_usable, gates = (load_sql(check_path("raw.rejected_rows", check)) for check in ("assert_a_source_has_usable_records", "gates"))
        assert connection.execute(is_usable).fetchall() == []
        assert connection.execute(gates).fetchall() == [(3.0, 75.0)]
        connection.execute("update raw.rejected_rows set file = 'tickets', resource = 'tickets', source_rows = 1 where row_number = 1")
        assert connection.execute(is_usable).fetchall() == [("acme", "tickets", 1, 1)], "no ticket is used"


def test_kinds_of_records_of_which_there_are_as_many_are_judged_each_by_itself(account: FakeZendesk, loaded: Loaded) -> None:
    """Three tickets of which one is not used, and three metric events of which two are not: a third and two thirds, and neither is all."""
    for number in (1, 2, 3):
        opened(account, number)
    account.tickets[3]["created_at"] = "once"
    account.audit(11, 1, stamp("10:05"), -1, schedule(99))
    account.metric_event(1, 1, "reply_time", 1, "activate", stamp("10:00"))
    for number in (2, 3):
        account.metric_event(number, 1, "reply_time", 1, "apply_sla", stamp("10:00"), sla=sla(60 * number, "P1", business=True))
    rejected = loaded().rejected_rows()
    assert [(row["resource"], row["source_rows"]) for row in rejected.to_pylist()] == [("metric_events", 3), ("metric_events", 3), ("tickets", 3)]
    with duckdb.connect() as connection:
        connection.execute("create schema raw")
        connection.register("told", rejected)
        connection.execute("create table raw.rejected_rows as select * from told")
        is_usable, gates = (load_sql(check_path("raw.rejected_rows", check)) for check in ("assert_a_source_has_usable_records", "gates"))
        assert connection.execute(is_usable).fetchall() == []
        assert connection.execute(gates).fetchall() == [(3.0, 50.0)]


def test_hours_that_change_between_loads_are_known_from_then_on(account: FakeZendesk, loaded: Loaded) -> None:
    """From 2025-07-08 on the desk opens at 08:00; a holiday of next year changes nothing of before; then the default schedule is deleted."""
    account.clock = datetime.fromisoformat("2025-07-07T00:00:00+00:00").timestamp()
    opened(account, 1)
    opened(account, 2)
    account.audit(21, 2, stamp("11:00"), ADA, status("closed", "new"))
    account.tickets[2]["status"] = "closed"
    account.metric_event(1, 1, "reply_time", 1, "apply_sla", stamp("10:00"), sla=sla(60, "P1", business=True))
    account.metric_event(2, 2, "reply_time", 1, "apply_sla", stamp("10:00"), sla=sla(60, "P1", business=True))
    before = loaded()
    assert set(before.calendars()) == {"acme:always", "acme:New York", "acme:24x7"}
    account.holidays[13] = [{"id": 1, "name": "Next year", "start_date": "2026-01-01", "end_date": "2026-01-01"}]
    assert set(loaded().calendars()) == set(before.calendars())

    account.clock = datetime.fromisoformat("2025-07-10T00:00:00+00:00").timestamp()
    account.schedules[0].update(updated_at=stamp("12:00", "2025-07-08"), intervals=[{"start_time": 1440 + 480, "end_time": 1440 + 1020}])
    fresh = opened(account, 3, clock="10:00")
    account.audit(31, 3, stamp("08:00", "2025-07-09"), fresh, comment(fresh))
    account.metric_event(3, 3, "reply_time", 2, "apply_sla", stamp("08:00", "2025-07-09"), sla=sla(60, "P1", business=True))
    source = loaded()
    old = "acme:New York (until 2025-07-08)"
    assert (source.calendars()[old].hours["mon"], source.calendars()["acme:New York"].hours["mon"]) == (("09:00-17:00",), ("08:00-17:00",))
    changes = ("changed_ts", "value", "previous_value")
    moved = [(at("12:00", "2025-07-08"), "acme:New York", old)]
    assert of(source, "attribute_changes", "1", *changes) == moved
    assert of(source, "attribute_changes", "2", *changes) == [], "closed before the hours changed"
    assert of(source, "attribute_changes", "3", *changes) == moved
    assert of(source, "applied_targets", "1", "calendar") == of(source, "applied_targets", "2", "calendar") == [(old,)]
    assert of(source, "applied_targets", "3", "calendar") == [("acme:New York",)]

    del account.schedules[0]
    account.ticket(4, stamp("09:00", "2025-07-09"))
    account.metric_event(4, 4, "reply_time", 1, "apply_sla", stamp("09:00", "2025-07-09"), sla=sla(60, "P1", business=True))
    source = loaded()
    assert of(source, "applied_targets", "4", "calendar") == [("acme:24x7",)], "what is deleted is no default"


def test_a_promise_ends_when_it_is_taken_off(account: FakeZendesk, loaded: Loaded) -> None:
    """The whole policy (1), one target (2), by a metric event without a target (3); what was taken off twice ends once (4)."""
    for number in (1, 2, 3, 4):
        customer = opened(account, number)
        account.metric_event(10 * number, number, "reply_time", 1, "apply_sla", stamp("10:00"), sla=sla(60, "P1"))
        account.metric_event(10 * number + 1, number, "agent_work_time", 1, "apply_sla", stamp("10:00"), sla=sla(600, "P1"))
        account.audit(1000 + number, number, stamp("15:00"), customer, comment(customer))
    account.audit(11, 1, stamp("12:00"), ADA, change("sla_policy", None, "P1"))
    account.audit(21, 2, stamp("12:00"), ADA, target("first_reply_time", None, 60))
    account.metric_event(32, 3, "reply_time", 1, "apply_sla", stamp("12:00"), sla=None)
    account.audit(41, 4, stamp("12:00"), ADA, change("sla_policy", None, "P1"), target("first_reply_time", None, 60))
    account.audit(42, 4, stamp("13:00"), ADA, target("agent_work_time", None, 600))
    source = loaded()
    given = [(at("10:00"), "first_reply", "P1", 3600), (at("10:00"), "agent_work", "P1", 36_000)]
    ends = [(at("12:00"), "agent_work", "P1", None), (at("12:00"), "first_reply", "P1", None)]
    assert targets(source, "1") == given + ends
    assert targets(source, "2") == [*given, ends[1]]
    assert targets(source, "3") == [*given, ends[1]]
    assert targets(source, "4") == given + ends
    assert source.rejected_rows().num_rows == 0
    assert of(source, "applied_targets", "1", "calendar", "is_on_case_schedule") == [("acme:always", False)] * 4
    assert [len(of(source, "applied_targets", "1", "metric", as_of_at=at(clock))) for clock in ("11:59", "12:00")] == [2, 4]


def test_a_policy_without_the_metric_ends_the_promise_of_the_one_before(account: FakeZendesk, loaded: Loaded) -> None:
    """1: the ticket's history says so. 2: only metric events do. 3: the new policy's targets follow some seconds later."""
    for number in (1, 2, 3):
        opened(account, number, change("sla_policy", "P1", None))
        account.metric_event(10 * number, number, "reply_time", 2, "apply_sla", stamp("10:00"), sla=sla(60, "P1"))
        account.metric_event(10 * number + 1, number, "agent_work_time", 1, "apply_sla", stamp("10:00"), sla=sla(600, "P1"))
    account.audit(11, 1, stamp("12:00"), ADA, change("sla_policy", "P2", "P1"))
    account.metric_event(12, 1, "agent_work_time", 1, "apply_sla", stamp("12:00"), sla=sla(300, "P2", 2))
    account.metric_event(22, 2, "agent_work_time", 1, "apply_sla", stamp("12:00"), sla=sla(300, "P2", 2))
    account.audit(31, 3, stamp("12:00"), ADA, change("sla_policy", "P2", "P1"))
    account.metric_event(32, 3, "agent_work_time", 1, "apply_sla", f"{DAY}T12:00:02Z", sla=sla(300, "P2", 2))
    account.metric_event(33, 3, "reply_time", 2, "apply_sla", f"{DAY}T12:00:03Z", sla=sla(30, "P2", 2))
    source = loaded()
    given = [(at("10:00"), "next_reply", "P1", 3600), (at("10:00"), "agent_work", "P1", 36_000)]
    replaced = [(at("12:00"), "agent_work", "P2", 18_000), (at("12:00"), "next_reply", "P1", None)]
    assert targets(source, "1") == given + replaced
    assert targets(source, "2") == given + replaced
    assert [(metric, policy, seconds) for _, metric, policy, seconds in targets(source, "3")] == [
        ("next_reply", "P1", 3600), ("agent_work", "P1", 36_000), ("agent_work", "P2", 18_000), ("next_reply", "P2", 1800),
    ]  # fmt: skip


def test_what_changes_hands_within_a_second_is_what_it_is_at_its_end(account: FakeZendesk, loaded: Loaded) -> None:
    """1: P1, then P2 for the reply alone. 2: taken off and given back. 3: given, then taken off. 4: told to be none, which it was."""
    opened(account, 1)
    account.metric_event(10, 1, "reply_time", 1, "apply_sla", stamp("10:00"), sla=sla(60, "P1"))
    account.metric_event(11, 1, "agent_work_time", 1, "apply_sla", stamp("10:00"), sla=sla(600, "P1"))
    account.metric_event(12, 1, "reply_time", 1, "apply_sla", stamp("10:00"), sla=sla(30, "P2", 2))
    opened(account, 2, target("first_reply_time", None, 60))
    account.audit(21, 2, stamp("10:00"), -1, target("first_reply_time", 60))
    account.metric_event(20, 2, "reply_time", 1, "apply_sla", stamp("10:00"), sla=sla(60, "P1"))
    opened(account, 3, target("first_reply_time", 60))
    account.audit(31, 3, stamp("10:00"), -1, target("first_reply_time", None, 60))
    account.metric_event(30, 3, "reply_time", 1, "apply_sla", stamp("10:00"), sla=sla(60, "P1"))
    never = {"event_type": "Create", "sla_policy": None}, {"event_type": "Change", "first_reply_time": None, "previous_value": None}
    opened(account, 4, *never)
    account.metric_event(40, 4, "reply_time", 1, "apply_sla", stamp("10:00"), sla=sla(60, "P1"))
    source = loaded()
    assert targets(source, "4") == [(at("10:00"), "first_reply", "P1", 3600)], "what was never there is not taken off"
    assert targets(source, "1") == [
        (at("10:00"), "first_reply", "P1", 3600), (at("10:00"), "agent_work", "P1", 36_000), (at("10:00"), "first_reply", "P2", 1800),
        (at("10:00"), "agent_work", "P1", None),
    ]  # fmt: skip
    assert targets(source, "2") == [(at("10:00"), "first_reply", "P1", 3600)]
    assert targets(source, "3") == [(at("10:00"), "first_reply", "P1", 3600), (at("10:00"), "first_reply", "P1", None)]


def test_ownership_by_a_group_is_a_promise_and_a_verdict_of_its_own(account: FakeZendesk, loaded: Loaded) -> None:
    """A group's policy is no part of the ticket's: the one that is taken off leaves the other."""
    opened(account, 1)
    account.metric_event(1, 1, "reply_time", 1, "apply_sla", stamp("10:00"), sla=sla(60, "P1"))
    account.metric_event(2, 1, "group_ownership_time", 1, "apply_group_sla", stamp("10:00"), group_sla=sla(30, "Tier 1", 7))
    account.metric_event(3, 1, "group_ownership_time", 1, "breach", stamp("10:30"))
    account.audit(11, 1, stamp("11:00"), ADA, change("group_id", "305", "301"))
    account.metric_event(4, 1, "group_ownership_time", 1, "fulfill", stamp("11:00"))
    account.metric_event(5, 1, "group_ownership_time", 1, "update_status", stamp("11:00"), status={"calendar": 60, "business": 0})
    account.metric_event(6, 1, "group_ownership_time", 2, "apply_group_sla", stamp("11:00"), group_sla=sla(30, "Tier 2", 8))
    account.metric_event(7, 1, "group_ownership_time", 2, "fulfill", stamp("11:20"))
    account.audit(12, 1, stamp("12:00"), ADA, change("sla_policy", None, "P1"))
    source = loaded()
    assert targets(source, "1") == [
        (at("10:00"), "first_reply", "P1", 3600), (at("10:00"), "group_ownership", "Tier 1", 1800),
        (at("11:00"), "group_ownership", "Tier 2", 1800), (at("12:00"), "first_reply", "P1", None),
    ]  # fmt: skip
    assert of(source, "source_verdicts", "1", "metric", "cycle", "is_breached", "breached_ts", "elapsed_seconds") == [
        ("group_ownership", 1, True, at("10:30"), 3600), ("group_ownership", 2, False, None, None),
    ]  # fmt: skip


def test_a_group_s_target_ends_when_the_ticket_goes_to_another_group(account: FakeZendesk, loaded: Loaded) -> None:
    """Handed to a group without a target (1); to one whose target comes seconds later (2); back to the first, without one (2); not at all (3)."""
    for number in (1, 2, 3):
        opened(account, number)
        account.metric_event(10 * number, number, "group_ownership_time", 1, "apply_group_sla", stamp("10:00"), group_sla=sla(30, "Tier 1", 7))
        account.metric_event(10 * number + 1, number, "reply_time", 1, "apply_sla", stamp("10:00"), sla=sla(60, "P1"))
    account.audit(101, 1, stamp("11:00"), ADA, change("group_id", "305", "301"))
    account.audit(102, 2, stamp("11:00"), ADA, change("group_id", "305", "301"))
    account.metric_event(24, 2, "group_ownership_time", 2, "apply_group_sla", "2025-07-05T11:00:07Z", group_sla=sla(30, "Tier 2", 8))
    account.audit(103, 2, stamp("11:10"), ADA, change("group_id", "301", "305"))
    account.audit(104, 3, stamp("11:00"), ADA, change("priority", "high", "normal"))
    source = loaded()
    first = [(at("10:00"), "group_ownership", "Tier 1", 1800), (at("10:00"), "first_reply", "P1", 3600)]
    assert targets(source, "1") == [*first, (at("11:00"), "group_ownership", "Tier 1", None)]
    assert targets(source, "2") == [
        *first, (datetime.fromisoformat("2025-07-05T11:00:07"), "group_ownership", "Tier 2", 1800),
        (at("11:10"), "group_ownership", "Tier 2", None),
    ]  # fmt: skip
    assert targets(source, "3") == first


def test_fulfilled_without_an_answer_is_fulfilled_until_it_is_activated_again(account: FakeZendesk, loaded: Loaded) -> None:
    """Solved without a reply (1), closed without being solved (2), reopened (3), and what is fulfilled when nobody promises any more (4)."""
    for number in (1, 2, 3, 4):
        opened(account, number)
        account.metric_event(10 * number, number, "requester_wait_time", 1, "activate", stamp("10:00"))
        account.metric_event(10 * number + 1, number, "requester_wait_time", 1, "apply_sla", stamp("10:00"), sla=sla(60, "P1"))
        account.audit(1000 + number, number, stamp("10:30"), ADA, status("closed" if number == 2 else "solved", "new"))
        account.metric_event(10 * number + 2, number, "requester_wait_time", 1, "fulfill", stamp("10:30"))
    account.audit(31, 3, stamp("10:40"), 1003, status("open", "solved"))
    account.metric_event(33, 3, "requester_wait_time", 1, "activate", stamp("10:40"))
    account.audit(41, 4, stamp("10:20"), ADA, change("sla_policy", None, "P1"))
    source = loaded()
    verdicts = {row["case_id"]: row["is_breached"] for row in source.source_verdicts(ALL, LATER).to_pylist()}
    assert verdicts == {"1": False, "2": False, "3": None}
    sla_met = {row["case_id"]: row["source_is_sla_met"] for row in source.cases(ALL, LATER).to_pylist()}
    assert sla_met == {"1": True, "2": True, "3": None, "4": None}


def test_a_breach_that_is_taken_back_later_is_none(account: FakeZendesk, loaded: Loaded) -> None:
    """The next load asks for what changed since, and is told of the deleted event with its old stamp."""
    opened(account, 1)
    account.metric_event(1, 1, "reply_time", 1, "apply_sla", stamp("10:00"), sla=sla(60, "P1"))
    account.metric_event(2, 1, "reply_time", 1, "breach", stamp("11:00"))
    account.metric_event(3, 1, "agent_work_time", 1, "activate", stamp("10:00", "2025-07-09"))
    assert of(loaded(), "source_verdicts", "1", "is_breached", "breached_ts") == [(True, at("11:00"))]
    account.take_back(2, stamp("09:00", "2025-07-10"))
    assert of(loaded(), "source_verdicts", "1", "is_breached", "breached_ts") == [(None, None)]


def test_who_began_a_ticket(account: FakeZendesk, loaded: Loaded, tmp_path: Path) -> None:
    def ticket(number: int, writer: int | None, submitter: int | None = None, **fields: Any) -> None:
        account.ticket(number, stamp("10:00"), submitter_id=submitter or writer or 1000 + number, **fields)
        if writer is not None:
            account.audit(10 * number, number, stamp("10:00"), writer, status("new"), comment(writer))

    account.users.append({"id": 5009, "role": "agent", "name": "Acme Chatbot", "active": True})
    ticket(1, 1001)
    ticket(2, ADA)
    ticket(3, -1)
    ticket(4, 1004, submitter=ADA)  # an agent forwards a customer's mail
    ticket(5, ADA, via={"channel": "voice", "source": {"rel": "inbound", "from": {"name": "Rita"}}})
    ticket(6, ADA, via={"channel": "voice", "source": {"rel": "outbound"}})
    ticket(7, None, submitter=ADA)
    ticket(8, ADA, requester_id=ADA)
    ticket(9, 5009)
    ticket(10, 7777)  # somebody else of the customer's writes
    source = loaded()
    assert {row["case_id"]: row["initiated_by"] for row in source.cases(ALL, LATER).to_pylist()} == {
        "1": "customer", "2": "agent", "3": "automation", "4": "customer", "5": "customer", "6": "agent", "7": "agent", "8": "customer",
        "9": "automation", "10": "customer",
    }  # fmt: skip
    assert "Rita" not in "".join(landed(home_in(tmp_path), "acme", "tickets").values())


def test_a_merged_ticket_ends_so_and_says_where_it_goes_on(account: FakeZendesk, loaded: Loaded) -> None:
    """Told by the ticket itself as the export has it (1), by the other one alone (2), by its audits (3), by the tag alone (4), in a chain (5).

    6 is closed by hand.
    """
    tagged = {"tags": ["closed_by_merge"], "added_tags": ["closed_by_merge"], "removed_tags": [], "event_type": "Change"}
    for number in (1, 2, 3, 4, 5, 6, 7, 8):
        opened(account, number)
    into = {"via": "Ticket merge", "via_reference_id": 7, "body": "This request was closed and merged into request #7 \"Fire\"."}
    account.audit(11, 1, stamp("11:00"), ADA, comment(ADA, public=False, **into), status("closed", "new"), tagged)
    account.audit(21, 2, stamp("11:00"), ADA, status("closed", "new"), tagged)
    both = {"channel": "web", "source": {"rel": "merge", "from": {"ticket_id": None, "ticket_ids": [2, 3], "subject": "Fire"}, "to": {}}}
    account.audit(71, 7, stamp("11:00"), ADA, comment(ADA, public=False, via=both, body="Zusammengeführt"))
    one = {"channel": "web", "source": {"rel": "merge", "from": {"ticket_id": 7, "subject": "Fire"}, "to": {}}}
    account.audit(31, 3, stamp("11:00"), ADA, comment(ADA, public=False, via=one), status("solved", "new"), status("closed", "solved"))
    account.audit(41, 4, stamp("11:00"), ADA, status("closed", "new"), tagged)
    account.audit(51, 5, stamp("12:00"), ADA, comment(ADA, public=False, body="merged into request #8 \"x\""), status("closed", "new"), tagged)
    account.audit(52, 5, stamp("10:30"), ADA, comment(ADA, public=False, body="Request #1 \"Fire\" was closed and merged into this request."))
    account.audit(61, 6, stamp("11:00"), ADA, status("closed", "new"))
    for number in (1, 2, 3, 4, 5, 6):
        account.tickets[number].update(status="closed", tags=[] if number in (3, 6) else ["closed_by_merge"])
    source = loaded(case_id_prefix="Z-")
    assert {row["case_id"]: row["merged_into"] for row in source.cases(ALL, LATER).to_pylist()} == {
        "Z-1": "Z-7", "Z-2": "Z-7", "Z-3": "Z-7", "Z-4": None, "Z-5": "Z-8", "Z-6": None, "Z-7": None, "Z-8": None,
    }  # fmt: skip
    lasts = {number: of(source, "events", f"Z-{number}", "event_ts", "source_status", "status")[-1] for number in range(1, 9)}
    merged = (at("11:00"), "closed", "MERGED")
    assert lasts == {
        1: merged, 2: merged, 3: merged, 4: merged, 5: (at("12:00"), "closed", "MERGED"), 6: (at("11:00"), "closed", "CLOSED"),
        7: (at("10:00"), "new", "INTAKE"), 8: (at("10:00"), "new", "INTAKE"),
    }  # fmt: skip
    assert of(source, "events", "Z-3", "source_status", "status")[1:] == [("solved", "RESOLVED"), ("closed", "MERGED")]
    assert of(source, "cases", "Z-1", "merged_into", as_of_at=at("10:59")) == [(None,)]


def test_custom_statuses_are_their_own_words_or_their_category_s(account: FakeZendesk, loaded: Loaded, tmp_path: Path) -> None:
    """`Waiting for parts` is in sources.yml, `Thinking` is not; 79 is on no list."""
    account.custom_statuses += [
        {"id": 71, "status_category": "open", "agent_label": "Open", "active": True, "default": True},
        {"id": 72, "status_category": "open", "agent_label": "Waiting for parts", "active": True, "default": False},
        {"id": 73, "status_category": "open", "agent_label": "Thinking", "active": True, "default": False},
        {"id": 74, "status_category": "pending", "agent_label": "Waiting for  Rita", "active": False, "default": False, "description": "Rita"},
    ]
    opened(account, 1, custom_status_id=79, status="pending")
    account.audit(11, 1, stamp("11:00"), ADA, status("open", "new"), change("custom_status_id", "71", None))
    account.audit(12, 1, stamp("12:00"), ADA, change("custom_status_id", "72", "71"))
    account.audit(13, 1, stamp("13:00"), ADA, change("custom_status_id", "73", "72"))
    account.audit(14, 1, stamp("14:00"), ADA, change("custom_status_id", "71", "73"))
    account.audit(15, 1, stamp("15:00"), ADA, status("pending", "open"), change("custom_status_id", "79", "71"))
    account.ticket(2, stamp("10:00"), status="open", custom_status_id=72)
    account.ticket(3, stamp("10:00"), status="open", custom_status_id=73)
    account.audit(31, 3, stamp("11:00"), ADA, change("custom_status_id", "73", "72"))
    source = loaded(statuses={"waiting for parts ": "VENDOR_WAIT"})
    assert of(source, "events", "2", "source_status", "status") == [("waiting for parts ", "VENDOR_WAIT")]
    assert of(source, "events", "3", "source_status", "status") == [("waiting for parts ", "VENDOR_WAIT"), ("open", "INVESTIGATION")]
    assert of(source, "events", "1", "event_ts", "source_status", "status") == [
        (at("10:00"), "new", "INTAKE"), (at("11:00"), "open", "INVESTIGATION"), (at("12:00"), "waiting for parts ", "VENDOR_WAIT"),
        (at("13:00"), "open", "INVESTIGATION"), (at("15:00"), "pending", "CUSTOMER_WAIT"),
    ]  # fmt: skip
    drift = drift_of("acme", home_in(tmp_path).bronze / "acme.duckdb").to_pylist()
    assert [(row["resource"], row["field"], row["change"]) for row in drift] == [("tickets", "custom_status_id 79", "new")]


def test_bots_answer_as_bots(account: FakeZendesk, loaded: Loaded, tmp_path: Path) -> None:
    """By channel, by nobody's number, by name; what `bots` names instead."""
    account.users.append({"id": 5009, "role": "agent", "name": "Answer Bot", "active": True})
    account.users.append({"id": 5010, "role": "agent", "name": "Abbott Botha", "active": True})
    customer = opened(account, 1)
    account.audit(11, 1, stamp("10:01"), -1, comment(-1))
    account.audit(12, 1, stamp("10:02"), customer, comment(customer, via="Answer Bot for Web Widget"))
    account.audit(13, 1, stamp("10:03"), 5009, comment(5009))
    account.audit(14, 1, stamp("10:04"), -1, comment(-1, public=False))
    account.audit(15, 1, stamp("10:05"), 5010, comment(5010))
    account.audit(16, 1, stamp("10:06"), ADA, comment(ADA, public=False))
    columns = ("sent_ts", "signal", "author_kind")
    source = loaded()
    said = of(source, "messages", "1", *columns)
    assert said == [
        (at("10:00"), "CUSTOMER_MESSAGE", "customer"), (at("10:01"), "BOT_REPLY", "bot"), (at("10:02"), "BOT_REPLY", "bot"),
        (at("10:03"), "BOT_REPLY", "bot"), (at("10:04"), "PRIVATE_NOTE", "bot"), (at("10:05"), "PUBLIC_REPLY", "person"),
        (at("10:06"), "PRIVATE_NOTE", "person"),
    ]  # fmt: skip
    named = loaded(bots=[5010, "bo boss"])
    assert [row[1] for row in of(named, "messages", "1", *columns)] == [
        "CUSTOMER_MESSAGE", "BOT_REPLY", "BOT_REPLY", "PUBLIC_REPLY", "PRIVATE_NOTE", "BOT_REPLY", "PRIVATE_NOTE",
    ]  # fmt: skip
    assert "Answer" not in "".join(landed(home_in(tmp_path), "acme", "agents").values())


def test_what_the_documentation_does_not_name_is_told(account: FakeZendesk, loaded: Loaded, tmp_path: Path) -> None:
    opened(account, 1, {"event_type": "Notification"}, {"type": "AgentMacroReference"}, {"event_type": "TelepathyEvent"})
    account.metric_event(1, 1, "reply_time", 1, "measure", stamp("10:00"))
    account.metric_event(2, 1, "reply_time", 1, "forgive", stamp("10:00"))
    account.metric_event(3, 1, "patience_time", 1, "activate", stamp("10:00"))
    settings = {"first_reply_time": {"fulfill_on_agent_internal_note": True, "activate_on_full_moon": False}}
    account.policies.append({"id": 2, "title": "P2", "policy_metrics": [], "metric_settings": settings})
    loaded()
    drift = drift_of("acme", home_in(tmp_path).bronze / "acme.duckdb").to_pylist()
    assert [(row["resource"], row["field"]) for row in drift] == [
        ("metric_events", "metric patience_time"), ("metric_events", "type forgive"),
        ("sla_policies", "metric_settings.first_reply_time.activate_on_full_moon"), ("ticket_events", "child_events of type TelepathyEvent"),
    ]  # fmt: skip
    assert '"metric_settings":{"first_reply_time":{"fulfill_on_agent_internal_note":true}}' in landed(home_in(tmp_path), "acme", "sla_policies")["2"]


def test_without_custom_statuses_nothing_is_unknown(account: FakeZendesk, loaded: Loaded, tmp_path: Path) -> None:
    account.faults = [always(Response({"error": "Forbidden"}, 403), "/api/v2/custom_statuses")]
    opened(account, 1, custom_status_id=79)
    loaded()
    assert drift_of("acme", home_in(tmp_path).bronze / "acme.duckdb").num_rows == 0


def test_problems_and_follow_ups_are_links(account: FakeZendesk, loaded: Loaded) -> None:
    """1: linked, to another problem, and back; 2: from its beginning, taken off; 3: without history; 4: follows up 5, which says so of 6 as well."""
    for number in (1, 2, 3, 5):
        opened(account, number, *([change("problem_id", 90, None)] if number == 2 else []), type="incident")
    account.audit(11, 1, stamp("11:00"), ADA, change("problem_id", 90, None))
    account.audit(12, 1, stamp("12:00"), ADA, change("problem_id", 91, 90))
    account.audit(13, 1, stamp("13:00"), ADA, change("problem_id", 90, 91))
    account.audit(21, 2, stamp("12:00"), ADA, change("problem_id", None, 90))
    account.tickets[1].update(problem_id=90)
    account.tickets[3].update(problem_id=90)
    opened(account, 4, clock="14:00", via={"channel": "web", "source": {"rel": "follow_up", "from": {"ticket_id": 5, "subject": "Fire", "address": "rita@home.example"}, "to": {}}})
    opened(account, 6, clock="15:00")
    account.tickets[5].update(status="closed", followup_ids=[4, 6])
    source = loaded(case_id_prefix="Z-")
    columns = ("linked_case_id", "link_kind", "linked_ts", "unlinked_ts")
    assert of(source, "case_links", "Z-1", *columns) == [("Z-90", "problem", at("11:00"), None), ("Z-91", "problem", at("12:00"), at("13:00"))]
    assert of(source, "case_links", "Z-1", *columns, as_of_at=at("12:30")) == [("Z-90", "problem", at("11:00"), None), ("Z-91", "problem", at("12:00"), None)]
    assert of(source, "case_links", "Z-2", *columns) == [("Z-90", "problem", at("10:00"), at("12:00"))]
    assert of(source, "case_links", "Z-3", *columns) == [("Z-90", "problem", None, None)]
    assert of(source, "case_links", "Z-4", *columns) == [("Z-5", "follow_up", at("14:00"), None)]
    assert of(source, "case_links", "Z-6", *columns) == [("Z-5", "follow_up", at("15:00"), None)]


def test_who_changed_the_group_is_told(account: FakeZendesk, loaded: Loaded) -> None:
    opened(account, 1)
    account.audit(11, 1, stamp("11:00"), ADA, change("group_id", 302, 301))
    account.audit(12, 1, stamp("12:00"), -1, change("group_id", 301, 302))
    (by_ada, by_nobody) = of(loaded(), "attribute_changes", "1", "attribute", "actor")
    assert by_ada[1] is not None
    assert by_ada[1] != str(ADA), "a pseudonym"
    assert by_nobody == ("team", None)
