"""A Parquet file as table raw_<number>.

Belongs here: typed columns as text. Does not belong here: what a column means.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from opsla_dagster.errors import OpslaError
from opsla_dagster.sources.event_log.files import LogFile
from opsla_dagster.sources.event_log.mapping import RawColumn
from opsla_dagster.sources.event_log.reading.content import MOST_UNPACKED_BYTES, on_disk
from opsla_dagster.sources.event_log.reading.tables import Loaded, require_fewer_columns
from opsla_dagster.warehouse.sql import path_literal

#: Types of floating-point numbers -> up to where they tell every whole number from its neighbours.
_EXACT_UP_TO = {"DOUBLE": 2**53, "FLOAT": 2**24}
#: Parquet bytes that are not marked as text.
_BYTES = "BLOB"
#: A few bytes can say that they are any number of equal rows.
MOST_ROWS = 500 * 10**6


def load_parquet(connection: duckdb.DuckDBPyConnection, number: int, file: LogFile, directory: Path) -> Loaded:
    """Loads the file as table raw_<number>, by way of `directory`. Raises OpslaError when it cannot be read."""
    path = path_literal(on_disk(file, directory, MOST_UNPACKED_BYTES))
    try:
        _require_fewer_rows(connection, path, file)
        described = connection.execute(f"describe select * from read_parquet({path})").fetchall()
        require_fewer_columns(file.name, len(described))
        cells = [f"{_as_text(_quoted(name), kind)} as c{index}" for index, (name, kind, *_) in enumerate(described)]
        cells += [f"{_is_text(_quoted(name))} as c{index}_is_text" for index, (name, kind, *_) in enumerate(described) if kind == _BYTES]
        connection.execute(f"create table raw_{number} as select {', '.join(cells)} from read_parquet({path})")
    except duckdb.Error as error:
        raise OpslaError(f"{file.name}: cannot be read as parquet: {error}") from error
    columns = [_parquet_column(name, f"c{index}", kind) for index, (name, kind, *_) in enumerate(described)]
    (rows,) = connection.execute(f"select count(*) from raw_{number}").fetchall()[0]
    return Loaded(file, "parquet", columns, 1, rows)


def _require_fewer_rows(connection: duckdb.DuckDBPyConnection, path: str, file: LogFile) -> None:
    ((rows,),) = connection.execute(f"select sum(num_rows) from parquet_file_metadata({path})").fetchall()
    if rows > MOST_ROWS:
        raise OpslaError(f"{file.name}: says that it has {rows:,} records; {MOST_ROWS:,} are read at most: write it in parts")


def _parquet_column(name: str, sql: str, kind: str) -> RawColumn:
    return RawColumn(
        name, sql, is_stamp=_is_stamp(kind), is_floating=kind in _EXACT_UP_TO,
        is_text_sql=f"{sql}_is_text" if kind == _BYTES else None,
    )  # fmt: skip


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _is_stamp(kind: str) -> bool:
    """A DATE is none: it says no instant, and goes the way of the same text in a CSV file."""
    return kind.startswith("TIMESTAMP")


def _as_text(column: str, kind: str) -> str:
    """What the cell would say in a CSV file, so that CSV and parquet go the same way from here."""
    if _is_stamp(kind):
        return _stamp_as_text(column, kind)
    if kind in _EXACT_UP_TO:
        return _number_as_text(column, kind)
    if kind == _BYTES:
        return f"coalesce({_decoded(column)}, cast({column} as varchar))"
    return f"cast({column} as varchar)"


def _stamp_as_text(column: str, kind: str) -> str:
    """ISO text of a typed stamp. Digits below a microsecond are left off (%f): a cast of nanoseconds would round them up."""
    offset = "Z" if kind.startswith("TIMESTAMPTZ") or kind.endswith("WITH TIME ZONE") else ""
    return f"strftime({column}, '%Y-%m-%dT%H:%M:%S.%f{offset}')"


def _number_as_text(column: str, kind: str) -> str:
    """Text of a floating-point number, a whole one as an integer column would have it; NaN is pandas' word for a missing number."""
    is_exact = f"{column} = trunc({column}) and abs({column}) <= {_EXACT_UP_TO[kind]}"
    whole = f"cast(try_cast({column} as bigint) as varchar)"
    return f"case when {is_exact} then {whole} when not isnan({column}) then cast({column} as varchar) end"


def _decoded(column: str) -> str:
    """Text of bytes, which some writers leave unmarked; NULL for what is not UTF-8."""
    return f"try(decode({column}))"


def _is_text(column: str) -> str:
    return f"{column} is null or {_decoded(column)} is not null"
