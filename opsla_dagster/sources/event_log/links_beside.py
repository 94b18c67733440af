"""A file of links beside the source that has the cases.

Belongs here: giving each link the intake date of its case, which the other source knows, and refusing those of a case that it does not have. Does not belong
here: reading the file (source.py), and what the linked ticket is. Rules: docs/decisions/0048-links-between-cases.md.
"""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa

from opsla_dagster.figures import counted
from opsla_dagster.sources.base import CASE_LINKS, REJECTED_ROWS, Source
from opsla_dagster.sources.event_log.beside import EVER, Beside
from opsla_dagster.sources.event_log.source import EventLogSource
from opsla_dagster.warehouse.sql import literal
from opsla_dagster.window import Window

#: Behind all that a source knows.
_AT_LAST = datetime(2100, 1, 1)


class LinksBeside(Beside):
    """The links that a file tells of the cases of another source.

    A linked case need not be there: it may be a ticket of a system that nobody loads. A link of a case that the other source does not have has no intake
    date, so it is a rejected row. `linked_prefix` stands before the ids of the linked cases in the warehouse.
    """

    relation = "links"
    order = "case_id, linked_case_id, link_kind"

    def __init__(self, links: EventLogSource, main: Source, linked_prefix: str = "") -> None:
        super().__init__(links, main, linked_prefix)
        self._linked_prefix = linked_prefix

    def _told(self, as_of_at: datetime) -> pa.Table:
        return self._log.links()

    def _told_of_cases(self, window: Window, as_of_at: datetime) -> pa.Table:
        return self.case_links(window, as_of_at)

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

    def rejected_rows(self) -> pa.Table:
        """Schema REJECTED_ROWS: records that cannot be read, and those whose case the other source does not have."""
        rejected = super().rejected_rows()
        reason = f"no usable case of source {self._main.name} has this id, so the link has no intake date (is it the same id in both, and case_id_prefix?)"
        unknown = self._asked(
            EVER, _AT_LAST,
            f"""
            select
                {literal(self.name)} as source, 'links' as resource, file, row_number, case_id, cast(null as date) as record_date, 'case_id' as field, {literal(reason)} as reason, record,
                {self._log.counts().rows} as source_rows, false as is_clock_relevant
            from links
            anti join cases using (case_id)
            order by file, row_number
            """,
        )
        return pa.concat_tables([rejected, unknown.select(REJECTED_ROWS.names).cast(REJECTED_ROWS)])

    def reading_notes(self, as_of_at: datetime) -> list[str]:
        """The counts, links whose case is not there, those to what is not loaded, and those that do not count yet."""
        counts, rejected = self._log.counts(), self.rejected_rows().num_rows
        where = " (raw.rejected_rows)" if rejected else ""
        notes = [f"{counted(counts.rows, 'record')} read, {counts.rows - rejected - counts.ignored_rows:,} used, {rejected:,} rejected{where}"]
        if counts.ignored_rows:
            notes[0] += f", {counts.ignored_rows:,} ignored (kinds: IGNORE)"
        lost = rejected - counts.rejected_rows
        if lost:
            notes.append(f"warning: {counted(lost, 'link')} of cases that source {self._main.name} does not have: rejected (is case_id the same in both, and case_id_prefix?)")
        waiting = self._asked(EVER, as_of_at, "select count(*) as links from links where linked_ts > $as_of_at").to_pylist()[0]["links"]
        if waiting:
            notes.append(f"{counted(waiting, 'link')} made after {as_of_at:%Y-%m-%d %H:%M} UTC: in no table until that time has come")
        return notes
