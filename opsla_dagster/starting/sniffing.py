"""What a log file holds, measured: how it is written, and of each column how full, how varied, how constant within a case.

Belongs here: reading and counting, of all records, by the readers that will load the log. Does not belong here: what a column means.
"""

from __future__ import annotations

import codecs
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path
from typing import Any

import duckdb

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.sources import CsvSettings, EventLogSettings
from opsla_dagster.sources.event_log.canonical import Loaded, connect, load_file, prepare
from opsla_dagster.sources.event_log.csv_records import CsvCopy, copy_records, raw_blocks
from opsla_dagster.sources.event_log.files import LogFile, find_log_files
from opsla_dagster.sources.event_log.stamp_sql import ISO_LOCAL, ISO_OFFSET, literal
from opsla_dagster.starting.stamps import candidates, reading

#: Cells that other people have meant "nothing" by. NA is not among them: it may be North America.
MISSING_MARKS = ("?", "NULL", "null", "(null)", "None", "N/A", "n/a", "#N/A", "NaN", "nan", "\\N", "-")
_DELIMITERS = (",", ";", "\t", "|")
_QUOTES = ('"', "", "'")
_SAMPLE = 500
_EXAMPLES = 3
_STATED = rf"({ISO_OFFSET}|[A-Za-z][A-Za-z_/+-]*\d*)$"
#: Years that the event_log source accepts.
_PLAUSIBLE = "between timestamp '1970-01-01' and timestamp '2099-12-31 23:59:59.999999'"


@dataclass(frozen=True)
class Column:
    """A column of the log; counts leave out empty cells and marks of missing values."""

    name: str
    sql: str
    filled: int
    distinct: int
    examples: tuple[str, ...]
    is_typed_stamp: bool


@dataclass(frozen=True)
class Order:
    """How a log's files run against time."""

    #: Within a file most records of a case are stamped before the one above.
    is_newest_first: bool
    #: Cases with several records, and those that step back in time once such files are turned round.
    cases: int
    cases_stepping_back: int


@dataclass(frozen=True)
class Log:
    """Log files, loaded into table `log` of `connection`, one row a record."""

    files: tuple[Path, ...]
    csv: CsvSettings
    columns: dict[str, Column]
    rows: int
    unreadable: int
    missing_values: tuple[str, ...]
    #: Whose abbreviations a stamp may name, if somebody said it.
    zone: str | None
    connection: duckdb.DuckDBPyConnection

    def words(self, column: str) -> dict[str, int]:
        """What the column says, with how often, the commonest first."""
        cell = self.columns[column].sql
        return dict(self._rows(f"select {cell}, count(*) from log where {cell} is not null group by all order by 2 desc, 1"))

    def stamp_formats(self, column: str) -> dict[str, int]:
        """Format -> cells of the column that are stamps of it, for each format that some cell has the shape of."""
        cell = self.columns[column].sql
        sample = self._rows(f"select distinct {cell} from log where {cell} is not null order by md5({cell}) limit {_SAMPLE}")
        formats = candidates(str(value) for (value,) in sample)
        if not formats:
            return {}
        counts = ", ".join(f"count(*) filter ({self.stamp(column, each)} {_PLAUSIBLE})" for each in formats)
        return dict(zip(formats, self._rows(f"select {counts} from log")[0], strict=True))

    def readable(self, column: str, stamp_format: str) -> int:
        """Cells that are stamps of the format. Raises OpslaError for what is no format."""
        try:
            ((count,),) = self._rows(f"select count(*) filter ({self.stamp(column, stamp_format)} {_PLAUSIBLE}) from log")
        except duckdb.Error as error:
            raise OpslaError(f"--time-format {stamp_format!r}: is not a strptime format: {error}") from error
        return int(count)

    def stamp(self, column: str, stamp_format: str) -> str:
        """SQL: the stamp of a column as TIMESTAMP."""
        return reading(self.columns[column].sql, "iso" if self.columns[column].is_typed_stamp else stamp_format, self.zone)

    def only(self, column: str, stamp_format: str, other: str) -> tuple[int, int]:
        """Cells that are stamps of the first format only, and of the second only."""
        first, second = (f"{self.stamp(column, each)} {_PLAUSIBLE}" for each in (stamp_format, other))
        counts = f"count(*) filter ({first} and ({second}) is not true), count(*) filter ({second} and ({first}) is not true)"
        ((one, two),) = self._rows(f"select {counts} from log")
        return one, two

    def without_offset(self, column: str) -> int:
        """Cells that are ISO stamps without an offset."""
        cell = self.columns[column].sql
        ((count,),) = self._rows(f"select count(*) from log where regexp_full_match({cell}, {literal(ISO_LOCAL)})")
        return int(count)

    def with_offset(self, column: str) -> int:
        """Cells that are ISO stamps with an offset."""
        cell = self.columns[column].sql
        ((count,),) = self._rows(f"select count(*) from log where regexp_full_match({cell}, {literal(ISO_LOCAL + ISO_OFFSET)})")
        return int(count)

    def stamps_of(self, column: str, stamp_format: str) -> tuple[str, ...]:
        """The commonest cells that are stamps of the format."""
        cell = self.columns[column].sql
        found = self._rows(
            f"select {cell} from log where {self.stamp(column, stamp_format)} {_PLAUSIBLE} group by {cell} order by count(*) desc, {cell} "
            f"limit {_EXAMPLES}"
        )
        return tuple(stamp for (stamp,) in found)

    def offsets(self, columns: Sequence[str]) -> list[str]:
        """The UTC offsets, or zones, that the stamps of the columns state, as written."""
        cells = " union all ".join(f"select {self.columns[name].sql} as cell from log" for name in columns)
        found = self._rows(f"select distinct regexp_extract(cell, {literal(_STATED)}) from ({cells}) order by 1")
        return [offset for (offset,) in found if offset]

    def changes_within(self, column: str, case: str) -> float:
        """Share of the cases with several records whose cells of the column differ, 0-1; 0 where there are no such cases."""
        cell, key = self.columns[column].sql, self.columns[case].sql
        ((share,),) = self._rows(
            f"select coalesce(avg((n > 1)::int), 0) from (select count(distinct {cell}) as n from log where {cell} is not null "
            f"group by {key} having count(*) > 1)"
        )
        return float(share)

    def days(self, column: str, stamp_format: str, stamps_zone: str, desk_zone: str) -> tuple[object, object]:
        """First, and one in a thousand, local date of a column's stamps; None where it has none."""
        local = f"timezone({literal(desk_zone)}, instant)::date"
        ((first, early),) = self._rows(
            f"select min({local}), quantile_disc({local}, 0.001) from ({self._instants(column, stamp_format, stamps_zone)})"
        )
        return first, early

    def order(self, case: str, column: str, stamp_format: str, stamps_zone: str) -> Order:
        """How the stamps of a column run within the cases, along the files."""
        placed = (
            f"select {self.columns[case].sql} as case_id, instant, file_number, row_number "
            f"from ({self._instants(column, stamp_format, stamps_zone)}) where {self.columns[case].sql} is not null"
        )

        def steps(rows: str) -> str:
            return (
                "(select case_id, instant, lag(instant) over run as before, lag(file_number) over run = file_number as is_within_a_file "
                f"from ({placed}) window run as (partition by case_id order by file_number, {rows})) where before is not null"
            )

        ((forth, back),) = self._rows(
            "select count(*) filter (instant > before and is_within_a_file), count(*) filter (instant < before and is_within_a_file) "
            f"from {steps('row_number')}"
        )
        is_newest_first = bool(back > forth)
        ((cases, stepping_back),) = self._rows(
            "select count(distinct case_id), count(distinct case_id) filter (instant < before) "
            f"from {steps('row_number desc' if is_newest_first else 'row_number')}"
        )
        return Order(is_newest_first, cases, stepping_back)

    def _instants(self, column: str, stamp_format: str, stamps_zone: str) -> str:
        """SQL: the records that have a stamp in the column, with its `instant`."""
        cell = self.columns[column].sql
        is_iso = stamp_format == "iso" or self.columns[column].is_typed_stamp
        stated = f"coalesce(regexp_full_match({cell}, {literal(ISO_LOCAL + ISO_OFFSET)}), false)" if is_iso else "false"
        stamped = f"select *, {self.stamp(column, stamp_format)} as stamp from log"
        return f"select *, timezone(case when {stated} then 'UTC' else {literal(stamps_zone)} end, stamp) as instant from ({stamped}) where stamp {_PLAUSIBLE}"

    def _rows(self, select: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(select).fetchall()


@contextmanager
def sniffed(paths: Sequence[Path], zone: str | None = None) -> Iterator[Log]:
    """The files as one log, whose stamps may name their zone by the abbreviations of `zone`. Raises OpslaError for files that cannot be read, or that have no column in common."""
    with tempfile.TemporaryDirectory(prefix="opsla-init-") as name:
        directory = Path(name)
        connection = connect(directory / "spill")
        try:
            files = _log_files(paths)
            csv = _how_written(files, directory)
            prepare(connection)
            loaded = [load_file(connection, csv, number, file, directory) for number, file in enumerate(files)]
            yield _measured(connection, csv, loaded, zone)
        finally:
            connection.close()


def _log_files(paths: Sequence[Path]) -> tuple[LogFile, ...]:
    for path in paths:
        if not path.exists() and not has_magic(str(path)):
            raise OpslaError(f"{path}: no such file; look at the path")
    settings = EventLogSettings.model_validate({
        "type": "event_log", "name": "log", "files": [str(path.absolute()) for path in paths],
        "columns": {"case_id": "-", "status": "-", "event_ts": "-"}, "statuses": {"-": "INTAKE"},
    })
    return find_log_files(settings, Path.cwd())


# ---------------------------------------------------------------- how a CSV file is written


def _how_written(files: Sequence[LogFile], directory: Path) -> CsvSettings:
    """Delimiter, quote and encoding with which the first CSV file reads best; the others must be written alike."""
    first = next((file.path for file in files if file.format == "csv"), None)
    if first is None:
        return CsvSettings()
    encoding = _encoding(first)
    best: tuple[tuple[int, int], CsvSettings] | None = None
    problems: list[OpslaError] = []
    for quote in _QUOTES:
        for delimiter in _delimiters_in(first, encoding):
            csv = CsvSettings(delimiter=delimiter, quote=quote, encoding=encoding)
            try:
                copy = copy_records(first, csv, directory / "tried.csv")
            except OpslaError as error:
                problems.append(error)
                continue
            if best is None or _merit(copy) > best[0]:
                best = _merit(copy), csv
        if best is not None and best[0][0] == 0:
            break
    if best is None:
        raise problems[0]
    return best[1]


def _merit(copy: CsvCopy) -> tuple[int, int]:
    return -len(copy.unreadable), len(copy.header)


def _delimiters_in(path: Path, encoding: str) -> list[str]:
    """The delimiters that the first line has; a comma where it has none."""
    text = next(raw_blocks(path), b"").decode(encoding, errors="replace")
    line = text.splitlines()[0] if text else ""
    return [delimiter for delimiter in _DELIMITERS if delimiter in line] or [","]


def _encoding(path: Path) -> str:
    """utf-8 where the bytes are; utf-16 where they begin so; else cp1252, or latin-1 where even that is not possible."""
    start = next(raw_blocks(path), b"")
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for encoding in ("utf-8", "cp1252"):
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            for block in raw_blocks(path):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    return "latin-1"


# ---------------------------------------------------------------- measuring


def _measured(connection: duckdb.DuckDBPyConnection, csv: CsvSettings, loaded: Sequence[Loaded], zone: str | None) -> Log:
    names = _common_columns(loaded)
    _unite(connection, loaded, names)
    marks = _marks_seen(connection, len(names))
    _forget_marks(connection, len(names), marks)
    typed = {column.name for item in loaded for column in item.columns if column.is_stamp}
    columns = {name: _column(connection, name, f"k{number}", name in typed) for number, name in enumerate(names)}
    ((rows,),) = connection.execute("select count(*) from log").fetchall()
    ((unreadable,),) = connection.execute("select count(*) from unreadable where reason is not null").fetchall()
    if not rows:
        raise OpslaError(f"{loaded[0].file.path}: holds no record below its header; there is nothing to propose from")
    return Log(tuple(item.file.path for item in loaded), csv, columns, rows, unreadable, marks, zone, connection)


def _common_columns(loaded: Sequence[Loaded]) -> list[str]:
    """In the order of the first file; a name that a file has twice cannot be mapped."""
    usable = []
    for item in loaded:
        names = [column.name for column in item.columns]
        usable.append([name for name in names if name and names.count(name) == 1])
    common = [name for name in usable[0] if all(name in names for names in usable)]
    if not common:
        raise OpslaError(f"{loaded[0].file.path}: shares no column with the other files; name only files of one log")
    return common


def _unite(connection: duckdb.DuckDBPyConnection, loaded: Sequence[Loaded], names: Sequence[str]) -> None:
    selects = []
    for number, item in enumerate(loaded):
        sql = {column.name: column.sql for column in item.columns}
        cells = ", ".join(f"nullif({sql[name]}, '') as k{place}" for place, name in enumerate(names))
        selects.append(f"select {number} as file_number, rowid as row_number, {cells} from raw_{number}")
    connection.execute(f"create table united as {' union all '.join(selects)}")


def _marks_seen(connection: duckdb.DuckDBPyConnection, columns: int) -> tuple[str, ...]:
    marks = ", ".join(literal(mark) for mark in MISSING_MARKS)
    seen: set[str] = set()
    for number in range(columns):
        seen.update(mark for (mark,) in connection.execute(f"select distinct k{number} from united where k{number} in ({marks})").fetchall())
    return tuple(mark for mark in MISSING_MARKS if mark in seen)


def _forget_marks(connection: duckdb.DuckDBPyConnection, columns: int, marks: Sequence[str]) -> None:
    listed = ", ".join(literal(mark) for mark in marks) or "''"
    cells = ", ".join(f"case when k{number} not in ({listed}) then k{number} end as k{number}" for number in range(columns))
    any_cell = ", ".join(f"k{number}" for number in range(columns))
    connection.execute(f"create table log as select file_number, row_number, {cells} from united where coalesce({any_cell}) is not null")
    connection.execute("drop table united")


def _column(connection: duckdb.DuckDBPyConnection, name: str, sql: str, is_typed_stamp: bool) -> Column:
    ((filled, distinct),) = connection.execute(f"select count({sql}), count(distinct {sql}) from log").fetchall()
    examples = connection.execute(
        f"select {sql} from log where {sql} is not null group by {sql} order by count(*) desc, {sql} limit {_EXAMPLES}"
    ).fetchall()
    return Column(name, sql, filled, distinct, tuple(example for (example,) in examples), is_typed_stamp)
