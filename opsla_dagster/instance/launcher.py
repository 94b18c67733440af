"""Dagster's default run launcher, able to tell the daemon that a run's process is gone.

Belongs here: the class that `run_launcher` in dagster.yaml names. Does not belong here: ending runs at the start of
`opsla` (instance.py). The stock launcher reports no health, so a run whose code server died with it stays STARTED for
ever and, with one run at a time, blocks every later one.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

from dagster import DagsterEventType, DagsterRun
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher

from opsla_dagster.instance.lease import PROCESS_TAG, Owner, owner_of

_STARTED_PROCESS = re.compile(r"Started process for run \(pid: (\d+)\)")
# Clocks of the event and of the process differ by rounding and by small corrections.
CLOCK_SLACK_SECONDS = 10.0


class WatchedRunLauncher(DefaultRunLauncher):
    """Launches runs as Dagster does by default, and lets run monitoring end those whose process is gone."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """RUNNING while the run's process lives or nothing is known of it; NOT_FOUND once it is gone."""
        if PROCESS_TAG in run.tags:
            is_gone = owner_of(self._instance, run.tags[PROCESS_TAG]) is Owner.GONE
        else:
            worker = self._worker(run)
            is_gone = worker is not None and not is_process_alive(*worker)
        if is_gone:
            return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "the process that carried out the run is gone")
        return CheckRunHealthResult(WorkerStatus.RUNNING)

    def _worker(self, run: DagsterRun) -> tuple[int, float] | None:
        """The run's process id and the instant (epoch seconds) at which it reported its start."""
        for entry in self._instance.all_logs(run.run_id, of_type=DagsterEventType.ENGINE_EVENT):
            started = _STARTED_PROCESS.search(entry.get_dagster_event().message or "")
            if started:
                return int(started[1]), entry.timestamp
        return None


def is_process_alive(pid: int, seen_at: float) -> bool:
    """Whether the process that had this id at `seen_at` (epoch seconds) still runs; the id may be another's by now."""
    started_at = _linux_start(pid) if Path("/proc/stat").exists() else _ps_start(pid)
    return started_at is not None and started_at <= seen_at + CLOCK_SLACK_SECONDS


def _linux_start(pid: int) -> float | None:
    """Epoch seconds at which the process started; None when it does not run (any more)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the command before it may hold anything
    state, start_ticks = fields[0], int(fields[19])
    if state in "ZX":
        return None
    booted_at = re.search(r"^btime (\d+)$", Path("/proc/stat").read_text(encoding="utf-8"), re.MULTILINE)
    return float(booted_at[1]) + start_ticks / os.sysconf("SC_CLK_TCK") if booted_at else None


def _ps_start(pid: int) -> float | None:
    """The same from `ps`, where there is no /proc (macOS)."""
    found = subprocess.run(["ps", "-o", "stat=,etime=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, elapsed = found.stdout.strip().partition(" ")
    if not elapsed or state.startswith("Z"):
        return None
    return time.time() - _elapsed_seconds(elapsed.strip())


def _elapsed_seconds(etime: str) -> int:
    """`[[days-]hours:]minutes:seconds` as seconds."""
    days, _, clock = etime.rpartition("-")
    hours, minutes, seconds = ([0, 0, 0] + [int(part) for part in clock.split(":")])[-3:]
    return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds
