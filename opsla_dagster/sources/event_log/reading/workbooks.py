"""A sheet of a workbook (XLSX, XLS, ODS) as table raw_<number>.

Belongs here: which sheet, how far a workbook may go, cells as text. Does not belong here: what a column means.

A workbook is read in memory, and a sheet as a rectangle: one cell far out makes a large one of it, and an ODS file can say "a million
times the same" in a few bytes. So it is looked at before the library reads it.
"""

from __future__ import annotations

import os
import re
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeAlias

import duckdb
import python_calamine as calamine
from defusedxml import DefusedXmlException, ElementTree

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.sources import Written
from opsla_dagster.sources.event_log.files import LogFile
from opsla_dagster.sources.event_log.mapping import RawColumn
from opsla_dagster.sources.event_log.reading.content import BROKEN_ARCHIVE, bomb, most_unpacked, on_disk
from opsla_dagster.sources.event_log.reading.forms import MOST_WORKBOOK_BYTES, ZIP_MAGIC, opened_archive
from opsla_dagster.sources.event_log.reading.headers import ROWS_SEEN, header_place
from opsla_dagster.sources.event_log.reading.tables import (
    CELL_BLANKS,
    Loaded,
    SeveralTables,
    note_unreadable,
    require_fewer_columns,
    write_batch,
)

#: A sheet's rectangle; a cell of it takes 32 bytes while it is read.
MOST_CELLS = 25 * 10**6
#: What the XML of a workbook may unpack to.
MOST_XML_BYTES = 4 * 10**9
#: A spreadsheet keeps 15 digits of a number: beyond, several ids may have become one.
_EXACT_BELOW = 10**15
_BATCH_ROWS = 5_000
_SCAN_BYTES = 4 * 2**20
#: A cell with content (an empty one that only has a format closes at once), as `<c r="AB12" ...>`.
_XLSX_CELL = re.compile(rb"<(?:\w+:)?c\s(?:[^>]*?\s)?r=[\"']([A-Z]{1,3})(\d{1,7})[\"'][^>]*(?<!/)>")
_ODS_CONTENT, _ODS_MANIFEST, _ODS_ENCRYPTED = "content.xml", "META-INF/manifest.xml", b"encryption-data"
_ODS_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_ODS_VALUE_TYPE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}value-type"
_ODS_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_STDERR = 2
_MIDNIGHT = "T00:00:00"

Cell: TypeAlias = str | float | int | bool | date | datetime | time | timedelta
Row: TypeAlias = Sequence[Cell]


@dataclass(frozen=True)
class _Sheet:
    name: str
    rows: Any
    #: Index of the row that names the columns, and the names.
    header_place: int
    names: list[str]
    has_records: bool


def load_workbook(connection: duckdb.DuckDBPyConnection, written: Written, number: int, file: LogFile, directory: Path) -> Loaded:
    """Loads the sheet that holds the table as table raw_<number>, by way of `directory`.

    Raises OpslaError for a workbook that cannot be read, SeveralTables where it could be one of several sheets.
    """
    path = on_disk(file, directory, MOST_WORKBOOK_BYTES)
    _require_bounds(file.name, path)
    with _readable(file.name):
        with path.open("rb") as opened:  # given a path, the library would go by the name
            book = calamine.load_workbook(opened)
        names = book.sheet_names
    if written.sheet is not None and written.sheet not in names:
        raise OpslaError(f"{file.name}: has no sheet {written.sheet!r}; it has {_listed(names)}")
    sheet = _the_table(file.name, book, written)
    require_fewer_columns(file.name, len(sheet.names))
    columns, rows, empty_rows = _write(connection, number, sheet)
    first_row = sheet.header_place + 2
    note = f"sheet {sheet.name!r}, the header is row {first_row - 1}" if len(names) > 1 or sheet.header_place else ""
    return Loaded(file, "spreadsheet", columns, first_row, rows, note, empty_rows=empty_rows)


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Whatever the library says becomes an OpslaError, a panic of its own included, which is no Exception and writes to stderr itself."""
    try:
        with _silent_stderr():
            yield
    except calamine.PasswordError as error:
        raise _encrypted(name) from error
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise _unreadable(name, error) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: BaseException) -> OpslaError:
    return OpslaError(f"{name}: cannot be read as a workbook: {error}; open it in a spreadsheet program and save it anew as XLSX, or as CSV")


@contextmanager
def _silent_stderr() -> Iterator[None]:
    sys.stderr.flush()
    kept, nowhere = os.dup(_STDERR), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, _STDERR)
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
        os.close(nowhere)


def _encrypted(name: str) -> OpslaError:
    return OpslaError(f"{name}: the workbook is protected with a password; save it without one")


# ---------------------------------------------------------------- which sheet


def _the_table(name: str, book: Any, written: Written) -> _Sheet:
    """The sheet that is told, or the only visible one that holds a table; a header alone counts where no sheet has records."""
    if written.sheet is not None:
        names = [written.sheet]
    else:
        names = [sheet.name for sheet in book.sheets_metadata if _is_visible_sheet(sheet)]
    looked_at = (_looked_at(name, book, sheet, written) for sheet in names)
    found = [sheet for sheet in looked_at if sheet is not None and sum(1 for column in sheet.names if column) > 1]
    tables = [sheet for sheet in found if sheet.has_records] or found
    if not tables:
        raise OpslaError(
            f"{name}: {_listed(book.sheet_names)}: no such sheet holds a table; expected a row that names the columns, and records below it"
        )
    if len(tables) > 1:
        raise SeveralTables(name, "sheet", [sheet.name for sheet in tables])
    return tables[0]


def _is_visible_sheet(sheet: Any) -> bool:
    return bool(sheet.visible == calamine.SheetVisibleEnum.Visible and sheet.typ == calamine.SheetTypeEnum.WorkSheet)


def _looked_at(file_name: str, book: Any, name: str, written: Written) -> _Sheet | None:
    """A sheet with its header; None where every cell is empty."""
    with _readable(file_name):
        rows = book.get_sheet_by_name(name)
        _require_cells(f"{file_name}: sheet {name!r}", rows.total_height, rows.total_width)
        start = rows.start
        merged = rows.merged_cell_ranges or []
        top = [list(row) for row in islice(rows.iter_rows(), max(ROWS_SEEN, written.header_row or 0))]
    if start is None:
        return None
    _fill_merged(top, merged, start[1])
    texts = [[_one_text(cell) for cell in row] for row in top]
    place = header_place(texts, written.columns) if written.header_row is None else written.header_row - 1
    if place is None or place >= len(texts):
        return None
    has_records = any(any(row) for row in texts[place + 1 :]) or rows.total_height > len(texts)
    names = texts[place]
    width = next((end for end in range(len(names), 0, -1) if names[end - 1].strip()), 0)
    return _Sheet(name, rows, place, names, has_records) if width else None


def _fill_merged(top: list[list[Cell]], merged: Sequence[tuple[tuple[int, int], tuple[int, int]]], first_column: int) -> None:
    """A name that goes over two rows stands in the lower one too, beside the names there. A title over several columns is left as it is."""
    for (top_row, left), (bottom, _) in merged:
        if top_row >= len(top) or not first_column <= left < first_column + len(top[top_row]):
            continue
        value = top[top_row][left - first_column]
        for row in range(top_row, min(bottom + 1, len(top))):
            top[row][left - first_column] = value


def _listed(names: Sequence[str]) -> str:
    return "the sheets " + ", ".join(repr(name) for name in names) if len(names) > 1 else f"the sheet {names[0]!r}" if names else "no sheet"


# ---------------------------------------------------------------- cells


def _write(connection: duckdb.DuckDBPyConnection, number: int, sheet: _Sheet) -> tuple[list[RawColumn], int, int]:
    """Table raw_<number> of what stands below the header; its columns, how many records there are, and how many rows of blanks."""
    width = len(sheet.names)
    connection.execute(f"create table raw_{number} ({', '.join(f'c{place} varchar' for place in range(width))})")
    kinds: list[set[type]] = [set() for _ in range(width)]
    blank: list[int] = []
    empty_rows = 0
    row_number = sheet.header_place + 2
    merged = _merged_downwards(sheet)
    rows = islice(sheet.rows.iter_rows(), sheet.header_place + 1, None)
    filled = _filled_down(rows, sheet.header_place + 1, merged)
    while batch := list(islice(filled, _BATCH_ROWS)):
        silent = [place for place, row in enumerate(batch) if not any(_says_anything(cell) for cell in row)]
        blank += [row_number + place for place in silent]
        empty_rows += sum(any(cell != "" for cell in batch[place]) for place in silent)
        row_number += len(batch)
        columns = list(zip(*batch, strict=True))
        for place, cells in enumerate(columns):
            kinds[place].update(type(cell) for cell in cells if cell != "")
        write_batch(connection, number, [[_one_text(cell) for cell in cells] for cells in columns])
    note_unreadable(connection, number, [(row, None, None) for row in blank])
    columns_told = [_column(connection, number, place, sheet.names[place], kinds[place]) for place in range(width)]
    return columns_told, row_number - sheet.header_place - 2 - len(blank), empty_rows


def _says_anything(cell: Cell) -> bool:
    return bool(cell.strip(CELL_BLANKS)) if isinstance(cell, str) else True


def _merged_downwards(sheet: _Sheet) -> dict[int, list[tuple[int, int]]]:
    """Column -> first and last row of merged cells that go over several records, the case's number beside its updates, say."""
    start = sheet.rows.start
    found: dict[int, list[tuple[int, int]]] = {}
    for (top, left), (bottom, right) in sheet.rows.merged_cell_ranges or []:
        if bottom > top > sheet.header_place and left == right and left >= start[1]:
            found.setdefault(left - start[1], []).append((top, bottom))
    return found


def _filled_down(rows: Iterator[Row], first: int, merged: dict[int, list[tuple[int, int]]]) -> Iterator[Row]:
    if not merged:
        yield from rows
        return
    values: dict[tuple[int, int], Cell] = {}
    tops = {(column, row): top for column, ranges in merged.items() for top, bottom in ranges for row in range(top, bottom + 1)}
    for place, row in enumerate(rows, start=first):
        cells = list(row)
        for column in merged:
            top = tops.get((column, place))
            if top is not None:
                cells[column] = values.setdefault((column, top), cells[column])
        yield cells


def _column(connection: duckdb.DuckDBPyConnection, number: int, place: int, name: str, kinds: set[type]) -> RawColumn:
    """A column of dates alone says no time of day: it goes the way of the same text in a CSV file."""
    has_clock = datetime in kinds
    if date in kinds and not has_clock:
        cell = f"c{place}"
        connection.execute(f"update raw_{number} set {cell} = replace({cell}, '{_MIDNIGHT}', '') where ends_with({cell}, '{_MIDNIGHT}')")
    return RawColumn(name, f"c{place}", is_stamp=has_clock and kinds <= {datetime, date}, is_floating=bool(kinds) and kinds <= {float, int})


def _one_text(cell: Cell) -> str:
    """What the cell would say in a CSV file; a date as the midnight that the workbook keeps."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float | int):
        return _number_text(cell)
    if isinstance(cell, datetime):
        return cell.isoformat()
    if isinstance(cell, date):
        return cell.isoformat() + _MIDNIGHT
    if isinstance(cell, timedelta):
        return _duration_text(cell)
    return cell.isoformat()


def _number_text(number: float) -> str:
    if abs(number) < _EXACT_BELOW:
        return str(int(number)) if number == int(number) else repr(number).upper()
    return f"{Decimal(number):E}"


def _duration_text(duration: timedelta) -> str:
    """Hours, minutes and seconds; the hours go on beyond 24."""
    seconds = round(duration.total_seconds())
    minutes, second = divmod(abs(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{'-' if seconds < 0 else ''}{hours:02d}:{minute:02d}:{second:02d}"


# ---------------------------------------------------------------- bounds


def _require_bounds(name: str, path: Path) -> None:
    """Raises OpslaError for a workbook that is larger than it may be, or encrypted."""
    with path.open("rb") as opened:
        if not opened.read(len(ZIP_MAGIC[0])).startswith(ZIP_MAGIC):
            opened.seek(0)
            if _holds(opened, _ENCRYPTED_PACKAGE):
                raise _encrypted(name)
            return
    try:
        with opened_archive(name, path) as archive:
            _require_xml(name, path, archive)
    except DefusedXmlException as error:
        raise OpslaError(f"{name}: declares entities of its own ({error}), which no spreadsheet program writes; save it anew") from error
    except (*BROKEN_ARCHIVE, OSError, ElementTree.ParseError) as error:
        raise OpslaError(f"{name}: broken workbook: {error}; write or fetch the file again") from error


def _holds(opened: IO[bytes], text: bytes) -> bool:
    before = b""
    while block := opened.read(_SCAN_BYTES):
        if text in before + block:
            return True
        before = block[-len(text) :]
    return False


def _require_xml(name: str, path: Path, archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    size, packed = sum(entry.file_size for entry in entries), path.stat().st_size
    if size > min(most_unpacked(packed), MOST_XML_BYTES):
        raise bomb(name, packed, f"{size:,}")
    if any(entry.filename == _ODS_MANIFEST for entry in entries) and _ODS_ENCRYPTED in archive.read(_ODS_MANIFEST):
        raise _encrypted(name)
    for entry in entries:  # each to its end: one that is longer than it says is broken
        with archive.open(entry) as part:
            if entry.filename == _ODS_CONTENT:
                _require_ods_cells(name, part)
            else:
                _require_cells(f"{name}: {entry.filename}", *_xlsx_extent(part))


def _require_cells(what: str, rows: int, columns: int) -> None:
    if rows * columns > MOST_CELLS:
        raise OpslaError(
            f"{what} reaches over {rows:,} rows and {columns:,} columns; {MOST_CELLS:,} cells are read at most, the empty ones between included: "
            "delete what lies far out, or save the sheet as CSV"
        )


def _xlsx_extent(part: IO[bytes]) -> tuple[int, int]:
    """Rows and columns up to the last cell with content."""
    last_row = last_column = 0
    rest = b""
    while block := part.read(_SCAN_BYTES):
        rest += block
        found = _XLSX_CELL.findall(rest)
        last_row = max([last_row, *(int(row) for _, row in found)])
        last_column = max([last_column, *(_column_number(letters) for letters in {letters for letters, _ in found})])
        rest = rest[max(rest.rfind(b"<"), 0) :]
    return last_row, last_column


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - ord("A") + 1
    return number


def _require_ods_cells(name: str, part: IO[bytes]) -> None:
    """Cells that are repeated count as often as they are; empty ones at the end of a row, and empty rows at the end, do not."""
    rows = empty_rows = row_width = width = trailing = 0
    for _, element in ElementTree.iterparse(part, events=("end",), forbid_dtd=True):
        if element.tag in (f"{_ODS_TABLE}table-cell", f"{_ODS_TABLE}covered-table-cell"):
            repeated = _repeated(element, "columns")
            is_filled = element.find(f"{_ODS_TEXT}p") is not None or _ODS_VALUE_TYPE in element.attrib
            trailing += repeated
            if is_filled:
                row_width, trailing = row_width + trailing, 0
        elif element.tag == f"{_ODS_TABLE}table-row":
            empty_rows += _repeated(element, "rows")
            if row_width:
                rows, empty_rows, width = rows + empty_rows, 0, max(width, row_width)
                _require_cells(f"{name}: a sheet", rows, width)
            row_width = trailing = 0
            element.clear()
        elif element.tag == f"{_ODS_TABLE}table":
            rows = empty_rows = width = 0
            element.clear()


def _repeated(element: Any, what: str) -> int:
    text = element.get(f"{_ODS_TABLE}number-{what}-repeated", "1")
    return int(text) if text.isdigit() else 1
