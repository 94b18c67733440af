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
    CASES,
    COLUMNS,
    INSTANTS,
    KINDS,
    SPAN_COLUMNS,
    Clock,
    Document,
    DocumentError,
    as_expected,
    read_csv,
    read_documents,
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

    @property
    def told(self) -> str:
        """Where, and what instead of what."""
        case_id, policy, metric, cycle = self.key
        expected, found = _told(self.column, self.expected), _told(self.column, self.found)
        return f"{case_id}, {policy}, {metric}, cycle {cycle}: {self.column}: expected {expected}, found {found}"

    def __str__(self) -> str:
        return f"{self.document}: {self.told}"


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
                self._value(document, key, f"{kind}_seconds of the spans", expected["seconds"][kind], told[kind])

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


def compare_files(documents: Sequence[Document], results: Path, spans: Path | None = None) -> tuple[Comparison, list[str]]:
    """An engine's files against the expected values, and the columns that were not compared.

    Raises DocumentError for a file that cannot be read.
    """
    columns, found = read_csv(results, COLUMNS)
    not_compared = [column for column in COLUMNS if column not in columns]
    if spans is None:
        not_compared += [f"{column} of the spans" for column in SPAN_COLUMNS]
    else:
        kinds, told = read_csv(spans, SPAN_COLUMNS)
        not_compared += [f"{column} of the spans" for column in SPAN_COLUMNS if column not in kinds]
        for key, row in found.items():
            row["seconds"] = None if key not in told else {kind: told[key][f"{kind}_seconds"] for kind in KINDS if f"{kind}_seconds" in told[key]}
    comparison = Comparison()
    known: set[str] = set()
    for document in documents:
        ids = {case.case_id for case in document.cases}
        known |= ids
        comparison.add(document, document.expected, {key: row for key, row in found.items() if key[0] in ids})
    if strangers := sorted({key[0] for key in found} - known):
        raise DocumentError(f"{results}: no case of the suite is called {strangers[0]!r}")
    return comparison, not_compared


def report(comparison: Comparison, not_compared: Sequence[str], shown_differences: int = 20) -> str:
    """The comparison for a reader: how many clocks agree, by column, and the first differences with what goes wrong there."""
    share = comparison.agreeing / comparison.clocks * 100 if comparison.clocks else 100.0
    lines = [f"{comparison.agreeing:,} of {comparison.clocks:,} clocks agree ({share:.2f} %)", "", f"{'column':<36}{'compared':>10}{'wrong':>8}"]
    for column in ("row", *COLUMNS, "seconds", *(f"{column} of the spans" for column in SPAN_COLUMNS)):
        compared = comparison.clocks if column == "row" else comparison.values[column]
        if compared or comparison.wrong[column]:
            lines.append(f"{column:<36}{compared:>10,}{comparison.wrong[column]:>8,}")
    if not_compared:
        lines += ["", f"not compared, since the engine does not tell: {', '.join(not_compared)}"]
    if comparison.without_seconds:
        lines += ["", f"clocks of which the engine tells no seconds by kind: {comparison.without_seconds:,}"]
    documents: dict[str, list[Difference]] = {}
    for difference in comparison.differences[:shown_differences]:
        documents.setdefault(difference.document, []).append(difference)
    for name, found in documents.items():
        lines += ["", f"{name}: {found[0].why}", *(f"  {difference.told}" for difference in found)]
    if len(comparison.differences) > shown_differences:
        lines += ["", f"and {len(comparison.differences) - shown_differences:,} more differences"]
    return "\n".join(lines)


def _told(column: str, value: Any) -> str:
    if value is None:
        return "none"
    return shown(value) if column in INSTANTS else f"{value:,}" if isinstance(value, int) else str(value)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compares the files that the command line names; 0 when everything agrees, 1 when not, 2 for a file that cannot be read."""
    parser = argparse.ArgumentParser(description="An engine's result CSVs against the cases of the conformance suite.")
    parser.add_argument("--results", type=Path, required=True, help="one row a clock")
    parser.add_argument("--spans", type=Path, help="one row a clock: its seconds by kind")
    parser.add_argument("--cases", type=Path, default=CASES, help="the folder of the documents")
    parser.add_argument("--differences", type=int, default=20, help="how many differences to show")
    told = parser.parse_args(arguments)
    try:
        comparison, not_compared = compare_files(read_documents(told.cases), told.results, told.spans)
    except DocumentError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(report(comparison, not_compared, told.differences) + "\n")
    return 1 if comparison.differences else 0


if __name__ == "__main__":
    sys.exit(main())
