"""Looking into drop folders, and who is told: of a marker that is refused, a folder that cannot be looked into, a drop that did not come.

Belongs here: the alerts of drop folders, recorded once by whoever notices first (sensor, schedule, `opsla refresh`). Does not belong here: what a
marker releases (sources/drops/), and how an alert travels (delivery.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from opsla_dagster.automation.alert import ERROR, Alert, alert_id, daily_id, instant, text, title
from opsla_dagster.automation.delivery import channel_names, ui_url_of
from opsla_dagster.automation.ledger import FOLDER, Ledger
from opsla_dagster.settings import Settings
from opsla_dagster.settings.drop_folders import Deadline
from opsla_dagster.sources.drops.receipts import Receipts, Refusal
from opsla_dagster.sources.drops.receiving import Received, receive

DROP_SENSOR = "refresh_on_drops"
#: A tick is cut off after 60 s; what is not fetched by then is fetched at the next look.
SECONDS_A_TICK = 30.0
#: A folder that cannot be looked into for so long is told of.
_TROUBLE_SECONDS = 900.0


def receive_and_tell(settings: Settings, *, seconds: float = float("inf"), waits: bool = True, is_watched: bool = False) -> list[Received]:
    """Takes in what markers have released, and records an alert of each that is refused, once.

    Of a folder that cannot be looked into for a cause that may pass, after a quarter of an hour where the next look `is_watched` for;
    else at once. Raises OpslaError where the home cannot be written.
    """
    found = receive(settings, seconds=seconds, waits=waits)
    now = datetime.now(UTC)
    ui_url = ui_url_of(settings.alerts, settings.home.root)
    alerts = [alert_of_refusal(refusal, ui_url) for each in found for refusal in each.refused]
    alerts += [_troubled(ui_url, each, now) for each in found if each.trouble and _is_told(settings, each, now, is_watched)]
    _record(settings, alerts)
    return found


def _is_told(settings: Settings, found: Received, now: datetime, is_watched: bool) -> bool:
    if not (found.is_passing and is_watched):
        return True
    look = Receipts(settings.home.drops).look(found.folder)
    return look is not None and look.trouble_since is not None and now.timestamp() - look.trouble_since >= _TROUBLE_SECONDS


def problems_of(found: Iterable[Received]) -> list[str]:
    """What is wrong with drop folders, a line each: markers refused, folders that cannot be looked into."""
    listed = list(found)
    refused = [f"drop folder {refusal.folder}: marker {refusal.marker}: {refusal.problem}" for each in listed for refusal in each.refused]
    return [*refused, *(each.trouble for each in listed if each.trouble)]


# ---------------------------------------------------------------- who is told


def _record(settings: Settings, alerts: Iterable[Alert]) -> None:
    ledger = None
    for alert in alerts:
        ledger = ledger or Ledger(settings.home.root / FOLDER)
        ledger.record(f"drop {alert.alert_id}", [alert], channel_names(settings.alerts, settings.home.root))


def alert_of_refusal(refusal: Refusal, ui_url: str) -> Alert:
    """One alert for a version of a marker, however often it is looked at."""
    told = f"drop folder {refusal.folder}: marker {refusal.marker}: {refusal.problem}"
    return _alert(
        ui_url, alert_id("drop", refusal.folder, refusal.marker, refusal.version), told, refusal.refused_at or refusal.first_seen_at,
        "nothing of this drop is read; tables and published marts hold what was dropped before",
        "the folder, and whoever writes into it: once the files are as the marker says, or the marker is written anew, the drop is taken in by itself",
    )  # fmt: skip


def _troubled(ui_url: str, found: Received, now: datetime) -> Alert:
    """One alert a cause and day."""
    return _alert(
        ui_url, daily_id(f"drop folder {found.folder}", found.trouble, now), found.trouble, now.timestamp(),
        "markers of this folder are not seen; tables and published marts hold what was dropped before",
        "whether the folder is there, and the credentials of the process that looks; it looks again by itself",
    )  # fmt: skip


def record_missed_drops(settings: Settings, now: datetime) -> None:
    """Records, once, the alert of each drop folder into which no drop came by its latest deadline. `now` has its offset.

    Looks into the folder before: a marker that was in time may not have been received. Deadlines from before somebody looked for the first time are
    nobody's failure, and a marker that was refused was told of.
    """
    late = {name: deadline for name in settings.sources.drop_folders if (deadline := _unmet(settings, name, now)) is not None}
    if not late:
        return
    found = {each.folder: each for each in receive_and_tell(settings, seconds=SECONDS_A_TICK, is_watched=True)}
    ledger = Ledger(settings.home.root / FOLDER)
    for name, deadline in late.items():
        refused = [each for each in found[name].refused if (each.refused_at or 0.0) >= deadline.since.timestamp()]
        alerts = [] if _unmet(settings, name, now) is None or refused else [_missed(settings, name, deadline, found[name])]
        if alerts or refused:
            ledger.record(_missed_source(name, deadline), alerts, channel_names(settings.alerts, settings.home.root))


def overdue(settings: Settings, name: str, now: datetime) -> Deadline | None:
    """The latest deadline of a folder, where nothing has come for it until now (with its offset): a drop that came late is there."""
    deadline = _deadline(settings, name, now)
    if deadline is None or Receipts(settings.home.drops).has_between(name, deadline.since.timestamp(), now.timestamp()):
        return None
    return deadline


def _deadline(settings: Settings, name: str, now: datetime) -> Deadline | None:
    """The latest one that somebody had begun to look before."""
    deadline = settings.sources.drop_folders[name].latest_deadline(now, settings.sources.desk.timezone)
    if deadline is None or not Receipts.there(settings.home.drops):
        return None
    look = Receipts(settings.home.drops).look(name)
    return deadline if look is not None and look.first_looked_at <= deadline.by.timestamp() else None


def _missed_source(name: str, deadline: Deadline) -> str:
    return f"missed drop {name} {deadline.day}"


def _unmet(settings: Settings, name: str, now: datetime) -> Deadline | None:
    """The latest deadline of a folder, where nothing came by it and nobody was told."""
    deadline = _deadline(settings, name, now)
    if deadline is None or Receipts(settings.home.drops).has_between(name, deadline.since.timestamp(), deadline.by.timestamp()):
        return None
    is_new = Ledger(settings.home.root / FOLDER).unnoticed([_missed_source(name, deadline)])
    return deadline if is_new else None


def _missed(settings: Settings, name: str, deadline: Deadline, found: Received) -> Alert:
    last = Receipts(settings.home.drops).latest(name)
    zone = ZoneInfo(settings.sources.desk.timezone)
    came = f"the last one, {last.marker}, came at {_local(last.received_at, zone)}" if last else "none has ever come"
    ui_url = ui_url_of(settings.alerts, settings.home.root)
    why = found.trouble or "; ".join(found.waiting)
    told = f"drop folder {name}: no drop came by {deadline.by:%H:%M} on {deadline.day}; {came}{f' ({why})' if why else ''}"
    return _alert(
        ui_url, alert_id("missed drop", name, str(deadline.day)), told, deadline.by.timestamp(),
        "nothing was refreshed from it; tables and published marts hold what was dropped before",
        "whoever writes into the folder; a drop that comes late is taken in by itself",
    )  # fmt: skip


def _local(seconds: float, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(seconds, zone):%Y-%m-%d %H:%M}"


def _alert(ui_url: str, identity: str, told: str, at: float, effect: str, look_first: str) -> Alert:
    return Alert(
        alert_id=identity, title=title(ERROR, f"drop: {told}"), severity=ERROR, job="drop", occurred_at=instant(at), statement=text(told),
        effect=effect, look_first=look_first, ui_url=f"{ui_url}/locations/opsla/sensors/{DROP_SENSOR}",
    )  # fmt: skip
