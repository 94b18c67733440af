"""What a log file holds, measured: of each column how full, how varied, how constant within a case.

Belongs here: reading and counting, of all records, by the readers that will load the log. Does not belong here: how a file is
written (how_written.py), and what a column means.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from glob import has_magic
from pathlib import Path
from typing import Any

import duckdb

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.sources import CsvSettings, EventLogSettings, FileFormat, Written
from opsla_dagster.sources.event_log.canonical import connect
from opsla_dagster.sources.event_log.due import is_duration_with_units
from opsla_dagster.sources.event_log.files import LogFile, find_log_files
from opsla_dagster.sources.event_log.mapping import EXACT_DIGITS, is_rounded_id, trimmed
from opsla_dagster.sources.event_log.reading.loading import load_files
from opsla_dagster.sources.event_log.reading.tables import Loaded, prepare
from opsla_dagster.sources.event_log.stamp_sql import (
    IS_WORDY,
    ISO,
    ISO_OFFSET,
    MIDNIGHT,
    StampSql,
    any_of,
    has_clock,
    joined,
    placed,
    placed_earlier,
    spelled_out,
    stamp_sql,
    tidied,
)
from opsla_dagster.starting.how_written import how_written
from opsla_dagster.starting.stamps import FRACTION_OF_A_DAY, TIME_OF_DAY, candidates, may_need_spelling
from opsla_dagster.starting.words import listed
from opsla_dagster.warehouse.sql import literal

#: Cells that other people have meant "nothing" by. NA is not among them: it may be North America.
MISSING_MARKS = ("?", "NULL", "null", "(null)", "None", "N/A", "n/a", "#N/A", "NaN", "nan", "\\N", "-")
_SAMPLE = 500
_EXAMPLES = 3
#: Filled cells, different ones, and characters of the longest.
_MEASURES = "count({sql}), count(distinct {sql}), coalesce(max(length({sql})), 0)"
#: Different cells up to which all of them are kept at hand.
_FEW_WORDS = 100
#: Characters that a stamp has at least: 45845 is a day.
_SHORTEST_STAMP = 5
#: Zeros beyond the digits that a spreadsheet keeps, of all different ids together, from which they are no accident.
_TELLING_ZEROS = 4
#: How ISO stamps are written that stand for a day.
_ISO_MIDNIGHTS = tuple(f"%Y-%m-%d{join}{clock}" for join in " T" for clock in ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%H:%M:%SZ", "%H:%M:%S.%fZ"))
_STATED = rf"({ISO_OFFSET}|[A-Za-z][A-Za-z_/+-]*\d*)$"
#: Years that the event_log source accepts.
_PLAUSIBLE = "between timestamp '1970-01-01' and timestamp '2099-12-31 23:59:59.999999'"


@dataclass(frozen=True)
class Column:
    """A column of the log; counts leave out empty cells and marks of missing values."""

    name: str
    sql: str
    filled: int
    distinct: int
    examples: tuple[str, ...]
    is_typed_stamp: bool
    #: Characters of its longest cell.
    longest: int
    #: The columns of the log that it is joined from, a date and a time; none where it is one itself.
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Order:
    """How a log's files run against time."""

    #: Within a file most records of a case are stamped before the one above.
    is_newest_first: bool
    #: Cases with several records, and those that step back in time once such files are turned round.
    cases: int
    cases_stepping_back: int


@dataclass(frozen=True)
class Log:
    """Log files, loaded into table `log` of `connection`, one row a record."""

    #: As they were named: paths, or the way to files in an archive.
    files: tuple[Path, ...]
    written: Written
    form: FileFormat
    #: What reading found out by itself, a line a file.
    reading_notes: tuple[str, ...]
    columns: dict[str, Column]
    #: Those that say anything; the log has more where some cannot be read, or have no cell.
    rows: int
    #: All of them, as the event_log source counts.
    records: int
    unreadable: int
    missing_values: tuple[str, ...]
    #: Names that several columns of a file have: none of them can be said, so none is among the columns.
    repeated_names: tuple[str, ...]
    #: Whose abbreviations a stamp may name, if somebody said it.
    zone: str | None
    connection: duckdb.DuckDBPyConnection
    read: tuple[LogFile, ...] = ()
    #: What the columns of few words say, with how often, the commonest first.
    _words: dict[str, dict[str, int]] = field(default_factory=dict)
    #: Columns of ids -> SQL of the id.
    _keys: dict[str, str] = field(default_factory=dict)
    #: Columns of `log` that hold tidied cells.
    _tidied: set[str] = field(default_factory=set)
    #: Tidied cells -> whether none of them is wordy.
    _plain: dict[str, bool] = field(default_factory=dict)

    @property
    def csv(self) -> CsvSettings:
        """How the CSV files among them are written."""
        return self.written.csv

    @property
    def repeated_names_told(self) -> list[str]:
        """What to do about columns that are called alike; empty where none are."""
        if not self.repeated_names:
            return []
        return [f"Several columns are called {listed(self.repeated_names)}: not used, since nothing tells them apart; give each its own name in the header"]

    def words(self, column: str) -> dict[str, int]:
        """What the column says, with how often, the commonest first."""
        if column in self._words:
            return self._words[column]
        cell = self.columns[column].sql
        return dict(self._rows(f"select {cell}, count(*) from log where {cell} is not null group by all order by 2 desc, 1"))

    def stamp_formats(self, column: str, *, unread_by: Sequence[str] = ()) -> dict[str, int]:
        """Form -> cells of the column that are stamps of it, for each form that some cell has the shape of; of those cells only that `unread_by` leave."""
        if self.columns[column].longest < _SHORTEST_STAMP:
            return {}
        left = f"{self.stamp(column, unread_by)} is null" if unread_by else "true"
        formats = candidates(self._sample(column, left))
        if not formats:
            return {}
        counts = ", ".join(f"count(*) filter ({left} and {self.stamp(column, each)} {_PLAUSIBLE})" for each in formats)
        return dict(zip(formats, self._rows(f"select {counts} from log")[0], strict=True))

    def readable(self, column: str, forms: str | Sequence[str]) -> int:
        """Cells that are stamps of one of the forms. Raises OpslaError for what is no form."""
        try:
            ((count,),) = self._rows(f"select count(*) filter ({self.stamp(column, forms)} {_PLAUSIBLE}) from log")
        except duckdb.Error as error:
            raise OpslaError(f"--time-format {forms!r}: is not a strptime format: {error}") from error
        return int(count)

    def unreadable_stamps(self, column: str, forms: str | Sequence[str]) -> list[tuple[str, int]]:
        """The first cells of the column that are no stamps of any of the forms, in the order of the files, with how often each occurs."""
        cell = self.columns[column].sql
        return self._rows(
            f"select {cell}, count(*) from log where {cell} is not null and ({self.stamp(column, forms)} {_PLAUSIBLE}) is not true "
            f"group by {cell} order by min(file_number), min(row_number), {cell}"
        )

    def stamp(self, column: str, forms: str | Sequence[str]) -> str:
        """SQL: the stamp of a column as TIMESTAMP, as written, or UTC where it states its offset."""
        stamp, _ = self._reading(column, forms)
        return f"coalesce({stamp.stated}, {stamp.local})"

    def clashing(self, column: str, forms: Sequence[str]) -> int:
        """Cells that two of the forms read as different instants."""
        _, clash = self._reading(column, forms)
        ((count,),) = self._rows(f"select count(*) filter ({clash}) from log")
        return int(count)

    def only(self, column: str, stamp_format: str, other: str) -> tuple[int, int]:
        """Cells that are stamps of the first format only, and of the second only."""
        first, second = (f"{self.stamp(column, each)} {_PLAUSIBLE}" for each in (stamp_format, other))
        counts = f"count(*) filter ({first} and ({second}) is not true), count(*) filter ({second} and ({first}) is not true)"
        ((one, two),) = self._rows(f"select {counts} from log")
        return one, two

    def without_offset(self, column: str, forms: str | Sequence[str] = ISO) -> int:
        """Cells that are stamps without an offset."""
        ((count,),) = self._rows(f"select count(*) filter ({self._reading(column, forms)[0].local} is not null) from log")
        return int(count)

    def with_offset(self, column: str, forms: str | Sequence[str] = ISO) -> int:
        """Cells that are stamps with an offset."""
        ((count,),) = self._rows(f"select count(*) filter ({self._reading(column, forms)[0].stated} is not null) from log")
        return int(count)

    def _sample(self, column: str, condition: str = "true") -> list[str]:
        """Some of the cells, tidied and spelled out."""
        cell = self.columns[column].sql
        some = f"select distinct {cell} as cell from log where {cell} is not null and {condition} order by md5(cell) limit {_SAMPLE}"
        tidy = "cell" if self.columns[column].parts else tidied("cell")
        found = [text for (text,) in self._rows(f"select {tidy} from ({some})") if text is not None]
        wordy = [text for text in found if may_need_spelling(text)]
        if not wordy:
            return found
        listed = ", ".join(f"({literal(text)})" for text in wordy)
        spelled = self._rows(f"select {spelled_out('tidy')} from (values {listed}) as wordy (tidy)")
        return [text for text in found if not may_need_spelling(text)] + [text for (text,) in spelled]

    def times_of_day(self, column: str) -> tuple[int, int]:
        """Cells that are a time of day alone: written as one, and as the fraction of a day."""
        if not any(re.fullmatch(f"{TIME_OF_DAY}|{FRACTION_OF_A_DAY}", text) for text in self._sample(column)):
            return 0, 0
        text = self._tidy(column) if self._is_plain(column) else spelled_out(self._tidy(column))
        ((written, fractions),) = self._rows(
            f"select count(*) filter (regexp_full_match({text}, {literal(TIME_OF_DAY)})), "
            f"count(*) filter (regexp_full_match({text}, {literal(FRACTION_OF_A_DAY)})) from log"
        )
        return written, fractions

    def midnights(self, column: str) -> int:
        """Cells that are the midnight of a date, which is how a typed date beside a time is often written."""
        if not any(re.search(MIDNIGHT, text) for text in self._sample(column)):
            return 0
        ((count,),) = self._rows(f"select count(*) filter ({joined(self._tidy(column), 'cast(null as varchar)')} <> {self._tidy(column)}) from log")
        return int(count)

    def date_format_of(self, column: str, forms: Sequence[str]) -> str | None:
        """A strptime format that reads every cell of a column as it is written; None where none of the forms, or of the usual ISO ones, does."""
        cell = self.columns[column].sql
        for form in (*(each for each in forms if "%" in each), *_ISO_MIDNIGHTS):
            ((count,),) = self._rows(f"select count(try_strptime({cell}, {literal(form)})) from log")
            if count == self.columns[column].filled:
                return form
        return None

    def with_a_fraction(self, column: str) -> int:
        """Cells that are numbers with a fraction."""
        ((count,),) = self._rows(f"select count(*) filter (regexp_matches({self._tidy(column)}, '^\\d+[.,]\\d| 0?[.,]\\d')) from log")
        return int(count)

    def join(self, date: str, time: str) -> str:
        """Makes one column of a date and a time, which are gone from then on; returns its name."""
        name = f"{date} + {time}"
        sql = f"({joined(self._tidy(date), self._tidy(time))})"
        column = _column(self.connection, name, sql, is_typed_stamp=False, parts=(date, time))
        known = {each: column if each == date else found for each, found in self.columns.items() if each != time}
        self.columns.clear()
        self.columns.update({name if found is column else each: found for each, found in known.items()})
        return name

    def rounded_ids(self, column: str) -> dict[str, int]:
        """Ids of the column that a spreadsheet rounded, with how often each occurs, in the order of the files."""
        return self.rounded_numbers(column) or self._cut_ids(column)

    def rounded_numbers(self, column: str) -> dict[str, int]:
        """Numbers of the column that are written as rounded, with how often each occurs, in the order of the files."""
        cell = self.columns[column].sql
        found = self._rows(f"select {cell}, count(*) from log where {is_rounded_id(cell)} group by {cell} order by min(file_number), min(row_number), {cell}")
        return dict(found)

    def _cut_ids(self, column: str) -> dict[str, int]:
        """Long numbers that all end in zeros where a spreadsheet keeps no digits; none where that may be an accident."""
        cell = self.columns[column].sql
        found = self._rows(
            f"select {cell}, count(*), regexp_extract({cell}, '^\\d{{{EXACT_DIGITS}}}(\\d+)$', 1) as beyond from log where {cell} is not null "
            f"group by {cell} having beyond <> '' order by min(file_number), min(row_number), {cell}"
        )
        beyond = "".join(digits for _, _, digits in found)
        return {id_: count for id_, count, _ in found} if len(beyond) >= _TELLING_ZEROS and not beyond.strip("0") else {}

    def month_words(self, column: str) -> list[str]:
        """The words of letters in the cells of a column, as written."""
        cell = self.columns[column].sql
        return [word for (word,) in self._rows(f"select distinct unnest(regexp_extract_all({cell}, '\\pL{{3,}}')) as word from log where {cell} is not null order by 1 limit 200")]

    def stamps_of(self, column: str, stamp_format: str | Sequence[str]) -> tuple[str, ...]:
        """The commonest cells that are stamps of the format."""
        cell = self.columns[column].sql
        found = self._rows(
            f"select {cell} from log where {self.stamp(column, stamp_format)} {_PLAUSIBLE} group by {cell} order by count(*) desc, {cell} "
            f"limit {_EXAMPLES}"
        )
        return tuple(stamp for (stamp,) in found)

    def offsets(self, columns: Sequence[str]) -> list[str]:
        """The UTC offsets, or zones, that the stamps of the columns state, as written."""
        cells = " union all ".join(f"select {self.columns[name].sql} as cell from log" for name in columns)
        found = self._rows(f"select distinct regexp_extract(cell, {literal(_STATED)}) from ({cells}) order by 1")
        return [offset for (offset,) in found if offset]

    def changes_within(self, column: str, case: str) -> float:
        """Share of the cases with several records whose cells of the column differ, 0-1; 0 where there are no such cases."""
        cell, key = self.columns[column].sql, self.key(case)
        ((share,),) = self._rows(
            f"select coalesce(avg((n > 1)::int), 0) from (select count(distinct {cell}) as n from log where {cell} is not null "
            f"group by {key} having count(*) > 1)"
        )
        return float(share)

    def ends_where_next_begins(self, case: str, start: str, end: str) -> float:
        """Share of the records but one of each case whose cell of `end` is that of `start` in another record of the case, 0-1."""
        key, begins, ends = self.key(case), self.columns[start].sql, self.columns[end].sql
        ((share,),) = self._rows(
            f"select coalesce(sum(adjoining) / nullif(sum(records - 1), 0), 0) from (select count(*) as records, "
            f"len(list_intersect(list({ends}) filter ({ends} <> {begins}), list({begins}))) as adjoining from log where {key} is not null group by {key})"
        )
        return float(share)

    def key(self, case: str) -> str:
        """SQL: the id that a cell of the column `case` is to the event_log source, which leaves off the blanks around it."""
        cell = self.columns[case].sql
        if cell not in self._keys:
            ((is_bare,),) = self._rows(f"select count(*) filter ({trimmed(cell)} <> {cell}) = 0 from log")
            self._keys[cell] = cell if is_bare else f"nullif({trimmed(cell)}, '')"
        return self._keys[cell]

    def repeating_cases(self, case: str) -> int:
        """Cases with several records."""
        key = self.key(case)
        ((count,),) = self._rows(f"select count(*) from (select {key} from log where {key} is not null group by all having count(*) > 1)")
        return int(count)

    def is_numeric(self, column: str) -> bool:
        """Whether every filled cell is a number."""
        cell = self.columns[column].sql
        ((count,),) = self._rows(f"select count(try_cast({cell} as double)) from log")
        return bool(count) and count == self.columns[column].filled

    def durations(self, column: str) -> int:
        """Cells that say a duration with its units, such as 4h or 02:30:00."""
        cell = self.columns[column].sql
        ((count,),) = self._rows(f"select count(*) filter ({is_duration_with_units(cell)}) from log")
        return int(count)

    def cases_all_filled(self, column: str, case: str) -> tuple[int, int]:
        """Cases, and those of which every record has a value in the column."""
        cell, key = self.columns[column].sql, self.key(case)
        ((cases, filled),) = self._rows(
            f"select count(*), count(*) filter (is_filled) from (select bool_and({cell} is not null) as is_filled from log where {key} is not null group by {key})"
        )
        return cases, filled

    def is_filled_only_with(self, column: str, case: str, other: str, words: Sequence[str]) -> bool:
        """Whether the column is filled only in cases of which some record says one of the words in the other column."""
        cell, key, said = (self.columns[name].sql for name in (column, case, other))
        listed = ", ".join(literal(word) for word in words)
        ((outside,),) = self._rows(
            f"select count(*) from (select bool_or({cell} is not null) as is_filled, bool_or(coalesce({said} in ({listed}), false)) as is_said "
            f"from log group by {key}) where is_filled and not is_said"
        )
        return not outside

    def says_only_days(self, column: str, forms: str | Sequence[str]) -> bool:
        """Whether no stamp of the column says a time of day: none is written, or it is midnight in every record of several."""
        if not any(has_clock(form) for form in ([forms] if isinstance(forms, str) else forms)) and not self.columns[column].is_typed_stamp:
            return True
        stamp = self.stamp(column, forms)
        ((stamps, midnights),) = self._rows(
            f"select count(stamp), count(*) filter (stamp = date_trunc('day', stamp)) from (select {stamp} as stamp from log)"
        )
        return bool(stamps > 1 and stamps == midnights)

    def records_in_order(
        self, case: str, column: str, forms: str | Sequence[str], stamps_zone: str, *, by_stamp: bool, newest_first: bool, ties_by: str | None = None
    ) -> str:
        """SQL: the records that have a stamp in the column, with its `instant` and their `place` within the case; of one instant they go by `ties_by`."""
        numbered = list(_as_ordered(self.columns[ties_by].sql)) if ties_by is not None else []
        order = [*(["instant"] if by_stamp else []), *numbered, "file_number", "row_number desc" if newest_first else "row_number"]
        return (
            f"select *, {self.key(case)} as case_key, row_number() over (partition by {self.key(case)} order by {', '.join(order)}) as place "
            f"from ({self._instants(column, forms, stamps_zone)}) where {self.key(case)} is not null"
        )

    def select(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query over `log`, whose columns are called as `Column.sql` says."""
        return self._rows(query)

    def days(self, column: str, stamp_format: str | Sequence[str], stamps_zone: str, desk_zone: str) -> tuple[object, object]:
        """First, and one in a thousand, local date of a column's stamps; None where it has none."""
        local = f"timezone({literal(desk_zone)}, instant)::date"
        ((first, early),) = self._rows(
            f"select min({local}), quantile_disc({local}, 0.001) from ({self._instants(column, stamp_format, stamps_zone)})"
        )
        return first, early

    def order(self, case: str, column: str, stamp_format: str | Sequence[str], stamps_zone: str) -> Order:
        """How the stamps of a column run within the cases, along the files."""
        stamped = (
            f"select {self.key(case)} as case_id, instant, earliest, file_number, row_number "
            f"from ({self._instants(column, stamp_format, stamps_zone)}) where {self.key(case)} is not null"
        )

        def steps(rows: str) -> str:
            return (
                "(select case_id, instant, earliest, lag(instant) over run as before, lag(earliest) over run as earliest_before, "
                "lag(file_number) over run = file_number as is_within_a_file "
                f"from ({stamped}) window run as (partition by case_id order by file_number, {rows})) where before is not null"
            )

        ((forth, back),) = self._rows(
            "select count(*) filter (earliest > before and is_within_a_file), "
            f"count(*) filter (instant < earliest_before and is_within_a_file) from {steps('row_number')}"
        )
        is_newest_first = bool(back > forth)
        ((cases, stepping_back),) = self._rows(
            "select count(distinct case_id), count(distinct case_id) filter (instant < earliest_before) "
            f"from {steps('row_number desc' if is_newest_first else 'row_number')}"
        )
        return Order(is_newest_first, cases, stepping_back)

    def numbers_along_time(self, numbers: str, case: str, column: str, stamp_format: str | Sequence[str], stamps_zone: str) -> tuple[int, int, int]:
        """How the cells of `numbers` run within the cases against the stamps of a column: neighbours by number, those of them that have one number, and
        those that step back in time."""
        number, text = _as_ordered(self.columns[numbers].sql)
        ((neighbours, alike, back),) = self._rows(
            "select count(*), count(*) filter (ordinal = ordinal_before), count(*) filter (instant < earliest_before) from ("
            "select ordinal, instant, lag(ordinal) over run as ordinal_before, lag(earliest) over run as earliest_before "
            f"from (select {self.key(case)} as case_key, row({number}, {text}) as ordinal, {number} as number, {text} as text, instant, earliest "
            f"from ({self._instants(column, stamp_format, stamps_zone)})) where case_key is not null "
            "window run as (partition by case_key order by number, text, instant)) where ordinal_before is not null"
        )
        return int(neighbours), int(alike), int(back)

    def _instants(self, column: str, stamp_format: str | Sequence[str], stamps_zone: str) -> str:
        """SQL: the records that have a stamp in the column, with its `instant`, and the `earliest` that it can be where a zone repeats an hour."""
        stamp, _ = self._reading(column, stamp_format)
        later, earlier = placed("stamp_local", stamps_zone), placed_earlier("stamp_local", stamps_zone)
        return (
            f"select *, timezone('UTC', coalesce(stamp_stated, {later})) as instant, timezone('UTC', coalesce(stamp_stated, {earlier}, {later})) as earliest "
            f"from (select *, {stamp.stated} as stamp_stated, {stamp.local} as stamp_local from log) "
            f"where coalesce(stamp_stated, stamp_local) {_PLAUSIBLE}"
        )

    def _reading(self, column: str, forms: str | Sequence[str]) -> tuple[StampSql, str]:
        """What a cell of the column says as a stamp, exactly as the event_log source will read it."""
        told = (ISO,) if self.columns[column].is_typed_stamp else (forms,) if isinstance(forms, str) else tuple(forms)
        return any_of([stamp_sql(self._tidy(column), form, self.zone, is_plain=self._is_plain(column)) for form in told])

    def _is_plain(self, column: str) -> bool:
        """Whether no cell of the column is other than digits and their marks: then SQL of a tenth of the length reads its stamps."""
        tidy = self._tidy(column)
        if tidy not in self._plain:
            ((self._plain[tidy],),) = self._rows(f"select count(*) = 0 from log where regexp_matches({tidy}, {literal(IS_WORDY)})")
        return self._plain[tidy]

    def _tidy(self, column: str) -> str:
        """SQL: the tidied cell, which is kept beside the cell once it has been asked for."""
        measured = self.columns[column]
        if measured.parts:
            return measured.sql
        name = f"{measured.sql}_tidy"
        if name not in self._tidied:
            self.connection.execute(f"alter table log add column {name} varchar")
            self.connection.execute(f"update log set {name} = {tidied(measured.sql)}")
            self._tidied.add(name)
        return name

    def _rows(self, select: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(select).fetchall()


@contextmanager
def sniffed(paths: Sequence[Path], zone: str | None = None, told: Written | None = None) -> Iterator[Log]:
    """The files as one log, whose stamps may name their zone by the abbreviations of `zone`, written as `told` as far as that goes.

    Raises OpslaError for files that cannot be read, or that have no column in common; SeveralTables where it has to be told more.
    """
    with tempfile.TemporaryDirectory(prefix="opsla-init-") as name:
        directory = Path(name)
        connection = connect(directory / "spill")
        try:
            files = _log_files(paths)
            written = how_written(files, directory, told or Written())
            prepare(connection)
            loaded = load_files(connection, written, files, directory)
            yield _measured(connection, files, written, loaded, zone)
        finally:
            connection.close()


def require_files(paths: Iterable[Path]) -> None:
    """Raises OpslaError for a path that names neither a file nor a pattern, nor something in an archive."""
    for path in paths:
        if not path.exists() and not has_magic(str(path)) and not any(parent.is_file() for parent in path.parents):
            raise OpslaError(f"{path}: no such file; check the path")


def _log_files(paths: Sequence[Path]) -> tuple[LogFile, ...]:
    require_files(paths)
    settings = EventLogSettings.model_validate({
        "type": "event_log", "name": "log", "files": [str(path.absolute()) for path in paths],
        "columns": {"case_id": "-", "status": "-", "event_ts": "-"}, "statuses": {"-": "INTAKE"},
    })
    return find_log_files(settings, Path.cwd())


# ---------------------------------------------------------------- measuring


def _measured(
    connection: duckdb.DuckDBPyConnection, files: tuple[LogFile, ...], written: Written, loaded: Sequence[Loaded], zone: str | None
) -> Log:
    names = _common_columns(loaded)
    _unite(connection, loaded, names)
    marks = _marks_seen(connection, len(names))
    _forget_marks(connection, len(names), marks)
    typed = {column.name for item in loaded for column in item.columns if column.is_stamp}
    columns, words = _columns(connection, names, typed)
    ((rows,),) = connection.execute("select count(*) from log").fetchall()
    ((unreadable,),) = connection.execute("select count(*) from unreadable where reason is not null").fetchall()
    if not rows:
        raise OpslaError(f"{loaded[0].file.name}: holds no record below its header; there is nothing to propose from")
    notes = tuple(f"{item.file.name}: {note}" for item in loaded for note in (item.note, item.passed_over) if note)
    repeated = dict.fromkeys(name for item in loaded for name, count in Counter(column.name for column in item.columns).items() if name and count > 1)
    paths, records = tuple(Path(file.name) for file in files), sum(item.rows for item in loaded)
    return Log(paths, written, loaded[0].form, notes, columns, rows, records, unreadable, marks, tuple(repeated), zone, connection, files, words)


def _common_columns(loaded: Sequence[Loaded]) -> list[str]:
    """In the order of the first file; a name that a file has twice cannot be mapped."""
    usable = []
    for item in loaded:
        names = [column.name for column in item.columns]
        usable.append([name for name in names if name and names.count(name) == 1])
    for item, names in zip(loaded, usable, strict=True):
        if not names:
            raise OpslaError(f"{item.file.name}: no column has a name of its own; expected a header, a row that names each column once")
    common = [name for name in usable[0] if all(name in names for names in usable)]
    if not common:
        raise OpslaError(f"{loaded[0].file.name}: shares no column with the other files; name only files of one log")
    return common


def _unite(connection: duckdb.DuckDBPyConnection, loaded: Sequence[Loaded], names: Sequence[str]) -> None:
    selects = []
    for number, item in enumerate(loaded):
        sql = {column.name: column.sql for column in item.columns}
        cells = ", ".join(f"nullif({sql[name]}, '') as k{place}" for place, name in enumerate(names))
        selects.append(f"select {number} as file_number, rowid as row_number, {cells} from raw_{number}")
    connection.execute(f"create table united as {' union all '.join(selects)}")


def _marks_seen(connection: duckdb.DuckDBPyConnection, columns: int) -> tuple[str, ...]:
    marks = ", ".join(literal(mark) for mark in MISSING_MARKS)
    seen: set[str] = set()
    for some in _by_hundreds(range(columns)):
        cells = ", ".join(f"k{number}" for number in some)
        seen.update(mark for (mark,) in connection.execute(f"select distinct cell from (select unnest([{cells}]) as cell from united) where cell in ({marks})").fetchall())
    return tuple(mark for mark in MISSING_MARKS if mark in seen)


def _forget_marks(connection: duckdb.DuckDBPyConnection, columns: int, marks: Sequence[str]) -> None:
    listed = ", ".join(literal(mark) for mark in marks) or "''"
    cells = ", ".join(f"case when k{number} not in ({listed}) then k{number} end as k{number}" for number in range(columns))
    any_cell = ", ".join(f"k{number}" for number in range(columns))
    connection.execute(f"create table log as select file_number, row_number, {cells} from united where coalesce({any_cell}) is not null")
    connection.execute("drop table united")


def _columns(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str], typed: set[str]
) -> tuple[dict[str, Column], dict[str, dict[str, int]]]:
    """The columns, and what those of few words say. Many are measured by one query: each one costs as much as the table is wide."""
    counts: list[tuple[int, int, int]] = []
    for some in _by_hundreds(range(len(names))):
        measures = ", ".join(_MEASURES.format(sql=f"k{number}") for number in some)
        (row,) = connection.execute(f"select {measures} from log").fetchall()
        counts += zip(row[::3], row[1::3], row[2::3], strict=True)
    words: dict[str, dict[str, int]] = {}
    for some in _by_hundreds([number for number, (_, distinct, _) in enumerate(counts) if distinct <= _FEW_WORDS]):
        (found,) = connection.execute(f"select {', '.join(f'histogram(k{number})' for number in some)} from log").fetchall()
        for number, said in zip(some, found, strict=True):
            words[names[number]] = dict(sorted((said or {}).items(), key=lambda item: (-item[1], item[0])))
    columns = {}
    for number, (name, (filled, distinct, longest)) in enumerate(zip(names, counts, strict=True)):
        examples = tuple(words[name])[:_EXAMPLES] if name in words else _examples(connection, f"k{number}")
        columns[name] = Column(name, f"k{number}", filled, distinct, examples, name in typed, longest)
    return columns, words


def _as_ordered(cell: str) -> tuple[str, str]:
    """SQL: what a column of order_by orders by, as the event_log source does."""
    return f"try_cast({cell} as double)", cell


def _by_hundreds(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (numbers[start : start + 100] for start in range(0, len(numbers), 100))


def _column(connection: duckdb.DuckDBPyConnection, name: str, sql: str, is_typed_stamp: bool, parts: tuple[str, ...] = ()) -> Column:
    ((filled, distinct, longest),) = connection.execute(f"select {_MEASURES.format(sql=sql)} from log").fetchall()
    return Column(name, sql, filled, distinct, _examples(connection, sql), is_typed_stamp, longest, parts)


def _examples(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[str, ...]:
    found = connection.execute(
        f"select {sql} as cell from log where {sql} is not null group by all order by count(*) desc, cell limit {_EXAMPLES}"
    ).fetchall()
    return tuple(example for (example,) in found)
