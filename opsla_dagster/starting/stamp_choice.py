"""Which columns of a log are stamps, how they are written, of which zone they are, and which day the desk starts on.

Belongs here: choosing among the forms that the cells of a column have, dates and times in two columns, zones. Does not belong here: what
a cell says (`sources.event_log.stamp_sql`), and which stamp means what.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from opsla_dagster.errors import OpslaError
from opsla_dagster.figures import counted
from opsla_dagster.settings.zones import fixed_zone_warning, likely_place
from opsla_dagster.sources.event_log.mapping import STAMP_FIELDS
from opsla_dagster.sources.event_log.stamp_sql import EPOCHS, ISO, SERIAL, has_clock, states_offset
from opsla_dagster.sources.event_log.stamp_words import common_languages
from opsla_dagster.starting.asking import Asking
from opsla_dagster.starting.column_names import due_named, fields_named, milestone_named
from opsla_dagster.starting.remarks import Remarks, answer_to
from opsla_dagster.starting.sniffing import Log
from opsla_dagster.starting.stamps import is_of_numbers, swapped
from opsla_dagster.starting.words import listed

#: One form of stamps, or several that the cells of a log have.
Forms = str | tuple[str, ...]

ZONE_QUESTION = "Time zone of the desk (an IANA name such as Europe/Rome)"
ZONE_ASSUMED = "The zone UTC is assumed, business hours with it: nothing said another one (--timezone)."
_ZONES_READ = (
    "of zones that stamps name, read are UTC, IANA names such as Europe/Berlin, and the abbreviations of the zone of --timezone (CET and CEST "
    "of Europe/Berlin): name that zone, or export stamps with their UTC offset"
)
_SAY_IT = (
    f"say how stamps are written with --time-format: '%d/%m/%Y %H:%M' or another strptime format, {', '.join((ISO, *EPOCHS))}, "
    f"or {SERIAL} (a spreadsheet's days since 1900)"
)
#: Share of the cells of a column that must be stamps for it to be one, 0-1.
_STAMPS_SHARE = 0.8
#: Forms that one column is written in at most.
_MOST_FORMS = 4
_FAR_BEFORE = timedelta(days=730)
#: Cells that did not fit, which a message shows.
_SHOWN = 3
#: What columns of dates, and of times, are called; what is left of a name says of what they are.
_DATE_WORDS = r"date|datum|data|fecha|jour|dia|giorno|tag|day|日付|日"
_TIME_WORDS = r"timeofday|time|uhrzeit|zeit|uhr|horario|hora|heure|ora|tijdstip|tijd|hour|clock|時刻|時間"


# ---------------------------------------------------------------- columns of stamps


def join_dates_and_times(log: Log, told: Mapping[str, str], notes: list[str]) -> dict[str, str]:
    """Makes one column of each date that has its time of day in another; returns what was told, with the joined columns in place of the parts.

    A person says so with FIELD=DATE COLUMN + TIME COLUMN.
    """
    for field, name in told.items():
        day, _, time = name.partition(" + ")
        if field in STAMP_FIELDS and name not in log.columns and day in log.columns and time in log.columns:
            log.join(day, time)
    wanted_alone = {name for field, name in told.items() if field not in STAMP_FIELDS}
    for day, time in _dates_with_times(log):
        if day in wanted_alone or time in wanted_alone:
            continue
        name = log.join(day, time)
        notes.append(f"{day} and {time} are one stamp: its date and its time of day.")
        told = {field: name if column in (day, time) else column for field, column in told.items()}
    return dict(told)


def _dates_with_times(log: Log) -> list[tuple[str, str]]:
    """Pairs of columns that are called alike but for the words for date and time, and hold just that."""
    times = {_of_what(name, _TIME_WORDS): name for name in log.columns if re.search(_TIME_WORDS, _letters(name)) and _are_times(log, name)}
    if not times:
        return []
    dates = {_of_what(name, _DATE_WORDS): name for name in log.columns if re.search(_DATE_WORDS, _letters(name)) and _are_dates(log, name)}
    return [(dates[key], times[key]) for key in dates if key in times]


def _letters(name: str) -> str:
    return re.sub(r"[\W\d_]", "", name.lower())


def _of_what(name: str, words: str) -> str:
    return re.sub(words, "", _letters(name), count=1)


def _are_times(log: Log, name: str) -> bool:
    column = log.columns[name]
    return not column.is_typed_stamp and column.filled > 0 and max(log.times_of_day(name)) >= _STAMPS_SHARE * column.filled


def _are_dates(log: Log, name: str) -> bool:
    """Whether the cells are dates alone, or midnights throughout."""
    column = log.columns[name]
    if not column.filled:
        return False
    if log.midnights(name) == column.filled:
        return True
    found = {} if column.is_typed_stamp else log.stamp_formats(name)
    alone = max((count for form, count in found.items() if _is_date_alone(log, name, form)), default=0)
    return alone >= _STAMPS_SHARE * column.filled


def _is_date_alone(log: Log, name: str, form: str) -> bool:
    """Serial dates are dates alone where none has a fraction."""
    return not has_clock(form) or (form == SERIAL and not log.with_a_fraction(name))


def stamp_columns(log: Log, time_format: str | None, asking: Asking, remarks: Remarks) -> dict[str, tuple[str, ...]]:
    """Column -> the forms of its stamps, for each column whose cells are instants. Beside such a one a column of dates says none.

    Raises OpslaError, showing what did not fit, where there is none.
    """
    found: dict[str, tuple[str, ...]] = {name: (ISO,) for name, column in log.columns.items() if column.is_typed_stamp}
    others = [name for name in log.columns if name not in found]
    if time_format is not None:
        read = {name: log.readable(name, time_format) for name in others}
        found.update({name: (time_format,) for name in others if read[name] and read[name] >= _STAMPS_SHARE * log.columns[name].filled})
        if not found:
            raise OpslaError(_why_none(log, {name: {time_format: read[name]} for name in others}, time_format))
        return found
    counts = {name: log.stamp_formats(name) for name in others}
    forms = {name: _forms_of(log, name, counts[name]) for name in others if counts[name]}
    written = {name: each for name, each in forms.items() if each and not is_of_numbers(each[0])}
    numbers = {name: each for name, each in forms.items() if each and is_of_numbers(each[0])}
    named = {name: each for name, each in numbers.items() if _is_called_a_stamp(name, each[0])}
    found.update({**written, **named} if found or written or named else numbers)
    if not found:
        raise OpslaError(_why_none(log, counts, None))
    return _in_order(log, found, asking, remarks)


def _is_called_a_stamp(name: str, form: str) -> bool:
    """Whether numbers may be stamps, by the column's name. Seconds since 1970 are hardly anything else; a spreadsheet's days may be a duration."""
    return bool(set(fields_named(name)) & set(STAMP_FIELDS)) or (form in EPOCHS and (milestone_named(name) or due_named(name)) is not None)


def _forms_of(log: Log, name: str, counts: Mapping[str, int]) -> tuple[str, ...]:
    """The forms that read the cells of a column between them, the commonest first; none where too few are instants.

    Another form is taken only where no cell can be read by both: a day and a month in each other's place are never two forms.
    """
    filled = log.columns[name].filled
    clocked = {form: count for form, count in counts.items() if count and not _is_date_alone(log, name, form)}
    chosen: list[str] = []
    read = 0
    while clocked and read < filled and len(chosen) < _MOST_FORMS:
        best = max(clocked, key=lambda form: clocked[form])
        if not chosen or not log.clashing(name, [*chosen, best]):
            chosen.append(best)
            read += clocked[best]
        tried = {*chosen, best, *(swapped(form) for form in (*chosen, best))}
        left = log.stamp_formats(name, unread_by=chosen) if read < filled else {}
        clocked = {form: count for form, count in left.items() if count and has_clock(form) and form not in tried and not _is_corrupting({*chosen, form})}
    return tuple(chosen) if chosen and read >= _STAMPS_SHARE * filled else ()


def _is_corrupting(forms: set[str]) -> bool:
    """A spreadsheet that makes serial dates of some cells and leaves others as text has read those with day and month in each other's place."""
    return SERIAL in forms and any(swapped(form) is not None for form in forms)


def _in_order(log: Log, found: Mapping[str, tuple[str, ...]], asking: Asking, remarks: Remarks) -> dict[str, tuple[str, ...]]:
    """Day or month first: as the data decides, else as a person says; where other columns can be the event's instant, undecided ones are left."""
    families: dict[str, list[str]] = {}
    for name, forms in found.items():
        for form in forms:
            if swapped(form) is not None:
                families.setdefault(min(form, str(swapped(form))), []).append(name)
    meant: dict[str, str | None] = {}
    for family, names in families.items():
        first, other = family, str(swapped(family))
        alone = [log.only(name, first, other) for name in dict.fromkeys(names)]
        only_first, only_other = sum(one for one, _ in alone), sum(two for _, two in alone)
        if only_first < only_other:
            first, other, only_first, only_other = other, first, only_other, only_first
        if only_first > only_other:
            remarks.notes.append(f"Stamps are read as {first}: {only_first:,} of them can be nothing else.")
            if only_other:
                remarks.notes.append(f"{only_other:,} stamps fit only {other}; they will be rejected.")
        meant[family] = first if only_first > only_other else None
    _decide_by_the_other_form(families, meant, remarks)
    undecided = {name for family, names in families.items() if meant[family] is None for name in names}
    if undecided and undecided == set(found):
        meant = {family: each or _asked_order(family, asking, remarks) for family, each in meant.items()}
        undecided = set()
    elif undecided:
        remarks.notes.append(
            f"{', '.join(sorted(undecided))}: every stamp can be read with the day first and with the month first; not used as stamps. "
            "--time-format would say it."
        )

    def as_meant(form: str) -> str:
        return form if swapped(form) is None else meant[min(form, str(swapped(form)))] or form

    return {name: tuple(as_meant(form) for form in forms) for name, forms in found.items() if name not in undecided}


def _decide_by_the_other_form(families: Mapping[str, Sequence[str]], meant: dict[str, str | None], remarks: Remarks) -> None:
    """Two forms of one column that differ in their separators have day and month in one order: what a spreadsheet wrote with bars is meant as what it left with dashes."""
    for family, names in families.items():
        decided = {
            form for other, form in meant.items()
            if form is not None and set(families[other]) & set(names) and _letters_of(form) in (_letters_of(family), _letters_of(str(swapped(family))))
        }
        if meant[family] is None and len({_letters_of(form) for form in decided}) == 1:
            known = decided.pop()
            meant[family] = family if _letters_of(family) == _letters_of(known) else str(swapped(family))
            remarks.notes.append(f"Every stamp written as {family} can be read with the day first and with the month first; taken as {meant[family]}, as the same columns have {known}.")


def _letters_of(form: str) -> str:
    return re.sub(r"[^%A-Za-z]", "", form)


def _asked_order(family: str, asking: Asking, remarks: Remarks) -> str:
    best, other = family, str(swapped(family))
    known = {best, other}
    answer = answer_to(
        f"Every stamp can be read as {best} and as {other}", None, f"--time-format '{best}' (or '{other}')", asking, remarks,
        lambda answer: None if answer in known else f"write {best} or {other}",
    )  # fmt: skip
    return answer or best


# ---------------------------------------------------------------- the form of the log


def time_format_of(
    log: Log, event: str, others: Mapping[str, str], stamps: Mapping[str, tuple[str, ...]], notes: list[str]
) -> tuple[Forms, set[str]]:
    """The forms of the column `event`, and of the other stamps (what each is -> its column) as far as they do not contradict them.

    Also which of the others are not used: only another reading of the same cells would read them.
    """
    typed = {name for name, column in log.columns.items() if column.is_typed_stamp}
    forms = [] if event in typed else list(stamps.get(event, (ISO,)))
    columns = {event, *others.values()} - typed
    unsure: set[str] = set()
    for field, name in others.items():
        more = [form for form in stamps.get(name, ()) if form not in forms]
        if name in typed or not more:
            continue
        united = [*forms, *more]
        if any(swapped(form) in united for form in united) or any(log.clashing(each, united) for each in sorted(columns)):
            notes.append(f"{name} is written as {', '.join(more)}, which would make other stamps unsure: not used as {field}.")
            unsure.add(field)
            columns.discard(name)
        else:
            forms = united
    _tell_forms(log, event, forms, notes)
    return (forms[0] if len(forms) == 1 else tuple(forms) or ISO), unsure


def _tell_forms(log: Log, event: str, forms: Sequence[str], notes: list[str]) -> None:
    counts = {form: log.readable(event, form) for form in forms} if len(forms) > 1 else {}
    used = {form: count for form, count in counts.items() if count}
    if len(used) > 1:
        notes.append(f"{event} is written in {len(used)} forms: {', '.join(f'{count:,} as {form}' for form, count in used.items())}.")
    if any("%b" in form or "%B" in form for form in forms):
        languages = common_languages(log.month_words(event))
        notes.extend([f"Names of months are {' or '.join(languages)}."] if languages else [])
    column = log.columns[event]
    is_all_read = not forms or column.is_typed_stamp or log.readable(event, list(forms)) == column.filled
    unread = [] if is_all_read else log.unreadable_stamps(event, list(forms))
    if unread:
        notes.append(f"{counted(sum(count for _, count in unread), 'record')} whose {event} cannot be read, to be rejected: {_some(unread)}.")


# ---------------------------------------------------------------- what did not fit


def _why_none(log: Log, counts: Mapping[str, Mapping[str, int]], told: str | None) -> str:
    """Why no column reads as stamps: of the nearest one how many cells do, the first that do not, and what would read them."""
    hint = f" as {told!r}" if told else ""
    text = f"{log.files[0]}: no column reads as stamps{hint} (columns: {listed(list(log.columns))})"
    text = ". ".join([text, *log.repeated_names_told])
    alone = _a_date_alone(log, counts) if told is None else None
    if alone is not None:
        return f"{text}: {alone}"
    if any(form.endswith("%Z") for found in counts.values() for form in found):
        return f"{text}; {_ZONES_READ}"
    if nested := nested_lists(log):
        return f"{text}; {unfolding(nested)}"
    nearest = _nearest(log, counts)
    if nearest is None:
        return f"{text}; {_SAY_IT}"
    name, form = nearest
    if form is None:
        first = log.unreadable_stamps(name, ISO)
        if not first:  # nothing is wrong with the stamps but the form that was asked for
            return f"{text}; column {name!r} reads as {ISO}: leave --time-format away"
        for pattern, kind, way in _UNUSUAL:
            if all(re.fullmatch(pattern, value) for value, _ in first):
                return f"{text}; column {name!r} holds {kind} ({_some(first)}): {way}"
        if log.rounded_numbers(name):
            return f"{text}; column {name!r} holds numbers that a spreadsheet rounded ({_some(first)}), which tell no instant: export it as text"
        return f"{text}; column {name!r} holds {_some(first)}; {_SAY_IT}"
    unread = log.unreadable_stamps(name, form)
    read, filled = counts[name].get(form, 0), log.columns[name].filled
    others = {each: count for each, count in log.stamp_formats(name, unread_by=[form]).items() if count}
    way = "; ".join(f"{count:,} of those would be read by {each!r}" for each, count in sorted(others.items(), key=lambda item: -item[1])[:2])
    return f"{text}; column {name!r}: {read:,} of {filled:,} read as {form}, not: {_some(unread)}; {way or _SAY_IT}"


#: A list of objects that tell instants.
_NESTED = re.compile(r"\[\s*\{.*(\d{4}-\d{2}-\d{2}|\b\d{10,13}\b)", re.DOTALL)


def nested_lists(log: Log) -> list[str]:
    """Columns of which a cell is a list of objects with stamps: the history of a case inside its record."""
    return [name for name, column in log.columns.items() if any(_NESTED.match(example) for example in column.examples)]


def unfolding(nested: Sequence[str]) -> str:
    """What to do about a history inside of records."""
    inside = nested[0]
    path = ".".join(f'"{part}"' if not part.isidentifier() else part for part in inside.split("."))
    return (
        f"{inside!r} holds a list of records inside of each record, and a log has one record an update: unfold it first, for instance with "
        f"jq -c '.[] | . as $case | .{path}[] | {{case: $case.id}} + .' FILE > flat.jsonl (id: what names the case), then opsla init flat.jsonl"
    )


#: Stamps that are read only when they are named: (pattern of a cell, what it is, the way on).
_UNUSUAL = (
    (r"\d{4}-?W\d{2}-?\d[T ]\d{2}:\d{2}", "ISO weeks", "--time-format '%G-W%V-%uT%H:%M' reads 2025-W28-1T09:00"),
    (r"\d{4}-?W\d{2}-?\d[T ]\d{2}:\d{2}:\d{2}", "ISO weeks", "--time-format '%G-W%V-%uT%H:%M:%S' reads 2025-W28-1T09:00:00"),
    (r"\d{4}-\d{3}[T ]\d{2}:\d{2}", "days of the year", "--time-format '%Y-%jT%H:%M' reads 2025-188T09:00"),
    (r"1\d{18}", "nanoseconds since 1970", "export seconds, milliseconds or microseconds, or cut off the last three digits and say --time-format epoch_us"),
)


def _a_date_alone(log: Log, counts: Mapping[str, Mapping[str, int]]) -> str | None:
    """What to say where the only stamps are dates without a time of day: midnight would be a guess."""
    for name, found in counts.items():
        alone = [form for form, count in found.items() if _is_date_alone(log, name, form) and count and count >= _STAMPS_SHARE * log.columns[name].filled]
        alone = [form for form in alone if not is_of_numbers(form) or set(fields_named(name)) & set(STAMP_FIELDS)]
        if not alone:
            continue
        times = [each for each in log.columns if _are_times(log, each)]
        first = f"column {name!r} holds dates without a time of day ({_some(log.unreadable_stamps(name, ISO))}), and a date alone is no instant. "
        beside = f"If the time is in {times[0]!r}: --column 'event_ts={name} + {times[0]}'. " if times else ""
        return (
            f"{first}{beside}Export the log with times; or, if every update is to count as made at midnight, say so with --time-format '{alone[0]}'"
        )
    return None


def _nearest(log: Log, counts: Mapping[str, Mapping[str, int]]) -> tuple[str, str | None] | None:
    """The column that is most like one of stamps and the form that reads most of it; None for the form where none reads any."""
    read = {(name, form): count / max(log.columns[name].filled, 1) for name, found in counts.items() for form, count in found.items() if count}
    if read:
        return max(read, key=lambda each: read[each])
    named = {name: min(fields_named(name)[field] for field in STAMP_FIELDS if field in fields_named(name)) for name in counts if set(fields_named(name)) & set(STAMP_FIELDS)}
    return (min(named, key=lambda name: named[name]), None) if named else None


def _some(cells: Sequence[tuple[str, int]]) -> str:
    shown = ", ".join(f"{cell!r}" for cell, _ in cells[:_SHOWN])
    return shown + (" ..." if len(cells) > _SHOWN else "")


# ---------------------------------------------------------------- zones


def zones_of(
    log: Log, told_zone: str | None, stamps: Sequence[str], time_format: Forms, asking: Asking, remarks: Remarks
) -> tuple[str, str | None]:
    """The desk's zone, and the one of `stamps`, columns, without offset. UTC is not proposed where every stamp says that it is not UTC."""
    forms = _as_tuple(time_format)
    all_offset = all(states_offset(form) for form in forms) or bool(
        ISO in forms and stamps and all(log.with_offset(name, forms) and not log.without_offset(name, forms) for name in stamps)
    )
    offsets = log.offsets(stamps) if stamps and all_offset and not set(forms) & set(EPOCHS) else []
    is_elsewhere = any(offset.strip("Z+-0:") not in {"", "UTC", "GMT"} for offset in offsets)
    also = f"; the log's stamps state {' and '.join(offsets)}" if offsets else ""
    question = f"{ZONE_QUESTION}{also}" if all_offset else f"{ZONE_QUESTION} and of the log's stamps, which state no offset"
    flag = "--timezone (UTC, if business hours are told in UTC)"
    zone = told_zone or answer_to(question, None if is_elsewhere else "UTC", flag, asking, remarks, zone_problem) or "UTC"
    if told_zone is None and not asking.is_allowed:
        remarks.warnings.append(ZONE_ASSUMED)
    zone, warning = settled_zone(zone, asking)
    remarks.warnings.extend([warning] if warning else [])
    return zone, None if all_offset and not any(form.endswith("%Z") for form in forms) else zone


def settled_zone(zone: str, asking: Asking) -> tuple[str, str | None]:
    """The zone, asked again where it is a fixed distance from UTC that is seldom meant; and the warning where it stays so."""
    warning = fixed_zone_warning(zone)
    if warning is None:
        return zone, None
    if asking.is_allowed:
        asking.warn(f"{warning[0].upper()}{warning[1:]}")
        zone = asking.value("Time zone of the desk", likely_place(zone), "--timezone", zone_problem)
        warning = fixed_zone_warning(zone)
    return zone, f"{warning[0].upper()}{warning[1:]}" if warning else None


def zone_problem(name: str) -> str | None:
    """What is wrong with the name of a zone, or None."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"{name!r} is no time zone; write an IANA name such as America/New_York or UTC"
    return None


def zone_read(stamps_zone: str | None) -> str:
    """The zone of those stamps that state none."""
    return stamps_zone or "UTC"


def _as_tuple(time_format: Forms) -> tuple[str, ...]:
    return (time_format,) if isinstance(time_format, str) else time_format


# ---------------------------------------------------------------- the first day


def start_date_of(
    log: Log, told: date | None, begins: str, time_format: Forms, zone: str, stamps_zone: str | None, notes: list[str]
) -> date:
    """The first intake date to load; the column `begins` says when cases came in."""
    first, early = log.days(begins, time_format, zone_read(stamps_zone), zone)
    if not (isinstance(first, date) and isinstance(early, date)):
        unread = log.unreadable_stamps(begins, time_format)
        raise OpslaError(f"{log.files[0]}: column {begins!r} holds no stamp of the format {time_format}, but {_some(unread)}; {_SAY_IT}")
    if told is not None:
        return told
    if early - first > _FAR_BEFORE:
        notes.append(f"The desk starts on {early}: the few stamps before (from {first}) look like slips; --start-date {first} keeps them.")
        return early
    return first
