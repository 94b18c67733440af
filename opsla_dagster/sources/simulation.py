"""The default source: a simulated desk whose every case can be drawn again, alone or in any range.

Belongs here: the volume of a day, the path of a case, the mess in its log, and all of it as Arrow tables. Does not belong
here: the parameters (config/simulation.yml, settings/simulation.py) and the random numbers (draws.py).
The model in words: docs/decisions/0003-simulation-model.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.simulation import Delay, Lognormal, SimulationSettings
from opsla_dagster.sources.base import CASES, EVENTS, INSTANT, PARTITION_STATES, REJECTED_ROWS, STAFFING, Status
from opsla_dagster.sources.draws import Bits, Floats, Integers, bits_for, case_keys, normals, uniform_pairs, uniforms
from opsla_dagster.window import ONE_DAY, Window

Flags = npt.NDArray[np.bool_]
Small = npt.NDArray[np.int16]

MINUTE, HOUR, DAY = 60, 3_600, 86_400
#: case_id has six digits for the index of the case in its day.
MOST_CASES_A_DAY = 1_000_000
#: partition_states counts so many cases at a time, to bound its memory.
CASES_A_BATCH = 200_000
NOBODY = -1


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
    CASE = 16  # draws about the case as a whole; no event


STATUS_OF_SLOT = (
    Status.INTAKE, Status.TRIAGE, Status.ASSIGNED, Status.INVESTIGATION, Status.ESCALATED, Status.ASSIGNED,
    Status.CUSTOMER_WAIT, Status.INVESTIGATION, Status.CUSTOMER_WAIT, Status.INVESTIGATION, Status.REVIEW_QA,
    Status.RESOLVED, Status.CANCELLED, Status.REOPENED, Status.INVESTIGATION, Status.RESOLVED,
)  # fmt: skip


class CaseStream(IntEnum):
    """What is drawn once a case, in slot CASE."""

    TIER = 0
    CASE_TYPE = 1
    TIME_OF_DAY = 2
    PRIORITY = 3
    CATEGORY = 4
    AGENTS = 5
    HARD = 6
    WORK = 7


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
class _Days:
    """The intake dates of a window: one element a date, ordered."""

    numbers: Integers  # days since 1970-01-01
    cases: Integers
    is_closed: Flags
    decline: Floats  # 0 before the deterioration, 1 at its end and ever after


@dataclass(frozen=True)
class _Cases:
    """One element a case, in order of intake date and index."""

    keys: Bits
    day: Integers  # days since 1970-01-01
    index: Integers
    is_closed_day: Flags
    decline: Floats
    intake: Integers  # UTC seconds since 1970-01-01
    tier: Small
    case_type: Small


@dataclass(frozen=True)
class _Events:
    """One element a raw row: a case's rows together, in the order of its path, a copy right after its original."""

    case: Integers  # position in _Cases
    slot: Integers
    sequence: Integers  # position in the path, from 0; a copy has its original's
    row: Integers  # position among the case's rows, from 1
    happened: Integers  # as recorded, UTC seconds; meaningless where missing
    ingested: Integers
    is_missing: Flags
    is_duplicate: Flags
    is_late: Flags
    is_shifted: Flags


class SimulationSource:
    """A simulated desk (meets `Source`).

    `cases` overrides the configured number of cases over the window. `settles_after_days`: every row of a case is ingested before
    the local midnight that begins its intake date plus so many days, so a refresh need not look at older dates.
    """

    def __init__(self, name: str, settings: SimulationSettings, desk_timezone: str, cases: int | None = None) -> None:
        """Raises OpslaError when `cases` is negative or more than six digits a day can number."""
        self.name = name
        self.settles_after_days = settings.max_case_days
        self._settings = settings
        self._zone_name = desk_timezone
        self._zone = ZoneInfo(desk_timezone)
        self._n_cases = settings.cases if cases is None else cases
        if self._n_cases < 0:
            raise OpslaError(f"simulation: {self._n_cases} cases were asked for; expected 0 or more")
        self._holidays: dict[int, frozenset[date]] = {}
        self._batch: tuple[Window, _Cases, _Events] | None = None
        self._weight_of_window = float(self._weights(settings.days).sum())
        if self._n_cases / self._weight_of_window * max(1.0, self._settings.volume.weekend_weight) >= MOST_CASES_A_DAY:
            raise OpslaError(
                f"simulation: {self._n_cases} cases over {settings.days} days are more than {MOST_CASES_A_DAY:,} on a day; "
                "ask for fewer cases or more days"
            )

    def fingerprint(self) -> str:
        """Hash of every parameter, the number of cases and the desk's zone."""
        content = f"{self._settings.model_dump_json()}|{self._n_cases}|{self._zone_name}"
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def window(self) -> Window:
        """The configured window."""
        return Window(self._settings.start, self._settings.start + timedelta(days=self._settings.days))

    def rejected_rows(self) -> pa.Table:
        """Always empty: the simulation writes no row that cannot be used."""
        return REJECTED_ROWS.empty_table()

    # ---- tables ------------------------------------------------------------------------------------------------------

    def cases(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema CASES: the cases of the window whose intake lies at or before `as_of_at` (UTC)."""
        cases, _ = self._generated(window)
        kept = np.flatnonzero(cases.intake <= _seconds(as_of_at))
        columns = self._case_columns(cases)
        return pa.table([column if len(kept) == len(cases.keys) else column.take(kept) for column in columns], CASES)

    def events(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema EVENTS: the rows of visible cases that were ingested at or before `as_of_at` (UTC)."""
        cases, events = self._generated(window)
        kept = np.flatnonzero(_visible(cases, events, as_of_at))
        if len(kept) < len(events.case):
            events = _Events(*(getattr(events, field)[kept] for field in _Events.__dataclass_fields__))
        return pa.table(self._event_columns(cases, events), EVENTS)

    def staffing(self, window: Window) -> pa.Table:
        """Schema STAFFING: one row a date and shift, from the configured start on."""
        rows = [row for day in window.dates() if day >= self._settings.start for row in self._shifts(day)]
        columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in STAFFING]
        return pa.table([pa.array(column, field.type) for column, field in zip(columns, STAFFING, strict=True)], STAFFING)

    def partition_states(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema PARTITION_STATES: visible cases and events only ever grow, so their numbers tell a date's state."""
        rows: list[tuple[int, int, int]] = []
        for batch in self._batches(window):
            cases, events = self._drawn(batch)
            day = cases.day - _day_number(batch.start)
            n_cases = np.bincount(day[cases.intake <= _seconds(as_of_at)], minlength=batch.days)
            n_events = np.bincount(day[events.case[_visible(cases, events, as_of_at)]], minlength=batch.days)
            first = _day_number(batch.start)
            rows += [(first + int(at), int(n_cases[at]), int(n_events[at])) for at in np.flatnonzero(n_cases)]
        return pa.table([
            pa.repeat(self.name, len(rows)),
            pa.array([row[0] for row in rows], pa.int32()).cast(pa.date32()),
            pa.array([row[1] for row in rows], pa.int64()),
            pa.array([row[2] for row in rows], pa.int64()),
            pa.array([f"{row[1]}:{row[2]}" for row in rows], pa.string()),
        ], PARTITION_STATES)  # fmt: skip

    # ---- days and their volume ---------------------------------------------------------------------------------------

    def _is_holiday(self, day: date) -> bool:
        if day.year not in self._holidays:
            self._holidays[day.year] = self._settings.holidays.dates(day.year)
        return day in self._holidays[day.year]

    def _weights(self, days: int) -> Floats:
        """The weight of each of the first `days` days since the start; a business day weighs 1."""
        volume = self._settings.volume
        start = self._settings.start
        return np.array([
            volume.weekend_weight if day.weekday() >= 5 else volume.holiday_weight if self._is_holiday(day) else 1.0
            for day in (start + timedelta(days=offset) for offset in range(days))
        ], dtype=np.float64)  # fmt: skip

    def _days(self, window: Window) -> _Days | None:
        """The window's days from the start on; None when it lies before the start."""
        start = self._settings.start
        if window.end <= start:
            return None
        first, end = max((window.start - start).days, 0), (window.end - start).days
        weights = self._weights(end)
        # Rounding the running total, not each day, makes the window's total exact whatever the number of cases.
        running = np.concatenate([[0.0], np.cumsum(weights)]) * (self._n_cases / self._weight_of_window)
        totals = np.floor(running + 0.5).astype(np.int64)
        offsets = np.arange(first, end)
        is_closed = np.array([self._is_closed(start + timedelta(days=int(offset))) for offset in offsets], dtype=np.bool_)
        return _Days(_day_number(start) + offsets, np.diff(totals)[first:], is_closed, self._decline(offsets))

    def _is_closed(self, day: date) -> bool:
        return day.weekday() >= 5 or self._is_holiday(day)

    def _decline(self, offsets: Integers) -> Floats:
        days = self._settings.deterioration.days
        return np.asarray(np.clip((offsets - (self._settings.days - days) + 1) / days, 0.0, 1.0))

    def _shifts(self, day: date) -> Iterator[tuple[str, date, str, float, float, float]]:
        staffing = self._settings.staffing
        decline = float(self._decline(np.array([(day - self._settings.start).days]))[0])
        shrinkage = min(staffing.shrinkage_rate * (1 + self._settings.deterioration.shrinkage_increase * decline), 1.0)
        for name, shift in staffing.shifts.items():
            heads = shift.weekday_heads
            if day.weekday() >= 5:
                heads = shift.weekend_heads
            elif self._is_holiday(day):
                heads = shift.holiday_heads
            yield self.name, day, name, heads, shrinkage, heads * (1 - shrinkage)

    # ---- cases -------------------------------------------------------------------------------------------------------

    def _generated(self, window: Window) -> tuple[_Cases, _Events]:
        """The window's rows; the last window is kept, since cases() and events() are asked for one after the other."""
        if self._batch is None or self._batch[0] != window:
            self._batch = None
            self._batch = (window, *self._drawn(window))
        return self._batch[1], self._batch[2]

    def _drawn(self, window: Window) -> tuple[_Cases, _Events]:
        cases = self._draw_cases(window)
        return cases, self._draw_mess(cases, *self._draw_path(cases))

    def _batches(self, window: Window) -> Iterator[Window]:
        days = self._days(window)
        if days is None or not days.cases.any():
            return
        a_day = int(days.cases.max())
        first = max(window.start, self._settings.start)
        yield from Window(first, window.end).split(max(1, CASES_A_BATCH // a_day))

    def _draw_cases(self, window: Window) -> _Cases:
        days = self._days(window)
        if days is None:
            days = _Days(*(np.zeros(0, dtype) for dtype in (np.int64, np.int64, np.bool_, np.float64)))
        day = np.repeat(np.arange(len(days.numbers)), days.cases)
        first_of_day = np.cumsum(days.cases) - days.cases
        index = np.arange(len(day)) - first_of_day[day]
        keys = case_keys(self._settings.seed, days.numbers[day], index)
        return _Cases(
            keys=keys,
            day=days.numbers[day],
            index=index,
            is_closed_day=days.is_closed[day],
            decline=days.decline[day],
            intake=self._intakes(keys, days.numbers, day),
            tier=_chosen(_case_uniforms(keys, CaseStream.TIER), [tier.share for tier in self._settings.tiers.values()]),
            case_type=_chosen(
                _case_uniforms(keys, CaseStream.CASE_TYPE), [kind.share for kind in self._settings.case_types.values()]
            ),
        )

    def _intakes(self, keys: Bits, numbers: Integers, day: Integers) -> Integers:
        """UTC seconds of the intakes: a time on the desk's clock, moved by the zone's offset at that minute."""
        local = np.floor(self._times_of_day(_case_uniforms(keys, CaseStream.TIME_OF_DAY)) * DAY).astype(np.int64)
        offsets = np.empty(len(day), dtype=np.int64)
        first_of_day = np.searchsorted(day, np.arange(len(numbers) + 1))
        for at, number in enumerate(numbers):
            cases = slice(first_of_day[at], first_of_day[at + 1])
            offsets[cases] = self._utc_offsets(int(number))[local[cases] // MINUTE]
        return numbers[day] * DAY + local - offsets

    def _times_of_day(self, uniform: Floats) -> Floats:
        """Uniform numbers bent to the share of each stretch of the day; 0.5 is noon."""
        times = self._settings.time_of_day
        return np.asarray(np.interp(
            uniform,
            [0.0, times.before_opening_share, 1 - times.after_closing_share, 1.0],
            [0.0, times.opens_hour / 24, times.closes_hour / 24, 1.0],
        ))  # fmt: skip

    def _utc_offsets(self, number: int) -> Integers:
        """Seconds the desk's clock is ahead of UTC, for each minute of a local day."""
        midnight = datetime(1970, 1, 1, tzinfo=self._zone) + timedelta(days=number)
        first, last = midnight.utcoffset(), (midnight + ONE_DAY).utcoffset()
        if first == last and first is not None:
            return np.full(DAY // MINUTE, int(first.total_seconds()))
        offsets = ((midnight + timedelta(minutes=minute)).utcoffset() for minute in range(DAY // MINUTE))
        return np.array([int(offset.total_seconds()) for offset in offsets if offset is not None])

    # ---- the path of a case ------------------------------------------------------------------------------------------

    def _draw_path(self, cases: _Cases) -> tuple[Integers, Integers, Integers, Integers]:
        """Case, slot, sequence and true instant (UTC seconds) of every event."""
        walk = _Walk(cases, self._settings)
        walk.intake_to_investigation()
        walk.investigation()
        walk.to_the_end()
        longest = self.settles_after_days * DAY - DAY - self._settings.mess.late_delay.longest
        return walk.flattened(longest - self._settings.mess.duplicate_delay.longest)

    # ---- the mess in the log -----------------------------------------------------------------------------------------

    def _draw_mess(self, cases: _Cases, case: Integers, slot: Integers, sequence: Integers, at: Integers) -> _Events:
        mess = self._settings.mess
        keys = cases.keys[case]
        missing, shift = uniform_pairs(bits_for(keys, slot, EventStream.MISSING_AND_SHIFT))
        late, skew = uniform_pairs(bits_for(keys, slot, EventStream.LATE_AND_SKEW))
        duplicate, delay = uniform_pairs(bits_for(keys, slot, EventStream.DUPLICATE_AND_DELAY))
        is_missing = missing < mess.missing_event_ts_share
        is_shifted = (shift < mess.time_zone_shift_share) & ~is_missing
        is_late = late < mess.late_share
        is_skewed = (skew < mess.skewed_clock_share) & ~is_late

        def drawn(rows: Integers, stream: int) -> Floats:
            return uniforms(bits_for(keys[rows], slot[rows], stream))

        happened = at.copy()
        rows = np.flatnonzero(is_shifted)
        hours = np.array(mess.time_zone_shift_hours)
        happened[rows] -= hours[(drawn(rows, EventStream.SHIFT_HOURS) * len(hours)).astype(np.int64)] * HOUR
        ingested = at + _delays(delay, mess.ingestion_delay)
        rows = np.flatnonzero(is_late)
        ingested[rows] = at[rows] + _delays(drawn(rows, EventStream.MESS_DELAY), mess.late_delay)
        rows = np.flatnonzero(is_skewed)
        ingested[rows] = at[rows] - _delays(drawn(rows, EventStream.MESS_DELAY), mess.skewed_clock_lead)

        original = np.repeat(np.arange(len(case)), 1 + (duplicate < mess.duplicated_share))
        is_copy = np.zeros(len(original), dtype=np.bool_)
        is_copy[1:] = original[1:] == original[:-1]
        ingested = ingested[original]
        copies = np.flatnonzero(is_copy)
        ingested[copies] += _delays(drawn(original[copies], EventStream.DUPLICATE_DELAY), mess.duplicate_delay)
        case = case[original]
        first_row = np.searchsorted(case, np.arange(len(cases.keys)))
        return _Events(
            case=case,
            slot=slot[original],
            sequence=sequence[original],
            row=np.arange(1, len(case) + 1) - first_row[case],
            happened=happened[original],
            ingested=ingested,
            is_missing=is_missing[original],
            is_duplicate=is_copy,
            is_late=is_late[original],
            is_shifted=is_shifted[original],
        )

    # ---- as Arrow ----------------------------------------------------------------------------------------------------

    def _case_columns(self, cases: _Cases) -> list[pa.Array]:
        n = len(cases.keys)
        kinds = list(self._settings.case_types.values())
        team, _, agent, _ = self._owners(cases)
        return [
            pa.repeat(self.name, n),
            _fixed_width(_case_ids(cases)),
            pa.array(cases.day.astype(np.int32)).cast(pa.date32()),
            _instants(cases.intake),
            _words(cases.tier, list(self._settings.tiers)),
            _words(cases.case_type, list(self._settings.case_types)),
            _words(_chosen(_case_uniforms(cases.keys, CaseStream.PRIORITY), list(self._settings.priorities.values())),
                   list(self._settings.priorities)),
            _words(self._categories(cases), [category for kind in kinds for category in kind.categories]),
            _words(team, self._team_names()),
            _words(agent, self._agent_names()),
            pa.nulls(n, INSTANT),
            pa.nulls(n, INSTANT),
            pa.nulls(n, pa.bool_()),
        ]  # fmt: skip

    def _event_columns(self, cases: _Cases, events: _Events) -> list[pa.Array]:
        ids = _case_ids(cases)[events.case]
        status = _words(events.slot.astype(np.int16), [str(status) for status in STATUS_OF_SLOT])
        team, agent = self._event_owners(cases, events)
        return [
            pa.repeat(self.name, len(events.case)),
            _fixed_width(_event_ids(ids, events.row)),
            _fixed_width(ids),
            pa.array(cases.day.astype(np.int32)[events.case]).cast(pa.date32()),
            status,
            status,
            _instants(events.happened, events.is_missing),
            _instants(events.ingested),
            pa.array(events.sequence),
            pa.array(events.slot == Slot.REOPENING),
            pa.array(events.is_duplicate),
            pa.array(events.is_late),
            pa.array(events.is_shifted),
            _words(team, self._team_names()),
            _words(agent, self._agent_names()),
        ]

    def _categories(self, cases: _Cases) -> Small:
        """The case's category, numbered through all case types; NOBODY where it has none."""
        sizes = np.array([len(kind.categories) for kind in self._settings.case_types.values()])
        firsts = np.cumsum(sizes) - sizes
        uncategorised, choice = uniform_pairs(bits_for(cases.keys, Slot.CASE, CaseStream.CATEGORY))
        category = firsts[cases.case_type] + np.floor(choice * sizes[cases.case_type]).astype(np.int64)
        category[uncategorised < self._settings.path.uncategorised_share] = NOBODY
        return category.astype(np.int16)

    # ---- people ------------------------------------------------------------------------------------------------------

    def _team_names(self) -> list[str]:
        people = self._settings.people
        kinds = self._settings.case_types.values()
        own = [f"{kind.team} {tier}" for kind in kinds for tier in self._settings.tiers]
        return [people.intake_team, people.review_team, *own]

    def _agent_names(self) -> list[str]:
        return [f"agent-{number:04d}" for number in range(len(self._team_names()) * self._settings.people.agents_per_team)]

    def _owners(self, cases: _Cases) -> tuple[Small, Small, Small, Small]:
        """Team and team after an escalation (the last tier's), agent and agent after an escalation, of each case."""
        n_tiers = len(self._settings.tiers)
        team = 2 + cases.case_type * n_tiers + cases.tier
        escalated_team = 2 + cases.case_type * n_tiers + (n_tiers - 1)
        first, second = self._agent_pair(cases.keys, Slot.CASE)
        size = self._settings.people.agents_per_team
        return team, escalated_team, team * size + first, escalated_team * size + second

    def _agent_pair(self, keys: Bits, slot: int) -> tuple[Small, Small]:
        size = self._settings.people.agents_per_team
        first, second = uniform_pairs(bits_for(keys, slot, CaseStream.AGENTS))
        return (first * size).astype(np.int16), (second * size).astype(np.int16)

    def _event_owners(self, cases: _Cases, events: _Events) -> tuple[Small, Small]:
        """Team and agent of each event: the intake desk, then the case's own, after an escalation the last tier's."""
        size = self._settings.people.agents_per_team
        team, escalated_team, agent, escalated_agent = self._owners(cases)
        desk_agent, review_agent = self._agent_pair(cases.keys, Slot.INTAKE)
        n = len(cases.keys)
        # One table of owners by stage of the path, so that each event is a single look-up.
        stage_of_slot = np.array([0, 1, 2, 2, 2, 3, 3, 3, 3, 3, 4, 3, 3, 3, 3, 3])
        is_escalated = np.zeros(n, dtype=np.bool_)
        is_escalated[events.case[events.slot == Slot.ESCALATION]] = True
        late_team = np.where(is_escalated, escalated_team, team)
        late_agent = np.where(is_escalated, escalated_agent, agent)
        teams = np.stack([np.zeros(n), np.zeros(n), team, late_team, np.ones(n)]).astype(np.int16)
        agents = np.stack([np.full(n, NOBODY), desk_agent, agent, late_agent, size + review_agent]).astype(np.int16)
        place = stage_of_slot[events.slot] * n + events.case
        return teams.ravel()[place], agents.ravel()[place]


class _Walk:
    """The paths of all cases at once: `clock` is how many seconds after its intake each case has come."""

    def __init__(self, cases: _Cases, settings: SimulationSettings) -> None:
        self._keys = cases.keys
        self._cases = cases
        self._path = settings.path
        self._tiers = list(settings.tiers.values())
        self._clock = np.zeros(len(cases.keys))
        self._visited = np.zeros(len(cases.keys), dtype=np.int64)
        self._stops: list[tuple[Slot, Integers, Integers, Floats]] = []
        factors = np.array([kind.duration_factor for kind in settings.case_types.values()])
        # What comes in on a closed day is simpler for everyone; the kind of case and the decline burden the desk alone.
        self._customer_factor = np.where(cases.is_closed_day, settings.path.closed_day_factor, 1.0)
        self._desk_factor = self._customer_factor * factors[cases.case_type]
        self._desk_factor *= 1 + settings.deterioration.duration_increase * cases.decline

    def intake_to_investigation(self) -> None:
        everyone = np.arange(len(self._keys))
        self._visit(Slot.INTAKE, everyone)
        triaged = self._taking(Slot.TRIAGE, everyone, 1 - self._path.untriaged_share)
        self._pass(triaged, self._by_tier(Slot.TRIAGE, triaged, [tier.triage for tier in self._tiers]))
        self._visit(Slot.TRIAGE, triaged)
        self._pass(everyone, self._drawn(Slot.ASSIGNMENT, everyone, self._path.assignment))
        self._visit(Slot.ASSIGNMENT, everyone)
        self._pass(everyone, self._drawn(Slot.INVESTIGATION, everyone, self._path.pickup))
        self._visit(Slot.INVESTIGATION, everyone)

    def investigation(self) -> None:
        """The work, cut into equal parts by an escalation and by waits for the customer."""
        everyone = np.arange(len(self._keys))
        escalated = self._taking(Slot.ESCALATION, everyone, self._tier_shares("escalated_share"))
        waiting = self._taking(Slot.FIRST_WAIT, everyone, self._tier_shares("customer_wait_share"))
        waiting_twice = self._taking(Slot.SECOND_WAIT, waiting, self._path.second_customer_wait_share)
        parts = np.ones(len(self._keys))
        for detour in (escalated, waiting, waiting_twice):
            parts[detour] += 1
        part = self._work() / parts
        self._pass(escalated, part[escalated])
        self._visit(Slot.ESCALATION, escalated)
        self._pass(escalated, self._drawn(Slot.REASSIGNMENT, escalated, self._path.assignment))
        self._visit(Slot.REASSIGNMENT, escalated)
        self._wait(Slot.FIRST_WAIT, Slot.AFTER_FIRST_WAIT, waiting, part)
        self._wait(Slot.SECOND_WAIT, Slot.AFTER_SECOND_WAIT, waiting_twice, part)
        self._pass(everyone, part)

    def to_the_end(self) -> None:
        everyone = np.arange(len(self._keys))
        reviewed = self._taking(Slot.REVIEW, everyone, self._tier_shares("review_share"))
        self._visit(Slot.REVIEW, reviewed)
        self._pass(reviewed, self._drawn(Slot.REVIEW, reviewed, self._path.review))
        is_cancelled = np.zeros(len(self._keys), dtype=np.bool_)
        is_cancelled[self._taking(Slot.CANCELLATION, everyone, self._path.cancelled_share)] = True
        self._visit(Slot.CANCELLATION, np.flatnonzero(is_cancelled))
        resolved = np.flatnonzero(~is_cancelled)
        self._visit(Slot.RESOLUTION, resolved)
        reopened = self._taking(Slot.REOPENING, resolved, self._tier_shares("reopened_share"))
        silence = self._lognormal(Slot.REOPENING, reopened, [self._path.reopen_after], np.zeros(len(reopened), dtype=np.int16))
        self._pass(reopened, silence * self._customer_factor[reopened])
        self._visit(Slot.REOPENING, reopened)
        self._pass(reopened, self._drawn(Slot.REWORK, reopened, self._path.pickup))
        self._visit(Slot.REWORK, reopened)
        self._pass(reopened, self._drawn(Slot.SECOND_RESOLUTION, reopened, self._path.rework))
        self._visit(Slot.SECOND_RESOLUTION, reopened)

    def flattened(self, longest: int) -> tuple[Integers, Integers, Integers, Integers]:
        """Case, slot, sequence and instant (UTC seconds) of every event, in order of case and sequence.

        A case that would take more than `longest` seconds is shrunk to it as a whole, which keeps its order.
        """
        first = np.cumsum(self._visited) - self._visited
        total = int(self._visited.sum())
        case, slot, sequence, at = (np.empty(total, dtype=np.int64) for _ in range(4))
        shrink = np.minimum(1.0, longest / np.maximum(self._clock, 1.0))
        for where, rows, positions, clock in self._stops:
            to = first[rows] + positions
            case[to], slot[to], sequence[to] = rows, where, positions
            at[to] = self._cases.intake[rows] + np.rint(clock * shrink[rows]).astype(np.int64)
        return case, slot, sequence, at

    def _visit(self, slot: Slot, rows: Integers) -> None:
        self._stops.append((slot, rows, self._visited[rows], self._clock[rows]))
        self._visited[rows] += 1

    def _pass(self, rows: Integers, seconds: Floats) -> None:
        self._clock[rows] += seconds

    def _wait(self, slot: Slot, after: Slot, rows: Integers, part: Floats) -> None:
        self._pass(rows, part[rows])
        self._visit(slot, rows)
        is_long = uniforms(bits_for(self._keys[rows], slot, EventStream.LONG_WAIT)) < self._path.long_customer_wait_share
        waits = (self._path.customer_wait, self._path.long_customer_wait)
        self._pass(rows, self._lognormal(slot, rows, waits, is_long.astype(np.int16)) * self._customer_factor[rows])
        self._visit(after, rows)

    def _taking(self, slot: Slot, rows: Integers, share: float | Floats) -> Integers:
        """Those of the cases that go by this slot; the share is one number or one a case."""
        drawn = uniforms(bits_for(self._keys[rows], slot, EventStream.TAKEN))
        return rows[drawn < (share if isinstance(share, float) else share[rows])]

    def _tier_shares(self, field: str) -> Floats:
        return np.array([getattr(tier, field) for tier in self._tiers])[self._cases.tier]

    def _work(self) -> Floats:
        everyone = np.arange(len(self._keys))
        work = self._by_tier(Slot.CASE, everyone, [tier.work for tier in self._tiers])
        is_hard = _case_uniforms(self._keys, CaseStream.HARD) < self._tier_shares("hard_share")
        return np.where(is_hard, work * self._path.hard_work_factor, work)

    def _by_tier(self, slot: Slot, rows: Integers, durations: Sequence[Lognormal]) -> Floats:
        return self._lognormal(slot, rows, durations, self._cases.tier[rows]) * self._desk_factor[rows]

    def _drawn(self, slot: Slot, rows: Integers, duration: Lognormal) -> Floats:
        return self._lognormal(slot, rows, [duration], np.zeros(len(rows), dtype=np.int16)) * self._desk_factor[rows]

    def _lognormal(self, slot: Slot, rows: Integers, durations: Sequence[Lognormal], which: Small) -> Floats:
        """Seconds, one a row: a draw of durations[which]."""
        stream = CaseStream.WORK if slot is Slot.CASE else EventStream.DURATION
        logs = np.log([duration.median_minutes * MINUTE for duration in durations])
        sigmas = np.array([duration.sigma for duration in durations])
        return np.asarray(np.exp(logs[which] + sigmas[which] * normals(bits_for(self._keys[rows], slot, stream))))


# ---- helpers ---------------------------------------------------------------------------------------------------------


def _day_number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def _seconds(instant: datetime) -> int:
    """Whole seconds since 1970-01-01 UTC; an instant without a zone is UTC."""
    aware = instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


def _visible(cases: _Cases, events: _Events, as_of_at: datetime) -> Flags:
    """Rows ingested by then whose case has come in by then: a skewed clock may ingest an event before its case."""
    as_of = _seconds(as_of_at)
    return np.asarray((events.ingested <= as_of) & (cases.intake <= as_of)[events.case])


def _case_uniforms(keys: Bits, stream: CaseStream) -> Floats:
    return uniforms(bits_for(keys, Slot.CASE, stream))


def _chosen(uniform: Floats, shares: Sequence[float]) -> Small:
    """The number of the share each uniform number falls into."""
    return np.searchsorted(np.cumsum(shares)[:-1], uniform, side="right").astype(np.int16)


def _delays(uniform: Floats, delay: Delay) -> Integers:
    return delay.shortest + (uniform * (delay.longest - delay.shortest + 1)).astype(np.int64)


def _digits(text: npt.NDArray[np.uint8], first: int, width: int, numbers: Integers) -> None:
    """Writes numbers with leading zeros into columns first..first+width of a matrix of ASCII bytes."""
    rest = numbers.astype(np.int32)
    for column in range(first + width - 1, first - 1, -1):
        rest, digit = np.divmod(rest, 10)
        text[:, column] = digit + ord("0")


def _case_ids(cases: _Cases) -> npt.NDArray[np.bytes_]:
    """C20250701-000042: the intake date and the index in it."""
    text = np.empty((len(cases.keys), 16), dtype=np.uint8)
    text[:, 0], text[:, 9] = ord("C"), ord("-")
    dates = cases.day.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    month_number = months.astype(np.int64)  # since 1970-01
    year_month = (1970 + month_number // 12) * 100 + month_number % 12 + 1
    _digits(text, 1, 8, year_month * 100 + (dates - months).astype(np.int64) + 1)
    _digits(text, 10, 6, cases.index)
    return text.view("S16").ravel()


def _event_ids(case_ids: npt.NDArray[np.bytes_], rows: Integers) -> npt.NDArray[np.bytes_]:
    """C20250701-000042-03: the case and the number of the row among the case's rows."""
    text = np.empty((len(rows), 19), dtype=np.uint8)
    text[:, :16] = case_ids.view(np.uint8).reshape(-1, 16)
    text[:, 16] = ord("-")
    _digits(text, 17, 2, rows)
    return text.view("S19").ravel()


def _fixed_width(texts: npt.NDArray[np.bytes_]) -> pa.Array:
    """Texts of one length as an Arrow string column, without a Python object a row."""
    width = texts.dtype.itemsize
    offsets = np.arange(len(texts) + 1, dtype=np.int32) * np.int32(width)
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(texts)))


def _instants(seconds: Integers, is_null: Flags | None = None) -> pa.Array:
    return pa.array(seconds * 1_000_000, mask=is_null).cast(INSTANT)


def _words(codes: Small, words: list[str]) -> pa.Array:
    """The word of each code; NOBODY is NULL."""
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes == NOBODY), pa.array(words)).cast(pa.string())
