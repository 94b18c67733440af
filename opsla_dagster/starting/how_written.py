"""How a log file is written: whether it is CSV, and its delimiter, quotes and encoding.

Belongs here: trying what the first CSV file reads best with. Does not belong here: reading it, and what it holds (sniffing.py).
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from charset_normalizer import from_bytes

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.sources import CsvSettings, Written
from opsla_dagster.sources.event_log.files import LogFile
from opsla_dagster.sources.event_log.reading.archives import tables_in
from opsla_dagster.sources.event_log.reading.content import blocks, head
from opsla_dagster.sources.event_log.reading.csv_file import copied, dialect_of
from opsla_dagster.sources.event_log.reading.csv_records import CsvCopy
from opsla_dagster.sources.event_log.reading.forms import byte_order_mark, form_of

_DELIMITERS = (",", ";", "\t", "|")
_QUOTES = ('"', "", "'")
_LINES_SEEN = 100
_SHORTEST_UTF_16 = 4
#: What spreadsheet programs write where they do not write Unicode: Western, Japanese, Chinese, Korean, Cyrillic, Central European, Greek, Turkish.
_LEGACY_ENCODINGS = ("cp1252", "cp932", "gb18030", "cp949", "big5", "cp1251", "cp1250", "cp1253", "cp1254")
_TELLING_BYTES = 2**16
#: Letters of Western names whose bytes are rare letters elsewhere (Ĺ, ă, ń): a few names alone, such as Åke and Muñoz, do not make a text Central European.
_WESTERN_ALONE = frozenset("ÅåÃãÑñ")


def how_written(files: Sequence[LogFile], directory: Path, told: Written) -> Written:
    """Delimiter, quote and encoding with which the first CSV file reads best; the others must be written alike."""
    tables = tables_in(files, directory, is_form_told=False)
    first = next((file for file in tables if form_of(file, directory, _encoding_at_a_glance(file)) == "csv"), None)
    return told if first is None else replace(told, csv=_best_dialect(first, directory, told))


def _best_dialect(file: LogFile, directory: Path, told: Written) -> CsvSettings:
    encoding = _encoding(file)
    best: tuple[tuple[int, int], CsvSettings] | None = None
    problems: list[OpslaError] = []
    for quote in _QUOTES:
        for delimiter in _delimiters_in(file, encoding):
            csv = CsvSettings(delimiter=delimiter, quote=quote, encoding=encoding)
            dialect = dialect_of(file, replace(told, csv=csv))
            try:
                copy = copied(file, dialect, directory / "tried.csv")
            except OpslaError as error:
                problems.append(error)
                continue
            if best is None or _merit(copy) > best[0]:
                best = _merit(copy), dialect.settings
        if best is not None and best[0][0] == 0:
            break
    if best is None:
        raise problems[0]
    return best[1]


def _merit(copy: CsvCopy) -> tuple[int, int]:
    return -len(copy.unreadable), len(copy.header)


def _delimiters_in(file: LogFile, encoding: str) -> list[str]:
    """The delimiters that the first lines have; a comma where they have none."""
    lines = head(file).decode(encoding, errors="replace").splitlines()[:_LINES_SEEN]
    return [delimiter for delimiter in _DELIMITERS if any(delimiter in line for line in lines)] or [","]


def _encoding_at_a_glance(file: LogFile) -> str:
    """utf-8, or the utf-16 that the first bytes are written in, with a mark of it or without."""
    start = head(file)
    marked = byte_order_mark(start)
    if marked is not None:
        return marked
    if len(start) < _SHORTEST_UTF_16 or not start.count(0):
        return "utf-8"
    return next((name for name, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])) if zeros.count(0) > len(zeros) / 2), "utf-8")


def _encoding(file: LogFile) -> str:
    """utf-8 or utf-16 where the bytes are; else the legacy encoding that its letters speak for, or latin-1, which reads any byte."""
    at_a_glance = _encoding_at_a_glance(file)
    if at_a_glance != "utf-8":
        return at_a_glance
    for encoding in ("utf-8", _legacy_encoding(head(file)), "cp1252"):
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            for block in blocks(file):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    return "latin-1"


def _legacy_encoding(start: bytes) -> str:
    """The likeliest of _LEGACY_ENCODINGS; cp1252 where it reads the same letters."""
    telling = b"\n".join(line for line in start.split(b"\n") if not line.isascii())[:_TELLING_BYTES]
    best = from_bytes(telling, cp_isolation=list(_LEGACY_ENCODINGS)).best()
    western = telling.decode("cp1252", "replace")
    if best is None or len(western) != len(str(best)):
        return "cp1252" if best is None else best.encoding
    differing = {letter for letter, other in zip(western, str(best), strict=True) if letter != other}
    return "cp1252" if differing <= _WESTERN_ALONE else best.encoding
