"""The command that sets up a desk.

Belongs here: `opsla init`. Does not belong here: what it looks at, proposes and writes (starting/).
"""

import os
import shlex
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from opsla_dagster.cli.carrying_out import execute_windows, load_every_account, receive_drops, refuse_unloaded
from opsla_dagster.cli.commands import app, instant, keep_home_private
from opsla_dagster.cli.saying import as_called, console, say
from opsla_dagster.command_help import Command, examples
from opsla_dagster.errors import OpslaError

_ACCOUNT_PANEL = "Accounts of ticket systems"


@app.command(cls=Command, epilog=examples("opsla init log.csv", "opsla init log.csv --to my_desk --timezone Europe/Berlin --column status=State --status Parked=ON_HOLD", "opsla init --zendesk acme", "opsla init --demo"))
def init(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="A log with one row per update, per case or per changed field: CSV, Excel, JSON, XES or Parquet, also in gzip or ZIP."),
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
    changes: Annotated[
        list[Path] | None, typer.Option("--changes", metavar="FILE", help="An audit log of the same cases, one row per changed field, beside a log that tells their statuses.")
    ] = None,
    fields: Annotated[
        list[str] | None, typer.Option("--field", metavar="WORD=MEANING", help="What a field of an audit log is, such as 'Assignment group=team'; WORD=IGNORE leaves its changes out.")
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
    from opsla_dagster.sources.desk import build_desk
    from opsla_dagster.starting.asking import Asking
    from opsla_dagster.starting.begin import Answers, begin, begin_demo, finish_first_run, first_window

    if demo:
        if files or zendesk or intercom:
            raise OpslaError("--demo sets up a desk of its own: leave out either --demo or the files or account")
        begun = begin_demo(to)
        os.environ.update(OPSLA_CONFIG=str(begun.directory), OPSLA_HOME=str(begun.home))
        say(f"Written: {begun.directory}, a simulated desk of 300,000 cases. Run it:  {as_called()} run")
        return
    asking = Asking(console, is_allowed=not yes and sys.stdin.isatty())
    answers = Answers(
        files=files or [], zendesk=zendesk, intercom=intercom, directory=to, name=name, timezone=timezone,
        start_date=start_date.date() if start_date else None, time_format=_only(time_formats), columns=columns or [], statuses=statuses or [],
        empty_cells=empty_cells, sheet=sheet, records=records, header_row=header_row, changes=changes or [], fields=fields or [],
        email_variable=email_variable, token_variable=token_variable, key_variable=key_variable, base_url=base_url,
    )
    begun_or_none = begin(answers, asking)
    if begun_or_none is None:
        say("Nothing was written.")
        return
    begun = begun_or_none
    say(f"Written: {begun.directory}. Its data will be in {begun.home} (OPSLA_HOME).")
    # What is advised from here on is to be done in this home.
    os.environ.update(OPSLA_CONFIG=str(begun.directory), OPSLA_HOME=str(begun.home))
    if begun.unfinished:
        raise OpslaError(begun.unfinished)
    settings = load_settings()
    keep_home_private(settings)
    unloaded = load_every_account(settings)
    refuse_unloaded(unloaded, receive_drops(settings))
    as_of_at = instant(None)
    window, case_id = first_window(settings, as_of_at)
    for warning in (note for note in build_desk(settings).reading_notes(as_of_at) if "warning: " in note):
        say(warning)
    say(f"First run: the intake dates {window}.")
    execute_windows(settings, [window], as_of_at, is_refresh=False, is_trial=True)
    finish_first_run(settings, begun.directory)
    if answers.files:
        targets = " and the targets of sla_policies.yml" if settings.sla_policies.policies else ""
        say(f"Assumptions so far: the opening hours of calendars.yml{targets}. Put in the desk's own before anybody reads the figures.")
    say(f"Run the whole log:  {as_called()} run")
    say(f"Explain one case:   {as_called()} explain {shlex.quote(case_id)}")


def _only(time_formats: "Sequence[str] | None") -> str | None:
    """The one --time-format. Raises OpslaError for several: which stamps each is of, nobody could tell."""
    given = list(dict.fromkeys(time_formats or ()))
    if len(given) > 1:
        raise OpslaError(
            f"--time-format is given {len(given)} times ({', '.join(given)}): give one. Stamps of several forms in one column are recognised without "
            "it; else say them in sources.yml (time: {format: [FORMAT, FORMAT]})"
        )
    return given[0] if given else None
