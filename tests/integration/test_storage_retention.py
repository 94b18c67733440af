"""What is forgotten of the history of runs, and that what Dagster knows of the assets is not."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from storage_toy import FIRST_DAY, FOURTH_DAY, cases, clocks, daily, days, run_all

from opsla_dagster.instance import storage
from opsla_dagster.instance.instance import open_instance
from opsla_dagster.instance.retention import KEPT_DAYS, prune_history

FOUR_DAYS = days(FIRST_DAY, FOURTH_DAY)
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

        prune_history(instance)

        assert known(instance) == before
        assert index_rows(tmp_path, "event_logs where dagster_event_type like '%PLANNED'") == 0
        assert index_rows(tmp_path, "asset_check_executions where execution_status = 'PLANNED'") == 0
        assert index_rows(tmp_path, "event_logs where dagster_event_type = 'ASSET_MATERIALIZATION'") == materialized
        assert instance.all_logs(run.run_id)


def test_a_log_older_than_the_days_kept_goes_and_the_catalog_stays(tmp_path: Path) -> None:
    with open_instance(tmp_path) as instance:
        first, second = run_all(instance, FOUR_DAYS), run_all(instance, FOUR_DAYS)
        before = known(instance)
        now = datetime.now(UTC).replace(tzinfo=None)

        prune_history(instance, now + timedelta(days=KEPT_DAYS - 1))
        assert instance.all_logs(first.run_id)

        prune_history(instance, now + timedelta(days=KEPT_DAYS + 1))

        assert known(instance) == before
        history = tmp_path / "dagster" / "history" / "runs"
        assert not [path for run in (first, second) for path in history.glob(f"{run.run_id}*")]
        assert instance.get_run_by_id(first.run_id) is not None
        partitions = "count(*) = count(distinct asset_key || coalesce(partition, '')) from event_logs where dagster_event_type = 'ASSET_MATERIALIZATION'"
        with sqlite3.connect(history / "index.db") as connection:
            assert connection.execute(f"select {partitions}").fetchone() == (1,)


def test_rooms_of_forgotten_rows_are_given_back_where_they_are_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_instance(tmp_path) as instance:
        run_all(instance, FOUR_DAYS)
        before = known(instance)
        index = tmp_path / "dagster" / "history" / "runs" / "index.db"
        monkeypatch.setattr(storage, "_COMPACTED_FROM_BYTES", 1)

        prune_history(instance)

        with sqlite3.connect(index) as connection:
            assert connection.execute("pragma freelist_count").fetchone() == (0,)
        assert known(instance) == before


def test_a_history_that_somebody_else_has_locked_is_left_for_the_next_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "SQLITE_BUSY_TIMEOUT_SECONDS", 0.05)
    with open_instance(tmp_path) as instance:
        run_all(instance, FOUR_DAYS)
        planned = "event_logs where dagster_event_type like '%PLANNED'"
        before = index_rows(tmp_path, planned)
        with sqlite3.connect(tmp_path / "dagster" / "history" / "runs" / "index.db", isolation_level=None) as other:
            other.execute("begin immediate")
            prune_history(instance)
            other.execute("rollback")
        assert index_rows(tmp_path, planned) == before > 0
        prune_history(instance)
        assert index_rows(tmp_path, planned) == 0
