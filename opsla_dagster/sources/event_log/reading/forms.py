"""Which form a file has, by its content: what its first bytes say, never its name.

Belongs here: telling forms apart, and calling by its name what is no table. Does not belong here: reading one.
"""

from __future__ import annotations

import codecs
import re
import zipfile
from pathlib import Path

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.sources import FileFormat
from opsla_dagster.sources.event_log.files import LogFile
from opsla_dagster.sources.event_log.reading.content import BROKEN_ARCHIVE, head, on_disk

#: A workbook is held in memory as a whole while it is read.
MOST_WORKBOOK_BYTES = 500 * 10**6
ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_EXPORT = "export the log as CSV, XLSX or JSON"
#: First bytes -> what the file is, and what to do about it.
_NO_TABLES = (
    (b"%PDF", "a PDF document", _EXPORT),
    (b"\x89PNG", "an image (PNG)", _EXPORT),
    (b"\xff\xd8\xff", "an image (JPEG)", _EXPORT),
    (b"GIF8", "an image (GIF)", _EXPORT),
    (b"BM", "an image (BMP)", _EXPORT),
    (b"II*\0", "an image (TIFF)", _EXPORT),
    (b"MM\0*", "an image (TIFF)", _EXPORT),
    (b"RIFF", "an image or a recording (RIFF)", _EXPORT),
    (b"{\\rtf", "a text document (RTF)", _EXPORT),
    (b"BZh", "packed with bzip2", "unpack it, or pack it with gzip or ZIP"),
    (b"\xfd7zXZ\0", "packed with xz", "unpack it, or pack it with gzip or ZIP"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd", "unpack it, or pack it with gzip or ZIP"),
    (b"\x04\x22\x4d\x18", "packed with lz4", "unpack it, or pack it with gzip or ZIP"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it, or pack it with gzip or ZIP"),
    (b"Rar!", "a RAR archive", "unpack it, or pack it with gzip or ZIP"),
    (b"\x1f\x8b", "packed with gzip twice", "unpack it once"),
    (b"SQLite format 3\0", "an SQLite database", "export the table as CSV"),
    (b"\0\x01\0\0Standard ", "an Access database", "export the table as CSV"),
    (b"ARROW1", "an Arrow (Feather) file", "write it as Parquet"),
    (b"ORC", "an ORC file", "write it as Parquet"),
    (b"Obj\x01", "an Avro file", "write it as Parquet"),
    (b"PARE", "an encrypted Parquet file", "write it without encryption"),
    (b"\x89HDF", "an HDF5 file", "write it as Parquet or CSV"),
    (b"version https://git-lfs", "a pointer of Git LFS in place of the file", "fetch the file itself with `git lfs pull`"),
    (b"MIME-Version:", "a web page saved as MHTML", _EXPORT),
)
_TAR_MAGIC, _TAR_PLACE = b"ustar", 257
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument."
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_HTML = re.compile(r"<(!doctype html|html|head|body|table|meta|title|style|script|link|div|center|br|p)\b", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>\s*(.{1,80}?)\s*</title>", re.IGNORECASE | re.DOTALL)
_BEFORE_ROOT = re.compile(r"\s*(<\?.*?\?>\s*|<!--.*?-->\s*|<!DOCTYPE[^>\[]*(\[.*?\])?\s*>\s*)*", re.DOTALL | re.IGNORECASE)
_ROOT = re.compile(r"<([A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)([^<>]*)>?")
_JSON = re.compile(r"\[\s*([{\[\]]|\"[^\"]*\"\s*[,\]]\s*[\[\]{\"\d\s]|-?\d|$)|\{\s*([}]|\"[^\"]*\"\s*:|$)")
_OFFICE_XML = "urn:schemas-microsoft-com:office:spreadsheet"
#: Control characters that no text has; NUL aside, which utf-16 has.
_CONTROL = bytes([*range(1, 9), *range(14, 27), *range(28, 32)])
_MOST_CONTROL = 0.05


def byte_order_mark(start: bytes) -> str | None:
    """The encoding that a file says it is written in, by its first bytes."""
    return next((encoding for mark, encoding in _BYTE_ORDER_MARKS if start.startswith(mark)), None)


def form_of(file: LogFile, directory: Path, encoding: str = "utf-8") -> FileFormat:
    """The form of a file, by way of `directory`; `encoding` is that of text without a byte order mark.

    Raises OpslaError for a file that cannot be read, and for what is no table.
    """
    start = head(file)
    if start.startswith(ZIP_MAGIC):
        return _zipped_form(file.name, on_disk(file, directory, MOST_WORKBOOK_BYTES))
    if start.startswith(b"PAR1"):
        return "parquet"
    if start.startswith(OLE_MAGIC):
        return "spreadsheet"
    for magic, found, instead in _NO_TABLES:
        if start.startswith(magic) and not (magic == b"BM" and _is_text(start)):
            raise _no_table(file.name, found, instead)
    if start[_TAR_PLACE:].startswith(_TAR_MAGIC):
        raise _no_table(file.name, "a tar archive", "unpack it, and name the files in it")
    return _text_form(file.name, start, byte_order_mark(start) or encoding)


def is_archive(file: LogFile) -> bool:
    """Whether the file is a ZIP archive, and no workbook, which is one too. Raises OpslaError for a broken one."""
    try:
        with file.path.open("rb") as opened:
            start = opened.read(len(ZIP_MAGIC[0]))
    except OSError as error:
        raise OpslaError(f"{file.path}: cannot be read: {error.strerror or error}") from error
    return start.startswith(ZIP_MAGIC) and _document(str(file.path), file.path) is None


# ---------------------------------------------------------------- ZIP


def _zipped_form(name: str, path: Path) -> FileFormat:
    document = _document(name, path)
    if document is None:
        raise _no_table(name, "an archive in an archive", "unpack the outer one")
    if document != "spreadsheet":
        raise _no_table(name, document, _EXPORT)
    return "spreadsheet"


def _document(name: str, path: Path) -> str | None:
    """`spreadsheet`, or what else a ZIP file is that is a document; None for a plain archive."""
    with opened_archive(name, path) as archive:
        names = archive.namelist()
        try:
            media_type = archive.read("mimetype")[:100].decode("ascii", "replace") if "mimetype" in names else ""
        except (*BROKEN_ARCHIVE, OSError):
            media_type = ""
    if media_type.startswith(_OPEN_DOCUMENT):
        kind = media_type.removeprefix(_OPEN_DOCUMENT)
        return "spreadsheet" if kind.startswith("spreadsheet") else f"an OpenDocument file ({kind})"
    if "[Content_Types].xml" in names:
        return _office_document({entry.split("/")[0] for entry in names}, names)
    if "Index/Document.iwa" in names or "Index.zip" in names:
        return "a document of Numbers, Pages or Keynote"
    return None


def _office_document(rooms: set[str], names: list[str]) -> str:
    if "xl/workbook.bin" in names:
        return "a binary workbook (XLSB)"
    known = {"xl": "spreadsheet", "word": "a Word document", "ppt": "a PowerPoint document", "visio": "a Visio document"}
    return next((found for room, found in known.items() if room in rooms), "an Office document without sheets")


def opened_archive(name: str, path: Path) -> zipfile.ZipFile:
    """The archive at `path`. Raises OpslaError, which calls the file `name`, for a broken one."""
    try:
        return zipfile.ZipFile(path)
    except BROKEN_ARCHIVE as error:
        raise OpslaError(f"{name}: broken ZIP archive: {error}; it may be cut short: write or fetch the file again") from error
    except OSError as error:
        raise OpslaError(f"{name}: cannot be read: {error.strerror or error}") from error


# ---------------------------------------------------------------- text


def _text_form(name: str, start: bytes, encoding: str) -> FileFormat:
    if encoding == "utf-8" and not _is_text(start):
        raise _no_table(name, "binary data of no form that is known", "export the log as CSV, XLSX, JSON, XES or Parquet")
    text = start.decode(encoding, "replace").lstrip("\ufeff \t\r\n")
    if text.startswith("<"):
        return _markup_form(name, text)
    return "json" if _JSON.match(text) else "csv"


def _is_text(start: bytes) -> bool:
    return len(start) - len(start.translate(None, _CONTROL)) <= _MOST_CONTROL * len(start)


def _markup_form(name: str, text: str) -> FileFormat:
    """An angle bracket may open a CSV file too; what is called XML here says so, or is well known."""
    before = _BEFORE_ROOT.match(text)
    root = _ROOT.match(text, before.end() if before else 0)
    if _HTML.match(text) or (root is not None and root[2].lower() in {"html", "table", "body", "head"}):
        title = _TITLE.search(text)
        called = f" with the title {title[1]!r}" if title else ""
        raise _no_table(
            name, f"an HTML page{called}",
            "it may be a login or error page in place of the file, or a table that a system saved as a web page: export the log as CSV or "
            "XLSX, or open this file in a spreadsheet program and save it as XLSX",
        )
    if root is not None and root[2] == "log":
        return "xes"
    if root is not None and (_OFFICE_XML in text or root[2] == "Workbook"):
        raise _no_table(name, "a workbook of Excel 2003 as XML", "open it in a spreadsheet program and save it as XLSX")
    if root is not None and (before is None or before.end() or root[3].strip()):
        raise _no_table(name, f"an XML document of <{root[2]}>, not XES, whose root is <log>", _EXPORT)
    return "csv"


def _no_table(name: str, found: str, instead: str) -> OpslaError:
    return OpslaError(f"{name}: is {found}; expected a table (CSV, a workbook, JSON, XES or Parquet, as it is or in gzip or ZIP): {instead}")
