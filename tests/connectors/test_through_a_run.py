"""A loaded account goes through a whole run: every table, every check."""

from __future__ import annotations

import shutil
from datetime import date, datetime
from pathlib import Path

import duckdb
from accounts import DESK, intercom_settings, zendesk_settings
from desks import fill, worked_case
from fake_intercom import FakeIntercom
from fake_zendesk import FakeZendesk
from small_desk import REPOSITORY, desk_settings, make, write_config
from test_intercom_conversations import CONVERSATIONS
from test_intercom_conversations import fill as converse

from opsla_dagster.sources.intercom.load import load_intercom
from opsla_dagster.sources.zendesk.load import load_zendesk
from opsla_dagster.window import Window

#: How a withdrawn promise ends a clock is the engine's (tests/sql/staging/sla_clock_windows).
UNWITHDRAWN = [conversation for conversation in CONVERSATIONS if all(target[3] is not None for target in conversation.targets or ())]
WHICH_TARGET = 1 + [conversation.why for conversation in UNWITHDRAWN].index("which target was missed, and when, is told by a part")


def test_loaded_accounts_go_through_a_run(zendesk: FakeZendesk, intercom: FakeIntercom, tmp_path: Path) -> None:
    zendesk.page_size = 100
    fill(zendesk, 12, first=20)
    worked_case(zendesk)
    account = zendesk_settings(zendesk.address)
    converse(intercom, UNWITHDRAWN)
    chat = intercom_settings(intercom.address, case_id_prefix="c", slice_hours=24 * 31, tier_attribute="Plan", bots=["Sam"])
    sources = {
        "desk": DESK.model_dump(),
        "sources": [each.model_dump(exclude={"subdomain"}, exclude_none=True, mode="json") for each in (account, chat)],
    }
    config = write_config(tmp_path / "config", sources)
    shutil.copy(REPOSITORY / "examples" / "helpdesk" / "quality_gates.yml", config / "quality_gates.yml")
    settings = desk_settings(tmp_path, cases=1, config=config)
    load_zendesk(account, DESK, settings.home)
    load_intercom(chat, DESK, settings.home)

    make(settings, [Window(date(2025, 7, 1), date(2025, 8, 1))], datetime(2025, 12, 1))

    with duckdb.connect(str(settings.home.warehouse), read_only=True) as warehouse:
        ((cases, resolved),) = warehouse.execute(
            "select count(*), count(source_resolved_ts) from raw.cases where source = 'acme'"
        ).fetchall()
        promised = warehouse.execute(
            "select metric, elapsed_seconds, outcome from staging.sla_clocks "
            "where source = 'chat' and policy = 'chat:VIP' and case_id = $case and metric <> 'next_reply' order by metric",
            {"case": f"c{WHICH_TARGET}"},
        ).fetchall()
        begun_by = warehouse.execute("select initiated_by, count(*) from raw.cases where source = 'chat' group by all order by all").fetchall()
        facts = warehouse.execute("select count(distinct fact) from raw.source_facts where source = 'chat'").fetchone()
    assert (cases, resolved) == (13, 13)
    # Intercom's own promise, on its office hours: those of Dublin, open at noon UTC.
    assert promised == [("first_resolution", 1800, "met")]
    assert begun_by == [("agent", 3), ("automation", 3), ("customer", len(UNWITHDRAWN) - 9)]
    assert facts == (15,)
