"""What was loaded of an Intercom workspace, as a source of cases.

Belongs here: the plan that unfolds its records. Does not belong here: loading them. Rules: docs/decisions/0016-ticket-systems.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from opsla_dagster.settings.calendars import Calendar
from opsla_dagster.settings.home import Home
from opsla_dagster.settings.sources import DeskSettings
from opsla_dagster.settings.tickets import IntercomSettings
from opsla_dagster.sources.bronze.files import has_table
from opsla_dagster.sources.bronze.snapshot import Plan, set_variables
from opsla_dagster.sources.bronze.source import TicketSource
from opsla_dagster.sources.intercom.schedules import office_hours_as_calendars
from opsla_dagster.status import Status

_EPOCH_INSTANT = """epoch_instant(seconds) as case
    when try_cast(seconds as bigint) between 0 and 4102444799
        then timestamp '1970-01-01 00:00:00' + to_seconds(try_cast(seconds as bigint))
end"""

PLAN = Plan(
    Path(__file__).parent / "sql",
    selects=[
        "tickets", "parts", "states", "faults", "used_cases", "attribute_changes", "attributes", "status_changes", "comments", "promises",
        "judgements", "rejected",
    ],
    landed=["conversations", "deleted_conversations", "admins", "teams", "office_hours"],
    macros=[_EPOCH_INSTANT],
)


class IntercomSource(TicketSource):
    """An Intercom workspace."""

    required = ("conversations",)

    def __init__(self, settings: IntercomSettings, desk: DeskSettings, home: Home) -> None:
        super().__init__(settings, desk, home, PLAN)
        self._settings = settings

    def statuses(self) -> Mapping[str, Status]:
        """The statuses of sources.yml over the usual ones."""
        return self._settings.all_statuses

    def read_calendars(self, connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, Calendar]]:
        """The workspace's office hours with their exceptions."""
        if not has_table(connection, "office_hours"):
            return {}
        payloads = connection.execute("select cast(payload as varchar) from bronze.office_hours").fetchall()
        return office_hours_as_calendars(self.name, [payload for (payload,) in payloads])

    def prepare(self, connection: duckdb.DuckDBPyConnection) -> None:
        """The names of teams, and which custom attribute of a conversation is which attribute of a case."""
        connection.execute("create temp table teams as select id, payload ->> '$.name' as name from landed_teams")
        set_variables(connection, {
            "tier_attribute": self._settings.tier_attribute,
            "case_type_attribute": self._settings.case_type_attribute,
            "region_from": self._settings.region_from,
            "sla_metric": self._settings.sla_metric,
        })  # fmt: skip
