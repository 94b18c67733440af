"""What a page is made from: one generation, one cursor on it, and the state of the address.

Belongs here: reading the SELECTs of queries/, and what every page asks for. Does not belong here: what a page says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from opsla_dagster.center.address import RefusedAddress, State
from opsla_dagster.center.model import Row
from opsla_dagster.center.publication import NothingPublishedError, Publication
from opsla_dagster.reporting.headline import headline
from opsla_dagster.reporting.marts import rows
from opsla_dagster.reporting.run_summary import Headline, RunSummary, latest_run_summary
from opsla_dagster.reporting.unloaded import unloaded_dates
from opsla_dagster.settings import Settings
from opsla_dagster.settings.case_links import case_link
from opsla_dagster.settings.tickets import ZendeskSettings
from opsla_dagster.warehouse.at_instant import NOW_OF, sql_at
from opsla_dagster.warehouse.sql import load_sql

#: The open cases of the instant shown, of this request alone.
_CASES_AT = "cases_at_the_instant"
#: What fell due by the instant, which budgets and their burn are both of.
_DUE_AT = "due_clocks_at_the_instant"
#: What a page asks for at its instant; all else is over everything loaded, or has dates of its own.
_ASKED_AT = ("mart.backlog_now", "mart.clock_now", "mart.queue_health", "mart.error_budget", "mart.burn_rates", "mart.active_escalations")
QUERIES = Path(__file__).with_name("queries")
_ZENDESK_LINK = "{address}/agent/tickets/{{case_id}}"


@dataclass
class View:
    """One request's look at one generation."""

    publication: Publication
    connection: duckdb.DuckDBPyConnection
    state: State
    _has_cases_at: bool = False
    _has_due_at: bool = False

    @property
    def settings(self) -> Settings:
        return self.publication.settings

    @property
    def zone(self) -> str:
        """The desk's."""
        return self.settings.sources.desk.timezone

    def has(self, *tables: str) -> bool:
        """Whether these tables are published."""
        return self.publication.relations.issuperset(tables)

    def rows(self, query: str, /, **parameters: Any) -> list[Row]:
        """The rows of the SELECT in queries/<query>.sql; its parameters are bound, never written into it."""
        return self.fetch(load_query(query), parameters)

    def rows_at(self, query: str, /, **parameters: Any) -> list[Row]:
        """The rows of the SELECT at the instant shown: mart.backlog_now, mart.queue_health ... in it stand for that instant."""
        return self._fetch_at(self._at(load_query(query)), parameters)

    def page_at(self, query: str, /, *, limit: int, offset: int, **parameters: Any) -> list[Row]:
        """`limit` rows of such a SELECT, from `offset` on."""
        return self._fetch_at(f"{self._at(load_query(query))} limit $limit offset $offset", {**parameters, "limit": limit, "offset": offset})

    def count_at(self, query: str, /, **parameters: Any) -> int:
        """How many rows such a SELECT has."""
        [row] = self._fetch_at(f"select count(*) as many from ({self._at(load_query(query))})", parameters)
        return int(row["many"])

    @property
    def is_now(self) -> bool:
        """Whether the instant shown is the one that the marts are of."""
        return self.state.at is None or self.state.at == self.now["now_at"]

    def _at(self, sql: str) -> str:
        """The SELECT with what stands for its tables at the instant; as it is, now."""
        if self.is_now:
            return sql
        told = self._tables_at
        if not self._has_cases_at:
            self._fetch_at(f"create temp table {_CASES_AT} as {told['mart.backlog_now']}", {})
            self._has_cases_at = True
        if not self._has_due_at and ("mart.error_budget" in sql or "mart.burn_rates" in sql):
            self._fetch_at(f"create temp table {_DUE_AT} as {told['mart.due_clocks']}", {})
            self._has_due_at = True
        for table in _ASKED_AT:
            place = _CASES_AT if table == "mart.backlog_now" else f"({told[table]})"
            sql = re.sub(rf"\bfrom {re.escape(table)}(?=\s)", "from " + place.replace("\\", r"\\"), sql)
        return sql

    def _fetch_at(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        if self.is_now:
            return self.fetch(sql, parameters)
        offered = {"at": self.at, "start_date": self.local_day(self.at), "end_date": self.local_day(self.at) + timedelta(days=1)}
        return self.fetch(sql, {**{name: value for name, value in offered.items() if re.search(rf"\${name}\b", sql)}, **parameters})

    @property
    def _tables_at(self) -> dict[str, str]:
        """The SELECTs that give these tables at any instant."""

        def told() -> dict[str, str]:
            # The open cases are told once a page: health reads them too.
            places = {"mart.backlog_now": _CASES_AT, "mart.due_clocks": _DUE_AT}
            at = {table: sql_at(NOW_OF[table]) if table in NOW_OF else sql_at(table, places) for table in _ASKED_AT}
            return {**at, "mart.due_clocks": sql_at("mart.due_clocks")}

        found: dict[str, str] = self.publication.once("tables_at", told)
        return found

    @property
    def dimension(self) -> dict[str, str]:
        """dimension and dimension_value of the queue of the address: all without one."""
        queue = self.require_queue()
        return {"dimension": "all", "dimension_value": "all"} if queue is None else {"dimension": "queue", "dimension_value": queue}

    def row(self, query: str, /, **parameters: Any) -> Row:
        """The one row of such a SELECT."""
        [row] = self.rows(query, **parameters)
        return row

    def fetch(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        return rows(self.connection, sql, parameters=parameters)

    @cached_property
    def now(self) -> Row:
        """The instant that is shown unless the address asks for another: now_at, now_reason, first_intake_date."""

        def known() -> Row:
            found = self.rows("now")
            if not found:
                raise NothingPublishedError(f"{self.settings.home.root}: no case is loaded yet")
            return found[0]

        now: Row = self.publication.once("now", known)
        return now

    @property
    def at(self) -> datetime:
        """The instant shown (UTC, naive)."""
        now_at: datetime = self.now["now_at"]
        return self.state.at or now_at

    def require_instant(self) -> None:
        """Raises RefusedAddress for an instant of which nothing is known."""
        at, until = self.state.at, self.now["known_until_at"]
        if at is not None and at > until:
            raise RefusedAddress(f"at={at:%Y-%m-%dT%H:%M}Z: lies after {until:%Y-%m-%dT%H:%M}Z, up to which the desk is known; leave it out to see it now")
        first = self.now["first_intake_date"]
        if at is not None and at.date() < first - timedelta(days=1):
            raise RefusedAddress(f"at={at:%Y-%m-%dT%H:%M}Z: lies before the first intake date that is loaded, {first}")

    @property
    def last_whole_day(self) -> date:
        """The last date of the desk that was over at the instant shown; figures of later dates would include what happened after it."""
        return self.local_day(self.at) - timedelta(days=1)

    @property
    def next_business_day_ends_at(self) -> datetime | None:
        """When the desk's next business day after the date of the instant shown is over (UTC, naive); None where its calendar has none soon."""
        found: datetime | None = self.row("next_business_day", today=self.local_day(self.at))["ends_at"]
        return found

    @property
    def unloaded(self) -> str:
        """What a reader has to know of intake dates that are not loaded; empty where all between the first and the last are."""
        told: str = self.publication.once("unloaded", lambda: unloaded_dates(self.connection))
        return told

    def local_day(self, at: datetime) -> date:
        """The desk's date of an instant."""
        return at.replace(tzinfo=UTC).astimezone(ZoneInfo(self.zone)).date()

    @property
    def case_values(self) -> dict[str, list[str]]:
        """The values that cases can be chosen by: priority, tier, case_type."""

        def found() -> dict[str, list[str]]:
            values: dict[str, list[str]] = {"priority": [], "tier": [], "case_type": []}
            for row in self.rows("case_values"):
                values[row["attribute"]].append(row["value"])
            return values

        known: dict[str, list[str]] = self.publication.once("case_values", found)
        return known

    @cached_property
    def metrics(self) -> list[str]:
        """The metrics that a clock is of."""
        return sorted({row["metric"] for row in self.promised})

    @cached_property
    def policies(self) -> list[str]:
        """The policies that a clock is of."""
        return sorted({row["policy"] for row in self.promised})

    @property
    def _told(self) -> Row:
        told: Row = self.publication.once("told", lambda: self.row("told"))
        return told

    @property
    def told_dimensions(self) -> list[str]:
        """The dimensions that some source provides: of queue, priority, tier, region, brand, channel."""
        return [name for name in ("queue", "priority", "tier", "region", "brand", "channel") if self._told[f"is_{name}_told"]]

    @property
    def is_status_told(self) -> bool:
        """Whether some source provides what a case waits for."""
        return bool(self._told["is_status_told"])

    @cached_property
    def promised(self) -> list[Row]:
        """The policies and metrics that a clock is of."""
        found: list[Row] = self.publication.once(
            "promised", lambda: self.fetch("select distinct policy, metric from mart.sla_overview order by policy, metric", {})
        )
        return found

    @cached_property
    def headline(self) -> Headline:
        """The headline of the published marts, as the report has it."""
        found: Headline = self.publication.once("headline", lambda: headline(self.connection, self.settings))
        return found

    @cached_property
    def run(self) -> RunSummary | None:
        """The latest run of the home; None where no summary was written."""
        return latest_run_summary(self.settings.home.reports / "run_summaries")

    @cached_property
    def queues(self) -> list[str]:
        """The queues that cases were ever in, by name; cases without one are in `none`."""
        found: list[str] = self.publication.once("queues", lambda: [row["queue"] for row in self.rows("queues")])
        return found

    def require_queue(self) -> str | None:
        """The queue of the address. Raises RefusedAddress for one that no case is of."""
        queue = self.state.queue
        if queue is not None and queue not in self.queues:
            raise RefusedAddress(f"queue={queue}: no case was ever in this queue; the queues are: {', '.join(self.queues[:20])}", 404)
        return queue

    def ticket_url(self, source: str, case_id: str) -> str | None:
        """Where the case is in its ticket system, by sources.yml; None where that does not say."""
        found = _links(self.settings).get(source)
        return case_link(found[0], case_id, found[1]) if found else None


def _links(settings: Settings) -> dict[str, tuple[str, str]]:
    """Source -> its template and the prefix of its ids."""
    links = {}
    for source in settings.sources.sources:
        template = source.case_link
        if template is None and isinstance(source, ZendeskSettings) and source.subdomain:
            template = _ZENDESK_LINK.format(address=source.address)
        if template is not None:
            links[source.name] = (template, getattr(source, "case_id_prefix", ""))
    return links


@cache
def load_query(name: str) -> str:
    """The one SELECT of queries/<name>.sql."""
    return load_sql(QUERIES / f"{name}.sql")
