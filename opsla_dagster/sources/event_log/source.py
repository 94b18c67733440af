"""The event_log source: what of a snapshot is visible, as of an instant, in a window of intake dates.

Belongs here: the `Source` protocol over one snapshot. Does not belong here: reading files, or the mapping.
Rules and worked cases: docs/decisions/0004-event-log-source.md.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, overload

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from opsla_dagster.errors import OpslaError, PassingError
from opsla_dagster.settings.calendars import Calendar
from opsla_dagster.settings.due_dates import DueSettings
from opsla_dagster.settings.sla_policies import DIMENSION, Reopen
from opsla_dagster.settings.sources import DeskSettings, EventLogSettings, dimension_field, due_field
from opsla_dagster.sources.base import (
    APPLIED_TARGETS,
    ATTRIBUTE_CHANGES,
    CASES,
    CHANGING_ATTRIBUTES,
    EVENTS,
    MESSAGES,
    PARTITION_STATES,
    REJECTED_ROWS,
    SOURCE_FACTS,
    STAFFING,
    FilesRead,
    Source,
)
from opsla_dagster.sources.drops.released import Released
from opsla_dagster.sources.event_log.canonical import RETOLD, SourceCounts, clock_relevance, connect
from opsla_dagster.sources.event_log.due import target_seconds
from opsla_dagster.sources.event_log.files import NoSuchFileError, files_of_pattern, find_log_files
from opsla_dagster.sources.event_log.mapping import TEXT_FIELDS
from opsla_dagster.sources.event_log.notes import notes_of
from opsla_dagster.sources.event_log.snapshot import Snapshot, take_snapshot, was_read
from opsla_dagster.status import MESSAGE_SIGNALS, TERMINAL_STATUSES, Status
from opsla_dagster.warehouse.exhaustion import memory_error
from opsla_dagster.warehouse.sql import literal
from opsla_dagster.window import ONE_DAY, Window

#: The policy of promises to single cases; clocks name it <source>:due.
DUE_POLICY = "due"
_MESSAGE_WORDS = ", ".join(literal(signal) for signal in MESSAGE_SIGNALS)
_TERMINAL = ", ".join(literal(status) for status in sorted(TERMINAL_STATUSES))

#: What records tell of a case is taken in the order of instants: a copy at the end of a file tells nothing new.
_TOLD = "row(coalesce(event_ts, ingestion_ts), source_sequence)"

#: An event is visible with its case: both the record and the intake must lie at or before as_of.
_VISIBLE = """
    select *
    from {events}
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and ingestion_ts <= $as_of_at
        and intake_ts <= $as_of_at
        {of_range}
"""

#: A log that tells of no new case for longer than that, and yet goes on, was cut by intake. What little is told after that without anything is mistyped.
_STILL_WHOLE = timedelta(days=7)
#: After that without another intake, the few cases that came in are mistyped.
_STRAY = timedelta(days=183)
#: Little: of fewer cases than that, or than one in a thousand, and less than half of the log. Records half a year after all others are mistyped even where they are of more.
_FEW_CASES = 3

_NOT_YET_VISIBLE = """
    select
        count(*) as records, max(greatest(ingestion_ts, intake_ts)) as latest,
        arg_max(struct_pack(case_id, file_number, row_number), row(greatest(ingestion_ts, intake_ts), source_sequence)) as of_latest
    from {events}
    where greatest(ingestion_ts, intake_ts) > $as_of_at
"""

_STAMPED_AFTER = """
    select count(*) as records, max(event_ts) as latest, arg_max(struct_pack(case_id, file_number, row_number), row(event_ts, source_sequence)) as of_latest
    from {events}
    where greatest(ingestion_ts, intake_ts) <= $as_of_at and event_ts > $as_of_at
"""

_KNOWN = "greatest(ingestion_ts, intake_ts, coalesce(event_ts, ingestion_ts)) <= $as_of_at"

#: The records by the date of the desk that each is stamped with; what is stamped after as_of has not happened.
_DATED = """
    select
        case_id, file_number, row_number, source_sequence, intake_date,
        cast(timezone({zone}, timezone('UTC', coalesce(event_ts, ingestion_ts))) as date) as told_date
    from {events}
    where {known}
"""

#: What the log tells from a date on, and how much that is of all.
_BEYOND = """
    select
        count(distinct case_id) filter ({column} >= {day}) as cases, count(*) filter ({column} >= {day}) as records,
        count(distinct case_id) as all_cases, count(*) as all_records, max({column}) as last,
        arg_max(struct_pack(case_id, file_number, row_number), row({column}, -file_number, -row_number)) as of_last
    from ({dated})
"""

#: Each attribute of a case is the last that a visible record of it tells. A resolved or closed stamp
#: later than as_of is not known yet, although an export written later shows it on every record of the case.
_CASES = """
    select
        {source} as source, case_id, intake_date, any_value(intake_ts) as intake_ts,
        {attributes},
        arg_max(merged_into, told) as merged_into,
        arg_min(initiated_by, told) as initiated_by,
        arg_max(resolved_ts, told) filter (resolved_ts <= $as_of_at) as source_resolved_ts,
        arg_max(closed_ts, told) filter (closed_ts <= $as_of_at) as source_closed_ts,
        arg_max(is_sla_met, told) as source_is_sla_met
    from (select *, {told} as told from visible)
    group by case_id, intake_date
"""

#: With one row a case a stamp of a reopen is one whatever other stamps the row has: that of the end before it was written over.
#: A record that is in the log twice is one event (docs/decisions/0001-event-deduplication.md): its copies neither are reopens nor make
#: one of what follows them. A status that comes again at one instant, after another one of that instant, is a return and no copy; where
#: the log told of another instant in between, it tells the same instant anew.
_EVENTS = """
    select
        {source} as source, event_id, case_id, intake_date, status, source_status, event_ts, ingestion_ts,
        source_sequence,
        not is_copy and status not in ({terminal})
        and (
            coalesce(lag(status) over (partition by case_id, is_copy order by source_sequence) in ({terminal}), false)
            or coalesce(status in ({reopening}), false)
        ) as is_reopen,
        cast(null as boolean) as is_duplicate,
        cast(null as boolean) as is_late_arriving,
        cast(null as boolean) as is_tz_inconsistent,
        event_team as team, event_agent as agent
    from (
        select
            *,
            event_ts is not null and row_number() over (
                partition by case_id, status, event_ts, visit order by ingestion_ts, source_sequence
            ) > 1 as is_copy
        from (
            select
                *,
                sum(cast(is_new_visit as integer)) over (
                    partition by case_id, instant_number, status order by source_sequence
                ) as visit
            from (
                select
                    *,
                    not coalesce(event_ts = previous_ts and status = previous_status, false) as is_new_visit,
                    sum(case when event_ts = previous_ts then 0 else 1 end) over (
                        partition by case_id order by source_sequence
                    ) as instant_number
                from (
                    select
                        *,
                        lag(event_ts) over (partition by case_id order by source_sequence) as previous_ts,
                        lag(status) over (partition by case_id order by source_sequence) as previous_status
                    from visible
                    where status not in ({messages}) {told_only}
                )
            )
        )
    )
"""

_MESSAGES = """
    select
        {source} as source, event_id as message_id, case_id, intake_date, coalesce(event_ts, ingestion_ts) as sent_ts,
        source_sequence, status as signal,
        coalesce(author_kind, case status when 'CUSTOMER_MESSAGE' then 'customer' when 'BOT_REPLY' then 'bot' else 'person' end) as author_kind,
        event_agent as agent
    from visible
    where status in ({messages})
    order by intake_date, case_id, source_sequence
"""

#: What the first record that tells an attribute says of it holds from intake on. Later records may tell another one. Who holds a case is told by
#: its events; where the first record that tells it may be none (a message, a copy), its change from nobody does.
_CHANGES_OF = """
    select
        {source} as source, event_id || ':{attribute}' as change_id, case_id, intake_date,
        coalesce(event_ts, ingestion_ts) as changed_ts, source_sequence, '{attribute}' as attribute, {attribute} as value,
        lag({attribute}) over (partition by case_id order by {told}) as previous_value, cast(null as varchar) as actor
    from visible
    where {is_told}
    qualify value is distinct from previous_value and (row_number() over (partition by case_id order by {told}) > 1 or {is_first_a_change})
"""

#: An audit log tells its changes itself, with the old value as it has it.
_TOLD_CHANGES_OF = """
    select
        {source} as source, event_id || ':{attribute}' as change_id, case_id, intake_date,
        coalesce(event_ts, ingestion_ts) as changed_ts, source_sequence, '{attribute}' as attribute, {attribute} as value, old_value as previous_value, actor
    from visible
    where changed_field = '{attribute}'
"""

#: A dimension is no column of a case: what the first record tells of it is a change from nothing, at intake at the latest.
_DIMENSION_CHANGES_OF = """
    select
        {source} as source, event_id || ':{attribute}' as change_id, case_id, intake_date,
        case when is_first then least(intake_ts, coalesce(event_ts, ingestion_ts)) else coalesce(event_ts, ingestion_ts) end as changed_ts,
        source_sequence, '{attribute}' as attribute, value, previous_value, cast(null as varchar) as actor
    from (
        select
            *, {cell} as value, lag({cell}) over (partition by case_id order by {told}) as previous_value,
            row_number() over (partition by case_id order by {told}) = 1 as is_first
        from visible
        where {is_told}
    )
    where value is distinct from previous_value
"""

_DIMENSION_FACTS_OF = """
    select
        {source} as source, case_id, intake_date, max(coalesce(event_ts, ingestion_ts)) as known_ts, '{attribute}' as fact,
        arg_max_null({cell}, {told}) filter ({is_told}) as value_text, cast(null as double) as value_number
    from visible
    group by case_id, intake_date
"""

#: What one case is promised from its first record that says so on; another target is promised from the record on that tells it.
_TARGETS_OF = """
    select
        {source} as source, event_id || ':due:' || {metric} as applied_id, case_id, intake_date,
        coalesce(event_ts, ingestion_ts) as applied_ts, source_sequence, {metric} as metric, '{policy}' as policy,
        {calendar} as calendar, target_seconds, '{reopen}' as reopen, false as is_on_case_schedule, 'in_force' as schedule_change
    from (
        select *, lag(target_seconds) over (partition by case_id order by {told}) as previous_target_seconds
        from (select *, {target_seconds} as target_seconds from visible)
        where {is_told}
    )
    where target_seconds is distinct from previous_target_seconds
"""

_NO_TARGETS = """
    select
        cast(null as varchar) as applied_id, cast(null as varchar) as calendar, cast(null as bigint) as target_seconds,
        cast(null as varchar) as case_id, cast(null as date) as intake_date
    where false
"""

_PARTITION_STATES = """
    case_days as (
        select
            intake_date, count(*) as cases,
            string_agg(md5(cast(to_json(cases) as varchar)), '' order by case_id) as content
        from cases
        group by intake_date
    ),
    event_days as (
        select
            intake_date, count(*) filter (status not in ({messages}) {told_only}) as events,
            string_agg(event_digest, '' order by case_id, source_sequence) as content
        from visible
        group by intake_date
    ),
    target_days as (
        select
            intake_date, string_agg(applied_id || ' ' || calendar || ' ' || coalesce(target_seconds, -1), ', ' order by applied_id) as content
        from ({targets})
        group by intake_date
    )
    select
        {source} as source, intake_date, cases, events,
        md5(case_days.content || event_days.content || coalesce(target_days.content, '')) as digest
    from case_days
    inner join event_days using (intake_date)
    left join target_days using (intake_date)
    order by intake_date
"""

#: The same texts, case by case, for a date that has too many of them to hold.
_CASE_TEXTS = """
    , cases as ({cases})
    select {slice}, md5(cast(to_json(cases) as varchar)) as content, true as is_counted
    from cases
    order by case_id
"""
_EVENT_TEXTS = """
    select {slice}, event_digest as content, status not in ({messages}) {told_only} as is_counted
    from visible
    order by case_id, source_sequence
"""
_TARGET_TEXTS = """
    select {slice}, applied_id || ' ' || calendar || ' ' || coalesce(target_seconds, -1) as content, false as is_counted
    from ({targets})
    order by case_id, applied_id
"""

#: Dates are digested together up to so many events: the texts of a digest stay in memory. A date with more has a digest of 16 slices, by the
#: first digit of its case ids' md5.
_DIGESTED_AT_ONCE = 200_000
_SLICES = "0123456789abcdef"
_SLICE = "md5(case_id)[1] as slice"
#: Rows of a window with more events than that are asked for range by range, each of about so many events: what DuckDB holds for a group (the
#: last value that a record tells) it cannot put aside. They come in pieces of so many rows.
_READ_AT_ONCE, _PIECE_ROWS = 200_000, 100_000
#: The first case of every range of one date but the first. The records of a snapshot lie in the order of dates and cases.
_FIRST_CASES = """
    select distinct case_id
    from (
        select case_id, row_number() over () as number
        from {events}
        where intake_date >= $start_date and intake_date < $end_date
    )
    where number % {records} = 0
    order by case_id
"""


class _Strays(NamedTuple):
    """What lies long after the rest: of how many cases, how many records, the last date and its place, and the days without anything before."""

    cases: int
    records: int
    last: date
    of_last: dict[str, object]
    gap_days: int


class _End(NamedTuple):
    """The date through which the log is known, and what was left out to say so."""

    last: date
    stray_cases: _Strays | None
    stray_records: _Strays | None


class EventLogSource(Source):
    """Log files as a `Source`. The files are read on first use; every answer then comes from that one snapshot.

    Every method raises OpslaError for files that cannot be read.
    """

    def __init__(
        self,
        settings: EventLogSettings,
        desk: DeskSettings,
        cache_directory: Path,
        config_directory: Path,
        calendars: Mapping[str, Calendar] | None = None,
        released: Released | None = None,
    ) -> None:
        """`calendars` are those of calendars.yml; only promises in open time want one. `released` is what counts of drop folders."""
        self.name = settings.name
        self._settings = settings
        self._desk = desk
        self._cache_directory = cache_directory
        self._config_directory = config_directory
        self._calendars = calendars or {}
        self._released = released

    @cached_property
    def _snapshot(self) -> Snapshot:
        try:
            files = find_log_files(self._settings, self._config_directory, self._released)
        except NoSuchFileError as error:
            # A name that was right before is right now: the file is late, or its share not there.
            raise (PassingError if was_read(self._cache_directory, self.name) else OpslaError)(str(error)) from error
        return take_snapshot(self._settings, self._desk, files, self._cache_directory)

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        return connect(self._snapshot.spill_directory)

    def fingerprint(self) -> str:
        """Identity of the mapping; the files' content is not part of it, since a log that grows is the normal case."""
        return self._settings.mapping_fingerprint(self._desk)

    def counts(self) -> SourceCounts:
        """What became of the records: rows == used_rows + rejected_rows + ignored_rows + superseded_rows."""
        return self._snapshot.counts

    def reading_notes(self, as_of_at: datetime) -> list[str]:
        """The counts, what was made of the log by rule, and the records that are not visible yet: they are in no table, and not rejected."""
        counts = self.counts()
        where = " (raw.rejected_rows)" if counts.rejected_rows else ""
        notes = [f"{_records(counts.rows)} read, {counts.used_rows:,} used, {counts.rejected_rows:,} rejected{where}"]
        if counts.ignored_rows:
            notes[0] += f", {counts.ignored_rows:,} {'left out' if self._settings.form == 'changes' else 'ignored (statuses: IGNORE)'}"
        if counts.superseded_rows:
            notes[0] += f", {counts.superseded_rows:,} replaced by a later row of their case"
        notes += [*self._snapshot.notes, *notes_of(self._settings, self._snapshot.events, self._rows)]
        ((waiting, latest, of_latest),) = self._rows(_NOT_YET_VISIBLE.format(events=self._snapshot.events), as_of_at)
        if isinstance(waiting, int) and isinstance(latest, datetime) and isinstance(of_latest, dict):
            lie = "lies" if waiting == 1 else "lie"
            notes.append(
                f"{_waiting(waiting, self._settings)} {lie} after {_naive_utc(as_of_at):%Y-%m-%d %H:%M} UTC, the latest {latest:%Y-%m-%d} ({self._place(**of_latest)}): "
                f"{'it counts' if waiting == 1 else 'they count'} when that time has come"
            )
        return notes + self._stamped_after_ingestion(as_of_at) + self._left_out(as_of_at)

    def _stamped_after_ingestion(self, as_of_at: datetime) -> list[str]:
        """A warning where records that count already, since they were ingested, are stamped after `as_of_at`."""
        ((records, latest, of_latest),) = self._rows(_STAMPED_AFTER.format(events=self._snapshot.events), as_of_at)
        if not isinstance(latest, datetime) or not isinstance(of_latest, dict) or not isinstance(records, int):
            return []
        return [
            f"warning: {_waiting(records, self._settings)} {'is' if records == 1 else 'are'} stamped after {_naive_utc(as_of_at):%Y-%m-%d %H:%M} UTC, the latest {latest:%Y-%m-%d} "
            f"({self._place(**of_latest)}), but ingested before: {'it counts' if records == 1 else 'they count'} as stamped; look at the stamp"
        ]

    def _left_out(self, as_of_at: datetime) -> list[str]:
        """A warning where cases, or records of the others, lie so long after the rest that the log is taken to end before them."""
        end = self._end_of_log(as_of_at)
        if end is None:
            return []
        told = []
        ends = f"the log is taken to end on {end.last}"
        if end.stray_cases:
            stray = end.stray_cases
            came, wait, they = ("case came in", "waits", "it") if stray.cases == 1 else ("cases came in", "wait", "they")
            told.append(
                f"warning: {stray.cases:,} {came} {stray.gap_days:,} days and more after all others, the last {stray.last} ({self._place(**stray.of_last)}): {ends}, and "
                f"{they} {wait} until the log has got there; look at the stamp, or say --end {stray.last + ONE_DAY}"
            )
        if end.stray_records:
            stray = end.stray_records
            told.append(
                f"warning: {_waiting(stray.records, self._settings)} {'is' if stray.records == 1 else 'are'} stamped {stray.gap_days:,} days and more after all before, "
                f"the last {stray.last} ({self._place(**stray.of_last)}): {ends}; look at the stamp, or say --end"
            )
        return told

    def _place(self, case_id: object, file_number: object, row_number: object) -> str:
        """Where a record is found: `case 7, log.csv row 12`."""
        files = list(self._snapshot.rows)
        name = Path(files[file_number]).name if isinstance(file_number, int) and file_number < len(files) else "its file"
        return f"case {case_id}, {name} row {row_number:,}"

    def files_read(self) -> list[FilesRead]:
        """By pattern; of a file that two of them name, both tell."""
        rows = self._snapshot.rows
        found = [(pattern, files_of_pattern(self._settings, pattern, self._config_directory, self._released)) for pattern in self._settings.files]
        return [
            FilesRead(
                self.name, pattern, tuple(file.name for file in files), sum(file.size for file in files),
                datetime.fromtimestamp(max(file.modified_ns for file in files) / 1e9, UTC).replace(tzinfo=None),
                sum(rows.get(file.name, 0) for file in files),
            )
            for pattern, files in found
        ]  # fmt: skip

    def calendars(self) -> Mapping[str, Calendar]:
        """<source>:always, where a promise to a single case counts in calendar time."""
        if all(item.calendar is not None for item in self._settings.due.values()):
            return {}
        return {self._always: Calendar(zone="UTC", always_open=True)}

    @property
    def _always(self) -> str:
        return f"{self.name}:always"

    def window(self, as_of_at: datetime | None = None) -> Window:
        """From the desk's first day through the date on which the log ends, or its last intake date where it goes on for longer than a week without one.

        Dates at the end on which nothing came in are known as well as the others, and belong to the desk. A log that tells for weeks how its cases went on
        and of no new one was cut by intake: what came in then is not in it. What is stamped after `as_of_at`, and the little that lies long after the rest, says nothing of where it ends.
        """
        end = self._end_of_log(as_of_at)
        start = self._desk.start_date
        return Window(start, (start if end is None else end.last) + ONE_DAY)

    def _end_of_log(self, as_of_at: datetime | None) -> _End | None:
        """None where nothing is known."""
        known = "true" if as_of_at is None else _KNOWN
        dated = _DATED.format(events=self._snapshot.events, zone=literal(self._desk.timezone), known=known)
        last_intake, stray_cases = self._before_strays(dated, "intake_date", as_of_at)
        if last_intake is None:
            return None
        day = f"date {literal(last_intake.isoformat())}"
        of_the_rest = f"select * replace (greatest(told_date, {day}) as told_date) from ({dated}) where intake_date <= {day}"
        last_told, stray_records = self._before_strays(of_the_rest, "told_date", as_of_at)
        is_whole = last_told is not None and last_told - last_intake <= _STILL_WHOLE
        return _End(last_told if last_told is not None and is_whole else last_intake, stray_cases, stray_records)

    def _before_strays(self, dated: str, column: str, as_of_at: datetime | None) -> tuple[date | None, _Strays | None]:
        """The last of the dates, and what little lies beyond a gap behind it: half a year, or a week after the last intake, as long as the log was not cut by intake."""
        days = [day for (day,) in self._rows(f"select distinct {column} from ({dated}) order by {column}", as_of_at) if isinstance(day, date)]
        for before, day in pairwise(days):
            is_near = column == "told_date" and before - days[0] <= _STILL_WHOLE
            if day - before <= (_STILL_WHOLE if is_near else _STRAY):
                continue
            select = _BEYOND.format(dated=dated, column=column, day=f"date {literal(day.isoformat())}")
            (beyond,) = self._table(select, None, as_of_at=as_of_at).to_pylist()
            is_little = beyond["cases"] < max(_FEW_CASES, beyond["all_cases"] / 1000) or (column == "told_date" and day - before > _STRAY)
            if is_little and 2 * beyond["records"] < beyond["all_records"]:
                return before, _Strays(beyond["cases"], beyond["records"], beyond["last"], beyond["of_last"], (day - before).days)
        return (days[-1] if days else None), None

    def cases(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema CASES, in intake_date, case_id order: the cases with at least one visible event."""
        return self._table(self._visible(self._select_cases()), CASES, window, as_of_at)

    def events(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema EVENTS, in intake_date, case_id, source_sequence order; flags a file cannot tell are NULL."""
        return self._table(self._visible(self._select_events()), EVENTS, window, as_of_at)

    def messages(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema MESSAGES: the records whose status is mapped to what was said."""
        return self._table(self._visible(self._select_messages()), MESSAGES, window, as_of_at)

    def attribute_changes(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema ATTRIBUTE_CHANGES: where a record of a case tells another value than the one before."""
        return self._table(self._visible(self._select_changes()), ATTRIBUTE_CHANGES, window, as_of_at)

    def source_facts(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema SOURCE_FACTS: the last value of each dimension, without one where the case has none."""
        return self._table(self._visible(self._select_facts()), SOURCE_FACTS, window, as_of_at)

    def applied_targets(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema APPLIED_TARGETS: what the due columns promise to single cases. Raises OpslaError for days that are not equally long."""
        return self._table(self._visible(self._select_targets()), APPLIED_TARGETS, window, as_of_at)

    def links(self) -> pa.Table:
        """Of the form links: case_id, linked_id, link_kind, source_kind, linked_ts, unlinked_ts (UTC), file, row_number, record (JSON) of each used record."""
        return self._table(f"select * from {self._snapshot.events}", None)

    def batches(self, what: str, window: Window, as_of_at: datetime) -> Iterator[pa.RecordBatch] | None:
        if sum(self._events_of(window)) <= _READ_AT_ONCE:
            return None
        selects: dict[str, tuple[Callable[[], str | None], pa.Schema]] = {
            "cases": (self._select_cases, CASES), "events": (self._select_events, EVENTS), "messages": (self._select_messages, MESSAGES),
            "attribute_changes": (self._select_changes, ATTRIBUTE_CHANGES), "source_facts": (self._select_facts, SOURCE_FACTS),
            "applied_targets": (self._select_targets, APPLIED_TARGETS),
        }  # fmt: skip
        if what not in selects:
            return None
        select, schema = selects[what]
        return self._batches(select(), schema, window, as_of_at)

    def _batches(self, rest: str | None, schema: pa.Schema, window: Window, as_of_at: datetime) -> Iterator[pa.RecordBatch]:
        if rest is not None:
            yield from (batch.select(schema.names).cast(schema) for batch in self._ranges(rest, window, as_of_at))

    def _select_cases(self) -> str:
        return f"{self._cases()} order by intake_date, case_id"

    def _select_events(self) -> str:
        reopening = literal(Status.REOPENED) if self._settings.form == "cases" else "null"
        events = _EVENTS.format(
            source=literal(self.name), terminal=_TERMINAL, messages=_MESSAGE_WORDS, reopening=reopening, told_only=self._told_only
        )
        return f"{events} order by intake_date, case_id, source_sequence"

    @property
    def _told_only(self) -> str:
        """Of an audit log, and of one that repeats only what changed, only some records are events: changes of status, and the first of a case."""
        return "and is_told" if self._settings.form == "changes" or self._settings.carries_statuses else ""

    def _select_messages(self) -> str:
        return _MESSAGES.format(source=literal(self.name), messages=_MESSAGE_WORDS)

    def _select_changes(self) -> str | None:
        if self._settings.form == "changes":
            told = [name for name in CHANGING_ATTRIBUTES if name in self._settings.changed_attributes]
            changes = [_TOLD_CHANGES_OF.format(source=literal(self.name), attribute=name) for name in told]
            return f"{' union all '.join(changes)} order by intake_date, case_id, source_sequence, attribute" if changes else None
        mapped = [name for name in CHANGING_ATTRIBUTES if name in self._settings.columns.mapped()]
        changes = [
            _CHANGES_OF.format(
                source=literal(self.name), attribute=name, told=_TOLD, is_told=self._is_told(name),
                is_first_a_change=self._is_first_a_change(name),
            )
            for name in mapped
        ]
        changes += self._of_dimensions(_DIMENSION_CHANGES_OF)
        if not changes:
            return None
        return f"select * from ({' union all '.join(changes)}) order by intake_date, case_id, source_sequence, attribute"

    def _is_first_a_change(self, name: str) -> str:
        if name not in ("team", "agent"):
            return "false"
        return "true" if self._settings.empty_cells == "unchanged" else f"status in ({_MESSAGE_WORDS})"

    def _select_facts(self) -> str | None:
        if not self._settings.dimensions:
            return None
        facts = " union all ".join(self._of_dimensions(_DIMENSION_FACTS_OF))
        return f"select * from ({facts}) order by intake_date, case_id, fact"

    def _select_targets(self) -> str | None:
        if not self._settings.due:
            return None
        return f"select * from ({self._targets()}) order by intake_date, case_id, source_sequence, metric"

    def _of_dimensions(self, select: str) -> list[str]:
        """`select` for each dimension."""
        cells = [(dimension_field(number), f"{DIMENSION}{name}") for number, name in enumerate(self._settings.dimensions)]
        return [
            select.format(source=literal(self.name), cell=cell, attribute=attribute, told=_TOLD, is_told=self._is_told(cell))
            for cell, attribute in cells
        ]

    def staffing(self, window: Window) -> pa.Table:
        """Schema STAFFING, without rows: a log knows no shifts."""
        return STAFFING.empty_table()

    def rejected_rows(self) -> pa.Table:
        """Schema REJECTED_ROWS, in the order of files and records; one row a rejected record."""
        columns = f"*, {literal(self._settings.form)} as resource, {self._snapshot.counts.rows} as source_rows, {clock_relevance(self._settings)} as is_clock_relevant"
        return self._table(f"select {columns} from {self._snapshot.rejected}", REJECTED_ROWS)

    def partition_states(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema PARTITION_STATES; the digest covers everything `cases` and `events` yield for the date."""
        return pa.concat_tables([self._states(part, as_of_at) for part in self._parts(window, _DIGESTED_AT_ONCE)])

    def _states(self, part: Window, as_of_at: datetime) -> pa.Table:
        if part.days == 1 and self._events_by_date.get(part.start, 0) > _DIGESTED_AT_ONCE:
            return self._state_of_large(part, as_of_at)
        rest = _PARTITION_STATES.format(
            source=literal(self.name), messages=_MESSAGE_WORDS, targets=self._targets(), told_only=self._told_only,
        )  # fmt: skip
        return self._table(self._visible(f", cases as ({self._cases()}), {rest}"), PARTITION_STATES, part, as_of_at)

    def _state_of_large(self, part: Window, as_of_at: datetime) -> pa.Table:
        """The state of one date whose texts do not fit into memory: each is digested as it is read, with those of its slice."""
        words = {"slice": _SLICE, "messages": _MESSAGE_WORDS, "told_only": self._told_only, "cases": self._cases(), "targets": self._targets()}
        digests = {digit: hashlib.md5(usedforsecurity=False) for digit in _SLICES}
        cases, events, _ = (
            self._digest(texts.format(**words), part, as_of_at, digests, between)
            for texts, between in ((_CASE_TEXTS, ""), (_EVENT_TEXTS, ""), (_TARGET_TEXTS, ", "))
        )
        if not cases:
            return PARTITION_STATES.empty_table()
        slices = [digests[digit].hexdigest() for digit in _SLICES if digit in cases]
        whole = hashlib.md5("".join(slices).encode(), usedforsecurity=False).hexdigest()
        state = {"source": self.name, "intake_date": part.start, "cases": cases.total(), "events": events.total(), "digest": whole}
        return pa.Table.from_pylist([state], schema=PARTITION_STATES)

    def _digest(self, texts: str, part: Window, as_of_at: datetime, digests: Mapping[str, hashlib._Hash], between: str) -> Counter[str]:
        """Digests the texts of a SELECT with `slice`, `content` and `is_counted`, each slice for itself; returns how many are counted of each."""
        counted, begun = Counter[str](), set[str]()
        for batch in self._ranges(texts, part, as_of_at):
            for digit in batch["slice"].unique().to_pylist():
                of_slice = batch.filter(pc.equal(batch["slice"], digit))
                digests[digit].update(((between if digit in begun else "") + between.join(of_slice["content"].to_pylist())).encode())
                begun.add(digit)
                counted[digit] += of_slice["is_counted"].true_count
        return +counted

    @cached_property
    def _events_by_date(self) -> dict[date, int]:
        """Of the log, visible or not."""
        counts = self._rows(f"select intake_date, count(*) from {self._snapshot.events} group by intake_date order by intake_date")
        return {day: events for day, events in counts if isinstance(day, date) and isinstance(events, int)}

    def _parts(self, window: Window, most: int) -> Iterator[Window]:
        """The window in parts of whole dates with at most so many events; a date with more is a part of its own."""
        start, held = window.start, 0
        for day, events in self._events_by_date.items():
            if not window.start <= day < window.end:
                continue
            if held and held + events > most:
                yield Window(start, day)
                start, held = day, 0
            if events > most:
                if start < day:
                    yield Window(start, day)
                yield Window(day, day + ONE_DAY)
                start, held = day + ONE_DAY, 0
                continue
            held += events
        if start < window.end:
            yield Window(start, window.end)

    def _events_of(self, window: Window) -> Iterator[int]:
        return (events for day, events in self._events_by_date.items() if window.start <= day < window.end)

    @overload
    def _visible(self, rest: str, of_range: str = "") -> str: ...

    @overload
    def _visible(self, rest: None) -> None: ...

    def _visible(self, rest: str | None, of_range: str = "") -> str | None:
        return None if rest is None else f"with visible as ({_VISIBLE.format(events=self._snapshot.events, of_range=of_range)}) {rest}"

    def _cases(self) -> str:
        attributes = ", ".join(f"arg_max_null({name}, told) filter ({self._is_told(name)}) as {name}" for name in TEXT_FIELDS)
        return _CASES.format(source=literal(self.name), told=_TOLD, attributes=attributes)

    def _is_told(self, cell: str) -> str:
        """SQL: whether a record tells what is in `cell`. An empty one tells that there is none, except that a message repeats nothing.

        A record that another one repeats tells nothing (`is_retold`; of the form cases none is).
        """
        is_first = "true" if self._settings.form == "cases" else f"not {RETOLD}"
        if self._settings.empty_cells == "unchanged":
            return f"({is_first} and {cell} is not null)"
        return f"({is_first} and ({cell} is not null or status not in ({_MESSAGE_WORDS})))"

    def _targets(self) -> str:
        """SQL: the rows of APPLIED_TARGETS, in no order. With one row a case its promise is told with its opening."""
        selects = []
        for number, (metric, due) in enumerate(self._settings.due.items()):
            self._require_countable_days(number, metric, due)
            selects.append(_TARGETS_OF.format(
                source=literal(self.name), metric=literal(metric), policy=DUE_POLICY, calendar=literal(due.calendar or self._always),
                reopen=Reopen.freeze, target_seconds=target_seconds(number, due, self._calendars), told=_TOLD,
                is_told="status = 'INTAKE'" if self._settings.form == "cases" else self._is_told("target_seconds"),
            ))  # fmt: skip
        return " union all ".join(selects) or f"select * from ({_NO_TARGETS})"

    def _require_countable_days(self, number: int, metric: str, due: DueSettings) -> None:
        """Text such as 3d is found only when cells are read; sources.yml shows `unit: days` before."""
        if not due.is_duration or due.day_seconds(self._calendars) is not None:
            return
        ((cases,),) = self._rows(f"select count(distinct case_id) from {self._snapshot.events} where {due_field(number)}_days > 0")
        if cases:
            raise OpslaError(
                f"source {self.name}: due.{metric}: {cases} cases have a duration in days, which are business days, and those of calendar "
                f"{due.calendar!r} are not equally long; say in calendars.yml how long one is (business_day: 8h)"
            )

    def _rows(self, select: str, as_of_at: datetime | None = None) -> list[tuple[object, ...]]:
        table = self._table(select, None, as_of_at=as_of_at)
        return [tuple(row.values()) for row in table.to_pylist()]

    def _table(
        self, select: str | None, schema: pa.Schema | None, window: Window | None = None, as_of_at: datetime | None = None
    ) -> pa.Table:
        """Without a SELECT there are no rows."""
        if select is None:
            assert schema is not None
            return schema.empty_table()
        with self._asked(select, window, as_of_at) as found:
            table = found.to_arrow_table()
        return table if schema is None else table.select(schema.names).cast(schema)

    def _ranges(self, rest: str, window: Window, as_of_at: datetime) -> Iterator[pa.RecordBatch]:
        """What `_visible` answers, in the order of dates and cases: asked for dates that fit into memory together, and of a larger date range by range of its cases."""
        for part in self._parts(window, _READ_AT_ONCE):
            for of_range in self._ranges_of(part):
                with self._asked(self._visible(rest, of_range), part, as_of_at) as found:
                    yield from found.to_arrow_reader(_PIECE_ROWS)

    def _ranges_of(self, part: Window) -> list[str]:
        """SQL: conditions, of which each record of the part meets one. No case is in two of them."""
        if sum(self._events_of(part)) <= _READ_AT_ONCE:
            return [""]
        select = _FIRST_CASES.format(events=self._snapshot.events, records=_READ_AT_ONCE)
        firsts = [literal(str(case_id)) for case_id in self._table(select, None, part)["case_id"].to_pylist()]
        from_on = ["", *(f"and case_id >= {first}" for first in firsts)]
        below = [*(f"and case_id < {first}" for first in firsts), ""]
        return [f"{first} {end}" for first, end in zip(from_on, below, strict=True)]

    @contextmanager
    def _asked(self, select: str, window: Window | None, as_of_at: datetime | None) -> Iterator[duckdb.DuckDBPyRelation]:
        parameters: dict[str, object] = {}
        if window is not None:
            parameters.update(start_date=window.start, end_date=window.end)
        if as_of_at is not None:
            parameters.update(as_of_at=_naive_utc(as_of_at))
        cursor = self._connection.cursor()
        try:
            yield cursor.sql(select, params=parameters)
        except duckdb.OutOfMemoryException as error:
            raise memory_error(f"source {self.name}: its rows", error) from error
        except duckdb.Error as error:
            raise OpslaError(
                f"{self._snapshot.directory}: the snapshot of source {self.name} cannot be read: {error}; "
                "delete this directory and run again"
            ) from error
        finally:
            cursor.close()


def _waiting(number: int, settings: EventLogSettings) -> str:
    """With one row a case it is stamps that wait, not rows."""
    return _records(number) if settings.form == "updates" else f"{number:,} event{'' if number == 1 else 's'}"


def _records(number: int) -> str:
    return f"{number:,} record{'' if number == 1 else 's'}"


def _naive_utc(instant: datetime) -> datetime:
    """Stored instants are naive UTC; an aware one is converted."""
    return instant if instant.tzinfo is None else instant.astimezone(UTC).replace(tzinfo=None)
