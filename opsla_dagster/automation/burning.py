"""Burn alerts: who is told that the error budget of a promise burns, once when it begins and once when it is over.

Belongs here: what opens an episode, what closes it, its messages. Does not belong here: burn rates (sql/mart/backlog/burn_rates.sql), remembering
(ledger.py) and sending (delivery.py). docs/decisions/0040-error-budget-and-now.md has the rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from opsla_dagster.automation.alert import ERROR, WARN, Alert, alert_id, text, title
from opsla_dagster.automation.ledger import FOLDER, Ledger
from opsla_dagster.errors import OpslaError
from opsla_dagster.warehouse.connection import reading, relation_names

#: A desk whose now is longer ago than that when it is looked at is a log of the past: nobody is called about it.
_LIVING = timedelta(days=1)
#: From the most urgent down, with the severity of its message: of a promise the most urgent pair that burns is told.
_SEVERITIES = {"page": ERROR, "ticket": WARN, "slow": WARN}
_BURNS = (
    "select policy, metric, alert, objective_pct, threshold_burn, long_due_clocks, long_bad_clocks, short_due_clocks, short_bad_clocks, "
    "long_burn, short_burn, is_burning, now_at from mart.burn_rates order by policy, metric, alert"
)


@dataclass(frozen=True)
class Burn:
    """One row of mart.burn_rates: a promise and a pair of windows."""

    policy: str
    metric: str
    alert: str
    objective_pct: float
    threshold_burn: float
    long_due_clocks: int
    long_bad_clocks: int
    short_due_clocks: int
    short_bad_clocks: int
    long_burn: float | None
    short_burn: float | None
    is_burning: bool
    now_at: datetime

    @property
    def promise(self) -> str:
        return f"{self.policy}: {self.metric}"

    @property
    def goes_on(self) -> bool:
        """An open episode ends when the long window has cooled down: the short one alone would open and close with every quiet quarter of an hour."""
        return self.long_burn is not None and self.long_burn >= self.threshold_burn


def record_burns(marts_database: Path, home: Path, channels: Iterable[str], ui_url: str) -> None:
    """Records what has begun to burn, and what has stopped, since the published marts were looked at last; nothing where they tell of the past.

    Raises OpslaError where the ledger cannot be written.
    """
    burns = _living_burns(marts_database)
    if burns is None:
        return
    ledger = Ledger(home / FOLDER)
    opened, closed = changes(burns, ledger.episodes())
    alerts = [_opening(burn, ui_url) for burn in opened] + [_closing(promise, alert, since, at, ui_url) for promise, alert, since, at in closed]
    if alerts:
        ledger.record_episodes(
            {burn.promise: (burn.alert, _stamp(burn.now_at)) for burn in opened}, [promise for promise, *_ in closed], alerts, channels
        )


def changes(
    burns: Iterable[Burn], episodes: Mapping[str, tuple[str, str]]
) -> tuple[list[Burn], list[tuple[str, str, str, datetime]]]:
    """What opens, and what closes (promise, alert, since, at), given the open `episodes`: promise -> (alert, since).

    A promise has one episode at a time, of the most urgent pair that burns; a more urgent one takes its place.
    """
    by_promise: dict[str, dict[str, Burn]] = {}
    for burn in burns:
        by_promise.setdefault(burn.promise, {})[burn.alert] = burn
    opened, closed = [], []
    for promise, pairs in by_promise.items():
        worst = next((pairs[alert] for alert in _SEVERITIES if alert in pairs and pairs[alert].is_burning), None)
        open_alert, since = episodes.get(promise, (None, ""))
        if open_alert is not None and worst is not None and _rank(worst.alert) < _rank(open_alert):
            opened.append(worst)
        elif open_alert is not None:
            held = pairs.get(open_alert)
            if held is None or not held.goes_on:
                at = held.now_at if held is not None else next(iter(pairs.values())).now_at
                closed.append((promise, open_alert, since, at))
        elif worst is not None:
            opened.append(worst)
    return opened, closed


def _rank(alert: str) -> int:
    return list(_SEVERITIES).index(alert)


def _living_burns(marts_database: Path) -> list[Burn] | None:
    """The published burn rates; None where there are none, or the desk is one of the past."""
    if not marts_database.exists():
        return None
    with reading(marts_database) as connection:
        if not {"mart.burn_rates", "mart.desk_now"} <= relation_names(connection):
            return None
        found = connection.execute("select now_at, as_of_at from mart.desk_now").fetchall()
        if not found or found[0][1] - found[0][0] > _LIVING:
            return None
        return [Burn(*row) for row in connection.execute(_BURNS).fetchall()]


def _stamp(at: datetime) -> str:
    return f"{at.isoformat(timespec='seconds')}+00:00"


def _opening(burn: Burn, ui_url: str) -> Alert:
    told = (
        f"{burn.promise}: the error budget burns {burn.long_burn:.3g} times as fast as it lasts; {burn.long_bad_clocks} of {burn.long_due_clocks} clocks that "
        f"fell due are broken or past due, where {burn.objective_pct:g} % are to be kept"
    )
    severity = _SEVERITIES[burn.alert]
    return Alert(
        alert_id=alert_id("burn", burn.promise, burn.alert, _stamp(burn.now_at)),
        title=title(severity, told),
        severity=severity,
        job="burn rate",
        occurred_at=_stamp(burn.now_at),
        statement=text(told),
        effect=f"at this pace the budget of 20 business days is gone after {20 / (burn.long_burn or 1):.2g} of them",
        as_of=_stamp(burn.now_at),
        figures={
            "pair": burn.alert, "threshold_burn": burn.threshold_burn, "long_burn": burn.long_burn, "short_burn": burn.short_burn,
            "long_due_clocks": burn.long_due_clocks, "long_bad_clocks": burn.long_bad_clocks, "short_due_clocks": burn.short_due_clocks,
            "short_bad_clocks": burn.short_bad_clocks,
        },
        look_first="`opsla backlog --by queue`: which queue has what is past due, and how long it takes to be rid of it",
        ui_url=ui_url,
    )  # fmt: skip


def _closing(promise: str, alert: str, since: str, at: datetime, ui_url: str) -> Alert:
    told = f"{promise}: the error budget, which burned since {since}, no longer does"
    return Alert(
        alert_id=alert_id("burn over", promise, alert, since),
        title=title(WARN, told),
        severity=WARN,
        job="burn rate",
        occurred_at=_stamp(at),
        statement=text(told),
        as_of=_stamp(at),
        figures={"pair": alert, "burning_since": since},
        ui_url=ui_url,
    )


def look_at_burns(marts_database: Path, home: Path, channels: Iterable[str], ui_url: str) -> str | None:
    """As `record_burns`; what went wrong as a sentence, where a run's own alerts are not to be held up by it."""
    try:
        record_burns(marts_database, home, channels, ui_url)
    except OpslaError as error:
        return f"burn rates were not looked at: {error}"
    return None
