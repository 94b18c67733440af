"""Which files a source names, and proof that they held still while they were read.

Belongs here: paths, globs, environment variables, file states. Does not belong here: what is in a file.
"""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.sources import EventLogSettings

FileFormat = Literal["csv", "parquet"]
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")
_NUMBER = re.compile(r"(\d+)")
_CSV_NAMES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz")
_PARQUET_NAMES = (".parquet", ".pq")


@dataclass(frozen=True)
class LogFile:
    """One file in the state in which it was found; time and inode tell a rewritten file of equal size."""

    path: Path
    format: FileFormat
    size: int
    modified_ns: int
    inode: int


def find_log_files(settings: EventLogSettings, config_directory: Path) -> tuple[LogFile, ...]:
    """The files of a source: patterns in the order given, the matches of one pattern in natural order of their paths, each file once.

    Raises OpslaError for a pattern that names nothing, a directory, or a file whose format cannot be told.
    """
    paths: dict[Path, None] = {}
    for pattern in settings.files:
        paths.update(dict.fromkeys(_matches(settings.name, pattern, config_directory)))
    return tuple(_log_file(path, settings.format) for path in paths)


@contextmanager
def held_still(file: LogFile) -> Iterator[None]:
    """Refuses whatever was read inside when the file is no longer what it was when it was found."""
    try:
        yield
    finally:
        if not _is_unchanged(file):
            raise OpslaError(f"{file.path}: changed while it was read; run again once whatever writes it has finished")


def _is_unchanged(file: LogFile) -> bool:
    try:
        return _log_file(file.path, file.format) == file
    except OpslaError:
        return False


def _matches(source: str, pattern: str, config_directory: Path) -> list[Path]:
    base = config_directory.absolute()
    expanded = _expand(source, pattern)
    if not glob.has_magic(expanded) or (base / expanded).exists():
        return [_normal(base / expanded)]
    found = [_normal(base / name) for name in glob.glob(expanded, root_dir=base, recursive=True)]
    files = sorted((path for path in found if not path.is_dir()), key=_natural)
    if not files:
        raise OpslaError(f"sources.yml: {source}: files: no file matches {base / expanded}; check the pattern")
    return files


def _natural(path: Path) -> tuple[list[list[str | int]], Path]:
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


def _log_file(path: Path, named_format: FileFormat | None) -> LogFile:
    try:
        state = path.stat()
    except FileNotFoundError as error:
        raise OpslaError(f"{path}: no such file; check `files` in sources.yml") from error
    except (OSError, ValueError) as error:
        raise OpslaError(f"{path}: cannot be read: {error}; check `files` in sources.yml") from error
    if stat.S_ISDIR(state.st_mode):
        raise OpslaError(
            f"{path}: is a directory, expected a file; name its files with a pattern such as {path.name}/*.csv"
        )
    if not stat.S_ISREG(state.st_mode):
        raise OpslaError(f"{path}: is not a regular file; a log is read again at every refresh, so write it to a file")
    return LogFile(path, named_format or _format_of(path), state.st_size, state.st_mtime_ns, state.st_ino)


def _format_of(path: Path) -> FileFormat:
    name = path.name.lower()
    if name.endswith(_CSV_NAMES):
        return "csv"
    if name.endswith(_PARQUET_NAMES):
        return "parquet"
    raise OpslaError(
        f"{path}: the name does not tell the format ({', '.join((*_CSV_NAMES, *_PARQUET_NAMES))} do); rename it, or set format: csv or "
        "format: parquet in sources.yml"
    )
