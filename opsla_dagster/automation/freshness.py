"""Freshness: a missed day shows on what people read.

Belongs here: the policy and where it applies. Does not belong here: the schedule it watches.
"""

from __future__ import annotations

from datetime import timedelta

import dagster as dg

from opsla_dagster.automation.schedule import REFRESH_AT
from opsla_dagster.settings import Settings

#: A refresh that starts at 01:00 has long ended by then.
LATEST_AFTER_START = timedelta(hours=2)


def with_freshness(assets: list[dg.AssetsDefinition], settings: Settings) -> list[dg.AssetsDefinition]:
    """Every asset of a day is to be refreshed between the schedule's start and two hours later, each day."""
    policy = dg.FreshnessPolicy.cron(
        deadline_cron=f"0 {REFRESH_AT.hour + int(LATEST_AFTER_START.total_seconds() // 3600)} * * *",
        lower_bound_delta=LATEST_AFTER_START,
        timezone=settings.sources.desk.timezone,
    )
    return [asset.map_asset_specs(lambda spec: dg.apply_freshness_policy(spec, policy)) for asset in assets]
