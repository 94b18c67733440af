"""How a figure is rounded and counted wherever a person reads it.

Belongs here: what every part that shows figures shares, without anything to import. Does not belong here: units and names
(reporting/wording.py), and how figures are stored: tables and JSON have them as they were computed.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal

#: Room for every digit of the greatest float.
_ALL_DIGITS = Context(prec=400)
#: Decimals behind the last one shown that count: what is off by less comes of computing with binary fractions.
_GUARD_DIGITS = 6


def rounded(figure: float, digits: int = 0) -> str:
    """`figure` to `digits` decimals with separators of thousands, a half away from zero, as people round by hand: 2.5 is `3`, 0.125 is `0.13`.

    Python's own formatting takes a half to the even neighbour and looks at the binary value behind what is written (2.675); here the
    shortest decimal that names the figure is rounded. What is less than a millionth of the last shown digit away from a half is that
    half: a percentile of exactly 15.25 hours may be computed as 914.9999999999999 minutes.
    """
    exact = _decimal(figure)
    if not exact.is_finite():
        return str(figure)
    near = _half_away(exact, digits)
    return f"{near if near else abs(near):,f}"


def nearest(figure: float) -> int:
    """The whole number nearest to `figure`, a half away from zero."""
    return int(_half_away(_decimal(figure), 0))


def _decimal(figure: float) -> Decimal:
    return Decimal(repr(float(figure)) if isinstance(figure, float) else str(figure))


def _half_away(exact: Decimal, digits: int) -> Decimal:
    guarded = exact.quantize(Decimal(1).scaleb(-digits - _GUARD_DIGITS), ROUND_HALF_UP, _ALL_DIGITS)
    return guarded.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, _ALL_DIGITS)


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """`1 case`, `2 cases`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def open_time(seconds: float) -> str:
    """`35 min`, `2.6 h`, `172 h`: open time in words. There are no days in it: a day of the desk is no day of 24 hours."""
    minutes = seconds / 60
    return f"{rounded(minutes)} min" if minutes < 120 else f"{rounded(minutes / 60, 0 if minutes >= 5_997 else 1)} h"
