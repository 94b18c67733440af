"""calendars.yml and the tables made of it: figures that can be checked by hand."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml

from opsla_dagster.calendars import business_time, calendar_days
from opsla_dagster.errors import OpslaError
from opsla_dagster.minute_spine import business_minutes
from opsla_dagster.settings import load_settings
from opsla_dagster.settings.base import read_document
from opsla_dagster.settings.calendars import CalendarsSettings
from opsla_dagster.window import Window

SHIPPED = Path(__file__).parents[2] / "config" / "calendars.yml"
MAIN_WINDOW = Window(date(2025, 7, 1), date(2025, 12, 28))


def settings_of(horizon: tuple[str, str] = ("2025-01-01", "2026-01-01"), **calendar: Any) -> CalendarsSettings:
    return CalendarsSettings.model_validate(
        {"horizon": {"start": horizon[0], "end": horizon[1]}, "calendars": {"desk": calendar}}
    )


def row_of(table: pa.Table, day: str) -> dict[str, Any]:
    return table.filter(pc.equal(table["calendar_date"], date.fromisoformat(day))).to_pylist()[0]


def open_seconds(settings: CalendarsSettings, start: str, end: str) -> int:
    """Open seconds between two UTC instants, summed over the segments."""
    lower, upper = datetime.fromisoformat(start), datetime.fromisoformat(end)
    total = timedelta()
    for row in business_time(settings).to_pylist():
        if row["is_open"]:
            total += max(min(row["segment_end_at"], upper) - max(row["segment_start_at"], lower), timedelta())
    return int(total.total_seconds())


@pytest.fixture(scope="module")
def shipped() -> CalendarsSettings:
    return read_document(SHIPPED, CalendarsSettings)


def test_the_shipped_desk_has_125_business_days_and_75000_minutes(shipped: CalendarsSettings) -> None:
    days = calendar_days(shipped, MAIN_WINDOW)
    assert days.num_rows == 180
    assert pc.sum(days["is_business_day"]).as_py() == 125
    assert pc.sum(days["open_seconds"]).as_py() == 75_000 * 60
    assert business_minutes(shipped, MAIN_WINDOW).num_rows == 75_000


def test_the_shipped_desk_keeps_its_four_holidays_in_every_year(shipped: CalendarsSettings) -> None:
    days = calendar_days(shipped, Window(date(2010, 1, 1), date(2036, 1, 1)))
    holidays = days.filter(days["is_holiday"])
    per_year: dict[int, set[str]] = {}
    for row in holidays.to_pylist():
        per_year.setdefault(row["calendar_date"].year, set()).add(row["holiday_name"].removesuffix(" (observed)"))
    wanted = {"Independence Day", "Labor Day", "Thanksgiving Day", "Christmas Day"}
    assert per_year == dict.fromkeys(range(2010, 2036), wanted)
    # 4 July 2026 is a Saturday: the Friday before is closed instead.
    assert row_of(days, "2026-07-03")["holiday_name"] == "Independence Day (observed)"
    assert not row_of(days, "2026-07-03")["is_business_day"]


def test_the_minute_spine_and_business_time_count_the_same(shipped: CalendarsSettings) -> None:
    spine = business_minutes(shipped, Window(date(2025, 10, 20), date(2025, 12, 28)))  # DST ends on 2025-11-02
    segments = business_time(shipped)
    connection = duckdb.connect()
    connection.register("spine", spine)
    connection.register("segments", segments)
    compared = connection.execute("""
        select count(*), sum(cast((minute_number - 1) * 60 <>
            open_seconds_before + (epoch_us(minute_start_at) - epoch_us(segment_start_at)) // 1000000 as integer))
        from spine join segments
          on utc_date = cast(minute_start_at as date) and is_open
         and minute_start_at >= segment_start_at and minute_start_at < segment_end_at
    """).fetchone()
    assert compared == (spine.num_rows, 0)


def test_one_day_of_the_spine_carries_the_numbers_it_has_in_the_whole(shipped: CalendarsSettings) -> None:
    whole = business_minutes(shipped, MAIN_WINDOW)
    day = business_minutes(shipped, Window(date(2025, 12, 26), date(2025, 12, 27)))
    assert day.equals(whole.filter(pc.equal(whole["business_date"], date(2025, 12, 26))))
    assert day.num_rows == 600


def test_business_day_numbers_do_not_depend_on_the_window(shipped: CalendarsSettings) -> None:
    whole = calendar_days(shipped, MAIN_WINDOW)
    day = calendar_days(shipped, Window(date(2025, 9, 2), date(2025, 9, 3)))
    assert day.to_pylist() == [row_of(whole, "2025-09-02")]
    assert row_of(whole, "2025-09-02")["business_day_number"] == row_of(whole, "2025-08-29")["business_day_number"] + 1


def test_a_range_of_weekdays_may_run_over_the_weekend() -> None:
    settings = settings_of(zone="UTC", hours={"sun-thu": ["08:00-18:00"]})
    days = calendar_days(settings, Window(date(2025, 7, 7), date(2025, 7, 14)))
    assert days["is_business_day"].to_pylist() == [True, True, True, True, False, False, True]


def test_a_lunch_gap_counts_for_nothing() -> None:
    settings = settings_of(zone="UTC", hours={"mon-fri": ["08:00-12:00", "13:00-17:00"]})
    assert open_seconds(settings, "2025-07-01T11:30", "2025-07-01T13:30") == 3600


def test_a_night_runs_into_the_next_date_and_a_holiday_closes_from_midnight_to_midnight() -> None:
    night = {"zone": "UTC", "hours": {"mon-thu": ["22:00-06:00"]}}
    plain = calendar_days(settings_of(**night), Window(date(2025, 7, 7), date(2025, 7, 14)))
    assert [seconds // 3600 for seconds in plain["open_seconds"].to_pylist()] == [2, 8, 8, 8, 6, 0, 0]
    closed = settings_of(**night, holidays=["2025-07-09"])
    days = calendar_days(closed, Window(date(2025, 7, 7), date(2025, 7, 14)))
    assert [seconds // 3600 for seconds in days["open_seconds"].to_pylist()] == [2, 8, 0, 8, 6, 0, 0]
    assert row_of(days, "2025-07-09")["holiday_name"] == "holiday"


def test_a_half_day_replaces_the_hours_of_its_date_even_of_a_holiday() -> None:
    settings = settings_of(
        zone="UTC", hours={"mon-fri": ["08:00-18:00"]},
        holidays=[{"from": "2025-12-24", "to": "2026-01-01", "name": "Shutdown"}],
        half_days=[{"date": "2025-12-24", "hours": ["08:00-12:00"]}],
    )
    days = calendar_days(settings, Window(date(2025, 12, 24), date(2026, 1, 1)))
    assert [seconds // 3600 for seconds in days["open_seconds"].to_pylist()] == [4, 0, 0, 0, 0, 0, 0, 0]
    assert row_of(days, "2025-12-24")["holiday_name"] is None
    assert row_of(days, "2025-12-27") | {"business_day_number": 0} == {
        "calendar": "desk", "calendar_date": date(2025, 12, 27), "iso_weekday": 6, "is_weekend": True,
        "is_holiday": True, "holiday_name": "Shutdown", "is_business_day": False, "open_seconds": 0,
        "business_day_number": 0,
    }


def test_always_open_is_calendar_time() -> None:
    settings = settings_of(zone="America/New_York", always_open=True)
    assert open_seconds(settings, "2025-01-01T00:00", "2026-01-01T00:00") == 365 * 86_400


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", "2025-03-09", 23),
        ("America/New_York", "2025-11-02", 25),
        ("Australia/Sydney", "2025-10-05", 23),
        ("Australia/Sydney", "2025-04-06", 25),
        ("Australia/Lord_Howe", "2025-10-05", 23.5),
        ("Asia/Kathmandu", "2025-03-09", 24),
    ],
)
def test_a_day_on_which_the_clocks_change_is_as_long_as_it_is(zone: str, day: str, hours: float) -> None:
    settings = settings_of(zone=zone, hours={"mon-sun": ["00:00-24:00"]})
    start = date.fromisoformat(day)
    days = calendar_days(settings, Window(start, start + timedelta(days=1)))
    assert days["open_seconds"].to_pylist() == [hours * 3600]


def test_a_date_that_a_zone_skipped_is_no_business_day() -> None:
    """Samoa went from 2011-12-29 straight to 2011-12-31."""
    settings = settings_of(("2011-12-01", "2012-02-01"), zone="Pacific/Apia", hours={"mon-sun": ["00:00-24:00"]})
    days = calendar_days(settings, Window(date(2011, 12, 29), date(2012, 1, 1)))
    assert days["open_seconds"].to_pylist() == [86_400, 0, 86_400]
    assert days["is_business_day"].to_pylist() == [True, False, True]


def test_subdivisions_have_holidays_of_their_own() -> None:
    desk = {"zone": "Europe/Berlin", "hours": {"mon-fri": ["09:00-17:00"]}}
    epiphany = Window(date(2025, 1, 6), date(2025, 1, 7))
    for codes, is_holiday in (({"country": "DE", "subdivision": "BY"}, True), ({"country": "DE"}, False)):
        days = calendar_days(settings_of(**desk, public_holidays=[codes]), epiphany)
        assert days["is_holiday"].to_pylist() == [is_holiday]


def test_segments_name_why_they_are_closed(shipped: CalendarsSettings) -> None:
    segments = business_time(shipped).to_pylist()
    of_day = [row for row in segments if row["local_date"] == date(2025, 7, 4)]
    assert {row["kind"] for row in of_day} == {"holiday"}
    kinds = [row["kind"] for row in segments if row["local_date"] == date(2025, 7, 3)]
    assert kinds == ["closed_hours", "open", "closed_hours", "closed_hours"]  # the last is split at UTC midnight


def test_five_calendars_over_five_years_take_less_than_a_second() -> None:
    zones = ["America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Sao_Paulo"]
    calendar = {"hours": {"mon-fri": ["08:00-12:00", "13:00-18:00"]}, "public_holidays": [{"country": "US"}]}
    settings = CalendarsSettings.model_validate({
        "horizon": {"start": "2021-01-01", "end": "2026-01-01"},
        "calendars": {zone: {"zone": zone, **calendar} for zone in zones},
    })
    business_time(settings)  # the first call imports
    started = time.process_time()
    business_time(settings)
    calendar_days(settings, Window(date(2021, 1, 1), date(2026, 1, 1)))
    assert time.process_time() - started < 1


def test_a_window_beyond_the_horizon_is_refused() -> None:
    settings = settings_of(zone="UTC", always_open=True)
    beyond = Window(date(2025, 12, 31), date(2026, 1, 2))
    for make in (calendar_days, business_minutes):
        with pytest.raises(OpslaError, match=r"horizon: covers 2025-01-01\.\.2025-12-31, but 2025-12-31\.\.2026-01-01"):
            make(settings, beyond)


DESK = """
horizon: {start: 2025-01-01, end: 2026-01-01}
calendars:
  desk:
    zone: America/New_York
    hours: {mon-fri: [08:00-18:00]}
"""


@pytest.mark.parametrize(
    ("found", "written", "message"),
    [
        ("zone: America/New_York", "zone: EST5", r"calendars\.desk\.zone: unknown time zone 'EST5'"),
        ("[08:00-18:00]", "[8-18]", r"calendars\.desk\.hours\.mon-fri: '8-18' is not an opening interval"),
        ("[08:00-18:00]", "[08:00-25:00]", r"hours\.mon-fri: '08:00-25:00': times of day lie between"),
        ("[08:00-18:00]", "[08:00-08:00]", r"'08:00-08:00' is empty"),
        ("[08:00-18:00]", "[08:00-12:00, 11:00-18:00]", r"calendars\.desk: the hours of mon overlap at 11:00"),
        ("mon-fri", "mon-fry", r"calendars\.desk\.hours\.mon-fry: 'mon-fry' is no weekday"),
        ("hours: {mon-fri: [08:00-18:00]}", "hours: {}", r"calendars\.desk: never open.* always_open: true$"),
        ("hours:", "always_open: true\n    hours:", r"calendars\.desk: always_open means 24x7 without exception"),
        ("hours:", "holidays: [2025-13-01]\n    hours:", r"calendars\.yml: line 6, column 16: not valid YAML: month must be in 1\.\.12"),
        ("hours:", "holidays: [someday]\n    hours:", r"calendars\.desk\.holidays\.0: .*found 'someday'"),
        ("hours:", "holidays: [{from: 2025-01-02}]\n    hours:", r"calendars\.desk\.holidays\.0: write a date"),
        ("hours:", "holidays: [{from: 2025-01-02, to: 2025-01-01}]\n    hours:", r"holidays\.0: to .* lies before"),
        (
            "hours:", "half_days: [{date: 2025-01-02, hours: [22:00-06:00]}]\n    hours:",
            r"half_days\.0\.hours: '22:00-06:00' runs past midnight",
        ),
        ("hours:", "public_holidays: [{country: ZZ}]\n    hours:", r"calendars\.desk\.public_holidays\.0\.country: .*ZZ.*ISO 3166.*; found 'ZZ'$"),
        (
            "hours:", "public_holidays: [{country: US, only: [Labour Day]}]\n    hours:",
            r"public_holidays\.0\.only\.0: no holiday of US is called so; known: .*Labor Day.*; found 'Labour Day'$",
        ),
        (
            "hours:", "public_holidays: [{country: US, subdivision: Teksas}]\n    hours:",
            r"calendars\.desk\.public_holidays\.0\.subdivision: .*Teksas.*; found 'Teksas'$",
        ),
        (
            "hours:", "public_holidays: [{country: US, state: TX}]\n    hours:",
            r"calendars\.desk\.public_holidays\.0\.state: no such setting; known here: country, subdivision, observed, only, categories, half_day_hours$",
        ),
        ("calendars:", "default: desk\ncalendars:", r"default: no such setting"),
        ("end: 2026-01-01", "end: 2025-01-01", r"horizon: end 2025-01-01 must lie after start 2025-01-01"),
        ("start: 2025-01-01", "start: 1900-01-01", r"horizon: write dates between the years 1980 and 2100"),
        ("zone:", "opening: x\n    zone:", r"calendars\.desk\.opening: no such setting"),
        ("zone: America/New_York\n", "\n", r"calendars\.desk\.zone: is required$"),
    ],
)
def test_a_mistake_is_named_by_its_path(tmp_path: Path, found: str, written: str, message: str) -> None:
    path = tmp_path / "calendars.yml"
    path.write_text(DESK.replace(found, written, 1), encoding="utf-8")
    with pytest.raises(OpslaError, match=message) as caught:
        read_document(path, CalendarsSettings)
    assert "calendars.yml" in str(caught.value)


def test_what_never_closes_needs_no_zone(tmp_path: Path) -> None:
    path = tmp_path / "calendars.yml"
    path.write_text(f"{DESK}  always: {{always_open: true}}\n  oslo: {{always_open: true, zone: Europe/Oslo}}\n", encoding="utf-8")
    calendars = read_document(path, CalendarsSettings).calendars
    assert (calendars["always"].zone, calendars["oslo"].zone) == ("UTC", "Europe/Oslo")


@pytest.mark.parametrize(
    ("found", "written", "message"),
    [
        ("  desk:", "  office:", r"calendars\.yml: calendars: none is called 'desk', which is the desk's own; known: office$"),
        ("America/New_York", "America/Chicago", r"calendars\.desk\.zone: 'America/Chicago' is not the desk's zone 'America/New_York'"),
    ],
)
def test_the_desk_has_a_calendar_in_its_own_zone(tmp_path: Path, found: str, written: str, message: str) -> None:
    config = tmp_path / "config"
    shutil.copytree(SHIPPED.parent, config)
    (config / "calendars.yml").write_text(DESK.replace(found, written), encoding="utf-8")
    with pytest.raises(OpslaError, match=message):
        load_settings(config, tmp_path)


def test_who_changes_the_desk_s_zone_is_told_of_the_zone_in_which_stamps_are_read(tmp_path: Path) -> None:
    config = tmp_path / "config"
    shutil.copytree(SHIPPED.parent, config)
    log = {
        "type": "event_log", "name": "desk", "files": "log.csv", "time": {"timezone": "UTC"}, "statuses": {"New": "INTAKE"},
        "columns": {"case_id": "number", "status": "state", "event_ts": "at"},
    }  # fmt: skip
    (config / "sources.yml").write_text(yaml.safe_dump({"desk": {"timezone": "UTC", "start_date": "2025-07-01"}, "sources": [log]}), encoding="utf-8")
    with pytest.raises(OpslaError, match=r"keep a zone of their own \(sources\.0\.time\.timezone is UTC\): where it was only assumed, change it as well$"):
        load_settings(config, tmp_path)


# ---------------------------------------------------------------- make-up working days and half holidays


def hours_of(settings: CalendarsSettings, *days: str) -> list[float]:
    """Open hours of the dates, by the segments and by the minute spine, which agree."""
    found = []
    for day in map(date.fromisoformat, days):
        window = Window(day, day + timedelta(days=1))
        (seconds,) = calendar_days(settings, window)["open_seconds"].to_pylist()
        assert business_minutes(settings, window).num_rows * 60 == seconds
        found.append(seconds / 3600)
    return found


WEEK = {"zone": "UTC", "hours": {"mon-wed": ["09:00-18:00"], "thu": ["09:00-13:00"], "fri": ["10:00-16:00"]}}


def test_a_make_up_day_of_the_library_has_the_hours_of_the_weekday_it_replaces() -> None:
    """Tuesday 4 February was off for Saturday the 8th, Monday the 3rd for Sunday 26 January; Wednesday 8 October for Saturday the 11th."""
    settings = settings_of(**WEEK, public_holidays=[{"country": "CN"}])
    assert hours_of(settings, "2025-02-03", "2025-02-04", "2025-02-08", "2025-01-26", "2025-10-08", "2025-10-11", "2025-10-12") == [0, 0, 9, 9, 0, 9, 0]
    row = row_of(calendar_days(settings, Window(date(2025, 10, 11), date(2025, 10, 12))), "2025-10-11")
    assert (row["is_business_day"], row["is_weekend"], row["is_holiday"], row["holiday_name"]) == (True, True, False, None)


def test_a_friday_off_is_made_up_for_with_the_hours_of_a_friday() -> None:
    """Hungary: Friday 2 May 2025 was off for Saturday 17 May; 24 October for 18 October; Wednesday 24 December for 13 December."""
    settings = settings_of(**WEEK, public_holidays=[{"country": "HU"}])
    assert hours_of(settings, "2025-05-02", "2025-05-17", "2025-10-18", "2025-12-13") == [0, 6, 6, 9]


def test_a_make_up_day_is_none_where_the_desk_is_closed_on_the_weekday_it_replaces() -> None:
    settings = settings_of(zone="UTC", hours={"mon-tue": ["09:00-18:00"], "sat": ["10:00-12:00"]}, public_holidays=[{"country": "CN"}])
    assert hours_of(settings, "2025-10-11") == [2]


def test_what_the_calendar_lists_wins_over_the_library() -> None:
    usual = {**WEEK, "public_holidays": [{"country": "CN"}]}
    assert hours_of(settings_of(**usual, holidays=["2025-10-11"]), "2025-10-11") == [0]
    assert hours_of(settings_of(**usual, half_days=[{"date": "2025-10-11", "hours": ["09:00-10:00"]}]), "2025-10-11") == [1]
    assert hours_of(settings_of(**usual, working_days=[{"date": "2025-10-11", "hours": ["09:00-11:00"]}]), "2025-10-11") == [2]
    picked = settings_of(**WEEK, public_holidays=[{"country": "CN", "only": ["National Day"]}])
    assert hours_of(picked, "2025-10-11", "2025-10-01") == [0, 0], "holidays that are picked by name bring no make-up days"


def test_a_working_day_opens_a_weekend_and_a_holiday() -> None:
    settings = settings_of(**WEEK, holidays=["2025-12-25"], working_days=["2025-12-25", "2025-12-27", {"date": "2025-12-28", "hours": ["10:00-11:30"]}])
    assert hours_of(settings, "2025-12-25", "2025-12-27", "2025-12-28") == [9, 9, 1.5]


def test_half_holidays_of_the_library_have_the_hours_that_are_named() -> None:
    """Estonia: 23 December is a shortened day; on a Sunday it stays closed (2029)."""
    public = {"country": "EE", "categories": ["public", "half_day"], "half_day_hours": ["09:00-13:00"]}
    settings = settings_of(("2025-01-01", "2030-01-01"), **WEEK, public_holidays=[public])
    assert hours_of(settings, "2025-12-23", "2025-12-25", "2029-12-23") == [4, 0, 0]
    assert hours_of(settings_of(**WEEK, public_holidays=[{"country": "EE"}]), "2025-12-23") == [9]


@pytest.mark.parametrize(
    ("calendar", "message"),
    [
        ({"public_holidays": [{"country": "EE", "categories": ["public", "half_day"]}]}, "half holidays want both"),
        ({"public_holidays": [{"country": "EE", "half_day_hours": ["09:00-13:00"]}]}, "half holidays want both"),
        ({"public_holidays": [{"country": "FI", "categories": ["public", "workday"]}]}, "workday are working days"),
        ({"public_holidays": [{"country": "DE", "categories": ["half_day"], "half_day_hours": ["09:00-13:00"]}]}, "the library knows .*catholic.*public.* for DE; half days that it does not know go into half_days"),
        ({"working_days": ["2025-10-11", "2025-10-11"]}, "working_days: 2025-10-11 is listed twice"),
        ({"working_days": ["2025-10-11"], "half_days": [{"date": "2025-10-11", "hours": ["09:00-10:00"]}]}, "also among the half_days"),
    ],
)
def test_a_day_that_is_said_twice_or_halfway_is_refused(calendar: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        settings_of(**WEEK, **calendar)


def test_one_country_is_imported_without_the_others_and_gives_the_same_days() -> None:
    """In processes of their own: what is imported stays so. Puerto Rico's module builds on that of the United States."""
    program = """if True:
        import sys
        import holidays
        from opsla_dagster.settings.holiday_library import country_holidays
        ask = country_holidays if sys.argv[1] == "alone" else holidays.country_holidays
        for country in ("US", "DE", "CN", "PR", "GB"):
            found = ask(country, years=range(2024, 2027))
            print(country, sorted((day, found.get_list(day)) for day in found))
            if country == "CN":
                print("all countries" if "holidays.countries" in sys.modules else "three countries", file=sys.stderr)
    """
    alone, whole = (
        subprocess.run([sys.executable, "-c", program, how], capture_output=True, text=True, check=True) for how in ("alone", "whole")
    )
    assert alone.stdout == whole.stdout
    assert (alone.stderr, whole.stderr) == ("three countries\n", "all countries\n")
