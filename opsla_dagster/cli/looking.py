"""Commands that show something and change nothing.

Belongs here: `opsla status`, `backlog`, `next`, `staffing`, `explain`, `ownership` and `agents`. Does not belong here: what they show (reporting/).
"""

import re
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opsla_dagster.cli.commands import app, in_a_directory
from opsla_dagster.cli.saying import console, echo, err_console, say
from opsla_dagster.command_help import Command, examples
from opsla_dagster.errors import OpslaError
from opsla_dagster.printable import visible_json

if TYPE_CHECKING:  # the commands import what they need: `opsla --help` should not wait for Dagster
    from opsla_dagster.settings import Settings

#: What --format json was called before.
AsJson = Annotated[bool, typer.Option("--json", hidden=True)]
#: Alerts that the status names.
_ALERTS_SHOWN = 5


@app.command(cls=Command, epilog=examples("opsla status", "opsla status --tables"))
def status(tables: Annotated[bool, typer.Option("--tables", help="List the published tables, with the rows of each.")] = False) -> None:
    """Show how this home stands: sources, the latest runs and alerts; then promises and disk space."""
    from opsla_dagster.reporting.status import print_holdings, print_standing
    from opsla_dagster.settings import load_settings

    settings = load_settings()
    # First: a desk that waits for its first drop has nothing else yet.
    _say_what_was_dropped(settings)
    print_standing(settings, console)
    say_what_was_told(settings)
    print_holdings(settings, console, names_tables=tables)


def _say_what_was_dropped(settings: "Settings") -> None:
    """Of each drop folder the last receipt, what waits for a marker, and what is wrong."""
    if not settings.sources.drop_folders:
        return
    from opsla_dagster.automation.drop_states import drop_states

    for state in drop_states(settings, datetime.now(UTC), looks_into=True):
        for line in (state.sentence(), *state.problems, *state.waiting):
            say(line)


def say_what_was_told(settings: "Settings") -> None:
    """The latest alerts: a refresh that failed before its run is among no runs."""
    from opsla_dagster.automation.ledger import FOLDER, Ledger

    for alert in Ledger.latest(settings.home.root / FOLDER, _ALERTS_SHOWN):
        say(f"Alerted {alert.occurred_at.replace('T', ' ').removesuffix('+00:00')} (UTC): {alert.title}")


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


class Format(StrEnum):
    """For people, or for programs."""

    table = "table"
    json = "json"


class NextFormat(StrEnum):
    """Forms of `opsla next`, whose rows are a table."""

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
    as_json: AsJson = False,
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

    text = print_next(load_settings(), Asked(queue, agent, limit, parse_instant(as_of) if as_of else None), "json" if as_json else form.value, console)
    if text is not None:
        echo(text)


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
    form: Annotated[Format, typer.Option("--format", help="table for people; json for programs.")] = Format.table,
    as_json: AsJson = False,
) -> None:
    """Plan heads by weekday and hour that keep a promise in 95 % of weeks, and judge rosters, by simulation."""
    import json

    from opsla_dagster.reporting.marts import published
    from opsla_dagster.reporting.staffing import asked, print_staffing, staffing_json
    from opsla_dagster.settings import load_settings

    settings = load_settings()
    if not as_json and form is Format.table:
        print_staffing(settings, target, queue, roster, touch_minutes, console)
        return
    with published(settings.home.marts_database) as connection:
        found = asked(connection, settings, target, queue, roster, touch_minutes)
    echo(visible_json(json.dumps(staffing_json(found), indent=2, ensure_ascii=False)))


@app.command(cls=Command, epilog=examples("opsla explain T-2", "opsla explain T-2 --format json", "opsla explain T-2 --html case.html"))
def explain(
    case_id: Annotated[str, typer.Argument(metavar="CASE_ID", help="The case, as the source names it.")],
    form: Annotated[Format, typer.Option("--format", help="table for people; json for programs (docs/explain.md).")] = Format.table,
    as_json: AsJson = False,
    picture: Annotated[Path | None, typer.Option("--html", metavar="FILE", callback=in_a_directory, help="Write a page with one time line per clock.")] = None,
) -> None:
    """Explain one case: its events, what counted on each clock and what did not, the outcome, and rejected records."""
    from opsla_dagster.reporting.explain import explain as explain_case
    from opsla_dagster.reporting.explain_text import render
    from opsla_dagster.settings import load_settings
    from opsla_dagster.warehouse.connection import reading

    settings = load_settings()
    is_json = as_json or form is Format.json
    with reading(settings.home.warehouse) as connection:
        explanation = explain_case(connection, case_id, settings)
    if picture is not None:
        from opsla_dagster.reporting.explain_picture import write_picture

        # Who reads the JSON reads nothing beside it.
        say(f"Picture: {write_picture(explanation, picture)}", err_console if is_json else console)
    if is_json:
        echo(visible_json(explanation.to_json()))
    elif picture is None:
        render(explanation, console)


@app.command(cls=Command, epilog=examples("opsla ownership T-2", "opsla ownership T-2 --html case.html"))
def ownership(
    case_id: Annotated[str, typer.Argument(metavar="CASE_ID", help="The case, as the source names it.")],
    picture: Annotated[Path | None, typer.Option("--html", metavar="FILE", callback=in_a_directory, help="Write a page with the time line of its holders.")] = None,
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

    say(f"Picture: {write_picture(explanation, picture)}")


def _month(text: str | None) -> str | None:
    """Raises OpslaError for what is no month."""
    if text is not None and not re.fullmatch(r"[1-9]\d{3}-(0[1-9]|1[0-2])", text):
        raise OpslaError(f"--month {text}: that is no month; expected a year and a month from 01 to 12, such as 2025-07")
    return text


@app.command(cls=Command, epilog=examples("opsla agents", "opsla agents --month 2025-07"))
def agents(
    month: Annotated[str | None, typer.Option(callback=_month, metavar="MONTH", help="Local month, such as 2025-07; default: that of the desk's now.")] = None,
) -> None:
    """Show what each agent answered, took on and resolved in a month; with names where `keep_names` stores them in the home."""
    from opsla_dagster.reporting.agents import agents_table
    from opsla_dagster.settings import load_settings

    console.print(agents_table(load_settings().home, date.fromisoformat(f"{month}-01") if month else None))
