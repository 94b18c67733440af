"""Burn alerts open and close without flapping, each told exactly once (docs/decisions/0040-error-budget-and-now.md)."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from opsla_dagster.automation.burning import Burn, changes, record_burns
from opsla_dagster.automation.ledger import FOLDER, Ledger
from opsla_dagster.catalog import TABLES
from opsla_dagster.warehouse.schema_version import SCHEMA_VERSION, VERSION_TABLE

NOON = datetime(2025, 8, 6, 16)


def burn(alert: str, long_burn: float | None, *, is_burning: bool, hours: int = 0, threshold: float = 2.0) -> Burn:
    return Burn("desk", "first_touch", alert, 95.0, threshold, 20, 10, 5, 5, long_burn, long_burn, is_burning, NOON + timedelta(hours=hours))


def test_an_episode_ends_when_the_long_window_has_cooled_down() -> None:
    """The short window is quiet for a while, the long one is not: neither a message that it is over, nor a second one that it began."""
    episodes: dict[str, tuple[str, str]] = {}
    told = []
    for hour, (long_burn, is_burning) in enumerate([(1.0, False), (2.5, True), (2.4, False), (2.4, True), (1.9, False), (1.9, False), (2.0, True)]):
        opened, closed = changes([burn("ticket", long_burn, is_burning=is_burning, hours=hour)], episodes)
        told += [(hour, "opened") for _ in opened] + [(hour, "closed") for _ in closed]
        episodes |= {each.promise: (each.alert, str(each.now_at)) for each in opened}
        for promise, *_ in closed:
            del episodes[promise]
    assert told == [(1, "opened"), (4, "closed"), (6, "opened")]


def test_the_most_urgent_pair_is_told_and_a_more_urgent_one_takes_its_place() -> None:
    slow, ticket, page = burn("slow", 12, is_burning=True, threshold=1), burn("ticket", 12, is_burning=True), burn("page", 12, is_burning=True, threshold=10)
    assert [each.alert for each in changes([slow, ticket], {})[0]] == ["ticket"]
    assert [each.alert for each in changes([slow, ticket, page], {"desk: first_touch": ("ticket", "then")})[0]] == ["page"]
    assert changes([slow, ticket], {"desk: first_touch": ("ticket", "then")}) == ([], [])


def publish(path: Path, *, now_at: datetime, as_of_at: datetime, long_burn: float, is_burning: bool) -> None:
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        for schema in ("mart", "ops"):
            connection.execute(f"create schema {schema}")
        connection.execute(f"create table {VERSION_TABLE} as select {SCHEMA_VERSION} as schema_version, '0.2.0' as opsla_version")
        connection.execute("create table mart.desk_now (now_at timestamp, as_of_at timestamp)")
        connection.execute("insert into mart.desk_now values (?, ?)", [now_at, as_of_at])
        columns = ", ".join(f"{column.name} {column.type}" for column in TABLES["mart.burn_rates"].columns)
        connection.execute(f"create table mart.burn_rates ({columns})")
        connection.execute(
            "insert into mart.burn_rates by name select ? as now_at, 'desk' as policy, 'first_touch' as metric, 'page' as alert, 95.0 as objective_pct, "
            "10.0 as threshold_burn, 20 as long_due_clocks, 12 as long_bad_clocks, 5 as short_due_clocks, 5 as short_bad_clocks, ? as long_burn, "
            "? as short_burn, ? as is_burning",
            [now_at, long_burn, long_burn, is_burning],
        )


def waiting(home: Path) -> list[str]:
    return [each.alert.title for each in Ledger(home / FOLDER).due("alerts.jsonl", 1e12)]


def test_each_episode_is_told_once_however_often_it_is_looked_at(tmp_path: Path) -> None:
    marts = tmp_path / "marts.duckdb"
    publish(marts, now_at=NOON, as_of_at=NOON, long_burn=12.0, is_burning=True)
    for _ in range(2):
        record_burns(marts, tmp_path, ["alerts.jsonl"], "http://ui")
    assert len(waiting(tmp_path)) == 1
    assert "the error budget burns 12 times as fast as it lasts; 12 of 20 clocks" in waiting(tmp_path)[0]
    publish(marts, now_at=NOON + timedelta(hours=3), as_of_at=NOON + timedelta(hours=3), long_burn=3.0, is_burning=False)
    for _ in range(2):
        record_burns(marts, tmp_path, ["alerts.jsonl"], "http://ui")
    assert len(waiting(tmp_path)) == 2
    assert Ledger(tmp_path / FOLDER).episodes() == {}


@pytest.mark.parametrize("age", [timedelta(days=2), timedelta(days=400)])
def test_nobody_is_called_about_the_past(tmp_path: Path, age: timedelta) -> None:
    marts = tmp_path / "marts.duckdb"
    publish(marts, now_at=NOON - age, as_of_at=NOON, long_burn=12.0, is_burning=True)
    record_burns(marts, tmp_path, ["alerts.jsonl"], "http://ui")
    assert waiting(tmp_path) == []
