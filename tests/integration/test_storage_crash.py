"""kill -9 of a run: an asset has none or all of its partitions, the run ends as failed, the same dates run again."""

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterEventType, DagsterRunStatus
from dagster._core.launcher.base import WorkerStatus
from storage_toy import ASSETS, DAYS, FIRST_DAY, LAST_DAY, clocks, daily, days, run_all, totals

from opsla_dagster.instance.instance import mark_interrupted_runs, open_instance
from opsla_dagster.instance.lease import PROCESS_TAG, process_tags

ROOT = Path(__file__).parents[2]
PARTITIONED = [asset for asset in ASSETS if asset is not totals]
# Batch 1 is the plan of the whole run, 2 the partitions of the first asset, 3 those of the second.
POINTS = [
    "batch 1 before",
    "batch 1 within",
    "batch 1 after",
    "batch 3 before",
    "batch 3 within",
    "batch 3 after",
    "asset clocks",
    "asset totals",
    "asset daily",  # for the daemon's test
    "after 40 ms",
    "after 80 ms",
    "after 120 ms",
]


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A home for each point, with a range run that died there."""
    homes = {point: tmp_path_factory.mktemp(point.replace(" ", "_")) for point in POINTS}
    toy = Path(__file__).with_name("storage_toy.py")
    said, complained = (homes["batch 1 before"].parent / name for name in ("crashes.out", "crashes.err"))
    # Into files: the process with which Dagster copies the output of a run may outlive a run that was killed, and a pipe would never end.
    with said.open("w") as out, complained.open("w") as err:
        command = [sys.executable, str(toy), *(f"{home}={point}" for point, home in homes.items())]
        subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=out, stderr=err, check=True, timeout=300)
    exit_codes = dict(zip(POINTS, said.read_text().split(), strict=True))
    assert {point: code for point, code in exit_codes.items() if code != "-9"} == {}, complained.read_text()[-2000:]
    return homes


@pytest.mark.parametrize("point", [point for point in POINTS if point != "asset daily"])
def test_a_killed_run_leaves_whole_assets_and_ends_as_failed(homes: dict[str, Path], point: str) -> None:
    with open_instance(homes[point]) as instance:
        unfinished = [run.run_id for run in instance.get_runs() if not run.is_finished]
        for asset in PARTITIONED:
            assert len(instance.get_materialized_partitions(asset.key)) in (0, DAYS), asset.key

        ended = mark_interrupted_runs(instance)

        assert ended == unfinished
        assert all(run.status is DagsterRunStatus.FAILURE for run in instance.get_runs())
        assert mark_interrupted_runs(instance) == []
        assert list((homes[point] / "dagster" / "processes").glob("*")) == []


def test_what_was_done_before_the_kill_is_kept_and_the_same_dates_run_again(homes: dict[str, Path]) -> None:
    with open_instance(homes["batch 3 after"]) as instance:
        mark_interrupted_runs(instance)
        assert len(instance.get_materialized_partitions(clocks.key)) == DAYS
        assert len(instance.get_materialized_partitions(daily.key)) == 0

        assert run_all(instance, {**days(FIRST_DAY, LAST_DAY), **process_tags(instance)}).success

        assert all(len(instance.get_materialized_partitions(asset.key)) == DAYS for asset in PARTITIONED)
        assert mark_interrupted_runs(instance) == []


def test_the_failure_says_what_happened_and_reaches_run_failure_sensors(homes: dict[str, Path]) -> None:
    with open_instance(homes["asset totals"]) as instance:
        mark_interrupted_runs(instance)
        [change] = instance.fetch_run_status_changes(DagsterEventType.RUN_FAILURE, limit=5).records
        [run] = instance.get_runs()

    assert change.event_log_entry.run_id == run.run_id
    message = change.event_log_entry.get_dagster_event().message or ""
    assert message.startswith("Interrupted: the opsla process that carried out this run")
    assert run.tags[PROCESS_TAG] in message


def test_runs_of_living_and_of_unknown_processes_are_left_alone(tmp_path: Path) -> None:
    with open_instance(tmp_path) as instance:
        job = dg.Definitions(assets=ASSETS).resolve_implicit_global_asset_job_def()
        for tags in (process_tags(instance), {}, {PROCESS_TAG: "elsewhere-1-00000000"}):
            instance.create_run_for_job(job, tags=tags, status=DagsterRunStatus.STARTED)

        assert mark_interrupted_runs(instance) == []
        assert {run.status for run in instance.get_runs()} == {DagsterRunStatus.STARTED}
        assert len(list((tmp_path / "dagster" / "processes").glob("*.lock"))) == 1


def test_the_daemon_also_sees_that_an_opsla_process_is_gone(homes: dict[str, Path]) -> None:
    with open_instance(homes["asset daily"]) as instance:
        [killed] = instance.get_runs()
        job = dg.Definitions(assets=ASSETS).resolve_implicit_global_asset_job_def()
        alive, untagged, elsewhere = (
            instance.create_run_for_job(job, tags=tags, status=DagsterRunStatus.STARTED)
            for tags in (process_tags(instance), {}, {PROCESS_TAG: "elsewhere-1-00000000"})
        )

        health = {
            run.run_id: instance.run_launcher.check_run_worker_health(run).status
            for run in (killed, alive, untagged, elsewhere)
        }

        assert killed.status is DagsterRunStatus.STARTED
        assert health == {
            killed.run_id: WorkerStatus.NOT_FOUND,
            alive.run_id: WorkerStatus.RUNNING,
            untagged.run_id: WorkerStatus.RUNNING,
            elsewhere.run_id: WorkerStatus.RUNNING,
        }
