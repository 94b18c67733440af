"""From the files of a log to tables raw_0, raw_1 ...: the form of each told by its content, then the reader of that form.

Belongs here: the choice of the reader. Does not belong here: reading, or what the columns mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from opsla_dagster.settings.sources import FileFormat, Written
from opsla_dagster.sources.event_log.files import LogFile, held_still
from opsla_dagster.sources.event_log.reading.archives import tables_in
from opsla_dagster.sources.event_log.reading.csv_file import load_csv
from opsla_dagster.sources.event_log.reading.forms import form_of
from opsla_dagster.sources.event_log.reading.json_records import load_json
from opsla_dagster.sources.event_log.reading.parquet import load_parquet
from opsla_dagster.sources.event_log.reading.tables import Loaded, share_columns
from opsla_dagster.sources.event_log.reading.workbooks import load_workbook
from opsla_dagster.sources.event_log.reading.xes import load_xes


def load_files(connection: duckdb.DuckDBPyConnection, written: Written, files: Sequence[LogFile], directory: Path) -> list[Loaded]:
    """Loads each table file, those in archives included, as table raw_<place in the list>, by way of `directory`.

    `connection` has been through `prepare`. Raises OpslaError for a file that cannot be read as a whole.
    """
    tables = tables_in(files, directory, is_form_told=written.format is not None)
    return share_columns(connection, [_load(connection, written, number, file, directory) for number, file in enumerate(tables)])


def _load(connection: duckdb.DuckDBPyConnection, written: Written, number: int, file: LogFile, directory: Path) -> Loaded:
    with held_still(file):
        match form_told(written, file, directory):
            case "csv":
                return load_csv(connection, written, number, file, directory)
            case "spreadsheet":
                return load_workbook(connection, written, number, file, directory)
            case "json":
                return load_json(connection, written, number, file)
            case "xes":
                return load_xes(connection, number, file)
            case "parquet":
                return load_parquet(connection, number, file, directory)


def form_told(written: Written, file: LogFile, directory: Path) -> FileFormat:
    """The form that sources.yml says, else the file's own. Raises OpslaError as `form_of` does."""
    return written.format or form_of(file, directory, written.csv.encoding)
