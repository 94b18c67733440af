"""An audit log beside a status log: the changes of another source's cases.

Belongs here: giving each change the intake date of its case, which the other source knows. Does not belong here: reading the audit log (source.py), and
what changes mean. Rules: docs/decisions/0046-ownership.md.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime

import duckdb
import pyarrow as pa

from opsla_dagster.figures import counted
from opsla_dagster.sources.base import ATTRIBUTE_CHANGES, CASES, EVENTS, PARTITION_STATES, STAFFING, FilesRead, Source
from opsla_dagster.sources.event_log.source import EventLogSource
from opsla_dagster.window import Window

#: At one instant the audit log has the last word: its places come behind those of the status log.
_BEHIND = 1_000_000_000
#: All that a log can hold.
_EVER = Window(date(1970, 1, 1), date(2100, 1, 1))


class AuditLogBeside(Source):
    """The changes of fields that `audit` tells of the cases of `main`: no cases and no events of its own.

    A change of a case that `main` does not have is in no table, and every load tells how many there are.
    """

    def __init__(self, audit: EventLogSource, main: EventLogSource) -> None:
        self.name = audit.name
        self._audit = audit
        self._main = main

    def fingerprint(self) -> str:
        return hashlib.sha256(f"{self._audit.fingerprint()} {self._main.fingerprint()}".encode()).hexdigest()[:16]

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

    def rejected_rows(self) -> pa.Table:
        return self._audit.rejected_rows()

    def files_read(self) -> list[FilesRead]:
        return self._audit.files_read()

    def attribute_changes(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema ATTRIBUTE_CHANGES, under the intake dates of the cases in the other source."""
        found = self._with_cases(window, as_of_at, f"""
            select changes.* replace (cases.intake_date as intake_date, changes.source_sequence + {_BEHIND} as source_sequence)
            from changes
            inner join cases using (case_id)
            order by cases.intake_date, changes.case_id, changes.source_sequence, changes.attribute
        """)
        return found.select(ATTRIBUTE_CHANGES.names).cast(ATTRIBUTE_CHANGES)

    def partition_states(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema PARTITION_STATES: no cases and no events; the digest is of the changes."""
        changes = self.attribute_changes(window, as_of_at)
        with duckdb.connect() as connection:
            connection.register("changes", changes)
            found: pa.Table = connection.sql(
                "select source, intake_date, 0::bigint as cases, 0::bigint as events, "
                "md5(string_agg(to_json(changes)::varchar, '' order by case_id, source_sequence, attribute)) as digest "
                "from changes group by source, intake_date order by intake_date"
            ).to_arrow_table()
        return found.select(PARTITION_STATES.names).cast(PARTITION_STATES)

    def reading_notes(self, as_of_at: datetime) -> list[str]:
        notes = self._audit.reading_notes(as_of_at)
        lost, lost_cases = self._unknown(as_of_at)
        if lost:
            notes.append(
                f"warning: {counted(lost, 'change')} of {counted(lost_cases, 'case')} that source {self._main.name} does not have: in no table "
                "(is case_id the same in both, and case_id_prefix?)"
            )
        return notes

    def _unknown(self, as_of_at: datetime) -> tuple[int, int]:
        """Changes of cases that the other source does not have, and how many cases those are."""
        row = self._with_cases(
            _EVER, as_of_at, "select count(*) as changes, count(distinct case_id) as cases from changes where case_id not in (select case_id from cases)"
        ).to_pylist()[0]
        return int(row["changes"]), int(row["cases"])

    def _with_cases(self, window: Window, as_of_at: datetime, select: str) -> pa.Table:
        """`select` over the relations changes and cases: all changes of the audit log, and the other source's cases of the window."""
        with duckdb.connect() as connection:
            connection.register("changes", self._audit.attribute_changes(_EVER, as_of_at))
            connection.register("cases", self._main.cases(window, as_of_at).select(["case_id", "intake_date"]))
            return connection.sql(select).to_arrow_table()
