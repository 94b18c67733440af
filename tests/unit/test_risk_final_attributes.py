"""Of which attributes a source tells only what they were at the end: what sources.yml says of its form, and of an audit log beside it."""

from __future__ import annotations

from typing import Any

import duckdb

from opsla_dagster.catalog import TABLES
from opsla_dagster.checks.schema import check_schema
from opsla_dagster.settings.sources import SourcesSettings, final_attributes

TABLE: dict[str, Any] = {
    "type": "event_log", "name": "table", "form": "cases", "files": "*.csv", "columns": {"case_id": "id", "team": "team", "priority": "priority"},
    "milestones": {"opened": "INTAKE", "done": "RESOLVED"},
}  # fmt: skip
UPDATES: dict[str, Any] = {
    "type": "event_log", "name": "log", "files": "*.csv", "columns": {"case_id": "id", "team": "team", "event_ts": "at", "status": "status"},
    "statuses": {"new": "INTAKE"},
}  # fmt: skip
AUDIT: dict[str, Any] = {
    "type": "event_log", "name": "audit", "form": "changes", "beside": "table", "files": "*.csv", "fields": {"Group": "team"},
    "columns": {"case_id": "id", "event_ts": "at", "field": "field", "old_value": "old", "new_value": "new"},
}  # fmt: skip
EVERY = {("table", name) for name in ("team", "agent", "priority", "tier", "case_type", "brand", "region", "channel", "customer")}


def found(*sources: dict[str, Any]) -> set[tuple[str, str]]:
    desk = {"timezone": "UTC", "start_date": "2025-01-01"}
    return set(final_attributes(SourcesSettings.model_validate({"desk": desk, "sources": sources})))


def test_one_row_a_case_tells_no_changes_and_one_row_an_update_does() -> None:
    assert found(TABLE, UPDATES) == EVERY
    assert found(UPDATES) == set()


def test_the_rows_are_what_the_dictionary_says_of_the_table() -> None:
    table = TABLES["staging.final_attributes"]
    with duckdb.connect() as connection:
        connection.execute(f"create schema staging; create table {table.name} ({', '.join(f'{column.name} {column.type}' for column in table.columns)})")
        connection.executemany(f"insert into {table.name} values (?, ?)", sorted(found(TABLE)))
        assert check_schema(connection, table, None).passed


def test_an_audit_log_beside_tells_the_changes_of_its_fields() -> None:
    assert found(TABLE, AUDIT) == EVERY - {("table", "team")}
    assert found(TABLE, {**AUDIT, "enabled": False}) == EVERY
