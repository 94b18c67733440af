"""What the next refresh has to do: yesterday, and exactly the intake dates whose cases or events changed since the last one.

Late data is exact, not a look-back: the sources' states are compared with those of the last completed refresh of each date,
however old it is. Belongs here: that comparison. Does not belong here: starting runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from opsla_dagster.settings import Settings
from opsla_dagster.sources.base import NO_CASES, Source
from opsla_dagster.sources.desk import Desk
from opsla_dagster.warehouse.connection import reading
from opsla_dagster.window import ONE_DAY, Window, ranges_of


@dataclass(frozen=True)
class Refreshed:
    """The last completed refresh of one intake date of one source."""

    as_of_at: datetime
    digest: str


def refresh_windows(settings: Settings, desk: Desk, as_of_at: datetime) -> list[Window]:
    """The fewest windows that hold exactly the intake dates to refresh as of `as_of_at` (naive UTC), oldest first.

    They are the dates already loaded whose cases or events changed since, the dates that have gone by since the last
    refresh, and yesterday. Dates before the last refresh that nobody ever loaded stay unloaded.
    """
    zone = settings.sources.desk.timezone
    today = local_date(as_of_at, zone)
    yesterday = today - ONE_DAY
    refreshed = _refreshed(settings)
    days = {day for source in desk.sources for day in _changed(source, refreshed.get(source.name, {}), as_of_at)}
    days.add(yesterday)
    last_at = max((state.as_of_at for states in refreshed.values() for state in states.values()), default=None)
    if last_at is not None:
        missed_from = local_date(last_at, zone)
        days.update(missed_from + timedelta(days=offset) for offset in range((today - missed_from).days))
    return ranges_of(day for day in days if settings.sources.desk.start_date <= day < today)


def local_date(instant: datetime, zone: str) -> date:
    """The date in `zone` at a naive UTC instant."""
    return instant.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()


def _refreshed(settings: Settings) -> dict[str, dict[date, Refreshed]]:
    """By source and intake date, the last completed refresh, as published: nobody ever locks the published copy."""
    if not settings.home.marts_database.exists():
        return {}
    with reading(settings.home.marts_database) as connection:
        rows = connection.execute("select source, intake_date, as_of_at, digest from ops.refreshed_partitions").fetchall()
    found: dict[str, dict[date, Refreshed]] = {}
    for source, day, as_of_at, digest in rows:
        found.setdefault(source, {})[day] = Refreshed(as_of_at, digest)
    return found


def _changed(source: Source, refreshed: dict[date, Refreshed], as_of_at: datetime) -> Iterator[date]:
    """The refreshed dates whose state at the source is not what it was."""
    unsettled = [day for day, state in refreshed.items() if not _is_settled(source, day, min(state.as_of_at, as_of_at))]
    if not unsettled:
        return
    asked = Window(min(unsettled), max(unsettled) + ONE_DAY)
    states = source.partition_states(asked, as_of_at)
    now = dict(zip(states["intake_date"].to_pylist(), states["digest"].to_pylist(), strict=True))
    yield from (day for day in unsettled if now.get(day, NO_CASES) != refreshed[day].digest)


def _is_settled(source: Source, day: date, seen_until: datetime) -> bool:
    """Whether everything there ever will be of `day` had been seen by `seen_until`."""
    if source.settles_after_days is None:
        return False
    # One day more than the source promises: local dates begin up to 14 hours off UTC's.
    return seen_until.date() > day + timedelta(days=source.settles_after_days + 1)
