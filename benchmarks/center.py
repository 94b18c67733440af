"""Fifty readers at the same time in the command centre of a desk of 300,000 cases, while its marts are published again and again.

The centre is a process of its own, so that the operating system tells its memory. A reader goes through the pages as people do: the first screen,
queues, what is open, cases that nobody else looked at, an hour of the past; he reads each for some seconds. Judged are the pages after a warm-up, the
errors of the whole bench, and the memory.
"""

from __future__ import annotations

import http.client
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import duckdb

from benchmarks.desk import REPOSITORY, bare, desk_settings, run_bare, settled_at, window_of
from benchmarks.measure import Asked, Figure
from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import Settings
from opsla_dagster.sources.filled import active_tables
from opsla_dagster.warehouse.publish import publish

READERS = 50
#: Seconds that a reader looks at a page, and that all of them read.
_LOOKS_SECONDS, _READING_SECONDS = (2.0, 6.0), 60.0
_WARM_UP_SECONDS = 15.0
#: Seconds between publications: far more often than any desk runs.
_PUBLISHES_EVERY_SECONDS = 20.0
AT_MOST_MS, AT_MOST_MB, NO_ERROR = Asked(at_most=300), Asked(at_most=1_200), Asked(at_most=0, at_any_scale=True)
_COMMON = ["/", "/queues", "/open", "/open?standing=past_due", "/cases", "/promises", "/flow", "/quality", "/queues?by=priority"]
_SERVE = """
import sys
from pathlib import Path
from opsla_dagster.center.app import serve
from opsla_dagster.center.guard import access
from opsla_dagster.settings import load_settings
serve(load_settings(Path(sys.argv[1]), Path(sys.argv[2])), access("127.0.0.1", [], ""), "127.0.0.1", int(sys.argv[3]), "")
"""


@dataclass(frozen=True)
class Answer:
    """One page as a reader met it: milliseconds after the start of the reading, milliseconds it took, whether it came."""

    at_seconds: float
    took_ms: float
    path: str
    is_right: bool


def measure(place: Path, *, quick: bool) -> list[Figure]:
    """Answers of the pages, memory before and after, errors."""
    settings = desk_settings(place, 3_000 if quick else 300_000)
    window = window_of(settings, 14 if quick else 180)
    run_bare(settings, window, settled_at(window))
    tables = [table.name for table in active_tables(settings.sources) if table.schema in ("mart", "ops") and table.is_published]
    with bare(settings, window, settled_at(window)) as scope:
        publish(scope.connection, settings.home, tables)
    seconds, warm_up = (6.0, 2.0) if quick else (_READING_SECONDS, _WARM_UP_SECONDS)
    with _serving(settings) as (port, process):
        idle_mb = _memory_mb(process.pid)
        paths = _paths(settings)
        answers, published = _read(settings, tables, port, paths, warm_up + seconds)
        busy_mb = _memory_mb(process.pid)
    judged = sorted(answer.took_ms for answer in answers if answer.at_seconds >= warm_up)
    errors = sum(not answer.is_right for answer in answers)
    what = f"{READERS} readers, {len(judged):,} pages, {published} publications"
    return [
        Figure(f"p95 of a page, {what}", _share(judged, 0.95), "ms", "p50", _share(judged, 0.5), asked=AT_MOST_MS),
        Figure("p99 of a page", _share(judged, 0.99), "ms"),
        Figure("memory after that", busy_mb, "MB", "idle", idle_mb, asked=AT_MOST_MB),
        Figure("pages that did not come", float(errors), "errors", asked=NO_ERROR),
    ]


def _share(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _paths(settings: Settings) -> list[str]:
    """Cases and instants to look at, in an order of their own."""
    with duckdb.connect(str(settings.home.marts_database), read_only=True) as marts:
        [now] = marts.execute("select now_at from mart.desk_now").fetchone() or (None,)
    with duckdb.connect(str(settings.home.warehouse), read_only=True) as warehouse:
        cases = warehouse.execute("select case_id from staging.case_milestones using sample 2000 (reservoir, 7)").fetchall()
    assert now is not None
    instants = [f"/?at={now - timedelta(hours=hours):%Y-%m-%dT%H:00:00}Z" for hours in (3, 24, 30, 48)]
    return [*instants, *(f"/case?id={quote(case_id)}" for (case_id,) in cases)]


def _read(settings: Settings, tables: list[str], port: int, others: list[str], seconds: float) -> tuple[list[Answer], int]:
    """What the readers met in so many seconds, and how often the marts were published meanwhile."""
    began = time.monotonic()
    is_over = threading.Event()

    def read(reader: int) -> list[Answer]:
        chance = random.Random(reader)
        answers = []
        time.sleep(chance.uniform(0, _LOOKS_SECONDS[1]))
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while not is_over.is_set():
            path = chance.choice(_COMMON) if chance.random() < 0.8 else chance.choice(others)
            at = time.monotonic()
            is_right = False
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                is_right = b"</html>" in answer.read() and answer.status == 200
            except (OSError, http.client.HTTPException):
                connection.close()
            answers.append(Answer(at - began, (time.monotonic() - at) * 1000, path, is_right))
            is_over.wait(chance.uniform(*_LOOKS_SECONDS))
        return answers

    def publish_again() -> int:
        times = 0
        with duckdb.connect(str(settings.home.warehouse), config={"threads": 1}) as warehouse:
            while not is_over.wait(_PUBLISHES_EVERY_SECONDS if seconds > _PUBLISHES_EVERY_SECONDS else 1.0):
                publish(warehouse, settings.home, tables)
                times += 1
        return times

    with ThreadPoolExecutor(READERS + 1) as pool:
        publishing = pool.submit(publish_again)
        reading = [pool.submit(read, reader) for reader in range(READERS)]
        time.sleep(seconds)
        is_over.set()
        return [answer for each in reading for answer in each.result()], publishing.result()


@contextmanager
def _serving(settings: Settings) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-c", _SERVE, str(settings.config_directory), str(settings.home.root), str(port)]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(REPOSITORY)})
    try:
        while not _answers(port):
            if process.poll() is not None:
                raise OpslaError("center: the server that was to be measured has ended")
            time.sleep(0.1)
        yield port, process
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/api/generation")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _memory_mb(pid: int) -> float:
    """What the process holds for itself and its share of what it has in common with others (PSS)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) / 1024
