"""Business time against a naive walk: one second after the other, each asked of the wall clock.

The walk (naive_calendar.py) shares no code with the package, not even the reading of opening hours.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, datetime, timedelta
from typing import Any

from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_calendar import WEEKDAYS, Walk

from opsla_dagster.calendars import business_time, calendar_days
from opsla_dagster.minute_spine import business_minutes
from opsla_dagster.settings.calendars import CalendarsSettings
from opsla_dagster.window import Window

ZONES = [
    "UTC", "America/New_York", "America/St_Johns", "America/Sao_Paulo", "Europe/Berlin", "Africa/Casablanca",
    "Asia/Kathmandu", "Asia/Kolkata", "Australia/Lord_Howe", "Australia/Sydney", "Pacific/Auckland",
    "Pacific/Chatham", "Pacific/Kiritimati", "Pacific/Apia", "Asia/Gaza", "America/Havana",
]
# Horizons of ten days around the days on which clocks change somewhere, and some on which none does.
STARTS = [
    date(2025, 3, 3), date(2025, 3, 25), date(2025, 4, 1), date(2025, 9, 28), date(2025, 10, 25), date(2025, 6, 1),
    date(2011, 12, 24), date(2025, 12, 25),
]
DAYS = 10


def clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


@st.composite
def day_intervals(draw: st.DrawFn) -> list[str]:
    """Disjoint intervals of one date."""
    cuts = draw(st.lists(st.integers(0, 1440), min_size=2, max_size=6, unique=True).map(sorted))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    return [f"{clock(start)}-{clock(end)}" for start, end in pairs]


@st.composite
def calendars(draw: st.DrawFn) -> dict[str, Any]:
    zone = draw(st.sampled_from(ZONES))
    if draw(st.integers(0, 9)) == 0:
        return {"zone": zone, "always_open": True}
    start = draw(st.sampled_from(STARTS))
    near = st.integers(-1, DAYS).map(lambda offset: start + timedelta(days=offset))
    if draw(st.booleans()):
        begin, end = draw(st.integers(720, 1439)), draw(st.integers(0, 700))
        hours: dict[str, Any] = {"mon-sun": [f"{clock(begin)}-{clock(end)}"]}  # every night, also of working Sundays
    else:
        hours = {day: draw(day_intervals()) for day in draw(st.sets(st.sampled_from(WEEKDAYS), min_size=1))}
    half_days = sorted(draw(st.sets(near, max_size=2)))
    return {
        "zone": zone,
        "hours": hours,
        "holidays": sorted(draw(st.sets(near, max_size=3))),
        "half_days": [{"date": day, "hours": draw(day_intervals())} for day in half_days],
        "working_days": [
            {"date": day, "hours": draw(day_intervals())} for day in sorted(draw(st.sets(near, max_size=2))) if day not in half_days
        ],
    }


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    start = draw(st.sampled_from(STARTS))
    return {
        "horizon": {"start": start, "end": start + timedelta(days=DAYS)},
        "calendars": {"desk": draw(calendars()), "b": draw(calendars())},
    }


class Segments:
    """F as the SQL reads it, from the rows of business_time."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.starts = [row["segment_start_at"] for row in rows]

    def open_seconds_until(self, moment: datetime) -> int:
        row = self.rows[bisect_right(self.starts, moment) - 1]
        inside = int((moment - row["segment_start_at"]).total_seconds()) if row["is_open"] else 0
        return int(row["open_seconds_before"]) + inside

    def instant_after(self, seconds: int) -> datetime | None:
        """The first instant at which more than `seconds` would be open: the inverse of F."""
        for row in self.rows:
            length = int((row["segment_end_at"] - row["segment_start_at"]).total_seconds()) if row["is_open"] else 0
            if row["open_seconds_before"] <= seconds < row["open_seconds_before"] + length:
                return row["segment_start_at"] + timedelta(seconds=seconds - row["open_seconds_before"])
        return None


@settings(max_examples=examples(30), deadline=None)
@given(document=documents(), data=st.data())
def test_business_time_is_the_walk(document: dict[str, Any], data: st.DataObject) -> None:
    parsed = CalendarsSettings.model_validate(document)
    table = business_time(parsed).to_pylist()
    start = document["horizon"]["start"]
    midnight = datetime(start.year, start.month, start.day)
    seconds = st.integers(0, DAYS * 86_400 - 1)
    for name, calendar in document["calendars"].items():
        rows = [row for row in table if row["calendar"] == name]
        walk, segments = Walk(calendar, start, DAYS), Segments(rows)

        assert rows[0]["segment_start_at"] == midnight
        assert rows[-1]["segment_end_at"] == midnight + timedelta(days=DAYS)
        for row, following in zip(rows, [*rows[1:], None], strict=True):
            assert row["segment_start_at"] < row["segment_end_at"]
            assert row["utc_date"] == row["segment_start_at"].date()
            assert row["segment_end_at"] <= datetime(*row["utc_date"].timetuple()[:3]) + timedelta(days=1)
            assert row["local_date"] == walk.wall(row["segment_start_at"]).date()
            assert row["is_open"] == (row["kind"] == "open")
            if following is not None:
                assert row["segment_end_at"] == following["segment_start_at"]
                assert row["open_seconds_before"] <= following["open_seconds_before"]
            if row["kind"] == "holiday":
                assert row["local_date"] in calendar["holidays"]

        # Every segment edge and random seconds between them.
        edges = [int((row["segment_start_at"] - midnight).total_seconds()) for row in rows]
        for second in [*edges, *data.draw(st.lists(seconds, min_size=10, max_size=30))]:
            moment = midnight + timedelta(seconds=second)
            assert segments.open_seconds_until(moment) == walk.open_seconds_until(second)
            elapsed = segments.open_seconds_until(moment)
            found = segments.instant_after(elapsed)
            if found is not None:  # the same instant, or the next opening when closed
                assert found >= moment
                assert walk.open_seconds_until(int((found - midnight).total_seconds())) == elapsed


@settings(max_examples=examples(15), deadline=None)
@given(document=documents())
def test_days_and_the_minute_spine_are_the_walk(document: dict[str, Any]) -> None:
    parsed = CalendarsSettings.model_validate(document)
    start = document["horizon"]["start"]
    walk = Walk(document["calendars"]["desk"], start, DAYS)
    spine = business_minutes(parsed, parsed.horizon.window)
    opened = [walk.start + timedelta(minutes=minute) for minute, is_open in enumerate(walk.is_open) if is_open]
    # A local date at the edge may lie outside the UTC horizon, or begin before it.
    opened = [moment for moment in opened if walk.wall(moment).date() in parsed.horizon.window]
    assert spine["minute_start_at"].to_pylist() == opened
    assert spine["business_date"].to_pylist() == [walk.wall(moment).date() for moment in opened]
    assert [60 * number for number in spine["minute_number"].to_pylist()] == [
        walk.before[int((moment - walk.start).total_seconds()) // 60 + 1] for moment in opened
    ]

    inner = Window(start + timedelta(days=1), start + timedelta(days=DAYS - 2))
    days = calendar_days(parsed, inner).to_pylist()
    for row in days:
        if row["calendar"] == "desk":
            minutes = [moment for moment in opened if walk.wall(moment).date() == row["calendar_date"]]
            assert row["open_seconds"] == 60 * len(minutes)
            assert row["is_business_day"] == bool(minutes)
