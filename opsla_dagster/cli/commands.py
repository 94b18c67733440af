"""The program itself, and what its commands share: options, and what an option may say.

Belongs here: what more than one group of commands asks for. Does not belong here: any command.
"""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opsla_dagster import __version__
from opsla_dagster.cli.saying import echo
from opsla_dagster.command_help import Group
from opsla_dagster.errors import OpslaError

if TYPE_CHECKING:  # the commands import what they need: `opsla --help` should not wait for Dagster
    from opsla_dagster.settings import Settings

app = typer.Typer(
    name="opsla",
    cls=Group,
    help="Exact, explainable SLA figures from the event log of a support or operations desk.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
Raw = Annotated[bool, typer.Option("--raw", help="CSV for programs, with every text as it is; without it, texts are made safe for spreadsheets.")]
AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="INSTANT", help="Judge by what was known at this instant; ISO 8601, UTC unless it has an offset.")
]
Wait = Annotated[
    bool, typer.Option("--wait", help="For cron: wait for another run to end, 12 hours at most, and retry, for 21 minutes, what fails for a passing cause.")
]


def _print_version(is_asked: bool) -> None:
    if is_asked:
        echo(f"opsla {__version__}")
        raise typer.Exit


@app.callback()
def _every_command(
    _version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")] = False,
) -> None:
    """Exact, explainable SLA figures from the event log of a support or operations desk."""


def in_a_directory(path: Path | None) -> Path | None:
    """Raises OpslaError where the directory that `path` shall lie in is not there: a mistyped path would make another one."""
    if path is not None and not path.absolute().parent.is_dir():
        raise OpslaError(f"{path}: there is no directory {path.absolute().parent}; make it first, or name another one")
    return path


def instant(text: str | None) -> datetime:
    """The instant of `--as-of` (naive UTC), by default now. Raises OpslaError for one that lies in the future."""
    from opsla_dagster.window import parse_instant

    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    as_of_at = parse_instant(text) if text else now
    if as_of_at > now:
        raise OpslaError(f"--as-of {text} lies in the future: it is {now}Z now; name an instant that has passed")
    return as_of_at


def intake_date(option: str, text: str | None) -> date | None:
    """The date that an option says. Raises OpslaError for one that is none."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise OpslaError(f"{option} {text}: there is no such date; write it like 2025-07-01") from error


def keep_home_private(settings: "Settings") -> None:
    """What this process writes into the home is its owner's alone, unless the owner opened the home."""
    from opsla_dagster.instance.permissions import keep_private

    try:
        keep_private(settings.home.root)
    except (FileNotFoundError, NotADirectoryError, FileExistsError) as error:
        raise OpslaError(f"{settings.home.root}: cannot be a home (OPSLA_HOME): {error.strerror}") from error
