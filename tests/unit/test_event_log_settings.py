"""sources.yml: what is accepted, and that an error names the file, the YAML path, what was found and expected."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml
from event_log_desk import COLUMNS, REPO_ROOT, STATUSES

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
        ({"hue": "red"}, "hue", "no such setting; known here: type, name, enabled, files, format, csv,"),
    ],
)
def test_an_error_names_the_place(tmp_path: Path, overrides: dict[str, Any], place: str, problem: str) -> None:
    with pytest.raises(OpslaError) as caught:
        read_log(tmp_path, **overrides)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'sources.yml'}: {'.'.join(['sources.0', place]).rstrip('.')}: ")
    assert "\n" not in message
    assert problem in message


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
