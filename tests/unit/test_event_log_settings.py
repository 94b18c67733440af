"""sources.yml: what is accepted, and that an error names the file, the YAML path, what was found and expected."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml
from event_log_desk import COLUMNS, REPO_ROOT, STATUSES, log_settings
from pydantic import ValidationError

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.base import read_document
from opsla_dagster.settings.sources import (
    ColumnSettings,
    EventLogSettings,
    SimulationSourceSettings,
    SourcesSettings,
)

LOG: dict[str, Any] = {
    "name": "tickets",
    "type": "event_log",
    "files": "log.csv",
    "columns": COLUMNS,
    "statuses": STATUSES,
}
DESK = {"timezone": "Europe/Rome", "start_date": "2025-01-01"}


def read(directory: Path, document: dict[str, Any]) -> SourcesSettings:
    (directory / "sources.yml").write_text(yaml.safe_dump(document), encoding="utf-8")
    return read_document(directory / "sources.yml", SourcesSettings)


def read_log(directory: Path, **overrides: Any) -> EventLogSettings:
    (source,) = read(directory, {"desk": DESK, "sources": [LOG | overrides]}).sources
    assert isinstance(source, EventLogSettings)
    return source


@pytest.mark.parametrize("directory", ["config", "examples/servicenow", "examples/helpdesk"])
def test_the_shipped_documents_are_valid(directory: str) -> None:
    assert read_document(REPO_ROOT / directory / "sources.yml", SourcesSettings).sources[0].enabled


def test_the_default_desk_is_the_simulated_one() -> None:
    settings = read_document(REPO_ROOT / "config" / "sources.yml", SourcesSettings)
    assert [type(source) for source in settings.sources if source.enabled] == [SimulationSourceSettings]
    assert (settings.desk.timezone, settings.desk.start_date.isoformat()) == ("America/New_York", "2025-07-01")


def test_the_example_of_the_guide_is_valid(tmp_path: Path) -> None:
    guide = (REPO_ROOT / "docs" / "add_a_source.md").read_text(encoding="utf-8")
    example = guide.split("```yaml")[1].split("```")[0]
    (source,) = read(tmp_path, yaml.safe_load(textwrap.dedent(example))).sources
    assert isinstance(source, EventLogSettings)


def test_the_guide_explains_every_field() -> None:
    guide = (REPO_ROOT / "docs" / "add_a_source.md").read_text(encoding="utf-8")
    fields = set(EventLogSettings.model_fields) - {"type", "time"} | set(ColumnSettings.model_fields)
    assert {field for field in fields if f"`{field}`" not in guide} == set()


def test_a_single_pattern_is_a_list_of_one(tmp_path: Path) -> None:
    assert read_log(tmp_path).files == ("log.csv",)


@pytest.mark.parametrize(
    ("overrides", "place", "problem"),
    [
        ({"time": {"timezone": "Europe/Atlantis"}}, "time.timezone", "unknown time zone 'Europe/Atlantis'"),
        ({"time": {"format": "%d/%m/%Y"}}, "time", "has no UTC offset (%z): name the zone in timezone"),
        ({"statuses": {"New": "STARTED"}}, "statuses.New", "'INTAKE'"),
        ({"statuses": {}}, "statuses", "at least one"),
        ({"statuses": {-100: "INTAKE"}}, "statuses.-100", "write this in quotes"),
        ({"statuses": {True: "INTAKE"}}, "statuses.1", "write this in quotes"),
        ({"columns": {"case_id": "number", "status": "state"}}, "columns.event_ts", "is required"),
        ({"columns": COLUMNS | {"colour": "hue"}}, "columns.colour", "no such setting"),
        *(({"columns": COLUMNS | {"event_ts": odd}}, "columns.event_ts", "expected a column, or a list of two: that of the date and that of the time") for odd in ([], ["at"], ["a", "b", "c"], {"a": 1}, ["a", None])),
        *(({"time": {"format": odd}}, "time.format", "expected a form of stamps, or a list of forms") for odd in ([], ["iso", ""], {"a": 1})),
        ({"csv": {"delimiter": "||"}}, "csv.delimiter", "expected one ASCII character"),
        ({"csv": {"delimiter": "\n"}}, "csv.delimiter", "expected one ASCII character"),
        ({"csv": {"delimiter": '"'}}, "csv", "delimiter and quote are the same character"),
        ({"csv": {"encoding": "utf-9"}}, "csv.encoding", "unknown text encoding 'utf-9'"),
        ({"csv": {"encoding": "base64"}}, "csv.encoding", "unknown text encoding 'base64'"),
        ({"format": "xlsx"}, "format", "'csv', 'spreadsheet', 'json', 'xes' or 'parquet'"),
        ({"files": []}, "files", "at least one"),
        ({"sla_met_values": {"met": ["yes"], "missed": ["yes"]}}, "sla_met_values", "['yes'] cannot mean both"),
        ({"missing_values": [0]}, "missing_values.0", "write this in quotes"),
        ({"name": "My log"}, "name", "pattern"),
        ({"type": "jira"}, "type", "there is no 'jira'; known here: simulation, event_log, zendesk, intercom"),
        ({"type": "event_logg"}, "type", "there is no 'event_logg'; did you mean event_log?"),
        ({"order_by": "at"}, "order_by", "expected a list; found 'at'"),
        ({"columns": "number"}, "columns", "expected a mapping (name: value); found 'number'"),
        ({"zz": "red"}, "zz", "no such setting; known here: type, name, enabled, form, files, format, csv,"),
        ({"columns": {"case_id": "number", "event_ts": "at"}}, "columns.status", "is required"),
        ({"columns": COLUMNS | {"updated_ts": "changed"}}, "columns.updated_ts", "is for form: cases; found 'changed'"),
        ({"milestones": {"opened": "INTAKE"}}, "milestones", "is for form: cases"),
        ({"form": "rows"}, "form", "'updates', 'cases', 'changes' or 'links'"),
        ({"statuses": {"New": ["INTAKE"]}}, "statuses.New", "expected IGNORE or one of 'INTAKE'"),
        ({"empty_cells": "kept"}, "empty_cells", "'cleared' or 'unchanged'"),
        ({"author_kinds": {"c": "customer"}}, "author_kinds", "columns.author_kind does not say where they stand"),
        ({"columns": COLUMNS | {"author_kind": "who"}}, "columns.author_kind", "author_kinds does not say what the words of this column mean"),
        ({"columns": COLUMNS | {"author_kind": "who"}, "author_kinds": {"c": "client"}}, "author_kinds.c", "'person', 'bot' or 'customer'"),
        ({"due": {"First": {"column": "due"}}}, "due.First", "pattern"),
        ({"due": {"reply": {"column": "due", "unit": "weeks"}}}, "due.reply.unit", "'minutes', 'hours' or 'days'"),
        ({"due": {"reply": {"column": "due", "unit": "hours", "date_format": "%d"}}}, "due.reply", "give one of the two"),
        ({"due": {"reply": {"column": "due", "date_format": "day"}}}, "due.reply", "'day' is no format of a date"),
    ],
)
def test_an_error_names_the_place(tmp_path: Path, overrides: dict[str, Any], place: str, problem: str) -> None:
    with pytest.raises(OpslaError) as caught:
        read_log(tmp_path, **overrides)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'sources.yml'}: {'.'.join(['sources.0', place]).rstrip('.')}: ")
    assert "\n" not in message
    assert problem in message


OF_CASES = {"form": "cases", "columns": {"case_id": "number"}, "milestones": {"opened": "INTAKE"}, "statuses": {}}


@pytest.mark.parametrize(
    ("overrides", "place", "problem"),
    [
        ({"columns": {"case_id": "number", "event_ts": "at"}}, "columns.event_ts", "milestones say when things happened; found 'at'"),
        ({"milestones": {}}, "milestones", "expected one column that is INTAKE, when a case came in; found none"),
        ({"milestones": {"a": "INTAKE", "b": "INTAKE"}}, "milestones", "found a, b"),
        ({"milestones": {"a": "INTAKE", "b": "IGNORE"}}, "milestones.b", "'INTAKE'"),
        ({"columns": {"case_id": "number", "status": "state"}}, "statuses", "at least one"),
        ({"statuses": {"Done": "RESOLVED"}}, "statuses", "columns.status does not say where they stand"),
        ({"bots": []}, "bots", "one row a case does not say who answered"),
    ],
)
def test_one_row_a_case_has_rules_of_its_own(tmp_path: Path, overrides: dict[str, Any], place: str, problem: str) -> None:
    assert read_log(tmp_path, **OF_CASES).form == "cases"
    with pytest.raises(OpslaError) as caught:
        read_log(tmp_path, **OF_CASES | overrides)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'sources.yml'}: sources.0.{place}: ")
    assert "\n" not in message
    assert problem in message


def test_options_that_came_later_leave_the_fingerprint_alone_where_they_are_not_set(tmp_path: Path) -> None:
    """The fingerprints of homes that were made before: with others they could not go on."""
    desk = {name: read_document(REPO_ROOT / "examples" / name / "sources.yml", SourcesSettings) for name in ("servicenow", "helpdesk")}
    logs = {name: document.sources[0] for name, document in desk.items()}
    found = {name: log.mapping_fingerprint(desk[name].desk) for name, log in logs.items() if isinstance(log, EventLogSettings)}
    assert found == {"servicenow": "c0ba5926945649be", "helpdesk": "729866e722a850cd"}
    set_ones = [
        {"empty_cells": "unchanged"}, {"bots": []}, {"due": {"reply": {"column": "due"}}}, {"columns": COLUMNS | {"merged_into": "into"}}, OF_CASES,
    ]  # fmt: skip
    document = desk["helpdesk"].desk
    assert len({read_log(tmp_path, **overrides).mapping_fingerprint(document) for overrides in [{}, *set_ones]}) == 1 + len(set_ones)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("desk:\n  timezone: UTC\n  start_date: 2026-02-30\n", "line 3, column 15: not valid YAML: day is out of range for month"),
        ("desk: {timezone: UTC\nsources: []\n", "line 2, column 8: not valid YAML: while parsing a flow mapping, expected ',' or '}', but got ':'"),
        ("desk:\n  a: b: c\n", "line 2, column 7: not valid YAML: mapping values are not allowed here"),
        ("desk:\n  a: \x07\n", "line 2, column 6: not valid YAML: special characters are not allowed"),
        ("desk: {timezone: UTC, start_date: 2025-01-01}\nsources: [{name: x}]\n", "sources.0.type: is required"),
        ("desk: {timezone: UTC, start_date: 2025-01-01}\nsources: [log.csv]\n", "sources.0: expected a mapping (name: value); found 'log.csv'"),
    ],
)
def test_a_mistake_of_form_is_one_line(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "sources.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(OpslaError) as caught:
        read_document(path, SourcesSettings)
    assert str(caught.value) == f"{path}: {problem}"


def test_two_sources_need_two_names(tmp_path: Path) -> None:
    with pytest.raises(OpslaError, match=r"sources\.1\.name: two sources are called 'tickets'"):
        read(tmp_path, {"desk": DESK, "sources": [LOG, LOG]})


def test_a_desk_needs_its_first_day(tmp_path: Path) -> None:
    with pytest.raises(OpslaError, match=r"desk\.start_date: is required"):
        read(tmp_path, {"desk": {"timezone": "UTC"}, "sources": [LOG]})


@pytest.mark.parametrize(
    ("dimensions", "problem"),
    [
        ({"priority": "Prio"}, "this dimension is there already; give yours another name"), ({"Product": "Product"}, "should match pattern"),
        ({"product": 7}, "write this in quotes"), ({"product": ""}, "at least 1 item"),
    ],
)
def test_a_dimension_that_cannot_be_is_refused(dimensions: dict[str, object], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        log_settings(dimensions=dimensions)
