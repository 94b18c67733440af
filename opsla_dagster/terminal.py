"""The one kind of console that opsla prints to, and the one style of its tables.

Belongs here: what holds for everything that is printed. Does not belong here: what is printed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import NamedTuple

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text

from opsla_dagster.errors import OpslaError
from opsla_dagster.printable import visible


def unprintable(error: OSError) -> OpslaError:
    """That nothing can be printed: a disk may be full that no home is on (`> /dev/full`)."""
    return OpslaError(f"standard output cannot be written: {error.strerror}")


@contextmanager
def printing() -> Iterator[None]:
    """For what is printed by others than a `PlainConsole`. Raises OpslaError where standard output cannot be written; a reader who has gone is left to Typer."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise unprintable(error) from error


class PlainConsole(Console):
    """A console for text that comes from sources: no brackets of it are markup, no colons emoji, and no control character gets out.

    Rich drops a few control characters and passes the escape on, so the last step before the terminal looks at all of them.
    """

    def __init__(self, *, stderr: bool = False, width: int | None = None) -> None:
        super().__init__(stderr=stderr, width=width, markup=False, emoji=False)
        #: Set once nobody reads what is printed; the command then ends as no success (cli/entry.py).
        self.has_lost_reader = False
        #: Why nothing can be printed any more, where it is not that the reader has gone: that one knows.
        self.trouble: OSError | None = None

    def on_broken_pipe(self) -> None:
        """The reader has gone (`| head`): what is at work goes on, and without a word. Rich would end the command in the middle of it."""
        self.quiet = self.has_lost_reader = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.file.fileno())
        os.close(nowhere)

    def _check_buffer(self) -> None:
        """What cannot be written (`> file` on a full disk) is lost as with a reader who has gone, and is no trouble of what is at work. Rich would raise."""
        try:
            super()._check_buffer()
        except OSError as error:
            self.trouble = error
            self.on_broken_pipe()
            super()._check_buffer()  # drops what is left, since it is quiet now

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            shown = segment.text if segment.control else visible(segment.text)
            yield segment if shown == segment.text else Segment(shown, segment.style)


def ruled_table(*, title: str | None = None, caption: str | None = None, show_footer: bool = False, gap: int = 2) -> Table:
    """An empty table in the style of all of them: one rule below its headings, and no other lines."""
    return _WholeTable(
        title=title, title_justify="left", title_style="bold", caption=caption, caption_justify="left", show_footer=show_footer,
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, gap - 1, 0, 0), header_style="dim",
    )  # fmt: skip


def breaking_column(width: int) -> Column:
    """A column of a bar, whose words break after `width` letters and are not cut."""
    return Column(max_width=width, overflow="fold")


#: Letters of a name that stay on one line; letters up to which a cell at the right is a figure with its unit; letters from which
#: a cell is a sentence, the letters that one should have in a line, and how much faster it grows than others.
_NAME, _FIGURE, _SENTENCE, _SENTENCE_LINE, _SENTENCE_WEIGHT = 12, 16, 30, 24, 3
#: More letters than any line has.
_UNBOUND = 100_000


class _WholeTable(Table):
    """A table of which nothing is lost on a narrow terminal: cells break between words, and where not even words fit, each row is a list of `name  value`.

    Rich cuts off what does not fit, figures first: `6,4…` may be sixty or six million.
    """

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        bounds = [_bounds(column, console, options.update(max_width=_UNBOUND)) for column in self.columns]
        fitted = copy(self)
        for gap in range(self.padding[1], -1, -1):
            fitted.padding = (0, gap, 0, 0)
            without_cells = Measurement.get(console, options.update(max_width=_UNBOUND), fitted).maximum - sum(bound.longest for bound in bounds)
            room = options.max_width - without_cells
            if sum(bound.least for bound in bounds) <= room:
                widths = _widths(bounds, room)
                fitted.columns = [replace(column, width=width, no_wrap=False, overflow="fold") for column, width in zip(self.columns, widths, strict=True)]
                yield from Table.__rich_console__(fitted, console, options)
                return
        yield from self._records()

    def _records(self) -> Iterator[RenderableType]:
        """Each row, and the footer if it says anything, as lines of a heading and a cell."""
        names = [str(column.header).replace("\n", " ") for column in self.columns]
        cells = zip(*(column.cells for column in self.columns), strict=True)
        records = [(row.style, found) for row, found in zip(self.rows, cells, strict=True)]
        if self.show_footer:
            records.append((None, tuple(column.footer for column in self.columns)))
        if self.title is not None:
            yield Text(str(self.title), "bold")
        for style, found in records:
            lines = Table.grid(padding=(0, 2, 0, 0))
            lines.add_column(style="dim", overflow="fold")
            lines.add_column(overflow="fold")
            for number, (name, cell) in enumerate(zip(names, found, strict=True)):
                if str(cell):
                    lines.add_row(f" {name}", cell, style=style or (None if number else "bold"))
            yield lines
            yield ""
        if self.caption is not None:
            yield Text(str(self.caption), "dim italic")


class _Bounds(NamedTuple):
    """Widths of a column: with nothing but words and names broken, with figures and names whole, and with every cell on one line."""

    least: int
    readable: int
    longest: int


def _bounds(column: Column, console: Console, options: ConsoleOptions) -> _Bounds:
    heading, *cells = (Measurement.get(console, options, cell) for cell in (column.header, *column.cells, column.footer))
    longest = max(heading.maximum, *(cell.maximum for cell in cells))
    word = max(cell.minimum for cell in cells)
    if column.justify == "right":  # a figure may leave its unit, never a digit
        least, readable = word, max((cell.maximum for cell in cells if cell.maximum <= _FIGURE), default=0)
    elif column.no_wrap:  # such as the id of a case
        least, readable = word, longest
    else:
        least, readable = min(word, _NAME), min(longest, _SENTENCE_LINE) if longest > _SENTENCE else 0
    least = max(least, heading.minimum)
    return _Bounds(least, max(readable, least, word), longest)


def _widths(bounds: Sequence[_Bounds], room: int) -> list[int]:
    """How wide each column is to be, where there is `room` for the least of all."""
    weights = [_SENTENCE_WEIGHT if bound.longest > _SENTENCE else 1 for bound in bounds]
    readable = _grown([bound.least for bound in bounds], [bound.readable for bound in bounds], weights, room)
    return _grown(readable, [bound.longest for bound in bounds], weights, room)


def _grown(widths: Sequence[int], goals: Sequence[int], weights: Sequence[int], room: int) -> list[int]:
    """The widths, grown to their goals as far as there is room: the narrowest for its weight first, so that short columns are whole and long texts fold."""
    grown = list(widths)
    for _ in range(room - sum(grown)):
        growing = [place for place, width in enumerate(grown) if width < goals[place]]
        if not growing:
            break
        grown[min(growing, key=lambda place: grown[place] / weights[place])] += 1
    return grown
