"""Every SQL file: one SELECT that says what one row is, takes its time as parameters, and gives the same rows every time.

That it gives the same rows on Spark is tests/unit/test_portability.py's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from house import CHECK_FILES, REPOSITORY, SQL_FILES, TABLE_FILES, named, parsed, statements, table_of
from sqlglot import exp

from opsla_dagster.catalog import TABLES, Kind
from opsla_dagster.warehouse.lineage import tables_read
from opsla_dagster.warehouse.sql import for_dates, header_comment
from opsla_dagster.window import Window, dates_of

Rule = Callable[[str], Iterator[str]]

#: What gives other rows on another day or another machine.
RESTLESS = re.compile(
    r"\b(current_\w+|localtime|localtimestamp)\b"
    r"|\b(now|today|getdate|transaction_timestamp|random|uuid|uuidv7|gen_random_uuid|setseed|nextval)\s*\(",
    re.IGNORECASE,
)

#: Which layers a layer's tables may be made from.
#: Kinds of tables whose rows are made, and judged, for dates.
DATED = (Kind.PARTITIONED, Kind.BY_DAY)
MAY_READ = {"staging": {"raw", "staging"}, "mart": {"staging", "mart", "ops"}, "ops": {"raw", "ops"}}


def one_select(sql: str) -> Iterator[str]:
    found = statements(sql)
    if len(found) != 1 or not isinstance(found[0], exp.Query):
        yield "one SELECT a file"


def same_rows_tomorrow(sql: str) -> Iterator[str]:
    yield from (f"{found.group()}: take the window or a column" for found in RESTLESS.finditer(code(sql)))


def window_is_the_only_parameter(sql: str) -> Iterator[str]:
    yield from sorted(parameters(sql) - {"$start_date", "$end_date"})
    if "?" in code(sql):
        yield "?: parameters have names"


def divisors_cannot_be_zero(sql: str) -> Iterator[str]:
    for division in parsed(sql).find_all(exp.Div, exp.IntDiv):
        divisor = division.expression.unnest()
        constant = isinstance(divisor, exp.Literal) and float(divisor.this) != 0
        if not constant and not isinstance(divisor, exp.Nullif):
            yield f"nullif(..., 0) around the divisor of {division.sql('duckdb')}"


def _named_window(window: exp.Window) -> exp.Window | None:
    """What `over name` stands for: the window of that name in the same SELECT."""
    select = window.find_ancestor(exp.Select)
    named = (select.args.get("windows") or []) if select is not None and window.alias else []
    return next((each for each in named if each is not window and each.name == window.alias), None)


def picking_a_row_needs_an_order(sql: str) -> Iterator[str]:
    picking = (exp.RowNumber, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue, exp.Ntile, exp.Rank, exp.DenseRank)
    for window in parsed(sql).find_all(exp.Window):
        if isinstance(window.this, picking) and not (_named_window(window) or window).args.get("order"):
            yield f"an order in {window.sql('duckdb')}"
    for limit in parsed(sql).find_all(exp.Limit):
        if limit.parent is not None and not limit.parent.args.get("order"):
            yield f"an order before {limit.sql('duckdb')}"


def only_tables_of_the_catalog(sql: str) -> Iterator[str]:
    yield from sorted(tables_read(sql) - set(TABLES))


#: Each rule with a SELECT that breaks it.
RULES: dict[Rule, str] = {
    one_select: "select 1; select 2",
    same_rows_tomorrow: "select case_id from raw.cases where intake_ts < now()",
    window_is_the_only_parameter: "select case_id from raw.cases where intake_ts < $as_of_at",
    divisors_cannot_be_zero: "select a / count(b) as rate from raw.cases",
    picking_a_row_needs_an_order: "select row_number() over (partition by case_id) as number from raw.cases",
    only_tables_of_the_catalog: "select case_id from staging.case",
}


def code(sql: str) -> str:
    """The SQL without its comments."""
    return re.sub(r"--.*", "", sql)


def parameters(sql: str) -> set[str]:
    return set(re.findall(r"\$\w+", code(sql)))


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_file_keeps_the_rule(rule: Rule) -> None:
    found = ((path, offence) for path in SQL_FILES for offence in rule(text_of(path)))
    # Rows do not depend on when a run looks; whether they may stay may.
    offences = [f"{named(path)}: {offence}" for path, offence in found if not (path in CHECK_FILES and offence == "$as_of_at")]
    assert not offences, "\n".join(offences)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_sees_what_it_forbids(rule: Rule) -> None:
    assert list(rule(RULES[rule]))


@pytest.mark.parametrize(
    "harmless",
    [
        "select a / nullif(count(b), 0) as rate, b // 60 as minutes from raw.cases -- now() is never read",
        "select today.intake_date from raw.cases as today where intake_date >= $start_date and intake_date < $end_date",
        "select lag(a) over (partition by b order by c) as before from raw.cases",
    ],
)
def test_the_rules_let_through_what_is_meant(harmless: str) -> None:
    assert [offence for rule in RULES for offence in rule(harmless)] == []


def test_a_table_says_what_one_row_is() -> None:
    silent = [named(path) for path in TABLE_FILES if not text_of(path).startswith("-- One row")]
    assert not silent, "the first line begins with `-- One row is ...`: " + ", ".join(silent)


def test_a_check_says_what_a_failure_means_and_where_to_look_first() -> None:
    silent = [
        named(path)
        for path in CHECK_FILES
        if not all(word in header_comment(path) for word in ("A failure means", "look first")) and path.stem != "gates"
    ]
    assert not silent


def test_every_table_has_a_golden_case() -> None:
    """tests/sql/<layer>/<table>/<behaviour>.yml: what the SELECT gives, worked by hand."""
    tested = {f"{path.parents[1].name}.{path.parent.name}" for path in (REPOSITORY / "tests" / "sql").glob("*/*/*.yml")}
    derived = {table_of(path) for path in TABLE_FILES}
    assert (derived - tested, tested - derived) == (set(), set())


def test_partitioned_tables_read_one_window_and_the_others_everything() -> None:
    wanted = {
        path: {"$start_date", "$end_date"} if TABLES[table_of(path)].kind in DATED else set() for path in TABLE_FILES
    }
    assert {path: parameters(text_of(path)) for path in TABLE_FILES} == wanted


def test_windows_are_spelled_so_that_dates_with_gaps_can_take_their_place() -> None:
    """`intake_date >= $start_date and intake_date < $end_date`, and nothing else of the two parameters in a table's file but a wider bound, which gaps may leave as it is."""
    gaps = dates_of([Window(date(2025, 7, 1), date(2025, 7, 3)), Window(date(2025, 7, 8), date(2025, 7, 9))])
    wider = re.compile(r"< cast\(\$end_date as timestamp\) \+ interval \d+ day|>= cast\(\$start_date as timestamp\) - interval \d+ day")
    assert not [named(path) for path in TABLE_FILES if parameters(wider.sub("", for_dates(text_of(path), gaps)))]
    about_dates = [path for path in CHECK_FILES if "$start_date" in parameters(text_of(path))]
    assert not [named(path) for path in about_dates if for_dates(text_of(path), gaps) == text_of(path)]


def test_layers_are_never_read_upwards() -> None:
    wrong = [
        f"{named(path)} reads {table}"
        for path in TABLE_FILES
        for table in sorted(tables_read(text_of(path)))
        if table.split(".")[0] not in MAY_READ[path.parents[1].name]
    ]
    assert not wrong, "\n".join(wrong)


def stars(select: exp.Query) -> bool:
    return any(column.is_star for column in select.selects)


def test_the_final_select_names_its_columns() -> None:
    assert not [named(path) for path in TABLE_FILES if stars(parsed(text_of(path)))]


def starred_selects(sql: str) -> list[str]:
    """The SELECTs anywhere in a query, CTEs and the parts of a union included, that do not name their columns."""
    return [select.sql("duckdb") for select in parsed(sql).find_all(exp.Select) if stars(select)]


def test_every_select_of_a_mart_names_its_columns() -> None:
    offences = [f"{named(path)}: {select}" for path in TABLE_FILES if path.parent.name == "mart" for select in starred_selects(text_of(path))]
    assert not offences, "\n".join(offences)


@pytest.mark.parametrize("part", ["select * from raw.cases", "select cases.* from raw.cases", "select 1 as a union all select * from raw.cases"])
def test_a_star_is_seen_wherever_it_stands(part: str) -> None:
    assert len(starred_selects(f"with early as ({part}) select a, count(*) as cases from early group by a")) == 1


def test_checks_of_tables_without_a_window_have_no_window() -> None:
    """A run of views alone, as the UI starts it, has no range of dates: such a check could not be asked."""
    windowless = [path for path in CHECK_FILES if table_of(path) in TABLES and TABLES[table_of(path)].kind not in DATED]
    assert windowless
    assert not [named(path) for path in windowless if "$start_date" in path.read_text(encoding="utf-8")]
