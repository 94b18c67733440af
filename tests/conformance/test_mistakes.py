"""Engines that make the mistakes of this trade: the hand-worked cases must catch each of them.

A mistake is the oracle asked about another document than the one it is judged by, or with one of its functions replaced.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from effort import one_in_three

from conformance import calendar_hours, oracle
from conformance.calendar_hours import Intervals
from conformance.compare import differences
from conformance.documents import Case, Document, read_documents

DOCUMENTS = read_documents()
Mistake = Callable[[Document], Document]


def of_calendars(**changed: Any) -> Mistake:
    """Every calendar with these fields instead."""

    def mistaken(document: Document) -> Document:
        calendars = {
            name: calendar if calendar.get("always_open") else {**calendar, **changed}
            for name, calendar in document.calendars["calendars"].items()
        }
        return replace(document, calendars={**document.calendars, "calendars": calendars})

    return mistaken


def of_policies(**changed: Any) -> Mistake:
    return lambda document: replace(document, policies=tuple({**policy, **changed} for policy in document.policies))


def of_metrics(**changed: Any) -> Mistake:
    return lambda document: replace(document, metrics={name: {**metric, **changed} for name, metric in document.metrics.items()})


def of_cases(change: Callable[[Case], Case]) -> Mistake:
    return lambda document: replace(document, cases=tuple(map(change, document.cases)))


def of_applied(**changed: Any) -> Mistake:
    return of_cases(lambda case: replace(case, applied=tuple(replace(row, **changed) for row in case.applied)))


def of_signals(change: Callable[[Any], Any]) -> Mistake:
    return of_cases(lambda case: replace(case, signals=tuple(map(change, case.signals))))


def with_the_latest_attributes(case: Case) -> Case:
    attributes = dict(case.attributes)
    for change in sorted(case.changes, key=lambda change: (change.at, change.sequence)):
        attributes.pop(change.attribute, None)
        if change.value is not None:
            attributes[change.attribute] = change.value
    return replace(case, attributes=attributes, changes=())


def in_the_order_of_stamps(case: Case) -> Case:
    ordered = sorted(case.signals, key=lambda signal: (signal.at, -signal.sequence))
    return replace(case, signals=tuple(replace(signal, sequence=number) for number, signal in enumerate(ordered)))


def with_no_stamp_before_intake(case: Case) -> Case:
    return replace(case, signals=tuple(replace(signal, at=max(signal.at, case.intake_at)) for signal in case.signals))


MISTAKES: dict[str, Mistake] = {
    "holidays are forgotten": of_calendars(holidays=[]),
    "half days are forgotten": of_calendars(half_days=[]),
    "every zone is UTC": of_calendars(zone="UTC"),
    "24x7 for everybody": of_calendars(hours={"mon-sun": ["00:00-24:00"]}, holidays=[], half_days=[]),
    "a business day is a day": of_calendars(business_day="24h"),
    "every policy is for everybody": of_policies(when={}),
    "the last policy that matches": lambda document: replace(document, policies=document.policies[::-1]),
    "a reopen never counts": of_policies(reopen="freeze"),
    "a reopen always restarts": of_policies(reopen="restart"),
    "a reopen always resumes": of_policies(reopen="resume"),
    "a change always counts from the start": of_policies(change="retroactive"),
    "a change always restarts": of_policies(change="restart"),
    "waits are forgotten": of_metrics(pause=[]),
    "every wait pauses": of_metrics(pause=["CUSTOMER_WAIT", "ON_HOLD", "VENDOR_WAIT"]),
    "nothing cancels": of_metrics(cancel=[]),
    "the first question only": of_metrics(repeats=False),
    "attributes as they are now": of_cases(with_the_latest_attributes),
    "attributes as they were": of_cases(lambda case: replace(case, changes=())),
    "the order of stamps": of_cases(in_the_order_of_stamps),
    "stamps before intake are corrected": of_cases(with_no_stamp_before_intake),
    "the vendor's promises are forgotten": of_cases(lambda case: replace(case, applied=())),
    "private notes are replies": of_signals(
        lambda signal: replace(signal, name="PUBLIC_REPLY") if signal.name == "PRIVATE_NOTE" else signal
    ),
    "a cancelled case is a closed one": of_signals(
        lambda signal: replace(signal, name="CLOSED") if signal.name == "CANCELLED" else signal
    ),
    "a voided resolution only rests": lambda document: replace(document, policies=tuple(
        {**policy, "reopen": "resume" if policy.get("reopen") == "void" else policy.get("reopen", "freeze")} for policy in document.policies
    )),
    "the schedule of the first instant": of_cases(
        lambda case: replace(case, changes=tuple(change for change in case.changes if change.attribute != "schedule"))
    ),
    "the last schedule for all": of_applied(schedule_change="last"),
    "every schedule in force": of_applied(schedule_change="in_force"),
    "every target on the case's schedule": of_applied(is_on_case_schedule=True),
    "no target on the case's schedule": of_applied(is_on_case_schedule=False),
    "a policy never keeps the hours before it": of_policies(schedule_change="last"),
    "a policy always keeps the hours before it": of_policies(schedule_change="in_force"),
    "withdrawals are forgotten": of_cases(
        lambda case: replace(case, applied=tuple(row for row in case.applied if row.target_seconds is not None))
    ),
    "a next reply before the first one": of_metrics(after=[]),
    "every case was begun by a customer": of_cases(lambda case: replace(case, attributes={**case.attributes, "initiated_by": "customer"})),
    "every case was begun by an agent": of_cases(lambda case: replace(case, attributes={**case.attributes, "initiated_by": "agent"})),
    "bots are people": of_signals(lambda signal: replace(signal, name="PUBLIC_REPLY") if signal.name == "BOT_REPLY" else signal),
    "a merged case is a cancelled one": of_signals(lambda signal: replace(signal, name="CANCELLED") if signal.name == "MERGED" else signal),
    "as of tomorrow": lambda document: replace(document, as_of=document.as_of + 86_400),
}


def caught(mistake: Mistake = lambda document: document) -> Iterator[str]:
    """The documents that notice, one after the other: who wants to know whether any does asks for the first."""
    for document in DOCUMENTS:
        if differences(document, oracle.judge(mistake(document))):
            yield document.id


def test_without_a_mistake_nothing_is_caught() -> None:
    assert list(caught()) == []


@pytest.mark.parametrize("name", one_in_three(list(MISTAKES)))
def test_a_mistake_is_caught(name: str) -> None:
    assert any(caught(MISTAKES[name]))


def late(intervals: Intervals, seconds: int) -> int | None:
    """Due at the next opening instead of at closing time."""
    number = bisect_right(intervals.total_at_end, seconds)
    if number == len(intervals.starts):
        return None
    return intervals.ends[number] - (intervals.total_at_end[number] - seconds)


def at_target_is_over(row: Any, elapsed: int) -> tuple[str, str | None]:
    if row.reason is not None:
        return "unknown", row.reason
    if elapsed >= row.promise.target:
        return "breached", None
    return ("running", None) if row.stop is None else ("met", None)



TEAMS = oracle._teams
OUTCOME, DISTINCT = oracle.Oracle._outcome, oracle._distinct
AHEAD, ROWS, ENDINGS = calendar_hours._ahead, oracle.Oracle._rows, oracle.History._endings


def last_stamp_ends(events: Any) -> Any:
    last = max((event for event, _ in events), key=lambda event: (event.at, event.sequence), default=None)
    return [last] if last and last.name in oracle.TERMINAL else []


def late_is_broken(row: Any, elapsed: int) -> tuple[str, str | None]:
    """What ended without its stop judged when it was late: the rule that biases every share."""
    return ("breached", None) if elapsed > row.promise.target else OUTCOME(row, elapsed)


def late_is_broken_when_replaced(row: Any, elapsed: int) -> tuple[str, str | None]:
    """A promise that another one replaced judged when it was late, not when it was in time."""
    return ("breached", None) if row.reason == "policy_changed" and elapsed > row.promise.target else OUTCOME(row, elapsed)


def without_returns(events: Any) -> Any:
    found = {(event.name, event.at): (event, is_reopen) for event, is_reopen in reversed(DISTINCT(events))}
    return list(found.values())[::-1]


def with_copies(events: Any) -> Any:
    found, previous = [], ""
    for event in events:
        found.append((event, previous in oracle.TERMINAL and event.name not in oracle.TERMINAL))
        previous = event.name
    return found


@pytest.mark.parametrize(
    ("place", "name", "wrong"),
    [
        pytest.param(Intervals, "reached", late, id="due at the next opening"),
        pytest.param(oracle.Oracle, "_outcome", staticmethod(at_target_is_over), id="exactly at the target is over it"),
        pytest.param(calendar_hours, "_ahead", lambda zone, at: AHEAD(zone, 1_736_000_000), id="clocks never change"),
        pytest.param(oracle, "_without", lambda runs, pauses: runs, id="pauses count"),
        pytest.param(oracle.Oracle, "_rows", staticmethod(lambda *args: ROWS(*args)[:1]), id="replaced promises are lost"),
        pytest.param(oracle, "_teams", lambda case: TEAMS(case)[:1], id="the group at intake owns the case for good"),
        pytest.param(oracle, "_given_to", lambda *_: frozenset(), id="a reopen gives the case to no group"),
        pytest.param(oracle.History, "_hand_over", lambda *_: frozenset({"GROUP_CHANGED", "GROUP_ASSIGNED"}), id="a solved case is owned"),
        pytest.param(oracle, "_reason", lambda *names: "ended_without_stop", id="nothing was cancelled"),
        pytest.param(oracle.History, "_endings", staticmethod(last_stamp_ends), id="the last stamp ends a case"),
        pytest.param(oracle.History, "_endings", staticmethod(lambda events: ENDINGS(events)[::-1]), id="the last terminal event ends a case"),
        pytest.param(oracle, "_distinct", with_copies, id="copies are events"),
        pytest.param(oracle, "_distinct", without_returns, id="returns are copies"),
        pytest.param(oracle.Oracle, "_outcome", staticmethod(late_is_broken), id="late is broken though nothing stopped it"),
        pytest.param(oracle.Oracle, "_outcome", staticmethod(late_is_broken_when_replaced), id="late is broken when it was replaced"),
        pytest.param(oracle, "_waits_for_the_customer", lambda *_: False, id="what the desk began with is a first reply"),
        pytest.param(oracle, "_closes_what_it_began", lambda *_: False, id="a reply that solves owes a further update"),
        pytest.param(oracle, "_is_reply", lambda metric: False, id="a reply is owed to cases that the desk began"),
    ],
)
def test_a_wrong_rule_is_caught(place: Any, name: str, wrong: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, name, wrong)
    assert any(caught())
