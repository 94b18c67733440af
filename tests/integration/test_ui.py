"""The Dagster UI as an operator uses it: a real webserver and daemon, spoken to through GraphQL.

Belongs here: launching from the UI, and what it shows afterwards. Does not belong here: what the runs make.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from cli import REPOSITORY, environment, opsla
from dagster import AssetKey
from effort import IS_HOLD
from small_desk import core, takes_minutes, up_to, write_config

from opsla_dagster.assets.operations import PUBLISHED_MARTS
from opsla_dagster.automation.schedule import refreshed_assets
from opsla_dagster.catalog import TABLES, Kind
from opsla_dagster.settings import load_settings

PATIENCE_SECONDS = 240
REPOSITORY_OF_UI = {"repositoryLocationName": "opsla", "repositoryName": "__repository__"}
SETTINGS = load_settings(REPOSITORY / "config")
EVERYTHING = refreshed_assets(SETTINGS)
DATED = [key for key in EVERYTHING if key != PUBLISHED_MARTS and TABLES[".".join(key.path)].kind is Kind.PARTITIONED]

#: Of one date: everything in `make hold`, else what a load is remembered by; of ten: every dated table, else those of them that this has made.
OF_ONE_DATE = EVERYTHING if IS_HOLD else [AssetKey(name.split(".")) for name in sorted(core(SETTINGS) | up_to(SETTINGS, "mart.sla_daily"))]
OF_TEN_DATES = [key for key in DATED if key in OF_ONE_DATE]

STATUSES = """query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
  assetPartitionStatuses { ... on TimePartitionStatuses { ranges { startKey endKey status } } } } } }"""
LAUNCH = """mutation($params: ExecutionParams!) { launchPipelineExecution(executionParams: $params) { __typename
  ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
BACKFILL = """mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) { __typename
  ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
RUN = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
PROGRESS = """query($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill {
  status timestamp runs(limit: 50) { tags { key value } status } } } }"""
INSTIGATORS = """query($selector: RepositorySelector!) { repositoryOrError(repositorySelector: $selector) { ... on Repository {
  schedules { name scheduleState { status } } sensors { name sensorState { status } } } } }"""
RELOAD = """mutation($name: String!) { reloadRepositoryLocation(repositoryLocationName: $name) { __typename
  ... on WorkspaceLocationEntry { loadStatus locationOrLoadError { __typename } } ... on PythonError { message } } }"""
DRY_RUN = """mutation($selector: ScheduleSelector!, $at: Float) { scheduleDryRun(selectorData: $selector, timestamp: $at) {
  __typename ... on PythonError { message } ... on DryRunInstigationTick { evaluationResult {
    error { message } runRequests { tags { key value } assetSelection { path } } } } } }"""


class Ui:
    """A running UI: `ask` sends one GraphQL document and returns its data."""

    def __init__(self, port: int, home: Path, process: subprocess.Popen[bytes]) -> None:
        self.home = home
        self.process = process
        self._url = f"http://127.0.0.1:{port}/graphql"

    def ask(self, document: str, **variables: object) -> Any:
        body = json.dumps({"query": document, "variables": variables}).encode()
        request = urllib.request.Request(self._url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.load(response)
        assert "errors" not in answer, answer["errors"]
        return next(iter(answer["data"].values()))

    def partitions(self, table: str) -> list[tuple[str, str, str]]:
        found = self.ask(STATUSES, key={"path": table.split(".")})["assetPartitionStatuses"]["ranges"]
        return [(row["startKey"], row["endKey"], row["status"]) for row in found]

    def code_servers(self) -> list[int]:
        """The processes of this UI that hold the definitions, oldest first."""
        children = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False)
        return [int(line.split()[0]) for line in children.stdout.splitlines() if "api grpc" in line]


def wait_for(what: Callable[[], str | None], *, seconds: float = PATIENCE_SECONDS) -> str:
    """What `what` says once it says something."""
    give_up_at = time.monotonic() + seconds
    while time.monotonic() < give_up_at:
        said = what()
        if said:
            return said
        time.sleep(0.5)
    pytest.fail(f"nothing within {seconds} seconds")


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    home = tmp_path_factory.mktemp("ui")
    (home / "simulated_cases").write_text("3000\n", encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (home / "dev.log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "opsla_dagster.cli", "dev", "--port", str(port)],
        env=environment(home, write_config(home / "config")), cwd=REPOSITORY, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
    )
    ui = Ui(port, home, process)

    def answers() -> str | None:
        assert process.poll() is None, (home / "dev.log").read_text()
        try:
            return "yes" if ui.ask(INSTIGATORS, selector=REPOSITORY_OF_UI).get("sensors") else None
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return None

    try:
        wait_for(answers)
        yield ui
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        log.close()


def rows_before(ui: Ui, day: str) -> list[tuple[object, ...]]:
    """What the warehouse says of the dates before `day`."""
    with duckdb.connect(str(ui.home / "ops_warehouse.duckdb"), read_only=True) as warehouse:
        return warehouse.execute(f"select * from mart.sla_daily where intake_date < date '{day}' order by all").fetchall()


def test_one_date(ui: Ui) -> None:
    launched = ui.ask(LAUNCH, params={
        "selector": {
            **REPOSITORY_OF_UI, "pipelineName": "__ASSET_JOB", "assetSelection": [{"path": key.path} for key in OF_ONE_DATE]
        },
        "mode": "default",
        "executionMetadata": {"tags": [{"key": "dagster/partition", "value": "2025-07-01"}]},
    })
    assert launched["__typename"] == "LaunchRunSuccess", launched
    run_id = launched["run"]["runId"]
    ended = {"SUCCESS", "FAILURE", "CANCELED"}
    status = wait_for(lambda: s if (s := ui.ask(RUN, id=run_id)["status"]) in ended else None)
    assert status == "SUCCESS"
    assert ui.partitions("mart.sla_daily") == [("2025-07-01", "2025-07-01", "MATERIALIZED")]


@pytest.mark.parametrize(
    ("tables", "first", "last"),
    [
        pytest.param([*OF_TEN_DATES, AssetKey(["mart", "sla_overall"])], "2025-07-02", "2025-07-11", id="dated tables and what follows"),
        # Some are not partitioned: a dozen runs, one after the other.
        pytest.param(EVERYTHING, "2025-07-12", "2025-07-21", id="whole graph", marks=takes_minutes),
    ],
)
def test_a_backfill_of_ten_dates(ui: Ui, tables: list[AssetKey], first: str, last: str) -> None:
    """After the first date: a backfill finds the tables of earlier dates and must leave them as they are."""
    before = rows_before(ui, first)
    ten_days = {"ranges": [{"start": first, "end": last}]}
    backfill = ui.ask(BACKFILL, params={
        "partitionsByAssets": [
            {"assetKey": {"path": key.path}, **({"partitions": ten_days} if key in DATED else {})} for key in tables
        ],
    })
    assert backfill["__typename"] == "LaunchBackfillSuccess", backfill
    progress: dict[str, Any] = {}

    def finished() -> str | None:
        progress.update(ui.ask(PROGRESS, id=backfill["backfillId"]))
        return progress["status"] if progress["status"].startswith("COMPLETED") or "FAIL" in progress["status"] else None

    assert wait_for(finished) == "COMPLETED_SUCCESS", [(run["status"], run["tags"]) for run in progress["runs"]]
    ranges = [
        (tags["dagster/asset_partition_range_start"], tags["dagster/asset_partition_range_end"])
        for run in progress["runs"]
        if "dagster/asset_partition_range_start" in (tags := {tag["key"]: tag["value"] for tag in run["tags"]})
    ]
    assert len(progress["runs"]) > 1
    assert set(ranges) == {(first, last)}, "every run of it covers the ten dates at once"
    for table in ("raw.cases", "staging.sla_clocks", "mart.sla_daily", "ops.refreshed_partitions"):
        assert ui.partitions(table) == [("2025-07-01", last, "MATERIALIZED")]
    instants = f"select distinct epoch_us(as_of_at) // 1000000 from ops.partition_as_of where intake_date >= date '{first}'"
    with duckdb.connect(str(ui.home / "ops_warehouse.duckdb"), read_only=True) as warehouse:
        assert warehouse.execute(instants).fetchall() == [(int(progress["timestamp"]),)], "every run of it knows what was known when it was launched"
        [(days, cases)] = warehouse.execute(f"select count(*), sum(opened_cases) from mart.sla_daily where intake_date >= date '{first}'").fetchall()
    assert days == 10
    assert cases > 0
    assert rows_before(ui, first) == before


def test_schedule_and_sensors_are_running(ui: Ui) -> None:
    found = ui.ask(INSTIGATORS, selector=REPOSITORY_OF_UI)
    states = {row["name"]: row["scheduleState"]["status"] for row in found["schedules"]}
    states |= {row["name"]: row["sensorState"]["status"] for row in found["sensors"]}
    assert states == dict.fromkeys(
        (
            "daily_refresh", "daily_refresh_retry", "alerts_on_success", "alerts_on_failure", "alerts_on_cancel", "alerts_delivery",
            "reports_after_publishing", "run_history_retention",
        ),
        "RUNNING",
    )


def test_the_schedule_asks_for_one_run(ui: Ui) -> None:
    at = time.mktime(time.strptime("2025-07-13 05:00:00", "%Y-%m-%d %H:%M:%S")) - time.timezone
    tick = ui.ask(DRY_RUN, selector={**REPOSITORY_OF_UI, "scheduleName": "daily_refresh"}, at=at)
    assert tick["__typename"] == "DryRunInstigationTick", tick
    result = tick["evaluationResult"]
    assert result["error"] is None, result["error"]
    (request,) = result["runRequests"]
    tags = {tag["key"]: tag["value"] for tag in request["tags"]}
    assert tags["dagster/asset_partition_range_end"] == "2025-07-12", "the desk's yesterday"
    assert tags["opsla/as_of"] == "2025-07-13T05:00:00+00:00"


def test_health_knows_whose_webserver_it_asks(ui: Ui, tmp_path: Path) -> None:
    said = opsla("health", "webserver", home=ui.home).stdout
    assert said.startswith("ok "), said
    (tmp_path / "home").mkdir()
    said = opsla("health", "webserver", "--webserver", (ui.home / "ui_url").read_text().strip(), home=tmp_path / "home").stdout
    assert said.startswith("FAIL"), said
    assert "answers, for another home than" in said


def test_definitions_are_loaded_anew_on_request(ui: Ui) -> None:
    before = ui.code_servers()
    assert len(before) == 1
    reloaded = ui.ask(RELOAD, name="opsla")
    assert reloaded["loadStatus"] == "LOADED", reloaded
    assert ui.ask(INSTIGATORS, selector=REPOSITORY_OF_UI)["schedules"]
    assert set(ui.code_servers()) - set(before), "by another process"


@takes_minutes
def test_a_code_server_that_died_is_started_again(ui: Ui) -> None:
    before = ui.code_servers()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    at = time.mktime(time.strptime("2025-07-13 05:00:00", "%Y-%m-%d %H:%M:%S")) - time.timezone

    def answers() -> str | None:
        tick = ui.ask(DRY_RUN, selector={**REPOSITORY_OF_UI, "scheduleName": "daily_refresh"}, at=at)
        return "yes" if tick.get("evaluationResult", {}).get("runRequests") else None

    wait_for(answers, seconds=120)
    assert set(ui.code_servers()) - set(before)


def test_ctrl_c_ends_all_of_it(ui: Ui) -> None:
    """The last one: nobody answers afterwards."""
    parts = ui.code_servers()
    assert parts
    ui.process.send_signal(signal.SIGINT)
    assert ui.process.wait(30) == 0
    wait_for(lambda: "gone" if not any(Path(f"/proc/{pid}").exists() for pid in parts) else None, seconds=30)
