"""Records of a case that lie after the last look: stamps of the future, which are often mistyped. Most are in no table yet.

Belongs here: finding them, and a case whose intake date is not loaded, in what was read last of the logs. Does not belong here: who is visible when (sources/event_log/source.py), and words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from opsla_dagster.reporting.explanation import NotYet
from opsla_dagster.settings import Settings
from opsla_dagster.settings.sources import OPENED, EventLogSettings


def not_yet_of(settings: Settings, case_id: str, as_of_at: datetime, sources: Sequence[str] | None = None) -> tuple[NotYet, ...]:
    """The records of the case, of the logs of these names (default: of all), that lie after `as_of_at` (naive UTC), in their order.

    Nothing is read of the logs themselves. Raises OpslaError for a damaged cache.
    """
    select = """
        select file_number, row_number, {said}, greatest(ingestion_ts, intake_ts, event_ts) as latest_ts, greatest(ingestion_ts, intake_ts) <= $as_of_at
        from {events}
        where case_id = $case_id and latest_ts > $as_of_at
        order by latest_ts, source_sequence
    """
    found = _rows_of(settings, select, {"case_id": case_id, "as_of_at": as_of_at}, sources)
    return tuple(NotYet(files[file_number], *rest) for files, (file_number, *rest) in found)


def read_of(settings: Settings, case_id: str) -> list[tuple[date, str]]:
    """Intake date and place (`log.csv row 7`) of the first record of the case in each log that was read last, whether or not that date is loaded."""
    select = "select file_number, row_number, intake_date from {events} where case_id = $case_id order by source_sequence limit 1"
    found = _rows_of(settings, select, {"case_id": case_id})
    return [(intake_date, f"{Path(files[file_number]).name} row {row_number:,}") for files, (file_number, row_number, intake_date) in found]


def _rows_of(
    settings: Settings, select: str, parameters: dict[str, object], sources: Sequence[str] | None = None
) -> Iterator[tuple[list[str], tuple[Any, ...]]]:
    """The files of each log, and the rows that the SELECT finds in its events."""
    from opsla_dagster.sources.event_log.canonical import connect
    from opsla_dagster.sources.event_log.snapshot import last_snapshot

    for source in settings.sources.sources:
        if not isinstance(source, EventLogSettings) or source.form == "links" or (sources is not None and source.name not in sources):
            continue
        snapshot = last_snapshot(settings.home.source_cache, source.name)
        if snapshot is None:
            continue
        with connect(snapshot.spill_directory) as connection:
            rows = connection.execute(select.format(events=snapshot.events, said=_said(source)), parameters).fetchall()
        yield from ((list(snapshot.rows), row) for row in rows)


def _said(source: EventLogSettings) -> str:
    """SQL over the events that were read: what the record itself says, which may be another thing than the status that its case is in."""
    if source.form == "changes":
        # After a record each attribute is what the record made of it.
        values = " ".join(f"when '{name}' then {name}" for name in source.changed_attributes)
        change = f"changed_field || ': ' || coalesce(old_value, 'nothing') || ' to ' || coalesce(case changed_field {values} end, 'nothing')" if values else "changed_field"
        return f"case when changed_field = 'status' then source_status when changed_field = '{OPENED}' then changed_field else {change} end"
    return "case when is_told then source_status end" if source.carries_statuses else "source_status"
