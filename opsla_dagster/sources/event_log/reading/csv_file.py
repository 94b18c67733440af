"""A CSV file as table raw_<number>, and what can be told of its dialect before it is read.

Belongs here: byte order marks, `sep=` lines, line ends, titles above the header, loading. Does not belong here: cutting records
(`csv_records`), or finding out quote and delimiter, which sources.yml says.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import duckdb

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.sources import CsvSettings, Written
from opsla_dagster.sources.event_log.files import LogFile
from opsla_dagster.sources.event_log.mapping import RawColumn
from opsla_dagster.sources.event_log.reading.content import blocks, head
from opsla_dagster.sources.event_log.reading.csv_records import CsvCopy, copy_records, utf8_blocks
from opsla_dagster.sources.event_log.reading.forms import byte_order_mark
from opsla_dagster.sources.event_log.reading.headers import ROWS_SEEN, header_place, names_columns
from opsla_dagster.sources.event_log.reading.tables import Loaded, note_unreadable, require_fewer_columns
from opsla_dagster.warehouse.sql import literal, path_literal

#: DuckDB's own default; records that are longer raise it.
_LINE_BYTES = 2 * 2**20
#: Excel's own first line; a program that took the file for another dialect may have put it in quotes or filled it up.
_SEPARATOR_LINE = re.compile(r'\s*"?sep=(?P<delimiter>[^\s"]|\t)"?[,;\t|]*\s*', re.IGNORECASE)
#: A text that a spreadsheet is to leave as it is, ="001"; with its quotes doubled where the file is read as one without quoting.
_WRAPPED = re.compile(r'"?="{1,2}([^"]*)"{1,3}')
_LONGEST_CELL = 2**24


@dataclass(frozen=True)
class Dialect:
    """How this very file is written: what sources.yml says, less what the file itself says otherwise."""

    settings: CsvSettings
    #: Lines before the one with the header (blank lines before it may be left to the reader).
    lines_above: int
    #: Lines end in a carriage return alone, as old Macs write them.
    has_return_line_ends: bool


def dialect_of(file: LogFile, written: Written) -> Dialect:
    """The dialect by the first bytes. Raises OpslaError for a file that cannot be read."""
    start = head(file)
    settings = written.csv
    settings = settings.model_copy(update={"encoding": byte_order_mark(start) or settings.encoding})
    text = start.decode(settings.encoding, "replace").removeprefix("\ufeff")
    has_return_line_ends = "\r" in text and "\n" not in text
    lines = text.replace("\r", "\n").split("\n") if has_return_line_ends else text.split("\n")
    lines_above = 0
    first = next((place for place, line in enumerate(lines) if line.strip()), 0)
    if told := _SEPARATOR_LINE.fullmatch(lines[first]):
        settings = _delimited_by(settings, told["delimiter"])
        lines_above = first + 1
    if written.header_row is not None:
        lines_above = written.header_row - 1
    else:
        lines_above += _lines_above_header(lines[lines_above:-1] or lines[lines_above:], settings, written.columns)
    return Dialect(settings, lines_above, has_return_line_ends)


def _delimited_by(settings: CsvSettings, delimiter: str) -> CsvSettings:
    if not delimiter.isascii() or delimiter == settings.quote:
        return settings
    return settings.model_copy(update={"delimiter": delimiter})


def _lines_above_header(lines: list[str], settings: CsvSettings, known: Set[str]) -> int:
    """How many lines stand above the header; 0 where it is the first line that is not blank."""
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(
        (line + "\n" for line in lines), delimiter=settings.delimiter, quotechar=settings.quote or None,
        quoting=csv.QUOTE_MINIMAL if settings.quote else csv.QUOTE_NONE,
    )  # fmt: skip
    rows, begins = [], []
    try:
        before = 0
        for row in islice(reader, ROWS_SEEN):
            rows.append(row)
            begins.append(before)
            before = reader.line_num
    except csv.Error:
        pass  # what can be told of the rows before it stands
    place = header_place(rows, known)
    if place is None:
        return 0
    # Empty cells above are nothing, unless no row below names its columns: then they are the header, and are told to be a bad one.
    has_empty_cells = any(len(row) > 1 for row in rows[:place]) and names_columns(rows, place)
    return begins[place] if has_empty_cells or any(any(row) for row in rows[:place]) else 0


def copied(file: LogFile, dialect: Dialect, target: Path) -> CsvCopy:
    """The records of the file in `target`, see copy_records. Raises OpslaError."""
    decoded = utf8_blocks(file.name, blocks(file), dialect.settings.encoding)
    if dialect.has_return_line_ends:
        decoded = (block.replace(b"\r", b"\n") for block in decoded)
    return copy_records(file.name, _below(decoded, dialect.lines_above), dialect.settings, target, dialect.lines_above)


def _below(decoded: Iterator[bytes], lines: int) -> Iterator[bytes]:
    """The blocks without the first lines."""
    for block in decoded:
        rest = block
        while lines and rest:
            _, end, rest = rest.partition(b"\n")
            lines -= len(end)
        if rest:
            yield rest


def load_csv(
    connection: duckdb.DuckDBPyConnection, written: Written, number: int, file: LogFile, directory: Path
) -> Loaded:
    """Loads the file as table raw_<number>. Raises OpslaError when it cannot be read as a whole."""
    target = directory / "records.csv"
    dialect = dialect_of(file, written)
    copy = copied(file, dialect, target)
    require_fewer_columns(file.name, len(copy.header))
    types = ", ".join(f"'c{index}': 'varchar'" for index in range(len(copy.header)))
    quote = literal(dialect.settings.quote)
    connection.execute(f"""
        create table raw_{number} as
        select *
        from read_csv(
            {path_literal(target)}, auto_detect = false, header = false, columns = {{{types}}},
            delim = {literal(dialect.settings.delimiter)}, quote = {quote}, escape = {quote}, new_line = '\\n',
            max_line_size = {max(_LINE_BYTES, 2 * copy.longest_bytes)}, strict_mode = true
        )
    """)
    target.unlink()
    _require_all_rows(connection, number, file, copy)
    blank = [(row_number, None, None) for row_number in copy.no_records]
    note_unreadable(connection, number, [*((item.row_number, item.reason, item.text) for item in copy.unreadable), *blank])
    _unwrap_formulas(connection, number, len(copy.header))
    columns = [RawColumn(_unwrapped(name), f"c{index}") for index, name in enumerate(copy.header)]
    note = f"the header is row {copy.header_row}" if dialect.lines_above else ""
    return Loaded(file, "csv", columns, copy.first_row, copy.records, note, passed_over=copy.passed_over(), passed_over_rows=len(copy.header_rows) + len(copy.footer_rows), empty_rows=copy.empty_rows)


def _unwrapped(name: str) -> str:
    matched = _WRAPPED.fullmatch(name)
    return matched[1] if matched else name


def _unwrap_formulas(connection: duckdb.DuckDBPyConnection, number: int, columns: int) -> None:
    """`="001"` is what exports write so that a spreadsheet leaves a text as it is: it says 001."""
    cells = [f"c{index}" for index in range(columns)]
    has_any = ", ".join(f"coalesce(bool_or(starts_with({cell}, '=\"') or starts_with({cell}, '\"=')), false)" for cell in cells)
    found = connection.execute(f"select {has_any} from raw_{number}").fetchone() or ()
    for cell, has_formulas in zip(cells, found, strict=False):
        if has_formulas:
            connection.execute(f"update raw_{number} set {cell} = regexp_extract({cell}, {literal(_WRAPPED.pattern)}, 1) where regexp_full_match({cell}, {literal(_WRAPPED.pattern)})")


def _require_all_rows(connection: duckdb.DuckDBPyConnection, number: int, file: LogFile, copy: CsvCopy) -> None:
    """The walk over the bytes and DuckDB's reader count alike, or nothing is loaded."""
    (loaded,) = connection.execute(f"select count(*) from raw_{number}").fetchall()[0]
    if loaded != copy.copied_rows:
        raise OpslaError(
            f"{file.name}: has {copy.copied_rows} records, but {loaded} came out of reading it; nothing is loaded. "
            "Please report this with the file"
        )
