"""The default source: the simulated desk, as any other source offers its cases.

Belongs here: what is visible as of an instant, and the simulated cases, raw rows and shifts as Arrow tables. Does not
belong here: how they are drawn (simulated_desk.py, draws.py) and from what parameters (config/simulation.yml).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.simulation import SimulationSettings
from opsla_dagster.sources.base import CASES, EVENTS, INSTANT, PARTITION_STATES, REJECTED_ROWS, STAFFING, Source
from opsla_dagster.sources.draws import Bits, Integers, bits_for, uniform_pairs
from opsla_dagster.sources.simulated_desk import (
    STATUS_OF_SLOT,
    Cases,
    CaseStream,
    Drawn,
    Flags,
    Rows,
    SimulatedDesk,
    Slot,
    case_uniforms,
    chosen,
)
from opsla_dagster.window import Window

Texts = npt.NDArray[np.bytes_]

#: Stands for NULL among the codes of words.
NOBODY = -1
#: A run loads the cases of all its windows before the events of the first: so many drawn rows are kept from one to the other.
KEPT_ROWS = 2_000_000
#: C20250701-000042 and C20250701-000042-03.
CASE_ID_WIDTH, EVENT_ID_WIDTH = 16, 19


class SimulationSource(Source):
    """A simulated desk.

    `cases` overrides the configured number of cases over the window. `settles_after_days`: every row of a case is ingested
    within so many days of the local midnight that begins its intake date: a refresh need not look at older dates.
    The rows of one window are held in memory, about 50 bytes each, and up to KEPT_ROWS of windows whose cases were asked for and whose
    events were not yet; ask for large ranges window by window.
    """

    def __init__(self, name: str, settings: SimulationSettings, desk_timezone: str, cases: int | None = None) -> None:
        """Raises OpslaError when `cases` is negative or too large for the window."""
        self.name = name
        self.settles_after_days = settings.max_case_days
        self._settings = settings
        self._desk_timezone = desk_timezone
        self._n_cases = settings.cases if cases is None else cases
        if self._n_cases < 0:
            raise OpslaError(f"simulation: {self._n_cases} cases were asked for; expected 0 or more")
        self._desk = SimulatedDesk(settings, desk_timezone, self._n_cases)
        self._kept: dict[Window, tuple[Cases, Rows]] = {}

    def fingerprint(self) -> str:
        """Hash of every parameter, the number of cases and the desk's zone."""
        content = f"{self._settings.model_dump_json()}|{self._n_cases}|{self._desk_timezone}"
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def window(self, as_of_at: datetime | None = None) -> Window:
        """The configured window; days after it have cases too."""
        return Window(self._settings.start, self._settings.start + timedelta(days=self._settings.days))

    def cases(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema CASES: the cases whose intake lies at or before `as_of_at` (UTC)."""
        cases, rows = self._drawn(window)
        if len(rows.case) + sum(len(kept.case) for _, kept in self._kept.values()) <= KEPT_ROWS:
            self._kept[window] = cases, rows
        return self._case_table(_only(cases, cases.intake <= _seconds(as_of_at)))

    def events(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema EVENTS: the rows of visible cases that were ingested at or before `as_of_at` (UTC)."""
        cases, rows = self._drawn(window)
        # Ownership follows the whole path, so that a row never changes when an escalation becomes visible late.
        is_escalated = np.zeros(len(cases.key), dtype=np.bool_)
        is_escalated[rows.case[rows.slot == Slot.REASSIGNMENT]] = True
        return self._event_table(cases, _only(rows, _visible(cases, rows, as_of_at)), is_escalated)

    def staffing(self, window: Window) -> pa.Table:
        """Schema STAFFING: one row a date and shift, from the configured start on."""
        days = [day for day in window.dates() if day >= self._settings.start]
        shifts = [(day, *shift) for day in days for shift in self._desk.shifts(day)]
        return pa.Table.from_pylist([
            {"source": self.name, "staff_date": day, "shift": shift, "planned_heads": heads, "shrinkage_rate": rate,
             "effective_heads": heads * (1 - rate)}
            for day, shift, heads, rate in shifts
        ], STAFFING)  # fmt: skip

    def rejected_rows(self) -> pa.Table:
        """Schema REJECTED_ROWS: always empty, every simulated row can be used."""
        return REJECTED_ROWS.empty_table()

    def partition_states(self, window: Window, as_of_at: datetime) -> pa.Table:
        """Schema PARTITION_STATES. What is visible of a date only ever grows: the numbers of its rows are its digest."""
        states = []
        for cases, rows in self._desk.draw_batches(window):
            numbers, day = np.unique(cases.day, return_inverse=True)
            n_cases = np.bincount(day[cases.intake <= _seconds(as_of_at)], minlength=len(numbers))
            n_events = np.bincount(day[rows.case[_visible(cases, rows, as_of_at)]], minlength=len(numbers))
            states += [state for state in zip(numbers, n_cases, n_events, strict=True) if state[1]]
        return pa.Table.from_pylist([
            {"source": self.name, "intake_date": np.datetime64(number, "D").item(), "cases": n_cases, "events": n_events,
             "digest": f"{n_cases}:{n_events}"}
            for number, n_cases, n_events in ((int(a), int(b), int(c)) for a, b, c in states)
        ], PARTITION_STATES)  # fmt: skip

    def _drawn(self, window: Window) -> tuple[Cases, Rows]:
        """The window's cases and rows; what was kept of it is handed over."""
        kept = self._kept.pop(window, None)
        return self._desk.draw(window) if kept is None else kept

    # ---- Arrow -------------------------------------------------------------------------------------------------------

    def _case_table(self, cases: Cases) -> pa.Table:
        n = len(cases.key)
        settings = self._settings
        priority = chosen(case_uniforms(cases.key, CaseStream.PRIORITY), list(settings.priorities.values()))
        categories = [category for kind in settings.case_types.values() for category in kind.categories]
        team, agent = self._owners(cases)
        return pa.table([
            pa.repeat(self.name, n),
            _texts(_case_ids(cases)),
            _dates(cases.day),
            _instants(cases.intake),
            _words(cases.tier, list(settings.tiers)),
            _words(cases.case_type, list(settings.case_types)),
            _words(priority, list(settings.priorities)),
            _words(self._categories(cases), categories),
            _words(team, self._team_names()),
            _words(agent, self._agent_names()),
            *(pa.nulls(n, pa.string()) for _ in ("brand", "region", "channel", "customer", "tags", "merged_into", "initiated_by")),
            pa.nulls(n, INSTANT),
            pa.nulls(n, INSTANT),
            pa.nulls(n, pa.bool_()),
        ], schema=CASES)  # fmt: skip

    def _event_table(self, cases: Cases, rows: Rows, is_escalated: Flags) -> pa.Table:
        case_ids = _case_ids(cases)[rows.case]
        status = _words(rows.slot, [str(status) for status in STATUS_OF_SLOT])
        team, agent = self._row_owners(cases, rows, is_escalated)
        return pa.table([
            pa.repeat(self.name, len(rows.case)),
            _texts(_event_ids(case_ids, rows.number)),
            _texts(case_ids),
            _dates(cases.day[rows.case]),
            status,
            status,
            _instants(rows.recorded, rows.is_missing),
            _instants(rows.ingested),
            pa.array(rows.sequence.astype(np.int64)),
            pa.array(rows.slot == Slot.REOPENING),
            pa.array(rows.is_duplicate),
            pa.array(rows.is_late),
            pa.array(rows.is_shifted),
            _words(team, self._team_names()),
            _words(agent, self._agent_names()),
        ], schema=EVENTS)  # fmt: skip

    def _categories(self, cases: Cases) -> Integers:
        """The category, numbered through all case types; NOBODY where there is none."""
        sizes = np.array([len(kind.categories) for kind in self._settings.case_types.values()])
        firsts = np.cumsum(sizes) - sizes
        uncategorised, choice = uniform_pairs(bits_for(cases.key, Slot.CASE, CaseStream.CATEGORY))
        category = firsts[cases.case_type] + np.floor(choice * sizes[cases.case_type]).astype(np.int64)
        return np.where(uncategorised < self._settings.path.uncategorised_share, NOBODY, category)

    # ---- people ------------------------------------------------------------------------------------------------------

    def _team_names(self) -> list[str]:
        people = self._settings.people
        own = [f"{kind.team} {tier}" for kind in self._settings.case_types.values() for tier in self._settings.tiers]
        return [people.intake_team, people.review_team, *own]

    def _agent_names(self) -> list[str]:
        agents = len(self._team_names()) * self._settings.people.agents_per_team
        return [f"agent-{number:04d}" for number in range(agents)]

    def _agents(self, keys: Bits, stream: CaseStream) -> tuple[Integers, Integers]:
        """Two independent positions in a team."""
        size = self._settings.people.agents_per_team
        first, second = uniform_pairs(bits_for(keys, Slot.CASE, stream))
        return (first * size).astype(np.int16), (second * size).astype(np.int16)

    def _owners(self, cases: Cases) -> tuple[Integers, Integers]:
        """Team and agent of each case: the team of its type and tier."""
        team = (2 + cases.case_type.astype(np.int16) * len(self._settings.tiers) + cases.tier).astype(np.int16)
        return team, team * self._settings.people.agents_per_team + self._agents(cases.key, CaseStream.OWNERS)[0]

    def _row_owners(self, cases: Cases, rows: Rows, is_escalated: Flags) -> tuple[Integers, Integers]:
        """Team and agent of each row: the intake desk's, the case's own, after an escalation the last tier's, or QA's."""
        size = self._settings.people.agents_per_team
        team, agent = self._owners(cases)
        last_tier_team = team + np.int16(len(self._settings.tiers) - 1) - cases.tier
        last_tier_agent = last_tier_team * size + self._agents(cases.key, CaseStream.OWNERS)[1]
        desk_agent, review_agent = self._agents(cases.key, CaseStream.HELPERS)
        # One line of owners a stage of the path, so that each row is a single look-up.
        desk, own, later, review = 0, 1, 2, 3
        stage_of_slot = np.full(len(STATUS_OF_SLOT), later)
        stage_of_slot[: Slot.REASSIGNMENT] = own
        stage_of_slot[[Slot.INTAKE, Slot.TRIAGE]] = desk
        stage_of_slot[Slot.REVIEW] = review
        teams = np.stack([np.zeros_like(team), team, np.where(is_escalated, last_tier_team, team), np.ones_like(team)])
        agents = np.stack([desk_agent, agent, np.where(is_escalated, last_tier_agent, agent), size + review_agent])
        place = stage_of_slot[rows.slot] * len(team) + rows.case
        return teams.ravel()[place], np.where(rows.slot == Slot.INTAKE, np.int16(NOBODY), agents.ravel()[place])


def _seconds(instant: datetime) -> int:
    """Whole seconds since 1970-01-01 UTC; an instant without a zone is UTC."""
    aware = instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


def _visible(cases: Cases, rows: Rows, as_of_at: datetime) -> Flags:
    """Rows ingested by then whose case has come in by then: a skewed clock may ingest a row before its case came in."""
    as_of = _seconds(as_of_at)
    is_in = cases.intake <= as_of
    return np.asarray((rows.ingested <= as_of) & is_in[rows.case])


def _only(columns: Drawn, kept: Flags) -> Drawn:
    if kept.all():
        return columns
    return type(columns)(*(getattr(columns, field.name)[kept] for field in fields(columns)))


def _case_ids(cases: Cases) -> Texts:
    """C20250701-000042: the intake date and the index in it."""
    text = np.empty((len(cases.key), CASE_ID_WIDTH), dtype=np.uint8)
    text[:, 0], text[:, 9] = ord("C"), ord("-")
    date = cases.day.astype("datetime64[D]")
    month = date.astype("datetime64[M]")
    months = month.astype(np.int64)  # since 1970-01
    year_and_month = (1970 + months // 12) * 100 + months % 12 + 1
    _write_digits(text[:, 1:9], year_and_month * 100 + (date - month).astype(np.int64) + 1)
    _write_digits(text[:, 10:], cases.index)
    return text.view(f"S{CASE_ID_WIDTH}").ravel()


def _event_ids(case_ids: Texts, numbers: Integers) -> Texts:
    """C20250701-000042-03: the case and the number of the row among the case's rows."""
    text = np.empty((len(numbers), EVENT_ID_WIDTH), dtype=np.uint8)
    text[:, :CASE_ID_WIDTH] = case_ids.view(np.uint8).reshape(-1, CASE_ID_WIDTH)
    text[:, CASE_ID_WIDTH] = ord("-")
    _write_digits(text[:, CASE_ID_WIDTH + 1 :], numbers)
    return text.view(f"S{EVENT_ID_WIDTH}").ravel()


def _write_digits(text: npt.NDArray[np.uint8], numbers: Integers) -> None:
    """The numbers as ASCII digits with leading zeros, one column a digit."""
    rest = numbers.astype(np.int32)
    for column in reversed(range(text.shape[1])):
        rest, digit = np.divmod(rest, np.int32(10))
        text[:, column] = digit + ord("0")


def _texts(texts: Texts) -> pa.Array:
    """Texts of one length as an Arrow string column, without a Python object a row."""
    offsets = np.arange(len(texts) + 1, dtype=np.int32) * np.int32(texts.dtype.itemsize)
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(offsets), pa.py_buffer(texts))


def _dates(numbers: Integers) -> pa.Array:
    return pa.array(numbers.astype(np.int32)).cast(pa.date32())


def _instants(seconds: Integers, is_null: Flags | None = None) -> pa.Array:
    return pa.array(seconds * 1_000_000, mask=is_null).cast(INSTANT)


def _words(codes: Integers, words: Sequence[str]) -> pa.Array:
    """The word of each code; NOBODY is NULL."""
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes == NOBODY), pa.array(words)).cast(pa.string())
