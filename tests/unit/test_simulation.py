"""The simulation source: what it promises of every case, row, shift and date.

Belongs here: behaviour that a single example shows. Does not belong here: what must hold for any seed, window or instant
(tests/property/test_simulation_properties.py), and the published figures (an integration test at full scale).
"""

from __future__ import annotations

import copy
import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.base import read_document
from opsla_dagster.settings.simulation import SimulationSettings
from opsla_dagster.sources.base import CASES, EVENTS, PARTITION_STATES, REJECTED_ROWS, STAFFING
from opsla_dagster.sources.draws import bits_for, case_keys, normals, uniform_pairs
from opsla_dagster.sources.simulation import SimulationSource
from opsla_dagster.window import Window

CONFIG = Path(__file__).parents[2] / "config" / "simulation.yml"
NEW_YORK = "America/New_York"
FOREVER = datetime(2035, 1, 1)
JULY = Window(date(2025, 7, 1), date(2025, 8, 1))


@pytest.fixture(scope="module")
def settings() -> SimulationSettings:
    return read_document(CONFIG, SimulationSettings)


@pytest.fixture(scope="module")
def source(settings: SimulationSettings) -> SimulationSource:
    return SimulationSource("simulation", settings, NEW_YORK, cases=12_345)


def changed(path: str, value: object) -> dict[str, Any]:
    """The shipped document with one value replaced; `path` is its YAML path."""
    document: dict[str, Any] = copy.deepcopy(yaml.safe_load(CONFIG.read_text(encoding="utf-8")))
    *parents, last = path.split(".")
    place = document
    for part in parents:
        place = place[part]
    place[last] = value
    return document


def changed_source(path: str, value: object, cases: int = 3_000, zone: str = NEW_YORK) -> SimulationSource:
    return SimulationSource("simulation", SimulationSettings.model_validate(changed(path, value)), zone, cases)


def clean_source(cases: int) -> SimulationSource:
    """The shipped desk with a log that gets nothing wrong."""
    document = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    document["mess"] |= {key: 0 for key in document["mess"] if key.endswith("_share")}
    return SimulationSource("simulation", SimulationSettings.model_validate(document), NEW_YORK, cases)


# ---- draws -----------------------------------------------------------------------------------------------------------


def test_draws_are_splitmix64() -> None:
    # The first two outputs of the reference implementation from the state 1234567.
    state = np.array([1234567], dtype=np.uint64)
    assert bits_for(state, 0, 0)[0] == 6457827717110365317
    assert bits_for(state, 0, 1)[0] == 3203168211198807973


def test_one_slot_and_a_slot_a_key_draw_the_same() -> None:
    keys = case_keys(7, np.array([20270, 20270, 20271]), np.array([0, 1, 0]))
    assert len(set(keys.tolist())) == 3
    np.testing.assert_array_equal(bits_for(keys, 11, 3), bits_for(keys, np.full(3, 11, dtype=np.int8), 3))


def test_normals_are_normal_and_pairs_independent() -> None:
    bits = bits_for(case_keys(1, np.zeros(200_000, dtype=np.int64), np.arange(200_000)), 0, 0)
    normal = normals(bits)
    first, second = uniform_pairs(bits)
    assert abs(normal.mean()) < 0.01
    assert abs(normal.std() - 1) < 0.01
    assert abs((normal > 1.645).mean() - 0.05) < 0.003
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.01


# ---- volume ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 179, 12_345, 300_000])
def test_the_window_has_exactly_so_many_cases(settings: SimulationSettings, n: int) -> None:
    source = SimulationSource("simulation", settings, NEW_YORK, cases=n)
    states = source.partition_states(source.window(), FOREVER)
    assert (pc.sum(states["cases"]).as_py() or 0) == n


def test_the_worked_example_of_the_config_holds(settings: SimulationSettings) -> None:
    source = SimulationSource("simulation", settings, NEW_YORK)
    tuesday, saturday, holiday = date(2025, 7, 8), date(2025, 7, 12), date(2025, 7, 4)
    sizes = {
        day: source.cases(Window(day, day + timedelta(1)), FOREVER).num_rows for day in (tuesday, saturday, holiday)
    }
    assert sizes[tuesday] == pytest.approx(2_237, abs=1)
    assert sizes[saturday] == pytest.approx(369, abs=1)
    assert sizes[holiday] == pytest.approx(391, abs=1)


def test_there_are_no_cases_before_the_start(source: SimulationSource) -> None:
    before = Window(date(2025, 5, 1), date(2025, 7, 1))
    assert source.cases(before, FOREVER).num_rows == 0
    assert source.events(before, FOREVER).num_rows == 0
    assert source.staffing(before).num_rows == 0
    assert source.partition_states(before, FOREVER).num_rows == 0
    across = Window(date(2025, 6, 20), date(2025, 7, 2))
    assert source.cases(across, FOREVER)["intake_date"].unique().to_pylist() == [date(2025, 7, 1)]


def test_days_after_the_window_go_on_at_the_final_level(source: SimulationSource) -> None:
    def size(day: date) -> int:
        return source.cases(Window(day, day + timedelta(1)), FOREVER).num_rows

    assert size(date(2026, 3, 3)) == pytest.approx(size(date(2025, 12, 16)), abs=1)
    assert size(date(2029, 3, 3)) == pytest.approx(size(date(2025, 12, 13)), abs=1)  # Saturdays
    assert size(date(2026, 11, 26)) == pytest.approx(size(date(2025, 11, 27)), abs=1)  # Thanksgivings
    shrinkage = source.staffing(Window(date(2025, 12, 27), date(2026, 6, 1)))["shrinkage_rate"]
    assert set(shrinkage.to_pylist()) == {0.6}


# ---- cases and their rows --------------------------------------------------------------------------------------------


def test_tables_have_the_schemas_of_the_protocol(source: SimulationSource) -> None:
    for window in (JULY, Window(date(2020, 1, 1), date(2020, 1, 2))):
        assert source.cases(window, FOREVER).schema == CASES
        assert source.events(window, FOREVER).schema == EVENTS
        assert source.staffing(window).schema == STAFFING
        assert source.partition_states(window, FOREVER).schema == PARTITION_STATES
    assert source.rejected_rows().schema == REJECTED_ROWS
    source.events(JULY, FOREVER).validate(full=True)
    source.cases(JULY, FOREVER).validate(full=True)


def test_ids_are_unique_and_readable(source: SimulationSource) -> None:
    cases, events = source.cases(JULY, FOREVER), source.events(JULY, FOREVER)
    assert len(cases["case_id"].unique()) == cases.num_rows
    assert len(events["event_id"].unique()) == events.num_rows
    first = cases.slice(0, 1).to_pylist()[0]
    assert first["case_id"] == "C20250701-000000"
    assert events.slice(0, 2)["event_id"].to_pylist() == ["C20250701-000000-01", "C20250701-000000-02"]
    assert events["case_id"].unique().to_pylist() == cases["case_id"].to_pylist()


def test_rows_come_in_intake_date_order_with_their_case(source: SimulationSource) -> None:
    cases, events = source.cases(JULY, FOREVER), source.events(JULY, FOREVER)
    dates = dict(zip(cases["case_id"].to_pylist(), cases["intake_date"].to_pylist(), strict=True))
    assert cases["intake_date"].to_pylist() == sorted(cases["intake_date"].to_pylist())
    assert events["intake_date"].to_pylist() == [dates[case] for case in events["case_id"].to_pylist()]
    assert events["event_id"].to_pylist() == sorted(events["event_id"].to_pylist())


PATH = re.compile(
    "INTAKE (TRIAGE )?ASSIGNED INVESTIGATION (ESCALATED ASSIGNED )?(CUSTOMER_WAIT INVESTIGATION ){0,2}"
    "(REVIEW_QA )?(CANCELLED|RESOLVED( REOPENED INVESTIGATION RESOLVED)?)"
)


def test_every_case_follows_the_path(source: SimulationSource) -> None:
    paths: dict[str, list[str]] = {}
    for row in source.events(JULY, FOREVER).to_pylist():
        if not row["is_duplicate"]:
            paths.setdefault(row["case_id"], []).append(row["status"])
            assert row["source_sequence"] == len(paths[row["case_id"]])
        assert row["is_reopen"] == (row["status"] == "REOPENED")
        assert row["source_status"] == row["status"]
    taken = {" ".join(path) for path in paths.values()}
    assert [path for path in taken if not PATH.fullmatch(path)] == []
    # Every branch is taken by somebody, or the test would prove nothing.
    for status in ("ESCALATED", "CUSTOMER_WAIT", "REVIEW_QA", "CANCELLED", "REOPENED"):
        assert any(status in path for path in taken)
    assert any("TRIAGE" not in path for path in taken)


def test_without_mess_events_happen_in_the_order_of_the_path() -> None:
    source = clean_source(5_000)
    cases = {row["case_id"]: row["intake_ts"] for row in source.cases(JULY, FOREVER).to_pylist()}
    previous: dict[str, Any] = {}
    for row in source.events(JULY, FOREVER).to_pylist():
        earlier = previous.get(row["case_id"])
        if earlier is None:
            assert row["event_ts"] == cases[row["case_id"]]
        else:
            assert row["event_ts"] >= earlier["event_ts"]
        assert timedelta(seconds=20) <= row["ingestion_ts"] - row["event_ts"] <= timedelta(seconds=280)
        previous[row["case_id"]] = row


def test_the_worked_case_of_the_decision_record_holds() -> None:
    # docs/decisions/0003: with every draw at its median, a T2 access request that takes no detour and is not reviewed.
    document = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    document["mess"] |= {key: 0 for key in document["mess"] if key.endswith("_share")}
    for tier in document["tiers"].values():
        tier["triage"]["sigma"] = tier["work"]["sigma"] = tier["hard_share"] = 0
    document["path"]["assignment"]["sigma"] = document["path"]["pickup"]["sigma"] = 0
    source = SimulationSource("simulation", SimulationSettings.model_validate(document), NEW_YORK, cases=30_000)
    tuesday = Window(date(2025, 7, 8), date(2025, 7, 9))
    cases = source.cases(tuesday, FOREVER).to_pylist()
    wanted = {row["case_id"] for row in cases if (row["tier"], row["case_type"]) == ("T2", "access_request")}
    paths: dict[str, list[Any]] = {}
    for row in source.events(tuesday, FOREVER).to_pylist():
        paths.setdefault(row["case_id"], []).append(row)
    plain = ["INTAKE", "TRIAGE", "ASSIGNED", "INVESTIGATION", "RESOLVED"]
    path = next(rows for case, rows in paths.items() if case in wanted and [row["status"] for row in rows] == plain)
    steps = [later["event_ts"] - earlier["event_ts"] for earlier, later in pairwise(path)]
    minutes = [54 * 0.95, 13 * 0.95, 35 * 0.95, 680 * 0.95]
    assert [step.total_seconds() / 60 for step in steps] == pytest.approx(minutes, abs=1 / 30)


def test_mess_is_what_its_flags_say(source: SimulationSource) -> None:
    truth = {(row["case_id"], row["source_sequence"]): row["event_ts"] for row in
             clean_source(12_345).events(JULY, FOREVER).to_pylist()}  # fmt: skip
    originals: dict[tuple[str, int], Any] = {}
    kinds = {"missing": 0, "shifted": 0, "late": 0, "skewed": 0, "copied": 0}
    for row in source.events(JULY, FOREVER).to_pylist():
        place = (row["case_id"], row["source_sequence"])
        if row["is_duplicate"]:
            kinds["copied"] += 1
            original = originals[place]
            assert timedelta(seconds=30) <= row["ingestion_ts"] - original["ingestion_ts"] <= timedelta(minutes=40)
            same = {"event_id", "ingestion_ts", "is_duplicate"}
            assert {k: v for k, v in row.items() if k not in same} == {
                k: v for k, v in original.items() if k not in same
            }
            continue
        originals[place] = row
        behind = row["ingestion_ts"] - truth[place]
        if row["event_ts"] is None:
            kinds["missing"] += 1
            assert not row["is_tz_inconsistent"]
        else:
            shift = truth[place] - row["event_ts"]
            kinds["shifted"] += row["is_tz_inconsistent"]
            hours = {6, 7, 8} if row["is_tz_inconsistent"] else {0}
            assert shift in {timedelta(hours=hour) for hour in hours}
        if row["is_late_arriving"]:
            kinds["late"] += 1
            assert timedelta(hours=4) <= behind <= timedelta(days=2)
        elif behind < timedelta(0):
            kinds["skewed"] += 1
            assert timedelta(seconds=30) <= -behind <= timedelta(minutes=15)
        else:
            assert timedelta(seconds=20) <= behind <= timedelta(seconds=280)
    assert min(kinds.values()) > 100


def test_the_owner_of_a_row_follows_the_path(source: SimulationSource) -> None:
    cases = {row["case_id"]: row for row in source.cases(JULY, FOREVER).to_pylist()}
    escalated: set[str] = set()
    for row in source.events(JULY, FOREVER).to_pylist():
        case = cases[row["case_id"]]
        assert case["team"].endswith(case["tier"])
        if row["status"] in {"INTAKE", "TRIAGE"}:
            assert row["team"] == "Intake Desk"
            assert (row["agent"] is None) == (row["status"] == "INTAKE")
        elif row["status"] == "REVIEW_QA":
            assert row["team"] == "Quality Review"
        elif row["case_id"] in escalated and row["status"] != "ESCALATED":  # a copy of the escalation itself follows it
            assert row["team"] == case["team"][:-2] + "T3"
        else:
            assert (row["team"], row["agent"]) == (case["team"], case["agent"])
        if row["status"] == "ESCALATED":
            escalated.add(row["case_id"])
    assert escalated


def test_attributes_of_cases_come_in_their_shares(settings: SimulationSettings) -> None:
    cases = SimulationSource("simulation", settings, NEW_YORK, cases=60_000).cases(
        Window(settings.start, settings.start + timedelta(180)), FOREVER
    )
    shares = {name: {value["values"]: value["counts"] / 60_000 for value in cases[name].value_counts().to_pylist()}
              for name in ("tier", "case_type", "priority", "category")}  # fmt: skip
    assert shares["tier"] == pytest.approx({name: tier.share for name, tier in settings.tiers.items()}, abs=0.01)
    assert shares["case_type"] == pytest.approx({k: v.share for k, v in settings.case_types.items()}, abs=0.01)
    assert shares["priority"] == pytest.approx(settings.priorities, abs=0.01)
    assert shares["category"][None] == pytest.approx(settings.path.uncategorised_share, abs=0.01)
    kinds = settings.case_types.items()
    belongs = {category: name for name, kind in kinds for category in kind.categories}
    pairs = zip(cases["category"].to_pylist(), cases["case_type"].to_pylist(), strict=True)
    assert all(category is None or belongs[category] == case_type for category, case_type in pairs)


# ---- time ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        (NEW_YORK, date(2025, 11, 2)),  # the clock goes back: a day of 25 hours
        (NEW_YORK, date(2026, 3, 8)),  # the clock goes forward: 02:00 to 03:00 does not exist
        ("Asia/Kathmandu", date(2025, 8, 5)),  # 5:45 ahead
        ("Australia/Lord_Howe", date(2025, 10, 5)),  # by half an hour
        ("Africa/Cairo", date(2026, 4, 24)),  # at midnight
    ],
)
def test_intake_times_are_on_the_desks_clock(zone: str, day: date) -> None:
    source = changed_source("volume.weekend_weight", 1, cases=90_000, zone=zone)
    cases = source.cases(Window(day, day + timedelta(1)), FOREVER)
    local = [at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)) for at in cases["intake_ts"].to_pylist()]
    assert {at.date() for at in local} == {day}
    in_hours = sum(8 <= at.hour < 18 for at in local) / len(local)
    assert in_hours == pytest.approx(1 - 0.0235 - 0.013, abs=0.03)


def test_a_day_drawn_alone_is_the_day_drawn_in_a_range(source: SimulationSource) -> None:
    window = source.window()
    cases, events = source.cases(window, FOREVER), source.events(window, FOREVER)
    for day in (date(2025, 7, 1), date(2025, 9, 1), date(2025, 11, 2), date(2025, 12, 27)):
        alone = Window(day, day + timedelta(1))
        assert source.cases(alone, FOREVER).equals(cases.filter(pc.field("intake_date") == day).combine_chunks())
        assert source.events(alone, FOREVER).equals(events.filter(pc.field("intake_date") == day).combine_chunks())


def test_batches_of_a_large_draw_join_seamlessly(settings: SimulationSettings) -> None:
    source = SimulationSource("simulation", settings, NEW_YORK)  # a month is two batches
    events = source.events(JULY, FOREVER)
    day = date(2025, 7, 31)
    assert source.events(Window(day, day + timedelta(1)), FOREVER).equals(
        events.filter(pc.field("intake_date") == day).combine_chunks()
    )


def test_as_of_hides_what_has_not_arrived(source: SimulationSource) -> None:
    as_of = datetime(2025, 7, 16, 15, 30)
    cases, events = source.cases(JULY, as_of), source.events(JULY, as_of)
    all_cases, all_events = source.cases(JULY, FOREVER), source.events(JULY, FOREVER)
    assert 0 < cases.num_rows < all_cases.num_rows
    assert cases.equals(all_cases.filter(pc.field("intake_ts") <= as_of))
    arrived = all_events.filter(pc.field("ingestion_ts") <= as_of)
    known = arrived.filter(pc.is_in(arrived["case_id"], value_set=cases["case_id"].combine_chunks()))
    assert events.equals(known)
    assert events.num_rows < arrived.num_rows + 1
    assert source.cases(JULY, as_of.replace(tzinfo=UTC)).equals(cases)


def test_an_event_of_a_fast_clock_waits_for_its_case() -> None:
    source = changed_source("mess.skewed_clock_share", 1, cases=20_000)
    noon = datetime(2025, 7, 8, 16, 0)
    window = Window(date(2025, 7, 8), date(2025, 7, 9))
    visible = set(source.cases(window, noon)["case_id"].to_pylist())
    early = source.events(window, FOREVER).filter(pc.field("ingestion_ts") <= noon)
    assert set(early["case_id"].to_pylist()) - visible
    assert set(source.events(window, noon)["case_id"].to_pylist()) <= visible


def test_partition_states_count_what_is_visible(source: SimulationSource) -> None:
    as_of = datetime(2025, 7, 16, 15, 30)
    cases, events = source.cases(JULY, as_of), source.events(JULY, as_of)
    states = source.partition_states(JULY, as_of).to_pylist()
    assert [state["intake_date"] for state in states] == [date(2025, 7, day) for day in range(1, 17)]
    for state in states:
        of_day = pc.field("intake_date") == state["intake_date"]
        assert state["cases"] == cases.filter(of_day).num_rows
        assert state["events"] == events.filter(of_day).num_rows
        assert state["digest"] == f"{state['cases']}:{state['events']}"
    next_day = source.partition_states(JULY, as_of + timedelta(days=1)).to_pylist()
    received = [
        new["intake_date"] for old, new in zip(states, next_day, strict=False) if old["digest"] != new["digest"]
    ]
    assert received[0] < date(2025, 7, 12)  # old dates still receive events
    assert date(2025, 7, 15) in received


def test_nothing_of_a_case_arrives_after_max_case_days() -> None:
    document = changed("tiers.T1.work", {"median_minutes": 40_000, "sigma": 2})
    document["max_case_days"] = 10
    source = SimulationSource("simulation", SimulationSettings.model_validate(document), NEW_YORK, cases=4_000)
    assert source.settles_after_days == 10
    events = source.events(JULY, FOREVER).to_pylist()
    waits = [row["ingestion_ts"] - datetime.combine(row["intake_date"], datetime.min.time()) for row in events]
    assert timedelta(days=8) < max(waits) < timedelta(days=10)
    last: dict[str, Any] = {}
    for row in (row for row in events if not row["is_tz_inconsistent"] and row["event_ts"]):
        assert row["event_ts"] >= last.get(row["case_id"], row["event_ts"])
        last[row["case_id"]] = row["event_ts"]


def test_the_shipped_bound_touches_almost_no_case(settings: SimulationSettings) -> None:
    shipped = SimulationSource("simulation", settings, NEW_YORK, cases=60_000)
    unbounded = SimulationSource("simulation", settings.model_copy(update={"max_case_days": 3_000}), NEW_YORK, 60_000)
    window = shipped.window()
    shipped_rows, unbounded_rows = shipped.events(window, FOREVER), unbounded.events(window, FOREVER)
    differs = pc.not_equal(shipped_rows["ingestion_ts"], unbounded_rows["ingestion_ts"])
    assert len(shipped_rows.filter(differs)["case_id"].unique()) <= 3


# ---- staffing --------------------------------------------------------------------------------------------------------


def test_staffing_is_two_shifts_a_day_less_shrinkage(source: SimulationSource) -> None:
    window = source.window()
    rows = source.staffing(window).to_pylist()
    assert len(rows) == 2 * window.days
    assert rows[0] == {
        "source": "simulation", "staff_date": date(2025, 7, 1), "shift": "day",
        "planned_heads": 40.0, "shrinkage_rate": 0.25, "effective_heads": pytest.approx(40 * 0.75),
    }  # fmt: skip
    by_day = {row["staff_date"]: row for row in rows if row["shift"] == "evening"}
    assert by_day[date(2025, 7, 4)]["planned_heads"] == 0.5
    assert by_day[date(2025, 7, 5)]["planned_heads"] == 1.0
    assert by_day[date(2025, 10, 28)]["shrinkage_rate"] == 0.25
    assert by_day[date(2025, 11, 27)]["shrinkage_rate"] == pytest.approx(0.25 + 0.35 * 30 / 60)
    assert by_day[date(2025, 12, 27)]["shrinkage_rate"] == pytest.approx(0.6)
    assert all(row["effective_heads"] == row["planned_heads"] * (1 - row["shrinkage_rate"]) for row in rows)


# ---- identity and errors ---------------------------------------------------------------------------------------------


def test_the_fingerprint_follows_every_parameter(settings: SimulationSettings) -> None:
    same = SimulationSource("other name", settings, NEW_YORK, settings.cases)
    prints = [
        SimulationSource("simulation", settings, NEW_YORK).fingerprint(),
        SimulationSource("simulation", settings, NEW_YORK, cases=5).fingerprint(),
        SimulationSource("simulation", settings, "UTC").fingerprint(),
        changed_source("seed", 1, settings.cases).fingerprint(),
        changed_source("path.review.sigma", 0.81, settings.cases).fingerprint(),
        changed_source("mess.late_delay.longest", "47h", settings.cases).fingerprint(),
    ]
    assert len(set(prints)) == len(prints)
    assert same.fingerprint() == prints[0]


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("days", 0, "days: Input should be greater than 0; found 0"),
        ("cases", -1, "cases: Input should be greater than or equal to 0; found -1"),
        ("tiers.T1.share", 0.7, "tiers: the shares must add up to 1; they add up to 1.1"),
        ("case_types.access_request.share", 0.4, "case_types: the shares must add up to 1"),
        ("priorities.P1", 0.5, "priorities: the shares must add up to 1"),
        ("tiers.T2.review_share", 1.2, "tiers.T2.review_share: Input should be less than or equal to 1; found 1.2"),
        ("tiers.T3.work.median_minutes", 0, "tiers.T3.work.median_minutes: Input should be greater than 0"),
        ("mess.late_delay", {"shortest": "2d", "longest": "1d"}, "mess.late_delay: longest must not be shorter"),
        ("mess.late_delay.shortest", 4, "mess.late_delay.shortest: write a duration with its unit"),
        ("mess.time_zone_shift_hours", [], "mess.time_zone_shift_hours"),
        ("time_of_day.closes_hour", 8, "time_of_day: closes_hour 8 must lie after opens_hour 8"),
        (
            "time_of_day.before_opening_share",
            0.99,
            "time_of_day: before_opening_share and after_closing_share together",
        ),
        ("holidays.names", ["Boxing Day"], "holidays: no holiday 'Boxing Day' in US"),
        ("holidays.country", "XX", "holidays: unknown country 'XX'"),
        ("max_case_days", 3, "max_case_days 3 leaves less than 5 days to work"),
        ("volume.weekend_weight", float("inf"), "volume.weekend_weight: Input should be a finite number"),
        ("path.hardness", 2, "path.hardness: no such setting"),
    ],
)
def test_errors_name_the_yaml_path(tmp_path: Path, path: str, value: object, expected: str) -> None:
    broken = tmp_path / "simulation.yml"
    broken.write_text(yaml.safe_dump(changed(path, value)), encoding="utf-8")
    with pytest.raises(OpslaError) as error:
        read_document(broken, SimulationSettings)
    assert expected in str(error.value)
    assert str(broken) in str(error.value)


def test_impossible_volumes_are_refused(settings: SimulationSettings) -> None:
    with pytest.raises(OpslaError, match="-1 cases were asked for"):
        SimulationSource("simulation", settings, NEW_YORK, cases=-1)
    with pytest.raises(OpslaError, match="on a day; expected less than 1,000,000"):
        SimulationSource("simulation", settings, NEW_YORK, cases=200_000_000)
    weekend = settings.model_copy(update={
        "start": date(2025, 7, 5), "days": 2, "volume": settings.volume.model_copy(update={"weekend_weight": 0.0}),
    })  # fmt: skip
    with pytest.raises(OpslaError, match=r"every day of the window .* has weight 0"):
        SimulationSource("simulation", weekend, NEW_YORK)


def test_events_survive_a_change_of_window_between_calls(source: SimulationSource) -> None:
    august = Window(date(2025, 8, 1), date(2025, 9, 1))
    july: pa.Table = source.events(JULY, FOREVER)
    source.cases(august, FOREVER)
    assert source.events(JULY, FOREVER).equals(july)


@pytest.mark.parametrize(("kept_rows", "draws"), [(2_000_000, 2), (5_000, 3), (0, 4)])
def test_cases_that_are_drawn_already_are_not_drawn_again_for_their_events(
    settings: SimulationSettings, monkeypatch: pytest.MonkeyPatch, kept_rows: int, draws: int
) -> None:
    """As a run asks: the cases of all windows, then their events; a day has about 440 rows here, a window of ten about 4,400."""
    monkeypatch.setattr("opsla_dagster.sources.simulation.KEPT_ROWS", kept_rows)
    windows = [Window(date(2025, 7, 1), date(2025, 7, 11)), Window(date(2025, 7, 11), date(2025, 7, 21))]
    counted = SimulationSource("simulation", settings, NEW_YORK, cases=12_345)
    drawn: list[Window] = []
    draw = counted._desk.draw

    def counting(window: Window) -> Any:
        drawn.append(window)
        return draw(window)

    monkeypatch.setattr(counted._desk, "draw", counting)
    cases = [counted.cases(window, FOREVER) for window in windows]
    events = [counted.events(window, FOREVER) for window in windows]
    assert len(drawn) == draws
    assert not counted._kept
    fresh = SimulationSource("simulation", settings, NEW_YORK, cases=12_345)
    assert events == [fresh.events(window, FOREVER) for window in windows]
    assert cases == [fresh.cases(window, FOREVER) for window in windows]
