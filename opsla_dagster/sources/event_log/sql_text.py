"""Text of SQL that every module of the source writes.

Belongs here: literals. Does not belong here: anything that knows a log.
"""

from __future__ import annotations

from collections.abc import Iterable


def literal(text: str) -> str:
    """SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def literals(texts: Iterable[str]) -> str:
    """SQL string literals, to stand between the brackets of IN; of no text, what nothing is in."""
    return ", ".join(literal(text) for text in texts) or "null"
