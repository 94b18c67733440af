"""What a person may type wrongly: each is one line, and nothing is made where nobody asked for it."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from cli import Said, opsla_here
from small_desk import dated, desk_settings, july, log_of, make, narrow_runs, rows, takes_minutes, write_config

from opsla_dagster import running
from opsla_dagster.automation.refresh import refresh_windows
from opsla_dagster.reporting.marts import published
from opsla_dagster.settings import Settings, load_settings
from opsla_dagster.settings.quality_gates import QualityGatesSettings
from opsla_dagster.sources.desk import build_desk

LOG = "number,state,at\nA,New,2025-07-01 14:00\nA,Seen,2025-07-01 15:00\nA,Done,2025-07-01 16:00\n"
DESK = {"timezone": "America/New_York", "start_date": "2025-07-01"}
Opsla = Callable[..., Said]


def configured(directory: Path, records: str) -> Path:
    """A config directory in `directory` of a desk with this log beside it, and without gates."""
    log = directory / "log.csv"
    log.write_text(records, encoding="utf-8")
    config = write_config(directory / "config", {"desk": DESK, "sources": [log_of(log)]})
    (config / "quality_gates.yml").write_text("gates: {}\n", encoding="utf-8")
    return config


def runs_end_with_their_cases(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is of interest of a log is said, and its dates are known, before its first case is counted: runs end there, and make nothing beside."""
    narrow_runs(monkeypatch, "raw.cases")
    (config / "quality_gates.yml").write_text("gates: {raw.cases: {cases_per_day: {error_below: 1000}}}\n", encoding="utf-8")


def make_what_explains(config: Path, home: Path, days: int, as_of_at: datetime) -> None:
    """The tables of the first dates of July that `opsla explain` and the plan of a refresh read."""
    settings = replace(load_settings(config, home), quality_gates=QualityGatesSettings(gates={}))
    make(settings, [july(1, days)], as_of_at, dated(settings) | {"raw.rejected_rows"})


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with config/ and home/ of a desk whose log has one case."""
    directory = tmp_path_factory.mktemp("desk")
    config = configured(directory, LOG)
    make(desk_settings(directory, cases=1, config=config), [july(1, 1)], datetime(2025, 7, 2))
    return directory


@pytest.fixture
def opsla(desk: Path, monkeypatch: pytest.MonkeyPatch) -> Opsla:
    """`opsla <arguments>` on that desk."""
    monkeypatch.setenv("OPSLA_CONFIG", str(desk / "config"))
    monkeypatch.setenv("OPSLA_HOME", str(desk / "home"))

    def run(*arguments: str) -> Said:
        return opsla_here(*arguments, monkeypatch=monkeypatch)

    return run


def test_cases_are_only_for_a_simulation(opsla: Opsla, desk: Path) -> None:
    code, _, complaint = opsla("run", "--cases", "100")
    assert code == 1
    assert complaint.startswith(f"opsla: --cases is for simulated desks, and {desk / 'config' / 'sources.yml'} enables no simulation")
    assert not (desk / "home" / "simulated_cases").exists()


def test_a_page_and_json_can_be_had_at_once(opsla: Opsla, tmp_path: Path) -> None:
    code, out, beside = opsla("explain", "A", "--json", "--html", str(tmp_path / "a.html"))
    assert code == 0
    assert json.loads(out)["case_id"] == "A"
    assert beside == f"Picture: {tmp_path / 'a.html'}\n"
    assert (tmp_path / "a.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert opsla("explain", "A", "--html", str(tmp_path / "a.html")) == (0, beside, "")


@pytest.mark.parametrize("port", ["0", "65536", "99999999"])
def test_a_port_that_is_none_is_refused(opsla: Opsla, port: str) -> None:
    code, _, complaint = opsla("dev", "--port", port)
    assert code == 2
    assert "--port" in complaint


def test_a_port_that_is_taken_is_said_at_once(opsla: Opsla) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = {what: opsla(command, "--port", port) for command, what in (("dev", "UI"), ("center", "command centre"))}
    for what, (code, _, complaint) in said.items():
        assert code == 1
        assert complaint == f"opsla: --port {port}: the {what} cannot listen there (Address already in use); name another port\n"


def test_the_backlog_says_of_which_instant_and_of_which_dates_it_is(opsla: Opsla) -> None:
    code, out, _ = opsla("backlog", "--as-of", "2025-07-01T14:30")
    assert code == 0
    assert out.splitlines()[:2] == [
        "As of 2025-07-01 14:30 UTC (1 Jul 2025 10:30 in America/New_York), as the log knows it today.",
        "Of the cases that came in from 2025-07-01 on: earlier intake dates are not loaded.",
    ]
    assert "SLA B: first touch" in out, "promises have their titles"
    assert "first_touch" not in out


@pytest.mark.parametrize(
    "arguments", [("explain", "A", "--html"), ("policy-diff", "config", "config", "--to"), ("export", "--format", "csv", "--to")], ids=lambda given: given[0]
)
def test_no_directory_is_made_above_what_is_named(opsla: Opsla, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    target = tmp_path / "mistyped" / "out"
    assert opsla(*arguments, str(target)) == (1, "", f"opsla: {target}: there is no directory {target.parent}; make it first, or name another one\n")
    assert not target.parent.exists()


def test_promises_that_are_not_there_are_named(opsla: Opsla, desk: Path, tmp_path: Path) -> None:
    for missing in (tmp_path / "stricter.yml", tmp_path):
        complaint = f"opsla: {missing}: no such file, or directory with a sla_policies.yml; name one of the two\n"
        assert opsla("policy-diff", str(desk / "config"), str(missing)) == (1, "", complaint)


def test_a_run_that_fails_once_it_has_answered_says_what_is_published(opsla: Opsla, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(settings: Settings, *_: object, answer: Callable[[duckdb.DuckDBPyConnection], None], **__: object) -> running.Finished:
        with published(settings.home.marts_database) as connection:
            answer(connection)
        return running.Finished([], "mart.queue_health: the table could not be made")

    monkeypatch.setattr(running, "run_windows", failing)
    said = opsla("run")
    assert said.code == 1
    assert "which promises were kept" in said.out
    assert "mart.queue_health: the table could not be made\nThe promises told above are those of this run; what is published" in said.err


def test_an_export_makes_the_directory_that_is_named(opsla: Opsla, desk: Path, tmp_path: Path) -> None:
    for told, directory in (((), desk / "home" / "exports"), (("--to", str(tmp_path / "out")), tmp_path / "out")):
        code, out, _ = opsla("export", "--format", "csv", "--raw", "--table", "raw.cases", *told)
        assert (code, out) == (0, f"{directory / 'raw.cases.csv'}: 1 row\n")
        assert (directory / "raw.cases.csv").exists()


def test_an_export_for_tableau_has_the_rows(opsla: Opsla, desk: Path, tmp_path: Path) -> None:
    pantab = pytest.importorskip("pantab", reason="opsla[hyper] is not installed")
    code, out, complaint = opsla("export", "--format", "hyper", "--table", "raw.cases", "--to", str(tmp_path))
    assert (code, out, complaint) == (0, f"{tmp_path / 'raw.cases.hyper'}: 1 row\n", "")
    assert len(pantab.frame_from_hyper(tmp_path / "raw.cases.hyper", table="cases")) == 1


def test_what_has_not_happened_yet_cannot_be_loaded(opsla: Opsla) -> None:
    code, _, complaint = opsla("run", "--start", "2025-07-03", "--end", "2025-07-05", "--as-of", "2025-07-03T02:00")
    assert code == 1
    assert complaint == "opsla: the window begins on 2025-07-03; as of 2025-07-02 nothing of it has happened yet\n", "it is still the 2nd there"


@takes_minutes
def test_a_log_in_the_wrong_order_is_told_with_what_to_set(opsla: Opsla, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header, *records = LOG.splitlines()
    config = configured(tmp_path, "\n".join([header, *records[::-1], ""]))
    monkeypatch.setenv("OPSLA_CONFIG", str(config))
    monkeypatch.setenv("OPSLA_HOME", str(tmp_path / "home"))
    code, out, complaint = opsla("run", "--as-of", "2025-07-03T12:00")
    assert (code, complaint) == (0, "")
    said = " ".join(out.split())
    assert "WARN raw.events_log warn_cases_reopened_before_they_ended: 1 found Found 1 among the rows of 2025-07-01, expected none: Cases of the window with a reopen" in said
    assert "set `newest_first` in sources.yml; where records or files come in any other order, set `order_by`" in said
    assert "order_by" in (tmp_path / "home" / "reports" / "report.html").read_text(encoding="utf-8")


def test_records_of_the_future_wait_and_do_not_stretch_the_desk(opsla: Opsla, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = configured(tmp_path, f"{LOG}B,New,2025-07-02 14:00\nB,Done,2025-07-08 09:00\nC,New,2052-01-01 09:00\nC,Odd,2025-07-02 09:00\n")
    monkeypatch.setenv("OPSLA_CONFIG", str(config))
    monkeypatch.setenv("OPSLA_HOME", str(tmp_path / "home"))
    runs_end_with_their_cases(config, monkeypatch)
    code, out, complaint = opsla("run", "--as-of", "2025-07-03T12:00")
    assert code == 1
    assert "gate_cases_per_day failed" in complaint
    assert out.splitlines()[:2] == [
        "desk_log: 7 records read, 6 used, 1 rejected (raw.rejected_rows)",
        "desk_log: 2 records lie after 2025-07-03 12:00 UTC, the latest 2052-01-01 (case C, log.csv row 7): they count when that time has come",
    ]
    make_what_explains(config, tmp_path / "home", 2, datetime(2025, 7, 3, 12))
    code, said, _ = opsla("explain", "B")
    assert code == 0
    told = " ".join(said.split())
    assert "1 record of this case lies after its last look" in told
    assert "log.csv, row 6: Done at 2025-07-08" in told
    code, _, complaint = opsla("explain", "C")
    assert code == 1
    assert "case 'C' has no record up to the last look; these lie after it, and count when that time has come:\n  log.csv, row 7: New at 2052-01-01" in complaint
    warehouse = tmp_path / "home" / "ops_warehouse.duckdb"
    dates = "select count(*), max(intake_date)::varchar from raw.source_partitions"
    assert rows(warehouse, dates) == [(2, "2025-07-02")]
    assert rows(warehouse, "select case_id from raw.cases order by 1") == [("A",), ("B",)]
    code, out, complaint = opsla("run", "--start", "2025-07-02", "--end", "2025-09-01", "--as-of", "2025-07-04T12:00")
    assert code == 1
    assert "gate_cases_per_day failed" in complaint
    assert "The window ends with 2025-07-04: as of then nothing of the dates up to 2025-08-31 has happened yet.\n" in out
    assert rows(warehouse, dates) == [(4, "2025-07-04")]
    code, out, complaint = opsla("refresh", "--as-of", "2025-07-10T12:00")
    assert code == 1
    assert "gate_cases_per_day failed" in complaint
    assert "desk_log: 1 record lies after 2025-07-10 12:00 UTC, the latest 2052-01-01 (case C, log.csv row 7): it counts when that time has come\n" in out


def test_a_case_with_a_mistyped_year_waits_until_its_date_is_named(opsla: Opsla, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = configured(tmp_path, f"{LOG}B,New,2025-07-02 14:00\nC,New,2026-07-02 14:00\n")
    monkeypatch.setenv("OPSLA_CONFIG", str(config))
    monkeypatch.setenv("OPSLA_HOME", str(tmp_path / "home"))
    runs_end_with_their_cases(config, monkeypatch)
    code, out, complaint = opsla("run", "--as-of", "2026-11-01T12:00")
    assert code == 1
    assert "gate_cases_per_day failed" in complaint
    assert (
        "desk_log: warning: 1 case came in 365 days and more after all others, the last 2026-07-02 (case C, log.csv row 6): the log is taken to end on 2025-07-02"
    ) in out
    assert rows(tmp_path / "home" / "ops_warehouse.duckdb", "select max(intake_date)::varchar from raw.source_partitions") == [("2025-07-02",)]
    make_what_explains(config, tmp_path / "home", 2, datetime(2026, 11, 1, 12))
    code, _, complaint = opsla("explain", "C")
    assert code == 1
    assert complaint.startswith("opsla: case 'C' came in on 2026-07-02 (log.csv row 6), and is not loaded; where its stamp is right, `")
    assert complaint.endswith(" opsla run --start 2026-07-02 --end 2026-07-03` loads that date\n")
    settings = load_settings(config, tmp_path / "home")
    assert refresh_windows(settings, build_desk(settings), datetime(2026, 11, 1, 13), only_changed=True) == [], "a refresh does not fetch it"


@pytest.mark.parametrize(
    ("document", "find", "write", "expected"),
    [
        ("sla_policies.yml", "calendar: desk", "calendar: dsek", "has no calendar 'dsek'; known: desk"),
        ("quality_gates.yml", "gates: {}", "gates: {raw.events_log: {pct_mising_event_ts: {warn_above: 1}}}", "no such rate: pct_mising_event_ts"),
        ("quality_gates.yml", "gates: {}", "gates: {raw.event_log: {pct_missing_event_ts: {warn_above: 1}}}", "known: raw.cases, raw.events_log"),
    ],
)
def test_files_that_do_not_fit_each_other_are_refused_before_the_first_table(
    opsla: Opsla, desk: Path, document: str, find: str, write: str, expected: str
) -> None:
    path = desk / "config" / document
    fine = path.read_text(encoding="utf-8")
    assert find in fine
    path.write_text(fine.replace(find, write, 1), encoding="utf-8")
    before = (desk / "home" / "ops_warehouse.duckdb").stat().st_mtime_ns
    try:
        code, _, complaint = opsla("run", "--as-of", "2025-07-03")
    finally:
        path.write_text(fine, encoding="utf-8")
    assert code == 1
    assert expected in complaint
    assert complaint.startswith(f"opsla: {document}: ")
    assert (desk / "home" / "ops_warehouse.duckdb").stat().st_mtime_ns == before
