"""Which columns of a log `opsla init` takes for stamps, in which forms, of which zone."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.zones import fixed_zone_warning, likely_place
from opsla_dagster.starting.asking import Asking
from opsla_dagster.starting.proposing import LogProposal, Told, propose
from opsla_dagster.starting.sniffing import sniffed

NOBODY = Asking(Console(quiet=True), is_allowed=False)


def proposal(directory: Path, rows: Sequence[str], header: str = "Ticket,State,Changed at", **told: Any) -> LogProposal:
    path = directory / "log.csv"
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    with sniffed([path], told.get("timezone")) as log:
        return propose(log, Told(**{"timezone": "UTC", **told}), NOBODY)


def changes(*stamps: str) -> list[str]:
    """One case, a record a stamp."""
    return [f'T1,{("Open", "Working", "Solved")[number % 3]},"{stamp}"' for number, stamp in enumerate(stamps)]


@pytest.mark.parametrize(
    ("stamps", "time_format"),
    [
        (["1751907600", "1751911200", "1751914800.5"], "epoch_s"), (["1751907600000000", "1751911200000000"], "epoch_us"),
        (["45845,375", "45845,5"], "serial"), (["20250707090000", "20250708090000"], "%Y%m%d%H%M%S"),
        (["07-Jul-25 09:00", "08-Jul-25 09:00"], "%d-%b-%y %H:%M"), (["7. M\u00e4rz 2025 09:00", "8. Mai 2025 09:00"], "%d. %b %Y %H:%M"),
        (["7/13/2025, 9:05\u202fAM", "7/14/2025, 9:05\u202fPM"], "%m/%d/%Y, %I:%M %p"), (["13/7/2025 9:05 a. m.", "14/7/2025 9:05 p. m."], "%d/%m/%Y %I:%M %p"),
        (["13.07.2025 09.05", "14.07.2025 09.05"], "%d.%m.%Y %H.%M"), (["2025\u5e747\u67087\u65e5 9:05", "2025\u5e747\u67088\u65e5 9:05"], "%Y-%m-%d %H:%M"),
        (["Mon Jul  7 09:00:00 2025", "Tue Jul  8 09:00:00 2025"], "%b %d %Y %H:%M:%S"), (["2025-07-07T09:00:00,5z", "2025-07-08T09:00:00z"], "iso"),
        (["2025-07-07 09:00:00,123", "2025-07-07 09:00:00.123"], "iso"),
    ],
)  # fmt: skip
def test_forms_are_recognised(tmp_path: Path, stamps: list[str], time_format: str) -> None:
    assert proposal(tmp_path, changes(*stamps)).time_format == time_format


def test_ids_that_could_be_stamps_are_none_beside_real_ones(tmp_path: Path) -> None:
    rows = ["1751907600,Open,2025-07-07 09:00", "1751907600,Solved,2025-07-07 10:00", "1751907601,Open,2025-07-07 10:00"]
    found = proposal(tmp_path, rows)
    assert (found.columns["case_id"], found.columns["event_ts"], found.time_format) == ("Ticket", "Changed at", "iso")


def test_two_forms_in_one_column_are_told_with_counts(tmp_path: Path) -> None:
    found = proposal(tmp_path, changes("2025-07-07 09:00", "13/07/2025 10:00", "14/07/2025 10:00"))
    assert found.time_format == ("%d/%m/%Y %H:%M", "iso")
    assert "Changed at is written in 2 forms: 2 as %d/%m/%Y %H:%M, 1 as iso." in found.notes


def test_day_and_month_in_each_others_place_are_never_two_forms(tmp_path: Path) -> None:
    found = proposal(tmp_path, changes(*(f"{day}/07/2025 10:00" for day in range(13, 28)), "07/28/2025 10:00"))
    assert found.time_format == "%d/%m/%Y %H:%M"
    assert any("1 record whose Changed at cannot be read, to be rejected: '07/28/2025 10:00'" in note for note in found.notes)


def test_serial_dates_among_texts_with_the_day_first_are_not_taken(tmp_path: Path) -> None:
    """A spreadsheet has read them with day and month in each other's place, where it could."""
    found = proposal(tmp_path, changes(*(f"{day}/07/2025 10:00" for day in range(13, 28)), "45845.5"))
    assert found.time_format == "%d/%m/%Y %H:%M"


def test_the_form_is_that_of_the_event_though_other_columns_have_more_stamps(tmp_path: Path) -> None:
    rows = [
        f"T{number},{state},{number % 9 + 13}/07/2025 {hour},2025-07-{number % 9 + 10} 09:00,2025-08-01 09:00,2025-08-02 09:00"
        for number in range(9) for state, hour in (("Open", "10:00"), ("Solved", "11:00"))
    ]  # fmt: skip
    found = proposal(tmp_path, rows, "Ticket,State,Changed at,Planned,Exported,Reviewed")
    assert (found.columns["event_ts"], found.time_format) == ("Changed at", "%d/%m/%Y %H:%M")


def test_another_stamp_of_the_case_may_have_a_form_of_its_own(tmp_path: Path) -> None:
    rows = ["T1,Open,2025-07-07 09:00,30/04/2025 10:00", "T1,Solved,2025-07-07 10:00,30/04/2025 10:00"]
    found = proposal(tmp_path, rows, "Ticket,State,Changed at,Opened")
    assert (found.time_format, found.columns["intake_ts"], found.start_date) == (("iso", "%d/%m/%Y %H:%M"), "Opened", date(2025, 4, 30))
    unsure = proposal(tmp_path, [row.replace("30/04", "03/04") for row in rows], "Ticket,State,Changed at,Opened")
    assert (unsure.time_format, "intake_ts" in unsure.columns) == ("iso", False)
    assert any("Opened: every stamp can be read with the day first and with the month first; not used" in note for note in unsure.notes)


# ---------------------------------------------------------------- two columns


@pytest.mark.parametrize(
    ("header", "cells", "joined", "time_format"),
    [
        ("Ticket,State,Date,Time", [("2025-07-07", "09:00"), ("2025-07-08", "16:00")], "Date + Time", "iso"),
        ("Ticket,State,Datum,Uhrzeit", [("13.7.2025", "9:00"), ("14.7.2025", "16:00")], "Datum + Uhrzeit", "%d.%m.%Y %H:%M"),
        ("Ticket,State,ChangedDate,ChangedTime", [("7/13/2025", "9:00 AM"), ("7/14/2025", "4:00 PM")], "ChangedDate + ChangedTime", "%m/%d/%Y %I:%M %p"),
        ("Ticket,State,Data,Hora", [("2025-07-07 00:00:00", "1899-12-30 09:00:00"), ("2025-07-08 00:00:00", "1899-12-30 16:00:00")], "Data + Hora", "iso"),
        ("Ticket,State,Date,Time", [("45845", "0.375"), ("45846", "0.6666666667")], "Date + Time", "serial"),
        ("Ticket,State,Change date,Change time,Due date", [("2025-07-07", "09:00,2025-08-01"), ("2025-07-08", "16:00,2025-08-01")], "Change date + Change time", "iso"),
    ],
)  # fmt: skip
def test_a_date_and_its_time_of_day_are_one_stamp(tmp_path: Path, header: str, cells: list[tuple[str, str]], joined: str, time_format: str) -> None:
    rows = [f"T1,{state},{day},{time}" for state, (day, time) in zip(("Open", "Solved"), cells, strict=True)]
    found = proposal(tmp_path, rows, header)
    assert (found.columns["event_ts"], found.time_format, found.start_date.month) == (joined, time_format, 7)
    assert found.joined[joined] == tuple(joined.split(" + "))


def test_a_duration_is_no_time_of_day_of_a_date(tmp_path: Path) -> None:
    rows = ["T1,Open,2025-07-07,00:15", "T1,Solved,2025-07-08,01:30"]
    with pytest.raises(OpslaError, match=r"a date alone is no instant\. If the time is in 'Handling time': --column 'event_ts=Date \+ Handling time'"):
        proposal(tmp_path, rows, "Ticket,State,Date,Handling time")
    told = proposal(tmp_path, rows, "Ticket,State,Date,Handling time", columns={"event_ts": "Date + Handling time"})
    assert (told.columns["event_ts"], told.time_format) == ("Date + Handling time", "iso")


@pytest.mark.parametrize(
    ("stamps", "say_it"), [(["2025-07-07", "2025-07-08"], "%Y-%m-%d"), (["45845", "45846"], "serial"), (["07-Okt-2025", "08-Okt-2025"], "%d-%b-%Y")]
)
def test_a_date_alone_is_no_instant(tmp_path: Path, stamps: list[str], say_it: str) -> None:
    with pytest.raises(OpslaError, match=rf"column 'Changed at' holds dates without a time of day .*--time-format '{say_it}'$"):
        proposal(tmp_path, changes(*stamps))
    assert proposal(tmp_path, changes(*stamps), time_format=say_it).time_format == say_it, "midnight, since somebody said so"


# ---------------------------------------------------------------- what did not fit


@pytest.mark.parametrize(
    ("stamps", "told", "message"),
    [
        (
            ["2025-07-07 09:00", "2025-07-07 10:00", "07-Okt-2025 09:00"], {"time_format": "%d-%b-%Y %H:%M"},
            r"column 'Changed at': 1 of 3 read as %d-%b-%Y %H:%M, not: '2025-07-07 09:00', '2025-07-07 10:00'; 2 of those would be read by 'iso'$",
        ),
        (
            ["07-Okt-2025 09:00", "07-Xyz-2025 10:00", "07-Foo-2025 10:00"], {},
            r"column 'Changed at': 1 of 3 read as %d-%b-%Y %H:%M, not: '07-Xyz-2025 10:00', '07-Foo-2025 10:00'; say how stamps are written",
        ),
        (["1.75191E+12"] * 3, {}, r"holds numbers that a spreadsheet rounded \('1\.75191E\+12'\), which tell no instant: export it as text$"),
        (["soon", "later", "never"], {}, r"column 'Changed at' holds 'soon', 'later', 'never'; say how stamps are written with --time-format: .*epoch_ms.*serial"),
    ],
)  # fmt: skip
def test_what_did_not_fit_is_shown(tmp_path: Path, stamps: list[str], told: dict[str, Any], message: str) -> None:
    with pytest.raises(OpslaError, match=message):
        proposal(tmp_path, changes(*stamps), **told)


# ---------------------------------------------------------------- zones


@pytest.mark.parametrize(
    ("zone", "place"),
    [
        ("EST", "America/New_York"), ("MST", "America/Denver"), ("GMT", "Europe/London"), ("Etc/GMT+5", "America/New_York"), ("Etc/GMT-1", "Europe/Berlin"),
        ("UTC", None), ("HST", None), ("CET", None), ("EST5EDT", None), ("America/New_York", None), ("Asia/Tokyo", None),
    ],
)
def test_a_zone_without_summer_time_is_told(zone: str, place: str | None) -> None:
    assert likely_place(zone) == place
    assert (fixed_zone_warning(zone) is None) == (place is None)
    assert "5 hours ahead of UTC the whole year" in str(fixed_zone_warning("Etc/GMT-5"))


def test_the_zone_of_the_desk_is_warned_of_and_asked_again_at_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = changes("2025-07-07 09:00", "2025-07-07 10:00")
    assert sum("EST never has summer time" in warning for warning in proposal(tmp_path, rows, timezone="EST").warnings) == 1
    given = iter(["America/New_York"])
    monkeypatch.setattr("opsla_dagster.starting.asking.Prompt.ask", lambda *_, **__: next(given, ""))
    with sniffed([tmp_path / "log.csv"]) as log:
        found = propose(log, Told(timezone="EST"), Asking(Console(file=io.StringIO()), is_allowed=True))
    assert (found.timezone, found.stamps_zone) == ("America/New_York", "America/New_York")
    assert not any("summer time" in warning for warning in found.warnings)


def test_the_repeated_hour_is_no_step_back(tmp_path: Path) -> None:
    found = proposal(tmp_path, changes("2025-11-02 01:50", "2025-11-02 01:05", "2025-11-02 01:10"), timezone="America/New_York")
    assert (found.order_by, found.newest_first) == ([], False)
