"""What a log tells of the cases of another source: the road of all such logs, and that of an audit log beside a status log.

Belongs here: giving each change the intake date of its case, which the other source knows. Does not belong here: reading the log (source.py), links
(links_beside.py), and what changes mean. Rules: docs/decisions/0046-ownership.md.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from datetime import date, datetime
from typing import ClassVar

import duckdb
import pyarrow as pa

from opsla_dagster.figures import counted
from opsla_dagster.sources.base import ATTRIBUTE_CHANGES, CASES, EVENTS, PARTITION_STATES, STAFFING, FilesRead, Source
from opsla_dagster.sources.event_log.source import EventLogSource
from opsla_dagster.window import Window

#: At one instant the audit log has the last word: its places come behind those of the status log.
_BEHIND = 1_000_000_000
#: All that a log can hold.
EVER = Window(date(1970, 1, 1), date(2100, 1, 1))


class Beside(Source):
    """What `log` tells of the cases of `main`: no cases and no events of its own.

    `identity` is what else its rows depend on.
    """

    #: What the log tells, as SELECTs call it, and the columns that order it within a date.
    relation: ClassVar[str]
    order: ClassVar[str]

    def __init__(self, log: EventLogSource, main: Source, *identity: str) -> None:
        self.name = log.name
        self._log = log
        self._main = main
        self._identity = identity

    @abstractmethod
    def _told(self, as_of_at: datetime) -> pa.Table:
        """All that the log tells, of whatever case."""

    @abstractmethod
    def _told_of_cases(self, window: Window, as_of_at: datetime) -> pa.Table:
        """What it tells of the cases of the window, under their intake dates."""

    def fingerprint(self) -> str:
        """Identity of the mapping, and of that of the cases, whose intake dates the rows have."""
        return hashlib.sha256(" ".join((self._log.fingerprint(), self._main.fingerprint(), *self._identity)).encode()).hexdigest()[:16]

    def window(self, as_of_at: datetime | None = None) -> Window:
        return self._main.window(as_of_at)

    def cases(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema CASES, without rows: they are the other source's."""
        return CASES.empty_table()

    def events(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema EVENTS, without rows."""
        return EVENTS.empty_table()

    def staffing(self, window: Window) -> pa.Table:
        return STAFFING.empty_table()

    def rejected_rows(self) -> pa.Table:
        return self._log.rejected_rows()

    def files_read(self) -> list[FilesRead]:
        return self._log.files_read()

    def partition_states(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema PARTITION_STATES: no cases and no events; the digest is of what is told."""
        with duckdb.connect() as connection:
            connection.register("told", self._told_of_cases(window, as_of_at))
            found: pa.Table = connection.sql(
                "select source, intake_date, 0::bigint as cases, 0::bigint as events, "
                f"md5(string_agg(to_json(told)::varchar, '' order by {self.order})) as digest "
                "from told group by source, intake_date order by intake_date"
            ).to_arrow_table()
        return found.select(PARTITION_STATES.names).cast(PARTITION_STATES)

    def _asked(self, window: Window, as_of_at: datetime, select: str) -> pa.Table:
        """`select`, which may name $as_of_at, over `relation` and cases: all that the log tells, and the other source's cases of the window."""
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            connection.register(self.relation, self._told(as_of_at))
            connection.register("cases", self._main.cases(window, as_of_at).select(["case_id", "intake_date"]))
            return connection.sql(select, params={"as_of_at": as_of_at} if "$as_of_at" in select else None).to_arrow_table()


class AuditLogBeside(Beside):
    """The changes of fields that an audit log tells of the cases of another log.

    A change of a case that the other one does not have is in no table, and every load tells how many there are.
    """

    relation = "changes"
    order = "case_id, source_sequence, attribute"

    def _told(self, as_of_at: datetime) -> pa.Table:
        return self._log.attribute_changes(EVER, as_of_at)

    def _told_of_cases(self, window: Window, as_of_at: datetime) -> pa.Table:
        return self.attribute_changes(window, as_of_at)

    def attribute_changes(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema ATTRIBUTE_CHANGES, under the intake dates of the cases in the other source."""
        found = self._asked(window, as_of_at, f"""
            select changes.* replace (cases.intake_date as intake_date, changes.source_sequence + {_BEHIND} as source_sequence)
            from changes
            inner join cases using (case_id)
            order by cases.intake_date, changes.case_id, changes.source_sequence, changes.attribute
        """)
        return found.select(ATTRIBUTE_CHANGES.names).cast(ATTRIBUTE_CHANGES)

    def reading_notes(self, as_of_at: datetime) -> list[str]:
        notes = self._log.reading_notes(as_of_at)
        lost, lost_cases = self._unknown(as_of_at)
        if lost:
            notes.append(
                f"warning: {counted(lost, 'change')} of {counted(lost_cases, 'case')} that source {self._main.name} does not have: in no table "
                "(is case_id the same in both, and case_id_prefix?)"
            )
        return notes

    def _unknown(self, as_of_at: datetime) -> tuple[int, int]:
        """Changes of cases that the other source does not have, and how many cases those are."""
        row = self._asked(
            EVER, as_of_at, "select count(*) as changes, count(distinct case_id) as cases from changes where case_id not in (select case_id from cases)"
        ).to_pylist()[0]
        return int(row["changes"]), int(row["cases"])
