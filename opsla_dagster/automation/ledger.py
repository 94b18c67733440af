"""The memory of alerts: what was noticed, what was sent, what still waits. One small SQLite file in the home.

Belongs here: that file and nothing else that writes it. Does not belong here: what an alert says, and how it travels.
The order of writes, and why it is safe to be killed between any two, is docs/decisions/0007-alerts-exactly-once.md.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from opsla_dagster.automation.alert import Alert
from opsla_dagster.small_store import SmallStore

#: In the home.
FOLDER = "alerts"
_FILE = "ledger.sqlite"
#: Seconds until a failed delivery is tried again: doubled each time, up to the limit.
FIRST_RETRY_SECONDS = 10.0
LAST_RETRY_SECONDS = 900.0
#: The source of burn alerts.
_BURN_RATES = "burn rates"

#: Open burn alerts: promise -> (which pair of windows, since when: ISO, UTC).
Episodes = dict[str, tuple[str, str]]

_TABLES = """
create table if not exists alerts (alert_id text primary key, run_id text not null, record text not null);
create table if not exists runs (run_id text primary key);
create table if not exists watches (since real not null);
create table if not exists episodes (promise text primary key, alert text not null, since text not null);
create table if not exists sweeps (swept_until real not null);
create table if not exists deliveries (
    alert_id text not null, channel text not null,
    state text not null check (state in ('waiting', 'sending', 'sent')),
    attempts integer not null default 0, due_at real not null default 0, error text,
    primary key (alert_id, channel)
);
create index if not exists undelivered on deliveries (channel, due_at) where state <> 'sent';
"""


@dataclass(frozen=True)
class Waiting:
    """One alert that one channel has not accepted yet. `is_interrupted`: a sender died, the receiver may have it."""

    alert: Alert
    attempts: int
    is_interrupted: bool


@dataclass(frozen=True)
class Backlog:
    """What a channel has not accepted yet, and the last error of the alert that was tried most often."""

    channel: str
    alerts: int
    error: str | None


class Ledger:
    """Every method is one transaction, and safe from several processes and threads at once."""

    def __init__(self, folder: Path) -> None:
        self._store = SmallStore(folder / _FILE, _TABLES, "the memory of alerts", "the alerts of what fails meanwhile are found afterwards")
        self._transaction = self._store.transaction

    def record(self, source: str, alerts: Iterable[Alert], channels: Iterable[str]) -> None:
        """The source is noticed, each of its alerts waits for each of the channels; what is known stays as it is.

        A source is the id of a run, or "tick 12", "night 2025-07-01", "opsla refresh ..."; in the file both columns are called run_id.
        """
        with self._transaction() as connection:
            _enter(connection, source, alerts, list(channels))
            connection.execute("insert or ignore into runs values (?)", (source,))

    def episodes(self) -> Episodes:
        """What burns, as was last alerted."""
        with self._transaction() as connection:
            return _episodes(connection)

    def change_episodes(self, decide: Callable[[Episodes, int], tuple[Episodes, list[Alert]]], channels: Iterable[str]) -> None:
        """Replaces the open episodes by those that `decide` returns and records its alerts, given the open ones and the number of burn alerts so far.

        Reading and writing are one transaction: of two that look at the same time, the second sees what the first has recorded.
        """
        with self._transaction() as connection:
            before = _episodes(connection)
            (count,) = connection.execute("select count(*) from alerts where run_id = ?", (_BURN_RATES,)).fetchone()
            after, alerts = decide(before, count)
            _enter(connection, _BURN_RATES, alerts, list(channels))
            connection.execute("delete from episodes")
            connection.executemany("insert into episodes values (?, ?, ?)", [(promise, *episode) for promise, episode in after.items()])

    def unnoticed(self, sources: Iterable[str]) -> list[str]:
        """Those of the sources that were never recorded, in the order given."""
        with self._transaction() as connection:
            return [
                source
                for source in sources
                if connection.execute("select 1 from runs where run_id = ?", (source,)).fetchone() is None
            ]

    def has_error_since(self, occurred_at: str, jobs: Iterable[str]) -> bool:
        """Whether an alert of severity ERROR of one of the jobs is of `occurred_at` (ISO, UTC) or later."""
        names = list(jobs)
        marks = ", ".join("?" for _ in names)
        with self._transaction() as connection:
            found = connection.execute(
                "select 1 from alerts where json_extract(record, '$.severity') = 'ERROR' "
                f"and json_extract(record, '$.occurred_at') >= ? and json_extract(record, '$.job') in ({marks}) limit 1",
                (occurred_at, *names),
            ).fetchone()
        return found is not None

    @classmethod
    def latest(cls, folder: Path, limit: int) -> list[Alert]:
        """What was told last, the latest first; nothing is written where nothing ever was."""
        if not (folder / _FILE).exists():
            return []
        with cls(folder)._transaction() as connection:
            rows = connection.execute(
                "select record from alerts order by json_extract(record, '$.occurred_at') desc, rowid desc limit ?", (limit,)
            ).fetchall()
        return [Alert.from_record(json.loads(record)) for (record,) in rows]

    def watching_since(self, now: float) -> float:
        """Since when somebody has been looking for missed nights (seconds since 1970): since `now`, when nobody has before."""
        with self._transaction() as connection:
            found = connection.execute("select min(since) from watches").fetchone()[0]
            if found is None:
                connection.execute("insert into watches values (?)", (now,))
        return now if found is None else float(found)

    @classmethod
    def first_watched(cls, folder: Path) -> float | None:
        """The same for those who only look: None when nobody has, and nothing is written."""
        if not (folder / _FILE).exists():
            return None
        with cls(folder)._transaction() as connection:
            found: float | None = connection.execute("select min(since) from watches").fetchone()[0]
        return found

    def due(self, channel: str, now: float) -> list[Waiting]:
        """What may be sent now: what was never tried first, so that one refused alert holds up no other.

        Only for the holder of the channel's lock: to anybody else an alert that is being sent looks interrupted.
        """
        with self._transaction() as connection:
            rows = connection.execute(
                """
                select alerts.record, deliveries.attempts, deliveries.state = 'sending'
                from deliveries inner join alerts using (alert_id)
                where channel = ? and (state = 'sending' or (state = 'waiting' and due_at <= ?))
                order by deliveries.attempts, alerts.rowid
                """,
                (channel, now),
            ).fetchall()
        return [Waiting(Alert.from_record(json.loads(record)), attempts, bool(sent)) for record, attempts, sent in rows]

    def sending(self, alert_id: str, channel: str) -> None:
        """To be written before the first byte leaves."""
        self._update("state = 'sending', attempts = attempts + 1", (), alert_id, channel)

    def sent(self, alert_id: str, channel: str) -> None:
        """The receiver has accepted it."""
        self._update("state = 'sent', error = null", (), alert_id, channel)

    def refused(self, alert_id: str, channel: str, error: str, attempts: int, now: float) -> None:
        """It was not accepted at the attempt of this number; it waits for the next."""
        pause = min(FIRST_RETRY_SECONDS * 2 ** (attempts - 1), LAST_RETRY_SECONDS)
        self._update("state = 'waiting', error = ?, due_at = ?", (error, now + pause), alert_id, channel)

    def _update(self, assignment: str, values: tuple[object, ...], alert_id: str, channel: str) -> None:
        with self._transaction() as connection:
            connection.execute(
                f"update deliveries set {assignment} where alert_id = ? and channel = ?", (*values, alert_id, channel)
            )

    def backlogs(self) -> list[Backlog]:
        """The channels that have something waiting."""
        with self._transaction() as connection:
            rows = connection.execute(
                # SQLite: beside max(), a bare column comes from the row that holds the maximum.
                "select channel, count(*), error, max(attempts) from deliveries where state <> 'sent' group by channel"
            ).fetchall()
        return [Backlog(channel, alerts, error) for channel, alerts, error, _ in rows]

    def swept_until(self) -> float | None:
        """The instant (seconds since 1970) up to which every finished run was looked at; None before the first time."""
        with self._transaction() as connection:
            found: float | None = connection.execute("select max(swept_until) from sweeps").fetchone()[0]
        return found

    def sweep_done(self, until: float) -> None:
        """Every run that had finished by `until` is recorded."""
        with self._transaction() as connection:
            connection.execute("delete from sweeps")
            connection.execute("insert into sweeps values (?)", (until,))


def _episodes(connection: sqlite3.Connection) -> Episodes:
    return {promise: (alert, since) for promise, alert, since in connection.execute("select promise, alert, since from episodes")}


def _enter(connection: sqlite3.Connection, source: str, alerts: Iterable[Alert], channels: Sequence[str]) -> None:
    """Each alert that is not known yet waits for each of the channels."""
    for alert in alerts:
        row = (alert.alert_id, source, json.dumps(alert.to_record()))
        if connection.execute("insert or ignore into alerts values (?, ?, ?)", row).rowcount:
            connection.executemany(
                "insert into deliveries (alert_id, channel, state) values (?, ?, 'waiting')", [(alert.alert_id, channel) for channel in channels]
            )
