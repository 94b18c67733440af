"""A file of links beside the source that has the cases.

Belongs here: giving each link the intake date of its case, which the other source knows, and refusing those of a case that it does not have. Does not belong
here: reading the file (source.py), and what the linked ticket is. Rules: docs/decisions/0048-links-between-cases.md.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime

import duckdb
import pyarrow as pa

from opsla_dagster.figures import counted
from opsla_dagster.sources.base import (
    CASE_LINKS,
    CASES,
    EVENTS,
    PARTITION_STATES,
    REJECTED_ROWS,
    STAFFING,
    FilesRead,
    Source,
)
from opsla_dagster.sources.event_log.source import EventLogSource
from opsla_dagster.warehouse.sql import literal
from opsla_dagster.window import Window

#: All that a source can hold, whenever it was known.
_EVER, _AT_LAST = Window(date(1970, 1, 1), date(2100, 1, 1)), datetime(2100, 1, 1)


class LinksBeside(Source):
    """The links that `links` tells of the cases of `main`: no cases and no events of its own.

    A linked case need not be there: it may be a ticket of a system that nobody loads. A link of a case that `main` does not have has no intake date,
    so it is a rejected row. `linked_prefix` stands before the ids of the linked cases in the warehouse.
    """

    def __init__(self, links: EventLogSource, main: Source, linked_prefix: str = "") -> None:
        self.name = links.name
        self._links = links
        self._main = main
        self._linked_prefix = linked_prefix

    def fingerprint(self) -> str:
        """Identity of the mapping, and of that of the cases, whose intake dates the links have."""
        return hashlib.sha256(f"{self._links.fingerprint()} {self._main.fingerprint()} {self._linked_prefix}".encode()).hexdigest()[:16]

    def window(self) -> Window:
        return self._main.window()

    def cases(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema CASES, without rows: they are the other source's."""
        return CASES.empty_table()

    def events(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema EVENTS, without rows."""
        return EVENTS.empty_table()

    def staffing(self, window: Window) -> pa.Table:
        return STAFFING.empty_table()

    def files_read(self) -> list[FilesRead]:
        return self._links.files_read()

    def case_links(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema CASE_LINKS, under the intake dates of the cases in the other source; what several records tell of one link is one row."""
        found = self._asked(
            window, as_of_at,
            f"""
            select
                {literal(self.name)} as source, links.case_id, cases.intake_date, {literal(self._linked_prefix)} || links.linked_id as linked_case_id,
                links.link_kind, min(links.source_kind) as source_link_kind, min(links.linked_ts) as linked_ts,
                case when bool_and(coalesce(links.unlinked_ts <= $as_of_at, false)) then max(links.unlinked_ts) end as unlinked_ts
            from links
            inner join cases using (case_id)
            where links.linked_ts is null or links.linked_ts <= $as_of_at
            group by all
            order by cases.intake_date, links.case_id, linked_case_id, link_kind
            """,
        )
        return found.select(CASE_LINKS.names).cast(CASE_LINKS)

    def partition_states(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema PARTITION_STATES: no cases and no events; the digest is of the links."""
        links = self.case_links(window, as_of_at)
        with duckdb.connect() as connection:
            connection.register("links", links)
            found: pa.Table = connection.sql(
                "select source, intake_date, 0::bigint as cases, 0::bigint as events, "
                "md5(string_agg(to_json(links)::varchar, '' order by case_id, linked_case_id, link_kind)) as digest "
                "from links group by source, intake_date order by intake_date"
            ).to_arrow_table()
        return found.select(PARTITION_STATES.names).cast(PARTITION_STATES)

    def rejected_rows(self) -> pa.Table:
        """Schema REJECTED_ROWS: records that cannot be read, and those whose case the other source does not have."""
        rejected = self._links.rejected_rows()
        reason = f"no usable case of source {self._main.name} has this id, so the link has no intake date (is it the same id in both, and case_id_prefix?)"
        unknown = self._asked(
            _EVER, _AT_LAST,
            f"""
            select
                {literal(self.name)} as source, file, row_number, case_id, cast(null as date) as record_date, 'case_id' as field, {literal(reason)} as reason, record,
                {self._links.counts().rows} as source_rows
            from links
            anti join cases using (case_id)
            where $as_of_at is not null
            order by file, row_number
            """,
        )
        return pa.concat_tables([rejected, unknown.select(REJECTED_ROWS.names).cast(REJECTED_ROWS)])

    def reading_notes(self, as_of_at: datetime) -> list[str]:
        """The counts, links whose case is not there, those to what is not loaded, and those that do not count yet."""
        counts, rejected = self._links.counts(), self.rejected_rows().num_rows
        where = " (raw.rejected_rows)" if rejected else ""
        notes = [f"{counted(counts.rows, 'record')} read, {counts.rows - rejected - counts.ignored_rows:,} used, {rejected:,} rejected{where}"]
        if counts.ignored_rows:
            notes[0] += f", {counts.ignored_rows:,} ignored (kinds: IGNORE)"
        lost = rejected - counts.rejected_rows
        if lost:
            notes.append(f"warning: {counted(lost, 'link')} of cases that source {self._main.name} does not have: rejected (is case_id the same in both, and case_id_prefix?)")
        ((waiting,),) = self._rows("select count(*) from links where linked_ts > $as_of_at", as_of_at)
        if waiting:
            notes.append(f"{counted(waiting, 'link')} made after {as_of_at:%Y-%m-%d %H:%M} UTC: in no table until that time has come")
        return notes

    def _rows(self, select: str, as_of_at: datetime) -> list[tuple[int, ...]]:
        return [tuple(row.values()) for row in self._asked(_EVER, as_of_at, select).to_pylist()]

    def _asked(self, window: Window, as_of_at: datetime, select: str) -> pa.Table:
        """`select` over the relations links and cases: all links of the file, and the other source's cases of the window."""
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            connection.register("links", self._links.links())
            connection.register("cases", self._main.cases(window, as_of_at).select(["case_id", "intake_date"]))
            return connection.sql(select, params={"as_of_at": as_of_at}).to_arrow_table()
