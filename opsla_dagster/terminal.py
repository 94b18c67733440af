"""The one kind of console that opsla prints to.

Belongs here: what holds for everything that is printed. Does not belong here: what is printed.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from opsla_dagster.printable import visible


class PlainConsole(Console):
    """A console for text that comes from sources: no brackets of it are markup, no colons emoji, and no control character gets out.

    Rich drops a few control characters and passes the escape on, so the last step before the terminal looks at all of them.
    """

    def __init__(self, *, stderr: bool = False, width: int | None = None) -> None:
        super().__init__(stderr=stderr, width=width, markup=False, emoji=False)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            shown = segment.text if segment.control else visible(segment.text)
            yield segment if shown == segment.text else Segment(shown, segment.style)
