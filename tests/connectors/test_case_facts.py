"""Facts of a case beside what the vendor's own metric set, rating and fields say of the same ticket.

Belongs here: one ticket made by hand, from Zendesk's export to the tables. Does not belong here: rules of single figures (tests/sql).
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from accounts import ALL, DESK, KEY, LATER, home_in, intercom_settings, landed, zendesk_settings
from desks import ADA
from fake_intercom import FakeIntercom, admin
from fake_zendesk import EMAIL, TOKEN, FakeZendesk, change, comment, status
from rich.console import Console
from rich.table import Table
from small_desk import REPOSITORY, desk_settings, make, write_config

from opsla_dagster.errors import OpslaError
from opsla_dagster.reporting.agents import agents_table
from opsla_dagster.settings import Settings
from opsla_dagster.settings.home import Home
from opsla_dagster.sources.bronze.names import keep_names, names_of
from opsla_dagster.sources.intercom.load import load_intercom
from opsla_dagster.sources.intercom.source import IntercomSource
from opsla_dagster.sources.zendesk.load import load_zendesk
from opsla_dagster.sources.zendesk.source import ZendeskSource
from opsla_dagster.window import Window

BO, RITA = 5008, 1007
DIMENSIONS = {"product": 360002, "plan": "organization.plan", "form": "form"}
STRETCHES = ("first_reply", "first_resolution", "full_resolution", "agent_wait", "requester_wait", "on_hold")
#: Calendar and business minutes; the desk is open 08:00-18:00 in New York, which is 12:00-22:00 here.
MINUTES = {
    "first_reply": (90, 90), "first_resolution": (1260, 420), "full_resolution": (2490, 810), "agent_wait": (930, 90),
    "requester_wait": (420, 420), "on_hold": (120, 120),
}


def handmade(fake: FakeZendesk) -> None:
    """Ticket 7: answered, on hold, handed over, solved, reopened, solved again, rated."""
    fake.page_size = 100
    fake.organizations[0]["organization_fields"] = {"plan": "gold", "owner": "Rita Requester"}
    fake.ticket(
        7, "2025-07-08T20:00:00Z", ticket_form_id=21, custom_fields=[{"id": 360002, "value": "router"}, {"id": 99, "value": "Rita's birthday"}],
        satisfaction_rating={"id": 4, "score": "good", "comment": "Thanks, says Rita Requester", "reason": "Fast"},
    )
    fake.audit(70, 7, "2025-07-08T20:00:00Z", RITA, status("new"), comment(RITA))
    fake.audit(71, 7, "2025-07-08T21:30:00Z", ADA, comment(ADA), status("pending", "new"), change("assignee_id", str(ADA), None))
    fake.audit(72, 7, "2025-07-09T13:00:00Z", RITA, comment(RITA), status("open", "pending"))
    fake.audit(
        73, 7, "2025-07-09T14:00:00Z", ADA, comment(ADA, public=False), status("hold", "open"), change("assignee_id", str(BO), str(ADA)),
        change("group_id", "305", "301"),
    )
    fake.audit(74, 7, "2025-07-09T16:00:00Z", BO, status("open", "hold"))
    fake.audit(75, 7, "2025-07-09T17:00:00Z", BO, comment(BO), status("solved", "open"))
    fake.audit(76, 7, "2025-07-10T12:00:00Z", RITA, comment(RITA), status("open", "solved"))
    fake.audit(77, 7, "2025-07-10T13:30:00Z", BO, comment(BO), status("solved", "open"))
    fake.audit(78, 7, "2025-07-11T12:00:00Z", -1, change("satisfaction_score", "offered", "unoffered"))
    fake.audit(79, 7, "2025-07-12T09:00:00Z", RITA, change("satisfaction_score", "good", "offered"))
    fake.audit(80, 7, "2025-07-14T12:00:00Z", -1, status("closed", "solved"))
    fake.tickets[7].update(status="closed", assignee_id=BO, group_id=305)
    fake.metric_sets[7] = {
        "id": 1, "ticket_id": 7, "updated_at": "2025-07-14T12:00:00Z", "replies": 3, "reopens": 1, "assignee_stations": 2, "group_stations": 2,
        **{
            f"{'reply' if name == 'first_reply' else name}_time_in_minutes": {"calendar": calendar, "business": business}
            for name, (calendar, business) in MINUTES.items()
        },
    }
    fake.ticket(8, "2025-07-09T14:00:00Z", satisfaction_rating={"score": "unoffered"}, status="open", custom_fields=[{"id": 360002, "value": None}])
    fake.audit(81, 8, "2025-07-09T14:00:00Z", 1008, status("open"), comment(1008))
    fake.audit(82, 8, "2025-07-09T15:00:00Z", ADA, {"event_type": "Change", "custom_ticket_fields": {"360002": "phone"}, "previous_value": None})
    fake.audit(83, 8, "2025-07-09T16:00:00Z", ADA, {"event_type": "Change", "custom_ticket_fields": {"360002": None}, "previous_value": "phone"})
    fake.ticket(9, "2025-07-09T15:00:00Z", satisfaction_rating={"score": "bad_with_comment"}, status="solved", priority="low", ticket_form_id=22)
    fake.audit(90, 9, "2025-07-09T15:00:00Z", 1009, status("new"), comment(1009))
    fake.audit(91, 9, "2025-07-09T16:00:00Z", ADA, comment(ADA), status("solved", "new"), change("assignee_id", str(ADA), None))
    fake.audit(92, 9, "2025-07-09T18:00:00Z", 1009, {"event_type": "SatisfactionRating", "score": "bad", "body": "Never again"})


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, ZendeskSource]]:
    """The account, loaded and gone through a run."""
    directory = tmp_path_factory.mktemp("facts")
    monkeypatch = pytest.MonkeyPatch()
    for name, value in {"ZD_EMAIL": EMAIL, "ZD_TOKEN": TOKEN, "OPSLA_KEY": KEY}.items():
        monkeypatch.setenv(name, value)
    fake = FakeZendesk()
    handmade(fake)
    with fake.running():
        account = zendesk_settings(fake.address, dimensions=DIMENSIONS, keep_names=True)
        sources = {"desk": DESK.model_dump(), "sources": [account.model_dump(exclude={"subdomain"}, exclude_none=True, mode="json")]}
        config = write_config(directory / "config", sources)
        shutil.copy(REPOSITORY / "examples" / "helpdesk" / "quality_gates.yml", config / "quality_gates.yml")
        settings = desk_settings(directory, cases=1, config=config)
        load_zendesk(account, DESK, settings.home)
        make(settings, [Window(date(2025, 7, 1), date(2025, 8, 1))], datetime(2025, 12, 1))
        yield settings, ZendeskSource(account, DESK, settings.home)
    monkeypatch.undo()


def rows(settings: Settings, select: str) -> list[dict[str, Any]]:
    with duckdb.connect(str(settings.home.warehouse), read_only=True) as warehouse:
        found: list[dict[str, Any]] = warehouse.sql(select).to_arrow_table().to_pylist()
    return found


def told(source: ZendeskSource, case_id: str, as_of_at: datetime = LATER) -> dict[str, Any]:
    facts = [row for row in source.source_facts(ALL, as_of_at).to_pylist() if row["case_id"] == case_id]
    return {row["fact"]: row["value_text"] if row["value_number"] is None else row["value_number"] for row in facts}


def test_each_figure_is_the_vendors_own_to_the_minute(desk: tuple[Settings, ZendeskSource]) -> None:
    (ours,) = rows(desk[0], "select * from mart.case_facts where case_id = '7'")
    (theirs,) = rows(desk[0], "select * from staging.case_source_facts where case_id = '7'")
    for stretch in STRETCHES:
        for place, hours in enumerate(("calendar", "business")):
            name = f"{stretch}_{hours}_minutes"
            assert ours[name] == theirs[f"source_{name}"] == MINUTES[stretch][place], name
    assert ours["public_reply_count"] == theirs["source_reply_count"] == 3
    assert ours["reopen_count"] == theirs["source_reopen_count"] == 1
    assert ours["agent_station_count"] == theirs["source_agent_station_count"] == 2
    assert ours["team_station_count"] == theirs["source_team_station_count"] == 2
    assert (ours["handoff_count"], ours["private_note_count"], ours["customer_message_count"], ours["bot_reply_count"]) == (1, 1, 3, 0)
    assert (ours["is_one_touch"], ours["is_open"], ours["is_cancelled"], ours["initiated_by"]) == (False, False, False, "customer")
    assert (ours["rating_word"], ours["rating_verdict"], ours["rating_number"]) == ("good", "good", None)


def test_a_ticket_solved_with_one_reply_is_one_touch_and_an_open_one_is_none_yet(desk: tuple[Settings, ZendeskSource]) -> None:
    assert rows(desk[0], "select case_id, is_one_touch, full_resolution_calendar_minutes as full from mart.case_facts order by case_id") == [
        {"case_id": "7", "is_one_touch": False, "full": 2490.0}, {"case_id": "8", "is_one_touch": None, "full": None},
        {"case_id": "9", "is_one_touch": True, "full": 60.0},
    ]


def test_a_rating_is_known_from_when_it_was_given(desk: tuple[Settings, ZendeskSource]) -> None:
    source = desk[1]
    assert {fact: value for fact, value in told(source, "7").items() if fact.startswith("rating")} == {
        "rating": "good", "rating_verdict": "good", "rating_reason": "Fast", "rating_offered": 1.0,
    }
    assert told(source, "7", datetime(2025, 7, 12, 8)) == {}
    assert "rating" in told(source, "7", datetime(2025, 7, 12, 9))
    assert {fact: value for fact, value in told(source, "8").items() if fact.startswith("rating")} == {"rating_offered": 0.0}
    assert {fact: value for fact, value in told(source, "9").items() if fact.startswith("rating")} == {"rating": "bad", "rating_verdict": "bad", "rating_offered": 1.0}
    assert told(source, "9", datetime(2025, 7, 9, 17)) == {}


def test_what_was_written_beside_a_rating_is_not_stored(desk: tuple[Settings, ZendeskSource]) -> None:
    stored = [*landed(desk[0].home, "acme", "tickets").values(), *landed(desk[0].home, "acme", "ticket_events").values()]
    stored += landed(desk[0].home, "acme", "organizations").values()
    assert any('"good"' in payload for payload in stored)
    assert not any(word in payload for payload in stored for word in ("Thanks", "Never again", "Rita", "birthday"))


def test_satisfaction_counts_what_was_rated(desk: tuple[Settings, ZendeskSource]) -> None:
    select = "select dimension_value, rated_cases, good_cases, satisfaction_pct from mart.satisfaction where dimension in ('all', 'priority') order by 1"
    assert rows(desk[0], select) == [
        {"dimension_value": "all", "rated_cases": 2, "good_cases": 1, "satisfaction_pct": 50.0},
        {"dimension_value": "low", "rated_cases": 1, "good_cases": 0, "satisfaction_pct": 0.0},
        {"dimension_value": "normal", "rated_cases": 1, "good_cases": 1, "satisfaction_pct": 100.0},
    ]


def test_named_fields_are_dimensions_of_the_case_and_of_its_clocks(desk: tuple[Settings, ZendeskSource]) -> None:
    assert rows(desk[0], "select case_id, dimensions from mart.case_facts order by case_id") == [
        {"case_id": "7", "dimensions": "form=Return; plan=gold; product=router"},
        {"case_id": "8", "dimensions": "plan=gold"},
        {"case_id": "9", "dimensions": "form=22; plan=gold"},
    ]
    clocks = "select dimension, dimension_value, sum(clocks) as clocks from {} where dimension in ('product', 'plan', 'form', 'all') group by all order by all"
    daily, overview = (rows(desk[0], clocks.format(table)) for table in ("mart.sla_attainment_daily", "mart.sla_overview"))
    assert daily == overview
    counted = {(row["dimension"], row["dimension_value"]): row["clocks"] for row in daily}
    assert counted["plan", "gold"] == counted["all", "all"] > 0
    assert {value for dimension, value in counted if dimension == "product"} == {"router", "none"}
    assert {value for dimension, value in counted if dimension == "form"} == {"Return", "22", "none"}
    assert counted["product", "router"] + counted["product", "none"] == counted["all", "all"]


def dimensions_over_time(source: ZendeskSource | IntercomSource, case_id: str) -> list[tuple[str, datetime, str | None, str | None]]:
    changes = source.attribute_changes(ALL, LATER).to_pylist()
    return [
        (row["attribute"].removeprefix("dimension."), row["changed_ts"], row["previous_value"], row["value"])
        for row in changes if row["case_id"] == case_id and row["attribute"].startswith("dimension.")
    ]


def test_dimensions_of_a_ticket_are_dated_by_its_history(desk: tuple[Settings, ZendeskSource]) -> None:
    """What a ticket had from the start is a change from nothing at intake, before everything else of that instant."""
    intake = datetime(2025, 7, 9, 14)
    assert dimensions_over_time(desk[1], "8") == [
        ("plan", intake, None, "gold"), ("product", datetime(2025, 7, 9, 15), None, "phone"), ("product", datetime(2025, 7, 9, 16), "phone", None),
    ]
    assert {name: value for name, _, _, value in dimensions_over_time(desk[1], "7")} == {"product": "router", "plan": "gold", "form": "Return"}


def test_a_dimension_named_after_the_load_is_told(desk: tuple[Settings, ZendeskSource]) -> None:
    settings, source = desk
    assert source.reading_notes(LATER) == [
        "dimension product: 1 of 3 tickets do not have the field 360002, or were loaded before it was named; to have it of all of them, "
        "load the account into a fresh home"
    ]
    later = ZendeskSource(zendesk_settings("https://acme.zendesk.com", dimensions={"colour": 360009, "owner": "organization.owner"}), DESK, settings.home)
    told_of = later.reading_notes(LATER)
    assert [note.split(" do not")[0] for note in told_of] == ["dimension colour: 3 of 3 tickets", "dimension owner: 1 of 1 organizations"]


@pytest.mark.parametrize(
    ("dimensions", "why"),
    [
        ({"Product": 360002}, "pattern"), ({"priority": 360002}, "this dimension is there already"), ({"product": "the product field"}, "pattern"),
        ({"plan": "organization."}, "pattern"),
    ],
)
def test_a_dimension_that_cannot_be_is_refused(dimensions: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        zendesk_settings("https://acme.zendesk.com", dimensions=dimensions)


def test_attributes_of_conversations_are_dimensions(intercom: FakeIntercom, tmp_path: Path) -> None:
    settings = intercom_settings(intercom.address, dimensions={"product": "Product line", "paid": "Paid?"}, tier_attribute="Plan", slice_hours=24 * 31)
    intercom.conversation(3, "2025-07-01T12:00:00", custom_attributes={"Product line": "Phone"})
    intercom.part(3, "conversation_attribute_updated_by_admin", "2025-07-01T13:00:00", admin(), event_details={
        "attribute": {"name": "Product line"}, "value": {"name": "Phone", "previous": "Router"},
    })
    for number, attributes in enumerate([{"Product line": "Router", "Paid?": True, "Secret": "Rita"}, {"Product line": "", "Plan": "Gold"}], start=1):
        intercom.conversation(number, "2025-07-01T12:00:00", custom_attributes=attributes)
    load_intercom(settings, DESK, home_in(tmp_path))
    source = IntercomSource(settings, DESK, home_in(tmp_path))
    found = {(row["case_id"], row["fact"]): row["value_text"] for row in source.source_facts(ALL, LATER).to_pylist() if row["fact"].startswith("dimension.")}
    assert found == {
        ("1", "dimension.product"): "Router", ("1", "dimension.paid"): "true", ("2", "dimension.product"): None, ("2", "dimension.paid"): None,
        ("3", "dimension.product"): "Phone", ("3", "dimension.paid"): None,
    }
    noon = datetime(2025, 7, 1, 12)
    assert dimensions_over_time(source, "1") == [("paid", noon, None, "true"), ("product", noon, None, "Router")]
    assert dimensions_over_time(source, "3") == [("product", noon, None, "Router"), ("product", datetime(2025, 7, 1, 13), "Router", "Phone")]
    assert [row["tier"] for row in source.cases(ALL, LATER).to_pylist()] == [None, "Gold", None]
    assert "Rita" not in "".join(landed(home_in(tmp_path), "chat", "conversations").values())


def shown(table: Table) -> str:
    with (console := Console(width=160, color_system=None)).capture() as capture:
        console.print(table)
    return capture.get()


def test_names_of_agents_are_shown_from_the_local_list_and_are_nowhere_else(desk: tuple[Settings, ZendeskSource]) -> None:
    home = desk[0].home
    table = shown(agents_table(home, None))
    figures = {name: told.split() for name, told in re.findall("(Ada Agentsdottir|Bo Boss) +(.*)", table)}
    # Ada answered 7 and 9 first and resolved 9; Bo took 7 over, resolved it twice, and the first time was undone.
    assert figures == {"Ada Agentsdottir": ["2", "1", "2", "1", "0", "2", "75"], "Bo Boss": ["2", "0", "1", "1", "1", "0"]}
    assert (home.names / "acme.csv").stat().st_mode & 0o077 == 0
    elsewhere = [path for path in home.root.rglob("*") if path.is_file() and path.parent != home.names]
    assert len(elsewhere) > 3
    assert [path for path in elsewhere if b"Agentsdottir" in path.read_bytes()] == []


def test_a_list_of_names_keeps_who_left_and_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert names_of(home) == {}
    keep_names(home, "acme", {"aa": "Ada, née Lovelace", "bb": "Bo"})
    path = keep_names(home, "acme", {"bb": "Bo Boss"})
    assert names_of(home) == {("acme", "aa"): "Ada, née Lovelace", ("acme", "bb"): "Bo Boss"}
    for text, why in (("aa,Ada\n", "begins with aa,Ada"), ("", "begins with nothing"), ("agent,name\naa,Ada,Lovelace\n", "row 2 has 3 values")):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(OpslaError, match=why):
            names_of(home)


def test_names_are_kept_only_where_asked_for(intercom: FakeIntercom, tmp_path: Path) -> None:
    load_intercom(intercom_settings(intercom.address), DESK, home_in(tmp_path))
    assert names_of(home_in(tmp_path)) == {}
    load_intercom(intercom_settings(intercom.address, keep_names=True), DESK, home_in(tmp_path))
    assert "Ada Agentsdottir" in names_of(home_in(tmp_path)).values()


def test_a_month_without_anybody_is_refused(desk: tuple[Settings, ZendeskSource]) -> None:
    with pytest.raises(OpslaError, match=r"^--month 2024-01: no agent did anything in it; there are 2025-07 to 2025-07$"):
        agents_table(desk[0].home, date(2024, 1, 1))
    with pytest.raises(OpslaError, match="there is no warehouse here yet"):
        agents_table(Home(desk[0].home.root / "elsewhere"), None)
