"""A minimal XLSX writer for tests: what Excel would write for the cells given, and nothing else.

Belongs here: bytes of workbooks. Does not belong here: tests.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from xml.sax.saxutils import escape, quoteattr

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
#: Python type -> index of a cell format: General, date and time, date, time of day, hours that go on.
_FORMATS = {datetime: 1, date: 2, time: 3, timedelta: 4}
_STYLES = f'<styleSheet xmlns="{_MAIN}"><cellXfs>{"".join(f"<xf numFmtId={quoteattr(str(n))}/>" for n in (0, 22, 14, 20, 46))}</cellXfs></styleSheet>'
_EPOCH = datetime(1899, 12, 30)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Sheet:
    """Rows from row 1 on; None is an empty cell, `merged` are ranges such as A1:C1."""

    name: str
    rows: Sequence[Sequence[Any]]
    is_hidden: bool = False
    merged: Sequence[str] = ()
    #: XML of more rows, as it is.
    more: str = ""


def workbook(*sheets: Sheet) -> bytes:
    """The bytes of an XLSX file."""
    listed = "".join(
        f'<sheet name={quoteattr(sheet.name)} sheetId="{n}" r:id="s{n}"{" state=" + quoteattr("hidden") if sheet.is_hidden else ""}/>'
        for n, sheet in enumerate(sheets, start=1)
    )
    links = "".join(f'<Relationship Id="s{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in range(1, len(sheets) + 1))
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="w" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{links}<Relationship Id="y" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": _STYLES,
        **{f"xl/worksheets/sheet{n}.xml": _sheet(sheet) for n, sheet in enumerate(sheets, start=1)},
    }
    return packed(parts)


def packed(parts: dict[str, str | bytes]) -> bytes:
    """A ZIP archive of these files."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return written.getvalue()


def _sheet(sheet: Sheet) -> str:
    rows = "".join(f'<row r="{n}">{"".join(_cell(n, place, value) for place, value in enumerate(row))}</row>' for n, row in enumerate(sheet.rows, start=1))
    merged = "".join(f"<mergeCell ref={quoteattr(area)}/>" for area in sheet.merged)
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{rows}{sheet.more}</sheetData>{f"<mergeCells>{merged}</mergeCells>" if merged else ""}</worksheet>'


def _cell(row: int, place: int, value: Any) -> str:
    where = f'r="{chr(ord("A") + place)}{row}"'
    if value is None:
        return ""
    if isinstance(value, str):
        return f'<c {where} t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    if isinstance(value, bool):
        return f'<c {where} t="b"><v>{int(value)}</v></c>'
    return f'<c {where} s="{_FORMATS.get(type(value), 0)}"><v>{_serial(value)!r}</v></c>'


def _serial(value: Any) -> float:
    """The number that a spreadsheet keeps."""
    if isinstance(value, datetime):
        return (value - _EPOCH) / _DAY
    if isinstance(value, date):
        return (datetime.combine(value, time()) - _EPOCH) / _DAY
    if isinstance(value, time):
        return (datetime.combine(_EPOCH, value) - _EPOCH) / _DAY
    return value / _DAY if isinstance(value, timedelta) else value
