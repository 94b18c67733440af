"""The batched storage must answer everything exactly as Dagster's own SQLite storage does."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import dagster as dg
import pytest
from dagster._core.definitions.observe import observe
from storage_facts import Facts, catalog_facts, graphql_facts, run_facts, table_facts
from storage_toy import (
    ASSETS,
    CHECKS,
    FIRST_DAY,
    FOURTH_DAY,
    LAST_DAY,
    QUIET,
    EventsOneByOne,
    broken,
    cases,
    daily,
    days,
    feed,
    run_all,
    totals,
    use_stock_storage,
)

from opsla_dagster.instance.instance import open_instance
from opsla_dagster.instance.storage import BatchedSqliteEventLogStorage

FOUR_DAYS = days(FIRST_DAY, FOURTH_DAY)


@dataclass(frozen=True)
class Lived:
    """An instance with a history, and the CPU seconds that its widest range run took."""

    instance: dg.DagsterInstance
    cpu_seconds: float


def live_through_everything(instance: dg.DagsterInstance) -> Lived:
    """A history with each kind of run: range, single day, failing, views only, observed, wiped, run again."""
    start = time.process_time()
    assert run_all(instance, days(FIRST_DAY, LAST_DAY)).success
    cpu_seconds = time.process_time() - start
    assert dg.materialize(
        [*ASSETS, *CHECKS], selection=[cases, daily], instance=instance, partition_key=FIRST_DAY, run_config=QUIET
    ).success
    assert not dg.materialize(
        [*ASSETS, broken],
        selection=[broken],
        instance=instance,
        tags=FOUR_DAYS,
        run_config=QUIET,
        raise_on_error=False,
    ).success
    assert dg.materialize(ASSETS, selection=[totals], instance=instance, run_config=QUIET).success
    assert observe([feed], instance=instance, tags=FOUR_DAYS).success
    instance.report_runless_asset_event(
        dg.AssetMaterialization(daily.key, partition=FIRST_DAY, metadata={"by": "hand"})
    )
    instance.wipe_assets([totals.key])
    assert run_all(instance, FOUR_DAYS).success
    return Lived(instance, cpu_seconds)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lived, Lived]]:
    """The same history in (stock storage written one event at a time, batched storage)."""
    with dg.DagsterInstance.ephemeral() as warm_up:
        run_all(warm_up, FOUR_DAYS)
    with pytest.MonkeyPatch.context() as environment:
        stock_home = tmp_path_factory.mktemp("stock")
        use_stock_storage(stock_home)
        environment.delenv("DAGSTER_EVENT_BATCH_SIZE")
        stock = live_through_everything(open_instance(stock_home))
    batched = live_through_everything(open_instance(tmp_path_factory.mktemp("batched")))
    assert type(stock.instance.event_log_storage) is EventsOneByOne
    assert type(batched.instance.event_log_storage) is BatchedSqliteEventLogStorage
    yield stock, batched
    stock.instance.dispose()
    batched.instance.dispose()


# The tables come first: asking the catalog writes its caches.
@pytest.mark.parametrize(
    ("ask", "at_least"), [(table_facts, 25), (catalog_facts, 100), (run_facts, 40), (graphql_facts, 18)]
)
def test_every_answer_equals_the_stock_storage(
    pair: tuple[Lived, Lived], ask: Callable[[dg.DagsterInstance], Facts], at_least: int
) -> None:
    stock, batched = (ask(lived.instance) for lived in pair)

    assert stock.keys() == batched.keys()
    assert len(stock) >= at_least
    for fact, expected in stock.items():
        assert batched[fact] == expected, f"{fact}: {first_difference(expected, batched[fact])}"


def first_difference(one: str, other: str) -> str:
    """Where two long texts part, with what leads there; pytest's own diff of a megabyte says nothing."""
    parting = next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(one))
    start = max(0, parting - 300)
    return f"\n  stock:   {one[start : start + 600]}\n  batched: {other[start : start + 600]}"


def test_a_range_run_is_several_times_faster_than_with_the_stock_storage(pair: tuple[Lived, Lived]) -> None:
    stock, batched = pair

    # CPU rather than elapsed seconds, which gain more (no waiting for the disk) but depend on what else runs here.
    assert stock.cpu_seconds / batched.cpu_seconds >= 3
