"""The proposal as a person sees it before anything is written.

Belongs here: tables. Does not belong here: deciding anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from opsla_dagster.starting.proposing import STAMPS, LogProposal
from opsla_dagster.starting.sniffing import Log
from opsla_dagster.starting.words import counted

_LONGEST = 28
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


def show_log(console: Console, log: Log, proposal: LogProposal) -> None:
    """Columns with examples, statuses with counts, and what else should be known."""
    columns = _table("opsla", "column of the log", "for example")
    for field, column in proposal.columns.items():
        is_stamp = field in STAMPS
        examples = log.stamps_of(column, proposal.time_format) if is_stamp else log.columns[column].examples
        columns.add_row(field, Text(column), Text(", ".join(_short(example) for example in examples)))
    console.print(columns)
    unused = [name for name in log.columns if name not in proposal.columns.values()]
    words = log.words(proposal.columns["status"])
    statuses = _table("status of the log", "records", "means")
    for word, signal in proposal.statuses.items():
        statuses.add_row(Text(word), f"{words.get(word, 0):,}", Text(signal))
    for word, count in proposal.unplaced.items():
        statuses.add_row(Text(word), f"{count:,}", Text("nobody said; left out", "yellow"))
    if proposal.without_status:
        statuses.add_row(Text("(none)"), f"{proposal.without_status:,}", Text("no status; left out", "yellow"))
    console.print(statuses)
    lines = [f"{counted(log.rows, 'record')}; {_written(log)}; stamps {_written_as(proposal)}, {proposal.stamps_zone or 'with their UTC offset'}."]
    lines += [f"Cells that mean nothing: {', '.join(log.missing_values)}."] if log.missing_values else []
    lines += [f"Not used: {', '.join(unused)}."] if unused else []
    lines += [f"{counted(log.unreadable, 'record')} cannot be read: to be rejected."] if log.unreadable else []
    _say(console, [*lines, *proposal.notes])
    _say(console, proposal.warnings, style="bold yellow")


def show_account(console: Console, statuses: Mapping[str, str]) -> None:
    """What the system's statuses are taken to mean."""
    table = _table("status", "means")
    for word, status in statuses.items():
        table.add_row(word, status)
    console.print(table)


def _written_as(proposal: LogProposal) -> str:
    return proposal.time_format if isinstance(proposal.time_format, str) else " or ".join(proposal.time_format)


def _written(log: Log) -> str:
    csv = log.csv
    if not any(path.name.lower().endswith((".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz")) for path in log.files):
        return "Parquet"
    quote = f"quoted with {csv.quote}" if csv.quote else "not quoted"
    return f"{_DELIMITERS.get(csv.delimiter, csv.delimiter)} between cells, {quote}, {csv.encoding}"


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="right" if heading == "records" else "left")
    return table


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."


def _say(console: Console, lines: Sequence[str], style: str = "") -> None:
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True, style=style)
