"""What the tests of ticket systems share: settings, homes, and what a bronze file holds."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from opsla_dagster.settings.home import Home
from opsla_dagster.settings.sources import DeskSettings
from opsla_dagster.settings.tickets import IntercomSettings, ZendeskSettings
from opsla_dagster.window import Window

DESK = DeskSettings(timezone="America/New_York", start_date=date(2025, 6, 1))
KEY = "a key that nobody else has"
ALL = Window(date(2025, 6, 1), date(2026, 6, 1))
LATER = datetime(2026, 6, 1)


def zendesk_settings(address: str, name: str = "acme", **more: Any) -> ZendeskSettings:
    return ZendeskSettings.model_validate({
        "type": "zendesk", "name": name, "base_url": address, "email_variable": "ZD_EMAIL", "token_variable": "ZD_TOKEN",
        "pseudonym_key_variable": "OPSLA_KEY", "slice_pages": 10, "tier_field": 360001, **more,
    })


def intercom_settings(address: str, name: str = "chat", **more: Any) -> IntercomSettings:
    return IntercomSettings.model_validate({
        "type": "intercom", "name": name, "base_url": address, "token_variable": "IC_TOKEN", "pseudonym_key_variable": "OPSLA_KEY",
        "slice_hours": 24, **more,
    })


def home_in(directory: Path) -> Home:
    return Home(directory / "home")


def landed(home: Home, account: str, table: str) -> dict[str, str]:
    """Id -> payload, and that no id is there twice."""
    with duckdb.connect(str(home.bronze / f"{account}.duckdb"), read_only=True) as connection:
        rows = connection.execute(f"select id, cast(payload as varchar) from bronze.{table}").fetchall()
    assert len({number for number, _ in rows}) == len(rows), f"{table}: an id is there twice"
    return dict(rows)


def everything(home: Home, account: str, tables: tuple[str, ...]) -> dict[str, dict[str, str]]:
    return {table: landed(home, account, table) for table in tables}
