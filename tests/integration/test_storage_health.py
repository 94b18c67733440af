"""Runs that Dagster launched: the daemon ends those whose process is gone, and only those."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterEventType, DagsterRunStatus
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import PythonFileTarget
from dagster._daemon.monitoring.run_monitoring import execute_run_monitoring_iteration
from dagster_graphql.test.utils import execute_dagster_graphql
from storage_toy import DAYS, FIRST_DAY, LAST_DAY, cases, clocks, days

from opsla_dagster.instance.instance import mark_interrupted_runs, open_instance
from opsla_dagster.instance.launcher import _linux_start, _ps_start, is_process_alive

TOY = Path(__file__).with_name("storage_toy.py")
LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } } }"""


def wait_for(what: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)


def test_a_run_whose_worker_and_code_server_are_killed_ends_as_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = tmp_path / "trace"
    monkeypatch.setenv("TOY_TRACE", str(trace))
    monkeypatch.setenv("TOY_HOLD", "clocks")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.delenv("DAGSTER_EVENT_BATCH_SIZE")  # the worker must get it from the storage's own import
    target = PythonFileTarget(str(TOY), attribute=None, working_directory=str(TOY.parent), location_name="toy")
    with open_instance(tmp_path) as instance, WorkspaceProcessContext(instance, target) as workspace:
        context = workspace.create_request_context()
        run_id = launch(instance, context)
        wait_for(lambda: trace.exists() and "clocks" in trace.read_text())
        _, worker, code_server, batch_size = trace.read_text().splitlines()[-1].split()
        assert batch_size == "10000"

        # Alive: neither the daemon nor the start of an opsla command ends it.
        monitor(workspace)
        assert mark_interrupted_runs(instance) == []
        assert status(instance, run_id) is DagsterRunStatus.STARTED

        os.kill(int(code_server), signal.SIGKILL)
        os.kill(int(worker), signal.SIGKILL)
        wait_for(lambda: not is_process_alive(int(worker), time.time()))
        monitor(workspace)

        assert status(instance, run_id) is DagsterRunStatus.FAILURE
        [failure] = instance.all_logs(run_id, of_type=DagsterEventType.RUN_FAILURE)
        assert "the process that carried out the run is gone" in (failure.get_dagster_event().message or "")
        assert len(instance.get_materialized_partitions(cases.key)) == DAYS
        assert len(instance.get_materialized_partitions(clocks.key)) == 0


def launch(instance: dg.DagsterInstance, context: object) -> str:
    selector = {"repositoryLocationName": "toy", "repositoryName": "__repository__", "jobName": "toy_job"}
    tags = [{"key": key, "value": value} for key, value in days(FIRST_DAY, LAST_DAY).items()]
    params = {"selector": selector, "mode": "default", "executionMetadata": {"tags": tags}}
    run_id: str = execute_dagster_graphql(context, LAUNCH, variables={"params": params}).data["launchRun"]["run"][
        "runId"
    ]
    instance.launch_run(run_id, context)  # what the queue's daemon does
    return run_id


def monitor(workspace: WorkspaceProcessContext) -> None:
    errors = [error for error in execute_run_monitoring_iteration(workspace, logging.getLogger("test")) if error]
    assert errors == []


def status(instance: dg.DagsterInstance, run_id: str) -> DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def test_a_process_is_alive_until_it_ends_and_its_id_is_not_mistaken_for_anothers() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started_at = time.time()
    assert is_process_alive(child.pid, started_at)
    assert is_process_alive(os.getpid(), started_at)
    assert not is_process_alive(child.pid, started_at - 3600), "an hour ago this id was another process's"

    child.kill()
    wait_for(lambda: not is_process_alive(child.pid, started_at))  # a zombie, not yet waited for
    child.communicate()
    assert not is_process_alive(child.pid, started_at)


@pytest.mark.skipif(not (shutil.which("ps") and Path("/proc/stat").exists()), reason="needs both ps and /proc")
def test_both_ways_of_asking_for_a_process_agree() -> None:
    ours, by_ps = _linux_start(os.getpid()), _ps_start(os.getpid())
    assert ours is not None
    assert by_ps is not None
    assert abs(ours - by_ps) < 3
    assert _ps_start(2**22 + 1) is None
    assert _linux_start(2**22 + 1) is None
