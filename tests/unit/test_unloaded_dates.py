"""Gaps between loaded intake dates are told wherever a figure of then could be taken for one."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
from reporting_marts import SETTINGS, summary_of, write_marts
from rich.console import Console

from opsla_dagster.reporting.closing import headline_table
from opsla_dagster.reporting.headline import headline
from opsla_dagster.reporting.marts import published
from opsla_dagster.reporting.report import write_report
from opsla_dagster.reporting.unloaded import unloaded_dates


@pytest.mark.parametrize(
    ("loaded", "told"),
    [
        ([], ""),
        (["2025-07-01"], ""),
        (["2025-07-01", "2025-07-02"], ""),
        (["2025-07-01", "2025-07-03"], "The intake date 2025-07-02 is not loaded: "),
        (["2025-12-27", "2026-11-29"], "336 intake dates from 2025-12-28 to 2026-11-28 are not loaded: "),
        (["2025-07-01", "2025-07-03", "2025-07-06"], "3 intake dates from 2025-07-02 to 2025-07-05 are not loaded: "),
    ],
)
def test_dates_between_the_first_and_the_last_loaded_one(loaded: list[str], told: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema ops; create table ops.refreshed_partitions (source varchar, intake_date date)")
        for source in ("desk", "log"):  # a date that one of them has is loaded
            connection.executemany("insert into ops.refreshed_partitions values (?, ?)", [[source, day] for day in loaded] or [["", None]])
        connection.execute("delete from ops.refreshed_partitions where intake_date is null or (source = 'log' and intake_date = '2025-07-03')")
        found = unloaded_dates(connection)
    assert found.startswith(told)
    assert bool(found) == bool(told)
    if "336" in told:
        assert "`opsla run --start 2025-12-28 --end 2026-11-29`" in found


def test_the_report_and_the_end_of_a_run_tell_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    marts = write_marts(tmp_path / "marts.duckdb")
    with duckdb.connect(str(marts)) as connection:
        connection.execute("create schema if not exists ops; create or replace table ops.refreshed_partitions as select 'desk' as source, day as intake_date, 1 as events from (values (date '2025-07-01'), (date '2025-07-03')) as days(day)")
    told = "The intake date 2025-07-02 is not loaded: "
    assert told in write_report(marts, None, tmp_path / "report.html", SETTINGS).read_text(encoding="utf-8")
    with published(marts) as connection:
        measured = headline(connection, SETTINGS)
    Console(width=400).print(headline_table(summary_of(marts).model_copy(update={"headline": measured}), "opsla"))
    assert re.search(rf"Not loaded +{told}", capsys.readouterr().out)
