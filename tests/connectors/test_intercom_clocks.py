"""From Intercom's conversations to judged clocks: what stops a reply, whom a campaign concerns, which promise a verdict stands beside."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from accounts import DESK, home_in, intercom_settings
from fake_intercom import FakeIntercom
from small_desk import make, up_to
from test_intercom_conversations import CONVERSATIONS, fill

from opsla_dagster.settings import load_settings
from opsla_dagster.settings.calendars import CalendarsSettings
from opsla_dagster.settings.quality_gates import QualityGatesSettings
from opsla_dagster.settings.sla_policies import SlaPoliciesSettings
from opsla_dagster.settings.sources import SourcesSettings
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.sources.intercom.load import load_intercom
from opsla_dagster.warehouse.connection import reading

REPOSITORY = Path(__file__).parents[2]
POLICIES = {
    "metrics": {
        "first_reply": {"title": "First reply", "start": ["INTAKE"], "stop": ["PUBLIC_REPLY"]},
        "next_reply": {
            "title": "Next reply", "start": ["CUSTOMER_MESSAGE"], "stop": ["PUBLIC_REPLY"], "cancel": ["RESOLVED"], "after": ["PUBLIC_REPLY"],
            "repeats": True,
        },
        "first_resolution": {"title": "First resolution", "start": ["INTAKE"], "stop": ["RESOLVED"]},
        "total_resolution": {"title": "Total resolution", "start": ["INTAKE"], "stop": ["RESOLVED"]},
    },
    "policies": [
        {
            "name": "asked", "when": {"initiated_by": ["customer", "automation"]}, "calendar": "chat:always", "reopen": "void",
            "targets": {"first_reply": "1h", "next_reply": "1h", "first_resolution": "1d", "total_resolution": "1d"},
        },
        {"name": "we_wrote_first", "when": {"initiated_by": ["agent"]}, "calendar": "chat:always", "targets": {"first_reply": "1h"}},
    ],
}
#: Conversation -> metric -> (minutes that count, outcome), one a cycle, by the desk's policy.
EXPECTED: dict[str, dict[str, list[tuple[int | None, str]]]] = {
    "a note that wakes a snoozed conversation is no reply": {"first_reply": [(200, "breached")]},
    "a bot's answer is a bot's": {"first_reply": [(30, "met")]},
    "the operator is a bot where it writes as an admin: by the list of admins": {"first_reply": [(None, "running")]},
    "what was redacted was a reply": {"first_reply": [(15, "met")]},
    "a customer's chosen quick reply is a message": {"first_reply": [(30, "met")], "next_reply": []},
    "the remark of a rating is no message": {"first_reply": [(20, "met")], "next_reply": [], "first_resolution": [(30, "met")]},
    "an agent began: no reply at the first message, and one to the customer's": {"first_reply": [(30, "met")], "first_resolution": []},
    "an agent began, and the customer never wrote": {"first_reply": [], "first_resolution": []},
    "a campaign comes in with the answer": {"first_reply": [(10, "met")], "first_resolution": [(100, "met")]},
    "a campaign that nobody answered is no case": {"first_reply": [], "first_resolution": [], "total_resolution": []},
    "a missed next reply is no verdict on the first one": {"first_reply": [(5, "met")], "next_reply": [(24, "met")]},
    "reopened twice": {"total_resolution": [(50, "met")]},
}  # fmt: skip
#: Conversation -> metric of Intercom's verdict -> how it compares with ours.
COMPARED: dict[str, dict[str, str]] = {
    "which target was missed, and when, is told by a part": {"any": "agrees", "first_reply": "agrees", "first_resolution": "agrees"},
    "a missed next reply is no verdict on the first one": {"any": "agrees", "first_reply": "agrees"},
    "missed is a verdict on all of an SLA's targets": {"any": "agrees"},
    "neither has one that runs": {"any": "nothing_compared"},
}


def test_conversations_are_judged_as_intercom_counts(tmp_path: Path) -> None:
    server = FakeIntercom()
    server.page_size = 150
    fill(server, CONVERSATIONS)
    home = home_in(tmp_path)
    with server.running():
        chat = intercom_settings(server.address, slice_hours=24 * 31, tier_attribute="Plan", bots=["Sam"])
        load_intercom(chat, DESK, home)
    shipped = load_settings(REPOSITORY / "config", home.root)
    horizon = {"horizon": {"start": "2025-01-01", "end": "2026-01-01"}}
    calendars = CalendarsSettings.model_validate(shipped.calendars.model_dump(mode="json", by_alias=True, exclude={"horizon"}) | horizon)
    settings = replace(
        shipped, sources=SourcesSettings(desk=DESK, sources=(chat,)), calendars=calendars,
        sla_policies=SlaPoliciesSettings.model_validate(POLICIES), quality_gates=QualityGatesSettings(gates={}),
    )  # fmt: skip
    make(settings, [build_desk(settings).window()], datetime(2025, 7, 8, 12), up_to(settings, "staging.source_clock_comparison"))
    number = {conversation.why: str(place) for place, conversation in enumerate(CONVERSATIONS, 1)}
    with reading(home.warehouse) as connection:
        clocks = connection.execute(
            "select case_id, metric, stopped_at, elapsed_seconds // 60, outcome from staging.sla_clocks where not is_source_promise order by cycle"
        ).fetchall()
        compared = connection.execute("select case_id, metric, comparison from staging.source_clock_comparison").fetchall()
    for why, metrics in EXPECTED.items():
        for metric, expected in metrics.items():
            found = [(None if stopped is None else minutes, outcome) for case, of, stopped, minutes, outcome in clocks if (case, of) == (number[why], metric)]
            assert found == expected, (why, metric)
    for why, verdicts in COMPARED.items():
        found_verdicts = {metric: comparison for case, metric, comparison in compared if case == number[why] and metric in verdicts}
        assert found_verdicts == verdicts, why

