"""The batched storage must answer everything exactly as Dagster's own SQLite storage does."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.observe import observe
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from storage_facts import Facts, catalog_facts, graphql_facts, run_facts, table_facts
from storage_toy import ASSETS, CHECKS, FIRST_DAY, FOURTH_DAY, LAST_DAY, broken, cases, daily, days, feed, run_all, totals

from opsla_dagster.instance.instance import open_instance
from opsla_dagster.instance.storage import BatchedSqliteEventLogStorage

FOUR_DAYS = days(FIRST_DAY, FOURTH_DAY)
Pair = tuple[dg.DagsterInstance, dg.DagsterInstance]


def live_through_everything(instance: dg.DagsterInstance) -> None:
    """A history with each kind of run: range, single day, failing, views only, observed, wiped, run again."""
    start=time.perf_counter()
    assert run_all(instance, days(FIRST_DAY, LAST_DAY)).success
    print("SECONDS",time.perf_counter()-start)
    assert dg.materialize([*ASSETS, *CHECKS], selection=[cases, daily], instance=instance, partition_key=FIRST_DAY).success
    assert not dg.materialize(
        [*ASSETS, broken], selection=[broken], instance=instance, tags=FOUR_DAYS, raise_on_error=False
    ).success
    assert dg.materialize(ASSETS, selection=[totals], instance=instance).success
    assert observe([feed], instance=instance, tags=FOUR_DAYS).success
    instance.report_runless_asset_event(dg.AssetMaterialization(daily.key, partition=FIRST_DAY, metadata={"by": "hand"}))
    instance.wipe_assets([totals.key])
    assert run_all(instance, FOUR_DAYS).success


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """The same history in (stock storage written one event at a time, batched storage)."""
    with pytest.MonkeyPatch.context() as environment:
        stock_home = tmp_path_factory.mktemp("stock")
        (stock_home / "dagster").mkdir()
        (stock_home / "dagster" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        stock = open_instance(stock_home)
        environment.delenv("DAGSTER_EVENT_BATCH_SIZE")
        live_through_everything(stock)
    batched = open_instance(tmp_path_factory.mktemp("batched"))
    live_through_everything(batched)
    assert type(stock.event_log_storage) is SqliteEventLogStorage
    assert type(batched.event_log_storage) is BatchedSqliteEventLogStorage
    yield stock, batched
    stock.dispose()
    batched.dispose()


# The tables come first: asking the catalog writes its caches.
@pytest.mark.parametrize(("ask", "at_least"), [(table_facts, 25), (catalog_facts, 100), (run_facts, 40), (graphql_facts, 7)])
def test_every_answer_equals_the_stock_storage(
    pair: Pair, ask: Callable[[dg.DagsterInstance], Facts], at_least: int
) -> None:
    stock, batched = (ask(instance) for instance in pair)

    assert stock.keys() == batched.keys()
    assert len(stock) >= at_least
    for fact, expected in stock.items():
        assert batched[fact] == expected, f"{fact}: {first_difference(expected, batched[fact])}"


def first_difference(one: str, other: str) -> str:
    """Where two long texts part, with what leads there; pytest's own diff of a megabyte says nothing."""
    start = max(0, len(os.path.commonprefix([one, other])) - 300)
    return f"\n  stock:   {one[start : start + 600]}\n  batched: {other[start : start + 600]}"
