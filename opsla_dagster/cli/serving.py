"""Commands that start something to stay, and look after it: the UI, its daemon, the command centre.

Belongs here: `opsla dev`, `webserver`, `daemon`, `center`, `health` and `sync`. Does not belong here: what they start.
"""

import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.text import Text

from opsla_dagster import shipped
from opsla_dagster.cli.commands import app
from opsla_dagster.cli.saying import as_called, console, say
from opsla_dagster.command_help import Command, examples
from opsla_dagster.errors import OpslaError

if TYPE_CHECKING:  # the commands import what they need: `opsla --help` should not wait for Dagster
    from opsla_dagster.settings import Settings

#: The UI is for this machine alone.
LOCALHOST = "127.0.0.1"
_VERDICTS = {True: ("ok  ", "green"), False: ("FAIL", "bold red"), None: ("-   ", "dim")}


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
        say(f"Nothing is published in {settings.home.root} yet: the pages say so until `{as_called()} run` has published.")
    shown = f"[{host}]" if ":" in host else LOCALHOST if host == "0.0.0.0" else host
    say(f"Command centre: http://{shown}:{port}{root}/  (Ctrl-C ends it)")
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
    """Check whether a deployment works: one line per check, exit code 1 if any fails. A service that this home never had is no failure, unless it is named."""
    from opsla_dagster.health import check_health
    from opsla_dagster.settings import load_settings

    findings = check_health(load_settings(), address, names or [])
    for finding in findings:
        console.print(Text.assemble(_VERDICTS[finding.is_healthy], f"  {finding.check:<13} {finding.text}"), soft_wrap=True)
    raise typer.Exit(1 if any(finding.is_healthy is False for finding in findings) else 0)


@app.command(cls=Command, epilog=examples("opsla sync"))
def sync() -> None:
    """Make the Dagster UI show what the warehouse holds, after its history was deleted or restored from another day's backup."""
    from opsla_dagster.automation.sync import sync_catalog
    from opsla_dagster.cli.carrying_out import look_after_killed_runs, say_restored
    from opsla_dagster.instance.instance import open_instance
    from opsla_dagster.settings import load_settings
    from opsla_dagster.window import dates_in_words

    settings = load_settings()
    if not settings.home.warehouse.exists():  # before Dagster's part of a home is made, in a directory whose name was mistyped
        raise OpslaError(f"{settings.home.warehouse}: there is no warehouse here; OPSLA_HOME names the home, `opsla run` makes a new one")
    with open_instance(settings.home.root) as instance:
        restored = look_after_killed_runs(settings, instance)
        synced = sync_catalog(settings, instance)
    if synced.forgotten:
        say(f"Forgotten of these dates, because the warehouse lacks them: {', '.join(synced.forgotten)}")
    say(f"Told to Dagster: {synced.told:,} materialisations; the rest it knew.")
    if synced.half_made:
        say(f"Left as missing, because incomplete: {dates_in_words(synced.half_made, len(synced.half_made))}. `opsla refresh` makes what is missing.")
    say_restored(restored + synced.restored)


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
