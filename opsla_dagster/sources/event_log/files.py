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
from dataclasses import dataclass
from pathlib import Path

from opsla_dagster.errors import OpslaError, PassingError
from opsla_dagster.settings.sources import EventLogSettings

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")
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

    @property
    def name(self) -> str:
        """The path, and the way on in an archive."""
        return str(self.path if self.member is None else self.path / self.member)


def find_log_files(settings: EventLogSettings, config_directory: Path) -> tuple[LogFile, ...]:
    """The files of a source: patterns in the order given, the matches of one pattern in natural order of their paths, each file once.

    `exports/july.zip/tickets*.csv` names files in an archive. Raises OpslaError for a pattern that names nothing, or a directory.
    """
    found = {(file.path, file.member): file for pattern in settings.files for file in files_of_pattern(settings, pattern, config_directory)}
    return tuple(found.values())


def files_of_pattern(settings: EventLogSettings, pattern: str, config_directory: Path) -> list[LogFile]:
    """The files of one pattern of `settings.files`, in natural order. Raises OpslaError as `find_log_files` does."""
    outer, member = _into_archive(config_directory.absolute(), _expand(settings.name, pattern))
    return [_log_file(path, member) for path in _matches(settings.name, outer, config_directory)]


@contextmanager
def held_still(file: LogFile) -> Iterator[None]:
    """Refuses whatever was read inside when the file is no longer what it was when it was found."""
    try:
        yield
    finally:
        if not _is_unchanged(file):
            raise PassingError(f"{file.path}: changed while it was read; run again once whatever writes it has finished")


def _is_unchanged(file: LogFile) -> bool:
    try:
        return _log_file(file.path, file.member) == file
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


def _matches(source: str, expanded: str, config_directory: Path) -> list[Path]:
    base = config_directory.absolute()
    if not glob.has_magic(expanded) or (base / expanded).exists():
        return [_normal(base / expanded)]
    found = [_normal(base / name) for name in glob.glob(expanded, root_dir=base, recursive=True)]
    files = sorted((path for path in found if not path.is_dir()), key=natural)
    if not files:
        raise NoSuchFileError(f"sources.yml: {source}: files: no file matches {base / expanded}; check the pattern")
    return files


def natural(path: Path) -> tuple[list[list[str | int]], Path]:
    """Numbers within a name count as numbers, so that log_9 comes before log_10."""
    parts: list[list[str | int]] = [
        [int(piece) if number % 2 else piece for number, piece in enumerate(_NUMBER.split(part))] for part in path.parts
    ]
    return parts, path


def _normal(path: Path) -> Path:
    return Path(os.path.normpath(path))


def _expand(source: str, pattern: str) -> str:
    """`${NAME}` and `${NAME:-default}` from the environment."""

    def value(match: re.Match[str]) -> str:
        name, default = match.groups()
        found: str | None = os.environ.get(name) or default
        if found is None:
            raise OpslaError(
                f"sources.yml: {source}: files: {pattern!r} wants the environment variable {name}, which is not set; "
                "set it, or write the path itself"
            )
        return found

    return _VARIABLE.sub(value, pattern)


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
