"""The oracle's intervals against a walk over every second."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from walk import Wall, walked

from conformance import oracle
from conformance.calendar_hours import Calendars
from conformance.documents import KINDS
from conformance.generator import draw_document

#: A clock that is longer is not walked.
LONGEST_SECONDS = 120_000


@pytest.mark.parametrize("seed", range(2))
def test_clocks_second_by_second(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    document = draw_document(7000 + seed, cases=60)
    rows: list[tuple[Any, ...]] = []
    judge = oracle.Oracle._judge

    def remembered(self: oracle.Oracle, case: Any, name: str, metric: Any, history: Any, row: Any) -> Any:
        clock = judge(self, case, name, metric, history, row)
        rows.append((clock, history, row, metric))
        return clock

    monkeypatch.setattr(oracle.Oracle, "_judge", remembered)
    oracle.judge(document)
    walls = {name: Wall(calendar) for name, calendar in document.calendars["calendars"].items()}
    compared = 0
    for clock, history, row, metric in rows:
        until = document.as_of if clock.stopped_at is None else clock.stopped_at
        if clock.seconds is None or until - clock.started_at > LONGEST_SECONDS:
            continue
        pauses = [(begin, end) for begin, end, status in history.statuses if status in metric.get("pause", ())]
        seconds, due_at = walked(
            walls[row.promise.calendar], clock.started_at, row.counted_from, until, list(row.cycle.runs), pauses,
            row.promise.target,
        )
        assert {kind: seconds[kind] for kind in KINDS} == clock.seconds, clock
        if clock.outcome == "breached":
            assert due_at == clock.due_at, clock
        compared += 1
    assert compared > 5


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
