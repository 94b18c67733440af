"""Commands that make tables.

Belongs here: `opsla run` and `opsla refresh`. Does not belong here: what both share with `opsla init` (carrying_out.py).
"""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from opsla_dagster.cli.carrying_out import (
    execute_windows,
    load_every_account,
    look_after_killed_runs,
    look_back,
    receive_drops,
    refuse_unloaded,
    say_restored,
    take_turn,
    try_again,
)
from opsla_dagster.cli.commands import AsOf, Wait, app, instant, intake_date, keep_home_private
from opsla_dagster.cli.saying import say
from opsla_dagster.command_help import Command, examples
from opsla_dagster.errors import OpslaError
from opsla_dagster.figures import counted

if TYPE_CHECKING:  # the commands import what they need: `opsla --help` should not wait for Dagster
    from opsla_dagster.settings import Settings
    from opsla_dagster.sources.desk import Desk
    from opsla_dagster.window import Window


@app.command(cls=Command, epilog=examples("opsla run", "opsla run --start 2025-07-01 --end 2025-08-01", "opsla run --as-of 2025-07-10T16:00", "opsla run --cases 3000"))
def run(
    start: Annotated[str | None, typer.Option(metavar="DATE", help="First intake date, such as 2025-07-01.")] = None,
    end: Annotated[str | None, typer.Option(metavar="DATE", help="The intake date after the last one.")] = None,
    cases: Annotated[int | None, typer.Option(min=1, metavar="COUNT", help="Cases to simulate in the configured window; later runs of this home keep the number.")] = None,
    as_of: AsOf = None,
    wait: Wait = False,
) -> None:
    """Run everything: load a range of intake dates, build and check every table, publish the marts, write the report."""
    from opsla_dagster.automation.chosen import chosen_window, with_loaded_dates, with_remapped_dates
    from opsla_dagster.settings import load_settings
    from opsla_dagster.sources.desk import build_desk
    from opsla_dagster.starting.directory import finish

    first, end_date = intake_date("--start", start), intake_date("--end", end)
    settings = load_settings()
    keep_home_private(settings)
    if cases is not None:
        _require_simulation(settings)
        settings = replace(settings, simulated_cases=cases)
    desk = build_desk(settings)
    take_turn(settings, wait=wait)
    unloaded = load_every_account(settings, wait=wait)
    refused = receive_drops(settings)
    as_of_at = instant(as_of)
    window, note = chosen_window(settings, desk, first, end_date, as_of_at)
    if note:
        say(note)
    _say_what_was_read(desk, as_of_at)
    if cases is not None:
        # Before the run: a refresh after one that failed must simulate the same desk. A desk that is refused is not remembered.
        _refuse_mixtures(settings, desk, window, as_of_at)
        settings.home.remember_cases(cases)
    windows, upgrade_note = with_loaded_dates(settings, window)
    if upgrade_note:
        say(upgrade_note)
    if start is None and end is None:
        windows, remapped_note = with_remapped_dates(settings, desk, windows)
        if remapped_note:
            say(remapped_note)
    execute_windows(settings, windows, as_of_at, is_refresh=False, wait=wait)
    finish(settings.config_directory)
    refuse_unloaded(unloaded, refused)


@app.command(cls=Command, epilog=examples("opsla refresh", "opsla refresh --wait", "opsla refresh --as-of 2025-07-10T16:00"))
def refresh(as_of: AsOf = None, wait: Wait = False) -> None:
    """Do what the schedule does: rebuild yesterday, missed dates, and exactly the older dates that received events since the last refresh."""
    from opsla_dagster.automation.refresh import never_loaded
    from opsla_dagster.automation.unattended import note_nothing_to_refresh
    from opsla_dagster.instance.instance import open_instance
    from opsla_dagster.settings import load_settings
    from opsla_dagster.warehouse.connection import pending_upgrade

    settings = load_settings()
    keep_home_private(settings)
    take_turn(settings, wait=wait)
    as_of_at = instant(as_of)
    look_back(settings)
    unloaded = load_every_account(settings, wait=wait)
    refused = receive_drops(settings)
    desk, windows = try_again(lambda: _planned(settings, as_of_at), wait=wait)
    _say_what_was_read(desk, as_of_at)
    if not windows:
        say(f"Nothing to refresh as of {as_of_at}Z: every past intake date is up to date.")
        with open_instance(settings.home.root) as instance:
            say_restored(look_after_killed_runs(settings, instance))
            note_nothing_to_refresh(instance)
        refuse_unloaded(unloaded, refused)
        return
    needed = pending_upgrade(settings.home.warehouse)
    if needed is not None:
        say(needed.told(settings.home.root))
    days = sum(window.days for window in windows)
    say(f"To rebuild: {counted(days, 'intake date')}, {', '.join(str(window) for window in windows)}")
    for gap in never_loaded(settings, desk, windows, as_of_at):
        say(f"Not loaded: {gap}. `opsla run --start {gap.start} --end {gap.end}` loads these intake dates.")
    execute_windows(settings, windows, as_of_at, is_refresh=True, wait=wait)
    refuse_unloaded(unloaded, refused)


def _planned(settings: "Settings", as_of_at: datetime) -> "tuple[Desk, list[Window]]":
    """The sources as they are now, and what a refresh of them has to make."""
    from opsla_dagster.automation.refresh import refresh_windows
    from opsla_dagster.sources.desk import build_desk

    desk = build_desk(settings)
    return desk, refresh_windows(settings, desk, as_of_at)


def _say_what_was_read(desk: "Desk", as_of_at: datetime) -> None:
    for note in desk.reading_notes(as_of_at):
        say(note)


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
