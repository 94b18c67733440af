"""Records of a case that lie after the last look: stamps of the future, which are often mistyped. Most are in no table yet.

Belongs here: finding them in what was read last of the logs. Does not belong here: who is visible when (sources/event_log/source.py), and words.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from opsla_dagster.reporting.explanation import NotYet
from opsla_dagster.settings import Settings
from opsla_dagster.settings.sources import EventLogSettings


def not_yet_of(settings: Settings, case_id: str, as_of_at: datetime, sources: Sequence[str] | None = None) -> tuple[NotYet, ...]:
    """The records of the case, of the logs of these names (default: of all), that lie after `as_of_at` (naive UTC), in their order.

    Nothing is read of the logs themselves. Raises OpslaError for a damaged cache.
    """
    from opsla_dagster.sources.event_log.canonical import connect
    from opsla_dagster.sources.event_log.snapshot import last_snapshot

    found: list[NotYet] = []
    for source in settings.sources.sources:
        if not isinstance(source, EventLogSettings) or source.form == "links" or (sources is not None and source.name not in sources):
            continue
        snapshot = last_snapshot(settings.home.source_cache, source.name)
        if snapshot is None:
            continue
        files = list(snapshot.rows)
        with connect(snapshot.spill_directory) as connection:
            rows = connection.execute(
                "select file_number, row_number, source_status, greatest(ingestion_ts, intake_ts, event_ts) as latest_ts, "
                f"greatest(ingestion_ts, intake_ts) <= $as_of_at as counts_already from {snapshot.events} "
                "where case_id = $case_id and latest_ts > $as_of_at order by latest_ts, source_sequence",
                {"case_id": case_id, "as_of_at": as_of_at},
            ).fetchall()
        found += [NotYet(files[file_number], *rest) for file_number, *rest in rows]
    return tuple(found)
