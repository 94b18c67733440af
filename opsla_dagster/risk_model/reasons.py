"""Why a probability is what it is, in words that a lead can check: facts of the case, the strongest first.

What a feature did to the answer is told by trees.Trees.effects; features that say one thing together are one reason. A reason is told only where it moved the
answer the way the answer lies: why it is high, or why it is low. Belongs here: groups and words. Does not belong here: the probability.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from opsla_dagster.figures import rounded
from opsla_dagster.risk_model.encoding import Floats
from opsla_dagster.risk_model.parameters import FEATURES

REASONS = 3
#: What moved the log-odds by less than this is no reason.
_LEAST_EFFECT = 0.02
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
#: How much more, or less, a queue's backlog has to be than usual to be a reason; and which backlog is too small to speak of.
_MORE_THAN_USUAL, _LEAST_BACKLOG = 1.15, 5
_MINUTES_OF_HOUR, _MINUTES_OF_DAY = 60, 1440

Facts = Mapping[str, Any]

#: What one reason speaks of -> the features that say it.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "target": ("target_seconds", "elapsed_seconds", "target_used_share", "remaining_seconds", "due_in_calendar_minutes", "policy"),
    "queue": ("queue_open_cases", "usual_queue_open_cases", "queue_load", "queue_gone_cases_per_day"),
    "status": ("known_status", "previous_status", "waits_for", "is_paused", "unchanged_calendar_minutes", "known_events"),
    "history": ("known_reopen_count", "known_handoff_count", "known_message_count", "known_reply_count"),
    "age": ("known_age_calendar_minutes", "known_stint_calendar_minutes"),
    "time": ("weekday_number", "since_midnight_calendar_minutes", "is_calendar_open"),
    "holder": ("team", "agent"),
    "priority": ("priority",),
    "tier": ("tier",),
    "case_type": ("case_type",),
    "channel": ("channel",),
    "region": ("region",),
    "brand": ("brand",),
}


def duration(minutes: float) -> str:
    """A length of calendar time as a person says it: 35 min, 3.2 h, 4.1 days of 24 hours."""
    if minutes < 2 * _MINUTES_OF_HOUR:
        return f"{rounded(minutes)} min"
    if minutes < 2 * _MINUTES_OF_DAY:
        return f"{rounded(minutes / _MINUTES_OF_HOUR, 1)} h"
    return f"{rounded(minutes / _MINUTES_OF_DAY, 1)} days"


def used(share: float | None) -> str:
    """How much of the target is used."""
    return "nothing is known of its time" if share is None else f"{rounded(100 * share)} % of its target is used"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _target(row: Facts, raises: bool) -> str:
    share = row["target_used_share"]
    told = used(share)
    return told if raises or share is None else f"only {told}"


def _queue(row: Facts, raises: bool) -> str:
    """Nothing where the backlog is as usual, or speaks against the answer: a lead would not believe it."""
    now, usual = row["queue_open_cases"], row["usual_queue_open_cases"]
    if now is None or not usual or usual < _LEAST_BACKLOG or (now / usual > _MORE_THAN_USUAL) != raises or 1 / _MORE_THAN_USUAL < now / usual < _MORE_THAN_USUAL:
        return ""
    return f"its queue, {row['team'] or 'none'}, has {rounded(now / usual, 1)} times its usual backlog for the weekday: {now:,} open cases"


def _status(row: Facts, raises: bool) -> str:
    waited = f" for {duration(row['unchanged_calendar_minutes'])}" if row["unchanged_calendar_minutes"] is not None else ""
    if row["waits_for"] in ("customer", "vendor"):
        return f"it has waited for the {row['waits_for']}{waited}"
    if row["waits_for"] == "other":
        return f"it has been on hold{waited}"
    status = (row["known_status"] or "no status").replace("_", " ").lower()
    return f"it has been in {status}{waited}"


def _history(row: Facts, raises: bool) -> str:
    told = []
    if row["known_reopen_count"]:
        told.append(f"reopened {_times(row['known_reopen_count'])}")
    if row["known_handoff_count"]:
        told.append(f"passed on {_times(row['known_handoff_count'])}")
    if row["known_message_count"]:
        told.append(f"{row['known_message_count']} messages of the customer")
    if row["known_reply_count"]:
        told.append(f"{row['known_reply_count']} replies")
    return f"it was {', '.join(told)}" if told and told[0][0] in "rp" else (", ".join(told) or "it was neither reopened nor passed on")


def _age(row: Facts, raises: bool) -> str:
    return f"it came in {duration(row['known_age_calendar_minutes'])} ago"


def _time(row: Facts, raises: bool) -> str:
    if row["weekday_number"] is None or row["since_midnight_calendar_minutes"] is None:
        return "the time of the week"
    hour, minute = divmod(int(row["since_midnight_calendar_minutes"]), _MINUTES_OF_HOUR)
    closed = ", and the desk is closed" if row["is_calendar_open"] is False else ""
    return f"it is {_WEEKDAYS[row['weekday_number'] - 1]}, {hour:02d}:{minute:02d}{closed}"


def _attribute(name: str, words: str) -> Callable[[Facts, bool], str]:
    def told(row: Facts, raises: bool) -> str:
        value = row[name]
        which = f"{words} {value}" if value is not None else f"no {words}"
        return f"{which}: such cases break {'more' if raises else 'less'} often"

    return told


_WORDS: Mapping[str, Callable[[Facts, bool], str]] = {
    "target": _target, "queue": _queue, "status": _status, "history": _history, "age": _age, "time": _time, "holder": _attribute("team", "queue"),
    "priority": _attribute("priority", "priority"), "tier": _attribute("tier", "tier"), "case_type": _attribute("case_type", "type"),
    "channel": _attribute("channel", "channel"), "region": _attribute("region", "region"), "brand": _attribute("brand", "brand"),
}  # fmt: skip


def strongest(rows: Sequence[Facts], effects: Floats) -> list[list[str]]:
    """Of each row of features up to three reasons, the strongest first; `effects` has a line a row and a column a feature of FEATURES."""
    names = list(GROUPS)
    moved = np.column_stack([effects[:, [FEATURES.index(feature) for feature in GROUPS[name]]].sum(axis=1) for name in names])
    direction = np.where(moved.sum(axis=1) >= 0, 1, -1)
    towards = moved * direction[:, None]
    order = np.argsort(-towards, axis=1, kind="stable")
    told = []
    for row, groups, strength, sign in zip(rows, order, towards, direction, strict=True):
        found = [_WORDS[names[group]](row, bool(sign > 0)) for group in groups if strength[group] >= _LEAST_EFFECT]
        told.append([words for words in found if words][:REASONS] or [_target(row, bool(sign > 0))])
    return told
