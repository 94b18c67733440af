"""Burn alerts: one message when the error budget of a promise starts to burn, one when that gets worse or better, one when it is over.

Belongs here: what opens an episode, what closes it, its messages. Does not belong here: burn rates (sql/mart/backlog/burn_rates.sql), remembering
(ledger.py) and sending (delivery.py). docs/decisions/0040-error-budget-and-now.md has the rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from opsla_dagster.automation.alert import ERROR, WARN, Alert, alert_id, text, title
from opsla_dagster.automation.ledger import FOLDER, Episodes, Ledger
from opsla_dagster.warehouse.connection import reading, relation_names
from opsla_dagster.window import is_of_the_present

#: From the most urgent down, with the severity of the message: each promise alerts on the most urgent pair that burns.
_SEVERITIES = {"page": ERROR, "ticket": WARN, "slow": WARN}
_RELATIONS = {"mart.burn_rates", "mart.burn_windows", "mart.desk_now"}
_BURNS = (
    "select policy, metric, alert, objective_pct, threshold_burn, long_due_clocks, long_bad_clocks, short_due_clocks, short_bad_clocks, "
    "long_burn, short_burn, is_burning, now_at from mart.burn_rates where dimension = 'all' order by policy, metric, alert"
)


@dataclass(frozen=True)
class Burn:
    """One row of mart.burn_rates: a promise, of all queues together, and a pair of windows."""

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


@dataclass(frozen=True)
class Change:
    """What happens to the episode of one promise. `burn`: the pair that burns from now on; None: the episode is over."""

    promise: str
    burn: Burn | None
    #: The pair that was alerted on until now, and since when (ISO, UTC) the promise has been burning; None: no episode was open.
    alert: str | None
    since: str | None
    has_objective: bool = True


@dataclass(frozen=True)
class Published:
    """The burn rates of the published marts, and the instants that they are of (naive UTC)."""

    burns: list[Burn]
    now_at: datetime
    as_of_at: datetime

    def is_living(self, looked_at: datetime) -> bool:
        return is_of_the_present(self.now_at, self.as_of_at, looked_at.astimezone(UTC).replace(tzinfo=None))


def record_burns(marts_database: Path, home: Path, channels: Iterable[str], ui_url: str, looked_at: datetime) -> str | None:
    """Records what has changed since the published marts were last looked at. Returns why nobody is alerted of what burns, where it is of the past.

    `looked_at` is the wall clock, with its zone. Raises OpslaError where the marts cannot be read or the ledger cannot be written.
    """
    published = _published(marts_database)
    if published is None:
        return None
    if not published.is_living(looked_at):
        return _why_silent(published)

    def decide(episodes: Episodes, alerts_before: int) -> tuple[Episodes, list[Alert]]:
        changed = changes(published.burns, episodes)
        over = {change.promise for change in changed if change.burn is None}
        still_open = {promise: episode for promise, episode in episodes.items() if promise not in over}
        for change in changed:
            if change.burn is not None:
                still_open[change.promise] = (change.burn.alert, change.since or _stamp(change.burn.now_at))
        return still_open, [_message(change, published.now_at, alerts_before + number, ui_url) for number, change in enumerate(changed)]

    Ledger(home / FOLDER).change_episodes(decide, channels)
    return None


def changes(burns: Iterable[Burn], episodes: Mapping[str, tuple[str, str]]) -> list[Change]:
    """What changes, at most once a promise, given the open `episodes`: promise -> (pair, since).

    A promise has one episode at a time, of the most urgent pair that burns. A more urgent one takes its place; when its own long window has cooled
    down, the worst pair that still burns does; when none does, or the promise has no objective any more, the episode is over.
    """
    by_promise: dict[str, dict[str, Burn]] = {}
    for burn in burns:
        by_promise.setdefault(burn.promise, {})[burn.alert] = burn
    changed = []
    for promise, pairs in by_promise.items():
        worst = next((pairs[alert] for alert in _SEVERITIES if alert in pairs and pairs[alert].is_burning), None)
        alert, since = episodes.get(promise, (None, None))
        held = pairs.get(alert) if alert is not None else None
        is_worse = worst is not None and (alert is None or _rank(worst.alert) < _rank(alert))
        is_cooled = alert is not None and (held is None or not held.goes_on)
        if is_worse or is_cooled:
            changed.append(Change(promise, worst, alert, since))
    gone = [promise for promise in episodes if promise not in by_promise]
    return changed + [Change(promise, None, *episodes[promise], has_objective=False) for promise in gone]


def _rank(alert: str) -> int:
    return list(_SEVERITIES).index(alert)


def _published(marts_database: Path) -> Published | None:
    """The published burn rates; None where there are none. Without windows, nothing is known of any promise."""
    if not marts_database.exists():
        return None
    with reading(marts_database) as connection:
        if not relation_names(connection) >= _RELATIONS:
            return None
        instants = connection.execute("select now_at, as_of_at from mart.desk_now where exists (select 1 from mart.burn_windows)").fetchone()
        if instants is None:
            return None
        return Published([Burn(*row) for row in connection.execute(_BURNS).fetchall()], *instants)


def _why_silent(published: Published) -> str | None:
    burning = sorted({burn.promise for burn in published.burns if burn.is_burning})
    if not burning:
        return None
    return (
        f"none is sent, though too much of the error budget of {' and '.join(burning)} is being used: the data end at {published.now_at:%Y-%m-%d %H:%M} UTC, which is not the present "
        "(a replay, or a log that has ended)"
    )


def _stamp(at: datetime) -> str:
    return f"{at.isoformat(timespec='seconds')}+00:00"


def _message(change: Change, now_at: datetime, number: int, ui_url: str) -> Alert:
    """`number` is how many burn alerts there were before: marts published again with the same now are told apart by it."""
    burn = change.burn
    statement = _over(change) if burn is None else _burning(burn, change.alert)
    severity = WARN if burn is None else _SEVERITIES[burn.alert]
    return Alert(
        alert_id=alert_id("burn", change.promise, _stamp(now_at), str(number)),
        title=title(severity, statement),
        severity=severity,
        job="burn rate",
        occurred_at=_stamp(now_at),
        statement=text(statement),
        effect=None if burn is None else _effect(burn),
        as_of=_stamp(now_at),
        figures=_figures(change),
        look_first=None if burn is None else "`opsla backlog --by queue`: which queues hold the work that is past due, and how long until they are green",
        ui_url=ui_url,
    )


def _burning(burn: Burn, alert_before: str | None) -> str:
    rate = f"{burn.long_burn:.3g} times the rate that its objective of {burn.objective_pct:g}% allows"
    missed = f"{burn.long_bad_clocks} of the {burn.long_due_clocks} clocks that fell due missed their target"
    if alert_before is None:
        return f"{burn.promise}: the error budget is burning at {rate}; {missed}"
    trend = "faster" if _rank(burn.alert) < _rank(alert_before) else "more slowly"
    return f"{burn.promise}: the error budget is still burning, but {trend} ({alert_before} before, {burn.alert} now): at {rate}; {missed}"


def _over(change: Change) -> str:
    if change.has_objective:
        return f"{change.promise}: the error budget is no longer burning faster than any alert threshold; it had been since {change.since}"
    return (
        f"{change.promise}: the burn alert is closed because this promise has no objective any more: the objective was removed, or the policy or metric "
        f"renamed; the alert had been open since {change.since}"
    )


def _effect(burn: Burn) -> str:
    days = f"{20 / (burn.long_burn or 1):.2g}"
    return f"at this rate, the error budget for 20 business days is used up in {days} business day{'' if days == '1' else 's'}"


def _figures(change: Change) -> dict[str, object]:
    before: dict[str, object] = {"pair_before": change.alert, "burning_since": change.since} if change.alert is not None else {}
    burn = change.burn
    if burn is None:
        return before
    return {
        "pair": burn.alert, "threshold_burn": burn.threshold_burn, "long_burn": burn.long_burn, "short_burn": burn.short_burn,
        "long_due_clocks": burn.long_due_clocks, "long_bad_clocks": burn.long_bad_clocks, "short_due_clocks": burn.short_due_clocks,
        "short_bad_clocks": burn.short_bad_clocks, **before,
    }  # fmt: skip
