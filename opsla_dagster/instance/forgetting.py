"""What a Dagster event storage forgets, in SQL that SQLite and Postgres both run.

Belongs here: which rows go. Does not belong here: when they go and of which runs (retention.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from datetime import datetime
from typing import Any, TypeAlias

import sqlalchemy as db
from dagster import AssetKey
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from sqlalchemy.engine import Connection

from opsla_dagster.instance.check_rows import dates_of, dates_text, latest_materializations

_PLANS = "('ASSET_MATERIALIZATION_PLANNED', 'ASSET_CHECK_EVALUATION_PLANNED')"
_RUNS_WITH_PLANS = db.text(f"select distinct run_id from event_logs where dagster_event_type in {_PLANS}")
_OF_RUN_THAT_SUCCEEDED = [
    db.text(f"delete from event_logs where run_id = :run_id and dagster_event_type in {_PLANS}"),
    db.text("delete from asset_check_executions where run_id = :run_id and execution_status = 'PLANNED'"),
]
#: The UI shows a date as failed while a failed run was the last to plan it.
_OF_RUN_THAT_FAILED = [
    db.text("delete from event_logs where run_id = :run_id and dagster_event_type = 'ASSET_CHECK_EVALUATION_PLANNED'"),
    db.text("""
        delete from event_logs
        where run_id = :run_id and dagster_event_type = 'ASSET_MATERIALIZATION_PLANNED' and exists (
            select 1 from event_logs as later
            where
                later.dagster_event_type in ('ASSET_MATERIALIZATION', 'ASSET_MATERIALIZATION_PLANNED')
                and later.asset_key = event_logs.asset_key
                and (later.partition = event_logs.partition or (later.partition is null and event_logs.partition is null))
                and later.id > event_logs.id
        )
    """),
    db.text("""
        delete from asset_check_executions
        where run_id = :run_id and execution_status = 'PLANNED' and exists (
            select 1 from asset_check_executions as later
            where
                later.asset_key = asset_check_executions.asset_key
                and later.check_name = asset_check_executions.check_name
                and (later.partition is null or later.partition = asset_check_executions.partition)
                and later.id > asset_check_executions.id
        )
    """),
]
# Never the last row: SQLite would give its id out again, and sensors remember ids.
_REPLACED = [
    db.text("""
        delete from event_logs
        where dagster_event_type = 'ASSET_MATERIALIZATION' and timestamp < :kept_from and id not in (
            select max(id) from event_logs where dagster_event_type = 'ASSET_MATERIALIZATION' group by asset_key, partition
        )
    """),
    db.text("""
        delete from event_logs
        where dagster_event_type = 'ASSET_CHECK_EVALUATION' and timestamp < :kept_from and id < (select max(id) from event_logs)
    """),
]
_ORPHANED_TAGS = db.text("delete from asset_event_tags where event_id not in (select id from event_logs)")
_LOG_OF_RUN = db.text("""
    delete from event_logs
    where
        run_id = :run_id
        and (dagster_event_type is null or dagster_event_type not in ('ASSET_MATERIALIZATION', 'ASSET_OBSERVATION', 'ASSET_MATERIALIZATION_PLANNED'))
        and id < (select max(id) from event_logs)
""")
_CHECKS = AssetCheckExecutionsTable.c
_EVENTS = SqlEventLogStorageTable.c
#: One of its rows.
_Row: TypeAlias = Any

def runs_with_plans(connection: Connection) -> set[str]:
    """The runs of which anything planned is still stored."""
    return {run_id for (run_id,) in connection.execute(_RUNS_WITH_PLANS)}


def forget_plans(connection: Connection, succeeded: Iterable[str], failed: Iterable[str]) -> None:
    """Deletes what these ended runs had planned; of those that did not succeed, as far as later events replaced it."""
    for run_ids, statements in ((succeeded, _OF_RUN_THAT_SUCCEEDED), (failed, _OF_RUN_THAT_FAILED)):
        for run_id in run_ids:
            for statement in statements:
                connection.execute(statement, {"run_id": run_id})


def forget_replaced(connection: Connection, kept_from: datetime) -> None:
    """Deletes what is older than `kept_from` (UTC, naive) and says nothing of how tables, dates and checks stand now."""
    for statement in _REPLACED:
        connection.execute(statement, {"kept_from": kept_from})
    connection.execute(_ORPHANED_TAGS)
    _forget_verdicts(connection, kept_from)


def forget_log(connection: Connection, run_id: str) -> None:
    """Deletes what the log of a run says, but not what it materialized."""
    connection.execute(_LOG_OF_RUN, {"run_id": run_id})


def thin_log(connection: Connection) -> None:
    """Leaves one materialization a table in a log that holds this run alone: a range writes one a date, all but equal."""
    connection.execute(db.text(f"delete from event_logs where dagster_event_type in {_PLANS}"))
    connection.execute(
        db.text("""
            delete from event_logs
            where dagster_event_type = 'ASSET_MATERIALIZATION' and id not in (
                select max(id) from event_logs where dagster_event_type = 'ASSET_MATERIALIZATION' group by asset_key
            )
        """)
    )


def forget_dates(connection: Connection, asset_key: str, dates: Set[str]) -> None:
    """Deletes what is known of these dates (partition keys) of a table, verdicts of its checks included; of other dates nothing.

    `asset_key` is as the storage writes it.
    """
    of_dates = db.and_(_EVENTS.asset_key == asset_key, _EVENTS.partition.in_(sorted(dates)))
    last = db.select(db.func.max(_EVENTS.id)).scalar_subquery()
    connection.execute(SqlEventLogStorageTable.delete().where(of_dates, _EVENTS.id < last))
    connection.execute(SqlEventLogStorageTable.update().where(of_dates).values(asset_key=None, partition=None))  # the last row: see above
    connection.execute(_ORPHANED_TAGS)
    for row in connection.execute(db.select(_CHECKS.id, _CHECKS.partition).where(_CHECKS.asset_key == asset_key, _CHECKS.partition.is_not(None))).fetchall():
        judged = set(dates_of(row.partition))
        if judged & dates:
            rest = dates_text(judged - dates)
            this = _CHECKS.id == row.id
            connection.execute(AssetCheckExecutionsTable.update().where(this).values(partition=rest) if rest else AssetCheckExecutionsTable.delete().where(this))


def _forget_verdicts(connection: Connection, kept_from: datetime) -> None:
    """Of each check, old verdicts on dates that were judged again go; those that stand and passed become one row."""
    columns = (
        _CHECKS.id, _CHECKS.asset_key, _CHECKS.check_name, _CHECKS.partition, _CHECKS.execution_status, _CHECKS.create_timestamp,
        _CHECKS.evaluation_event_storage_id,
    )  # fmt: skip
    by_check: dict[tuple[str, str], list[_Row]] = defaultdict(list)
    for row in connection.execute(db.select(*columns).order_by(_CHECKS.id.desc())):
        by_check[row.asset_key, row.check_name].append(row)
    made: dict[str, Mapping[str, int]] = {}
    for (asset_key, _), rows in by_check.items():
        if rows[-1].create_timestamp < kept_from:
            key = AssetKey.from_db_string(asset_key)
            if key is not None and asset_key not in made:
                made[asset_key] = latest_materializations(connection, key)
            _forget_verdicts_of_one(connection, rows, kept_from, made.get(asset_key, {}))


def _forget_verdicts_of_one(connection: Connection, rows: list[_Row], kept_from: datetime, made: Mapping[str, int]) -> None:
    """`rows` are the check's, the latest first; `made` has, by date, the event that told of its rows last.

    A verdict on rows that were told of again without one is void, and stays out of the row that carries the others: that has a later id.
    """
    judged: set[str | None] = set()
    passed: set[str | None] = set()
    carrier: int | None = None
    gone: list[int] = []
    for row in rows:
        stand = (set(dates_of(row.partition)) if row.partition else {None}) - judged
        judged |= stand
        if row.create_timestamp >= kept_from:
            continue
        if not stand:
            gone.append(row.id)
        elif row.execution_status == "SUCCEEDED" and None not in stand:
            passed |= {day for day in stand if made.get(day or "", 0) < (row.evaluation_event_storage_id or 0)}
            if carrier is None:
                carrier = row.id
            else:
                gone.append(row.id)
    if gone:
        connection.execute(AssetCheckExecutionsTable.delete().where(_CHECKS.id.in_(gone)))
    if carrier is not None:
        dates = dates_text(day for day in passed if day is not None)
        connection.execute(AssetCheckExecutionsTable.update().where(_CHECKS.id == carrier).values(partition=dates))


def last_runs_of_assets(connection: Connection) -> set[str]:
    """The runs that the catalog names as the last of an asset."""
    return {run_id for (run_id,) in connection.execute(db.text("select distinct last_run_id from asset_keys")) if run_id}
