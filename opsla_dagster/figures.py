"""How a figure is rounded and counted wherever a person reads it.

Belongs here: what every part that shows figures shares, without anything to import. Does not belong here: units and names
(reporting/wording.py), and how figures are stored: tables and JSON have them as they were computed.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal


def rounded(figure: float, digits: int = 0) -> str:
    """`figure` to `digits` decimals with separators of thousands, a half away from zero, as people round by hand: 2.5 is `3`, 0.125 is `0.13`.

    Python's own formatting takes a half to the even neighbour and looks at the binary value behind what is written (2.675); here the
    shortest decimal that names the figure is rounded.
    """
    exact = Decimal(repr(figure) if isinstance(figure, float) else str(figure))
    if not exact.is_finite():
        return str(figure)
    near = exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return f"{near if near else abs(near):,f}"


def nearest(figure: float) -> int:
    """The whole number nearest to `figure`, a half away from zero."""
    return int(Decimal(repr(figure) if isinstance(figure, float) else str(figure)).to_integral_value(ROUND_HALF_UP))


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """`1 case`, `2 cases`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def open_time(seconds: float) -> str:
    """`35 min`, `2.6 h`, `172 h`: open time in words. There are no days in it: a day of the desk is no day of 24 hours."""
    minutes = seconds / 60
    return f"{rounded(minutes)} min" if minutes < 120 else f"{rounded(minutes / 60, 0 if minutes >= 5_997 else 1)} h"
