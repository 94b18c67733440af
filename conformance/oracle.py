"""The oracle: what every clock of a document comes out as, slowly and plainly.

Belongs here: the rules of README.md, one function a rule, over plain lists. It shares no code with the product and may be
read beside the rules by somebody who knows desks and not databases. Does not belong here: anything that is there for speed.

All instants are seconds since 1970 (UTC), all intervals half-open: [start, end).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from conformance.calendar_hours import Calendars, Hours, Pairs, duration
from conformance.documents import MESSAGES, RESUMED_FOR_VENDORS, TERMINAL, Case, Clock, Document, Signal

#: Later than everything: where an interval goes on.
EVER = 1 << 60
#: The source of a case that does not name one.
SOURCE = "conformance"
FIELD_OF = {"queue": "team", "tag": "tags"}


@dataclass(frozen=True)
class Promise:
    """A policy's promise for one metric."""

    policy: str
    calendar: str
    target: int
    change: str


@dataclass(frozen=True)
class Step:
    """One place of the walk: an instant, and the signals that are given there."""

    at: int
    signals: frozenset[str]


@dataclass(frozen=True)
class Cycle:
    """One cycle of a metric: [start, end), end None while it is open; `runs` are its parts where several were merged."""

    number: int
    start: int
    end: int | None
    #: Why it ended without being kept; None where it was stopped, or is open.
    reason: str | None
    runs: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Stretch:
    """A part of a cycle in which one promise (or none) was in force."""

    start: int
    end: int
    promise: Promise | None


#: From when on which promise (or none) is in force.
Timeline = list[tuple[int, Promise | None]]
#: Start, end (None: open), and why it ended without being kept.
Run = tuple[int, int | None, str | None]


class History:
    """What the source tells of one case: its end, its statuses over time, and the steps that a metric walks over."""

    def __init__(self, case: Case) -> None:
        self.intake = case.intake_at
        events = _distinct([signal for signal in case.signals if signal.name not in MESSAGES])
        endings = self._endings(events)
        self.ended_at = max(self.intake, endings[0].at) if endings else None
        self.is_cancelled = bool(endings) and endings[0].name in ("CANCELLED", "MERGED")
        #: Statuses are told of until the last terminal event: a clock that CLOSED stops may stand still in RESOLVED.
        self.told_until = max(self.intake, *(event.at for event in endings)) if endings else EVER
        self.statuses = self._statuses([signal for signal, _ in events])
        signs = [(event.at, event.sequence, _names(event, is_reopen)) for event, is_reopen in events]
        # The message that opens a case is its intake: the first reply answers it.
        said = list({(signal.name, signal.at): signal for signal in reversed(case.signals) if signal.name in MESSAGES}.values())
        said = [signal for signal in said if signal.name != "CUSTOMER_MESSAGE" or signal.at > self.intake]
        signs += [(signal.at, signal.sequence, frozenset({signal.name})) for signal in said]
        # Intake comes before everything else, whatever the stamps say.
        self.steps = [Step(self.intake, frozenset({"INTAKE"})), *(Step(at, names) for at, _, names in sorted(signs, key=_order))]

    @staticmethod
    def _endings(events: list[tuple[Signal, bool]]) -> list[Signal]:
        """The terminal events that no reopen follows, in the source's order: the first of them ended the case."""
        last_reopen = max((event.sequence for event, is_reopen in events if is_reopen), default=-1)
        endings = [event for event, _ in events if event.name in TERMINAL and event.sequence > last_reopen]
        return sorted(endings, key=lambda event: event.sequence)

    def _statuses(self, events: list[Signal]) -> list[tuple[int, int, str]]:
        """(start, end, status) from intake to the last terminal event; of several at one instant the last holds."""
        end = self.told_until
        holding = {self.intake: "INTAKE"}
        for event in sorted(events, key=lambda event: (event.at, event.sequence)):
            if self.intake <= event.at < end:
                holding[event.at] = event.name
        starts = sorted(holding)
        ends = [*starts[1:], end]
        return [(start, stop, holding[start]) for start, stop in zip(starts, ends, strict=True) if start < stop]


def _distinct(events: list[Signal]) -> list[tuple[Signal, bool]]:
    """Each event with whether it is a reopen. The same status at the same instant is the same event, told twice."""
    kept: dict[tuple[str, int], tuple[Signal, bool]] = {}
    previous = ""
    for event in events:
        is_reopen = previous in TERMINAL and event.name not in TERMINAL
        previous = event.name
        first, was_reopen = kept.get((event.name, event.at), (event, False))
        kept[event.name, event.at] = (first, was_reopen or is_reopen)
    return list(kept.values())


def _names(event: Signal, is_reopen: bool) -> frozenset[str]:
    """Intake happens once, at the case's own instant: an event that says INTAKE gives no such signal."""
    names = {"REOPENED"} if is_reopen else set()
    return frozenset(names if event.name == "INTAKE" else names | {event.name})


def _order(sign: tuple[int, int, frozenset[str]]) -> tuple[int, int]:
    return sign[0], sign[1]


class Oracle:
    """Judges the cases of one document."""

    def __init__(self, document: Document) -> None:
        self.as_of = document.as_of
        self.hours = Calendars(document.calendars)
        self.metrics = document.metrics
        self.policies = [_Policy(policy, self.hours) for policy in document.policies]

    def clocks(self, case: Case) -> list[Clock]:
        """Every clock of a case as it is known at `as_of`."""
        history = History(case)
        in_force = self._policies_in_force(case)
        found: list[Clock] = []
        for name, metric in self.metrics.items():
            policy_at_intake = in_force[0][1]
            configured = [(at, policy.promises.get(name) if policy else None) for at, policy in in_force]
            reopen = policy_at_intake.reopen if policy_at_intake is not None else "freeze"
            found += self._clocks_of(case, name, metric, history, reopen, configured)
            # What the vendor itself promised stands beside it.
            applied = _vendor_timeline(case, name)
            reopen = "resume" if name in RESUMED_FOR_VENDORS else "freeze"
            found += self._clocks_of(case, name, metric, history, reopen, applied)
        return found

    def _clocks_of(
        self, case: Case, name: str, metric: Mapping[str, Any], history: History, reopen: str, timeline: Timeline
    ) -> list[Clock]:
        if not any(promise for _, promise in timeline):
            return []
        found: list[Clock] = []
        for cycle in cycles_of(metric, history, reopen):
            stretches = _stretches(timeline, cycle.start, EVER if cycle.end is None else cycle.end)
            found += [self._judge(case, name, metric, history, row) for row in self._rows(cycle, stretches)]
        return found

    def _policies_in_force(self, case: Case) -> list[tuple[int, _Policy | None]]:
        """From when on which policy is the first that matches; the first entry is the intake."""
        attributes = dict(case.attributes)
        attributes.setdefault("source", SOURCE)
        found: list[tuple[int, _Policy | None]] = []
        changes = sorted(case.changes, key=lambda change: (change.at, change.sequence))
        for at in sorted({case.intake_at, *(change.at for change in changes if change.at > case.intake_at)}):
            while changes and changes[0].at <= at:
                change = changes.pop(0)
                if change.value is None:
                    attributes.pop(change.attribute, None)
                else:
                    attributes[change.attribute] = change.value
            found.append((at, next((policy for policy in self.policies if policy.matches(attributes)), None)))
        return found

    @staticmethod
    def _rows(cycle: Cycle, stretches: list[Stretch]) -> list[_Row]:
        """The final promise's row, and those of the policies it superseded."""
        promised = [number for number, stretch in enumerate(stretches) if stretch.promise is not None]
        if not promised:
            return []
        last = promised[-1]
        final = stretches[last].promise
        assert final is not None
        rows = []
        if last == len(stretches) - 1:
            counted_from = cycle.start if final.change == "retroactive" else stretches[last].start
            rows.append(_Row(cycle, final, counted_from, cycle.end, is_superseded=False))
        else:  # no promise at the end: the last one is judged by when it lapsed
            rows.append(_superseded(cycle, stretches[last]))
        others = {}
        for number, following in pairwise(promised):
            promise, next_promise = stretches[number].promise, stretches[following].promise
            assert promise is not None
            assert next_promise is not None
            if next_promise.change == "restart" and promise.policy != final.policy:
                others[promise.policy] = stretches[number]
        return [*rows, *(_superseded(cycle, stretch) for stretch in others.values())]

    def _judge(self, case: Case, name: str, metric: Mapping[str, Any], history: History, row: _Row) -> Clock:
        hours, start, stop = self.hours[row.promise.calendar], row.cycle.start, row.stop
        until = self.as_of if stop is None else stop
        due_at, elapsed, paused, seconds = None, None, None, None
        outcome: str
        reason: str | None
        if until < start:
            outcome, reason = "unknown", "stopped_before_start"
        elif not (hours.is_inside(start) and hours.is_inside(until)):
            outcome, reason = "unknown", "outside_calendar_horizon"
        else:
            pauses = [(begin, end) for begin, end, status in history.statuses if status in metric.get("pause", ())]
            running = _without(_within(row.cycle.runs, row.counted_from, until), pauses)
            elapsed = sum(hours.open.between(begin, end) for begin, end in running)
            seconds = _by_kind(hours, start, row.counted_from, until, elapsed)
            outcome, reason = self._outcome(row, elapsed)
            is_paused = stop is None and any(begin <= until < end for begin, end in pauses)
            if outcome != "unknown":
                paused = seconds["paused"]
                due_at = _due(hours, running, row.promise.target, None if is_paused else until)
            else:
                elapsed = None
        return Clock(
            case.case_id, row.promise.policy, name, row.cycle.number, start, stop, elapsed, paused, row.promise.target, due_at,
            outcome, reason, seconds,
        )

    @staticmethod
    def _outcome(row: _Row, elapsed: int) -> tuple[str, str | None]:
        if elapsed > row.promise.target:
            return "breached", None
        if row.is_superseded:
            return "unknown", "policy_changed"
        if row.stop is None:
            return "running", None
        return ("met", None) if row.cycle.reason is None else ("unknown", row.cycle.reason)


@dataclass(frozen=True)
class _Row:
    cycle: Cycle
    promise: Promise
    counted_from: int
    stop: int | None
    is_superseded: bool


def _superseded(cycle: Cycle, stretch: Stretch) -> _Row:
    """A policy that lost force in the cycle, judged by when it last did."""
    assert stretch.promise is not None
    counted_from = cycle.start if stretch.promise.change == "retroactive" else stretch.start
    return _Row(cycle, stretch.promise, counted_from, stretch.end, is_superseded=True)


class _Policy:
    def __init__(self, content: Mapping[str, Any], hours: Mapping[str, Hours]) -> None:
        self.name = content["name"]
        self.reopen = content.get("reopen", "freeze")
        self.when: Mapping[str, Sequence[str]] = content.get("when") or {}
        self.promises: dict[str, Promise] = {}
        for metric, told in content["targets"].items():
            target, calendar = (told["target"], told.get("calendar")) if isinstance(told, Mapping) else (told, None)
            calendar = calendar or content["calendar"]
            self.promises[metric] = Promise(
                self.name, calendar, duration(target, hours[calendar].business_day), content.get("change", "retroactive")
            )

    def matches(self, attributes: Mapping[str, str]) -> bool:
        """Every field of `when` has one of its values; a case has several tags and needs one of them."""
        for name, wanted in self.when.items():
            value = attributes.get(FIELD_OF.get(name, name))
            values = [] if value is None else value.split() if name == "tag" else [value]
            if not any(value in map(str, wanted) for value in values):
                return False
        return True


def cycles_of(metric: Mapping[str, Any], history: History, reopen: str) -> list[Cycle]:
    """The walk over the signals: what starts, stops and cancels a metric; then what a reopen makes of it."""
    start, stop, cancel = set(metric["start"]), set(metric["stop"]), set(metric.get("cancel", ()))
    repeats = metric.get("repeats", False)
    # A reopen undoes an end of the case, so it starts anew what only such an end stops: never a first touch.
    if not repeats and reopen in ("restart", "resume") and set(metric["stop"]) <= set(TERMINAL):
        start.add("REOPENED")
    found: list[Run] = []
    since: int | None = None
    for step in history.steps:
        if since is not None and step.signals & stop:
            found.append((since, step.at, None))
            since = None
        elif since is not None and step.signals & cancel:
            found.append((since, step.at, _reason("CANCELLED" in step.signals)))
            since = None
        if since is None and step.signals & start:
            since = max(step.at, history.intake)
    # What is said after the end of a case asks for nothing, unless it is answered.
    asks_in_vain = repeats and since is not None and history.ended_at is not None and since >= history.ended_at
    if since is not None and not asks_in_vain:
        found.append((since, history.ended_at, None if history.ended_at is None else _reason(history.is_cancelled)))
    if not found:
        return []
    if repeats or reopen == "restart":
        return [_cycle(number, [run]) for number, run in enumerate(found, start=1)]
    return [_cycle(1, found if reopen == "resume" else found[:1])]


def _reason(is_cancelled: bool) -> str:
    return "cancelled" if is_cancelled else "ended_without_stop"


def _cycle(number: int, runs: list[Run]) -> Cycle:
    parts = tuple((begin, EVER if end is None else end) for begin, end, _ in runs)
    return Cycle(number, runs[0][0], runs[-1][1], runs[-1][2], parts)


def _vendor_timeline(case: Case, metric: str) -> Timeline:
    """The vendor's own promises, each in force from the instant at which it was applied."""
    applied = sorted((row for row in case.applied if row.metric == metric), key=lambda row: (row.at, row.sequence))
    source = case.attributes.get("source", SOURCE)
    return [
        (row.at, Promise(f"{source}:{row.policy}", row.calendar, row.target_seconds, "retroactive")) for row in applied
    ]


def _stretches(timeline: Timeline, start: int, end: int) -> list[Stretch]:
    """[start, end) cut where another policy comes into force; where it is empty, what is in force at its start."""
    end = max(end, start + 1)
    timeline = [(min(start, timeline[0][0]) - 1, None), *timeline]  # nothing was promised before
    found: list[Stretch] = []
    ends = [*(at for at, _ in timeline[1:]), EVER]
    for (begin, promise), stop in zip(timeline, ends, strict=True):
        begin, stop = max(begin, start), min(stop, end)
        if begin >= stop:
            continue
        if found and _name(found[-1].promise) == _name(promise):
            begin = found.pop().start
        found.append(Stretch(begin, stop, promise))
    return found


def _name(promise: Promise | None) -> str | None:
    return None if promise is None else promise.policy


def _within(runs: Sequence[tuple[int, int]], start: int, end: int) -> Pairs:
    """The parts of `runs` that lie in [start, end)."""
    clipped = ((max(begin, start), min(stop, end)) for begin, stop in runs)
    return [(begin, stop) for begin, stop in clipped if begin < stop]


def _without(runs: Pairs, pauses: Pairs) -> Pairs:
    """What is left of `runs` without `pauses`."""
    for pause_begin, pause_end in pauses:
        left: Pairs = []
        for begin, end in runs:
            left += [(begin, min(end, pause_begin)), (max(begin, pause_end), end)]
        runs = [(begin, end) for begin, end in left if begin < end]
    return runs


def _by_kind(hours: Hours, start: int, counted_from: int, end: int, elapsed: int) -> dict[str, int]:
    """Every second of [start, end) once."""
    holiday, opened = hours.holiday.between(counted_from, end), hours.open.between(counted_from, end)
    return {
        "running": elapsed, "paused": opened - elapsed, "closed_hours": end - counted_from - holiday - opened, "holiday": holiday,
        "policy_switch": counted_from - start,
    }


def _due(hours: Hours, running: Pairs, target: int, goes_on_at: int | None) -> int | None:
    """The first instant at which the running open time reaches the target; the clock goes on running from its stop."""
    left = target
    for begin, end in running:
        counted = hours.open.between(begin, end)
        if counted >= left:
            return hours.open.reached(hours.open.before(begin) + left)
        left -= counted
    return None if goes_on_at is None else hours.open.reached(hours.open.before(goes_on_at) + left)


def judge(document: Document) -> list[Clock]:
    """Every clock of the document, by the rules."""
    oracle = Oracle(document)
    return [clock for case in document.known_cases() for clock in oracle.clocks(case)]
