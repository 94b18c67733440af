"""Text of SQL that every module of the source writes.

Belongs here: lists of literals. Does not belong here: anything that knows a log.
"""

from __future__ import annotations

from collections.abc import Iterable

from opsla_dagster.warehouse.sql import literal


def literals(texts: Iterable[str]) -> str:
    """SQL string literals, to stand between the brackets of IN; of no text, what nothing is in."""
    return ", ".join(literal(text) for text in texts) or "null"
