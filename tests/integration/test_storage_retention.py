"""What is forgotten of the history of runs, and that what Dagster knows of the assets is not."""

import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from storage_toy import (
    FIRST_DAY,
    FOURTH_DAY,
    LAST_DAY,
    PARTITIONS,
    QUIET,
    broken,
    cases,
    clocks,
    daily,
    days,
    run_all,
    totals,
)

from opsla_dagster.instance import storage
from opsla_dagster.instance.instance import open_instance
from opsla_dagster.instance.retention import prune_history

FOUR_DAYS = days(FIRST_DAY, FOURTH_DAY)
KEPT_DAYS = 30
ASSETS = (cases, clocks, daily)


def known(instance: dg.DagsterInstance) -> dict[str, object]:
    """What the catalog shows of each asset: its partitions, its last run, the verdicts of its checks."""
    return {
        asset.key.to_string(): (
            sorted(instance.get_materialized_partitions(asset.key)),
            instance.get_latest_storage_id_by_partition(asset.key, dg.DagsterEventType.ASSET_MATERIALIZATION),
        )
        for asset in ASSETS
    }


def index_rows(home: Path, where: str) -> int:
    with sqlite3.connect(home / "dagster" / "history" / "runs" / "index.db") as connection:
        return int(connection.execute(f"select count(*) from {where}").fetchone()[0])


def test_plans_of_runs_that_succeeded_are_forgotten_and_nothing_else(tmp_path: Path) -> None:
    with open_instance(tmp_path) as instance:
        run = run_all(instance, FOUR_DAYS)
        before = known(instance)
        materialized = index_rows(tmp_path, "event_logs where dagster_event_type = 'ASSET_MATERIALIZATION'")
        assert index_rows(tmp_path, "event_logs where dagster_event_type like '%PLANNED'") > 0

        prune_history(instance, kept_days=KEPT_DAYS)

        assert known(instance) == before
        assert index_rows(tmp_path, "event_logs where dagster_event_type like '%PLANNED'") == 0
        assert index_rows(tmp_path, "asset_check_executions where execution_status = 'PLANNED'") == 0
        assert index_rows(tmp_path, "event_logs where dagster_event_type = 'ASSET_MATERIALIZATION'") == materialized
        assert instance.all_logs(run.run_id)


def test_a_log_older_than_the_days_kept_goes_and_the_catalog_stays(tmp_path: Path) -> None:
    with open_instance(tmp_path) as instance:
        first, second = run_all(instance, days(FOURTH_DAY, FOURTH_DAY)), run_all(instance, FOUR_DAYS)
        before = known(instance)
        now = datetime.now(UTC).replace(tzinfo=None)

        prune_history(instance, now + timedelta(days=KEPT_DAYS - 1), kept_days=KEPT_DAYS)
        assert instance.all_logs(first.run_id)

        prune_history(instance, now + timedelta(days=KEPT_DAYS + 1), kept_days=KEPT_DAYS)

        assert known(instance) == before
        history = tmp_path / "dagster" / "history" / "runs"
        assert not [path for run in (first, second) for path in history.glob(f"{run.run_id}*")]
        assert instance.get_run_by_id(first.run_id) is None
        assert instance.get_run_by_id(second.run_id) is not None, "the last run of its assets"
        partitions = "count(*) = count(distinct asset_key || coalesce(partition, '')) from event_logs where dagster_event_type = 'ASSET_MATERIALIZATION'"
        with sqlite3.connect(history / "index.db") as connection:
            assert connection.execute(f"select {partitions}").fetchone() == (1,)


def test_rooms_of_forgotten_rows_are_given_back_where_they_are_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_instance(tmp_path) as instance:
        run = run_all(instance, days(FIRST_DAY, LAST_DAY))
        before = known(instance)
        index = tmp_path / "dagster" / "history" / "runs" / "index.db"
        monkeypatch.setattr(storage, "_COMPACTED_FROM_BYTES", 1)

        prune_history(instance, kept_days=KEPT_DAYS)

        with sqlite3.connect(index) as connection:
            assert connection.execute("pragma freelist_count").fetchone() == (0,)
        assert known(instance) == before
        log = index.with_name(f"{run.run_id}.db")
        with sqlite3.connect(log) as connection:
            assert connection.execute("pragma freelist_count").fetchone() == (0,)
            materialized = connection.execute("select asset_key, count(*) from event_logs where dagster_event_type = 'ASSET_MATERIALIZATION' group by 1")
            assert dict(materialized.fetchall()) == {asset.key.to_string(): 1 for asset in (cases, clocks, daily, totals)}
        assert {entry.dagster_event_type for entry in instance.all_logs(run.run_id)} >= {dg.DagsterEventType.RUN_SUCCESS, dg.DagsterEventType.STEP_START}


def test_of_a_failed_run_its_dates_stay_failed_until_they_are_planned_again(tmp_path: Path) -> None:
    with open_instance(tmp_path) as instance:
        for _ in range(2):
            dg.materialize([daily, clocks, cases, broken], selection=[broken], instance=instance, tags=FOUR_DAYS, run_config=QUIET, raise_on_error=False)
        before = failed_dates(instance)

        prune_history(instance, kept_days=KEPT_DAYS)

        assert failed_dates(instance) == before == {FIRST_DAY, "2026-01-02", "2026-01-03", FOURTH_DAY}
        assert index_rows(tmp_path, "event_logs where dagster_event_type = 'ASSET_MATERIALIZATION_PLANNED'") == 4


def failed_dates(instance: dg.DagsterInstance) -> set[str]:
    with partition_loading_context(dynamic_partitions_store=instance):
        status = get_and_update_asset_status_cache_value(instance, broken.key, PARTITIONS)
    assert status is not None
    return set(status.deserialize_failed_partition_subsets(PARTITIONS).get_partition_keys())


def test_a_history_in_use_is_left_alone_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_FORGETTING_WAITS_MILLISECONDS", 50)
    with open_instance(tmp_path) as instance:
        run_all(instance, FOUR_DAYS)
        with sqlite3.connect(tmp_path / "dagster" / "history" / "runs" / "index.db") as other:
            other.execute("begin immediate")
            started = time.monotonic()
            prune_history(instance, kept_days=KEPT_DAYS)
            assert time.monotonic() - started < SQLITE_BUSY_TIMEOUT_SECONDS, "it does not wait as a writer does"
            other.rollback()
        other.close()
        assert index_rows(tmp_path, "event_logs where dagster_event_type like '%PLANNED'") > 0

        prune_history(instance, kept_days=KEPT_DAYS)
        assert index_rows(tmp_path, "event_logs where dagster_event_type like '%PLANNED'") == 0


def test_old_verdicts_that_stand_become_one_row_and_those_judged_again_go(tmp_path: Path) -> None:
    check = dg.AssetCheckKey(cases.key, "rows_match")
    with open_instance(tmp_path) as instance:
        for first, last in ((1, 2), (3, 3), (4, 6), (5, 5)):
            run_all(instance, days(f"2026-01-0{first}", f"2026-01-0{last}"))
        later = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=KEPT_DAYS + 1)

        prune_history(instance, later, kept_days=KEPT_DAYS)
        prune_history(instance, later, kept_days=KEPT_DAYS)

        history = instance.event_log_storage.get_asset_check_execution_history(check, limit=9)
        assert [(record.partition, record.status.value) for record in history] == [("2026-01-01...2026-01-06", "SUCCEEDED")]
