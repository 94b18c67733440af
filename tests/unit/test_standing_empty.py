"""Tables of areas that no source feeds: those that stand empty, who reads them, and what a reader is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from opsla_dagster.assets.graph import table_assets
from opsla_dagster.catalog import TABLES
from opsla_dagster.reporting.sections.ownership import AGENTS_ALONE, ENDS_ALONE, NOBODY, ownership
from opsla_dagster.settings import Settings, load_settings
from opsla_dagster.settings.sources import SourcesSettings
from opsla_dagster.shipped import CONFIG
from opsla_dagster.sources.filled import active_tables, empty_tables
from opsla_dagster.warehouse.connection import relation_names, table_names
from opsla_dagster.warehouse.write import drop_unfed, ensure_table

TIMELINE, LINKS = "mart.escalation_ownership_timeline", "staging.case_links"


def settings_with(home: Path, *sources: dict[str, object]) -> Settings:
    return replace(load_settings(CONFIG, home), sources=SourcesSettings.model_validate({"desk": {"timezone": "UTC", "start_date": "2025-07-01"}, "sources": list(sources)}))


LOG: dict[str, object] = {
    "name": "log", "type": "event_log", "files": "log.csv", "columns": {"case_id": "case", "status": "status", "event_ts": "at"}, "statuses": {"New": "INTAKE"},
}
FILE_OF_LINKS: dict[str, object] = {
    "name": "links", "type": "event_log", "form": "links", "beside": "log", "link_kind": "escalation", "files": "links.csv", "columns": {"case_id": "case", "linked_id": "other"},
}


def test_what_reads_links_finds_an_empty_table_where_nobody_tells_any(tmp_path: Path) -> None:
    simulated = load_settings(CONFIG, tmp_path)
    timeline = next(line for line in table_assets(simulated) if line.name == TIMELINE)
    assert (LINKS in timeline.deps, timeline.empty) == (False, [LINKS])
    assert not {"raw.case_links", LINKS, "mart.case_links"} & {table.name for table in active_tables(simulated.sources)}
    told = settings_with(tmp_path, {**LOG, "columns": {**LOG["columns"], "team": "team"}}, FILE_OF_LINKS)  # type: ignore[dict-item]
    timeline = next(line for line in table_assets(told) if line.name == TIMELINE)
    assert (LINKS in timeline.deps, timeline.empty) == (True, [])


def test_rows_of_a_source_that_is_gone_do_not_stay(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, LOG)
    empty = empty_tables(settings.sources)
    assert {LINKS, "mart.misattribution", "mart.team_latency"} <= {table.name for table in empty}
    with duckdb.connect() as connection:
        for schema in ("raw", "staging", "mart"):
            connection.execute(f"create schema {schema}")
        ensure_table(connection, TABLES[LINKS])
        connection.execute(f"insert into {LINKS} (case_id, linked_case_id) values ('a', 'EO-1')")
        drop_unfed(connection, active_tables(settings.sources), empty)
        assert connection.execute(f"select count(*) from {LINKS}").fetchall() == [(0,)]
        assert connection.execute("select count(*) from mart.misattribution").fetchall() == [(0,)]


def test_what_is_attached_is_not_what_the_warehouse_has(tmp_path: Path) -> None:
    """A copy that is being written has tables of the same names: each is dropped once, and what only the copy has is not there."""
    settings = settings_with(tmp_path, LOG)
    gone, of_the_copy = "staging.source_clock_comparison", "mart.staffing_replay"
    assert gone not in {table.name for table in (*active_tables(settings.sources), *empty_tables(settings.sources))}
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as cases")
        for schema in ("staging", "mart"):
            connection.execute(f"create schema {schema}; create schema cases.{schema}")
        ensure_table(connection, TABLES[gone])
        connection.execute(f"create table cases.{gone} (a integer); create table cases.{of_the_copy} (a integer)")
        assert (table_names(connection), relation_names(connection)) == ({gone}, {gone})
        drop_unfed(connection, active_tables(settings.sources))
        assert table_names(connection) == set()
        assert connection.execute(f"select count(*) from cases.{gone}").fetchall() == [(0,)]


@pytest.mark.parametrize("teams", [(), ("UNASSIGNED",)])
def test_the_report_says_that_nobody_is_told_to_have_held_a_case(teams: tuple[str, ...]) -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema mart")
        assert ownership(connection) is None, "marts of an earlier version"
        for name in ("mart.team_latency", "mart.misattribution", "mart.bounce_pairs"):
            ensure_table(connection, TABLES[name])
        for team in teams:
            connection.execute("insert into mart.team_latency (team) values ($team)", {"team": team})
        section = ownership(connection)
    assert section is not None
    assert section.finding == "Nobody is told to have held a case"
    assert (section.how_to_read, section.data, section.table) == (NOBODY, {}, None)


@pytest.mark.parametrize(("is_agent_told", "finding", "why"), [(True, "No team is told to have held a case", AGENTS_ALONE), (False, "Nobody is told to have held a case", NOBODY)])
def test_the_report_says_where_agents_are_told_and_no_team(is_agent_told: bool, finding: str, why: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema mart")
        for name in ("mart.team_latency", "mart.misattribution", "mart.bounce_pairs", "mart.backlog_sources"):
            ensure_table(connection, TABLES[name])
        connection.execute("insert into mart.team_latency (team) values ('UNASSIGNED')")
        connection.execute("insert into mart.backlog_sources (source, is_agent_told) values ('log', $is_agent_told)", {"is_agent_told": is_agent_told})
        section = ownership(connection)
    assert section is not None
    assert (section.finding, section.how_to_read, section.data, section.table) == (finding, why, {}, None)


@pytest.mark.parametrize("told", ["is_queue_told", "is_agent_told"])
def test_the_report_does_not_ask_for_the_team_of_one_row_a_case_that_it_has(told: str) -> None:
    """Of such a log the tables of ownership are there without rows, and the backlog knows the team of each case."""
    with duckdb.connect() as connection:
        connection.execute("create schema mart")
        for name in ("mart.team_latency", "mart.misattribution", "mart.bounce_pairs", "mart.backlog_sources"):
            ensure_table(connection, TABLES[name])
        connection.execute(f"insert into mart.backlog_sources (source, {told}) values ('log', true)")
        section = ownership(connection)
    assert section is not None
    assert (section.finding, section.how_to_read) == ("Who held a case is told of its end alone", ENDS_ALONE)
    assert "columns.team" not in ENDS_ALONE
