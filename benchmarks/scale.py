"""Ten times the cases in the same window, with DuckDB held to 2 GB of memory: time and peak memory of `opsla run`.

Each run is a process of its own, as a person would start it, so that the operating system tells its peak memory: DuckDB's
buffers, and beside them what Python, Arrow and NumPy hold of a month of generated events.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from benchmarks.desk import REPOSITORY, desk_settings, window_of
from benchmarks.measure import Asked, Cost, Figure, compared
from opsla_dagster.errors import OpslaError

MEMORY_LIMIT = "2GB"
GROWTH = 10
#: A process's peak memory begins with that of who starts it: a small one in between starts it, and says the peak last.
_IN_BETWEEN = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""
#: Linear within 1.2x.
ASKED = Asked(at_most=1.2 * GROWTH)


@dataclass(frozen=True)
class _Ran:
    cost: Cost
    peak_gb: float
    warehouse_gb: float


def measure(place: Path, *, quick: bool) -> list[Figure]:
    cases, days = (18_000, 3) if quick else (300_000, 180)
    once, tenfold = _run(place / "once", cases, days), _run(place / "tenfold", GROWTH * cases, days)
    what, than = f"opsla run --cases {GROWTH * cases}", f"--cases {cases}"
    return [
        compared(f"{what}, memory_limit {MEMORY_LIMIT}", tenfold.cost, than, once.cost, ASKED),
        Figure("  peak memory of the process", tenfold.peak_gb, "GB", than, once.peak_gb, tenfold.peak_gb / once.peak_gb),
        Figure(
            "  size of the warehouse", tenfold.warehouse_gb, "GB", than, once.warehouse_gb,
            tenfold.warehouse_gb / once.warehouse_gb,
        ),
    ]


def _run(home: Path, cases: int, days: int) -> _Ran:
    settings = desk_settings(home, cases)
    window = window_of(settings, days)
    as_of_at = window.end + timedelta(days=90)
    command = [
        sys.executable, "-m", "opsla_dagster.cli", "run", "--cases", str(cases), "--end", str(window.end),
        "--as-of", str(as_of_at),
    ]
    environment = {
        **os.environ, "OPSLA_HOME": str(home), "OPSLA_CONFIG": str(settings.config_directory), "PYTHONPATH": str(REPOSITORY),
        "OPSLA_MEMORY_LIMIT": MEMORY_LIMIT,
    }
    cost, peak_gb = watched(command, environment, home / "messages.txt")
    return _Ran(cost, peak_gb, settings.home.warehouse.stat().st_size / 1e9)


def watched(command: list[str], environment: Mapping[str, str], messages: Path) -> tuple[Cost, float]:
    """The cost of a process and its peak memory in GB. Raises OpslaError with its last words when it fails."""
    started = time.perf_counter()
    with messages.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _IN_BETWEEN, *command], env=dict(environment), stdout=output, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        last_words = messages.read_text(encoding="utf-8").strip()[-2000:]
        raise OpslaError(f"{' '.join(command)} ended with exit code {process.returncode}:\n{last_words}")
    cost = Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime)
    in_bytes = 1 if sys.platform == "darwin" else 1024
    return cost, int(messages.read_text(encoding="utf-8").split()[-1]) * in_bytes / 1e9
