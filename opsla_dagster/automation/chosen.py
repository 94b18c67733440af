"""The window of intake dates that a person chose for `opsla run`.

Belongs here: what of it can be loaded as of an instant. Does not belong here: what a refresh has to do (refresh.py).
"""

from __future__ import annotations

from datetime import date, datetime

from opsla_dagster.automation.refresh import loaded_dates, local_date, remapped_dates
from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import Settings
from opsla_dagster.settings.calendars import require_horizon
from opsla_dagster.sources.desk import Desk
from opsla_dagster.warehouse.connection import pending_upgrade
from opsla_dagster.window import ONE_DAY, Window, ranges_of

_RANGES_SHOWN = 5


def chosen_window(settings: Settings, desk: Desk, start: date | None, end: date | None, as_of_at: datetime) -> tuple[Window, str]:
    """The window from `start` to before `end`, by default the desk's own, and a note where less than that was asked for can be loaded.

    It goes up to the desk's date at `as_of_at` (naive UTC). Raises OpslaError where it begins before the desk, where nothing of it
    has happened yet, and where the calendars do not reach that far.
    """
    default = desk.window(as_of_at)
    window = Window(start or default.start, end or default.end)
    starts_on = settings.sources.desk.start_date
    if window.start < starts_on:
        raise OpslaError(f"--start {window.start} lies before the desk's first intake date {starts_on} (sources.yml: desk.start_date)")
    clipped = _clip_to_as_of(desk, window, as_of_at, settings.sources.desk.timezone, is_end_told=end is not None)
    require_horizon(settings.calendars, clipped)
    if end is None or clipped == window:
        return clipped, ""
    return clipped, f"The window ends with {clipped.last}: as of then nothing of the dates up to {window.last} has happened yet."


def with_loaded_dates(settings: Settings, window: Window) -> tuple[list[Window], str]:
    """What a run of `window` makes, and a note where that is more: in a home of an earlier opsla every loaded date, oldest first.

    Dates made by two versions are never published together.
    """
    needed = pending_upgrade(settings.home.warehouse)
    if needed is None:
        return [window], ""
    return ranges_of({*window.dates(), *loaded_dates(settings)}), needed.told(settings.home.root)


def with_remapped_dates(settings: Settings, desk: Desk, windows: list[Window]) -> tuple[list[Window], str]:
    """What a run of everything makes after a mapping or parameters changed: `windows`, and the dates beside them that are loaded of the old ones.

    A note says so. A date that a source of today was read for with another mapping would count cases otherwise than the rest.
    """
    made = {day for window in windows for day in window.dates()}
    beside = remapped_dates(settings, desk) - made
    if not beside:
        return windows, ""
    listed = ranges_of(beside)
    named = ", ".join(map(str, listed[:_RANGES_SHOWN])) + (f" and {len(listed) - _RANGES_SHOWN} more ranges" if len(listed) > _RANGES_SHOWN else "")
    return ranges_of(made | beside), f"The mapping or the parameters have changed: {named}, loaded with the old ones, are made anew too."


def _clip_to_as_of(desk: Desk, window: Window, as_of_at: datetime, zone: str, *, is_end_told: bool) -> Window:
    """The window up to the desk's date at as_of: days that a stamp in the future names are not yet days of the desk.

    Where nobody said the end, a window that is cut ends with the last date that has cases by then.
    """
    today = local_date(as_of_at, zone)
    if window.start > today:
        raise OpslaError(f"the window begins on {window.start}; as of {today} nothing of it has happened yet")
    clipped = Window(window.start, min(window.end, today + ONE_DAY))
    if clipped == window or is_end_told:
        return clipped
    known = desk.partition_states(clipped, as_of_at)["intake_date"].to_pylist()
    return Window(clipped.start, max(known, default=clipped.last) + ONE_DAY)
