"""Which files a source names, and proof that they held still while they were read.

Belongs here: paths, globs, environment variables, file states. Does not belong here: what is in a file.
"""

from __future__ import annotations

import errno
import glob
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from opsla_dagster.errors import OpslaError, PassingError
from opsla_dagster.settings.drop_folders import is_address
from opsla_dagster.settings.paths import expanded
from opsla_dagster.settings.sources import EventLogSettings
from opsla_dagster.sources.drops.released import Released, ReleasedFile

_NUMBER = re.compile(r"(\d+)")
_ARCHIVE_NAME = ".zip"


#: What a file server that does not answer, or a disk behind a cable, makes of a file that is there.
_AWAY = frozenset({errno.ESTALE, errno.EIO, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENOTCONN, errno.ENETUNREACH})


class NoSuchFileError(OpslaError):
    """A file that sources.yml names is not there: mistyped, or late."""


@dataclass(frozen=True)
class LogFile:
    """One file in the state in which it was found; time and inode tell a rewritten file of equal size."""

    path: Path
    size: int
    modified_ns: int
    inode: int
    #: What is meant of a ZIP archive: the name of a file in it, or a pattern; None for all of it, and for any other file.
    member: str | None = None
    #: Of a copy: the path or address of the file that it is a copy of.
    original: str | None = None
    #: Whether whoever dropped the file told its checksum or its rows with it.
    is_attested: bool = False

    @property
    def outer_name(self) -> str:
        """The path or address, of an archive that of the archive."""
        return self.original or str(self.path)

    @property
    def name(self) -> str:
        """The path or address, and the way on in an archive."""
        return self.outer_name if self.member is None else f"{self.outer_name}/{self.member}"


def find_log_files(settings: EventLogSettings, config_directory: Path, released: Released | None = None) -> tuple[LogFile, ...]:
    """The files of a source: patterns in the order given, the matches of one pattern in natural order of their paths, each file once.

    `exports/july.zip/tickets*.csv` names files in an archive. Of drop folders only what is `released` counts. Raises OpslaError for a pattern that
    names nothing, or a directory.
    """
    found = {
        (file.path, file.member): file for pattern in settings.files for file in files_of_pattern(settings, pattern, config_directory, released)
    }
    return tuple(found.values())


def files_of_pattern(settings: EventLogSettings, pattern: str, config_directory: Path, released: Released | None = None) -> list[LogFile]:
    """The files of one pattern of `settings.files`, in natural order. Raises OpslaError as `find_log_files` does."""
    named = _expanded(settings.name, pattern)
    released = released or Released({}, config_directory, Path())
    if is_address(named):
        outer, member = _into_archive_of_address(named)
        if released.folder_of(outer) is None:
            raise OpslaError(
                f"sources.yml: {settings.name}: files: {named} lies in an object store and in no drop folder; name one under `drop_folders`, "
                "whose files are read once a marker has released them"
            )
        return _dropped(settings.name, outer, member, released)
    outer, member = _into_archive(config_directory.absolute(), named)
    absolute = str(_normal(config_directory.absolute() / outer))
    if released.folder_of(absolute) is not None:
        return _dropped(settings.name, absolute, member, released)
    dropped = released.matching(absolute) if glob.has_magic(absolute) else []
    on_disk = [path for path in _names(outer, config_directory) if released.folder_of(str(path)) is None]
    if not dropped and not on_disk:
        raise NoSuchFileError(f"sources.yml: {settings.name}: files: no file matches {config_directory.absolute() / outer}; check the pattern")
    for path in on_disk:
        released.require_by_its_own_name(path)
    return [*(_log_file(path, member) for path in on_disk), *_copies(dropped, member)]


def patterns_of(settings: EventLogSettings, config_directory: Path) -> list[str]:
    """The patterns of a source as absolute paths or addresses, without the way on in archives."""
    base = config_directory.absolute()
    paths = [_expanded(settings.name, pattern) for pattern in settings.files]
    return [_into_archive_of_address(path)[0] if is_address(path) else str(_normal(base / _into_archive(base, path)[0])) for path in paths]


def _dropped(source: str, pattern: str, member: str | None, released: Released) -> list[LogFile]:
    """What is released of a pattern that lies in a drop folder. Raises NoSuchFileError where nothing is."""
    found = released.matching(pattern)
    if not found:
        raise NoSuchFileError(
            f"sources.yml: {source}: files: no file of the drop folder {released.folder_of(pattern)} that a marker has released matches {pattern}; "
            "`opsla status` tells what was received and what is refused"
        )
    return _copies(found, member)


def _copies(found: list[ReleasedFile], member: str | None) -> list[LogFile]:
    """In natural order of what they are copies of."""
    in_order = sorted(found, key=lambda file: natural(Path(file.shown)))
    return [replace(_log_file(file.copy, member), original=file.shown, is_attested=file.is_attested) for file in in_order]


@contextmanager
def held_still(file: LogFile) -> Iterator[None]:
    """Refuses whatever was read inside when the file is no longer what it was when it was found."""
    try:
        yield
    finally:
        if not _is_unchanged(file):
            raise PassingError(f"{file.outer_name}: changed while it was read; run again once whatever writes it has finished")


def _is_unchanged(file: LogFile) -> bool:
    try:
        return replace(_log_file(file.path, file.member), original=file.original, is_attested=file.is_attested) == file
    except OpslaError:
        return False


def _into_archive(base: Path, pattern: str) -> tuple[str, str | None]:
    """A pattern cut behind the name of an archive; a directory may be called so too."""
    parts = Path(pattern).parts
    for place, part in enumerate(parts[:-1], start=1):
        outer = Path(*parts[:place])
        if part.lower().endswith(_ARCHIVE_NAME) and not (base / outer).is_dir():
            return str(outer), "/".join(parts[place:])
    return pattern, None


def _into_archive_of_address(address: str) -> tuple[str, str | None]:
    """The same for an address of an object store, where nothing but an object can be called so."""
    parts = address.split("/")
    for place, part in enumerate(parts[:-1], start=1):
        if part.lower().endswith(_ARCHIVE_NAME):
            return "/".join(parts[:place]), "/".join(parts[place:])
    return address, None


def _names(pattern: str, config_directory: Path) -> list[Path]:
    """The files that a pattern names on disk, in natural order; a path without a pattern is one, whether or not it is there."""
    base = config_directory.absolute()
    if not glob.has_magic(pattern) or (base / pattern).exists():
        return [_normal(base / pattern)]
    found = [_normal(base / name) for name in glob.glob(pattern, root_dir=base, recursive=True)]
    return sorted((path for path in found if not path.is_dir()), key=natural)


def natural(path: Path) -> tuple[list[list[str | int]], Path]:
    """Numbers within a name count as numbers, so that log_9 comes before log_10."""
    parts: list[list[str | int]] = [
        [int(piece) if number % 2 else piece for number, piece in enumerate(_NUMBER.split(part))] for part in path.parts
    ]
    return parts, path


def _normal(path: Path) -> Path:
    return Path(os.path.normpath(path))


def _expanded(source: str, pattern: str) -> str:
    return expanded(pattern, f"sources.yml: {source}: files")


def _log_file(path: Path, member: str | None) -> LogFile:
    try:
        state = path.stat()
    except FileNotFoundError as error:
        raise NoSuchFileError(f"{path}: no such file; check `files` in sources.yml") from error
    except (OSError, ValueError) as error:
        is_away = isinstance(error, OSError) and error.errno in _AWAY
        raise (PassingError if is_away else OpslaError)(f"{path}: cannot be read: {error}; check `files` in sources.yml") from error
    if stat.S_ISDIR(state.st_mode):
        raise OpslaError(
            f"{path}: is a directory, expected a file; name its files with a pattern such as {path.name}/*.csv"
        )
    if not stat.S_ISREG(state.st_mode):
        raise OpslaError(f"{path}: is not a regular file; a log is read again at every refresh, so write it to a file")
    return LogFile(path, state.st_size, state.st_mtime_ns, state.st_ino, member)
