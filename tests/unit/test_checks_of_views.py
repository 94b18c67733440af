"""A view is computed once for its schema check and its count, and both are right."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
from small_desk import dated, desk_settings, july, log_of, make, with_sources

from opsla_dagster.assets.made_dates import unpublished_dates
from opsla_dagster.catalog.columns import COLUMNS
from opsla_dagster.catalog.model import Kind, Table
from opsla_dagster.checks.schema import ROWS_CHECKED, check_schema
from opsla_dagster.errors import OpslaError
from opsla_dagster.warehouse.write import replace_view
from opsla_dagster.window import Window

TABLE = Table(
    name="mart.any", kind=Kind.VIEW, grain="One row per case.", description="Any.", key=("case_id",),
    columns=(COLUMNS["case_id"], COLUMNS["intake_date"]),
)
SELECT = """
    select * from (values
        ('C1', date '2025-07-01'), ('C1', date '2025-07-01'), (null, date '2025-07-01'), ('C2', date '2025-07-02')
    ) as cases (case_id, intake_date)
"""


@pytest.mark.parametrize(("days", "rows", "repeated", "nulls"), [((1, 2), 3, 1, 1), ((2, 3), 1, 0, 0), (None, 4, 1, 1)])
def test_rows_and_broken_rules_of_the_dates_asked_for(days: tuple[int, int] | None, rows: int, repeated: int, nulls: int) -> None:
    window = Window(date(2025, 7, days[0]), date(2025, 7, days[1])) if days else None
    with duckdb.connect() as connection:
        connection.execute("create schema mart")
        counted = replace_view(connection, TABLE, SELECT, window=window)
        outcome = check_schema(connection, TABLE, window)
        told = replace_view(connection, TABLE, SELECT, lambda: 7, window)
    assert (counted, told) == (rows, 7)
    assert outcome.figures[ROWS_CHECKED] == rows
    assert outcome.figures.get("rows breaking unique (case_id)", 0) == repeated
    assert outcome.figures.get("rows breaking case_id not null", 0) == nulls
    assert outcome.passed == (not repeated and not nulls)


def test_a_view_is_judged_for_a_date_by_every_run_until_the_date_is_published(tmp_path: Path) -> None:
    """The run that found a date's rows wrong has made its tables: the next night makes another date, and would publish both."""
    log = tmp_path / "log.csv"
    stamps = "".join(f"A{day},New,2025-07-0{day} 14:00:00\nA{day},Done,2025-07-0{day} 16:00:00\n" for day in (1, 2))
    log.write_text(f"number,state,at\n{stamps}", encoding="utf-8")
    settings = with_sources(desk_settings(tmp_path, cases=1, gates=False), log_of(log))
    first, second, as_of_at = july(1, 1), july(2, 2), datetime(2025, 7, 4)
    not_published = dated(settings)
    make(settings, [first], as_of_at, only=not_published)
    with duckdb.connect(str(settings.home.warehouse)) as connection:
        # What a wrong query would do to a view by date: its rows of the first date are there twice.
        connection.execute("insert into staging.case_milestones select * from staging.case_milestones")
    with pytest.raises(OpslaError, match=r"staging\.\w+: schema failed .*unique \(case_id\)"):
        make(settings, [second], as_of_at)
    assert not settings.home.marts_database.exists()
    make(settings, [first, second], as_of_at)
    with duckdb.connect(str(settings.home.warehouse)) as connection:
        assert unpublished_dates(connection, settings.home.marts_database) == set()
    make(settings, [first], datetime(2025, 7, 5), only=not_published)
    with duckdb.connect(str(settings.home.warehouse)) as connection:
        assert unpublished_dates(connection, settings.home.marts_database) == {first.start}
