"""The sensor that refreshes as soon as a log file is new or changed, and complete.

Belongs here: noticing, and when a file counts as complete. Does not belong here: which intake dates that concerns (refresh.py), and what a
file is as an asset (assets/log_files.py).
"""

# No `from __future__ import annotations`: Dagster looks at the annotation of `context` itself.
import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import dagster as dg

from opsla_dagster.assets.drop_folders import folders_read
from opsla_dagster.assets.log_files import log_sources
from opsla_dagster.automation.refresh import refresh_windows
from opsla_dagster.automation.schedule import REFRESH_JOB, run_tags
from opsla_dagster.errors import OpslaError, PassingError
from opsla_dagster.instance.instance import UNFINISHED
from opsla_dagster.settings import Settings
from opsla_dagster.settings.sources import EventLogSettings
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.sources.drops.released import Released
from opsla_dagster.sources.event_log.files import find_log_files
from opsla_dagster.window import dates_of

FILE_SENSOR = "refresh_on_new_files"
_EVERY_SECONDS = 30


@dataclass(frozen=True)
class Seen:
    """What the sensor remembers, by source: the state of the files at the last look, and that of which a refresh was asked for."""

    looked_at: dict[str, str] = field(default_factory=dict)
    refreshed: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, cursor: str | None) -> "Seen":
        return cls(**json.loads(cursor)) if cursor else cls()

    def to_cursor(self) -> str:
        return json.dumps({"looked_at": self.looked_at, "refreshed": self.refreshed}, sort_keys=True)


def build_file_sensor(settings: Settings, every_seconds: int = _EVERY_SECONDS) -> list[dg.SensorDefinition]:
    """The sensor, where a source asks for it (`refresh_on_new_files`); else none."""
    watched = [source for source in log_sources(settings) if source.refresh_on_new_files]
    if not watched:
        return []
    _refuse_drop_folders(settings, watched)
    #: What a state of the files was refused for: a log that cannot be used is not read again at every look.
    refused: dict[str, OpslaError] = {}

    @dg.sensor(
        name=FILE_SENSOR,
        job_name=REFRESH_JOB,
        minimum_interval_seconds=every_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Refreshes once a new or changed file of {', '.join(source.name for source in watched)} is complete: the same size and time "
        f"at two looks, {every_seconds} seconds apart. Once for each version of the files, and not while a run is going on.",
    )
    def refresh_on_new_files(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        before = Seen.of(context.cursor)
        states, trouble = _states(settings, watched)
        now = replace(before, looked_at=states)
        due = {name for name, state in states.items() if before.refreshed.get(name) != state}
        if not due:
            return _skip(now, trouble or "no file is new or changed")
        waiting = sorted(name for name in due if before.looked_at.get(name) != states[name])
        if waiting or trouble:
            told = f"files of {', '.join(waiting)} are new or changed; they are complete when they are the same at the next look" if waiting else ""
            return _skip(now, "; ".join(filter(None, [told, trouble])))
        busy = context.instance.get_runs(filters=dg.RunsFilter(statuses=[*UNFINISHED, dg.DagsterRunStatus.QUEUED]), limit=1)
        if busy:
            return _skip(now, f"files of {', '.join(sorted(due))} are complete; waiting for run {busy[0].run_id[:8]} ({busy[0].job_name}) to end")
        return _refresh(settings, now, sorted(due), refused)

    return [refresh_on_new_files]


def _refuse_drop_folders(settings: Settings, watched: list[EventLogSettings]) -> None:
    """Raises OpslaError for a source whose files a marker releases: two sensors would ask for the same refresh."""
    for source in watched:
        for number, pattern in enumerate(source.files):
            if folders_read(settings, source, number):
                raise OpslaError(
                    f"{settings.config_directory / 'sources.yml'}: {source.name}: refresh_on_new_files: {pattern} lies in a drop folder, whose markers say when "
                    "its files are complete; remove refresh_on_new_files"
                )


def _states(settings: Settings, watched: list[EventLogSettings]) -> tuple[dict[str, str], str]:
    """By source, the identity of its files as they are now; and of sources that cannot be looked at, why."""
    states, troubles, released = {}, [], Released.of(settings)
    for source in watched:
        try:
            files = find_log_files(source, settings.config_directory, released)
        except OpslaError as error:
            troubles.append(str(error))
            continue
        identity = repr([(file.name, file.size, file.modified_ns, file.inode) for file in files])
        states[source.name] = hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return states, "; ".join(troubles)


def _refresh(settings: Settings, now: Seen, due: list[str], refused: dict[str, OpslaError]) -> dg.SensorResult:
    """The refresh of these sources' files. Raises OpslaError where they cannot be used; a cause that passes waits for the next look."""
    version = " ".join(f"{name}:{now.looked_at[name]}" for name in due)
    if version in refused:
        raise refused[version].with_traceback(None)
    as_of_at = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    try:
        windows = refresh_windows(settings, build_desk(settings), as_of_at, only_changed=True)
    except PassingError as error:
        return _skip(now, f"trying again at the next look: {error}")
    except OpslaError as error:
        refused[version] = error
        raise
    done = replace(now, refreshed={**now.refreshed, **{name: now.looked_at[name] for name in due}})
    if not windows:
        return _skip(done, f"files of {', '.join(due)} are complete, and change nothing that is not refreshed already")
    tags = run_tags(dates_of(windows), as_of_at, is_refresh=True)
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=version, tags=tags)], cursor=done.to_cursor())


def _skip(seen: Seen, reason: str) -> dg.SensorResult:
    return dg.SensorResult(skip_reason=dg.SkipReason(reason), cursor=seen.to_cursor())
