"""The oracle's intervals against a walk over every second."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from effort import IS_HOLD
from small_desk import takes_minutes
from walk import Wall, walked

from conformance import oracle
from conformance.calendar_hours import Calendars
from conformance.documents import KINDS
from conformance.generator import draw_document

#: A clock that is longer is not walked.
LONGEST_SECONDS = 120_000 if IS_HOLD else 60_000


class Changing:
    """The calendars of a clock, asked about one second at a time: which holds is read off the targets and changes again for each."""

    def __init__(self, walls: dict[str, Wall], case: Any, timeline: Any, row: Any, end: int) -> None:
        self.walls, self.case, self.timeline = walls, case, timeline
        self.last = None if row.promise.schedule_change == "in_force" else max(row.cycle.start, end - 1)
        self.counted_from = row.counted_from

    def at(self, second: int) -> Wall:
        second = max(second, self.counted_from) if self.last is None else self.last
        promise = None
        for since, candidate in self.timeline:
            if candidate is not None and (since <= second or promise is None):
                promise = candidate
        assert promise is not None
        schedule, changed = self.case.attributes.get("schedule"), False
        for change in sorted(self.case.changes, key=lambda change: (change.at, change.sequence)):
            if change.attribute == "schedule":
                changed = True
                schedule = change.value if change.at <= second else schedule
        return self.walls[(promise.is_on_case_schedule and changed and schedule) or promise.calendar]

    def kind(self, second: int) -> str:
        return self.at(second).kind(second)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=takes_minutes)])
def test_clocks_second_by_second(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    document = draw_document(7000 + seed, cases=60)
    rows: list[tuple[Any, ...]] = []
    judge = oracle.Oracle._judge

    def remembered(self: oracle.Oracle, case: Any, name: str, metric: Any, history: Any, row: Any, timeline: Any) -> Any:
        clock = judge(self, case, name, metric, history, row, timeline)
        rows.append((clock, case, timeline, history, row, metric))
        return clock

    monkeypatch.setattr(oracle.Oracle, "_judge", remembered)
    oracle.judge(document)
    walls = {name: Wall(calendar) for name, calendar in document.calendars["calendars"].items()}
    compared, by_changing_calendars = 0, 0
    for clock, case, timeline, history, row, metric in rows:
        until = document.as_of if clock.stopped_at is None else clock.stopped_at
        if clock.seconds is None or until - clock.started_at > LONGEST_SECONDS:
            continue
        pauses = [(begin, end) for begin, end, status in history.statuses if status in metric.get("pause", ())]
        wall = Changing(walls, case, timeline, row, until)
        seconds, due_at = walked(
            wall, clock.started_at, row.counted_from, until, list(row.cycle.counted), pauses,
            row.promise.target,
        )
        assert {kind: seconds[kind] for kind in KINDS} == clock.seconds, clock
        if clock.outcome == "breached":
            assert due_at == clock.due_at, clock
        compared += 1
        by_changing_calendars += len({wall.at(second).calendar["zone"] for second in range(clock.started_at, until, 60)}) > 1
    assert compared > 5
    assert by_changing_calendars > 0


@pytest.mark.parametrize("seed", range(20))
def test_calendars_second_by_second(seed: int) -> None:
    document = draw_document(9000 + seed, cases=1)
    draw = Random(seed)
    calendars = Calendars(document.calendars)
    for name, hours in ((name, calendars[name]) for name in calendars.calendars):
        wall = Wall(document.calendars["calendars"][name])
        first, last = hours.horizon
        for start in [first, last - 1980, *(draw.randrange(first, last - 90_000) // 60 * 60 for _ in range(2))]:
            minutes = range(start, min(start + 90_000, last), 60)
            kinds = [wall.kind(at) for at in minutes]
            assert [hours.open.between(at, at + 60) for at in minutes] == [60 * (kind == "open") for kind in kinds]
            assert [hours.holiday.between(at, at + 60) for at in minutes] == [60 * (kind == "holiday") for kind in kinds]


def test_when_the_open_seconds_are_reached() -> None:
    calendars = Calendars(draw_document(1, cases=1).calendars)
    for hours in (calendars[name] for name in calendars.calendars):
        for seconds in [1, 59, 60, 3600, hours.open.before(hours.horizon[1])]:
            at = hours.open.reached(seconds)
            assert at is not None
            assert hours.open.before(at) == seconds
            assert hours.open.before(at - 1) == seconds - 1
        assert hours.open.reached(hours.open.before(hours.horizon[1]) + 1) is None
