"""Cases that failed at `opsla init`: what it proposes without being asked, and what the desk that it writes then says.

Belongs here: logs that init is given, and clocks of the config that it writes. Does not belong here: what each choice goes by
(tests/unit/test_starting_*.py).
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
import yaml
from case_home import CASES, Made, made
from rich.console import Console

from opsla_dagster.errors import OpslaError
from opsla_dagster.starting.asking import Asking
from opsla_dagster.starting.begin import Answers, begin

NOBODY = Asking(Console(quiet=True), is_allowed=False)
CLOCKS = "staging.sla_clocks"


def init(log: Path, directory: Path, timezone: str, *statuses: str) -> dict[str, object]:
    """Writes a config directory as `opsla init LOG --yes` would; returns its source."""
    answers = Answers(
        files=[log], zendesk=None, intercom=False, directory=directory, name=None, timezone=timezone, start_date=None, time_format=None, columns=[],
        statuses=statuses, empty_cells=None, email_variable="E", token_variable=None, key_variable="K", base_url=None,
    )
    begun = begin(answers, NOBODY)
    assert begun is not None
    assert not begun.unfinished
    (source,) = yaml.safe_load((directory / "sources.yml").read_text(encoding="utf-8"))["sources"]
    assert isinstance(source, dict)
    return source


def tables(directory: Path, as_of_at: datetime | None = None) -> Made:
    """Of business time only what the example needs."""
    calendars = directory / "calendars.yml"
    document = yaml.safe_load(calendars.read_text(encoding="utf-8"))
    document["horizon"] = {"start": "2025-07-01", "end": "2025-08-01"}
    calendars.write_text(yaml.safe_dump(document), encoding="utf-8")
    return made(directory, directory / ".opsla", CLOCKS, as_of_at=as_of_at or datetime(2025, 7, 31))


def test_a_process_mining_export(tmp_path: Path) -> None:
    log = CASES / "a_process_mining_export" / "log.csv"
    with pytest.raises(OpslaError, match=r"Column 'concept:name' has statuses whose meaning is unknown: 'Handle' \(3 records\).*--status 'Handle=\.\.\.'"):
        init(log, tmp_path / "desk", "Europe/Amsterdam")
    assert not (tmp_path / "desk").exists()
    source = init(log, tmp_path / "desk", "Europe/Amsterdam", "Handle=INVESTIGATION")
    assert source["columns"] == {
        "case_id": "case:concept:name", "status": "concept:name", "event_ts": "time:timestamp", "team": "org:group", "agent": "org:resource",
    }
    assert tables(tmp_path / "desk").clocks("elapsed_seconds / 60, outcome", "metric = 'first_resolution'") == [
        ("I-1", 600, "met"), ("I-2", None, "running"),
    ]


def test_a_merged_ticket(tmp_path: Path) -> None:
    source = init(CASES / "a_merged_ticket" / "log.csv", tmp_path / "desk", "UTC")
    assert source["statuses"] == {"Open": "INTAKE", "Merged": "MERGED", "Solved": "RESOLVED", "Working": "INVESTIGATION"}
    home = tables(tmp_path / "desk")
    assert [row for row in home.clocks("metric, outcome") if row[0] == "T-1"] == [("T-1", "first_resolution", "unknown"), ("T-1", "first_touch", "unknown")]
    assert home.clocks("metric", "is_open") == []
    assert home.rows("select cast(ended_at as varchar) from staging.case_milestones where case_id = 'T-1'") == [("2025-07-07 09:30:00",)]


def test_one_row_a_ticket(tmp_path: Path) -> None:
    source = init(CASES / "one_row_a_ticket" / "log.csv", tmp_path / "desk", "UTC")
    assert (source["form"], source["milestones"]) == ("cases", {"Created": "INTAKE", "First response": "PUBLIC_REPLY", "Resolved": "RESOLVED"})
    home = tables(tmp_path / "desk")
    assert [row[1] for row in home.clocks("elapsed_seconds / 60", "metric = 'first_touch'")] == [60, 420, 5]
    assert [row[1] for row in home.clocks("elapsed_seconds / 3600", "metric = 'first_resolution'")] == [7, 17, 16]


def test_requests_with_their_own_due_dates(tmp_path: Path) -> None:
    source = init(CASES / "requests_with_their_own_due_dates" / "log.csv", tmp_path / "desk", "America/New_York")
    assert (source["form"], source["due"]) == ("cases", {"first_resolution": {"column": "target_date"}})
    assert source["sla_met_values"] == {"met": ["ONTIME"], "missed": ["OVERDUE"]}
    home = tables(tmp_path / "desk", datetime(2025, 7, 15, 12))
    assert home.clocks("elapsed_seconds, target_seconds, outcome") == [
        ("R-1", 100_200, 172_800, "met"), ("R-2", 261_000, 86_400, "breached"), ("R-3", None, 1_209_600, "running"), ("R-5", 21_600, 21_600, "met"),
    ], "R-4 was promised nothing, and no promise is invented beside the desk's own"


TOUCHED = """case,state,at
a,New,2025-07-07 09:00
a,In triage,2025-07-07 16:00
a,Done,2025-07-08 09:00
b,New,2025-07-07 10:00
b,In progress,2025-07-07 11:00
b,Done,2025-07-07 15:00
"""


def test_what_touches_a_case_does_not_depend_on_what_the_log_has_at_first(tmp_path: Path) -> None:
    """A status of triage is not the only touch, and one that is mapped later is a touch from then on."""
    (tmp_path / "log.csv").write_text(TOUCHED.replace("In progress", "Vetting"), encoding="utf-8")
    init(tmp_path / "log.csv", tmp_path / "desk", "UTC", "Vetting=IGNORE")
    first_touch = "metric = 'first_touch'"
    assert tables(tmp_path / "desk").clocks("elapsed_seconds / 3600", first_touch) == [("a", 7), ("b", 5)]

    sources = tmp_path / "desk" / "sources.yml"
    sources.write_text(sources.read_text(encoding="utf-8").replace("Vetting: IGNORE", "Vetting: INVESTIGATION"), encoding="utf-8")
    again = made(tmp_path / "desk", tmp_path / "fresh_home", CLOCKS)
    assert again.clocks("elapsed_seconds / 3600", first_touch) == [("a", 7), ("b", 1)]
