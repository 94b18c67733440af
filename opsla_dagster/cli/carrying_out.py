"""Carrying out runs for a person: turn, progress, alerts, reports.

Belongs here: what `opsla run`, `opsla refresh` and `opsla init` share. Does not belong here: which dates (making.py), and the runs themselves (running.py).
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from opsla_dagster.cli.saying import as_called, as_typed, complain, console, err_console, say
from opsla_dagster.errors import OpslaError, RunFailedError
from opsla_dagster.interrupts import deliver_interrupt
from opsla_dagster.progress import load_progress, table_progress

if TYPE_CHECKING:  # the commands import what they need: `opsla --help` should not wait for Dagster
    from dagster import DagsterInstance
    from duckdb import DuckDBPyConnection

    from opsla_dagster.automation.failures import Graph
    from opsla_dagster.automation.verdicts import Restored
    from opsla_dagster.settings import Settings
    from opsla_dagster.window import Window

T = TypeVar("T")
#: A refresh waits no longer than that for receivers of older alerts.
_ALERT_SECONDS = 20.0
_TOLD_NOT_PUBLISHED = "The promises told above are those of this run; what is published, and what opsla status tells, is as it was before it."


def execute_windows(settings: "Settings", windows: "Sequence[Window]", as_of_at: datetime, *, is_refresh: bool, is_trial: bool = False, wait: bool = False) -> None:
    """Makes the dates of the windows with a progress bar, writes the reports, sends the alerts, and says how it went."""
    from opsla_dagster.automation.schedule import refreshed_assets
    from opsla_dagster.instance.instance import open_instance
    from opsla_dagster.running import run_windows
    from opsla_dagster.warehouse.connection import require_writable

    with open_instance(settings.home.root) as instance:  # closed: SQLite then leaves no log beside its files
        patience_seconds = _patience(wait=wait)
        require_writable(settings.home.warehouse, patience_seconds=patience_seconds)
        interrupted = _end_killed_runs(settings, instance)
        answer = _Answer(settings)
        with table_progress(console, len(refreshed_assets(settings))) as advance:
            finished = run_windows(settings, instance, windows, as_of_at, advance, is_refresh=is_refresh, is_trial=is_trial, patience_seconds=patience_seconds, answer=answer)
        restored = _restore_verdicts(settings, instance)
        try:
            _alert(settings, instance, [*interrupted, *finished.run_ids])
        except OpslaError as error:
            if not finished.succeeded:
                raise OpslaError(f"{finished.error}. And no alert could be recorded: {error}") from error
            raise
        try:
            _report(settings, instance, finished.run_ids, promises_too=not answer.is_told)
        except Exception:
            if finished.succeeded:
                raise
            # What made the run fail comes first; a full disk mostly takes the report along.
        if not finished.succeeded:
            unpublished = [_TOLD_NOT_PUBLISHED] if answer.is_told else []
            raise RunFailedError("\n".join([finished.error, *unpublished, *restored.sentences()]))
        say_restored(restored)


class _Answer:
    """Tells which promises were kept as soon as a run knows, once. Whatever it cannot tell then, the run goes on: its end tells the same, or why not."""

    def __init__(self, settings: "Settings") -> None:
        self._settings = settings
        self.is_told = False

    def __call__(self, connection: "DuckDBPyConnection") -> None:
        from opsla_dagster.reporting.closing import promises_table
        from opsla_dagster.reporting.headline import promises_kept

        try:
            console.print(promises_table(promises_kept(connection, self._settings), as_typed()))
        except Exception:
            deliver_interrupt()  # DuckDB makes an error of its own of a Ctrl-C
        else:
            self.is_told = True


def look_after_killed_runs(settings: "Settings", instance: "DagsterInstance") -> "Restored":
    """For a command that makes no run: ends the runs of killed commands, finds what they could not tell, and alerts both."""
    from opsla_dagster.automation.delivery import deliver_alerts

    interrupted = _end_killed_runs(settings, instance)
    restored = _restore_verdicts(settings, instance)
    if interrupted or restored.told:
        for problem in deliver_alerts(instance, interrupted, settings.home.root, settings.alerts, partial(_graph, settings)).problems:
            complain(problem, "alert not delivered yet", "yellow")
    return restored


def _end_killed_runs(settings: "Settings", instance: "DagsterInstance") -> list[str]:
    from opsla_dagster.instance.instance import mark_interrupted_runs

    interrupted = mark_interrupted_runs(instance)
    if interrupted:
        from opsla_dagster.reporting.record import write_killed

        for run_id in interrupted:
            say(f"Run {run_id} had been killed; Dagster now shows it as failed.")
        try:
            write_killed(instance, interrupted, settings)
        except (OpslaError, OSError) as error:  # of a run that is gone; the one that is asked for goes on
            complain(str(error), "the summary of the killed run could not be written", "yellow")
    return interrupted


def _restore_verdicts(settings: "Settings", instance: "DagsterInstance") -> "Restored":
    """Of runs that were killed: what they could not tell any more, and no run has judged again since. It is no part of the run just made."""
    from opsla_dagster.automation.verdicts import NOTHING_RESTORED, restore_cut_off_verdicts

    try:
        return restore_cut_off_verdicts(settings, instance, partial(_graph, settings))
    except OpslaError as error:  # somebody else is at work by now
        complain(f"{error}. The next run, the service or `opsla sync` finds them", "verdicts of a killed run are not found again yet", "yellow")
        return NOTHING_RESTORED


def say_restored(restored: "Restored") -> None:
    """What was found again; raises where a run would not have kept it."""
    from opsla_dagster.automation.verdicts import FORBIDDEN_ROWS

    for line in restored.sentences():
        say(line)
    if restored.errors:
        raise RunFailedError(FORBIDDEN_ROWS)


def take_turn(settings: "Settings", *, wait: bool) -> None:
    """Takes the place of the one run that works at a time. Raises OpslaError when somebody else keeps it."""
    from opsla_dagster.instance.instance import open_instance, wait_for_turn

    with open_instance(settings.home.root) as instance:
        wait_for_turn(instance, _patience(wait=wait), partial(say, to=err_console))


def _patience(*, wait: bool) -> float:
    """Seconds to wait for another run: a person wants to know soon, a night job wants to be done."""
    from opsla_dagster.warehouse.connection import LOCK_PATIENCE_SECONDS, UNATTENDED_PATIENCE_SECONDS

    return UNATTENDED_PATIENCE_SECONDS if wait else LOCK_PATIENCE_SECONDS


def try_again(work: "Callable[[], T]", *, wait: bool) -> "T":
    """What `work` returns; of a command that may wait, done again where what it fails for passes."""
    from opsla_dagster.assets.retrying import WAITS_SECONDS
    from opsla_dagster.running import trying_again

    return trying_again(work, partial(say, to=err_console), WAITS_SECONDS if wait else ())


def load_every_account(settings: "Settings", *, wait: bool = False) -> list[str]:
    """Loads what is new in every account of a ticket system; says, and returns, which could not be loaded."""
    from opsla_dagster.sources.loading import enabled_accounts

    if not enabled_accounts(settings.sources):
        return []
    from opsla_dagster.instance.instance import open_instance
    from opsla_dagster.reporting.record import left_out
    from opsla_dagster.running import load_accounts

    unloaded = []
    with load_progress(console, say) as advance, open_instance(settings.home.root) as instance:
        for account, error in load_accounts(settings, instance, advance, patience_seconds=_patience(wait=wait)):
            say(f"Loaded {account}." if not error else f"Not loaded: {account}: {error}")
            if error:
                unloaded.append(account)
        for missing in left_out(instance, settings):
            say(f"Left out: {missing}")
        _alert(settings, instance, [])
    return unloaded


def receive_drops(settings: "Settings") -> list[str]:
    """Takes in what markers in drop folders have released; says, and returns, what is wrong there."""
    if not settings.sources.drop_folders:
        return []
    from opsla_dagster.automation.delivery import send_waiting
    from opsla_dagster.automation.receiving import problems_of, receive_and_tell

    found = receive_and_tell(settings)
    for each in found:
        for receipt in each.receipts:
            say(f"Received {each.folder}: {receipt.marker}")
        for told in each.waiting:
            say(f"Waiting in {each.folder}: {told}")
    problems = problems_of(found)
    for problem in problems:
        say(f"Refused: {problem}")
    if problems:
        send_waiting(settings.home.root, settings.alerts, _ALERT_SECONDS)
    return problems


def refuse_unloaded(accounts: list[str], drops: list[str]) -> None:
    """What the command could do is done; it ends with an error that says what was left out."""
    left_out = [f"{', '.join(accounts)}: could not be loaded (see above); the tables hold what was loaded before"] if accounts else []
    left_out += [f"{problem}. The tables hold what was dropped before" for problem in drops]
    if left_out:
        raise RunFailedError("\n".join(left_out))


def _report(settings: "Settings", instance: "DagsterInstance", refreshed: list[str], *, promises_too: bool) -> None:
    """Writes the reports of the `refreshed` runs and shows what is not told yet."""
    from opsla_dagster.reporting.closing import headline_table
    from opsla_dagster.reporting.record import write_reports

    written = write_reports(instance, refreshed, settings, command=as_typed())
    console.print(headline_table(written.summary, as_called(), promises_too=promises_too))


def _alert(settings: "Settings", instance: "DagsterInstance", ended: list[str]) -> None:
    """Sends the alerts of the runs that `ended`, and of whatever else failed unnoticed."""
    from opsla_dagster.automation.burning import record_burns
    from opsla_dagster.automation.delivery import channel_names, deliver_alerts, record_unnoticed, ui_url_of

    home, describe = settings.home.root, partial(_graph, settings)
    record_unnoticed(instance, home, settings.alerts, describe)
    try:
        channels, ui_url = channel_names(settings.alerts, home), ui_url_of(settings.alerts, home)
        silent = record_burns(settings.home.marts_database, home, channels, ui_url, datetime.now(UTC))
        if silent:
            say(f"Alerts: {silent}")
    except OpslaError as error:
        complain(f"burn rates were not looked at: {error}", "alerts", "yellow")
    for problem in deliver_alerts(instance, ended, home, settings.alerts, describe).problems:
        complain(problem, "alert not delivered yet", "yellow")


def look_back(settings: "Settings") -> None:
    """Alerts what failed unnoticed since the last look, and a night that was missed. It is not worth a refresh when it cannot."""
    from opsla_dagster.automation.delivery import channel_names, record_unnoticed, send_waiting, ui_url_of
    from opsla_dagster.automation.freshness import record_missed_night
    from opsla_dagster.automation.receiving import record_missed_drops
    from opsla_dagster.instance.instance import open_instance

    home, alerts = settings.home.root, settings.alerts
    try:
        with open_instance(home) as instance:
            looked_at = record_unnoticed(instance, home, alerts, partial(_graph, settings))
            now = datetime.now(UTC)
            record_missed_drops(settings, now)
            record_missed_night(instance, settings, channel_names(alerts, home), ui_url_of(alerts, home), now, looked_at)
        send_waiting(home, alerts, _ALERT_SECONDS)
    except OpslaError as error:
        complain(str(error), "alerts", "yellow")


def _graph(settings: "Settings") -> "Graph":
    from opsla_dagster.automation.failures import Graph
    from opsla_dagster.build import build_definitions

    return Graph.of(build_definitions(settings).get_repository_def())
