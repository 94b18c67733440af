"""sla_policies.yml: the promises, as data.

Belongs here: the document, and the clocks as rows of `staging.sla_clock_rules`. Does not belong here: how a clock is
computed (sql/staging/sla_clocks.sql) and when a calendar is open.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pyarrow as pa
from pydantic import AfterValidator, Field, model_validator

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.base import Document, Seconds
from opsla_dagster.settings.calendars import CalendarsSettings
from opsla_dagster.status import Status

SLA_CLOCK_RULES = pa.schema([
    ("clock", pa.string()), ("calendar", pa.string()), ("role", pa.string()), ("status", pa.string()),
    ("target_seconds", pa.int64()),
])

#: Columns of staging.case_sla_metrics are made of these.
REPORTED_CLOCKS = ("sla_b_first_touch", "sla_a_resolution", "sla_a_resolution_paused")


def _each_once(statuses: tuple[Status, ...]) -> tuple[Status, ...]:
    twice = {status for status in statuses if statuses.count(status) > 1}
    if twice:
        raise ValueError(f"{min(twice)} is listed twice")
    return statuses


Statuses = Annotated[tuple[Status, ...], AfterValidator(_each_once)]
Boundary = Annotated[Statuses, Field(min_length=1)]


class Clock(Document):
    """One promise; `target` in open seconds of `calendar`."""

    title: str
    variant: str | None = None
    calendar: str
    start: Boundary
    stop: Boundary
    pause: Statuses = ()
    target: Annotated[Seconds, Field(gt=0)]

    @model_validator(mode="after")
    def _one_role_each(self) -> Clock:
        for status in self.start:
            if status in self.stop or status in self.pause:
                raise ValueError(f"{status} both starts and ends or pauses the clock; give it one role")
        for status in self.pause:
            if status in self.stop:
                raise ValueError(f"{status} both pauses and stops the clock; give it one role")
        if Status.INTAKE in self.stop:
            raise ValueError("stop: every case begins with INTAKE, so a clock cannot stop there")
        return self


class SlaPoliciesSettings(Document):
    """The whole of sla_policies.yml."""

    clocks: Annotated[dict[str, Clock], Field(min_length=1)]


def require_reported_clocks(policies: SlaPoliciesSettings, path: Path) -> None:
    """Raises OpslaError when a clock is missing that columns of staging.case_sla_metrics are made of."""
    missing = [name for name in REPORTED_CLOCKS if name not in policies.clocks]
    if missing:
        raise OpslaError(
            f"{path}: clocks: {', '.join(missing)} must be there, since columns of staging.case_sla_metrics are made of it; "
            f"found {', '.join(policies.clocks)}"
        )


def sla_clock_rules(policies: SlaPoliciesSettings, calendars: CalendarsSettings) -> pa.Table:
    """`staging.sla_clock_rules`: one row a clock, role and status, in the order of SLA_CLOCK_RULES.

    Raises OpslaError when a clock counts on a calendar that calendars.yml does not have.
    """
    rows = []
    for name, clock in policies.clocks.items():
        if clock.calendar not in calendars.calendars:
            raise OpslaError(
                f"sla_policies.yml: clocks.{name}.calendar: calendars.yml has no calendar {clock.calendar!r}; "
                f"known: {', '.join(calendars.calendars)}"
            )
        roles = (("start", clock.start), ("stop", clock.stop), ("pause", clock.pause))
        rows += [
            {"clock": name, "calendar": clock.calendar, "role": role, "status": status.value,
             "target_seconds": clock.target}
            for role, statuses in roles
            for status in statuses
        ]
    return pa.Table.from_pylist(rows, schema=SLA_CLOCK_RULES)
