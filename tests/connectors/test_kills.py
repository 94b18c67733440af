"""A load that is killed (SIGKILL) at any point loses nothing and stores nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from accounts import DESK, everything, home_in, zendesk_settings
from desks import fill
from effort import takes_minutes
from fake_zendesk import FakeZendesk

from opsla_dagster.sources.zendesk.load import load_zendesk

TABLES = ("tickets", "ticket_events", "metric_events", "metric_sets", "agents", "groups")
REPOSITORY = Path(__file__).parents[2]

#: Loads the account, and is killed at the n-th time that a point is reached.
CHILD = """
import os, signal, sys
address, home, point, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
sys.path.insert(0, os.path.join(os.getcwd(), "tests", "connectors"))
from pathlib import Path
from accounts import DESK, zendesk_settings
from opsla_dagster.settings.home import Home
from opsla_dagster.sources.bronze.http import Api
from opsla_dagster.sources.bronze.loading import Load
from opsla_dagster.sources.zendesk.load import load_zendesk
from dlt.destinations.impl.duckdb.sql_client import DuckDbSqlClient
from dlt.pipeline.pipeline import Pipeline

PLACES = {"ask": (Api, "get"), "extract": (Pipeline, "extract"), "normalize": (Pipeline, "normalize"), "load": (Pipeline, "load"),
          "statement": (DuckDbSqlClient, "execute_sql"), "statements": (DuckDbSqlClient, "execute_many")}
name, when = point.split("-")
owner, method = PLACES[name]
original, seen = getattr(owner, method), 0

def watched(*arguments, **named):
    global seen
    seen += 1
    if seen == count and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    answer = original(*arguments, **named)
    if seen == count and when == "after":
        os.kill(os.getpid(), signal.SIGKILL)
    return answer

setattr(owner, method, watched)
Load.hold_back_rows = 0
load_zendesk(zendesk_settings(address, slice_pages=3), DESK, Home(Path(home)))
"""

#: Asking, extracting, normalising, between loading and done, and in the midst of DuckDB's own statements.
POINTS = [
    ("ask-before", 9), ("load-before", 3), ("statement-after", 30),
    ("ask-after", 20), ("extract-before", 2), ("extract-after", 3), ("normalize-before", 4), ("normalize-after", 2), ("load-after", 2),
    ("statement-before", 44), ("statement-after", 75), ("statement-after", 12), ("statements-after", 3),
]  # fmt: skip


def killed_at(fake: FakeZendesk, home: Path, point: str, count: int) -> int:
    command = [sys.executable, "-c", CHILD, fake.address, str(home), point, str(count)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode


@pytest.mark.parametrize("points", [POINTS[2:3], pytest.param(POINTS, marks=takes_minutes)], ids=["one", "all"])
def test_kills_lose_nothing_and_double_nothing(points: list[tuple[str, int]], zendesk: FakeZendesk, tmp_path: Path) -> None:
    home = home_in(tmp_path)
    kills = 0
    for number, (point, count) in enumerate(points):
        fill(zendesk, 7, first=1 + 10 * number)
        kills += killed_at(zendesk, home.root, point, count) != 0
    assert kills >= max(1, len(points) - 2), "the points are reached"

    load_zendesk(zendesk_settings(zendesk.address), DESK, home)
    fresh = home_in(tmp_path / "fresh")
    load_zendesk(zendesk_settings(zendesk.address), DESK, fresh)

    assert everything(home, "acme", TABLES) == everything(fresh, "acme", TABLES)


@takes_minutes
def test_a_file_that_was_moved_away_or_restored_after_a_kill_has_no_gap(zendesk: FakeZendesk, tmp_path: Path) -> None:
    """What a killed load left beside the file belongs to a state of it that is gone."""
    home = home_in(tmp_path)
    path = home.bronze / "acme.duckdb"
    fill(zendesk, 8)
    load_zendesk(zendesk_settings(zendesk.address), DESK, home)
    backup = path.read_bytes()
    fill(zendesk, 8, first=11)
    load_zendesk(zendesk_settings(zendesk.address), DESK, home)
    fill(zendesk, 8, first=21)
    assert killed_at(zendesk, home.root, "load-before", 2) != 0

    path.write_bytes(backup)
    load_zendesk(zendesk_settings(zendesk.address), DESK, home)
    assert len(everything(home, "acme", TABLES)["ticket_events"]) == len(zendesk.audits)

    fill(zendesk, 8, first=31)
    assert killed_at(zendesk, home.root, "load-before", 2) != 0
    path.unlink()
    load_zendesk(zendesk_settings(zendesk.address), DESK, home)
    assert len(everything(home, "acme", TABLES)["ticket_events"]) == len(zendesk.audits)
