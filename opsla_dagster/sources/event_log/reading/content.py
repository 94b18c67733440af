"""The bytes of one table file, unpacked: of a plain file, a gzip stream, a member of a ZIP archive, or a gzip stream in one.

Belongs here: unpacking, how far it may go, and what is said of a packing that is broken. Does not belong here: what the bytes mean.
"""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from opsla_dagster.errors import OpslaError
from opsla_dagster.sources.event_log.files import LogFile

BLOCK_BYTES = 8 * 2**20
#: What is looked at of a file before it is read.
HEAD_BYTES = 2**20
#: Beyond both, a packed file is taken for a bomb: logs pack to a tenth or a hundredth, and deflate can pack to a thousandth.
MOST_UNPACKED_RATIO = 200
UNPACKED_IN_ANY_CASE_BYTES = 100 * 10**6
#: Beyond this, whatever the ratio.
MOST_UNPACKED_BYTES = 50 * 10**9
GZIP_MAGIC = b"\x1f\x8b"
#: What zipfile raises for broken archives, beside OSError.
BROKEN_ARCHIVE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, KeyError, IndexError, ValueError, RuntimeError, NotImplementedError,
)
_AGAIN = "write or fetch the file again"


class Unpacked(Protocol):
    """A stream that can only be read on."""

    def read(self, size: int = -1, /) -> bytes: ...


class _Stream:
    """Reads on; raises OpslaError for what is broken, and beyond `most_bytes`."""

    def __init__(self, name: str, packing: str, stream: Unpacked, packed_bytes: int | None) -> None:
        self._name = name
        self._packing = packing
        self._stream = stream
        self._packed_bytes = packed_bytes
        self._most_bytes = None if packed_bytes is None else most_unpacked(packed_bytes)
        self._read_bytes = 0

    def read(self, size: int = -1, /) -> bytes:
        size = size if size >= 0 or self._most_bytes is None else self._most_bytes + 1
        try:
            data = self._stream.read(size)
        except (*BROKEN_ARCHIVE, gzip.BadGzipFile) as error:
            raise OpslaError(f"{self._name}: broken {self._packing}: {error}; {_AGAIN}") from error
        except OSError as error:
            raise OpslaError(f"{self._name}: cannot be read: {error.strerror or error}") from error
        self._read_bytes += len(data)
        if self._most_bytes is not None and self._read_bytes > self._most_bytes:
            raise bomb(self._name, self._packed_bytes or 0, f"more than {self._most_bytes:,}")
        return data


def most_unpacked(packed_bytes: int) -> int:
    """Bytes that so many packed ones may unpack to."""
    return min(max(MOST_UNPACKED_RATIO * packed_bytes, UNPACKED_IN_ANY_CASE_BYTES), MOST_UNPACKED_BYTES)


def bomb(name: str, packed_bytes: int, unpacked: str) -> OpslaError:
    """The refusal of a file that unpacks to too much."""
    return OpslaError(
        f"{name}: unpacks from {packed_bytes:,} bytes to {unpacked}, as an archive made to fill a disk does. Up to {UNPACKED_IN_ANY_CASE_BYTES:,} "
        f"bytes are unpacked in any case, beyond that {MOST_UNPACKED_RATIO} times the packed size, {MOST_UNPACKED_BYTES:,} at most. "
        "If it is a log indeed, unpack it yourself and name the unpacked file"
    )


@contextmanager
def unpacked(file: LogFile) -> Iterator[Unpacked]:
    """The file's bytes as a stream. Raises OpslaError for a file that cannot be opened, and while it is read."""
    with ExitStack() as stack:
        try:
            opened = stack.enter_context(file.path.open("rb"))
            if file.member is None:
                yield _without_gzip(stack, file.name, opened, "file", None, file.size)
                return
            archive = stack.enter_context(zipfile.ZipFile(opened))
            entry = archive.getinfo(file.member)
            member = stack.enter_context(archive.open(entry))
        except OSError as error:
            raise OpslaError(f"{file.name}: cannot be read: {error.strerror or error}") from error
        except BROKEN_ARCHIVE as error:
            raise OpslaError(f"{file.name}: broken ZIP archive: {error}; {_AGAIN}, or unpack it yourself") from error
        yield _without_gzip(stack, file.name, member, "ZIP archive", entry.compress_size, max(entry.compress_size, 1))


def _without_gzip(stack: ExitStack, name: str, stream: object, packing: str, packed_bytes: int | None, size: int) -> Unpacked:
    outer = _Stream(name, packing, stream, packed_bytes)  # type: ignore[arg-type]
    first = outer.read(len(GZIP_MAGIC))
    together = _Prefixed(first, outer)
    if first != GZIP_MAGIC:
        return together
    # GzipFile asks for `read` alone when it is given a buffered reader over it.
    inner = stack.enter_context(gzip.GzipFile(fileobj=io.BufferedReader(_Raw(together), BLOCK_BYTES // 8)))
    return _Stream(name, "gzip file", inner, size)


class _Prefixed:
    """A stream with bytes put back in front of it."""

    def __init__(self, first: bytes, stream: Unpacked) -> None:
        self._first = first
        self._stream = stream

    def read(self, size: int = -1, /) -> bytes:
        if not self._first:
            return self._stream.read(size)
        first, self._first = (self._first, b"") if size < 0 or size >= len(self._first) else (self._first[:size], self._first[size:])
        rest = size - len(first) if size >= 0 else -1
        return first + self._stream.read(rest) if rest else first


class _Raw(io.RawIOBase):
    """A stream as the raw file that io's buffers are put around."""

    def __init__(self, stream: Unpacked) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def blocks(file: LogFile) -> Iterator[bytes]:
    """The file's bytes, unpacked. Raises OpslaError as `unpacked` does."""
    with unpacked(file) as stream:
        while block := stream.read(BLOCK_BYTES):
            yield block


def head(file: LogFile) -> bytes:
    """The first HEAD_BYTES, unpacked; fewer where the file is shorter. Raises OpslaError as `unpacked` does."""
    with unpacked(file) as stream:
        found = b""
        while len(found) < HEAD_BYTES and (block := stream.read(HEAD_BYTES - len(found))):
            found += block
        return found


def on_disk(file: LogFile, directory: Path, most_bytes: int) -> Path:
    """Where the unpacked bytes lie, for readers that go to and fro: the file itself, or a copy in `directory`.

    Raises OpslaError as `unpacked` does, and for more than `most_bytes` bytes.
    """
    if file.member is None and not _is_gzip(file.path):
        _require_size(file, file.size, most_bytes)
        return file.path
    target = directory / "unpacked"
    written = 0
    with target.open("wb") as output:
        for block in blocks(file):
            written += output.write(block)
            _require_size(file, written, most_bytes)
    return target


def _require_size(file: LogFile, size: int, most_bytes: int) -> None:
    if size > most_bytes:
        raise OpslaError(
            f"{file.name}: has more than {most_bytes:,} bytes, which is more than a file of this form may have; export it in parts, or as CSV"
        )


def _is_gzip(path: Path) -> bool:
    opened: BinaryIO
    try:
        with path.open("rb") as opened:
            return opened.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    except OSError as error:
        raise OpslaError(f"{path}: cannot be read: {error.strerror or error}") from error
