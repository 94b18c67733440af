"""Names carry units and kinds: the same name is the same thing in every table."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest

from opsla_dagster.catalog import AREAS, TABLES, Area, Column
from opsla_dagster.catalog.columns import COLUMNS as SHARED
from opsla_dagster.catalog.units import unit_of

#: Every column, and the areas whose tables have it.
COLUMNS = {column.name: column for table in TABLES.values() for column in table.columns}
AREAS_OF = {
    name: {area.name for area in AREAS for table in area.tables for column in table.columns if column.name == name} for name in COLUMNS
}
BOUNDS = {"percent, 0-100": (0, 100), "share, 0-1": (0, 1)}


def offences(column: Column) -> Iterator[str]:
    is_instant = column.name.endswith(("_ts", "_at"))
    is_flag = column.name.startswith(("is_", "has_", "source_is_"))
    if is_instant != (column.type == "TIMESTAMP"):
        yield "instants, and nothing else, end in _ts or _at"
    if column.name.endswith("_date") != (column.type == "DATE"):
        yield "dates, and nothing else, end in _date"
    if is_flag != (column.type == "BOOLEAN"):
        yield "flags, and nothing else, begin with is_ or has_"
    if "minutes" in column.name and not column.name.endswith(("_business_minutes", "_calendar_minutes")):
        yield "minutes say of which clock: _business_minutes or _calendar_minutes"
    unit = unit_of(column)
    if unit in BOUNDS and (column.at_least, column.at_most) != BOUNDS[unit]:
        yield f"a figure in {unit} is bounded by {BOUNDS[unit]}"
    if len(column.description) < 6:
        yield "a description"


def test_names_kinds_and_units_agree() -> None:
    wrong = [f"{column.name}: {offence}" for column in COLUMNS.values() for offence in offences(column)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("column", "why"),
    [
        (Column("closed", "TIMESTAMP", "When it was closed"), "instants"),
        (Column("intake_ts", "DATE", "When it came in"), "instants"),
        (Column("opened", "DATE", "When it came in"), "dates"),
        (Column("reopened", "BOOLEAN", "Was it reopened"), "flags"),
        (Column("first_touch_minutes", "VARCHAR", "How long it took"), "minutes"),
        (Column("breach_pct", "DOUBLE", "Breaches of cases", at_least=0), "bounded"),
        (Column("tier", "VARCHAR", ""), "description"),
    ],
)
def test_a_bad_name_is_seen(column: Column, why: str) -> None:
    assert why in " ".join(offences(column))


def test_a_figure_without_a_unit_is_refused() -> None:
    with pytest.raises(LookupError, match="carries no unit"):
        unit_of(Column("resolution", "DOUBLE", "How long it took"))


def test_a_column_is_the_same_in_every_table() -> None:
    meanings: dict[str, set[tuple[object, ...]]] = {}
    for table in TABLES.values():
        for column in table.columns:
            meanings.setdefault(column.name, set()).add((column.type, column.description, column.values, column.at_least, column.at_most))
    assert not {name for name, found in meanings.items() if len(found) > 1}


def test_a_column_of_one_area_stands_with_the_area() -> None:
    alone = sorted(name for name in SHARED if len(AREAS_OF.get(name, ())) < 2)
    assert not alone, f"in catalog/columns.py, but of one area or of none: {', '.join(alone)}"


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.name)
def test_every_column_of_an_area_is_used_there(area: Area) -> None:
    own = getattr(import_module(f"opsla_dagster.catalog.{area.name}"), "COLUMNS", [])
    used = {column.name for table in area.tables for column in table.columns}
    assert not {column.name for column in own} - used
    assert not {column.name for column in own} & set(SHARED)
