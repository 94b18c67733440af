"""Burn alerts open and close without flapping, each told exactly once (docs/decisions/0040-error-budget-and-now.md)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import duckdb
import pytest

from opsla_dagster.automation.alert import Alert
from opsla_dagster.automation.burning import Burn, Change, changes, record_burns
from opsla_dagster.automation.ledger import FOLDER, Episodes, Ledger
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
        for change in changes([burn("ticket", long_burn, is_burning=is_burning, hours=hour)], episodes):
            told.append((hour, "closed" if change.burn is None else "opened"))
            if change.burn is None:
                del episodes[change.promise]
            else:
                episodes[change.promise] = (change.burn.alert, str(change.burn.now_at))
    assert told == [(1, "opened"), (4, "closed"), (6, "opened")]


def test_the_most_urgent_pair_is_told_and_a_more_urgent_one_takes_its_place() -> None:
    slow, ticket, page = burn("slow", 12, is_burning=True, threshold=1), burn("ticket", 12, is_burning=True), burn("page", 12, is_burning=True, threshold=10)
    held = {"desk: first_touch": ("ticket", "then")}
    assert changes([slow, ticket], {}) == [Change("desk: first_touch", ticket, None, None)]
    assert changes([slow, ticket, page], held) == [Change("desk: first_touch", page, "ticket", "then")]
    assert changes([slow, ticket], held) == []


def test_a_page_that_cools_down_becomes_the_worst_pair_that_still_burns() -> None:
    held = {"desk: first_touch": ("page", "then")}
    page, slow = burn("page", 5, is_burning=False, threshold=10), burn("slow", 3, is_burning=True, threshold=1)
    for ticket, burning in [(burn("ticket", 4, is_burning=True), "ticket"), (burn("ticket", 1, is_burning=False), "slow")]:
        (change,) = changes([page, ticket, slow], held)
        assert change.burn is not None
        assert (change.burn.alert, change.alert, change.since) == (burning, "page", "then")
    over = [page, burn("ticket", 1, is_burning=False), burn("slow", 0.5, is_burning=False, threshold=1)]
    assert changes(over, held) == [Change("desk: first_touch", None, "page", "then")]


def publish(path: Path, pairs: dict[str, tuple[float, bool]], *, now_at: datetime = NOON, as_of_at: datetime | None = None, windows: int = 7, queue: str | None = None) -> None:
    """Published marts with one promise, of all or of one `queue`; `pairs`: pair -> (burn, whether it is burning)."""
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        for schema in ("mart", "ops"):
            connection.execute(f"create schema {schema}")
        connection.execute(f"create table {VERSION_TABLE} as select {SCHEMA_VERSION} as schema_version, '0.2.0' as opsla_version")
        connection.execute("create table mart.desk_now (now_at timestamp, as_of_at timestamp)")
        connection.execute("insert into mart.desk_now values (?, ?)", [now_at, as_of_at or now_at])
        connection.execute("create table mart.burn_windows as select range as window_number from range(?)", [windows])
        columns = ", ".join(f"{column.name} {column.type}" for column in TABLES["mart.burn_rates"].columns)
        connection.execute(f"create table mart.burn_rates ({columns})")
        for pair, (long_burn, is_burning) in pairs.items():
            connection.execute(
                "insert into mart.burn_rates by name select ? as now_at, 'desk' as policy, 'first_touch' as metric, ? as dimension, ? as dimension_value, ? as alert, "
                "95.0 as objective_pct, ? as threshold_burn, 20 as long_due_clocks, 12 as long_bad_clocks, 5 as short_due_clocks, 5 as short_bad_clocks, ? as long_burn, "
                "? as short_burn, ? as is_burning",
                [now_at, "queue" if queue else "all", queue or "all", pair, {"page": 10.0, "ticket": 2.0, "slow": 1.0}[pair], long_burn, long_burn, is_burning],
            )


BURNING, COOLED = {"page": (12.0, True)}, {"page": (3.0, False)}


def look(marts: Path, home: Path, at: datetime = NOON) -> str | None:
    return record_burns(marts, home, ["alerts.jsonl"], "http://ui", at.replace(tzinfo=UTC))


def waiting(home: Path) -> list[str]:
    return [each.alert.title for each in Ledger(home / FOLDER).due("alerts.jsonl", 1e12)]


def test_each_episode_is_told_once_however_often_it_is_looked_at(tmp_path: Path) -> None:
    marts = tmp_path / "marts.duckdb"
    publish(marts, BURNING)
    for _ in range(2):
        look(marts, tmp_path)
    assert waiting(tmp_path) == [
        "opsla ERROR: desk: first_touch: the error budget is burning at 12 times the rate that its objective of 95% allows; "
        "12 of the 20 clocks that fell due missed their target"
    ]
    publish(marts, COOLED, now_at=NOON + timedelta(hours=3))
    for _ in range(2):
        look(marts, tmp_path)
    assert waiting(tmp_path)[1:] == [
        "opsla WARN: desk: first_touch: the error budget is no longer burning faster than any alert threshold; it had been since 2025-08-06T16:00:00+00:00"
    ]
    assert Ledger(tmp_path / FOLDER).episodes() == {}


def test_what_burns_in_one_queue_alone_is_shown_and_alerts_nobody(tmp_path: Path) -> None:
    marts = tmp_path / "marts.duckdb"
    publish(marts, BURNING, queue="Billing")
    look(marts, tmp_path)
    assert waiting(tmp_path) == []
    publish(marts, BURNING)
    look(marts, tmp_path)
    assert len(waiting(tmp_path)) == 1


def test_an_incident_that_eases_is_never_told_to_be_over(tmp_path: Path) -> None:
    """Page, then ticket, then over: three messages, and the episode keeps the instant at which it began."""
    marts = tmp_path / "marts.duckdb"
    publish(marts, {"page": (12.0, True), "ticket": (4.0, True)})
    look(marts, tmp_path)
    publish(marts, {"page": (5.0, False), "ticket": (4.0, True)}, now_at=NOON + timedelta(hours=2))
    for _ in range(2):
        look(marts, tmp_path)
    (eased,) = waiting(tmp_path)[1:]
    assert eased.startswith(
        "opsla WARN: desk: first_touch: the error budget is still burning, but more slowly (page before, ticket now): at 4 times the rate that its objective"
    )
    assert Ledger(tmp_path / FOLDER).episodes() == {"desk: first_touch": ("ticket", "2025-08-06T16:00:00+00:00")}
    publish(marts, {"page": (0.0, False), "ticket": (1.0, False)}, now_at=NOON + timedelta(hours=12))
    look(marts, tmp_path)
    assert len(waiting(tmp_path)) == 3
    assert waiting(tmp_path)[2].endswith("it had been since 2025-08-06T16:00:00+00:00")


def test_an_episode_of_a_promise_without_an_objective_is_closed(tmp_path: Path) -> None:
    marts = tmp_path / "marts.duckdb"
    publish(marts, BURNING)
    look(marts, tmp_path)
    publish(marts, {}, windows=0)
    look(marts, tmp_path)
    assert Ledger(tmp_path / FOLDER).episodes() != {}, "without windows nothing is known of the promise"
    publish(marts, {})
    look(marts, tmp_path)
    assert Ledger(tmp_path / FOLDER).episodes() == {}
    assert "desk: first_touch: the burn alert is closed because this promise has no objective any more" in waiting(tmp_path)[1]


def test_a_budget_that_burns_again_at_the_same_instant_is_told_again(tmp_path: Path) -> None:
    """Marts published several times between two nights have the same now: each message is its own."""
    marts = tmp_path / "marts.duckdb"
    for pairs in (BURNING, COOLED, BURNING, COOLED):
        publish(marts, pairs)
        look(marts, tmp_path)
    assert len(waiting(tmp_path)) == 4


def test_two_that_look_at_the_same_time_tell_it_once(tmp_path: Path) -> None:
    marts = tmp_path / "marts.duckdb"
    publish(marts, BURNING)
    Ledger(tmp_path / FOLDER)
    threads = [Thread(target=look, args=(marts, tmp_path)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(waiting(tmp_path)) == 1


def test_the_open_episodes_are_read_within_the_transaction_that_changes_them(tmp_path: Path) -> None:
    """While one decides, another waits, and then decides on what the first has recorded."""
    ledger, other, seen = Ledger(tmp_path / FOLDER), Ledger(tmp_path / FOLDER), []
    others: list[Thread] = []

    def second(episodes: Episodes, _: int) -> tuple[Episodes, list[Alert]]:
        seen.append(dict(episodes))
        return episodes, []

    def first(episodes: Episodes, _: int) -> tuple[Episodes, list[Alert]]:
        others.append(Thread(target=other.change_episodes, args=(second, [])))
        others[0].start()
        others[0].join(0.2)
        return {"p": ("page", "then")}, []

    ledger.change_episodes(first, [])
    others[0].join()
    assert seen == [{"p": ("page", "then")}]


@pytest.mark.parametrize(
    ("now_at", "as_of_at", "looked_at"),
    [
        (NOON, NOON + timedelta(days=2), NOON + timedelta(days=2)),
        (NOON, NOON, NOON + timedelta(days=500)),
        (NOON, NOON, NOON - timedelta(days=2)),
    ],
    ids=["a log that ended", "a replay", "a clock ahead of the wall"],
)
def test_nobody_is_alerted_about_the_past(tmp_path: Path, now_at: datetime, as_of_at: datetime, looked_at: datetime) -> None:
    marts = tmp_path / "marts.duckdb"
    publish(marts, BURNING, now_at=now_at, as_of_at=as_of_at)
    said = look(marts, tmp_path, looked_at)
    assert said is not None
    assert said.startswith("none is sent, though too much of the error budget of desk: first_touch is being used: the data end at 2025-08-06 16:00 UTC")
    assert waiting(tmp_path) == []
    publish(marts, COOLED, now_at=now_at, as_of_at=as_of_at)
    assert look(marts, tmp_path, looked_at) is None
