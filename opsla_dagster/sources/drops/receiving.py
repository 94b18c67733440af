"""Taking in what markers have released: once for each version of a marker, whole or not at all.

Belongs here: which files a marker releases, whether they are as it says, and the copies in the home. Does not belong here: what a refresh
makes of them, and who is told of a marker that is refused (automation/drops.py).
Several processes may receive at the same time: one does, the others wait for it or leave it to it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import posixpath
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from opsla_dagster.errors import OpslaError, PassingError
from opsla_dagster.settings import Settings
from opsla_dagster.settings.drop_folders import RECEIPT_ENDING, DropFolderSettings, alike, is_hidden, is_receipt
from opsla_dagster.settings.sources import EventLogSettings
from opsla_dagster.sources.drops.manifest import MOST_BYTES, BadManifest, Listed, read_manifest
from opsla_dagster.sources.drops.places import Entry, Place, place_of
from opsla_dagster.sources.drops.receipts import SUPERSEDED, Receipt, Receipts, ReceivedFile, Refusal
from opsla_dagster.sources.drops.released import Released, copy_of, meaning
from opsla_dagster.sources.event_log.canonical import connect
from opsla_dagster.sources.event_log.files import LogFile, patterns_of
from opsla_dagster.sources.event_log.reading.loading import load_files
from opsla_dagster.sources.event_log.reading.tables import prepare

#: A marker may be listed before its files, and a manifest be read before it is whole: for so long nobody is alarmed.
PATIENCE_SECONDS = 60.0
#: A marker that is younger than that by our clock was written by one that goes ahead of it.
_CLOCKS_DIFFER_SECONDS = 300.0
_PIECE_BYTES = 8 * 2**20
_UNFINISHED = "unfinished-"
#: A copy that nothing reads any more is kept for a run that has begun with it.
_KEPT_SECONDS = 86_400.0
_SHOWN = 5
#: What is a file, and not the name of a drop, whether or not anybody reads it.
_ENDING = re.compile(r"\.[A-Za-z]\w*$")
_TABLE = re.compile(r".*\.(csv|tsv|txt|json|jsonl|ndjson|xml|xes|xlsx?|ods|parquet|orc|avro|gz|zip|bz2|zst)", re.IGNORECASE)


class DropRefusedError(OpslaError):
    """A marker whose drop is not as it says; whoever should know has been told."""


class _NotAsTold(Exception):
    """What is wrong with a drop, in words for a person."""


class _NotYet(_NotAsTold):
    """What may be right later, though nothing in the folder changes."""


class _OutOfTime(Exception):
    """The rest is fetched the next time."""


@dataclass(frozen=True)
class Received:
    """One look into a drop folder: what was taken in, what is refused, what is on its way, and why it could not be looked into."""

    folder: str
    receipts: tuple[Receipt, ...] = ()
    refused: tuple[Refusal, ...] = ()
    waiting: tuple[str, ...] = ()
    trouble: str = ""
    #: Whether the trouble may be over in some minutes, without anybody's doing.
    is_passing: bool = False


def receive(settings: Settings, *, seconds: float = float("inf"), now: float | None = None, waits: bool = True) -> list[Received]:
    """Takes in every new marker of every drop folder, older ones first. `now` is seconds since 1970; after `seconds` nothing more is fetched.

    A folder that cannot be looked into is in the answer, not an exception. `waits`: for another process that is receiving just now.
    Raises OpslaError where the home cannot be written.
    """
    if not settings.sources.drop_folders:
        return []
    now = time.time() if now is None else now
    until = time.monotonic() + seconds
    store = Receipts(settings.home.drops)
    return [_receive(settings, store, name, now, until, waits) for name in settings.sources.drop_folders]


def _receive(settings: Settings, store: Receipts, name: str, now: float, until: float, waits: bool) -> Received:
    with _alone(settings.home.drops / f"{name}.lock", waits) as is_alone:
        if not is_alone:
            return Received(name, waiting=("another process is receiving",))
        try:
            folder = _Folder(settings, store, name, now, until)
            found = folder.receive()
        except OpslaError as error:
            store.looked(name, now, str(error))
            return Received(name, trouble=str(error), is_passing=isinstance(error, PassingError))
        store.looked(name, now, None)
        return found


@contextmanager
def _alone(path: Path, waits: bool) -> Iterator[bool]:
    """The system gives the lock back when its holder dies, however it dies."""
    with path.open("w") as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True


class _Folder:
    """One look into one drop folder."""

    def __init__(self, settings: Settings, store: Receipts, name: str, now: float, until: float) -> None:
        self._store, self._name, self._now, self._until = store, name, now, until
        self._home = settings.home.drops
        self._settings: DropFolderSettings = settings.sources.drop_folders[name]
        self._location = Released.of(settings).locations[name]
        self._place: Place = place_of(name, self._settings, settings.config_directory)
        self._readers = _readers(settings)
        #: Of this look: what was released before, and by folder that has a marker for all of it, the files that it covers.
        self._before: dict[str, ReceivedFile] = {}
        self._covered: dict[str, list[Entry]] = {}

    def receive(self) -> Received:
        entries = self._place.entries()
        for name in entries:
            if not _is_text(name):
                raise OpslaError(f"drop folder {self._name}: the name of {name!a} in {self._place.shown()} is no UTF-8; rename or remove it")
        markers = {name: entry for name, entry in entries.items() if self._settings.is_marker(posixpath.basename(name))}
        self._store.forget_refusals(self._name, {name: entry.version for name, entry in markers.items()})
        receipts: list[Receipt] = []
        waiting: list[str] = []
        state = self._state(entries)
        known = self._store.known(self._name)
        self._before = self._store.released(self._name, is_last_drop_alone=False)
        self._covered = self._by_home(markers, entries)
        refused_before = {each.marker for each in self._store.refusals(self._name) if each.refused_at is not None and each.state == state}
        for marker in sorted(markers.values(), key=lambda entry: (entry.modified_at, entry.name)):
            if marker.name in refused_before or (marker.name, marker.version) in known:
                continue
            try:
                receipts.append(self._take_in(marker, markers, entries))
            except _OutOfTime:
                waiting.append(f"{marker.name}: its files are being fetched")
                break
            except (_NotAsTold, BadManifest) as problem:
                self._refuse(marker, str(problem), "" if isinstance(problem, _NotYet) else state, waiting)
        look = self._store.look(self._name)
        if receipts or look is None or look.looked_at is None or look.looked_at // _KEPT_SECONDS != self._now // _KEPT_SECONDS:
            self._clear_away()
        refused = tuple(refusal for refusal in self._store.refusals(self._name) if refusal.refused_at is not None)
        return Received(self._name, tuple(receipts), refused, tuple(waiting))

    def _state(self, entries: Mapping[str, Entry]) -> str:
        """Of the folder and of what is asked of it: while it is the same, what was refused is refused, and not fetched and counted again."""
        asked = (self._settings.model_dump_json(), [source.model_dump_json() for _, source in self._readers])
        state = (asked, sorted((entry.name, entry.version) for entry in entries.values() if not is_receipt(entry.name)))
        return hashlib.sha256(repr(state).encode("utf-8", "surrogateescape")).hexdigest()[:16]

    def _refuse(self, marker: Entry, problem: str, state: str, waiting: list[str]) -> None:
        """For good once it has been so for a while; the listing, or the writer, may be behind."""
        first_seen_at = self._store.first_seen_at(self._name, marker.name, marker.version)
        is_old = self._now - min(marker.modified_at or self._now, first_seen_at or self._now) >= PATIENCE_SECONDS
        self._store.refuse(self._name, marker.name, marker.version, problem, state, self._now, is_final=is_old)
        if not is_old:
            waiting.append(f"{marker.name}: {problem}; this may be on its way")
        elif self._settings.receipt_beside_marker:
            self._write_beside(marker, {"status": "refused", "problem": problem})

    def _take_in(self, marker: Entry, markers: Mapping[str, Entry], entries: Mapping[str, Entry]) -> Receipt:
        content = self._content(marker)
        listed = None if content is None else read_manifest(content, marker.name, self._location)
        kind = "ignored" if content is None else "empty" if listed is None else "manifest"
        told = self._released(marker, markers, entries) if listed is None else self._listed(marker, listed, entries)
        if told is None:
            return self._store.receive(Receipt(0, self._name, marker.name, marker.version, SUPERSEDED, marker.modified_at, self._now), [])
        files = [self._file(entry, each) for entry, each in told]
        self._require_held_still([marker, *(entry for entry, _ in told)])
        receipt = Receipt(0, self._name, marker.name, marker.version, kind, marker.modified_at, self._now)
        entered = self._store.receive(receipt, files)
        self._before.update({file.name: file for file in files})
        if self._settings.receipt_beside_marker:
            names = [{"name": file.name, "size": file.size, "sha256": file.sha256} for file in files]
            self._write_beside(marker, {"status": "received", "receipt": entered.number, "files": names})
        return entered

    def _content(self, marker: Entry) -> bytes | None:
        """What stands in it; None where that means nothing."""
        if self._settings.marker_content == "ignore":
            return None
        if marker.size > MOST_BYTES:
            raise _NotAsTold(f"is {marker.size:,} bytes long, which no marker is; name markers otherwise than files (ready_key)")
        return self._place.read(marker.name, 0, marker.size) if marker.size else b""

    # ---------------------------------------------------------------- which files

    def _released(self, marker: Entry, markers: Mapping[str, Entry], entries: Mapping[str, Entry]) -> list[tuple[Entry, Listed]] | None:
        """Of a marker that lists none: the file that it is called after, else those of its folder that are as old as it, or older.

        None where they were written again meanwhile, and a later marker releases them.
        """
        named = self._named_file(marker.name, entries)
        if named is not None:
            if named not in entries:
                raise _NotAsTold(f"releases the file that it is called after, and {self._place.shown(named)} is missing")
            return self._listed(marker, {named: Listed(named)}, entries)
        if marker.modified_at > self._now + _CLOCKS_DIFFER_SECONDS:
            raise _NotYet(
                f"was written at {_utc(marker.modified_at)}, which has not come yet ({_utc(self._now)}): which files came before it cannot be told; "
                "set the clock of its writer, or list the files in the marker"
            )
        meant = self._covered.get(posixpath.dirname(marker.name), [])
        before = {each.name: self._before[each.name].version for each in meant if each.name in self._before}
        again = [each.name for each in meant if each.modified_at > marker.modified_at and before.get(each.name, each.version) != each.version]
        if again:
            if any(posixpath.dirname(marker.name) == posixpath.dirname(other.name) and other.modified_at > marker.modified_at for other in markers.values()):
                return None
            raise _NotAsTold(f"releases {_list(again)} as it was, and it has been written again since ({len(again)} of {len(meant)} files); the next marker releases it")
        told = [(entry, Listed(entry.name)) for entry in meant if entry.modified_at <= marker.modified_at]
        if told:
            return self._require_content(told)
        later = _list([entry.name for entry in meant])
        raise _NotAsTold(
            f"releases no file: {later} came after it; write the marker last, and again now" if later else
            f"releases no file: no file of {self._place.shown(posixpath.dirname(marker.name))} is one that a source reads (`files` in sources.yml); "
            'where there is nothing to tell, a marker says so with {"files": []}'
        )  # fmt: skip

    def _by_home(self, markers: Mapping[str, Entry], entries: Mapping[str, Entry]) -> dict[str, list[Entry]]:
        """By folder that has a marker for all of it, the files that it covers and a source reads."""
        homes = {posixpath.dirname(marker) for marker in markers if self._named_file(marker, entries) is None}
        found: dict[str, list[Entry]] = {}
        for entry in entries.values():
            home = _nearest(entry.name, homes)
            if home is not None and entry.name not in markers and not is_hidden(entry.name) and self._is_read(entry.name):
                found.setdefault(home, []).append(entry)
        return found

    def _named_file(self, marker: str, entries: Mapping[str, Entry]) -> str | None:
        """`tickets.csv` of the marker tickets.csv.ready, by its name alone where it may still be on its way; None of a marker for a folder."""
        single = self._settings.marked_file(posixpath.basename(marker))
        if single is None:
            return None
        named = posixpath.join(posixpath.dirname(marker), single)
        is_file = _TABLE.fullmatch(single) is not None or (_ENDING.search(single) is not None and self._is_read(named))
        return named if is_file or named in entries else None

    def _listed(self, marker: Entry, listed: Mapping[str, Listed], entries: Mapping[str, Entry]) -> list[tuple[Entry, Listed]]:
        missing = [each for each in listed.values() if each.name not in entries]
        mandatory = [each.name for each in missing if each.is_mandatory]
        if mandatory:
            raise _NotAsTold(self._missing(mandatory, listed, entries))
        told = [(entries[each.name], each) for each in listed.values() if each.name in entries]
        for entry, each in told:
            if each.size is not None and entry.size != each.size:
                raise _NotAsTold(f"says that {entry.name} has {each.size:,} bytes; it has {entry.size:,}")
            if each.sha256 is None and each.md5 is None and entry.modified_at > marker.modified_at:
                raise _NotAsTold(
                    f"releases {entry.name}, which was written after it ({_utc(entry.modified_at)}, the marker {_utc(marker.modified_at)}); write the marker "
                    "last, and again now, or let it tell the sha256 of its files"
                )
        return self._require_content(told)

    def _missing(self, names: Sequence[str], listed: Mapping[str, Listed], entries: Mapping[str, Entry]) -> str:
        found = {alike(name): name for name in entries}
        near = [f"{found[alike(name)]!r} is there, and not {name!r}" for name in names if alike(name) in found]
        hint = f" ({near[0]}: names must be alike to the letter)" if near else ""
        if not near and len(names) == len(listed):
            hint = "; where markers hold no list of files, say marker_content: ignore"
        return f"releases {len(listed)} file{'' if len(listed) == 1 else 's'}, of which {_list(names)} {'is' if len(names) == 1 else 'are'} missing in {self._place.shown()}{hint}"

    def _require_content(self, told: list[tuple[Entry, Listed]]) -> list[tuple[Entry, Listed]]:
        """A file without a byte is what a broken upload leaves, unless somebody says that it is meant."""
        for entry, each in told:
            if entry.size == 0 and each.size != 0 and each.rows != 0 and self._is_read(entry.name):
                raise _NotAsTold(f"releases {entry.name}, which is empty (0 bytes); where that is meant, a manifest says so with size 0")
        return told

    def _is_read(self, name: str) -> bool:
        return self._reader(name) is not None

    def _reader(self, name: str) -> EventLogSettings | None:
        """The first source that reads a file of this name."""
        shown = f"{self._location}/{name}"
        return next((source for means, source in self._readers if means(shown)), None)

    # ---------------------------------------------------------------- fetching

    def _file(self, entry: Entry, told: Listed) -> ReceivedFile:
        """A file that a source reads, fetched and compared with what was told of it; of others only what the listing says."""
        if not self._is_read(entry.name) or entry.size == 0:
            return ReceivedFile(entry.name, entry.size, entry.version, None, None, told.is_attested, None)
        fetched = self._fetched(entry)
        sums = _sums(fetched)
        for kind, expected in (("sha256", told.sha256), ("md5", told.md5)):
            if expected is not None and sums[kind] != expected:
                raise _NotAsTold(f"says that the {kind} of {entry.name} is {expected}; it is {sums[kind]}")
        rows = None if told.rows is None else self._require_rows(entry, told.rows, fetched)
        copy = f"{sums['sha256'][:16]}-{posixpath.basename(entry.name)}"
        os.utime(fetched, (entry.modified_at, entry.modified_at))
        target = copy_of(self._home, self._name, copy)
        if target.exists():
            fetched.unlink()
        else:
            fetched.replace(target)
        return ReceivedFile(entry.name, entry.size, entry.version, sums["sha256"], rows, told.is_attested, copy)

    def _fetched(self, entry: Entry) -> Path:
        """The file beside its future place; what an earlier look has fetched of this version is not fetched again."""
        folder = self._home / self._name
        folder.mkdir(parents=True, exist_ok=True)
        identity = hashlib.sha256(f"{entry.name}\n{entry.version}".encode("utf-8", "surrogateescape")).hexdigest()[:16]
        path = folder / f"{_UNFINISHED}{identity}-{posixpath.basename(entry.name)}"
        have = path.stat().st_size if path.exists() else 0
        with path.open("ab") as file:
            while have < entry.size:
                if time.monotonic() >= self._until:
                    raise _OutOfTime
                piece = self._place.read(entry.name, have, min(have + _PIECE_BYTES, entry.size))
                if not piece:
                    break
                file.write(piece)
                have += len(piece)
        if have != entry.size:
            path.unlink()
            raise _NotAsTold(f"releases {entry.name}, which has changed while it was fetched")
        return path

    def _require_rows(self, entry: Entry, expected: int, fetched: Path) -> int:
        """Counted as the source counts its records; blank lines and headers are none."""
        source = self._reader(entry.name)
        assert source is not None
        state = fetched.stat()
        file = LogFile(fetched, state.st_size, state.st_mtime_ns, state.st_ino, original=self._place.shown(entry.name))
        aside = self._home / self._name / f"{_UNFINISHED}rows"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        connection = connect(aside / "spill")
        try:
            prepare(connection)
            rows = sum(item.rows for item in load_files(connection, source.written, [file], aside))
        except OpslaError as error:
            raise _NotAsTold(f"says that {entry.name} has {expected:,} rows, and it cannot be read: {error}") from error
        finally:
            connection.close()
            shutil.rmtree(aside, ignore_errors=True)
        if rows != expected:
            raise _NotAsTold(f"says that {entry.name} has {expected:,} rows; it has {rows:,} (the header is none)")
        return rows

    def _require_held_still(self, taken: Sequence[Entry]) -> None:
        present = self._place.entries([entry.name for entry in taken])
        for entry in taken:
            now = present.get(entry.name)
            if now is None or now.version != entry.version:
                raise _NotAsTold(f"releases {entry.name}, which {'went away' if now is None else 'was written again'} while it was fetched")

    def _write_beside(self, marker: Entry, told: Mapping[str, object]) -> None:
        """A receipt for whoever dropped the files. One that cannot be written is told like any other trouble of the folder."""
        document = {"marker": posixpath.basename(marker.name), "marker_written_at": _utc(marker.modified_at), "at": _utc(self._now), **told}
        self._place.write(f"{marker.name}{RECEIPT_ENDING}", json.dumps(document, indent=1, ensure_ascii=False).encode())

    def _clear_away(self) -> None:
        """Fetched pieces that nobody came back for, and copies that nothing reads any more; what a run may still read is kept for a day."""
        folder = self._home / self._name
        if not folder.is_dir():
            return
        counting = self._store.released(self._name, is_last_drop_alone=self._settings.each_drop == "replaces").values()
        kept = {file.copy for file in counting} | self._store.copies_since(self._name, self._now - _KEPT_SECONDS)
        for path in folder.iterdir():
            is_piece = path.name.startswith(_UNFINISHED)
            if path.is_file() and path.name not in kept and not (is_piece and self._now - path.stat().st_mtime < _KEPT_SECONDS):
                path.unlink(missing_ok=True)


def waiting_files(settings: Settings, name: str) -> list[str]:
    """Files of a drop folder that a source reads, and that no marker has released as they are now. Raises OpslaError where it cannot be looked into."""
    folder = settings.sources.drop_folders[name]
    place = place_of(name, folder, settings.config_directory)
    location = folder.location(name, settings.config_directory)
    readers = _readers(settings)
    released = Receipts(settings.home.drops).released(name, is_last_drop_alone=False) if Receipts.there(settings.home.drops) else {}
    return [
        entry.name
        for entry in sorted(place.entries().values(), key=lambda entry: entry.name)
        if not folder.is_marker(posixpath.basename(entry.name)) and not is_hidden(entry.name) and not is_receipt(entry.name)
        and any(means(f"{location}/{entry.name}") for means, _ in readers)
        and (entry.name not in released or released[entry.name].version != entry.version)
    ]  # fmt: skip


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _nearest(name: str, homes: Set[str]) -> str | None:
    """The innermost folder around a file that has a marker for all of it."""
    folder = posixpath.dirname(name)
    while folder not in homes:
        if not folder:
            return None
        folder = posixpath.dirname(folder)
    return folder


def _readers(settings: Settings) -> list[tuple[Callable[[str], bool], EventLogSettings]]:
    return [
        (meaning(pattern), source)
        for source in settings.sources.sources
        if isinstance(source, EventLogSettings) and source.enabled
        for pattern in patterns_of(source, settings.config_directory)
    ]


def _sums(path: Path) -> dict[str, str]:
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            sha256.update(piece)
            md5.update(piece)
    return {"sha256": sha256.hexdigest(), "md5": md5.hexdigest()}


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _utc(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}Z"
