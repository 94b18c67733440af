"""The Postgres storage answers as Dagster's own does, and plans a range in a fraction of its statements; on a real server."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as db
from checks_toy import PARTITIONS
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionResolvedStatus
from small_desk import takes_minutes
from storage_toy import FIRST_DAY, FOURTH_DAY, broken, cases, clocks, daily, days, run_all, totals

from opsla_dagster.instance.instance import open_instance
from opsla_dagster.instance.retention import prune_history

INITDB = shutil.which("initdb") or next(map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None)
pytestmark = [takes_minutes, pytest.mark.skipif(INITDB is None, reason="no Postgres server is installed here")]
STORAGES = {
    "stock": "storage: {postgres: {postgres_url: '%s'}}",
    "batched": "storage: {custom: {module: opsla_dagster.instance.postgres, class: BatchedPostgresStorage, config: {postgres_url: '%s'}}}",
}
ASSETS = (cases, clocks, daily)
TENTH_DAY = PARTITIONS.get_partition_keys()[9]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The directory of a server's socket; Postgres refuses to run as root."""
    user = {"user": "nobody"} if os.geteuid() == 0 else {}
    directory = Path(tempfile.mkdtemp(prefix="opsla-postgres-"))
    if user:
        shutil.chown(directory, "nobody")
    binaries = Path(str(INITDB)).parent
    subprocess.run([str(INITDB), "-D", "data", "-U", "opsla", "-A", "trust", "-N"], cwd=directory, check=True, capture_output=True, **user)
    started = [str(binaries / "postgres"), "-D", "data", "-k", str(directory), "-c", "listen_addresses=", "-c", "fsync=off"]
    process = subprocess.Popen(started, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **user)
    try:
        _create_databases(directory)
        yield str(directory)
    finally:
        process.send_signal(signal.SIGINT)  # without waiting for those who are still connected
        process.wait(timeout=30)
        shutil.rmtree(directory, ignore_errors=True)


def _url(server: str, name: str) -> str:
    return f"postgresql+psycopg2://opsla@/{name}?host={server}"


def _create_databases(server: Path) -> None:
    engine = db.create_engine(_url(str(server), "postgres"), isolation_level="AUTOCOMMIT")
    for _ in range(100):
        try:
            with engine.connect() as connection:
                for name in STORAGES:
                    connection.execute(db.text(f"create database {name}"))
            return
        except db.exc.OperationalError:
            time.sleep(0.1)
    raise AssertionError("the server does not answer")


@pytest.fixture(scope="module")
def instances(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dg.DagsterInstance]]:
    """An instance with Dagster's own Postgres storage and one with ours, with the same history of a wide range and a short one."""
    opened = {}
    for name, settings in STORAGES.items():
        home = tmp_path_factory.mktemp(name)
        (home / "dagster").mkdir()
        (home / "dagster" / "dagster.yaml").write_text(settings % _url(server, name) + "\ntelemetry: {enabled: false}\n")
        opened[name] = open_instance(home)
    yield opened
    for instance in opened.values():
        instance.dispose()


def statements(instance: dg.DagsterInstance, run: dict[str, str]) -> int:
    """How many statements a run of everything sends to the server."""
    sent = []
    engine = instance.event_log_storage._engine  # type: ignore[attr-defined]

    def count(*args: object) -> None:
        sent.append(args[2])

    db.event.listen(engine, "before_cursor_execute", count)
    assert run_all(instance, run).success
    db.event.remove(engine, "before_cursor_execute", count)
    return len(sent)


def catalog(instance: dg.DagsterInstance) -> dict[str, object]:
    return {
        asset.key.to_string(): (
            sorted(instance.get_materialized_partitions(asset.key)),
            [entry.partition_key for entry in instance.fetch_materializations(asset.key, limit=500).records],
            (record := instance.get_asset_records([asset.key])[0]).asset_entry.last_run_id is not None,
            entry.asset_materialization.partition if (entry := record.asset_entry.last_materialization) else None,
        )
        for asset in (*ASSETS, totals)
    }


def test_the_same_history_gives_the_same_catalog_with_far_fewer_statements(instances: dict[str, dg.DagsterInstance]) -> None:
    stock, batched = instances["stock"], instances["batched"]
    for instance in instances.values():
        assert run_all(instance, days(FIRST_DAY, FIRST_DAY)).success  # what a process asks once
    ten = {name: statements(instance, days(FIRST_DAY, TENTH_DAY)) for name, instance in instances.items()}
    four = {name: statements(instance, days(FIRST_DAY, FOURTH_DAY)) for name, instance in instances.items()}

    assert catalog(batched) == catalog(stock)
    assert ten["stock"] - four["stock"] >= 6 * len(ASSETS)
    assert ten["batched"] == four["batched"] < four["stock"]
    logs = [[entry.dagster_event_type for entry in each.all_logs(each.get_runs()[0].run_id)] for each in (stock, batched)]
    assert sorted(map(str, logs[0])) == sorted(map(str, logs[1]))


def test_checks_are_told_by_date_and_old_history_is_forgotten(instances: dict[str, dg.DagsterInstance]) -> None:
    instance = instances["batched"]
    key = dg.AssetCheckKey(clocks.key, "never_negative")
    storage = instance.event_log_storage
    state = storage.get_asset_check_state([(key, PARTITIONS)])[key]
    passed = state.subsets[AssetCheckExecutionResolvedStatus.SUCCEEDED]
    assert set(passed.subset_value.get_partition_keys()) == set(PARTITIONS.get_partition_keys()[:10])
    assert [row.partition for row in storage.get_asset_check_execution_history(key, limit=9)] == ["2026-01-01...2026-01-04", "2026-01-01...2026-01-10", "2026-01-01"]
    before, runs = catalog(instance), instance.get_runs()

    prune_history(instance, kept_days=30)
    assert instance.all_logs(runs[-1].run_id, of_type=dg.DagsterEventType.RUN_SUCCESS)
    assert not instance.all_logs(runs[-1].run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED)
    assert prune_history(instance, datetime.now(UTC).replace(tzinfo=None) + timedelta(days=31), kept_days=30) == 2

    assert {name: (facts[0], facts[2:]) for name, facts in catalog(instance).items()} == {name: (facts[0], facts[2:]) for name, facts in before.items()}  # type: ignore[index]
    assert not instance.all_logs(runs[-1].run_id, of_type=dg.DagsterEventType.RUN_SUCCESS)
    assert broken.key not in instance.all_asset_keys()
