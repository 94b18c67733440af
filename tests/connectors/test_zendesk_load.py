"""Loading a Zendesk account that answers as real ones do: late, twice, half, or not at all."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from accounts import ALL, DESK, LATER, everything, home_in, landed, zendesk_settings
from desks import fill
from fake_server import Response, always, once
from fake_zendesk import FakeZendesk, status

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.home import Home
from opsla_dagster.sources.bronze.drift import bronze_file
from opsla_dagster.sources.bronze.files import reading
from opsla_dagster.sources.bronze.landing import Landing
from opsla_dagster.sources.bronze.progress import read_progress
from opsla_dagster.sources.bronze.report import LoadReport, LoadStep, on_load_step
from opsla_dagster.sources.zendesk.load import load_zendesk
from opsla_dagster.sources.zendesk.source import ZendeskSource

TABLES = ("tickets", "ticket_events", "metric_events", "metric_sets", "agents", "groups", "organizations")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return home_in(tmp_path)


def load(fake: FakeZendesk, home: Home, **more: object) -> LoadReport:
    return load_zendesk(zendesk_settings(fake.address, **more), DESK, home)


def complete(fake: FakeZendesk, home: Home) -> None:
    """Everything that the account holds is there, once, as it stands."""
    held = everything(home, "acme", TABLES)
    assert {number: json.loads(payload)["status"] for number, payload in held["tickets"].items()} == {
        str(number): ticket["status"] for number, ticket in fake.tickets.items()
    }
    assert set(held["ticket_events"]) == {str(audit["id"]) for audit in fake.audits}
    assert set(held["metric_events"]) == {str(event["id"]) for event in fake.metric_events}
    assert set(held["metric_sets"]) == {str(one["id"]) for one in fake.metric_sets.values()}


def test_a_file_of_an_earlier_version_goes_on(zendesk: FakeZendesk, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its records have an id of dlt's own, which may not be missing."""
    fill(zendesk, 4)
    with monkeypatch.context() as earlier:
        earlier.setattr(Landing, "_has_ids_of_dlt", lambda _: True)
        load(zendesk, home)
    fill(zendesk, 2, first=20)

    load(zendesk, home)

    complete(zendesk, home)
    with reading("acme", bronze_file(home, "acme")) as connection:
        assert connection.execute("select count(*), count(_dlt_id) from bronze.tickets").fetchall() == [(6, 6)]


def test_everything_lands_once_and_the_next_load_asks_only_for_what_is_new(zendesk: FakeZendesk, home: Home) -> None:
    fill(zendesk, 10)
    first = load(zendesk, home)
    complete(zendesk, home)
    assert first.is_first
    assert first.resources["tickets"].rows == 10
    asked = len(zendesk.requests)

    fill(zendesk, 2, first=20)
    again = load(zendesk, home)

    complete(zendesk, home)
    assert not again.is_first
    assert again.resources["tickets"].rows == 2
    assert len(zendesk.requests) - asked < asked
    assert again.resources["ticket_events"].known_until is not None


def test_whoever_watches_a_load_is_told_how_far_it_has_come(zendesk: FakeZendesk, home: Home) -> None:
    fill(zendesk, 10)
    told: list[LoadStep] = []
    watch = on_load_step.set(told.append)
    try:
        report = load(zendesk, home)
    finally:
        on_load_step.reset(watch)
    for resource, pages in (("tickets", 4), ("ticket_events", 11), ("metric_events", 7)):
        steps = [step for step in told if step.resource == resource]
        shares, rows = [step.share for step in steps], [step.rows for step in steps]
        assert len(steps) >= pages, resource
        assert shares == sorted(shares), resource
        assert all(0 <= share <= 1 for share in shares), resource
        assert shares[0] < shares[-1], resource
        assert rows == sorted(rows), resource
        assert rows[-1] >= report.resources[resource].rows, "records of a second that two pages share are fetched twice"
    assert [step.rows for step in told if step.resource == "tickets"] == [3, 6, 9, 10]


def test_the_backfill_begins_on_its_first_day(zendesk: FakeZendesk, home: Home) -> None:
    fill(zendesk, 28)
    load(zendesk, home, start_date=date(2025, 7, 21))
    assert min(int(number) for number in landed(home, "acme", "tickets")) == 20, "the day before: the desk may be east of UTC"


def test_waits_when_told_to_and_tries_again(zendesk: FakeZendesk, home: Home) -> None:
    fill(zendesk, 10)
    tickets, events = "/api/v2/incremental/tickets", "/api/v2/incremental/ticket_events"
    zendesk.faults = [
        once(2, Response({"error": "TooManyRequests"}, 429, {"Retry-After": "0"}), tickets),
        once(3, Response({"error": "TooManyRequests"}, 429, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), tickets),
        once(2, Response({"error": "oops"}, 500), events),
        once(4, Response({"ticket_events": []}, cut=True), events),
        once(6, Response(["not", "an", "object"]), events),
        once(1, Response({"error": "oops"}, 503, {"Retry-After": "0"}), "/api/v2/groups"),
    ]
    load(zendesk, home)
    complete(zendesk, home)


def test_a_failure_costs_no_more_than_its_slice(zendesk: FakeZendesk, home: Home) -> None:
    fill(zendesk, 12)
    events = "/api/v2/incremental/ticket_events"
    zendesk.faults = [
        lambda _number, request: Response({}, 500) if request.path.startswith(events) and zendesk.paths().count(request.path) > 3 else None
    ]
    with pytest.raises(OpslaError, match=r"source acme: GET .*ticket_events.*: no usable answer after 6 tries .*500"):
        load(zendesk, home, slice_pages=1)
    assert len(landed(home, "acme", "tickets")) == 12
    before = len(landed(home, "acme", "ticket_events"))
    assert 0 < before < len(zendesk.audits)
    zendesk.faults = []
    zendesk.requests.clear()

    load(zendesk, home, slice_pages=5)

    complete(zendesk, home)
    starts = [int(request.one("start_time")) for request in zendesk.requests if request.path.startswith(events)]
    assert min(starts) > 1_751_300_000, "it goes on where it stopped"


def test_an_expired_cursor_is_replaced_by_the_time_it_stood_for(zendesk: FakeZendesk, home: Home) -> None:
    fill(zendesk, 6)
    load(zendesk, home)
    cursor = read_progress("acme", home.bronze / "acme.duckdb")["tickets"].cursor
    assert cursor is not None
    zendesk.expired.add(cursor)
    zendesk.tickets[3].update(status="closed", generated_timestamp=1_900_000_000)

    load(zendesk, home)
    assert json.loads(landed(home, "acme", "tickets")["3"])["status"] == "closed"


def test_pages_that_repeat_records_and_records_that_change_while_they_are_paged_through(zendesk: FakeZendesk, home: Home) -> None:
    fill(zendesk, 10)
    zendesk.repeats = 2

    def meanwhile(page: int) -> None:
        if page == 3:
            zendesk.audit(999, 1, "2025-08-01T10:00:00Z", 5007, status("closed", "solved"))
            zendesk.tickets[1]["status"] = "closed"
            zendesk.tickets[2].update(status="deleted", generated_timestamp=1_754_100_000, updated_at="2025-08-02T02:00:00Z")

    zendesk.before_page = meanwhile
    load(zendesk, home)
    complete(zendesk, home)


def test_a_server_whose_clock_is_wrong_costs_nothing(zendesk: FakeZendesk, home: Home) -> None:
    fill(zendesk, 4)
    zendesk.clock = 1_753_000_000.0  # 2025-07-20
    load(zendesk, home)
    zendesk.tickets[4]["generated_timestamp"] = 1_999_999_999
    fill(zendesk, 1, first=25)
    report = load(zendesk, home)
    complete(zendesk, home)
    known_until = report.resources["tickets"].known_until
    assert known_until is not None
    assert known_until.date() == date(2025, 7, 20)


def test_a_start_too_close_to_now_is_the_end(zendesk: FakeZendesk, home: Home) -> None:
    fill(zendesk, 3)
    load(zendesk, home)
    zendesk.faults = [always(Response({"error": "StartTimeTooRecent"}, 422), "/api/v2/incremental/ticket_events")]
    assert load(zendesk, home).resources["ticket_events"].rows == 0
    complete(zendesk, home)


@pytest.mark.parametrize("slice_pages", [1, 10])
def test_more_of_one_second_than_a_page_is_said_and_not_skipped(zendesk: FakeZendesk, home: Home, slice_pages: int) -> None:
    """A page that brings the same again ends the load, also where each page is a slice of its own."""
    stuck = {"ticket_events": [], "end_of_stream": False}
    zendesk.ticket(1, "2025-07-01T00:00:00Z")
    audit = zendesk.audit(1, 1, "2025-07-01T00:00:00Z", 1, status("new"))
    stuck |= {"ticket_events": [audit], "end_time": audit["timestamp"]}
    zendesk.faults = [always(Response(stuck), "/api/v2/incremental/ticket_events")]
    with pytest.raises(OpslaError, match="more records share the second 1751328000 than fit on a page"):
        load(zendesk, home, slice_pages=slice_pages)


def test_what_an_account_does_not_offer_is_left_out_and_said(zendesk: FakeZendesk, home: Home) -> None:
    fill(zendesk, 2)
    refused = Response({"error": "Forbidden"}, 403)
    zendesk.faults = [
        always(refused, path)
        for path in ("/api/v2/slas", "/api/v2/business_hours", "/api/v2/incremental/ticket_metric_events", "/api/v2/brands")
    ]
    report = load(zendesk, home)
    left_out = {name for name, figures in report.resources.items() if figures.left_out}
    assert left_out == {"sla_policies", "schedules", "metric_events", "brands"}
    source = ZendeskSource(zendesk_settings(zendesk.address), DESK, home)
    assert source.cases(ALL, LATER)["brand"].to_pylist() == ["2", "2"]
    assert source.known_until() is not None

    zendesk.faults = []
    load(zendesk, home)
    complete(zendesk, home)


def test_refused_credentials_are_one_message_without_them(
    zendesk: FakeZendesk, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZD_TOKEN", "another-secret-token")
    with pytest.raises(OpslaError, match=r"answered 401 .*look at ZD_EMAIL and ZD_TOKEN") as refused:
        load(zendesk, home)
    assert "another-secret-token" not in str(refused.value)


@pytest.mark.parametrize("variable", ["ZD_EMAIL", "ZD_TOKEN", "OPSLA_KEY"])
def test_nothing_is_asked_without_credentials_and_key(
    variable: str, zendesk: FakeZendesk, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable)
    with pytest.raises(OpslaError, match=f"acme: the environment variable {variable} is not set; nothing was loaded"):
        load(zendesk, home)
    assert not zendesk.requests
    assert not home.bronze.exists()


def test_a_short_key_is_refused(zendesk: FakeZendesk, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSLA_KEY", "short")
    with pytest.raises(OpslaError, match="shorter than 16 characters"):
        load(zendesk, home)
    assert not zendesk.requests


def test_another_key_or_another_account_is_not_mixed_in(
    zendesk: FakeZendesk, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(zendesk, 2)
    load(zendesk, home)
    held = everything(home, "acme", TABLES)
    monkeypatch.setenv("OPSLA_KEY", "another key that is long enough")
    with pytest.raises(OpslaError, match="was loaded with another pseudonym key than acme has now"):
        load(zendesk, home)
    other = FakeZendesk()
    monkeypatch.setenv("OPSLA_KEY", "a key that nobody else has")
    with other.running(), pytest.raises(OpslaError, match="was loaded with another account than acme has now"):
        load(other, home)
    assert everything(home, "acme", TABLES) == held


def test_a_failed_account_leaves_the_others_and_its_own_last_good_data(zendesk: FakeZendesk, home: Home) -> None:
    other = FakeZendesk()
    fill(zendesk, 4)
    fill(other, 6)
    with other.running():
        load(zendesk, home)
        load(other, home, name="other")
        before = everything(home, "acme", TABLES)
        fill(zendesk, 2, first=20)
        fill(other, 2, first=20)
        zendesk.faults = [always(Response({}, 500), "/api/v2/incremental")]
        with pytest.raises(OpslaError, match="source acme"):
            load(zendesk, home)
        load(other, home, name="other")
    assert everything(home, "acme", TABLES) == before
    assert len(landed(home, "other", "tickets")) == 8


def test_two_loads_of_one_account_at_once_are_refused(zendesk: FakeZendesk, home: Home) -> None:
    fill(zendesk, 2)
    told: list[str] = []

    def second(_page: int) -> None:
        try:
            load_zendesk(zendesk_settings(zendesk.address), DESK, home)
        except OpslaError as error:
            told.append(str(error))

    zendesk.before_page = second
    load(zendesk, home)
    assert told
    assert "another process is loading acme" in told[0]
