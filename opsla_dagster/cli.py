"""The command line: what a person types.

Belongs here: commands, their options, progress and messages. Does not belong here: anything worth calling from elsewhere.
"""

import os
import shlex
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from opsla_dagster.errors import OpslaError

if TYPE_CHECKING:  # the commands import what they need: `opsla --help` should not wait for Dagster
    from dagster import DagsterInstance

    from opsla_dagster.automation.failures import CheckDescriptions
    from opsla_dagster.settings import Settings
    from opsla_dagster.sources.bronze.report import LoadStep
    from opsla_dagster.sources.desk import Desk
    from opsla_dagster.window import Window

#: A load that is done sooner needs no forecast.
_FORETELL_AFTER_SECONDS = 20.0
#: Exit code of what Ctrl-C ended, as shells have it.
_INTERRUPTED = 130

app = typer.Typer(
    name="opsla",
    help="SLA truth from the event log of a support or operations desk.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
#: Without a terminal (a pipe, a file) there is no width to fit into.
console = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 140)
#: Names the code location; at the top of the clone, beside sql/ and config/.
WORKSPACE = Path(__file__).resolve().parents[1] / "workspace.yaml"
#: The UI is for this machine alone.
LOCALHOST = "127.0.0.1"
complaints = Console(stderr=True)


def _in_a_directory(path: Path | None) -> Path | None:
    """Raises OpslaError where the directory that `path` shall lie in is not there: a mistyped path would make another one."""
    if path is not None and not path.absolute().parent.is_dir():
        raise OpslaError(f"{path}: there is no directory {path.absolute().parent}; make it first, or name another one")
    return path


def _promises(place: Path) -> Path:
    """Raises OpslaError where neither a file nor a directory with promises is there."""
    if not (place / "sla_policies.yml" if place.is_dir() else place).exists():
        raise OpslaError(f"{place}: no such file, or directory with a sla_policies.yml; name one of the two")
    return place


AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="INSTANT", help="What was known by then; ISO, UTC unless it says otherwise.")
]


Wait = Annotated[bool, typer.Option("--wait", help="Wait for another run to end as long as it takes, 12 hours at most; for cron.")]


@app.command()
def run(
    start: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First intake date.")] = None,
    end: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Intake date to stop before.")] = None,
    cases: Annotated[int | None, typer.Option(min=1, help="Cases to simulate in the configured window; the home goes on with them.")] = None,
    as_of: AsOf = None,
    wait: Wait = False,
) -> None:
    """The main job: load a window of intake dates, make every table, evaluate every check, publish, report."""
    from opsla_dagster.settings import load_settings
    from opsla_dagster.settings.calendars import require_horizon
    from opsla_dagster.sources.desk import build_desk
    from opsla_dagster.starting.directory import finish
    from opsla_dagster.window import Window

    settings = load_settings()
    if cases is not None:
        _require_simulation(settings)
        settings = replace(settings, simulated_cases=cases)
    desk = build_desk(settings)
    _wait_for_turn(settings, wait=wait)
    unloaded = _load_accounts(settings)
    default = desk.window()
    window = Window(start.date() if start else default.start, end.date() if end else default.end)
    as_of_at = _instant(as_of)
    _refuse_dates_before(window.start, settings.sources.desk.start_date)
    window = _gone_by(desk, window, as_of_at, settings.sources.desk.timezone, is_end_told=end is not None)
    _say_what_was_read(desk, as_of_at)
    require_horizon(settings.calendars, window)
    if cases is not None:
        # Before the run: a refresh after one that failed must simulate the same desk. A desk that is refused is not remembered.
        _refuse_mixtures(settings, desk, window, as_of_at)
        settings.home.remember_cases(cases)
    _carry_out(settings, [window], as_of_at, is_refresh=False, wait=wait)
    finish(settings.config_directory)
    _refuse_unloaded(unloaded)


@app.command()
def init(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE]...", help="A log with one row an update, or one row a case: CSV, a workbook, JSON, XES or Parquet, as it is or in gzip or ZIP."),
    ] = None,
    zendesk: Annotated[str | None, typer.Option(metavar="SUBDOMAIN", help="Instead of files: acme for acme.zendesk.com.")] = None,
    intercom: Annotated[bool, typer.Option("--intercom", help="Instead of files: an Intercom workspace.")] = False,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Config directory to write; its home is DIR/.opsla.")] = Path("my_desk"),
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing, take the proposal.")] = False,
    name: Annotated[str | None, typer.Option(help="What to call the source.")] = None,
    timezone: Annotated[str | None, typer.Option(help="Zone of the desk, and of stamps that state no offset.")] = None,
    start_date: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First intake date to load.")] = None,
    time_format: Annotated[str | None, typer.Option(metavar="FORMAT", help="How a log's stamps are written: iso, or strptime.")] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--column", metavar="FIELD=COLUMN", help="What a column of the log is; where a row is a case, STATUS=COLUMN: when it came to that."),
    ] = None,
    statuses: Annotated[
        list[str] | None, typer.Option("--status", metavar="WORD=STATUS", help="What a word of the log means; WORD=IGNORE: left out on purpose.")
    ] = None,
    empty_cells: Annotated[
        str | None, typer.Option("--empty-cells", metavar="MEANING", help="Of an attribute: cleared (it has none any more) or unchanged (it tells nothing).")
    ] = None,
    sheet: Annotated[str | None, typer.Option(metavar="NAME", help="The sheet of a workbook that holds the log.")] = None,
    records: Annotated[str | None, typer.Option(metavar="PATH", help="Where a JSON document has the records, such as data.tickets.")] = None,
    header_row: Annotated[int | None, typer.Option(min=1, help="The row of a CSV file or sheet that names the columns.")] = None,
    email_variable: Annotated[str, typer.Option(help="Environment variable with the e-mail of Zendesk's API user.")] = "ZENDESK_EMAIL",
    token_variable: Annotated[
        str | None, typer.Option(help="Environment variable with the token; default ZENDESK_TOKEN or INTERCOM_TOKEN.")
    ] = None,
    key_variable: Annotated[str, typer.Option(help="Environment variable with the key of pseudonyms.")] = "OPSLA_PSEUDONYM_KEY",
    base_url: Annotated[str | None, typer.Option(help="Where the account's API is asked, if not at the vendor's own address.")] = None,
) -> None:
    """A new desk: looks at a log or an account, proposes and writes a config directory, and runs a first small window."""
    from opsla_dagster.settings import load_settings
    from opsla_dagster.starting.asking import Asking
    from opsla_dagster.starting.begin import Answers, begin, finish_first_run, first_window

    asking = Asking(console, is_allowed=not yes and sys.stdin.isatty())
    answers = Answers(
        files or [], zendesk, intercom, to, name, timezone, start_date.date() if start_date else None, time_format, columns or [],
        statuses or [], email_variable, token_variable, key_variable, base_url, empty_cells, sheet, records, header_row,
    )
    begun = begin(answers, asking)
    if begun is None:
        _say("Nothing was written.")
        return
    _say(f"Written: {begun.directory}. Its state will be in {begun.home} (OPSLA_HOME).")
    if begun.unfinished:
        raise OpslaError(begun.unfinished)
    os.environ.update(OPSLA_CONFIG=str(begun.directory), OPSLA_HOME=str(begun.home))
    settings = load_settings()
    unloaded = _load_accounts(settings)
    _refuse_unloaded(unloaded)
    as_of_at = _instant(None)
    window, case_id = first_window(settings, as_of_at)
    _say(f"First window: the intake dates {window}.")
    _carry_out(settings, [window], as_of_at, is_refresh=False)
    finish_first_run(settings, begun.directory)
    _say(f"Go on with everything:  {_program()} run")
    _say(f"One case:               {_program()} explain {shlex.quote(case_id)}")


@app.command()
def refresh(as_of: AsOf = None, wait: Wait = False) -> None:
    """What the schedule does: yesterday, and exactly the intake dates that received events since the last refresh."""
    from opsla_dagster.automation.refresh import never_loaded, refresh_windows
    from opsla_dagster.settings import load_settings
    from opsla_dagster.sources.desk import build_desk

    settings = load_settings()
    _wait_for_turn(settings, wait=wait)
    as_of_at = _instant(as_of)
    unloaded = _load_accounts(settings)
    desk = build_desk(settings)
    windows = refresh_windows(settings, desk, as_of_at)
    _say_what_was_read(desk, as_of_at)
    if not windows:
        _say(f"Nothing to refresh as of {as_of_at}Z: no intake date has gone by that was not refreshed already.")
        _refuse_unloaded(unloaded)
        return
    days = sum(window.days for window in windows)
    _say(f"To make: {', '.join(str(window) for window in windows)} (intake dates: {days})")
    for gap in never_loaded(settings, desk, windows, as_of_at):
        _say(f"Not loaded: {gap}. `opsla run --start {gap.start} --end {gap.end}` loads these intake dates.")
    _carry_out(settings, windows, as_of_at, is_refresh=True, wait=wait)
    _refuse_unloaded(unloaded)


@app.command()
def dev(port: Annotated[int, typer.Option(min=1, max=65_535, help="Port of the UI.")] = 3000) -> None:
    """The Dagster UI, schedule and sensors on this machine, on the same home."""
    from opsla_dagster.instance.settings import prepare_dagster_home
    from opsla_dagster.settings import load_settings

    settings = load_settings()
    _require_free(port)
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(prepare_dagster_home(settings.home.root)),
        "OPSLA_HOME": str(settings.home.root),
        "OPSLA_CONFIG": str(settings.config_directory.resolve()),
    }
    command = [
        str(Path(sys.executable).with_name("dagster")), "dev", "--host", LOCALHOST, "--port", str(port),
        "--workspace", str(WORKSPACE),
    ]
    # Dagster takes this process over, so that whatever ends `opsla dev` ends the UI, its daemon and their children. A shell's
    # background job ignores Ctrl-C, and a program would inherit that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execve(command[0], command, environment)


@app.command()
def status() -> None:
    """What this home holds: tables, intake dates, the latest runs."""
    from opsla_dagster.reporting.status import print_status
    from opsla_dagster.settings import load_settings

    print_status(load_settings(), console)


@app.command()
def report() -> None:
    """Writes report.html anew from the published marts."""
    from opsla_dagster.reporting.report import write_report
    from opsla_dagster.reporting.run_summary import latest_run_summary
    from opsla_dagster.settings import load_settings

    settings = load_settings()
    home = settings.home
    _require_published(home.marts_database)
    summary = latest_run_summary(home.reports / "run_summaries")
    target = write_report(home.marts_database, summary, home.reports / "report.html", settings)
    _say(f"Report: {target}")


@app.command()
def explain(
    case_id: str,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
    picture: Annotated[Path | None, typer.Option("--html", metavar="FILE", callback=_in_a_directory, help="As a page with a time line a clock.")] = None,
) -> None:
    """One case: its events, each clock's spans with the minutes they contribute, and the verdict."""
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
        _say(f"Picture: {write_picture(explanation, picture)}", complaints if as_json else console)
    if as_json:
        typer.echo(explanation.to_json())
    elif picture is None:
        render(explanation, console)


@app.command()
def agents(
    month: Annotated[datetime | None, typer.Option(formats=["%Y-%m"], help="Local month; default: the last one in which anybody did something.")] = None,
) -> None:
    """What each agent answered, took and resolved in a month; with names where `keep_names` keeps a list of them in the home."""
    from opsla_dagster.reporting.agents import agents_table
    from opsla_dagster.settings import load_settings

    console.print(agents_table(load_settings().home, month.date() if month else None))


@app.command("policy-diff")
def policy_diff(
    a: Annotated[Path, typer.Argument(metavar="A", callback=_promises, help="A file as sla_policies.yml, or a directory that holds one.")],
    b: Annotated[Path, typer.Argument(metavar="B", callback=_promises, help="The other one; calendars.yml beside either is used with it.")],
    to: Annotated[Path | None, typer.Option("--to", callback=_in_a_directory, help="Write every clock that differs to this CSV file.")] = None,
) -> None:
    """The same cases under two sets of promises: what would change, by policy and case. Nothing is written to the warehouse."""
    from opsla_dagster.reporting.policy_diff import compared, print_differences, read_promises, write_cases
    from opsla_dagster.settings import load_settings

    settings = load_settings()
    before, after = (read_promises(place, settings) for place in (a, b))
    with compared(settings.home, before, after) as connection:
        print_differences(connection, before, after, console)
        if to is not None:
            _say(f"{to}: {write_cases(connection, to):,} clocks that differ")


class ExportFormat(StrEnum):
    """File formats of `opsla export`."""

    parquet = "parquet"
    csv = "csv"
    hyper = "hyper"


@app.command()
def export(
    file_format: Annotated[ExportFormat, typer.Option("--format", help="hyper needs the extra: pip install 'opsla\\[hyper]'.")],
    directory: Annotated[
        Path | None, typer.Option("--to", callback=_in_a_directory, help="Directory to write to; default: exports/ in the home.")
    ] = None,
    tables: Annotated[
        list[str] | None, typer.Option("--table", help="Only this table (repeatable), of any layer; default: every mart.")
    ] = None,
) -> None:
    """Writes tables as files for other tools."""
    from opsla_dagster.reporting.export import export_tables
    from opsla_dagster.settings import load_settings

    home = load_settings().home
    for path, rows in export_tables(home, tables or [], file_format.value, directory or home.root / "exports"):
        _say(f"{path}: {rows:,} rows")


@app.command()
def bench(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Only these benches; default: all.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="At a small scale, to see that it works; not judged.")] = False,
) -> None:
    """The figures of speed and memory, each beside something it is measured against (takes a while)."""
    from opsla_dagster.settings.home import Home

    _make_benchmarks_importable()
    from benchmarks.run import run_benches

    _say(f"Figures: {run_benches(names or [], Home.of(), console, quick=quick)}")


def main() -> None:
    """Entry point: one readable message instead of a stack trace."""
    try:
        app()
    except OpslaError as error:
        _complain(error)
    except SystemExit as ended:
        if ended.code == _INTERRUPTED:  # Typer makes this of Ctrl-C, without a word
            complaints.print("[bold red]opsla:[/] interrupted; tables are whole, the unfinished ones as before")
        raise
    except Exception as error:
        from opsla_dagster.running import disk_trouble
        from opsla_dagster.settings.home import Home

        trouble = disk_trouble(error, Home.of().root)
        if trouble is None:
            raise
        _complain(trouble)


def _say(text: str, to: Console = console) -> None:
    """One line as it is: nothing in it is markup, and a path is not broken in two."""
    to.print(text, markup=False, highlight=False, soft_wrap=True)


def _complain(error: OpslaError) -> NoReturn:
    complaints.print(f"[bold red]opsla:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
    raise SystemExit(1) from None


def _carry_out(settings: "Settings", windows: "Sequence[Window]", as_of_at: datetime, *, is_refresh: bool, wait: bool = False) -> None:
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
    with _progress(len(refreshed_assets(settings))) as advance:
        finished = run_windows(settings, instance, windows, as_of_at, advance, is_refresh=is_refresh, patience_seconds=patience_seconds)
    try:
        _tell(settings, instance, [*interrupted, *finished.run_ids], finished.run_ids)
    except Exception:
        if finished.succeeded:
            raise
        # What made the run fail comes first; a full disk mostly takes the report along.
    if not finished.succeeded:
        raise OpslaError(finished.error)


def _wait_for_turn(settings: "Settings", *, wait: bool) -> None:
    """Takes the place of the one run that works at a time. Raises OpslaError when somebody else keeps it."""
    from opsla_dagster.instance.instance import open_instance, wait_for_turn

    with open_instance(settings.home.root) as instance:
        wait_for_turn(instance, _patience(wait=wait), partial(_say, to=complaints))


def _patience(*, wait: bool) -> float:
    """Seconds to wait for another run: a person wants to know soon, a night job wants to be done."""
    from opsla_dagster.warehouse.connection import LOCK_PATIENCE_SECONDS, UNATTENDED_PATIENCE_SECONDS

    return UNATTENDED_PATIENCE_SECONDS if wait else LOCK_PATIENCE_SECONDS


def _load_accounts(settings: "Settings") -> list[str]:
    """Loads what is new in every account of a ticket system; says, and returns, which could not be loaded."""
    from opsla_dagster.sources.loading import enabled_accounts

    if not enabled_accounts(settings.sources):
        return []
    from opsla_dagster.instance.instance import open_instance
    from opsla_dagster.reporting.record import left_out
    from opsla_dagster.running import load_accounts

    unloaded = []
    with _load_progress() as advance, open_instance(settings.home.root) as instance:
        for account, error in load_accounts(settings, instance, advance):
            _say(f"Loaded {account}." if not error else f"Not loaded: {account}: {error}")
            if error:
                unloaded.append(account)
        for missing in left_out(instance, settings):
            _say(f"Left out: {missing}")
    return unloaded


def _refuse_unloaded(accounts: list[str]) -> None:
    if accounts:
        raise OpslaError(f"{', '.join(accounts)}: could not be loaded (see above); the tables hold what was loaded of it before")


def _tell(settings: "Settings", instance: "DagsterInstance", ended: list[str], refreshed: list[str]) -> None:
    """Writes the reports of the `refreshed` runs and sends the alerts of all that `ended`."""
    from opsla_dagster.automation.delivery import deliver_alerts
    from opsla_dagster.reporting.closing import headline_table
    from opsla_dagster.reporting.record import write_reports

    written = write_reports(instance, refreshed, settings, command=_command())
    describe = partial(_descriptions_of_checks, settings)
    outcome = deliver_alerts(instance, ended, settings.home.root, settings.alerts, describe)
    for problem in outcome.problems:
        complaints.print(f"[yellow]alert not delivered yet:[/] {escape(problem)}", highlight=False)
    console.print(headline_table(written.summary, _program()))


def _descriptions_of_checks(settings: "Settings") -> "CheckDescriptions":
    from opsla_dagster.automation.failures import check_descriptions
    from opsla_dagster.build import build_definitions

    return check_descriptions(build_definitions(settings).get_repository_def())


@contextmanager
def _progress(total: int) -> Iterator[Callable[[str, int], None]]:
    columns = (SpinnerColumn(), TextColumn("{task.description:42}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("starting", total=total)

        def advance(table: str, rows: int) -> None:
            progress.update(task, advance=1, description=f"{table} ({rows:,} rows)")

        yield advance


@contextmanager
def _load_progress() -> "Iterator[Callable[[str, LoadStep], None]]":
    """A bar a resource, by how much of its time is loaded; a load that takes minutes also says, once a resource, when it expects to end."""
    columns = (SpinnerColumn(), TextColumn("{task.description:58}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bars: dict[tuple[str, str], TaskID] = {}
        foretold: set[TaskID] = set()

        def advance(account: str, step: "LoadStep") -> None:
            known = f", up to {step.known_until:%Y-%m-%d %H:%M}" if step.known_until else ""
            text = f"{account}: {step.resource} ({step.rows:,} records{known})"
            if (account, step.resource) not in bars:
                bars[account, step.resource] = progress.add_task(text, total=1.0)
            bar = bars[account, step.resource]
            progress.update(bar, completed=step.share, description=text)
            elapsed = progress.tasks[progress.task_ids.index(bar)].elapsed or 0.0
            if bar not in foretold and elapsed > _FORETELL_AFTER_SECONDS and 0.0 < step.share < 1.0:
                foretold.add(bar)
                end = datetime.now().astimezone() + timedelta(seconds=elapsed * (1 - step.share) / step.share)
                _say(f"{text}: {step.share:.0%}, at this pace to its end about {end:%Y-%m-%d %H:%M %Z}")

        yield advance


def _command() -> str:
    return shlex.join(["opsla", *sys.argv[1:]])


def _program() -> str:
    """How this opsla was called, with the home and the configuration it was told."""
    told = [f"{name}={os.environ[name]}" for name in ("OPSLA_HOME", "OPSLA_CONFIG") if name in os.environ]
    called = Path(sys.argv[0])
    is_elsewhere = called.name == "opsla" and shutil.which("opsla") != str(called.absolute())
    return " ".join([*told, os.path.relpath(called) if is_elsewhere else "opsla"])


def _instant(text: str | None) -> datetime:
    from opsla_dagster.assets.scope import parse_instant

    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    as_of_at = parse_instant(text) if text else now
    if as_of_at > now:
        raise OpslaError(f"--as-of {text} lies in the future: nobody knows yet what will be known by then; it is {now}Z")
    return as_of_at


def _refuse_mixtures(settings: "Settings", desk: "Desk", window: "Window", as_of_at: datetime) -> None:
    from opsla_dagster.assets.mixtures import refuse_mixtures
    from opsla_dagster.assets.scope import Scope
    from opsla_dagster.warehouse.connection import reading

    if settings.home.warehouse.exists():
        with reading(settings.home.warehouse) as connection:
            refuse_mixtures(Scope(connection, desk, settings, as_of_at, window, window))


def _require_simulation(settings: "Settings") -> None:
    from opsla_dagster.settings.sources import SimulationSourceSettings

    if not any(isinstance(source, SimulationSourceSettings) and source.enabled for source in settings.sources.sources):
        place = settings.config_directory / "sources.yml"
        raise OpslaError(f"--cases is for simulated desks, and {place} enables no simulation; leave it out: the sources bring their own cases")


def _refuse_dates_before(first: date, start_date: date) -> None:
    if first < start_date:
        raise OpslaError(f"--start {first} lies before the desk's first intake date {start_date} (sources.yml: desk.start_date)")


def _gone_by(desk: "Desk", window: "Window", as_of_at: datetime, zone: str, *, is_end_told: bool) -> "Window":
    """The window up to the desk's date at as_of: days that a stamp in the future names are not yet days of the desk.

    Where nobody said the end, a window that is cut ends with the last date that has cases by then. Raises OpslaError where nothing of it has happened.
    """
    from opsla_dagster.automation.refresh import local_date
    from opsla_dagster.window import ONE_DAY, Window

    today = local_date(as_of_at, zone)
    if window.start > today:
        raise OpslaError(f"the window begins on {window.start}; as of {today} nothing of it has happened yet")
    cut = Window(window.start, min(window.end, today + ONE_DAY))
    if cut == window:
        return window
    if is_end_told:
        _say(f"The window ends with {today}: as of then nothing of the dates up to {window.last} has happened yet.")
        return cut
    known = desk.partition_states(cut, as_of_at)["intake_date"].to_pylist()
    return Window(cut.start, max(known, default=cut.last) + ONE_DAY)


def _say_what_was_read(desk: "Desk", as_of_at: datetime) -> None:
    for note in desk.reading_notes(as_of_at):
        _say(note)


def _require_free(port: int) -> None:
    """Raises OpslaError when nobody could listen there: Dagster would wait for ever."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the UI does: a port that was just left is free
        try:
            probe.bind((LOCALHOST, port))
        except OSError as error:
            raise OpslaError(f"--port {port}: the UI cannot listen there ({error.strerror}); name another port") from error


def _make_benchmarks_importable() -> None:
    """Benches are part of a clone, not of the installed package."""
    clone = Path(__file__).resolve().parents[1]
    if not (clone / "benchmarks" / "run.py").exists():
        raise OpslaError(
            f"{clone}: there is no benchmarks/ here; benches run from a clone of the repository: "
            "install it with `make setup` and call .venv/bin/opsla bench"
        )
    sys.path.insert(0, str(clone))


def _require_published(marts_database: Path) -> None:
    if not marts_database.exists():
        raise OpslaError(f"{marts_database}: nothing is published yet; `opsla run` publishes the marts")


if __name__ == "__main__":
    main()
