"""The comparison: an engine's result CSVs against what the cases expect.

    python -m conformance.compare --results results.csv --spans spans.csv

Belongs here: comparing and telling. Does not belong here: making results.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.documents import (
    CASES, COLUMNS, INSTANTS, KEY, KINDS, SPAN_COLUMNS, Clock, Document, DocumentError, as_expected, read_csv, read_documents,
    shown,
)

Key = tuple[str, str, str, int]


@dataclass(frozen=True)
class Difference:
    """One value that is not what was expected."""

    document: str
    why: str
    key: Key
    column: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        where = " ".join(map(str, self.key))
        return f"{self.document}: {where}: {self.column}: expected {_told(self.column, self.expected)}, found {_told(self.column, self.found)}"


@dataclass
class Comparison:
    """What was compared so far; `values` and `wrong` by column."""

    clocks: int = 0
    agreeing: int = 0
    values: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    #: Clocks whose seconds by kind the engine does not tell.
    without_seconds: int = 0

    def add(self, document: Document, expected: Iterable[Mapping[str, Any]], found: Mapping[Key, Mapping[str, Any]]) -> None:
        """Compares the clocks of one document; `found` has the columns the engine writes, and `seconds` where it tells them."""
        wanted = {(row["case_id"], row["policy"], row["metric"], row["cycle"]): row for row in expected}
        for key in sorted({*wanted, *found}):
            before = len(self.differences)
            self.clocks += 1
            if key not in found:
                self._differs(document, key, "row", "a clock", "none")
            elif key not in wanted:
                self._differs(document, key, "row", "none", "a clock")
            else:
                self._compare(document, key, wanted[key], found[key])
            self.agreeing += len(self.differences) == before

    def _compare(self, document: Document, key: Key, expected: Mapping[str, Any], found: Mapping[str, Any]) -> None:
        for column in COLUMNS:
            if column in expected and column in found:
                self._value(document, key, column, expected[column], found[column])
        if expected.get("seconds") is None or "seconds" not in found:
            return
        told = found["seconds"]
        if told is None:
            if expected.get("stopped_at") is not None and expected.get("outcome") != "unknown" and any(expected["seconds"].values()):
                self._differs(document, key, "seconds", "some", "no row")
            else:
                self.without_seconds += 1
            return
        for kind in KINDS:
            if kind in told:
                self._value(document, key, f"{kind}_seconds", expected["seconds"][kind], told[kind])

    def _value(self, document: Document, key: Key, column: str, expected: Any, found: Any) -> None:
        self.values[column] += 1
        if expected != found:
            self._differs(document, key, column, expected, found)

    def _differs(self, document: Document, key: Key, column: str, expected: Any, found: Any) -> None:
        self.wrong[column] += 1
        self.differences.append(Difference(document.id, document.why, key, column, expected, found))


def differences(document: Document, clocks: Iterable[Clock]) -> list[Difference]:
    """What in `clocks` is not as the document expects."""
    comparison = Comparison()
    comparison.add(document, document.expected, {clock.key: as_expected(clock) for clock in clocks})
    return comparison.differences
