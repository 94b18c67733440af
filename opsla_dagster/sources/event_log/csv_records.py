"""A CSV file cut into records, before anything is understood of them: nothing is lost here, and nothing is guessed.

Belongs here: bytes, gzip, encodings, quotes, record ends. Does not belong here: what a column means.

DuckDB's CSV reader is fast but forgiving in ways that depend on buffer limits, and it stops at what it cannot read. So the
file is first walked once in blocks (NumPy, no loop over rows) and written aside as plain UTF-8 with one line feed a record.
A record that cannot be read is reported with its row number and replaced by an empty one, so that the n-th row of the copy
is the n-th record of the file. What is then given to DuckDB is well formed, and its row count is known beforehand.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.sources import CsvSettings

BLOCK_BYTES = 8 * 2**20
#: A record beyond this is taken for a quote that never closes; it also bounds memory.
LONGEST_RECORD_BYTES = 64 * 2**20
_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = codecs.BOM_UTF8
_LINE_FEED, _CARRIAGE_RETURN = 10, 13

Bytes: TypeAlias = npt.NDArray[np.uint8]
Positions: TypeAlias = npt.NDArray[np.intp]
Flags: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class UnreadableRecord:
    """A record that never reaches the columns: `text` is the record with unreadable bytes written as escapes."""

    row_number: int
    reason: str
    text: str


@dataclass
class CsvCopy:
    """What the walk found. Row numbers are a spreadsheet's: the header is row 1 when it opens the file."""

    header: tuple[str, ...] = ()
    #: Row number of the first row of the copy.
    first_row: int = 0
    #: Rows of the copy, placeholders included.
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
    """Whole records: `ends` are the positions of their line feeds; `outside` flags bytes outside quotes (None: all are)."""

    data: bytes
    values: Bytes
    ends: Positions
    outside: Flags | None

    def where(self, value: int) -> Positions:
        """Positions of a byte outside quotes."""
        found = self.values == value
        return np.flatnonzero(found if self.outside is None else found & self.outside)


def copy_records(path: Path, settings: CsvSettings, target: Path) -> CsvCopy:
    """Writes the records of the file at `path` to `target`, and says what it found.

    Raises OpslaError for a broken gzip stream, broken quoting, a file without header, or an encoding that cannot be decoded
    block by block; OSError as the file system does.
    """
    copy = CsvCopy()
    row_number = 1
    with target.open("wb") as output:
        blocks = _utf8_blocks(path, _raw_blocks(path), settings.encoding)
        for chunk in _chunks(path, blocks, settings):
            row_number = _copy_chunk(path, chunk, settings, copy, row_number, output)
    if not copy.header:
        raise OpslaError(f"{path}: the file is empty, expected at least a header line that names the columns")
    return copy


# ---------------------------------------------------------------- bytes


def _raw_blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as opened:
        is_gzip = opened.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        opened.seek(0)
        stream = gzip.GzipFile(fileobj=opened) if is_gzip else opened
        try:
            while block := stream.read(BLOCK_BYTES):
                yield block
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise OpslaError(f"{path}: broken gzip file: {error}; fetch or write the file again") from error


def _utf8_blocks(path: Path, blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """UTF-8 stays as it is, so that a bad byte costs one record; anything else is decoded and encoded anew."""
    first = True
    for block in blocks if _is_utf8(encoding) else _decoded(path, blocks, encoding):
        yield block.removeprefix(_BYTE_ORDER_MARK) if first else block
        first = False


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in {"utf-8", "utf-8-sig"}


def _decoded(path: Path, blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for block in blocks:
            yield decoder.decode(block).encode("utf-8")
        yield decoder.decode(b"", final=True).encode("utf-8")
    except UnicodeError as error:
        raise OpslaError(f"{path}: is not text in the encoding {encoding!r}: {error}; set csv.encoding to the right one") from error


# ---------------------------------------------------------------- records


def _chunks(path: Path, blocks: Iterator[bytes], settings: CsvSettings) -> Iterator[_Chunk]:
    lines_before = 0
    rest = b""
    for block in blocks:
        rest += block
        chunk = _cut(path, rest, settings, lines_before)
        if chunk is None:
            if len(rest) > LONGEST_RECORD_BYTES:
                raise _broken_quoting(path, lines_before + 1, "a record of more than 64 MB begins here: a quote never closes")
            continue
        yield chunk
        lines_before += chunk.data.count(b"\n")
        rest = rest[len(chunk.data) :]
    if rest:
        last = _cut(path, rest if rest.endswith(b"\n") else rest + b"\n", settings, lines_before)
        if last is None or len(last.data) < len(rest):
            line = lines_before + 1 + (last.data.count(b"\n") if last else 0)
            raise _broken_quoting(path, line, "the quote opened in the record that begins here never closes")
        yield last


def _cut(path: Path, data: bytes, settings: CsvSettings, lines_before: int) -> _Chunk | None:
    """The whole records at the head of `data`; None when not one is complete."""
    values = np.frombuffer(data, np.uint8)
    outside = None
    if settings.quote and settings.quote.encode() in data:
        outside = _outside_quotes(path, values, settings, lines_before)
    line_feeds = values == _LINE_FEED
    ends = np.flatnonzero(line_feeds if outside is None else line_feeds & outside)
    if not ends.size:
        return None
    size = int(ends[-1]) + 1
    return _Chunk(data[:size], values[:size], ends, None if outside is None else outside[:size])


def _outside_quotes(path: Path, values: Bytes, settings: CsvSettings, lines_before: int) -> Flags:
    """Flags the bytes outside quotes (a closing quote counts as outside); every quote must stand where one may stand."""
    quote, delimiter = ord(settings.quote), ord(settings.delimiter)
    quotes = values == quote
    inside = np.bitwise_xor.accumulate(quotes.view(np.uint8)).view(np.bool_)
    places = np.flatnonzero(quotes)
    opens = inside[places]
    opening = places[opens & (places > 0)]
    closing = places[~opens & (places < len(values) - 1)]
    may_precede = np.array([delimiter, _LINE_FEED, _CARRIAGE_RETURN, quote], np.uint8)
    misplaced = np.concatenate([
        opening[~np.isin(values[opening - 1], may_precede)],
        closing[~np.isin(values[closing + 1], may_precede)],
    ])
    if misplaced.size:
        line = lines_before + 1 + int(np.count_nonzero(values[: misplaced.min()] == _LINE_FEED))
        raise _broken_quoting(path, line, "a quote stands in the middle of a cell")
    return ~inside


def _broken_quoting(path: Path, line: int, found: str) -> OpslaError:
    return OpslaError(
        f"{path}: line {line}: broken quoting: {found}, so that nobody can tell where records end; expected cells that hold "
        'the delimiter or a quote to be quoted as a whole, with inner quotes doubled. If the file uses no quoting, set csv.quote: ""'
    )


# ---------------------------------------------------------------- judging and copying


def _copy_chunk(
    path: Path, chunk: _Chunk, settings: CsvSettings, copy: CsvCopy, row_number: int, output: BinaryIO
) -> int:
    """Copies the records of a chunk whose first record is `row_number`; returns the row number after its last."""
    starts = np.concatenate([np.zeros(1, np.intp), chunk.ends[:-1] + 1])
    crlf, bare_returns = _carriage_returns(chunk)
    is_blank = (chunk.ends - starts - np.isin(chunk.ends - 1, crlf)) == 0
    skipped = 0
    if not copy.header:
        filled = np.flatnonzero(~is_blank)
        if not filled.size:
            return row_number + len(starts)
        skipped = int(filled[0]) + 1
        copy.header = _header(path, chunk.data[starts[skipped - 1] : chunk.ends[skipped - 1]], settings)
        copy.first_row = row_number + skipped
    faults = _faults(chunk, settings, len(copy.header), bare_returns, is_blank)
    placeholder = settings.delimiter.encode() * (len(copy.header) - 1) + b"\n"
    keep = np.ones(len(chunk.values), np.bool_)
    keep[crlf] = False
    position = int(starts[skipped]) if skipped < len(starts) else len(chunk.data)
    for record in sorted({*faults, *np.flatnonzero(is_blank).tolist()}):
        if record < skipped:
            continue
        start, end = int(starts[record]), int(chunk.ends[record])
        output.write(_kept(chunk, keep, position, start, bool(crlf.size)))
        output.write(placeholder)
        position = end + 1
        if is_blank[record]:
            copy.blank_rows.append(row_number + record)
        else:
            text = chunk.data[start:end].decode("utf-8", "backslashreplace").removesuffix("\r")
            copy.unreadable.append(UnreadableRecord(row_number + record, faults[record], text))
    output.write(_kept(chunk, keep, position, len(chunk.data), bool(crlf.size)))
    copy.copied_rows += len(starts) - skipped
    copy.longest_bytes = max(copy.longest_bytes, int((chunk.ends - starts).max()))
    return row_number + len(starts)


def _kept(chunk: _Chunk, keep: Flags, start: int, end: int, has_crlf: bool) -> bytes:
    return chunk.values[start:end][keep[start:end]].tobytes() if has_crlf else chunk.data[start:end]


def _carriage_returns(chunk: _Chunk) -> tuple[Positions, Positions]:
    """Positions, outside quotes, of those that belong to a line end, and of those that stand alone."""
    if b"\r" not in chunk.data:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    found = chunk.where(_CARRIAGE_RETURN)
    ends_line = chunk.values[found + 1] == _LINE_FEED
    return found[ends_line], found[~ends_line]


def _header(path: Path, record: bytes, settings: CsvSettings) -> tuple[str, ...]:
    try:
        text = record.decode("utf-8").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise OpslaError(f"{path}: the header is not {settings.encoding} text: {error}; set csv.encoding to the right one") from error
    if "\0" in text:
        raise OpslaError(f"{path}: the header holds NUL bytes; is the file utf-16? set csv.encoding to its encoding")
    if "\r" in text:
        raise OpslaError(f"{path}: the header holds a bare carriage return; convert the line ends of the file to line feeds")
    quoting = csv.QUOTE_MINIMAL if settings.quote else csv.QUOTE_NONE
    lines = io.StringIO(text, newline="")
    try:
        names = next(csv.reader(lines, delimiter=settings.delimiter, quotechar=settings.quote or None, quoting=quoting))
    except csv.Error as error:
        raise OpslaError(f"{path}: the header cannot be read: {error}; expected a line that names the columns") from error
    if len(names) < 2:
        raise OpslaError(f"{path}: found the single column {names[0]!r}, expected several: is csv.delimiter {settings.delimiter!r} right?")
    return tuple(names)


def _faults(
    chunk: _Chunk, settings: CsvSettings, width: int, bare_returns: Positions, is_blank: Flags
) -> dict[int, str]:
    """Index in the chunk -> why the record cannot be read; the gravest reason wins."""
    faults: dict[int, str] = {}
    delimiters = np.searchsorted(chunk.where(ord(settings.delimiter)), chunk.ends)
    widths = np.diff(delimiters, prepend=0) + 1
    for record in np.flatnonzero((widths != width) & ~is_blank).tolist():
        faults[record] = f"found {widths[record]} columns, expected the {width} of the header"
    for record in np.unique(np.searchsorted(chunk.ends, bare_returns)).tolist():
        faults[record] = "a bare carriage return outside quotes"
    faults.update(_undecodable(chunk, settings))
    if b"\0" in chunk.data:
        for record in np.unique(np.searchsorted(chunk.ends, np.flatnonzero(chunk.values == 0))).tolist():
            faults[record] = "a NUL byte in the record"
    return faults


def _undecodable(chunk: _Chunk, settings: CsvSettings) -> dict[int, str]:
    faults: dict[int, str] = {}
    position = 0
    while position < len(chunk.data):
        try:
            codecs.utf_8_decode(memoryview(chunk.data)[position:], "strict", True)
        except UnicodeDecodeError as error:
            bad = position + error.start
            record = int(np.searchsorted(chunk.ends, bad))
            faults[record] = (
                f"the byte 0x{chunk.data[bad]:02X} is not {settings.encoding} text; if the whole file is in another encoding, set csv.encoding"
            )
            position = int(chunk.ends[record]) + 1
        else:
            break
    return faults
