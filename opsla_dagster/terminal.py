"""The one kind of console that opsla prints to, and the one style of its tables.

Belongs here: what holds for everything that is printed. Does not belong here: what is printed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table

from opsla_dagster.printable import visible


class PlainConsole(Console):
    """A console for text that comes from sources: no brackets of it are markup, no colons emoji, and no control character gets out.

    Rich drops a few control characters and passes the escape on, so the last step before the terminal looks at all of them.
    """

    def __init__(self, *, stderr: bool = False, width: int | None = None) -> None:
        super().__init__(stderr=stderr, width=width, markup=False, emoji=False)
        #: Set once nobody reads what is printed; the command then ends as no success (cli/entry.py).
        self.has_lost_reader = False

    def on_broken_pipe(self) -> None:
        """The reader has gone (`| head`): what is at work goes on, and without a word. Rich would end the command in the middle of it."""
        self.quiet = self.has_lost_reader = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.file.fileno())
        os.close(nowhere)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            shown = segment.text if segment.control else visible(segment.text)
            yield segment if shown == segment.text else Segment(shown, segment.style)


def ruled_table(*, title: str | None = None, caption: str | None = None, show_footer: bool = False, gap: int = 2) -> Table:
    """An empty table in the style of all of them: one rule below its headings, and no other lines."""
    return Table(
        title=title, title_justify="left", title_style="bold", caption=caption, caption_justify="left", show_footer=show_footer,
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, gap - 1, 0, 0), header_style="dim",
    )  # fmt: skip
