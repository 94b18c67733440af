"""Kept connections: what the stock storage gets from opening and closing one each time must still hold."""

import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterRunStatus
from dagster._core.storage.event_log import sql_event_log
from storage_toy import ASSETS, FIRST_DAY, QUIET, daily

from opsla_dagster.instance.instance import open_instance
from opsla_dagster.instance.storage import KEPT_DATABASES, BatchedSqliteEventLogStorage


def materialize_a_day(instance: dg.DagsterInstance) -> str:
    return dg.materialize(
        ASSETS, selection=[daily], instance=instance, partition_key=FIRST_DAY, run_config=QUIET
    ).run_id


def kept(instance: dg.DagsterInstance) -> list[str]:
    storage = instance.event_log_storage
    assert isinstance(storage, BatchedSqliteEventLogStorage)
    return list(storage._engines)


def test_a_live_log_sees_each_event_while_the_writer_keeps_its_connection(tmp_path: Path) -> None:
    job = dg.Definitions(assets=ASSETS).resolve_implicit_global_asset_job_def()
    with open_instance(tmp_path) as writer, open_instance(tmp_path) as reader:
        run = writer.create_run_for_job(job, status=DagsterRunStatus.STARTED)
        seen: list[str] = []
        arrived = threading.Semaphore(0)

        def on_event(event: dg.EventLogEntry, _cursor: str) -> None:
            if event.message.startswith("event "):
                seen.append(event.message)
                arrived.release()

        reader.watch_event_logs(run.run_id, None, on_event)
        for number in range(3):
            writer.report_engine_event(f"event {number}", run)
            assert arrived.acquire(timeout=20), seen

        assert seen == ["event 0", "event 1", "event 2"]


def test_readers_in_another_instance_see_what_was_written(tmp_path: Path) -> None:
    with open_instance(tmp_path) as writer, open_instance(tmp_path) as reader:
        assert reader.get_materialized_partitions(daily.key) == set()
        run_id = materialize_a_day(writer)

        assert reader.get_materialized_partitions(daily.key) == {FIRST_DAY}
        assert len(reader.all_logs(run_id)) == len(writer.all_logs(run_id)) > 5


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to see open files")
def test_only_so_many_files_are_kept_open(tmp_path: Path) -> None:
    with open_instance(tmp_path) as instance:
        run_ids = [f"run-{number}" for number in range(KEPT_DATABASES + 3)]
        for run_id in run_ids:
            assert instance.all_logs(run_id) == []
        assert kept(instance) == run_ids[-KEPT_DATABASES:]
        run_id = materialize_a_day(instance)
        assert {"index", run_id} <= set(kept(instance))
        links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        files = [str(link.readlink()) for link in links if link.is_symlink()]
        ours = {Path(file).name for file in files if file.startswith(str(tmp_path)) and file.endswith(".db")}
        assert ours == {f"{shard}.db" for shard in kept(instance)}


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to see which file is meant")
def test_from_a_runs_end_on_a_power_cut_takes_nothing_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run told is in SQLite's logs, and the disk is made to hold them, also while somebody reads."""
    synced: list[tuple[str, int]] = []
    fsync = os.fsync

    def seen(descriptor: int) -> None:
        fsync(descriptor)
        synced.append((Path(f"/proc/self/fd/{descriptor}").readlink().name, os.fstat(descriptor).st_size))

    with open_instance(tmp_path) as instance:
        storage = instance.event_log_storage
        assert isinstance(storage, BatchedSqliteEventLogStorage)
        with storage.index_connection() as connection:
            assert connection.exec_driver_sql("pragma synchronous").scalar_one() == 1  # normal: no commit waits for the disk
        with closing(sqlite3.connect(storage.path_for_shard("index"), isolation_level=None)) as reader:
            reader.execute("begin")
            reader.execute("select count(*) from event_logs").fetchone()
            monkeypatch.setattr(os, "fsync", seen)
            run_id = materialize_a_day(instance)
            logs = {f"{shard}.db-wal": Path(f"{storage.path_for_shard(shard)}-wal").stat().st_size for shard in (run_id, "index")}
        assert dict(synced).items() >= logs.items(), "nothing was told after it"
        assert min(logs.values()) > 0


def test_a_storage_that_was_disposed_of_or_wiped_can_be_used_again(tmp_path: Path) -> None:
    with open_instance(tmp_path) as instance:
        materialize_a_day(instance)
        instance.event_log_storage.dispose()
        assert kept(instance) == []
        assert instance.get_materialized_partitions(daily.key) == {FIRST_DAY}

        instance.wipe()
        assert instance.get_materialized_partitions(daily.key) == set()
        assert [path.name for path in (tmp_path / "dagster" / "history" / "runs").glob("*.db")] == ["index.db"]

        run_id = materialize_a_day(instance)
        assert instance.get_materialized_partitions(daily.key) == {FIRST_DAY}
        assert len(instance.all_logs(run_id)) > 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_opens_connections_of_its_own(tmp_path: Path) -> None:
    with open_instance(tmp_path) as instance:
        materialize_a_day(instance)
        before = kept(instance)
        child = os.fork()
        if child == 0:
            instance.report_runless_asset_event(dg.AssetMaterialization("forked"))
            os._exit(0 if kept(instance) == ["", "index"] else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

        assert kept(instance) == before
        assert instance.has_asset_key(dg.AssetKey("forked"))
        materialize_a_day(instance)


def told_number(instance: dg.DagsterInstance, key: dg.AssetKey) -> object:
    """What the asset's last materialization says in its metadata; None where there is none."""
    [entry] = [record.asset_entry.last_materialization for record in instance.get_asset_records([key])]
    return entry and entry.asset_materialization and entry.asset_materialization.metadata["number"].value


def test_a_last_materialization_is_what_the_catalog_says_now(tmp_path: Path) -> None:
    """Parsed once, but never older than what another process wrote, and gone with its asset."""
    key = dg.AssetKey("tickets")
    with open_instance(tmp_path) as one, open_instance(tmp_path) as other:
        for number, writer in enumerate((one, other, one)):
            writer.report_runless_asset_event(dg.AssetMaterialization(key, metadata={"number": number}))
            assert [told_number(reader, key) for reader in (one, other, one)] == [number] * 3
        other.wipe_assets([key])
        assert one.get_asset_records([key]) == []
        other.report_runless_asset_event(dg.AssetMaterialization(key, metadata={"number": 9}))
        assert told_number(one, key) == 9


def test_a_last_materialization_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [dg.AssetKey(name) for name in ("tickets", "clocks")]
    with open_instance(tmp_path) as instance:
        for key in keys:
            instance.report_runless_asset_event(dg.AssetMaterialization(key))
        first = instance.get_asset_records(keys)
        monkeypatch.setattr(sql_event_log, "deserialize_value", lambda *_: pytest.fail("parsed again"))
        assert instance.get_asset_records(keys) == first
