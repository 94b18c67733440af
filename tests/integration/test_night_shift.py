"""A night without anybody: a real daemon notices a new file or a marker, is killed or its run is, and the rerun makes it good."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import dagster as dg
from cli import REPOSITORY, environment, opsla
from small_desk import HORIZON, log_of, rows, takes_minutes, write_config

from opsla_dagster.assets.scope import AS_OF_TAG
from opsla_dagster.instance.instance import open_instance
from opsla_dagster.instance.launcher import WatchedRunLauncher
from opsla_dagster.instance.settings import prepare_dagster_home

LOG = "number,state,at\nA1,New,2025-07-01 14:00:00\nA1,Done,2025-07-01 16:00:00\nA3,New,2025-07-03 14:00:00\n"
T = TypeVar("T")


@contextmanager
def daemon(home: Path, config: Path, command: Sequence[str] = (sys.executable, "-m", "opsla_dagster.cli", "daemon"), **variables: str) -> Iterator[None]:
    """`opsla daemon` (or `command`), ended with everything it started."""
    with (home.parent / "daemon.log").open("a") as log:
        process = subprocess.Popen(command, env=environment(home, config, **variables), cwd=REPOSITORY, stdout=log, stderr=log, start_new_session=True)
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(what: Callable[[], T | None], seconds: float = 240) -> T:
    give_up_at = time.monotonic() + seconds
    while (found := what()) is None:
        assert time.monotonic() < give_up_at, f"nothing within {seconds} seconds"
        time.sleep(0.2)
    return found


@takes_minutes
def test_a_new_file_is_refreshed_from_once_although_the_run_is_killed(tmp_path: Path) -> None:
    log, home = tmp_path / "log.csv", tmp_path / "home"
    log.write_text(LOG, encoding="utf-8")
    desk = {"timezone": "America/New_York", "start_date": date(2025, 7, 1)}
    config = write_config(tmp_path / "config", {"desk": desk, "sources": [log_of(log, refresh_on_new_files=True)]})
    # Loaded when its dates had just gone by: nothing else is due but what follows until today.
    done = opsla("run", "--end", "2025-07-04", home=home, config=config)
    assert done.returncode == 0, done.stderr

    with open_instance(home) as instance:
        first_run = {run.run_id for run in instance.get_runs()}

        def by_sensor() -> list[dg.DagsterRun]:
            return [run for run in instance.get_runs() if run.tags.get("dagster/sensor_name") == "refresh_on_new_files"]

        with daemon(home, config):
            log.write_text(LOG.replace("A3", "A2,New,2025-07-02 14:00:00\nA3", 1), encoding="utf-8")
            begun = wait_for(lambda: next((run for run in by_sensor() if "dagster/max_retries" in run.tags), None))
            launcher = instance.run_launcher
            assert isinstance(launcher, WatchedRunLauncher)
            worker = launcher._worker(begun)
            assert worker is not None
            os.kill(worker[0], signal.SIGKILL)
            again = wait_for(lambda: next((run for run in instance.get_runs() if run.parent_run_id == begun.run_id and run.is_finished), None))
            time.sleep(65)  # two more looks at the files

        assert again.is_success
        assert again.tags[AS_OF_TAG] == begun.tags[AS_OF_TAG]
        assert again.tags["opsla/refresh"] == begun.tags["opsla/refresh"]
        refreshes = [run for run in instance.get_runs() if run.run_id not in first_run and run.job_name == "refresh"]
        assert {run.run_id for run in refreshes} == {begun.run_id, again.run_id}
    assert rows(home / "marts.duckdb", "select opened_cases from mart.sla_daily where intake_date = '2025-07-02'") == [(1,)]
    path = home / "alerts.jsonl"
    alerts = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    assert [alert["title"] for alert in alerts if alert["severity"] == "ERROR"] == [], "the rerun made it good"


@takes_minutes
def test_a_marker_is_refreshed_from_once_although_the_daemon_is_restarted(tmp_path: Path) -> None:
    folder, home = tmp_path / "drops", tmp_path / "home"
    folder.mkdir()
    (folder / "a.csv").write_text(LOG, encoding="utf-8")
    (folder / "1.ready").touch()
    sources = {
        "desk": {"timezone": "America/New_York", "start_date": date(2025, 7, 1)}, "drop_folders": {"esc": {"path": str(folder)}},
        "sources": [log_of(folder / "*.csv")],
    }  # fmt: skip
    config = write_config(tmp_path / "config", sources)
    done = opsla("run", "--end", "2025-07-04", home=home, config=config)
    assert done.returncode == 0, done.stderr

    with open_instance(home) as instance:

        def by_sensor() -> list[dg.DagsterRun]:
            return [run for run in instance.get_runs() if run.tags.get("dagster/sensor_name") == "refresh_on_drops"]

        def finished() -> dg.DagsterRun | None:
            return next((run for run in by_sensor() if run.is_finished), None)

        with daemon(home, config):
            (folder / "b.csv").write_text("number,state,at\nA2,New,2025-07-02 14:00:00\n", encoding="utf-8")
            time.sleep(35)  # a look at files without their marker
            assert not by_sensor()
            (folder / "2.ready").touch()
            wait_for(lambda: by_sensor() or None)
        # Killed with its run, if it had begun: the next daemon makes it good, and asks for no other.
        (folder / "half.csv").write_text("number,state,at\nA4,New,2025-07-0", encoding="utf-8")
        with daemon(home, config):
            wait_for(finished)
            time.sleep(65)  # two more looks
        asked = {run.tags["dagster/run_key"] for run in by_sensor()}
        assert len(asked) == 1, "every run of this sensor is a rerun of the one that it asked for"

    opened = rows(home / "marts.duckdb", "select intake_date, opened_cases from mart.sla_daily where opened_cases > 0 order by intake_date")
    assert opened == [(date(2025, 7, 1), 1), (date(2025, 7, 2), 1), (date(2025, 7, 3), 1)], "what has no marker is in no table"


@takes_minutes
def test_a_night_whose_log_is_late_is_made_by_its_next_try_as_of_the_night(tmp_path: Path) -> None:
    """A real daemon, whose night is two minutes long (short_night.py)."""
    log, home = tmp_path / "log.csv", tmp_path / "home"
    log.write_text(LOG, encoding="utf-8")
    # Somewhere it is neither close to midnight nor before: the night and its tries are of one date.
    zone = next(name for name in ("UTC", "Asia/Singapore") if 1 <= datetime.now(ZoneInfo(name)).hour < 20)
    desk = {"timezone": zone, "start_date": date(2025, 7, 1)}
    config = write_config(tmp_path / "config", {"desk": desk, "sources": [log_of(log)]})
    calendars = config / "calendars.yml"
    reach = {"America/New_York": zone, HORIZON["end"]: f"{date.today().year + 1}-12-31"}
    text = calendars.read_text(encoding="utf-8")
    for shipped, ours in reach.items():
        text = text.replace(shipped, ours)
    calendars.write_text(text, encoding="utf-8")
    done = opsla("run", "--end", "2025-07-04", home=home, config=config)
    assert done.returncode == 0, done.stderr
    workspace = tmp_path / "workspace.yaml"
    workspace.write_text(f"load_from:\n  - python_file: {{relative_path: {Path(__file__).with_name('short_night.py')}, location_name: opsla}}\n", encoding="utf-8")
    away = log.rename(tmp_path / "away.csv")
    # Late enough for the daemon to have started by then, on a machine that others use too.
    night = (datetime.now(ZoneInfo(zone)) + timedelta(seconds=105)).replace(second=0, microsecond=0)

    with open_instance(home) as instance:

        def ticks(schedule: str) -> list[tuple[str, str]]:
            """Status and reason of each tick, the first one first."""
            states = [state for state in instance.all_instigator_state() if state.instigator_name == schedule]
            found = [tick for state in states for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id)]
            return [(tick.status.value, tick.skip_reason or "") for tick in reversed(found) if tick.status.value != "STARTED"]

        def by_schedules() -> list[dg.DagsterRun]:
            return [run for run in instance.get_runs() if "dagster/schedule_name" in run.tags]

        command = [str(Path(sys.executable).with_name("dagster-daemon")), "run", "--workspace", str(workspace)]
        with daemon(home, config, command, SHORT_NIGHT=f"{night:%H:%M}", DAGSTER_HOME=str(prepare_dagster_home(home))):
            ((status, reason),) = wait_for(lambda: ticks("daily_refresh") or None)
            assert (status, reason) == ("SKIPPED", f"trying again at {night + timedelta(minutes=1):%H:%M}: {reason.partition(': ')[2]}")
            assert f"{log}: no such file" in reason
            away.rename(log)
            run = wait_for(lambda: next((run for run in by_schedules() if run.is_finished), None))
            wait_for(lambda: ticks("daily_refresh_retry")[1:] or None)

        assert run.is_success, [entry.user_message for entry in instance.all_logs(run.run_id) if entry.level >= logging.ERROR]
        assert run.tags["dagster/schedule_name"] == "daily_refresh_retry"
        assert run.tags[AS_OF_TAG] == night.astimezone(UTC).isoformat(), "as of the night, not of the try"
        assert len(by_schedules()) == 1
        assert ticks("daily_refresh_retry")[1] == ("SKIPPED", "daily_refresh has not asked for another try")
