"""Stamps of ticket systems as UTC, naive instants.

Belongs here: reading them. Does not belong here: what to do with one that cannot be read.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

_EPOCH = datetime(1970, 1, 1)


def from_iso(value: object) -> datetime | None:
    """`2025-07-01T00:03:30Z`; None for what is no such stamp."""
    if not isinstance(value, str) or "T" not in value:
        return None
    try:
        stamp = datetime.fromisoformat(value)
    except ValueError:
        return None
    return stamp if stamp.tzinfo is None else stamp.astimezone(UTC).replace(tzinfo=None)


def from_epoch(value: object) -> datetime | None:
    """Seconds since 1970; None for what is no such stamp."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return _EPOCH + timedelta(seconds=value)
    except (OverflowError, ValueError):
        return None


def to_epoch(instant: datetime) -> int:
    """Whole seconds since 1970 of a UTC, naive instant."""
    return int((instant - _EPOCH).total_seconds())


def day_before(day: date) -> datetime:
    """UTC midnight of the day before: wherever the desk is, its `day` has not begun yet."""
    return datetime.combine(day - timedelta(days=1), time())
