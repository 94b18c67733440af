"""Every order that the asset graph allows makes the same rows: two tables are made at a time, and nothing but what is declared keeps them apart."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
import small_desk
from small_desk import contents, desk_settings, differences, elsewhere, july, make, one_o_clock, takes_minutes

from opsla_dagster.assets.factory import TableAsset
from opsla_dagster.assets.graph import table_assets
from opsla_dagster.settings import Settings

CASES = 60_000  # of 180 days: some hundred a day
FIRST, THEN = july(1, 4), july(3, 6)


def ordered(lines: Mapping[str, TableAsset], key: Callable[[str], float]) -> list[TableAsset]:
    """Of the tables of which everything read is made, always the one with the smallest `key`."""
    made: list[TableAsset] = []
    waiting = {name: {dep for dep in line.deps if dep in lines} for name, line in lines.items()}
    while waiting:
        name = min((name for name, deps in waiting.items() if not deps), key=key)
        del waiting[name]
        for deps in waiting.values():
            deps.discard(name)
        made.append(lines[name])
    return made


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = desk_settings(tmp_path_factory.mktemp("usual"), cases=CASES, gates=False)
    make_twice(settings)
    return settings


def make_twice(settings: Settings) -> None:
    """Other rows are there already, so that what is read too early is not missing but old."""
    make(settings, [FIRST], one_o_clock(FIRST.end))
    make(settings, [THEN], one_o_clock(THEN.end + timedelta(days=1)), is_refresh=True)


@takes_minutes
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_rows_do_not_rest_on_the_order(usual: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    drawn = random.Random(seed)
    lines = {line.name: line for line in table_assets(usual)}
    keys = {name: drawn.random() for name in sorted(lines)}
    monkeypatch.setattr(small_desk, "_in_order", lambda settings: ordered({line.name: line for line in table_assets(settings)}, keys.__getitem__))
    settings = elsewhere(usual, tmp_path)
    make_twice(settings)
    assert differences(contents(settings.home.warehouse), contents(usual.home.warehouse)) == {}
