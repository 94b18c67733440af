"""From an account's API pages to judged clocks: the load, the runs, and the vendor's own verdicts beside ours."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import dagster as dg
import pytest
from accounts import DESK, zendesk_settings
from desks import fill, worked_case
from fake_server import Response, always
from fake_zendesk import TOKEN, FakeZendesk
from small_desk import dated, make, up_to

from opsla_dagster.automation.refresh import refresh_windows
from opsla_dagster.instance.instance import open_instance
from opsla_dagster.running import load_accounts
from opsla_dagster.settings import Settings, load_settings
from opsla_dagster.settings.calendars import CalendarsSettings
from opsla_dagster.settings.quality_gates import QualityGatesSettings
from opsla_dagster.settings.sla_policies import SlaPoliciesSettings
from opsla_dagster.settings.sources import SourcesSettings
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.sources.zendesk.load import load_zendesk
from opsla_dagster.warehouse.connection import reading

REPOSITORY = Path(__file__).parents[2]
AS_OF = datetime(2025, 7, 20, 6)
POLICIES = {
    "metrics": {
        "first_reply": {"title": "First reply", "start": ["INTAKE"], "stop": ["PUBLIC_REPLY"]},
        "next_reply": {
            "title": "Next reply", "start": ["CUSTOMER_MESSAGE"], "stop": ["PUBLIC_REPLY"], "cancel": ["RESOLVED", "CLOSED"],
            "repeats": True,
        },
        "first_resolution": {"title": "First resolution", "start": ["INTAKE"], "stop": ["RESOLVED"]},
    },
    "policies": [
        {"name": "urgent", "when": {"priority": "urgent"}, "calendar": "acme:EMEA", "targets": {"first_resolution": "2h"}},
        {"name": "rest", "calendar": "acme:EMEA", "targets": {"first_reply": "1h", "first_resolution": "2d"}},
    ],
}


def settings_of(home: Path, zendesk: FakeZendesk) -> Settings:
    shipped = load_settings(REPOSITORY / "config", home)
    horizon = {"horizon": {"start": "2025-01-01", "end": "2026-01-01"}}
    calendars = CalendarsSettings.model_validate(shipped.calendars.model_dump(mode="json", by_alias=True, exclude={"horizon"}) | horizon)
    return replace(
        shipped,
        sources=SourcesSettings(desk=DESK, sources=(zendesk_settings(zendesk.address),)),
        calendars=calendars,
        sla_policies=SlaPoliciesSettings.model_validate(POLICIES),
        quality_gates=QualityGatesSettings(gates={}),
    )


def refresh(settings: Settings, as_of_at: datetime) -> list[str]:
    """Loads the accounts and makes what a refresh makes of their dates; what could not be loaded."""
    with open_instance(settings.home.root) as instance:
        failed = load(settings, instance)
    windows = refresh_windows(settings, build_desk(settings), as_of_at)
    make(settings, windows, as_of_at, dated(settings), is_refresh=True)
    return failed


def load(settings: Settings, instance: dg.DagsterInstance) -> list[str]:
    return [f"{account}: {error}" for account, error in load_accounts(settings, instance, lambda _account, _step: None) if error]


def rows(settings: Settings, sql: str) -> list[tuple[object, ...]]:
    with reading(settings.home.warehouse) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture
def settings(zendesk: FakeZendesk, tmp_path: Path) -> Settings:
    worked_case(zendesk)
    fill(zendesk, 3, first=8)
    settings = settings_of(tmp_path, zendesk)
    load_zendesk(zendesk_settings(zendesk.address), DESK, settings.home)
    make(settings, [build_desk(settings).window()], AS_OF, dated(settings))
    return settings


def test_the_vendor_s_promise_and_ours_are_judged_side_by_side(settings: Settings) -> None:
    """Ticket 7: 12:00 UTC is 14:00 in Copenhagen, open until 15:00 UTC; the reply of 13:10 is 10 minutes late for 60."""
    clocks = rows(settings, """
        select metric, policy, cycle, elapsed_seconds, outcome, due_at, is_source_promise
        from staging.sla_clocks where case_id = '7' and metric in ('first_reply', 'next_reply') order by metric, policy
    """)
    assert clocks == [
        ("first_reply", "acme:P3", 1, 4200, "breached", datetime(2025, 7, 1, 13), True),
        ("first_reply", "rest", 1, 4200, "breached", datetime(2025, 7, 1, 13), False),
        ("next_reply", "acme:P1", 1, 7200, "met", datetime(2025, 7, 2, 12), True),
    ]
    # Urgent from 13:10 on: the policy of the time of the resolution counts from the start.
    (resolution,) = rows(settings, "select policy, elapsed_seconds, outcome from staging.sla_clocks where case_id = '7' and metric = 'first_resolution'")
    assert resolution == ("urgent", (3 * 60 + 4 * 60) * 60, "breached")
    compared = rows(settings, """
        select metric, source_is_breached, outcome, difference_seconds, comparison
        from staging.source_clock_comparison where case_id = '7' and metric = 'first_reply'
    """)
    assert ("first_reply", True, "breached", 0, "agrees") in compared


def test_new_tickets_reach_their_dates_and_a_failed_load_leaves_what_was_there(settings: Settings, zendesk: FakeZendesk) -> None:
    before = rows(settings, "select count(*) from raw.cases")
    fill(zendesk, 2, first=12)
    assert refresh(settings, datetime(2025, 7, 21, 6)) == []
    assert rows(settings, "select count(*) from raw.cases") == [(int(str(before[0][0])) + 2,)]
    zendesk.faults = [always(Response({"error": "down"}, 500), "/api/v2/incremental/tickets/cursor.json")]
    with open_instance(settings.home.root) as instance:
        (failed,) = load(settings, instance)
    assert "acme" in failed
    assert TOKEN not in failed
    as_of_at = datetime(2025, 7, 22, 6)
    make(settings, refresh_windows(settings, build_desk(settings), as_of_at), as_of_at, up_to(settings, "staging.sla_clocks"), is_refresh=True)
    assert rows(settings, "select count(*) from raw.cases") == [(int(str(before[0][0])) + 2,)]
