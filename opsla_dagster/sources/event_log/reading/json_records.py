"""A JSON document, or JSON lines, as table raw_<number>.

Belongs here: where the records are, objects and arrays as columns and text. Does not belong here: what a column means.

The text is parsed value by value as it is read: a document is never in memory as a whole.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.sources import Written
from opsla_dagster.sources.event_log.files import LogFile
from opsla_dagster.sources.event_log.mapping import RawColumn
from opsla_dagster.sources.event_log.reading.content import blocks, head
from opsla_dagster.sources.event_log.reading.csv_records import utf8_blocks
from opsla_dagster.sources.event_log.reading.forms import byte_order_mark
from opsla_dagster.sources.event_log.reading.tables import CELL_BLANKS, Loaded, RecordTable, SeveralTables

#: A record beyond this is taken for a bracket that never closes; it also bounds memory.
LONGEST_RECORD_BYTES = 64 * 2**20
#: Objects in objects, from the outermost to the innermost.
MOST_LEVELS = 64
_LINES_SEEN = 20
_BLANKS = " \t\r\n"
_EXACT_UP_TO = 2**53
_EXPECTED = 'expected records such as [{"id": 1, "state": "New"}, ...], in an array or one a line'


class _RepeatingObject(dict[str, Any]):
    """An object that has a name twice; of its values only the last one is kept."""


def load_json(connection: duckdb.DuckDBPyConnection, written: Written, number: int, file: LogFile) -> Loaded:
    """Loads the records as table raw_<number>.

    Raises OpslaError for a document that is broken or holds no records, SeveralTables for one with several arrays of objects.
    """
    start = head(file)
    encoding = byte_order_mark(start) or written.csv.encoding
    table = RecordTable(connection, number, file.name)
    utf8 = utf8_blocks(file.name, blocks(file), encoding)
    if written.records is None and _is_lines(start.decode(encoding, "replace")):
        _add_lines(table, _lines(file.name, utf8))
    else:
        _add_document(table, _Text(file.name, utf8), written.records)
    table.close()
    if (rows := table.records + table.empty_rows) and not table.columns:
        raise OpslaError(f"{file.name}: none of its {rows:,} records is an object that names its values; {_EXPECTED}")
    columns = [RawColumn(name, f"c{place}") for place, name in enumerate(table.columns)]
    return Loaded(file, "json", columns, table.first_row, table.records, leaves_out_empty=True, empty_rows=table.empty_rows)


def _is_lines(start: str) -> bool:
    """Whether most lines are an object each."""
    lines = [line for line in start.removeprefix("\ufeff").split("\n") if line.strip()][:_LINES_SEEN]
    return 2 * sum(_is_object(line) for line in lines) > len(lines) > 1


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


# ---------------------------------------------------------------- records


def _lines(name: str, utf8: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for block in utf8:
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
        if len(rest) > LONGEST_RECORD_BYTES:
            raise OpslaError(f"{name}: has a line of more than {LONGEST_RECORD_BYTES:,} bytes; expected one record a line")
    if rest:
        yield rest


def _add_lines(table: RecordTable, lines: Iterator[bytes]) -> None:
    """One row is a line; a blank one is no record."""
    for line in lines:
        text = line.strip()
        if not text:
            table.add_blank()
            continue
        try:
            value = _DECODER.decode(text.decode())
        except (ValueError, RecursionError) as error:
            table.add_unreadable(f"the line is not JSON: {_problem(error)}", text.decode("utf-8", "backslashreplace"))
        else:
            _add(table, value)


def _add(table: RecordTable, value: Any) -> None:
    if not isinstance(value, dict):
        table.add_unreadable(f"the record is {_kind(value)}, expected an object", _shown(value))
        return
    cells: dict[str, str | None] = {}
    try:
        _flatten(value, "", cells, MOST_LEVELS)
    except ValueError as error:
        table.add_unreadable(str(error), _shown(value))
    else:
        if any(text and text.strip(CELL_BLANKS) for text in cells.values()):
            table.add(cells)
        else:
            table.add_empty(cells)


def _flatten(value: Mapping[str, Any], path: str, cells: dict[str, str | None], levels: int) -> None:
    """Objects become columns with dotted names. Raises ValueError for a record that cannot be laid out so."""
    if not levels:
        raise ValueError(f"the record has more than {MOST_LEVELS} levels of objects")
    if isinstance(value, _RepeatingObject):
        raise ValueError(f"the record has an object{f' {path[:-1]!r}' if path else ''} with a name that appears twice")
    for key, item in value.items():
        name = f"{path}{key}"
        if isinstance(item, dict) and item:
            _flatten(item, f"{name}.", cells, levels - 1)
        elif name in cells:
            raise ValueError(f"the record has two values {name!r}")
        else:
            cells[name] = _cell(item)


def _cell(value: Any) -> str | None:
    """What the value would say in a CSV file; single values of an array are joined by blanks, as tags are."""
    if value is None or value == {}:
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if not any(isinstance(item, list | dict) for item in value):
        return " ".join("_".join((_cell(item) or "").split()) for item in value if item is not None)
    return _shown(value)


def _shown(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "(too many levels to be shown)"


def _kind(value: Any) -> str:
    return "an array" if isinstance(value, list) else "a single value"


# ---------------------------------------------------------------- documents


def _add_document(table: RecordTable, text: _Text, told: str | None) -> None:
    """The records are the elements of the array that is told, or of the only one with objects in it; or the document is the only record."""
    singles: dict[str, Any] = {}
    empty: list[str] = []
    arrays: list[str] = []
    for path, value in _walk(text, "", told, singles, empty, MOST_LEVELS):
        if path not in arrays:
            arrays.append(path)
        if path == arrays[0]:
            _add(table, value)
    if text.peek():
        raise text.broken("something stands behind the end of the document")
    if told is not None and told not in (*arrays, *empty):
        raise OpslaError(f"{text.name}: holds no array {told!r} of records; {_EXPECTED}")
    if len(arrays) > 1:
        raise SeveralTables(text.name, "records", arrays)
    if not arrays and not empty:
        if not singles:
            raise OpslaError(f"{text.name}: holds no records; {_EXPECTED}")
        _add(table, singles)


def _walk(
    text: _Text, path: str, told: str | None, singles: dict[str, Any], empty: list[str], levels: int
) -> Iterator[tuple[str, Any]]:
    """The elements of arrays of objects, with the path of their array; what stands in no such array goes to `singles` by its path."""
    if not levels:
        raise text.broken(f"there are more than {MOST_LEVELS} levels of objects")
    first = text.peek()
    if first == "[":
        yield from _walk_array(text, path, told, singles, empty)
    elif first == "{":
        for key in _keys(text):
            yield from _walk(text, f"{path}.{key}" if path else key, told, singles, empty, levels - 1)
    else:
        singles[path] = text.value()


def _walk_array(text: _Text, path: str, told: str | None, singles: dict[str, Any], empty: list[str]) -> Iterator[tuple[str, Any]]:
    """The document as a whole is an array of records whatever is in it; any other is one if it begins with an object."""
    text.take("[")
    first = text.peek()
    if first == "]":
        text.take("]")
        empty.append(path)
        return
    is_meant = path == told if told is not None else first == "{" or not path
    values = []
    while True:
        value = text.value()
        if is_meant:
            yield path, value
        elif first != "{":
            values.append(value)
        if text.take(",]") == "]":
            break
    if values:
        singles[path] = values


def _keys(text: _Text) -> Iterator[str]:
    """The names of an object, each when its value is next."""
    text.take("{")
    if text.peek() == "}":
        text.take("}")
        return
    while True:
        if text.peek() != '"':
            raise text.broken("expected a name in quotes")
        key = text.value()
        text.take(":")
        yield key
        if text.take(",}") == "}":
            return


class _Text:
    """The text of a document, read on as far as it is needed. Every method raises OpslaError for broken JSON."""

    def __init__(self, name: str, utf8: Iterator[bytes]) -> None:
        self.name = name
        self._utf8 = utf8
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._place = 0
        self._lines_before = 0
        self._is_whole = False

    def peek(self) -> str:
        """The next character that is not blank; empty at the end."""
        while True:
            while self._place < len(self._text):
                letter = self._text[self._place]
                if letter not in _BLANKS:
                    return letter
                self._place += 1
            if not self._read_on():
                return ""

    def take(self, expected: str) -> str:
        """The next character, which has to be one of those expected."""
        found = self.peek()
        if not found or found not in expected:
            wanted = " or ".join(expected)
            raise self.broken(f"expected {wanted}, found {found!r}" if found else f"it ends where {wanted} is expected")
        self._place += 1
        return found

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._place)
            except RecursionError:
                raise self.broken("there are too many levels of objects and arrays") from None
            except ValueError as error:
                if self._read_on():
                    continue
                raise self.broken(_problem(error), getattr(error, "pos", self._place)) from None
            if end < len(self._text) or not self._read_on():  # a number could go on behind the end of what is read
                self._place = end
                return value

    def broken(self, problem: str, place: int | None = None) -> OpslaError:
        """What is wrong, and where."""
        line = self._lines_before + self._text.count("\n", 0, self._place if place is None else place) + 1
        return OpslaError(f"{self.name}: line {line}: broken JSON: {problem}; write or fetch the file again")

    def _read_on(self) -> bool:
        """One block more; what lies behind is dropped. False at the end."""
        if self._is_whole:
            return False
        if len(self._text) - self._place > LONGEST_RECORD_BYTES:
            raise self.broken(f"a value of more than {LONGEST_RECORD_BYTES:,} characters begins here, or it never ends")
        block = next(self._utf8, None)
        self._is_whole = block is None
        try:
            more = self._decoder.decode(block or b"", final=block is None)
        except UnicodeDecodeError as error:
            raise self.broken(f"a byte that is not UTF-8 ({error})", len(self._text)) from error
        self._lines_before += self._text.count("\n", 0, self._place)
        self._text = self._text[self._place :] + more
        self._place = 0
        return True


# ---------------------------------------------------------------- values


def _problem(error: BaseException) -> str:
    if isinstance(error, json.JSONDecodeError):
        return error.msg
    if isinstance(error, UnicodeDecodeError):
        return f"it holds the byte 0x{error.object[error.start]:02X}, which is not UTF-8"
    return "too many levels of objects and arrays" if isinstance(error, RecursionError) else str(error)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _RepeatingObject(found)


def _fraction(text: str) -> str:
    """A number with a point or an exponent as it is written; a whole one as an integer, which pandas writes with .0 beside gaps."""
    whole, _, fraction = text.partition(".")
    is_whole = fraction != "" and not fraction.strip("0") and abs(int(whole)) <= _EXACT_UP_TO
    return whole if is_whole else text


def _constant(text: str) -> str | None:
    """NaN is pandas' word for a missing value."""
    return None if text == "NaN" else text


#: Numbers stay the text that they are: nothing is rounded.
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=str, parse_float=_fraction, parse_constant=_constant)
