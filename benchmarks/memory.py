"""20 million records of a log, loaded within OPSLA_MEMORY_LIMIT: over half a year of intake dates, all on one date, and one record again and again.

What is judged is the peak of all processes together over the limit: what Python, Arrow and the readers of files hold beside DuckDB's
buffers. The files are 150 MB packed; what does not fit into memory is on the disk, 15 GB of it. One record again and again is 600 MB and not
packed: a gzip of it would be a 400th of that, which a load refuses.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import duckdb
import yaml

from benchmarks.desk import REPOSITORY
from benchmarks.measure import Asked, Figure
from opsla_dagster.errors import OpslaError

#: Beside DuckDB's limit. A record is 100 to 200 bytes; without a bound the larger scale would take 20 GB.
AT_MOST_MB = Asked(at_most=500, at_any_scale=True)
_LIMIT_MB, _QUICK_LIMIT_MB = 2_000, 512
_ROWS, _QUICK_ROWS = 20_000_000, 400_000
_DAYS = 180
_LOOK_EVERY_SECONDS = 0.2
#: ticket, status, when: four records a case.
_CASES = """
    select n as number, (['New', 'Active', 'Waiting', 'Done'])[place + 1] as state, {opened} + to_hours(cast(place as integer)) as at, 'P' || (n % 4) as prio
    from range({cases}) as cases (n), range(4) as places (place)
"""
#: The file of each kind of log, its SELECT, and when a case of that is opened.
_FILES = {
    "over half a year": ("log.csv.gz", _CASES, f"timestamp '2025-07-01' + to_seconds(cast(n * {_DAYS} * 86400 // {{cases}} as bigint))"),
    "all on one date": ("log.csv.gz", _CASES, "timestamp '2025-07-01 12:00' + to_seconds(cast(n % 3600 as bigint))"),
    "one record again and again": ("log.csv", "select 1 as number, 'New' as state, timestamp '2025-07-01 12:00' as at, 'P1' as prio from range(4 * {cases})", ""),
}
_SOURCE = {
    "type": "event_log", "name": "bench", "time": {"timezone": "UTC"},
    "columns": {"case_id": "number", "status": "state", "event_ts": "at", "priority": "prio"},
    "statuses": {"New": "INTAKE", "Active": "INVESTIGATION", "Waiting": "CUSTOMER_WAIT", "Done": "RESOLVED"},
}


def measure(place: Path, *, quick: bool) -> list[Figure]:
    rows, limit_mb = (_QUICK_ROWS, _QUICK_LIMIT_MB) if quick else (_ROWS, _LIMIT_MB)
    figures = []
    for number, (what, (file, select, opened)) in enumerate(_FILES.items()):
        directory = place / str(number)
        directory.mkdir(parents=True)
        _write(directory / file, select.format(opened=opened.format(cases=rows // 4), cases=rows // 4))
        seconds, peak_mb, loaded = _run(directory, directory / file, limit_mb)
        if loaded != rows:
            raise OpslaError(f"memory: {rows} records were written, {loaded} were read")
        figures += [
            Figure(f"{rows} records {what}, from log to report, limit {limit_mb} MB", seconds, "s"),
            Figure("  peak memory beyond the limit", max(peak_mb - limit_mb, 0.0), "MB", asked=AT_MOST_MB),
        ]
    return figures


def _write(path: Path, select: str) -> None:
    with duckdb.connect(config={"memory_limit": "1GB", "threads": 1}) as connection:
        connection.execute(f"copy ({select}) to '{path}' (header)")


def _run(directory: Path, log: Path, limit_mb: int) -> tuple[float, float, int]:
    """Seconds, the peak in MB, and the records that were read, of an `opsla run`."""
    config = directory / "config"
    shutil.copytree(REPOSITORY / "config", config)
    sources = {"desk": {"timezone": "America/New_York", "start_date": "2025-06-30"}, "sources": [{**_SOURCE, "files": str(log)}]}
    (config / "sources.yml").write_text(yaml.safe_dump(sources), encoding="utf-8")
    (config / "quality_gates.yml").write_text("gates: {}\n", encoding="utf-8")
    environment = {
        **os.environ, "OPSLA_HOME": str(directory / "home"), "OPSLA_CONFIG": str(config), "PYTHONPATH": str(REPOSITORY),
        "OPSLA_MEMORY_LIMIT": f"{limit_mb}MB",
    }
    started = time.perf_counter()
    messages = directory / "messages.txt"
    peak_mb = _peak_of([sys.executable, "-m", "opsla_dagster.cli", "run", "--as-of", "2026-06-01"], environment, messages)
    with duckdb.connect(str(directory / "home" / "ops_warehouse.duckdb"), read_only=True) as warehouse:
        (loaded,) = warehouse.execute("select (select count(*) from raw.events_log) + (select count(*) from raw.rejected_rows)").fetchall()[0]
    return time.perf_counter() - started, peak_mb, loaded


def _peak_of(command: list[str], environment: Mapping[str, str], messages: Path) -> float:
    """The peak of the process and its children in MB. Raises OpslaError with its last words when it fails."""
    peak_mb = 0.0
    with messages.open("w") as output, subprocess.Popen(command, env=dict(environment), stdout=output, stderr=subprocess.STDOUT) as process:
        while process.poll() is None:
            peak_mb = max(peak_mb, _resident_mb(process.pid))
            time.sleep(_LOOK_EVERY_SECONDS)
    if process.returncode:
        raise OpslaError(f"memory: opsla run failed: {messages.read_text()[-2_000:]}")
    return peak_mb


def _resident_mb(pid: int) -> float:
    """What a process and its descendants hold together in MB; 0 for one that has ended."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,rss="], capture_output=True, text=True, check=True).stdout.split()
    held_kb = dict(zip(map(int, listed[::3]), map(int, listed[2::3]), strict=True))
    parents = dict(zip(map(int, listed[::3]), map(int, listed[1::3]), strict=True))
    family = [pid]
    for member in family:  # it grows
        family += [child for child, parent in parents.items() if parent == member]
    return sum(held_kb.get(member, 0) for member in family) * 1_024 / 1e6
