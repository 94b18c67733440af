"""Daily refreshes, one backfill, any order of ranges and repeats: the same tables. And a refresh touches only what it must."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import duckdb
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dropping import HEAD, NOW, Drops
from effort import IS_HOLD
from hypothesis import HealthCheck, Phase, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from small_desk import (
    AS_OF_OF_THE_LOAD,
    FIRST,
    STORED,
    contents,
    copied,
    core,
    dated,
    desk_settings,
    differences,
    elsewhere,
    july,
    load_states,
    log_of,
    make,
    narrow_runs,
    one_o_clock,
    plan,
    refresh,
    rows,
    takes_minutes,
    up_to,
    with_sources,
)

from opsla_dagster.assets.operations import PUBLISHED_MARTS
from opsla_dagster.assets.scope import AS_OF_TAG, RANGE_END_TAG, RANGE_START_TAG
from opsla_dagster.automation.refresh import never_loaded
from opsla_dagster.build import build_definitions
from opsla_dagster.catalog import TABLES, Kind
from opsla_dagster.errors import OpslaError
from opsla_dagster.instance.instance import open_instance, wait_for_turn
from opsla_dagster.instance.lease import process_tags
from opsla_dagster.reporting.backlog import desk_at
from opsla_dagster.running import run_windows
from opsla_dagster.settings import Settings, calendars
from opsla_dagster.settings.quality_gates import QualityGatesSettings
from opsla_dagster.settings.sla_policies import Target
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.warehouse.connection import relation_names
from opsla_dagster.window import ONE_DAY, Window, ranges_of


def same_tables(found: Settings, expected: Settings, only: set[str] | None = None) -> bool:
    """Compares every row of every table (or of `only` these) of two homes; an assertion shows what differs."""
    one, other = (contents(home.home.warehouse, TABLES if only is None else only, AS_OF_OF_THE_LOAD) for home in (found, expected))
    assert differences(one, other) == {}
    return True


def nothing(_table: str, _rows: int) -> None:
    """Nobody watches these runs."""


# ---- the same tables, whatever the way -------------------------------------------------------------------------------


@takes_minutes
@pytest.mark.parametrize(("days", "first_days", "late"), [(8, 6, 1), (31, 0, 20)])
def test_day_by_day_equals_one_backfill(tmp_path: Path, days: int, first_days: int, late: int) -> None:
    """A refresh a day, as_of 01:00 in New York of each next day, leaves what one load of all the days leaves; the first days may be loaded at once."""
    daily = desk_settings(tmp_path, cases=6_000)
    at_once = elsewhere(daily, tmp_path / "at_once")
    window, as_of_at = july(1, days), one_o_clock(july(days, days).end)
    ranges = 0
    if first_days:
        make(daily, [july(1, first_days)], one_o_clock(july(1, first_days).end))
    for day in list(window.dates())[first_days:]:
        windows = refresh(daily, one_o_clock(day + ONE_DAY))
        assert day in windows[-1]
        ranges += len(windows)
    make(at_once, [window], as_of_at)
    assert ranges > days - first_days + late, "a replay in which hardly any late event arrives proves little"

    # as_of_at of a load says when that load was made: it is the one thing that must differ. mart.open_clocks.as_of_at, the
    # instant at which clocks are judged, must not.
    loads = "select count(distinct as_of_at) > 2, max(as_of_at) from {}"
    for table in ("raw.source_partitions", "ops.refreshed_partitions"):
        assert rows(daily.home.warehouse, loads.format(table)) == [(True, as_of_at)]
    found = contents(daily.home.warehouse, leaving_out=AS_OF_OF_THE_LOAD)
    assert len(found["raw.cases"]) > 25 * days
    assert len(found["mart.open_clocks"]) > 10
    assert same_tables(daily, at_once)
    published = [name for name in found if name.startswith("mart.") and TABLES[name].is_published]
    assert differences(contents(daily.home.marts_database, published), contents(at_once.home.warehouse, published)) == {}


@takes_minutes
@pytest.mark.parametrize("days", [2, 31])
def test_days_through_dagster_equal_one_backfill(tmp_path: Path, days: int) -> None:
    """The same where the refreshes are the runs that `opsla refresh` makes. One such run, against one load: test_upgrade.py."""
    daily = desk_settings(tmp_path, cases=6_000)
    at_once = elsewhere(daily, tmp_path / "at_once")
    window = july(1, days)
    with open_instance(daily.home.root) as instance:
        for day in window.dates():
            as_of_at = one_o_clock(day + ONE_DAY)
            assert run_windows(daily, instance, plan(daily, as_of_at), as_of_at, nothing, is_refresh=True).error == ""
    make(at_once, [window], as_of_at)
    assert same_tables(daily, at_once)


TINY = july(1, 8)
LAST = one_o_clock(date(2025, 7, 12))
#: Scattered dates of the first eleven, as of some instant.
loads = st.tuples(st.sets(st.integers(0, TINY.days - 1), min_size=1), st.integers(1, 11)).map(
    lambda drawn: (ranges_of(FIRST + timedelta(days) for days in drawn[0]), one_o_clock(FIRST + timedelta(drawn[1])))
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return desk_settings(tmp_path_factory.mktemp("tiny"), cases=700, gates=False)


@pytest.fixture(scope="module")
def tiny_at_once(tiny: Settings) -> Settings:
    make(tiny, [july(1, 11)], LAST)
    return tiny


def test_a_day_after_the_others_equals_one_backfill(tmp_path: Path, tiny_at_once: Settings) -> None:
    """The last of the days above: every table, and every published one, is what one load of all the days leaves."""
    daily = elsewhere(tiny_at_once, tmp_path)
    make(daily, [july(1, 10)], one_o_clock(july(10, 10).end))

    windows = refresh(daily, LAST)

    assert date(2025, 7, 11) in windows[-1]
    assert len(windows) > 1, "a refresh that no late event arrives for proves little"
    found = contents(daily.home.warehouse, leaving_out=AS_OF_OF_THE_LOAD)
    assert len(found["raw.cases"]) > 20
    assert len(found["mart.open_clocks"]) > 10
    assert {at for (at,) in rows(daily.home.warehouse, "select distinct as_of_at from raw.source_partitions")} == {one_o_clock(july(10, 10).end), LAST}
    assert rows(daily.home.warehouse, "select distinct as_of_at from mart.open_clocks") == [(LAST,)], "clocks are judged as of one instant"
    assert same_tables(daily, tiny_at_once)
    published = [name for name in found if name.startswith("mart.") and TABLES[name].is_published]
    assert differences(contents(daily.home.marts_database, published), contents(tiny_at_once.home.warehouse, published)) == {}


@hypothesis_settings(
    max_examples=6, deadline=None, derandomize=True, database=None, phases=list(Phase) if IS_HOLD else [Phase.explicit],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(orders=st.lists(loads, min_size=1, max_size=4), ends_with_refresh=st.booleans())
@example(orders=[([july(1, 1), july(3, 4), july(8, 8)], one_o_clock(date(2025, 7, 9)))], ends_with_refresh=True)
def test_any_order_of_scattered_dates_and_repeats_ends_in_the_same_tables(
    tiny_at_once: Settings, orders: list[tuple[list[Window], datetime]], ends_with_refresh: bool
) -> None:
    """Loads of any dates as of any instants; then everything as of the last, or the refresh that sees to it. Every table in `make hold`."""
    only = None if IS_HOLD else dated(tiny_at_once)
    with tempfile.TemporaryDirectory() as directory:
        home = elsewhere(tiny_at_once, Path(directory))
        for windows, as_of_at in orders:
            make(home, windows, as_of_at, only)
        if ends_with_refresh:
            # What nobody ever loaded and had gone by before the first load stays unloaded: load it once, however long ago.
            make(home, [july(1, 11)], one_o_clock(FIRST), only)
            if IS_HOLD:
                make(home, *orders[0], only)
            refresh(home, LAST, only)
        else:
            make(home, [july(1, 11)], LAST, only)
        assert same_tables(home, tiny_at_once, only)


@takes_minutes
def test_a_backfill_of_scattered_dates_equals_one_load(tmp_path: Path, tiny_at_once: Settings) -> None:
    """As the UI makes it: a run for each range of the dated tables, then one of the others, which is told of no dates."""
    home = elsewhere(tiny_at_once, tmp_path / "backfill")
    make(home, [july(1, 5)], one_o_clock(date(2025, 7, 6)), dated(home))
    job = build_definitions(home).resolve_implicit_global_asset_job_def()
    keys = [dg.AssetKey(name.split(".")) for name, table in TABLES.items() if table.kind is Kind.PARTITIONED]
    made = [key for key in job.asset_layer.executable_asset_keys if len(key.path) == 2]
    tags = {AS_OF_TAG: f"{LAST.isoformat()}+00:00"}
    with open_instance(home.home.root) as instance:
        for window in (july(6, 11), july(1, 5)):
            of_range = {RANGE_START_TAG: str(window.start), RANGE_END_TAG: str(window.last)}
            assert job.execute_in_process(instance=instance, asset_selection=[key for key in made if key in keys], tags=tags | of_range).success
        assert job.execute_in_process(instance=instance, asset_selection=[key for key in made if key not in keys], tags=tags).success
    assert same_tables(home, tiny_at_once)


# ---- exactly the right dates -----------------------------------------------------------------------------------------


def events_became_visible(settings: Settings, window: Window) -> list[tuple[date, datetime]]:
    """Brute force: intake date of each event and case, and the instant at which it became known."""
    (source,) = build_desk(settings).sources
    ever = datetime(2030, 1, 1)
    cases = source.cases(window, ever).to_pylist()
    intakes = {case["case_id"]: case["intake_ts"] for case in cases}
    events = source.events(window, ever).to_pylist()
    return [(case["intake_date"], case["intake_ts"]) for case in cases] + [
        (event["intake_date"], max(event["ingestion_ts"], intakes[event["case_id"]])) for event in events
    ]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", *(pytest.param(zone, marks=takes_minutes) for zone in ("America/New_York", "Asia/Kathmandu"))])
def test_refresh_touches_the_dates_with_news_and_no_other(tmp_path: Path, zone: str) -> None:
    """Refreshes some time after a load at a random instant, against every row of the simulation looked at one by one.

    Cases are made to end within a week, so that the dates a refresh need not ask about any more are many.
    """
    draw = random.Random(zone)
    settings = with_sources(desk_settings(tmp_path, cases=1_500), {"type": "simulation"}, timezone=zone)
    assert settings.simulation is not None
    settings = replace(settings, simulation=settings.simulation.model_copy(update={"max_case_days": 7}))
    window = july(1, 12)
    news = events_became_visible(settings, window)
    late = 0
    for number in range(12 if IS_HOLD else 2):
        # On the second of an event, or anywhere up to two weeks after the window.
        first_at = datetime(2025, 7, 11) + timedelta(seconds=draw.randrange(20 * 86_400)) if number % 2 else draw.choice(news)[1]
        home = elsewhere(settings, tmp_path / str(number))
        load_states(home, [window], first_at)
        for seconds in (0, 1, 3_600, 86_400, 9 * 86_400, 300 * 86_400):
            second_at = first_at + timedelta(seconds=seconds)
            windows = plan(home, second_at)

            first_today, today = (at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date() for at in (first_at, second_at))
            changed = {day for day, at in news if first_at < at <= second_at}
            gone_by = {first_today + timedelta(days=days) for days in range((today - first_today).days)} - set(window.dates())
            over = {day for day in gone_by | {today - ONE_DAY} if FIRST <= day < today}
            expected = changed | over
            assert windows == ranges_of(expected), f"from {first_at} to {second_at}"
            late += len(changed - {today - ONE_DAY})
    assert late > 10, "hardly any late event: nothing was proved"


def test_a_missed_week_is_caught_up(tmp_path: Path, tiny_at_once: Settings) -> None:
    settings, only = elsewhere(tiny_at_once, tmp_path), core(tiny_at_once)
    make(settings, [july(1, 4)], one_o_clock(date(2025, 7, 5)), only)

    windows = refresh(settings, LAST, only)

    assert {day for window in windows for day in window.dates()} >= set(july(5, 11).dates())
    assert same_tables(settings, tiny_at_once, only)


def test_a_load_by_hand_during_an_outage_hides_no_missed_date(tmp_path: Path) -> None:
    settings = desk_settings(tmp_path, cases=700)
    load_states(settings, [july(1, 4)], one_o_clock(date(2025, 7, 5)))
    load_states(settings, [july(1, 2)], LAST)

    assert set(july(5, 11).dates()) <= {day for window in plan(settings, LAST) for day in window.dates()}


def test_dates_that_had_gone_by_before_the_first_load_stay_unloaded(tmp_path: Path) -> None:
    settings = desk_settings(tmp_path, cases=12_000)
    load_states(settings, [july(10, 12)], one_o_clock(date(2025, 7, 16)))
    assert {day for day, at in events_became_visible(settings, july(1, 9)) if at > one_o_clock(date(2025, 7, 16))}

    touched = {day for window in plan(settings, one_o_clock(date(2025, 7, 18))) for day in window.dates()}

    assert touched & set(july(13, 31).dates()) == {date(2025, 7, 16), date(2025, 7, 17)}
    assert min(touched) >= date(2025, 7, 10)
    refreshed = plan(settings, one_o_clock(date(2025, 7, 18)))
    assert never_loaded(settings, build_desk(settings), refreshed, one_o_clock(date(2025, 7, 18))) == [july(13, 15)]


def test_the_first_refresh_of_a_home_is_yesterday(tmp_path: Path) -> None:
    settings = desk_settings(tmp_path, cases=700)
    assert plan(settings, one_o_clock(date(2025, 7, 9))) == [july(8, 8)]
    assert plan(settings, datetime(2025, 7, 9, 3, 59, 59)) == [july(7, 7)], "23:59:59 in New York"
    assert plan(settings, one_o_clock(FIRST)) == [], "before the desk's first date"


def test_a_refresh_never_goes_back(tmp_path: Path) -> None:
    """A tick that fires late, after somebody refreshed by hand, must not replace what is known by what was known."""
    settings = desk_settings(tmp_path, cases=1_500, gates=False)
    make(settings, [july(1, 9)], one_o_clock(date(2025, 7, 10)) + timedelta(hours=8), core(settings))
    before = contents(settings.home.warehouse)

    assert refresh(settings, one_o_clock(date(2025, 7, 10))) == []
    assert contents(settings.home.warehouse) == before
    # What nobody loaded yet is loaded all the same: it cannot go back.
    load_states(settings, [july(1, 1)], one_o_clock(date(2025, 8, 1)))
    touched = {day for window in plan(settings, one_o_clock(date(2025, 7, 12))) for day in window.dates()}
    assert touched >= {date(2025, 7, 10), date(2025, 7, 11)}
    assert date(2025, 7, 1) not in touched


# ---- loads that broke off --------------------------------------------------------------------------------------------


def test_a_load_that_broke_off_is_made_again_although_nothing_changed(tmp_path: Path) -> None:
    settings = desk_settings(tmp_path, cases=700, gates=False)
    as_of_at = one_o_clock(date(2025, 11, 1))  # all of July is settled: no event will come any more
    load_states(settings, [july(1, 6)], as_of_at)
    make(settings, [july(2, 3)], as_of_at, only=["raw.source_partitions", "raw.rejected_rows", "raw.cases", "raw.events_log"])
    assert plan(settings, as_of_at) == [Window(date(2025, 10, 31), date(2025, 11, 1))], "whole and known: nothing broke off"
    later = as_of_at + ONE_DAY
    make(settings, [july(2, 3)], later, only=["raw.source_partitions", "raw.rejected_rows", "raw.cases", "raw.events_log"])

    assert plan(settings, later)[0] == july(2, 3)


def test_a_first_load_that_broke_off_is_finished_by_the_next_refresh(tmp_path: Path) -> None:
    settings = desk_settings(tmp_path, cases=700, gates=False)
    make(settings, [july(1, 6)], one_o_clock(date(2025, 7, 7)), only=["raw.calendar_dim", "raw.source_partitions", "raw.rejected_rows", "raw.cases"])

    assert plan(settings, one_o_clock(date(2025, 7, 8))) == [july(1, 7)]


def test_while_a_run_writes_the_published_copy_tells_what_is_loaded(tmp_path: Path, tiny_at_once: Settings) -> None:
    settings = copied(tiny_at_once, tmp_path)
    later = one_o_clock(date(2025, 7, 14))
    free = plan(settings, later)
    assert len(free) >= 1
    command = f"import duckdb, sys; held = duckdb.connect({str(settings.home.warehouse)!r}); print(1, flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdin is not None
        writer.stdout.readline()
        assert plan(settings, later) == free
        settings.home.marts_database.unlink()
        with pytest.raises(OpslaError, match=f"process {writer.pid} is working on this warehouse"):
            plan(settings, later)
        writer.stdin.close()


def too_few_cases(settings: Settings) -> Settings:
    """A gate that no date of a small desk passes."""
    return replace(settings, quality_gates=QualityGatesSettings.model_validate({"gates": {"raw.cases": {"cases_per_day": {"error_below": 1_000}}}}))


def test_a_refresh_that_fails_publishes_nothing_and_is_run_again_whole(tmp_path: Path, tiny_at_once: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dates with gaps are one run: one gate for all of them, and none is made where it fails. Every table in `make hold`."""
    if not IS_HOLD:  # what publishing adds up
        narrow_runs(monkeypatch, "mart.sla_overall", "mart.sla_by_tier_case_type", "mart.open_clocks", "ops.refreshed_partitions", publishes=True)
    settings = copied(tiny_at_once, tmp_path)
    as_of_at = one_o_clock(date(2025, 7, 13))
    published = {path: path.read_bytes() for path in [settings.home.marts_database, *(path for path in settings.home.marts.rglob("*") if path.is_file())]}
    windows = [july(5, 6), july(12, 12)]
    with open_instance(settings.home.root) as instance:
        finished = run_windows(too_few_cases(settings), instance, windows, as_of_at, nothing, is_refresh=True)
        assert finished.error.startswith("raw.cases: gate_cases_per_day failed (rate ")
        assert {path: path.read_bytes() for path in published} == published
        # The next refresh makes up for all of them, whatever the sources say.
        due = plan(settings, as_of_at)
        assert {day for window in windows for day in window.dates()} <= {day for window in due for day in window.dates()}

        assert run_windows(settings, instance, windows, as_of_at, nothing, is_refresh=True).error == ""
        assert materialized(instance, "mart.sla_daily") == {"2025-07-05", "2025-07-06", "2025-07-12"}
        assert materialized(instance, "raw.cases") == {"2025-07-05", "2025-07-06", "2025-07-12"}
        (whole,) = instance.fetch_materializations(dg.AssetKey(["mart", "sla_overall"]), limit=2).records
        assert whole.partition_key is None
        tags = whole.asset_materialization.tags if whole.asset_materialization else {}
        assert "dagster/code_version" in (tags or {}), "or Dagster could not tell when the SQL has changed since"
    assert rows(settings.home.marts_database, "select max(as_of_at) from mart.open_clocks") == [(as_of_at,)]
    assert rows(settings.home.marts_database, "select max(intake_date) from mart.sla_daily") == [(date(2025, 7, 12),)]


def materialized(instance: dg.DagsterInstance, table: str) -> set[str]:
    """The dates of a table that Dagster shows as made."""
    return instance.get_materialized_partitions(dg.AssetKey(table.split(".")))


def test_dates_that_were_never_loaded_are_refused(tmp_path: Path, tiny_at_once: Settings) -> None:
    """A table without rows would look like a day without cases."""
    settings = copied(tiny_at_once, tmp_path)
    later = one_o_clock(date(2025, 7, 20))
    never = r"the sources of 2025-07-12\.\.2025-07-13, 2025-07-15\.\.2025-07-15 were never loaded, .*opsla run --start 2025-07-12 --end 2025-07-14"
    for table in ("staging.events_deduped", "mart.sla_daily", "ops.refreshed_partitions"):
        with pytest.raises(OpslaError, match=never):
            make(settings, [july(11, 13), july(15, 15)], later, only=[table])
    make(settings, [july(15, 15)], later, only=["raw.source_partitions"])
    with pytest.raises(OpslaError, match=r"the sources of 2025-07-15\.\.2025-07-15 were never loaded, or not to the end"):
        make(settings, [july(15, 15)], later, only=["staging.events_deduped"])
    make(settings, [july(2, 2), july(4, 4)], LAST, only=["staging.events_deduped"])


def test_one_run_at_a_time(tmp_path: Path) -> None:
    """The command line waits for a run that is going on, and does not wait for one whose process is gone."""
    told: list[str] = []

    @dg.op
    def meanwhile(context) -> None:  # type: ignore[no-untyped-def]  # Dagster looks at the annotation itself
        with pytest.raises(OpslaError, match=f"run {context.run_id[:8]} \\(somebody\\) is going on in this home"):
            wait_for_turn(context.instance, 0.5, told.append)

    @dg.job
    def somebody() -> None:
        meanwhile()

    with open_instance(tmp_path) as instance:
        assert somebody.execute_in_process(instance=instance, tags=process_tags(instance)).success
        wait_for_turn(instance, 0.0, told.append)
    assert len(told) == 1
    assert told[0].startswith("Waiting for run ")


def test_all_runs_of_a_backfill_know_the_same(tmp_path: Path) -> None:
    settings = desk_settings(tmp_path, cases=700, gates=False)
    made_at = datetime(2025, 7, 9, 5, tzinfo=UTC)
    job = build_definitions(settings).resolve_implicit_global_asset_job_def()
    with open_instance(settings.home.root) as instance:
        instance.add_backfill(
            PartitionBackfill(
                backfill_id="july", status=BulkActionStatus.REQUESTED, from_failure=False, tags={}, backfill_timestamp=made_at.timestamp()
            )
        )
        result = job.execute_in_process(
            instance=instance, partition_key="2025-07-01", tags={"dagster/backfill": "july"},
            asset_selection=[dg.AssetKey(["raw", "source_partitions"])],
        )
    assert result.success
    assert rows(settings.home.warehouse, "select as_of_at from raw.source_partitions") == [(made_at.replace(tzinfo=None),)]


# ---- rules -----------------------------------------------------------------------------------------------------------


def test_changed_rules_make_every_loaded_date_anew(tmp_path: Path, tiny_at_once: Settings) -> None:
    """A holiday added to calendars.yml, or a new target, holds for the dates of yesterday and of last month alike."""
    settings, only = elsewhere(tiny_at_once, tmp_path), core(tiny_at_once) | up_to(tiny_at_once, "staging.sla_clocks")
    make(settings, [july(1, 11)], LAST, only)
    (policy,) = settings.sla_policies.policies
    targets = {**policy.targets, "first_touch": Target(target="60s")}
    promised = (policy.model_copy(update={"targets": targets}),)
    stricter = replace(settings, sla_policies=settings.sla_policies.model_copy(update={"policies": promised}))
    assert plan(settings, LAST) == [july(11, 11)]

    assert refresh(stricter, LAST, only) == [july(1, 11)]
    assert plan(stricter, LAST) == [july(11, 11)]
    at_once = elsewhere(stricter, tmp_path / "at_once")
    make(at_once, [july(1, 11)], LAST, only)
    assert same_tables(stricter, at_once, only)


# ---- logs ------------------------------------------------------------------------------------------------------------

HEADER = "number,state,at\n"
LOG = [
    "A1,New,2025-07-02 14:00:00", "A1,Seen,2025-07-02 15:00:00", "A1,Done,2025-07-03 15:00:00",
    "B1,New,2025-07-04 14:00:00", "B1,Seen,2025-07-04 15:00:00", "B1,Active,2025-07-07 14:00:00",
    "C1,New,2025-07-08 14:00:00", "C1,Seen,2025-07-08 15:00:00", "C1,Active,2025-07-08 16:00:00",
]  # fmt: skip


def desk_of_a_log(directory: Path, **overrides: object) -> tuple[Settings, Path]:
    path = directory / "log.csv"
    path.write_text(HEADER + "\n".join(LOG) + "\n", encoding="utf-8")
    return with_sources(desk_settings(directory, cases=1, gates=False), log_of(path, **overrides)), path


@pytest.fixture(scope="module")
def loaded_log(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Path]:
    """The desk of that log, the first ten days loaded as of 11 July; tests work on copies."""
    settings, path = desk_of_a_log(tmp_path_factory.mktemp("loaded_log"))
    make(settings, [july(1, 10)], one_o_clock(date(2025, 7, 11)), core(settings))
    return settings, path


@pytest.fixture
def loaded(loaded_log: tuple[Settings, Path], tmp_path: Path) -> tuple[Settings, Path]:
    """A copy of it: the home, and the log."""
    path = Path(shutil.copy2(loaded_log[1], tmp_path))
    settings = with_sources(copied(loaded_log[0], tmp_path), log_of(path))
    plan(settings, one_o_clock(date(2025, 7, 11)))  # reads the copy: it is the log that was read last
    return settings, path


def append(path: Path, *lines: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + "\n".join(lines) + "\n", encoding="utf-8")


def equals_a_fresh_load(settings: Settings, directory: Path, window: Window, as_of_at: datetime) -> None:
    """The tables of dates are those of one load. What is made of them follows from them, as the replays above show of every table."""
    fresh, only = elsewhere(settings, directory), core(settings)
    make(fresh, [window], as_of_at, only)
    found, expected = (contents(home.home.warehouse, only, AS_OF_OF_THE_LOAD) for home in (settings, fresh))
    for name in ("raw.source_partitions", "ops.refreshed_partitions"):
        # A source enabled later has no row for dates on which it has no case.
        expected[name] = [row for row in expected[name] if row in found[name] or row[3]]
    known = {row[:2] for row in found["ops.refreshed_partitions"]}
    expected["ops.partition_as_of"] = [row for row in expected["ops.partition_as_of"] if row[:2] in known]
    assert differences(found, expected) == {}


def test_a_row_for_an_old_date_is_picked_up_months_later(loaded: tuple[Settings, Path]) -> None:
    settings, path = loaded
    refresh(settings, one_o_clock(date(2025, 7, 12)), core(settings))
    append(path, "A1,Active,2025-10-20 14:00:00")
    as_of_at = one_o_clock(date(2025, 10, 22))

    windows = plan(settings, as_of_at)

    assert windows == [july(2, 2), Window(date(2025, 7, 12), date(2025, 10, 22))]
    refresh(settings, as_of_at, core(settings))
    assert rows(settings.home.warehouse, "select is_open, reopen_count from staging.case_milestones where case_id = 'A1'") == [(True, 1)]
    assert plan(settings, as_of_at) == [Window(date(2025, 10, 21), date(2025, 10, 22))]


def test_an_area_that_nothing_feeds_any_more_leaves_the_warehouse(tmp_path: Path, tiny_at_once: Settings) -> None:
    """Who explains or exports a case would read what the source said once."""
    settings = copied(tiny_at_once, tmp_path)
    job = build_definitions(settings).resolve_implicit_global_asset_job_def()
    with open_instance(settings.home.root) as instance:
        with duckdb.connect(str(settings.home.warehouse)) as connection:
            connection.execute("create table staging.source_clock_comparison (case_id varchar)")
            connection.execute("create view mart.source_clock_comparison as select * from staging.source_clock_comparison")
            connection.execute("create table mart.of_our_own (case_id varchar)")
        assert job.execute_in_process(instance=instance, asset_selection=[PUBLISHED_MARTS]).success
    with duckdb.connect(str(settings.home.warehouse)) as connection:
        held = relation_names(connection)
    assert {"staging.source_clock_comparison", "mart.source_clock_comparison"} & held == set()
    assert {"mart.of_our_own", "staging.sla_clocks", "raw.source_verdicts", "staging.case_lifecycle"} <= held


def test_a_date_loaded_without_cases_is_loaded_again_once_it_has_one(loaded: tuple[Settings, Path]) -> None:
    settings, path = loaded
    append(path, "D1,New,2025-07-06 14:00:00")

    assert refresh(settings, one_o_clock(date(2025, 7, 11)), core(settings)) == [july(6, 6), july(10, 10)]
    assert rows(settings.home.warehouse, "select case_id, intake_date from raw.cases where case_id = 'D1'") == [("D1", date(2025, 7, 6))]


def test_a_date_nobody_loaded_is_loaded_once_a_log_brings_its_first_case(tmp_path: Path) -> None:
    """`opsla run` stops at the last date that has cases: a case of the weekend that follows may be written later."""
    settings, path = desk_of_a_log(tmp_path)
    load_states(settings, [july(3, 8)], one_o_clock(date(2025, 7, 20)))
    append(path, "D1,New,2025-07-12 14:00:00")

    windows = plan(settings, one_o_clock(date(2025, 7, 21)))

    assert windows == [july(12, 12), july(20, 20)]
    assert not any(date(2025, 7, 2) in window for window in windows), "it had gone by before the first loaded date"
    assert never_loaded(settings, build_desk(settings), windows, one_o_clock(date(2025, 7, 21)))[0] == july(2, 2), "but is told"


def test_records_that_were_taken_back_leave_the_tables(tmp_path: Path, loaded: tuple[Settings, Path]) -> None:
    """A log that shrinks is refused until somebody says that it is meant; then the dates concerned are loaded again."""
    settings, path = loaded
    as_of_at = one_o_clock(date(2025, 7, 11))
    path.write_text(HEADER + "\n".join(LOG[:6]) + "\n", encoding="utf-8")
    with pytest.raises(OpslaError, match=r"shrank from 9 records to 6 .* delete .*last_read\.json"):
        plan(settings, as_of_at)
    (settings.home.source_cache / "desk_log" / "last_read.json").unlink()

    assert refresh(settings, as_of_at, core(settings)) == [july(8, 8), july(10, 10)]
    assert rows(settings.home.warehouse, "select distinct case_id from staging.case_milestones order by 1") == [("A1",), ("B1",)]
    equals_a_fresh_load(settings, tmp_path / "fresh", july(1, 10), as_of_at)


def put_first(path: Path, line: str) -> None:
    """A case came in with the first record that says so: one that is told before it moves the intake."""
    path.write_text(path.read_text(encoding="utf-8").replace(HEADER, f"{HEADER}{line}\n", 1), encoding="utf-8")


def test_a_case_whose_intake_moves_between_two_dates_of_a_refresh(tmp_path: Path, loaded: tuple[Settings, Path]) -> None:
    """An earlier record turns up: the case leaves one date for another, and neither is stale, for both are made at once."""
    settings, path = loaded
    as_of_at = one_o_clock(date(2025, 7, 11))
    put_first(path, "C1,New,2025-07-03 13:00:00")

    windows = plan(settings, as_of_at)
    assert windows == [july(3, 3), july(8, 8), july(10, 10)]

    outcomes = make(settings, windows, as_of_at, core(settings), is_refresh=True)

    (moved,) = [outcome for table, outcome in outcomes if outcome.check == "drift_cases_that_moved"]
    assert moved.passed
    assert rows(settings.home.warehouse, "select intake_date from raw.cases where case_id = 'C1'") == [(date(2025, 7, 3),)]
    equals_a_fresh_load(settings, tmp_path / "fresh", july(1, 10), as_of_at)


def test_a_case_that_moved_into_a_range_of_its_own_is_not_counted_twice(loaded: tuple[Settings, Path]) -> None:
    settings, path = loaded
    as_of_at = one_o_clock(date(2025, 7, 11))
    only = core(settings) | up_to(settings, "mart.sla_overall", "staging.day_load")
    put_first(path, "C1,New,2025-07-03 13:00:00")

    with pytest.raises(Exception, match=r"assert_no_case_is_held_twice failed .*C1 2025-07-03 2025-07-08"):
        make(settings, [july(3, 3)], as_of_at, only)
    make(settings, [july(3, 8)], as_of_at, only)

    # As of an instant before that of the latest load, too.
    put_first(path, "B1,New,2025-07-02 13:00:00")
    with pytest.raises(Exception, match=r"assert_no_case_is_held_twice failed .*B1 2025-07-02 2025-07-04"):
        make(settings, [july(2, 2)], as_of_at - timedelta(hours=1), only)
    make(settings, [july(2, 4)], as_of_at, only)

    assert rows(settings.home.warehouse, "select opened_cases from mart.sla_overall") == [(len({line.split(",")[0] for line in LOG}),)]


@takes_minutes
def test_what_a_refresh_saw_of_other_dates_stays_seen(loaded: tuple[Settings, Path]) -> None:
    """A refresh looks at every date; a run of chosen dates says nothing of the others, and takes nothing back either."""
    settings, _ = loaded
    as_of = "select intake_date, as_of_at from ops.partition_as_of order by 1"
    seen, only = one_o_clock(date(2025, 7, 20)), core(settings)
    refresh(settings, seen, only)
    assert {at for _, at in rows(settings.home.warehouse, as_of)} == {seen}

    make(settings, [july(2, 19)], seen, only)
    assert {at for _, at in rows(settings.home.warehouse, as_of)} == {seen}, "the dates of the refresh, loaded again by hand"
    back = one_o_clock(date(2025, 7, 15))
    make(settings, [july(1, 4)], back, only)
    later = one_o_clock(date(2025, 7, 25))
    make(settings, [july(12, 12)], later, only)
    found = dict(rows(settings.home.warehouse, as_of))
    assert {day: at for day, at in found.items() if at != seen} == {
        **dict.fromkeys(july(1, 4).dates(), back), date(2025, 7, 12): later
    }

    refresh(settings, one_o_clock(date(2025, 7, 26)), only)
    assert {at for _, at in rows(settings.home.warehouse, as_of)} == {one_o_clock(date(2025, 7, 26))}


def test_a_refresh_that_broke_off_has_not_seen_every_date(loaded: tuple[Settings, Path]) -> None:
    settings, path = loaded
    seen = one_o_clock(date(2025, 7, 20))
    append(path, "A1,Active,2025-07-11 14:00:00", "C1,Active,2025-07-11 14:00:00")
    windows = plan(settings, seen)
    assert len(windows) == 3

    make(settings, windows, seen, is_refresh=True, only=["raw.source_partitions", "raw.cases"])

    assert rows(settings.home.warehouse, "select * from ops.source_watermarks") == []
    assert plan(settings, seen) == windows


def test_a_date_of_today_that_is_loaded_follows_new_rules(tmp_path: Path) -> None:
    settings = desk_settings(tmp_path, cases=700, gates=False)
    afternoon = one_o_clock(date(2025, 7, 11)) + timedelta(hours=10)
    load_states(settings, [july(1, 11)], afternoon)
    (policy,) = settings.sla_policies.policies
    targets = {**policy.targets, "first_touch": Target(target="60s")}
    promised = (policy.model_copy(update={"targets": targets}),)
    stricter = replace(settings, sla_policies=settings.sla_policies.model_copy(update={"policies": promised}))
    assert plan(stricter, afternoon) == [july(1, 11)]


def test_a_date_of_today_that_is_loaded_is_looked_at_like_any_other(tmp_path: Path) -> None:
    """The refresh says that every loaded date stands as of now: nothing may have happened on one of them that it did not see."""
    settings, path = desk_of_a_log(tmp_path)
    make(settings, [july(1, 8)], datetime(2025, 7, 8, 17), core(settings))
    append(path, "C1,Done,2025-07-08 18:00:00", "D1,New,2025-07-09 04:30:00")
    evening = datetime(2025, 7, 8, 20)

    assert refresh(settings, evening, core(settings)) == [july(7, 8)]
    equals_a_fresh_load(settings, tmp_path / "fresh", july(1, 8), evening)
    assert plan(settings, evening) == [july(7, 7)], "nothing new"


def test_a_new_version_of_the_holidays_makes_every_loaded_date_anew(tmp_path: Path, loaded: tuple[Settings, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    settings, _ = loaded
    as_of_at = one_o_clock(date(2025, 7, 11))
    known = calendars._library
    monkeypatch.setattr(calendars, "_library", lambda *place: known(*place) | {date(2025, 7, 8): ("Independence Day",)})

    assert refresh(settings, as_of_at, core(settings)) == [july(1, 10)]
    equals_a_fresh_load(settings, tmp_path / "fresh", july(1, 10), as_of_at)


def test_a_later_start_date_is_refused_while_dates_before_it_are_held(loaded: tuple[Settings, Path]) -> None:
    settings, path = loaded
    as_of_at = one_o_clock(date(2025, 7, 11))
    later = with_sources(settings, log_of(path), start_date=date(2025, 7, 3))
    with pytest.raises(OpslaError, match=r"desk.start_date is 2025-07-03, and this warehouse holds intake dates from 2025-07-01 on"):
        refresh(later, as_of_at)


def test_dates_made_without_the_summaries_are_not_published(tmp_path: Path, tiny_at_once: Settings) -> None:
    settings = copied(tiny_at_once, tmp_path)
    make(settings, [july(12, 14)], one_o_clock(date(2025, 7, 15)), only=[name for name, table in TABLES.items() if table.kind is Kind.PARTITIONED])
    job = build_definitions(settings).resolve_implicit_global_asset_job_def()
    with open_instance(settings.home.root) as instance:
        result = job.execute_in_process(instance=instance, asset_selection=[PUBLISHED_MARTS], raise_on_error=False)
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    said = failure.step_failure_data.user_failure_data.description
    assert "mart.sla_daily has other cases than mart.sla_overall" in str(said)
    assert rows(settings.home.marts_database, "select max(intake_date) from mart.sla_daily") == [(date(2025, 7, 11),)]


def test_a_source_enabled_later_reaches_the_dates_loaded_before(tmp_path: Path, loaded: tuple[Settings, Path]) -> None:
    settings, path = loaded
    as_of_at = one_o_clock(date(2025, 7, 11))
    other = path.with_name("other.csv")
    other.write_text(HEADER + "X1,New,2025-07-05 14:00:00\nX2,New,2025-07-09 14:00:00\n", encoding="utf-8")
    both = with_sources(settings, log_of(path), log_of(other, name="other_log"))

    assert refresh(both, as_of_at, core(both) | up_to(both, "mart.open_clocks")) == [july(5, 5), july(9, 10)]
    equals_a_fresh_load(both, tmp_path / "fresh", july(1, 10), as_of_at)
    # Clocks of either source are judged as of the refresh, also those of a source without a case on the dates it touched.
    assert {row[0] for row in rows(both.home.warehouse, "select as_of_at from mart.open_clocks")} == {as_of_at}


def test_an_event_id_of_another_source_is_refused_on_whatever_date(tmp_path: Path) -> None:
    settings, path = desk_of_a_log(tmp_path)
    logs = []
    for number in (1, 2):
        path = tmp_path / f"log_{number}.csv"
        path.write_text(f"number,state,at,id\nA{number},New,2025-07-0{number} 14:00:00,1\n", encoding="utf-8")
        columns = {"case_id": "number", "status": "state", "event_ts": "at", "event_id": "id"}
        logs.append(log_of(path, name=f"log_{number}", columns=columns))
    both = with_sources(settings, *logs)
    only = up_to(both, "raw.events_log")
    make(both, [july(1, 1)], one_o_clock(date(2025, 7, 11)), only)
    with pytest.raises(Exception, match=r"raw.events_log: assert_event_ids_are_unique_in_the_warehouse failed .*log_2 +A2 +log_1 +A1"):
        make(both, [july(2, 2)], one_o_clock(date(2025, 7, 11)), only)


def test_two_sources_with_the_same_case_id_are_refused(tmp_path: Path) -> None:
    settings, path = desk_of_a_log(tmp_path)
    other = path.with_name("other.csv")
    other.write_text(HEADER + "A1,New,2025-07-09 14:00:00\n", encoding="utf-8")
    both = with_sources(settings, log_of(path), log_of(other, name="other_log"))
    with pytest.raises(Exception, match="assert_cases_are_unique_in_the_warehouse failed"):
        make(both, [july(1, 10)], one_o_clock(date(2025, 7, 11)))


def test_a_day_of_the_backlog_is_not_made_from_older_tables(tmp_path: Path) -> None:
    """Made alone after a late event, mart.backlog_daily would stay as it was; the dates are not claimed as made either."""
    log = tmp_path / "log.csv"
    settings = with_sources(desk_settings(tmp_path, cases=10, gates=False), log_of(log, statuses={"New": "INTAKE", "Waiting": "ON_HOLD", "Done": "RESOLVED"}))
    known = "number,state,at\nc1,New,2025-07-01T14:00:00\nc2,New,2025-07-02T14:00:00\nc2,Done,2025-07-04T15:00:00\n"
    as_of_at = one_o_clock(date(2025, 7, 5))
    log.write_text(known, encoding="utf-8")
    made = set(TABLES) if IS_HOLD else dated(settings) | up_to(settings, "mart.backlog_daily", "mart.backlog_snapshot", "mart.clock_snapshot")
    make(settings, [july(1, 4)], as_of_at, made)
    log.write_text(f"{known}c1,Waiting,2025-07-01T18:00:00\n", encoding="utf-8")
    loaded = [name for name in TABLES if name.startswith("raw.")]
    with pytest.raises(OpslaError, match="not made of what is loaded now"):
        make(settings, [july(1, 4)], as_of_at, only=[*loaded, "ops.refreshed_partitions"])
    make(settings, [july(1, 4)], as_of_at, only=["staging.backlog_facts", *(name for name in TABLES if TABLES[name].kind is Kind.PARTITIONED and name not in ("staging.backlog_debts", "ops.refreshed_partitions"))])
    with pytest.raises(OpslaError, match=r"mart.backlog_snapshot is older"):
        make(settings, [july(1, 4)], as_of_at, only=["mart.backlog_daily"])
    with pytest.raises(OpslaError, match="different loads"):
        make(settings, [july(1, 4)], as_of_at, only=["mart.backlog_daily", "mart.backlog_snapshot", "mart.clock_snapshot"])
    make(settings, [july(1, 4)], as_of_at, made)
    assert rows(settings.home.warehouse, "select waiting_cases from mart.backlog_daily where dimension = 'all' order by calendar_date") == [(1,)] * 4


def test_an_instant_before_the_first_date_is_refused(tiny_at_once: Settings) -> None:
    with pytest.raises(OpslaError, match="is known from"), desk_at(tiny_at_once, datetime(2001, 1, 1)):
        pass


def test_rows_of_another_state_than_announced_are_refused(tmp_path: Path, loaded: tuple[Settings, Path]) -> None:
    """The log changes between two materialisations: what was announced of the one state is not loaded from the other, though nobody's instant differs."""
    settings, path = loaded
    as_of_at = one_o_clock(date(2025, 7, 11))
    judged = up_to(settings, "mart.clock_snapshot")
    make(settings, [july(1, 10)], as_of_at, core(settings) | judged)
    append(path, "C1,Done,2025-07-09 16:00:00")
    with pytest.raises(OpslaError, match=r"the sources have changed since raw.source_partitions was made: 1 intake date from 2025-07-08 on; .*opsla run --start 2025-07-08"):
        make(settings, [july(1, 10)], as_of_at, only=["raw.events_log"])
    make(settings, [july(1, 7)], as_of_at, only=["raw.events_log"])

    make(settings, [july(8, 8)], as_of_at, only=["raw.source_partitions"])
    make(settings, [july(8, 8)], as_of_at, only=["raw.events_log"])
    with pytest.raises(OpslaError, match="different loads"):
        make(settings, [july(8, 8)], as_of_at, only=[name for name in judged if name.startswith("staging.") or name == "mart.clock_snapshot"])
    with pytest.raises(OpslaError, match="not made of what is loaded now"):
        make(settings, [july(8, 8)], as_of_at, only=["ops.refreshed_partitions"])
    make(settings, [july(8, 8)], as_of_at, core(settings) | judged)
    equals_a_fresh_load(settings, tmp_path / "fresh", july(1, 10), as_of_at)


@takes_minutes
def test_drops_one_after_another_equal_one_drop(tmp_path: Path) -> None:
    records = sorted(
        (datetime(2025, 7, 1, 14) + timedelta(hours=2 * case + step * (case % 7 + 1)), f"A{case}", state)
        for case in range(40) for step, state in enumerate(("New", "Seen", "Active", "Done"))
    )  # fmt: skip
    base = desk_settings(tmp_path, cases=100, gates=False)
    (tmp_path / "one").mkdir()
    (tmp_path / "many").mkdir()
    one, many = Drops(base, tmp_path / "one"), Drops(base, tmp_path / "many")
    quarter = len(records) // 4
    texts = ["".join(f"{case},{state},{at}\n" for at, case, state in records[part * quarter : (part + 1) * quarter]) for part in range(4)]
    for part, text in enumerate(texts):
        one.file(f"{part}.csv", HEAD + text)
    one.marker()
    one.look()
    make(one.settings, [july(1, 6)], datetime(2025, 7, 7, 5))
    for part, text in enumerate(texts):
        at = NOW + 1_000 * part
        many.file(f"{part}.csv", HEAD + text, at)
        many.marker(f"{part}.ready", {"files": [f"{part}.csv"]}, at + 10)
        many.file("next.csv", HEAD + "A1,Don", at + 20)
        many.look(at + 100)
        if part == 0:
            make(many.settings, [july(1, 6)], datetime(2025, 7, 7, 5))
        else:
            refresh(many.settings, datetime(2025, 7, 7, 5, part))
    left_out = {*AS_OF_OF_THE_LOAD, ("mart.desk_now", "as_of_at")}
    assert not differences(*(contents(drops.settings.home.warehouse, STORED, left_out) for drops in (many, one)))
