"""The smallest document on which an engine and the oracle still differ.

Belongs here: leaving out what a difference does not need. Does not belong here: finding differences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from conformance.documents import Case, Document

T = TypeVar("T")


def shrink(document: Document, case_id: str, differs: Callable[[Document], bool]) -> Document:
    """The document with the one case, and as little else as keeps `differs` true."""
    smallest = replace(document, cases=tuple(case for case in document.cases if case.case_id == case_id))
    if not differs(smallest):
        return document  # it takes several cases
    is_smaller = True
    while is_smaller:
        is_smaller = False
        for candidate in _smaller(smallest):
            if candidate.metrics and differs(candidate):
                smallest, is_smaller = candidate, True
                break
    return smallest


def _smaller(document: Document) -> Iterator[Document]:
    (case,) = document.cases
    for metric in document.metrics:
        kept = {name: told for name, told in document.metrics.items() if name != metric}
        policies = tuple(
            {**policy, "targets": {name: told for name, told in policy["targets"].items() if name != metric}}
            for policy in document.policies
        )
        applied = tuple(row for row in case.applied if row.metric != metric)
        yield replace(
            document, metrics=kept, policies=tuple(policy for policy in policies if policy["targets"]),
            cases=(replace(case, applied=applied),),
        )
    for fewer in _without_one(document.policies):
        yield replace(document, policies=fewer)
    for smaller in _smaller_cases(case):
        yield replace(document, cases=(smaller,))
    for number, policy in enumerate(document.policies):
        if policy.get("when"):
            yield replace(
                document, policies=(*document.policies[:number], {**policy, "when": {}}, *document.policies[number + 1:])
            )
    for name in document.calendars["calendars"] if len(document.calendars["calendars"]) > 1 else ():
        calendars = {key: told for key, told in document.calendars["calendars"].items() if key != name}
        yield replace(document, calendars={**document.calendars, "calendars": calendars})


def _smaller_cases(case: Case) -> Iterator[Case]:
    for signals in _without_one(case.signals):
        yield replace(case, signals=tuple(replace(signal, sequence=number) for number, signal in enumerate(signals)))
    for changes in _without_one(case.changes):
        yield replace(case, changes=tuple(replace(change, sequence=number) for number, change in enumerate(changes)))
    for applied in _without_one(case.applied):
        yield replace(case, applied=tuple(replace(row, sequence=number) for number, row in enumerate(applied)))
    for name in case.attributes:
        yield replace(case, attributes={key: value for key, value in case.attributes.items() if key != name})


def _without_one(rows: Sequence[T]) -> Iterator[tuple[T, ...]]:
    for number in range(len(rows)):
        yield (*rows[:number], *rows[number + 1:])
