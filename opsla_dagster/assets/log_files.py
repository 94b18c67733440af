"""Log files as external assets: what raw tables are made from, and that nobody here makes.

Belongs here: their keys, and what is told of them when they are read. Does not belong here: reading them, and noticing new ones
(automation/new_files.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC

import dagster as dg

from opsla_dagster.assets.drop_folders import folders_read
from opsla_dagster.assets.factory import OWNER
from opsla_dagster.settings import Settings
from opsla_dagster.settings.sources import EventLogSettings
from opsla_dagster.sources.base import FilesRead

GROUP = "log_files"
_SHOWN = 20


def log_sources(settings: Settings) -> list[EventLogSettings]:
    """The enabled sources that are logs in files."""
    return [source for source in settings.sources.sources if isinstance(source, EventLogSettings) and source.enabled]


def log_file_key(source: str, pattern: str) -> dg.AssetKey:
    """One asset a pattern of `files`: what it names today may be more files tomorrow."""
    return dg.AssetKey([GROUP, source, re.sub(r"[^A-Za-z0-9_.-]+", "_", pattern).strip("_")])


def log_file_specs(settings: Settings) -> list[dg.AssetSpec]:
    """The external assets of every enabled log."""
    found = {
        log_file_key(source.name, pattern): dg.AssetSpec(
            log_file_key(source.name, pattern),
            group_name=GROUP,
            kinds={"file"},
            owners=[OWNER],
            deps=folders_read(settings, source, number),
            description=f"What `{pattern}` names: files of the source {source.name} (sources.yml). Somebody else writes them.",
        )
        for source in log_sources(settings)
        for number, pattern in enumerate(source.files)
    }
    return list(found.values())


def observations(found: Iterable[FilesRead]) -> Iterator[dg.AssetObservation]:
    """What was read of each pattern."""
    for each in found:
        more = [f"and {len(each.names) - _SHOWN} more"] if len(each.names) > _SHOWN else []
        yield dg.AssetObservation(
            log_file_key(each.source, each.pattern),
            metadata={
                "files": len(each.names),
                "size_bytes": each.size_bytes,
                "modified_at": dg.TimestampMetadataValue(each.modified_at.replace(tzinfo=UTC).timestamp()),
                "records": each.records,
                "names": dg.MetadataValue.json([*each.names[-_SHOWN:], *more]),
            },
        )
