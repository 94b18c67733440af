"""Which row of a table names its columns, where a title, a date or blank lines may stand above it.

Belongs here: telling a header from what stands above and below it. Does not belong here: how rows are written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set

#: Rows from the top among which the header is looked for, and those that it is held against.
ROWS_ABOVE, ROWS_SEEN = 50, 200
_LONGEST_NAME = 100
_VALUE = re.compile(r"[-+]?[\d.,:/\- TZ]*\d[\d.,:/\- TZ]*|.*\d:\d\d.*|.*(?<!\d)(19|20)\d\d(?!\d).*", re.DOTALL)
_MOST_DIGITS = 1 / 3
#: Share of the rows below a header that may be wider, as records with an unquoted comma are.
_MOST_WIDER = 0.2


def header_place(rows: Sequence[Sequence[str]], known: Set[str] = frozenset()) -> int | None:
    """Index of the row that names the columns; None where every row is blank.

    It is the first one that has all columns that are `known` to be there. Else it is the first one that is not blank, unless that one cannot be it, being of another width than what stands below or holding values (a
    title, `Generated at ...`), and a later row clearly is: names in every column, and rows of its own width below.
    """
    filled = [place for place, row in enumerate(rows) if any(cell.strip() for cell in row)]
    if not filled:
        return None
    first = filled[0]
    if known:
        named = next((place for place in filled if place < ROWS_ABOVE and known <= {cell.strip() for cell in rows[place]}), None)
        if named is not None:
            return named
    if names_columns(rows, first) and _is_as_wide_as_most(rows, first):
        return first
    return next((place for place in filled[1:] if place < ROWS_ABOVE and _is_clearly_below(rows, first, place)), first)


def _is_clearly_below(rows: Sequence[Sequence[str]], first: int, place: int) -> bool:
    """A later row has to name more than the first one does: names that are there twice (Jira's exports) are a header still."""
    if not (names_columns(rows, place) and _is_as_wide_as_most(rows, place)):
        return False
    names_more = _filled(rows[place]) > _filled(rows[first])
    return names_more or any(_is_value(cell) for cell in rows[first] if cell) or not _is_as_wide_as_most(rows, first)


def _is_as_wide_as_most(rows: Sequence[Sequence[str]], place: int) -> bool:
    below = [len(row) for row in rows[place + 1 : place + ROWS_SEEN] if any(row)]
    return 2 * sum(1 for width in below if width == len(rows[place])) >= len(below)


def names_columns(rows: Sequence[Sequence[str]], place: int) -> bool:
    """Names, each once, without a gap but for a first column (an index), and next to no row below goes beyond them."""
    row = rows[place]
    span = _span(row)
    names = [cell.strip().casefold() for cell in row[:span]]
    named = [name for name in names if name]
    if len(named) < 2 or "" in names[1:] or len(set(named)) < len(named):
        return False
    if any(len(name) > _LONGEST_NAME or _is_value(name) for name in named):
        return False
    below = [_span(row) for row in rows[place + 1 : place + ROWS_SEEN] if any(row)]
    return sum(1 for width in below if width > span) <= _MOST_WIDER * len(below)


def _span(row: Sequence[str]) -> int:
    """Columns up to the last one that is filled."""
    return next((place for place in range(len(row), 0, -1) if row[place - 1].strip()), 0)


def _filled(row: Sequence[str]) -> int:
    return sum(1 for cell in row if cell.strip())


def _is_value(cell: str) -> bool:
    """Whether a cell is a number, a date or a time rather than a name."""
    text = cell.strip()
    if _VALUE.fullmatch(text):
        return True
    return text[:1].isdigit() and sum(letter.isdigit() for letter in text) > _MOST_DIGITS * len(text)
