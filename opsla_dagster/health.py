"""Whether a deployment works: `opsla health`, for people, monitoring and Docker's HEALTHCHECK.

Belongs here: the checks, one line each. Does not belong here: alerts (automation/), which tell of every failed run by themselves.
"""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import requests
from dagster import DagsterInstance, DagsterRunStatus, RunRecord
from dagster._daemon.controller import get_daemon_statuses

from opsla_dagster.assets.scope import REFRESH_TAG
from opsla_dagster.automation.drop_states import drop_states
from opsla_dagster.automation.freshness import freshness_now
from opsla_dagster.automation.unattended import refresh_without_a_run
from opsla_dagster.errors import OpslaError
from opsla_dagster.figures import rounded
from opsla_dagster.instance.instance import is_killed, open_instance
from opsla_dagster.settings import Settings

_ANSWER_WITHIN_SECONDS = 5.0
#: Where an instance keeps what it keeps, of which home a webserver is.
_WHOSE = "{ instance { info } }"
#: Daemons report every half a minute; Dagster itself would wait for half an hour.
_SILENT_FOR_SECONDS = 300.0
_SPARE_BYTES = 1e9
_RUNS_AT_ONCE = 50


@dataclass(frozen=True)
class Finding:
    """What one check found; None where it does not apply: what it looks at was never part of this home, and nobody asked for it by name."""

    check: str
    is_healthy: bool | None
    text: str


def check_health(settings: Settings, webserver: str | None, names: list[str]) -> list[Finding]:
    """The findings of the checks named (default: all), in the order of `CHECKS`; `webserver` is its address (None: where the home's UI listened last).

    Raises OpslaError for a name that is no check, and where there is no home.
    """
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        raise OpslaError(f"no such check: {', '.join(unknown)}; there are {', '.join(CHECKS)}")
    if not settings.home.root.is_dir():
        raise OpslaError(f"{settings.home.root}: there is no such home (OPSLA_HOME); `opsla run` makes one")
    address = webserver or settings.home.ui_url()
    with open_instance(settings.home.root) as instance:
        unused = {} if names else _never_started(settings, instance, webserver)
        return [
            Finding(name, None, unused[name]) if name in unused else Finding(name, *check(settings, instance, address))
            for name, check in CHECKS.items()
            if name in names or (not names and (name != "drops" or settings.sources.drop_folders))
        ]


def _never_started(settings: Settings, instance: DagsterInstance, webserver: str | None) -> dict[str, str]:
    """The services that this home never had, by check: a desk that cron refreshes needs neither."""
    unused = {}
    if webserver is None and not settings.home.has_ui_url():
        unused["webserver"] = "never started for this home; `opsla health webserver` asks for one"
    if not instance.get_daemon_heartbeats():
        unused["daemon"] = "never started for this home: no schedule or sensor works, cron has to; `opsla health daemon` asks for one"
    return unused


def _webserver(settings: Settings, instance: DagsterInstance, webserver: str) -> tuple[bool, str]:
    url = f"{webserver.rstrip('/')}/server_info"
    try:
        answer = requests.get(url, timeout=_ANSWER_WITHIN_SECONDS)
        found = answer.json()["dagster_webserver_version"]
        told = requests.post(f"{webserver.rstrip('/')}/graphql", json={"query": _WHOSE}, timeout=_ANSWER_WITHIN_SECONDS)
        whose = told.json()["data"]["instance"]["info"]
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        return False, f"{url} does not answer as Dagster's webserver: {type(error).__name__}"
    if whose is not None and instance.root_directory not in whose:
        return False, f"{webserver} answers, for another home than {settings.home.root}; --webserver names the address of this one's UI"
    return answer.ok, f"{webserver} answers (Dagster {found})"


def _daemon(settings: Settings, instance: DagsterInstance, webserver: str) -> tuple[bool, str]:
    statuses = get_daemon_statuses(instance, instance.get_required_daemon_types(), heartbeat_tolerance_seconds=_SILENT_FOR_SECONDS)
    sick = {name: status for name, status in statuses.items() if not status.healthy}
    if not sick:
        return True, f"{len(statuses)} daemons report in time"
    seen = [status.last_heartbeat.timestamp for status in sick.values() if status.last_heartbeat]
    when = f"last seen {_utc(max(seen))}" if seen else "never seen"
    return False, f"{', '.join(sorted(sick))}: {when}; start `opsla daemon` (or `opsla dev`)"


def _last_refresh(settings: Settings, instance: DagsterInstance, webserver: str) -> tuple[bool, str]:
    """The latest refresh, whether it came to a run or not: one that ended before its run is among no runs."""
    record = next((each for each in _latest_runs(instance) if REFRESH_TAG in each.dagster_run.tags), None)
    since = 0.0 if record is None else record.end_time or record.create_timestamp.timestamp()
    if (failed := refresh_without_a_run(instance, since)) is not None:
        failed_at, told = failed
        return False, f"{_utc(failed_at)}: {told}"
    if record is None:
        return False, "no run yet; `opsla run` makes the first"
    run = record.dagster_run
    told = f"run {run.run_id} is {run.status.value}, of {_utc(record.create_timestamp.timestamp())}"
    if is_killed(instance, run):
        return False, f"run {run.run_id}, of {_utc(record.create_timestamp.timestamp())}, was killed: its process is gone; `opsla refresh` makes what is missing"
    return run.status not in (DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED), told


def _latest_runs(instance: DagsterInstance) -> Iterator[RunRecord]:
    """All runs, the latest first: between two refreshes there are as many hourly loads as there are accounts."""
    cursor: str | None = None
    while records := instance.get_run_records(limit=_RUNS_AT_ONCE, cursor=cursor):
        yield from records
        cursor = records[-1].dagster_run.run_id


def _freshness(settings: Settings, instance: DagsterInstance, webserver: str) -> tuple[bool, str]:
    """What the check of the published marts says; once anything is published."""
    try:
        found = freshness_now(settings, instance, datetime.now(UTC))
    except OpslaError as error:
        return False, str(error)
    return found.newest is not None and found.is_kept, found.sentence()


def _drops(settings: Settings, instance: DagsterInstance, webserver: str) -> tuple[bool, str]:
    """What is refused, away or late; else what was received last."""
    states = drop_states(settings, datetime.now(UTC))
    wrong = [problem for state in states for problem in state.problems]
    if wrong:
        return False, "; ".join(wrong)
    return True, "; ".join(state.sentence() for state in states) or "sources.yml has no drop folder"


def _disk(settings: Settings, instance: DagsterInstance, webserver: str) -> tuple[bool, str]:
    """A run may write as much as the warehouse holds before it lets go of the old blocks."""
    free = shutil.disk_usage(settings.home.root).free
    held = settings.home.warehouse.stat().st_size if settings.home.warehouse.exists() else 0
    needed = held + _SPARE_BYTES
    return free >= needed, f"{rounded(free / 1e9, 1)} GB free; {rounded(needed / 1e9, 1)} GB wanted (the warehouse, and one more)"


def _permissions(settings: Settings, instance: DagsterInstance, webserver: str) -> tuple[bool, str]:
    mode = stat.S_IMODE(settings.home.root.stat().st_mode)
    if mode & 0o007:
        return False, f"{settings.home.root} is open to everybody on this machine ({mode:04o}); chmod -R o= {settings.home.root}"
    return True, f"{settings.home.root} is closed to others ({mode:04o})"


def _utc(timestamp: float) -> str:
    return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d %H:%M:%S}Z"


CHECKS: dict[str, Callable[[Settings, DagsterInstance, str], tuple[bool, str]]] = {
    "webserver": _webserver,
    "daemon": _daemon,
    "last_refresh": _last_refresh,
    "freshness": _freshness,
    "drops": _drops,
    "disk": _disk,
    "permissions": _permissions,
}
