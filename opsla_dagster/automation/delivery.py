"""Getting alerts to their receivers, each exactly once as far as a network allows.

Belongs here: the channels and the passes over what waits. Does not belong here: when a pass is made (alerts.py, the
CLI) and what is remembered of it (ledger.py). A receiver's URL is read here, from the environment, at the moment of
sending; no message, log line or error that leaves this module holds it.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Protocol

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

from opsla_dagster.automation.alert import ERROR, Alert
from opsla_dagster.automation.failures import Describe, Graph, alerts_of_run
from opsla_dagster.automation.ledger import FOLDER, Backlog, Ledger, Waiting
from opsla_dagster.automation.missed import alert_of_tick, failed_ticks
from opsla_dagster.errors import OpslaError
from opsla_dagster.secrets import read_secret
from opsla_dagster.settings.alerts import AlertSettings
from opsla_dagster.settings.home import Home

FILE = "alerts.jsonl"
#: After so many refusals in a row a channel is taken to be down, and the pass leaves it alone.
_REFUSALS_IN_A_ROW = 3
#: How far behind the last sweep the next one looks: a run's row may be written after the event it stands for.
_SWEEP_OVERLAP = timedelta(hours=1)
_FINISHED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]


class NotDelivered(Exception):
    """A channel did not accept an alert; the message is safe to show."""


@dataclass(frozen=True)
class Outcome:
    """One pass: how many alerts were accepted, what went wrong in it, what waits now (a sentence a channel)."""

    sent: int
    problems: tuple[str, ...]
    waiting: tuple[str, ...]


class Channel(Protocol):
    """Somewhere alerts go."""

    @property
    def name(self) -> str:
        """What the ledger remembers deliveries by."""

    def send(self, waiting: Waiting) -> None:
        """Return once the receiver has accepted it. Raises NotDelivered."""


@dataclass(frozen=True)
class FileChannel:
    """One line of JSON an alert, appended to a file in the home."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    def send(self, waiting: Waiting) -> None:
        alert = waiting.alert
        # Text that is no Unicode (half a surrogate pair) stays as the escape JSON has for it.
        line = json.dumps(alert.to_record(), ensure_ascii=False).encode(errors="backslashreplace")
        try:
            with self.path.open("a+b") as file:
                _end_last_line(file)
                if waiting.is_interrupted and self._holds(alert.alert_id):
                    return
                file.write(line + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise NotDelivered(f"{self.path} cannot be written: {error.strerror}") from None

    def _holds(self, alert_id: str) -> bool:
        with self.path.open(encoding="utf-8", errors="replace") as lines:
            return any(f'"alert_id": "{alert_id}"' in line for line in lines)


def _end_last_line(file: BinaryIO) -> None:
    """A last line without its newline: cut off if a writer that died, or a full disk, tore it; else ended."""
    last = _last_line(file)
    if not last or last.endswith(b"\n"):
        return
    try:
        json.loads(last)
    except ValueError:
        file.truncate(file.seek(0, os.SEEK_END) - len(last))
    else:
        file.write(b"\n")


def _last_line(file: BinaryIO) -> bytes:
    """The bytes behind the last newline but one; the line may be longer than any fixed guess, the file much more."""
    size = file.seek(0, os.SEEK_END)
    length = 0
    tail = b""
    while length < size and b"\n" not in tail[:-1]:
        length = min(size, length * 2 or 4096)
        file.seek(size - length)
        tail = file.read()
    return tail[tail[:-1].rfind(b"\n") + 1 :]


@dataclass(frozen=True)
class AppriseChannel:
    """A receiver behind an Apprise URL."""

    name: str
    url_variable: str

    def send(self, waiting: Waiting) -> None:
        alert, body = waiting.alert, waiting.alert.body()
        if waiting.attempts:
            body += f"\nAttempt {waiting.attempts + 1}: if you have an alert of this id already, it is the same one."
        with _apprise_lines() as lines:
            try:
                accepted = self._notify(alert.title, body, "failure" if alert.severity == ERROR else "warning")
            except NotDelivered:
                raise
            except Exception as error:
                # Its words may hold the URL: the class is all that may be shown, and the chain is cut.
                raise NotDelivered(f"Apprise failed with {type(error).__name__}") from None
        if not accepted:
            raise NotDelivered(f"the receiver did not accept it{_safe_detail(lines)}")

    def _notify(self, title: str, body: str, kind: str) -> bool:
        # 0.7 s to import, and every process that runs an asset loads the sensors.
        import apprise

        url = read_secret(self.url_variable)
        if not url:
            raise NotDelivered(f"the environment variable {self.url_variable} is not set where alerts are sent from")
        receiver = apprise.Apprise()
        if not receiver.add(url) or len(receiver) != 1:
            raise NotDelivered(
                f"the environment variable {self.url_variable} must hold exactly one Apprise URL; it does not"
            )
        text = apprise.NotifyFormat.TEXT
        return bool(receiver.notify(body=body, title=title, notify_type=apprise.NotifyType(kind), body_format=text))


_captured: ContextVar[list[str] | None] = ContextVar("captured", default=None)


def _keep_to_ourselves(record: logging.LogRecord) -> bool:
    lines = _captured.get()
    if lines is None:
        return True
    lines.append(record.getMessage())
    return False


@contextmanager
def _apprise_lines() -> Iterator[list[str]]:
    """What Apprise and the HTTP client say meanwhile, kept out of every log: their lines hold URLs."""
    for name in ("apprise", "urllib3.connectionpool"):
        # addFilter adds the same function once only.
        logging.getLogger(name).addFilter(_keep_to_ourselves)
    lines: list[str] = []
    token = _captured.set(lines)
    try:
        yield lines
    finally:
        _captured.reset(token)


def _safe_detail(lines: Sequence[str]) -> str:
    """The HTTP status, or that there was no connection: the two details that hold nothing of the URL."""
    said = " ".join(lines)
    status = re.search(r"error=(\d{3})\b", said)
    if status:
        return f" (HTTP {status.group(1)})"
    return " (no connection)" if "onnection error" in said else ""


def channels_of(settings: AlertSettings, home: Path) -> list[Channel]:
    """The configured channels; without any, the file in the home."""
    configured: list[Channel] = [AppriseChannel(channel.name, channel.url_variable) for channel in settings.channels]
    return configured or [FileChannel(home / FILE)]


def deliver_alerts(
    instance: DagsterInstance,
    run_ids: list[str],
    home: Path,
    settings: AlertSettings,
    describe: Describe = Graph,
    seconds: float = 20.0,
) -> Outcome:
    """Record the failures of finished runs, then send what waits, theirs and older ones.

    Any process may call it at any time and as often as it likes: what was recorded is not recorded again, what was
    accepted is not sent again. A run that has not finished, or is unknown, adds nothing. After `seconds` nothing new is
    begun; what is left waits for the next call. A receiver that refuses is in the outcome, not an exception.
    Raises OpslaError when the home cannot hold the memory of alerts.
    """
    _record(instance, run_ids, home, settings, describe)
    return send_waiting(home, settings, seconds)


def record_unnoticed(instance: DagsterInstance, home: Path, settings: AlertSettings, describe: Describe) -> float | None:
    """Record every run and every failed tick that ended since the last sweep (at first: in the last hour) and that nobody has noticed.

    Returns when the last sweep was (seconds since 1970).

    Run-status sensors miss what finished before their first tick, and move on when a tick of theirs fails; ticks have no sensor.
    """
    ledger = Ledger(home / FOLDER)
    began_at = datetime.now(UTC)
    last = ledger.swept_until()
    since = (began_at if last is None else datetime.fromtimestamp(last, UTC)) - _SWEEP_OVERLAP
    records = instance.get_run_records(RunsFilter(statuses=_FINISHED, updated_after=since))
    ended = [record.dagster_run.run_id for record in records if (record.end_time or 0) >= since.timestamp()]
    _record(instance, ledger.unnoticed(reversed(ended)), home, settings, describe)
    ticks = {f"tick {tick.tick_id}": tick for tick in failed_ticks(instance, since.timestamp())}
    for source in ledger.unnoticed(reversed(ticks)):
        ledger.record(source, [alert_of_tick(ticks[source], ui_url_of(settings, home))], channel_names(settings, home))
    ledger.sweep_done(began_at.timestamp())
    return last


def _record(
    instance: DagsterInstance,
    run_ids: Sequence[str],
    home: Path,
    settings: AlertSettings,
    describe: Describe,
) -> None:
    ledger = Ledger(home / FOLDER)
    channels = channel_names(settings, home)
    for run_id in run_ids:
        alerts = alerts_of_run(instance, run_id, describe, ui_url_of(settings, home))
        if alerts is not None:
            ledger.record(run_id, alerts, channels)


def tell(alert: Alert, home: Path, settings: AlertSettings, seconds: float = 20.0) -> tuple[str, ...]:
    """Record one alert that no run stands for, and send what waits; returns what went wrong in it.

    Where the home cannot hold the memory of alerts (a full disk, mostly), the alert is sent all the same, and is not remembered.
    """
    try:
        if not home.is_dir():
            raise OpslaError(f"{home}: there is no such home; the alert is sent, and not remembered")
        Ledger(home / FOLDER).record(alert.alert_id, [alert], channel_names(settings, home))
        return send_waiting(home, settings, seconds).problems
    except (OpslaError, OSError) as error:
        problems = [str(error)]
        for channel in channels_of(settings, home):
            try:
                channel.send(Waiting(alert, 0, is_interrupted=False))
            except NotDelivered as refusal:
                problems.append(str(refusal))
        return tuple(problems)


def ui_url_of(settings: AlertSettings, home: Path) -> str:
    """Where people open the Dagster UI: as alerts.yml says, else where `opsla dev` listened last."""
    return settings.ui_url or Home(home).ui_url()


def channel_names(settings: AlertSettings, home: Path) -> list[str]:
    """What the ledger remembers deliveries by."""
    return [channel.name for channel in channels_of(settings, home)]


def send_waiting(home: Path, settings: AlertSettings, seconds: float) -> Outcome:
    """Send what is due, every channel in a thread of its own: a receiver that hangs holds up no other."""
    ledger = Ledger(home / FOLDER)
    until = time.monotonic() + seconds
    channels = channels_of(settings, home)
    with ThreadPoolExecutor(max_workers=len(channels)) as threads:
        passes = list(threads.map(lambda channel: _pass(channel, ledger, home / FOLDER, until), channels))
    known = {channel.name for channel in channels}
    return Outcome(
        sent=sum(sent for sent, _ in passes),
        problems=tuple(problem for _, problems in passes for problem in problems),
        waiting=tuple(_sentence(backlog, known) for backlog in ledger.backlogs()),
    )


def _sentence(backlog: Backlog, known: set[str]) -> str:
    why = backlog.error or "not tried yet"
    if backlog.channel not in known:
        why = "alerts.yml no longer names this channel"
    return f"{backlog.alerts} waiting for channel {backlog.channel}: {why}"


def _pass(channel: Channel, ledger: Ledger, folder: Path, until: float) -> tuple[int, list[str]]:
    sent = 0
    problems: list[str] = []
    refusals = 0
    with _locked(folder / f"{channel.name}.lock", until) as is_ours:
        for waiting in ledger.due(channel.name, time.time()) if is_ours else []:
            if time.monotonic() >= until or refusals == _REFUSALS_IN_A_ROW:
                break
            problem = _attempt(channel, ledger, waiting)
            sent += problem is None
            refusals = 0 if problem is None else refusals + 1
            problems.extend([problem] if problem else [])
    return sent, problems


def _attempt(channel: Channel, ledger: Ledger, waiting: Waiting) -> str | None:
    alert, attempt = waiting.alert, waiting.attempts + 1
    ledger.sending(alert.alert_id, channel.name)
    try:
        channel.send(waiting)
    except NotDelivered as error:
        ledger.refused(alert.alert_id, channel.name, str(error), attempt, time.time())
        return f"alert {alert.alert_id} ({alert.title}) to channel {channel.name}, attempt {attempt}: {error}"
    ledger.sent(alert.alert_id, channel.name)
    return None


@contextmanager
def _locked(path: Path, until: float) -> Iterator[bool]:
    """One sender a channel on this machine. The system gives the lock back when its holder dies, however it dies."""
    with path.open("w") as file:
        is_ours = _try_lock(file.fileno())
        while not is_ours and time.monotonic() < until:
            time.sleep(0.05)
            is_ours = _try_lock(file.fileno())
        yield is_ours


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
