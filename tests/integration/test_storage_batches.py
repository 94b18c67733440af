"""What becomes of a batch that cannot be written, and of one whose events are of many kinds."""

import itertools
import random
import sqlite3
import uuid
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as db
from dagster._core.definitions.observe import observe
from dagster._core.events.log import EventLogEntry
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError
from storage_toy import FIRST_DAY, FOURTH_DAY, cases, clocks, daily, days, feed, run_all, use_stock_storage

from opsla_dagster.instance import storage
from opsla_dagster.instance.instance import open_instance

FOUR_DAYS = days(FIRST_DAY, FOURTH_DAY)


@pytest.mark.parametrize(
    "failing",
    [{2}, {5}, range(1, 100)],
    ids=["the plan, in the index", "partitions, in the run's file", "every batch"],
)
def test_a_batch_that_fails_is_stored_one_by_one_and_nothing_is_doubled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: Container[int]
) -> None:
    insert_events = storage._insert_events
    number = itertools.count(1)

    def insert_and_fail(connection: Connection, rows: Sequence[dict[str, Any]]) -> range:
        ids = insert_events(connection, rows)
        if next(number) in failing:
            raise OperationalError("insert", {}, sqlite3.OperationalError("database or disk is full"))
        return ids

    monkeypatch.setattr(storage, "_insert_events", insert_and_fail)
    with open_instance(tmp_path) as instance:
        run = run_all(instance, FOUR_DAYS)

    assert run.success
    for file in ("index.db", f"{run.run_id}.db"):
        rows = asset_events(tmp_path / "dagster" / "history" / "runs" / file)
        assert set(rows.values()) == {1}, file
        for asset in (cases, clocks, daily):
            for kind in ("ASSET_MATERIALIZATION_PLANNED", "ASSET_MATERIALIZATION"):
                assert sum(row[:2] == (kind, asset.key.to_string()) for row in rows) == 4, (file, kind, asset.key)


def asset_events(path: Path) -> Counter[tuple[str, str, str]]:
    """How many rows there are of each (event type, asset, partition)."""
    connection = sqlite3.connect(path)
    found = connection.execute("select dagster_event_type, asset_key, partition from event_logs where asset_key <> ''")
    rows = Counter(found.fetchall())
    connection.close()
    return rows


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[EventLogEntry]:
    """Real events of every kind: a range run's, an observation's."""
    with open_instance(tmp_path_factory.mktemp("events")) as instance:
        runs = [run_all(instance, FOUR_DAYS).run_id, observe([feed], instance=instance, tags=FOUR_DAYS).run_id]
        return [entry for run_id in runs for entry in instance.all_logs(run_id)]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dg.DagsterInstance, dg.DagsterInstance]]:
    """An instance with the stock storage and one with the batched; the tests add the same events to both."""
    home = tmp_path_factory.mktemp("stock")
    use_stock_storage(home)
    with open_instance(home) as stock, open_instance(tmp_path_factory.mktemp("batched")) as batched:
        yield stock, batched


@pytest.mark.parametrize(("kinds", "seed"), [(storage.BATCHED_EVENTS, 1), (storage.BATCHED_EVENTS, 2), (None, 3)])
def test_any_mixture_of_events_is_stored_as_the_stock_storage_does(
    both: tuple[dg.DagsterInstance, dg.DagsterInstance],
    events: list[EventLogEntry],
    kinds: Container[dg.DagsterEventType] | None,
    seed: int,
) -> None:
    chosen = [event for event in events if kinds is None or event.dagster_event_type in kinds]
    random.Random(seed).shuffle(chosen)
    run_id = str(uuid.uuid4())
    chosen = [event._replace(run_id=run_id) for event in chosen[:40]]
    assert len({event.dagster_event_type for event in chosen}) >= 4

    for instance in both:
        instance.event_log_storage.store_event_batch(chosen)

    stock, batched = both
    assert exact_index(batched) == exact_index(stock)
    assert batched.all_logs(run_id) == stock.all_logs(run_id)


def exact_index(instance: dg.DagsterInstance) -> dict[str, list[tuple[object, ...]]]:
    """The index's rows of events, tags, checks and assets, with stamps and run ids: the events were the same."""
    connection = sqlite3.connect(Path(instance.root_directory) / "history" / "runs" / "index.db")
    columns = {
        "event_logs": "*",
        "asset_event_tags": "*",
        "asset_keys": "id, asset_key, last_materialization, last_run_id, last_materialization_timestamp",
        "asset_check_executions": "id, asset_key, check_name, partition, run_id, execution_status, evaluation_event, "
        "evaluation_event_timestamp, evaluation_event_storage_id, materialization_event_storage_id",
    }
    rows = {table: connection.execute(f"select {names} from {table}").fetchall() for table, names in columns.items()}
    connection.close()
    assert all(rows.values())
    return rows


def test_events_of_several_runs_in_one_batch_reach_each_runs_own_log(
    both: tuple[dg.DagsterInstance, dg.DagsterInstance], events: list[EventLogEntry]
) -> None:
    run_ids = [str(uuid.uuid4()), str(uuid.uuid4())]
    materialized = [event for event in events if event.dagster_event_type is dg.DagsterEventType.ASSET_MATERIALIZATION]
    mixed = [event._replace(run_id=run_ids[number % 2]) for number, event in enumerate(materialized)]

    for instance in both:
        instance.event_log_storage.store_event_batch(mixed)
        assert [len(instance.all_logs(run_id)) for run_id in run_ids] == [7, 6]

    assert exact_index(both[1]) == exact_index(both[0])


def test_what_a_step_says_at_its_end_is_one_transaction_and_its_own_process_reads_it_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dg.asset(check_specs=[dg.AssetCheckSpec(f"check_{number}", asset="judged") for number in range(4)])
    def judged() -> Iterator[Any]:
        yield dg.MaterializeResult(asset_key="judged")
        for number in range(4):
            yield dg.AssetCheckResult(check_name=f"check_{number}", passed=number != 2, severity=dg.AssetCheckSeverity.WARN)

    written: list[list[str]] = []
    write_ending = storage.BatchedSqliteEventLogStorage._write_ending

    def write_and_count(self: storage.BatchedSqliteEventLogStorage, run_id: str, events: Sequence[EventLogEntry]) -> None:
        written.append([event.get_dagster_event().event_type_value for event in events])
        write_ending(self, run_id, events)

    monkeypatch.setattr(storage.BatchedSqliteEventLogStorage, "_write_ending", write_and_count)
    with open_instance(tmp_path) as instance:
        run = dg.materialize([judged], instance=instance)
        stored = [event.get_dagster_event().event_type_value for event in instance.all_logs(run.run_id) if event.is_dagster_event]
        assert stored.count("ASSET_CHECK_EVALUATION") == 4
        assert [len(events) for events in written] == [2, 9]
        assert written[1][-1] == "STEP_SUCCESS"
        assert stored.index("STEP_SUCCESS") > max(place for place, kind in enumerate(stored) if kind == "ASSET_CHECK_EVALUATION")

        verdict = next(event for event in instance.all_logs(run.run_id) if event.is_dagster_event and event.dagster_event_type in storage.HELD_EVENTS)
        instance.event_log_storage.store_event(verdict)
        assert len(written) == 2
        assert len(instance.all_logs(run.run_id)) == len(stored) + 1, "a reader of the run's log is told what was held"
        instance.event_log_storage.store_event(verdict)
    with open_instance(tmp_path) as instance:
        assert len(instance.all_logs(run.run_id)) == len(stored) + 2, "closing the instance writes what was held"
        state = instance.event_log_storage.get_asset_check_summary_records([dg.AssetCheckKey(dg.AssetKey("judged"), "check_2")])
        assert [record.last_check_execution_record.status.value for record in state.values() if record.last_check_execution_record] == ["FAILED"]


@pytest.mark.parametrize("while_it", ["_write_ending", "_index_ending"])
def test_a_ctrl_c_while_held_events_are_written_leaves_them_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, while_it: str) -> None:
    """They may be verdicts of the step that the other thread has at work, which goes on to its end."""

    @dg.asset(check_specs=[dg.AssetCheckSpec("check", asset="judged")])
    def judged() -> Iterator[Any]:
        yield dg.MaterializeResult(asset_key="judged", check_results=[dg.AssetCheckResult(passed=True)])

    with open_instance(tmp_path) as instance:
        run = dg.materialize([judged], instance=instance)
        log = instance.event_log_storage
        assert isinstance(log, storage.BatchedSqliteEventLogStorage)
        verdict = next(event for event in instance.all_logs(run.run_id) if event.dagster_event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        log.store_event(verdict)
        with monkeypatch.context() as pressed:
            pressed.setattr(storage.BatchedSqliteEventLogStorage, while_it, press)
            with pytest.raises(KeyboardInterrupt):
                instance.report_engine_event("something else is told", run.dagster_run)
        told = [event for event in instance.all_logs(run.run_id) if event.dagster_event_type is verdict.dagster_event_type]
        with log.index_connection() as connection:
            in_catalog = connection.execute(db.text("select count(*) from event_logs where dagster_event_type = 'ASSET_CHECK_EVALUATION'")).scalar_one()
        assert (len(told), in_catalog) == (2, 2)


def press(*_: object) -> None:
    raise KeyboardInterrupt
