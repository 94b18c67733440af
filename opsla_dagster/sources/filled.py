"""Which raw tables the enabled sources can fill, and so which areas of tables have something to say.

Belongs here: what follows from sources.yml alone. Does not belong here: reading anything.
"""

from __future__ import annotations

from collections.abc import Iterator

from opsla_dagster.catalog import AREAS, Table
from opsla_dagster.settings.sources import EventLogSettings, SimulationSourceSettings, SourcesSettings
from opsla_dagster.settings.tickets import AccountSettings
from opsla_dagster.status import MESSAGE_SIGNALS

#: Who held a case when is told: by a team or an agent of events, or of changes.
_OWNERS = "raw.events_log.team"
_LINKS = "raw.case_links"
_OF_ACCOUNTS = (_OWNERS, "raw.messages", "raw.attribute_changes", "raw.applied_targets", "raw.source_verdicts", "raw.source_facts", _LINKS)


def filled_tables(settings: SourcesSettings) -> frozenset[str]:
    """The raw tables, and columns of raw.cases, that an enabled source may fill beyond what every source does."""
    return frozenset(table for source in settings.sources if source.enabled for table in _filled_by(source))


def tells_holders(settings: SourcesSettings, name: str) -> bool:
    """Whether the source `name`, or a log beside it, tells who held a case when; one row a case tells whose it is at its end, and no more."""
    told = {source.name: _OWNERS in _filled_by(source) for source in settings.sources}
    return any(told.get(each, True) for each in (name, *settings.beside(name)))


def active_tables(settings: SourcesSettings) -> list[Table]:
    """The tables of the catalog whose areas the enabled sources feed."""
    filled = filled_tables(settings)
    return [table for area in AREAS if area.is_fed(filled) for table in area.tables]


def empty_tables(settings: SourcesSettings) -> list[Table]:
    """The stored tables that no enabled source feeds, and that are there without rows all the same."""
    filled = filled_tables(settings)
    return [table for area in AREAS if not area.is_fed(filled) for table in area.tables if table.name in area.stand_empty]


def _filled_by(source: object) -> Iterator[str]:
    match source:
        case AccountSettings():
            yield from _OF_ACCOUNTS
        case SimulationSourceSettings():
            yield _OWNERS
        case EventLogSettings():
            if source.form == "updates" and (source.columns.team or source.columns.agent):
                yield _OWNERS
            if {"team", "agent"} & {*source.changed_attributes}:
                yield _OWNERS
            if source.form == "links":
                yield _LINKS
            if source.due:
                yield "raw.applied_targets"
            if source.columns.sla_met:
                yield "raw.cases.source_is_sla_met"
            if source.columns.resolved_ts or source.columns.closed_ts:
                yield "raw.cases.source_resolved_ts"
            if set(MESSAGE_SIGNALS) & {*source.statuses.values(), *source.milestones.values()}:
                yield "raw.messages"
