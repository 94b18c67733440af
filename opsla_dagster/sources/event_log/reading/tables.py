"""Tables raw_<number>: what every form of file becomes, columns c0, c1 ... of text, one row a record, in the order of the file.

Belongs here: what is told of a loaded file, and writing records that come one after another. Does not belong here: any one form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import duckdb
import pyarrow as pa

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.sources import FileFormat
from opsla_dagster.sources.event_log.files import LogFile
from opsla_dagster.sources.event_log.mapping import RawColumn

#: Beyond this, names of columns are taken for values (a map of tickets by number, say).
MOST_COLUMNS = 2_000
_BATCH_ROWS = 20_000
_BATCH_CHARACTERS = 32 * 2**20
#: Stands for records that never reached the columns; a blank line has no reason.
_UNREADABLE = pa.schema([
    ("file_number", pa.int64()), ("row_number", pa.int64()), ("reason", pa.string()), ("text", pa.string())
])


class SeveralTables(OpslaError):
    """A file holds several tables, and nothing says which one is meant."""

    def __init__(self, name: str, field: str, choices: Sequence[str]) -> None:
        #: The field of sources.yml that would say it, `sheet` or `records`, and what it could say.
        self.field = field
        self.choices = tuple(choices)
        listed = ", ".join(repr(choice) for choice in choices)
        super().__init__(
            f"{name}: holds several tables: {listed}; say which one is the log: --{field} NAME of `opsla init`, {field}: NAME in sources.yml"
        )


#: A cell of these alone is empty, in files of every form.
CELL_BLANKS = " \t"


@dataclass(frozen=True)
class Loaded:
    """A file in table raw_<number>; its row with rowid n is the file's row first_row + n."""

    file: LogFile
    form: FileFormat
    columns: list[RawColumn]
    first_row: int
    #: Records of the file, those that cannot be read included; blank rows are none.
    rows: int
    #: What was found out by itself: the sheet, the row of the header. Empty where nothing could have been otherwise.
    note: str = ""
    #: Records leave out what is empty, so that a column may be missing though the log has it.
    leaves_out_empty: bool = False
    #: Lines that look like records and are none: which, and how many.
    passed_over: str = ""
    passed_over_rows: int = 0
    #: Rows whose cells are all empty, which are none either, and are not named.
    empty_rows: int = 0


def require_fewer_columns(name: str, columns: int) -> None:
    """Raises OpslaError for a file of more than MOST_COLUMNS columns: DuckDB would take minutes and gigabytes for a handful of them that are mapped."""
    if columns > MOST_COLUMNS:
        raise OpslaError(f"{name}: has {columns:,} columns, and {MOST_COLUMNS:,} are read at most; leave out those that no field of sources.yml needs")


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Creates what readers note unreadable records in."""
    connection.register("no_unreadable", _UNREADABLE.empty_table())
    connection.execute("create table unreadable as select * from no_unreadable")


def note_unreadable(
    connection: duckdb.DuckDBPyConnection, number: int, unreadable: Iterable[tuple[int, str | None, str | None]]
) -> None:
    """Notes rows of file `number` by row number, reason and text; a blank row, which is no record, has neither."""
    rows = [dict(zip(_UNREADABLE.names, (number, *row), strict=True)) for row in unreadable]
    found = pa.Table.from_pylist(rows, schema=_UNREADABLE)
    connection.register("found_unreadable", found)
    connection.execute("insert into unreadable select * from found_unreadable")
    connection.unregister("found_unreadable")


@dataclass
class RecordTable:
    """Writes records, which are columns by name, into table raw_<number>; a record need not have every column.

    `add`, `add_unreadable`, `add_blank` and `add_empty` take one row each; `close` ends the table.
    """

    connection: duckdb.DuckDBPyConnection
    number: int
    name: str
    first_row: int = 1
    records: int = 0
    empty_rows: int = 0
    _rows: int = 0
    _places: dict[str, int] = field(default_factory=dict)
    _batch: list[Mapping[str, str | None]] = field(default_factory=list)
    _batch_characters: int = 0
    _unreadable: list[tuple[int, str | None, str | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        # A table wants a column; it is dropped with the others' coming in, or stays empty.
        self.connection.execute(f"create table raw_{self.number} (c0 varchar)")

    @property
    def columns(self) -> list[str]:
        """Names in the order of their first appearance; column c<n> is the n-th."""
        return list(self._places)

    def add(self, record: Mapping[str, str | None]) -> None:
        """A record. Raises OpslaError beyond MOST_COLUMNS columns."""
        if not _is_encodable(record):
            self.add_unreadable("the record holds half a character (a lone surrogate)", ascii(dict(record)))
            return
        self._place(record)
        self.records += 1
        self._append(record)

    def add_unreadable(self, reason: str, text: str) -> None:
        """A record that cannot be read: it is rejected with this reason."""
        self.records += 1
        self._unreadable.append((self.first_row + self._rows, reason, text.encode("utf-8", "backslashreplace").decode()))
        self._append({})

    def add_blank(self) -> None:
        """A row that is no record."""
        self._unreadable.append((self.first_row + self._rows, None, None))
        self._append({})

    def add_empty(self, names: Iterable[str]) -> None:
        """A row of these columns whose cells are all empty: no record either. Raises OpslaError as `add` does."""
        self._place(names)
        self.empty_rows += 1
        self.add_blank()

    def close(self) -> None:
        """Writes what is not written yet."""
        self._flush()
        note_unreadable(self.connection, self.number, self._unreadable)

    def _place(self, names: Iterable[str]) -> None:
        for name in names:
            self._places.setdefault(name, len(self._places))
        if len(self._places) > MOST_COLUMNS:
            raise OpslaError(
                f"{self.name}: has more than {MOST_COLUMNS:,} columns, {self.columns[-1][:60]!r} for one, as if values stood where names belong; "
                "expected records that are alike"
            )

    def _append(self, record: Mapping[str, str | None]) -> None:
        self._rows += 1
        self._batch.append(record)
        self._batch_characters += sum(len(text) for text in record.values() if text)
        if len(self._batch) >= _BATCH_ROWS or self._batch_characters > _BATCH_CHARACTERS:
            self._flush()

    def _flush(self) -> None:
        columns = [[record.get(name) for record in self._batch] for name in self._places]
        write_batch(self.connection, self.number, columns or [[None] * len(self._batch)])
        self._batch, self._batch_characters = [], 0


def write_batch(connection: duckdb.DuckDBPyConnection, number: int, columns: Sequence[Sequence[str | None]]) -> None:
    """Appends rows, given column by column, to table raw_<number>, which gets the columns that it has not got yet."""
    if not columns or not columns[0]:
        return
    there = len(connection.execute(f"describe raw_{number}").fetchall())
    for place in range(there, len(columns)):
        connection.execute(f"alter table raw_{number} add column c{place} varchar")
    batch = pa.table({f"c{place}": pa.array(cells, pa.string()) for place, cells in enumerate(columns)})
    connection.register("batch", batch)
    connection.execute(f"insert into raw_{number} by name select * from batch")
    connection.unregister("batch")


def _is_encodable(record: Mapping[str, str | None]) -> bool:
    try:
        for name, text in record.items():
            if text and not text.isascii():
                text.encode()
            if not name.isascii():
                name.encode()
    except UnicodeEncodeError:
        return False
    return True


def share_columns(connection: duckdb.DuckDBPyConnection, loaded: Sequence[Loaded]) -> list[Loaded]:
    """The files, of which those that leave out what is empty have the columns of the others too."""
    names = list(dict.fromkeys(column.name for item in loaded for column in item.columns))
    return [_with_columns(connection, number, item, names) if item.leaves_out_empty else item for number, item in enumerate(loaded)]


def _with_columns(connection: duckdb.DuckDBPyConnection, number: int, item: Loaded, names: Sequence[str]) -> Loaded:
    there = {column.name for column in item.columns}
    missing = [name for name in names if name not in there]
    columns = list(item.columns)
    for place, name in enumerate(missing):
        connection.execute(f"alter table raw_{number} add column left_out_{place} varchar")
        columns.append(RawColumn(name, f"left_out_{place}"))
    return replace(item, columns=columns)
