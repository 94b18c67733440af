"""Records that are not what they were: every load goes on, and the difference is told once."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
from accounts import ALL, DESK, LATER, home_in, landed, zendesk_settings
from desks import fill
from fake_zendesk import FakeZendesk

from opsla_dagster.settings.sources import SourcesSettings
from opsla_dagster.sources.bronze.drift import schema_drift, sentences
from opsla_dagster.sources.zendesk.load import load_zendesk
from opsla_dagster.sources.zendesk.source import ZendeskSource


def test_new_missing_and_retyped_fields_are_told_once_and_break_nothing(zendesk: FakeZendesk, tmp_path: Path) -> None:
    settings, home = zendesk_settings(zendesk.address), home_in(tmp_path)
    sources = SourcesSettings(desk=DESK, sources=(settings,))
    assert schema_drift(sources, home).num_rows == 0
    fill(zendesk, 3)
    assert load_zendesk(settings, DESK, home).new_drift == []

    fill(zendesk, 3, first=11)
    zendesk.tickets[11]["mood"] = "grim"
    del zendesk.tickets[12]["requester_id"]
    zendesk.tickets[13].update(id="13", priority=3, status={"name": "solved"}, tags="vip")
    zendesk.metric_events[-1]["instance_id"] = "1"
    report = load_zendesk(settings, DESK, home)

    expected = {
        ("metric_events", "instance_id", "retyped", "integer", "string"),
        ("tickets", "id", "retyped", "integer", "string"),
        ("tickets", "mood", "new", "", "string"),
        ("tickets", "priority", "retyped", "string", "integer"),
        ("tickets", "requester_id", "missing", "integer", ""),
        ("tickets", "status", "retyped", "string", "object"),
        ("tickets", "tags", "retyped", "array", "string"),
    }
    assert set(report.drifted) == expected
    assert "tickets.mood is new (string)" in sentences(report.drifted)
    rows = schema_drift(sources, home).to_pylist()
    assert {tuple(row[name] for name in ("resource", "field", "change", "expected_type", "found_type")) for row in rows} == expected
    assert {row["source"] for row in rows} == {"acme"}
    assert len(landed(home, "acme", "tickets")) == 6
    assert "grim" not in landed(home, "acme", "tickets")["11"], "what nobody has looked at is not stored"
    source = ZendeskSource(settings, DESK, home)
    cases = {row["case_id"]: row for row in source.cases(ALL, LATER).to_pylist()}
    assert set(cases) == {"1", "2", "3", "11", "12"}
    assert [(row["case_id"], row["field"]) for row in source.rejected_rows().to_pylist()] == [("13", "status")]

    zendesk.tickets[13]["id"] = 13
    zendesk.tickets[11].update(generated_timestamp=1_760_000_000)
    again = load_zendesk(settings, DESK, home)
    assert again.new_drift == []
    assert schema_drift(sources, home).to_pylist() == rows, "first_seen_at stays"


def test_records_without_id_and_empty_ones_are_rejected_not_lost(zendesk: FakeZendesk, tmp_path: Path) -> None:
    settings, home = zendesk_settings(zendesk.address), home_in(tmp_path)
    fill(zendesk, 2)
    raw = zendesk.ticket(50, "2025-07-03T00:00:00Z")
    served = zendesk._tickets

    def without_id(request):  # type: ignore[no-untyped-def]
        response = served(request)
        for ticket in response.content["tickets"]:
            if ticket["id"] == raw["id"]:
                response.content["tickets"] = [{**ticket, "id": None} if ticket is raw else ticket for ticket in response.content["tickets"]]
        return response

    zendesk._tickets = without_id  # type: ignore[method-assign]
    load_zendesk(settings, DESK, home)
    (rejected,) = ZendeskSource(settings, DESK, home).rejected_rows().to_pylist()
    assert (rejected["field"], rejected["reason"], rejected["source_rows"]) == ("id", "the ticket has no id", 3)
    assert json.loads(rejected["record"])["created_at"] == "2025-07-03T00:00:00Z"


def test_payloads_are_stored_letter_by_letter(zendesk: FakeZendesk, tmp_path: Path) -> None:
    """A reader that guesses types rewrites stamps, and fills in what only other records have."""
    settings, home = zendesk_settings(zendesk.address), home_in(tmp_path)
    zendesk.ticket(1, "2025-07-01T14:00:00Z", tags=["2025-07-01", "0012"], priority=None)
    load_zendesk(settings, DESK, home)
    with duckdb.connect(str(home.bronze / "acme.duckdb"), read_only=True) as connection:
        found = connection.execute("select payload, typeof(id), typeof(updated_at) from bronze.tickets").fetchone()
    assert found is not None
    stored = json.loads(found[0])
    assert (stored["created_at"], stored["tags"], stored["priority"]) == ("2025-07-01T14:00:00Z", ["2025-07-01", "0012"], None)
    assert found[1:] == ("VARCHAR", "TIMESTAMP")
