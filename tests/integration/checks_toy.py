"""One table with two partitioned checks, one of which fails where the test says so.

Belongs here: the graph. Does not belong here: any expectation.
"""

import os
from collections.abc import Iterator

import dagster as dg

PARTITIONS = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-02-10")


@dg.asset(partitions_def=PARTITIONS, backfill_policy=dg.BackfillPolicy.single_run())
def feed(context: dg.AssetExecutionContext) -> None:
    if context.partition_key_range.start in os.environ.get("TOY_DEAD", ""):
        raise dg.Failure("the source does not answer")


@dg.asset(
    deps=[feed],
    partitions_def=PARTITIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[
        dg.AssetCheckSpec("holds", asset="cases", blocking=True, partitions_def=PARTITIONS),
        dg.AssetCheckSpec("drifts", asset="cases", partitions_def=PARTITIONS),
    ],
)
def cases(context: dg.AssetExecutionContext) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:  # type: ignore[type-arg]
    drifts = dg.AssetCheckResult(check_name="drifts", passed=False, severity=dg.AssetCheckSeverity.WARN)
    if context.partition_key_range.start in os.environ.get("TOY_BAD", ""):
        yield dg.AssetCheckResult(check_name="holds", passed=False, description="3 found, none may be.")
        yield drifts
        raise dg.Failure("nothing was kept")
    yield dg.MaterializeResult(check_results=[dg.AssetCheckResult(check_name="holds", passed=True), drifts])


defs = dg.Definitions(assets=[feed, cases], executor=dg.in_process_executor)
