"""Everything a Dagster instance answers about a run history, as comparable text; used by the storage tests.

Belongs here: asking. Does not belong here: comparing. Run ids, stamps, durations and paths are replaced, storage ids
are kept: two instances with the same history must give the same text.
"""

import json
import re
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import dagster as dg
from dagster import DagsterEventType, EventRecordsFilter
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value
from dagster._core.test_utils import in_process_test_workspace
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster_graphql.test.utils import execute_dagster_graphql
from storage_toy import FIRST_DAY, LAST_DAY, PARTITIONS, defs

Facts = dict[str, str]
ASSET_EVENT_TYPES = [
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_OBSERVATION,
    DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
]
ASSET_KEYS = sorted(defs.resolve_asset_graph().get_all_asset_keys())
PARTITIONED_KEYS = [key for key in ASSET_KEYS if defs.resolve_asset_graph().get(key).is_partitioned]
CHECK_KEYS = sorted(defs.resolve_asset_graph().asset_check_keys)

_STAMP = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(\+00:00)?")
_EPOCH = re.compile(r"(?<![\d.])1[6-9]\d{8}(\d{3}\b|\.\d+)")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_LOG_KEY = re.compile(r"""(log_key": "|file_key=')[a-z]{8}\b""")
_DURATION = re.compile(r"(?<![\d.])(\d+(\.\d+)?(ms|s)\b|\d+\.\d{3,}(e-\d+)?|\d+(\.\d+)?e-\d+)")


def comparable(instance: dg.DagsterInstance, answer: object) -> str:
    """The answer as text, without what differs between two runs of the same graph."""
    text = answer if isinstance(answer, str) else repr(answer)
    for number, run_id in enumerate(run_ids(instance), 1):
        text = text.replace(run_id, f"RUN{number}")
    text = text.replace(instance.root_directory, "HOME")
    text = re.sub(r"pid[^0-9]{1,40}\d+", "pid", text)
    text = _LOG_KEY.sub("log key", text)
    for pattern, name in ((_STAMP, "STAMP"), (_EPOCH, "EPOCH"), (_UUID, "UUID"), (_DURATION, "DURATION")):
        text = pattern.sub(name, text)
    return text


def run_ids(instance: dg.DagsterInstance) -> list[str]:
    """The runs in the order in which they were made."""
    return [record.dagster_run.run_id for record in instance.get_run_records(ascending=True)]


def catalog_facts(instance: dg.DagsterInstance) -> Facts:
    """What the catalog answers about assets, partitions, checks and tags."""
    storage = instance.event_log_storage
    facts: dict[str, object] = {
        "asset keys": sorted(instance.all_asset_keys()),
        "asset keys, paged": list(storage.get_asset_keys(prefix=["staging"], limit=1)),
        "last materialization of each": storage.get_latest_materialization_events(ASSET_KEYS),
        "last check of each": storage.get_latest_asset_check_execution_by_key(CHECK_KEYS),
        "check summaries": storage.get_asset_check_summary_records(CHECK_KEYS),
        "highest event id": storage.get_maximum_record_id(),
        "asset records": sorted(storage.get_asset_records(ASSET_KEYS), key=lambda record: record.asset_entry.asset_key),
    }
    for key in ASSET_KEYS:
        name = key.to_user_string()
        facts[f"{name}: materialised partitions"] = sorted(storage.get_materialized_partitions(key))
        facts[f"{name}: unfinished partitions"] = sorted(
            storage.get_latest_asset_partition_materialization_attempts_without_materializations(key).items()
        )
        facts[f"{name}: planned last by"] = storage.get_latest_planned_materialization_info(key)
        facts[f"{name}: planned last for a day by"] = storage.get_latest_planned_materialization_info(key, FIRST_DAY)
        facts[f"{name}: event tags"] = storage.get_event_tags_for_asset(key)
        facts[f"{name}: changed versions"] = sorted(
            storage.get_updated_data_version_partitions(key, PARTITIONS.get_partition_keys(), 3)
        )
        facts[f"{name}: data version tags by partition"] = sorted(
            storage.get_latest_tags_by_partition(
                key, DagsterEventType.ASSET_MATERIALIZATION, ["dagster/data_version"]
            ).items()
        )
        facts[f"{name}: materializations, paged"] = paged(
            lambda cursor, key=key: instance.fetch_materializations(key, limit=17, cursor=cursor, ascending=True)
        )
        facts[f"{name}: observations"] = instance.fetch_observations(key, limit=500)
        for event_type in ASSET_EVENT_TYPES:
            facts[f"{name}: {event_type.value} by partition"] = sorted(
                storage.get_latest_storage_id_by_partition(key, event_type).items()
            )
            facts[f"{name}: {event_type.value} of some days"] = storage.get_event_records(
                EventRecordsFilter(event_type, asset_key=key, asset_partitions=[FIRST_DAY, LAST_DAY])
            )
    for check in CHECK_KEYS:
        name = check.to_user_string()
        facts[f"{name}: history"] = storage.get_asset_check_execution_history(check, limit=100)
        facts[f"{name}: by partition"] = storage.get_asset_check_partition_info([check])
    with partition_loading_context(dynamic_partitions_store=instance):
        for key in PARTITIONED_KEYS:
            facts[f"{key.to_user_string()}: status cache"] = get_and_update_asset_status_cache_value(
                instance, key, PARTITIONS
            )
    return {name: comparable(instance, answer) for name, answer in facts.items()}


def run_facts(instance: dg.DagsterInstance) -> Facts:
    """What each run's own log answers: events, paging, statistics, statuses."""
    storage = instance.event_log_storage
    facts: dict[str, object] = {
        f"status changes to {status.value}": instance.fetch_run_status_changes(status, limit=100).records
        for status in (DagsterEventType.RUN_START, DagsterEventType.RUN_SUCCESS, DagsterEventType.RUN_FAILURE)
    }
    for number, run_id in enumerate(run_ids(instance), 1):
        run = instance.get_run_by_id(run_id)
        facts[f"run {number}: status"] = run.status if run else None
        facts[f"run {number}: statistics"] = instance.get_run_stats(run_id)
        facts[f"run {number}: steps"] = [
            (step.step_key, step.status, step.attempts, step.materialization_events)
            for step in instance.get_run_step_stats(run_id)
        ]
        facts[f"run {number}: partitions"] = sorted(
            (key.to_user_string(), sorted(map(str, partitions)))
            for key, partitions in storage.get_asset_partitions_for_run(run_id).items()
        )
        facts[f"run {number}: log, paged"] = paged(
            lambda cursor, run_id=run_id: storage.get_records_for_run(run_id, cursor, limit=23)
        )
        facts[f"run {number}: log, newest first"] = storage.get_records_for_run(run_id, limit=50, ascending=False)
        facts[f"run {number}: check evaluations"] = instance.get_records_for_run(
            run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION
        )
    return {name: comparable(instance, answer) for name, answer in facts.items()}


def table_facts(instance: dg.DagsterInstance) -> Facts:
    """Every row of the index and of each run's own file, in order."""
    directory = Path(instance.root_directory) / "history" / "runs"
    files = {"index": directory / "index.db"}
    files |= {f"run {number}": directory / f"{run_id}.db" for number, run_id in enumerate(run_ids(instance), 1)}
    facts: Facts = {}
    for name, path in files.items():
        with sqlite3.connect(path) as connection:
            tables = connection.execute("select name from sqlite_master where type = 'table' order by name").fetchall()
            for (table,) in tables:
                rows = connection.execute(f'select * from "{table}" order by 1').fetchall()
                facts[f"{name}: {table}"] = comparable(instance, rows)
        connection.close()
    return facts


NODES = """query { assetNodes {
  assetKey { path } groupName kinds hasMaterializePermission
  partitionStats { numPartitions numMaterialized numMaterializing numFailed }
  assetPartitionStatuses { __typename
    ... on TimePartitionStatuses { ranges { startKey endKey status } }
    ... on DefaultPartitionStatuses { materializedPartitions failedPartitions materializingPartitions } }
  assetMaterializations(limit: 60) { runId partition tags { key value } metadataEntries { label } stepKey }
  latestMaterializationByPartition { runId partition stepKey }
  staleStatus
  freshnessStatusInfo { freshnessStatus }
  assetChecksOrError { __typename ... on AssetChecks { checks { name blocking
    executionForLatestMaterialization { status runId evaluation { severity success metadataEntries { label } } } } } }
} }"""
VERSIONS = """query($keys: [AssetKeyInput!]!) { assetNodes(assetKeys: $keys) {
  assetKey { path } dataVersionByPartition staleStatusByPartition } }"""
LATEST = """query($keys: [AssetKeyInput!]!) { assetsLatestInfo(assetKeys: $keys) {
  assetKey { path } unstartedRunIds inProgressRunIds latestRun { id status }
  latestMaterialization { runId partition } } }"""
RUNS = """query { runsOrError { ... on Runs { results { id status tags { key value }
  assetSelection { path } assetMaterializations { partition assetKey { path } }
  stats { ... on RunStatsSnapshot { stepsSucceeded stepsFailed materializations expectations } }
  stepStats { stepKey status materializations { partition } } } } } }"""
CHECK_HISTORY = """query($asset: AssetKeyInput!, $check: String!) {
  assetCheckExecutions(assetKey: $asset, checkName: $check, limit: 100) {
    status runId evaluation { severity success } } }"""


def graphql_facts(instance: dg.DagsterInstance) -> Facts:
    """What the UI is told: nodes with partition status and checks, latest info, runs, check histories."""
    origin = LoadableTargetOrigin(
        python_file=str(Path(__file__).with_name("storage_toy.py")), working_directory=str(Path(__file__).parent)
    )
    with in_process_test_workspace(instance, origin) as context:

        def ask(query: str, **variables: object) -> Any:
            return execute_dagster_graphql(context, query, variables=variables).data

        nodes = sorted(ask(NODES)["assetNodes"], key=lambda node: node["assetKey"]["path"])
        facts: dict[str, object] = {f"node {node['assetKey']['path']}": json.dumps(node) for node in nodes}
        facts["latest info"] = ask(LATEST, keys=[{"path": key.path} for key in ASSET_KEYS])
        facts["runs"] = ask(RUNS)
        for key in PARTITIONED_KEYS:
            facts[f"versions of {key.to_user_string()}"] = ask(VERSIONS, keys=[{"path": key.path}])
        for check in CHECK_KEYS:
            facts[f"history of {check.to_user_string()}"] = ask(
                CHECK_HISTORY, asset={"path": check.asset_key.path}, check=check.name
            )
    return {name: comparable(instance, answer) for name, answer in facts.items()}


def paged(fetch: Callable[[str | None], Any]) -> list[Iterable[object]]:
    """All pages of a cursor, with the cursor of each."""
    pages: list[Iterable[object]] = []
    cursor = None
    while True:
        page = fetch(cursor)
        pages.append((page.cursor, page.records))
        if not page.has_more:
            return pages
        cursor = page.cursor
