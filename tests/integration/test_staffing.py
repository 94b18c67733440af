"""Staffing from a log to the command line, the published marts, the report and the command centre."""

from __future__ import annotations

import csv
import importlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from center_server import serving
from cli import Said, opsla_here
from effort import IS_HOLD
from small_desk import (
    copied,
    desk_settings,
    log_of,
    make,
    rows,
    takes_minutes,
    with_sources,
    write_config,
)
from test_center import ask, data

from opsla_dagster.assets.graph import table_assets
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.report import write_report
from opsla_dagster.settings import Settings
from opsla_dagster.settings.home import Home
from opsla_dagster.settings.staffing import StaffingSettings
from opsla_dagster.warehouse.connection import Warehouse
from opsla_dagster.warehouse.publish import publish
from opsla_dagster.window import Window

FIRST, DAYS = date(2025, 6, 30), 42
STAFFING = ["mart.staffing_replay", "mart.staffing_hours", "mart.staffing_inputs", "mart.staffing_plan", "mart.staffing_outcomes", "mart.to_green_simulated"]
Opsla = Callable[..., Said]
ROSTER = "title: two early, one late\nheads: {mon-fri: {08:00-10:00: 6, 10:00-18:00: 1}}\n"


def write_log(path: Path) -> None:
    """Six weeks: on weekdays a case every 20 minutes from 06:00 to 17:40 (New York), seen after half an hour, every tenth after three, and done after four.

    It comes in with Front, which passes it on unseen after ten minutes; Office has it at the end.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["number", "state", "at", "team"])
        for day in range(DAYS):
            if (FIRST + timedelta(days=day)).weekday() >= 5:
                continue
            for number in range(36):
                came = datetime(2025, 6, 30, 10) + timedelta(days=day, minutes=20 * number)
                team = "Billing" if number % 5 < 3 else "Tech"
                seen = 30 if number % 10 else 180
                for state, minutes, holder in (("New", 0, "Front"), ("New", 10, team), ("Seen", seen, team), ("Active", 200, "Office"), ("Done", 240, "Office")):
                    lines.writerow([f"T{day:02d}-{number:02d}", state, f"{came + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%S}", holder])


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A log without staff, its config on disk, everything made."""
    directory = tmp_path_factory.mktemp("staffing")
    write_log(directory / "log.csv")
    source = log_of(directory / "log.csv", columns={"case_id": "number", "status": "state", "event_ts": "at", "team": "team"})
    document = {"desk": {"timezone": "America/New_York", "start_date": FIRST}, "sources": [source]}
    config = write_config(directory / "config", document)
    (config / "quality_gates.yml").write_text("gates: {}\n", encoding="utf-8")
    settings = with_sources(desk_settings(directory, cases=1, config=config), source, start_date=FIRST)
    make(settings, [Window(FIRST, FIRST + timedelta(days=DAYS))], datetime(2025, 8, 11, 6))
    return settings


@pytest.fixture
def opsla(desk: Settings, monkeypatch: pytest.MonkeyPatch) -> Opsla:
    monkeypatch.setenv("OPSLA_CONFIG", str(desk.config_directory))
    monkeypatch.setenv("OPSLA_HOME", str(desk.home.root))

    def run(*arguments: str) -> Said:
        return opsla_here(*arguments, monkeypatch=monkeypatch)

    return run


def test_a_usual_week_is_the_mean_of_whole_weeks_without_holidays(desk: Settings) -> None:
    """The 4th of July is a Friday without staff hours: its cases do not count for a usual Friday. Half of 08:00-09:00's pile came in before."""
    found = dict(rows(desk.home.marts_database, "select iso_weekday, sum(cases_per_week) from mart.staffing_hours where queue = 'all' group by 1 order by 1"))
    assert found == pytest.approx(dict.fromkeys(range(1, 6), 36.0))
    before = rows(desk.home.marts_database, "select open_business_minutes, cases_per_week from mart.staffing_hours where queue = 'all' and iso_weekday = 1 and hour_of_day in (6, 8) order by hour_of_day")
    assert before == [(0.0, 3.0), (60.0, 3.0)]
    queues = dict(rows(desk.home.marts_database, "select queue, cases_per_week from mart.staffing_inputs where metric = 'first_touch'"))
    assert queues["Billing"] + queues["Tech"] == pytest.approx(queues["all"])


def test_dates_that_are_not_loaded_are_no_days_without_cases(tmp_path: Path, desk: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log of `desk`, of which three weeks of six are loaded: fewer than tell a usual one."""
    settings = replace(desk, home=Home(tmp_path))
    monkeypatch.setenv("OPSLA_CONFIG", str(settings.config_directory))
    monkeypatch.setenv("OPSLA_HOME", str(settings.home.root))

    def week(number: int) -> Window:
        return Window(FIRST + timedelta(days=7 * number), FIRST + timedelta(days=7 * number + 7))

    make(settings, [week(1), week(4), week(5)], datetime(2025, 8, 11, 6))
    assert rows(settings.home.marts_database, "select distinct weeks, unloaded_weeks, cases_per_week, day_overdispersion from mart.staffing_inputs") == [(3, 2, None, None)]
    why = "of the last 5 whole weeks 3 have every date loaded, 4 are needed: 14 intake dates from 2025-07-14 to 2025-07-27 are not loaded; "
    code, out, complaint = opsla_here("staffing", "--target", "first touch 85%", "--touch-minutes", "20", monkeypatch=monkeypatch)
    assert code == 1
    assert complaint.startswith(f"opsla: no plan: {why}")
    assert "opsla run --start 2025-07-14 --end 2025-07-28` loads" in complaint
    assert "cases a week" not in out
    code, out, complaint = opsla_here("next", monkeypatch=monkeypatch)
    assert code == 0, complaint
    assert "14 intake dates from 2025-07-14 to 2025-07-27 are not loaded" in " ".join(out.split())
    with serving(settings) as address:
        [told] = data(address, "/api/staffing")["tables"]["reason"]["rows"]
    assert told["reason"].startswith(wording.sentence(why))


def test_a_case_is_of_the_queue_that_answers_it_first(desk: Settings) -> None:
    """Front had each case at intake and Office has it at the end; neither gives a first answer."""
    found = dict(rows(desk.home.marts_database, "select queue, clocks from mart.staffing_inputs where metric = 'first_touch' and queue <> 'all'"))
    assert set(found) == {"Billing", "Tech"}
    assert found["Billing"] == pytest.approx(1.5 * found["Tech"], rel=0.1)
    shares = rows(desk.home.marts_database, "select distinct clock_share_pct from mart.staffing_inputs where metric = 'first_touch'")
    assert shares == [(100.0,)]


def test_heads_of_one_queue_are_not_planned_for_what_another_decides(opsla: Opsla) -> None:
    code, _, complaint = opsla("staffing", "--target", "first touch 85%", "--touch-minutes", "20", "--queue", "Billing")
    assert code == 0, complaint
    code, _, complaint = opsla("staffing", "--target", "first_resolution 50%", "--touch-minutes", "20", "--queue", "Billing")
    assert code == 1
    assert "100 % of the cases that it answers first are with another queue when this promise is kept or missed" in complaint


def test_a_log_without_staff_tells_no_touch_time_and_is_not_planned(desk: Settings, opsla: Opsla) -> None:
    assert rows(desk.home.marts_database, "select count(*) from mart.staffing_plan") == [(0,)]
    [(touch, reason)] = rows(desk.home.marts_database, "select touch_business_minutes, reason from mart.staffing_inputs where queue = 'all' and metric = 'first_touch'")
    assert touch is None
    assert "nobody knows how long a case takes" in str(reason)
    code, out, complaint = opsla("staffing", "--target", "first touch 85%")
    assert code == 1
    assert "no plan" not in out.lower(), "the refusal is said once"
    assert complaint.startswith("opsla: no plan: nobody knows how long a case takes")
    assert "write touch: {minutes: 12} there" in complaint


def test_its_weeks_are_told_with_the_reason_why_they_are_not_predicted(desk: Settings) -> None:
    found = rows(desk.home.marts_database, "select actual_pct, predicted_pct, reason from mart.staffing_replay where metric = 'first_touch' order by week_date")
    assert len(found) == 7
    assert all(actual == pytest.approx(95, abs=2) and predicted is None and "no source tells the heads" in str(reason) for actual, predicted, reason in found[:-1])
    assert "the week that now lies in" in str(found[-1][2])


def test_a_plan_is_made_of_a_touch_time_that_somebody_gives(opsla: Opsla) -> None:
    code, out, _ = opsla("staffing", "--target", "first touch 95%", "--touch-minutes", "20")
    assert code == 0
    for words in ("SLA B: first touch within 2.0 h of open time for 95% of the cases of the desk", "Touch time: 20.0 minutes a case (as asked)", "Mon", "08:00-",
                  "the plan", "the same heads all day", "Erlang C", "steady stream", "Not held against the past: no source tells which heads there were", "Shrinkage: not known", "a head may be shared"):  # fmt: skip
        assert words in " ".join(out.split()), words
    assert out.index("Not held against the past") < out.index("Arrivals"), "what to know of a plan comes before its figures"


def test_programs_get_the_same(opsla: Opsla) -> None:
    code, out, _ = opsla("staffing", "--target", "first touch 85%", "--touch-minutes", "20", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["objective_pct"] == 85
    [plan] = [each for each in found["outcomes"] if each["roster"] == "plan"]
    assert plan["is_kept"]
    hours = sum(each["heads"] * (each["until_hour"] - each["from_hour"]) for each in found["plan"])
    assert hours == pytest.approx(plan["head_hours"])


def test_a_roster_in_a_file_is_judged_the_same_way(opsla: Opsla, tmp_path: Path) -> None:
    path = tmp_path / "two_early.yml"
    path.write_text(ROSTER, encoding="utf-8")
    code, out, _ = opsla("staffing", "--target", "first touch 85%", "--touch-minutes", "20", "--roster", str(path), "--json")
    assert code == 0
    [judged] = [each for each in json.loads(out)["outcomes"] if each["roster"] == "two_early"]
    assert judged["head_hours"] == 5 * (2 * 6 + 8)
    assert 0 < judged["simulated_attainment_pct"] < 100


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--target", "foo 95%"], "no promise is called 'foo'; write one of"),
        (["--target", "first touch 100%"], "an objective lies between 0% and 100%"),
        (["--queue", "nobody"], "--queue nobody: no such queue with enough cases in the last weeks; known: Billing, Tech"),
        (["--roster", "nowhere", "--touch-minutes", "20"], "neither a roster of"),
    ],
)
def test_what_is_typed_wrongly_is_one_line(opsla: Opsla, arguments: list[str], told: str) -> None:
    code, _, complaint = opsla("staffing", *arguments)
    assert code == 1
    assert told in complaint
    assert complaint.count("\n") <= 1
    assert "Traceback" not in complaint


def test_the_page_teaches_what_is_missing_and_lists_the_weeks(desk: Settings) -> None:
    with serving(desk) as address:
        _, _, text = ask(address, "/staffing")
        assert "No plan: nobody knows how long a case takes" in text
        assert "write touch: {minutes: 12} there" in text
        assert text.index("No plan: nobody knows") < text.index("Past weeks"), "the answer comes first"
        tables = data(address, "/api/staffing")["tables"]
        assert tables["reason"]["rows"][0]["reason"].startswith("Nobody knows how long a case takes")
        assert len(tables["replay"]["rows"]) == 6
        assert {row["queue"] for row in tables["inputs"]["rows"]} == {"all", "Billing", "Tech"}


def test_a_desk_whose_promises_have_no_objective_is_told_so_with_a_link_to_each(desk: Settings, tmp_path: Path) -> None:
    """What `opsla init` writes: promises, and no objective."""
    shutil.copytree(desk.home.root, tmp_path / "home")
    settings = replace(desk, home=Home(tmp_path / "home"))
    warehouse = Warehouse(database=str(settings.home.warehouse))
    warehouse.connection().execute("update staging.sla_policies set objective_pct = null")
    warehouse.close()
    _make_staffing(settings)
    with serving(settings) as address:
        status, _, text = ask(address, "/staffing")
        assert status == 200
        assert "No promise of sla_policies.yml has an objective" in text
        assert 'href="/staffing?promise=first_touch"' in text
        assert ask(address, "/staffing?promise=first_touch")[0] == 200
        [row] = data(address, "/api/staffing")["tables"]["reason"]["rows"]
        assert row["reason"].startswith("No promise of sla_policies.yml has an objective")


def _make_staffing(settings: Settings) -> None:
    """The staffing tables of a home anew, and published."""
    make(settings, [Window(FIRST, FIRST + timedelta(days=1))], datetime(2025, 8, 11, 6), only=STAFFING)
    warehouse = Warehouse(database=str(settings.home.warehouse))
    publish(warehouse.connection(), settings.home, [line.name for line in table_assets(settings) if line.table.schema in ("mart", "ops") and line.table.is_published])
    warehouse.close()


@pytest.fixture(scope="module")
def staffed_center(desk: Settings) -> Iterator[str]:
    """The same home, its staffing tables made with a touch time, shrinkage and a roster written down."""
    written = StaffingSettings.model_validate({
        "touch": {"minutes": 20}, "shrinkage": "30%", "rosters": {"early_birds": {"title": "early birds", "heads": {"mon-fri": {"08:00-10:00": 6, "10:00-18:00": 2}}}},
    })  # fmt: skip
    settings = replace(desk, staffing=written)
    _make_staffing(settings)
    with serving(settings) as address:
        yield address


def test_the_plan_of_the_marts_and_its_what_if_in_under_a_second(staffed_center: str) -> None:
    page = data(staffed_center, "/api/staffing")
    rosters = {row["roster"]: row for row in page["tables"]["rosters"]["rows"]}
    assert rosters["the plan"]["weeks_kept_pct"] >= 95
    assert "early birds" in rosters
    began = time.process_time()
    fewer = data(staffed_center, "/api/staffing?heads=-40")["tables"]["rosters"]["rows"]
    assert time.process_time() - began < 1.0
    found = next(row for row in fewer if row["roster"] == "what if")
    assert found["attainment_pct"] < rosters["the plan"]["attainment_pct"]
    assert found["head_hours"] == pytest.approx(0.6 * rosters["the plan"]["head_hours"])
    quicker = data(staffed_center, "/api/staffing?handling=-40&heads=-40")["tables"]["rosters"]["rows"]
    assert next(row for row in quicker if row["roster"] == "what if")["attainment_pct"] >= found["attainment_pct"]
    _, _, text = ask(staffed_center, "/staffing?heads=-40")
    assert "With heads -40%:" in text


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/staffing?heads=-51", 400, "heads=-51: expected a change in percent from -50 to 100"),
        ("/staffing?arrivals=many", 400, "expected a change in percent"),
        ("/staffing?queue=nobody", 404, "no such queue; known: Billing, Tech"),
        ("/staffing?promise=no_such", 404, "nothing to plan for; known: first_resolution"),
        ("/staffing?x=1", 400, "this page has no such parameter"),
    ],
)
def test_an_address_that_cannot_be_is_refused(staffed_center: str, path: str, status: int, told: str) -> None:
    found, _, text = ask(staffed_center, path)
    assert found == status
    assert told in text


def test_a_queue_is_planned_when_asked(staffed_center: str) -> None:
    found = data(staffed_center, "/api/staffing?queue=Billing")
    assert found["tables"]["plan"]["rows"]


def test_the_report_has_its_section(desk: Settings, staffed_center: str, tmp_path: Path) -> None:
    text = write_report(desk.home.marts_database, None, tmp_path / "report.html", desk).read_text(encoding="utf-8")
    assert 'id="staffing"' in text
    assert "head-hours a week" in text


def test_minutes_to_green_have_a_simulation_beside_the_bound_now_and_none_in_the_past(desk: Settings, opsla: Opsla, staffed_center: str) -> None:
    found = rows(desk.home.marts_database, "select dimension_value, reason from mart.to_green_simulated order by dimension, dimension_value")
    assert {"all", "Billing", "Tech"} <= {value for value, _ in found}
    assert "To green with new cases is simulated" in opsla("backlog", "--by", "queue")[1]
    assert "simulated" not in opsla("backlog", "--as-of", "2025-07-30T16:00")[1]
    now, then = (data(staffed_center, f"/api/queues{at}")["tables"]["by_queue"]["columns"] for at in ("", "?at=2025-07-30T16:00Z"))
    assert "to_green_simulated" in [column["name"] for column in now]
    assert "to_green_simulated" not in [column["name"] for column in then]


# ---- what has not changed is not computed again


def _staffing_rows(settings: Settings) -> dict[str, list[tuple[object, ...]]]:
    return {name: rows(settings.home.warehouse, f"select * from {name} order by all") for name in STAFFING}


def _change(settings: Settings, statement: str) -> None:
    warehouse = Warehouse(database=str(settings.home.warehouse))
    warehouse.connection().execute(statement)
    warehouse.close()


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is computed from now on: weeks that are replayed, and what else by its name."""
    done: list[str] = []
    replay_module = importlib.import_module("opsla_dagster.staffing.replay")
    original = replay_module.replay

    def replayed(log: object, but: object = ()) -> Iterator[object]:
        for week in original(log, but):
            done.append(f"{week.week_date}")
            yield week

    monkeypatch.setattr(replay_module, "replay", replayed)
    for module, name in (("inputs", "hours_rows"), ("inputs", "inputs_rows"), ("rows", "plan_rows"), ("rows", "outcome_rows"), ("to_green", "to_green_rows")):
        found = importlib.import_module(f"opsla_dagster.staffing.{module}")
        monkeypatch.setattr(found, name, _noting(getattr(found, name), name, done))
    return done


def _noting(function: Callable[..., object], name: str, done: list[str]) -> Callable[..., object]:
    def noted(*arguments: object) -> object:
        done.append(name)
        return function(*arguments)

    return noted


@pytest.fixture
def copy_of_desk(desk: Settings, tmp_path: Path) -> Settings:
    """A home whose staffing tables are made with a touch time written down."""
    written = StaffingSettings.model_validate({"touch": {"minutes": 20}})
    settings = replace(copied(desk, tmp_path), staffing=written)
    make(settings, [Window(FIRST, FIRST + timedelta(days=1))], datetime(2025, 8, 11, 6), only=STAFFING)
    return settings


def _again(settings: Settings) -> dict[str, list[tuple[object, ...]]]:
    make(settings, [Window(FIRST, FIRST + timedelta(days=1))], datetime(2025, 8, 11, 6), only=STAFFING)
    return _staffing_rows(settings)


def _anew(settings: Settings) -> dict[str, list[tuple[object, ...]]]:
    """As a home makes them that has none."""
    for name in STAFFING:
        _change(settings, f"drop table {name}")
    return _again(settings)


def test_a_rerun_computes_nothing_and_has_the_same_rows(copy_of_desk: Settings, computed: list[str]) -> None:
    before = _staffing_rows(copy_of_desk)
    assert before["mart.staffing_plan"]
    assert _again(copy_of_desk) == before
    assert computed == []
    assert _anew(copy_of_desk) == before
    assert {"hours_rows", "inputs_rows", "plan_rows", "outcome_rows", "to_green_rows", "2025-07-21"} <= set(computed)


@pytest.mark.parametrize("served", [12_000, pytest.param(0, marks=takes_minutes)], ids=["one by one", "as a workload"])
def test_a_late_event_makes_its_week_anew_and_what_follows_from_it(
    copy_of_desk: Settings, computed: list[str], served: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A case of Tuesday of the fifth week turns out to be late. Of many cases the weeks before it stay."""
    for module in ("made_from", "touch"):
        monkeypatch.setattr(importlib.import_module(f"opsla_dagster.staffing.{module}"), "MOST_SERVED", served)
    before = _again(copy_of_desk)
    computed.clear()
    _change(
        copy_of_desk,
        "update staging.sla_clocks set outcome = 'breached', elapsed_seconds = 9000 where case_id = 'T29-05' and metric = 'first_touch' and cycle = 1",
    )
    after = _again(copy_of_desk)
    weeks = {name for name in computed if name.startswith("2025")}
    assert {"2025-07-28", "2025-08-04", "2025-08-11"} <= weeks
    assert ("2025-06-30" in weeks) == bool(served)
    assert {"hours_rows", "inputs_rows"} <= set(computed)
    assert after["mart.staffing_replay"] != before["mart.staffing_replay"]
    assert _anew(copy_of_desk) == after


@pytest.mark.parametrize("what", ["config", pytest.param("code", marks=takes_minutes)])
def test_another_config_or_other_code_makes_everything_anew(
    copy_of_desk: Settings, computed: list[str], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = copy_of_desk
    if what == "config":
        settings = replace(settings, staffing=StaffingSettings.model_validate({"touch": {"minutes": 25}}))
    else:
        monkeypatch.setattr("opsla_dagster.staffing.made_from.code", lambda: "of a later version")
    after = _again(settings)
    assert {"hours_rows", "inputs_rows", "plan_rows", "outcome_rows", "to_green_rows", "2025-07-21"} <= set(computed)
    if IS_HOLD:
        assert _anew(settings) == after
