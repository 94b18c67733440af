"""Zones that are no place: a fixed distance from UTC where summer time is mostly meant.

Belongs here: which names are such, and what to say of them. Does not belong here: who is told.
"""

from __future__ import annotations

import re

#: Names of winter time all year round -> the places that mostly are meant. HST is not among them: Hawaii has no summer time.
#: CET, EET, MET, WET, EST5EDT and their like have summer time, and UTC is said on purpose.
_WINTER_ALL_YEAR = {
    "EST": ("America/New_York", "America/Toronto"), "MST": ("America/Denver", "America/Phoenix"), "GMT": ("Europe/London", "UTC"),
    "Etc/GMT": ("Europe/London", "UTC"), "GMT0": ("Europe/London", "UTC"), "Etc/GMT0": ("Europe/London", "UTC"),
    "GMT+0": ("Europe/London", "UTC"), "GMT-0": ("Europe/London", "UTC"), "Etc/GMT+0": ("Europe/London", "UTC"), "Etc/GMT-0": ("Europe/London", "UTC"),
    "Greenwich": ("Europe/London", "UTC"), "Etc/Greenwich": ("Europe/London", "UTC"),
}  # fmt: skip
_FIXED = re.compile(r"Etc/GMT([+-])(\d{1,2})")
_USUAL_PLACES = {
    "+3": "America/Sao_Paulo", "+4": "America/Halifax", "+5": "America/New_York", "+6": "America/Chicago", "+7": "America/Denver",
    "+8": "America/Los_Angeles", "+9": "America/Anchorage", "-1": "Europe/Berlin", "-2": "Europe/Athens", "-3": "Europe/Istanbul",
    "-8": "Asia/Shanghai", "-9": "Asia/Tokyo", "-10": "Australia/Sydney", "-12": "Pacific/Auckland",
}  # fmt: skip


def likely_place(zone: str) -> str | None:
    """The place that is mostly meant where `zone` is a fixed distance from UTC; None where there is none, and for every other zone."""
    if zone in _WINTER_ALL_YEAR:
        return _WINTER_ALL_YEAR[zone][0]
    fixed = _FIXED.fullmatch(zone)
    return _USUAL_PLACES.get(fixed[1] + fixed[2]) if fixed else None


def fixed_zone_warning(zone: str) -> str | None:
    """What to say of a zone that has no summer time although it is named after a place's time; None for every other zone."""
    if zone in _WINTER_ALL_YEAR:
        meant = " or ".join(_WINTER_ALL_YEAR[zone])
        return f"the zone {zone} never has summer time, so half the year is an hour off where clocks change: did you mean {meant}?"
    fixed = _FIXED.fullmatch(zone)
    if fixed is None:
        return None
    hours, side = int(fixed[2]), "behind" if fixed[1] == "+" else "ahead of"
    place = _USUAL_PLACES.get(fixed[1] + fixed[2])
    return (
        f"the zone {zone} is {hours} hour{'' if hours == 1 else 's'} {side} UTC the whole year (the sign is turned round, and it never has summer time)"
        + (f": did you mean a place such as {place}?" if place else ": did you mean the zone of a place?")
    )
