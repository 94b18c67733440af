"""A small asset graph that has everything the event storage must get right; used by the storage tests.

Belongs here: the graph, how to run it, where to die in it. Does not belong here: any expectation. Run as a script it
carries out range runs as `opsla run` does, in processes of their own that kill themselves at a given point.
"""

import itertools
import os
import signal
import sys
import time
from pathlib import Path

import dagster as dg
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import _event_logs_directory
from dagster._serdes import ConfigurableClassData

from opsla_dagster.instance.check_rows import ChecksByDate
from opsla_dagster.instance.instance import open_instance
from opsla_dagster.instance.lease import process_tags
from opsla_dagster.instance.storage import BatchedSqliteEventLogStorage, BatchedSqliteStorage

DAYS = 20
PARTITIONS = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-01-21")
FIRST_DAY, LAST_DAY = PARTITIONS.get_partition_keys()[0], PARTITIONS.get_partition_keys()[-1]
FOURTH_DAY = PARTITIONS.get_partition_keys()[3]
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
SINGLE_RUN = dg.BackfillPolicy.single_run()


def pause(name: str) -> None:
    """Report asset, process, parent process and batch size to the test; then hold or die if it asked for that."""
    if "TOY_TRACE" in os.environ:
        with Path(os.environ["TOY_TRACE"]).open("a") as trace:
            trace.write(f"{name} {os.getpid()} {os.getppid()} {os.environ.get('DAGSTER_EVENT_BATCH_SIZE')}\n")
    if name == os.environ.get("TOY_HOLD"):
        time.sleep(300)
    if name == os.environ.get("TOY_DIE_IN"):
        os.kill(os.getpid(), signal.SIGKILL)


@dg.asset(
    key_prefix="staging",
    partitions_def=PARTITIONS,
    backfill_policy=SINGLE_RUN,
    group_name="toy",
    kinds={"duckdb"},
    tags={"layer": "staging"},
    code_version="1",
)
def cases(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    pause("cases")
    window = context.partition_key_range
    return dg.MaterializeResult(metadata={"rows": DAYS, "window": f"{window.start}..{window.end}"})


@dg.asset(
    key_prefix="staging",
    partitions_def=PARTITIONS,
    backfill_policy=SINGLE_RUN,
    deps=[cases],
    check_specs=[
        dg.AssetCheckSpec("never_negative", asset=["staging", "clocks"]),
        dg.AssetCheckSpec("volume", asset=["staging", "clocks"]),
    ],
)
def clocks():  # type: ignore[no-untyped-def]  # an asset with checks has several outputs: Dagster wants no annotation
    pause("clocks")
    return dg.MaterializeResult(
        metadata={"rows": 7},
        tags={"tier": "3"},
        data_version=dg.DataVersion("v7"),
        check_results=[
            dg.AssetCheckResult(check_name="never_negative", passed=True),
            dg.AssetCheckResult(
                check_name="volume", passed=False, severity=dg.AssetCheckSeverity.WARN, metadata={"drop_pct": 31.5}
            ),
        ],
    )


@dg.asset(key_prefix="mart", partitions_def=PARTITIONS, backfill_policy=SINGLE_RUN, deps=[clocks], code_version="1")
def daily() -> None:
    pause("daily")


@dg.asset(key_prefix="mart", deps=[daily], code_version="1")
def totals() -> dg.MaterializeResult:
    pause("totals")
    return dg.MaterializeResult(metadata={"rows": 1})


@dg.asset(key_prefix="mart", partitions_def=PARTITIONS, backfill_policy=SINGLE_RUN, deps=[daily], code_version="1")
def broken() -> None:
    raise ValueError("broken on purpose")


@dg.observable_source_asset(key=["raw", "feed"], partitions_def=PARTITIONS)
def feed() -> dg.DataVersionsByPartition:
    return dg.DataVersionsByPartition({key: f"v-{key}" for key in PARTITIONS.get_partition_keys()})


@dg.asset_check(asset=cases, blocking=True)
def rows_match() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True, metadata={"rows": DAYS})


@dg.multi_asset_check(
    specs=[dg.AssetCheckSpec("adds_up", asset=daily), dg.AssetCheckSpec("adds_up", asset=totals)], can_subset=True
)
def adds_up(context: dg.AssetCheckExecutionContext) -> object:
    for key in sorted(context.selected_asset_check_keys):
        yield dg.AssetCheckResult(asset_key=key.asset_key, check_name=key.name, passed=key.asset_key == daily.key)


ASSETS = [cases, clocks, daily, totals]
CHECKS = [rows_match, adds_up]
defs = dg.Definitions(
    assets=[*ASSETS, broken, feed],
    asset_checks=CHECKS,
    executor=dg.in_process_executor,
    jobs=[dg.define_asset_job("toy_job", selection=dg.AssetSelection.assets(*ASSETS))],
)


class EventsOneByOne(ChecksByDate, SqliteEventLogStorage):
    """Dagster's own SQLite storage, but for the rows of checks: what the batched one is held against."""


class StockStorage(BatchedSqliteStorage):
    """The storage that `use_stock_storage` sets."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = EventsOneByOne(_event_logs_directory(base_dir))


def use_stock_storage(home: Path) -> None:
    """Let `open_instance(home)` open an instance that writes one event at a time, as Dagster does."""
    (home / "dagster").mkdir()
    config = f"{{base_dir: '{home / 'dagster'}'}}"
    (home / "dagster" / "dagster.yaml").write_text(
        f"storage: {{custom: {{module: storage_toy, class: StockStorage, config: {config}}}}}\ntelemetry: {{enabled: false}}\n"
        "run_retries: {enabled: true, max_retries: 0, retry_on_asset_or_op_failure: false}\n"  # it is told of in a run's tags
    )


def days(first: str, last: str) -> dict[str, str]:
    """The tags that make one run of a range of days, the last one included."""
    return {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}


def run_all(instance: dg.DagsterInstance, tags: dict[str, str]) -> dg.ExecuteInProcessResult:
    """One run of every asset that works, with its checks."""
    return dg.materialize([*ASSETS, *CHECKS], instance=instance, tags=tags, run_config=QUIET)


def die_at(point: str) -> None:
    """Arrange for kill -9 of this process: `asset NAME`, `batch N before|within|after the index`, or `after N ms`."""
    subject, number, *moment = point.split()
    if subject == "asset":
        os.environ["TOY_DIE_IN"] = number
    elif subject == "after":
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, int(number) / 1000)
    else:
        _die_in_batch(int(number), moment[0])


def _die_in_batch(number: int, moment: str) -> None:
    written = itertools.count(1)
    index_events = BatchedSqliteEventLogStorage._index_events
    store_event_batch = BatchedSqliteEventLogStorage.store_event_batch

    def store_and_maybe_die(self, events):  # type: ignore[no-untyped-def]
        store_event_batch(self, events)
        if moment == "after" and next(written) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def index_and_maybe_die(self, *args):  # type: ignore[no-untyped-def]
        is_last = moment != "after" and next(written) == number
        if is_last and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        index_events(self, *args)
        if is_last:
            os.kill(os.getpid(), signal.SIGKILL)  # rows inserted, transaction open

    BatchedSqliteEventLogStorage.store_event_batch = store_and_maybe_die  # type: ignore[method-assign]
    BatchedSqliteEventLogStorage._index_events = index_and_maybe_die  # type: ignore[method-assign]


def _run_and_die(home: Path, point: str) -> None:
    with open_instance(home) as instance:
        die_at(point)
        run_all(instance, {**days(FIRST_DAY, LAST_DAY), **process_tags(instance)})


if __name__ == "__main__":
    # Arguments: HOME=POINT ...; one child each, forked because importing Dagster takes longer than the run.
    for argument in sys.argv[1:]:
        directory, _, where = argument.partition("=")
        child = os.fork()
        if child == 0:
            _run_and_die(Path(directory), where)
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
