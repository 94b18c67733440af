"""SQL that Spark would read otherwise is refused by line and words; what is left is translated with the same value."""

from __future__ import annotations

import duckdb
import pytest
from effort import takes_minutes
from sqlglot import exp

from opsla_dagster.errors import OpslaError
from opsla_dagster.warehouse.portability import INSTEAD, LANGUAGE, check, offences, to_spark

#: What is refused -> the class, or the class and its argument, whose advice is given.
REFUSED: dict[str, type[exp.Expr] | tuple[type[exp.Expr], str]] = {
    "select histogram(a) from raw.cases": exp.Anonymous,
    "select epoch_us(a, b) from raw.cases": exp.Anonymous,
    "select hash(case_id) from raw.cases": exp.Anonymous,
    "select reduce_it(a) from raw.cases": exp.Anonymous,
    "select a[1] from raw.cases": (exp.Bracket, "this"),
    "select unnest(a) from raw.cases": exp.Explode,
    "select a from raw.cases, unnest([1, 2]) as t": exp.Unnest,
    "select a from generate_series(1, 3) as t": exp.GenerateSeries,
    "select a from raw.cases, (values (1), (2)) as v": exp.Values,
    "select try_cast(a as date) from raw.cases": exp.TryCast,
    "select extract('hour' from a) from raw.cases": exp.Extract,
    "select dayofweek(a) from raw.cases": exp.DayOfWeek,
    "select isodow(a) from raw.cases": exp.DayOfWeekIso,
    "select date_add(a, interval 1 day) from raw.cases": exp.DateAdd,
    "select a ilike 'b' from raw.cases": exp.ILike,
    "select a like 'b%' from raw.cases": exp.Like,
    "select regexp_matches(a, 'b') from raw.cases": exp.RegexpLike,
    "select a from raw.cases qualify row_number() over (order by a) = 1": exp.Qualify,
    "select median(a) from raw.cases": exp.Median,
    "select quantile(a, 0.5) from raw.cases": exp.Quantile,
    "select quantile_disc(a, 0.5) from raw.cases": exp.PercentileDisc,
    "select approx_quantile(a, 0.5) from raw.cases": exp.ApproxQuantile,
    "select approx_count_distinct(a) from raw.cases": exp.ApproxDistinct,
    "select a % 7 from raw.cases": exp.Mod,
    "select a ** 2 from raw.cases": exp.Pow,
    "select any_value(a) from raw.cases": exp.AnyValue,
    "select first(a) from raw.cases": exp.First,
    "select last(a) from raw.cases": exp.Last,
    "select random() from raw.cases": exp.Rand,
    "select current_timestamp from raw.cases": exp.CurrentTimestamp,
    "select current_date from raw.cases": exp.CurrentDate,
    "select a between 1 and 2 from raw.cases": exp.Between,
    "select a from raw.cases as x, lateral (select x.a + 1 as b) as y": exp.Lateral,
    "select a from raw.cases pivot (sum(a) for b in (1, 2))": exp.Pivot,
    "select a from raw.cases intersect select a from raw.cases": exp.Intersect,
    "select a from raw.cases except select a from raw.cases": exp.Except,
    "select unicode(a) from raw.cases": exp.Unicode,
    "select * replace (a + 1 as a) from raw.cases": (exp.Star, "replace"),
    "select cases.* replace (a + 1 as a) from raw.cases as cases": (exp.Star, "replace"),
    "select * exclude (a) from raw.cases": (exp.Star, "except_"),
    "select * rename (a as b) from raw.cases": (exp.Star, "rename"),
    "select raw.cases.case_id from raw.cases": (exp.Column, "db"),
    "select a from warehouse.raw.cases": (exp.Table, "catalog"),
    "select a from raw.cases using sample 10": exp.TableSample,
    "select a from epoch_us(3) as t": (exp.Table, "this"),
    "select a from raw.cases as t(a)": (exp.TableAlias, "columns"),
    "select a from raw.cases as x join raw.events_log as y using (case_id)": (exp.Join, "using"),
    "select a from raw.cases as x natural join raw.events_log as y": (exp.Join, "method"),
    "select a from raw.cases as x asof join raw.events_log as y on x.a >= y.a": (exp.Join, "method"),
    "select a from raw.cases as x semi join raw.events_log as y on x.a = y.a": (exp.Join, "kind"),
    "select a from raw.cases as x right join raw.events_log as y on x.a = y.a": (exp.Join, "side"),
    "select a from raw.cases where a not in (select a from raw.events_log)": (exp.In, "query"),
    "select distinct on (a) a, b from raw.cases": (exp.Distinct, "on"),
    "with recursive n as (select 1 as a union all select a + 1 from n) select a from n": (exp.With, "recursive"),
    "select a, count(*) from raw.cases group by all": (exp.Group, "all"),
    "select a, count(*) from raw.cases group by cube (a)": exp.Cube,
    "select a, count(*) from raw.cases group by rollup (a)": exp.Rollup,
    "select a from raw.cases union all by name select a from raw.cases": (exp.Union, "by_name"),
    "select count(distinct (a, b)) from raw.cases": (exp.Count, "this"),
    "select count(distinct a) over (partition by b) from raw.cases": (exp.Count, "this"),
    "select grouping(a, b) from raw.cases group by grouping sets ((a), (b))": (exp.Grouping, "expressions"),
    "select quantile_cont(a, b) from raw.cases": (exp.PercentileCont, "expression"),
    "select sum(a) filter (where b) over (partition by c) from raw.cases": (exp.Window, "this"),
    "select lag(a, 2) over (order by b) from raw.cases": (exp.Lag, "offset"),
    "select rank() over (order by b) from raw.cases": exp.Rank,
    "select dense_rank(a) over (order by b) from raw.cases": (exp.DenseRank, "expressions"),
    "select a + interval (b) second from raw.cases": (exp.Interval, "this"),
    "select a + interval 1 month from raw.cases": (exp.Var, "this"),
    "select a + interval 1 week from raw.cases": (exp.Var, "this"),
    "select cast(a as hugeint) from raw.cases": (exp.DataType, "this"),
    "select cast(a as timestamptz) from raw.cases": (exp.DataType, "this"),
    "select cast(a as integer) from raw.cases": (exp.DataType, "this"),
}
#: What both engines read, with another value -> words of the advice.
OTHER_VALUE = {
    "select cast(a / nullif(b, 0) as bigint) as whole from raw.cases": "Spark truncates",
    "with minutes as (select a / 60.0 as m from raw.cases) select cast(m as bigint) as whole from minutes": "Spark truncates",
    "select cast(first_touch_business_minutes as bigint) as whole from staging.case_sla_metrics": "Spark truncates",
    "select cast(1.5 * a as varchar) as words from raw.cases": "engines write them differently",
    "select cast(intake_ts as varchar) as words from raw.cases": "engines write them differently",
    "select first_touch_business_minutes // 60 as hours from staging.case_sla_metrics": "whole numbers on both sides",
    "select cast(b as date) - cast(a as date) as days from raw.cases": "date_diff",
    "select date_diff('day', intake_ts, $end_date) as days from raw.cases": "epoch_us",
    "select date_diff('week', $start_date, $end_date) as weeks from raw.cases": "date_diff('day'",
    "select date_trunc('month', intake_date) as month from raw.cases": "as date",
    "select avg(cast(a as decimal(18, 6))) as mean from raw.cases": "nullif(count",
    "select max_by(tier, intake_ts) as tier from raw.cases": "filter (where tier is not null)",
    "select max_by(tier, intake_ts) filter (where case_type is not null) as tier from raw.cases": "filter (where tier is not null)",
    "select max_by(tier, intake_ts) filter (where tier is not null or case_type = 'a') as tier from raw.cases": "filter (where tier is not null)",
    "select a = 'b\\c' as is_same from raw.cases": "backslash",
    "select lead(a ignore nulls) over (order by b) from raw.cases": "IgnoreNulls",
    "select sum(a) over (order by b groups between 1 preceding and current row) from raw.cases": "WindowSpec",
    "select x.a from raw.cases as x join lateral (select 1 as a) as y on true": "",
    "select (select max(a) from raw.cases) as a from raw.cases": "a CTE and a join",
    "select string_agg(a) from raw.cases": "",
    "select round(a, 2) from raw.cases": "Round",
    "select starts_with(a, b) from raw.cases": "StartsWith",
    "select a from raw.cases limit 3 offset 1": "",
    "select list_transform(a, lambda x: x + 1) from raw.cases": "",
    "select [1, 2] as a from raw.cases": "list functions differ",
    "select quantile_cont(a, [0.5, 0.9]) from raw.cases": "of several the first",
    "select quantile_cont(a, [0.5, 0.9])[0] from raw.cases": "of several the first",
    "select quantile_cont(a, [0.5, 0.9])[3] from raw.cases": "of several the first",
    "select quantile_cont(a, [0.5, 0.9])[1:2] from raw.cases": "",
    "select quantile_cont(a, [b, 0.9])[1] from raw.cases": "",
    "select (quantile_cont(a, [0.5, 0.9]))[1] from raw.cases": "begins with 1 in DuckDB",
    "select max(a order by b) from raw.cases": "min_by or max_by",
    "select sum(distinct a) from raw.cases": "select distinct",
    "select a from raw.cases where (a, b) in ((1, 2))": "each column by itself",
    "select interval 1 day as step from raw.cases": "seconds",
    "select a from raw.cases order by all": "",
    "select count(a, b) from raw.cases": "",
    "select a from raw.cases order by a collate nocase": "",
    "select a from 'cases.parquet'": "",
}
#: What is meant is let through, and what Spark is told instead.
TRANSLATED = {
    "select epoch_us(a) from raw.cases": "UNIX_MICROS(CAST(a AS TIMESTAMP_LTZ))",
    "select quantile_cont(a, 0.95) filter (where b) from raw.cases": "PERCENTILE(a, 0.95) FILTER(WHERE b)",
    "select quantile_cont(a, [0.5, 0.95])[2] / 60.0 as b from raw.cases": "CAST(PERCENTILE(a, ARRAY(0.5, 0.95))[1] AS DOUBLE) / CAST(60.0 AS DOUBLE)",
    "select a / nullif(b, 0) from raw.cases": "CAST(a AS DOUBLE) / CAST(NULLIF(b, 0) AS DOUBLE)",
    "select (epoch_us(b) - epoch_us(a)) // 1000000 from raw.cases": (
        "CAST(UNIX_MICROS(CAST(b AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(a AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)"
    ),
    "select a from raw.cases where d >= $start_date": ":start_date",
    "select cast(null as timestamp) as t from raw.cases": "CAST(NULL AS TIMESTAMP_NTZ)",
    "select max_by(tier, a) filter (where tier is not null and a > 1) from raw.cases": "MAX_BY(tier, a) FILTER(WHERE NOT tier IS NULL AND a > 1)",
    "select cast(round(a / nullif(b, 0)) as bigint) as w from raw.cases": "CAST(ROUND(CAST(a AS DOUBLE) / CAST(NULLIF(b, 0) AS DOUBLE)) AS BIGINT)",
    "select a from raw.cases order by a": "NULLS LAST",
    "select cast(date_trunc('month', a) as date) as m from raw.cases": "CAST(DATE_TRUNC('MONTH', a) AS DATE)",
    "select date_diff('day', $start_date, $end_date) as days from raw.cases": "DATEDIFF(DAY, :start_date, :end_date)",
}


@pytest.mark.parametrize("sql", REFUSED)
def test_what_the_list_does_not_hold_is_refused_with_what_to_write_instead(sql: str) -> None:
    assert INSTEAD[REFUSED[sql]] in {offence.instead for offence in offences(sql)}


@pytest.mark.parametrize("sql", OTHER_VALUE)
def test_what_has_another_value_in_spark_is_refused(sql: str) -> None:
    assert any(OTHER_VALUE[sql] in offence.instead for offence in offences(sql))


def test_every_advice_has_a_case_that_is_refused() -> None:
    assert set(INSTEAD) - set(REFUSED.values()) == set()


@pytest.mark.parametrize("sql", TRANSLATED)
def test_what_is_left_has_the_same_value(sql: str) -> None:
    assert TRANSLATED[sql] in " ".join(to_spark(sql, "a.sql").split())


def test_the_list_names_arguments_that_there_are() -> None:
    named = {(kind, name) for kind, allowed in LANGUAGE.items() for name in (*allowed.nodes, *allowed.only, *allowed.words, *allowed.texts)}
    assert [(kind.__name__, name) for kind, name in named if name not in kind.arg_types] == []


def test_a_refusal_names_file_line_and_words() -> None:
    sql = "-- One row is a case: ä, 漢字.\n-- Twice.\nselect\n    case_id, -- the id\n    any_value(tier) as tier\nfrom raw.cases\ngroup by case_id, raw.cases.tier\n"
    with pytest.raises(OpslaError) as refused:
        to_spark(sql, "sql/mart/tiers.sql")
    assert str(refused.value).splitlines() == [
        f"sql/mart/tiers.sql:5: `ANY_VALUE(tier)` is not portable to Spark SQL: write {INSTEAD[exp.AnyValue]}",
        f"sql/mart/tiers.sql:7: `raw.cases.tier` is not portable to Spark SQL: write {INSTEAD[exp.Column, 'db']}",
    ]


@pytest.mark.parametrize("sql", ["select 1; select 2", "drop table raw.cases", "select from where"])
def test_what_is_no_select_is_refused(sql: str) -> None:
    with pytest.raises(OpslaError):
        to_spark(sql, "a.sql")


@takes_minutes
def test_every_file_is_portable_and_its_spark_sql_current() -> None:
    """`make test` begins with `make check`, which does the same."""
    check()


def test_the_worked_case() -> None:
    """docs/decisions/0033-portable-sql.md, DuckDB's half."""
    connection = duckdb.connect()
    assert connection.execute("select cast(90 / 60.0 as bigint), cast(round(90 / 60.0) as bigint)").fetchone() == (2, 2)
    cases = "(select 'T1' as tier, timestamp '2025-07-07 09:00:00' as intake_ts union all select null, timestamp '2025-07-07 10:00:00')"
    plain, filtered = "max_by(tier, intake_ts)", "max_by(tier, intake_ts) filter (where tier is not null)"
    assert connection.execute(f"select {plain}, {filtered} from {cases}").fetchone() == ("T1", "T1")
    assert offences(f"select {plain} from raw.cases")
    assert not offences(f"select {filtered} from raw.cases")
