"""Due columns: an instant or a duration of one case becomes a promise of the source; what is no promise is rejected with its reason.

Rules: docs/decisions/0021-due-dates-of-cases.md.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from event_log_desk import COLUMNS, EVER, STATUSES, digests_of, log_settings, log_text, rejected_of, whole

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.calendars import Calendar
from opsla_dagster.settings.due_dates import DueSettings, require_due_fits
from opsla_dagster.settings.sla_policies import Metric
from opsla_dagster.settings.sources import DeskSettings
from opsla_dagster.sources.base import APPLIED_TARGETS
from opsla_dagster.sources.event_log import EventLogSource

DESK = Calendar.model_validate({"zone": "UTC", "hours": {"mon-fri": ["09:00-17:00"]}})
UNEVEN = Calendar.model_validate({"zone": "UTC", "hours": {"mon-thu": ["09:00-17:00"], "fri": ["09:00-13:00"]}})
HEADER = "number,state,at,due"


def source_of(directory: Path, rows: list[str], due: dict[str, Any], *, zone: str = "UTC", **overrides: Any) -> EventLogSource:
    """A log of updates whose column `due` promises the first resolution as `due` says."""
    directory.mkdir(exist_ok=True)
    (directory / "log.csv").write_text(log_text(rows, HEADER))
    settings = log_settings(due={"first_resolution": {"column": "due", **due}}, **overrides)
    desk = DeskSettings.model_validate({"timezone": zone, "start_date": "2025-01-01"})
    return EventLogSource(settings, desk, directory / "cache", directory, {"desk": DESK, "uneven": UNEVEN})


def promised(source: EventLogSource, as_of_at: datetime = EVER) -> list[tuple[Any, ...]]:
    """(case id, hour from which, target in minutes or None)."""
    table = source.applied_targets(whole(source), as_of_at)
    assert table.schema == APPLIED_TARGETS
    return [
        (row["case_id"], row["applied_ts"].hour, None if row["target_seconds"] is None else row["target_seconds"] / 60) for row in table.to_pylist()
    ]


def opened(due: str, case: str = "A") -> str:
    return f"{case},New,2025-03-03T08:00Z,{due}"


def test_an_instant_is_a_target_in_calendar_time_from_the_opening_on(tmp_path: Path) -> None:
    source = source_of(tmp_path, [opened("2025-03-03T12:00Z"), opened("", "B")], {})
    assert promised(source) == [("A", 8, 240)]
    (row,) = source.applied_targets(whole(source), EVER).to_pylist()
    assert (row["policy"], row["calendar"], row["metric"], row["reopen"]) == ("due", "desk_log:always", "first_resolution", "freeze")
    assert source.calendars()["desk_log:always"].always_open


def test_a_promise_that_changes_beside_a_copied_instant_is_told(tmp_path: Path) -> None:
    """What the file tells of 12:00 behind 11:00 is another promise, and no copy of what it told of 12:00 before; told once more it is one."""
    rows = [f"A,{status},2025-03-03T{hour}:00Z,{due}" for status, hour, due in (("New", "09", "1h"), ("Active", 12, "1h"), ("New", 11, "1h"), ("Active", 12, "4h"))]
    again = ["A,New,2025-03-03T11:00Z,1h", "A,Active,2025-03-03T12:00Z,1h"]
    for number, told in enumerate((rows, [*rows, *again])):
        assert promised(source_of(tmp_path / str(number), told, {"unit": "hours"})) == [("A", 9, 60), ("A", 12, 240)]


def test_a_due_date_without_a_time_of_day_ends_with_its_day(tmp_path: Path) -> None:
    """As ISO, as a date_format of its own, and where all stamps are dates; in the log's zone, else the desk's."""
    assert promised(source_of(tmp_path / "1", [opened("2025-03-03")], {})) == [("A", 8, 16 * 60)]
    assert promised(source_of(tmp_path / "2", [opened("03.03.2025")], {"date_format": "%d.%m.%Y"})) == [("A", 8, 16 * 60)]
    desk = source_of(tmp_path / "3", [opened("2025-03-03")], {}, zone="America/New_York", time={})
    assert promised(desk) == [("A", 8, 21 * 60)]
    days = source_of(tmp_path / "4", ["A,New,2025-03-03,2025-03-04"], {}, time={"format": "%Y-%m-%d", "timezone": "UTC"})
    assert promised(days) == [("A", 0, 2 * 24 * 60)]
    assert days.reading_notes(EVER)[1].startswith("timestamps of the format %Y-%m-%d have no time of day")


@pytest.mark.parametrize("due", ["2025-03-03T08:00Z", "2025-03-02T12:00Z"])
def test_what_is_due_at_or_before_the_opening_is_a_promise_of_no_time_and_told(tmp_path: Path, due: str) -> None:
    source = source_of(tmp_path, [opened(due)], {})
    assert promised(source) == [("A", 8, 0)]
    assert source.reading_notes(EVER)[1].startswith("1 case is due at or before the opening (due.first_resolution, column due)")


def test_a_due_instant_of_a_repeated_hour_is_the_later_one_and_told(tmp_path: Path) -> None:
    """Unless an event of the case has the same local time: then it is of the same pass, as for every other stamp of a case."""
    rows = [
        "A,New,2025-11-01 12:00,2025-11-02 01:30", "B,New,2025-11-02 00:30,2025-11-02 01:10", "B,Active,2025-11-02 01:10,2025-11-02 01:10",
        "B,Done,2025-11-02 01:05,2025-11-02 01:10",
    ]  # fmt: skip
    source = source_of(tmp_path, rows, {}, zone="America/New_York", time={"timezone": "America/New_York"})
    assert promised(source) == [("A", 16, 14.5 * 60), ("B", 4, 40)]
    (warning,) = [note for note in source.reading_notes(EVER) if "nothing tells which pass" in note]
    assert warning.startswith("warning: 1 stamp of an hour that America/New_York repeats")


def test_a_changed_cell_is_another_promise_and_an_emptied_one_takes_it_back(tmp_path: Path) -> None:
    rows = [
        opened("2025-03-03T12:00Z"), "A,Active,2025-03-03T09:00Z,2025-03-03T12:00Z", "A,Waiting,2025-03-03T10:00Z,2025-03-03T14:00Z",
        "A,Active,2025-03-03T11:00Z,", "A,Done,2025-03-03T13:00Z,",
    ]  # fmt: skip
    source = source_of(tmp_path / "cleared", rows, {})
    assert promised(source) == [("A", 8, 240), ("A", 10, 360), ("A", 11, None)]
    assert promised(source, datetime(2025, 3, 3, 9)) == [("A", 8, 240)]
    assert promised(source_of(tmp_path / "unchanged", rows, {}, empty_cells="unchanged")) == [("A", 8, 240), ("A", 10, 360)]


def test_a_message_that_repeats_nothing_takes_no_promise_back(tmp_path: Path) -> None:
    rows = [opened("2025-03-03T12:00Z"), "A,Replied,2025-03-03T09:00Z,"]
    source = source_of(tmp_path, rows, {}, statuses={"New": "INTAKE", "Replied": "PUBLIC_REPLY"})
    assert promised(source) == [("A", 8, 240)]


@pytest.mark.parametrize(
    ("cell", "unit", "calendar", "minutes"),
    [
        ("4", "hours", None, 240),
        ("0.5", "hours", None, 30),
        ("90", "minutes", "desk", 90),
        ("2", "days", None, 2 * 24 * 60),
        ("2", "days", "desk", 2 * 8 * 60),
        ("4h", None, "desk", 240),
        ("1d 4h 30m", None, "desk", 8 * 60 + 270),
        ("2 hours 15 minutes", None, "desk", 135),
        ("1 day, 2:00:00", "hours", None, 26 * 60),
        ("02:30:00", None, "desk", 150),
        ("120:00:00", "minutes", None, 7200),
        ("PT4H30M", None, "desk", 270),
        ("P1DT1H", "minutes", None, 25 * 60),
        (" 4H ", None, "desk", 240),
    ],
)
def test_a_duration_may_be_written_in_many_ways(tmp_path: Path, cell: str, unit: str | None, calendar: str | None, minutes: float) -> None:
    rows = [opened(f'"{cell}"')]
    assert promised(source_of(tmp_path, rows, {"unit": unit, "calendar": calendar})) == [("A", 8, minutes)]


@pytest.mark.parametrize(
    ("cell", "due", "reason"),
    [
        ("4", {"calendar": "desk"}, "expected a duration with its unit (a bare number wants due.unit), or text such as 4h"),
        ("soon", {"unit": "hours"}, "expected a number of hours, or text such as 4h, 1d 4h 30m, 02:30:00 (hours, minutes, seconds); found 'soon'"),
        ("02:30", {"unit": "hours"}, "expected a number of hours"),
        ("1.5", {"calendar": "desk"}, "expected a duration with its unit"),
        ("-4", {"unit": "hours"}, "expected a number of hours"),
        ('"1,5"', {"unit": "hours"}, "expected a number of hours"),
        ("0", {"unit": "hours"}, "a promise takes some time; a word that means none goes into missing_values"),
        ("1000000", {"unit": "hours"}, "longer than a hundred years"),
        ("9" * 400, {"unit": "hours"}, "longer than a hundred years"),
        ("tomorrow", {}, "column due: expected an ISO 8601 date and time"),
        ("2025-02-30", {}, "column due: expected an ISO 8601 date and time"),
    ],
)
def test_a_cell_that_is_no_promise_is_rejected(tmp_path: Path, cell: str, due: dict[str, Any], reason: str) -> None:
    (rejected,) = rejected_of(source_of(tmp_path, [opened(cell)], due)).values()
    assert rejected["field"] == "due.first_resolution"
    assert reason in rejected["reason"]


def test_days_of_a_calendar_whose_days_differ_are_refused(tmp_path: Path) -> None:
    assert promised(source_of(tmp_path / "1", [opened("4h")], {"calendar": "uneven"})) == [("A", 8, 240)]
    with pytest.raises(OpslaError, match=r"due\.first_resolution: 1 cases have a duration in days, which are business days"):
        promised(source_of(tmp_path / "2", [opened("3d")], {"calendar": "uneven"}))


def test_another_due_date_is_another_digest(tmp_path: Path) -> None:
    found = {digests_of(source_of(tmp_path / due[:13], [opened(due)], {}))["2025-03-03"] for due in ("2025-03-03T12:00Z", "2025-03-03T13:00Z", "")}
    assert len(found) == 3


# ---------------------------------------------------------------- whether it fits the other documents

METRICS = {
    "reply": Metric.model_validate({"title": "Reply", "start": ["CUSTOMER_MESSAGE"], "stop": ["PUBLIC_REPLY"]}),
    "next": Metric.model_validate({"title": "Next", "start": ["INTAKE", "CUSTOMER_MESSAGE"], "stop": ["PUBLIC_REPLY"], "repeats": True}),
    "paused": Metric.model_validate({"title": "Paused", "start": ["INTAKE"], "stop": ["RESOLVED"], "pause": ["ON_HOLD"]}),
    "solved": Metric.model_validate({"title": "Solved", "start": ["INTAKE"], "stop": ["RESOLVED"]}),
}


@pytest.mark.parametrize(
    ("metric", "due", "problem"),
    [
        ("other", {}, "place.other: sla_policies.yml has no metric 'other'; known: reply, next, paused, solved"),
        ("reply", {}, "place.reply: a promise to one case counts from its opening, once: expected a metric that starts at INTAKE; it starts at CUSTOMER_MESSAGE"),
        ("next", {}, "place.next: a promise to one case counts from its opening, once: expected a metric that starts at INTAKE; it repeats"),
        ("paused", {}, "place.paused: a due instant does not move, and this metric pauses in ON_HOLD"),
        ("solved", {"unit": "hours", "calendar": "late"}, "place.solved.calendar: calendars.yml has no calendar 'late'; known: desk, uneven"),
        ("solved", {"unit": "days", "calendar": "uneven"}, "place.solved.unit: days are business days, and those of calendar 'uneven'"),
    ],
)
def test_a_promise_that_fits_nothing_is_refused(metric: str, due: dict[str, Any], problem: str) -> None:
    with pytest.raises(OpslaError) as caught:
        require_due_fits("place", {metric: DueSettings.model_validate({"column": "due", **due})}, METRICS, {"desk": DESK, "uneven": UNEVEN})
    assert str(caught.value).startswith(problem)


def test_a_duration_may_be_of_a_metric_that_pauses() -> None:
    require_due_fits("place", {"paused": DueSettings(column="due", unit="hours")}, METRICS, {"desk": DESK})


def test_a_due_column_that_the_log_lacks_is_refused(tmp_path: Path) -> None:
    settings = log_settings(due={"first_resolution": {"column": "deadline"}}, columns=COLUMNS)
    (tmp_path / "log.csv").write_text(log_text([opened("")], HEADER))
    desk = DeskSettings.model_validate({"timezone": "UTC", "start_date": "2025-01-01"})
    with pytest.raises(OpslaError, match=r"column 'deadline' is missing, which sources\.yml names \(desk_log: due\.first_resolution\)"):
        EventLogSource(settings, desk, tmp_path / "cache", tmp_path).counts()


def test_a_promise_that_a_later_record_does_not_repeat_is_counted(tmp_path: Path) -> None:
    """A keeps it, B loses it, C's message repeats nothing anyway, D never had one."""
    rows = [
        opened("4h"), "A,Active,2025-03-03T09:00Z,4h", opened("4h", "B"), "B,Active,2025-03-03T09:00Z,", opened("4h", "C"),
        "C,Replied,2025-03-03T09:00Z,", opened("", "D"), "D,Active,2025-03-03T09:00Z,",
    ]  # fmt: skip
    statuses = {**STATUSES, "Replied": "PUBLIC_REPLY"}
    source = source_of(tmp_path / "1", rows, {"calendar": "desk"}, statuses=statuses)
    assert ("B", 9, None) in promised(source)
    assert [note for note in source.reading_notes(EVER) if "any more" in note] == [
        "warning: a later record of 1 case has no due.first_resolution any more (column due is empty): the promise is withdrawn from then on; "
        "where the log repeats only what changed, `empty_cells: unchanged` in sources.yml keeps it"
    ]
    unchanged = source_of(tmp_path / "2", rows, {"calendar": "desk"}, statuses=statuses, empty_cells="unchanged")
    assert not any("any more" in note for note in unchanged.reading_notes(EVER))


@pytest.mark.parametrize(("due", "cell"), [({}, "2025-03-04"), ({}, "2025-03-03T12:00Z"), ({"calendar": "desk"}, "4h")])
def test_a_promise_that_the_last_row_of_a_case_does_not_repeat_is_counted(tmp_path: Path, due: dict[str, str], cell: str) -> None:
    rows = [f"{case},{state},2025-03-03T08:00Z,{cell if has else ''}" for case, state, has in (
        ("A", "New", True), ("A", "Active", True), ("B", "New", True), ("B", "Active", False), ("C", "New", False), ("C", "Active", True),
    )]  # fmt: skip
    source = source_of(
        tmp_path, rows, due, form="cases", columns={"case_id": "number", "status": "state"}, milestones={"at": "INTAKE"},
    )
    assert [case for case, *_ in promised(source)] == ["A", "C"]
    assert [note for note in source.reading_notes(EVER) if "any more" in note] == [
        "warning: the last row of 1 case has no due.first_resolution any more (column due is empty): nothing is promised to such a case"
    ]
