"""Tables as files for other tools: Parquet, CSV, Tableau's Hyper.

Belongs here: `opsla export`. Does not belong here: publishing (warehouse/publish.py), which every run does.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import duckdb

from opsla_dagster.catalog import AREA_OF, TABLES
from opsla_dagster.errors import OpslaError
from opsla_dagster.reporting.marts import has_table
from opsla_dagster.reporting.spreadsheet import write_csv
from opsla_dagster.settings.home import Home
from opsla_dagster.warehouse.connection import reading
from opsla_dagster.warehouse.sql import literal


def export_tables(home: Home, tables: list[str], file_format: str, directory: Path, *, raw: bool = False) -> Iterator[tuple[Path, int]]:
    """Writes `tables` (default: every published mart) to `directory`, one file each; yields each file and its rows.

    A mart's file has the table's name, as in the published marts, one of another layer the layer's before it: whatever else is written.
    CSV files are written for spreadsheets unless `raw` (reporting/spreadsheet.py). Marts come from the published copy, which is
    readable at any time; other layers from the warehouse. Raises OpslaError for an unknown table, a directory that cannot be written,
    and hyper without its extra.
    """
    chosen = tables or _published_tables(home)
    unknown = [name for name in chosen if name not in TABLES]
    if unknown:
        meant = difflib.get_close_matches(unknown[0], TABLES, n=3) or [name for name in TABLES if name.endswith(f".{unknown[0]}")]
        hint = f"; did you mean {' or '.join(meant)}?" if meant else ""
        raise OpslaError(f"no such table: {', '.join(unknown)}{hint} (docs/data_dictionary.md lists them all)")
    pantab = _pantab() if file_format == "hyper" else None
    only_marts = all(_is_published(name) for name in chosen)
    with reading(home.marts_database if only_marts else home.warehouse) as connection:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for name in chosen:
                path = directory / f"{name.removeprefix('mart.')}.{file_format}"
                yield path, _write(connection, name, path, pantab, raw=raw)
        except duckdb.CatalogException as error:
            where = f" where an enabled source fills {' or '.join(AREA_OF[name].fed_by)}" if AREA_OF[name].fed_by else ""
            raise OpslaError(f"{name}: this home has not made that table; `opsla run` makes it{where}") from error
        except (OSError, duckdb.IOException) as error:
            raise OpslaError(f"{directory}: cannot be written: {str(error).splitlines()[0]}") from error


def _published_tables(home: Home) -> list[str]:
    with reading(home.marts_database) as connection:
        return [name for name in TABLES if _is_published(name) and has_table(connection, name)]


def _is_published(name: str) -> bool:
    return TABLES[name].schema == "mart" and TABLES[name].is_published


def _write(connection: duckdb.DuckDBPyConnection, table: str, path: Path, pantab: ModuleType | None, *, raw: bool) -> int:
    order = ", ".join(TABLES[table].key)
    rows = f"select * from {table} order by {order}"
    if pantab is not None:
        # A cursor of its own: a result that nobody fetched to its end may be open on the connection.
        arrow = connection.cursor().sql(rows).to_arrow_table()
        pantab.frame_to_hyper(arrow, str(path), table=table.split(".")[1])
        return int(arrow.num_rows)
    if path.suffix == ".csv":
        return write_csv(connection, rows, path, raw=raw)
    written = connection.execute(f"copy ({rows}) to {literal(str(path))} (format parquet)").fetchone()
    return int(written[0]) if written else 0


def _pantab() -> ModuleType:
    try:
        import pantab
    except ImportError as error:
        raise OpslaError("--format hyper needs an extra package: pip install 'opsla[hyper]'") from error
    module: ModuleType = pantab
    return module
