"""Commands that write files from what is published.

Belongs here: `opsla report`, `export` and `policy-diff`. Does not belong here: what is in the files (reporting/).
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from opsla_dagster.cli.commands import Raw, app, in_a_directory, keep_home_private
from opsla_dagster.cli.saying import console, say
from opsla_dagster.command_help import Command, examples
from opsla_dagster.errors import OpslaError
from opsla_dagster.figures import counted


def _promises(place: Path) -> Path:
    """Raises OpslaError where neither a file nor a directory with promises is there."""
    if not (place / "sla_policies.yml" if place.is_dir() else place).exists():
        raise OpslaError(f"{place}: no such file, or directory with a sla_policies.yml; name one of the two")
    return place


def _complete_tables(incomplete: str) -> list[str]:
    """Tables that a shell offers for `--table`."""
    from opsla_dagster.catalog import TABLES

    return [name for name in TABLES if name.startswith(incomplete)]


class ExportFormat(StrEnum):
    """File formats of `opsla export`."""

    parquet = "parquet"
    csv = "csv"
    hyper = "hyper"


@app.command(cls=Command, epilog=examples("opsla report"))
def report() -> None:
    """Write report.html again from the published marts."""
    from opsla_dagster.reporting.report import write_report
    from opsla_dagster.reporting.run_summary import latest_run_summary
    from opsla_dagster.settings import load_settings

    settings = load_settings()
    home = settings.home
    _require_published(home.marts_database)
    keep_home_private(settings)
    summary = latest_run_summary(home.reports / "run_summaries")
    target = write_report(home.marts_database, summary, home.reports / "report.html", settings)
    say(f"Report: {target}")


@app.command("policy-diff", cls=Command, epilog=examples("opsla policy-diff config stricter.yml", "opsla policy-diff config stricter.yml --to differing.csv"))
def policy_diff(
    a: Annotated[Path, typer.Argument(metavar="A", callback=_promises, help="A file like sla_policies.yml, or a directory that holds one.")],
    b: Annotated[Path, typer.Argument(metavar="B", callback=_promises, help="The file or directory to compare it with; a calendars.yml beside either is used with it.")],
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", callback=in_a_directory, help="Write every clock that differs to this CSV file.")] = None,
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
            say(f"{to}: {counted(write_cases(connection, to, raw=raw), 'clock')} differing")


@app.command(cls=Command, epilog=examples("opsla export --format csv", "opsla export --format parquet --table mart.sla_attainment --to exports"))
def export(
    file_format: Annotated[ExportFormat, typer.Option("--format", help="File format; hyper needs an extra: pip install 'opsla\\[hyper]'.")],
    directory: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", callback=in_a_directory, help="Directory to write to; default: exports/ in the home.")
    ] = None,
    tables: Annotated[
        list[str] | None, typer.Option("--table", autocompletion=_complete_tables, metavar="TABLE", help="A table of any layer; repeat it for several. Default: every mart.")
    ] = None,
    raw: Raw = False,
) -> None:
    """Write tables as files for other tools: mart.sla_daily as sla_daily.csv, a table of another layer with the layer's name, staging.sla_clocks.csv."""
    from opsla_dagster.reporting.export import export_tables
    from opsla_dagster.reporting.spreadsheet import NOTE
    from opsla_dagster.settings import load_settings

    settings = load_settings()
    home = settings.home
    if directory is None and home.root.is_dir():  # elsewhere files are as the shell makes them
        keep_home_private(settings)
    for path, rows in export_tables(home, tables or [], file_format.value, directory or home.root / "exports", raw=raw):
        say(f"{path}: {counted(rows, 'row')}")
    if file_format is ExportFormat.csv and not raw:
        say(NOTE)


def _require_published(marts_database: Path) -> None:
    if not marts_database.exists():
        raise OpslaError(f"{marts_database}: nothing is published yet; `opsla run` publishes the marts")
