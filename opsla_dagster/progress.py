"""Bars on a terminal while a command works: of the tables of a run, and of the resources of an account.

Belongs here: how far something is. Does not belong here: what it is (running.py, sources/).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from opsla_dagster.interrupts import deliver_interrupt
from opsla_dagster.terminal import breaking_column

if TYPE_CHECKING:
    from opsla_dagster.sources.bronze.report import LoadStep

#: A load that is done sooner needs no forecast.
_FORETELL_AFTER_SECONDS = 20.0
#: Letters of a bar, and of everything on a line but the words and the bar.
_LONGEST_BAR, _SHORTEST_BAR, _FIGURES = 40, 8, 20


@contextmanager
def _on_its_own_stream(console: Console) -> Iterator[None]:
    """Dagster puts a file, its log of the run, in the place of stdout: no terminal, on which a bar would stand still until the run ends."""
    if not console.is_terminal:
        yield
        return
    before = console._file
    with os.fdopen(os.dup(console.file.fileno()), "w", encoding=console.encoding, errors=getattr(console.file, "errors", None)) as own:
        console.file = own
        try:
            yield
        finally:
            console._file = before


def _columns(console: Console, words: int, *figures: ProgressColumn) -> tuple[ProgressColumn, ...]:
    """What is at work in `words` letters, a bar, and figures; where there is no room, the bar is short or left out and the words break, since figures that are cut tell nothing."""
    bar = min(_LONGEST_BAR, console.width - words - _FIGURES - 1)
    if bar >= _SHORTEST_BAR:
        return SpinnerColumn(), TextColumn(f"{{task.description:{words}}}"), BarColumn(bar), *figures
    return SpinnerColumn(), TextColumn("{task.description}", table_column=breaking_column(max(console.width - _FIGURES, _SHORTEST_BAR))), *figures


@contextmanager
def table_progress(console: Console, total: int) -> Iterator[Callable[[str, int], None]]:
    """A bar over `total` tables; what it yields is told of each as it is done: its name and rows."""
    columns = _columns(console, 42, MofNCompleteColumn(), TimeElapsedColumn())
    with _on_its_own_stream(console), Progress(*columns, console=console, transient=True, refresh_per_second=4) as progress:
        task = progress.add_task("starting", total=total)

        def advance(table: str, rows: int) -> None:
            progress.update(task, advance=1, description=f"{table} ({rows:,} rows)")
            deliver_interrupt()

        yield advance


@contextmanager
def load_progress(console: Console, say: Callable[[str], None]) -> Iterator[Callable[[str, LoadStep], None]]:
    """A bar a resource, by how much of its time is loaded; a load that takes minutes also says, once a resource, when it expects to end."""
    columns = _columns(console, 58, TaskProgressColumn(), TimeRemainingColumn())
    with _on_its_own_stream(console), Progress(*columns, console=console, transient=True, refresh_per_second=4) as progress:
        bars: dict[tuple[str, str], TaskID] = {}
        foretold: set[TaskID] = set()

        def advance(account: str, step: LoadStep) -> None:
            known = f", up to {step.known_until:%Y-%m-%d %H:%M}" if step.known_until else ""
            text = f"{account}: {step.resource} ({step.rows:,} records{known})"
            if (account, step.resource) not in bars:
                bars[account, step.resource] = progress.add_task(text, total=1.0)
            bar = bars[account, step.resource]
            progress.update(bar, completed=step.share, description=text)
            elapsed = progress.tasks[progress.task_ids.index(bar)].elapsed or 0.0
            if bar not in foretold and elapsed > _FORETELL_AFTER_SECONDS and 0.0 < step.share < 1.0:
                foretold.add(bar)
                end = datetime.now().astimezone() + timedelta(seconds=elapsed * (1 - step.share) / step.share)
                say(f"{text}: {step.share:.0%}, at this pace to its end about {end:%Y-%m-%d %H:%M %Z}")

        yield advance
