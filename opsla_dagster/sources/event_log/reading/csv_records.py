"""A CSV file cut into records before anything is understood of them: nothing is lost here, and nothing is guessed.

Belongs here: encodings, quotes, record ends. Does not belong here: unpacking, titles above the header, or what a column means.

DuckDB's CSV reader is fast, but it forgives some broken records, drops others and gives up at the rest. So the file is
first walked in blocks (NumPy, no loop over rows) and written aside as plain UTF-8 with one line feed a record. A record
that cannot be read is reported with its row number, and an empty one takes its place: the n-th row of the copy is the
n-th record of the file. What DuckDB is then given is well formed, and its row count is known beforehand.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.sources import CsvSettings

#: A record beyond this is taken for a quote that never closes; it also bounds memory.
LONGEST_RECORD_BYTES = 64 * 2**20
_LINE_FEED, _CARRIAGE_RETURN = 10, 13

Bytes: TypeAlias = npt.NDArray[np.uint8]
Positions: TypeAlias = npt.NDArray[np.intp]
Flags: TypeAlias = npt.NDArray[np.bool_]
_NOWHERE: Positions = np.zeros(0, np.intp)


@dataclass(frozen=True)
class UnreadableRecord:
    """A record that never reaches the columns; in `text`, bytes that are no text are written as escapes."""

    row_number: int
    reason: str
    text: str


@dataclass
class CsvCopy:
    """What the walk found. Row numbers are a spreadsheet's: a header that opens the file is row 1."""

    header: tuple[str, ...] = ()
    header_row: int = 0
    #: Row number of the first row of the copy.
    first_row: int = 0
    #: Rows of the copy, those that stand for unreadable records and blank lines included.
    copied_rows: int = 0
    blank_rows: list[int] = field(default_factory=list)
    unreadable: list[UnreadableRecord] = field(default_factory=list)
    longest_bytes: int = 0

    @property
    def records(self) -> int:
        """Records of the file; a blank line is none."""
        return self.copied_rows - len(self.blank_rows)


@dataclass(frozen=True)
class _Chunk:
    """Whole records: `ends` are the places of their line feeds, `outside` flags bytes outside quotes (None: all)."""

    data: bytes
    values: Bytes
    ends: Positions
    outside: Flags | None

    @property
    def starts(self) -> Positions:
        return np.concatenate([np.zeros(1, np.intp), self.ends[:-1] + 1])

    def places_of(self, value: int) -> Positions:
        """Where a byte stands outside quotes."""
        found = self.values == value
        return np.flatnonzero(found if self.outside is None else found & self.outside)

    def records_at(self, places: Positions) -> list[int]:
        """Indexes of the records that hold these places."""
        return [int(record) for record in np.unique(np.searchsorted(self.ends, places))]


def copy_records(name: str, blocks: Iterator[bytes], settings: CsvSettings, target: Path, lines_above: int = 0) -> CsvCopy:
    """Writes the records of the file called `name` to `target`, and says what it found.

    `blocks` are its bytes as UTF-8 (see utf8_blocks) from the line on that has `lines_above` lines above it.
    Raises OpslaError for broken quoting, or a missing header; OSError when `target` cannot be written.
    """
    copy = CsvCopy()
    row_number = lines_above + 1
    with target.open("wb") as output:
        for chunk in _chunks(name, blocks, settings, lines_above):
            skipped = 0 if copy.header else _take_header(name, chunk, settings, copy, row_number)
            _copy_chunk(chunk, skipped, settings, copy, row_number, output)
            row_number += len(chunk.ends)
    if not copy.header:
        raise OpslaError(f"{name}: is empty; expected at least a header line that names the columns")
    return copy


# ---------------------------------------------------------------- bytes


def utf8_blocks(name: str, blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """UTF-8 stays as it is, so that a bad byte costs one record; anything else is decoded and encoded anew.

    Raises OpslaError for an encoding other than UTF-8 that does not fit.
    """
    is_utf8 = codecs.lookup(encoding).name in {"utf-8", "utf-8-sig"}
    first = True
    for block in blocks if is_utf8 else _decoded(name, blocks, encoding):
        yield block.removeprefix(codecs.BOM_UTF8) if first else block
        first = False


def _decoded(name: str, blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for block in blocks:
            yield decoder.decode(block).encode("utf-8")
        yield decoder.decode(b"", final=True).encode("utf-8")
    except UnicodeError as error:
        raise OpslaError(f"{name}: is not {encoding} text: {error}; set csv.encoding to the right one") from error


# ---------------------------------------------------------------- records


def _chunks(name: str, blocks: Iterator[bytes], settings: CsvSettings, lines_before: int) -> Iterator[_Chunk]:
    rest = b""
    for block in blocks:
        rest += block
        chunk = _cut(name, rest, settings, lines_before)
        if chunk is not None:
            yield chunk
            lines_before += chunk.data.count(b"\n")
            rest = rest[len(chunk.data) :]
        elif len(rest) > LONGEST_RECORD_BYTES:
            raise _broken_quoting(name, lines_before + 1, "a record of more than 64 MB begins here, a quote left open")
    if rest:
        whole = rest if rest.endswith(b"\n") else rest + b"\n"
        last = _cut(name, whole, settings, lines_before)
        if last is None or len(last.data) < len(whole):
            line = lines_before + 1 + (last.data.count(b"\n") if last else 0)
            raise _broken_quoting(name, line, "a quote opened in the record that begins here never closes")
        yield last


def _cut(name: str, data: bytes, settings: CsvSettings, lines_before: int) -> _Chunk | None:
    """The whole records at the head of `data`; None when not one is complete."""
    values = np.frombuffer(data, np.uint8)
    outside = None
    if settings.quote and settings.quote.encode() in data:
        outside = _outside_quotes(name, values, settings, lines_before)
    line_feeds = values == _LINE_FEED
    ends = np.flatnonzero(line_feeds if outside is None else line_feeds & outside)
    if not ends.size:
        return None
    size = int(ends[-1]) + 1
    return _Chunk(data[:size], values[:size], ends, None if outside is None else outside[:size])


def _outside_quotes(name: str, values: Bytes, settings: CsvSettings, lines_before: int) -> Flags:
    """Flags the bytes outside quotes (closing quotes count as outside).

    Raises OpslaError when a quote opens elsewhere than at the head of a cell or closes elsewhere than at its end; a
    doubled quote closes and opens again at once.
    """
    is_quote = values == ord(settings.quote)
    inside = np.bitwise_xor.accumulate(is_quote.view(np.uint8)).view(np.bool_)
    quotes = np.flatnonzero(is_quote)
    opening = quotes[inside[quotes] & (quotes > 0)]
    closing = quotes[~inside[quotes] & (quotes < len(values) - 1)]
    bounds = np.frombuffer((settings.delimiter + settings.quote + "\r\n").encode(), np.uint8)
    misplaced = np.concatenate([
        opening[~np.isin(values[opening - 1], bounds)],
        closing[~np.isin(values[closing + 1], bounds)],
    ])
    if misplaced.size:
        line = lines_before + 1 + int(np.count_nonzero(values[: misplaced.min()] == _LINE_FEED))
        raise _broken_quoting(name, line, "a quote stands in the middle of a cell")
    return ~inside


def _broken_quoting(name: str, line: int, found: str) -> OpslaError:
    return OpslaError(
        f"{name}: line {line}: broken quoting: {found}, so nobody can tell where records end. Expected: a cell that "
        "holds the delimiter, a quote or a line end stands in quotes as a whole, and quotes within it are doubled. "
        'Mend the file, or set csv.quote: "" if it is written without quoting'
    )


# ---------------------------------------------------------------- the header


def _take_header(name: str, chunk: _Chunk, settings: CsvSettings, copy: CsvCopy, row_number: int) -> int:
    """Reads the first line that is not blank as the header; returns how many records of the chunk that used up."""
    filled = np.flatnonzero(~_is_blank(chunk, _carriage_returns(chunk)[0]))
    if not filled.size:
        return len(chunk.ends)
    place = int(filled[0])
    copy.header = _names(name, chunk.data[chunk.starts[place] : chunk.ends[place]], settings)
    copy.header_row = row_number + place
    copy.first_row = copy.header_row + 1
    return place + 1


def _names(name: str, record: bytes, settings: CsvSettings) -> tuple[str, ...]:
    place = f"{name}: the header"
    try:
        text = record.decode("utf-8").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise OpslaError(f"{place} is not {settings.encoding} text: {error}; set csv.encoding to its own") from error
    if "\0" in text:
        raise OpslaError(f"{place} holds NUL bytes; is the file utf-16? Then set csv.encoding: utf-16")
    if "\r" in text:
        raise OpslaError(f"{place} holds a bare carriage return; convert the file's line ends to line feeds")
    names = _quoted_names(place, text, settings) if settings.quote else text.split(settings.delimiter)
    if len(names) < 2:
        raise OpslaError(
            f"{place} has one column only, {names[0][:60]!r}; is csv.delimiter {settings.delimiter!r} the right one?"
        )
    return tuple(names)


def _quoted_names(place: str, text: str, settings: CsvSettings) -> list[str]:
    lines = io.StringIO(text, newline="")
    try:
        return next(csv.reader(lines, delimiter=settings.delimiter, quotechar=settings.quote, strict=True))
    except csv.Error as error:
        raise OpslaError(f"{place} cannot be read: {error}; expected a line that names the columns") from error


# ---------------------------------------------------------------- judging and copying


def _copy_chunk(
    chunk: _Chunk, skipped: int, settings: CsvSettings, copy: CsvCopy, row_number: int, output: BinaryIO
) -> None:
    """Copies the records of a chunk from index `skipped` on; `row_number` is the row of its record 0."""
    if skipped == len(chunk.ends):
        return
    starts = chunk.starts
    line_end_returns, bare_returns = _carriage_returns(chunk)
    is_blank = _is_blank(chunk, line_end_returns)
    faults = _faults(chunk, settings, len(copy.header), bare_returns)
    placeholder = settings.delimiter.encode() * (len(copy.header) - 1) + b"\n"
    position = int(starts[skipped])
    for record in sorted({*faults, *np.flatnonzero(is_blank).tolist()}):
        if record < skipped:
            continue
        start, end = int(starts[record]), int(chunk.ends[record])
        output.write(_without(chunk, line_end_returns, position, start))
        output.write(placeholder)
        position = end + 1
        if is_blank[record]:
            copy.blank_rows.append(row_number + record)
        else:
            text = chunk.data[start:end].decode("utf-8", "backslashreplace").removesuffix("\r")
            copy.unreadable.append(UnreadableRecord(row_number + record, faults[record], text))
    output.write(_without(chunk, line_end_returns, position, len(chunk.data)))
    copy.copied_rows += len(starts) - skipped
    copy.longest_bytes = max(copy.longest_bytes, int((chunk.ends - starts).max()))


def _without(chunk: _Chunk, dropped: Positions, start: int, end: int) -> bytes:
    """The bytes from `start` to `end` less those at the places `dropped`."""
    first, last = np.searchsorted(dropped, [start, end])
    if first == last:
        return chunk.data[start:end]
    return np.delete(chunk.values[start:end], dropped[first:last] - start).tobytes()


def _carriage_returns(chunk: _Chunk) -> tuple[Positions, Positions]:
    """Places, outside quotes, of those that belong to a line end, and of those that stand alone."""
    if b"\r" not in chunk.data:
        return _NOWHERE, _NOWHERE
    places = chunk.places_of(_CARRIAGE_RETURN)
    ends_line = chunk.values[places + 1] == _LINE_FEED
    return places[ends_line], places[~ends_line]


def _is_blank(chunk: _Chunk, line_end_returns: Positions) -> Flags:
    lengths = chunk.ends - chunk.starts - np.isin(chunk.ends - 1, line_end_returns)
    is_blank: Flags = lengths == 0
    return is_blank


def _faults(chunk: _Chunk, settings: CsvSettings, width: int, bare_returns: Positions) -> dict[int, str]:
    """Index in the chunk -> why the record cannot be read; of several reasons the gravest."""
    faults: dict[int, str] = {}
    delimiters = np.searchsorted(chunk.places_of(ord(settings.delimiter)), chunk.ends)
    widths = np.diff(delimiters, prepend=0) + 1
    for record in np.flatnonzero(widths != width).tolist():
        faults[record] = f"the record has {widths[record]} columns, expected the {width} of the header"
    for record in chunk.records_at(bare_returns):
        faults[record] = "the record holds a bare carriage return outside quotes"
    faults.update(_undecodable(chunk, settings))
    if b"\0" in chunk.data:
        for record in chunk.records_at(np.flatnonzero(chunk.values == 0)):
            faults[record] = "the record holds a NUL byte"
    return faults


def _undecodable(chunk: _Chunk, settings: CsvSettings) -> dict[int, str]:
    faults: dict[int, str] = {}
    view = memoryview(chunk.data)
    position = 0
    while position < len(view):
        try:
            codecs.utf_8_decode(view[position:], "strict", True)
        except UnicodeDecodeError as error:
            bad = position + error.start
            record = int(np.searchsorted(chunk.ends, bad))
            faults[record] = (
                f"the record holds the byte 0x{view[bad]:02X}, which is not {settings.encoding} text; "
                "if the whole file is written in another encoding, set csv.encoding"
            )
            position = int(chunk.ends[record]) + 1
        else:
            break
    return faults
