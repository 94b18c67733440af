"""Snapshots on disk: files are canonicalised once a state, and a log that lost records is refused.

Belongs here: keys, renaming into place, pruning, the memory of what was read last.
Does not belong here: what rows mean.

Under <cache>/<source>/ lie the snapshots, one directory a state of files and mapping, and `last_read.json`, which names
the snapshot that was read last.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import duckdb

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.sources import DeskSettings, EventLogSettings
from opsla_dagster.sources.event_log.canonical import (
    EVENTS_FILE,
    IGNORED_FILE,
    REJECTED_FILE,
    SourceCounts,
    canonicalise,
    connect,
)
from opsla_dagster.sources.event_log.files import LogFile
from opsla_dagster.warehouse.sql import literal, path_literal

#: To be raised when the same files and mapping begin to give other rows, so that older snapshots are left aside.
CANONICAL_VERSION = 13
LAST_READ_FILE = "last_read.json"
_STATE_FILE = "snapshot.json"
_KEY = re.compile(r"[0-9a-f]{16}")
_UNFINISHED = "unfinished-"
#: Nobody reads a log for longer than a day.
_ABANDONED_AFTER_SECONDS = 86_400


@dataclass(frozen=True)
class Snapshot:
    """One canonicalised state of a source's files."""

    directory: Path
    fingerprint: str
    counts: SourceCounts
    #: Path -> records of the file.
    rows: dict[str, int]
    #: The CANONICAL_VERSION that made it; the first one did not write it down.
    version: int
    #: What a person should know of the reading, a line each.
    notes: tuple[str, ...] = ()
    #: Path -> rows of empty cells of the file; readings up to version 12 took them for records.
    empty_rows: dict[str, int] = field(default_factory=dict)

    @property
    def spill_directory(self) -> Path:
        return self.directory.parent / "spill"

    @property
    def events(self) -> str:
        """SQL that reads one row an event."""
        return f"read_parquet({path_literal(self.directory / EVENTS_FILE)})"

    @property
    def rejected(self) -> str:
        """SQL that reads the rejected rows."""
        return f"read_parquet({path_literal(self.directory / REJECTED_FILE)})"

    @property
    def ignored(self) -> str:
        """SQL that reads the records that are left out on purpose."""
        return f"read_parquet({path_literal(self.directory / IGNORED_FILE)})"


def take_snapshot(settings: EventLogSettings, desk: DeskSettings, files: Sequence[LogFile], cache: Path) -> Snapshot:
    """The snapshot of these files: the cached one of their state, or a new one.

    Raises OpslaError for files that cannot be read, and for a log that lost records since it was last read.
    """
    home = cache / settings.name
    fingerprint = settings.mapping_fingerprint(desk)
    key = _key(fingerprint, desk, files)
    directory = home / key
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not (directory / _STATE_FILE).exists():
            _build(settings, desk, files, fingerprint, directory)
        snapshot = _read(directory)
        last = _last_read(home)
        if last is not None and last.directory != directory:
            _require_nothing_lost(home, last, snapshot, settings.form, [file.outer_name for file in files if file.is_attested])
        _remember(home, key)
        _prune(home, kept={key, last.directory.name if last else key})
    except OSError as error:
        problem = error.strerror or error
        raise OpslaError(f"{home}: the cache of source {settings.name} cannot be written: {problem}") from error
    return snapshot


def _key(fingerprint: str, desk: DeskSettings, files: Sequence[LogFile]) -> str:
    states = [(file.name, file.size, file.modified_ns, file.inode) for file in files]
    text = repr((CANONICAL_VERSION, fingerprint, desk.start_date.isoformat(), states))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _build(
    settings: EventLogSettings, desk: DeskSettings, files: Sequence[LogFile], fingerprint: str, directory: Path
) -> None:
    """Written aside and renamed: a snapshot is there as a whole, or not at all."""
    aside = directory.with_name(f"{_UNFINISHED}{uuid.uuid4().hex}")
    aside.mkdir()
    try:
        reading = canonicalise(settings, desk, files, aside)
        shutil.rmtree(aside / "spill", ignore_errors=True)
        state = {"version": CANONICAL_VERSION, "fingerprint": fingerprint, **asdict(reading)}
        (aside / _STATE_FILE).write_text(json.dumps(state, indent=1), encoding="utf-8")
        if not directory.exists():
            aside.rename(directory)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _read(directory: Path) -> Snapshot:
    try:
        state = json.loads((directory / _STATE_FILE).read_text(encoding="utf-8"))
        counts = SourceCounts(**state["counts"])
        return Snapshot(directory, state["fingerprint"], counts, state["rows"], state.get("version", 1), tuple(state.get("notes", ())), state.get("empty_rows", {}))
    except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
        raise OpslaError(f"{directory}: a damaged cache ({error}); delete this directory and run again") from error


def _prune(home: Path, kept: set[str]) -> None:
    """Keeps this snapshot and the one before it, which a longer run may still read; clears up after killed runs."""
    for directory in home.iterdir():
        is_old_snapshot = _KEY.fullmatch(directory.name) is not None and directory.name not in kept
        if is_old_snapshot or (directory.name.startswith(_UNFINISHED) and _is_abandoned(directory)):
            shutil.rmtree(directory, ignore_errors=True)


def _is_abandoned(directory: Path) -> bool:
    try:
        return time.time() - directory.stat().st_mtime > _ABANDONED_AFTER_SECONDS
    except FileNotFoundError:
        return False


# ---------------------------------------------------------------- what was read last


def was_read(cache: Path, source: str) -> bool:
    """Whether the log of this source was ever read to its end."""
    return (cache / source / LAST_READ_FILE).exists()


def last_snapshot(cache: Path, source: str) -> Snapshot | None:
    """What was read last of this source; None before its log was ever read. Raises OpslaError for a damaged cache."""
    return _last_read(cache / source)


def _last_read(home: Path) -> Snapshot | None:
    marker = home / LAST_READ_FILE
    if not marker.exists():
        return None
    try:
        directory = home / str(json.loads(marker.read_text(encoding="utf-8"))["snapshot"])
    except (ValueError, KeyError, TypeError) as error:
        raise OpslaError(f"{marker}: a damaged file ({error}); delete it and run again") from error
    return _read(directory)


def _remember(home: Path, key: str) -> None:
    aside = home / f"{LAST_READ_FILE}.{os.getpid()}"
    aside.write_text(json.dumps({"snapshot": key}), encoding="utf-8")
    aside.replace(home / LAST_READ_FILE)


def _require_nothing_lost(home: Path, last: Snapshot, now: Snapshot, form: str, attested: Sequence[str]) -> None:
    """A log only grows: what was loaded and is gone would leave every table without a word.

    A file that was dropped with its checksum or its rows (`attested`) is meant as it is: what its earlier version had may be gone. Cases are compared only with a reading of the same version: another one may have named them otherwise. With one row a case a file may
    well be rewritten with fewer rows of the same cases: there the cases alone are compared. Links come and go: what the file does not name any more
    is none.
    """
    if last.fingerprint != now.fingerprint or form == "links":
        return
    go_on = f"Restore what is missing; or, if it is meant to be gone, delete {home / LAST_READ_FILE} and run again"
    if form in ("updates", "changes"):
        for path, rows in last.rows.items():
            uncounted = now.empty_rows.get(path, 0) if last.version != now.version else 0
            if not _is_of(path, attested) and now.rows.get(path, rows) + uncounted < rows:
                raise OpslaError(f"{path}: shrank from {rows} records to {now.rows[path]} since it was last read. {go_on}")
    if last.version != now.version:
        return
    case = _a_case_that_lost_records(home, last, now, form, attested)
    if case is None:
        return
    case_id, before, after, cases = case
    gone = [path for path in last.rows if path not in now.rows]
    cause = f"; {gone[0]} is no longer among its files" if gone else ""
    if form == "cases":
        raise OpslaError(f"source {home.name}: {cases} cases of the log as it was last read are gone, {case_id} for one{cause}. {go_on}")
    raise OpslaError(
        f"source {home.name}: {cases} cases have fewer records than when the log was last read, {case_id} for one has "
        f"{after} instead of {before}{cause}. {go_on}"
    )


def _is_of(path: str, files: Sequence[str]) -> bool:
    """Whether a path is one of these files, or in one of them that is an archive."""
    return any(path == file or path.startswith(f"{file}/") for file in files)


def _a_case_that_lost_records(
    home: Path, last: Snapshot, now: Snapshot, form: str, attested: Sequence[str]
) -> tuple[str, int, int, int] | None:
    """The first by id, its records then and now, and how many such cases there are."""
    connection = connect(now.spill_directory)
    try:
        found: tuple[str, int, int, int] | None = connection.execute(f"""
            with before as ({_records_by_case(last, form, attested)}),
            after as ({_records_by_case(now, form)})
            select case_id, before.records, coalesce(after.records, 0), count(*) over ()
            from before
            left join after using (case_id)
            where coalesce(after.records, 0) < before.records
            order by case_id
            limit 1
        """).fetchone()
    except duckdb.Error as error:
        raise OpslaError(f"{home}: a damaged cache ({error}); delete this directory and run again") from error
    finally:
        connection.close()
    return found


def _records_by_case(snapshot: Snapshot, form: str, leaving_out: Sequence[str] = ()) -> str:
    """Of all files but those left out. With one row a case its stamps come and go: a reopened one has no resolved stamp any more. That it is there is what counts."""
    left_out = [(number, path) for number, path in enumerate(snapshot.rows) if _is_of(path, leaving_out)]
    numbers = ", ".join(str(number) for number, _ in left_out) or "-1"
    paths = ", ".join(literal(path) for _, path in left_out) or "''"
    return f"""
        select case_id, {"1" if form == "cases" else "count(*)"} as records
        from (
            select case_id from {snapshot.events} where file_number not in ({numbers})
            union all
            select case_id from {snapshot.rejected} where case_id is not null and file not in ({paths})
            union all
            select case_id from {snapshot.ignored} where case_id is not null and file_number not in ({numbers})
        )
        group by case_id
    """
