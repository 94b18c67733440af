"""How figures, dates and names are written for people, the same in the report, the log and the terminal.

Belongs here: formatting. Does not belong here: anything that reads or computes a figure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from math import floor, log10
from zoneinfo import ZoneInfo

from opsla_dagster.figures import counted as counted
from opsla_dagster.figures import nearest, rounded
from opsla_dagster.reporting.run_summary import CheckResult, Headline, PromiseFigures, RunSummary
from opsla_dagster.window import parse_dates

MISSING = "–"
#: What the first table of a headline is of.
EVERY_CLOCK = "Every clock of each promise"
#: How the first column of that table is computed; what is open and unknown, the columns after it say.
ATTAINMENT = "Attainment = met / (met + breached). A clock past its target is breached even while it is still open."
#: Times of two populations, which are never the same figure: of the cases both touched and resolved, and of all clocks that have stopped.
OF_CASES, OF_CLOCKS = ("p50 of cases", "p90 of cases", "p95 of cases"), ("p50 of clocks", "p90 of clocks", "p95 of clocks")
#: A log whose last stamp is older than this has most likely come to its end.
LONG_AGO_DAYS = 30
MINUTES_AN_HOUR, MINUTES_A_DAY = 60, 24 * 60
#: Minutes from which a time is told in hours.
HOURS_FROM = 120
_RANGES_SHOWN = 5
GATE, _SHARE = "gate_", "pct_"
#: Why a clock is unknown (mart.unknown_clocks), as a number of them is told.
_UNKNOWN_BECAUSE = {
    "stopped_before_start": "with a stop before the start (a timestamp is wrong)", "outside_calendar_horizon": "beyond the calendar (calendars.yml: horizon)",
    "cancelled": "of cases cancelled first", "ended_without_stop": "of cases that ended without what stops the clock", "merged": "of cases merged first",
    "policy_changed": "of a policy that another one replaced", "withdrawn": "of promises withdrawn first",
}  # fmt: skip
#: A figure of a gate that is no measure of it: the rows that its rate is of.
_SAMPLE_ROWS = "sample_rows"
#: The figure of a check that finds what should not be; the check's name and description say what a row of it is.
_FOUND = "offending_rows"


def count(number: float | None) -> str:
    """`1,234`, or a dash for nothing."""
    return MISSING if number is None else rounded(number)


def percent(figure: float | None, digits: int = 2) -> str:
    """A figure on the scale 0-100 as `6.57%`."""
    return MISSING if figure is None else f"{rounded(figure, digits)}%"


def decimal(figure: float | None, digits: int = 1) -> str:
    """`1,234.5`, or a dash for nothing."""
    return MISSING if figure is None else rounded(figure, digits)


def rate(figure: float | None) -> str:
    """`63.8`, `0.042`: one decimal, below 1 two digits that tell something; a dash for nothing."""
    if figure is None or figure == 0 or abs(figure) >= 1:
        return decimal(figure)
    digits = min(1 - floor(log10(abs(figure))), 10)
    return rounded(figure, digits).rstrip("0").rstrip(".")


def minutes(figure: float | None) -> str:
    """Minutes without their unit: whole from 100 on, one decimal below where there is one."""
    if figure is None:
        return MISSING
    return rounded(figure, 0 if figure >= 100 or float(figure).is_integer() else 1)


def time_taken(figure: float | None) -> str:
    """Minutes in the unit that fits: `45 s`, `39.6 min`, `44.4 h`, `172 h`; which calendar they are of, the text around says."""
    if figure is None:
        return MISSING
    if 0 < figure < 1:
        return f"{max(1, nearest(figure * 60))} s"
    if nearest(figure) < HOURS_FROM:
        return f"{minutes(figure)} min"
    hours = figure / MINUTES_AN_HOUR
    return f"{rounded(hours, 0 if hours >= 99.95 else 1)} h"


def calendar_time(figure: float | None) -> str:
    """Minutes by the clock on the wall, as `time_taken`; from two days on in days of 24 hours, `12.5 days`, which no open time is told in."""
    if figure is None or nearest(figure) < 2 * MINUTES_A_DAY:
        return time_taken(figure)
    days = figure / MINUTES_A_DAY
    return f"{rounded(days, 0 if days >= 99.95 else 1)} days"


def business_time(figure: float | None, day_minutes: float | None = None) -> str:
    """Business minutes in a sentence: as `time_taken`, from two business days of `day_minutes` on with these beside.

    `2,665` minutes on days of 8 hours are `44.4 h, or 5.6 business days (8 h)`, on a calendar that is always open `44.4 h, or 1.9 days`.
    """
    text = time_taken(figure)
    if figure is None or not day_minutes or figure < 2 * day_minutes:
        return text
    days = rounded(figure / day_minutes, 1)
    if day_minutes == MINUTES_A_DAY:
        return f"{text}, or {days} days"
    return f"{text}, or {days} business days ({decimal(day_minutes / MINUTES_AN_HOUR).removesuffix('.0')} h)"


def fitting_unit(highest: float) -> tuple[str, int]:
    """The unit of an axis up to `highest` minutes, and how many minutes it is: `("min", 1)` or `("h", 60)`."""
    return ("min", 1) if nearest(highest) < HOURS_FROM else ("h", MINUTES_AN_HOUR)


def clock_time(seconds: int) -> str:
    """Hours, minutes and seconds, `10:05:30`: exact, a column of them adds up, and targets are in hours too."""
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def exact(seconds: int) -> str:
    """`1 h 2 min 3 s` of open time, to the second; there are no days in it, a business day has no fixed length."""
    hours, rest = divmod(seconds, 3600)
    parts = [(hours, "h"), (rest // 60, "min"), (rest % 60, "s")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"


def span(seconds: float | None) -> str:
    """Seconds as `3 h 20 min`, signed when negative."""
    if seconds is None:
        return MISSING
    sign, rest = ("−" if seconds < 0 else ""), nearest(abs(seconds) / 60)
    hours, left = divmod(rest, 60)
    if hours >= 100:
        return f"{sign}{nearest(abs(seconds) / 3600):,} h"
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


def local_instant(value: datetime | None, zone: str) -> str:
    """A stored instant as `3 Jul 2025 18:00` of `zone`."""
    if value is None:
        return MISSING
    moment = local(value, zone)
    return f"{moment.day} {moment:%b %Y %H:%M}"


def long_ago(as_of_at: datetime | None, last_event_at: datetime | None) -> str:
    """What to know of open clocks that are judged long after the log's last stamp; else nothing."""
    if as_of_at is None or last_event_at is None or (as_of_at - last_event_at).days < LONG_AGO_DAYS:
        return ""
    return (
        f"They are judged {count((as_of_at - last_event_at).days)} days after the log’s last timestamp; "
        f"--as-of {last_event_at:%Y-%m-%dT%H:%M:%S} judges them as of that instant."
    )


def of_cases(headline: Headline) -> str:
    """`2,940 of 3,000 cases`: those both touched and resolved."""
    if headline.sla_cases == headline.cases:
        return counted(headline.cases, "case")
    return f"{count(headline.sla_cases)} of {counted(headline.cases, 'case')}"


def not_met(promise: PromiseFigures) -> str:
    """`339 breached, 3 of them still open; 46 unknown, 5 running`."""
    still = f", {count(promise.open_breached_clocks)} of them still open" if promise.open_breached_clocks else ""
    rest = [f"{count(number)} {word}" for number, word in ((promise.unknown_clocks, "unknown"), (promise.running_clocks, "running")) if number]
    return f"{count(promise.all_breached_clocks)} breached{still}{'; ' if rest else ''}{', '.join(rest)}"


def hours(figure: float) -> str:
    """Hours without their unit: `421` and `1`, below 10 one decimal where there is one, below 1 two digits that tell something (`0.75`)."""
    return (rounded(figure) if abs(figure) >= 10 else rate(figure)).removesuffix(".0")


def hours_saved(figure: float, headline: Headline) -> str:
    """`1 business hour`, `0.75 business hours`, `421 business hours`; of a desk that never closes `421 hours`."""
    kind = "hour" if headline.business_day_minutes == MINUTES_A_DAY else "business hour"
    told = hours(figure)
    return f"{told} {kind if told == '1' else f'{kind}s'}"


def promise_name(promise: PromiseFigures, *, names_policy: bool) -> str:
    """The promise's title, with its policy's where there are several."""
    if not names_policy:
        return promise.title
    return f"{promise.policy_title}: {promise.title}" if promise.policy else f"{promise.title} ({promise.policy_title})"


def headline_population(headline: Headline) -> str:
    """What the second table of a headline is of; the first is of every clock of each promise."""
    if headline.slas:
        return f"{sentence(of_cases(headline))}: those both touched and resolved"
    return "Time taken by the clocks that have stopped"


def headline_population_note(headline: Headline) -> str:
    """How the second table of a headline goes with the first."""
    if not headline.slas:
        return "Open time of their calendars, without pauses."
    others = headline.cases - headline.sla_cases
    which = "The other case is" if others == 1 else f"The other {count(others)} cases are"
    rest = f" {which} counted in the first table only." if others else ""
    if any(promise.unknown_clocks for promise in headline.promises):
        rest += " Where the first table has a clock as unknown, and the case was touched and resolved, it counts here as not breached."
    return f"Cases, not clocks; times are open time.{rest}"


def headline_heads(headline: Headline) -> Sequence[str]:
    """The columns of the second table of a headline; targets where the desk says them."""
    if headline.slas:
        return ("breached", "% of these", *OF_CASES)
    return ("stopped", *(["target"] if _tells_targets(headline) else []), *OF_CLOCKS)


def _tells_targets(headline: Headline) -> bool:
    return any(promise.target for promise in headline.timed_promises())


def headline_rows(headline: Headline) -> Sequence[tuple[str, Sequence[str]]]:
    """Name and figures of each promise: breaches and times of the cases both touched and resolved, else times of all stopped clocks."""
    if headline.slas:
        return [
            (sla.name, (count(sla.breached_cases), percent(sla.breach_pct), *map(time_taken, (sla.p50, sla.p90, sla.p95))))
            for sla in headline.slas
            if headline.sla_cases
        ]
    return [
        (promise_name(promise, names_policy=headline.has_several_policies()), (
            count(promise.stopped_clocks), *([promise.target or MISSING] if _tells_targets(headline) else []), *map(time_taken, (promise.p50, promise.p90, promise.p95)),
        ))
        for promise in headline.timed_promises()
    ]


def unknown_note(promises: Sequence[PromiseFigures]) -> str:
    """`Why 5 clocks are unknown: 3 case cancelled first; 2 ...`; empty where none is, or nobody told why."""
    reasons: Counter[str] = Counter()
    for promise in promises:
        reasons.update(dict(promise.unknown_reasons))
    told = "; ".join(f"{count(clocks)} {_UNKNOWN_BECAUSE.get(reason, name(reason).lower())}" for reason, clocks in reasons.most_common())
    return f"Why {counted(reasons.total(), 'clock is', 'clocks are')} unknown: {told}." if told else ""


def promise_notes(headline: Headline) -> Sequence[str]:
    """What a list of promises leaves out or rests on, a sentence each: unknown clocks, copies, promises beside those that a source brings itself, and rejected records."""
    copies = {promise.metric: promise for promise in headline.promises if promise.copies}
    notes = [
        f"“{promise.title}” also stands for {listed([f'“{title}”' for title in promise.copies])}: no clock was paused, so "
        f"{'all their' if len(promise.copies) > 1 else 'their'} figures are the same."
        for promise in copies.values()
    ]
    if why_unknown := unknown_note(headline.promises):
        notes.insert(0, why_unknown)
    if headline.unspoken_promises:
        own = counted(headline.unspoken_promises, "promise")
        notes.append(f"The source has SLA policies of its own, and only these are reported; {own} of sla_policies.yml {'is' if headline.unspoken_promises == 1 else 'are'} in the tables only.")
    incomplete = sum(promise.incomplete_clocks for promise in headline.promises)
    if incomplete:
        notes.append(
            f"{counted(incomplete, 'verdict rests', 'verdicts rest')} on incomplete records: records of {'its case' if incomplete == 1 else 'their cases'} were rejected. "
            "mart.incomplete_cases lists the cases, and opsla explain CASE the records."
        )
    return notes


def intake_dates(summary: RunSummary, to: str = " to ") -> str:
    """The dates of a run: `2025-07-01 to 2025-07-05`; with gaps each range, the first few by name."""
    if not summary.dates:
        return f"{summary.window_start}{to}{last_day(summary.window_end)}"
    windows = parse_dates(summary.dates).windows
    named = [str(window.start) if window.days == 1 else f"{window.start}{to}{window.last}" for window in windows[:_RANGES_SHOWN]]
    more = len(windows) - _RANGES_SHOWN
    return ", ".join(named) + (f" and {counted(more, 'more range')}" if more > 0 else "")


def last_day(end: date) -> date:
    """The last date of a window whose `end` is exclusive."""
    return end - timedelta(days=1)


def check_figures(check: CheckResult) -> str:
    """The figures of a check in one line, its rate first: `rate 1.78%, warn above 3%`, `82 rows, warn above 0 rows`, `13 found`."""
    unit = gate_unit(check)
    if set(check.figures) == {_FOUND}:
        return f"{_figure(check.figures[_FOUND]) if check.figures[_FOUND] else 'none'} found"
    ordered = sorted(check.figures.items(), key=lambda item: item[0] != "rate")
    return ", ".join(f"{_figure_name(key, unit)}{_figure(value)}{unit_after(value, ' rows' if key == _SAMPLE_ROWS else unit)}" for key, value in ordered)


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
    if key == _SAMPLE_ROWS:
        return "of "
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
        return rounded(value, 4).rstrip("0").rstrip(".")
    return f"{value:,}" if isinstance(value, int) else value or MISSING


def is_named(value: str | None) -> bool:
    """Whether a stored name says anything: marts write `unknown` where the source has none."""
    return value is not None and value.strip().lower() not in {"", "unknown"}


def name(value: str | None, missing: str = "unnamed") -> str:
    """A stored name as words: underscores become spaces."""
    return value.replace("_", " ") if value is not None and is_named(value) else missing


def told(value: str) -> str:
    """A value of a queue, priority or tier; `not told` where the cases have none."""
    return "not told" if value == "none" else value


def queue(value: str) -> str:
    """A queue as a heading: `No queue told` for the cases that are in none."""
    return "No queue told" if value == "none" else value


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
