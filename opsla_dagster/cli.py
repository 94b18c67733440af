"""The command line: what a person types.

Belongs here: commands, their options, progress and messages. Does not belong here: anything worth calling from elsewhere.
"""

import os
import re
import shlex
import shutil
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.text import Text

from opsla_dagster import __version__, shipped
from opsla_dagster.command_help import Command, Group, examples
from opsla_dagster.errors import OpslaError, RunFailedError
from opsla_dagster.figures import counted
from opsla_dagster.interrupts import noting_interrupts, was_interrupted
from opsla_dagster.printable import visible_json
from opsla_dagster.progress import load_progress, table_progress
from opsla_dagster.terminal import PlainConsole

if TYPE_CHECKING:  # the commands import what they need: `opsla --help` should not wait for Dagster
    from dagster import DagsterInstance

    from opsla_dagster.automation.failures import Graph
    from opsla_dagster.settings import Settings
    from opsla_dagster.sources.desk import Desk
    from opsla_dagster.window import Window

T = TypeVar("T")

#: Exit code of what Ctrl-C ended, as shells have it.
_INTERRUPTED = 130
#: Exit code of a command line that Typer does not understand.
_NOT_UNDERSTOOD = 2
#: What cron or a service manager starts.
_UNATTENDED = ("refresh", "run", "dev", "daemon")

app = typer.Typer(
    name="opsla",
    cls=Group,
    help="Exact, explainable SLA figures from the event log of a support or operations desk.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
#: Without a terminal (a pipe, a file) there is no width to fit into.
console = PlainConsole(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 140)
err_console = PlainConsole(stderr=True)
#: Alerts that the status names.
_ALERTS_SHOWN = 5
_ACCOUNT_PANEL = "Accounts of ticket systems"
#: A refresh waits no longer than that for receivers of older alerts.
_ALERT_SECONDS = 20.0
#: The UI is for this machine alone.
LOCALHOST = "127.0.0.1"


def _in_a_directory(path: Path | None) -> Path | None:
    """Raises OpslaError where the directory that `path` shall lie in is not there: a mistyped path would make another one."""
    if path is not None and not path.absolute().parent.is_dir():
        raise OpslaError(f"{path}: there is no directory {path.absolute().parent}; make it first, or name another one")
    return path


def _month(text: str | None) -> str | None:
    """Raises OpslaError for what is no month."""
    if text is not None and not re.fullmatch(r"[1-9]\d{3}-(0[1-9]|1[0-2])", text):
        raise OpslaError(f"--month {text}: that is no month; expected a year and a month from 01 to 12, such as 2025-07")
    return text


def _promises(place: Path) -> Path:
    """Raises OpslaError where neither a file nor a directory with promises is there."""
    if not (place / "sla_policies.yml" if place.is_dir() else place).exists():
        raise OpslaError(f"{place}: no such file, or directory with a sla_policies.yml; name one of the two")
    return place


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"opsla {__version__}")
        raise typer.Exit


def _complete_tables(incomplete: str) -> list[str]:
    """Tables that a shell offers for `--table`."""
    from opsla_dagster.catalog import TABLES

    return [name for name in TABLES if name.startswith(incomplete)]


@app.callback()
def _every_command(
    _version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")] = False,
) -> None:
    """Exact, explainable SLA figures from the event log of a support or operations desk."""


Raw = Annotated[bool, typer.Option("--raw", help="CSV for programs, with every text as it is; without it, texts are made safe for spreadsheets.")]
AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="INSTANT", help="Judge by what was known at this instant; ISO 8601, UTC unless it has an offset.")
]


Wait = Annotated[
    bool, typer.Option("--wait", help="For cron: wait for another run to end, 12 hours at most, and retry, for 21 minutes, what fails for a passing cause.")
]


@app.command(cls=Command, epilog=examples("opsla run", "opsla run --start 2025-07-01 --end 2025-08-01", "opsla run --as-of 2025-07-10T16:00", "opsla run --cases 3000"))
def run(
    start: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="First intake date, such as 2025-07-01.")] = None,
    end: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="The intake date after the last one.")] = None,
    cases: Annotated[int | None, typer.Option(min=1, metavar="COUNT", help="Cases to simulate in the configured window; later runs of this home keep the number.")] = None,
    as_of: AsOf = None,
    wait: Wait = False,
) -> None:
    """Run everything: load a range of intake dates, build and check every table, publish the marts, write the report."""
    from opsla_dagster.automation.chosen import chosen_window, with_loaded_dates, with_remapped_dates
    from opsla_dagster.settings import load_settings
    from opsla_dagster.sources.desk import build_desk
    from opsla_dagster.starting.directory import finish

    settings = load_settings()
    _keep_private(settings)
    if cases is not None:
        _require_simulation(settings)
        settings = replace(settings, simulated_cases=cases)
    desk = build_desk(settings)
    _wait_for_turn(settings, wait=wait)
    unloaded = _load_accounts(settings, wait=wait)
    refused = _receive_drops(settings)
    as_of_at = _instant(as_of)
    window, note = chosen_window(settings, desk, start.date() if start else None, end.date() if end else None, as_of_at)
    if note:
        _say(note)
    _say_what_was_read(desk, as_of_at)
    if cases is not None:
        # Before the run: a refresh after one that failed must simulate the same desk. A desk that is refused is not remembered.
        _refuse_mixtures(settings, desk, window, as_of_at)
        settings.home.remember_cases(cases)
    windows, upgrade_note = with_loaded_dates(settings, window)
    if upgrade_note:
        _say(upgrade_note)
    if start is None and end is None:
        windows, remapped_note = with_remapped_dates(settings, desk, windows)
        if remapped_note:
            _say(remapped_note)
    _execute_windows(settings, windows, as_of_at, is_refresh=False, wait=wait)
    finish(settings.config_directory)
    _refuse_unloaded(unloaded, refused)


@app.command(cls=Command, epilog=examples("opsla init log.csv", "opsla init log.csv --to my_desk --timezone Europe/Berlin --column status=State --status Parked=ON_HOLD", "opsla init --zendesk acme", "opsla init --demo"))
def init(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="A log with one row per update or one row per case: CSV, Excel, JSON, XES or Parquet, also in gzip or ZIP."),
    ] = None,
    zendesk: Annotated[str | None, typer.Option(metavar="SUBDOMAIN", help="Instead of files: a Zendesk account, acme for acme.zendesk.com.")] = None,
    intercom: Annotated[bool, typer.Option("--intercom", help="Instead of files: an Intercom workspace.")] = False,
    demo: Annotated[bool, typer.Option("--demo", help="Instead of files: the simulated desk that comes with opsla.")] = False,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Config directory to write; its data goes to DIR/.opsla.")] = Path("my_desk"),
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing; take the proposal.")] = False,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the source.")] = None,
    timezone: Annotated[str | None, typer.Option(metavar="ZONE", help="Time zone of the desk, and of timestamps without an offset, such as Europe/Berlin.")] = None,
    start_date: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="First intake date to load; records of cases that came in before are left out, and listed in raw.rejected_rows.")] = None,
    time_formats: Annotated[
        list[str] | None,
        typer.Option("--time-format", metavar="FORMAT", help="How the log writes timestamps: iso, epoch_ms, serial, or a strptime format. Give it once."),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--column", metavar="FIELD=COLUMN", help="Which column holds a field, such as status=State; with one row per case also STATUS=COLUMN: when the case came to that status."),
    ] = None,
    statuses: Annotated[
        list[str] | None, typer.Option("--status", metavar="WORD=STATUS", help="What a status of the log means, such as Parked=ON_HOLD; WORD=IGNORE leaves its records out.")
    ] = None,
    empty_cells: Annotated[
        str | None, typer.Option("--empty-cells", metavar="MEANING", help="What an empty cell of an attribute means: cleared (no value any more) or unchanged.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(metavar="NAME", help="Sheet of the workbook that holds the log.")] = None,
    records: Annotated[str | None, typer.Option(metavar="PATH", help="Path of the records in a JSON document, such as data.tickets.")] = None,
    header_row: Annotated[int | None, typer.Option(min=1, metavar="NUMBER", help="Row of the CSV file or sheet that names the columns.")] = None,
    email_variable: Annotated[str, typer.Option(metavar="NAME", rich_help_panel=_ACCOUNT_PANEL, help="Environment variable with the e-mail address of Zendesk's API user.")] = "ZENDESK_EMAIL",
    token_variable: Annotated[
        str | None, typer.Option(metavar="NAME", rich_help_panel=_ACCOUNT_PANEL, help="Environment variable with the API token; default: ZENDESK_TOKEN or INTERCOM_TOKEN.")
    ] = None,
    key_variable: Annotated[str, typer.Option(metavar="NAME", rich_help_panel=_ACCOUNT_PANEL, help="Environment variable with the key for pseudonyms.")] = "OPSLA_PSEUDONYM_KEY",
    base_url: Annotated[str | None, typer.Option(metavar="URL", rich_help_panel=_ACCOUNT_PANEL, help="Address of the account's API, if not the vendor's own.")] = None,
) -> None:
    """Set up a new desk: inspect a log or an account, propose and write a config directory, and run a first few days."""
    from opsla_dagster.settings import load_settings
    from opsla_dagster.starting.asking import Asking
    from opsla_dagster.starting.begin import Answers, begin, begin_demo, finish_first_run, first_window

    if demo:
        if files or zendesk or intercom:
            raise OpslaError("--demo sets up a desk of its own: leave out either --demo or the files or account")
        begun = begin_demo(to)
        os.environ.update(OPSLA_CONFIG=str(begun.directory), OPSLA_HOME=str(begun.home))
        _say(f"Written: {begun.directory}, a simulated desk of 300,000 cases. Run it:  {_program()} run")
        return
    asking = Asking(console, is_allowed=not yes and sys.stdin.isatty())
    answers = Answers(
        files=files or [], zendesk=zendesk, intercom=intercom, directory=to, name=name, timezone=timezone,
        start_date=start_date.date() if start_date else None, time_format=_only(time_formats), columns=columns or [], statuses=statuses or [],
        empty_cells=empty_cells, sheet=sheet, records=records, header_row=header_row,
        email_variable=email_variable, token_variable=token_variable, key_variable=key_variable, base_url=base_url,
    )
    begun_or_none = begin(answers, asking)
    if begun_or_none is None:
        _say("Nothing was written.")
        return
    begun = begun_or_none
    _say(f"Written: {begun.directory}. Its data will be in {begun.home} (OPSLA_HOME).")
    # What is advised from here on is to be done in this home.
    os.environ.update(OPSLA_CONFIG=str(begun.directory), OPSLA_HOME=str(begun.home))
    if begun.unfinished:
        raise OpslaError(begun.unfinished)
    settings = load_settings()
    _keep_private(settings)
    unloaded = _load_accounts(settings)
    _refuse_unloaded(unloaded, _receive_drops(settings))
    as_of_at = _instant(None)
    window, case_id = first_window(settings, as_of_at)
    _say(f"First run: the intake dates {window}.")
    _execute_windows(settings, [window], as_of_at, is_refresh=False)
    finish_first_run(settings, begun.directory)
    _say(f"Run the whole log:  {_program()} run")
    _say(f"Explain one case:   {_program()} explain {shlex.quote(case_id)}")


@app.command(cls=Command, epilog=examples("opsla refresh", "opsla refresh --wait", "opsla refresh --as-of 2025-07-10T16:00"))
def refresh(as_of: AsOf = None, wait: Wait = False) -> None:
    """Do what the schedule does: rebuild yesterday, missed dates, and exactly the older dates that received events since the last refresh."""
    from opsla_dagster.automation.refresh import never_loaded
    from opsla_dagster.settings import load_settings
    from opsla_dagster.warehouse.connection import pending_upgrade

    settings = load_settings()
    _keep_private(settings)
    _wait_for_turn(settings, wait=wait)
    as_of_at = _instant(as_of)
    _look_back(settings)
    unloaded = _load_accounts(settings, wait=wait)
    refused = _receive_drops(settings)
    desk, windows = _trying_again(lambda: _planned(settings, as_of_at), wait=wait)
    _say_what_was_read(desk, as_of_at)
    if not windows:
        _say(f"Nothing to refresh as of {as_of_at}Z: every past intake date is up to date.")
        _refuse_unloaded(unloaded, refused)
        return
    needed = pending_upgrade(settings.home.warehouse)
    if needed is not None:
        _say(needed.told(settings.home.root))
    days = sum(window.days for window in windows)
    _say(f"To rebuild: {counted(days, 'intake date')}, {', '.join(str(window) for window in windows)}")
    for gap in never_loaded(settings, desk, windows, as_of_at):
        _say(f"Not loaded: {gap}. `opsla run --start {gap.start} --end {gap.end}` loads these intake dates.")
    _execute_windows(settings, windows, as_of_at, is_refresh=True, wait=wait)
    _refuse_unloaded(unloaded, refused)


@app.command(cls=Command, epilog=examples("opsla dev", "opsla dev --port 3001"))
def dev(port: Annotated[int, typer.Option(min=1, max=65_535, metavar="PORT", help="Port of the UI.")] = 3000) -> None:
    """Start the Dagster UI with schedule and sensors on this machine, on the same home."""
    from opsla_dagster.settings import load_settings

    settings = load_settings()
    _require_free(LOCALHOST, port)
    settings.home.remember_ui_url(f"http://{LOCALHOST}:{port}")
    _become(settings, [sys.executable, "-m", "opsla_dagster.instance.dev_server", str(shipped.WORKSPACE), LOCALHOST, str(port)])


@app.command(cls=Command, epilog=examples("opsla webserver", "opsla webserver --host 0.0.0.0 --port 3000 --read-only"))
def webserver(
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on; the UI has no login of its own (docs/deploy.md).")] = LOCALHOST,
    port: Annotated[int, typer.Option(min=1, max=65_535, metavar="PORT", help="Port of the UI.")] = 3000,
    read_only: Annotated[bool, typer.Option("--read-only", help="Nobody can start or change anything from this UI.")] = False,
) -> None:
    """Start the Dagster UI alone; `opsla daemon` beside it executes schedules, sensors and runs."""
    from opsla_dagster.settings import load_settings

    settings = load_settings()
    _require_free(host, port)
    settings.home.remember_ui_url(f"http://{LOCALHOST if host == '0.0.0.0' else host}:{port}")
    _become_dagster(settings, "dagster-webserver", "--host", host, "--port", str(port), *(["--read-only"] if read_only else []))


@app.command(cls=Command, epilog=examples("opsla center", "opsla center --port 3101", "opsla center --host 0.0.0.0 --allow-host desk.example.com"))
def center(
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on; beyond this machine only with OPSLA_CENTER_TOKEN and --allow-host.")] = LOCALHOST,
    port: Annotated[int, typer.Option(min=1, max=65_535, metavar="PORT", help="Port of the pages.")] = 3100,
    allow_host: Annotated[list[str] | None, typer.Option("--allow-host", metavar="NAME", help="Name by which browsers call it; repeatable.")] = None,
    root_path: Annotated[str, typer.Option("--root-path", metavar="PATH", help="Path under which a reverse proxy shows it, such as /desk.")] = "",
) -> None:
    """Serve the command centre: how the desk stands and what to do next, as pages for a browser. It reads what is published and changes nothing."""
    from opsla_dagster.center.app import serve
    from opsla_dagster.center.guard import access, root_path_of
    from opsla_dagster.settings import load_settings

    settings = load_settings()
    allowed = access(host, allow_host or [], os.environ.get("OPSLA_CENTER_TOKEN", "").strip())
    root = root_path_of(root_path)
    _require_free(host, port, "command centre")
    if not settings.home.marts_database.exists():
        _say(f"Nothing is published in {settings.home.root} yet: the pages say so until `{_program()} run` has published.")
    shown = f"[{host}]" if ":" in host else LOCALHOST if host == "0.0.0.0" else host
    _say(f"Command centre: http://{shown}:{port}{root}/  (Ctrl-C ends it)")
    serve(settings, allowed, host, port, root)


@app.command(cls=Command, epilog=examples("opsla daemon"))
def daemon() -> None:
    """Start Dagster's daemon alone: schedules, sensors and the run queue."""
    from opsla_dagster.settings import load_settings

    _become_dagster(load_settings(), "dagster-daemon", "run")


@app.command(cls=Command, epilog=examples("opsla health", "opsla health daemon last_refresh freshness disk", "opsla health webserver --webserver http://127.0.0.1:3001"))
def health(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="CHECK", help="webserver, daemon, last_refresh, freshness, drops, disk or permissions; default: all.")
    ] = None,
    address: Annotated[str | None, typer.Option("--webserver", metavar="URL", help="Where the UI is; default: where this home's listened last.")] = None,
) -> None:
    """Check whether a deployment works: one line per check, exit code 1 if any fails."""
    from opsla_dagster.health import check_health
    from opsla_dagster.settings import load_settings

    findings = check_health(load_settings(), address, names or [])
    for finding in findings:
        verdict = Text("ok  ", "green") if finding.is_healthy else Text("FAIL", "bold red")
        console.print(Text.assemble(verdict, f"  {finding.check:<13} {finding.text}"), soft_wrap=True)
    raise typer.Exit(0 if all(finding.is_healthy for finding in findings) else 1)


@app.command(cls=Command, epilog=examples("opsla status"))
def status() -> None:
    """Show what this home holds: sources, promises, tables, the latest runs, disk space."""
    from opsla_dagster.reporting.status import print_status
    from opsla_dagster.settings import load_settings

    settings = load_settings()
    # First: a desk that waits for its first drop has nothing else yet.
    _say_what_was_dropped(settings)
    print_status(settings, console)
    _say_what_was_told(settings)


@app.command(cls=Command, epilog=examples("opsla backlog", "opsla backlog --by queue --by priority", "opsla backlog --as-of 2025-07-10T16:00 --by queue"))
def backlog(
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="INSTANT", help="The desk at that instant, as the log knows it today; ISO 8601, UTC unless it has an offset. Default: now.")
    ] = None,
    by: Annotated[list[str] | None, typer.Option("--by", metavar="DIMENSION", help="Also by queue, priority, tier, region, brand or channel (repeatable).")] = None,
) -> None:
    """Show what is open, what is past due and how long until nothing is: now, or at any instant of the past. The command line is in UTC; pages for browsers are in the desk's time."""
    from opsla_dagster.reporting.backlog import print_backlog
    from opsla_dagster.settings import load_settings
    from opsla_dagster.window import parse_instant

    print_backlog(load_settings(), parse_instant(as_of) if as_of else None, by or [], console)


class NextFormat(StrEnum):
    """Forms of `opsla next`."""

    table = "table"
    json = "json"
    csv = "csv"


@app.command(
    "next", cls=Command,
    epilog=examples("opsla next", 'opsla next --queue "Billing" --limit 20', "opsla next --agent agent-0031 --format json", "opsla next --as-of 2025-07-10T16:00"),
)  # fmt: skip
def next_best(
    queue: Annotated[str | None, typer.Option("--queue", metavar="QUEUE", help="This queue alone. Default: each queue.")] = None,
    agent: Annotated[str | None, typer.Option("--agent", metavar="AGENT", help="What this agent holds, in the agent's own order.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, metavar="N", help="So many of each queue, or of the agent.")] = 5,
    form: Annotated[NextFormat, typer.Option("--format", help="table for people; json or csv for programs.")] = NextFormat.table,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of", metavar="INSTANT",
            help="What fell due next at that instant of the past, as the log knows it today; ISO 8601, UTC unless it has an offset. Default: the order of now.",
        ),
    ] = None,
) -> None:
    """Show which ticket is next in each queue, why, and whom that defers."""
    from opsla_dagster.reporting.next_tickets import Asked, print_next
    from opsla_dagster.settings import load_settings
    from opsla_dagster.window import parse_instant

    text = print_next(load_settings(), Asked(queue, agent, limit, parse_instant(as_of) if as_of else None), form.value, console)
    if text is not None:
        typer.echo(text)


@app.command(
    cls=Command,
    epilog=examples('opsla staffing --target "first touch 95%"', 'opsla staffing --target "first reply 90% within 1h" --queue Billing', "opsla staffing --roster two_shifts"),
)
def staffing(
    target: Annotated[
        str | None, typer.Option("--target", metavar="PROMISE", help='A promise and the share to keep: "first reply 95%". Default: the promise of a first answer.')
    ] = None,
    queue: Annotated[str | None, typer.Option("--queue", metavar="QUEUE", help="Plan this queue alone. Default: the whole desk.")] = None,
    roster: Annotated[str | None, typer.Option("--roster", metavar="ROSTER", help="Judge a roster too: its name in staffing.yml, or a file with one.")] = None,
    touch_minutes: Annotated[
        float | None, typer.Option("--touch-minutes", min=0.01, max=10_000, metavar="MINUTES", help="What a case takes one head, in the place of what is known of it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Plan heads by weekday and hour that keep a promise in 95 % of weeks, and judge rosters, by simulation."""
    import json

    from opsla_dagster.reporting.marts import published
    from opsla_dagster.reporting.staffing import asked, print_staffing, staffing_json
    from opsla_dagster.settings import load_settings

    settings = load_settings()
    if not as_json:
        print_staffing(settings, target, queue, roster, touch_minutes, console)
        return
    with published(settings.home.marts_database) as connection:
        found = asked(connection, settings, target, queue, roster, touch_minutes)
    typer.echo(visible_json(json.dumps(staffing_json(found), indent=2, ensure_ascii=False)))


@app.command(cls=Command, epilog=examples("opsla sync"))
def sync() -> None:
    """Make the Dagster UI show what the warehouse holds, after its history was deleted or restored from another day's backup."""
    from opsla_dagster.automation.sync import sync_catalog
    from opsla_dagster.instance.instance import open_instance
    from opsla_dagster.settings import load_settings
    from opsla_dagster.window import ranges_of

    settings = load_settings()
    if not settings.home.warehouse.exists():  # before Dagster's part of a home is made, in a directory whose name was mistyped
        raise OpslaError(f"{settings.home.warehouse}: there is no warehouse here; OPSLA_HOME names the home, `opsla run` makes a new one")
    with open_instance(settings.home.root) as instance:
        synced = sync_catalog(settings, instance)
    if synced.forgotten:
        _say(f"Forgotten of these dates, because the warehouse lacks them: {', '.join(synced.forgotten)}")
    _say(f"Told to Dagster: {synced.told:,} materialisations; the rest it knew.")
    if synced.half_made:
        dates = ", ".join(str(window) for window in ranges_of(synced.half_made))
        _say(f"Left as missing, because they are incomplete: the intake dates {dates}. `opsla refresh` makes them.")


@app.command(cls=Command, epilog=examples("opsla report"))
def report() -> None:
    """Write report.html again from the published marts."""
    from opsla_dagster.reporting.report import write_report
    from opsla_dagster.reporting.run_summary import latest_run_summary
    from opsla_dagster.settings import load_settings

    settings = load_settings()
    home = settings.home
    _require_published(home.marts_database)
    _keep_private(settings)
    summary = latest_run_summary(home.reports / "run_summaries")
    target = write_report(home.marts_database, summary, home.reports / "report.html", settings)
    _say(f"Report: {target}")


@app.command(cls=Command, epilog=examples("opsla explain T-2", "opsla explain T-2 --json", "opsla explain T-2 --html case.html"))
def explain(
    case_id: Annotated[str, typer.Argument(metavar="CASE_ID", help="The case, as the source names it.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs (docs/explain.md).")] = False,
    picture: Annotated[Path | None, typer.Option("--html", metavar="FILE", callback=_in_a_directory, help="Write a page with one time line per clock.")] = None,
) -> None:
    """Explain one case: its events, what counted on each clock and what did not, the outcome, and rejected records."""
    from opsla_dagster.reporting.explain import explain as explain_case
    from opsla_dagster.reporting.explain_text import render
    from opsla_dagster.settings import load_settings
    from opsla_dagster.warehouse.connection import reading

    settings = load_settings()
    with reading(settings.home.warehouse) as connection:
        explanation = explain_case(connection, case_id, settings)
    if picture is not None:
        from opsla_dagster.reporting.explain_picture import write_picture

        # Who reads the JSON reads nothing beside it.
        _say(f"Picture: {write_picture(explanation, picture)}", err_console if as_json else console)
    if as_json:
        typer.echo(visible_json(explanation.to_json()))
    elif picture is None:
        render(explanation, console)


@app.command(cls=Command, epilog=examples("opsla ownership T-2", "opsla ownership T-2 --html case.html"))
def ownership(
    case_id: Annotated[str, typer.Argument(metavar="CASE_ID", help="The case, as the source names it.")],
    picture: Annotated[Path | None, typer.Option("--html", metavar="FILE", callback=_in_a_directory, help="Write a page with the time line of its holders.")] = None,
) -> None:
    """Show who held a case from when to when, as a time line, and what each stint added to its life."""
    from opsla_dagster.reporting.explain import explain as explain_case
    from opsla_dagster.reporting.explain_text import render_ownership
    from opsla_dagster.settings import load_settings
    from opsla_dagster.warehouse.connection import reading

    settings = load_settings()
    with reading(settings.home.warehouse) as connection:
        explanation = explain_case(connection, case_id, settings)
    if picture is None:
        render_ownership(explanation, console)
        return
    from opsla_dagster.reporting.explain_picture import write_picture

    _say(f"Picture: {write_picture(explanation, picture)}")


@app.command(cls=Command, epilog=examples("opsla agents", "opsla agents --month 2025-07"))
def agents(
    month: Annotated[str | None, typer.Option(callback=_month, metavar="MONTH", help="Local month, such as 2025-07; default: the last one with any activity.")] = None,
) -> None:
    """Show what each agent answered, took on and resolved in a month; with names where `keep_names` stores them in the home."""
    from opsla_dagster.reporting.agents import agents_table
    from opsla_dagster.settings import load_settings

    console.print(agents_table(load_settings().home, date.fromisoformat(f"{month}-01") if month else None))


@app.command("policy-diff", cls=Command, epilog=examples("opsla policy-diff config stricter.yml", "opsla policy-diff config stricter.yml --to differing.csv"))
def policy_diff(
    a: Annotated[Path, typer.Argument(metavar="A", callback=_promises, help="A file like sla_policies.yml, or a directory that holds one.")],
    b: Annotated[Path, typer.Argument(metavar="B", callback=_promises, help="The file or directory to compare it with; a calendars.yml beside either is used with it.")],
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", callback=_in_a_directory, help="Write every clock that differs to this CSV file.")] = None,
    raw: Raw = False,
) -> None:
    """Compare two sets of promises on the same cases: what would change, by policy and case. The warehouse is not changed."""
    from opsla_dagster.reporting.policy_diff import compared, print_differences, read_promises, write_cases
    from opsla_dagster.settings import load_settings

    settings = load_settings()
    before, after = (read_promises(place, settings) for place in (a, b))
    with compared(settings.home, before, after) as connection:
        print_differences(connection, before, after, console)
        if to is not None:
            _say(f"{to}: {counted(write_cases(connection, to, raw=raw), 'clock')} differing")


class ExportFormat(StrEnum):
    """File formats of `opsla export`."""

    parquet = "parquet"
    csv = "csv"
    hyper = "hyper"


@app.command(cls=Command, epilog=examples("opsla export --format csv", "opsla export --format parquet --table mart.sla_attainment --to exports"))
def export(
    file_format: Annotated[ExportFormat, typer.Option("--format", help="File format; hyper needs an extra: pip install 'opsla\\[hyper]'.")],
    directory: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", callback=_in_a_directory, help="Directory to write to; default: exports/ in the home.")
    ] = None,
    tables: Annotated[
        list[str] | None, typer.Option("--table", autocompletion=_complete_tables, metavar="TABLE", help="A table of any layer; repeat it for several. Default: every mart.")
    ] = None,
    raw: Raw = False,
) -> None:
    """Write tables as files for other tools."""
    from opsla_dagster.reporting.export import export_tables
    from opsla_dagster.reporting.spreadsheet import NOTE
    from opsla_dagster.settings import load_settings

    settings = load_settings()
    home = settings.home
    if directory is None and home.root.is_dir():  # elsewhere files are as the shell makes them
        _keep_private(settings)
    for path, rows in export_tables(home, tables or [], file_format.value, directory or home.root / "exports", raw=raw):
        _say(f"{path}: {counted(rows, 'row')}")
    if file_format is ExportFormat.csv and not raw:
        _say(NOTE)


def main() -> None:
    """Entry point: one readable message instead of a stack trace."""
    with noting_interrupts():
        try:
            _main()
        except BaseException as ended:
            code = ended.code if isinstance(ended, SystemExit) else None
            if code == 0 or not (was_interrupted() or code == _INTERRUPTED):  # what went through has gone through
                raise
            _complain("interrupted; no table is half-written, and the unfinished ones are as they were before")
            raise SystemExit(_INTERRUPTED) from None


def _main() -> None:
    try:
        app()
    except OpslaError as error:
        if was_interrupted():
            raise
        _tell_who_is_not_here(str(error), error)
        _refuse(error)
    except SystemExit as ended:
        if ended.code == _NOT_UNDERSTOOD:
            _tell_who_is_not_here(f"the command line was not understood{_complaint_of(ended)}")
        raise
    except Exception as error:
        if was_interrupted():
            raise
        from opsla_dagster.running import disk_trouble
        from opsla_dagster.settings.home import Home

        trouble = disk_trouble(error, Home.of().root)
        _tell_who_is_not_here(str(trouble or f"unexpected {type(error).__name__}: {error}"))
        if trouble is None:  # Python's own way of printing it, and what it quotes of a source made visible
            err_console.print(traceback.format_exc(), markup=False, highlight=False, soft_wrap=True)
            raise SystemExit(1) from None
        _refuse(trouble)


def _tell_who_is_not_here(cause: str, error: Exception | None = None) -> None:
    """Alerts that a command of an unattended desk ended for `cause`, unless somebody reads it on a terminal or a run's alert says so."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in _UNATTENDED or sys.stderr.isatty() or isinstance(error, RunFailedError):
        return
    from opsla_dagster.automation.unattended import tell_of_command

    for problem in tell_of_command(_command(), name, cause):
        _complain(problem, "alert not delivered yet", "yellow")


def _complaint_of(ended: SystemExit) -> str:
    """`: No such option: --wiat`: what Typer printed, of whose exception the exit is."""
    told = getattr(ended.__context__, "format_message", None)
    return f": {told()}" if callable(told) else ""


def _say(text: str, to: Console = console) -> None:
    """One line as it is: nothing in it is markup, and a path is not broken in two."""
    to.print(text, markup=False, highlight=False, soft_wrap=True)


def _complain(text: str, what: str = "opsla", style: str = "bold red") -> None:
    err_console.print(Text.assemble((f"{what}:", style), f" {text}"), soft_wrap=True)


def _refuse(error: OpslaError) -> NoReturn:
    """The message; the commands that it advises are of the home and the configuration that this one was of."""
    _complain(str(error).replace("`opsla ", f"`{_program()} "))
    raise SystemExit(1) from None


def _execute_windows(settings: "Settings", windows: "Sequence[Window]", as_of_at: datetime, *, is_refresh: bool, wait: bool = False) -> None:
    """Makes the dates of the windows with a progress bar, writes the reports, sends the alerts, and says how it went."""
    from opsla_dagster.automation.schedule import refreshed_assets
    from opsla_dagster.instance.instance import mark_interrupted_runs, open_instance
    from opsla_dagster.running import run_windows
    from opsla_dagster.warehouse.connection import require_writable

    instance = open_instance(settings.home.root)
    patience_seconds = _patience(wait=wait)
    require_writable(settings.home.warehouse, patience_seconds=patience_seconds)
    interrupted = mark_interrupted_runs(instance)
    for run_id in interrupted:
        _say(f"Run {run_id} had been killed; Dagster now shows it as failed.")
    with table_progress(console, len(refreshed_assets(settings))) as advance:
        finished = run_windows(settings, instance, windows, as_of_at, advance, is_refresh=is_refresh, patience_seconds=patience_seconds)
    try:
        _alert(settings, instance, [*interrupted, *finished.run_ids])
    except OpslaError as error:
        if not finished.succeeded:
            raise OpslaError(f"{finished.error}. And no alert could be recorded: {error}") from error
        raise
    try:
        _report(settings, instance, finished.run_ids)
    except Exception:
        if finished.succeeded:
            raise
        # What made the run fail comes first; a full disk mostly takes the report along.
    if not finished.succeeded:
        raise RunFailedError(finished.error)


def _wait_for_turn(settings: "Settings", *, wait: bool) -> None:
    """Takes the place of the one run that works at a time. Raises OpslaError when somebody else keeps it."""
    from opsla_dagster.instance.instance import open_instance, wait_for_turn

    with open_instance(settings.home.root) as instance:
        wait_for_turn(instance, _patience(wait=wait), partial(_say, to=err_console))


def _patience(*, wait: bool) -> float:
    """Seconds to wait for another run: a person wants to know soon, a night job wants to be done."""
    from opsla_dagster.warehouse.connection import LOCK_PATIENCE_SECONDS, UNATTENDED_PATIENCE_SECONDS

    return UNATTENDED_PATIENCE_SECONDS if wait else LOCK_PATIENCE_SECONDS


def _trying_again(work: "Callable[[], T]", *, wait: bool) -> "T":
    """What `work` returns; of a command that may wait, done again where what it fails for passes."""
    from opsla_dagster.assets.retrying import WAITS_SECONDS
    from opsla_dagster.running import trying_again

    return trying_again(work, partial(_say, to=err_console), WAITS_SECONDS if wait else ())


def _planned(settings: "Settings", as_of_at: datetime) -> "tuple[Desk, list[Window]]":
    """The sources as they are now, and what a refresh of them has to make."""
    from opsla_dagster.automation.refresh import refresh_windows
    from opsla_dagster.sources.desk import build_desk

    desk = build_desk(settings)
    return desk, refresh_windows(settings, desk, as_of_at)


def _load_accounts(settings: "Settings", *, wait: bool = False) -> list[str]:
    """Loads what is new in every account of a ticket system; says, and returns, which could not be loaded."""
    from opsla_dagster.sources.loading import enabled_accounts

    if not enabled_accounts(settings.sources):
        return []
    from opsla_dagster.instance.instance import open_instance
    from opsla_dagster.reporting.record import left_out
    from opsla_dagster.running import load_accounts

    unloaded = []
    with load_progress(console, _say) as advance, open_instance(settings.home.root) as instance:
        for account, error in load_accounts(settings, instance, advance, patience_seconds=_patience(wait=wait)):
            _say(f"Loaded {account}." if not error else f"Not loaded: {account}: {error}")
            if error:
                unloaded.append(account)
        for missing in left_out(instance, settings):
            _say(f"Left out: {missing}")
        _alert(settings, instance, [])
    return unloaded


def _receive_drops(settings: "Settings") -> list[str]:
    """Takes in what markers in drop folders have released; says, and returns, what is wrong there."""
    if not settings.sources.drop_folders:
        return []
    from opsla_dagster.automation.delivery import send_waiting
    from opsla_dagster.automation.receiving import problems_of, receive_and_tell

    found = receive_and_tell(settings)
    for each in found:
        for receipt in each.receipts:
            _say(f"Received {each.folder}: {receipt.marker}")
        for told in each.waiting:
            _say(f"Waiting in {each.folder}: {told}")
    problems = problems_of(found)
    for problem in problems:
        _say(f"Refused: {problem}")
    if problems:
        send_waiting(settings.home.root, settings.alerts, _ALERT_SECONDS)
    return problems


def _refuse_unloaded(accounts: list[str], drops: list[str]) -> None:
    """What the command could do is done; it ends with an error that says what was left out."""
    left_out = [f"{', '.join(accounts)}: could not be loaded (see above); the tables hold what was loaded before"] if accounts else []
    left_out += [f"{problem}. The tables hold what was dropped before" for problem in drops]
    if left_out:
        raise RunFailedError("\n".join(left_out))


def _report(settings: "Settings", instance: "DagsterInstance", refreshed: list[str]) -> None:
    """Writes the reports of the `refreshed` runs and shows the headline."""
    from opsla_dagster.reporting.closing import headline_table
    from opsla_dagster.reporting.record import write_reports

    written = write_reports(instance, refreshed, settings, command=_command())
    console.print(headline_table(written.summary, _program()))


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
            _say(f"Alerts: {silent}")
    except OpslaError as error:
        _complain(f"burn rates were not looked at: {error}", "alerts", "yellow")
    for problem in deliver_alerts(instance, ended, home, settings.alerts, describe).problems:
        _complain(problem, "alert not delivered yet", "yellow")


def _say_what_was_dropped(settings: "Settings") -> None:
    """Of each drop folder the last receipt, what waits for a marker, and what is wrong."""
    if not settings.sources.drop_folders:
        return
    from opsla_dagster.automation.drop_states import drop_states

    for state in drop_states(settings, datetime.now(UTC), looks_into=True):
        for line in (state.sentence(), *state.problems, *state.waiting):
            _say(line)


def _say_what_was_told(settings: "Settings") -> None:
    """The latest alerts: a refresh that failed before its run is among no runs."""
    from opsla_dagster.automation.ledger import FOLDER, Ledger

    for alert in Ledger.latest(settings.home.root / FOLDER, _ALERTS_SHOWN):
        _say(f"Alerted {alert.occurred_at.replace('T', ' ').removesuffix('+00:00')} (UTC): {alert.title}")


def _look_back(settings: "Settings") -> None:
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
        _complain(str(error), "alerts", "yellow")


def _graph(settings: "Settings") -> "Graph":
    from opsla_dagster.automation.failures import Graph
    from opsla_dagster.build import build_definitions

    return Graph.of(build_definitions(settings).get_repository_def())


def _command() -> str:
    return shlex.join(["opsla", *sys.argv[1:]])


def _only(time_formats: "Sequence[str] | None") -> str | None:
    """The one --time-format. Raises OpslaError for several: which stamps each is of, nobody could tell."""
    given = list(dict.fromkeys(time_formats or ()))
    if len(given) > 1:
        raise OpslaError(
            f"--time-format is given {len(given)} times ({', '.join(given)}): give one. Stamps of several forms in one column are recognised without "
            "it; else say them in sources.yml (time: {format: [FORMAT, FORMAT]})"
        )
    return given[0] if given else None


def _program() -> str:
    """How this opsla was called, with the home and the configuration it was told."""
    told = [f"{name}={os.environ[name]}" for name in ("OPSLA_HOME", "OPSLA_CONFIG") if name in os.environ]
    called = Path(sys.argv[0])
    is_elsewhere = called.name == "opsla" and shutil.which("opsla") != str(called.absolute())
    return " ".join([*told, os.path.relpath(called) if is_elsewhere else "opsla"])


def _keep_private(settings: "Settings") -> None:
    """What this process writes into the home is its owner's alone, unless the owner opened the home."""
    from opsla_dagster.instance.permissions import keep_private

    try:
        keep_private(settings.home.root)
    except (FileNotFoundError, NotADirectoryError, FileExistsError) as error:
        raise OpslaError(f"{settings.home.root}: cannot be a home (OPSLA_HOME): {error.strerror}") from error


def _instant(text: str | None) -> datetime:
    from opsla_dagster.window import parse_instant

    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    as_of_at = parse_instant(text) if text else now
    if as_of_at > now:
        raise OpslaError(f"--as-of {text} lies in the future: it is {now}Z now; name an instant that has passed")
    return as_of_at


def _refuse_mixtures(settings: "Settings", desk: "Desk", window: "Window", as_of_at: datetime) -> None:
    from opsla_dagster.assets.mixtures import refuse_mixtures
    from opsla_dagster.assets.scope import Scope
    from opsla_dagster.warehouse.connection import reading

    if settings.home.warehouse.exists():
        with reading(settings.home.warehouse, older_too=True) as connection:
            refuse_mixtures(Scope(connection, desk, settings, as_of_at, window, window))


def _require_simulation(settings: "Settings") -> None:
    from opsla_dagster.settings.sources import SimulationSourceSettings

    if not any(isinstance(source, SimulationSourceSettings) and source.enabled for source in settings.sources.sources):
        place = settings.config_directory / "sources.yml"
        raise OpslaError(f"--cases is for simulated desks, and {place} enables no simulation; leave it out")


def _say_what_was_read(desk: "Desk", as_of_at: datetime) -> None:
    for note in desk.reading_notes(as_of_at):
        _say(note)


def _become_dagster(settings: "Settings", program: str, *arguments: str) -> NoReturn:
    """One of Dagster's programs on this home takes this process over."""
    _become(settings, [str(Path(sys.executable).with_name(program)), *arguments, "--workspace", str(shipped.WORKSPACE)])


def _become(settings: "Settings", command: list[str]) -> NoReturn:
    """`command` takes this process over, on this home, so that whatever ends `opsla` ends it and its children."""
    from opsla_dagster.instance.settings import prepare_dagster_home

    environment = {
        **os.environ,
        "DAGSTER_HOME": str(prepare_dagster_home(settings.home.root)),
        "OPSLA_HOME": str(settings.home.root),
        "OPSLA_CONFIG": str(settings.config_directory.resolve()),
        # How soon a run whose process died is run again; Dagster's own 5 seconds keep an idle machine busy.
        "DAGSTER_EVENT_LOG_CONSUMER_DAEMON_INTERVAL_SECONDS": os.environ.get("DAGSTER_EVENT_LOG_CONSUMER_DAEMON_INTERVAL_SECONDS", "30"),
        # Threads of a server share two heaps; with one for each of them the C library keeps 50 MB more that nobody uses.
        "MALLOC_ARENA_MAX": os.environ.get("MALLOC_ARENA_MAX", "2"),
    }
    # A shell's background job ignores Ctrl-C, and a program would inherit that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execve(command[0], command, environment)


def _require_free(host: str, port: int, what: str = "UI") -> None:
    """Raises OpslaError when nobody could listen there: Dagster would wait for ever."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the UI does: a port that was just left is free
        try:
            probe.bind((host, port))
        except OSError as error:
            raise OpslaError(f"--port {port}: the {what} cannot listen there ({error.strerror}); name another port") from error


def _require_published(marts_database: Path) -> None:
    if not marts_database.exists():
        raise OpslaError(f"{marts_database}: nothing is published yet; `opsla run` publishes the marts")


if __name__ == "__main__":
    main()
