"""How figures, dates and names are written for people, the same in the report, the log and the terminal.

Belongs here: formatting. Does not belong here: anything that reads or computes a figure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from opsla_dagster.reporting.run_summary import Broken, CheckResult

MISSING = "–"
#: A log whose last stamp is older than this has most likely come to its end.
LONG_AGO_DAYS = 30
GATE, _SHARE = "gate_", "pct_"


def count(number: float | None) -> str:
    """`1,234`, or a dash for nothing."""
    return MISSING if number is None else f"{number:,.0f}"


def percent(figure: float | None, digits: int = 2) -> str:
    """A figure on the scale 0-100 as `6.57%`."""
    return MISSING if figure is None else f"{figure:,.{digits}f}%"


def decimal(figure: float | None, digits: int = 1) -> str:
    """`1,234.5`, or a dash for nothing."""
    return MISSING if figure is None else f"{figure:,.{digits}f}"


def minutes(figure: float | None) -> str:
    """Minutes without their unit: whole from 100 on, one decimal below where there is one."""
    if figure is None:
        return MISSING
    return f"{figure:,.0f}" if figure >= 100 or float(figure).is_integer() else f"{figure:,.1f}"


def business_time(figure: float | None) -> str:
    """Business minutes with their unit, from two hours on with the hours beside them."""
    if figure is None:
        return MISSING
    hours = f" ({figure / 60:,.1f} h)" if figure >= 120 else ""
    return f"{minutes(figure)} business minutes{hours}"


def span(seconds: float | None) -> str:
    """Seconds as `3 h 20 min`, signed when negative."""
    if seconds is None:
        return MISSING
    sign, rest = ("−" if seconds < 0 else ""), round(abs(seconds) / 60)
    hours, left = divmod(rest, 60)
    if hours >= 100:
        return f"{sign}{hours:,} h"
    return f"{sign}{hours} h {left:02d} min" if hours else f"{sign}{left} min"


def day(value: date | None) -> str:
    """`1 Jul 2025`."""
    return MISSING if value is None else f"{value.day} {value:%b %Y}"


def instant(value: datetime | None) -> str:
    """A stored instant (UTC, naive) as `2025-12-28 05:00 UTC`."""
    return MISSING if value is None else f"{value:%Y-%m-%d %H:%M} UTC"


def local(value: datetime, zone: str) -> datetime:
    """A stored instant (UTC, naive) on the clocks of `zone`."""
    return value.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))


def due(value: datetime, zone: str) -> str:
    """A stored instant as `Thu 3 Jul 18:00` of `zone`."""
    moment = local(value, zone)
    return f"{moment:%a} {moment.day} {moment:%b %H:%M}"


def long_ago(as_of_at: datetime | None, last_event_at: datetime | None) -> str:
    """What to know of open clocks that are judged long after the log's last stamp; else nothing."""
    if as_of_at is None or last_event_at is None or (as_of_at - last_event_at).days < LONG_AGO_DAYS:
        return ""
    return (
        f"They are judged {count((as_of_at - last_event_at).days)} days after the log’s last stamp; "
        f"--as-of {last_event_at:%Y-%m-%dT%H:%M:%S} judges them as of then."
    )


def broken(clocks: Broken) -> str:
    """`every clock with a verdict: 57 of 510 broken (11.18%), 1 of them open and past its target`."""
    if not clocks.judged_clocks:
        return "no clock has a verdict"
    share = percent(100 * clocks.broken_clocks / clocks.judged_clocks)
    text = f"every clock with a verdict: {count(clocks.broken_clocks)} of {count(clocks.judged_clocks)} broken ({share})"
    if not clocks.open_clocks:
        return text
    return f"{text}, {count(clocks.open_clocks)} of them open and past {'its' if clocks.open_clocks == 1 else 'their'} target"


def last_day(end: date) -> date:
    """The last date of a window whose `end` is exclusive."""
    return end - timedelta(days=1)


def check_figures(check: CheckResult) -> str:
    """The figures of a check in one line, its rate first: `rate 1.78%, warn above 3%`, `82 rows, warn above 0 rows`."""
    unit = gate_unit(check)
    ordered = sorted(check.figures.items(), key=lambda item: item[0] != "rate")
    return ", ".join(f"{_figure_name(key, unit)}{_figure(value)}{unit_after(value, unit)}" for key, value in ordered)


def gate_unit(check: CheckResult) -> str:
    """What a gate measures in, ready to follow a number: `%`, else ` ` and what it counts; nothing for other checks."""
    if not check.check.startswith(GATE):
        return ""
    measure = check.check.removeprefix(GATE)
    return "%" if measure.startswith(_SHARE) else f" {measure.split('_per_')[0].split('_')[-1]}"


def check_name(check: CheckResult) -> str:
    """`rejected rows` for a gate's count and `rejected rows (%)` for its share; any other check by its name."""
    measure = check.check.removeprefix(GATE)
    return f"{name(measure.removeprefix(_SHARE))} (%)" if gate_unit(check) == "%" else name(measure)


def _figure_name(key: str, unit: str) -> str:
    # A count is no rate, and its unit says what it is.
    return "" if key == "rate" and unit not in ("", "%") else f"{name(key)} "


def unit_after(value: object, unit: str) -> str:
    """The unit after a number, in the singular after one; nothing after anything else."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return ""
    return unit.removesuffix("s") if value == 1 else unit


def _figure(value: bool | int | float | str | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    return f"{value:,}" if isinstance(value, int) else value or MISSING


def is_named(value: str | None) -> bool:
    """Whether a stored name says anything: marts write `unknown` where the source has none."""
    return value is not None and value.strip().lower() not in {"", "unknown"}


def name(value: str | None, missing: str = "unnamed") -> str:
    """A stored name as words: underscores become spaces."""
    return value.replace("_", " ") if value is not None and is_named(value) else missing


def tier(value: str | None) -> str:
    """`Tier 3` for `3`, `T3`, `tier_3` and `Tier 3`; any other name as it is."""
    if value is None or not is_named(value):
        return "No tier"
    matched = re.fullmatch(r"(?:t|tier)?[ _-]*(\d+)", value.strip(), re.IGNORECASE)
    return f"Tier {matched[1]}" if matched else name(value)


def scenario(value: str) -> str:
    """`s1_faster_review` as `S1 faster review`."""
    words = name(value)
    return re.sub(r"^s(\d+)\b", r"S\1", words)


def stage(value: str) -> str:
    """`triage_to_investigation` as `triage → investigation`."""
    return " → ".join(name(step) for step in value.split("_to_"))


def sentence(text: str) -> str:
    """The text with a capital at its start, whatever name it begins with."""
    return text[:1].upper() + text[1:]


def listed(items: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """`1 case`, `2 cases`."""
    return f"{count(number)} {singular if number == 1 else plural or singular + 's'}"
