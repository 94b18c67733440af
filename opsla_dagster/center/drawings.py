"""Charts in the two sizes of a page: for a desk's screen, and for a phone's.

Belongs here: sizes. Does not belong here: drawing (reporting/charts.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from markupsafe import Markup

from opsla_dagster.reporting.charts import Chart, draw

WIDE, NARROW = (900, 300), (360, 240)
#: Two charts beside each other.
HALF = (430, 230)


def in_two_sizes(chart: Chart, narrow_ticks: Sequence[tuple[float, str]], wide: tuple[int, int] = WIDE) -> tuple[Markup, Markup]:
    """The chart for a wide page, and with fewer ticks for a narrow one."""
    return draw(chart, *wide), draw(replace(chart, key=f"{chart.key}-narrow", x_ticks=narrow_ticks), *NARROW)
