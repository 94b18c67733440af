"""An audit log and a file of links, from the command line to the tables, the report and the pages."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from cli import opsla_here
from effort import IS_HOLD
from small_desk import dated, july, make, takes_minutes, up_to

from opsla_dagster.warehouse.publish import publish

AUDIT = """\
Ticket,Changed at,Field,Old,New,Changed by
E-1,2025-07-17 09:00,State,,New,web
E-1,2025-07-17 09:00,Group,,front,ann
E-1,2025-07-17 10:00,State,New,Working,ann
E-1,2025-07-17 12:00,Group,front,back,ann
E-1,2025-07-17 14:00,Group,back,front,bob
E-1,2025-07-17 15:00,State,Working,Solved,ann
E-2,2025-07-17 09:00,State,,New,web
E-2,2025-07-17 10:00,Group,,back,bob
"""
LOG = "Ticket,State,Changed at\nE-1,New,2025-07-17 09:00\nE-1,Working,2025-07-17 10:00\nE-1,Solved,2025-07-17 15:00\nE-2,New,2025-07-17 09:00\n"
#: Two records in six without a status: init writes the configuration, says what is to be done first, and runs nothing.
BROKEN_LOG = LOG + "E-2,,2025-07-17 11:00\nE-2,,2025-07-17 12:00\n"
LINKS = "case_id,linked_id,kind,linked_at\nE-1,EO-7,escalation,2025-07-17 13:00\nE-1,E-2,problem,\nE-2,E-1,related,\n"
LINKS_SOURCE = """
  - name: links
    type: event_log
    form: links
    beside: log
    files: ../links.csv
    time: {format: "%Y-%m-%d %H:%M", timezone: UTC}
    columns: {case_id: case_id, linked_id: linked_id, kind: kind, event_ts: linked_at}
"""
STINTS = [
    ("E-1", 1, "front", "initial", "ann", 180.0), ("E-1", 2, "back", "handoff", "ann", 120.0), ("E-1", 3, "front", "return_direct", "bob", 60.0),
]


def asked(path: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


@takes_minutes
def test_init_of_an_audit_log_fills_the_ownership_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "audit.csv").write_text(AUDIT)
    monkeypatch.setenv("OPSLA_CONFIG", "nowhere")
    said = opsla_here("init", str(tmp_path / "audit.csv"), "--to", str(tmp_path / "desk"), "--timezone", "UTC", "--yes", monkeypatch=monkeypatch)
    assert said.code == 0, said
    assert "one row per changed field" in said.out
    marts, warehouse = tmp_path / "desk" / ".opsla" / "marts.duckdb", tmp_path / "desk" / ".opsla" / "ops_warehouse.duckdb"
    stints = asked(
        warehouse, "select case_id, stint, team, entered_by, entered_by_actor, held_calendar_minutes from mart.escalation_ownership_timeline where case_id = 'E-1' order by stint"
    )
    assert stints == STINTS
    (overall,) = asked(marts, "select cases, round(misattributed_pct, 4) from mart.misattribution where scope = 'all'")
    assert overall == (1, round(100 * 120 / 360, 4))
    assert asked(marts, "select team, cases, open_now_cases from mart.team_latency order by team") == [("UNASSIGNED", 0, 1), ("back", 1, 1), ("front", 1, 0)]
    assert asked(warehouse, "select count(*) from raw.rejected_rows") == [(0,)]
    assert asked(warehouse, "select count(*) from staging.case_links") == [(0,)], "nobody tells links, and who reads them finds none"
    assert not asked(marts, "select 1 from information_schema.tables where table_name = 'case_links'")
    explained = opsla_here("explain", "E-1", monkeypatch=monkeypatch)
    assert "front to back; by ann" in " ".join(explained.out.split())


def test_a_log_with_an_audit_log_and_links_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run makes every table in `make hold`."""
    from opsla_dagster.reporting.explain import explain
    from opsla_dagster.reporting.explain_picture import write_picture
    from opsla_dagster.settings import load_settings
    from opsla_dagster.warehouse.connection import reading

    for name, text in (("log", BROKEN_LOG), ("audit", AUDIT), ("links", LINKS)):
        (tmp_path / f"{name}.csv").write_text(text)
    config, home = tmp_path / "desk", tmp_path / "desk" / ".opsla"
    monkeypatch.setenv("OPSLA_CONFIG", "nowhere")
    log, audit = str(tmp_path / "log.csv"), str(tmp_path / "audit.csv")
    said = opsla_here("init", log, "--changes", audit, "--to", str(config), "--timezone", "UTC", "--yes", monkeypatch=monkeypatch)
    assert (said.code, "33% of the records have no status" in said.err) == (1, True), said
    assert "Changes of 'State' are left out: log tells the statuses of these cases." in said.out
    (tmp_path / "log.csv").write_text(LOG)
    with (config / "sources.yml").open("a", encoding="utf-8") as sources:
        sources.write(LINKS_SOURCE)
    monkeypatch.setenv("OPSLA_CONFIG", str(config))
    monkeypatch.setenv("OPSLA_HOME", str(home))
    settings = load_settings()
    if IS_HOLD:
        ran = opsla_here("run", monkeypatch=monkeypatch)
        assert ran.code == 0, ran
    else:
        home.mkdir(exist_ok=True)
        only = dated(settings) | up_to(settings, "mart.case_links", "mart.escalation_ownership_timeline", "raw.rejected_rows")
        make(settings, [july(17, 17)], datetime(2025, 7, 18), only)
        with duckdb.connect(str(settings.home.warehouse)) as connection:
            publish(connection, settings.home, ["mart.case_links"])
    warehouse = home / "ops_warehouse.duckdb"
    stints = asked(
        warehouse,
        "select stint, team, entered_by_actor, held_calendar_minutes, escalation_case_id, is_after_escalation from mart.escalation_ownership_timeline "
        "where case_id = 'E-1' order by stint",
    )
    assert stints == [(1, "front", "ann", 180.0, "EO-7", False), (2, "back", "ann", 120.0, "EO-7", False), (3, "front", "bob", 60.0, "EO-7", True)]
    links = asked(
        home / "marts.duckdb",
        "select case_id, linked_case_id, link_kind, escalation_number, held_before_link_calendar_seconds, held_after_link_calendar_seconds, is_linked_case_loaded, is_linked_case_open "
        "from mart.case_links order by all",
    )
    assert links == [
        ("E-1", "E-2", "problem", 2, None, None, True, True), ("E-1", "EO-7", "escalation", 1, 4 * 3600, 2 * 3600, False, None), ("E-2", "E-1", "related", None, None, None, True, False),
    ]
    shown = opsla_here("ownership", "E-1", monkeypatch=monkeypatch).out
    assert "escalated to EO-7 (since Thu 17 Jul 2025 13:00 UTC): held 4:00:00 before and 2:00:00 after; it is not loaded" in " ".join(shown.split())
    assert "related to E-2 (nobody tells since when): it is open with back" in " ".join(shown.split())
    with reading(settings.home.warehouse) as connection:
        picture = write_picture(explain(connection, "E-2", settings), tmp_path / "case.html").read_text(encoding="utf-8")
    assert "<h2>Linked</h2>" in picture
    assert "the problem of" in picture
