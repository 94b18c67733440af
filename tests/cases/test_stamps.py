"""Cases that failed: stamps, ids and calendars that were read as something else than they say."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from case_home import CASES, config_of, made
from rich.console import Console

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import load_settings
from opsla_dagster.settings.base import read_document
from opsla_dagster.settings.sources import EventLogSettings, SourcesSettings
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.sources.event_log import EventLogSource
from opsla_dagster.starting.asking import Asking
from opsla_dagster.starting.begin import Answers, begin

CLOCKS = "staging.sla_clocks"
NOBODY = Asking(Console(quiet=True), is_allowed=False)


def answers(log: Path, directory: Path, **more: Any) -> Answers:
    usual: dict[str, Any] = {
        "zendesk": None, "intercom": False, "name": None, "timezone": "UTC", "start_date": None, "time_format": None, "columns": [],
        "statuses": [], "email_variable": "E", "token_variable": None, "key_variable": "K", "base_url": None,
    }  # fmt: skip
    return Answers(files=[log], directory=directory, **{**usual, **more})


def begun_source(case: str, directory: Path, **more: Any) -> EventLogSource:
    """The source that `opsla init` writes for the log of a case."""
    begun = begin(answers(CASES / case / "log.csv", directory / "desk", **more), NOBODY)
    assert begun is not None
    document = read_document(begun.directory / "sources.yml", SourcesSettings)
    (source,) = document.sources
    assert isinstance(source, EventLogSettings)
    return EventLogSource(source, document.desk, directory / "cache", begun.directory)


def stamps(source: EventLogSource) -> list[datetime]:
    return [row["event_ts"] for row in source.events(source.window(), datetime(2026, 1, 1)).to_pylist()]


def test_stamps_of_the_repeated_hour(tmp_path: Path) -> None:
    home = made(CASES / "stamps_of_the_repeated_hour" / "config", tmp_path / "home", CLOCKS)
    verdict = "cast(started_at as varchar), cast(stopped_at as varchar), elapsed_seconds, target_seconds, outcome"
    assert home.clocks(verdict) == [("a-1", "2025-11-02 05:50:00", "2025-11-02 06:10:00", 1_200, 600, "breached")]
    assert any("3 stamps of an hour that America/New_York repeats: the order of the records tells which pass" in note for note in home.notes())


def test_where_no_order_tells_the_later_instant_is_taken_and_counted(tmp_path: Path) -> None:
    log = "case,status,at\na-1,INTAKE,2025-11-02 01:05\na-1,RESOLVED,2025-11-02 01:10\n"
    home = made(config_of("stamps_of_the_repeated_hour", tmp_path, log=log), tmp_path / "home", CLOCKS)
    assert home.clocks("cast(started_at as varchar), elapsed_seconds") == [("a-1", "2025-11-02 06:05:00", 300)]
    assert any("warning: 2 stamps of an hour" in note and "the later instant is taken" in note for note in home.notes())


def test_a_make_up_working_day(tmp_path: Path) -> None:
    home = made(CASES / "a_make_up_working_day" / "config", tmp_path / "home", CLOCKS)
    assert home.clocks("elapsed_seconds, target_seconds, outcome") == [("c-1", 7_200, 7_200, "met")]


@pytest.mark.parametrize(
    ("case", "more", "expected"),
    [
        ("epoch_milliseconds", {}, ["2025-07-07 17:00", "2025-07-07 18:00", "2025-07-07 19:00"]),
        ("spreadsheet_serial_dates", {}, ["2025-07-07 09:00", "2025-07-07 12:00", "2025-07-07 16:30"]),
        ("date_and_time_in_two_columns", {}, ["2025-07-07 09:00", "2025-07-07 10:00", "2025-07-08 16:00"]),
        *(
            (
                "month_names_of_another_language", more,
                ["2025-10-07 09:00", "2025-10-07 12:00", "2025-10-08 16:30", "2025-11-10 09:00", "2025-11-10 12:00"],
            )
            for more in ({}, {"time_format": "%d-%b-%Y %H:%M"})
        ),
    ],
)  # fmt: skip
def test_init_writes_how_the_stamps_are_read(tmp_path: Path, case: str, more: dict[str, str], expected: list[str]) -> None:
    source = begun_source(case, tmp_path, **more)
    assert [f"{stamp:%Y-%m-%d %H:%M}" for stamp in stamps(source)] == expected
    assert source.counts().rejected_rows == 0


def test_a_date_and_a_time_are_one_stamp_of_sources_yml(tmp_path: Path) -> None:
    begun_source("date_and_time_in_two_columns", tmp_path)
    written = yaml.safe_load((tmp_path / "desk" / "sources.yml").read_text(encoding="utf-8"))
    assert written["sources"][0]["columns"]["event_ts"] == ["Date", "Time"]


def test_a_date_and_a_time_make_the_clocks(tmp_path: Path) -> None:
    """Desk 09:00-17:00, Monday to Friday: first touch after an hour, resolution after 8 h and 7 h."""
    begun_source("date_and_time_in_two_columns", tmp_path)
    home = made(tmp_path / "desk", tmp_path / "home", CLOCKS, as_of_at=datetime(2025, 7, 10))
    minutes = {metric: seconds // 60 for _, metric, seconds in home.clocks("metric, elapsed_seconds")}
    assert (minutes["first_touch"], minutes["first_resolution"]) == (60, 900)


def test_ids_rounded_by_a_spreadsheet(tmp_path: Path) -> None:
    with pytest.raises(OpslaError, match=r"column 'Ticket': 7 records with an id that a spreadsheet rounded \(2\.02507E\+14, 2\.02508E\+14\)"):
        begun_source("ids_rounded_by_a_spreadsheet", tmp_path)
    assert not (tmp_path / "desk").exists()


def test_ids_rounded_by_a_spreadsheet_are_rejected_where_nobody_asked_init(tmp_path: Path) -> None:
    settings = EventLogSettings.model_validate({
        "type": "event_log", "name": "log", "files": str(CASES / "ids_rounded_by_a_spreadsheet" / "log.csv"),
        "columns": {"case_id": "Ticket", "status": "State", "event_ts": "Changed at"}, "time": {"timezone": "UTC", "format": "%Y-%m-%d %H:%M"},
        "statuses": {"Open": "INTAKE", "Solved": "RESOLVED"},
    })
    desk = SourcesSettings.model_validate({"desk": {"timezone": "UTC", "start_date": date(2025, 1, 1)}, "sources": [settings]}).desk
    source = EventLogSource(settings, desk, tmp_path / "cache", tmp_path)
    assert (source.counts().used_rows, source.counts().rejected_rows) == (0, 7)
    assert {row["field"] for row in source.rejected_rows().to_pylist()} == {"case_id"}


def test_a_zone_without_summer_time_is_warned_of_at_every_load(tmp_path: Path) -> None:
    config = config_of("stamps_of_the_repeated_hour", tmp_path)
    for path in config.iterdir():
        path.write_text(path.read_text(encoding="utf-8").replace("America/New_York", "EST"), encoding="utf-8")
    (warning, *_) = build_desk(load_settings(config, tmp_path / "home")).reading_notes(datetime(2025, 12, 1))
    assert warning.startswith("warning: the zone EST never has summer time")
    assert warning.endswith("(sources.yml: desk.timezone, calendars.yml: calendars.desk.zone, sources.yml: log: time.timezone)")
