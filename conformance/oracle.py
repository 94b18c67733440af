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
from conformance.documents import MESSAGES, TERMINAL, AppliedTarget, Case, Clock, Document, Signal

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
    #: in_force: each second by the calendar of its instant; last: all of them by the one just before the end.
    schedule_change: str = "last"
    #: It counts on the schedule of the case, where that is known.
    is_on_case_schedule: bool = False


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
    #: Why each of the runs ended, likewise.
    run_reasons: tuple[str | None, ...]
    #: The time between its runs counts as well: a reopen took the end back.
    is_whole: bool = False

    @property
    def counted(self) -> tuple[tuple[int, int], ...]:
        """When the metric ran, for the seconds."""
        return ((self.start, self.runs[-1][1]),) if self.is_whole else self.runs


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
        #: In a case that the desk began there is nothing to answer at intake, and the customer's first message did not open it.
        self.is_outbound = case.attributes.get("initiated_by") in ("agent", "automation")
        events = _distinct([signal for signal in case.signals if signal.name not in MESSAGES])
        endings = self._endings(events)
        self.ended_at = max(self.intake, endings[0].at) if endings else None
        #: Why a clock that the end of the case ended was not stopped.
        self.ended_by = _reason(endings[0].name) if endings else None
        #: Statuses are told of until the last terminal event: a clock that CLOSED stops may stand still in RESOLVED.
        self.told_until = max(self.intake, *(event.at for event in endings)) if endings else EVER
        self.statuses = self._statuses([signal for signal, _ in events])
        teams = _teams(case)
        signs = [(event.at, event.sequence, _names(event, is_reopen) | _given_to(teams, event, is_reopen)) for event, is_reopen in events]
        # The message that opens a case is its intake: the first reply answers it.
        said = list({(signal.name, signal.at): signal for signal in reversed(case.signals) if signal.name in MESSAGES}.values())
        said = [signal for signal in said if signal.name != "CUSTOMER_MESSAGE" or signal.at > self.intake or self.is_outbound]
        signs += [(signal.at, signal.sequence, frozenset({signal.name})) for signal in said]
        # Of one instant a change of hands comes first.
        signs += [(at, -1, self._hand_over(at, before, team)) for (_, before), (at, team) in pairwise(teams)]
        # Intake comes before everything else, whatever the stamps say, and then the group that has the case from there on.
        opening = [Step(self.intake, frozenset({"INTAKE"})), Step(self.intake, frozenset({"GROUP_ASSIGNED"} if teams[0][1] else set()))]
        self.steps = [*opening, *(Step(at, names) for at, _, names in sorted(signs, key=_order))]

    def _hand_over(self, at: int, before: str | None, team: str | None) -> frozenset[str]:
        """The group before holds the case no more; another one is given it unless the case was over just before."""
        is_over = not any(begin < at <= end and status not in TERMINAL for begin, end, status in self.statuses)
        return frozenset(({"GROUP_CHANGED"} if before else set()) | ({"GROUP_ASSIGNED"} if team and not is_over else set()))

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


def _teams(case: Case) -> list[tuple[int, str | None]]:
    """From when on which team (None: nobody) held the case; the first entry is the intake. Of several at one instant the last holds."""
    held: dict[int, str | None] = {case.intake_at: case.attributes.get("team")}
    for change in sorted((change for change in case.changes if change.attribute == "team"), key=lambda change: (change.at, change.sequence)):
        held[max(change.at, case.intake_at)] = change.value
    told = sorted(held.items())
    return [told[0], *(after for before, after in pairwise(told) if before[1] != after[1])]


def _given_to(teams: list[tuple[int, str | None]], event: Signal, is_reopen: bool) -> frozenset[str]:
    """A reopen gives the case to the group that holds it then."""
    holder = [team for since, team in teams if since <= max(event.at, teams[0][0])][-1]
    return frozenset({"GROUP_ASSIGNED"} if is_reopen and holder else set())


def _distinct(events: list[Signal]) -> list[tuple[Signal, bool]]:
    """Each event with whether it is a reopen.

    The source tells in blocks of one instant. Within a block a status may be told several times in a row (copies) or again after
    another one (a return). A later block of the same instant tells the same story again: its first visit to a status is a copy of the
    first visit in the block before, its second of the second.
    """
    kept: dict[tuple[int, str, int], tuple[Signal, bool]] = {}
    was_terminal, block_at, last_name = False, None, ""
    visits: dict[str, int] = {}
    for event in events:
        is_reopen = was_terminal and event.name not in TERMINAL
        was_terminal = event.name in TERMINAL
        if event.at != block_at:
            block_at, last_name, visits = event.at, "", {}
        if event.name != last_name:
            visits[event.name] = visits.get(event.name, 0) + 1
        last_name = event.name
        key = (event.at, event.name, visits[event.name])
        first, was_reopen = kept.get(key, (event, False))
        kept[key] = (first, was_reopen or is_reopen)
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
            found += self._clocks_of(case, name, metric, history, _vendor_reopen(case, name), applied, is_vendor=True)
        return found

    def _clocks_of(
        self, case: Case, name: str, metric: Mapping[str, Any], history: History, reopen: str, timeline: Timeline,
        is_vendor: bool = False,
    ) -> list[Clock]:
        if not any(promise for _, promise in timeline):
            return []
        found: list[Clock] = []
        for cycle in cycles_of(metric, history, reopen):
            stretches = _stretches(timeline, cycle.start, EVER if cycle.end is None else cycle.end)
            rows = self._rows(cycle, stretches, is_vendor)
            found += [self._judge(case, name, metric, history, row, timeline) for row in rows]
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
    def _rows(cycle: Cycle, stretches: list[Stretch], is_vendor: bool) -> list[_Row]:
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
            rows.append(_Row(cycle, final, counted_from, cycle.end, cycle.reason))
        elif is_vendor:
            rows.append(_withdrawn(cycle, final, stretches[last].end))
        else:  # no promise at the end: the last one ran until it lapsed
            rows.append(_superseded(cycle, stretches[last]))
        others = {}
        for number, following in pairwise(promised):
            promise, next_promise = stretches[number].promise, stretches[following].promise
            assert promise is not None
            assert next_promise is not None
            if next_promise.change == "restart" and promise.policy != final.policy:
                others[promise.policy] = stretches[number]
        return [*rows, *(_superseded(cycle, stretch) for stretch in others.values())]

    def _judge(
        self, case: Case, name: str, metric: Mapping[str, Any], history: History, row: _Row, timeline: Timeline
    ) -> Clock:
        start, stop = row.cycle.start, row.stop
        until = self.as_of if stop is None else stop
        due_at, elapsed, paused, seconds = None, None, None, None
        outcome: str
        reason: str | None
        calendars = _calendars(case, timeline, row, EVER if stop is None else stop)
        hours = [(begin, end, self.hours[calendar]) for begin, end, calendar in calendars]
        told = [part for part in hours if part[0] <= until]
        if until < start:
            outcome, reason = "unknown", "stopped_before_start"
        elif not all(part.is_inside(start) and part.is_inside(until) for _, _, part in told):
            outcome, reason = "unknown", "outside_calendar_horizon"
        else:
            pauses = [(begin, end) for begin, end, status in history.statuses if status in metric.get("pause", ())]
            running = _without(_within(row.cycle.counted, row.counted_from, until), pauses)
            pieces = [(part, piece) for begin, end, part in told for piece in _within(running, begin, end)]
            elapsed = sum(part.open.between(*piece) for part, piece in pieces)
            seconds = _by_kind(told, start, row.counted_from, until, elapsed)
            outcome, reason = self._outcome(row, elapsed)
            is_paused = stop is None and any(begin <= until < end for begin, end in pauses)
            if outcome != "unknown":
                paused = seconds["paused"]
                due_at = _due(pieces, row.promise.target, None if is_paused else hours[-1][2], until)
            else:
                elapsed = None
        return Clock(
            case.case_id, row.promise.policy, name, row.cycle.number, start, stop, elapsed, paused, row.promise.target, due_at,
            outcome, reason, seconds,
        )

    @staticmethod
    def _outcome(row: _Row, elapsed: int) -> tuple[str, str | None]:
        if row.reason is not None:
            return "unknown", row.reason
        if elapsed > row.promise.target:
            return "breached", None
        return ("running", None) if row.stop is None else ("met", None)


@dataclass(frozen=True)
class _Row:
    cycle: Cycle
    promise: Promise
    counted_from: int
    stop: int | None
    #: Why it ended otherwise than by its stop; None where it was stopped, or is open.
    reason: str | None


def _superseded(cycle: Cycle, stretch: Stretch) -> _Row:
    """A policy that lost force in the cycle, up to when it last did."""
    assert stretch.promise is not None
    counted_from = cycle.start if stretch.promise.change == "retroactive" else stretch.start
    return _Row(cycle, stretch.promise, counted_from, stretch.end, "policy_changed")


def _withdrawn(cycle: Cycle, promise: Promise, withdrawn_at: int) -> _Row:
    """A vendor's promise that was withdrawn within the cycle. Runs that begin later are under no promise."""
    promised = [run for run in cycle.runs if run[0] < withdrawn_at]
    number = len(promised) - 1
    if cycle.runs[number][1] <= withdrawn_at:  # it had ended by itself before
        return _Row(cycle, promise, cycle.start, cycle.runs[number][1], cycle.run_reasons[number])
    return _Row(cycle, promise, cycle.start, withdrawn_at, "withdrawn")


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
                self.name, calendar, duration(target, hours[calendar].business_day), content.get("change", "retroactive"),
                content.get("schedule_change", "last"),
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
    after = set(metric.get("after", ()))
    answers_the_customer = history.is_outbound and _is_reply(metric)
    if answers_the_customer:
        start = (start - {"INTAKE"}) | {"CUSTOMER_MESSAGE"}
    # A reopen undoes an end of the case, so it starts anew what only such an end stops: never a first touch.
    if not repeats and reopen != "freeze" and set(metric["stop"]) <= set(TERMINAL):
        start.add("REOPENED")
    found: list[Run] = []
    since: int | None = None
    started_by: Step | None = None
    may_start = not after
    is_anybody_there = not _waits_for_the_customer(metric, history)
    for step in history.steps:
        ends = step.signals & (stop | cancel)
        if since is not None and ends:
            if not (repeats and started_by is not None and _closes_what_it_began(started_by, step, ends)):
                found.append((since, step.at, None if ends & stop else _reason(*step.signals)))
            since = None
        if since is None and may_start and step.signals & start:
            since, started_by = max(step.at, history.intake), step
        may_start = may_start or (is_anybody_there and bool(step.signals & after))
        is_anybody_there = is_anybody_there or "CUSTOMER_MESSAGE" in step.signals
    # What is said after the end of a case asks for nothing, unless it is answered.
    is_asked = repeats or answers_the_customer
    asks_in_vain = is_asked and since is not None and history.ended_at is not None and since >= history.ended_at
    if since is not None and not asks_in_vain:
        found.append((since, history.ended_at, history.ended_by))
    if not found:
        return []
    if repeats or reopen == "restart":
        return [_cycle(number, [run]) for number, run in enumerate(found, start=1)]
    return [_cycle(1, found[:1] if reopen == "freeze" else found, is_whole=reopen == "void")]


def _waits_for_the_customer(metric: Mapping[str, Any], history: History) -> bool:
    """Before the customer has written, nothing of what the desk does in a case that it began is an answer."""
    return history.is_outbound and "CUSTOMER_MESSAGE" in metric["start"]


def _closes_what_it_began(began: Step, step: Step, ends: set[str] | frozenset[str]) -> bool:
    """Who replies and solves at once owes nothing for the time after the reply."""
    return began.at == step.at and bool(ends & TERMINAL)


def _is_reply(metric: Mapping[str, Any]) -> bool:
    """It starts at intake and is answered by a message; otherwise at most the end of the case stops it."""
    stops = set(metric["stop"])
    return "INTAKE" in metric["start"] and bool(stops & MESSAGES) and stops <= MESSAGES | TERMINAL


def _reason(*names: str) -> str:
    """Why a clock ended that these signals ended without stopping it."""
    return "cancelled" if "CANCELLED" in names else "merged" if "MERGED" in names else "ended_without_stop"


def _cycle(number: int, runs: list[Run], is_whole: bool = False) -> Cycle:
    parts = tuple((begin, EVER if end is None else end) for begin, end, _ in runs)
    return Cycle(number, runs[0][0], runs[-1][1], runs[-1][2], parts, tuple(reason for _, _, reason in runs), is_whole)


def _applied_to(case: Case, metric: str) -> list[AppliedTarget]:
    return sorted((row for row in case.applied if row.metric == metric), key=lambda row: (row.at, row.sequence))


def _vendor_reopen(case: Case, metric: str) -> str:
    """What the target that was applied first says."""
    applied = _applied_to(case, metric)
    return applied[0].effective_reopen if applied else "freeze"


def _vendor_timeline(case: Case, metric: str) -> Timeline:
    """The vendor's own promises, each in force from the instant at which it was applied until it is withdrawn or replaced."""
    source = case.attributes.get("source", SOURCE)
    timeline: dict[int, Promise | None] = {}
    for row in _applied_to(case, metric):  # of several at one instant the last holds
        policy = f"{source}:{row.policy}"
        timeline[row.at] = None if row.target_seconds is None else Promise(
            policy, row.calendar, row.target_seconds, "retroactive", row.schedule_change, row.is_on_case_schedule
        )
    return list(timeline.items())


def _calendars(case: Case, timeline: Timeline, row: _Row, end: int) -> list[tuple[int, int, str]]:
    """By which calendar the seconds of a clock count: (start, end, calendar), from the start on without a gap."""
    changes = sorted((change for change in case.changes if change.attribute == "schedule"), key=lambda change: (change.at, change.sequence))

    def schedule_at(at: int) -> str | None:
        held = [change.value for change in changes if change.at <= at]
        return None if not changes else held[-1] if held else case.attributes.get("schedule")

    def calendar_at(at: int) -> str:
        told = [promise for since, promise in timeline if promise is not None and since <= max(at, case.intake_at)]
        # Before the first promise its calendar counts.
        promise = told[-1] if told else next(promise for _, promise in timeline if promise is not None)
        own = schedule_at(max(at, case.intake_at)) if promise.is_on_case_schedule else None
        return own or promise.calendar

    last = calendar_at(max(row.cycle.start, end - 1))
    if row.promise.schedule_change == "last":
        return [(row.cycle.start, end, last)]
    # Before the policy counts its calendar does not matter.
    borders = {at for at, _ in timeline} | {change.at for change in changes}
    starts = [row.cycle.start, *sorted(at for at in borders if row.counted_from < at < end)]
    ends = [*starts[1:], end]
    calendars = [calendar_at(max(start, row.counted_from)) for start in starts]
    return list(zip(starts, ends, calendars, strict=True))


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


def _by_kind(hours: list[tuple[int, int, Hours]], start: int, counted_from: int, end: int, elapsed: int) -> dict[str, int]:
    """Every second of [start, end) once."""
    holiday = opened = 0
    for begin, stop, part in hours:
        for counted in _within([(begin, stop)], counted_from, end):
            holiday += part.holiday.between(*counted)
            opened += part.open.between(*counted)
    return {
        "running": elapsed, "paused": opened - elapsed, "closed_hours": end - counted_from - holiday - opened, "holiday": holiday,
        "policy_switch": counted_from - start,
    }


def _due(pieces: list[tuple[Hours, tuple[int, int]]], target: int, goes_on_by: Hours | None, until: int) -> int | None:
    """The first instant at which the running open time reaches the target; the clock goes on running from its end, by the last calendar."""
    left = target
    for hours, (begin, end) in pieces:
        counted = hours.open.between(begin, end)
        if counted >= left:
            return hours.open.reached(hours.open.before(begin) + left)
        left -= counted
    return None if goes_on_by is None else goes_on_by.open.reached(goes_on_by.open.before(until) + left)


def judge(document: Document) -> list[Clock]:
    """Every clock of the document, by the rules."""
    oracle = Oracle(document)
    return [clock for case in document.known_cases() for clock in oracle.clocks(case)]
