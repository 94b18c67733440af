"""The model of the simulated desk: how many cases a day brings, the path each takes, and what its log gets wrong.

Belongs here: days, cases and raw rows as NumPy columns, whole, as if everything had already happened. Does not belong
here: what is visible when, and Arrow (simulation.py); the parameters (settings/simulation.py); random numbers (draws.py).
The model in words: docs/decisions/0003-simulation-model.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from enum import IntEnum
from itertools import pairwise
from typing import TypeVar
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from opsla_dagster.errors import OpslaError
from opsla_dagster.figures import rounded
from opsla_dagster.settings.simulation import Delay, Lognormal, SimulationSettings
from opsla_dagster.sources.draws import Bits, Floats, Integers, bits_for, case_keys, normals, uniform_pairs, uniforms
from opsla_dagster.status import Status
from opsla_dagster.window import ONE_DAY, Window

Flags = npt.NDArray[np.bool_]

MINUTE, HOUR, DAY = 60, 3_600, 86_400
EPOCH = date(1970, 1, 1)
#: A case id has six digits for the index of the case in its day.
MOST_CASES_A_DAY = 1_000_000
#: Cases drawn at a time: bounds the memory of a draw, and stays in the processor's cache.
CASES_A_BATCH = 50_000


class Slot(IntEnum):
    """The places on the longest path a case can take, in order; a case skips those it does not visit."""

    INTAKE = 0
    TRIAGE = 1
    ASSIGNMENT = 2
    INVESTIGATION = 3
    ESCALATION = 4
    REASSIGNMENT = 5
    FIRST_WAIT = 6
    AFTER_FIRST_WAIT = 7
    SECOND_WAIT = 8
    AFTER_SECOND_WAIT = 9
    REVIEW = 10
    RESOLUTION = 11
    CANCELLATION = 12
    REOPENING = 13
    REWORK = 14
    SECOND_RESOLUTION = 15
    CASE = 16  # what is drawn about the case as a whole; no event


STATUS_OF_SLOT = (
    Status.INTAKE,
    Status.TRIAGE,
    Status.ASSIGNED,
    Status.INVESTIGATION,
    Status.ESCALATED,
    Status.ASSIGNED,
    Status.CUSTOMER_WAIT,
    Status.INVESTIGATION,
    Status.CUSTOMER_WAIT,
    Status.INVESTIGATION,
    Status.REVIEW_QA,
    Status.RESOLVED,
    Status.CANCELLED,
    Status.REOPENED,
    Status.INVESTIGATION,
    Status.RESOLVED,
)


class CaseStream(IntEnum):
    """What is drawn once a case, in slot CASE."""

    TIER = 0
    CASE_TYPE = 1
    TIME_OF_DAY = 2
    PRIORITY = 3
    CATEGORY = 4
    HARD = 5
    WORK = 6
    OWNERS = 7
    HELPERS = 8


class EventStream(IntEnum):
    """What is drawn once a slot of a case."""

    TAKEN = 0
    DURATION = 1
    LONG_WAIT = 2
    MISSING_AND_SHIFT = 3
    LATE_AND_SKEW = 4
    DUPLICATE_AND_DELAY = 5
    SHIFT_HOURS = 6
    MESS_DELAY = 7
    DUPLICATE_DELAY = 8


@dataclass(frozen=True)
class Days:
    """Consecutive intake dates: one element a date."""

    number: Integers  # days since 1970-01-01
    cases: Integers
    is_closed: Flags  # weekend or holiday
    decline: Floats  # 0 before the deterioration, 1 at its end and ever after


@dataclass(frozen=True)
class Cases:
    """One element a case, in order of intake date and index."""

    key: Bits
    day: Integers  # days since 1970-01-01
    index: Integers  # in its day, from 0
    is_closed_day: Flags
    decline: Floats
    intake: Integers  # UTC seconds since 1970-01-01
    tier: Integers
    case_type: Integers


@dataclass(frozen=True)
class Rows:
    """One element a raw row: a case's rows together, in the order of its path, a copy right after its original."""

    case: Integers  # position in Cases
    slot: Integers
    sequence: Integers  # position in the path, from 1; a copy has its original's
    number: Integers  # position among the case's rows, from 1
    recorded: Integers  # when it happened as the log tells it, UTC seconds; meaningless where missing
    ingested: Integers  # UTC seconds
    is_missing: Flags
    is_duplicate: Flags
    is_late: Flags
    is_shifted: Flags


Drawn = TypeVar("Drawn", Cases, Rows)


class SimulatedDesk:
    """Draws the desk's days, cases and raw rows, each a pure function of the settings, its date and its index."""

    def __init__(self, settings: SimulationSettings, desk_timezone: str, n_cases: int) -> None:
        """Raises OpslaError when the window cannot hold `n_cases`."""
        self.settings = settings
        self._zone = ZoneInfo(desk_timezone)
        self._n_cases = n_cases
        self._holidays: dict[int, frozenset[date]] = {}
        self._weights = np.zeros(0)
        self._weight_of_window = float(np.sum(self._weights_until(settings.days)))
        if self._weight_of_window == 0:
            raise OpslaError(
                f"simulation: every day of the window ({settings.days} days from {settings.start}) has weight 0; give "
                "volume.weekend_weight or volume.holiday_weight a value above 0, or a window with business days"
            )
        busiest = max(1.0, settings.volume.weekend_weight, settings.volume.holiday_weight) / self._weight_of_window
        if n_cases * busiest >= MOST_CASES_A_DAY:
            raise OpslaError(
                f"simulation: {n_cases:,} cases over {settings.days} days make {rounded(n_cases * busiest)} on a day; "
                f"expected less than {MOST_CASES_A_DAY:,}: ask for fewer cases or more days"
            )

    # ---- days --------------------------------------------------------------------------------------------------------

    def days(self, window: Window) -> Days:
        """The window's dates from the configured start on, with no end; none before it."""
        start = self.settings.start
        last = max((window.end - start).days, 0)
        first = min(max((window.start - start).days, 0), last)
        # Rounding the running total, not each day, makes the window's total exact whatever the number of cases.
        running = np.cumsum(self._weights_until(last)) * (self._n_cases / self._weight_of_window)
        totals = np.concatenate([[0], np.floor(running + 0.5).astype(np.int64)])
        offsets = np.arange(first, last)
        dates = [start + timedelta(days=int(offset)) for offset in offsets]
        return Days(
            number=offsets + day_number(start),
            cases=np.diff(totals)[first:],
            is_closed=np.array([day.weekday() >= 5 or self._is_holiday(day) for day in dates], dtype=np.bool_),
            decline=self._decline(offsets),
        )

    def shifts(self, day: date) -> Iterator[tuple[str, float, float]]:
        """Name, planned heads and shrinkage rate of each shift of a date."""
        staffing = self.settings.staffing
        decline = float(self._decline(np.array([(day - self.settings.start).days]))[0])
        shrinkage_rate = staffing.shrinkage_rate + decline * (
            self.settings.deterioration.final_shrinkage_rate - staffing.shrinkage_rate
        )
        for name, shift in staffing.shifts.items():
            heads = shift.weekday_heads
            if day.weekday() >= 5:
                heads = shift.weekend_heads
            elif self._is_holiday(day):
                heads = shift.holiday_heads
            yield name, heads, shrinkage_rate

    def _weights_until(self, days: int) -> Floats:
        """The weight of each of the first `days` dates; a business day weighs 1."""
        known = len(self._weights)
        if days > known:
            new = (self._weight(self.settings.start + timedelta(days=offset)) for offset in range(known, days))
            self._weights = np.concatenate([self._weights, np.fromiter(new, dtype=np.float64)])
        return self._weights[:days]

    def _weight(self, day: date) -> float:
        if day.weekday() >= 5:
            return self.settings.volume.weekend_weight
        return self.settings.volume.holiday_weight if self._is_holiday(day) else 1.0

    def _is_holiday(self, day: date) -> bool:
        if day.year not in self._holidays:
            self._holidays[day.year] = self.settings.holidays.dates(day.year)
        return day in self._holidays[day.year]

    def _decline(self, offsets: Integers) -> Floats:
        days = self.settings.deterioration.days
        return np.asarray(np.clip((offsets + 1 - self.settings.days + days) / days, 0.0, 1.0), dtype=np.float64)

    # ---- draws -------------------------------------------------------------------------------------------------------

    def draw(self, window: Window) -> tuple[Cases, Rows]:
        """Every case of the window and every raw row its log will ever have."""
        batches = list(self.draw_batches(window))
        first_of_batch = np.cumsum([0, *(len(cases.key) for cases, _ in batches)])
        rows = [
            Rows(rows.case + first, *(getattr(rows, field.name) for field in fields(Rows)[1:]))
            for (_, rows), first in zip(batches, first_of_batch, strict=False)
        ]
        return _joined(Cases, [cases for cases, _ in batches]), _joined(Rows, rows)

    def draw_batches(self, window: Window) -> Iterator[tuple[Cases, Rows]]:
        """The same in batches of whole dates; always at least one, if need be without cases."""
        days = self.days(window)
        batch = (np.cumsum(days.cases) - days.cases) // CASES_A_BATCH
        cuts = [0, *(np.flatnonzero(np.diff(batch)) + 1).tolist(), len(days.number)]
        for first, last in pairwise(cuts):
            cases = self._draw_cases(Days(*(getattr(days, field.name)[first:last] for field in fields(Days))))
            yield cases, self._draw_mess(cases, *self._draw_path(cases))

    def _draw_cases(self, days: Days) -> Cases:
        day = np.repeat(np.arange(len(days.number)), days.cases)
        first_of_day = np.cumsum(days.cases) - days.cases
        index = np.arange(len(day)) - first_of_day[day]
        key = case_keys(self.settings.seed, days.number[day], index)
        return Cases(
            key=key,
            day=days.number[day],
            index=index,
            is_closed_day=days.is_closed[day],
            decline=days.decline[day],
            intake=self._intakes(key, days, day),
            tier=chosen(case_uniforms(key, CaseStream.TIER), [tier.share for tier in self.settings.tiers.values()]),
            case_type=chosen(
                case_uniforms(key, CaseStream.CASE_TYPE), [kind.share for kind in self.settings.case_types.values()]
            ),
        )

    def _intakes(self, keys: Bits, days: Days, day: Integers) -> Integers:
        """UTC seconds of the intakes: a time on the desk's clock, less what that clock is ahead of UTC at that minute."""
        times = self.settings.time_of_day
        # One uniform number bent to the share of each stretch of the day, so that 0.5 is about noon.
        time_of_day = np.interp(
            case_uniforms(keys, CaseStream.TIME_OF_DAY),
            [0.0, times.before_opening_share, 1 - times.after_closing_share, 1.0],
            [0.0, times.opens_hour / 24, times.closes_hour / 24, 1.0],
        )
        local = np.floor(time_of_day * DAY).astype(np.int64)
        ahead = np.empty(len(day), dtype=np.int64)
        first_of_day = np.searchsorted(day, np.arange(len(days.number) + 1))
        for position, number in enumerate(days.number):
            its_cases = slice(first_of_day[position], first_of_day[position + 1])
            ahead[its_cases] = self._ahead_of_utc(int(number), local[its_cases])
        return days.number[day] * DAY + local - ahead

    def _ahead_of_utc(self, number: int, local: Integers) -> Integers | int:
        """Seconds the desk's clock is ahead of UTC at these seconds of a local day; by minute on a day it changes."""
        midnight = datetime(EPOCH.year, EPOCH.month, EPOCH.day, tzinfo=self._zone) + timedelta(days=number)
        if midnight.utcoffset() == (midnight + ONE_DAY).utcoffset():
            return _offset_seconds(midnight)
        minutes = (midnight + timedelta(minutes=minute) for minute in range(DAY // MINUTE))
        return np.array([_offset_seconds(minute) for minute in minutes])[local // MINUTE]

    def _draw_path(self, cases: Cases) -> tuple[Integers, Integers, Integers, Integers]:
        """Case, slot, sequence and true instant (UTC seconds) of every event."""
        walk = _Walk(cases, self.settings)
        walk.from_intake_to_investigation()
        walk.investigation()
        walk.to_the_end()
        mess = self.settings.mess
        # Two days for the time of day of the intake and a shift of the clock: max_case_days then bounds every ingestion.
        longest = (self.settings.max_case_days - 2) * DAY - mess.late_delay.longest - mess.duplicate_delay.longest
        return walk.flattened(longest)

    def _draw_mess(self, cases: Cases, case: Integers, slot: Integers, sequence: Integers, at: Integers) -> Rows:
        """What the log makes of the events: at what times it tells and receives them, and which it repeats."""
        mess = self.settings.mess
        key = cases.key[case]
        missing, shift = uniform_pairs(bits_for(key, slot, EventStream.MISSING_AND_SHIFT))
        late, skew = uniform_pairs(bits_for(key, slot, EventStream.LATE_AND_SKEW))
        duplicate, delay = uniform_pairs(bits_for(key, slot, EventStream.DUPLICATE_AND_DELAY))
        is_missing = missing < mess.missing_event_ts_share
        is_shifted = (shift < mess.time_zone_shift_share) & ~is_missing
        is_late = late < mess.late_share

        def uniform(events: Integers, stream: EventStream) -> Floats:
            return uniforms(bits_for(key[events], slot[events], stream))

        recorded = at.copy()
        hit = np.flatnonzero(is_shifted)
        hours = np.array(mess.time_zone_shift_hours)
        recorded[hit] -= HOUR * hours[(uniform(hit, EventStream.SHIFT_HOURS) * len(hours)).astype(np.int64)]
        ingested = at + _delays(delay, mess.ingestion_delay)
        hit = np.flatnonzero(is_late)
        ingested[hit] = at[hit] + _delays(uniform(hit, EventStream.MESS_DELAY), mess.late_delay)
        hit = np.flatnonzero((skew < mess.skewed_clock_share) & ~is_late)
        ingested[hit] = at[hit] - _delays(uniform(hit, EventStream.MESS_DELAY), mess.skewed_clock_lead)

        event = np.repeat(np.arange(len(case)), 1 + (duplicate < mess.duplicated_share))
        is_duplicate = np.zeros(len(event), dtype=np.bool_)
        is_duplicate[1:] = event[1:] == event[:-1]
        copies = np.flatnonzero(is_duplicate)
        ingested = ingested[event]
        ingested[copies] += _delays(uniform(event[copies], EventStream.DUPLICATE_DELAY), mess.duplicate_delay)
        case = case[event]
        first_of_case = np.searchsorted(case, np.arange(len(cases.key)))
        return Rows(
            case=case.astype(np.int32),
            slot=slot[event],
            sequence=sequence[event],
            number=(np.arange(1, len(case) + 1) - first_of_case[case]).astype(np.int16),
            recorded=recorded[event],
            ingested=ingested,
            is_missing=is_missing[event],
            is_duplicate=is_duplicate,
            is_late=is_late[event],
            is_shifted=is_shifted[event],
        )


class _Walk:
    """The paths of all cases at once; `clock` says how many seconds after its intake each case has come."""

    def __init__(self, cases: Cases, settings: SimulationSettings) -> None:
        self._cases = cases
        self._everyone = np.arange(len(cases.key))
        self._path = settings.path
        self._tiers = list(settings.tiers.values())
        self._clock = np.zeros(len(cases.key))
        self._visited = np.zeros(len(cases.key), dtype=np.int8)
        self._stops: list[tuple[Slot, Integers, Integers, Floats]] = []
        # What comes in on a closed day is simpler for everyone; the kind of case and the decline burden the desk alone.
        factors = np.array([kind.duration_factor for kind in settings.case_types.values()])
        self._customer_factor = np.where(cases.is_closed_day, settings.path.closed_day_factor, 1.0)
        self._desk_factor = self._customer_factor * factors[cases.case_type]
        self._desk_factor *= 1 + settings.deterioration.duration_increase * cases.decline

    def from_intake_to_investigation(self) -> None:
        everyone = self._everyone
        self._visit(Slot.INTAKE, everyone)
        triaged = self._taking(Slot.TRIAGE, everyone, 1 - self._path.untriaged_share)
        self._work_on(triaged, self._by_tier(Slot.TRIAGE, triaged, [tier.triage for tier in self._tiers]))
        self._visit(Slot.TRIAGE, triaged)
        self._work_on(everyone, self._drawn(Slot.ASSIGNMENT, everyone, self._path.assignment))
        self._visit(Slot.ASSIGNMENT, everyone)
        self._work_on(everyone, self._drawn(Slot.INVESTIGATION, everyone, self._path.pickup))
        self._visit(Slot.INVESTIGATION, everyone)

    def investigation(self) -> None:
        """The work, cut into equal parts by an escalation and by waits for the customer."""
        escalated = self._taking(Slot.ESCALATION, self._everyone, self._tier_shares("escalated_share"))
        waiting = self._taking(Slot.FIRST_WAIT, self._everyone, self._tier_shares("customer_wait_share"))
        waiting_twice = self._taking(Slot.SECOND_WAIT, waiting, self._path.second_customer_wait_share)
        parts = np.ones(len(self._everyone))
        for detour in (escalated, waiting, waiting_twice):
            parts[detour] += 1
        part = self._work() / parts
        self._work_on(escalated, part[escalated])
        self._visit(Slot.ESCALATION, escalated)
        self._work_on(escalated, self._drawn(Slot.REASSIGNMENT, escalated, self._path.assignment))
        self._visit(Slot.REASSIGNMENT, escalated)
        for slot, after, cases in (
            (Slot.FIRST_WAIT, Slot.AFTER_FIRST_WAIT, waiting),
            (Slot.SECOND_WAIT, Slot.AFTER_SECOND_WAIT, waiting_twice),
        ):
            self._work_on(cases, part[cases])
            self._visit(slot, cases)
            self._wait(cases, self._customer_waits(slot, cases))
            self._visit(after, cases)
        self._work_on(self._everyone, part)

    def to_the_end(self) -> None:
        reviewed = self._taking(Slot.REVIEW, self._everyone, self._tier_shares("review_share"))
        self._visit(Slot.REVIEW, reviewed)
        self._work_on(reviewed, self._drawn(Slot.REVIEW, reviewed, self._path.review))
        cancelled = self._taking(Slot.CANCELLATION, self._everyone, self._path.cancelled_share)
        self._visit(Slot.CANCELLATION, cancelled)
        resolved = np.delete(self._everyone, cancelled)
        self._visit(Slot.RESOLUTION, resolved)
        reopened = self._taking(Slot.REOPENING, resolved, self._tier_shares("reopened_share"))
        self._wait(reopened, self._drawn(Slot.REOPENING, reopened, self._path.reopen_after))
        self._visit(Slot.REOPENING, reopened)
        self._work_on(reopened, self._drawn(Slot.REWORK, reopened, self._path.pickup))
        self._visit(Slot.REWORK, reopened)
        self._work_on(reopened, self._drawn(Slot.SECOND_RESOLUTION, reopened, self._path.rework))
        self._visit(Slot.SECOND_RESOLUTION, reopened)

    def flattened(self, longest: int) -> tuple[Integers, Integers, Integers, Integers]:
        """Case, slot, sequence and instant (UTC seconds) of every event, in order of case and sequence.

        A case that would take more than `longest` seconds is shrunk to that as a whole, which keeps its order.
        """
        visited = self._visited.astype(np.int64)
        first = np.cumsum(visited) - visited
        total = int(visited.sum())
        case, at = np.empty(total, dtype=np.int64), np.empty(total, dtype=np.int64)
        slot, sequence = np.empty(total, dtype=np.int8), np.empty(total, dtype=np.int8)
        shrink = np.minimum(1.0, longest / np.maximum(self._clock, 1.0))
        for where, cases, positions, clock in self._stops:
            to = first[cases] + positions
            case[to], slot[to], sequence[to] = cases, where, positions + 1
            at[to] = self._cases.intake[cases] + np.rint(clock * shrink[cases]).astype(np.int64)
        return case, slot, sequence, at

    def _visit(self, slot: Slot, cases: Integers) -> None:
        self._stops.append((slot, cases, self._visited[cases], self._clock[cases]))
        self._visited[cases] += 1

    def _work_on(self, cases: Integers, seconds: Floats) -> None:
        self._clock[cases] += seconds * self._desk_factor[cases]

    def _wait(self, cases: Integers, seconds: Floats) -> None:
        self._clock[cases] += seconds * self._customer_factor[cases]

    def _taking(self, slot: Slot, cases: Integers, share: float | Floats) -> Integers:
        """Those of the cases that go by this slot; the share is one number, or one for every case there is."""
        uniform = uniforms(bits_for(self._cases.key[cases], slot, EventStream.TAKEN))
        return cases[uniform < (share if isinstance(share, float) else share[cases])]

    def _tier_shares(self, field: str) -> Floats:
        shares: Floats = np.array([getattr(tier, field) for tier in self._tiers], dtype=np.float64)
        return np.asarray(shares[self._cases.tier])

    def _work(self) -> Floats:
        work = self._by_tier(Slot.CASE, self._everyone, [tier.work for tier in self._tiers])
        is_hard = case_uniforms(self._cases.key, CaseStream.HARD) < self._tier_shares("hard_share")
        return np.where(is_hard, work * self._path.hard_work_factor, work)

    def _customer_waits(self, slot: Slot, cases: Integers) -> Floats:
        uniform = uniforms(bits_for(self._cases.key[cases], slot, EventStream.LONG_WAIT))
        is_long = uniform < self._path.long_customer_wait_share
        waits = (self._path.customer_wait, self._path.long_customer_wait)
        return self._lognormals(slot, cases, waits, is_long.astype(np.int8))

    def _by_tier(self, slot: Slot, cases: Integers, durations: Sequence[Lognormal]) -> Floats:
        return self._lognormals(slot, cases, durations, self._cases.tier[cases])

    def _drawn(self, slot: Slot, cases: Integers, duration: Lognormal) -> Floats:
        return self._lognormals(slot, cases, [duration], np.zeros(len(cases), dtype=np.int8))

    def _lognormals(self, slot: Slot, cases: Integers, durations: Sequence[Lognormal], which: Integers) -> Floats:
        """Seconds, one a case: a draw of durations[which]."""
        stream = CaseStream.WORK if slot is Slot.CASE else EventStream.DURATION
        logs = np.log([duration.median_minutes * MINUTE for duration in durations])
        sigmas = np.array([duration.sigma for duration in durations])
        normal = normals(bits_for(self._cases.key[cases], slot, stream))
        return np.asarray(np.exp(logs[which] + sigmas[which] * normal), dtype=np.float64)


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


def case_uniforms(keys: Bits, stream: CaseStream) -> Floats:
    """Numbers in [0, 1), one a case."""
    return uniforms(bits_for(keys, Slot.CASE, stream))


def chosen(uniform: Floats, shares: Sequence[float]) -> Integers:
    """For each uniform number, the position of the share it falls into."""
    return np.searchsorted(np.cumsum(shares)[:-1], uniform, side="right").astype(np.int8)


def _offset_seconds(local: datetime) -> int:
    offset = local.utcoffset()
    assert offset is not None  # a datetime of a ZoneInfo has one
    return int(offset.total_seconds())


def _delays(uniform: Floats, delay: Delay) -> Integers:
    return delay.shortest + (uniform * (delay.longest - delay.shortest + 1)).astype(np.int64)


def _joined(kind: type[Drawn], parts: Sequence[Drawn]) -> Drawn:
    return kind(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(kind)))
