"""A loaded account goes through a whole run: every table, every check."""

from __future__ import annotations

import shutil
from datetime import date, datetime
from pathlib import Path

import duckdb
from accounts import DESK, zendesk_settings
from desks import fill, worked_case
from fake_zendesk import FakeZendesk

from opsla_dagster.sources.zendesk.load import load_zendesk
from opsla_dagster.window import Window
from tests.integration.small_desk import REPOSITORY, desk_settings, make, write_config


def test_a_loaded_account_goes_through_a_run(zendesk: FakeZendesk, tmp_path: Path) -> None:
    zendesk.page_size = 100
    fill(zendesk, 12, first=20)
    worked_case(zendesk)
    account = zendesk_settings(zendesk.address)
    sources = {"desk": DESK.model_dump(), "sources": [account.model_dump(exclude={"subdomain"}, exclude_none=True, mode="json")]}
    config = write_config(tmp_path / "config", sources)
    shutil.copy(REPOSITORY / "examples" / "helpdesk" / "quality_gates.yml", config / "quality_gates.yml")
    settings = desk_settings(tmp_path, cases=1, config=config)
    load_zendesk(account, DESK, settings.home)

    make(settings, [Window(date(2025, 7, 1), date(2025, 8, 1))], datetime(2025, 12, 1))

    with duckdb.connect(str(settings.home.warehouse), read_only=True) as warehouse:
        ((cases, resolved),) = warehouse.execute(
            "select count(*), count(source_resolved_ts) from raw.cases where source = 'acme'"
        ).fetchall()
    assert (cases, resolved) == (13, 13)
