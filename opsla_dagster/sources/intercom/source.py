"""What was loaded of an Intercom workspace, as a source of cases.

Belongs here: the plan that unfolds its records. Does not belong here: loading them. Rules: docs/decisions/0016-ticket-systems.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from opsla_dagster.settings.calendars import Calendar
from opsla_dagster.settings.home import Home
from opsla_dagster.settings.sla_policies import DIMENSION
from opsla_dagster.settings.sources import DeskSettings
from opsla_dagster.settings.tickets import IntercomSettings
from opsla_dagster.sources.bronze.files import has_table
from opsla_dagster.sources.bronze.snapshot import Plan, create_table, set_variables
from opsla_dagster.sources.bronze.source import TicketSource
from opsla_dagster.sources.intercom.parts import CUSTOMERS, initiators, part_types
from opsla_dagster.sources.intercom.schedules import office_hours_as_calendars
from opsla_dagster.status import Status
from opsla_dagster.warehouse.sql import literal

_EPOCH_INSTANT = """epoch_instant(seconds) as case
    when try_cast(seconds as bigint) between 0 and 4102444799
        then timestamp '1970-01-01 00:00:00' + to_seconds(try_cast(seconds as bigint))
end"""
#: person, bot or customer; NULL where nobody is named.
_AUTHOR_KIND = f"""author_kind(author_type, from_ai_agent, is_ai_answer, is_bot) as case
    when author_type in ({", ".join(map(literal, CUSTOMERS))}) then 'customer'
    when author_type in ('bot', 'team') or (author_type = 'admin' and (coalesce(from_ai_agent, false) or coalesce(is_ai_answer, false) or is_bot)) then 'bot'
    when author_type = 'admin' then 'person'
end"""
_PLAIN_TAGS = r"plain_tags(names) as list_sort(list_distinct(list_transform(names, lambda name: regexp_replace(name, '\s+', '_', 'g'))))"

PLAN = Plan(
    Path(__file__).parent / "sql",
    selects=[
        "bots", "parts", "tickets", "states", "faults", "used_cases", "tags", "attribute_changes", "attributes", "status_changes", "comments",
        "promises", "judgements", "facts", "case_links", "notes", "rejected",
    ],
    landed=["conversations", "deleted_conversations", "admins", "teams", "office_hours"],
    macros=[_EPOCH_INSTANT, _AUTHOR_KIND, _PLAIN_TAGS],
    words={"part_types": part_types, "initiators": initiators},
    kept=["notes"],
)

_DIMENSION_ATTRIBUTES = pa.schema([("dimension", pa.string()), ("name", pa.string())])
_NAMED_ATTRIBUTES = pa.schema([("attribute", pa.string()), ("name", pa.string())])


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

    def reading_notes(self, as_of_at: datetime) -> list[str]:
        """What of the conversations are no cases, and where Intercom's own figures say something else than its parts."""
        return [row["note"] for row in self._table("select note from notes order by note", {}).to_pylist()]

    def prepare(self, connection: duckdb.DuckDBPyConnection) -> None:
        """The names of teams, and which custom attribute of a conversation is which attribute of a case."""
        connection.execute("create temp table teams as select id, payload ->> '$.name' as name from landed_teams")
        set_variables(connection, {
            "region_from": self._settings.region_from,
            "sla_metric": self._settings.sla_metric,
        })  # fmt: skip
        named = {"tier": self._settings.tier_attribute, "case_type": self._settings.case_type_attribute, "region": self._settings.region_from}
        # A team or a company is no attribute, unless a dimension has that very name.
        rows = [
            {"attribute": attribute, "name": name}
            for attribute, name in named.items()
            if name is not None and not (attribute == "region" and name in ("team", "company"))
        ]
        rows += [{"attribute": f"{DIMENSION}{dimension}", "name": name} for dimension, name in self._settings.dimensions.items()]
        create_table(connection, "named_attributes", pa.Table.from_pylist(rows, _NAMED_ATTRIBUTES))
        dimensions = [{"dimension": dimension, "name": name} for dimension, name in self._settings.dimensions.items()]
        create_table(connection, "dimension_attributes", pa.Table.from_pylist(dimensions, _DIMENSION_ATTRIBUTES))
