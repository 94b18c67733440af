"""What was loaded of a Zendesk account, as a source of cases.

Belongs here: the plan that unfolds its records. Does not belong here: loading them. Rules: docs/decisions/0016-ticket-systems.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa

from opsla_dagster.settings.calendars import Calendar
from opsla_dagster.settings.home import Home
from opsla_dagster.settings.sources import DeskSettings
from opsla_dagster.settings.tickets import ZendeskSettings
from opsla_dagster.sources.bronze.files import has_table
from opsla_dagster.sources.bronze.snapshot import Plan, create_table
from opsla_dagster.sources.bronze.source import TicketSource
from opsla_dagster.sources.zendesk.schedules import schedules_as_calendars
from opsla_dagster.status import Status

_METRIC = """canonical_metric(metric, instance) as case
    when metric = 'reply_time' and instance = 1 then 'first_reply'
    when metric = 'reply_time' then 'next_reply'
    when metric = 'agent_work_time' then 'agent_work'
    when metric = 'requester_wait_time' then 'requester_wait'
    when metric = 'periodic_update_time' then 'periodic_update'
    when metric = 'pausable_update_time' then 'pausable_update'
    when metric = 'resolution_time' then 'total_resolution'
end"""
#: The first reply is no next one: the second instance of reply_time is the first cycle of next_reply.
_CYCLE = "canonical_cycle(metric, instance) as case when metric = 'reply_time' and instance > 1 then instance - 1 else instance end"

PLAN = Plan(
    Path(__file__).parent / "sql",
    selects=[
        "tickets", "metric_events", "history", "faults", "used_cases", "agents", "names", "attribute_changes", "attributes",
        "status_changes", "comments", "promises", "judgements", "facts", "rejected",
    ],
    landed=["tickets", "ticket_events", "metric_events", "metric_sets", "agents", "groups", "brands", "organizations", "schedules"],
    macros=[_METRIC, _CYCLE],
)

#: Field -> (attribute, where its numbers have names).
_ATTRIBUTES: list[tuple[str, str, str | None]] = [
    ("priority", "priority", None), ("group_id", "team", "groups"), ("assignee_id", "agent", None), ("brand_id", "brand", "brands"),
    ("organization_id", "customer", "organizations"), ("tags", "tags", None), ("via", "channel", None),
]
_REGIONS: dict[str, tuple[str, str]] = {
    "brand": ("brand_id", "brands"), "group": ("group_id", "groups"), "organization": ("organization_id", "organizations"),
}


class ZendeskSource(TicketSource):
    """A Zendesk account."""

    required = ("tickets", "ticket_events", "metric_events")

    def __init__(self, settings: ZendeskSettings, desk: DeskSettings, home: Home) -> None:
        super().__init__(settings, desk, home, PLAN)
        self._settings = settings

    def statuses(self) -> Mapping[str, Status]:
        """The statuses of sources.yml over the usual ones."""
        return self._settings.all_statuses

    def read_calendars(self, connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, Calendar]]:
        """The account's schedules with their holidays."""
        if not has_table(connection, "schedules"):
            return {}
        payloads = connection.execute("select cast(payload as varchar) from bronze.schedules").fetchall()
        return schedules_as_calendars(self.name, [payload for (payload,) in payloads])

    def prepare(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Which field of a ticket is which attribute of a case."""
        rows = [{"field": field, "attribute": attribute, "kind": kind} for field, attribute, kind in self._attributes()]
        names = pa.schema([("field", pa.string()), ("attribute", pa.string()), ("kind", pa.string())])
        create_table(connection, "field_attributes", pa.Table.from_pylist(rows, names))

    def _attributes(self) -> list[tuple[str, str, str | None]]:
        attributes = [*_ATTRIBUTES, (self._settings.case_type_field or "type", "case_type", None)]
        if self._settings.tier_field:
            attributes.append((self._settings.tier_field, "tier", None))
        region = self._settings.region_from
        if region is not None:
            field, kind = _REGIONS.get(region, (region, None))
            attributes.append((field, "region", kind))
        return attributes
