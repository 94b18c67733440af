"""What was loaded of a Zendesk account, as a source of cases.

Belongs here: the plan that unfolds its records. Does not belong here: loading them. Rules: docs/decisions/0016-ticket-systems.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from opsla_dagster.settings.calendars import Calendar
from opsla_dagster.settings.home import Home
from opsla_dagster.settings.sla_policies import DIMENSION
from opsla_dagster.settings.sources import DeskSettings
from opsla_dagster.settings.tickets import ZendeskSettings
from opsla_dagster.sources.bronze.files import has_table, reading
from opsla_dagster.sources.bronze.snapshot import Plan, create_table, set_variables
from opsla_dagster.sources.bronze.source import TicketSource
from opsla_dagster.sources.zendesk.advanced import settings_told
from opsla_dagster.sources.zendesk.schedules import Version, versions_as_calendars
from opsla_dagster.status import Status

_METRIC = """canonical_metric(metric, instance) as case
    when metric = 'reply_time' and instance = 1 then 'first_reply'
    when metric = 'reply_time' then 'next_reply'
    when metric = 'agent_work_time' then 'agent_work'
    when metric = 'requester_wait_time' then 'requester_wait'
    when metric = 'periodic_update_time' then 'periodic_update'
    when metric = 'pausable_update_time' then 'pausable_update'
    when metric = 'resolution_time' then 'total_resolution'
    when metric = 'group_ownership_time' then 'group_ownership'
end"""
#: The first reply is no next one: the second instance of reply_time is the first cycle of next_reply.
_CYCLE = "canonical_cycle(metric, instance) as case when metric = 'reply_time' and instance > 1 then instance - 1 else instance end"

PLAN = Plan(
    Path(__file__).parent / "sql",
    selects=[
        "tickets", "metric_events", "history", "faults", "agents", "openings", "merges", "used_cases", "names", "ticket_schedules",
        "attribute_changes", "attributes", "status_changes", "comments", "applications", "promises", "judgements", "facts", "case_links", "rejected",
    ],
    landed=[
        "tickets", "ticket_events", "metric_events", "metric_sets", "agents", "groups", "brands", "organizations", "ticket_forms",
        "custom_statuses",
    ],
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


_DIMENSION_FIELDS = pa.schema([("dimension", pa.string()), ("kind", pa.string()), ("field", pa.string())])
_VERSIONS = pa.schema([
    ("schedule_id", pa.string()), ("calendar", pa.string()), ("known_from", pa.timestamp("us")), ("known_to", pa.timestamp("us")),
    ("is_default", pa.bool_()),
])


class ZendeskSource(TicketSource):
    """A Zendesk account."""

    required = ("tickets", "ticket_events", "metric_events")

    def __init__(self, settings: ZendeskSettings, desk: DeskSettings, home: Home) -> None:
        super().__init__(settings, desk, home, PLAN)
        self._settings = settings
        self._versions: list[Version] = []

    def statuses(self) -> Mapping[str, Status]:
        """The statuses of sources.yml over the usual ones."""
        return self._settings.all_statuses

    def read_calendars(self, connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, Calendar]]:
        """The account's schedules with their holidays, and behind them the hours that they had before."""
        table = "schedule_versions" if has_table(connection, "schedule_versions") else "schedules"
        records = [{"schedule_id": record["id"], "number": 1, **record} for record in _payloads(connection, table)]
        calendars, self._versions = versions_as_calendars(self.name, records)
        return calendars

    def reading_notes(self, as_of_at: datetime) -> list[str]:
        """Advanced settings of the account's SLA policies, how many of its agents count as bots, and what was loaded without a dimension."""
        with reading(self.name, self._bronze) as connection:
            policies, agents = (_payloads(connection, table) for table in ("sla_policies", "agents"))
            unstored = self._loaded_without_their_dimension(connection)
        bots = sum(agent.get("is_bot") is True for agent in agents)
        counted = f"{bots} of {len(agents)} agents {'counts as a bot' if bots == 1 else 'count as bots'}: what they write is no reply (`bots` in sources.yml)"
        return [*settings_told(policies), *([counted] if bots else []), *unstored]

    def _loaded_without_their_dimension(self, connection: duckdb.DuckDBPyConnection) -> list[str]:
        """A field that was named after the first load is missing where nothing changed since: its cases would seem to have no value."""
        notes = []
        for name, kind, field in self._settings.dimension_places:
            if kind == "form" or not has_table(connection, "organizations" if kind == "organization" else "tickets"):
                continue
            table, holder = ("organizations", "organization_fields") if kind == "organization" else ("tickets", "custom_fields")
            told = connection.execute(
                f"select count(*), count(*) filter (where not json_exists(cast(payload as json), $path)) from bronze.{table}",
                {"path": f'$.{holder}."{field}"'},
            ).fetchone()
            total, missing = told or (0, 0)
            if missing:
                notes.append(
                    f"dimension {name}: {missing} of {total} {table} do not have the field {field}, or were loaded before it was named; "
                    "to have it of all of them, load the account into a fresh home"
                )
        return notes

    def prepare(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Which field of a ticket is which attribute of a case, and which hours of a schedule were known when."""
        rows = [{"field": field, "attribute": attribute, "kind": kind} for field, attribute, kind in self._attributes()]
        names = pa.schema([("field", pa.string()), ("attribute", pa.string()), ("kind", pa.string())])
        create_table(connection, "field_attributes", pa.Table.from_pylist(rows, names))
        create_table(connection, "schedule_versions", pa.Table.from_pylist([vars(version) for version in self._versions], _VERSIONS))
        dimensions = [{"dimension": name, "kind": kind, "field": field} for name, kind, field in self._settings.dimension_places]
        create_table(connection, "dimension_fields", pa.Table.from_pylist(dimensions, _DIMENSION_FIELDS))
        set_variables(connection, {"schedule_change": self._settings.schedule_change})

    def _attributes(self) -> list[tuple[str, str, str | None]]:
        attributes = [*_ATTRIBUTES, (self._settings.case_type_field or "type", "case_type", None)]
        if self._settings.tier_field:
            attributes.append((self._settings.tier_field, "tier", None))
        region = self._settings.region_from
        if region is not None:
            field, kind = _REGIONS.get(region, (region, None))
            attributes.append((field, "region", kind))
        for name, kind_of_field, place in self._settings.dimension_places:
            field, kind = {"form": ("ticket_form_id", "ticket_forms"), "organization": (f"organization.{place}", None)}.get(kind_of_field, (place, None))
            attributes.append((field, f"{DIMENSION}{name}", kind))
        return attributes


def _payloads(connection: duckdb.DuckDBPyConnection, table: str) -> list[dict[str, Any]]:
    """The records of a small table of bronze, by id; none where it was never landed."""
    if not has_table(connection, table):
        return []
    return [json.loads(payload) for (payload,) in connection.execute(f"select cast(payload as varchar) from bronze.{table} order by id").fetchall()]
