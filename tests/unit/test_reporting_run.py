"""What a run leaves behind: its summary as JSON, the impact log, the closing table, the headline they share."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn, cast

import dagster as dg
import duckdb
import pytest
from rich.console import Console

sys.path.insert(0, str(Path(__file__).parent))
from reporting_marts import SETTINGS, Log, own_promises, summary_of, write_marts, write_own_marts

from opsla_dagster import running
from opsla_dagster.automation.schedule import run_tags
from opsla_dagster.catalog import HEADLINE_TABLES
from opsla_dagster.cli import carrying_out
from opsla_dagster.cli.carrying_out import _end_killed_runs
from opsla_dagster.cli.saying import console
from opsla_dagster.errors import OpslaError
from opsla_dagster.instance.instance import open_instance
from opsla_dagster.instance.lease import PROCESS_TAG, process_tags
from opsla_dagster.reporting import status, wording
from opsla_dagster.reporting.closing import headline_table, promises_table
from opsla_dagster.reporting.headline import headline, promises_kept
from opsla_dagster.reporting.impact_log import append_impact_log
from opsla_dagster.reporting.run_summary import (
    CheckResult,
    OpenCases,
    RunSummary,
    latest_run_summary,
    read_run_summary,
    write_run_summary,
)
from opsla_dagster.reporting.sections.promises import promises
from opsla_dagster.settings import load_settings
from opsla_dagster.warehouse.connection import Warehouse
from opsla_dagster.window import Window, dates_of


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_marts(tmp_path_factory.mktemp("marts") / "marts.duckdb", Log(cases=6_000, days=60))


@pytest.fixture(scope="module")
def summary(marts: Path) -> RunSummary:
    return summary_of(marts)


def printed(summary: RunSummary, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(headline_table(summary, "opsla"))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_what_is_answered_first_needs_its_tables_alone_and_is_told_once(marts: Path, summary: RunSummary, tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "first.duckdb")) as connection:
        connection.execute(f"attach '{marts}' as marts (read_only); create schema mart")
        for table in HEADLINE_TABLES:
            connection.execute(f"create table {table} as from marts.{table}")
        connection.execute("detach marts")
        first = Console(file=io.StringIO(), width=80)
        first.print(promises_table(promises_kept(connection, SETTINGS), "opsla run"))
    last = Console(file=io.StringIO(), width=80)
    last.print(headline_table(summary, "opsla", promises_too=False))
    assert isinstance(first.file, io.StringIO)
    assert isinstance(last.file, io.StringIO)
    _, told_first = first.file.getvalue().split("everything else is being made\n")
    whole = printed(summary)
    assert told_first.strip() in whole
    assert whole.replace(told_first.strip(), "").split() == last.file.getvalue().split()


@pytest.mark.parametrize("trouble", [OSError(28, "No space left on device"), UnicodeEncodeError("ascii", "“", 0, 1, "ordinal not in range"), KeyError("first_touch")])
def test_what_cannot_be_told_yet_is_told_at_the_end_of_the_run(marts: Path, monkeypatch: pytest.MonkeyPatch, trouble: Exception) -> None:
    def failing(*_: object) -> NoReturn:
        raise trouble

    monkeypatch.setattr(console, "print", failing)
    answer = carrying_out._Answer(SETTINGS)
    with duckdb.connect(str(marts), read_only=True) as connection:
        answer(connection)
    assert not answer.is_told


def test_a_table_is_made_whether_or_not_the_answer_can_be_read_then() -> None:
    """While another step waits to be tried again the file is closed, and somebody else may have it."""
    told: list[str] = []

    @contextmanager
    def kept_by_somebody_else() -> Iterator[None]:
        raise OpslaError("process 7 is working on this warehouse")
        yield

    listener = running._listener(SETTINGS, lambda table, _: told.append(table), lambda _: told.append("answer"))
    for table in HEADLINE_TABLES:
        listener(table, 1, cast(Warehouse, SimpleNamespace(at_work=kept_by_somebody_else)))
    assert told == [*HEADLINE_TABLES]


# --- headline ---------------------------------------------------------------------------------------------------------


def test_headline_of_the_published_marts(marts: Path) -> None:
    with duckdb.connect(str(marts), read_only=True) as connection:
        found = headline(connection, SETTINGS)
        sums = connection.execute(
            "select sum(opened_cases), sum(sla_cases), sum(sla_b_breached_cases), avg(sla_b_breach_pct) from mart.sla_daily"
        ).fetchone()
        worst = connection.execute(
            "select tier, stage, p95_business_minutes from mart.driver_stage_durations order by 3 desc limit 1"
        ).fetchone()
        overall = connection.execute(
            "select first_touch_p50_business_minutes, first_touch_p95_business_minutes from mart.sla_overall"
        ).fetchone()
        events = connection.execute("select sum(events) from ops.refreshed_partitions").fetchone()
    assert sums is not None
    assert worst is not None
    assert events is not None
    assert (found.cases, found.sla_cases, found.events) == (sums[0], sums[1], events[0])
    first_touch = found.slas[0]
    assert first_touch.breached_cases == sums[2]
    assert first_touch.breach_pct == pytest.approx(100 * sums[2] / sums[1])
    assert first_touch.daily_avg_breach_pct == pytest.approx(sums[3])
    assert (first_touch.p50, first_touch.p95) == overall
    assert [sla.target_minutes for sla in found.slas] == [120.0, 1440.0, 1440.0]
    assert found.bottleneck is not None
    assert (found.bottleneck.tier, found.bottleneck.stage, found.bottleneck.p95) == worst
    assert found.data_quality == {}


def test_headline_of_a_warehouse_knows_events_and_their_mess() -> None:
    with duckdb.connect() as connection:
        for schema in ("raw", "staging", "mart"):
            connection.execute(f"create schema {schema}")
        connection.execute(
            "create table mart.sla_daily as select date '2025-07-01' as intake_date, 2 as opened_cases, 2 as sla_cases, "
            "1 as sla_b_breached_cases, 0 as sla_a_incl_wait_breached_cases, 0 as sla_a_paused_breached_cases, "
            "50.0 as sla_b_breach_pct, 0.0 as sla_a_incl_wait_breach_pct, 0.0 as sla_a_paused_breach_pct"
        )
        connection.execute(
            "create table raw.events_log as select * from (values "
            "(null::timestamp, timestamp '2025-07-01 10:00', true, null::boolean, false), "
            "(timestamp '2025-07-01 11:00', timestamp '2025-07-01 10:00', false, null, false), "
            "(timestamp '2025-07-01 09:00', timestamp '2025-07-01 10:00', false, null, false), "
            "(timestamp '2025-07-01 09:30', timestamp '2025-07-01 10:00', false, null, true)) "
            "as t (event_ts, ingestion_ts, is_duplicate, is_late_arriving, is_tz_inconsistent)"
        )
        connection.execute(
            "create table staging.case_sla_metrics as select * from (values (10.0, 100.0, 90.0, false), (30.0, 300.0, 110.0, true)) "
            "as t (first_touch_business_minutes, resolution_incl_wait_business_minutes, resolution_paused_business_minutes, "
            "is_first_touch_before_intake)"
        )
        connection.execute(
            "create table staging.sla_policies as select 'first_touch' as metric, 5400 as target_seconds"
        )
        found = headline(connection, SETTINGS)
    assert (found.events, found.events_per_case) == (4, 2.0)
    # A flag that the source cannot know is no rate of 0.
    assert found.data_quality == {
        "pct_missing_event_ts": 25.0, "pct_duplicate_flag": 25.0, "pct_tz_inconsistent": 25.0,
        "pct_ingestion_before_event": 25.0, "pct_triage_before_intake_sla": 50.0,
    }
    assert found.slas[0].p50 == 20.0
    assert found.slas[1].p90 == pytest.approx(280.0)
    assert [sla.target_minutes for sla in found.slas] == [90.0, None, None]
    assert found.bottleneck is None
    assert found.scenarios == ()


def test_headline_of_an_empty_log(tmp_path: Path) -> None:
    with duckdb.connect(str(write_marts(tmp_path / "marts.duckdb", Log(cases=0, days=1))), read_only=True) as connection:
        found = headline(connection, SETTINGS)
    assert (found.cases, found.sla_cases, found.events_per_case, found.first_intake_date) == (0, 0, None, None)
    assert [sla.breach_pct for sla in found.slas] == [None, None, None]


def test_a_percentile_says_what_it_is_of(summary: RunSummary) -> None:
    """Of the cases both touched and resolved, or of all clocks that have stopped: both are told, and the figures differ."""
    assert summary.headline is not None
    assert wording.headline_heads(summary.headline)[-2:] == ("p90 of cases", "p95 of cases")
    assert wording.headline_heads(summary.headline.model_copy(update={"slas": ()}))[-2:] == ("p90 of clocks", "p95 of clocks")
    assert re.search(r"% of +p50 of +p90 of +p95 of", printed(summary, 200))


def test_why_clocks_are_unknown_is_said_below_their_number(tmp_path: Path) -> None:
    """Of all promises together, as the column adds up; a source's own promises speak alone for its cases."""
    path = write_marts(tmp_path / "marts.duckdb", Log(cases=30, days=3))
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "create or replace table mart.unknown_clocks as select 'simulation' as source, 'desk' as policy, false as is_source_promise, * from (values "
            "('first_touch', 'cancelled', 3), ('first_touch', 'stopped_before_start', 1), ('first_resolution', 'cancelled', 2), ('first_resolution', 'a_new_one', 1)"
            ") as told (metric, reason, unknown_clocks)"
        )
        found = headline(connection, SETTINGS)
    told = "Why 7 clocks are unknown: 5 of cases cancelled first; 1 with a stop before the start (a timestamp is wrong); 1 a new one."
    assert wording.promise_notes(found)[0] == told
    assert promises(found).how_to_read.count(told) == 1
    assert wording.unknown_note([]) == ""


def test_status_says_why_of_the_promises_that_it_lists(marts: Path) -> None:
    with duckdb.connect(str(marts), read_only=True) as connection:
        one = headline(connection, SETTINGS).promises[0].model_copy(update={"unknown_clocks": 2, "unknown_reasons": (("cancelled", 2),)})
    console = Console(file=io.StringIO(), width=120)
    status._print_promises([one] * (status._PROMISES_SHOWN + 3), console)
    assert isinstance(console.file, io.StringIO)
    assert f"Why {2 * status._PROMISES_SHOWN} clocks are unknown" in console.file.getvalue()


@pytest.mark.parametrize(("reason", "words"), [
    ("end of the last intake date loaded", "the end of the last intake date loaded (--end loads later ones)"),
    ("the log ended", "the log has ended, nothing came in during the week after that"), ("latest look", None),
])  # fmt: skip
def test_a_look_after_now_says_why_now_is_earlier(summary: RunSummary, reason: str, words: str | None) -> None:
    assert summary.headline is not None
    now_at = summary.as_of_at - timedelta(days=2) if words else summary.as_of_at
    cases = OpenCases(now_at=now_at, now_reason=reason, open_cases=3, breached_open_cases=1)
    told = " ".join(printed(summary.model_copy(update={"headline": summary.headline.model_copy(update={"open_cases": cases})}), 400).split())
    assert ("Promises are judged as of then; open cases, backlog and forecasts as of" in told) == (words is not None)
    assert words is None or words in told


# --- run summary ------------------------------------------------------------------------------------------------------


def test_summary_goes_to_json_and_back(summary: RunSummary, tmp_path: Path) -> None:
    path = write_run_summary(summary, tmp_path / "run_summaries")
    assert path.name == "20261120T235911Z_3f2a9c1e-5b77-4c36-9a2e-0d8f6f1f4b11.json"
    assert read_run_summary(path) == summary
    plain = json.loads(path.read_text(encoding="utf-8"))
    assert plain["window_end"] == "2025-08-30"
    assert plain["headline"]["slas"][0]["sla"] == "sla_b"
    assert plain["checks"][0]["figures"]["rate"] == 1.783


def test_figures_of_a_check_keep_their_kind(summary: RunSummary, tmp_path: Path) -> None:
    figures: dict[str, bool | int | float | str | None] = {"a": True, "b": 1, "c": 1.5, "d": "text", "e": None, "f": 0}
    check = CheckResult(asset="raw.cases", check="kinds", passed=True, figures=figures)
    path = write_run_summary(summary.model_copy(update={"checks": (check,)}), tmp_path)
    back = read_run_summary(path).checks[0].figures
    assert [(value, type(value)) for value in back.values()] == [(value, type(value)) for value in figures.values()]


def test_latest_summary_is_that_of_the_last_start(summary: RunSummary, tmp_path: Path) -> None:
    assert latest_run_summary(tmp_path) is None
    earlier = summary.model_copy(update={"run_id": "z", "started_at": summary.started_at - timedelta(days=1)})
    later = summary.model_copy(update={"run_id": "a", "started_at": datetime(2027, 1, 1)})
    for one in (summary, later, earlier):
        write_run_summary(one, tmp_path)
    latest = latest_run_summary(tmp_path)
    assert latest is not None
    assert latest.run_id == "a"


def test_a_file_that_is_no_summary_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"run_id": 1}', encoding="utf-8")
    with pytest.raises(OpslaError, match=r"x\.json: expected a run summary"):
        latest_run_summary(tmp_path)


# --- impact log -------------------------------------------------------------------------------------------------------


def test_log_gets_its_header_once_and_each_run_once(summary: RunSummary, tmp_path: Path) -> None:
    path = tmp_path / "reports" / "impact_log.md"
    other = summary.model_copy(update={"run_id": "another-run"})
    assert append_impact_log(summary, path)
    assert not append_impact_log(summary, path)
    assert append_impact_log(other, path)
    assert not append_impact_log(summary, path)
    log = path.read_text(encoding="utf-8")
    assert log.count("## Metric Conventions") == 1
    assert re.findall(r"^### Step (\d+)", log, re.MULTILINE) == ["1", "2"]
    assert log.index("**Run:** 3f2a9c1e") < log.index("**Run:** another-run")


def test_a_run_id_that_begins_like_another_is_another(summary: RunSummary, tmp_path: Path) -> None:
    path = tmp_path / "impact_log.md"
    assert append_impact_log(summary.model_copy(update={"run_id": "abc-1"}), path)
    assert append_impact_log(summary.model_copy(update={"run_id": "abc"}), path)


def test_entry_holds_what_the_run_measured(summary: RunSummary, tmp_path: Path) -> None:
    path = tmp_path / "impact_log.md"
    append_impact_log(summary, path)
    log = path.read_text(encoding="utf-8")
    assert summary.headline is not None
    first_touch, incl, _ = summary.headline.slas
    assert "### Step 1 — opsla run: intake 2025-07-01 → 2025-08-29\n**Date:** 2026-11-20" in log
    assert "- Run runtime (seconds): 14.237\n- raw.cases: 6,000 (0.412 s)" in log
    promise = summary.headline.promises[0]
    assert f"- The desk's promises, SLA B: first touch: {promise.kept_pct:.3f}% attainment ({promise.met_clocks:,} met, " in log
    assert f"- SLA B: first touch, breach %: {first_touch.breach_pct:.3f}%" in log
    assert f"- SLA A: first resolution, customer wait counted p50/p90/p95: {incl.p50:,.1f}, {incl.p90:,.1f}, {incl.p95:,.1f}" in log
    assert "- passed: raw.events_log / gate_pct_missing_event_ts (rate 1.783%, error above 20%, warn above 3%)" in log
    assert "- failed (WARN): raw.events_log / drift_daily_volume (worst day 2025-11-28" in log
    assert "27,382.36 business hours saved" in log
    assert "- missing event_ts: 1.783%" in log


def test_dates_with_gaps_are_named_as_such(summary: RunSummary, tmp_path: Path) -> None:
    scattered = summary.model_copy(update={"dates": "2025-07-01..2025-07-03 2025-07-08..2025-07-08"})
    append_impact_log(scattered, tmp_path / "impact_log.md")
    assert "### Step 1 — opsla run: intake 2025-07-01 → 2025-07-03, 2025-07-08\n" in (tmp_path / "impact_log.md").read_text(encoding="utf-8")
    many = summary.model_copy(update={"dates": " ".join(f"2025-07-{day:02}..2025-07-{day:02}" for day in range(1, 16, 2))})
    assert wording.intake_dates(many) == "2025-07-01, 2025-07-03, 2025-07-05, 2025-07-07, 2025-07-09 and 3 more ranges"
    assert wording.intake_dates(summary) == "2025-07-01 to 2025-08-29"


def test_failed_run_says_what_still_stands(summary: RunSummary, tmp_path: Path) -> None:
    path = tmp_path / "impact_log.md"
    append_impact_log(summary.model_copy(update={"succeeded": False, "headline": None}), path)
    log = path.read_text(encoding="utf-8")
    assert "2025-08-29 (failed)\n" in log
    assert "the marts published before it still stand" in log
    assert "SLA breach rates (cases both touched and resolved)" not in log


def test_what_a_person_wrote_into_the_log_stays(summary: RunSummary, tmp_path: Path) -> None:
    path = tmp_path / "impact_log.md"
    path.write_text("# Our log\n\n### Step 8 — Scenario modeling\nBy hand.\n", encoding="utf-8")
    append_impact_log(summary, path)
    log = path.read_text(encoding="utf-8")
    assert log.startswith("# Our log\n\n### Step 8 — Scenario modeling\nBy hand.\n\n### Step 9 — opsla run")


def test_log_that_is_no_text_is_refused(summary: RunSummary, tmp_path: Path) -> None:
    path = tmp_path / "impact_log.md"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(OpslaError, match=r"impact_log\.md: expected the impact log as UTF-8 text"):
        append_impact_log(summary, path)
    assert path.read_bytes() == b"\xff\xfe\x00"


# --- closing table ----------------------------------------------------------------------------------------------------


def test_closing_table_fits_eighty_columns_and_has_the_figures(summary: RunSummary) -> None:
    text = printed(summary)
    assert max(map(len, text.splitlines())) <= 80
    assert summary.headline is not None
    upper, lower = text.split(" cases: those both ")
    assert "Every clock of each promise" in upper
    for sla in summary.headline.slas:
        times = [word for figure in (sla.p50, sla.p90, sla.p95) for word in wording.time_taken(figure).split()]
        assert any(line.split()[-8:] == [f"{sla.breached_cases:,}", wording.percent(sla.breach_pct), *times] for line in lower.splitlines())
    for promise in summary.headline.promises:
        counts = (promise.met_clocks, promise.all_breached_clocks, promise.open_breached_clocks, promise.running_clocks, promise.unknown_clocks)
        figures = [wording.percent(promise.kept_pct), *map(wording.count, counts)]
        assert any(line.split()[-6:] == figures for line in upper.splitlines())
    assert "paused in" in upper
    judged, cases = summary.headline.sla_cases, summary.headline.cases
    assert upper.endswith(f"{judged:,} of {cases:,}")
    assert f"The other {cases - judged:,} cases are counted in the first table only" in re.sub(r"\s+", " ", lower)
    assert "no breach avoided; a reopen comes after the first resolution, which is what the promise judges" in re.sub(r"\s+", " ", lower)
    assert "27 passed, 1 failed" in text
    assert "WARN raw.events_log drift_daily_volume" in text
    assert "S3 combined" in text
    assert "14.2 seconds" in text
    looks = re.sub(r" +", " ", text[text.index("Look next") :])
    assert looks.startswith("Look next marts.duckdb \n reports/report.html")
    assert "opsla explain CASE_ID" in looks
    for command in ("opsla ownership CASE_ID who held it", "opsla next which ticket is next", "opsla staffing how many heads", "opsla center all of it in the browser"):
        assert command in looks


def test_heads_are_not_advised_where_no_promise_has_an_objective(tmp_path: Path) -> None:
    with duckdb.connect(str(write_own_marts(tmp_path / "own.duckdb")), read_only=True) as connection:
        measured, shipped = (headline(connection, settings) for settings in (own_promises(), SETTINGS))
    assert shipped.has_objectives
    assert not measured.has_objectives
    looks = printed(summary_of(tmp_path / "own.duckdb").model_copy(update={"headline": measured}))
    assert "opsla staffing" not in looks
    assert "opsla next" in looks


def test_closing_table_of_a_desk_with_promises_of_its_own(summary: RunSummary, tmp_path: Path) -> None:
    with duckdb.connect(str(write_own_marts(tmp_path / "marts.duckdb")), read_only=True) as connection:
        found = headline(connection, own_promises())
    assert found.slas == ()
    text = printed(summary.model_copy(update={"headline": found}))
    rows = [line.split() for line in text.splitlines()]
    assert ["Priority", "1:", "First", "reply", "75.00%", "30", "10", "1", "2", "3"] in rows
    assert ["rest:", "Resolution,", "–", "0", "0", "0", "0", "0"] in [row[:2] + row[-6:] for row in rows]
    assert "SLA" not in text
    assert "both touched" not in text
    assert re.search(r"Open clocks +none as of 2026-11-20 23:59 UTC", text)


def test_open_clocks_judged_long_after_the_log_s_end_say_so(summary: RunSummary) -> None:
    assert summary.headline is not None
    as_of_at = datetime(2026, 11, 20, 23, 59, 11)

    def shown(last_event_at: datetime | None) -> str:
        measured = summary.headline and summary.headline.model_copy(update={"as_of_at": as_of_at, "last_event_at": last_event_at})
        return printed(summary.model_copy(update={"headline": measured}), width=240)

    assert "judged 448 days after the log’s last timestamp; --as-of 2025-08-29T09:30:00 judges them as of that instant." in shown(
        datetime(2025, 8, 29, 9, 30)
    )
    assert "--as-of" not in shown(as_of_at - timedelta(days=29))
    assert "--as-of" not in shown(None)


def test_closing_table_of_a_run_that_failed_early(summary: RunSummary) -> None:
    failed = summary.model_copy(update={"succeeded": False, "headline": None, "tables": (), "checks": ()})
    text = printed(failed)
    assert "opsla run: failed" in text
    assert "0 passed, 0 failed" in text


def test_closing_table_takes_names_literally(summary: RunSummary) -> None:
    check = CheckResult(asset="raw.cases", check="[bold]odd[/bold]", passed=False, figures={"[red]": "[/x]"})
    assert "[bold]odd[/bold]: [red] [/x]" in printed(summary.model_copy(update={"checks": (check,)}), width=120)


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "shown"),
    [("T3", "Tier 3"), ("tier_3", "Tier 3"), ("3", "Tier 3"), ("gold", "gold"), ("3 - Moderate", "3 - Moderate"),
     (None, "No tier"), ("unknown", "No tier"), (" ", "No tier")],
)
def test_tiers_in_words(stored: str | None, shown: str) -> None:
    assert wording.tier(stored) == shown


@pytest.mark.parametrize(
    ("check", "figures", "name", "shown"),
    [
        ("gate_rejected_rows", {"rate": 82.0, "warn_above": 0}, "rejected rows", "82 rows, warn above 0 rows"),
        ("gate_rejected_rows", {"rate": 1.0, "warn_above": 0}, "rejected rows", "1 row, warn above 0 rows"),
        ("gate_pct_rejected_rows", {"error_above": 20.0, "rate": 1.5}, "rejected rows (%)", "rate 1.5%, error above 20%"),
        ("gate_pct_late_arriving", {"rate": 1.5, "sample_rows": 901, "warn_above": 3}, "late arriving (%)", "rate 1.5%, of 901 rows, warn above 3%"),
        ("gate_events_per_case", {"rate": 6.4, "warn_below": 2}, "events per case", "6.4 events, warn below 2 events"),
        ("gate_pct_late_arriving", {"measured": False}, "late arriving (%)", "measured no"),
        ("assert_spans_add_up", {"cases": 3}, "assert spans add up", "cases 3"),
        ("warn_cases_are_odd", {"offending_rows": 1_300}, "warn cases are odd", "1,300 found"),
        ("warn_cases_are_odd", {"offending_rows": 0}, "warn cases are odd", "none found"),
    ],
)
def test_gates_say_what_they_measure_in(check: str, figures: dict[str, bool | int | float | str | None], name: str, shown: str) -> None:
    found = CheckResult(asset="raw.rejected_rows", check=check, passed=True, figures=figures)
    assert (wording.check_name(found), wording.check_figures(found)) == (name, shown)


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0 min"), (89, "1 min"), (3_600, "1 h 00 min"), (-5_400, "−1 h 30 min"), (900_000, "250 h"), (None, "–")]
)
def test_spans_in_words(seconds: float | None, shown: str) -> None:
    assert wording.span(seconds) == shown


@pytest.mark.parametrize(
    ("minutes", "shown"),
    [(None, "–"), (0, "0 min"), (0.5, "30 s"), (0.001, "1 s"), (1, "1 min"), (39.64, "39.6 min"), (119.4, "119 min"), (119.6, "2.0 h"),
     (120, "2.0 h"), (2_665, "44.4 h"), (5_996, "99.9 h"), (5_999, "100 h"), (10_330, "172 h"), (600_000, "10,000 h")],
)
def test_times_in_the_unit_that_fits(minutes: float | None, shown: str) -> None:
    assert wording.time_taken(minutes) == shown


@pytest.mark.parametrize(
    ("minutes", "day_minutes", "shown"),
    [(2_665, 480, "44.4 h, or 5.6 business days (8 h)"), (2_665, 450, "44.4 h, or 5.9 business days (7.5 h)"), (2_665, 1_440, "44.4 h"),
     (2_880, 1_440, "48.0 h, or 2.0 days"), (2_665, None, "44.4 h"), (90, 480, "90 min"), (None, 480, "–")],
)
def test_business_days_where_a_time_is_large(minutes: float | None, day_minutes: float | None, shown: str) -> None:
    assert wording.business_time(minutes, day_minutes) == shown


# --- a run that was killed --------------------------------------------------------------------------------------------


def test_a_killed_run_leaves_a_summary_once_it_is_found(tmp_path: Path) -> None:
    """It could write none itself, and would be missing among the latest runs of the page Data quality."""
    settings = load_settings(Path(__file__).parents[2] / "config", tmp_path)
    began_at = datetime(2025, 7, 2, 5)
    dates = Window(date(2025, 7, 1), date(2025, 7, 2))
    with open_instance(tmp_path) as instance:
        process_tags(instance)  # which makes the directory
        for name, is_refresh in (("one", True), ("two", False)):
            (tmp_path / "dagster" / "processes" / f"{name}.lock").touch()
            instance.add_run(dg.DagsterRun("refresh", tags={**run_tags(dates_of([dates]), began_at, is_refresh=is_refresh), PROCESS_TAG: name}, status=dg.DagsterRunStatus.STARTED))
        instance.add_run(dg.DagsterRun("load_account", tags={PROCESS_TAG: "two"}, status=dg.DagsterRunStatus.STARTED))
        assert len(_end_killed_runs(settings, instance)) == 3
        assert _end_killed_runs(settings, instance) == []
    found = [read_run_summary(path) for path in (tmp_path / "reports" / "run_summaries").glob("*.json")]
    assert sorted((each.command, each.succeeded, each.window_start, each.as_of_at) for each in found) == [
        ("opsla refresh, killed", False, date(2025, 7, 1), began_at), ("opsla run, killed", False, date(2025, 7, 1), began_at),
    ]  # fmt: skip
    assert all(each.seconds < 60 for each in found)
