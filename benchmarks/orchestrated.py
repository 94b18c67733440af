"""The whole orchestrated run beside the same work bare, and beside Dagster's stock event storage.

Orchestrated: what `opsla run` carries out, with every check and the publishing, on a fresh home. Bare: the same
generation, SELECTs and writes called one after the other, without Dagster, checks and publishing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from benchmarks.desk import Scale, desk_settings, run_bare, run_orchestrated, settled_at, window_of
from benchmarks.measure import Asked, Cost, Figure, alone, cheapest, compared, cost_of
from opsla_dagster.instance.settings import SETTINGS_FILE, embedded_settings

FULL = Scale(cases=300_000, days=180, rounds=2)
QUICK = Scale(cases=20_000, days=2, rounds=1)
ASKED = Asked(at_most=4.0)
_BATCH_SIZE = "DAGSTER_EVENT_BATCH_SIZE"


def measure(place: Path, *, quick: bool) -> list[Figure]:
    scale = QUICK if quick else FULL
    bare, orchestrated = [], []
    for _ in range(scale.rounds):
        bare.append(_bare(place / "bare", scale))
        orchestrated.append(_orchestrated(place / "orchestrated", scale))
    with _stock_storage(place / "stock"):
        stock = _orchestrated(place / "stock", scale)
    return [
        alone(f"generate and all SQL bare, {scale.days} intake dates", cheapest(bare)),
        compared("the orchestrated run", cheapest(orchestrated), "the same bare", cheapest(bare), ASKED),
        compared("  with Dagster's stock storage", stock, "the same bare", cheapest(bare)),
        compared("  with Dagster's stock storage", stock, "the orchestrated run", cheapest(orchestrated)),
    ]


def _bare(home: Path, scale: Scale) -> Cost:
    settings = desk_settings(home, scale.cases)
    window = window_of(settings, scale.days)
    cost = cost_of(lambda: run_bare(settings, window, settled_at(window)))
    shutil.rmtree(home)
    return cost


def _orchestrated(home: Path, scale: Scale) -> Cost:
    settings = desk_settings(home, scale.cases)
    window = window_of(settings, scale.days)
    cost = cost_of(lambda: run_orchestrated(settings, window))
    shutil.rmtree(home)
    return cost


@contextmanager
def _stock_storage(home: Path) -> Iterator[None]:
    """Dagster's own SQLite storage in `home`, storing one event at a time: what a user has who configures nothing."""
    directory = home / "dagster"
    directory.mkdir(parents=True)
    settings: dict[str, Any] = {
        **embedded_settings(), "storage": {"sqlite": {"base_dir": str(directory)}}
    }
    # Without the first line of opsla's own file, opsla leaves it alone.
    (directory / SETTINGS_FILE).write_text(yaml.safe_dump(settings), encoding="utf-8")
    size = os.environ.pop(_BATCH_SIZE, None)
    try:
        yield
    finally:
        if size is not None:
            os.environ[_BATCH_SIZE] = size
