"""Sections of the report as parts of a page: the same findings, pictures and words.

Belongs here: choosing them by page. Does not belong here: what they say (reporting/sections/).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from opsla_dagster.center.model import Column, Grid
from opsla_dagster.reporting.sections.common import Section, Table


def shown(sections: Iterable[Section | None]) -> list[Section]:
    """The sections that have something to show."""
    return [section for section in sections if section is not None]


def grids(sections: Iterable[Section]) -> list[Grid]:
    """The tables behind the sections, for CSV and JSON: text as the report has it."""
    return [_grid(section.key, section.title, section.table) for section in sections if section.table is not None]


def _grid(key: str, title: str, table: Table) -> Grid:
    names = [re.sub(r"[^a-z0-9]+", "_", head.lower()).strip("_") or f"column_{number}" for number, head in enumerate(table.head)]
    return Grid(
        key=f"section_{key.replace('-', '_')}",
        title=title,
        columns=[Column(name, head) for name, head in zip(names, table.head, strict=True)],
        rows=[dict(zip(names, row, strict=True)) for row in table.rows],
        note=table.note,
    )
