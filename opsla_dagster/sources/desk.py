"""The desk: all enabled sources as one.

Belongs here: building the sources from their settings, uniting them, and refusing what must not be mixed. Does not belong
here: how any one source reads.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from itertools import chain

import pyarrow as pa

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import Settings
from opsla_dagster.settings.calendars import CalendarsSettings
from opsla_dagster.settings.sources import EventLogSettings, SimulationSourceSettings, SourceSettings
from opsla_dagster.settings.tickets import IntercomSettings, ZendeskSettings
from opsla_dagster.settings.zones import fixed_zone_warning
from opsla_dagster.sources.base import ANSWERS, FilesRead, Source
from opsla_dagster.sources.drops.released import Released
from opsla_dagster.sources.event_log import EventLogSource
from opsla_dagster.sources.event_log.beside import AuditLogBeside
from opsla_dagster.sources.event_log.links_beside import LinksBeside
from opsla_dagster.sources.intercom.source import IntercomSource
from opsla_dagster.sources.simulation import SimulationSource
from opsla_dagster.sources.zendesk.source import ZendeskSource
from opsla_dagster.window import Window


class Desk:
    """The union over the enabled sources; one object serves one run."""

    def __init__(self, sources: list[Source], zone_notes: list[str] | None = None) -> None:
        self.sources = sources
        self._zone_notes = zone_notes or []
        #: What this run has announced (raw.source_partitions) of a source and intake date: the digest, and the instant as of which it holds.
        self.announced: dict[tuple[str, date], tuple[str, datetime]] = {}

    def window(self, as_of_at: datetime | None = None) -> Window:
        """The intake dates of all sources together, as far as they are known as of the instant (naive UTC), where one is given."""
        windows = [source.window(as_of_at) for source in self.sources]
        return Window(min(window.start for window in windows), max(window.end for window in windows))

    def fingerprints(self) -> dict[str, str]:
        return {source.name: source.fingerprint() for source in self.sources}

    def cases(self, window: Window, as_of_at: datetime) -> pa.Table:
        return self._united(lambda source: source.cases(window, as_of_at))

    def events(self, window: Window, as_of_at: datetime) -> pa.Table:
        return self._united(lambda source: source.events(window, as_of_at))

    def staffing(self, window: Window) -> pa.Table:
        return self._united(lambda source: source.staffing(window))

    def rejected_rows(self) -> pa.Table:
        return self._united(lambda source: source.rejected_rows())

    def partition_states(self, window: Window, as_of_at: datetime) -> pa.Table:
        return self._united(lambda source: source.partition_states(window, as_of_at))

    def messages(self, window: Window, as_of_at: datetime) -> pa.Table:
        return self._united(lambda source: source.messages(window, as_of_at))

    def attribute_changes(self, window: Window, as_of_at: datetime) -> pa.Table:
        return self._united(lambda source: source.attribute_changes(window, as_of_at))

    def applied_targets(self, window: Window, as_of_at: datetime) -> pa.Table:
        return self._united(lambda source: source.applied_targets(window, as_of_at))

    def source_verdicts(self, window: Window, as_of_at: datetime) -> pa.Table:
        return self._united(lambda source: source.source_verdicts(window, as_of_at))

    def source_facts(self, window: Window, as_of_at: datetime) -> pa.Table:
        return self._united(lambda source: source.source_facts(window, as_of_at))

    def case_links(self, window: Window, as_of_at: datetime) -> pa.Table:
        return self._united(lambda source: source.case_links(window, as_of_at))

    def files_read(self) -> list[FilesRead]:
        return [files for source in self.sources for files in source.files_read()]

    def in_batches(self, what: str, window: Window, as_of_at: datetime) -> pa.RecordBatchReader | None:
        """What the method named `what` answers, to be read once, where it may be more than fits into memory; else None."""
        found = [source.batches(what, window, as_of_at) for source in self.sources]
        if all(pieces is None for pieces in found):
            return None
        batches = chain.from_iterable(
            getattr(source, what)(window, as_of_at).to_batches() if pieces is None else pieces
            for source, pieces in zip(self.sources, found, strict=True)
        )
        return pa.RecordBatchReader.from_batches(ANSWERS[what], batches)

    def reading_notes(self, as_of_at: datetime) -> list[str]:
        return self._zone_notes + [f"{source.name}: {note}" for source in self.sources for note in source.reading_notes(as_of_at)]

    def calendars(self, configured: CalendarsSettings) -> CalendarsSettings:
        """The calendars of calendars.yml and those that the sources bring."""
        brought = {name: calendar for source in self.sources for name, calendar in source.calendars().items()}
        return configured.model_copy(update={"calendars": {**configured.calendars, **brought}})

    def _united(self, read: Callable[[Source], pa.Table]) -> pa.Table:
        return pa.concat_tables([read(source) for source in self.sources])


def build_desk(settings: Settings) -> Desk:
    """The desk of the enabled sources of sources.yml. Raises OpslaError when none is enabled."""
    enabled = [source for source in settings.sources.sources if source.enabled]
    if not enabled:
        raise OpslaError(f"{settings.config_directory / 'sources.yml'}: sources: none is enabled; set `enabled: true` on one")
    return Desk([_build(settings, source) for source in enabled], _zone_notes(settings))


def _zone_notes(settings: Settings) -> list[str]:
    """A warning for each zone that is a fixed distance from UTC where a place is mostly meant, with where it is named."""
    named = {"sources.yml: desk.timezone": settings.sources.desk.timezone}
    named.update({f"calendars.yml: calendars.{name}.zone": calendar.zone for name, calendar in settings.calendars.calendars.items()})
    named.update({
        f"sources.yml: {source.name}: time.timezone": source.time.timezone
        for source in settings.sources.sources if isinstance(source, EventLogSettings) and source.enabled and source.time.timezone
    })  # fmt: skip
    places: dict[str, list[str]] = {}
    for place, zone in named.items():
        places.setdefault(zone, []).append(place)
    return [f"warning: {warning} ({', '.join(places[zone])})" for zone in places if (warning := fixed_zone_warning(zone))]


def _build(settings: Settings, source: SourceSettings) -> Source:
    desk = settings.sources.desk
    match source:
        case SimulationSourceSettings() if settings.simulation is not None:
            return SimulationSource(source.name, settings.simulation, desk.timezone, settings.simulated_cases)
        case EventLogSettings(form="links", beside=str(name)):
            known = {each.name: each for each in settings.sources.sources}
            linked = known[source.linked_source or name]
            return LinksBeside(_event_log(settings, source), _build(settings, known[name]), getattr(linked, "case_id_prefix", ""))
        case EventLogSettings(beside=str(name)):
            main = next(each for each in settings.sources.sources if each.name == name)
            return AuditLogBeside(_event_log(settings, source), _event_log(settings, main))
        case EventLogSettings():
            return _event_log(settings, source)
        case ZendeskSettings():
            return ZendeskSource(source, desk, settings.home)
        case IntercomSettings():
            return IntercomSource(source, desk, settings.home)
    raise OpslaError(f"{settings.config_directory / 'sources.yml'}: source {source.name!r} is of a type that cannot be built")


def _event_log(settings: Settings, source: SourceSettings) -> EventLogSource:
    assert isinstance(source, EventLogSettings)  # sources.yml is refused otherwise
    return EventLogSource(
        source, settings.sources.desk, settings.home.source_cache, settings.config_directory, settings.calendars.calendars, Released.of(settings)
    )


def refuse_mixtures(held: list[tuple[str, str, date]], fingerprints: dict[str, str]) -> None:
    """`held`: (source, fingerprint, first intake date) of the partitions that stay in the warehouse beside the new ones.

    Raises OpslaError when one was made by a source that is not enabled, or with other parameters than today's.
    """
    for source, fingerprint, first_date in held:
        now = fingerprints.get(source)
        if now == fingerprint:
            continue
        if now is None:
            raise OpslaError(
                f"this warehouse already holds intake dates from {first_date} on whose source {source!r} is not enabled in sources.yml any more "
                f"(held {fingerprint}, configured none); beside today's sources cases would count twice. "
                "Go on in a fresh home (OPSLA_HOME=./another-home), enable the source again, or load a window that covers all of the old dates."
            )
        raise OpslaError(
            f"this warehouse already holds intake dates from {first_date} on whose source {source!r} was made with other parameters than today's: "
            f"its mapping, or its simulation, has changed (held {fingerprint}, configured {now}), and half of the dates would be read one way, half "
            "the other. `opsla run` without --start, --end and --cases makes all of them anew, and so does `opsla refresh`; "
            "or load a window that covers all of the old dates, go back to the configuration they were made with, or on in a fresh home "
            "(OPSLA_HOME=./another-home)."
        )
