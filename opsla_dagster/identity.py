"""One short identity of many things: what rows are made from, so that rows of the same identity are kept.

Belongs here: the digest, of what is read and of the code. Does not belong here: what an area reads, and keeping rows (assets/python_rows.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

import duckdb

_DIGITS = 16
_PACKAGE = Path(__file__).parent


def identity(told: Sequence[object]) -> str:
    """One identity of what was read, by how Python writes it: short, and the same for the same."""
    return hashlib.sha256("\n".join(repr(each) for each in told).encode()).hexdigest()[:_DIGITS]


@cache
def code_identity(patterns: tuple[str, ...], libraries: tuple[str, ...]) -> str:
    """Identity of the code that makes rows, by patterns of its files within the package, and of the installed libraries whose arithmetic it is."""
    texts = [path.read_text(encoding="utf-8") for pattern in patterns for path in sorted(_PACKAGE.glob(pattern))]
    return identity([*texts, *map(version, libraries)])


def identity_of_tables(connection: duckdb.DuckDBPyConnection, names: Sequence[str], told: Sequence[object]) -> str:
    """One identity of all rows of some small tables, in no order, and of what else is `told`."""
    return identity([*told, *(connection.execute(f"select count(*), bit_xor(hash(told)) from {name} as told").fetchone() for name in names)])
