"""What the next refresh has to do: yesterday, and exactly the intake dates whose cases or events changed since the last one.

Late data is exact, not a look-back: the sources' states are compared with those of the last completed refresh of each date,
however old it is. Belongs here: that comparison. Does not belong here: starting runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from opsla_dagster.assets.made_dates import LOADED_AND_MADE, OF_THIS_STATE
from opsla_dagster.assets.operations import made_from, rules_fingerprint
from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import Settings
from opsla_dagster.sources.base import NO_CASES, Source
from opsla_dagster.sources.desk import Desk
from opsla_dagster.warehouse.connection import reading, table_names
from opsla_dagster.window import ONE_DAY, Window, ranges_of

#: A warehouse that a run is writing is not waited for: the published copy tells the same of every load that came to its end.
_PATIENCE_SECONDS = 0.5

_HELD = f"""
    select held.source, held.intake_date, held.as_of_at, coalesce(done.digest, ''), held.fingerprint
    from {LOADED_AND_MADE} and {OF_THIS_STATE}
"""
_BEGUN = "select source, intake_date, as_of_at, '', fingerprint from raw.source_partitions"
_PUBLISHED = "select source, intake_date, as_of_at, digest, fingerprint from ops.refreshed_partitions"
#: A load as these select it: source, intake date, as of when, what it was made from, and the source's mapping or parameters.
_Load: TypeAlias = tuple[str, date, datetime, str, str]


@dataclass(frozen=True)
class Loaded:
    """One intake date of one source as it was loaded last.

    `made_from` is empty when that load never came to its end, was read with another mapping or other parameters, or judged by other rules
    than today's.
    """

    as_of_at: datetime
    made_from: str


#: By source and intake date.
Held = dict[str, dict[date, Loaded]]


def refresh_windows(settings: Settings, desk: Desk, as_of_at: datetime, *, only_changed: bool = False) -> list[Window]:
    """The fewest windows that hold exactly the intake dates to refresh as of `as_of_at` (naive UTC), oldest first.

    They are yesterday; the dates loaded, today among them, whose cases or events, the mapping they were read with, or the rules they are
    judged by, changed since; the dates whose last load did not come to its end; and those without a load that have gone by since the home's
    oldest one. Dates that had gone by before stay unloaded, except where a log brings cases of one that follows the first
    loaded date. A date loaded as of a later instant is left alone: a refresh never goes back. With `only_changed`
    yesterday is one date among the others: it is made where it is not loaded, or has changed.
    """
    zone = settings.sources.desk.timezone
    today = local_date(as_of_at, zone)
    rules = rules_fingerprint(settings)
    held = _by_source(_loads(settings), rules, desk.fingerprints())
    loads = [(day, loaded) for dates in held.values() for day, loaded in dates.items()]
    known = {day for day, _ in loads}
    days = set() if only_changed and known else {today - ONE_DAY}
    if loads:
        oldest = local_date(min(loaded.as_of_at for _, loaded in loads), zone)
        days |= set(_dates(oldest, today)) - known
        for source in desk.sources:
            days |= set(_changed(source, held.get(source.name, {}), known, as_of_at, today, rules))
        days -= {day for day, loaded in loads if loaded.as_of_at > as_of_at and loaded.made_from}
    # A date that is not over yet waits for tomorrow, unless somebody loaded it by hand: the refresh says that it looked at it.
    return ranges_of({day for day in days if settings.sources.desk.start_date <= day and (day < today or day in known)})


def never_loaded(settings: Settings, desk: Desk, windows: Iterable[Window], as_of_at: datetime) -> list[Window]:
    """The intake dates up to yesterday that neither are loaded nor will be by `windows`.

    They begin with the first loaded one; or before it, where a log has cases: one that was loaded may have moved there.
    """
    known = {load[1] for load in _loads(settings)} | {day for window in windows for day in window.dates()}
    if not known:
        return []
    first = min([min(known), *_dates_before(min(known), settings, desk, as_of_at)])
    return ranges_of(set(_dates(first, local_date(as_of_at, settings.sources.desk.timezone))) - known)


def _dates_before(first: date, settings: Settings, desk: Desk, as_of_at: datetime) -> Iterator[date]:
    """The intake dates before `first` of which a log has cases."""
    for source in desk.sources:
        if source.settles_after_days is None and settings.sources.desk.start_date < first:
            before = Window(settings.sources.desk.start_date, first)
            yield from source.partition_states(before, as_of_at)["intake_date"].to_pylist()


def loaded_dates(settings: Settings) -> set[date]:
    """Every intake date that is loaded, from whatever source, whether or not to the end."""
    return {load[1] for load in _loads(settings)}


def remapped_dates(settings: Settings, desk: Desk) -> set[date]:
    """The loaded intake dates that an enabled source of today was read for with another mapping or other parameters."""
    now = desk.fingerprints()
    return {day for source, day, _, _, fingerprint in _loads(settings) if source in now and fingerprint != now[source]}


def local_date(instant: datetime, zone: str) -> date:
    """The date in `zone` at a naive UTC instant."""
    return instant.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()


def _dates(start: date, end: date) -> Iterator[date]:
    return (start + timedelta(days=offset) for offset in range((end - start).days))


def _loads(settings: Settings) -> list[_Load]:
    """What the warehouse holds; while a run writes it, what was published last."""
    home = settings.home
    if not home.warehouse.exists():
        return []
    try:
        with reading(home.warehouse, patience_seconds=_PATIENCE_SECONDS, older_too=True) as connection:
            tables = table_names(connection)
            if "raw.source_partitions" not in tables:
                return []
            return connection.execute(_HELD if "ops.refreshed_partitions" in tables else _BEGUN).fetchall()
    except OpslaError:
        if not home.marts_database.exists():
            raise
    with reading(home.marts_database, older_too=True) as connection:
        return connection.execute(_PUBLISHED).fetchall()


def _by_source(loads: Iterable[_Load], rules: str, fingerprints: Mapping[str, str]) -> Held:
    held: Held = {}
    for source, day, as_of_at, digest, fingerprint in loads:
        is_todays = digest.endswith(rules) and fingerprint == fingerprints.get(source, fingerprint)
        held.setdefault(source, {})[day] = Loaded(as_of_at, digest if is_todays else "")
    return held


def _changed(
    source: Source, held: dict[date, Loaded], known: set[date], as_of_at: datetime, today: date, rules: str
) -> Iterator[date]:
    """The dates whose state at the source is not what they were made from; `known` are those loaded from any source."""
    if source.settles_after_days is None:
        # Nobody can promise that a date without cases stays without: dates that were never loaded are looked at too.
        # (What lies beyond the end of its log has most likely a mistyped stamp, and waits until its date is named.)
        days = sorted(known | set(_dates(min(known), min(today, source.window(as_of_at).end))))
    else:
        days = [day for day in known if not _is_settled(source.settles_after_days, day, held.get(day), as_of_at)]
    if not days:
        return
    states = source.partition_states(Window(min(days), max(days) + ONE_DAY), as_of_at)
    now = dict(zip(states["intake_date"].to_pylist(), states["digest"].to_pylist(), strict=True))
    nothing = made_from(NO_CASES, rules)
    for day in days:
        was = held[day].made_from if day in held else nothing
        if was != made_from(now.get(day, NO_CASES), rules):
            yield day


def _is_settled(settles_after_days: int, day: date, loaded: Loaded | None, as_of_at: datetime) -> bool:
    """Whether everything there ever will be of `day` had been seen when it was loaded."""
    if loaded is None or not loaded.made_from:
        return False
    # One day more than the source promises: local dates begin up to 14 hours off UTC's.
    return min(loaded.as_of_at, as_of_at).date() > day + timedelta(days=settles_after_days + 1)
