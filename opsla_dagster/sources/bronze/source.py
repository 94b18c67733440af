"""An account of a ticket system as a `Source`.

Belongs here: what all of them answer, and how. Does not belong here: what one system's records mean; that is its plan.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property

import duckdb
import pyarrow as pa

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.calendars import Calendar
from opsla_dagster.settings.home import Home
from opsla_dagster.settings.sources import DeskSettings
from opsla_dagster.settings.tickets import AccountSettings
from opsla_dagster.sources.base import (
    APPLIED_TARGETS,
    ATTRIBUTE_CHANGES,
    CASE_LINKS,
    CASES,
    EVENTS,
    MESSAGES,
    PARTITION_STATES,
    REJECTED_ROWS,
    SOURCE_FACTS,
    SOURCE_VERDICTS,
    STAFFING,
    Source,
)
from opsla_dagster.sources.bronze.drift import bronze_file
from opsla_dagster.sources.bronze.files import reading
from opsla_dagster.sources.bronze.progress import Progress
from opsla_dagster.sources.bronze.snapshot import (
    CANONICAL_VERSION,
    Plan,
    Variables,
    create_table,
    open_snapshot,
    read_path,
    read_select,
    state_of,
    take_snapshot,
)
from opsla_dagster.status import Status
from opsla_dagster.window import ONE_DAY, Window

_DATED = ("cases", "events", "messages", "attribute_changes", "applied_targets", "source_verdicts", "source_facts", "case_links")


class TicketSource(Source):
    """What was loaded of one account. It is read on first use; every answer then comes from that one state.

    Nothing is told of the time after the instant up to which tickets and their history are both known: half an update would be
    wrong. Every method raises OpslaError while the first load has not come to its end.
    """

    #: Resources that must have come to the end of the backfill.
    required: tuple[str, ...]

    def __init__(self, settings: AccountSettings, desk: DeskSettings, home: Home, plan: Plan) -> None:
        self.name = settings.name
        self._account = settings
        self._desk = desk
        self._bronze = bronze_file(home, settings.name)
        self._cache = home.source_cache
        self._plan = plan

    # ---- what a system knows -------------------------------------------------------------------------------------------

    @abstractmethod
    def statuses(self) -> Mapping[str, Status]:
        """The source's own word -> canonical status."""

    @abstractmethod
    def read_calendars(self, connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, Calendar]]:
        """Schedule id -> (its calendar's name, the calendar), the account's default first; `connection` is the bronze file."""

    @abstractmethod
    def prepare(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Creates what the plan's SELECTs refer to besides the landed records."""

    # ---- the protocol --------------------------------------------------------------------------------------------------

    def fingerprint(self) -> str:
        """Identity of the mapping; what was loaded is not part of it, since an account that goes on is the normal case."""
        return self._account.mapping_fingerprint(self._desk.timezone)

    def window(self, as_of_at: datetime | None = None) -> Window:
        """From the first day whose tickets are known as a whole through the last intake date."""
        first = self._account.first_day(self._desk.start_date)
        (row,) = self._table("select max(intake_date) as last_date from stored_cases", {}).to_pylist()
        last = row["last_date"] or first
        return Window(first, max(first, last) + ONE_DAY)

    def known_until(self) -> datetime | None:
        """The instant up to which everything is known (UTC, naive)."""
        return self._known_until

    def cases(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema CASES, in intake_date, case_id order."""
        return self._read("cases", CASES, window, as_of_at)

    def events(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema EVENTS, in intake_date, case_id, source_sequence order."""
        return self._read("events", EVENTS, window, as_of_at)

    def messages(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema MESSAGES, in intake_date, case_id, source_sequence order."""
        return self._read("messages", MESSAGES, window, as_of_at)

    def attribute_changes(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema ATTRIBUTE_CHANGES, in intake_date, case_id, source_sequence order."""
        return self._read("attribute_changes", ATTRIBUTE_CHANGES, window, as_of_at)

    def applied_targets(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema APPLIED_TARGETS, in intake_date, case_id, source_sequence order."""
        return self._read("applied_targets", APPLIED_TARGETS, window, as_of_at)

    def source_verdicts(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema SOURCE_VERDICTS, in intake_date, case_id, verdict_id order."""
        return self._read("source_verdicts", SOURCE_VERDICTS, window, as_of_at)

    def source_facts(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema SOURCE_FACTS, in intake_date, case_id, fact order."""
        return self._read("source_facts", SOURCE_FACTS, window, as_of_at)

    def case_links(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema CASE_LINKS, in intake_date, case_id, linked_case_id order."""
        return self._read("case_links", CASE_LINKS, window, as_of_at)

    def staffing(self, window: Window) -> pa.Table:
        """Schema STAFFING, without rows: ticket systems know no shifts."""
        return STAFFING.empty_table()

    def rejected_rows(self) -> pa.Table:
        """Schema REJECTED_ROWS."""
        return self._table(read_select(read_path("rejected_rows")), {}).select(REJECTED_ROWS.names).cast(REJECTED_ROWS)

    def partition_states(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema PARTITION_STATES; the digest covers everything that is yielded for the date, and the source's calendars."""
        rows = " union all ".join(
            f"select intake_date, '{name}' as kind, md5('{name}' || to_json(yielded)) as digest "
            f"from ({read_select(read_path(name))}) as yielded"
            for name in _DATED
        )
        select = (
            "select $source as source, intake_date, count(*) filter (kind = 'cases') as cases, "
            "count(*) filter (kind = 'events') as events, md5(string_agg(digest, '' order by digest) || $calendars) as digest "
            f"from ({rows}) group by intake_date order by intake_date"
        )
        parameters = {**self._parameters(window, as_of_at), "source": self.name, "calendars": self._calendars_digest}
        return self._table(select, parameters).select(PARTITION_STATES.names).cast(PARTITION_STATES)

    def calendars(self) -> Mapping[str, Calendar]:
        """The account's schedules by name, <source>:<schedule>, and <source>:always."""
        always = Calendar(zone="UTC", always_open=True)
        return {f"{self.name}:always": always, **dict(self._schedules.values())}

    # ---- reading -------------------------------------------------------------------------------------------------------

    @cached_property
    def _state(self) -> tuple[str, dict[str, Progress]]:
        return state_of(self.name, self._bronze, self.required)

    @cached_property
    def _known_until(self) -> datetime | None:
        _, progress = self._state
        known = [step.known_until for name, step in progress.items() if name != "organizations" and step.known_until is not None]
        return min(known, default=None)

    @cached_property
    def _schedules(self) -> dict[str, tuple[str, Calendar]]:
        _ = self._state
        with reading(self.name, self._bronze) as connection:
            return self.read_calendars(connection)

    @cached_property
    def _calendars_digest(self) -> str:
        told = sorted((name, calendar.model_dump_json()) for name, calendar in self.calendars().items())
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        state, progress = self._state
        first = self._account.first_day(self._desk.start_date)
        text = repr((CANONICAL_VERSION, state, self.fingerprint(), str(first), self._plan.text()))
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        known = {f"{name}_known_until": step.known_until for name, step in progress.items()}
        variables: Variables = {
            "source": self.name, "prefix": self._account.case_id_prefix, "zone": self._desk.timezone, "first_day": first, **known,
        }
        path = take_snapshot(self.name, self._bronze, self._cache, key, self._plan, variables, self._prepare)
        return open_snapshot(path, self.name)

    def _prepare(self, connection: duckdb.DuckDBPyConnection) -> None:
        statuses = [{"source_status": word, "status": str(status)} for word, status in self.statuses().items()]
        names = pa.schema([("source_status", pa.string()), ("status", pa.string())])
        create_table(connection, "statuses", pa.Table.from_pylist(statuses, names))
        schedules = [
            {"schedule_id": number, "calendar": name, "is_default": position == 0}
            for position, (number, (name, _)) in enumerate(self._schedules.items())
        ]
        kinds = pa.schema([("schedule_id", pa.string()), ("calendar", pa.string()), ("is_default", pa.bool_())])
        create_table(connection, "schedules", pa.Table.from_pylist(schedules, kinds))
        self.prepare(connection)

    def _parameters(self, window: Window, as_of_at: datetime) -> dict[str, object]:
        as_of = as_of_at if as_of_at.tzinfo is None else as_of_at.astimezone(UTC).replace(tzinfo=None)
        until = self._known_until
        return {"start_date": window.start, "end_date": window.end, "as_of_at": as_of if until is None else min(as_of, until)}

    def _read(self, name: str, schema: pa.Schema, window: Window, as_of_at: datetime) -> pa.Table:
        table = self._table(read_select(read_path(name)), self._parameters(window, as_of_at))
        return table.select(schema.names).cast(schema)

    def _table(self, select: str, parameters: dict[str, object]) -> pa.Table:
        try:
            return self._connection.sql(select, params=parameters or None).to_arrow_table()
        except duckdb.Error as error:
            raise OpslaError(
                f"{self._cache / self.name}: the snapshot of source {self.name} cannot be read: {error}; delete this directory and run again"
            ) from error
