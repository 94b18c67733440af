"""What every source of cases offers, and the canonical vocabulary it speaks.

Belongs here: the `Source` protocol and the Arrow schemas (the statuses are passed on from `opsla_dagster.status`).
Does not belong here: how any one source reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import pyarrow as pa

from opsla_dagster.settings.calendars import Calendar
from opsla_dagster.status import TERMINAL_STATUSES as TERMINAL_STATUSES
from opsla_dagster.status import Status as Status
from opsla_dagster.window import Window

INSTANT = pa.timestamp("us")
#: Arrow schemas a source yields. Instants are UTC and naive. Case ids and event ids are unique in a warehouse.
CASES = pa.schema([
    ("source", pa.string()), ("case_id", pa.string()), ("intake_date", pa.date32()), ("intake_ts", INSTANT),
    ("tier", pa.string()), ("case_type", pa.string()), ("priority", pa.string()), ("category", pa.string()),
    ("team", pa.string()), ("agent", pa.string()),
    ("brand", pa.string()), ("region", pa.string()), ("channel", pa.string()), ("customer", pa.string()), ("tags", pa.string()),
    ("merged_into", pa.string()), ("initiated_by", pa.string()),
    ("source_resolved_ts", INSTANT), ("source_closed_ts", INSTANT), ("source_is_sla_met", pa.bool_()),
])
EVENTS = pa.schema([
    ("source", pa.string()), ("event_id", pa.string()), ("case_id", pa.string()), ("intake_date", pa.date32()),
    ("status", pa.string()), ("source_status", pa.string()), ("event_ts", INSTANT), ("ingestion_ts", INSTANT),
    ("source_sequence", pa.int64()), ("is_reopen", pa.bool_()), ("is_duplicate", pa.bool_()),
    ("is_late_arriving", pa.bool_()), ("is_tz_inconsistent", pa.bool_()), ("team", pa.string()), ("agent", pa.string()),
])
#: What was said, and by whom; a private note is no reply.
MESSAGES = pa.schema([
    ("source", pa.string()), ("message_id", pa.string()), ("case_id", pa.string()), ("intake_date", pa.date32()),
    ("sent_ts", INSTANT), ("source_sequence", pa.int64()), ("signal", pa.string()), ("author_kind", pa.string()), ("agent", pa.string()),
])
#: Attributes of a case that policies may ask for.
CHANGING_ATTRIBUTES = ("priority", "tier", "team", "agent", "case_type", "brand", "region", "channel", "customer", "tags")
#: What of a case was another thing before; the value is NULL where it was cleared, the actor (who changed it) where nobody tells. CASES has the latest values. What
#: a dimension of sources.yml was (`dimension.<name>`), which is no column of CASES, is told from intake on: its first value is a change from NULL.
ATTRIBUTE_CHANGES = pa.schema([
    ("source", pa.string()), ("change_id", pa.string()), ("case_id", pa.string()), ("intake_date", pa.date32()),
    ("changed_ts", INSTANT), ("source_sequence", pa.int64()), ("attribute", pa.string()), ("value", pa.string()),
    ("previous_value", pa.string()), ("actor", pa.string()),
])
#: What the source itself promised, from an instant on. A target of NULL withdraws the promise. `calendar` is the one the target counts on at
#: that instant; where it follows the case's schedule, changes of the attribute `schedule` (values: names of calendars) move it, and
#: `schedule_change` says how: in_force (each second by the calendar of its instant) or last (the whole clock by the last one).
APPLIED_TARGETS = pa.schema([
    ("source", pa.string()), ("applied_id", pa.string()), ("case_id", pa.string()), ("intake_date", pa.date32()),
    ("applied_ts", INSTANT), ("source_sequence", pa.int64()), ("metric", pa.string()), ("policy", pa.string()),
    ("calendar", pa.string()), ("target_seconds", pa.int64()), ("reopen", pa.string()), ("is_on_case_schedule", pa.bool_()),
    ("schedule_change", pa.string()),
])
#: What the source itself judged; what it does not tell is NULL.
SOURCE_VERDICTS = pa.schema([
    ("source", pa.string()), ("verdict_id", pa.string()), ("case_id", pa.string()), ("intake_date", pa.date32()),
    ("metric", pa.string()), ("cycle", pa.int64()), ("is_breached", pa.bool_()), ("breached_ts", INSTANT),
    ("elapsed_seconds", pa.int64()),
])
#: What the source itself tells of a case besides: a rating, whether a bot took part, seconds of handling. One row a case and fact, as text, as
#: a number, or both; a number's unit is in the name of the fact.
SOURCE_FACTS = pa.schema([
    ("source", pa.string()), ("case_id", pa.string()), ("intake_date", pa.date32()), ("known_ts", INSTANT), ("fact", pa.string()),
    ("value_text", pa.string()), ("value_number", pa.float64()),
])
#: A case and another case or ticket that it is linked to, whether that is loaded or not. `link_kind` is one of LINK_KINDS, `source_link_kind` the source's own word;
#: `linked_ts` is NULL where the source does not tell since when, `unlinked_ts` while the link holds. One row a case, linked case and kind.
CASE_LINKS = pa.schema([
    ("source", pa.string()), ("case_id", pa.string()), ("intake_date", pa.date32()), ("linked_case_id", pa.string()), ("link_kind", pa.string()),
    ("source_link_kind", pa.string()), ("linked_ts", INSTANT), ("unlinked_ts", INSTANT),
])
STAFFING = pa.schema([
    ("source", pa.string()), ("staff_date", pa.date32()), ("shift", pa.string()), ("planned_heads", pa.float64()),
    ("shrinkage_rate", pa.float64()), ("effective_heads", pa.float64()),
])
REJECTED_ROWS = pa.schema([
    ("source", pa.string()), ("resource", pa.string()), ("file", pa.string()), ("row_number", pa.int64()), ("case_id", pa.string()),
    ("record_date", pa.date32()), ("field", pa.string()), ("reason", pa.string()), ("record", pa.string()), ("source_rows", pa.int64()),
    ("is_clock_relevant", pa.bool_()),
])
#: What a source holds of one intake date as of an instant; a changed digest means the date received events.
PARTITION_STATES = pa.schema([
    ("source", pa.string()), ("intake_date", pa.date32()), ("cases", pa.int64()), ("events", pa.int64()),
    ("digest", pa.string()),
])
#: The schemas of what is asked by intake dates, by the method that answers.
ANSWERS = {
    "cases": CASES, "events": EVENTS, "messages": MESSAGES, "attribute_changes": ATTRIBUTE_CHANGES, "applied_targets": APPLIED_TARGETS,
    "source_verdicts": SOURCE_VERDICTS, "source_facts": SOURCE_FACTS, "case_links": CASE_LINKS,
}  # fmt: skip
#: The digest of an intake date without cases.
NO_CASES = "no cases"


@dataclass(frozen=True)
class FilesRead:
    """What a pattern of `files` in sources.yml named when it was read; sizes in bytes, `modified_at` is that of the latest one (UTC, naive)."""

    source: str
    pattern: str
    names: tuple[str, ...]
    size_bytes: int
    modified_at: datetime
    records: int


class Source(Protocol):
    """Where cases come from. One object serves one run and answers from one snapshot of what it reads.

    Sources derive from it, and have what follows after `partition_states` as it is here unless they know better.
    source_sequence is one order over the events, messages, changes and targets of a case.

    A case belongs to the local date of its intake in the desk's zone. It is visible when intake_ts <= as_of_at, an
    event when ingestion_ts <= as_of_at. The same window and as_of_at give the same rows, in intake_date order.
    """

    name: str
    #: Days after its intake date by which every row of a case has been ingested; None: nobody can promise that.
    settles_after_days: int | None = None

    def fingerprint(self) -> str:
        """Identity of the parameters or the mapping; the partitions of one warehouse must share it."""

    def window(self, as_of_at: datetime | None = None) -> Window:
        """The intake dates a run covers when nobody says otherwise; of a log as far as it is known as of the instant (naive UTC), where one is given."""

    def cases(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema CASES."""

    def events(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema EVENTS."""

    def staffing(self, window: Window) -> pa.Table:
        """Schema STAFFING; empty where the source knows none."""

    def rejected_rows(self) -> pa.Table:
        """Schema REJECTED_ROWS: every row that could not be used, with its reason."""

    def partition_states(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema PARTITION_STATES: one row an intake date that has cases."""

    def messages(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema MESSAGES: visible when sent_ts <= as_of_at."""
        return MESSAGES.empty_table()

    def attribute_changes(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema ATTRIBUTE_CHANGES: visible when changed_ts <= as_of_at."""
        return ATTRIBUTE_CHANGES.empty_table()

    def applied_targets(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema APPLIED_TARGETS: visible when applied_ts <= as_of_at."""
        return APPLIED_TARGETS.empty_table()

    def source_verdicts(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema SOURCE_VERDICTS."""
        return SOURCE_VERDICTS.empty_table()

    def source_facts(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema SOURCE_FACTS: visible when known_ts <= as_of_at."""
        return SOURCE_FACTS.empty_table()

    def case_links(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema CASE_LINKS: visible when linked_ts <= as_of_at, or with its case where that is not told; an unlinking later than as_of_at is not known yet."""
        return CASE_LINKS.empty_table()

    def batches(self, what: str, window: Window, as_of_at: datetime) -> Iterator[pa.RecordBatch] | None:
        """What the method named `what` answers, in its order, in record batches, where that may be more than fits into memory; else None."""
        return None

    def reading_notes(self, as_of_at: datetime) -> list[str]:
        """What became of the records that were read, for a person who runs it: a line each."""
        return []

    def files_read(self) -> list[FilesRead]:
        """The files that it was read from, a pattern each; none where it comes from elsewhere."""
        return []

    def calendars(self) -> Mapping[str, Calendar]:
        """Calendars that the source brings, by name: <source>:<its own name>."""
        return {}
