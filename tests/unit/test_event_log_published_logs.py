"""The two published logs through the shipped examples: every record is accounted for, and the known figures come out.

Skipped where the logs are absent: the project does not carry them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from event_log_desk import EVER, REAL_LOGS, REPO_ROOT, whole

from opsla_dagster.settings.base import read_document
from opsla_dagster.settings.sources import EventLogSettings, SourcesSettings
from opsla_dagster.sources.event_log import EventLogSource, SourceCounts
from opsla_dagster.window import Window

pytestmark = pytest.mark.skipif(not REAL_LOGS.is_dir(), reason=f"the published logs are not at {REAL_LOGS}")
Example = Callable[[str], EventLogSource]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    """The source of a shipped example by its directory's name; each log is read once."""
    cache = tmp_path_factory.mktemp("cache")

    def build(name: str) -> EventLogSource:
        directory = REPO_ROOT / "examples" / name
        document = read_document(directory / "sources.yml", SourcesSettings)
        (log,) = document.sources
        assert isinstance(log, EventLogSettings)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("OPSLA_DATA", str(REAL_LOGS))
            source = EventLogSource(log, document.desk, cache, directory)
            source.counts()
        return source

    return build


def one_row(sql: str, **tables: pa.Table) -> tuple[object, ...]:
    connection = duckdb.connect()
    for name, table in tables.items():
        connection.register(name, table)
    row: tuple[object, ...] = connection.execute(sql).fetchall()[0]
    return row


def test_every_row_of_the_servicenow_log_is_accounted_for(example: Example) -> None:
    source = example("servicenow")
    assert source.counts() == SourceCounts(
        rows=141_712, used_rows=141_707, rejected_rows=5, cases=24_918, used_cases=24_918
    )
    assert source.window() == Window(date(2016, 2, 29), date(2017, 2, 19))


def test_the_five_rows_in_an_undocumented_state_are_rejected(example: Example) -> None:
    rejected = example("servicenow").rejected_rows().to_pylist()
    assert [row["row_number"] for row in rejected] == [115_643, 115_644, 124_509, 124_510, 124_511]
    assert {(row["field"], row["case_id"][:3], row["reason"][-6:]) for row in rejected} == {("status", "INC", "'-100'")}


def test_reopens_of_the_servicenow_log_are_those_of_its_own_counter(example: Example) -> None:
    events = example("servicenow").events(whole(example("servicenow")), EVER)
    sql = "select count(distinct case_id) filter (is_reopen), count(*) filter (is_reopen) from events"
    assert one_row(sql, events=events) == (275, 331)


def test_reopens_survive_when_ties_are_broken_by_event_id(example: Example) -> None:
    """Downstream keeps the first of the events with one case, status and instant: 6,534 rows of this log go."""
    events = example("servicenow").events(whole(example("servicenow")), EVER)
    sql = """
        with kept as (
            select case_id, is_reopen from events
            qualify row_number() over (partition by case_id, status, event_ts order by ingestion_ts, event_id) = 1
        )
        select count(*), count(distinct case_id) filter (is_reopen), count(*) filter (is_reopen) from kept
    """
    assert one_row(sql, events=events) == (135_173, 275, 331)


def test_hours_from_opened_to_resolved_and_the_sources_own_verdict(example: Example) -> None:
    cases = example("servicenow").cases(whole(example("servicenow")), EVER)
    sql = """
        with resolved as (select epoch(source_resolved_ts - intake_ts) / 3600 as hours from cases)
        select count(hours), round(quantile_cont(hours, 0.5), 1), round(quantile_cont(hours, 0.75), 1),
            round(quantile_cont(hours, 0.9), 1), round(quantile_cont(hours, 0.95), 1)
        from resolved
    """
    assert one_row(sql, cases=cases) == (23_362, 22.1, 148.5, 381.5, 710.5)
    verdicts = "select count(*) filter (source_is_sla_met), count(*) filter (not source_is_sla_met) from cases"
    assert one_row(verdicts, cases=cases) == (15_803, 9_115)


def test_the_oddities_of_the_servicenow_log_survive(example: Example) -> None:
    source = example("servicenow")
    events, cases = source.events(whole(source), EVER), source.cases(whole(source), EVER)
    sql = """
        with steps as (
            select events.*, lag(event_ts) over (partition by case_id order by source_sequence) as previous_ts
            from events
        )
        select
            count(*) filter (steps.event_ts < cases.intake_ts), count(*) filter (steps.event_ts < previous_ts),
            count(*) filter (steps.team is null), count(distinct event_id),
            count(distinct case_id) filter (intake_date < date '2016-06-01')
        from steps
        inner join cases using (source, case_id, intake_date)
    """
    assert one_row(sql, events=events, cases=cases) == (5, 1, 14_213, 141_707, 24_644)


def test_a_day_of_the_servicenow_log_is_the_day_of_the_whole(example: Example) -> None:
    source = example("servicenow")
    day = Window(date(2016, 5, 17), date(2016, 5, 18))
    as_of_at = datetime(2016, 6, 15, 17, 10)
    events = source.events(whole(source), as_of_at)
    assert (
        source.events(day, as_of_at).num_rows
        == one_row("select count(*) from events where intake_date = date '2016-05-17'", events=events)[0]
    )
    states = source.partition_states(whole(source), as_of_at)
    assert source.partition_states(day, as_of_at).to_pylist() == [
        row for row in states.to_pylist() if row["intake_date"] == day.start
    ]


def test_the_help_desk_log_is_used_in_full(example: Example) -> None:
    source = example("helpdesk")
    assert source.counts() == SourceCounts(
        rows=21_348, used_rows=21_348, rejected_rows=0, cases=4_580, used_cases=4_580
    )
    events = source.events(whole(source), EVER)
    sql = """
        select count(distinct case_id) filter (is_reopen), count(distinct source_status), count(distinct agent)
        from events
    """
    assert one_row(sql, events=events) == (154, 14, 22)
    durations = """
        with cases as (
            select case_id, epoch(max(event_ts) - min(event_ts)) / 86400 as days
            from events
            group by case_id
        )
        select round(quantile_cont(days, 0.5), 1), round(quantile_cont(days, 0.9), 1) from cases
    """
    assert one_row(durations, events=events) == (39.9, 53.0)


def test_the_examples_find_their_logs_beside_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without $OPSLA_DATA the examples look into ../shared/data, seen from the repository."""
    monkeypatch.delenv("OPSLA_DATA", raising=False)
    checkout = tmp_path / "checkout"
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "data").symlink_to(REAL_LOGS)
    for name in ("servicenow", "helpdesk"):
        directory = checkout / "examples" / name
        directory.mkdir(parents=True)
        document = read_document(REPO_ROOT / "examples" / name / "sources.yml", SourcesSettings)
        (log,) = document.sources
        assert isinstance(log, EventLogSettings)
        assert EventLogSource(log, document.desk, tmp_path / "cache", directory).counts().rows > 20_000
