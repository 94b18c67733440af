"""The kinds of columns: a text, an instant, a count, a measure.

Belongs here: what their type and bounds are. Does not belong here: any one column. Instants end in `_ts` (as a source names them) or `_at`; both
are naive UTC. `_pct` is 0-100.
"""

from __future__ import annotations

from opsla_dagster.catalog.model import Column


def text(name: str, description: str, *, nullable: bool = False, values: tuple[str, ...] = ()) -> Column:
    """A word or words; `values` are all there can be."""
    return Column(name, "VARCHAR", description, nullable=nullable, values=values)


def instant(name: str, description: str, *, nullable: bool = True) -> Column:
    """A naive UTC instant."""
    return Column(name, "TIMESTAMP", description + " (UTC)", nullable=nullable)


def local_date(name: str, description: str, *, nullable: bool = False) -> Column:
    """A local date of the desk."""
    return Column(name, "DATE", description, nullable=nullable)


def flag(name: str, description: str, *, nullable: bool = False) -> Column:
    """A yes or no."""
    return Column(name, "BOOLEAN", description, nullable=nullable)


def count(name: str, description: str, *, nullable: bool = False, at_least: int | None = 0) -> Column:
    """A whole number, not negative unless `at_least` says so."""
    return Column(name, "BIGINT", description, nullable=nullable, at_least=at_least)


def measure(name: str, description: str, *, nullable: bool = True, at_least: float | None = 0) -> Column:
    """A figure whose unit is in its name."""
    return Column(name, "DOUBLE", description, nullable=nullable, at_least=at_least)


def pct(name: str, description: str) -> Column:
    """A percentage, 0-100; NULL without a denominator."""
    return Column(name, "DOUBLE", description + ", 0-100", nullable=True, at_least=0, at_most=100)


def percentiles(what_is_measured: str, what: str) -> list[Column]:
    """The exact percentiles of a measure, in business minutes."""
    return [
        measure(f"{what_is_measured}_p{share}_business_minutes", f"Exact p{share} of {what}, business minutes")
        for share in (50, 90, 95)
    ]


def stretch(name: str, what: str) -> list[Column]:
    """A stretch of time, in calendar and in business minutes."""
    return [
        measure(f"{name}_calendar_minutes", f"Minutes: {what}"),
        measure(f"{name}_business_minutes", f"Business minutes of the desk's calendar: {what}"),
    ]
