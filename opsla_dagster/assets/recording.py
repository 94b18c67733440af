"""Telling Dagster which intake dates a run with gaps between its dates makes.

Dagster's own runs are of one date or of a range, and it records what their tags say. A run over dates with gaps names them in DATES_TAG,
defers Dagster's asset events (DEFER_TAG), and has them recorded here: the same events, for exactly its dates. Belongs here: those
events. Does not belong here: which dates, and what is made of them.
"""

# No `from __future__ import annotations`: Dagster looks at the annotation of `context` itself.
from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.assets.definition.asset_spec import AssetExecutionType
from dagster._core.events import (
    AssetMaterializationPlannedData,
    DagsterEvent,
    DagsterEventBatchMetadata,
    generate_event_batch_id,
)
from dagster._core.execution.plan.execute_step import _get_output_asset_events
from dagster._core.storage.tags import EXTERNALLY_MANAGED_ASSETS_TAG

from opsla_dagster.window import Dates

#: Dagster's run tag: it records no asset events of its own, neither planned nor made.
DEFER_TAG = EXTERNALLY_MANAGED_ASSETS_TAG


def record_plan(context: dg.AssetExecutionContext, dates: Dates | None) -> None:
    """Shows the asset's dates (None: the asset as a whole) as in progress; as failed, where the run fails before `record_made`.

    Nothing in a run whose events Dagster records itself.
    """
    if DEFER_TAG not in context.run.tags:
        return
    planned = [
        DagsterEvent.build_asset_materialization_planned_event(
            context.run.job_name,
            str(context.get_step_execution_context().step.key),
            AssetMaterializationPlannedData(context.asset_key, partition=key, partitions_subset=None),
        )
        for key in _partition_keys(dates)
    ]
    for event, batch in zip(planned, _batch(len(planned)), strict=True):
        context.instance.report_dagster_event(event, context.run.run_id, batch_metadata=batch)


def record_made(
    context: dg.AssetExecutionContext, dates: Dates | None, metadata: dict[str, Any], by_date: Mapping[str, dict[str, Any]]
) -> None:
    """Shows the asset's dates (None: the asset as a whole) as materialized, with `metadata` and what `by_date` has of each (ISO date).

    Where Dagster records the events itself it is told of `by_date` only: the rest comes with the result.
    """
    if DEFER_TAG not in context.run.tags:
        for key, of_date in by_date.items():
            context.add_asset_metadata(of_date, partition_key=key)
        return
    step = context.get_step_execution_context()
    made = list(
        _get_output_asset_events(
            asset_key=context.asset_key,
            asset_partitions=[key for key in _partition_keys(dates) if key is not None],
            output=dg.Output(None, metadata=metadata),
            output_def=step.op_def.output_defs[0],
            io_manager_metadata={},
            step_context=step,
            execution_type=AssetExecutionType.MATERIALIZATION,
        )
    )
    for materialization, batch in zip(made, _batch(len(made)), strict=True):
        assert isinstance(materialization, dg.AssetMaterialization)  # an observation is made by other executions
        of_date = by_date.get(materialization.partition or "", {})
        told = materialization.with_metadata({**materialization.metadata, **of_date})
        DagsterEvent.asset_materialization(step, told, batch)  # logs it


def _partition_keys(dates: Dates | None) -> list[str | None]:
    return [None] if dates is None else [day.isoformat() for day in dates.dates()]


def _batch(events: int) -> list[DagsterEventBatchMetadata]:
    """What makes the storage write these events together."""
    batch_id: str = generate_event_batch_id()  # type: ignore[no-untyped-call]
    return [DagsterEventBatchMetadata(batch_id, is_end=number == events) for number in range(1, events + 1)]
