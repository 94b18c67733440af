"""The proposal as a person sees it before anything is written.

Belongs here: tables. Does not belong here: deciding anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from opsla_dagster.figures import counted
from opsla_dagster.starting.changes import Changes, words_of_status
from opsla_dagster.starting.column_names import REPLY_DUE
from opsla_dagster.starting.columns import STAMPS
from opsla_dagster.starting.meanings import words_of
from opsla_dagster.starting.proposing import STANDINGS, LogProposal
from opsla_dagster.starting.sniffing import Log
from opsla_dagster.starting.words import IGNORE, listed
from opsla_dagster.terminal import ruled_table

_LONGEST = 28
_FORMS = {"spreadsheet": "a workbook", "json": "JSON", "xes": "XES", "parquet": "Parquet"}
_ROWS = {"updates": "update", "cases": "case", "changes": "changed field"}
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


def show_log(console: Console, log: Log, proposal: LogProposal) -> None:
    """Columns with examples, statuses with counts, and what else should be known."""
    console.print(_columns(log, proposal))
    if proposal.form == "changes":
        console.print(_fields(log, proposal))
    if "status" in proposal.columns or proposal.statuses or proposal.unplaced:
        console.print(_statuses(log, proposal))
    used = {*proposal.columns.values(), *proposal.milestones, *(due.column for due in proposal.due.values())}
    unused = [name for name in log.columns if name not in used]
    lines = [
        f"{counted(log.records, 'record')}, one row per {_ROWS[proposal.form]}; {_written(log)}; timestamps "
        f"{_written_as(proposal)}, {proposal.stamps_zone or 'with their UTC offset'}."
    ]
    lines += [f"Cells that mean nothing: {', '.join(log.missing_values)}."] if log.missing_values else []
    lines += [f"Not used: {listed(unused)}."] if unused else []
    lines += [f"{each}." for each in log.repeated_names_told]
    lines += [f"{counted(log.unreadable, 'record')} cannot be read: rejected."] if log.unreadable else []
    _say(console, [*lines, *log.reading_notes, *proposal.notes])
    _say(console, proposal.warnings, style="bold yellow")


def _columns(log: Log, proposal: LogProposal) -> Table:
    table = _table("opsla", "column of the log", "for example")
    for field, column in proposal.columns.items():
        is_stamp = field in STAMPS
        examples = log.stamps_of(column, proposal.time_format) if is_stamp else log.columns[column].examples
        table.add_row(field, Text(column), Text(", ".join(_short(example) for example in examples)))
    for column, signal in proposal.milestones.items():
        table.add_row(f"when {signal}", Text(column), Text(", ".join(_short(example) for example in log.stamps_of(column, proposal.time_format))))
    for about, due in proposal.due.items():
        what = "promised: reply" if about == REPLY_DUE else "promised: resolution"
        unit = f" ({due.unit or 'a duration'} of business time)" if due.is_duration else " (the end of a day)" if due.date_format else ""
        table.add_row(what, Text(f"{due.column}{unit}"), Text(", ".join(_short(example) for example in log.columns[due.column].examples)))
    return table


def _fields(log: Log, proposal: LogProposal) -> Table:
    words = log.words(proposal.columns["field"])
    table = _table("field of the log", "records", "means")
    for word, meaning in proposal.fields.items():
        table.add_row(Text(word), f"{words.get(word, 0):,}", Text("left out" if meaning == IGNORE else meaning))
    return table


def _statuses(log: Log, proposal: LogProposal) -> Table:
    words = words_of_status(log, Changes(proposal.columns, proposal.fields)) if proposal.form == "changes" else words_of(log, proposal.columns["status"])
    table = _table("status of the log", "records", "means")
    for word, signal in proposal.statuses.items():
        is_unplaced = proposal.form == "cases" and "updated_ts" not in proposal.columns and signal in STANDINGS
        table.add_row(Text(word), f"{words.get(word, 0):,}", Text(f"{signal}; not used", "yellow") if is_unplaced else Text(signal))
    for word in proposal.ignored:
        table.add_row(Text(word), f"{words.get(word, 0):,}", Text("left out on purpose"))
    for word, count in proposal.unplaced.items():
        table.add_row(Text(word), f"{count:,}", Text("not mapped; rejected", "yellow"))
    if proposal.without_status:
        table.add_row(Text("(none)"), f"{proposal.without_status:,}", Text("no status; rejected", "yellow"))
    return table


def show_account(console: Console, statuses: Mapping[str, str]) -> None:
    """What the system's statuses are taken to mean."""
    table = _table("status", "means")
    for word, status in statuses.items():
        table.add_row(word, status)
    console.print(table)


def _written_as(proposal: LogProposal) -> str:
    return proposal.time_format if isinstance(proposal.time_format, str) else " or ".join(proposal.time_format)


def _written(log: Log) -> str:
    if log.form in _FORMS:
        return _FORMS[log.form]
    csv = log.csv
    quote = f"quoted with {csv.quote}" if csv.quote else "not quoted"
    return f"cells separated by {_DELIMITERS.get(csv.delimiter, csv.delimiter)}, {quote}, {csv.encoding}"


def _table(*headings: str) -> Table:
    table = ruled_table()
    for heading in headings:
        table.add_column(heading, justify="right" if heading == "records" else "left")
    return table


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."


def _say(console: Console, lines: Sequence[str], style: str = "") -> None:
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True, style=style)
